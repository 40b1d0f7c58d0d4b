#!/usr/bin/python3
"""A key is changed while it is used: the old one and the new one both log in
until the overlap ends, and nobody is refused who should not be.
"""

import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

RATE = 20           # logins a second, by both keys together
OVERLAP_S = 5


def prepare():
    global bot, old, new
    bot = world.Agent("build-bot", accounts=("deploy",))
    old = bot.key = bot.key.rename(bot.key.with_name("old.pem"))
    new = old.with_name("new.pem")
    world.settle(bot)


def explain():
    """What a policy says of it, whatever its keys."""
    return world.run("fo", "policy", "explain", "--principal", "build-bot",
                     "--service", "sshd", "--account", "deploy")


class Client(threading.Thread):
    """Logs in with one key, again and again."""

    def __init__(self, key, service):
        super().__init__()
        self.key, self.service = key, service
        self.tries = []         # (when it began, when it ended, permitted)
        self.over = threading.Event()

    def run(self):
        due = time.monotonic()
        while not self.over.wait(max(0, due - time.monotonic())):
            due += 2 / RATE
            htu = f"pam://bastion/{self.service}/deploy"
            proof = world.must("fo", "proof", "sign", "--key", self.key,
                               "--htu", htu)
            began = time.time()
            done = world.run("fo", "verify", "--service", self.service,
                             "--account", "deploy", input=proof)
            self.tries.append((began, time.time(), done.code == 0))

    def stop(self):
        self.over.set()
        self.join()


def show(event):
    print(f"#   {event['t']} {event['ev']}: {event['msg']}"
          f" (why {event['why']}, jkt {event['jkt'][:8]})")


def test_nobody_is_refused_while_a_key_is_changed_under_load():
    mark = log.mark()
    first = Client(old, "load-old")
    first.start()
    time.sleep(1)
    began = time.time()
    world.must("fo", "agent", "rotate", "build-bot", "--overlap",
               f"{OVERLAP_S}s", "--out", new)
    returned = time.time()
    second = Client(new, "load-new")
    second.start()
    time.sleep(OVERLAP_S + 3)
    first.stop()
    second.stop()
    world.own_tree(new, pathlib.Path("/home/build"), "build")
    # the overlap begins at some instant of the rotation, in whole seconds
    sure = int(began) + OVERLAP_S
    over = int(returned) + OVERLAP_S + 1
    before = [ok for b, e, ok in first.tries if e < sure]
    after = [ok for b, e, ok in first.tries if b > over]
    print(f"#   old key: {len(before)} logins before the overlap ended,"
          f" {len(after)} after; new key: {len(second.tries)};"
          f" fo agent rotate took {(returned - began) * 1000:.0f} ms")
    assert len(before) > 10 and len(after) > 3 and len(second.tries) > 10
    assert all(before), first.tries
    assert not any(after), first.tries
    assert all(ok for _, _, ok in second.tries), second.tries
    show(log.one(mark, ev="key_rotate"))
    refused = log.events(mark, ev="auth", res="deny")
    assert {(e["svc"], e["why"]) for e in refused} == {
        ("load-old", "expired_key")}, refused
    show(refused[0])


def test_an_agent_is_deployed_anew_and_its_old_key_ends_by_itself():
    agent = world.Agent("web-bot", accounts=("deploy",))
    first = agent.key.rename(agent.key.with_name("web-old.pem"))
    second = first.with_name("web-new.pem")
    mark = log.mark()

    def login(key):
        return world.fo_ssh("deploy@bastion", "id -un",
                            FO_PRIVATE_KEY_PATH=key).code == 0
    with world.sshd(MaxStartups="100"):
        assert login(first)
        world.must("fo", "agent", "rotate", "web-bot", "--overlap", "8s",
                   "--out", second)
        began = time.monotonic()
        world.own_tree(second, pathlib.Path("/home/build"), "build")
        assert login(second) and login(first)
        assert time.monotonic() - began < 7, "too slow to see the overlap"
        assert world.until(lambda: not login(first), 20)
        assert time.monotonic() - began > 6
        assert login(second)
        agent.key = second
    events = log.events(mark, id=agent.id)
    for event in events:
        if event["ev"] in ("auth", "key_rotate"):
            show(event)
    refused = [e for e in events if e["res"] == "deny"]
    # its last second may end between auth and the opening of the session
    assert [(e["why"], e["jkt"]) for e in refused] == [
        ("expired_key", agent.jkt)], refused
    assert refused[0]["ev"] in ("auth", "session_open"), refused
    done = explain()
    print(*("#   " + line for line in done.out.splitlines()), sep="\n")
    assert done.code == 0 and "everywhere/any-service" in done.out, done
    world.must("fo", "agent", "rotate", "web-bot", "--now", "--out",
               "/root/third.pem")
    with world.sshd():
        assert not login(second)
    assert log.events(mark, id=agent.id)[-1]["why"] == "revoked_key"


if __name__ == "__main__":
    world.main(prepare)
