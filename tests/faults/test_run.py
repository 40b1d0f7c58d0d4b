#!/usr/bin/python3
"""/run, the store and the log in every state that an admin, a full disk or a
reboot leaves: a truthful refusal, and logins again after the remedy."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import service  # noqa: E402
import world  # noqa: E402
from service import DEEP, PAM_AUTHINFO_UNAVAIL, login  # noqa: E402
from world import RUN, STORE, log, must  # noqa: E402

ASIDE = pathlib.Path("/root/run")
ONCE = "once"  # a service whose proofs need no nonce: any can be offered twice


def prepare():
    global bot
    service.prepare()
    world.stack(ONCE, *world.OURS)
    service.configure(**{ONCE: "{nonce: auto, ask: all}"})
    bot = world.Agent("build-bot")
    world.settle(bot)
    # What a boot prepares for a service's own user, too.
    must("fo", "store", "replay")


@contextlib.contextmanager
def mounted(top, options):
    """A tmpfs in the place of a folder, with all that was in there."""
    must("cp", "-a", f"{top}/.", ASIDE)
    must("mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "tmpfs", top)
    must("cp", "-a", f"{ASIDE}/.", top)
    try:
        yield
    finally:
        must("umount", top)
        shutil.rmtree(ASIDE)


def fill_blocks(top):
    try:
        with open(top / "ballast", "wb", buffering=0) as stream:
            while True:
                stream.write(b"x" * 4096)
    except OSError:
        pass


def fill_inodes(top):
    number = 0
    try:
        while True:
            (top / f"ballast-{number}").touch(exist_ok=False)
            number += 1
    except OSError:
        assert number > 0


def doctor():
    """What fo doctor finds wrong with the folders of used proofs."""
    done = world.run("fo", "doctor", "--json")
    return [f for f in json.loads(done.out)["findings"]
            if f["level"] != "ok" and f["what"].startswith("replay:")]


def no_record_is_left():
    pending = RUN / "pending"
    assert not pending.is_dir() or not list(pending.iterdir())


def refused_until(remedy, why, said, seen, mended=lambda: login(bot)):
    """A login is refused for that reason, which the event says in these
    words, fo doctor sees it in those, and after the remedy, and the one that
    fo doctor names for all folders, there is a login."""
    done = login(bot).refused(PAM_AUTHINFO_UNAVAIL, why)
    assert said in done.event()["msg"], done
    no_record_is_left()
    found = doctor()
    assert any(seen in finding["what"] for finding in found), (seen, found)
    must(*remedy)
    must("fo", "store", "replay")
    mended().let_in()
    assert not doctor(), doctor()


def settled():
    return service.permitted_soon(lambda: login(bot))


# ---- a file system that is full, or read-only -------------------------------

def test_a_full_run_is_a_refusal_until_it_is_larger():
    with mounted(RUN, "size=256k"):
        login(bot).permitted()
        fill_blocks(RUN)
        refused_until(("mount", "-o", "remount,size=1m", RUN), "session",
                      "No space left on device", "is full")


def test_a_run_without_inodes_is_a_refusal_until_it_has_more():
    with mounted(RUN, "nr_inodes=200"):
        login(bot).permitted()
        fill_inodes(RUN)
        refused_until(("mount", "-o", "remount,nr_inodes=1000", RUN),
                      "replay_store", "it is full: enlarge", "is full")


def test_the_folder_of_a_services_own_user_without_inodes_is_told_too():
    uid = world.pwd.getpwnam("nobody").pw_uid

    def by_nobody():
        return login(bot, f"user={uid}", service=service.PEOPLE)

    service.permitted_soon(by_nobody)
    with mounted(RUN, "nr_inodes=200"):
        by_nobody().let_in()
        fill_inodes(RUN)
        done = by_nobody().refused(PAM_AUTHINFO_UNAVAIL, "replay_store")
        assert "it is full" in done.event()["msg"], done
        must("mount", "-o", "remount,nr_inodes=1000", RUN)
        by_nobody().let_in()


def test_doctor_warns_while_a_tenth_of_the_inodes_is_left():
    def warns():
        done = world.run("fo", "doctor")
        return "with less than a tenth left" in done.out
    with mounted(RUN, "nr_inodes=1000"):
        login(bot).permitted()
        assert not warns()
        for number in range(900):
            (RUN / f"filler-{number}").touch()
        assert warns()


def test_a_read_only_run_is_a_refusal_until_it_is_writable():
    with mounted(RUN, "size=1m"):
        must("mount", "-o", "remount,ro", RUN)
        refused_until(("mount", "-o", "remount,rw", RUN), "replay_store",
                      "mount it writable", "read-only")


# ---- something else in its place --------------------------------------------

@contextlib.contextmanager
def moved_away(path):
    must("mv", path, ASIDE)
    try:
        yield
    finally:
        must("rm", "-rf", path)
        must("mv", ASIDE, path)


def test_a_missing_run_folder_is_made_and_is_young_for_a_moment():
    with moved_away(RUN):
        login(bot).refused(7, "replay_newborn")
        settled().permitted()
        for folder in ("replay/0", "pending", "sessions"):
            assert (RUN / folder).stat().st_mode & 0o777 == 0o700
    login(bot).permitted()


def test_a_file_or_a_link_in_the_place_of_a_folder_is_a_refusal():
    paths = (RUN, RUN / "replay", RUN / "replay/0")
    for path in paths if DEEP else paths[1:]:
        for make in (lambda p: p.touch(), lambda p: p.symlink_to(ASIDE)):
            with moved_away(path):
                make(path)
                word = ("symbolic link" if path.is_symlink()
                        and path.name != "0" else "not a folder")
                refused_until(("rm", path), "replay_store", word, word,
                              mended=settled)


def test_a_file_or_a_link_in_the_place_of_login_records_is_a_refusal():
    for make in (lambda p: p.touch(), lambda p: p.symlink_to(ASIDE)):
        with moved_away(RUN / "pending"):
            make(RUN / "pending")
            done = login(bot).refused(PAM_AUTHINFO_UNAVAIL, "session")
            assert "not a folder; remove it" in done.event()["msg"], done
            must("rm", RUN / "pending")
            login(bot).permitted()


def test_a_folder_of_another_owner_or_open_to_others_is_a_refusal():
    for path in (RUN, RUN / "replay", RUN / "replay/0"):
        mode = f"{path.stat().st_mode & 0o777:o}"
        for spoil, mend, word in (
                (("chown", "nobody"), ("chown", "root"), "chown"),
                (("chmod", "777"), ("chmod", mode), "chmod")):
            must(*spoil, path)
            refused_until((*mend, path), "replay_store", word, word)


# ---- made again while logins run --------------------------------------------

class Crowd:
    """Clients who offer the same proofs over and over, all at once."""

    FRESH_S = 0.1  # so that a folder just made soon has proofs younger than it

    def __init__(self, clients):
        self.end = False
        self.lock = threading.Condition()
        self.signed = 0
        self.proofs, self.done, self.trouble = [], [], []
        self.threads = [threading.Thread(target=self.work)
                        for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def proof(self, number):
        """One of the last few, each offered by many."""
        with self.lock:
            now = time.monotonic()
            if now > self.signed + self.FRESH_S:
                self.signed = now
                self.proofs.append(bot.sign(f"pam://bastion/{ONCE}/deploy"))
            return self.proofs[-1 - number % min(16, len(self.proofs))]

    def work(self):
        number = 0
        while not self.end:
            proof = self.proof(number)
            number += 1
            try:
                done = login(bot, service=ONCE, answer=lambda _: proof,
                             judged=False)
                with self.lock:
                    self.done.append(done)
                    self.lock.notify_all()
            except Exception as error:  # told by stop
                self.trouble.append(error)
                return

    def passed(self):
        return [done.proof for done in self.done if done.auth == 0]

    def let_pass(self, more):
        """Wait until so many more have passed, however slow the machine."""
        with self.lock:
            wanted = len(self.passed()) + more
            assert self.lock.wait_for(lambda: len(self.passed()) >= wanted,
                                      30), "nobody passes any more"

    def stop(self):
        self.end = True
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a login hangs"
        assert not self.trouble, self.trouble

    def check(self):
        """Nobody passed twice with one proof; every answer is a fair one."""
        passed = self.passed()
        assert len(passed) == len(set(passed)), "a proof passed twice"
        assert len(self.done) > len(set(d.proof for d in self.done))
        for done in self.done:
            assert done.code == 0 and done.took < service.LIMIT_S, done
            assert done.auth in (0, 7, 9), done
            assert done.states[0] == done.states[1], done


def events_of_crowd(mark):
    """Each login has its one event, with a reason that is one of these."""
    log.settle()
    events = log.events(mark, ev="auth", svc=ONCE)
    assert {e["why"] for e in events} <= {
        "ok", "replay", "replay_newborn", "replay_store", "session",
        "stale"}, {e["why"] for e in events}
    return events


def made_again(make, cycles):
    mark = log.mark()
    crowd = Crowd(4)
    try:
        for number in range(cycles):
            crowd.let_pass(2)
            make(number)
        crowd.let_pass(2)
    finally:
        crowd.stop()
    crowd.check()
    assert len(events_of_crowd(mark)) == len(crowd.done)
    service.permitted_soon(lambda: login(bot))


def test_nobody_passes_twice_while_run_is_unmounted_and_mounted_empty():
    """What lies below the mount is no place for proofs: a folder there would
    come back with each unmounting, knowing nothing of what came between."""
    below = RUN / "replay"
    with moved_away(RUN):
        RUN.mkdir()
        below.touch()

        def make(number):
            if number:
                must("umount", "-l", RUN)
            must("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", RUN)

        make(0)
        settled()
        try:
            made_again(lambda number: make(1), 12 if DEEP else 2)
        finally:
            must("umount", "-l", RUN)
    login(bot).permitted()


def test_nobody_passes_twice_while_run_is_moved_away_and_removed():
    with moved_away(RUN):
        def make(number):
            if RUN.exists():
                os.rename(RUN, f"/run/gone-{number}")

        made_again(make, 12 if DEEP else 2)
    must("sh", "-c", "rm -rf /run/gone-*")
    login(bot).permitted()


# ---- the store --------------------------------------------------------------

def test_a_read_only_store_is_no_trouble_for_logins_that_only_read_it():
    must("mount", "--bind", STORE, STORE)
    must("mount", "-o", "remount,bind,ro", STORE)
    try:
        login(bot).permitted()
        login(bot, answer=service.forged(bot)).refused(7, "bad_signature")
    finally:
        must("umount", STORE)


def test_a_full_store_is_no_trouble_for_logins_that_only_read_it():
    with mounted(STORE, "size=256k,nr_inodes=200"):
        fill_inodes(STORE)
        fill_blocks(STORE)
        login(bot).permitted()


# ---- the log ----------------------------------------------------------------

@contextlib.contextmanager
def in_place_of_the_log(make):
    log.stop()
    make(pathlib.Path(log.PATH))
    try:
        yield
    finally:
        os.unlink(log.PATH)
        log.start()


def test_without_a_log_nobody_is_let_in_and_with_one_again():
    places = (lambda p: p.symlink_to("/nowhere"), lambda p: p.touch(),
              lambda p: os.mkfifo(p))
    for make in places:
        with in_place_of_the_log(make):
            login(bot).refused(PAM_AUTHINFO_UNAVAIL, None)
            no_record_is_left()
        login(bot).permitted()
    log.stop()
    try:
        login(bot).refused(PAM_AUTHINFO_UNAVAIL, None)
    finally:
        log.start()
    login(bot).permitted()


def test_a_log_that_is_full_is_waited_for_and_then_a_refusal():
    with service.log_that_is_full():
        done = login(bot).refused(PAM_AUTHINFO_UNAVAIL, None)
        assert 1.5 < done.took < service.LIMIT_S, done
        no_record_is_left()
    login(bot).permitted()


def read_all(reader):
    reader.setblocking(False)
    texts = []
    try:
        while True:
            texts.append(reader.recv(65536).decode())
    except BlockingIOError:
        return texts


def test_a_permit_is_given_only_for_an_event_that_the_log_holds():
    """A reader that does not read holds a few; each permit is among them."""
    permits = 0
    with service.other_log() as reader:
        for _ in range(100):
            done = login(bot, judged=False)
            if done.auth != 0:
                break
            permits += 1
        assert done.auth == PAM_AUTHINFO_UNAVAIL, done
        texts = read_all(reader)
    held = [t for t in texts if '"ev":"auth","res":"permit"' in t]
    assert len(held) == permits > 0, (permits, texts)


def test_a_stream_that_nobody_accepts_from_is_a_refusal():
    waiting = []
    with service.other_log(socket.SOCK_STREAM):
        try:
            while True:
                waiting.append(socket.socket(socket.AF_UNIX,
                                             socket.SOCK_STREAM))
                waiting[-1].setblocking(False)
                waiting[-1].connect(log.PATH)
        except BlockingIOError:
            pass
        start = time.monotonic()
        login(bot).refused(PAM_AUTHINFO_UNAVAIL, None)
        assert time.monotonic() - start < service.LIMIT_S
    for one in waiting:
        one.close()
    login(bot).permitted()


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
