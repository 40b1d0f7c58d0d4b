#!/usr/bin/python3
"""fo who: the sessions that are open, and no others."""

import os
import signal
import subprocess

import fo
import tap

RECORD = """\
---
version: 1
sid: "{sid}"
id: "{id}"
kind: "agent"
name: "{name}"
owner: "{owner}"
thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
service: "{service}"
user: "deploy"
source: "10.2.3.4"
since: 2026-11-24T00:00:0{since}Z
made_boot_ms: 0
pid: {pid}
pid_start: {start}
...
"""
SIDS = [c + "f9c2a1bq0T9b2c7dE1xYw" for c in "456"]
ID = "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e7"


class Who(fo.Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root reads session records")
        self.store()
        (self.run_folder / "sessions").mkdir(parents=True)
        self.run_folder.chmod(0o755)
        (self.run_folder / "sessions").chmod(0o700)

    def record(self, number=0, pid=None, **more):
        pid = pid or os.getpid()
        stat = fo.pathlib.Path(f"/proc/{pid}/stat").read_text()
        path = self.run_folder / "sessions" / f"{SIDS[number]}.{pid}"
        path.write_text(RECORD.format(**{
            "sid": SIDS[number], "id": f"{ID}{number}", "pid": pid,
            "start": stat.rpartition(")")[2].split()[19], "name": "build-bot",
            "owner": "team-platform", "service": "sshd", "since": number,
            **more}))
        path.chmod(0o600)
        return path

    def test_nobody_is_in(self):
        self.assertEqual(self.admin("who").splitlines(), [
            "SINCE  PRINCIPAL  OWNER  SERVICE  ACCOUNT  SOURCE  TTY  SID"])
        self.assertEqual(self.json(0, "who", config=True), {
            "ok": True, "sessions": [], "unreadable": 0})

    def test_a_session_says_who_where_from_and_since_when(self):
        self.record()
        self.assertEqual(self.admin("who").splitlines()[1].split(), [
            "2026-11-24T00:00:00Z", "build-bot", "team-platform", "sshd",
            "deploy", "10.2.3.4", "-", SIDS[0]])
        session, = self.json(0, "who", config=True)["sessions"]
        self.assertEqual(session, {
            "sid": SIDS[0], "id": f"{ID}0", "kind": "agent",
            "name": "build-bot", "owner": "team-platform",
            "thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            "service": "sshd", "account": "deploy", "ruser": None,
            "source": "10.2.3.4", "tty": None,
            "since": "2026-11-24T00:00:00Z", "pid": os.getpid()})

    def test_the_oldest_comes_first(self):
        for number in (2, 0, 1):
            self.record(number)
        said = self.json(0, "who", config=True)["sessions"]
        self.assertEqual([s["sid"] for s in said], SIDS)

    def test_some_of_them(self):
        self.record(0)
        self.record(1, name="other-bot", owner="team-data")
        for words, want in ((("--principal", "other-bot"), SIDS[1]),
                            (("--principal", f"{ID}0"), SIDS[0]),
                            (("--owner", "team-data"), SIDS[1])):
            said = self.json(0, "who", *words, config=True)["sessions"]
            self.assertEqual([s["sid"] for s in said], [want], words)
        self.assertEqual(self.json(0, "who", "--owner", "x", config=True)
                         ["sessions"], [])

    def test_a_session_that_was_killed_is_gone_at_once(self):
        child = subprocess.Popen(["/bin/sleep", "60"])
        self.record(pid=child.pid)
        self.assertIn(SIDS[0], self.admin("who"))
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.assertNotIn(SIDS[0], self.admin("who"))

    def test_what_a_client_chose_cannot_write_a_line_of_the_table(self):
        self.record(service="sshd%0Aroot%20%1B%5B31m")
        lines = self.admin("who").splitlines()
        self.assertEqual(len(lines), 2, lines)
        self.assertIn("sshd?root??[31m", lines[1])

    def test_a_record_that_cannot_be_read_is_counted(self):
        self.record()
        path = self.record(1)
        path.chmod(0o644)
        done = self.expect(3, "who", config=True)
        self.assertIn(SIDS[0], done.stdout)
        self.assertIn("1 session records cannot be read", done.stderr)
        self.assertIn("mode 0600", done.stderr)
        said = self.json(3, "who", config=True)
        self.assertEqual((said["ok"], said["unreadable"]), (False, 1))


if __name__ == "__main__":
    tap.main()
