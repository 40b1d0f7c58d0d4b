#!/usr/bin/python3
"""Nobody reads /dev/log: nobody gets in unrecorded, and nothing hangs."""

import os
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

LIMIT_S = 3
HTU = "pam://bastion/probe/deploy"


def prepare():
    global bot, client
    bot = world.Agent("build-bot")
    client = world.compile("pam_client")
    world.settle(bot)
    world.stack("probe", *world.OURS)
    world.stack(
        "people",
        "auth [success=done cred_insufficient=ignore default=die] "
        "pam_firstops.so",
        "auth required pam_permit.so",
        "account required pam_firstops.so",
        "account required pam_permit.so",
        "session required pam_firstops.so",
        "session required pam_permit.so")


class NobodyReads:
    """A /dev/log whose queue is full."""

    def __enter__(self):
        log.stop()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(log.PATH)
        os.chmod(log.PATH, 0o666)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as writer:
            writer.setblocking(False)
            try:
                while True:
                    writer.sendto(b"<86>full", log.PATH)
            except BlockingIOError:
                pass

    def __exit__(self, *_):
        self.socket.close()
        log.start()


class NoSocket:
    def __enter__(self):
        log.stop()

    def __exit__(self, *_):
        log.start()


def offer(service, user, answer):
    """Go through the phases; the result and how long it took."""
    start = time.monotonic()
    done = world.run(client, service, user, input=answer + "\n", timeout=20)
    return done, time.monotonic() - start


def agent_is_refused(trouble):
    with trouble:
        done, took = offer("probe", "deploy", bot.sign(HTU))
    assert "auth 9\n" in done.out, done
    assert "FirstOps: access refused" in done.out, done
    assert took < LIMIT_S, f"{took:.1f} s"


def person_gets_in(trouble):
    with trouble:
        done, took = offer("people", "alice", world.PASSWORD)
    assert done.code == 0, done
    assert took < LIMIT_S, f"{took:.1f} s"


def test_with_somebody_reading_the_agent_gets_in():
    mark = log.mark()
    done, _ = offer("probe", "deploy", bot.sign(HTU))
    assert done.code == 0, done
    assert bot.is_in(log.one(mark, ev="auth", res="permit"))


def test_with_nobody_reading_an_agent_is_refused_within_3_s():
    agent_is_refused(NobodyReads())


def test_without_dev_log_an_agent_is_refused_within_3_s():
    agent_is_refused(NoSocket())


def test_a_proof_that_failed_for_want_of_a_log_is_spent_all_the_same():
    proof = bot.sign(HTU)
    with NoSocket():
        first, _ = offer("probe", "deploy", proof)
    mark = log.mark()
    second, _ = offer("probe", "deploy", proof)
    assert "auth 9\n" in first.out and "auth 7\n" in second.out, second
    assert log.one(mark, ev="auth")["why"] == "replay"


def test_a_refused_login_leaves_no_pending_record():
    agent_is_refused(NoSocket())
    assert os.listdir(world.RUN / "pending") == []
    assert os.listdir(world.RUN / "sessions") == []


def test_with_nobody_reading_a_person_gets_in_within_3_s():
    person_gets_in(NobodyReads())


def test_without_dev_log_a_person_gets_in_within_3_s():
    person_gets_in(NoSocket())


def test_without_dev_log_sshd_lets_a_person_in_and_refuses_an_agent():
    with NoSocket(), world.sshd():
        start = time.monotonic()
        person = world.on_terminal(
            "ssh", "-oPreferredAuthentications=keyboard-interactive",
            "alice@bastion", "id -un", user="build",
            answers=[("Password: ", world.PASSWORD)])
        took = time.monotonic() - start
        agent = world.fo_ssh("deploy@bastion", "id")
    assert person.code == 0 and person.out.endswith("alice\n"), person
    assert took < LIMIT_S, f"{took:.1f} s"
    assert agent.code == 255, agent


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
