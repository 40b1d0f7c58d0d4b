#!/usr/bin/python3
"""fo hook and fo check: what coding agents are about to do is decided, in the
name of whose key it is, and nothing that goes wrong is a yes.

These agents go on after a hook that exits with 1 or 127, or is killed, or says
nothing, or what they cannot read. So each test judges an answer as they would,
by goes_on(), and FAULTS is the table of all that can go wrong: what is
answered, and what the event says. etc/services/coding-agents.md has the same
table.
"""

import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time
import types
import urllib.parse

import fo
import tap

VECTORS = json.loads((fo.TOP / "tests/vectors/hooks/payloads.json")
                     .read_text())["cases"]
SAMPLE = fo.TOP / "etc/firstops/policies.d/coding-agents.yaml"
PAGE = fo.TOP / "etc/services/coding-agents.md"
CALLS = fo.BUILD.resolve() / "tests/faults/calls"
SIGNER = fo.BUILD.resolve() / "tools/signer/fo-signer"
HOME = "/home/alice"
DEADLINE_S = 2
# This machine may do other things at the same time.
SLACK_S = 3

CHANNELS = """\
---
version: 1
policy: coding-agents
rules:
  - {rule: command, effect: allow, channel: command}
  - {rule: file, effect: allow, channel: file}
  - {rule: http, effect: allow, channel: http}
  - {rule: tool, effect: allow, channel: tool}
...
"""


def bash(command, **more):
    return {"tool_name": "Bash", "cwd": "/tmp", "permission_mode": "default",
            "tool_input": {"command": command}, **more}


def shell(command):
    return {"hook_event_name": "beforeShellExecution", "command": command,
            "cwd": "/tmp"}


ASKS = {"claude": bash, "cursor": shell}


def goes_on(agent, done):
    """What the coding agent does after this: allow, ask or deny."""
    if done.returncode == 2:
        return "deny"
    if done.returncode != 0:
        return "allow"
    try:
        said = json.loads(done.stdout)
        if agent == "claude":
            said = said["hookSpecificOutput"]
            return said.get("permissionDecision", "allow")
        return said["permission"]
    except (ValueError, KeyError, TypeError):
        return "allow"


def plain(value):
    """A value of an event as it was before it was written."""
    return None if value == "-" else urllib.parse.unquote(value)


def is_what(event, want):
    """Does the event say that, or as much of it as fits?"""
    value = event["what"]
    assert len(value) <= 56, value
    if value.endswith("%~"):
        return want.startswith(plain(value[:-2])) and len(value) > 50
    return plain(value) == want


class Case(fo.Case):
    """A store with the sample policy, and a person with a key."""

    def setUp(self):
        super().setUp()
        self.store()
        self.write(self.etc / "policies.d/coding-agents.yaml",
                   SAMPLE.read_text())
        self.key = self.dir / "key.pem"
        self.who = self.person("alice", self.key)
        self.env.update(FO_PRIVATE_KEY_PATH=str(self.key), HOME=HOME)
        self.env.pop("XDG_RUNTIME_DIR", None)

    def person(self, name, key):
        self.ok("key", "generate", "--out", key)
        return self.admin("human", "create", name, "--owner", "team-web",
                          "--accounts", name, "--policies", "coding-agents",
                          "--jwk", key).strip()

    def hook(self, agent, payload, *options, config=None, preexec=None,
             stdin=None, stdout=subprocess.PIPE, timeout=60, before=()):
        """Run the hook on a payload, or on a text; stdin instead of both."""
        text = payload if isinstance(payload, (str, bytes)) else \
            json.dumps(payload)
        data = text.encode() if isinstance(text, str) else text
        words = [*map(str, before), str(fo.FO), "hook", agent, *options,
                 "--config", str(config or self.config)]
        started = time.monotonic()
        process = subprocess.Popen(
            words, env=self.env, cwd=self.dir, preexec_fn=preexec,
            stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=stdout, stderr=subprocess.PIPE)
        out, err = process.communicate(data if stdin is None else None,
                                       timeout=timeout)
        return types.SimpleNamespace(
            returncode=process.returncode, seconds=time.monotonic() - started,
            stdout=(out or b"").decode(), stderr=(err or b"").decode())

    def actions(self):
        if not self.log.exists():
            return []
        return [e for e in self.events() if e["ev"] == "action"]

    def names_alice(self, event):
        self.assertEqual((event["id"], event["kind"], event["name"],
                          event["owner"]),
                         (self.who, "human", "alice", "team-web"), event)


