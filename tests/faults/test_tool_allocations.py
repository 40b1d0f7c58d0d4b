#!/usr/bin/python3
"""Each allocation of a tool fails in turn, alone, or with all after it: the
answer is the right one, or trouble with a word about it, and no secret; and a
change is made as a whole or not at all.

Most are libcrypto's, made over and over by the same callers. The first of
each place is what fails, and of the others one in so many.
"""

import json
import os
import pwd
import re
import subprocess
import time

import verbs
import fo

import sample
import tap
import test_audit
from test_verb_calls import check_truth

ALLOC = fo.BUILD.resolve() / "tests" / "faults" / "alloc.so"
ASKPASS = fo.BUILD.resolve() / "tools" / "askpass" / "fo-askpass"
TARGET = "pam://bastion/sshd/deploy"
VERIFY = ("proof", "verify", "--htm", "PAM", "--htu", TARGET, "--max-age",
          "300")
PROMPT = f"[FirstOps DPoP htu={TARGET} nonce={fo.NONCE}] Password or proof: "

# A deep run takes one in so many of those that are no place's first, and of
# all one in so many with all after it.
STRIDE = 97
ALL_AFTER = 4 if verbs.DEEP else 1


class Short:
    """What a stage does besides, whose verb is refused memory."""

    program = fo.FO
    troubles = (3,)  # how it ends for want of memory
    speaks = "fo"  # how it begins what it says then
    places = 20  # so many are taken by a run that is not deep
    writes = True
    input = ""

    def __init__(self, *words):
        super().__init__()
        self.said = [str(w).replace("SCENE", str(self.scene)) for w in
                     ((self.program, *words) if words else self.argv)]
        self.key = self.scene / "first.pem"
        self.usual = None

    def short_of(self, which, **more):
        """Run it with this allocation refused."""
        done = subprocess.run(
            self.said, input=self.input, capture_output=True, text=True,
            errors="replace", cwd=self.dir, timeout=120, umask=self.umask,
            env={**self.env, "LD_PRELOAD": str(ALLOC), "FAULT_ALLOC": which,
                 **more})
        assert done.returncode >= 0, (which, done)
        return done

    def again(self):
        """As it was before the verb was run."""
        if self.writes:
            self.reset()

    def begin(self):
        """What comes of it with enough memory."""
        if self.usual is None:
            self.again()
            self.usual = self.short_of("0")
            assert self.usual.returncode == 0, self.usual
        return self

    def numbers(self):
        """Which allocations are to fail."""
        count, firsts = self.dir / "count", self.dir / "firsts"
        self.again()
        self.short_of("0", FAULT_ALLOC_COUNT=str(count),
                      FAULT_ALLOC_PLACES=str(firsts))
        first = sorted(map(int, firsts.read_text().split()))
        count = int(count.read_text())
        taken = sample.some(self.places, first)
        if verbs.DEEP:
            taken += range(1 + sample.first(STRIDE), count + 1, STRIDE)
        print(f"# {len(taken)} of {count} allocations, {len(first)} places")
        return taken

    def check_trouble(self, answer):
        """It could not do it, and says so."""
        check_truth(self, self.is_done(), answer.stderr)


class Tool(Short, verbs.Create):
    """A tool, and an agent's key for it to use."""


class Reads(Tool):
    """One that changes nothing."""

    writes = False

    def check_trouble(self, answer):
        pass


def sweep(judge, make):
    """Fail everywhere; judge(tool, answer) what was not refused."""
    if "asan" in fo.BUILD.name:
        tap.skip("a sanitizer has an allocator of its own")

    def fail(tool, which):
        tool.begin()
        tool.again()
        answer = tool.short_of(which)
        try:
            check(tool, answer, judge)
        except AssertionError as error:
            raise AssertionError(
                f"allocation {which} of {tool.said}:\n{answer.stdout}"
                f"{answer.stderr}[{answer.returncode}]\n{error}"
            ) from error
        return answer.returncode != 0

    tool = make()
    try:
        judge(tool, tool.begin().usual)
        numbers = tool.numbers()
        cases = [f"{n}" for n in numbers]
        cases += [f"{n}+" for n in numbers[::ALL_AFTER]]
    finally:
        tool.doCleanups()
    refused = sum(verbs.at_once(make, cases, fail))
    assert refused, "none was refused"
    print(f"# {len(cases)} runs, {refused} refusals")


