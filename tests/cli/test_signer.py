#!/usr/bin/python3
"""The signer: who is let in, what it signs, what it forgets, and that nobody
who is slow, gone or hostile gets a signature or keeps another from one. Most
of it speaks the protocol of sdk/PROTOCOL.md by itself."""

import array
import base64
import concurrent.futures
import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import fo
import tap
import tpm

TOOLS = fo.FO.parent.parent
SIGNER = TOOLS / "signer" / "fo-signer"
NAMESPACE = "/proc/self/ns/user"
HTU = "pam://bastion/sshd/deploy"
LOCKED, REFUSED, FORMAT = "locked", "refused", "format"
NOBODY = 65534


def cached(name):
    """What the build was configured with."""
    text = (fo.BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:\w+=(.*)$", text, re.M)
    return found[1] if found else ""


# Sanitizers have memory, signals and libraries of their own, and with them and
# with gcov the signer has no filter (tools/signer/CMakeLists.txt).
SANITIZED = cached("FIRSTOPS_SANITIZE") != ""
HAS_FILTER = not SANITIZED and cached("FIRSTOPS_COVERAGE") != "ON"


def until(condition, seconds=10):
    """Wait for what nobody announces; its last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.01)


def claims(proof):
    part = proof.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Raw:
    """A connection, byte by byte."""

    def __init__(self, path, show=NAMESPACE):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.socket.settimeout(20)
        self.show = show

    def send(self, data):
        """With the first byte, the namespace. If the other end has closed,
        it may have said why before."""
        sent = 0
        try:
            if self.show is not None and data:
                fd = os.open(self.show, os.O_RDONLY)
                sent = self.socket.sendmsg([data], [(
                    socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", [fd]))])
                os.close(fd)
                self.show = None
            if data[sent:]:
                self.socket.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def message(self, request):
        data = request if isinstance(request, bytes) else \
            json.dumps(request).encode()
        return self.send(struct.pack(">I", len(data)) + data)

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                return None
            data += more
        return data

    def answer(self):
        """The reply, or None where the connection ends before it."""
        try:
            head = self.read(4)
            data = head and self.read(struct.unpack(">I", head)[0])
        except ConnectionResetError:
            return None
        return data and json.loads(data)

    def ask(self, request):
        return self.message(request).answer()

    def is_closed(self, seconds=5):
        """Does it end without another byte?"""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# What a test's askpass program does: it writes down what it was asked, and
# waits for a word.
ASKPASS = """#!/usr/bin/python3
import json, os, sys
folder = {folder!r}
with open(folder + "/asked", "a") as f:
    f.write(json.dumps({{"words": sys.argv[1:], "pid": os.getpid(),
        "mode": os.environ.get("SSH_ASKPASS_PROMPT"),
        "fds": sorted(map(int, os.listdir("/proc/self/fd")))}}) + "\\n")
with open(folder + "/word") as f:
    sys.exit(0 if f.read() == "yes" else 1)
"""


class Case(fo.Case):
    def setUp(self):
        super().setUp()
        self.run_dir = self.dir / "run"
        self.run_dir.mkdir(mode=0o700)
        self.path = self.run_dir / "firstops" / "signer.sock"
        self.env["XDG_RUNTIME_DIR"] = str(self.run_dir)
        self.env["PATH"] = f"{SIGNER.parent}:{self.env['PATH']}"
        self.said = self.dir / "said"
        self.made = 0

    # ---- the daemon -----------------------------------------------------

    def launch(self, *words, program=(SIGNER,), before=None, env=None,
               **more):
        """Start a signer and do not wait for it."""
        with open(self.said, "ab") as said:
            process = subprocess.Popen(
                [str(w) for w in (*program, *words)], cwd=self.dir,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={**self.env, **(env or {})}, preexec_fn=before, **more)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path)) == 0

    def start(self, *words, **more):
        process = self.launch(*words, **more)
        self.assertTrue(until(lambda: self.listens()
                              or process.poll() is not None))
        self.assertIsNone(process.poll(), self.said.read_text())
        return process

    def fails(self, text, *words, code=3, **more):
        """It does not start, and says why."""
        process = self.launch(*words, **more)
        self.assertEqual(process.wait(10), code)
        self.assertIn(text, self.said.read_text())

    def raw(self, **more):
        raw = Raw(self.path, **more)
        self.addCleanup(raw.close)
        return raw

    def ask(self, request, **more):
        """One request on a connection of its own."""
        with Raw(self.path, **more) as raw:
            return raw.ask(request)

    def done(self, request):
        answer = self.ask(request)
        self.assertEqual(answer and answer["ok"], True, answer)
        return answer

    def refuses(self, why, request, **more):
        answer = self.ask(request, **more)
        self.assertIsNotNone(answer, request)
        self.assertEqual((answer["ok"], answer["why"]), (False, why), answer)
        return answer["error"]

    # ---- keys -----------------------------------------------------------

    def key(self):
        """A new key: its file and its thumbprint."""
        self.made += 1
        path = self.dir / f"key-{self.made}.pem"
        return path, self.ok("key", "generate", "--out", path).strip()

    def add(self, **terms):
        path, jkt = self.key()
        answer = self.done({"op": "add", "pem": path.read_text(), **terms})
        self.assertEqual(answer, {"ok": True, "jkt": jkt})
        return jkt

    def sign(self, **more):
        return {"op": "sign", "htm": "PAM", "htu": HTU, **more}

    def check(self, proof, jkt, htu=HTU, htm="PAM", **more):
        words = [w for name, value in more.items()
                 for w in (f"--{name}", value)]
        self.ok("proof", "verify", "--htm", htm, "--htu", htu, "--jkt", jkt,
                *words, input=proof)

    def signs(self, jkt):
        """Is a proof to be had, promptly?"""
        start = time.monotonic()
        answer = self.done(self.sign(jkt=jkt))
        self.assertLess(time.monotonic() - start, 2)
        self.check(answer["proof"], jkt)

    # ---- what /proc says ------------------------------------------------

    def status(self, process, name):
        text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return re.search(rf"^{name}:\s*(.*)$", text, re.M)[1]

    def cpu_s(self, process):
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def descriptors(self, process):
        """How many are open; connections that ended are closed soon."""
        counts = []
        while len(counts) < 3 or len(set(counts[-3:])) > 1:
            counts.append(len(os.listdir(f"/proc/{process.pid}/fd")))
            time.sleep(0.05)
        return counts[-1]

    def need_no_sanitizer(self):
        if SANITIZED:
            self.skipTest("a sanitizer is in the way")

    def filtered(self, process):
        """Has it a filter of calls, where this build has one?"""
        return self.status(process, "Seccomp") == ("2" if HAS_FILTER
                                                   else "0")

    def need_root(self):
        if os.geteuid() != 0:
            self.skipTest("only root sees into another's process, or is one")

    def as_user(self):
        """Words before a command, so that it is no root."""
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                "--clear-groups"] if os.geteuid() == 0 else []


# ---- the socket -------------------------------------------------------------

class Socket(Case):
    def test_the_socket_is_its_users_alone(self):
        self.start()
        self.assertEqual(self.path.parent.stat().st_mode & 0o7777, 0o700)
        self.assertEqual(self.path.stat().st_mode & 0o7777, 0o600)

    def test_each_signal_ends_it_and_the_socket_is_gone(self):
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = self.start()
            process.send_signal(how)
            self.assertEqual(process.wait(5), 0)
            self.assertFalse(self.path.exists())
        self.assertEqual(self.said.read_text(), "")

    def test_one_that_is_left_over_is_replaced(self):
        process = self.start()
        process.kill()
        process.wait()
        self.assertTrue(self.path.exists())
        self.start()
        self.assertEqual(self.done({"op": "list"})["keys"], [])

    def test_one_that_is_listened_on_is_not(self):
        self.start()
        jkt = self.add()
        self.fails("a signer runs there already")
        self.signs(jkt)

    def test_one_that_is_too_busy_to_answer_is_not_taken_for_left_over(self):
        process = self.start()
        jkt = self.add()
        process.send_signal(signal.SIGSTOP)
        self.fails("a signer runs there already")
        waiting = []
        while len(waiting) < 2000:
            one = socket.socket(socket.AF_UNIX)
            self.addCleanup(one.close)
            one.setblocking(False)
            if one.connect_ex(str(self.path)) != 0:
                break
            waiting.append(one)
        self.assertLess(len(waiting), 2000, "no end of the queue")
        self.fails("signer.sock: ")
        self.assertTrue(self.path.exists())
        for one in waiting:
            one.close()
        process.send_signal(signal.SIGCONT)
        self.signs(jkt)

    def test_one_at_a_time_looks_what_is_left_over(self):
        self.path.parent.mkdir(mode=0o700)
        folder = os.open(self.path.parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.launch()
        time.sleep(0.3)
        self.assertFalse(self.path.exists())
        os.close(folder)
        self.assertTrue(until(self.listens))

    def test_of_two_that_start_at_once_one_runs(self):
        for _ in range(3):
            process = self.start()
            process.kill()
            process.wait()
            both = [self.launch(), self.launch()]
            self.assertTrue(until(lambda: [p for p in both
                                           if p.poll() is not None]))
            time.sleep(0.1)
            self.assertEqual(sorted(str(p.poll()) for p in both),
                             ["3", "None"])
            self.done({"op": "list"})
            for process in both:
                self.end(process)

    def test_what_is_no_socket_stays(self):
        self.path.parent.mkdir(mode=0o700)
        self.path.write_text("mine")
        self.fails("is there already, and no socket")
        self.assertEqual(self.path.read_text(), "mine")

    def test_a_folder_that_others_enter_is_refused(self):
        self.path.parent.mkdir()
        for mode in (0o755, 0o750, 0o701, 0o777):
            self.path.parent.chmod(mode)
            self.fails("has to be your own folder")
        self.assertFalse(self.path.exists())
        self.path.parent.chmod(0o700)
        self.start()

    def test_a_folder_of_somebody_else_is_refused(self):
        self.need_root()
        self.path.parent.mkdir(mode=0o700)
        os.chown(self.path.parent, NOBODY, NOBODY)
        self.fails("has to be your own folder")
        self.path.parent.rmdir()
        other = self.dir / "other"
        other.mkdir(mode=0o700)
        self.path.parent.symlink_to(other)
        self.fails("firstops: ")

    def test_the_socket_that_took_its_place_is_left_alone(self):
        process = self.start()
        self.path.rename(self.path.with_suffix(".old"))
        other = self.start()
        self.end(process)
        self.assertTrue(self.path.exists())
        self.assertEqual(self.done({"op": "list"})["keys"], [])
        self.end(other)

    def test_it_may_be_anywhere_in_a_folder_of_ones_own(self):
        self.path = self.dir / "own" / "s"
        self.path.parent.mkdir(mode=0o700)
        self.start("--socket", self.path)
        jkt = self.add()
        proof = self.ok("proof", "sign", "--key", f"signer:{self.path}",
                        "--htu", HTU)
        self.check(proof, jkt)

    def test_what_cannot_be_a_socket_is_told(self):
        self.fails("too long for a socket", "--socket",
                   self.run_dir / ("x" * 120))
        self.fails("or no path", "--socket", "")
        self.fails("No such file", "--socket", self.dir / "none/there/s")
        self.fails("XDG_RUNTIME_DIR is not set", env={"XDG_RUNTIME_DIR": ""})
        self.fails("XDG_RUNTIME_DIR is not set",
                   env={"XDG_RUNTIME_DIR": "run"})

    def test_a_wrong_command_line_shows_the_usage(self):
        for words in (["x"], ["--sockett"], ["--load"],
                      ["--load", "k"] * 9):
            self.fails("usage: fo-signer", *words, code=2)
        for word in ("--help", "-h"):
            done = subprocess.run([SIGNER, word], capture_output=True,
                                  text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("usage: fo-signer", done.stdout)
        done = subprocess.run([SIGNER, "--version"], capture_output=True,
                              text=True)
        self.assertRegex(done.stdout, r"^fo-signer \d+\.\d+\.\d+\n$")

    def test_its_page_and_its_help_have_the_same_options(self):
        page = (fo.TOP / "tools/signer/fo-signer.8").read_text()
        done = subprocess.run([SIGNER, "--help"], capture_output=True,
                              text=True, check=True)
        said = re.findall(r"^  --(\w+)", done.stdout, re.M)
        self.assertEqual(len(said), 3, done.stdout)
        for pattern in (r"^\.It Fl \\-(\w+) ", r"^\.Op Fl \\-(\w+) "):
            self.assertEqual(re.findall(pattern, page, re.M), said)
        verb = self.ok("help", "signer")
        self.assertEqual([w for w in re.findall(r"^  --(\w+)", verb, re.M)
                          if w != "help"], said)
        for limit in ("8 times", "1024 clients", "At most 8"):
            self.assertIn(limit, page)

    def test_closed_standard_descriptors_are_no_trouble(self):
        def close():
            for fd in (0, 1, 2):
                os.close(fd)
        self.start("--askpass", "/bin/true", before=close)
        self.add(confirm=True)
        self.assertTrue(self.ask(self.sign())["ok"])


class Passed(Case):
    """Sockets that systemd makes."""

    def activate(self, *words):
        if not shutil.which("systemd-socket-activate"):
            self.skipTest("needs systemd-socket-activate")
        self.path.parent.mkdir(mode=0o700)
        env = [w for name, value in self.env.items()
               for w in ("-E", f"{name}={value}")]
        return self.launch(*env, *words, SIGNER,
                           program=("systemd-socket-activate",))

    def test_the_first_client_starts_it(self):
        process = self.activate("-l", self.path)
        self.assertTrue(until(self.path.exists))
        name = pathlib.Path(f"/proc/{process.pid}/comm")
        self.assertEqual(name.read_text(), "systemd-socket-\n")
        jkt = self.add()
        self.assertEqual(name.read_text(), "fo-signer\n")
        self.signs(jkt)
        process.terminate()
        self.assertEqual(process.wait(5), 0)
        self.assertTrue(self.path.exists(), "it is systemd's to remove")

    def passed(self, count, *sockets, pid=None):
        """Start it by hand with sockets from 3 on."""
        fds = [s.fileno() for s in sockets]

        def pass_on():
            for i, fd in enumerate(fds):
                os.dup2(fd, 100 + i)
            for i, _ in enumerate(fds):
                os.dup2(100 + i, 3 + i)
        script = (f'LISTEN_PID={pid or "$$"} LISTEN_FDS={count} exec "$@"')
        return self.launch(
            "-c", script, "sh", SIGNER, program=("sh",), before=pass_on,
            pass_fds=range(3, 3 + len(fds)))

    def listener(self, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
        one = socket.socket(family, kind)
        self.addCleanup(one.close)
        if family == socket.AF_UNIX:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            self.path.unlink(missing_ok=True)
            one.bind(str(self.path))
        if kind == socket.SOCK_STREAM:
            one.listen(8)
        return one

    def test_one_listening_socket_is_taken(self):
        listener = self.listener()
        self.passed(1, listener)
        self.signs(self.add())
        # one that another has accepted meanwhile must not be waited for
        self.assertTrue(fcntl.fcntl(listener, fcntl.F_GETFL)
                        & os.O_NONBLOCK)

    def test_anything_else_is_refused(self):
        local = self.listener()
        bound = socket.socket(socket.AF_UNIX)
        self.addCleanup(bound.close)
        bound.bind(str(self.dir / "bound"))
        for count, sockets in ((2, [local, local]), (0, [local]), (1, [bound]),
                               (1, [self.listener(socket.AF_INET)]),
                               (1, [self.listener(
                                   kind=socket.SOCK_DGRAM)])):
            process = self.passed(count, *sockets)
            self.assertEqual(process.wait(5), 3, sockets)
            self.assertIn("one socket is taken", self.said.read_text())

    def test_what_was_passed_to_another_process_is_not_looked_at(self):
        self.path.parent.mkdir(mode=0o700)
        self.passed(1, self.listener(socket.AF_INET), pid=1)
        self.assertTrue(until(self.listens))


# ---- who is let in ----------------------------------------------------------

# Speaks to the signer as whoever runs it: arguments path, namespace or "-",
# a request. Prints the reply, or "closed".
CLIENT = """
import sys
sys.path.insert(0, {folder!r})
import test_signer
raw = test_signer.Raw(sys.argv[1], show=None if sys.argv[2] == "-" else
                      sys.argv[2])
print(raw.ask(sys.argv[3].encode()) or "closed")
"""


class Peers(Case):
    def client(self, *before, show=NAMESPACE, request=None):
        """A client that is somebody else."""
        text = CLIENT.format(folder=str(pathlib.Path(__file__).parent))
        done = subprocess.run(
            [*before, "/usr/bin/python3", "-B", "-c", text, str(self.path),
             show, json.dumps(request or self.sign())], text=True,
            capture_output=True, timeout=30,
            env={**self.env, "FIRSTOPS_BUILD": str(fo.BUILD)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_a_client_of_the_same_user_is_served(self):
        self.start()
        self.add()
        self.assertIn("'ok': True", self.client())

    def test_another_user_is_sent_away_before_a_byte_is_read(self):
        self.need_root()
        self.start()
        self.add()
        # as if every mode had been opened
        for path in (self.dir, self.run_dir, self.path.parent, self.path):
            path.chmod(0o777)
        self.assertEqual(self.client(*self.as_user()), "closed")
        script = ("import socket,sys; s=socket.socket(socket.AF_UNIX);"
                  "s.connect(sys.argv[1]); s.settimeout(3);"
                  "print(s.recv(1))")
        done = subprocess.run([*self.as_user(), "/usr/bin/python3", "-c",
                               script, self.path], capture_output=True,
                              text=True)
        self.assertEqual(done.stdout, "b''\n", done.stderr)

    def test_a_signer_of_another_user_serves_no_root(self):
        self.need_root()
        os.chown(self.run_dir, NOBODY, NOBODY)
        self.dir.chmod(0o755)
        self.start(program=(*self.as_user(), SIGNER))
        self.assertEqual(self.client(), "closed")
        self.assertIn("True", self.client(*self.as_user(),
                                          request={"op": "list"}))

    def test_root_in_a_user_namespace_is_refused(self):
        if subprocess.run([*self.as_user(), "unshare", "-Ur",
                           "true"]).returncode != 0:
            self.skipTest("no user namespaces here")
        if os.geteuid() == 0:
            os.chown(self.run_dir, NOBODY, NOBODY)
            self.dir.chmod(0o755)
        self.start(program=(*self.as_user(), SIGNER))
        self.assertIn("'ok': True", self.client(
            *self.as_user(), request={"op": "list"}))
        for unshare in (["unshare", "-Ur"], ["unshare", "-U"],
                        ["unshare", "-Urmpf", "--mount-proc"]):
            said = self.client(*self.as_user(), *unshare,
                               request={"op": "list"})
            self.assertIn("'why': 'refused'", said, unshare)
            self.assertIn("another user namespace", said)

    def test_without_the_namespace_nothing_is_answered(self):
        self.start()
        self.add()
        self.assertIn("forwarded", self.refuses(REFUSED, self.sign(),
                                                show=None))
        for other in ("/dev/null", "/proc/self/ns/net", "/proc/self/ns/mnt",
                      "/proc/self/status", "/"):
            self.refuses(REFUSED, self.sign(), show=other)

    def test_a_forwarded_connection_is_refused(self):
        """Bytes arrive, and no descriptor: as with ssh -R or socat."""
        self.start()
        self.add()
        there = self.dir / "forwarded"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(there))
            listener.listen()

            def forward():
                near, _ = listener.accept()
                with near, socket.socket(socket.AF_UNIX) as far:
                    far.connect(str(self.path))
                    far.sendall(near.recv(65536))
                    near.sendall(far.recv(65536))
            thread = threading.Thread(target=forward)
            thread.start()
            with Raw(there) as raw:
                answer = raw.ask(self.sign())
            thread.join()
        self.assertEqual(answer["why"], REFUSED, answer)

    def test_the_namespace_comes_with_the_first_byte_or_never(self):
        self.start()
        self.add()
        raw = self.raw(show=None)
        answer = raw.send(b"\0").answer()
        self.assertEqual(answer["why"], REFUSED, answer)
        raw.show = NAMESPACE
        raw.send(b"\0\0\x0d{\"op\":\"list\"}")
        self.assertTrue(raw.is_closed())

    def test_once_shown_it_counts_for_the_connection(self):
        self.start()
        jkt = self.add()
        raw = self.raw()
        for _ in range(3):
            self.check(raw.ask(self.sign())["proof"], jkt)

    def test_descriptors_that_are_sent_are_closed(self):
        process = self.start()
        self.done({"op": "list"})
        self.need_root()
        before = self.descriptors(process)
        many = array.array("i", [0] * 200)
        for count in (1, 2, 4, 5, 200):
            with Raw(self.path, show=None) as raw:
                raw.socket.sendmsg([b"\0"], [(
                    socket.SOL_SOCKET, socket.SCM_RIGHTS, many[:count])])
                self.assertEqual(raw.answer()["why"], REFUSED)
        with Raw(self.path) as raw:
            # also those that come later, each with a byte of its own
            raw.send(b"\0")
            for byte in b"\0\0\x0d{\"op\":\"list\"}":
                raw.socket.sendmsg([bytes([byte])], [(
                    socket.SOL_SOCKET, socket.SCM_RIGHTS, many[:3])])
            self.assertTrue(raw.answer()["ok"])
            self.assertEqual(self.descriptors(process), before + 1)
        self.assertTrue(until(
            lambda: self.descriptors(process) == before))


# ---- the protocol -----------------------------------------------------------

class Protocol(Case):
    def test_every_request_of_the_page_is_answered(self):
        self.start()
        path, jkt = self.key()
        terms = {"name": "mine", "targets": "pam://bastion/* urn:x",
                 "lifetime_s": 3600, "confirm": False}
        self.assertEqual(self.done({"op": "add", "pem": path.read_text(),
                                    **terms}), {"ok": True, "jkt": jkt})
        answer = self.done({"op": "list"})
        self.assertEqual(answer["locked"], False)
        jwk = json.loads(self.ok("key", "jwk", path))
        self.assertEqual(answer["keys"], [{
            "jkt": jkt, "x": jwk["x"], "y": jwk["y"], **terms}])
        proof = self.done(self.sign(jkt=jkt, nonce=fo.NONCE,
                                    max_bytes=511))["proof"]
        self.assertLessEqual(len(proof), 511)
        self.check(proof, jkt, nonce=fo.NONCE)
        self.assertEqual(self.done({"op": "lock", "passphrase": "x"}),
                         {"ok": True})
        self.assertEqual(self.done({"op": "list"}),
                         {"ok": True, "locked": True, "keys": []})
        self.assertEqual(self.done({"op": "unlock", "passphrase": "x"}),
                         {"ok": True})
        self.assertEqual(self.done({"op": "remove", "jkt": jkt}),
                         {"ok": True})
        self.assertEqual(self.done({"op": "remove", "all": True}),
                         {"ok": True})

    def test_the_page_has_each_member_and_op_of_the_code_and_no_other(self):
        page = (fo.TOP / "sdk/PROTOCOL.md").read_text()
        code = (fo.TOP / "tools/signer/requests.c").read_text()
        table = re.search(r"ops\[\] = \{(.*?)\n\};", code, re.S)[1]
        want = {}
        for op, members in re.findall(
                r'\{ "(\w+)", \w+, \w+,\s*\{ "op"(.*?) \}', table, re.S):
            want[op] = set(re.findall(r'"(\w+)"', members))
        said = {}
        for ops, members, _ in re.findall(
                r"^\| (`.*?) \|(.*?)\|(.*?)\|$", page, re.M):
            members = re.sub(r"\(.*?\)", "", members)
            for op in re.findall(r"`(\w+)`", ops):
                said[op] = set(re.findall(r'`"?(\w+)', members))
        self.assertEqual(said, want)

    def test_iat_and_jti_are_the_signers_own(self):
        self.start()
        jkt = self.add()
        made = [claims(self.done(self.sign())["proof"]) for _ in range(3)]
        self.assertEqual(len({c["jti"] for c in made}), 3)
        for c in made:
            self.assertLess(abs(c["iat"] - time.time()), 5)
            self.assertEqual(set(c), {"jti", "htm", "htu", "iat"})
        for name, value in (("iat", 1), ("jti", "x"), ("exp", 1),
                            ("claims", {}), ("header", {}),
                            ("digest", "x"), ("data", "x")):
            self.refuses(FORMAT, self.sign(jkt=jkt, **{name: value}))

    def test_a_message_of_8192_bytes_is_read_and_none_of_8193(self):
        self.start()
        jkt = self.add()
        text = json.dumps(self.sign(jkt=jkt)).encode()
        self.check(self.ask(text.ljust(8192))["proof"], jkt)
        for length in (8193, 8192 * 256, 0xFFFFFFFF, 0):
            raw = self.raw().send(struct.pack(">I", length))
            answer = raw.answer()
            self.assertEqual(answer["why"], FORMAT, length)
            self.assertIn("1 to 8192 bytes", answer["error"])
            self.assertTrue(raw.is_closed())

    def test_rubbish_is_refused_and_the_connection_closed(self):
        self.start()
        jkt = self.add()
        for text in (b"x", b"\0\0", b"{}", b"[]", b"null", b"\xff\xfe",
                     b'{"op":"list"', b'{"op":"list"}x', b'{"op":"LIST"}',
                     b'{"op":"list","op":"list"}', b'{"op":"list","a":1}',
                     b'{"op":' + b"[" * 100 + b"}", os.urandom(4000),
                     b'{"op":"list"}\0', b'{"op":["list"]}',
                     b"-----BEGIN PRIVATE KEY-----"):
            raw = self.raw()
            answer = raw.ask(text)
            self.assertEqual(answer["why"], FORMAT, text)
            self.assertTrue(raw.is_closed(), text)
        self.signs(jkt)

    def test_wrong_members_are_refused(self):
        self.start()
        self.add()
        pem = self.key()[0].read_text()
        for request in (
                {"op": "sign"}, {"op": "sign", "htm": "GET"},
                self.sign(htm=1), self.sign(htu=None), self.sign(jkt=[]),
                self.sign(nonce=1), self.sign(max_bytes="511"),
                self.sign(max_bytes=-1), self.sign(max_bytes=1.5),
                self.sign(ath="x"), self.sign(access_token="x"),
                {"op": "add"}, {"op": "add", "pem": 1},
                {"op": "add", "pem": pem, "confirm": "true"},
                {"op": "add", "pem": pem, "confirm": 1},
                {"op": "add", "pem": pem, "lifetime_s": "60"},
                {"op": "add", "pem": pem, "lifetime_s": -1},
                {"op": "add", "pem": pem, "targets": ["pam://*"]},
                {"op": "add", "pem": pem, "name": 7},
                {"op": "add", "pem": pem, "passphrase": "x"},
                {"op": "remove"}, {"op": "remove", "all": "true"},
                {"op": "remove", "all": True, "jkt": "x"},
                {"op": "lock"}, {"op": "lock", "passphrase": 1},
                {"op": "unlock", "passphrase": None}):
            self.refuses(FORMAT, request)
        self.assertEqual(len(self.done({"op": "list"})["keys"]), 1)

    def test_messages_come_in_any_pieces(self):
        self.start()
        jkt = self.add()
        text = json.dumps(self.sign(jkt=jkt)).encode()
        raw = self.raw()
        for byte in struct.pack(">I", len(text)) + text:
            raw.send(bytes([byte]))
        self.check(raw.answer()["proof"], jkt)
        # and many at once
        raw.send((struct.pack(">I", len(text)) + text) * 20)
        jtis = {claims(raw.answer()["proof"])["jti"] for _ in range(20)}
        self.assertEqual(len(jtis), 20)

    def test_a_refusal_that_is_no_rubbish_leaves_the_connection_open(self):
        self.start()
        raw = self.raw()
        self.assertEqual(raw.ask(self.sign())["why"], "not_found")
        self.assertEqual(raw.ask({"op": "unlock", "passphrase": "x"})["why"],
                         "arg")
        self.assertTrue(raw.ask({"op": "list"})["ok"])

    def test_targets_bound_what_a_key_signs(self):
        self.start()
        jkt = self.add(targets="pam://bastion/* https://a.example/public/*")
        for htu in (HTU, "https://a.example/public/x?y",
                    "HTTPS://A.example:443/public/x"):
            self.assertTrue(self.done(self.sign(htu=htu))["proof"])
        for htu in ("pam://web/sshd/deploy", "https://a.example/private",
                    "https://a.example/public/../private",
                    "https://a.example/private#/public/x",
                    "https://a.example/private?https://a.example/public/",
                    "urn:x", "pam://bastion", "https://a.example/public/ x"):
            self.assertIn(jkt[:16], self.refuses(REFUSED,
                                                 self.sign(htu=htu)))

    def test_a_key_goes_when_its_time_is_over(self):
        self.start()
        brief = self.add(lifetime_s=1)
        jkt = self.add(lifetime_s=3600)
        self.signs(brief)
        self.assertTrue(until(lambda: len(
            self.done({"op": "list"})["keys"]) == 1, 3))
        self.refuses("not_found", self.sign(jkt=brief))
        self.signs(jkt)
        left = self.done({"op": "list"})["keys"][0]["lifetime_s"]
        self.assertTrue(3590 < left <= 3600, left)

    def test_a_lock_is_opened_by_its_passphrase_and_guesses_take_time(self):
        self.start()
        jkt = self.add()
        lock = {"op": "lock", "passphrase": "right"}
        wrong = {"op": "unlock", "passphrase": "wrong"}
        right = {"op": "unlock", "passphrase": "right"}
        self.done(lock)
        for request in (self.sign(), {"op": "remove", "all": True}, lock,
                        {"op": "add", "pem": "x"}):
            self.refuses(LOCKED, request)
        start = time.monotonic()
        self.assertEqual(self.refuses(REFUSED, wrong),
                         "the passphrase is wrong")
        self.assertIn("try again in 1 s", self.refuses(REFUSED, right))
        self.assertTrue(until(lambda: self.refuses(
            REFUSED, wrong) == "the passphrase is wrong", 3))
        self.assertGreater(time.monotonic() - start, 0.9)
        start = time.monotonic()
        self.assertIn("try again in 2 s", self.refuses(REFUSED, right))
        self.assertTrue(until(lambda: self.ask(right)["ok"], 4))
        self.assertGreater(time.monotonic() - start, 1.7)
        self.signs(jkt)

    def test_there_is_room_for_eight_keys(self):
        self.start()
        jkts = [self.add() for i in range(8)]
        path, _ = self.key()
        self.refuses("too_long", {"op": "add", "pem": path.read_text()})
        for jkt in jkts:
            self.signs(jkt)
        listed = self.done({"op": "list"})["keys"]
        self.assertEqual([k["jkt"] for k in listed], jkts)


# ---- asking the person ------------------------------------------------------

class Asking(Case):
    def setUp(self):
        super().setUp()
        self.word = self.dir / "word"
        os.mkfifo(self.word)
        self.asked_path = self.dir / "asked"
        self.askpass = self.program("askpass", ASKPASS.format(
            folder=str(self.dir)))

    def begin(self, **terms):
        self.process = self.start("--askpass", self.askpass)
        return self.add(confirm=True, **terms)

    def asked(self):
        """What the person was asked so far."""
        if not self.asked_path.exists():
            return []
        return [json.loads(line) for line in
                self.asked_path.read_text().splitlines()]

    def is_asked(self, count):
        self.assertTrue(until(lambda: len(self.asked()) >= count),
                        self.asked())
        self.assertEqual(len(self.asked()), count)
        return self.asked()[-1]

    def say(self, word):
        with open(self.word, "w") as f:
            f.write(word)

    def gone(self, pid):
        return until(lambda: not os.path.exists(f"/proc/{pid}"))

    def test_a_yes_signs_once(self):
        jkt = self.begin(name="my key")
        raw = self.raw().message(self.sign())
        asked = self.is_asked(1)
        self.assertEqual(asked["words"], [
            f"Sign with my key ({jkt[:16]})?\n\nPAM\n{HTU}\n"])
        self.assertEqual(asked["mode"], "confirm")
        self.say("yes")
        self.check(raw.answer()["proof"], jkt)
        raw.message(self.sign())
        self.is_asked(2)
        self.say("no")
        self.assertEqual(raw.answer()["error"], "the person said no")

    def test_a_no_is_a_refusal(self):
        self.begin()
        raw = self.raw().message(self.sign())
        self.is_asked(1)
        self.say("no")
        answer = raw.answer()
        self.assertEqual((answer["why"], answer["error"]),
                         (REFUSED, "the person said no"))

    def test_the_program_gets_nothing_but_the_question(self):
        self.begin()
        raw = self.raw().message(self.sign())
        # its own: /proc, asked for, and the file that it writes to
        self.assertLess(max(self.is_asked(1)["fds"]), 5)
        self.say("no")
        raw.answer()

    def test_a_program_that_is_killed_says_no(self):
        self.begin()
        raw = self.raw().message(self.sign())
        os.kill(self.is_asked(1)["pid"], signal.SIGKILL)
        self.assertEqual(raw.answer()["why"], REFUSED)

    def test_others_are_served_while_a_person_thinks(self):
        self.begin()
        free = self.add()
        raw = self.raw().message(self.sign())
        self.is_asked(1)
        self.signs(free)
        self.done({"op": "list"})
        self.say("yes")
        self.assertTrue(raw.answer()["ok"])

    def test_one_question_at_a_time_each_with_its_own_answer(self):
        jkt = self.begin()
        raws = [self.raw() for _ in range(4)]
        for i, raw in enumerate(raws):
            raw.message(self.sign(htu=f"pam://bastion/sshd/u{i}"))
        answers = {}
        for i in range(4):
            asked = self.is_asked(i + 1)["words"][0]
            user = re.search(r"/(u\d)\n$", asked)[1]
            answers[user] = i % 2 == 0
            self.say("yes" if answers[user] else "no")
        self.assertEqual(len(answers), 4)
        for i, raw in enumerate(raws):
            answer = raw.answer()
            self.assertEqual(answer["ok"], answers[f"u{i}"], answer)
            if answer["ok"]:
                self.check(answer["proof"], jkt,
                           htu=f"pam://bastion/sshd/u{i}")

    def test_the_question_of_a_client_that_vanishes_is_taken_back(self):
        self.begin()
        first = self.raw().message(self.sign())
        pid = self.is_asked(1)["pid"]
        second = self.raw().message(self.sign(htu="pam://other/sshd/root"))
        first.close()
        self.assertTrue(self.gone(pid))
        self.assertIn("pam://other", self.is_asked(2)["words"][0])
        self.say("no")
        self.assertEqual(second.answer()["why"], REFUSED)

    def test_a_yes_for_one_that_vanished_counts_for_nobody(self):
        """Both at once, as the signer sees it: the yes is there, and whom it
        was for is gone; the next in line waits already."""
        for _ in range(5):
            self.asked_path.unlink(missing_ok=True)
            self.begin()
            first = self.raw().message(self.sign())
            pid = self.is_asked(1)["pid"]
            second = self.raw().message(
                self.sign(htu="pam://other/sshd/root"))
            time.sleep(0.05)
            self.process.send_signal(signal.SIGSTOP)
            self.say("yes")
            self.assertTrue(self.gone(pid))
            time.sleep(0.05)
            first.close()
            self.process.send_signal(signal.SIGCONT)
            self.assertIn("pam://other", self.is_asked(2)["words"][0])
            self.say("no")
            self.assertEqual(second.answer()["why"], REFUSED)
            self.end(self.process)

    def test_a_yes_is_for_the_key_that_was_shown(self):
        """The first key signs where none is named; it may be another one
        when the answer comes."""
        jkt = self.begin(name="first")
        other = self.add(confirm=True, name="other")
        raw = self.raw().message(self.sign())
        self.assertIn("first", self.is_asked(1)["words"][0])
        self.done({"op": "remove", "jkt": jkt})
        self.say("yes")
        self.assertIn("other", self.is_asked(2)["words"][0])
        self.say("yes")
        self.check(raw.answer()["proof"], other)

    def test_a_yes_comes_too_late_for_a_lock_or_a_key_that_went(self):
        jkt = self.begin()
        raw = self.raw().message(self.sign())
        self.is_asked(1)
        self.done({"op": "lock", "passphrase": "x"})
        self.say("yes")
        self.assertEqual(raw.answer()["why"], LOCKED)
        self.done({"op": "unlock", "passphrase": "x"})
        raw.message(self.sign())
        self.is_asked(2)
        self.done({"op": "remove", "jkt": jkt})
        self.say("yes")
        self.assertEqual(raw.answer()["why"], "not_found")

    def test_what_cannot_be_shown_is_not_asked(self):
        self.begin()
        for more in ({"htm": "GET https://harmless.example/"},
                     {"htu": "urn:\u202e"}, {"htu": "urn:a b"},
                     {"htu": "urn:\x1b[2J"}, {"htu": "urn:" + "x" * 1000}):
            self.refuses(REFUSED, self.sign(**more))
        self.assertEqual(self.asked(), [])

    def test_without_a_program_such_a_key_signs_nothing(self):
        self.start()
        self.add(confirm=True)
        self.assertIn("--askpass", self.refuses(REFUSED, self.sign()))

    def test_a_program_that_is_not_there_is_told_at_once(self):
        self.fails("none/there: No such file", "--askpass", "/none/there")
        plain = self.dir / "plain"
        plain.write_text("")
        plain.chmod(0o600)
        self.fails("plain: Permission denied", "--askpass", plain,
                   program=(*self.as_user(), SIGNER)) \
            if os.geteuid() != 0 else None
        self.assertFalse(self.path.exists())

    def asker(self):
        """The process that runs the program."""
        children = pathlib.Path(
            f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def test_without_the_process_that_asks_there_is_no_yes(self):
        self.begin()
        raw = self.raw().message(self.sign())
        self.is_asked(1)
        os.kill(self.asker(), signal.SIGKILL)
        answer = raw.answer()
        self.assertEqual((answer["why"], answer["error"]),
                         (REFUSED, "the person cannot be asked"))
        self.refuses(REFUSED, self.sign())
        before = self.cpu_s(self.process)
        time.sleep(0.5)
        self.assertLess(self.cpu_s(self.process) - before, 0.1)
        os.kill(self.asked()[0]["pid"], signal.SIGKILL)

    def test_the_end_of_the_signer_is_the_end_of_the_question(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.asked_path.unlink(missing_ok=True)
            self.begin()
            raw = self.raw().message(self.sign())
            pid, asker = self.is_asked(1)["pid"], self.asker()
            self.process.send_signal(how)
            self.process.wait(5)
            self.assertIsNone(raw.answer())
            self.assertTrue(self.gone(pid))
            self.assertTrue(self.gone(asker))

    def test_a_program_that_hangs_is_ended_after_a_minute(self):
        if "FIRSTOPS_DEEP" not in os.environ:
            self.skipTest("takes a minute: tests/run --deep")
        self.begin()
        raw = self.raw().message(self.sign())
        raw.socket.settimeout(80)
        pid = self.is_asked(1)["pid"]
        start = time.monotonic()
        self.assertEqual(raw.answer()["why"], REFUSED)
        self.assertTrue(58 < time.monotonic() - start < 65)
        self.assertTrue(self.gone(pid))


# ---- those who are slow, gone, or many --------------------------------------

class Crowd(Case):
    def test_clients_that_vanish_leave_nothing_behind(self):
        process = self.start("--askpass", "/bin/true")
        jkt = self.add()
        root = os.geteuid() == 0
        before = self.descriptors(process) if root else 0
        text = json.dumps(self.sign()).encode()
        whole = struct.pack(">I", len(text)) + text
        for at in (0, 1, 3, 4, 5, len(whole) - 1, len(whole)):
            for _ in range(5):
                with Raw(self.path) as raw:
                    raw.send(whole[:at])
                with Raw(self.path) as raw:
                    raw.send(whole[:at])
                    raw.socket.shutdown(socket.SHUT_RDWR)
                with Raw(self.path) as raw:
                    # gone with an answer that nobody reads
                    raw.send(whole * 3 + whole[:at])
        self.signs(jkt)
        if root:
            self.assertTrue(until(
                lambda: self.descriptors(process) == before))

    def test_one_that_has_said_all_still_gets_its_answer(self):
        self.start()
        jkt = self.add()
        raw = self.raw().message(self.sign())
        raw.socket.shutdown(socket.SHUT_WR)
        self.check(raw.answer()["proof"], jkt)
        self.assertTrue(raw.is_closed())

    def test_those_who_dribble_are_closed_in_time_and_keep_nobody(self):
        process = self.start()
        jkt = self.add(targets="t" * 512)
        others = [self.add(targets="t" * 512) for i in range(6)]
        self.assertEqual(len(others), 6)
        free = self.add()
        silent = self.raw()
        dribbler, late, second = self.raw(), self.raw(), self.raw()
        reader, idle = self.raw(), self.raw()
        text = json.dumps({"op": "list"}).encode()
        whole = struct.pack(">I", len(text)) + text
        second.ask({"op": "list"})
        idle.ask({"op": "list"})
        start = time.monotonic()
        closed = {}
        # asks, and never reads: so much that it cannot all be written
        for _ in range(100):
            reader.message({"op": "list"})
        dribbler.send(whole[:1])
        sent = 1
        late_sent = second_sent = False
        waiting = {"silent": silent, "dribbler": dribbler, "late": late,
                   "second": second}
        while waiting and time.monotonic() - start < 12:
            self.signs(free)
            now = time.monotonic() - start
            if now > 3 and not late_sent:
                late.send(whole[:5])
                late_sent = True
            if now > 2 and not second_sent:
                second.send(whole[:5])
                second_sent = True
            if "dribbler" in waiting and sent < len(whole) - 1:
                try:
                    dribbler.send(whole[sent:sent + 1])
                    sent += 1
                except (BrokenPipeError, ConnectionResetError):
                    pass
            for name, raw in list(waiting.items()):
                if raw.is_closed(0.1):
                    closed[name] = time.monotonic() - start
                    del waiting[name]
            time.sleep(0.2)
        # from the connection on, for a first message, however it begins
        for name in ("silent", "dribbler", "late"):
            self.assertTrue(4 < closed[name] < 7, closed)
        self.assertTrue(6.5 < closed["second"] < 9.5, closed)
        self.assertTrue(idle.ask({"op": "list"})["ok"])
        # what was written before is there, and then nothing more
        count = 0
        while reader.answer() is not None:
            count += 1
        self.assertLess(count, 100)
        self.assertLess(self.cpu_s(process), 3)
        self.refuses(REFUSED, self.sign(jkt=jkt))

    def test_a_connection_without_a_request_is_closed_after_a_minute(self):
        if "FIRSTOPS_DEEP" not in os.environ:
            self.skipTest("takes a minute: tests/run --deep")
        self.start()
        raw = self.raw()
        raw.ask({"op": "list"})
        start = time.monotonic()
        self.assertTrue(raw.is_closed(80))
        self.assertTrue(58 < time.monotonic() - start < 65)

    def test_a_thousand_clients_at_once_and_one_gets_a_proof(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 2100:
            self.skipTest(f"needs descriptors: ulimit -n is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))

        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        # what most sessions begin with, and it raises
        process = self.start(before=few)
        jkt = self.add()
        raws = [self.raw() for _ in range(1000)]
        for raw in raws:
            raw.ask({"op": "list"})
        self.signs(jkt)
        before = self.cpu_s(process)
        time.sleep(0.5)
        self.assertLess(self.cpu_s(process) - before, 0.1)
        for raw in raws:
            raw.message(self.sign())
        self.signs(jkt)
        made = {claims(raw.answer()["proof"])["jti"] for raw in raws}
        self.assertEqual(len(made), 1000)
        # and what is beyond its limit waits until somebody goes
        more = [self.raw() for _ in range(30)]
        for raw in more:
            raw.message({"op": "list"})
        self.assertFalse(more[-1].is_closed(0.2))
        for raw in raws[:100]:
            raw.close()
        more[-1].socket.settimeout(5)
        self.assertTrue(more[-1].answer()["ok"])

    def test_without_descriptors_it_waits_and_does_not_spin(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        process = self.start(before=few)
        jkt = self.add()
        raws = [self.raw() for _ in range(40)]
        before = self.cpu_s(process)
        time.sleep(1)
        self.assertLess(self.cpu_s(process) - before, 0.2)
        # whoever is in is served, as the namespace still comes along
        for raw in raws:
            self.assertTrue(raw.ask({"op": "list"})["ok"])
            raw.close()
        self.signs(jkt)

    def test_nobody_makes_it_spin(self):
        process = self.start("--askpass", "/bin/true")
        self.add()
        half = self.raw()
        half.ask({"op": "list"})
        half.send(b"\0\0")
        ahead = self.raw()
        ahead.message({"op": "list"})
        ahead.send(b"\0")
        before = self.cpu_s(process)
        time.sleep(1)
        self.assertLess(self.cpu_s(process) - before, 0.1)


# ---- what is in its memory --------------------------------------------------

class Memory(Case):
    def mappings(self, process):
        with open(f"/proc/{process.pid}/maps") as maps, \
                open(f"/proc/{process.pid}/mem", "rb", 0) as mem:
            for line in maps:
                if " r" not in line or "[v" in line:
                    continue
                begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                mem.seek(begin)
                try:
                    yield mem.read(end - begin)
                except OSError:
                    continue

    def holds(self, process, *texts):
        """Which of them are in its memory."""
        found = set()
        for data in self.mappings(process):
            found |= {t for t in texts if t in data}
        return found

    def secrets(self, path):
        """A key as text, and its number in every form that there is."""
        pem = path.read_text()
        lines = pem.splitlines()[1:-1]
        said = subprocess.run(["openssl", "pkey", "-in", path, "-text",
                               "-noout"], capture_output=True, text=True,
                              check=True).stdout
        digits = re.search(r"priv:\n(.*?)pub:", said, re.S)[1]
        number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))
        number = number[-32:].rjust(32, b"\0")
        der = base64.b64decode("".join(lines))
        self.assertIn(number, der)
        numbers = {number, number[::-1], number.hex().encode(),
                   base64.b64encode(number)[:42],
                   base64.urlsafe_b64encode(number)[:42]}
        return numbers, {lines[0].encode(), lines[1].encode(),
                         "".join(lines)[20:80].encode(), der[:48]}

    def clean(self, process, texts, seconds=0):
        self.assertEqual(until(lambda: self.holds(process, *texts) == set()
                               or None, seconds), True)

    def test_a_key_leaves_no_text_and_when_it_goes_no_number(self):
        self.need_root()
        self.need_no_sanitizer()
        process = self.start()
        for how in ("remove", "all", "expiry", "again"):
            path, jkt = self.key()
            numbers, texts = self.secrets(path)
            pem = path.read_text()
            lifetime = {"lifetime_s": 1} if how == "expiry" else {}
            self.done({"op": "add", "pem": pem, **lifetime})
            self.assertTrue(self.holds(process, *numbers), "nothing is seen")
            self.clean(process, texts)
            self.signs(jkt)
            self.clean(process, texts)
            if how == "again":
                self.done({"op": "add", "pem": pem, "name": "again"})
                self.done({"op": "remove", "jkt": jkt})
            elif how == "all":
                self.done({"op": "remove", "all": True})
            elif how == "remove":
                self.done({"op": "remove", "jkt": jkt})
            self.clean(process, texts | numbers, 4 if lifetime else 0)

    def test_a_key_that_it_begins_with_leaves_no_text(self):
        self.need_root()
        self.need_no_sanitizer()
        path, jkt = self.key()
        numbers, texts = self.secrets(path)
        process = self.start("--load", path)
        self.signs(jkt)
        self.assertTrue(self.holds(process, *numbers), "nothing is seen")
        self.clean(process, texts)
        self.done({"op": "remove", "all": True})
        self.clean(process, texts | numbers)

    def test_a_key_that_is_not_taken_leaves_nothing(self):
        self.need_root()
        self.need_no_sanitizer()
        process = self.start()
        path, _ = self.key()
        numbers, texts = self.secrets(path)
        pem = path.read_text()
        self.refuses("arg", {"op": "add", "pem": pem, "name": "\u00e4"})
        self.refuses(FORMAT, {"op": "add", "pem": pem, "confirm": 1})
        self.refuses(FORMAT, json.dumps(
            {"op": "add", "pem": pem})[:-1].encode())
        with Raw(self.path) as raw:
            text = json.dumps({"op": "add", "pem": pem}).encode()
            raw.send(struct.pack(">I", 8192) + text)
            time.sleep(0.1)
        self.done({"op": "list"})
        self.clean(process, texts | numbers)

    def test_a_passphrase_leaves_nothing(self):
        self.need_root()
        self.need_no_sanitizer()
        process = self.start()
        word = "open sesame, would you"
        self.done({"op": "lock", "passphrase": word})
        self.clean(process, {word.encode()})
        self.refuses(REFUSED, {"op": "unlock", "passphrase": word + "?"})
        self.clean(process, {word.encode()})
        time.sleep(1)
        self.done({"op": "unlock", "passphrase": word})
        self.clean(process, {word.encode()})

    def test_keys_are_in_memory_that_is_locked(self):
        process = self.start()
        self.add()
        locked = int(self.status(process, "VmLck").split()[0])
        self.assertGreaterEqual(locked, 64)

    def test_all_of_it_is_where_nothing_limits_that(self):
        self.need_root()

        try:
            done = subprocess.run(["prlimit", "--memlock=unlimited", "true"],
                                  capture_output=True)
        except OSError:
            self.skipTest("needs prlimit")
        if done.returncode != 0:
            self.skipTest("the limit of locked memory cannot be raised here")

        def unlimited():
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (-1, -1))
        process = self.start(before=unlimited)
        self.add()
        locked = int(self.status(process, "VmLck").split()[0])
        resident = int(self.status(process, "VmRSS").split()[0])
        self.assertGreater(locked, resident // 2)
        raws = [self.raw() for _ in range(50)]
        for raw in raws:
            self.assertTrue(raw.ask({"op": "list"})["ok"])

    def test_its_user_cannot_look_into_it(self):
        if os.geteuid() == 0:
            os.chown(self.run_dir, NOBODY, NOBODY)
            self.dir.chmod(0o755)
        process = self.start("--askpass", "/bin/true",
                             program=(*self.as_user(), SIGNER))
        # nor into the process that asks, which could say yes
        children = pathlib.Path(
            f"/proc/{process.pid}/task/{process.pid}/children")
        for pid in (process.pid, *map(int, children.read_text().split())):
            for words in (*(["head", "-c1", f"/proc/{pid}/{name}"] for name
                            in ("mem", "environ", "maps", "auxv")),
                          ["ls", f"/proc/{pid}/fd"]):
                done = subprocess.run([*self.as_user(), *words],
                                      capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 0, words)
                self.assertIn("ermission denied", done.stderr)
            if shutil.which("strace"):
                done = subprocess.run(
                    [*self.as_user(), "strace", "-p", str(pid)],
                    capture_output=True, text=True, timeout=10)
                self.assertNotEqual(done.returncode, 0, done)
                self.assertIn("not permitted", done.stderr)

    def test_no_core_is_dumped(self):
        self.need_no_sanitizer()
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()

        def cores():
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            # a shell lets what it runs in the background ignore it
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        for how in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
            process = self.start(before=cores)
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +0 +0 ")
            self.add()
            process.send_signal(how)
            self.assertEqual(process.wait(5), -how)
        if not pattern.startswith("|"):
            self.assertEqual([p.name for p in self.dir.rglob("core*")], [])

    def test_it_runs_with_a_filter_of_calls(self):
        process = self.start()
        if not HAS_FILTER:
            self.skipTest("this build has none")
        self.assertTrue(self.filtered(process))
        self.assertEqual(self.status(process, "NoNewPrivs"), "1")

    def test_no_key_is_in_what_is_said_or_listed(self):
        process = self.start()
        path, jkt = self.key()
        numbers, texts = self.secrets(path)
        pem = path.read_text()
        said = [self.expect(0, "signer", "add", path),
                self.expect(0, "signer", "list"),
                self.expect(0, "signer", "list", "--json"),
                self.expect(0, "proof", "sign", "--htu", HTU)]
        self.refuses("arg", {"op": "add", "pem": pem, "lifetime_s": 10**9})
        self.refuses(FORMAT, json.dumps(
            {"op": "add", "pem": pem})[:-1].encode())
        listed = b""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    listed += (folder / name).read_bytes()
                except OSError:
                    continue
        self.assertIn(os.fsencode(SIGNER), listed)
        shown = "".join(d.stdout + d.stderr for d in said).encode()
        self.assertIn(jkt.encode(), shown)
        shown += listed + self.said.read_bytes()
        for secret in numbers | texts:
            self.assertNotIn(secret, shown)
        self.end(process)
        self.assertEqual(self.said.read_text(), "")


# ---- keys at its start ------------------------------------------------------

class Loaded(Case):
    def test_keys_are_named_when_it_starts(self):
        one, two = self.key(), self.key()
        self.start("--load", one[0], "--load", two[0])
        listed = self.done({"op": "list"})["keys"]
        self.assertEqual([k["jkt"] for k in listed], [one[1], two[1]])
        self.signs(two[1])

    def test_one_that_cannot_be_loaded_keeps_it_from_starting(self):
        (self.dir / "p384.pem").write_text(fo.P384)
        (self.dir / "p384.pem").chmod(0o600)
        other = self.key()[0]
        other.chmod(0o644)
        for name, text in ((self.dir / "none.pem", "no such file"),
                           (self.dir / "p384.pem", "only P-256"),
                           (other, "others may use this private key")):
            self.fails(text, "--load", name)
            self.assertFalse(self.path.exists())

    def test_another_signers_key_is_not_loaded(self):
        self.start()
        self.add()
        self.fails("another signer's key", "--load", f"signer:{self.path}",
                   "--socket", self.path.with_name("other"))

    def test_a_key_in_a_tpm_signs_where_it_is(self):
        if tpm.missing():
            self.skipTest(f"needs {tpm.missing()}")
        with tpm.Tpm() as device:
            self.env.update(device.env)
            jkt = self.ok("key", "generate", "--tpm", "--out", "t").strip()
            process = self.start("--load", self.dir / "t")
            for _ in range(3):
                self.signs(jkt)
            self.assertTrue(self.filtered(process))
            self.signs(self.add())
            # its PEM is no key that can be added later
            answer = self.ask({"op": "add",
                               "pem": (self.dir / "t").read_text()})
            self.assertEqual(answer["why"], "bad_key", answer)
            self.refused(1, "when it starts", "signer", "add", "t")
            self.end(process)

    def test_a_key_on_a_token_signs_where_it_is(self):
        module = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
        for program in ("softhsm2-util", "pkcs11-tool"):
            if not shutil.which(program) or not module.exists():
                self.skipTest("needs softhsm2 and opensc")
        (self.dir / "tokens").mkdir()
        config = self.dir / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.dir}/tokens\n")
        self.env["SOFTHSM2_CONF"] = str(config)
        for words in (
                ["softhsm2-util", "--init-token", "--free", "--label",
                 "agents", "--pin", "1234", "--so-pin", "5678"],
                ["pkcs11-tool", "--module", module, "--login", "--pin",
                 "1234", "--token-label", "agents", "--keypairgen",
                 "--key-type", "EC:prime256v1", "--label", "bot", "--id",
                 "01"]):
            subprocess.run(words, env=self.env, check=True,
                           capture_output=True)
        pin = self.dir / "pin"
        pin.write_text("1234")
        pin.chmod(0o600)
        process = self.start(
            "--load", "pkcs11:token=agents;object=bot?module-path="
            f"{module}&pin-source=file:{pin}")
        jkt = self.done({"op": "list"})["keys"][0]["jkt"]
        for _ in range(3):
            self.signs(jkt)
        self.assertTrue(self.filtered(process))
        self.refused(1, "cannot leave its device", "signer", "add",
                     f"pkcs11:token=agents;object=bot?module-path={module}"
                     f"&pin-source=file:{pin}")


# ---- clients ----------------------------------------------------------------

def on_terminal(words, answers, env, cwd):
    """Run on a terminal of its own; what is typed goes to its questions."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(words[0], words, env)
    seen, answers = b"", list(answers)
    while True:
        if not select.select([terminal], [], [], 20)[0]:
            os.kill(pid, signal.SIGKILL)
            break
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        seen += more
        if answers and seen.rstrip(b" ").endswith(b":"):
            until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
            os.write(terminal, answers.pop(0).encode() + b"\n")
            seen += b"|"
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


class Verbs(Case):
    def terminal(self, *words, answers):
        return on_terminal([str(fo.FO), *words], answers, self.env, self.dir)

    def test_fo_signer_runs_it(self):
        path, jkt = self.key()
        process = self.start("signer", "--load", path, program=(fo.FO,))
        self.assertEqual(pathlib.Path(
            f"/proc/{process.pid}/comm").read_text(), "fo-signer\n")
        self.assertIn(jkt, self.ok("signer", "list"))
        self.refused(3, "fo-signer: No such file", "signer",
                     env={"PATH": "/none"})

    def test_add_list_and_remove_in_words(self):
        self.start()
        path, jkt = self.key()
        self.assertEqual(self.ok("signer", "list").split(),
                         ["THUMBPRINT", "NAME", "LEFT", "CONFIRM", "TARGETS"])
        self.assertEqual(self.ok("signer", "add", path), jkt + "\n")
        self.assertEqual(self.ok("signer", "list").splitlines()[1].split(),
                         [jkt, "-", "-", "no", "any"])
        self.ok("signer", "add", path, "--lifetime", "8h", "--name", "me",
                "--targets", "pam://bastion/*", "--confirm")
        row = self.ok("signer", "list").splitlines()[1].split()
        self.assertEqual(row[:2] + row[3:],
                         [jkt, "me", "s", "yes", "pam://bastion/*"])
        self.assertIn(int(row[2]), range(28790, 28801))
        self.assertEqual(self.ok("signer", "remove", jkt), "")
        self.refused(1, "no such key", "signer", "remove", jkt)
        self.assertEqual(self.ok("signer", "remove", "--all"), "")

    def test_add_list_and_remove_in_json(self):
        self.start()
        path, jkt = self.key()
        self.assertEqual(self.json(0, "signer", "add", path, "--lifetime",
                                   "1m", "--confirm"),
                         {"ok": True, "thumbprint": jkt})
        state = self.json(0, "signer", "list")
        self.assertIn(state["keys"][0].pop("lifetime_s"), (59, 60))
        self.assertEqual(state, {"ok": True, "locked": False, "keys": [{
            "thumbprint": jkt, "name": "", "targets": "", "confirm": True}]})
        self.assertEqual(self.json(0, "signer", "remove", "--all"),
                         {"ok": True})
        refusal = self.json(1, "signer", "remove", jkt)
        self.assertEqual((refusal["ok"], refusal["why"]),
                         (False, "not_found"))

    def test_lock_and_unlock_ask_on_the_terminal(self):
        self.start()
        path, jkt = self.key()
        self.ok("signer", "add", path)
        code, seen = self.terminal("signer", "lock", answers=["a", "b"])
        self.assertEqual(code, 1, seen)
        self.assertIn("not the same: nothing is locked", seen)
        code, seen = self.terminal("signer", "lock", answers=["", ""])
        self.assertEqual(code, 2, seen)
        code, seen = self.terminal("signer", "lock", answers=["sesame"] * 2)
        self.assertEqual(code, 0, seen)
        self.assertNotIn("sesame", seen)
        done = self.expect(0, "signer", "list")
        self.assertEqual(done.stdout, "")
        self.assertIn("the signer is locked: fo signer unlock", done.stderr)
        self.assertEqual(self.json(0, "signer", "list"),
                         {"ok": True, "locked": True, "keys": []})
        for words in (["add", path], ["remove", "--all"]):
            self.refused(1, "locked: fo signer unlock", "signer", *words)
            self.assertEqual(self.json(1, "signer", *words)["why"], LOCKED)
        self.refused(3, "locked", "proof", "sign", "--htu", HTU)
        code, seen = self.terminal("signer", "unlock", answers=["other"])
        self.assertEqual(code, 1, seen)
        self.assertIn("the passphrase is wrong", seen)
        time.sleep(1)
        code, seen = self.terminal("signer", "unlock", "--json",
                                   answers=["sesame"])
        self.assertEqual(code, 0, seen)
        self.assertIn('"ok"', seen)
        self.signs(jkt)

    def test_whoever_types_slowly_locks_and_unlocks_all_the_same(self):
        """The signer closes a connection that says nothing for 5 s."""
        self.start()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(fo.FO, [str(fo.FO), "signer", "lock"], self.env)
        time.sleep(5.5)
        for word in (b"word\n", b"word\n"):
            until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
            os.write(terminal, word)
            time.sleep(0.2)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.close(terminal)
        self.assertEqual(self.done({"op": "list"})["locked"], True)

    def test_without_a_signer_they_say_so(self):
        path, _ = self.key()
        for words in (["add", path], ["list"], ["remove", "--all"],
                      ["lock"], ["unlock"]):
            done = self.refused(1, "signer.sock: No such file", "signer",
                                *words)
            self.assertEqual(done.stdout, "")
        process = self.start()
        process.kill()
        process.wait()
        self.refused(1, "no signer listens there", "signer", "list")
        self.refused(1, "XDG_RUNTIME_DIR is not set", "signer", "list",
                     env={"XDG_RUNTIME_DIR": ""})

    def test_a_wrong_word_is_refused_before_anything_is_asked(self):
        path, _ = self.key()
        for words, text in ((["add", path, "--lifetime", "soon"], "30m, 8h"),
                            (["remove"], "or --all"),
                            (["remove", "x", "--all"], "or --all")):
            self.refused(2, text, "signer", *words)
        self.start()
        self.refused(2, "at most a year", "signer", "add", path,
                     "--lifetime", "400d")
        self.refused(2, "printable ASCII", "signer", "add", path, "--name",
                     "\u00e4")
        self.refused(3, "no such file", "signer", "add", "none.pem")

    def test_add_takes_the_file_whatever_the_signer_has(self):
        self.start()
        self.add()
        home = self.dir / "home/.config/firstops"
        home.mkdir(parents=True)
        jkt = self.ok("key", "generate", "--out", home / "key.pem").strip()
        self.assertEqual(self.ok("signer", "add"), jkt + "\n")
        self.assertEqual(self.ok("signer", "add",
                                 env={"FO_PRIVATE_KEY_PATH": ""}),
                         jkt + "\n")
        path, named = self.key()
        self.assertEqual(self.ok("signer", "add",
                                 env={"FO_PRIVATE_KEY_PATH": str(path)}),
                         named + "\n")


class Order(Case):
    def setUp(self):
        super().setUp()
        home = self.dir / "home/.config/firstops"
        home.mkdir(parents=True)
        self.file = self.ok("key", "generate", "--out",
                            home / "key.pem").strip()

    def used(self, *words, **more):
        """Whose key signs."""
        proof = self.ok("proof", "sign", "--htu", HTU, *words, **more)
        jwk = claims("." + proof.split(".")[0])["jwk"]
        text = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
        return base64.urlsafe_b64encode(hashlib.sha256(
            text.encode()).digest()).decode().rstrip("=")

    def test_option_variable_signer_file_in_this_order(self):
        option, optional = self.key()
        variable, various = self.key()
        env = {"FO_PRIVATE_KEY_PATH": str(variable)}
        self.assertEqual(self.used(), self.file)
        self.start()
        self.assertEqual(self.used(), self.file, "it has no key")
        jkt = self.add()
        self.assertEqual(self.used(), jkt)
        self.assertEqual(self.used(env=env), various)
        self.assertEqual(self.used("--key", option, env=env), optional)
        self.assertEqual(self.ok("key", "thumbprint").strip(), jkt)
        self.done({"op": "remove", "all": True})
        self.assertEqual(self.used(), self.file)

    def test_a_key_of_the_signer_is_named_like_any_other(self):
        self.start()
        first, second = self.add(), self.add()
        for uri, jkt in (("signer:", first), (f"signer:{self.path}", first),
                         (f"signer:#{second}", second),
                         (f"signer:{self.path}#{second}", second)):
            self.assertEqual(self.used("--key", uri), jkt, uri)
            self.assertEqual(self.used(env={"FO_PRIVATE_KEY_PATH": uri}),
                             jkt, uri)
        self.refused(3, "no such key", "proof", "sign", "--htu", HTU,
                     "--key", f"signer:#{self.file}")
        self.refused(3, "No such file", "proof", "sign", "--htu", HTU,
                     "--key", "signer:/none/there")

    def test_a_path_may_have_a_hash_in_it(self):
        folder = self.dir / "a#b"
        folder.mkdir(mode=0o700)
        self.path = folder / "s"
        self.start("--socket", self.path)
        first, second = self.add(), self.add()
        self.assertEqual(self.used("--key", f"signer:{self.path}"), first)
        self.assertEqual(self.used("--key", f"signer:{self.path}#{second}"),
                         second)

    def test_a_locked_signer_is_not_passed_over(self):
        self.start()
        self.add()
        self.done({"op": "lock", "passphrase": "x"})
        self.refused(3, "the signer is locked", "proof", "sign", "--htu", HTU)

    def test_a_refusal_has_its_words_and_codes(self):
        self.start()
        self.add(targets="pam://other/*")
        self.refused(1, "may not sign for this target", "proof", "sign",
                     "--htu", HTU)
        refusal = self.json(1, "proof", "sign", "--htu", HTU)
        self.assertEqual(refusal["why"], REFUSED)
        self.add(confirm=True)

    def test_a_longer_proof_and_a_token_go_through_it(self):
        self.start()
        jkt = self.add()
        long = "pam://bastion/sshd/" + "u" * 300
        self.refused(1, "--allow-long", "proof", "sign", "--htu", long)
        proof = self.ok("proof", "sign", "--htu", long, "--allow-long")
        self.check(proof, jkt, htu=long)
        proof = self.ok("proof", "sign", "--htm", "GET", "--htu",
                        "https://a.example/x?y", "--access-token", "token",
                        "--nonce", fo.NONCE)
        self.ok("proof", "verify", "--htm", "GET", "--htu",
                "https://a.example/x", "--access-token", "token", "--nonce",
                fo.NONCE, "--jkt", jkt, input=proof)

    def test_the_key_cannot_be_got_out_again(self):
        self.start()
        path = self.key()[0]
        self.ok("signer", "add", path)
        self.refused(1, "cannot leave", "signer", "add", "signer:")
        # what a client sends to have something signed
        with Fake(self.dir / "fake") as server:
            self.expect(3, "proof", "sign", "--htu", HTU, "--key",
                        f"signer:{server.path}")
            self.assertEqual(server.requests, [{"op": "list"}])

    def found(self, jkt, *words):
        """A program that loads the key, prints its thumbprint and a proof,
        and then the word of each failure: another target, the key's text, a
        locked signer."""
        def run():
            done = subprocess.run([str(w) for w in words], text=True,
                                  capture_output=True, env=self.env,
                                  timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.splitlines()
        thumbprint, proof, *whys = run()
        self.assertEqual((thumbprint, whys), (jkt, [
            "RefusedError refused", "BadKeyError bad_key"]))
        self.check(proof, jkt)
        self.done({"op": "lock", "passphrase": "x"})
        self.assertEqual(run(), ["LockedError locked"])
        self.done({"op": "unlock", "passphrase": "x"})

    def test_python_finds_it(self):
        self.need_no_sanitizer()
        self.start()
        jkt = self.add(targets="pam://*")
        self.found(jkt, "/usr/bin/python3", "-B", "-c", """if True:
            import ctypes, sys
            ctypes.CDLL(sys.argv[1])
            sys.path.insert(0, sys.argv[2])
            import firstops
            def why(act):
                try:
                    return act()
                except firstops.FirstOpsError as e:
                    print(type(e).__name__, e.why)
            me = why(firstops.Identity.load)
            if me:
                print(me.thumbprint)
                print(me.pam_proof('bastion', 'sshd', 'deploy'))
                why(lambda: me.proof('GET', 'https://a.example/'))
                why(me.to_pem)
            """, fo.BUILD.resolve() / "sdk/libfirstops.so.1",
                   fo.TOP / "sdk/python")

    def test_node_finds_it(self):
        self.need_no_sanitizer()
        package = fo.BUILD.resolve() / "sdk/node/firstops"
        if not shutil.which("node") or not package.is_dir():
            self.skipTest("needs node")
        self.start()
        jkt = self.add(targets="pam://*")
        self.found(jkt, "node", "--input-type=module", "-e", """
            const { Identity } = await import(process.argv[1]);
            async function why(act) {
              try {
                return await act();
              } catch (e) {
                console.log(e.name, e.why);
              }
            }
            const me = await why(() => Identity.load());
            if (me) {
              console.log(me.thumbprint);
              console.log(await me.pamProof('bastion', 'sshd', 'deploy'));
              await why(() => me.proof('GET', 'https://a.example/'));
              await why(async () => me.toPem());
            }
            """, package / "index.js")

    def test_threads_sign_with_one_key_at_once(self):
        self.start()
        jkt = self.add()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: self.used(), range(24)))
        self.assertEqual(set(made), {jkt})


