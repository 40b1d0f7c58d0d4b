"""What the tests of a bad environment share: a service in trouble, and what
must hold in every trouble.

    import service

    done = service.login(bot, "nofile=7")
    done.refused(9, "store")

A login is made through the real module by tests/faults/service.c. Whatever
the trouble, each of these is a failed test: an answer that took longer than
3 s, PAM_IGNORE from auth, a service that died or found itself changed, more
than one event of its auth or one that says something else than PAM heard, a
file of the store that changed, and a proof, nonce or key in any output.
"""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import world  # noqa: E402

BUILT = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", ".")) / "tests/faults"
PROGRAM = BUILT / "service"
DEEP = "FIRSTOPS_DEEP" in os.environ
LIMIT_S = 3

NAME = "trouble"  # of the service whose stack is ours alone
PEOPLE = "unprivileged"  # of another, which runs as nobody

PAM_SUCCESS, PAM_SERVICE_ERR, PAM_BUF_ERR, PAM_PERM_DENIED = 0, 3, 5, 6
PAM_AUTH_ERR, PAM_CRED_INSUFFICIENT, PAM_AUTHINFO_UNAVAIL = 7, 8, 9
PAM_IGNORE, PAM_USER_UNKNOWN = 25, 10


def prepare():
    """A stack of ours alone, whose service asks for proofs with a nonce."""
    for name in (NAME, PEOPLE):
        world.stack(name, *world.OURS)
    configure()


def configure(**services):
    """firstops.yaml, with both services."""
    world.configure(**{
        NAME: "{nonce: always, ask: all}",
        PEOPLE: "{nonce: always, ask: all, user: nobody}", **services})


def locales(*names):
    """Languages of the world's own, where even a setuid program looks for
    them: the machine need not have them, and gets none."""
    folder = pathlib.Path("/usr/lib/locale")
    kept = pathlib.Path("/tmp/locale")
    world.must("cp", "-a", folder / "C.utf8", kept)
    world.must("mount", "-n", "-t", "tmpfs", "-o", "mode=755", "tmpfs",
               folder)
    shutil.move(kept, folder / "C.utf8")
    for name in names:
        language, _, charmap = name.partition(".")
        world.must("localedef", "-i", language, "-f", charmap,
                   folder / name, timeout=120)


# ---- what nobody may see or change ------------------------------------------

def tree(top):
    """Every name below a folder, with what is there."""
    found = {}
    for path in sorted(pathlib.Path(top).rglob("*")):
        what = (os.readlink(path) if path.is_symlink() else
                hashlib.sha256(path.read_bytes()).hexdigest()
                if path.is_file() else "")
        found[str(path)] = (path.lstat().st_mode, path.lstat().st_uid, what)
    return found


def key_lines(agent):
    return [line for line in agent.key.read_text().splitlines()
            if not line.startswith("-----")]


class Secrets:
    """Proofs, nonces and keys, which belong into no output."""

    def __init__(self, agent):
        self.texts = key_lines(agent)

    def add_proof(self, proof):
        self.texts += [proof] + proof.split(".")

    def check(self, *outputs):
        for output in outputs:
            for secret in self.texts:
                assert secret not in output, f"{secret} in {output}"


# ---- one login --------------------------------------------------------------

class Login:
    """How one login went: what PAM answered, and what was said of it."""

    def __init__(self, agent, faults):
        self.faults = faults
        self.secrets = Secrets(agent)
        self.answers, self.told, self.states = {}, [], []
        self.prompt, self.proof, self.problem = "", None, ""
        self.alarms, self.took, self.code, self.err = 0, 0.0, None, ""
        self.events, self.log_text = [], ""

    def __repr__(self):
        return (f"{' '.join(self.faults)}: {self.answers}"
                f" {self.problem}\n{self.err}{self.log_text}")

    def read(self, line):
        word, _, rest = line.partition(" ")
        if word == "state":
            self.states.append(rest)
        elif word == "tell":
            self.told.append(rest)
        elif word == "alarms":
            self.alarms = int(rest)
        elif word == "no":
            self.problem = rest
        else:
            self.answers[word] = int(rest)

    @property
    def auth(self):
        return self.answers.get("auth")

    def event(self):
        """The one event of this auth."""
        found = [e for e in self.events if e["ev"] == "auth"]
        assert len(found) == 1, self
        return found[0]

    def let_in(self):
        """Permitted, rightly: nothing that this needs was in the way."""
        assert self.auth == self.answers.get("account") == 0, self
        assert self.event()["res"] == "permit", self
        return self

    def permitted(self):
        """The same, with a session, which only root's services open."""
        assert self.answers == dict.fromkeys(
            ("auth", "account", "setcred", "open", "close"), 0), self
        return self.let_in()

    def refused(self, code, why):
        """Refused for that reason, and the event says so. None: there is
        nowhere to say it."""
        assert self.answers == {"auth": code}, self
        if why is None:
            assert not self.events, self
        else:
            assert self.event()["why"] == why, self
            assert self.event()["res"] != "permit", self
        return self


def judge(done, store_before):
    """What must hold whatever the trouble."""
    assert done.problem == "", done
    assert done.code == 0, f"the service died ({done.code}): {done}"
    assert done.took < LIMIT_S, f"{done.took:.1f} s: {done}"
    assert done.auth not in (None, PAM_IGNORE, PAM_USER_UNKNOWN), done
    assert len(done.states) == 2 and done.states[0] == done.states[1], \
        f"{done.states} {done}"
    events = [e for e in done.events if e["ev"] == "auth"]
    assert len(events) <= 1, done
    for event in events:
        assert event["rc"] == done.auth, done
        assert (event["why"] == "ok") == (done.auth == PAM_SUCCESS), done
    assert done.auth != PAM_SUCCESS or events, f"without an event: {done}"
    assert tree(world.STORE) == store_before, f"the store changed: {done}"
    done.secrets.check(done.log_text, done.err, *done.told)