def check(tool, answer, judge):
    tool.judge_secrets(answer)
    if answer.returncode == 0:
        judge(tool, answer)
        return
    assert answer.returncode in tool.troubles, "memory is no refusal"
    assert answer.stderr.startswith(tool.speaks), "it says nothing"
    tool.check_trouble(answer)
    if not tool.writes:
        nothing_changed(tool)


def nothing_changed(tool):
    assert tool.state() == tool.before


def same(tool, answer):
    """What it says with enough memory, a second sooner or later."""
    said, usual = (re.sub(r" since \S+", "", text)
                   for text in (answer.stdout, tool.usual.stdout))
    assert (said, answer.stderr) == (usual, "")
    nothing_changed(tool)


# ---- proofs -----------------------------------------------------------------

def proof(tool, answer):
    nothing_changed(tool)
    tool.ok(*VERIFY, input=answer.stdout)


class Signs(Reads):
    """One that prints a proof."""

    hands_over = True


def test_a_proof_is_whole_or_not_printed():
    sweep(proof, lambda: Signs("proof", "sign", "--key", "SCENE/first.pem",
                               "--htu", TARGET))


class Answers(Signs):
    """fo-askpass, asked by the ssh that it is for."""

    program = ASKPASS
    troubles = (1,)  # ssh would ask again for ever

    def __init__(self):
        super().__init__(PROMPT)
        self.env |= {"FO_TARGET": TARGET, "FO_TARGET_PID": str(os.getpid()),
                     "FO_PRIVATE_KEY_PATH": str(self.key)}


def answered(tool, answer):
    nothing_changed(tool)
    tool.ok(*VERIFY, "--nonce", fo.NONCE, input=answer.stdout)


def test_ssh_is_answered_with_a_whole_proof_or_not_at_all():
    sweep(answered, Answers)


class Verifies(Reads):
    """fo proof verify, of a proof that was made just now."""

    def __init__(self):
        super().__init__(*VERIFY)
        self.input = self.sign(TARGET, key=self.key)


def verified(tool, answer):
    nothing_changed(tool)
    assert answer.stdout.startswith("ok: a valid proof"), answer.stdout


def test_a_good_proof_is_not_called_a_bad_one():
    sweep(verified, Verifies)


class Decides(Short, verbs.Stage):
    """fo verify, which decides as PAM does."""

    words = ("verify", "--service", "postgresql", "--account", "etl")
    made = 0

    def prepare(self):
        self.store()
        self.age_replay()
        self.agent("first", "--accounts", "etl", "--out",
                   self.scene / "first.pem")

    @property
    def input(self):
        """A fresh proof; spent ones are forgotten with the scene."""
        if time.monotonic() > self.made + 20:
            self.made = time.monotonic()
            self.proof = self.sign("pam://bastion/postgresql/etl",
                                   key=self.scene / "first.pem")
        return self.proof

    def spent(self):
        return list(self.run_folder.glob("replay/*/*/*"))

    def permits(self):
        return [e for e in self.new_events("auth") if e["res"] == "permit"]

    def check_trouble(self, answer):
        assert not self.permits(), "permitted, as the event says"


def decided(tool, answer):
    assert len(tool.permits()) == len(tool.spent()) == 1, answer
    assert answer.stdout.startswith("permitted"), answer.stdout


def test_want_of_memory_lets_nobody_in_and_is_no_denial():
    sweep(decided, Decides)