class Payloads(Case):
    def ask(self, case):
        before = len(self.actions())
        done = self.hook(case["agent"], case.get("input", case.get("text")))
        events = self.actions()
        self.assertEqual(len(events), before + 1, done)
        return done, events[-1]

    def test_every_payload_is_answered_and_told_as_the_vectors_say(self):
        self.assertGreater(len(VECTORS), 80)
        for case in VECTORS:
            want = case["expect"]
            with self.subTest(case=case["case"], agent=case["agent"]):
                done, event = self.ask(case)
                self.assertEqual(goes_on(case["agent"], done),
                                 want["decision"], done)
                self.names_alice(event)
                self.assertEqual((event["svc"], event["act"], event["why"],
                                  event["pol"]),
                                 (case["agent"], want["act"], want["why"],
                                  want["rule"]), event)
                self.assertTrue(is_what(event, None if want["what"] == "-"
                                        else want["what"]), event)
                self.assertEqual(event["res"], {
                    "ok": "permit", "ask": "none", "policy": "deny"}.get(
                        want["why"], "error"))
                # what was not decided is told in both ways
                undecided = event["res"] == "error"
                self.assertEqual(done.returncode, 2 if undecided else 0, done)
                self.assertEqual(done.stderr != "", undecided, done)

    def test_every_payload_is_asked_about_in_its_channel(self):
        self.write(self.etc / "policies.d/coding-agents.yaml", CHANNELS)
        for case in VECTORS:
            channel = case["expect"]["channel"]
            with self.subTest(case=case["case"], agent=case["agent"]):
                done, event = self.ask(case)
                want = "-" if channel is None else f"coding-agents/{channel}"
                self.assertEqual(event["pol"], want, event)
                self.assertEqual(goes_on(case["agent"], done),
                                 "allow" if channel else "deny", done)

    def test_the_answer_has_the_reason_and_the_rule(self):
        for agent in ASKS:
            done = self.hook(agent, ASKS[agent]("rm -rf /"))
            said = json.loads(done.stdout)
            sid = self.actions()[-1]["sid"][:8]
            reason = ("FirstOps: policy: rule coding-agents/never-wipe says "
                      f"deny (ref {sid})")
            self.assertEqual(said, {
                "claude": {"hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": reason}},
                "cursor": {"permission": "deny", "user_message": reason,
                           "agent_message": reason}}[agent])
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_a_policy_allows_is_left_to_the_agents_own_permissions(self):
        done = self.hook("claude", bash("ls"))
        self.assertEqual(json.loads(done.stdout), {
            "hookSpecificOutput": {"hookEventName": "PreToolUse"}})
        done = self.hook("cursor", shell("ls"))
        self.assertEqual(json.loads(done.stdout), {"permission": "allow"})

    def test_with_approve_nobody_is_asked_about_what_a_policy_allows(self):
        done = self.hook("claude", bash("ls"), "--approve")
        self.assertEqual(json.loads(done.stdout), {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "allow",
                "permissionDecisionReason":
                "FirstOps: rule coding-agents/run-commands allows it"}})
        for command, want in (("rm -rf /", "deny"), ("git push", "ask")):
            done = self.hook("claude", bash(command), "--approve")
            self.assertEqual(goes_on("claude", done), want)

    def test_nothing_is_allowed_to_who_has_no_policy(self):
        self.admin("human", "edit", "alice", "--policies", "")
        for case in VECTORS:
            if case["expect"]["channel"] and "decision" in case["expect"]:
                done, event = self.ask(case)
                self.assertEqual(goes_on(case["agent"], done), "deny", case)
                self.assertEqual((event["why"], event["pol"]),
                                 ("policy", "-"))

    def test_the_event_is_of_the_promised_form(self):
        self.hook("claude", bash("rm -rf / # " + "x" * 5000))
        for payload in VECTORS[:10]:
            self.ask(payload)
        import world
        for line in self.log.read_text().splitlines():
            if line:
                world.check_event(line)

    def test_a_command_cannot_say_what_the_event_does_not(self):
        command = 'ls "a" \\ %41\n@cee:{"msg":"permitted"} \x1b[31m\u00e9'
        self.hook("claude", bash(command))
        text = [line for line in self.log.read_text().splitlines()
                if line][-1]
        self.assertTrue(all(" " <= c <= "~" for c in text), text)
        event = self.actions()[-1]
        self.assertTrue(is_what(event, command), event)
        self.assertIn("%0A@cee:{%22msg", event["what"])
        self.assertIn("command ls%20%22a%22%20%5C%20%2541%0A", event["msg"])

    def test_a_long_command_is_cut_and_the_rest_of_the_event_is_whole(self):
        self.hook("claude", bash("rm -rf / # token " + "s3cret" * 1000))
        event = self.actions()[-1]
        self.names_alice(event)
        self.assertEqual(event["pol"], "coding-agents/never-wipe")
        self.assertTrue(event["what"].endswith("%~"), event)
        self.assertEqual(len(event["what"]), 56)
        self.assertTrue(event["msg"].endswith("%~"), event)

    def test_who_runs_it_is_the_account_in_the_event(self):
        import pwd
        self.hook("claude", bash("ls"))
        event = self.actions()[-1]
        own = pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual((event["user"], event["ruser"]), (own, own))
        self.assertEqual(event["jkt"],
                         self.ok("key", "thumbprint", self.key).strip())

    def test_fo_audit_shows_what_was_asked_and_what_became_of_it(self):
        for payload in (bash("rm -rf /"), {
                "tool_name": "Read", "permission_mode": "default",
                "tool_input": {"file_path": "/home/alice/p/.env"}}, {
                "tool_name": "mcp__github__get_issue"}):
            self.hook("claude", payload)
        rows = self.ok("audit", "--principal", "alice", "--service",
                       "claude", str(self.log)).splitlines()
        self.assertEqual([" ".join(row.split()[2:]) for row in rows[1:]], [
            f"{result} alice team-web {action} claude root - "
            f"coding-agents/{rule} {what}" for result, action, rule, what in (
                ("deny: policy", "action", "never-wipe", "rm -rf /"),
                ("none: ask", "action: read", "ask-for-secrets",
                 "/home/alice/p/.env"),
                ("permit", "action: tool", "look-at-issues",
                 "mcp__github__get_issue"))])
        found = [json.loads(line) for line in self.ok(
            "audit", "--result", "none", "--json",
            str(self.log)).splitlines()]
        self.assertEqual([e["act"] for e in found], ["read"])
        ocsf = [json.loads(line) for line in self.ok(
            "audit", "--format", "ocsf", "--service", "claude",
            str(self.log)).splitlines()]
        self.assertEqual([o["disposition"] for o in ocsf],
                         ["Blocked", "Logged", "Allowed"])


