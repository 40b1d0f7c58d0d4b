#!/usr/bin/python3
"""A service short of descriptors, memory or rights, with signals, a umask and
folders that nobody expects: the module answers, and breaks nothing."""

import json
import os
import pathlib
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import service  # noqa: E402
import world  # noqa: E402
from service import (DEEP, PAM_AUTHINFO_UNAVAIL, PAM_BUF_ERR,  # noqa: E402
                     PAM_SERVICE_ERR, login)

PAM_SYSTEM_ERR = 4
ROOT = pathlib.Path("/srv/root")


def prepare():
    global bot
    service.prepare()
    bot = world.Agent("build-bot")
    world.settle(bot)


def test_without_trouble_a_right_proof_is_permitted_and_a_forged_one_not():
    login(bot).permitted()
    login(bot, answer=service.forged(bot)).refused(7, "bad_signature")


# ---- descriptors ------------------------------------------------------------

def test_a_service_without_descriptors_0_1_and_2_is_served_all_the_same():
    for closed in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
        login(bot, *(f"close={fd}" for fd in closed)).permitted()


def test_nothing_is_written_to_descriptors_0_1_and_2_in_their_absence():
    trace = "/tmp/closed.trace"
    done = login(bot, "close=0", "close=1", "close=2",
                 program=("strace", "-f", "-yy", "-o", trace, service.PROGRAM))
    done.permitted()
    assert "mknodat(" in pathlib.Path(trace).read_text()
    assert not service.writes_to(trace, 0, 1, 2)


def test_with_too_few_descriptors_a_login_is_refused_with_enough_permitted():
    permitted = False
    for limit in range(41):
        done = login(bot, f"nofile={limit}")
        if done.auth == 0:
            done.permitted()
            permitted = True
            continue
        assert not permitted, f"more descriptors, and refused: {done}"
        if done.auth == PAM_SYSTEM_ERR:
            # libpam's own word: it could not open its audit socket
            done.refused(PAM_SYSTEM_ERR, None)
        elif done.auth == PAM_SERVICE_ERR:
            done.refused(PAM_SERVICE_ERR, "config")
            assert "Too many open files" in done.event()["msg"], done
        else:
            assert done.auth == PAM_AUTHINFO_UNAVAIL, done
            assert done.event()["res"] == "error", done
        assert limit < 12, f"a login needs few descriptors: {done}"
    assert permitted


# ---- memory, sizes, processes -----------------------------------------------

def test_with_too_little_memory_a_login_is_refused_with_enough_permitted():
    refused = permitted = 0
    for kib in range(0, 513, 4 if DEEP else 32):
        done = login(bot, f"as={kib}")
        if done.auth == 0:
            done.permitted()
            permitted += 1
            continue
        refused += 1
        done.refused(PAM_BUF_ERR, "nomem")
        assert len(done.events) == 1, done
    assert refused and permitted, (refused, permitted)
    login(bot, "as=65536").permitted()


def test_a_service_whose_files_may_not_grow_lives_and_refuses():
    done = login(bot, "fsize=0")
    done.refused(PAM_AUTHINFO_UNAVAIL, "session")
    assert "File too large" in done.event()["msg"], done
    assert not list((world.RUN / "pending").iterdir())


def test_a_folder_of_used_proofs_is_not_born_where_files_may_not_grow():
    world.must("mv", world.RUN / "replay/0", "/root/replay.0")
    try:
        done = login(bot, "fsize=0")
        done.refused(PAM_AUTHINFO_UNAVAIL, "replay_store")
        assert not list((world.RUN / "replay/0").iterdir())
    finally:
        world.must("rm", "-rf", world.RUN / "replay/0")
        world.must("mv", "/root/replay.0", world.RUN / "replay/0")
    login(bot).permitted()


def test_a_real_su_whose_files_may_not_grow_lives_and_refuses():
    mark = world.log.mark()
    done = world.on_terminal(
        "prlimit", "--fsize=0", "su", "deploy", "-c", "id", user="build",
        answers=[(world.CHALLENGE, bot.answer)])
    assert done.code == 1, done
    event = world.log.one(mark, ev="auth")
    assert (event["why"], event["rc"]) == ("session", 9), event


def test_limits_that_a_login_does_not_touch_do_not_touch_it():
    for fault in ("nproc=1", "memlock=0", "core=0"):
        login(bot, fault).permitted()


