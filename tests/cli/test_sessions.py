#!/usr/bin/python3
"""fo agent revoke --end-sessions: what belongs to a session, and what does
not, when processes lose their parents, share an audit session, or end halfway.

Records are written here as the module writes them; the processes are real.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import fo
import tap

RECORD = """\
---
version: 1
sid: "{sid}"
id: "{id}"
kind: "agent"
name: "build-bot"
owner: "team-platform"
thumbprint: "{jkt}"
service: "su"
user: "deploy"
since: 2026-11-24T00:00:00Z
made_boot_ms: 0
pid: {pid}
pid_start: {start}
...
"""
SID = "4f9c2a1bq0T9b2c7dE1xYw"

# An audit session of its own, as pam_loginuid gives one to a session.
AUDIT = """
import os, subprocess, sys, time
open("/proc/self/loginuid", "w").write("0")
def say(**names):
    print(*(f"{name}={pid}" for name, pid in names.items()), flush=True)
"""


def has_audit():
    """Does the kernel keep audit sessions, and may we make one?"""
    done = subprocess.run([sys.executable, "-c", AUDIT], capture_output=True)
    return done.returncode == 0


def stat_of(pid):
    """The fields of /proc/PID/stat after the command; [] if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def runs(pid):
    """Is it there, and no mere zombie?"""
    fields = stat_of(pid)
    return bool(fields) and fields[0] != "Z"


class Played(fo.Case):
    """Processes that play a session, and its record."""

    def setUp(self):
        super().setUp()
        self.store()
        self.who = self.agent()
        (self.run_folder / "sessions").mkdir(parents=True)
        self.run_folder.chmod(0o755)
        (self.run_folder / "sessions").chmod(0o700)
        self.pids, self.children = [], []
        self.addCleanup(self.kill_all)

    def kill_all(self):
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for child in self.children:
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()
            child.wait(10)
        self.pids, self.children = [], []

    def child(self, *argv, **more):
        child = subprocess.Popen([*map(str, argv)], **more)
        self.pids.append(child.pid)
        self.children.append(child)
        return child

    def play(self, text, *argv):
        """Run a program that says which processes it made."""
        self.player = self.child(
            sys.executable, "-c", text, *argv, stdout=subprocess.PIPE,
            stdin=subprocess.PIPE, text=True)
        return self.heard()

    def heard(self):
        said = dict(word.split("=") for word in
                    self.player.stdout.readline().split())
        self.pids += [int(pid) for name, pid in said.items()
                      if name != "code"]
        return {name: int(pid) for name, pid in said.items()}

    def record(self, pid):
        jkt = self.json(0, "agent", "show", self.who,
                        config=True)["agent"]["keys"][0]["thumbprint"]
        path = self.run_folder / "sessions" / f"{SID}.{pid}"
        path.write_text(RECORD.format(sid=SID, id=self.who, jkt=jkt, pid=pid,
                                      start=stat_of(pid)[19]))
        path.chmod(0o600)
        return path

    def end(self, code=0):
        began = time.monotonic()
        got = self.json(code, "agent", "revoke", self.who, "--end-sessions",
                        config=True)
        self.assertLess(time.monotonic() - began, 3)
        return got["sessions"]


