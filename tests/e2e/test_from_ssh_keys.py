#!/usr/bin/python3
"""What etc/services/from-ssh-keys.md tells people to type brings an agent from
its SSH key to FirstOps, and back: each block as it stands there, one after the
other, and it prints what the page shows.
"""

import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import page  # noqa: E402
import world  # noqa: E402

PAGE = page.Page(world.SOURCE / "etc/services/from-ssh-keys.md")
AUTHORIZED = pathlib.Path("/home/deploy/.ssh/authorized_keys")
STACK = pathlib.Path("/etc/pam.d/sshd")
AUTH_LOG = pathlib.Path("/var/log/auth.log")
RSYSLOG = """\
module(load="imuxsock" SysSock.Name="/dev/log" SysSock.RateLimit.Interval="0")
auth,authpriv.* action(type="omfile" file="/var/log/auth.log")
"""
daemons = []


def listens():
    return world.run("bash", "-c", ": </dev/tcp/127.0.0.1/22").code == 0


def prepare():
    """A host where sshd asks FirstOps, with a log in a file; and an agent
    that logs in by its key, as it always did."""
    shutil.rmtree(world.STORE)
    world.must("fo", "init", "--host", "bastion")
    world.must("sed", "-i", "s/clock_skew_s: 15/clock_skew_s: 0/",
               world.STORE / "firstops.yaml")
    world.log.stop()
    world.write("/etc/rsyslog-world.conf", RSYSLOG)
    daemons.append(world.Daemon("rsyslogd", "-n", "-f",
                                "/etc/rsyslog-world.conf", "-i",
                                "/run/rsyslogd.pid"))
    assert world.until(lambda: os.path.exists("/dev/log")), daemons
    daemons.append(world.Daemon(
        "/usr/sbin/sshd", "-D", f"-oHostKey={world.HOST_KEY}",
        "-oListenAddress=127.0.0.1"))
    assert world.until(listens), daemons

    for user in ("build", "deploy"):
        world.must("mkdir", "-m", "700", f"/home/{user}/.ssh", user=user)
    world.must("ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N", "",
               "-C", "agent@ci", "-f", "/home/build/.ssh/id_ecdsa",
               user="build")
    line = pathlib.Path("/home/build/.ssh/id_ecdsa.pub").read_text()
    world.write(AUTHORIZED, f'from="127.0.0.0/8",no-pty {line}', 0o600)
    shutil.chown(AUTHORIZED, "deploy", "deploy")
    # used proofs are remembered since now: nothing older is accepted
    world.must("fo", "store", "replay")


def lines_of_log():
    return AUTH_LOG.read_text().splitlines() if AUTH_LOG.exists() else []


def take(step):
    """Type a block and compare what it prints. rsyslog writes a moment after
    a login has ended, so whoever only looks at its file may look again."""
    done = page.type_in(step.commands,
                        user="build" if "agent" in step.marks else "root")
    if "refused" in step.marks:
        assert done.code == 255, done
    else:
        assert done.code == 0, done
    if step.shown is not None:
        seen, want = page.shape(done.out), page.shape(step.shown)
        assert seen == want, f"{done}\n{seen}\n{want}"


def only_reads_the_log(step):
    return step.shown is not None and "/var/log/auth.log" in step.commands


def follow(title):
    for step in PAGE.steps(title):
        if not only_reads_the_log(step):
            take(step)
            continue
        last = []

        def shows():
            try:
                take(step)
            except AssertionError as error:
                last[:] = [error]
                return False
            return True
        assert world.until(shows, 5), last[0]


def enters(*how):
    return world.run(*how, "deploy@bastion", "id", "-un",
                     user="build").out == "deploy\n"


def by_key():
    return enters("ssh", "-oPreferredAuthentications=publickey")


def test_before_it_the_key_is_the_way_in():
    before = STACK.read_text()
    follow("Before")
    assert STACK.read_text() == before


def test_registering_the_key_changes_nothing_for_anybody():
    follow("1. Register the key")
    assert not enters("fo", "ssh")


def test_both_ways_are_open_once_the_account_is_reserved_with_lax():
    follow("2. Open both ways")


def test_the_agent_changes_over_with_the_same_key():
    follow("3. The agent changes over")
    assert by_key()


def test_the_key_alone_is_refused_once_lax_is_gone():
    follow("4. Close the old way")
    assert not by_key()


def test_without_authorized_keys_the_agent_still_gets_in():
    follow("5. Remove authorized_keys")
    assert not AUTHORIZED.exists()


def test_the_way_back_is_open_at_the_end():
    follow("6. Go back")
    assert by_key() and not enters("fo", "ssh")
    assert "lax" not in STACK.read_text()


def test_people_log_in_as_before_at_the_end():
    done = world.on_terminal(
        "ssh", "-oPubkeyAuthentication=no", "alice@bastion", "id", "-un",
        answers=[("[Pp]assword:", world.PASSWORD)], user="build")
    assert done.out.endswith("alice\n"), done


def test_every_section_with_commands_was_followed():
    followed = ["Before", *(t for t in PAGE.titles() if t[0].isdigit())]
    assert len(followed) == 7, followed
    for title in set(PAGE.titles()) - set(followed):
        assert "```" not in PAGE.section(title), title


def test_the_page_says_which_commands_are_the_agents():
    for before in PAGE.text.split("\n```sh agent")[:-1]:
        assert re.search(r"agent|and its new one",
                         before.rstrip().split("\n\n")[-1]), before[-200:]


if __name__ == "__main__":
    world.main(prepare)
