#!/usr/bin/python3
"""One agent is compromised and revoked while it holds sessions; what it does
ends, and nobody else notices.
"""

import contextlib
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

# What a session runs that does not want to end: deaf to signals, in process
# groups and sessions of their own, and forking all the time.
STUBBORN = r"""
trap '' HUP TERM INT QUIT
for i in 1 2 3; do
    setsid sh -c 'trap "" HUP TERM; while :; do sleep 0.{mark}; done' &
done
while :; do (sleep 0.{mark}; :) & wait $!; done &
echo in
exec sleep 1{mark}
"""
SESSIONS = pathlib.Path("/run/firstops/sessions")


def prepare():
    global good, bad
    good = world.Agent("good-bot", accounts=("deploy", "postgresql:etl"))
    good.key = good.key.rename(good.key.with_name("good.pem"))
    bad = world.Agent("bad-bot", accounts=("deploy", "postgresql:etl"))
    bad.key = bad.key.rename(bad.key.with_name("bad.pem"))
    for agent in (good, bad):
        world.settle(agent)


def show(mark, *names):
    """The events, for whoever reads the test's output."""
    for event in log.events(mark):
        if event["ev"] != "auth" or event["name"] in ("-", *names):
            print(f"#   {event['t']} {event['ev']}: {event['msg']}"
                  f" (why {event['why']}, sid {event['sid'][:8]})")


def enter(agent, text, **more):
    """A session of the agent's that is open when this returns."""
    client = subprocess.Popen(
        ["fo", "ssh", "deploy@bastion", text], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=world.environment("build", FO_PRIVATE_KEY_PATH=agent.key, **more),
        **world.become("build"))
    line = client.stdout.readline()
    assert line == b"in\n", (line, client.stderr.read())
    return client


