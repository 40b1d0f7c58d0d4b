#!/usr/bin/python3
"""Everything of ours broken: the break-glass group gets in, agents do not."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

LIMIT_S = 3
# Where what is broken waits until it is mended.
ASIDE = pathlib.Path("/root/.broken")


def prepare():
    global bot, module
    ASIDE.mkdir()
    bot = world.Agent("build-bot")
    module, = pathlib.Path("/usr/lib").glob("**/security/pam_firstops.so")
    world.settle(bot)
    world.write("/etc/sudoers.d/world", "rescue ALL=(ALL) ALL\n", 0o440)


def garbage_in_firstops_yaml():
    world.write(world.STORE / "firstops.yaml", "{{{ not: [yaml\n")


def no_store_at_all():
    world.must("mv", world.STORE, f"{ASIDE}/store")


def wrong_module_arguments():
    for name in ("sshd", "sudo", "su"):
        text = (world.SOURCE / "etc/pam.d" / name).read_text()
        world.write(pathlib.Path("/etc/pam.d") / name, text.replace(
            "pam_firstops.so\n",
            "pam_firstops.so config=/nowhere/f.yaml no_such_argument\n"))


def module_file_is_no_module():
    module_file_gone()
    world.write(module, "no shared object at all\n")


def module_file_gone():
    world.must("mv", module, f"{ASIDE}/module")


def run_folder_gone():
    world.must("mv", world.RUN, f"{ASIDE}/run")
    world.write(world.RUN, "not a folder\n")


def mend():
    world.must("rm", "-rf", f"{ASIDE}/store", world.RUN)
    if os.path.exists(f"{ASIDE}/module"):
        world.must("mv", f"{ASIDE}/module", module)
    if os.path.exists(f"{ASIDE}/run"):
        world.must("mv", f"{ASIDE}/run", world.RUN)
    else:
        world.new_run_folder()
    world.new_store()
    world.shipped_stacks()
    prepare_again()


def prepare_again():
    global bot
    bot = world.Agent("build-bot")
    world.settle(bot)


def in_time(start, what):
    took = time.monotonic() - start
    assert took < LIMIT_S, f"{what} took {took:.1f} s"


def on_ssh(method):
    start = time.monotonic()
    done = world.on_terminal(
        "ssh", f"-oPreferredAuthentications={method}",
        "-oNumberOfPasswordPrompts=1", "rescue@bastion", "id -un",
        user="build", answers=[(r"[Pp]assword: ", world.PASSWORD)])
    in_time(start, f"ssh by {method}")
    assert done.code == 0 and done.out.endswith("rescue\n"), done


def on_sudo():
    start = time.monotonic()
    done = world.run("sudo", "-k", "-S", "-p", "", "id", "-un",
                     user="rescue", input=world.PASSWORD + "\n")
    in_time(start, "sudo")
    assert done.code == 0 and done.out == "root\n", done


def on_su():
    start = time.monotonic()
    done = world.on_terminal("su", "rescue", "-c", "id -un", user="build",
                             answers=[("Password: ", world.PASSWORD)])
    in_time(start, "su")
    assert done.code == 0 and done.out.endswith("rescue\n"), done


def only_rescue_gets_in():
    with world.sshd():
        on_ssh("keyboard-interactive")
        on_ssh("password")
        on_sudo()
        on_su()
        agent = world.fo_ssh("deploy@bastion", "id", timeout=10)
        guess = world.ssh("deploy@bastion", "id", timeout=10,
                          **world.askpass_saying(world.PASSWORD))
    assert agent.code not in (0, None), agent
    assert guess.code not in (0, None), guess


def broken(*how):
    """Break it, without syslog, and see who gets in."""
    try:
        for one in how:
            one()
        log.stop()
        only_rescue_gets_in()
    finally:
        if log.socket is None:
            log.start()
        mend()


def test_garbage_in_firstops_yaml_and_no_syslog():
    broken(garbage_in_firstops_yaml)


def test_no_store_at_all_and_no_syslog():
    broken(no_store_at_all)


def test_wrong_module_arguments_and_no_syslog():
    broken(wrong_module_arguments)


def test_a_run_folder_that_is_none_and_no_syslog():
    broken(run_folder_gone)


def test_a_missing_module_file_and_no_syslog():
    broken(module_file_gone)


def test_without_the_module_file_a_person_outside_the_group_waits():
    try:
        module_file_gone()
        with world.sshd():
            for method in ("keyboard-interactive", "password"):
                done = world.ssh("alice@bastion", "id", method=method,
                                 **world.askpass_saying(world.PASSWORD))
                assert done.code == 255, done
    finally:
        mend()


def test_a_module_file_that_is_no_module_and_no_syslog():
    broken(module_file_is_no_module)


def test_all_of_it_at_once():
    broken(garbage_in_firstops_yaml, wrong_module_arguments, run_folder_gone)


def test_a_member_of_the_group_logs_in_as_ever_when_nothing_is_broken():
    mark = log.mark()
    with world.sshd():
        on_ssh("keyboard-interactive")
        on_sudo()
        on_su()
    assert not log.events(mark), log.tail(mark)


def test_with_firstops_yaml_broken_a_person_outside_the_group_waits():
    garbage_in_firstops_yaml()
    try:
        mark = log.mark()
        with world.sshd():
            done = world.on_terminal(
                "ssh", "-oPreferredAuthentications=keyboard-interactive",
                "-oNumberOfPasswordPrompts=1", "alice@bastion", "id",
                user="build", answers=[(r"[Pp]assword.*: ",
                                        world.PASSWORD)])
        assert done.code == 255, done
        event = log.wait(mark, ev="account")
        assert (event["why"], event["res"]) == ("config", "error"), event
    finally:
        mend()


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