class Hook(Short, verbs.Stage):
    """fo hook claude, of what a rule forbids."""

    words = ("hook", "claude")
    troubles = (2,)  # anything else would be taken for a yes
    speaks = ("fo", "FirstOps: ")
    input = json.dumps({"tool_name": "Bash", "cwd": "/tmp",
                        "permission_mode": "default",
                        "tool_input": {"command": "rm -rf /"}})

    def prepare(self):
        self.store()
        sample = fo.TOP / "etc/firstops/policies.d/coding-agents.yaml"
        self.write(self.etc / "policies.d/coding-agents.yaml",
                   sample.read_text())
        self.agent("first", "--policies", "coding-agents", "--out",
                   self.scene / "first.pem")
        self.env["FO_PRIVATE_KEY_PATH"] = str(self.scene / "first.pem")

    def check_trouble(self, answer):
        assert all(e["res"] != "permit" for e in self.new_events("action"))


def blocked(tool, answer):
    said = json.loads(answer.stdout)["hookSpecificOutput"]
    assert said["permissionDecision"] == "deny", answer
    event, = tool.new_events("action")
    assert (event["res"], event["pol"], event["name"]) == \
        ("deny", "coding-agents/never-wipe", "first"), event


def test_a_hook_says_no_or_ends_as_one_that_blocks():
    sweep(blocked, Hook)


# ---- changes ----------------------------------------------------------------

def changed(tool, answer):
    """Done, without a word of trouble, and told once."""
    assert tool.is_done() and answer.stderr == ""
    assert len(tool.new_events(tool.ev)) == (tool.ev != "")


def writer(stage):
    """A verb that writes, refused memory."""
    return type(stage.__name__, (Short, stage), {})


def test_an_agent_is_created_as_a_whole_or_not_at_all():
    sweep(changed, Tool)


def test_an_agent_is_revoked_as_a_whole_or_not_at_all():
    sweep(changed, writer(verbs.Revoke))


def test_a_key_is_rotated_as_a_whole_or_not_at_all():
    sweep(changed, writer(verbs.Rotate))


def test_an_index_is_made_anew_or_it_is_said_that_it_is_not():
    sweep(changed, writer(verbs.Index))


def test_a_store_is_made_or_it_is_said_that_it_is_not():
    sweep(changed, writer(verbs.Init))


def test_folders_of_used_proofs_are_made_or_it_is_said_that_they_are_not():
    sweep(changed, writer(verbs.Replay))


def test_a_key_is_whole_or_not_there():
    sweep(changed, writer(verbs.Generate))


def test_a_target_is_added_or_it_is_said_that_it_is_not():
    sweep(changed, writer(verbs.Add))


def test_a_target_is_removed_or_it_is_said_that_it_is_not():
    sweep(changed, writer(verbs.Remove))


# ---- looking ----------------------------------------------------------------

CONFIG = ("--config", "SCENE/etc/firstops.yaml")


def sound(tool, answer):
    nothing_changed(tool)
    assert answer.stderr == "" and "ok" in answer.stdout


class Checks(Reads):
    """fo store check, which reads all of it."""

    places = 80

    def __init__(self):
        super().__init__("store", "check", *CONFIG)


def test_a_store_that_could_not_be_read_is_not_called_sound():
    sweep(sound, Checks)


def test_agents_are_listed_as_they_are_or_not_at_all():
    for more in ((), ("--json",)):
        sweep(same, lambda: Reads("agent", "list", *CONFIG, *more))


def test_an_agent_is_shown_as_it_is_or_not_at_all():
    for more in ((), ("--json",)):
        sweep(same, lambda: Reads("agent", "show", "first", *CONFIG, *more))


class Explains(Reads):
    """fo policy explain, of a login that is allowed."""

    def prepare(self):
        self.store()
        self.agent("first", "--accounts", "etl", "--out",
                   self.scene / "first.pem")


def test_policies_are_explained_as_they_are_or_not_at_all():
    for more in ((), ("--json",)):
        sweep(same, lambda: Explains(
            "policy", "explain", *CONFIG, "--principal", "first",
            "--service", "postgresql", "--account", "etl", *more))