# ---- a server that lies -----------------------------------------------------

class Fake:
    """Stands where the signer would. reply is a function of the request that
    returns bytes to send, b"" to hang up, or None to say nothing."""

    def __init__(self, path, reply=lambda request: b"", hangs_up=False):
        self.path, self.reply, self.hangs_up = path, reply, hangs_up
        self.requests = []

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(30)
                while True:
                    try:
                        head = client.recv(4, socket.MSG_WAITALL)
                        if len(head) < 4:
                            break
                        text = client.recv(struct.unpack(">I", head)[0],
                                           socket.MSG_WAITALL)
                        self.requests.append(json.loads(text))
                        reply = self.reply(self.requests[-1])
                        if reply == b"":
                            break
                        if reply is not None:
                            client.sendall(reply)
                        if self.hangs_up:
                            break
                    except OSError:
                        break

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


def frame(value, length=None):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack(">I", len(data) if length is None else length) + data


class Lies(Case):
    def setUp(self):
        super().setUp()
        self.path.parent.mkdir(mode=0o700)

    def listed(self, **more):
        path, jkt = self.key()
        jwk = json.loads(self.ok("key", "jwk", path))
        return {"jkt": jkt, "x": jwk["x"], "y": jwk["y"], "name": "",
                "targets": "", "lifetime_s": 0, "confirm": False, **more}

    def test_a_list_is_taken_as_a_whole_or_not_at_all(self):
        good = self.listed()
        other = self.listed()
        state = {"ok": True, "locked": False, "keys": [good]}
        with Fake(self.path, lambda _: frame(state)):
            self.assertIn(good["jkt"], self.ok("signer", "list"))
        for bad in ({**state, "locked": "no"}, {**state, "keys": [good] * 9},
                    {**state, "keys": [{}]}, {**state, "keys": [None]},
                    *({**state, "keys": [{**good, **wrong}]} for wrong in (
                        {"jkt": other["jkt"]}, {"x": other["x"]},
                        {"x": "AA"}, {"y": 1}, {"name": "\x1b[2J"},
                        {"name": "\u00e4"}, {"name": "n" * 65},
                        {"targets": "a\nb"}, {"targets": "t" * 513},
                        {"lifetime_s": -1}, {"lifetime_s": "1"},
                        {"lifetime_s": 1e300}, {"confirm": 0},
                        {"confirm": None}, {"name": None}))):
            self.path.unlink()
            with Fake(self.path, lambda _, bad=bad: frame(bad)):
                done = self.refused(3, "list cannot be understood",
                                    "signer", "list")
                self.assertEqual(done.stdout, "", bad)

    def test_a_reply_that_is_none_is_no_answer(self):
        self.key()
        for reply in (b"", frame(b""), frame(b"x"), frame(b"[]"),
                      frame({"ok": True})[:-1] + b"", frame(b"{}", 8193),
                      frame(b"x" * 8193), frame(b"{}", 0xFFFFFFFF)):
            self.path.unlink(missing_ok=True)
            with Fake(self.path, lambda _, r=reply: r, hangs_up=True):
                self.refused(3, "", "signer", "list")

    def test_refusals_keep_their_word_and_no_others_success(self):
        for why, code in (("refused", 1), ("locked", 1), ("not_found", 1),
                          ("ok", 3), ("unknown", 3), ("", 3), (None, 3),
                          ("such", 3)):
            self.path.unlink(missing_ok=True)
            answer = {"ok": False, "why": why, "error": "so it is\x1b[2J"}
            with Fake(self.path, lambda _, a=answer: frame(a)):
                done = self.refused(code, "the signer: so it is", "signer",
                                    "list")
                self.assertNotIn("\x1b", done.stderr)

    def test_a_proof_by_another_key_is_not_taken(self):
        mine, jkt = self.key()
        other, _ = self.key()
        jwk = json.loads(self.ok("key", "jwk", mine))
        state = {"ok": True, "locked": False, "keys": [{
            "jkt": jkt, "x": jwk["x"], "y": jwk["y"], "name": "",
            "targets": "", "lifetime_s": 0, "confirm": False}]}
        for signer, code in ((mine, 0), (other, 3)):
            proof = self.ok("proof", "sign", "--key", signer, "--htu",
                            HTU).strip()
            self.path.unlink(missing_ok=True)
            with Fake(self.path, lambda r, p=proof: frame(
                    state if r["op"] == "list" else
                    {"ok": True, "proof": p})):
                self.expect(code, "proof", "sign", "--htu", HTU)
        for proof in (None, "", "x", "eyJ.eyJ.x", 7, [], "a" * 4000):
            self.path.unlink(missing_ok=True)
            with Fake(self.path, lambda r, p=proof: frame(
                    state if r["op"] == "list" else
                    {"ok": True, "proof": p})):
                self.refused(3, "the signer gives", "proof", "sign",
                             "--htu", HTU)

    def test_what_is_asked_has_no_key_in_it(self):
        path, jkt = self.key()
        jwk = json.loads(self.ok("key", "jwk", path))
        state = {"ok": True, "locked": False, "keys": [{
            "jkt": jkt, "x": jwk["x"], "y": jwk["y"], "name": "",
            "targets": "", "lifetime_s": 0, "confirm": False}]}
        with Fake(self.path, lambda r: frame(
                state if r["op"] == "list" else
                {"ok": False, "why": "refused", "error": ""})) as server:
            self.expect(1, "proof", "sign", "--htm", "GET", "--htu",
                        "https://a.example/x", "--access-token", "secret",
                        "--nonce", fo.NONCE)
            self.assertEqual(server.requests[-1], {
                "op": "sign", "jkt": jkt, "htm": "GET",
                "htu": "https://a.example/x", "nonce": fo.NONCE,
                "ath": "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols"})

    def library(self):
        library = ctypes.CDLL(str(fo.BUILD.resolve()
                                  / "sdk/libfirstops.so.1"))
        library.fo_signer_connect.argtypes = [
            ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p]
        library.fo_signer_remove.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return library

    def test_a_late_reply_is_not_taken_for_the_next_one(self):
        """Once an exchange has failed, nothing more is asked there."""
        self.need_no_sanitizer()
        library = self.library()
        later = frame({"ok": True})
        with Fake(self.path, lambda _: frame(b"{", 1) + later) as server:
            signer = ctypes.c_void_p()
            self.assertEqual(library.fo_signer_connect(
                os.fsencode(self.path), None, ctypes.byref(signer)), 0)
            self.assertEqual(library.fo_signer_remove(signer, b"x", None),
                             -5)
            self.assertEqual(library.fo_signer_remove(signer, b"x", None),
                             -4)
            library.fo_signer_free(ctypes.byref(signer))
            self.assertEqual(len(server.requests), 1)

    def test_a_signer_that_hangs_or_dribbles_is_not_waited_for_long(self):
        """10 s for everything but a signature: then the file is used."""
        home = self.dir / "home/.config/firstops"
        home.mkdir(parents=True)
        self.ok("key", "generate", "--out", home / "key.pem")
        dribble = self.dir / "dribble"

        def drip(_):
            time.sleep(0.3)
            return b"\0"
        with Fake(self.path, lambda _: None), \
                concurrent.futures.ThreadPoolExecutor(2) as pool:
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            listener.bind(str(dribble))
            listener.listen()

            def slow():
                client, _ = listener.accept()
                with client:
                    try:
                        client.sendall(b"\0\0\x1f\xff")
                        for _ in range(60):
                            client.sendall(b" ")
                            time.sleep(0.3)
                    except OSError:
                        return
            threading.Thread(target=slow, daemon=True).start()
            start = time.monotonic()
            file = pool.submit(self.fo, "proof", "sign", "--htu", HTU)
            named = pool.submit(self.fo, "proof", "sign", "--htu", HTU,
                                "--key", f"signer:{dribble}")
            self.assertEqual(file.result().returncode, 0, file.result())
            self.assertEqual(named.result().returncode, 3, named.result())
            self.assertTrue(9 < time.monotonic() - start < 14)

    def test_somebody_elses_socket_is_not_spoken_to(self):
        self.need_root()
        script = ("import os,socket,sys,time\n"
                  "s=socket.socket(socket.AF_UNIX);s.bind(sys.argv[1])\n"
                  "os.chmod(sys.argv[1],0o777)\n"
                  "if sys.argv[2] == 'root': os.chown(sys.argv[1],0,0)\n"
                  "else: os.chown(sys.argv[1],65534,65534)\n"
                  "if sys.argv[3] != 'root': os.seteuid(65534)\n"
                  "s.listen();print('ready',flush=True)\n"
                  "s.settimeout(20)\n"
                  "c,_=s.accept();c.settimeout(20);"
                  "print(c.recv(100),flush=True)\n")
        path, _ = self.key()
        for file, process in (("root", "nobody"), ("nobody", "root"),
                              ("nobody", "nobody")):
            self.path.unlink(missing_ok=True)
            server = subprocess.Popen(
                ["/usr/bin/python3", "-c", script, self.path, file, process],
                stdout=subprocess.PIPE, text=True)
            self.addCleanup(server.wait)
            self.addCleanup(server.kill)
            self.assertEqual(server.stdout.readline(), "ready\n")
            self.refused(3, "belongs to uid 65534, not to you", "signer",
                         "add", path)
            self.assertEqual(server.stdout.readline(), "b''\n")
        self.path.unlink()
        server = subprocess.Popen(
            ["/usr/bin/python3", "-c", script, self.path, "root", "root"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        server.stdout.readline()
        adding = subprocess.Popen([fo.FO, "signer", "add", path],
                                  env=self.env, stderr=subprocess.DEVNULL)
        self.addCleanup(adding.wait)
        self.assertIn('"op', server.stdout.readline())

    def test_a_link_to_a_socket_is_none(self):
        real = self.dir / "real"
        with Fake(real, lambda _: frame({"ok": True})) as server:
            self.path.symlink_to(real)
            self.refused(3, "signer.sock", "signer", "list")
            self.assertEqual(server.requests, [])


if __name__ == "__main__":
    tap.main()
