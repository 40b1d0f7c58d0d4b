"""Logins in which one thing goes wrong, each judged by what must hold then.

A Bench is a place for logins, one after another: a log, a /run/firstops and
the program login, which runs each in a process of its own. Benches do not
disturb each other, so that two can work at once.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import string
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import together  # noqa: E402
import world  # noqa: E402

DEEP = "FIRSTOPS_DEEP" in os.environ
HELPERS = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", ".")) / "tests/faults"
MODULE = HELPERS.parent.parent / "pam_firstops/pam_firstops.so"
CONFDIR = pathlib.Path("/run/faults/pam.d")
KEY = pathlib.Path("/run/faults/key.pem")
LIMIT_MS = 3000
FRESH_S = 45            # records of others are written anew after that

PHASES = ["auth", "account", "setcred", "open", "close"]
EVENTS = {"auth": "auth", "account": "account", "open": "session_open",
          "close": "session_close"}

SUCCESS, SERVICE_ERR, BUF_ERR, PERM_DENIED, AUTH_ERR, CRED_INSUFFICIENT, \
    AUTHINFO_UNAVAIL, SESSION_ERR = 0, 3, 5, 6, 7, 8, 9, 14

# What auth answers for each reason that trouble of ours can have.
AUTH_ANSWERS = {
    "store": AUTHINFO_UNAVAIL, "replay_store": AUTHINFO_UNAVAIL,
    "audit": AUTHINFO_UNAVAIL, "session": AUTHINFO_UNAVAIL,
    "crypto": AUTHINFO_UNAVAIL, "io": AUTHINFO_UNAVAIL,
    "config": SERVICE_ERR, "nomem": BUF_ERR,
}


BASE64URL = string.ascii_letters + string.digits + "-_"
# Whose records the others' are: this program, not what it forks.
PID = os.getpid()
START = int(pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2]
            .split()[19])

# What a login leaves for its setcred, and a session while it is open.
RECORD = """\
---
version: 1
sid: "AAAAAAAAAAAAAAAAAAAAAA"
id: "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
kind: "agent"
name: "other-bot"
owner: "team-platform"
thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
service: "sshd"
user: "deploy"
since: 2026-11-24T00:00:00Z
made_boot_ms: {made}
pid: {pid}
pid_start: {start}
...
"""


# Whoever reads no more than the policies of its own groups is let in there.
CLOSED = """\
---
version: 1
policy: closed
rules:
  - rule: to-everybody
    effect: deny
    channel: login
    when: {service: [closed]}
