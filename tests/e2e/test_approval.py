#!/usr/bin/python3
"""sudo_firstops.so: what an agent may run by sudo is its policies' to say,
under its own name; people notice nothing."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import tap  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

PLUGIN = "Plugin sudo_firstops sudo_firstops.so\n"
ASKPASS = {"SUDO_ASKPASS": "/usr/bin/fo-askpass"}
REFUSED = "FirstOps: command refused (ref {}). Ask your administrator.\n"
POLICY = """\
---
version: 1
policy: everywhere
rules:
  - rule: any-service
    effect: allow
    channel: login
  - rule: look
    effect: allow
    channel: command
    when: {command: ["/usr/bin/id *", "/usr/bin/id", "/usr/bin/true",
           "/usr/bin/sudoedit /etc/motd", "/bin/bash"], account: [root]}
  - rule: never-wipe
    effect: deny
    channel: command
    when: {command: ["rm -rf /"]}
...
"""


def prepare():
    global bot
    bot = world.Agent("build-bot", user="deploy")
    world.write(world.STORE / "policies.d/everywhere.yaml", POLICY)
    world.settle(bot)
    sudoers()
    conf(PLUGIN)


def conf(*lines):
    world.write("/etc/sudo.conf", "".join(lines))


def sudoers(*more):
    world.write("/etc/sudoers.d/world", "".join((
        "Defaults lecture=never\n", "Defaults:deploy timestamp_timeout=0\n",
        "deploy ALL=(ALL) ALL\n", "alice ALL=(ALL) ALL\n", *more)), 0o440)
    world.run("rm", "-rf", "/run/sudo/ts")


@contextlib.contextmanager
def stack(*more):
    """The account line of sudo with this after it."""
    path = pathlib.Path("/etc/pam.d/sudo")
    before = path.read_text()
    path.write_text(before.replace(
        "account  required  pam_firstops.so",
        " ".join(("account  required  pam_firstops.so", *more))))
    assert path.read_text() != before or not more
    try:
        yield
    finally:
        path.write_text(before)


def sudo(*argv, user="deploy", **more):
    return world.run("sudo", *argv, user=user, **more)


def by_agent(*argv, **more):
    return sudo("-A", *argv, **ASKPASS, **more)


def refused(done, mark, **want):
    """It was blocked, with one sentence whose reference is its event's."""
    event = log.one(mark, ev="action")
    assert done.code == 1 and done.out == "", done
    assert done.err == REFUSED.format(event["sid"][:8]), done
    assert event["res"] == "deny", event
    for name, value in want.items():
        assert event[name] == value, (name, event)
    return event


# ---- an agent ---------------------------------------------------------------

def test_rm_rf_root_is_attributed_to_its_principal_and_blocked():
    mark = log.mark()
    event = refused(by_agent("rm", "-rf", "/"), mark, why="policy",
                    pol="everywhere/never-wipe", act="command", svc="sudo",
                    what="/usr/bin/rm -rf /", user="root", ruser="deploy")
    assert bot.is_in(event), event
    assert event["msg"] == (
        "agent build-bot of team-platform refused command"
        " /usr/bin/rm%20-rf%20/: policy"
        " (rule everywhere/never-wipe says deny)"), event
    assert event["sid"] == log.one(mark, ev="auth")["sid"]
    assert pathlib.Path("/etc/passwd").exists()
    print(f"# {event['msg']}")


def test_however_it_is_written_it_is_blocked():
    for argv in (("rm", "-fr", "/"), ("rm", "-r", "--force", "--", "/"),
                 ("sh", "-c", "rm -rf /"), ("env", "A=1", "rm", "-rf", "/"),
                 ("bash", "-c", "cd / && rm -rf ."),
                 ("-i", "rm", "-rf", "/"), ("-s", "rm", "-rf", "/")):
        mark = log.mark()
        refused(by_agent(*argv), mark, pol="everywhere/never-wipe")


def test_what_a_rule_allows_runs_and_is_told_with_the_logins_sid():
    mark = log.mark()
    done = by_agent("id", "-un")
    assert done.code == 0 and done.out == "root\n" and done.err == "", done
    event = log.one(mark, ev="action")
    assert (event["res"], event["pol"]) == ("permit", "everywhere/look")
    assert bot.is_in(event), event
    for ev in ("auth", "session_open"):
        assert log.one(mark, ev=ev)["sid"] == event["sid"]


