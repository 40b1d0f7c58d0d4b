#!/usr/bin/python3
"""What an auditor reads: the same numbers out of a journal and out of
rsyslog's file, and who may be believed."""

import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import tap  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

DEEP = "FIRSTOPS_DEEP" in os.environ
JOURNALD = pathlib.Path("/lib/systemd/systemd-journald")
JOURNALS = pathlib.Path("/run/log/journal")
FILED = pathlib.Path("/var/log/firstops.log")
RSYSLOG = """\
module(load="imuxsock" SysSock.Name="/run/systemd/journal/syslog"
    SysSock.Annotate="on" SysSock.ParseTrusted="on"
    SysSock.RateLimit.Interval="0")
include(file="/etc/rsyslog.d/30-firstops.conf")
"""
JOURNAL = """\
[Journal]
Storage=volatile
ForwardToSyslog=yes
RateLimitIntervalSec=0
RuntimeMaxUse=4G
RuntimeMaxFileSize={}
SystemMaxUse=4G
"""
POLICY = world.POLICY.replace("  - rule: any-service", """\
  - rule: no-closing
    effect: deny
    channel: login
    when: {service: [closed]}
  - rule: any-service""")


def has_journal():
    """Was fo built with libsystemd?"""
    return "built without libsystemd" not in world.run(
        "fo", "audit", "--journal").text


def prepare():
    global bots
    world.write(world.STORE / "policies.d/everywhere.yaml", POLICY)
    bots = [world.Agent(f"bot-{n}", owner=f"team-{n % 3}", user="build",
                        key=pathlib.Path(f"/home/build/bot-{n}.pem"))
            for n in range(10)]
    world.replay_folder_for("postgres")
    world.settle(bots[0])
    world.settle(bots[0], user="postgres")
    log.stop()
    shutil.copy(world.SOURCE / "etc/rsyslog.d/30-firstops.conf",
                "/etc/rsyslog.d/30-firstops.conf")
    world.write("/etc/rsyslog-world.conf", RSYSLOG)
    world.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")


@contextlib.contextmanager
def journald(size="1G"):
    """A journald that /dev/log leads to, and an rsyslogd behind it."""
    if not JOURNALD.exists():
        tap.skip("there is no journald")
    if not has_journal():
        tap.skip("fo was built without libsystemd")
    shutil.rmtree(JOURNALS, ignore_errors=True)
    shutil.rmtree("/run/systemd/journal", ignore_errors=True)
    FILED.unlink(missing_ok=True)
    pathlib.Path("/run/systemd/journal").mkdir(parents=True)
    JOURNALS.mkdir(parents=True)
    world.write("/etc/systemd/journald.conf", JOURNAL.format(size))
    with world.Daemon("rsyslogd", "-n", "-f", "/etc/rsyslog-world.conf",
                      "-i", "/run/rsyslogd.pid") as rsyslogd:
        assert world.until(
            lambda: os.path.exists("/run/systemd/journal/syslog")), rsyslogd
        with world.Daemon(JOURNALD) as daemon:
            target = "/run/systemd/journal/dev-log"
            assert world.until(lambda: os.path.exists(target)), daemon
            if os.path.lexists("/dev/log"):
                os.unlink("/dev/log")
            os.symlink(target, "/dev/log")
            try:
                yield daemon
            finally:
                os.unlink("/dev/log")


def folder():
    """Where the journal's files are; what was said is in them."""
    found, = JOURNALS.iterdir()
    return found


def audit(*words, code=0):
    done = world.run("fo", "audit", *words, "--json", timeout=300)
    assert done.code == code, done
    return [json.loads(line) for line in done.out.splitlines()]


def summary(*words):
    return {one["name"]: one for one in audit(*words, "--summary")[0][
        "principals"]}


def verify(service, account, proof, user="root"):
    return world.run("fo", "verify", "--service", service, "--account",
                     account, user=user, input=proof)


def await_count(count, *words):
    """Logs take their time."""
    assert world.until(lambda: len(audit(*words)) >= count, 30), \
        (len(audit(*words)), count)


# ---- numbers ----------------------------------------------------------------

