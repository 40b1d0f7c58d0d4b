#!/usr/bin/python3
"""A real rsyslogd with our sample: events of ours are filed, forged ones
are not."""

import json
import os
import pathlib
import pwd
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

FILED = pathlib.Path("/var/log/firstops.log")
ALL = pathlib.Path("/var/log/all.log")
CONF = """\
module(load="imuxsock" SysSock.Name="/dev/log" SysSock.Annotate="on"
    SysSock.ParseTrusted="on" SysSock.RateLimit.Interval="0")
include(file="/etc/rsyslog.d/30-firstops.conf")
action(type="omfile" file="/var/log/all.log")
"""


def prepare():
    global bot, sudoer
    bot = world.Agent("build-bot")
    sudoer = world.Agent("deploy-bot", user="deploy")
    world.write("/etc/sudoers.d/world", "deploy ALL=(ALL) ALL\n", 0o440)
    world.replay_folder_for("postgres")
    world.settle(bot)
    world.settle(bot, user="postgres")
    log.stop()
    sample = (world.SOURCE / "etc/rsyslog.d/30-firstops.conf").read_text()
    # what the sample tells an admin with PostgreSQL to write
    number = pwd.getpwnam("postgres").pw_uid
    told = sample.replace("($!uid == 0)",
                          f"($!uid == 0 or $!uid == {number})")
    assert told != sample
    world.write("/etc/rsyslog.d/30-firstops.conf", told)
    world.write("/etc/rsyslog-world.conf", CONF)


def rsyslogd():
    for path in (FILED, ALL):
        path.unlink(missing_ok=True)
    daemon = world.Daemon("rsyslogd", "-n", "-f", "/etc/rsyslog-world.conf",
                          "-i", "/run/rsyslogd.pid")
    assert world.until(lambda: os.path.exists("/dev/log")), daemon
    world.must("logger", "-t", "world", "it listens")
    wait_for(ALL, "it listens", daemon)
    return daemon


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def wait_for(path, words, daemon):
    found = world.until(lambda: [t for t in lines(path) if words in t])
    assert found, f"no {words} in {path}: {lines(path)}\n{lines(ALL)}{daemon}"
    return found[0]


def test_the_sample_is_configuration_that_rsyslogd_takes():
    done = world.run("rsyslogd", "-N1", "-f", "/etc/rsyslog-world.conf")
    assert done.code == 0 and "rror" not in done.err, done


def test_an_event_of_a_login_is_filed_whole():
    with rsyslogd() as daemon, world.sshd():
        done = world.fo_ssh("deploy@bastion", "true")
        assert done.code == 0, done
        for ev in ("auth", "session_open", "session_close"):
            line = wait_for(FILED, f'"ev":"{ev}"', daemon)
            text = line[line.index("@cee:"):]
            world.check_event(text)
            assert bot.is_in(json.loads(text[5:])), line
    assert FILED.stat().st_mode & 0o777 == 0o640


def doctor():
    """What fo doctor says of the log, and how."""
    done = world.run("fo", "doctor", "--json")
    return [(f["level"], f["what"]) for f in json.loads(done.out)["findings"]
            if f["what"].startswith("log:")]


def fill():
    """Send to /dev/log until no more fits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.connect("/dev/log")
        try:
            while True:
                sender.send(b"<87>world: one more")
        except BlockingIOError:
            pass


def test_fo_doctor_sees_whether_it_reads():
    with rsyslogd() as daemon:
        assert doctor() == [("ok", "log: /dev/log is read")]
        line = wait_for(ALL, " fo doctor looks ", daemon)
        assert line.endswith("]: fo doctor looks whether this is read"), line
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            (level, what), = doctor()
            assert level == "warn" and "nobody read what was sent" in what
            fill()
            (level, what), = doctor()
            assert level == "fail" and "/dev/log is full" in what, what
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        assert world.until(lambda: doctor()[0][0] == "ok"), daemon
    assert not lines(FILED), lines(FILED)


def test_an_event_of_sudo_is_filed_though_its_caller_is_nobody_special():
    with rsyslogd() as daemon:
        done = world.run("sudo", "-A", "true", user="deploy",
                         SUDO_ASKPASS="/usr/bin/fo-askpass")
        assert done.code == 0, done
        for ev in ("auth", "session_open", "session_close"):
            line = wait_for(FILED, f'"ev":"{ev}"', daemon)
            assert sudoer.is_in(json.loads(line[line.index("@cee:") + 5:]))


def test_an_event_of_a_configured_service_user_is_filed():
    proof = bot.sign("pam://bastion/elsewhere/deploy")
    with rsyslogd() as daemon:
        done = world.run("fo", "verify", "--service", "elsewhere",
                         "--account", "deploy", user="postgres", input=proof)
        assert done.code == 0, done
        wait_for(FILED, '"svc":"elsewhere"', daemon)


def test_what_nobody_logs_under_our_tag_is_not_filed():
    forged = '@cee:{"msg":"forged by %s","uid":0,"ev":"auth"}'
    with rsyslogd() as daemon:
        for user in ("nobody", "root"):
            world.must("setpriv", f"--reuid={user}", "--clear-groups",
                       "logger", "-t", "pam_firstops", forged % user)
        # Written by root the same is filed: it is the sender that counts.
        wait_for(FILED, "forged by root", daemon)
        wait_for(ALL, "forged by nobody", daemon)
        assert not [t for t in lines(FILED) if "nobody" in t], lines(FILED)


def test_what_is_no_json_is_not_filed():
    with rsyslogd() as daemon:
        world.must("logger", "-t", "pam_firstops", "@cee:{torn")
        world.must("logger", "-t", "pam_firstops", '@cee:{"msg":"whole"}')
        wait_for(FILED, "whole", daemon)
        assert not [t for t in lines(FILED) if "torn" in t], lines(FILED)


if __name__ == "__main__":
    world.main(prepare)
