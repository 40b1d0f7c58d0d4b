#!/usr/bin/python3
"""firstopsd's login helper: what the web part may ask it, and nothing else."""

import contextlib
import pathlib
import re
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import helpers  # noqa: E402
import world  # noqa: E402
from world import PASSWORD  # noqa: E402


def prepare():
    helpers.begin()
    start()


def start():
    global helper
    helper = helpers.start("login")


class Peer(helpers.Peer):
    def __init__(self, user="firstops"):
        super().__init__("login", user)

    def begin(self, user, rhost="192.0.2.7"):
        self.send({"user": user, "rhost": rhost})
        return self.get()


def attempt(user, password, rhost="192.0.2.7"):
    with Peer() as peer:
        asked = peer.begin(user, rhost)
        if "ask" not in asked:
            return asked
        assert asked["echo"] is False, asked
        peer.send({"answer": password})
        return peer.get()


def test_a_person_signs_in_with_the_password_of_the_host():
    with Peer() as peer:
        asked = peer.begin("alice")
        assert asked == {"ask": "Password: ", "echo": False, "say": []}, asked
        peer.send({"answer": PASSWORD})
        done = peer.get()
        assert peer.get() is None
    assert (done["ok"], done["user"], done["say"]) == (True, "alice", []), done
    name, until, _ = done["ticket"].split(".")
    assert name == "YWxpY2U", done
    assert 0 <= time.time() + 8 * 3600 - int(until) < 60, done
    key = pathlib.Path("/run/firstopsd/ticket.key").stat()
    assert (key.st_uid, key.st_mode & 0o7777) == (0, 0o600), key


def test_a_wrong_password_and_nobody_are_denied_alike():
    for user in ("alice", "nobody-of-that-name"):
        done = attempt(user, "wrong")
        assert done == {"ok": False, "why": "denied", "say": []}, done


def test_an_empty_password_is_none():
    world.must("passwd", "-d", "rescue")
    try:
        done = attempt("rescue", "")
    finally:
        world.must("usermod", "-p", "!", "rescue")
    assert done["ok"] is False, done


def test_a_reserved_account_is_closed_also_with_its_password():
    world.must("chpasswd", input=f"deploy:{PASSWORD}\n")
    try:
        done = attempt("deploy", PASSWORD)
    finally:
        world.must("usermod", "-p", "*", "deploy")
    assert (done["ok"], done["why"]) == (False, "denied"), done


def test_a_reserved_account_signs_in_by_a_proof():
    bot = world.Agent("build-bot")
    world.settle(bot)
    mark = world.log.mark()
    with Peer() as peer:
        asked = re.fullmatch(world.CHALLENGE, peer.begin("deploy")["ask"])
        peer.send({"answer": bot.answer(asked)})
        assert peer.get()["ok"] is True
    event = world.log.one(mark, ev="auth", svc="firstops-login")
    assert bot.is_in(event) and event["src"] == "192.0.2.7", event


def test_an_account_that_has_expired_is_denied():
    world.must("chage", "-E", "1", "alice")
    try:
        done = attempt("alice", PASSWORD)
    finally:
        world.must("chage", "-E", "-1", "alice")
    assert (done["ok"], done["why"]) == (False, "denied"), done
    assert any("expired" in line for line in done["say"]), done


def test_nobody_but_the_web_part_is_heard():
    for user in ("alice", "build", "root"):
        with Peer(user) as peer:
            with contextlib.suppress(BrokenPipeError):
                peer.send({"user": "alice", "rhost": "192.0.2.7"})
            assert peer.get() is None, user


def test_what_is_no_message_of_ours_ends_the_attempt():
    for text in (b"{", b"[]", b"{}", b'{"user":"alice"}',
                 b'{"user":"alice","rhost":"a","more":1}',
                 b'{"user":"","rhost":"a"}', b'{"user":1,"rhost":"a"}',
                 b'{"user":"alice","user":"root","rhost":"a"}',
                 b'{"user":"' + b"a" * 65 + b'","rhost":"a"}',
                 b'{"user":"a\\u0000b","rhost":"a"}'):
        with Peer() as peer:
            peer.send(text)
            assert peer.get() is None, text
    for size in (0, 8193, 2 ** 32 - 1):
        with Peer() as peer:
            peer.socket.sendall(struct.pack(">I", size) + b"{}")
            assert peer.get() is None, size


def test_an_answer_that_is_none_ends_the_attempt():
    for answer in ({"answer": "x" * 1025}, {"answer": 1}, {"other": "x"}, {}):
        with Peer() as peer:
            assert "ask" in peer.begin("alice")
            peer.send(answer)
            done = peer.get()
            assert done is None or done["ok"] is False, (answer, done)


def test_who_goes_away_leaves_nothing_behind():
    for _ in range(20):
        with Peer() as peer:
            peer.begin("alice", f"192.0.2.{_}")
    assert world.until(lambda: len(children()) == 0), children()
    start()


def children():
    path = f"/proc/{helper.process.pid}/task/{helper.process.pid}/children"
    return pathlib.Path(path).read_text().split()


def ticks():
    """Processor time of the helper, in hundredths of a second."""
    text = pathlib.Path(f"/proc/{helper.process.pid}/stat").read_text()
    return sum(map(int, text.rsplit(")")[-1].split()[11:13]))


def test_a_user_is_tried_ten_times_a_minute_from_wherever():
    start()
    for number in range(10):
        assert attempt("alice", PASSWORD, f"192.0.2.{number}")["ok"]
    done = attempt("alice", PASSWORD, "192.0.2.99")
    assert (done["ok"], done["why"]) == (False, "busy"), done
    assert 0 < done["wait_s"] <= 60, done
    assert attempt("rescue", "wrong")["why"] == "denied"


def test_an_address_is_tried_thirty_times_a_minute():
    start()
    for number in range(30):
        with Peer() as peer:
            assert "ask" in peer.begin(f"user-{number}", "198.51.100.1")
    with Peer() as peer:
        done = peer.begin("user-31", "198.51.100.1")
    assert done["why"] == "busy", done
    assert attempt("alice", PASSWORD, "198.51.100.2")["ok"]


def test_sixteen_wait_at_once_and_the_next_one_for_one_of_them():
    start()
    peers = [Peer() for _ in range(16)]
    for number, peer in enumerate(peers):
        assert "ask" in peer.begin("alice" if number == 0 else f"u-{number}",
                                   f"203.0.113.{number}")
    with Peer() as late:
        late.send({"user": "rescue", "rhost": "203.0.113.99"})
        late.socket.settimeout(1.5)
        before = ticks()
        try:
            raise AssertionError(late.get())
        except TimeoutError:
            pass
        assert ticks() - before < 20, "it spins"
        peers[0].send({"answer": PASSWORD})
        assert peers[0].get()["ok"] is True
        late.socket.settimeout(30)
        assert "ask" in late.get()
    for peer in peers:
        peer.socket.close()


def test_no_password_is_in_the_log_or_a_process_list():
    start()
    mark = world.log.mark()
    with Peer() as peer:
        peer.begin("alice")
        peer.send({"answer": "hunter2-" + PASSWORD})
        peer.get()
        seen = subprocess.run(["ps", "axww", "-o", "args"], text=True,
                              capture_output=True, check=True).stdout
    assert "hunter2" not in seen
    time.sleep(0.1)
    assert "hunter2" not in world.log.tail(mark)


if __name__ == "__main__":
    world.main(prepare)