def login(number):
    """One of a thousand: which agent, at what, and what comes of it."""
    bot = bots[number % 10]
    kind = number // 10 % 10
    service, account, want = "sshd", "deploy", "ok"
    if kind in (0, 1):
        service, want = "closed", "policy"
    elif kind == 2:
        account, want = "root", "not_an_account"
    elif kind == 3:
        want = "wrong_htu"
    signed_for = "elsewhere" if want == "wrong_htu" else service
    proof = bot.sign(f"pam://bastion/{signed_for}/{account}")
    done = verify(service, account, proof)
    assert done.code == (0 if want == "ok" else 1), done
    if kind == 4:  # once more
        assert verify(service, account, proof).code == 1
        return [(bot.name, "ok"), (bot.name, "replay")]
    # whoever cannot show that the key is theirs is not named
    return [("-" if want == "wrong_htu" else bot.name, want)]


def test_a_thousand_logins_of_ten_agents_are_counted_exactly():
    world.configure(sshd="{nonce: auto, ask: all}")
    with journald():
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            told = [one for found in pool.map(login, range(910))
                    for one in found]
        want = collections.Counter(told)
        assert len(told) == 1000, len(told)
        await_count(len(told), "--verified", folder())
        assert world.until(lambda: len(audit(FILED)) >= len(told), 30)
        for name, words in (("journal", (folder(), "--verified")),
                            ("file", (FILED,))):
            seen = collections.Counter((e["name"], e["why"])
                                       for e in audit(*words))
            assert seen == want, (name, seen - want, want - seen)
            sums = summary(*words)
            assert len(sums) == 11 and sums["-"]["denials"] == 90, sums
            for bot in bots:
                one = sums[bot.name]
                assert one["permits"] == want[bot.name, "ok"], one
                assert one["reasons"] == {
                    why: n for (who, why), n in want.items()
                    if who == bot.name and why != "ok"}, one
                assert one["denials"] == sum(one["reasons"].values()), one
                assert one["unverified"] == 0, one
    world.configure()


# ---- who may be believed ----------------------------------------------------

def test_an_event_that_somebody_made_up_is_shown_as_unverified():
    with journald():
        assert verify("sshd", "deploy", "no proof").code == 1
        await_count(1, folder())
        real, = audit(folder())
        text = "@cee:" + json.dumps(
            {k: v for k, v in {**real, "name": "bot-1", "id": bots[1].id,
                               "res": "permit", "why": "ok"}.items()
             if k in world.EVENT_KEYS}, separators=(",", ":"))
        world.must("logger", "-t", "pam_firstops", text, user="alice")
        await_count(2, folder())
        first, forged = audit(folder())
        assert (first["sender"], first["uid"]) == ("verified", 0), first
        assert forged["sender"] == "unverified" and forged["uid"] > 0, forged
        assert len(audit(folder(), "--verified")) == 1
        one, = [o for o in audit(folder(), "--summary")[0]["principals"]
                if o["id"] == bots[1].id]
        assert (one["name"], one["permits"], one["unverified"]) == (
            "-", 0, 1), one
        assert " unverified  permit " in world.must("fo", "audit", folder())
        assert "bot-1" not in FILED.read_text()


def test_a_services_user_speaks_for_its_service_alone():
    with journald():
        proof = bots[0].sign("pam://bastion/postgresql/deploy")
        assert verify("postgresql", "deploy", proof,
                      user="postgres").code == 0
        assert verify("sshd", "deploy", "no proof", user="postgres").code == 1
        await_count(2, folder())
        own, other = audit(folder())
        assert (own["svc"], own["sender"]) == ("postgresql", "verified"), own
        assert (other["svc"], other["sender"]) == ("sshd", "unverified"), \
            other


def test_without_a_store_only_root_is_believed():
    with journald():
        assert verify("postgresql", "deploy", "no proof",
                      user="postgres").code == 1
        assert verify("postgresql", "deploy", "no proof").code == 1
        await_count(2, folder())
        found = audit(folder(), "--config", "/nowhere/firstops.yaml")
        assert [e["sender"] for e in found] == ["unverified", "verified"]


def test_a_journal_that_cannot_be_read_is_not_one_without_events():
    with journald():
        send([an_event()])
        await_count(1, folder())
        done = world.run("fo", "audit", "--journal", user="alice")
        assert done.code == 3 and "use sudo" in done.err, done
        (folder() / "broken.journal").write_text("no journal\n" * 100)
        done = world.run("fo", "audit", folder())
        assert done.code == 3 and "bot-1" in done.out, done
        assert "broken.journal: " in done.err, done