class Files(Case):
    """What a path leads to counts, and not how it is written."""

    def setUp(self):
        super().setUp()
        self.home = self.dir / "home"
        self.work = self.home / "project"
        self.work.mkdir()
        (self.home / ".ssh").mkdir()
        self.keys = self.home / ".ssh/authorized_keys"
        self.keys.write_text("")
        self.env["HOME"] = str(self.home)

    def write_to(self, path, tool="Write"):
        done = self.hook("claude", {
            "tool_name": tool, "cwd": str(self.work),
            "permission_mode": "default",
            "tool_input": {"file_path": str(path)}})
        return goes_on("claude", done), self.actions()[-1]

    def denied(self, path, leads_to=None):
        said, event = self.write_to(path)
        self.assertEqual(said, "deny", event)
        self.assertEqual(event["pol"], "coding-agents/never-keys", event)
        self.assertTrue(is_what(event, str(leads_to or self.keys)), event)
        self.names_alice(event)

    def test_a_path_to_authorized_keys_is_one_however_it_is_written(self):
        for path in (self.keys, "../.ssh/authorized_keys",
                     "~/.ssh/authorized_keys", "~//.ssh/authorized_keys",
                     f"{self.work}/.././/.ssh/authorized_keys",
                     "./../project/../.ssh/authorized_keys"):
            with self.subTest(path=path):
                self.denied(path)

    def test_a_link_is_followed(self):
        (self.work / "notes").symlink_to(self.keys)
        (self.work / "folder").symlink_to(self.home / ".ssh")
        (self.work / "again").symlink_to("notes")
        self.denied("notes")
        self.denied("again")
        self.denied("folder/authorized_keys")
        self.denied("folder/new", self.home / ".ssh/new")

    def test_a_link_is_a_link_before_dots_are_taken_out(self):
        (self.home / ".ssh/deep").mkdir()
        (self.work / "link").symlink_to(self.home / ".ssh/deep")
        # by its text it is project/authorized_keys
        self.denied("link/../authorized_keys")

    def test_where_a_link_leads_nowhere_nothing_is_allowed(self):
        (self.work / "dangling").symlink_to(self.home / "none/at/all")
        said, event = self.write_to("dangling")
        self.assertEqual((said, event["why"], event["pol"]),
                         ("deny", "policy", "coding-agents/never-keys"))

    def test_home_is_that_of_the_process(self):
        self.env.pop("HOME")
        said, event = self.write_to("~/.ssh/authorized_keys")
        self.assertEqual(said, "deny", event)
        self.assertEqual(event["pol"], "coding-agents/never-keys", event)
        self.env["HOME"] = "not-absolute"
        said, event = self.write_to("~/.ssh/authorized_keys")
        self.assertEqual((said, event["why"]), ("deny", "format"), event)

    def test_other_files_of_the_person_are_theirs_to_write(self):
        said, event = self.write_to("notes.md")
        self.assertEqual(said, "allow", event)
        self.assertTrue(is_what(event, str(self.work / "notes.md")), event)


# ---- what can go wrong ------------------------------------------------------

FAULTS = []