def test_what_no_rule_allows_is_blocked():
    mark = log.mark()
    refused(by_agent("whoami"), mark, why="policy", pol="-",
            what="/usr/bin/whoami")


def test_the_target_user_is_the_rules_account():
    mark = log.mark()
    refused(by_agent("-u", "alice", "id"), mark, why="policy", pol="-",
            user="alice")


def test_sudoedit_is_judged_by_the_files_it_edits():
    mark = log.mark()
    refused(by_agent("-e", "/etc/passwd", EDITOR="/usr/bin/true"), mark,
            why="policy", what="/usr/bin/sudoedit /etc/passwd")
    world.write("/etc/motd", "hello\n")
    mark = log.mark()
    done = by_agent("-e", "/etc/motd", EDITOR="/usr/bin/true")
    assert done.code == 0, done
    event = log.one(mark, ev="action")
    assert event["what"] == "/usr/bin/sudoedit /etc/motd", event


def test_a_login_shell_may_do_anything_so_a_rule_that_denies_meets_it():
    mark = log.mark()
    refused(by_agent("-i"), mark, what="/bin/bash",
            pol="everywhere/never-wipe")


def test_what_is_run_inside_a_login_shell_is_judged_too():
    path = world.STORE / "policies.d/everywhere.yaml"
    world.write(path, POLICY[:POLICY.index("  - rule: never-wipe")] + "...\n")
    try:
        mark = log.mark()
        done = by_agent("-i", input="sudo rm -rf /\nsudo id -un\n")
    finally:
        world.write(path, POLICY)
    events = log.events(mark, ev="action")
    assert done.out == "root\n", (done, events)
    assert [(e["what"], e["res"]) for e in events] == [
        ("/bin/bash", "permit"), ("/usr/bin/rm -rf /", "deny"),
        ("/usr/bin/id -un", "permit")], events
    assert all(bot.is_in(e) for e in events), events
    assert len({e["sid"] for e in events}) == 1, events


def test_the_event_of_a_suspended_agent_says_so():
    world.must("fo", "agent", "suspend", "build-bot")
    try:
        mark = log.mark()
        done = by_agent("id")
        assert done.code == 1, done
        assert log.wait(mark, ev="auth")["why"] == "suspended"
    finally:
        world.must("fo", "agent", "resume", "build-bot")


def test_a_log_that_is_gone_stops_the_command():
    log.stop()
    try:
        done = by_agent("id")
    finally:
        log.start()
    assert done.code == 1 and "uid=" not in done.text, done


def test_a_policy_that_cannot_be_read_stops_the_command():
    path = world.STORE / "policies.d/everywhere.yaml"
    # a policy of the group default, that only commands would need, will not do
    world.write(path, POLICY.replace("effect: deny", "effect: deyn"))
    try:
        done = by_agent("id")
    finally:
        world.write(path, POLICY)
    assert done.code == 1 and "uid=" not in done.text, done


def test_what_is_chosen_beside_the_command_is_a_part_of_it():
    world.write("/etc/sudoers.d/world", "".join((
        "Defaults lecture=never, runchroot=*\n",
        "Defaults:deploy timestamp_timeout=0\n",
        "deploy ALL=(ALL:ALL) ALL\n")), 0o440)
    for words, what in (
            (("LD_PRELOAD=/home/deploy/x.so", "id"),
             "/usr/bin/env LD_PRELOAD=/home/deploy/x.so /usr/bin/id"),
            (("PATH=/home/deploy", "id"),
             "/usr/bin/env PATH=/home/deploy /usr/bin/id"),
            (("-g", "shadow", "id"), "/usr/bin/sudo -g shadow /usr/bin/id"),
            (("-R", "/home/deploy", "id"),
             "/usr/sbin/chroot /home/deploy /usr/bin/id")):
        mark = log.mark()
        done = by_agent(*words)
        if words[0] == "-R" and not log.events(mark, ev="action"):
            continue  # sudo itself did not find it in there
        refused(done, mark, why="policy", pol="-", what=what)
    sudoers()