def running(mark):
    """The processes whose sleep this is."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(f".{mark}".encode() in w or f"1{mark}".encode() == w
               for w in words):
            found.append(path.parent.name)
    return found


def login(agent):
    return world.fo_ssh("deploy@bastion", "id -un",
                        FO_PRIVATE_KEY_PATH=agent.key)


def end(client):
    client.kill()
    client.wait()
    client.stdout.close()
    client.stderr.close()


def test_the_sessions_of_the_one_that_is_revoked_end_and_the_others_go_on():
    mark = log.mark()
    with world.sshd(MaxStartups="100"):
        kept = enter(good, STUBBORN.format(mark="41"))
        lost = [enter(bad, STUBBORN.format(mark=m)) for m in ("43", "47")]
        assert len(list(SESSIONS.iterdir())) == 3
        began = time.monotonic()
        done = world.run("fo", "agent", "revoke", "bad-bot",
                         "--end-sessions", "--reason", "its key leaked")
        took = time.monotonic() - began
        # nothing is waited for: revoke has returned
        left = running("43") + running("47")
        records = [p.name for p in SESSIONS.iterdir()]
        refused = login(bad)
        still = login(good)
        for client in lost:
            assert client.wait(5) != 0
        assert kept.poll() is None and len(running("41")) >= 4
        # so that nothing of it stays behind
        world.must("fo", "agent", "revoke", "good-bot", "--end-sessions")
        for client in [kept, *lost]:
            end(client)
    for line in done.out.splitlines():
        print(f"#   $ fo agent revoke: {line}")
    print(f"#   fo agent revoke --end-sessions took {took * 1000:.0f} ms;"
          f" {len(left)} processes of its sessions were left when it"
          " returned")
    show(mark, "good-bot", "bad-bot")
    assert done.code == 0, done
    assert left == [] and took < 2.5, (left, took, done)
    assert len(records) == 1, records
    assert refused.code != 0 and still.code == 0, (refused, still)
    revoked = log.one(mark, ev="revoke", id=bad.id)
    assert (revoked["id"], revoked["what"]) == (bad.id, "its key leaked")
    # each of the two is told once with who ended it
    ended = log.events(mark, ev="session_close", act="end", id=bad.id)
    assert len(ended) == 2 and all(
        e["by"] == "root" for e in ended), ended
    assert {e["sid"] for e in ended} == {
        e["sid"] for e in log.events(mark, ev="session_open", id=bad.id)}
    refusals = log.events(mark, ev="auth", res="deny")
    assert [(e["id"], e["why"]) for e in refusals] == [(bad.id, "revoked")]


class Decisions(threading.Thread):
    """Offers fresh proofs to one service, again and again."""

    def __init__(self, agent, service):
        super().__init__()
        self.agent, self.service = agent, service
        self.tries = []         # (when it began, permitted)
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            proof = self.agent.sign(f"pam://bastion/{self.service}/deploy")
            began = time.monotonic()
            done = world.run("fo", "verify", "--service", self.service,
                             "--account", "deploy", input=proof)
            self.tries.append((began, done.code == 0))


def test_no_decision_that_begins_after_revoke_returned_permits():
    """For every service of the host, whatever else is going on."""
    agent = world.Agent("busy-bot", accounts=("deploy",))
    threads = [Decisions(agent, s) for s in ("sshd-like", "sudo-like",
                                             "db", "web", "mail")]
    for thread in threads:
        thread.start()
    world.until(lambda: all(len(t.tries) > 3 for t in threads), 60)
    world.must("fo", "agent", "revoke", agent.id)
    returned = time.monotonic()
    world.until(lambda: all(t.tries[-1][0] > returned + 0.3
                            for t in threads), 60)
    for thread in threads:
        thread.over.set()
        thread.join()
        before = [ok for began, ok in thread.tries if began < returned]
        after = [ok for began, ok in thread.tries if began > returned]
        assert any(before) and after and not any(after), thread.tries
    print(f"#   {sum(len(t.tries) for t in threads)} decisions; of those that"
          " began after the revocation none was permitted")


def test_what_cannot_be_ended_is_listed_with_the_remedy():
    agent = world.Agent("job-bot", accounts=("deploy", "postgresql:etl"))
    agent.key = agent.key.rename(agent.key.with_name("job.pem"))
    world.write("/var/spool/cron/crontabs/deploy", "@daily true\n", 0o600)
    world.write("/var/lib/systemd/linger/deploy", "")
    # what lost its parents belongs to no session that anybody can see
    loose = subprocess.Popen(["sleep", "15353"], **world.become("deploy"))
    try:
        with world.sshd():
            client = enter(agent, "echo in; exec sleep 15959")
            done = world.run("fo", "agent", "revoke", agent.id,
                             "--end-sessions", "--json")
            end(client)
    finally:
        loose.kill()
        loose.wait()
        os.unlink("/var/spool/cron/crontabs/deploy")
        os.unlink("/var/lib/systemd/linger/deploy")
    got = json.loads(done.out)
    assert done.code == 0 and got["status"] == "revoked", done
    assert [(s["service"], s["account"], s["ended"])
            for s in got["sessions"]] == [("sshd", "deploy", True)], got
    left = {item["what"]: item["remedy"] for item in got["left"]}
    for what, remedy in (
            ("connections to postgresql as etl", "pg_terminate_backend"),
            ("the crontab of deploy", "crontab -u deploy -r"),
            ("lingering units of deploy", "loginctl disable-linger deploy"),
            (f"1 process of deploy: {loose.pid}", "ps -u deploy")):
        assert remedy in left.get(what, ""), (what, left)


def test_one_key_is_revoked_and_only_its_sessions_end():
    agent = world.Agent("two-keys", accounts=("deploy",))
    old = agent.key = agent.key.rename(agent.key.with_name("old.pem"))
    new = old.with_name("new.pem")
    world.must("fo", "agent", "rotate", agent.id, "--out", new)
    world.own_tree(new, pathlib.Path("/home/build"), "build")
    with world.sshd():
        first = enter(agent, "echo in; exec sleep 16161")
        agent.key = new
        second = enter(agent, "echo in; exec sleep 16767")
        done = world.run("fo", "agent", "revoke", agent.id, "--key",
                         agent.jkt, "--end-sessions")
        assert first.wait(5) != 0
        assert second.poll() is None and running("6767"), done
        assert login(agent).code == 0
        agent.key = old
        assert login(agent).code != 0
        for client in (first, second):
            end(client)
    assert done.code == 0 and done.out.count("ended: sshd") == 1, done


def test_a_session_that_opens_while_revocation_runs_does_not_survive_it():
    """Whatever the two do first: when both are done, nobody is in."""
    outcomes = {"in": 0, "out": 0}
    pace = world.Agent("pace-bot", accounts=("deploy",))
    with world.sshd(MaxStartups="100"):
        began = time.monotonic()
        assert login(pace).code == 0
        took = time.monotonic() - began
        for i in range(12):
            agent = world.Agent(f"race-bot-{i}", accounts=("deploy",))
            number = f"7{i:02d}"
            client = subprocess.Popen(
                ["fo", "ssh", "deploy@bastion",
                 f"echo in; exec sleep 1{number}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=world.environment("build"),
                **world.become("build"))
            time.sleep(took * random.Random(i).uniform(0.4, 1.5))
            done = world.run("fo", "agent", "revoke", agent.id,
                             "--end-sessions")
            assert done.code == 0, done
            # a client that hangs on is one whose session survived
            try:
                code = client.wait(10)
            except subprocess.TimeoutExpired:
                world.tap.fail(f"{agent.name} is still in: {done}"
                               f"\n{log.tail()}")
            assert code != 0, done
            outcomes["in" if client.stdout.read() == b"in\n" else "out"] += 1
            client.stdout.close()
            assert running(number) == [], (running(number), done)
    print(f"#   {outcomes['in']} were in and were ended, {outcomes['out']}"
          " never got in")


@contextlib.contextmanager
def scope():
    """A scope as logind makes one, and the session's name in it. Control
    groups are the whole machine's: it has a name that nobody else has."""
    name = f"c{random.SystemRandom().getrandbits(60)}"
    path = pathlib.Path(f"/sys/fs/cgroup/session-{name}.scope")
    path.mkdir()
    try:
        yield name, path
    finally:
        world.until(lambda: (path / "cgroup.procs").read_text() == "")
        path.rmdir()