class Fault:
    """Something that goes wrong, and what comes of it.

    name   as the page has it
    why    the event's reason
    says   what is said, on standard error or in the answer
    code   how the hook exits: 2, or 0 where it is a decision
    opens  does --fail-open go on?
    told   is there an event?
    syslog it goes there, for want of a configuration, and not to our file
    known  does it name the person?
    gives  what the hook is given; None: something to decide
    """

    def __init__(self, name, why, says, *, code=2, opens=False, told=True,
                 syslog=False, known=True, gives=None):
        self.name, self.why, self.says, self.code = name, why, says, code
        self.opens, self.told, self.syslog = opens, told, syslog
        self.known, self.gives = known, gives

    def __call__(self, prepare):
        self.prepare = prepare
        FAULTS.append(self)
        return prepare


# -- who asks

@Fault("there is no key", "not_found", "no private key", known=False)
def _(t):
    t.env.pop("FO_PRIVATE_KEY_PATH")


@Fault("the key cannot be read", "format", "not a regular file", known=False)
def _(t):
    t.key.unlink()
    t.key.mkdir()


@Fault("the key may be used by others", "format", "chmod 600", known=False)
def _(t):
    t.key.chmod(0o644)


@Fault("the signer was killed, and has the only key", "not_found",
       "no private key", known=False)
def _(t):
    t.signer().kill()


@Fault("the signer is stopped", "io", "did not sign within", known=False)
def _(t):
    t.signer().send_signal(signal.SIGSTOP)


@Fault("the signer waits for a person", "io", "did not sign within",
       known=False)
def _(t):
    t.signer("--confirm")


@Fault("the signer is locked", "locked", "locked", code=0, known=False)
def _(t):
    t.signer()
    message = b'{"op":"lock","passphrase":"a passphrase"}'
    with socket.socket(socket.AF_UNIX) as s, \
            open("/proc/self/ns/user", "rb") as own:
        s.connect(str(t.dir / "runtime/firstops/signer.sock"))
        socket.send_fds(s, [len(message).to_bytes(4, "big") + message],
                        [own.fileno()])
        t.assertIn(b'"ok":true', s.recv(8192))


@Fault("the key is nobody's", "unknown_key", "unknown_key", code=0,
       known=False)
def _(t):
    t.key.unlink()
    t.ok("key", "generate", "--out", t.key)


@Fault("the principal was deleted, and its link was not", "unknown_key",
       "no longer registered", code=0, known=False)
def _(t):
    (t.etc / "principals.d" / f"{t.who}.yaml").unlink()


@Fault("FO_AGENT_ID is another's", "unknown_key", "FO_AGENT_ID", code=0)
def _(t):
    t.env["FO_AGENT_ID"] = "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"


@Fault("the principal is suspended", "suspended", "suspended", code=0)
def _(t):
    t.admin("human", "suspend", "alice")


@Fault("the principal is revoked", "revoked", "revoked", code=0)
def _(t):
    t.admin("human", "revoke", "alice")


@Fault("the key has expired", "expired_key", "expired", code=0)
def _(t):
    path = t.etc / "principals.d" / f"{t.who}.yaml"
    t.write(path, re.sub(r"created: \S+", "created: 2019-01-01T00:00:00Z\n"
                         "    expires: 2020-01-01T00:00:00Z",
                         path.read_text()))


@Fault("the key is revoked", "revoked_key", "revoked", code=0)
def _(t):
    t.admin("human", "rotate", "alice", "--out", "new.pem", "--now")


# -- what is asked

BIG = json.dumps(bash("ls", more="x" * 10_000_000))


@Fault("the input is 10 MB", "too_long", "longer than", gives=BIG)
@Fault("the input is no JSON", "format", "not a JSON object", gives="\0\1 no")
@Fault("the input is empty", "format", "not a JSON object", gives="")
def _(t):
    pass


@Fault("the input never ends", "io", "it does not end")
def _(t):
    t.stdin = t.pipe()


@Fault("the input stops half way", "io", "it does not end")
def _(t):
    t.stdin = t.pipe(b'{"tool_name":"Bash","tool_input":{"comm')


@Fault("the input goes on for ever", "too_long", "longer than")
def _(t):
    endless = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
    t.addCleanup(endless.stdout.close)
    t.addCleanup(endless.wait)
    t.addCleanup(endless.kill)
    t.stdin = endless.stdout


@Fault("standard input is closed", "io", "Bad file descriptor")
def _(t):
    t.preexec = lambda: os.close(0)


# -- what is stood on

@Fault("there is no store", "config", "does not exist", opens=True,
       syslog=True, known=False)
def _(t):
    t.config.unlink()


@Fault("firstops.yaml cannot be understood", "config", "firstops.yaml:",
       opens=True, syslog=True, known=False)
def _(t):
    t.write(t.config, t.config.read_text() + "more: 1\n")


@Fault("the store cannot be read", "store", "not a folder", opens=True,
       known=False)
def _(t):
    (t.etc / "keys.d").rename(t.etc / "gone")
    (t.etc / "keys.d").write_text("")


@Fault("the principal's file is torn", "store", ".yaml", opens=True,
       known=False)
def _(t):
    path = t.etc / "principals.d" / f"{t.who}.yaml"
    t.write(path, path.read_text().replace("...\n", ""))