def test_a_program_is_found_from_where_sudo_was_called():
    mark = log.mark()
    done = world.run("sh", "-c", "cd /usr/bin && sudo -A ./id -un",
                     user="deploy", **ASKPASS)
    assert done.code == 0 and done.out == "root\n", done
    assert log.one(mark, ev="action")["what"] == "/usr/bin/id -un"


def test_an_agent_in_an_account_of_people_is_judged_by_its_proof():
    home = pathlib.Path("/home/alice/agent.pem")
    agent = world.Agent("alice-bot", accounts=("alice",), user="alice",
                        key=home)
    assert agent.id
    mark = log.mark()
    done = sudo("-A", "whoami", user="alice",
                FO_PRIVATE_KEY_PATH=home, **ASKPASS)
    if not log.events(mark, ev="auth", res="permit"):
        world.configure(sudo="{nonce: always, ask: all}")
        mark = log.mark()
        done = sudo("-A", "whoami", user="alice",
                    FO_PRIVATE_KEY_PATH=home, **ASKPASS)
        world.configure()
    event = refused(done, mark, why="policy", ruser="alice")
    assert event["name"] == "alice-bot", event


# ---- by the session that sudo is called in ----------------------------------

def record_session(pid, sid="4f9c2a1bq0T9b2c7dE1xYw"):
    """What a session of build-bot leaves on record, held by a process."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    start = stat.rpartition(")")[2].split()[19]
    path = world.RUN / "sessions" / f"{sid}.{pid}"
    path.write_text(f"""\
---
version: 1
sid: "{sid}"
id: "{bot.id}"
kind: "agent"
name: "build-bot"
owner: "team-platform"
thumbprint: "{bot.jkt}"
service: "sshd"
user: "deploy"
source: "10.2.3.4"
since: 2026-11-24T00:00:00Z
made_boot_ms: 0
pid: {pid}
pid_start: {start}
...
""")
    path.chmod(0o600)
    return path


def in_session(*argv):
    """Run a command as deploy below a process that holds a session."""
    holder = subprocess.Popen(
        ["/bin/sh", "-c", 'read go; "$@" & wait $!; exit $?', "sh", *argv],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=world.environment("deploy"), **world.become("deploy"))
    path = record_session(holder.pid)
    try:
        out, err = holder.communicate(b"go\n", timeout=30)
    finally:
        path.unlink(missing_ok=True)
    return world.Done(argv, holder.returncode, out.decode(), err.decode())


NOPASSWD = "deploy ALL=(ALL) NOPASSWD: ALL\n"


def test_nopasswd_is_refused_by_the_account_phase_alone():
    sudoers(NOPASSWD)
    mark = log.mark()
    done = in_session("sudo", "-n", "id", "-un")
    assert done.code == 1, done
    assert log.one(mark, ev="account")["why"] == "reserved"
    sudoers()


def test_with_nopasswd_and_lax_the_session_says_who_it_is():
    sudoers(NOPASSWD)
    with stack("lax"):
        mark = log.mark()
        done = in_session("sudo", "-n", "id", "-un")
        assert done.code == 0 and done.out == "root\n", done
        event = log.one(mark, ev="action")
        assert event["res"] == "permit" and bot.is_in(event), event
        assert event["sid"] == "4f9c2a1bq0T9b2c7dE1xYw", event
        assert event["src"] == "10.2.3.4", event
        mark = log.mark()
        refused(in_session("sudo", "-n", "rm", "-rf", "/"), mark,
                pol="everywhere/never-wipe", sid="4f9c2a1bq0T9b2c7dE1xYw")
    sudoers()


def test_a_cached_ticket_is_no_principal():
    sudoers("Defaults timestamp_type=global\n",
            "Defaults:deploy timestamp_timeout=15\n")
    with stack("lax"):
        assert by_agent("true").code == 0
        mark = log.mark()
        event = refused(sudo("-n", "true"), mark, why="reserved", name="-",
                        ruser="deploy", what="/usr/bin/true")
        assert event["id"] == "-", event
        mark = log.mark()
        done = in_session("sudo", "-n", "true")
        assert done.code == 0, done
        assert bot.is_in(log.one(mark, ev="action"))
    sudoers()


def test_a_record_whose_process_is_gone_is_no_principal():
    sudoers(NOPASSWD)
    with stack("lax"):
        gone = subprocess.Popen(["/bin/true"])
        path = record_session(gone.pid)
        gone.wait()
        try:
            mark = log.mark()
            refused(sudo("-n", "true"), mark, why="reserved", name="-")
        finally:
            path.unlink()
    sudoers()


def test_a_record_that_others_could_have_written_is_no_principal():
    sudoers(NOPASSWD)
    with stack("lax"):
        path = record_session(os.getpid())
        try:
            path.chmod(0o660)
            mark = log.mark()
            event = log.events(mark)
            done = sudo("-n", "true")
            assert done.code == 1, done
            event = log.one(mark, ev="action")
            assert (event["res"], event["why"]) == ("error", "session"), event
        finally:
            path.unlink()
    sudoers()


# ---- by the audit session ---------------------------------------------------

# A session as sshd opens it, with an audit session of its own, and a process
# in it that has outlived its parents and calls sudo.
HOLDER = """
import os, subprocess, sys, time
open("/proc/self/loginuid", "w").write("0")
print("ready", flush=True)
sys.stdin.readline()
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    while os.getppid() != 1:
        time.sleep(0.01)
    time.sleep(float(sys.argv[3]))
    done = subprocess.run(["sudo", "-n", "true"], capture_output=True,
                          user=int(sys.argv[1]), group=int(sys.argv[2]),
                          extra_groups=[])
    print(done.returncode, flush=True)
    os._exit(0)