def revoked_in_scope(number, leader_of):
    """(what revoke said, whether a process that no parent leads to ended);
    leader_of(the session's process) is whom logind calls the leader."""
    agent = world.Agent(f"scope-bot-{number}", accounts=("deploy",))
    loose = subprocess.Popen(["sleep", f"19{number}"],
                             **world.become("deploy"))
    with scope() as (name, path):
        client = enter(agent, f"echo in; exec sleep 18{number}")
        record, = [p.read_text() for p in SESSIONS.iterdir()
                   if agent.id in p.read_text()]
        leader = int(record.split("\npid: ")[1].split()[0])
        for pid in [leader, loose.pid]:
            (path / "cgroup.procs").write_text(f"{pid}\n")
        world.write(f"/run/systemd/sessions/{name}",
                    f"UID=1001\nLEADER={leader_of(leader)}\n")
        done = world.run("fo", "agent", "revoke", agent.id,
                         "--end-sessions")
        assert client.wait(5) != 0
        end(client)
        ended = world.until(lambda: loose.poll() is not None, 1)
        loose.kill()
        loose.wait()
    return done, ended


def test_a_scope_of_logind_ends_as_a_whole_if_the_session_leads_it():
    world.must("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
    with world.sshd():
        done, gone = revoked_in_scope(1, lambda pid: pid)
        assert done.code == 0 and "ended: sshd" in done.out, done
        assert gone, "the scope was not ended"
        # a guest in another's scope, as su is, ends alone
        done, gone = revoked_in_scope(2, lambda pid: 1)
        assert done.code == 0 and "ended: sshd" in done.out, done
        assert not gone, "somebody else's scope was ended"


def test_the_session_that_the_command_runs_in_is_left_and_said():
    agent = world.Agent("self-bot", accounts=("deploy",))
    with world.sshd(PermitRootLogin="yes"):
        # root's shell inside the agent's session, as sudo would give it
        helper = world.compile("insider")
        helper.chmod(0o4755)
        done = world.run("fo", "ssh", "deploy@bastion",
                         f"{helper} /usr/bin/fo agent revoke {agent.id}"
                         " --end-sessions", user="build")
    assert "still open: sshd as deploy" in done.out, done
    assert "this command runs in it; log out" in done.out, done
    assert done.code == 3, done


if __name__ == "__main__":
    world.main(prepare)