@Fault("a policy cannot be understood", "store", "coding-agents.yaml",
       opens=True)
def _(t):
    t.write(t.etc / "policies.d/coding-agents.yaml", "rules: [\n")


@Fault("a policy is missing", "store", "coding-agents", opens=True)
def _(t):
    (t.etc / "policies.d/coding-agents.yaml").unlink()


@Fault("others may write to a policy", "store", "writable by group",
       opens=True)
def _(t):
    (t.etc / "policies.d/coding-agents.yaml").chmod(0o666)


@Fault("the events' folder is missing", "audit", "does not exist",
       told=False)
def _(t):
    t.set_sink(t.dir / "none/at/all/log")


@Fault("the events' file system is full", "audit", "No space left",
       told=False)
def _(t):
    if os.geteuid() != 0:
        tap.skip("needs root to mount")
    full = t.dir / "full"
    full.mkdir()
    t.set_sink(full / "log")
    t.before = ("unshare", "-m", "sh", "-c",
                'mount -t tmpfs -o mode=755,size=64k tmpfs "$0" &&'
                ' { cat /dev/zero >"$0/ballast" 2>&-; :; } && exec "$@"',
                full)


@Fault("the events' file is at its limit (ulimit -f)", "audit",
       "File too large", told=False)
def _(t):
    t.log.write_bytes(b"\n" * 100_000)
    t.preexec = lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                           (100_000, 100_000))


@Fault("no descriptor is left (ulimit -n)", "config", "open files",
       syslog=True, known=False)
def _(t):
    t.preexec = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))


# -- where the answer goes

@Fault("standard output is full", "ok", "could not be written")
def _(t):
    t.stdout = open("/dev/full", "wb")
    t.addCleanup(t.stdout.close)


@Fault("standard output is closed", "ok", "could not be written")
def _(t):
    t.preexec = lambda: os.close(1)


@Fault("nobody reads standard output", "ok", "could not be written")
def _(t):
    reader, writer = os.pipe()
    os.close(reader)
    t.stdout = os.fdopen(writer, "wb")
    t.addCleanup(t.stdout.close)


@Fault("standard output is at its limit (ulimit -f)", "ok",
       "could not be written")
def _(t):
    path = t.dir / "out"
    path.write_bytes(b"\n" * 3_000_000)
    t.stdout = open(path, "ab")
    t.addCleanup(t.stdout.close)
    t.preexec = lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                           (2_000_000, 2_000_000))


@Fault("standard error is closed", "policy", "", code=0)
def _(t):
    t.command = "rm -rf /"
    t.preexec = lambda: os.close(2)


@Fault("standard error is closed, and there is no key", "not_found", "",
       known=False)
def _(t):
    t.env.pop("FO_PRIVATE_KEY_PATH")
    t.preexec = lambda: os.close(2)


