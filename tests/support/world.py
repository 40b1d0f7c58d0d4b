"""What end-to-end tests stand on, inside the world that tests/support/world
makes: the log and its events, a store, agents, real daemons and clients.

    import world

    def test_an_agent_logs_in():
        ...

    if __name__ == "__main__":
        world.main()

A test file run from outside enters the world by itself. FIRSTOPS_BUILD names
the build folder that is installed there.
"""

import contextlib
import errno
import grp
import json
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

import tap

SUPPORT = pathlib.Path(__file__).resolve().parent
SOURCE = SUPPORT.parent.parent
PASSWORD = "correct horse"
STORE = pathlib.Path("/etc/firstops")
RUN = pathlib.Path("/run/firstops")

EVENT_KEYS = ["msg", "v", "t", "host", "ev", "res", "why", "rc", "id", "kind",
              "name", "owner", "jkt", "proof", "sid", "user", "ruser", "svc",
              "act", "what", "by", "src", "tty", "pid", "auid", "ses", "pol"]
EVENT_NUMBERS = {"v", "rc", "pid", "auid", "ses"}
EVENT_MAX_BYTES = 1000


# ---- entering ---------------------------------------------------------------

def main(prepare=None):
    """Run the calling file's tests in the world, which prepare() furnishes
    once."""
    if "--list" in sys.argv:
        tap.main()
    if "FIRSTOPS_WORLD" in os.environ:
        begin()
        if prepare is not None:
            prepare()
        tap.main()
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can make namespaces")
        sys.exit(0)
    build = os.environ.get("FIRSTOPS_BUILD")
    if not build:
        sys.exit("FIRSTOPS_BUILD names no build folder to install and test")
    script = str(SUPPORT / "world")
    os.execv(script, [script, "--build", build, "--", "/usr/bin/python3",
                      str(pathlib.Path(sys.argv[0]).resolve())]
             + sys.argv[1:])


# ---- running things ---------------------------------------------------------

class Done:
    """How a command ended, and what it said."""

    def __init__(self, argv, code, out, err=""):
        self.argv = argv
        self.code = code
        self.out = out
        self.err = err

    @property
    def text(self):
        return self.out + self.err

    def __repr__(self):
        return (f"\n$ {' '.join(map(str, self.argv))}\n"
                f"{self.out}{self.err}[exit code {self.code}]")


def environment(user, **more):
    """What a login shell of that user would have."""
    person = pwd.getpwnam(user)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin"
                   ":/sbin",
           "HOME": person.pw_dir, "USER": user, "LOGNAME": user,
           "LANG": "C.UTF-8", "TERM": "dumb"}
    env.update({name: str(value) for name, value in more.items()})
    return env


def become(user):
    """Arguments of subprocess that make it run as that user."""
    person = pwd.getpwnam(user)
    return {"user": person.pw_uid, "group": person.pw_gid,
            "extra_groups": os.getgrouplist(user, person.pw_gid),
            "cwd": person.pw_dir, "start_new_session": True}