# ---- signals ----------------------------------------------------------------

def test_ignored_and_blocked_signals_are_no_trouble():
    login(bot, f"ignore={signal.SIGPIPE:d}",
          f"ignore={signal.SIGCHLD:d}").permitted()
    login(bot, "block").permitted()


def test_a_storm_of_alarms_interrupts_calls_and_no_login():
    alarms = 0
    for _ in range(20 if DEEP else 5):
        alarms += login(bot, "storm=50").permitted().alarms
    assert alarms > 50, alarms


def test_a_storm_of_alarms_does_not_prolong_the_wait_for_a_log():
    with service.log_that_is_full():
        done = login(bot, "storm=1000")
    done.refused(PAM_AUTHINFO_UNAVAIL, None)
    assert done.alarms > 1000, done
    assert 1.5 < done.took < service.LIMIT_S, done


# ---- umask, folders ---------------------------------------------------------

def check_run_modes():
    for path in (world.RUN / "replay/0").rglob("*"):
        assert path.lstat().st_mode & 0o077 == 0, path


def test_no_umask_opens_or_closes_what_a_login_leaves():
    for umask in ("0", "0777"):
        login(bot, f"umask={umask}").permitted()
        check_run_modes()


def test_no_umask_locks_a_services_own_user_out():
    """The first login is refused, since the folder is young; the next need to
    read what it and its sweep wrote."""
    world.run("fo", "store", "replay")
    uid = world.pwd.getpwnam("nobody").pw_uid
    folder = world.RUN / f"replay/{uid}"
    (folder / "birth").unlink()
    done = login(bot, f"user={uid}", "umask=0777", service=service.PEOPLE)
    done.refused(7, "replay_newborn")
    (folder / "100").mkdir(mode=0o700)
    os.chown(folder / "100", uid, uid)
    for _ in range(2):
        done = service.permitted_soon(
            lambda: login(bot, f"user={uid}", "umask=0777",
                          service=service.PEOPLE))
    assert not (folder / "100").exists()
    assert (folder / "floor").exists()
    world.must("rm", "-r", folder)


def test_a_working_folder_that_was_removed_is_no_trouble():
    login(bot, "cwd").permitted()


def make_root(*mounts):
    """A folder to change the root to, with store, records and nothing else
    but what is mounted."""
    for place in ("etc", "run", "proc", "dev"):
        (ROOT / place).mkdir(parents=True)
    world.must("cp", "-a", world.STORE, ROOT / "etc")
    world.must("cp", "-a", world.RUN, ROOT / "run")
    for place in mounts:
        world.must("mount", "--bind", f"/{place}", ROOT / place)


def in_root(*mounts):
    make_root(*mounts)
    before = service.tree(ROOT / "etc")
    try:
        done = login(bot, f"chroot={ROOT}")
        assert service.tree(ROOT / "etc") == before
        return done
    finally:
        for place in mounts:
            world.must("umount", ROOT / place)
        shutil.rmtree(ROOT)


def test_a_root_with_proc_and_dev_log_has_all_that_a_login_needs():
    in_root("proc", "dev").permitted()


def test_without_proc_nobody_knows_this_boot_and_the_event_says_so():
    done = in_root("dev")
    done.refused(PAM_AUTHINFO_UNAVAIL, "replay_store")
    assert "boot id cannot be read" in done.event()["msg"], done


def test_without_dev_log_there_is_no_permit():
    in_root("proc").refused(PAM_AUTHINFO_UNAVAIL, None)
    in_root().refused(PAM_AUTHINFO_UNAVAIL, None)


def test_without_proc_and_dev_an_event_still_reaches_its_file():
    config = world.STORE / "firstops.yaml"
    text = config.read_text()
    make_root()
    world.write(ROOT / "etc/firstops/firstops.yaml",
                text.replace("[syslog]", '["file:/run/events"]'))
    try:
        done = login(bot, f"chroot={ROOT}")
        assert done.answers == {"auth": PAM_AUTHINFO_UNAVAIL}, done
        text = (ROOT / "run/events").read_text()
        event = json.loads(text.strip().removeprefix("@cee:"))
        assert event["why"] == "replay_store" and event["rc"] == 9, text
        done.secrets.check(text)
    finally:
        shutil.rmtree(ROOT)


if __name__ == "__main__":
    world.main(prepare)