class Stage(Case):
    """On which something goes wrong."""

    def setUp(self):
        super().setUp()
        self.jkt = self.ok("key", "thumbprint", self.key).strip()
        self.command = "ls"
        self.preexec, self.stdin, self.before = None, None, ()
        self.stdout = subprocess.PIPE

    def library(self, text):
        """A library that stands before others."""
        if "asan" in fo.BUILD.name:
            tap.skip("a sanitizer has to stand before all others")
        path = self.dir / "before.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", path, "-"],
                       input=text, text=True, check=True)
        return path

    def signer(self, *options):
        """One that has the key; no file has it any more."""
        folder = self.dir / "runtime"
        folder.mkdir(mode=0o700)
        askpass = self.program("askpass", "#!/bin/sh\nexec sleep 60\n")
        self.env["XDG_RUNTIME_DIR"] = str(folder)
        self.env.pop("FO_PRIVATE_KEY_PATH")
        daemon = subprocess.Popen(
            [SIGNER, "--askpass", askpass], env=self.env, cwd=self.dir,
            stdin=subprocess.DEVNULL)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        end = time.monotonic() + 20
        while self.fo("signer", "list").returncode != 0:
            self.assertLess(time.monotonic(), end, "the signer did not start")
            time.sleep(0.02)
        self.ok("signer", "add", *options, self.key)
        self.key.unlink()
        return daemon

    def pipe(self, data=b""):
        """What stays open, with that in it."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        self.addCleanup(os.close, reader)
        os.write(writer, data)
        return reader

    def set_sink(self, path):
        text = self.config.read_text()
        self.write(self.config, text.replace(f"file:{self.log}",
                                             f"file:{path}"))

    def ask(self, fault, agent, *options):
        payload = ASKS[agent](self.command) if fault.gives is None else \
            fault.gives
        return self.hook(agent, payload, *options, preexec=self.preexec,
                         stdin=self.stdin, stdout=self.stdout,
                         before=self.before)

    def ask_and_read(self, fault, agent, *options):
        """What became of it, and its events."""
        before = len(self.actions())
        done = self.ask(fault, agent, *options)
        self.assertLess(done.seconds, DEADLINE_S + SLACK_S)
        return done, self.actions()[before:]

    def check_event(self, fault, agent, event):
        self.assertEqual((event["why"], event["svc"]), (fault.why, agent))
        if fault.known:
            self.names_alice(event)
        else:
            self.assertEqual((event["id"], event["name"]), ("-", "-"))
        if fault.gives is None and self.stdin is None and \
                self.preexec is None:
            self.assertEqual((event["act"], event["what"]),
                             ("command", self.command))

    def check_shut(self, fault, agent, *options):
        """It is no yes, says why, and is told."""
        done, events = self.ask_and_read(fault, agent, *options)
        self.assertEqual(goes_on(agent, done), "deny", done)
        self.assertEqual(done.returncode, fault.code, done)
        self.assertIn(fault.says, done.stderr + done.stdout)
        told = fault.told and not fault.syslog
        self.assertEqual(len(events), 1 if told else 0, events)
        for event in events:
            self.check_event(fault, agent, event)
            self.assertNotIn("fail-open", event["pol"] + event["msg"])

    def check_open(self, fault, agent):
        """It goes on, as if there were no hook, and the event says so."""
        done, events = self.ask_and_read(fault, agent, "--fail-open")
        self.assertEqual((done.returncode, goes_on(agent, done)),
                         (0, "allow"), done)
        self.assertIn("--fail-open", done.stderr)
        self.assertIn(fault.says, done.stderr)
        self.assertEqual(len(events), 1, events)
        self.check_event(fault, agent, events[0])
        self.assertEqual((events[0]["pol"], events[0]["res"]),
                         ("--fail-open", "error"))
        self.assertIn("goes on undecided with command ls: ",
                      events[0]["msg"])
        self.assertEqual(events[0]["jkt"], self.jkt)


class Faults(Case):
    def on_stage(self, fault, check):
        """Each on a stage of its own."""
        stage = Stage("run")
        try:
            stage.setUp()
            with self.subTest(fault=fault.name):
                fault.prepare(stage)
                check(stage)
        finally:
            stage.doCleanups()

    def test_nothing_that_goes_wrong_is_a_yes(self):
        def check(stage):
            for agent in ASKS:
                stage.check_shut(fault, agent)
        for fault in FAULTS:
            self.on_stage(fault, check)

    def test_fail_open_goes_on_with_our_own_trouble_alone(self):
        def check(stage):
            for agent in ASKS:
                if fault.opens:
                    stage.check_open(fault, agent)
                else:
                    stage.check_shut(fault, agent, "--fail-open")
        for fault in FAULTS:
            # e2e/test_coding_agents has a syslog
            if not fault.syslog:
                self.on_stage(fault, check)

    def test_the_page_has_the_same_table(self):
        table = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$",
                           PAGE.read_text(), re.M)
        rows = {row[0]: row[1:] for row in table}
        for fault in FAULTS:
            with self.subTest(fault=fault.name):
                self.assertEqual(rows[fault.name], (
                    "exit code 2" if fault.code == 2 else "deny",
                    f"`{fault.why}`" if fault.told else "none",
                    "goes on" if fault.opens else "no"))


class Calls(Case):
    def test_no_call_of_the_kernel_that_fails_makes_a_yes(self):
        """Each one in turn, once the program has begun."""
        if "asan" in fo.BUILD.name:
            tap.skip("a sanitizer makes calls of its own")
        log = self.dir / "calls"
        self.hook("claude", bash("rm -rf /"), before=(CALLS, "-o", log, "--"))
        lines = [line.split("\t") for line in log.read_text().splitlines()]
        began = next(i for i, c in enumerate(lines) if c[1] == "rt_sigaction")
        numbers = [int(c[0]) for c in lines[began:]
                   if c[1] != "-"]
        self.assertGreater(len(numbers), 40)
        for number in numbers:
            done = self.hook("claude", bash("rm -rf /"), before=(
                CALLS, "-n", f"{number}={errno.EIO}", "--"))
            self.assertEqual(goes_on("claude", done), "deny", (number, done))


class FailOpen(Stage):
    """What it lets go on, and what not, where the two could be taken for one
    another."""

    def setUp(self):
        super().setUp()
        self.policy = self.etc / "policies.d/coding-agents.yaml"

    def test_a_rules_no_and_a_persons_question_are_decisions(self):
        done = self.hook("claude", bash("rm -rf /"), "--fail-open")
        self.assertEqual(goes_on("claude", done), "deny")
        done = self.hook("claude", bash("git push"), "--fail-open")
        self.assertEqual(goes_on("claude", done), "ask")
        done = self.hook("claude", {"tool_name": "Unknown"}, "--fail-open")
        self.assertEqual(goes_on("claude", done), "deny")

    def test_what_is_asked_has_to_be_known_where_the_store_is_not(self):
        self.policy.write_text("broken: [")
        for payload in (
                bash(["ls"]), {"tool_name": "Bash"},
                '{"tool_name":"Bash","tool_input":{"command":"ls\\u0000"}}',
                {"tool_name": "Read", "tool_input": {"file_path": "a"}}):
            with self.subTest(payload=payload):
                before = len(self.actions())
                done = self.hook("claude", payload, "--fail-open")
                self.assertEqual(goes_on("claude", done), "deny", done)
                event = self.actions()[before]
                self.assertNotEqual(event["pol"], "--fail-open", event)
                self.assertNotIn("undecided", event["msg"])

    def test_no_length_of_a_command_hides_that_it_went_on(self):
        self.policy.write_text("broken: [")
        done = self.hook("claude", bash("ls " + "x" * 5000), "--fail-open")
        self.assertEqual(goes_on("claude", done), "allow", done)
        event = self.actions()[-1]
        self.assertEqual(event["pol"], "--fail-open")
        self.assertIn("goes on undecided", event["msg"])

    def test_it_approves_nothing(self):
        self.policy.write_text("broken: [")
        done = self.hook("claude", bash("ls"), "--fail-open", "--approve")
        self.assertEqual(json.loads(done.stdout), {
            "hookSpecificOutput": {"hookEventName": "PreToolUse"}})

    def test_who_collects_logs_is_not_told_that_it_was_blocked(self):
        self.policy.write_text("broken: [")
        self.hook("claude", bash("ls"), "--fail-open")
        self.hook("claude", bash("ls"))
        said = [json.loads(line) for line in self.ok(
            "audit", "--format", "ocsf", "--service", "claude",
            str(self.log)).splitlines()]
        self.assertEqual([(o["action"], o["disposition"]) for o in said],
                         [("Observed", "Logged"), ("Denied", "Error")])

    def test_an_edit_that_was_made_already_is_told_as_that(self):
        payload = {"hook_event_name": "afterFileEdit",
                   "file_path": "/home/alice/.ssh/authorized_keys"}
        self.hook("cursor", payload)
        self.assertRegex(
            self.actions()[-1]["msg"], "^human alice of team-web wrote "
            "/home/alice/.ssh/authorized_keys, which is refused: policy ")
        self.hook("cursor", {**payload, "file_path": "/home/alice/a"})
        self.assertEqual(self.actions()[-1]["msg"],
                         "human alice of team-web wrote /home/alice/a")
        self.policy.write_text("broken: [")
        self.hook("cursor", payload, "--fail-open")
        self.assertRegex(self.actions()[-1]["msg"], ", undecided: store ")


class Deadline(Stage):
    def test_a_signal_that_is_blocked_does_not_hold_it_off(self):
        def block():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        self.hangs(block)

    def test_nothing_is_left_running_after_a_signer_that_does_not_answer(self):
        self.signer().send_signal(signal.SIGSTOP)
        done = self.hook("claude", bash("ls"))
        self.assertEqual(done.returncode, 2, done)
        left = subprocess.run(["pgrep", "-af", f"^{fo.FO} hook claude"
                               f" --config {self.config}"],
                              capture_output=True, text=True)
        self.assertEqual((left.returncode, left.stdout), (1, ""))

    def test_what_hangs_where_nobody_looks_ends_after_2_seconds(self):
        self.hangs(None)

    def hangs(self, preexec):
        """As a file system does whose server has gone."""
        hanging = self.library(r"""