def run(*argv, user="root", input="", timeout=30, **env):
    """Run a command without a terminal to its end. Never raises for how it
    ended; a command that hangs is killed and ends with code None."""
    argv = [str(a) for a in argv]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(user, **env),
        **become(user))
    try:
        out, err = process.communicate(input.encode(), timeout=timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = None
    return Done(argv, code, out.decode(errors="replace"),
                err.decode(errors="replace"))


def must(*argv, **more):
    """run(), and it has to end with 0. Returns what it printed."""
    done = run(*argv, **more)
    assert done.code == 0, done
    return done.out


def on_terminal(*argv, answers=(), hang_up=None, user="root", timeout=30,
                **env):
    """Run a command on a terminal of its own and answer its questions.

    answers  pairs of a regular expression and what to type once it appears:
             a text, or a function of the match that returns one. Each is
             used once, in order; nothing is typed for the rest.
    hang_up  a regular expression: once it appears, the command is killed.
    """
    argv = [str(a) for a in argv]
    person = pwd.getpwnam(user)
    groups = os.getgrouplist(user, person.pw_gid)
    env = environment(user, **env)
    pid, terminal = os.forkpty()
    if pid == 0:
        try:
            os.fchown(0, person.pw_uid, grp.getgrnam("tty").gr_gid)
            os.setgroups(groups)
            os.setgid(person.pw_gid)
            os.setuid(person.pw_uid)
            os.chdir(person.pw_dir)
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(127)

    answers = list(answers)
    deadline = time.monotonic() + timeout
    seen, asked_from, hung = "", 0, False
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            os.kill(pid, signal.SIGKILL)
            hung = True
            break
        try:
            piece = os.read(terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            piece = b""
        if not piece:
            break
        seen += piece.decode(errors="replace")
        if hang_up and re.search(hang_up, seen):
            os.kill(pid, signal.SIGKILL)
            break
        if answers:
            found = re.search(answers[0][0], seen[asked_from:])
            if found and echo_is_off(terminal):
                _, answer = answers.pop(0)
                asked_from = len(seen)
                if callable(answer):
                    answer = answer(found)
                os.write(terminal, answer.encode() + b"\n")
    status = os.waitpid(pid, 0)[1]
    os.close(terminal)
    code = None if hung else os.waitstatus_to_exitcode(status)
    return Done(argv, code, seen.replace("\r\n", "\n"))


def echo_is_off(terminal, deadline_s=5):
    """Wait until whoever asks is ready to read: programs flush what was
    typed before they turned the echo off."""
    return until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO,
                 deadline_s)


def until(condition, deadline_s=10):
    """Wait for what nobody announces. Returns its last value."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        threading.Event().wait(0.01)


class Daemon:
    """A real daemon in the foreground; its words are kept."""

    def __init__(self, *argv, ready=None, user="root", **env):
        self.argv = [str(a) for a in argv]
        self.lines = []
        self.ready = threading.Event()
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment(user, **env),
            **become(user))
        self.reader = threading.Thread(target=self._read, args=(ready,),
                                       daemon=True)
        self.reader.start()
        if ready and not (self.ready.wait(20)
                          and self.process.poll() is None):
            raise AssertionError(f"does not start: {self}")

    def _read(self, ready):
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))
            if ready and re.search(ready, self.lines[-1]):
                self.ready.set()
        self.ready.set()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        if error is not None:
            for line in self.lines[-80:]:
                print(f"# {os.path.basename(self.argv[0])}: {line}")

    def __repr__(self):
        return "\n".join([f"$ {' '.join(self.argv)}"] + self.lines[-80:])


# ---- the log ----------------------------------------------------------------

class Line:
    """One datagram that came to /dev/log, with what the kernel knows of its
    sender."""

    def __init__(self, data, pid, uid):
        self.pid, self.uid = pid, uid
        self.text = data.decode(errors="replace").rstrip("\n\0")
        mark = self.text.find("@cee:")
        self.event_text = self.text[mark:] if mark >= 0 else None
        self.event = None
        if self.event_text is not None:
            self.event = json.loads(self.event_text[5:],
                                    object_pairs_hook=pairs_once)

    def __repr__(self):
        return f"(uid {self.uid}) {self.text}"


def pairs_once(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a key twice: {names}"
    return dict(pairs)


def check_event(text):
    """Is this "@cee:{...}" an event of the promised form?"""
    assert len(text.encode()) <= EVENT_MAX_BYTES, text
    assert all(" " <= c <= "~" for c in text), text
    assert "\\" not in text, text
    pairs = json.loads(text.removeprefix("@cee:"), object_pairs_hook=list)
    assert [name for name, _ in pairs] == EVENT_KEYS, text
    for name, value in pairs:
        if name in EVENT_NUMBERS:
            assert type(value) is int, f"{name} in {text}"
        else:
            assert type(value) is str and value != "", f"{name} in {text}"
    event = dict(pairs)
    assert event["v"] == 1, text
    assert event["res"] in ("permit", "deny", "error", "none"), text
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
                        event["t"]), text


class Log:
    """Somebody who reads /dev/log, for ever or for a while."""

    PATH = "/dev/log"
    MARK = b"<15>world: mark "

    def __init__(self):
        self.lines = []
        self.marks, self.marks_read = 0, set()
        self.broken = []
        self.news = threading.Condition()
        self.socket = None
        self.thread = None

    def start(self):
        """Begin to read (again)."""
        if os.path.lexists(self.PATH):
            os.unlink(self.PATH)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(self.PATH)
        os.chmod(self.PATH, 0o666)
        self.thread = threading.Thread(target=self._read, daemon=True,
                                       args=(self.socket,))
        self.thread.start()
        return self

    def stop(self):
        """Go away: afterwards there is no /dev/log."""
        if self.socket is None:
            return
        os.unlink(self.PATH)
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        self.socket = None

    def _read(self, reader):
        credentials = struct.Struct("3i")
        while True:
            data, extra, _, _ = reader.recvmsg(
                65536, socket.CMSG_SPACE(credentials.size))
            pid = uid = -1
            for level, kind, value in extra:
                if (level, kind) == (socket.SOL_SOCKET,
                                     socket.SCM_CREDENTIALS):
                    pid, uid, _ = credentials.unpack(value)
            if not data and pid <= 0:
                return
            if data.startswith(self.MARK):
                with self.news:
                    self.marks_read.add(int(data.removeprefix(self.MARK)))
                    self.news.notify_all()
                continue
            with self.news:
                try:
                    self.lines.append(Line(data, pid, uid))
                except (ValueError, AssertionError):
                    self.broken.append(data)
                self.news.notify_all()

    def mark(self):
        """Where the log ends now; events(mark) are those after it."""
        if self.socket is not None:
            self.settle()
        with self.news:
            return len(self.lines)

    def settle(self):
        """Until all that was sent before this has been read. Threads that
        wait at once may send their marks in another order than they took
        them."""
        with self.news:
            self.marks += 1
            mine = self.marks
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(self.PATH)
            sender.send(self.MARK + b"%d" % mine)
        with self.news:
            assert self.news.wait_for(lambda: mine in self.marks_read, 10), \
                "nobody reads the log"

    def events(self, mark=0, **want):
        """The events since mark that have these values."""
        with self.news:
            found = [line.event for line in self.lines[mark:]
                     if line.event is not None]
        return [e for e in found
                if all(e.get(name) == value for name, value in want.items())]

    def wait(self, mark=0, timeout=5, **want):
        """The first such event, awaited; fails if it does not come."""
        with self.news:
            self.news.wait_for(lambda: self.events(mark, **want), timeout)
        found = self.events(mark, **want)
        assert found, f"no event with {want} in\n{self.tail(mark)}"
        return found[0]

    def one(self, mark, **want):
        """The only such event."""
        self.wait(mark, **want)
        found = self.events(mark, **want)
        assert len(found) == 1, f"{want}, more than once:\n{self.tail(mark)}"
        return found[0]

    def tail(self, mark=0):
        with self.news:
            return "\n".join(map(repr, self.lines[mark:]))

    def check(self):
        """Every event that came is of the promised form; some did."""
        assert not self.broken, self.broken
        texts = [line.event_text for line in self.lines
                 if line.event_text is not None]
        assert texts, "not one event was seen"
        for text in texts:
            check_event(text)


# ---- the store --------------------------------------------------------------

CONFIG = """\
---
version: 1
host: bastion
aliases: [bastion.example.com]
proof: {{max_age_s: 60, clock_skew_s: {skew}}}
reserved_accounts: [deploy, "agent-*"]
services:
{services}replay: {{folder: /run/firstops/replay}}
audit: {{required: [syslog], best_effort: []}}
...
"""

SERVICES = {"sshd": "{nonce: always, ask: reserved}",
            "postgresql": "{nonce: auto, ask: all, user: postgres}"}

POLICY = """\
---
version: 1
policy: everywhere
rules:
  - rule: any-service
    effect: allow
    channel: login
...
"""

GROUP = """\
---
version: 1
group: {name}
description: For tests
policies: [{policies}]
...
"""


def write(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def configure(**services):
    """Write firstops.yaml: sshd="{nonce: auto}" replaces a service's entry.

    The clocks of client and host are one here, so no skew is granted: a new
    folder of used proofs takes its first proof that much earlier.
    """
    lines = "".join(f"  {name}: {value}\n"
                    for name, value in {**SERVICES, **services}.items())
    write(STORE / "firstops.yaml", CONFIG.format(services=lines, skew=0))


def new_store():
    """A store with one policy that allows every login, and no principals."""
    shutil.rmtree(STORE, ignore_errors=True)
    for folder in ("principals.d", "keys.d", "groups.d", "policies.d"):
        (STORE / folder).mkdir(parents=True)
    configure()
    write(STORE / "policies.d/everywhere.yaml", POLICY)
    for name, policies in (("default", ""), ("agents", "everywhere")):
        write(STORE / f"groups.d/{name}.yaml",
              GROUP.format(name=name, policies=policies))


@contextlib.contextmanager
def unreadable_store():
    """Principals and policies that nobody can read; firstops.yaml is there."""
    must("mv", STORE / "principals.d", STORE / "policies.d", "/root")
    write(STORE / "principals.d", "not a folder\n")
    try:
        yield
    finally:
        os.unlink(STORE / "principals.d")
        must("mv", "/root/principals.d", "/root/policies.d", STORE)


class Agent:
    """A registered agent, and the key that its program holds."""

    def __init__(self, name, accounts=("deploy",), owner="team-platform",
                 user="build", key=None):
        home = pathlib.Path(pwd.getpwnam(user).pw_dir)
        self.name, self.owner, self.user = name, owner, user
        self.key = key or home / ".config/firstops/key.pem"
        self.key.parent.mkdir(parents=True, exist_ok=True)
        self.key.unlink(missing_ok=True)
        made = json.loads(must(
            "fo", "agent", "create", name, "--owner", owner,
            "--groups", "agents", "--accounts", ",".join(accounts),
            "--out", self.key, "--json"))
        self.id, self.jkt = made["id"], made["thumbprint"]
        own_tree(self.key, home, user)

    @classmethod
    def registered(cls, name, user="build"):
        """One that somebody else registered; its key is where clients look
        for it."""
        agent = cls.__new__(cls)
        shown = json.loads(must("fo", "agent", "show", name,
                                "--json"))["agent"]
        home = pathlib.Path(pwd.getpwnam(user).pw_dir)
        agent.name, agent.owner, agent.user = name, shown["owner"], user
        agent.id, agent.jkt = shown["id"], shown["keys"][0]["thumbprint"]
        agent.key = home / ".config/firstops/key.pem"
        return agent

    def sign(self, htu, nonce=None):
        """A fresh proof for that target."""
        more = ["--nonce", nonce] if nonce else []
        return must("fo", "proof", "sign", "--key", self.key, "--htu", htu,
                    *more, user=self.user).strip()

    def answer(self, match):
        """What the agent types when it meets our challenge; match comes
        from CHALLENGE."""
        return self.sign(match["htu"], match["nonce"])

    def is_in(self, event):
        """Does an event name this agent, as a whole?"""
        return (event["id"], event["kind"], event["name"], event["owner"],
                event["jkt"]) == (self.id, "agent", self.name, self.owner,
                                  self.jkt)

    def revoke(self):
        must("fo", "agent", "revoke", self.id)


CHALLENGE = (r"\[FirstOps DPoP htu=(?P<htu>\S+) nonce=(?P<nonce>\S+)\]"
             r" Password or proof: ")


def own_tree(path, top, user):
    """Give path, and the folders from it up to top, to a user."""
    person = pwd.getpwnam(user)
    path = pathlib.Path(path)
    while path != top:
        os.chown(path, person.pw_uid, person.pw_gid)
        path = path.parent


# ---- what is installed for a service ----------------------------------------

def new_run_folder():
    """/run/firstops as a boot leaves it."""
    shutil.rmtree(RUN, ignore_errors=True)
    for folder, mode in (("", 0o755), ("replay", 0o755), ("replay/0", 0o700),
                         ("pending", 0o700), ("sessions", 0o700)):
        (RUN / folder).mkdir()
        (RUN / folder).chmod(mode)


def replay_folder_for(user):
    """What an admin makes for a service that does not run as root."""
    person = pwd.getpwnam(user)
    folder = RUN / "replay" / str(person.pw_uid)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    os.chown(folder, person.pw_uid, person.pw_gid)


def settle(agent, user="root", service="settling", account="deploy"):
    """Wait until proofs made now are accepted: a folder of used proofs that
    has just been made refuses what may be older than itself."""
    nonce = "AAAAAAAAAAAAAAAA"

    def offer():
        return run("fo", "verify", "--service", service, "--account", account,
                   "--nonce", nonce, user=user, input=agent.sign(
                       f"pam://bastion/{service}/{account}", nonce))
    assert until(lambda: offer().code == 0, 20), offer()


def shipped_stacks():
    """The PAM stacks that come with FirstOps, as an admin would copy them."""
    for stack in (SOURCE / "etc/pam.d").iterdir():
        write(pathlib.Path("/etc/pam.d") / stack.name, stack.read_text())


def stack(service, *lines):
    """A PAM stack of a test's own."""
    return write(pathlib.Path("/etc/pam.d") / service,
                 "".join(line + "\n" for line in lines))


OURS = ("auth required pam_firstops.so", "account required pam_firstops.so",
        "session required pam_firstops.so")


def compile(name, *flags):
    """Build a helper of tests/support for this world; returns its path."""
    out = pathlib.Path("/usr/local/lib/firstops-tests") / name
    out.parent.mkdir(parents=True, exist_ok=True)
    must("cc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         "-fPIC", "-O1", *flags, "-o", out, SUPPORT / (out.stem + ".c"),
         "-lpam")
    return out


# ---- daemons ----------------------------------------------------------------

HOST_KEY = pathlib.Path("/etc/ssh/world_host_key")


def prepare_ssh():
    """Debian's own sshd_config with our snippet, a host key that clients
    know."""
    configs = pathlib.Path("/etc/ssh/sshd_config.d")
    shutil.rmtree(configs, ignore_errors=True)
    configs.mkdir()
    original = pathlib.Path("/usr/share/openssh/sshd_config")
    if original.exists():
        shutil.copy(original, "/etc/ssh/sshd_config")
    shutil.copy(SOURCE / "etc/ssh/sshd_config.d/firstops.conf", configs)
    must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", HOST_KEY)
    public = HOST_KEY.with_suffix(".pub").read_text().split()
    write("/etc/ssh/ssh_known_hosts", f"* {public[0]} {public[1]}\n")


def sshd(port=22, address="127.0.0.1", service="sshd", **options):
    """A real sshd. Its PAM service is what its program is called."""
    program = "/usr/sbin/sshd"
    if service != "sshd":
        program = f"/usr/sbin/{service}"
        if not os.path.lexists(program):
            os.symlink("/usr/sbin/sshd", program)
    words = [f"-oHostKey={HOST_KEY}", f"-oPort={port}",
             f"-oListenAddress={address}", "-oLogLevel=VERBOSE",
             f"-oPidFile=/run/{service}-{port}.pid"]
    words += [f"-o{name}={value}" for name, value in options.items()]
    return Daemon(program, "-D", "-e", *words, ready="Server listening on")


ASKPASS = {"SSH_ASKPASS": "/usr/bin/fo-askpass",
           "SSH_ASKPASS_REQUIRE": "force"}


def askpass_saying(text, name="askpass"):
    """A program that answers every question with the same words."""
    path = pathlib.Path("/usr/local/bin") / name
    write(path, f"#!/bin/sh\nprintf '%s\\n' '{text}'\n", 0o755)
    return {"SSH_ASKPASS": path, "SSH_ASKPASS_REQUIRE": "force"}


def ssh(*argv, user="build", method="keyboard-interactive", port=22,
        **more):
    """Plain ssh, one attempt by one method."""
    return run("ssh", f"-p{port}", f"-oPreferredAuthentications={method}",
               "-oNumberOfPasswordPrompts=1", *argv, user=user, **more)


def fo_ssh(*argv, user="build", **more):
    return run("fo", "ssh", *argv, user=user, **more)


def node_package():
    """Where the package for Node is installed, or None."""
    lib = pathlib.Path("/usr/lib")
    found = [p for pattern in ("nodejs/firstops", "*/nodejs/firstops")
             for p in lib.glob(pattern) if (p / "firstops.node").exists()]
    return found[0] if found else None


def postgres_programs():
    return sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]