class Audits(Reads):
    """fo audit, of a log of two principals."""

    def prepare(self):
        super().prepare()
        self.write(self.scene / "log", "".join(
            test_audit.line(text) for text in (
                test_audit.event(), test_audit.event(**test_audit.DENIED),
                test_audit.event(ev="action", res="error", why="store"))))


def test_a_log_is_shown_and_counted_as_it_is_or_not_at_all():
    for more in ((), ("--json",), ("--summary",), ("--summary", "--json"),
                 ("--chart",), ("--format", "ocsf"), ("--format", "ecs")):
        sweep(same, lambda: Audits("audit", "SCENE/log", *CONFIG, *more))


def test_a_thumbprint_is_right_or_not_printed():
    sweep(same, lambda: Reads("key", "thumbprint", "SCENE/first.pem"))


class Examines(Short, verbs.Stage):
    """fo doctor, on a machine on which nothing is broken."""

    places = 80
    writes = False
    stack = """\
auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup \
firstops-breakglass
auth [success=done cred_insufficient=ignore default=die] pam_firstops.so
@include common-auth
account [success=1 default=ignore] pam_succeed_if.so quiet user ingroup \
firstops-breakglass
account required pam_firstops.so
@include common-account
session required pam_firstops.so
"""

    @property
    def words(self):
        return ("doctor", "--root", self.scene / "root")

    def prepare(self):
        super().prepare()
        self.age_replay()
        me = pwd.getpwuid(os.geteuid()).pw_name
        self.write(self.config, re.sub(
            "services:\n.*?\n(?=\n|replay)", "services:\n  sshd: {nonce: "
            f"always, ask: reserved, user: {me}}}\n",
            self.config.read_text().replace("best_effort: []",
                                            "best_effort: [syslog]"),
            flags=re.S))
        root = self.scene / "root"
        for path, text in (
                ("usr/lib/security/pam_firstops.so", ""),
                ("etc/pam.d/common-auth", "auth required pam_unix.so\n"),
                ("etc/pam.d/common-account", "account required pam_unix.so\n"),
                ("etc/pam.d/sshd", self.stack),
                ("etc/pam.d/imap", self.stack),
                ("etc/pam.d/proftpd", self.stack),
                ("etc/default/saslauthd", "MECHANISMS=pam\n"),
                ("etc/dovecot/dovecot.conf", "!include conf.d/*.conf\n"),
                ("etc/dovecot/conf.d/a.conf",
                 "passdb {\ndriver = pam\nargs = %s\n}\n"),
                ("etc/proftpd/proftpd.conf", "Include /etc/proftpd/more/\n"),
                ("etc/proftpd/more/a", "<Global>\nAuthOrder mod_auth_pam.c*\n"
                 "</Global>\n<VirtualHost x>\n</VirtualHost>\n"),
                ("etc/passwd", "deploy:x:1:1::/home/deploy:/bin/sh\n"),
                ("etc/shadow", "deploy:*:1::::::\n"),
                ("home/deploy/.ssh/authorized_keys", "# none\n"),
                ("etc/ssh/sshd_config", "UsePAM yes\n"
                 "KbdInteractiveAuthentication yes\n"),
                ("etc/rsyslog.conf", 'module(load="imuxsock")\n'),
                ("etc/rsyslog.d/a.conf", 'module(load="imjournal")\n'),
                ("etc/systemd/journald.conf", "[Journal]\n"),
                ("etc/systemd/journald.conf.d/a.conf",
                 "[Journal]\nRateLimitBurst=5\n"),
                ("usr/lib/systemd/journald.conf.d/b.conf", "[Journal]\n"),
                ("run/systemd/journal/dev-log", "")):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / "dev").mkdir()
        (root / "dev/log").symlink_to(root / "run/systemd/journal/dev-log")

    def check_trouble(self, answer):
        pass


def test_a_machine_that_could_not_be_examined_is_not_called_well():
    sweep(same, Examines)


if __name__ == "__main__":
    tap.main()