...
"""


# ---- furnishing -------------------------------------------------------------

def prepare(max_age_s=60):
    """An agent that may log in at sshd, with a nonce, and at db, without;
    what happens at db goes to two sinks."""
    world.configure(db="{nonce: auto, ask: all}")
    config = world.STORE / "firstops.yaml"
    text = config.read_text().replace("max_age_s: 60",
                                      f"max_age_s: {max_age_s}")
    world.write(config, text)
    world.write(world.STORE / "two.yaml", text.replace(
        "[syslog]", '[syslog, "file:/run/firstops/events"]'))
    agent = world.Agent("build-bot", accounts=("deploy", "robot"))
    for service, argument in (("sshd", ""), ("other", ""),
                              ("db", f"config={world.STORE}/two.yaml")):
        world.write(CONFDIR / service, "".join(
            f"{kind} required {HELPERS}/window.so {MODULE} {argument}\n"
            for kind in ("auth", "account", "session")))
    shutil.copyfile(agent.key, KEY)
    KEY.chmod(0o600)
    return agent


def prepare_refusals():
    """Beside that: an agent that is revoked, one whose key is, and a service
    that a policy denies, which only the group of all names."""
    for name in ("revoked", "rotated"):
        made = json.loads(world.must(
            "fo", "agent", "create", f"{name}-bot", "--owner",
            "team-platform", "--groups", "agents", "--accounts", "robot",
            "--out", f"{KEY}.{name}", "--json"))
        if name == "revoked":
            world.must("fo", "agent", "revoke", made["id"])
            continue
        path = world.STORE / f"principals.d/{made['id']}.yaml"
        text, found = re.subn(r"( +)created: (\S+)\n",
                              r"\g<0>\1revoked: \2\n\1reason: rotated\n",
                              path.read_text())
        assert found == 1, path.read_text()
        world.write(path, text)
    world.write(world.STORE / "policies.d/closed.yaml", CLOSED)
    world.write(world.STORE / "groups.d/default.yaml",
                world.GROUP.format(name="default", policies="closed"))
    shutil.copyfile(CONFDIR / "db", CONFDIR / "closed")
    world.must("fo", "store", "check")


def key_lines():
    """The lines of the private keys, none of which anybody may see."""
    lines = [line for path in KEY.parent.glob(f"{KEY.name}*")
             for line in path.read_text().splitlines()
             if line and not line.startswith("-")]
    assert len(lines) >= 2, lines
    return lines


def portrait(folder):
    """What any change of any file below a folder would change."""
    lines = []
    for top, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(top, name)
            s = os.lstat(path)
            lines.append((path, s.st_ino, s.st_mode, s.st_uid, s.st_size,
                          s.st_ctime_ns))
    return sorted(lines)


def mark(path):
    """What any change of a file would change; of a path or an entry."""
    s = path.lstat() if isinstance(path, pathlib.Path) \
        else path.stat(follow_symlinks=False)
    return s.st_ino, s.st_mode, s.st_size, s.st_ctime_ns


class Bench:
    """A place where logins happen one after another."""

    kept = {}           # records of others, and what they look like
    fresh_until = 0

    def __init__(self, number, secrets=()):
        self.run = pathlib.Path(f"/run/faults/{number}")
        self.secrets = list(secrets)
        self.store = portrait(world.STORE)
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = f"/run/faults/{number}.log"
        self.log.bind(path)
        os.chmod(path, 0o666)
        self.log.setblocking(False)
        self.clean()
        self.program = subprocess.Popen(
            [HELPERS / "login", CONFDIR, path, self.run, KEY, MODULE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.program.stdin.close()
        self.program.wait(10)
        self.program.stdout.close()
        self.log.close()

    def clean(self):
        """/run/firstops as the first login of a minute meets it, with an old
        minute that is to be swept. The folder itself stays: it is mounted."""
        self.run.mkdir(parents=True, exist_ok=True)
        for entry in self.run.iterdir():
            if entry.name not in ("pending", "sessions"):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        own = self.run / "replay/0"
        for folder, mode in (("replay", 0o755), ("replay/0", 0o700),
                             ("replay/0/1", 0o700)):
            (self.run / folder).mkdir(mode=mode)
        self.others()
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()
        since = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000) - 600000
        (own / "birth").write_text(f"{boot.strip()} {max(since, 1)}\n")
        (own / "1" / ("A" * 43)).touch()

    def others(self):
        """Records of somebody who is logging in, and of sessions that are
        open: one of the latter is looked at by each login, by chance. Those
        that are as they were, and young, stay."""
        there = {}
        for part in ("pending", "sessions"):
            path = self.run / part
            if path.is_dir() and path.lstat().st_mode & 0o7777 == 0o700:
                there |= {pathlib.Path(e.path): mark(e)
                          for e in os.scandir(path)}
            else:
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir(mode=0o700)
        if there == self.kept and time.monotonic() < self.fresh_until:
            return
        for path in there:
            path.unlink()
        self.fill()

    def fill(self):
        """Write the records of others that are not there."""
        now = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
        text = RECORD.format(made=now, pid=PID, start=START)
        paths = [self.run / "pending" / ("A" * 22 + f".{PID}"),
                 *(self.run / "sessions" / (c + "A" * 21 + f".{PID}")
                   for c in BASE64URL)]
        for path in paths:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600),
                      "w") as file:
                file.write(text)
        self.kept = {path: mark(path) for path in paths}
        self.fresh_until = time.monotonic() + FRESH_S

    def events(self):
        """What came to the log since the last look."""
        lines = []
        while True:
            try:
                lines.append(world.Line(self.log.recv(65536), 0, 0))
            except BlockingIOError:
                return lines

    def filed(self):
        """What the file holds."""
        path = self.run / "events"
        if not path.exists():
            return []
        return [world.Line(line, 0, 0)
                for line in path.read_bytes().split(b"\n") if line]

    def order(self, *words):
        self.program.stdin.write(" ".join(map(str, words)) + "\n")
        self.program.stdin.flush()

    def answer(self):
        """(name, value) up to "stopped" or the end."""
        while True:
            line = self.program.stdout.readline()
            if not line:
                raise AssertionError("the program login is gone")
            name, _, value = line.rstrip("\n").partition(" ")
            if name in ("end", "stopped"):
                return
            yield name, value

    def log_in(self, who, kind="none", at=0, value=0):
        """One login from a clean folder on; who: service, user and way.
        Before a proof is used again it is used."""
        self.clean()
        if who[2] == "again":
            first = self.log_in_next((*who[:2], "plain"))
            assert first.permitted and first.spent == 1, first
        return self.log_in_next(who, kind, at, value)

    def log_in_next(self, who, kind="none", at=0, value=0):
        """One login after another, whose records are there."""
        self.events()
        self.order(*who, kind, at, value)
        return self.finish()

    def finish(self):
        """The rest of a login that has been ordered."""
        done = Login()
        for name, text in self.answer():
            if name == "call":
                done.calls.append(tuple(text.split(" ", 1)))
            elif name in PHASES:
                done.answers[name] = int(text)
            elif name in ("nonce", "proof"):
                setattr(done, name, text)
            else:
                setattr(done, name, int(text))
        done.lines = self.events()
        done.filed = self.filed()
        done.output = pathlib.Path(f"{self.run}.out").read_bytes()
        done.spent = sum(p.name not in ("birth", "floor", ".floor")
                         and p.parent.name != "1"
                         for p in self.run.glob("replay/0/*/*"))
        there = {p for part in ("pending", "sessions")
                 for p in (self.run / part).iterdir()}
        done.left = [p for p in there if p not in self.kept]
        done.lost = [p for p in self.kept if p not in there]
        if "open" in done.answers:
            done.sessions -= len(BASE64URL)
        return done


@dataclasses.dataclass
class Login:
    """What came of one login."""
    calls: list = dataclasses.field(default_factory=list)
    answers: dict = dataclasses.field(default_factory=dict)
    lines: list = dataclasses.field(default_factory=list)
    filed: list = dataclasses.field(default_factory=list)
    left: list = dataclasses.field(default_factory=list)
    lost: list = dataclasses.field(default_factory=list)
    output: bytes = b""
    nonce: str = ""
    proof: str = ""
    pid: int = 0
    died: int = 0
    ms: int = 0
    fds: int = 0
    sessions: int = 0
    allocs: int = 0
    spent: int = 0

    def of(self, phase):
        """The events of a phase that came to the log."""
        return [line.event for line in self.lines if line.event
                and line.event["ev"] == EVENTS.get(phase)]

    @property
    def last(self):
        """The phase that ended it, and what it answered."""
        return list(self.answers.items())[-1]

    @property
    def permitted(self):
        return list(self.answers.values()) == [0] * len(PHASES)


# ---- what must hold, whatever went wrong ------------------------------------

def judge(bench, login, silent=False):
    """What is wrong with a login in which something went wrong, as text, or
    None.

    silent  what went wrong was what the event would have been told with.
    """
    return (judge_process(login) or judge_answers(login)
            or judge_secrets(bench, login)
            or judge_permit(login) or judge_refusal(login, silent)
            or (login.lost and f"records of others are gone: {login.lost}")
            or ("the store has changed"
                if portrait(world.STORE) != bench.store else None))


def judge_process(login):
    if login.died:
        return f"the process ended with wait status {login.died}"
    if login.ms >= LIMIT_MS:
        return f"an answer after {login.ms} ms"
    return None


def judge_answers(login):
    """Answers are those of the table, and agree with what is on record."""
    phase, answer = login.last
    if phase == "setcred" and answer != BUF_ERR \
            or phase == "account" and answer not in (PERM_DENIED, BUF_ERR) \
            or phase in ("open", "close") and answer not in (SESSION_ERR,
                                                             BUF_ERR):
        return answer and f"{phase} answers {answer}"
    if phase == "auth" and answer not in (
            AUTH_ERR, CRED_INSUFFICIENT, AUTHINFO_UNAVAIL, SERVICE_ERR,
            BUF_ERR):
        return f"auth answers {answer}"
    return None


def judge_secrets(bench, login):
    """Neither proof nor nonce nor key in anything that is written."""
    written = login.output + b"".join(
        line.text.encode() for line in login.lines + login.filed)
    for path in bench.run.rglob("*"):
        # what others wrote, and nobody has touched since
        if path in bench.kept and bench.kept[path] == mark(path):
            continue
        written += path.name.encode()
        if path.is_file():
            written += path.read_bytes()
    signature = login.proof.rpartition(".")[2]
    for secret in [login.nonce, login.proof, signature, *bench.secrets]:
        if secret and secret.encode() in written:
            return f"a secret in {written}"
    return None


def judge_permit(login):
    """Who was let in, was: spent, recorded, told."""
    if login.answers["auth"] == 0:
        permits = [e for e in login.of("auth")
                   if (e["res"], e["why"], e["rc"]) == ("permit", "ok", 0)]
        if len(permits) != 1 or len(login.of("auth")) != 1:
            return f"events of a permit: {login.of('auth')}"
        if login.spent != 1:
            return f"a permit, and {login.spent} proofs on record"
    if login.answers.get("open") == 0:
        if [e["why"] for e in login.of("open")] != ["ok"]:
            return f"events of a session: {login.of('open')}"
        if login.sessions != 1:
            return f"an open session, and {login.sessions} on record"
    return None


def judge_refusal(login, silent):
    """Who was not let in, was told of once, with what was answered."""
    phase, answer = login.last
    if answer == 0 or phase == "setcred":
        return None
    found = [(e["res"], e["rc"]) for e in login.of(phase)]
    if silent and not found:
        return None
    if answer == CRED_INSUFFICIENT:
        want = [("none", answer)]
    else:
        # Whoever is gone from the store is no trouble of ours, but revoked.
        denied = answer == AUTH_ERR or any(
            e["why"] == "revoked" for e in login.of(phase))
        want = [("deny" if denied else "error", answer)]
    if login.filed:
        # One sink may have the permit that the other could not be told of.
        found = [f for f in found if f != ("permit", 0)]
    if found != want:
        return f"{phase} answers {answer} and tells {login.of(phase)}"
    if any(p.parent.name == "sessions" for p in login.left):
        return f"a session on record: {login.left}"
    return None


# ---- many of them -----------------------------------------------------------

def sweep(benches, trials, attempt):
    """attempt(bench, trial) of each, one on each bench at a time. Fails with
    what they return that is not None."""
    def work(number, mine):
        wrong = []
        for trial in mine:
            found = attempt(benches[number], trial)
            if found:
                wrong.append(f"{trial}: {found}"[:400])
            if len(wrong) > 10:
                break
        return wrong

    wrong = [text for found in together.work_through(trials, work,
                                                     len(benches))
             for text in found]
    assert not wrong, "\n" + "\n".join(wrong)