os.wait()
sys.stdin.readline()
"""


@contextlib.contextmanager
def holder(wait_s=0):
    deploy = world.pwd.getpwnam("deploy")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(deploy.pw_uid),
         str(deploy.pw_gid), str(wait_s)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE)
    if process.stdout.readline() != "ready\n":
        process.communicate()
        tap.skip("the kernel has no audit sessions to make here")
    path = record_session(process.pid)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        path.unlink(missing_ok=True)


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def test_who_has_outlived_its_parents_is_known_by_its_audit_session():
    sudoers(NOPASSWD)
    with stack("lax"), holder() as process:
        mark = log.mark()
        go(process)
        assert process.stdout.readline() == "0\n"
        event = log.one(mark, ev="action")
        assert event["res"] == "permit" and bot.is_in(event), event
        assert event["auid"] == 0 and event["ses"] != 4294967295, event
    sudoers()


def test_the_audit_session_of_one_whose_opener_is_gone_is_nobodys():
    sudoers(NOPASSWD)
    with stack("lax"), holder(wait_s=1) as process:
        mark = log.mark()
        go(process)
        time.sleep(0.5)  # until the caller of sudo is nobody's child
        process.kill()
        assert process.stdout.readline() == "1\n"
        event = log.one(mark, ev="action")
        assert event["why"] == "reserved" and event["name"] == "-", event
    sudoers()


# ---- people -----------------------------------------------------------------

def by_alice(*argv):
    return sudo("-k", "-S", "-p", "", *argv, user="alice",
                input=world.PASSWORD + "\n")


def test_people_notice_nothing():
    mark = log.mark()
    done = by_alice("id", "-un")
    assert done.code == 0 and done.out == "root\n", done
    assert done.err == "", done
    assert not log.events(mark), log.tail(mark)


def test_people_run_what_they_like_from_where_they_are():
    script = world.write("/home/alice/s.sh", "#!/bin/sh\nid -un\n", 0o755)
    world.own_tree(script, pathlib.Path("/home/alice"), "alice")
    sudoers("alice ALL=(ALL:ALL) NOPASSWD: SETENV: ALL\n")
    mark = log.mark()
    for words in (("./s.sh",), ("A=1", "./s.sh"), ("-g", "shadow", "./s.sh"),
                  ("/usr/bin/id", "-un")):
        done = sudo("-n", *words, user="alice")
        assert done.code == 0, done
    assert not log.events(mark), log.tail(mark)
    sudoers()


def test_people_notice_nothing_either_where_records_cannot_be_read():
    path = world.write(
        world.RUN / f"sessions/4AAAAAAAAAAAAAAAAAAAAA.{os.getpid()}", "---\n")
    try:
        done = by_alice("id", "-un")
    finally:
        path.unlink()
    assert done.code == 0, done


def test_where_nobody_can_look_nobody_is_known_to_be_a_person():
    sudoers("alice ALL=(ALL) NOPASSWD: ALL\n")
    mark = log.mark()
    blind = ("unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"',
             "sh")
    done = world.run(*blind, "setpriv", "--reuid=alice", "--regid=alice",
                     "--init-groups", "sudo", "-n", "id", "-un")
    event = log.one(mark, ev="action")
    assert done.code == 1 and "root" not in done.out, done
    assert (event["res"], event["why"]) == ("error", "io"), event
    assert REFUSED.format(event["sid"][:8]) in done.err, done
    done = world.run(*blind, "sudo", "-n", "id", "-un")
    assert done.code == 0 and done.out == "root\n", done
    sudoers()


def test_without_firstops_yaml_only_the_break_glass_group_gets_on():
    config = world.STORE / "firstops.yaml"
    before = config.read_text()
    world.write(config, "nonsense: [\n")
    try:
        mark = log.mark()
        with stack_without_ours():
            event = refused_by_trouble(by_alice("id"), mark)
            assert event["why"] == "config", event
            world.must("groupadd", "-f", "firstops-breakglass")
            world.must("gpasswd", "-a", "alice", "firstops-breakglass")
            done = by_alice("id", "-un")
            world.must("gpasswd", "-d", "alice", "firstops-breakglass")
            asked = sudo("id", "-un", user="root")
        assert done.code == 0 and done.out == "root\n", done
        assert asked.out == "root\n", asked
    finally:
        config.write_text(before)


@contextlib.contextmanager
def stack_without_ours():
    """sudo's stack as Debian has it."""
    path = pathlib.Path("/etc/pam.d/sudo")
    before = path.read_text()
    path.write_text("@include common-auth\n@include common-account\n"
                    "@include common-session-noninteractive\n")
    try:
        yield
    finally:
        path.write_text(before)