#include <unistd.h>
int gethostname(char *name, size_t n)
{ (void)name; (void)n; pause(); return -1; }
""")
        self.config.unlink()
        self.env["LD_PRELOAD"] = str(hanging)
        done = self.hook("claude", bash("ls"), preexec=preexec)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stderr, "FirstOps: no decision within 2 seconds,"
                         " so it is refused\n")
        self.assertGreater(done.seconds, DEADLINE_S - 0.1)
        self.assertLess(done.seconds, DEADLINE_S + SLACK_S)


class Start(Stage):
    """A hook that cannot even begin."""

    def test_a_libcrypto_that_does_not_start_blocks(self):
        broken = self.library(r"""
int OPENSSL_init_crypto(unsigned long long o, const void *s);
int OPENSSL_init_crypto(unsigned long long o, const void *s)
{ (void)o; (void)s; return 0; }
""")
        self.env["LD_PRELOAD"] = str(broken)
        done = self.hook("claude", bash("ls"))
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("libcrypto", done.stderr)
        self.assertEqual(self.fo("version").returncode, 3)

    def test_a_command_line_that_cannot_be_understood_blocks(self):
        for words in (["hook"], ["hook", "codex"], ["hook", "claude", "-x"],
                      ["hook", "claude", "--fail-opne"],
                      ["hook", "claude", "more"],
                      ["hook", "claude", "--config"]):
            done = self.fo(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertNotEqual(done.stderr, "")

    def test_path_and_home_are_not_needed(self):
        for env in ({"PATH": ""}, {"PATH": "/none"}, {"HOME": "/proc/none"},
                    {"HOME": ""}):
            with self.subTest(env=env):
                before = dict(self.env)
                self.env.update(env)
                for command, want in (("rm -rf /", "deny"), ("ls", "allow")):
                    done = self.hook("claude", bash(command))
                    self.assertEqual(goes_on("claude", done), want)
                self.env = before


class Headless(Case):
    """An agent with a key of its own."""

    def setUp(self):
        super().setUp()
        self.bot = self.agent("build-bot", "--policies", "coding-agents")
        self.env["FO_PRIVATE_KEY_PATH"] = str(self.dir / "build-bot.pem")

    def test_it_is_told_by_its_own_name(self):
        self.env["FO_AGENT_ID"] = self.bot.removeprefix("fo_agent_")
        done = self.hook("claude", bash("rm -rf /"))
        self.assertEqual(goes_on("claude", done), "deny")
        event = self.actions()[-1]
        self.assertEqual((event["id"], event["kind"], event["name"]),
                         (self.bot, "agent", "build-bot"))

    def test_its_id_may_be_said_in_both_forms_and_no_other(self):
        for said, want in ((self.bot, "allow"),
                           (self.bot.removeprefix("fo_agent_"), "allow"),
                           ("", "allow"), (self.who, "deny"),
                           ("build-bot", "deny"), (self.bot[:-1], "deny"),
                           (self.bot + "0", "deny")):
            self.env["FO_AGENT_ID"] = said
            done = self.hook("claude", bash("ls"))
            self.assertEqual(goes_on("claude", done), want, said)


class Check(Case):
    """The same for programs: fo check."""

    def check(self, code, channel, what, *more, **kinds):
        done = self.expect(code, "check", "--channel", channel, "--what", what,
                           "--json", *more, config=True, **kinds)
        return json.loads(done.stdout)

    def test_it_answers_as_the_hook_does(self):
        for channel, what, more, code, want, rule in (
                ("command", "ls", (), 0, "allow", "run-commands"),
                ("command", "rm -rf /", (), 1, "deny", "never-wipe"),
                ("command", "git push", (), 1, "deny",
                 "ask-before-others-notice"),
                ("command", "git push", ("--asks",), 1, "ask",
                 "ask-before-others-notice"),
                ("file", ".env", ("--cwd", "/home/alice", "--asks"), 1, "ask",
                 "ask-for-secrets"),
                ("http", "https://h/", (), 0, "allow", "read-pages"),
                ("http", "https://h/", ("--method", "POST"), 1, "deny", None),
                ("tool", "Task", (), 0, "allow", "use-its-own-tools"),
                ("tool", "none", ("--asks",), 1, "deny", None)):
            with self.subTest(channel=channel, what=what, more=more):
                said = self.check(code, channel, what, *more)
                event = self.actions()[-1]
                self.names_alice(event)
                self.assertEqual(
                    (said["ok"], said["decision"], said["name"],
                     said["policy"], said["rule"], said["sid"]),
                    (code == 0, want, "alice", rule and "coding-agents", rule,
                     event["sid"]))
                self.assertEqual(said["why"], {"allow": "ok", "ask": "ask",
                                               "deny": "policy"}[want])
                self.assertEqual((event["svc"], event["act"]),
                                 ("fo", channel))

    def test_it_says_it_in_a_word_and_the_reason_beside(self):
        done = self.expect(1, "check", "--channel", "command", "--what",
                           "rm -rf /", config=True)
        self.assertEqual(done.stdout, "deny\n")
        self.assertEqual(done.stderr, "fo: policy: rule coding-agents/"
                         "never-wipe says deny\n")

    def test_what_is_long_or_private_comes_by_standard_input(self):
        said = self.check(1, "command", "-", input="rm -rf /")
        self.assertEqual(said["rule"], "never-wipe")
        # longer than one argument of a program may be
        self.check(0, "command", "-", input="true\n" + "# x\n" * 15_000)
        said = self.check(1, "tool", "-", input="x" * 300_000)
        self.assertEqual((said["why"], said["rule"]), ("policy", None))
        self.refused(2, "a NUL", "check", "--channel", "command", "--what",
                     "-", input="ls\0", config=True)

    def test_trouble_is_no_denial(self):
        self.key.unlink()
        said = self.check(3, "command", "ls")
        self.assertEqual((said["decision"], said["why"]),
                         ("deny", "not_found"))

    def test_what_cannot_be_asked_is_a_usage_error(self):
        for words, text in ((["--channel", "login", "--what", "x"],
                             "must be command, file, tool or http"),
                            (["--channel", "tool"], "are required"),
                            (["--channel", "file", "--what", "a"],
                             "is relative"),
                            (["--channel", "http", "--what", "a b"], "URI")):
            self.refused(2, text, "check", *words, config=True)


if __name__ == "__main__":
    tap.main()