def converse(done, channel, answer):
    """Answer the service until it is silent."""
    with channel.makefile("rwb", buffering=0) as stream:
        since = None  # the service has begun, or was answered
        for line in stream:
            line = line.decode().rstrip("\n")
            if since is not None:
                done.took = max(done.took, time.monotonic() - since)
            if line.startswith("ask "):
                done.prompt = line.removeprefix("ask ")
                done.proof = answer(done.prompt)
                stream.write(done.proof.encode() + b"\n")
            else:
                done.read(line)
            since = time.monotonic()


def honest(agent, service=NAME, user="deploy"):
    """What an agent answers: a proof for what it was asked, or, asked without
    a challenge, for where it knows itself to be."""
    def answer(prompt):
        found = re.fullmatch(world.CHALLENGE, prompt)
        return (agent.answer(found) if found else
                agent.sign(f"pam://bastion/{service}/{user}"))
    return answer


def login(agent, *faults, service=NAME, user="deploy", answer=None,
          program=(PROGRAM,), env=None, user_id=0, judged=True):
    """Log in with a service in these troubles, which that user starts. answer
    turns the prompt into what is typed."""
    done = Login(agent, faults)
    before = tree(world.STORE)
    mark = world.log.mark()
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    argv = [*map(str, program), str(theirs.fileno()), service, user, *faults]
    with ours, subprocess.Popen(
            argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            user=user_id, group=user_id, extra_groups=[],
            env=world.environment("root") if env is None else env) as process:
        theirs.close()
        try:
            converse(done, ours, answer or honest(agent, service, user))
            done.err = process.communicate(timeout=10)[0].decode(
                errors="replace")
        finally:
            process.kill()
    done.code = process.returncode
    if world.log.socket is not None:
        world.log.settle()
    done.log_text = world.log.tail(mark)
    done.events = world.log.events(mark)
    if done.proof is not None:
        done.secrets.add_proof(done.proof)
    nonce = re.fullmatch(world.CHALLENGE, done.prompt)
    if nonce:
        done.secrets.texts.append(nonce["nonce"])
    if judged:
        judge(done, before)
    return done


def permitted_soon(attempt, deadline_s=20):
    """Until a young folder of used proofs takes a proof; what it says until
    then is that it is young."""
    def settled():
        done = attempt()
        if done.auth != PAM_SUCCESS:
            done.refused(PAM_AUTH_ERR, "replay_newborn")
        return done if done.auth == PAM_SUCCESS else None
    done = world.until(settled, deadline_s)
    assert done is not None, "the folder stays young"
    return done.let_in()


@contextlib.contextmanager
def other_log(kind=socket.SOCK_DGRAM):
    """Another /dev/log for a while, which nobody reads unless the caller
    does."""
    world.log.stop()
    with socket.socket(socket.AF_UNIX, kind) as reader:
        reader.bind(world.Log.PATH)
        if kind == socket.SOCK_STREAM:
            reader.listen(1)
        try:
            yield reader
        finally:
            os.unlink(world.Log.PATH)
            world.log.start()


@contextlib.contextmanager
def log_that_is_full():
    """A /dev/log that takes no more, as its reader has stopped."""
    with other_log(), socket.socket(socket.AF_UNIX,
                                    socket.SOCK_DGRAM) as sender:
        sender.connect(world.Log.PATH)
        sender.setblocking(False)
        try:
            while True:
                sender.send(b"x")
        except BlockingIOError:
            pass
        yield


def writes_to(trace, *descriptors):
    """The lines of an strace -yy -o file that write to one of them. libpam's
    own socket to the kernel's audit may be anywhere."""
    wanted = "|".join(map(str, descriptors))
    calls = re.compile(rf"\b(p?writev?\d*|send\w*|pwrite64)\(({wanted})"
                       r"<(?!NETLINK)")
    return [line for line in pathlib.Path(trace).read_text().splitlines()
            if calls.search(line)]


def forged(agent, service=NAME, user="deploy"):
    """The agent's proof with one bit of its signature changed."""
    def answer(prompt):
        proof = honest(agent, service, user)(prompt)
        head, _, tail = proof.rpartition(".")
        return f"{head}.{'B' if tail[0] != 'B' else 'C'}{tail[1:]}"
    return answer


def honest_elsewhere(agent):
    """A right proof with the right nonce, for another service."""
    def answer(prompt):
        nonce = re.fullmatch(world.CHALLENGE, prompt)["nonce"]
        return agent.sign("pam://bastion/elsewhere/deploy", nonce)
    return answer


def of_a_stranger(service=NAME, user="deploy"):
    """A right proof by a key that nobody registered."""
    key = "/tmp/stranger.pem"
    world.must("rm", "-f", key)
    world.must("fo", "key", "generate", "--out", key)

    def answer(prompt):
        nonce = re.fullmatch(world.CHALLENGE, prompt)["nonce"]
        return world.must("fo", "proof", "sign", "--key", key, "--nonce",
                          nonce, "--htu",
                          f"pam://bastion/{service}/{user}").strip()
    return answer
