#!/usr/bin/python3
"""What README.md tells people to type works as it stands there: its sections,
one after the other, in a private copy of this machine.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import page
import tap
import world

README = page.Page(world.SOURCE / "README.md")
ORIGIN = pathlib.Path("/tmp/origin")
CLONE = pathlib.Path("/tmp/clone")
STACK = pathlib.Path("/etc/pam.d/sshd")
MODULE_LINE = "pam_firstops.so"
state = {}

# systemd does not run in here. Of what the README asks of it, this does the
# same: the mount as its unit says, and the signal to sshd.
SYSTEMCTL = """#!/bin/sh
unit=/usr/local/lib/systemd/system/run-firstops.mount
case "$*" in
daemon-reload)	;;
'enable --now run-firstops.mount')
	mkdir -p "$(sed -n 's/^Where=//p' $unit)"
	mount -t tmpfs -o "$(sed -n 's/^Options=//p' $unit)" tmpfs \\
	    "$(sed -n 's/^Where=//p' $unit)" ;;
'enable --now firstops-replay.service')
	$(sed -n 's/^ExecStart=//p' \
	    /usr/local/lib/systemd/system/firstops-replay.service) ;;
'disable --now firstops-replay.service run-firstops.mount')
	umount /run/firstops ;;
'reload ssh')	kill -HUP "$(cat /run/sshd-22.pid)" ;;
*)		echo "systemctl $*: not known in here" >&2; exit 1 ;;
esac
"""


def section(title):
    """The commands of a section."""
    return README.commands(title)


def follow(*blocks):
    """Type them as root in the clone, as alice who became root by sudo."""
    return page.follow(*blocks, cwd=CLONE, SUDO_USER="alice")


def git(*argv):
    return world.must("git", "-c", "user.name=test", "-c",
                      "user.email=test@example.com", "-c",
                      "safe.directory=*", "-C", ORIGIN, *argv)


def prepare():
    """A repository to clone that holds this tree as it is now, and a machine
    that never saw FirstOps."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(world.SOURCE),
         "ls-files", "-co", "--exclude-standard"],
        check=True, text=True, capture_output=True).stdout.splitlines()
    for name in listed:
        if (world.SOURCE / name).is_file():
            (ORIGIN / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(world.SOURCE / name, ORIGIN / name)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "This tree")
    world.must("git", "clone", "-q", ORIGIN, CLONE)

    world.write("/usr/local/sbin/systemctl", SYSTEMCTL, 0o755)
    world.prepare_ssh()
    os.remove("/etc/ssh/sshd_config.d/firstops.conf")
    world.must("userdel", "-r", "deploy")
    world.must("groupdel", "firstops-breakglass")
    world.log.start()


def agent_logs_in():
    return world.fo_ssh("--key", "/home/build/build-bot.pem",
                        "deploy@bastion", "id", "-un").out == "deploy\n"


def alice_logs_in():
    """A person, by password, from another terminal."""
    done = world.on_terminal(
        "ssh", "-oPubkeyAuthentication=no", "alice@bastion", "id", "-un",
        answers=[("[Pp]assword:", world.PASSWORD + "\n")], user="build")
    return "alice" in done.out.split()


def test_the_first_screen_shows_both_commands_and_a_real_event():
    first = README.text.split("## ")[0]
    assert "sudo packaging/quickstart" in first
    assert "sudo tests/run" in first
    events = re.findall(r"^@cee:.*$", first, re.M)
    assert len(events) == 1, events
    world.check_event(events[0])


def test_install_leaves_a_store_that_works():
    follow(*section("Install"))
    options = world.must("findmnt", "-no", "OPTIONS", "/run/firstops")
    for want in ("nosuid", "nodev", "noexec", "nr_inodes"):
        assert want in options, options
    assert pathlib.Path("/run/firstops/replay/0").is_dir()
    assert MODULE_LINE not in STACK.read_text()


def test_one_service_is_enabled_and_the_agent_logs_in():
    state["before"] = STACK.read_text()
    world.must("sed", "-i", "s/clock_skew_s: 15/clock_skew_s: 1/",
               "/etc/firstops/firstops.yaml")
    state["sshd"] = world.sshd()
    follow(*section("Enable one service"))
    shutil.copy(CLONE / "build-bot.pem", "/home/build/build-bot.pem")
    shutil.chown("/home/build/build-bot.pem", "build", "build")
    # the store of used proofs begins with the first attempt
    world.until(agent_logs_in)


def test_a_person_logs_in_as_before():
    assert alice_logs_in()


def test_after_an_upgrade_the_agent_still_logs_in():
    (ORIGIN / "NEWS").write_text("newer\n")
    git("commit", "-qam", "A newer version")
    follow(*section("Upgrade"))
    assert (CLONE / "NEWS").read_text() == "newer\n"
    assert agent_logs_in()


def test_a_store_that_was_lost_comes_back_from_its_backup():
    save, restore = section("Back up")
    follow(save)
    shutil.rmtree("/etc/firstops")
    assert not agent_logs_in()
    follow(restore)
    assert agent_logs_in()


def test_uninstall_refuses_while_sshd_needs_the_module():
    done = world.run(CLONE / "packaging/uninstall")
    assert done.code == 1, done
    assert "/etc/pam.d/sshd" in done.text, done
    assert agent_logs_in()


def test_uninstall_leaves_the_machine_as_it_was_but_for_the_store():
    follow(*section("Uninstall"))
    assert STACK.read_text() == state["before"]
    assert not shutil.which("fo"), shutil.which("fo")
    assert not list(pathlib.Path("/usr").rglob("pam_firstops.so"))
    assert not os.path.ismount("/run/firstops")
    assert pathlib.Path("/etc/firstops/firstops.yaml").is_file()
    assert alice_logs_in()


def main():
    if "--list" in sys.argv:
        tap.main()
    if "FIRSTOPS_WORLD" in os.environ:
        prepare()
        tap.main()
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can make namespaces")
        sys.exit(0)
    # nothing is installed in this world: that is the README's part
    enter = str(world.SUPPORT / "world")
    os.execv(enter, [enter, "--", "/usr/bin/python3",
                     str(pathlib.Path(__file__).resolve()), *sys.argv[1:]])


if __name__ == "__main__":
    main()