def postgres():
    """A real PostgreSQL that asks PAM, with the roles etl and report."""
    programs = postgres_programs()
    data = pathlib.Path("/var/lib/firstops-tests/postgresql")
    shutil.rmtree(data.parent, ignore_errors=True)
    data.mkdir(parents=True)
    shutil.chown(data, "postgres", "postgres")
    data.chmod(0o700)
    must(programs / "initdb", "-D", data, "--auth=peer", "--no-sync",
         "--locale=C.UTF-8", user="postgres", timeout=120)
    write(data / "pg_hba.conf",
          "local all postgres peer\n"
          "host all all 127.0.0.1/32 pam pamservice=postgresql\n")
    pathlib.Path("/run/postgresql").mkdir(exist_ok=True)
    shutil.chown("/run/postgresql", "postgres", "postgres")
    server = Daemon(programs / "postgres", "-D", data, "-c", "fsync=off",
                    "-c", "listen_addresses=127.0.0.1",
                    "-k", "/run/postgresql", user="postgres",
                    ready="database system is ready to accept connections")
    must("psql", "-h", "/run/postgresql", "-qc",
         "create role etl login; create role report login",
         "postgres", user="postgres")
    return server


def psql(role, proof=None, user="build"):
    more = {"PGPASSWORD": proof} if proof is not None else {}
    return run("psql", "-w", "-h", "127.0.0.1", "-U", role, "-tAc",
               "select current_user", "postgres", user=user, **more)


# ---- the world's own things -------------------------------------------------

log = Log()


def begin():
    """A log that is read, an empty store, PAM stacks and sshd as shipped."""
    log.start()
    new_run_folder()
    new_store()
    shipped_stacks()
    prepare_ssh()