def refused_by_trouble(done, mark):
    assert done.code == 1, done
    event = log.one(mark, ev="action")
    assert event["res"] == "error", event
    assert REFUSED.format(event["sid"][:8]) in done.err, done
    return event


# ---- the plugin itself ------------------------------------------------------

def test_sudo_says_its_version_and_loads_its_other_plugins_all_the_same():
    done = world.run("sudo", "-V")
    assert "FirstOps approval plugin version 1.0.0\n" in done.out, done
    assert "Sudoers policy plugin version" in done.out, done


def test_fo_doctor_loads_it_as_sudo_would():
    done = world.run("fo", "doctor")
    assert re.search("ok +sudo: /usr/libexec/sudo/sudo_firstops.so loads",
                     done.out), done
    world.write("/opt/broken.so", "no library\n")
    conf("Plugin sudo_firstops /opt/broken.so\n")
    try:
        broken = world.run("fo", "doctor")
        locked = by_alice("id")
    finally:
        conf(PLUGIN)
    assert broken.code == 1, broken
    assert "sudo: /opt/broken.so does not load" in broken.out, broken
    assert locked.code == 1, locked


def test_an_option_that_is_not_known_is_an_error_that_names_it():
    for option, word in (("debug", "unknown option 'debug'"),
                         ("config=x", "not an absolute path"),
                         ("config=/a config=/b", "given twice")):
        conf(PLUGIN.rstrip("\n"), " ", option, "\n")
        try:
            done = by_alice("id")
        finally:
            conf(PLUGIN)
        assert done.code == 1 and word in done.text, done


def test_another_store_is_named_by_config():
    conf(PLUGIN.rstrip("\n"), " config=/nowhere/firstops.yaml\n")
    try:
        mark = log.mark()
        done = by_alice("id")
        assert done.code == 1, done
        assert "/nowhere/firstops.yaml" in \
            log.one(mark, ev="action")["msg"]
    finally:
        conf(PLUGIN)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
