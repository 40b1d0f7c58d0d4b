#!/usr/bin/python3
"""fo audit seal and verify: nothing is lost and nothing sealed twice, whatever
happens to the log and to the sealer; and whatever is done to the sealed file
without its key is named."""

import base64
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import threading
import time

import fo
import tap
import test_verbs
from test_audit import event, line

WAIT_S = 20


def until(what, wait_s=WAIT_S):
    """Wait until something is so, as long as that takes at all."""
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(
        text.encode()).digest()).decode().rstrip("=")


def stamp(ago_s=0):
    at = time.time() - ago_s
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000000Z"


class Case(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.log.touch(mode=0o600)
        self.key = self.dir / "seal.pem"
        self.ok("key", "generate", "--out", self.key)
        self.jkt = self.ok("key", "thumbprint", self.key).split()[0]
        self.out = self.dir / "sealed"
        self.head = self.dir / "sealed.head"

    # ---- the log --------------------------------------------------------

    def add(self, *numbers, log=None, ago_s=0):
        """Events that are told apart by their numbers."""
        with open(log or self.log, "a") as file:
            for number in numbers:
                file.write(line(event(pid=number, t=stamp(ago_s))))

    def rotate(self, name="audit.log.1"):
        self.log.rename(self.dir / name)
        self.log.touch(mode=0o600)
        return self.dir / name

    # ---- the sealer -----------------------------------------------------

    def words(self, *more, log=None, key=None, out=None):
        return [str(fo.FO), "audit", "seal", "--key", str(key or self.key),
                "--out", str(out or self.out), "--config", str(self.config),
                *map(str, more), str(log or self.log)]

    def seal(self, *more, **which):
        """A sealer that has come to what is new in the log."""
        before = self.out.read_bytes().count(b'"audit_start"') \
            if self.out.exists() else 0
        process = subprocess.Popen(
            self.words(*more, **which), stderr=subprocess.PIPE, text=True,
            env=self.env, cwd=self.dir)
        self.addCleanup(self.end, process)
        until(lambda: process.poll() is not None or self.out.exists() and
              self.out.read_bytes().count(b'"audit_start"') > before)
        return process

    def end(self, process, how=signal.SIGKILL, code=None):
        """What it said; a code: what it must exit with."""
        if process.stderr.closed:
            return ""
        if process.poll() is None:
            process.send_signal(how)
        said = process.communicate(timeout=60)[1]
        if code is not None:
            self.assertEqual(process.returncode, code, said)
        return said

    def stop(self, process):
        return self.end(process, signal.SIGTERM, 0)

    def refuses(self, text, *more, **which):
        """It must not begin, say this, and leave the file as it is."""
        before = self.out.read_bytes() if self.out.exists() else None
        done = subprocess.run(self.words(*more, **which), text=True,
                              stderr=subprocess.PIPE, env=self.env,
                              cwd=self.dir, timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(text, done.stderr)
        after = self.out.read_bytes() if self.out.exists() else None
        self.assertEqual(after, before)

    def lines(self, kinds="SRCE", out=None):
        return [text for text in
                (out or self.out).read_text().splitlines(keepends=True)
                if text[0] in kinds and text.endswith("\n")]

    def events(self, out=None):
        return [json.loads(text.split("@cee:", 1)[1])
                for text in self.lines("R", out)]

    def numbers(self, out=None):
        """The numbers of the events that are sealed, in their order."""
        return [e["pid"] for e in self.events(out) if e["ev"] == "auth"]

    def await_numbers(self, numbers):
        until(lambda: len(self.numbers()) >= len(numbers))
        self.assertEqual(self.numbers(), list(numbers))

    # ---- the verdict ----------------------------------------------------

    def verify(self, code, *more, out=None):
        return self.json(code, "audit", "verify", out or self.out, "--jkt",
                         self.jkt, *more)


# ---- sealing ----------------------------------------------------------------

class Sealing(Case):
    def test_what_comes_is_sealed_in_its_order_and_whole(self):
        self.add(1, 2, 3, ago_s=60)
        process = self.seal()
        self.assertEqual(self.out.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(self.head.stat().st_mode & 0o7777, 0o600)
        self.add(*range(10, 30))
        self.await_numbers(range(10, 30))
        self.stop(process)
        found = self.verify(0, "--head", self.head)
        self.assertEqual((found["sealed"], found["unsealed"]), (22, 0))
        self.assertTrue(found["ended"])
        self.assertEqual(found["host"], "bastion")
        kinds = [e["ev"] for e in self.events()]
        self.assertEqual((kinds[0], kinds[-1]),
                         ("audit_start", "audit_stop"))
        start = self.events()[0]
        self.assertEqual((start["jkt"], start["act"], start["host"]),
                         (self.jkt, "seal", "bastion"))
        self.assertTrue(str(self.out).startswith(
            start["what"].removesuffix("%~")))

    def test_a_person_reads_what_is_proven(self):
        self.stop(self.seal())
        out = self.ok("audit", "verify", self.out)
        self.assertIn(f"whole: {self.out}\n", out)
        self.assertIn(f"key          {self.jkt}\n", out)
        self.assertRegex(out, r"\nrecords      1 to 2, of 20\S+Z to 20\S+Z\n")
        self.assertIn("only agrees with itself", out)
        self.assertIn("sealing ended in order", out)
        self.assertIn("kept elsewhere", out)
        kept = shutil.copy(self.head, self.dir / "kept")
        process = self.seal()
        out = self.ok("audit", "verify", self.out, "--jkt", self.jkt,
                      "--head", kept)
        self.assertNotIn("agrees with itself", out)
        self.assertNotIn("kept elsewhere", out)
        self.assertRegex(out, r"\nkept         record 2 and checkpoint 2, of"
                              r" 20\S+Z: since then root changed nothing")
        self.assertEqual(self.verify(0, "--head", kept)["kept"], 2)
        # one that lies beside it is kept nowhere else
        self.assertNotIn("kept", self.verify(0, "--head", self.head))
        self.stop(process)

    def test_anybody_can_check_the_chain_by_what_the_manual_says(self):
        self.stop(self.seal())
        before = ""
        for text in self.lines():
            kind, *words = text.rstrip("\n").split(" ", 3)
            if kind == "S":
                before = digest(text.rstrip("\n"))
            elif kind == "R":
                number, own, said = words
                before = digest(f"R {number} {before} {said}")
                self.assertEqual(own, before)
            else:
                self.assertEqual(words[2].split()[0], before)
                proof = text.split()[-1]
                self.ok("proof", "verify", "--htm", "SEAL", "--htu",
                        f"firstops-seal:bastion:{kind}:{words[0]}:{words[1]}"
                        f":{before}", "--jkt", self.jkt, input=proof)

    def test_a_checkpoint_comes_also_when_nothing_does(self):
        process = self.seal("--interval", "1s")
        until(lambda: len(self.lines("C")) >= 4)
        last = [text.split()[1:3] for text in self.lines("C")][-3:]
        self.assertEqual({n for _, n in last}, {"1"})
        self.stop(process)
        self.assertEqual(self.head.read_text(), self.lines("E")[-1])

    def test_a_checkpoint_comes_after_so_many_records(self):
        process = self.seal("--records", "5")
        self.add(*range(14))
        self.await_numbers(range(14))
        until(lambda: len(self.lines("C")) == 4)
        self.assertEqual([text.split()[2] for text in self.lines("C")],
                         ["0", "5", "10", "15"])
        # the file first, the head then
        until(lambda: self.head.read_text() == self.lines("C")[-1])
        self.stop(process)

    def test_only_events_of_ours_are_sealed(self):
        process = self.seal()
        with open(self.log, "a") as file:
            file.write("something else\n\n" + event(pid=1) + "\n" +
                       line(event(pid=2), tag="other[1]") +
                       line(event(pid=3), tag="sudo_firstops[1]") +
                       line("@cee:{\"msg\":1}") +
                       line(event(pid=4) + "x"))
        self.await_numbers([1, 3])
        said = self.stop(process)
        self.assertEqual(said.count("not sealed: "), 2, said)
        self.assertIn("something follows it", said)

    def test_a_log_that_comes_later_is_waited_for(self):
        log = self.dir / "later.log"
        process = subprocess.Popen(
            self.words(log=log), stderr=subprocess.PIPE, text=True,
            env=self.env)
        self.addCleanup(self.end, process)
        until(lambda: self.out.exists() and self.lines("C"))
        time.sleep(0.3)
        log.touch(mode=0o600)
        self.add(1, 2, log=log)
        self.await_numbers([1, 2])
        self.stop(process)
        self.verify(0)

    def test_what_cannot_be_asked_is_refused(self):
        for words, text in (
                (("--key", "k"), "--key and --out are required"),
                (("--key", "k", "--out", "o", "--journal", "l"),
                 "name no log beside it"),
                (("--key", "k", "--out", "o", "--records", "0"),
                 "from 1 to 1000000"),
                (("--key", "k", "--out", "o", "--interval", "2d"),
                 "at most a day"),
                (("--key", "k", "--out", "o", "a", "b"),
                 "one word too many")):
            with self.subTest(words):
                self.refused(2, text, "audit", "seal", *words)

    def test_a_log_called_seal_can_be_shown(self):
        log = self.dir / "seal"
        log.write_text(line(event()))
        self.assertIn("build-bot", self.ok("audit", "./seal"))
        self.refused(2, "required", "audit", "seal")


# ---- the log is rotated -----------------------------------------------------

class Rotated(Case):
    def test_nothing_is_lost_when_the_log_is_renamed(self):
        process = self.seal()
        self.add(1, 2)
        with open(self.log, "a") as slow:   # one that does not know it yet
            self.rotate()
            self.add(3)
            self.await_numbers([1, 2, 3])
            slow.write(line(event(pid=4)))
            slow.flush()
            self.await_numbers([1, 2, 3, 4])
            self.add(5)
        (self.dir / "audit.log.1").rename(self.dir / "audit.log.2")
        self.rotate()
        self.add(6, 7)
        self.await_numbers(range(1, 8))
        self.stop(process)
        self.verify(0)

    def test_nothing_is_lost_when_it_is_renamed_more_often_than_seen(self):
        process = self.seal()
        process.send_signal(signal.SIGSTOP)
        self.add(1, 2)
        self.rotate("audit.log.3")
        self.add(3)
        old = self.rotate("audit.log.2")
        (self.dir / "audit.log.2.gz").write_bytes(
            gzip.compress(old.read_bytes()))
        shutil.copystat(old, self.dir / "audit.log.2.gz")
        old.unlink()
        self.add(4)
        self.rotate("audit.log.1")
        self.add(5)
        process.send_signal(signal.SIGCONT)
        self.await_numbers(range(1, 6))
        said = self.stop(process)
        self.assertNotIn("not in the log", said)
        self.verify(0)

    def test_a_file_that_is_just_being_packed_is_read_once(self):
        process = self.seal()
        self.stop(process)
        self.add(1, 2)
        old = self.rotate()
        (self.dir / "audit.log.1.gz").write_bytes(
            gzip.compress(old.read_bytes())[:-20])
        self.add(3)
        process = self.seal()
        self.await_numbers([1, 2, 3])
        self.assertNotIn("cut short", self.stop(process))

    def test_a_log_that_was_cut_is_told_and_read_anew(self):
        process = self.seal()
        self.add(1, 2)
        self.await_numbers([1, 2])
        os.truncate(self.log, 0)
        self.add(3)
        self.await_numbers([1, 2, 3])
        self.assertIn("it was cut", self.stop(process))

    def test_a_log_that_was_taken_away_is_told(self):
        process = self.seal()
        self.add(1, 2)
        self.await_numbers([1, 2])
        self.log.unlink()
        self.log.touch(mode=0o600)
        self.add(3)
        self.await_numbers([1, 2, 3])
        self.assertRegex(self.stop(process),
                         r"record 3 is not in the log any more")
        self.assertIn("record 3 is not in the log",
                      self.events()[-2]["msg"])
        self.verify(0)


# ---- the sealer is stopped --------------------------------------------------

class Restarted(Case):
    def both(self, how):
        """Seal, stop so, and seal again what came meanwhile."""
        process = self.seal()
        self.add(1, 2)
        self.await_numbers([1, 2])
        self.end(process, how)
        yield
        process = self.seal()
        yield
        self.stop(process)

    def test_what_came_meanwhile_is_sealed_once(self):
        for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            with self.subTest(how):
                for path in (self.out, self.head, self.log):
                    path.unlink(missing_ok=True)
                self.log.touch(mode=0o600)
                steps = self.both(how)
                next(steps)
                self.add(3, 4)
                next(steps)
                self.add(5)
                self.await_numbers(range(1, 6))
                list(steps)
                found = self.verify(0)
                self.assertEqual(found["why"], "ok")

    def test_also_when_the_log_was_rotated(self):
        steps = self.both(signal.SIGKILL)
        next(steps)
        old = self.rotate()     # its last is the last that is sealed
        self.add(3)
        self.rotate("audit.log-20261126")
        self.add(4)
        packed = self.dir / "audit.log.2.gz"
        packed.write_bytes(gzip.compress(old.read_bytes()))
        shutil.copystat(old, packed)
        old.unlink()
        next(steps)
        self.await_numbers([1, 2, 3, 4])
        list(steps)

    def test_also_when_only_the_last_record_is_left_of_what_is_sealed(self):
        steps = self.both(signal.SIGKILL)
        next(steps)
        last = self.log.read_text().splitlines(keepends=True)[-1]
        self.log.write_text(last)
        self.add(3)
        next(steps)
        self.await_numbers([1, 2, 3])
        list(steps)

    def test_events_of_the_same_text_are_told_apart(self):
        process = self.seal()
        same = line(event(pid=1, t=stamp()))
        with open(self.log, "a") as file:
            file.write(same * 3)
        self.await_numbers([1, 1, 1])
        self.end(process)
        with open(self.log, "a") as file:
            file.write(same * 2)
        process = self.seal()
        self.add(2)
        self.await_numbers([1] * 5 + [2])
        self.stop(process)

    def test_before_anything_was_sealed_it_begins_where_it_began(self):
        self.stop(self.seal())
        start, point = self.out.read_text().splitlines(keepends=True)[:2]
        for text, ago_s in ((start + point, 0), (start, 0),
                            (start[:-1], 60), ("", 60)):
            with self.subTest(len(text)):
                self.log.write_text("")
                self.add(1, 2, ago_s=ago_s)
                self.out.write_text(text)
                self.head.unlink()
                process = self.seal()
                self.add(3)
                self.await_numbers([3] if ago_s else [1, 2, 3])
                self.stop(process)
                self.verify(0)

    def test_a_record_that_is_gone_from_the_log_is_told(self):
        self.stop(self.seal())
        self.log.write_text("")
        with open(self.log, "a") as file:
            file.write(line(event(pid=1, t=stamp(7200))))
        self.add(2, ago_s=-300)     # a clock that was wrong for a moment
        self.add(3)
        with open(self.log, "a") as file:
            file.write(line(event(pid=4, t=stamp())) * 2)
        process = self.seal()
        self.await_numbers([2, 3, 4, 4])
        said = self.stop(process)
        self.assertIn("record 2 is not in the log any more: what came next"
                      " may be missing", said)
        start = [e for e in self.events() if e["ev"] == "audit_start"][1]
        self.assertIn("record 2 is not in the log any more", start["msg"])

    def test_records_that_were_changed_in_the_log_are_told(self):
        process = self.seal()
        self.add(1, 2, 3)
        self.await_numbers([1, 2, 3])
        self.end(process)
        text = self.log.read_text()
        self.log.write_text(text.replace('"pid":2,', '"pid":9,'))
        self.add(4)
        process = self.seal()
        self.await_numbers([1, 2, 3, 4])
        self.assertIn("records before 4 are not in the log as they were"
                      " sealed", self.stop(process))

    def test_killed_and_rotated_at_any_moment_nothing_is_lost(self):
        chance = random.Random(1)
        rounds, per_round = 8, 60
        written = threading.Event()

        def write():
            for number in range(rounds * per_round):
                self.add(number)
                if number % 37 == 36:
                    self.rotate(f"audit.log-{number:04}")
                time.sleep(0.002)
            written.set()
        writer = threading.Thread(target=write)
        process = self.seal("--records", "7", "--interval", "1s")
        writer.start()
        try:
            while not written.is_set():
                time.sleep(chance.uniform(0.05, 0.4))
                said = self.end(process)
                self.assertNotIn("not in the log", said)
                process = self.seal("--records", "7", "--interval", "1s")
                self.assertIsNone(process.poll())
        finally:
            writer.join()
        self.await_numbers(range(rounds * per_round))
        self.stop(process)
        self.verify(0, "--head", self.head)


# ---- the journal ------------------------------------------------------------

JOURNALD = pathlib.Path("/lib/systemd/systemd-journald")
# One of our own, which has the machine's /run and /etc/machine-id covered.
INSIDE = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
echo 0123456789abcdef0123456789abcdef >/run/machine-id
mount --bind /run/machine-id /etc/machine-id
printf '%s\\n' '[Journal]' Storage=volatile ForwardToSyslog=no ReadKMsg=no \
    Audit= RateLimitIntervalSec=0 >/run/journald.conf
mount --bind /run/journald.conf /etc/systemd/journald.conf
exec "$1"
"""
# The kernel says who sends, at the moment of sending.
SENDER = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
os.setuid(int(sys.argv[2]))
for text in sys.argv[3:]:
    s.send(text.encode())
"""


class Journal(Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not JOURNALD.exists():
            tap.skip("needs root and a journald")
        if "without libsystemd" in self.fo("audit", "--journal").stderr:
            tap.skip("fo was built without libsystemd")
        self.journald = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", INSIDE, "sh", JOURNALD],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.journald.wait)
        self.addCleanup(self.journald.kill)
        self.root = pathlib.Path(f"/proc/{self.journald.pid}/root/run")
        self.socket = self.root / "systemd/journal/dev-log"
        own = pathlib.Path("/run").stat().st_dev
        until(lambda: self.root.stat().st_dev != own and self.socket.exists())
        self.tell(0)
        until(lambda: list((self.root / "log/journal").iterdir()))
        self.folder, = (self.root / "log/journal").iterdir()

    def tell(self, *numbers, uid=0, tag="pam_firstops", **more):
        subprocess.run(
            ["/usr/bin/python3", "-c", SENDER, self.socket, str(uid),
             *(f"<86>{tag}[1]: " + event(pid=n, t=stamp(), **more)
               for n in numbers)], check=True, timeout=60)

    def seal(self, *more, **which):
        """The events of the beginning and the end go to a file."""
        process = subprocess.Popen(
            self.words(*more, log=self.folder, **which), text=True,
            stderr=subprocess.PIPE, env=self.env)
        self.addCleanup(self.end, process)
        return process

    def test_what_the_kernel_vouches_for_is_sealed_and_nothing_else(self):
        process = self.seal()
        until(lambda: self.out.exists() and self.lines("C"))
        time.sleep(1.1)     # what comes in the second of the start counts
        self.tell(1, 2)
        self.tell(666, uid=65534)
        self.tell(667, tag="other")
        self.tell(3)
        until(lambda: 3 in self.numbers())
        self.assertNotIn(666, self.numbers())
        self.assertNotIn(667, self.numbers())
        self.stop(process)
        self.verify(0)

    def test_what_came_meanwhile_is_sealed_once_also_when_rotated(self):
        process = self.seal()
        until(lambda: self.out.exists() and self.lines("C"))
        self.tell(1, 2)
        until(lambda: self.numbers()[-2:] == [1, 2])
        self.end(process)
        before = self.numbers()
        self.tell(3)
        self.journald.send_signal(signal.SIGUSR2)
        until(lambda: len(list(self.folder.iterdir())) > 1)
        self.tell(4)
        process = self.seal()
        self.await_numbers([*before, 3, 4])
        self.tell(5)
        self.await_numbers([*before, 3, 4, 5])
        self.stop(process)
        self.verify(0)


# ---- the file ---------------------------------------------------------------

class File(Case):
    def sealed(self, count=3):
        process = self.seal()
        self.add(*range(count))
        self.await_numbers(range(count))
        self.stop(process)

    def test_two_sealers_of_one_file_are_one_too_many(self):
        process = self.seal()
        done = subprocess.run(self.words(), stderr=subprocess.PIPE, text=True,
                              env=self.env, timeout=60)
        self.assertEqual(done.returncode, 3)
        self.assertIn("another process is sealing it", done.stderr)
        self.add(1)
        self.await_numbers([1])
        self.stop(process)
        self.verify(0)

    def test_a_torn_last_line_is_told_and_cut_off(self):
        process = self.seal()
        self.add(1, 2)
        self.await_numbers([1, 2])
        self.end(process)
        whole, head = self.out.read_bytes(), self.head.read_bytes()
        last = whole.splitlines(keepends=True)[-1]
        for torn in (last[:-1], last[:40], last[:1], b"\0" * 100000):
            with self.subTest(torn[:10]):
                self.out.write_bytes(whole[:-len(last)] + torn)
                self.head.write_bytes(head)
                self.verify(0)
                process = self.seal()
                self.await_numbers([1, 2])
                said = self.end(process)
                self.assertIn(f"the last line was torn, as by a crash: "
                              f"{len(torn)} bytes after record 2", said)

    def test_a_torn_checkpoint_is_cut_off_but_not_one_that_is_known(self):
        self.sealed()
        whole = self.out.read_text()
        self.out.write_text(whole[:-1])
        self.refuses("its end was cut off")
        self.head.write_text(self.lines("C")[-1])
        process = self.seal()
        self.assertIn("torn", self.stop(process))
        self.verify(0)

    def test_a_file_that_is_not_whole_is_refused(self):
        self.sealed()
        whole = self.out.read_text()
        head = self.head.read_text()
        records = self.lines("R")
        for text, why in (
                (whole.replace("build-bot", "other-bot", 1),
                 "was changed"),
                (whole.replace(records[1], ""), "record 2 is missing"),
                (whole.replace("\nE ", "\nC "), "not signed by its key"),
                (whole + "x\n", "is damaged"),
                (whole[:whole.index("\nE ") + 1], "its end was cut off"),
                (whole[:whole.index("\nR ") + 1], "its end was cut off"),
                ("", "its end was cut off")):
            with self.subTest(why):
                self.assertNotEqual(text, whole)
                self.out.write_text(text)
                self.refuses(why)
        self.out.unlink()
        done = self.fo(*self.words()[1:])
        self.assertEqual(done.returncode, 3)
        self.assertIn("for a new trail take away", done.stderr)
        self.assertEqual(self.head.read_text(), head)

    def test_yesterdays_file_is_refused_where_the_head_is_todays(self):
        self.sealed()
        yesterday = self.out.read_bytes()
        self.stop(self.seal())
        self.out.write_bytes(yesterday)
        self.refuses("an old one was put in its place")

    def test_a_file_of_another_key_or_host_is_refused(self):
        self.sealed()
        other = self.dir / "other.pem"
        self.ok("key", "generate", "--out", other)
        self.refuses("not by the key that is asked for", key=other)
        self.write(self.config, self.config.read_text().replace(
            "bastion", "elsewhere"))
        self.refuses("it is the trail of the host bastion".removeprefix(
            "it "))

    def test_a_file_that_others_could_write_is_refused(self):
        self.sealed()
        for mode in (0o620, 0o602, 0o666):
            self.out.chmod(mode)
            self.refuses("not writable by group or others")
        self.out.chmod(0o600)
        link = self.dir / "link"
        os.link(self.out, link)
        self.refuses("with one link")
        link.unlink()
        aside = self.out.rename(self.dir / "aside")
        self.out.symlink_to(aside)
        self.refuses("Too many levels of symbolic links")
        self.out.unlink()
        folder = self.dir / "open"
        folder.mkdir()
        folder.chmod(0o777)
        self.refuses("is writable by group or others", out=folder / "sealed")

    def test_a_log_that_others_could_write_is_refused(self):
        self.log.chmod(0o620)
        self.refuses("is writable by group or others")
        self.log.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(self.log, 65534, 0)
            self.out.unlink()
            self.head.unlink()
            self.refuses("is owned by uid 65534")

    def refuses(self, text, *more, **which):
        """What was begun before the log was looked at, does not matter."""
        if "writable by group or others" in text and not self.out.exists():
            done = self.fo(*self.words(*more, **which)[1:])
            self.assertEqual(done.returncode, 3)
            self.assertIn(text, done.stderr)
        elif text.startswith("is owned"):
            done = self.fo(*self.words(*more, **which)[1:])
            self.assertIn(text, done.stderr)
        else:
            super().refuses(text, *more, **which)

    def test_a_file_that_is_taken_away_ends_the_sealing(self):
        process = self.seal("--interval", "1s")
        self.out.rename(self.dir / "aside")
        process.wait(timeout=20)
        self.assertIn("it was taken away", self.end(process, code=3))

    def test_a_file_that_others_write_to_meanwhile_ends_the_sealing(self):
        process = self.seal("--interval", "1s")
        with open(self.out, "a") as file:
            file.write("x")
        process.wait(timeout=20)
        self.assertIn("it was taken away, changed", self.end(process, code=3))

    def test_a_full_disk_ends_it_and_what_is_there_stays_whole(self):
        process = self.seal()
        self.add(*range(20))
        self.await_numbers(range(20))
        size = self.out.stat().st_size + 700
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
        self.add(*range(20, 40))
        process.wait(timeout=20)
        said = self.end(process, code=3)
        self.assertIn("make room there", said)
        self.assertEqual(self.out.read_bytes()[-1:], b"\n")
        self.verify(0)
        process = self.seal()
        self.await_numbers(range(40))
        self.stop(process)
        self.verify(0)

    def test_a_folder_that_cannot_be_written_is_told(self):
        if os.geteuid() != 0:
            tap.skip("needs root")
        folder = self.dir / "ro"
        folder.mkdir()
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro tmpfs'
             ' "$1" && shift && exec "$@"', "sh", folder,
             *self.words(out=folder / "sealed")], text=True,
            stderr=subprocess.PIPE, env=self.env, timeout=60)
        self.assertEqual(done.returncode, 3)
        self.assertIn("Read-only file system", done.stderr)


# ---- attacks ----------------------------------------------------------------

class Attacked(Case):
    def setUp(self):
        super().setUp()
        process = self.seal("--records", "4")
        self.add(*range(2, 13))     # records 2 to 12
        self.await_numbers(range(2, 13))
        self.yesterday = self.out.read_text(), self.head.read_text()
        self.add(*range(13, 17))
        self.await_numbers(range(2, 17))
        self.stop(process)
        self.text = self.out.read_text()
        self.kept = self.dir / "kept"       # where the host cannot change it
        self.kept.write_text(self.head.read_text())
        self.verify(0, "--head", self.kept)

    def wrong(self, text, why, *more, record=None, word=None):
        """What verify says of the file with this text."""
        self.assertNotEqual(text, self.text)
        self.out.write_text(text)
        found = self.verify(1, *more)
        self.assertFalse(found["ok"])
        self.assertIn(why, found["error"])
        if record:
            self.assertEqual(found.get("record"), record)
        if word:
            self.assertEqual(found["why"], word)
        return found

    def record(self, number):
        return next(text for text in self.lines("R")
                    if text.startswith(f"R {number} "))

    def test_one_byte_is_changed(self):
        text = self.text.replace('"pid":7,', '"pid":8,', 1)
        found = self.wrong(text, "record 7 of 20", record=7, word="changed")
        self.assertIn("(agent build-bot of team-platform permitted to sshd"
                      " as deploy from 10.2.3.4) was changed",
                      found["error"])
        done = self.refused(1, "record 7 of", "audit", "verify", self.out)
        self.assertIn("records      1 to 4,", done.stdout)

    def test_a_line_is_dropped(self):
        text = self.text.replace(self.record(7), "")
        found = self.wrong(text, "record 7 is missing, after 20", record=7,
                           word="missing")
        self.assertIn("Z and up to 20", found["error"])
        self.out.write_text(self.text)
        for number in (8, 9):
            text = text.replace(self.record(number), "")
        self.wrong(text, "records 7 to 9 are missing", record=7)

    def test_two_lines_are_swapped(self):
        seventh, eighth = self.record(7), self.record(8)
        text = self.text.replace(seventh, "").replace(
            eighth, eighth + seventh)
        found = self.wrong(text, "record 8 of 20", record=7, word="order")
        self.assertIn(") comes before 7", found["error"])

    def test_the_tail_is_cut_after_a_checkpoint(self):
        point = self.lines("C")[-1]
        text = self.text[:self.text.index(point) + len(point)]
        why = (f"but {self.head} knows record 17 and checkpoint "
               f"{self.kept.read_text().split()[1]} of 20")
        found = self.wrong(text, "the file ends at record 16 and checkpoint",
                           word="cut")
        self.assertIn(why, found["error"])
        self.assertIn("its tail was cut", found["error"])
        self.head.unlink()
        self.verify(0)      # that is why one is kept elsewhere
        self.wrong(text, "its tail was cut", "--head", self.kept)

    def test_yesterdays_file_is_put_back(self):
        text, head = self.yesterday
        self.wrong(text, "an old file was put back", word="cut")
        self.head.write_text(head)
        self.verify(0)
        found = self.wrong(text, f"but {self.kept} knows record 17",
                           "--head", self.kept)
        self.assertIn("an old file was put back", found["error"])

    def test_yesterdays_file_is_put_back_and_goes_on(self):
        """Root of the host seals anew from there."""
        text, head = self.yesterday
        self.out.write_text(text)
        self.head.write_text(head)
        process = self.seal("--records", "1")
        self.add(*range(20, 30))
        until(lambda: len(self.lines("C")) > 9)
        self.stop(process)
        self.verify(0)
        found = self.verify(1, "--head", self.kept)
        self.assertIn(f"is not the one that {self.kept} knows",
                      found["error"])

    def test_of_many_that_were_kept_each_is_compared(self):
        self.kept.write_text("".join(reversed(self.lines("CE"))))
        self.verify(0, "--head", self.kept)
        text = self.kept.read_text().splitlines(keepends=True)
        other = text[3].split(" ")
        other[4] = text[2].split(" ")[4]
        text[3] = " ".join(other)
        self.kept.write_text("".join(text))
        found = self.verify(1, "--head", self.kept)
        self.assertEqual(found["why"], "other_head")

    def test_a_checkpoint_is_forged(self):
        other = self.dir / "other.pem"
        self.ok("key", "generate", "--out", other)
        jkt = self.ok("key", "thumbprint", other).split()[0]
        point = self.lines("C")[1]
        kind, k, n, digest, _ = point.split()
        for key, htu, why, word in (
                (other, f"firstops-seal:bastion:C:{k}:{n}:{digest}",
                 f"has thumbprint {jkt}, not {self.jkt}", "other_key"),
                (self.key, f"firstops-seal:other:C:{k}:{n}:{digest}",
                 "is not signed by", "bad_checkpoint"),
                (self.key, f"firstops-seal:bastion:E:{k}:{n}:{digest}",
                 "is not signed by", "bad_checkpoint")):
            proof = self.ok("proof", "sign", "--key", key, "--htm", "SEAL",
                            "--htu", htu).strip()
            forged = f"{kind} {k} {n} {digest} {proof}\n"
            found = self.wrong(self.text.replace(point, forged), why,
                               word=word)
            self.assertIn("the checkpoint after record 4 ", found["error"])

    def test_a_checkpoint_is_to_look_like_an_end(self):
        point = self.lines("C")[-1]
        at = self.text.index(point)
        self.head.unlink()
        self.wrong(self.text[:at] + "E" + point[1:], "is not signed by")

    def test_all_is_sealed_anew_with_another_key(self):
        for path in (self.out, self.head):
            path.unlink()
        other = self.dir / "other.pem"
        self.ok("key", "generate", "--out", other)
        self.stop(self.seal(key=other))
        found = self.verify(1)
        self.assertEqual(found["why"], "other_key")
        self.assertIn("not by the key that is asked for", found["error"])
        found = self.json(0, "audit", "verify", self.out)
        self.assertFalse(found["jkt_known"])
        found = self.json(1, "audit", "verify", self.out, "--head",
                          self.kept)
        self.assertIn("is not signed by", found["error"])

    def test_a_head_that_is_none_is_trouble(self):
        for text, why in (("", "there is no checkpoint in it"),
                          ("x\n", ":1: it begins with none of"),
                          (self.lines("S")[0], ":1: it is no checkpoint")):
            self.kept.write_text(text)
            self.refused(3, why, "audit", "verify", self.out, "--head",
                         self.kept)
        self.refused(3, "No such file", "audit", "verify", self.out,
                     "--head", self.dir / "none")


# ---- verdicts ---------------------------------------------------------------

class Verdicts(Case):
    def test_an_end_that_is_old_and_none_is_wrong(self):
        process = self.seal()
        self.end(process)
        self.verify(0)
        time.sleep(2.1)
        found = self.verify(1, "--max-age", "1s")
        self.assertEqual(found["why"], "old")
        self.assertIn("s old and not an end: sealing stopped, or the tail"
                      " was cut", found["error"])
        self.stop(self.seal())
        time.sleep(2.1)
        found = self.verify(0, "--max-age", "1s")
        self.assertTrue(found["ended"])

    def test_times_without_sealing_are_told(self):
        self.end(self.seal())
        time.sleep(2.1)
        self.stop(self.seal())
        time.sleep(2.1)
        self.stop(self.seal())
        notes = " ".join(self.verify(0, "--max-age", "1s")["notes"])
        self.assertRegex(notes, r"nothing was signed for \d s, from 20\S+Z"
                                r" to 20\S+Z: sealing did not run")
        self.assertRegex(notes, r"sealing was stopped for \d s, from 20\S+Z"
                                r" to 20\S+Z")

    def test_records_after_the_last_checkpoint_are_not_signed_yet(self):
        process = self.seal()
        self.add(1, 2)
        self.await_numbers([1, 2])
        found = self.verify(0)
        self.assertEqual(found["unsealed"], 3)
        self.assertIn("3 records after the last checkpoint are not signed"
                      " yet", found["notes"])
        with open(self.out, "a") as file:
            file.write("R 4 ")
        self.assertIn("its last line has no end", self.verify(0)["notes"][0])
        self.end(process)

    def test_a_file_goes_on_in_another_one(self):
        old = self.dir / "sealed.1"
        for first in (1, 3, 5):
            process = self.seal("--after", old)
            self.add(first, first + 1)
            self.await_numbers([first, first + 1])
            self.stop(process)
            if first < 5:
                for path in (old, self.out):
                    if path.exists():
                        path.rename(path.with_suffix(
                            ".2" if path == old else ".1"))
        self.assertEqual(self.lines("S")[0].split()[6], "8")
        found = self.verify(0)
        self.assertEqual(found["after"], 8)
        self.assertIn("it begins after record 8", " ".join(found["notes"]))
        files = [self.dir / "sealed.2", old, self.out]
        found = self.json(0, "audit", "verify", *files, "--jkt", self.jkt)
        self.assertEqual((found["after"], found["sealed"]), (0, 12))
        found = self.json(1, "audit", "verify", files[0], files[2])
        self.assertEqual(found["why"], "not_next")
        self.assertIn("it goes on after record 8", found["error"])
        self.assertEqual(found["file"], str(files[2]))
        self.json(1, "audit", "verify", *reversed(files))

    def test_an_old_file_that_is_not_where_the_head_was_is_refused(self):
        old = self.dir / "sealed.1"
        self.stop(self.seal())
        shutil.copy(self.out, self.dir / "older")
        self.stop(self.seal())
        self.out.rename(old)
        shutil.copy(self.dir / "older", old)
        self.refuses("its end was cut off", "--after", old)
        self.assertEqual(self.out.read_bytes(), b"")

    def refuses(self, text, *more, **which):
        self.out.touch(mode=0o600)
        super().refuses(text, *more, **which)

    def test_what_is_no_trail_is_told(self):
        for text, why, word in (
                ("", "there is nothing in it", "empty"),
                ("x\n", "line 1, after record 0, is damaged", "damaged"),
                (line(event()), "is damaged", "damaged")):
            self.out.write_text(text)
            found = self.verify(1)
            self.assertIn(why, found["error"])
            self.assertEqual(found["why"], word)
        self.stop(self.seal(out=self.dir / "good"))
        start = (self.dir / "good").read_text().splitlines(True)[0]
        self.out.write_text(start)
        self.assertIn("nothing is proven", self.verify(1)["error"])

    def seal(self, *more, **which):
        if "out" not in which:
            return super().seal(*more, **which)
        keep, self.out = self.out, which["out"]
        try:
            return super().seal(*more, **which)
        finally:
            self.out = keep

    def test_what_cannot_be_read_is_no_verdict(self):
        self.refused(3, "No such file", "audit", "verify", self.dir / "none")
        self.refused(3, "is not a file", "audit", "verify", self.dir)
        for words, text in (
                ((), "something is missing"),
                ((self.out, "--jkt", "x"), "not a thumbprint"),
                ((self.out, "--max-age", "x"), "must be a span")):
            self.refused(2, text, "audit", "verify", *words)


# ---- a verb that is the first word of others --------------------------------

class Words(fo.Case):
    script, bash, fish, zsh = (getattr(test_verbs.Completion, name)
                               for name in ("script", "bash", "fish", "zsh"))

    def test_help_of_the_shorter_names_the_longer(self):
        out = self.ok("help", "audit")
        self.assertIn("usage: fo audit [options]", out)
        for verb in ("audit seal", "audit verify"):
            self.assertIn(f"\n  {verb} ", out[out.index("More verbs:"):])
            self.assertIn(f"usage: fo {verb} ", self.ok("help",
                                                       *verb.split()))
        self.assertEqual(self.ok("audit", "--help"), out)
        self.assertNotIn("More verbs", self.ok("help", "audit", "seal"))

    def test_shells_complete_both(self):
        for shell in ("bash", "fish", "zsh"):
            with self.subTest(shell):
                if not shutil.which(shell):
                    tap.skip(f"{shell} is not installed")
                (self.bin / "fo").unlink(missing_ok=True)
                path = self.script(shell)
                complete = getattr(self, shell)
                self.assertEqual(complete(path, "fo", "audit", "s"),
                                 ["seal"])
                self.assertEqual(complete(path, "fo", "audit", "--si"),
                                 ["--sid", "--since"])
                self.assertEqual(
                    complete(path, "fo", "audit", "x.log", "--jo"),
                    ["--journal"])
                self.assertEqual(complete(path, "fo", "audit", "seal",
                                          "--int"), ["--interval"])
                self.assertEqual(complete(path, "fo", "audit", "seal",
                                          "--si"), [])
                self.assertEqual(complete(path, "fo", "audit", "verify",
                                          "f", "--he"),
                                 ["--head", "--help"])

    def test_the_manual_has_all_three_on_one_page(self):
        page = self.ok("manual", "audit")
        self.assertEqual(re.findall(r"^\.Ss fo (.*)$", page, re.M),
                         ["audit", "audit seal", "audit verify"])
        self.assertIn("firstops\\-seal:HOST:C:K:N:HASH", page)


# ---- the service ------------------------------------------------------------

class Service(Case):
    def test_the_unit_says_what_the_verb_takes(self):
        text = (fo.TOP / "etc/systemd/firstops-seal.service.in").read_text()
        words = re.search(r"^ExecStart=\S+/fo (.*)$", text, re.M)[1].split()
        self.assertEqual(words[:2], ["audit", "seal"])
        said = self.ok("help", "audit", "seal")
        for word in words:
            if word.startswith("--"):
                self.assertIn(word, said)
        folder = pathlib.Path(words[words.index("--out") + 1]).parent
        self.assertIn(f"LogsDirectory={folder.relative_to('/var/log')}\n",
                      text)


if __name__ == "__main__":
    tap.main()