@unittest.skipUnless(os.geteuid() == 0, "records are root's")
class Sessions(Played):
    def test_all_that_descends_from_the_leader_ends_and_nobody_else(self):
        other = self.child("sleep", "300")
        made = self.play("""
import os, signal, subprocess, time
def deaf():
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, signal.SIG_IGN)
kids = [subprocess.Popen(["sleep", "300"], preexec_fn=deaf,
                         start_new_session=n > 0) for n in range(3)]
print(*(f"k{n}={k.pid}" for n, k in enumerate(kids)), flush=True)
time.sleep(300)
""")
        path = self.record(self.player.pid)
        done, = self.end()
        self.assertTrue(done["ended"])
        self.assertFalse([p for p in made.values() if runs(p)])
        self.assertFalse(runs(self.player.pid))
        self.assertTrue(runs(other.pid))
        self.assertFalse(path.exists())
        last = self.events()[-1]
        self.assertEqual((last["ev"], last["act"], last["sid"], last["svc"]),
                         ("session_close", "end", SID, "su"))

    def test_a_record_of_a_process_that_is_gone_ends_nothing(self):
        other = self.child("sleep", "300")
        path = self.record(other.pid)
        path.write_text(path.read_text().replace("pid_start: ",
                                                 "pid_start: 1"))
        self.assertEqual(self.end(), [])
        self.assertTrue(runs(other.pid))

    def test_a_leader_that_goes_first_takes_nobody_out_of_sight(self):
        made = self.play("""
import os, subprocess
p = subprocess.Popen(["sleep", "300"])
print(f"child={p.pid}", flush=True)
os.waitpid(p.pid, os.WUNTRACED)
os._exit(0)
""")
        self.record(self.player.pid)
        done, = self.end()
        self.assertTrue(done["ended"])
        self.assertFalse(runs(made["child"]), stat_of(made["child"]))

    def test_a_member_whose_first_thread_has_ended_is_none_the_less_one(self):
        made = self.play("""
import ctypes, os, threading, time
pid = os.fork()
if pid == 0:
    threading.Thread(target=time.sleep, args=(300,)).start()
    ctypes.CDLL(None).syscall(60, 0)  # exit, of this thread alone
print(f"half={pid}", flush=True)
time.sleep(300)
""")
        self.record(self.player.pid)
        for _ in range(100):
            if stat_of(made["half"])[0] == "Z":
                break
            time.sleep(0.02)
        threads = pathlib.Path(f"/proc/{made['half']}/task")
        self.assertEqual(stat_of(made["half"])[0], "Z")
        self.assertEqual(len(list(threads.iterdir())), 2)
        done, = self.end()
        self.assertTrue(done["ended"])
        self.assertFalse(threads.exists() and len(list(threads.iterdir()))
                         > 1)

    def test_what_is_forked_meanwhile_ends_too(self):
        self.play("""
import os, time
print(f"me={os.getpid()}", flush=True)
for n in range(400):
    if os.fork() == 0:
        os.setsid()
        os.fork()
        time.sleep(300)
    time.sleep(0.005)
time.sleep(300)
""", self.dir)
        time.sleep(0.5)
        self.record(self.player.pid)
        done, = self.end()
        self.assertTrue(done["ended"])
        mine = [int(p.name) for p in pathlib.Path("/proc").glob("[0-9]*")
                if str(self.dir).encode() in read(p / "cmdline")
                and runs(p.name)]
        self.pids += mine
        self.assertEqual(mine, [])


@unittest.skipUnless(os.geteuid() == 0 and has_audit(),
                     "the kernel has no audit sessions to make here")
class Audit(Played):
    """What an audit session adds."""

    def test_an_audit_session_of_its_own_ends_with_its_daemons(self):
        made = self.play(AUDIT + """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        say(daemon=os.getpid())
        time.sleep(300)
    os._exit(0)
os.wait()
time.sleep(300)
""")
        self.record(self.player.pid)
        done, = self.end()
        self.assertTrue(done["ended"])
        self.assertFalse(runs(made["daemon"]))

    def test_the_audit_session_of_whoever_called_su_goes_on(self):
        """The leader is young in it, or has lost its parent."""
        for orphan in (False, True):
            with self.subTest(orphan=orphan):
                made = self.play(AUDIT + """
work = subprocess.Popen(["sleep", "300"])
time.sleep(0.05)
pid = os.fork()
if pid == 0:
    if len(sys.argv) > 1 and os.fork() != 0:
        os._exit(0)
    os.setsid()
    say(work=work.pid, leader=os.getpid())
    os.execvp("sleep", ["sleep", "301"])
if len(sys.argv) > 1:
    os.waitpid(pid, 0)
time.sleep(300)
""", *(["orphan"] if orphan else []))
                self.record(made["leader"])
                self.admin("agent", "show", self.who)
                done, = self.end()
                self.assertTrue(done["ended"])
                self.assertFalse(runs(made["leader"]))
                self.assertTrue(runs(made["work"]))
                self.assertTrue(runs(self.player.pid))
                self.kill_all()
                self.who = self.agent(f"build-bot-{orphan:d}")

    def test_a_command_in_a_daemon_of_the_session_does_not_stop_itself(self):
        out = self.dir / "out"
        made = self.play(AUDIT + """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        say(daemon=os.getpid())
        sys.stdin.readline()
        p = subprocess.Popen(sys.argv[2:], stdout=open(sys.argv[1], "w"))
        say(code=p.wait())
        time.sleep(300)
    os._exit(0)
os.wait()
time.sleep(300)
""", out, fo.FO, "agent", "revoke", self.who, "--end-sessions", "--json",
                         "--config", self.config)
        self.record(self.player.pid)
        self.player.stdin.write("go\n")
        self.player.stdin.flush()
        said = self.player.stdout.readline()
        self.assertEqual(said, "code=3\n")
        got = json.loads(out.read_text())
        self.assertFalse(got["ok"])
        one, = got["sessions"]
        self.assertFalse(one["ended"])
        self.assertTrue(runs(made["daemon"]))
        self.assertTrue(runs(self.player.pid))


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    tap.main()