def test_rubbish_of_who_may_not_write_events_is_no_damage():
    with journald():
        send([an_event()])
        world.must("logger", "-t", "fo", "@cee:{rubbish", user="alice")
        await_count(1, folder())
        assert world.until(lambda: "senders who may write none" in
                           world.run("fo", "audit", folder()).err, 5)
        assert world.run("fo", "audit", folder()).code == 0


# ---- large, rotated, followed -----------------------------------------------

def send(texts):
    """Lines as pam_firstops sends them, as fast as they are taken."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect("/dev/log")
        for text in texts:
            sender.send(f"<86>pam_firstops[1]: {text}".encode())


def an_event(**more):
    """An event of a moment ago, which differs in these."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    values = dict.fromkeys(world.EVENT_KEYS, "-")
    values.update(v=1, rc=0, pid=1, auid=1, ses=1, ev="auth", res="permit",
                  why="ok", name="bot-1", msg="m",
                  t=f"{stamp}.{int(now % 1 * 1e6):06d}Z")
    return "@cee:" + json.dumps({**values, **more}, separators=(",", ":"))


def cpu_of(*words):
    """The seconds of CPU that a run takes, and what it found."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = len(audit(*words))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime
            - before.ru_utime - before.ru_stime), found


def test_a_large_journal_is_not_read_from_its_beginning():
    count = 1000000 if DEEP else 20000
    with journald():
        send(an_event() for _ in range(count))
        await_count(count, folder(), "--principal", "bot-1")
        time.sleep(2.1)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        send(an_event(name="bot-2") for _ in range(10))
        await_count(10, folder(), "--principal", "bot-2")
        whole, found = cpu_of(folder(), "--principal", "bot-2")
        assert found == 10
        part, found = cpu_of(folder(), "--principal", "bot-2", "--since",
                             since)
        assert found == 10
        assert part < whole / 3, (part, whole)
        print(f"# of {count} events: all {whole:.2f} s,"
              f" since then {part:.2f} s")


def test_what_is_added_is_shown_also_while_the_journal_is_rotated():
    with journald(size="512K") as daemon:
        send([an_event(name="before")])
        await_count(1, folder())
        reader = subprocess.Popen(
            ["fo", "audit", "--follow", "--json", str(folder())],
            stdout=subprocess.PIPE, text=True)
        names = []
        time.sleep(1)
        for number in range(6):
            send(an_event(name=f"n{number}", what=str(n))
                 for n in range(300))
            daemon.process.send_signal(signal.SIGUSR2)
            for _ in range(300):
                names.append(json.loads(reader.stdout.readline())["name"])
        reader.send_signal(signal.SIGINT)
        assert reader.wait(20) == 0
        assert collections.Counter(names) == {
            f"n{n}": 300 for n in range(6)}, collections.Counter(names)
        assert len(list(folder().glob("*.journal"))) > 1
        assert len(audit(folder())) == 1801


# ---- the mission's table ----------------------------------------------------

def test_what_did_it_do_last_tuesday_and_who_allowed_it_is_one_command():
    days = (time.gmtime().tm_wday + 5) % 7 + 1
    tuesday = time.gmtime(time.time() - days * 86400)
    stamp = time.strftime("%Y-%m-%dT18:30:00.000000Z", tuesday)
    assert tuesday.tm_wday == 1, tuesday
    texts = [
        an_event(name="build-bot", owner="team-platform", svc="sshd",
                 user="deploy", src="10.2.3.4", t=stamp,
                 pol="deployers/ssh-to-web"),
        an_event(name="build-bot", owner="team-platform", svc="sudo",
                 user="root", ruser="deploy", ev="action", t=stamp,
                 act="command", what="/usr/bin/rm -rf /", res="deny",
                 why="policy", pol="agents/never-wipe"),
        an_event(name="build-bot", owner="team-platform")]
    world.write(FILED, "".join(
        f"{stamp} bastion pam_firstops[1]: {text}\n" for text in texts))
    out = world.must("fo", "audit", "--principal", "build-bot", "--on",
                     "tuesday")
    lines = out.splitlines()
    assert len(lines) == 3, out
    assert re.search(r"permit +build-bot +team-platform +auth +sshd"
                     r" +deploy +10\.2\.3\.4 +deployers/ssh-to-web +-$",
                     lines[1]), out
    assert re.search(r"deny: policy +build-bot .* agents/never-wipe"
                     r" +/usr/bin/rm -rf /$", lines[2]), out
    for line in lines:
        print(f"# {line}")


if __name__ == "__main__":
    world.main(prepare)
