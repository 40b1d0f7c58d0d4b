#!/usr/bin/python3
"""Programs that an agent runs, and that log in by ssh, sudo or a password: git,
rsync, scp, sftp, ansible, psql. What etc/services/command-line.md tells people
to type, typed.
"""

import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

PAGE = services.Page("command-line.md")
BUILD = pathlib.Path("/home/build")
DEPLOY = pathlib.Path("/home/deploy")
GROUP_VARS = BUILD / "group_vars/web.yml"
RESTARTED = pathlib.Path("/var/log/restarted")
SYSTEMCTL = f"#!/bin/sh\necho \"$(id -un): $*\" >>{RESTARTED}\n"
GIT = "[user]\nname = agent\nemail = agent@bastion\n[init]\n" \
      "defaultBranch = main\n"


def prepare():
    """An agent that works from elsewhere, one on the host, and one whose time
    has come."""
    global bot, local, server, far
    bot = world.Agent("build-bot", accounts=["deploy", "postgresql:etl"])
    local = world.Agent("host-bot", user="deploy")
    world.settle(bot)
    services.must_follow(PAGE.block("printf"))
    world.write("/etc/gitconfig", GIT)
    world.write(BUILD / "report.txt", "all is well\n")
    world.write(BUILD / "hosts", PAGE.block("[web]"))
    world.write(DEPLOY / "local", PAGE.block("localhost "))
    world.write("/etc/sudoers.d/world", "Defaults:deploy timestamp_timeout=0\n"
                "deploy ALL = (root) ALL\n", 0o440)
    world.write("/usr/local/sbin/systemctl", SYSTEMCTL, 0o755)
    world.must("bash", "-euc", "git init -q --bare site.git; git init -q work;"
               "cd work; echo 1 >index; git add index; git commit -qm one;"
               "git push -q ../site.git main", user="deploy")
    server = world.sshd()
    far = world.sshd(port=2222)
    ansible_by_fo_ssh()


def ansible_by_fo_ssh(**more):
    text = PAGE.block("ansible_ssh_executable")
    for name, value in more.items():
        text += f"{name}: {value}\n"
    world.write(GROUP_VARS, text)


def there(path, text):
    """A file of the account that is logged in to."""
    path = world.write(DEPLOY / path, text)
    world.own_tree(path, DEPLOY, "deploy")


def logins(mark, agent=None, svc="sshd", **want):
    """The logins since then, each with a session that ended; they are the
    agent's, and the page shows what is said of them."""
    agent = agent or bot
    user = want.setdefault("user", "deploy")
    found = log.events(mark, ev="auth")
    for event in found:
        assert event["res"] == "permit" and agent.is_in(event), event
        assert (event["svc"], event["user"]) == (svc, user), event
        messages = [event["msg"]] + [
            log.wait(mark, ev=ev, sid=event["sid"])["msg"]
            for ev in ("session_open", "session_close")]
        if agent is bot:
            assert "\n".join(messages) + "\n" == PAGE.block("agent "), messages
    return found


def one_login(block, user="build", agent=None, svc="sshd", **env):
    """Typed, it ends well, with one login. Returns what it printed."""
    mark = log.mark()
    done = services.follow(block, user=user, **env)
    assert done.code == 0, (done, server)
    assert len(logins(mark, agent, svc)) == 1, done
    return done.out


def ansible(*blocks, inventory=None, **env):
    """One of the page's ways, typed. Returns how many logins that were."""
    mark = log.mark()
    done = services.follow("\n".join(blocks), **env)
    assert done.code == 0, (done, server)
    assert "bastion | CHANGED" in done.out and "\ndeploy\n" in done.out, done
    return len(log.events(mark, ev="auth", res="permit", svc="sshd"))


def decisions(mark):
    """Sessions end when they end: what else was said since then."""
    return [e for e in log.events(mark) if e["ev"] != "session_close"]


# ---- ssh, scp, sftp ---------------------------------------------------------

def test_fo_ssh_runs_a_command():
    assert "load average" in one_login(PAGE.block("fo ssh deploy"))


def test_a_jump_host_gets_a_proof_of_its_own():
    mark = log.mark()
    done = services.follow(PAGE.block("fo ssh -o").replace("gate", "bastion"))
    assert done.code == 0 and "load average" in done.out, done
    first, second = logins(mark)
    assert first["proof"] != second["proof"], (first, second)


def test_a_jump_host_of_sshs_own_gets_none():
    mark = log.mark()
    done = services.follow(PAGE.block("fo ssh deploy").replace(
        "fo ssh", "fo ssh -J deploy@bastion.example.com"))
    assert done.code == 255 and "(a jump host?)" in done.err, done
    log.wait(mark, ev="auth")
    for event in decisions(mark):
        assert (event["res"], event["why"]) == ("none", "no_proof"), event


def test_scp_carries_a_file():
    one_login(PAGE.block("scp"))
    assert (DEPLOY / "report.txt").read_text() == "all is well\n"


def test_scp_does_so_by_its_old_protocol_too():
    one_login(PAGE.block("scp").replace("-S", "-O -S"))
    assert (DEPLOY / "report.txt").read_text() == "all is well\n"


def test_sftp_carries_a_file_though_it_turns_questions_off():
    there("report.txt", "from there\n")
    one_login(PAGE.block("echo 'get"))
    assert (BUILD / "copy.txt").read_text() == "from there\n"


# ---- git --------------------------------------------------------------------

def test_git_clones_pulls_and_pushes_with_a_login_each():
    shutil.rmtree(BUILD / "site", ignore_errors=True)
    one_login(PAGE.block("GIT_SSH_COMMAND"))
    assert (BUILD / "site/index").read_text() == "1\n"

    configure, pull, push = PAGE.block("git -C site").splitlines()
    world.must("bash", "-euc", "cd work; echo 2 >index; git commit -qam two;"
               "git push -q ../site.git main", user="deploy")
    mark = log.mark()
    services.must_follow(configure, "build")
    assert not decisions(mark), decisions(mark)
    one_login(pull)
    assert (BUILD / "site/index").read_text() == "2\n"
    world.must("git", "-C", "site", "commit", "-qm", "three",
               "--allow-empty", user="build")
    one_login(push)
    assert world.must("git", "-C", "site.git", "log", "-1", "--format=%s",
                      "main", user="deploy") == "three\n"
    one_login(pull.replace("pull", "fetch"))


def test_a_port_that_is_not_known_is_refused_with_the_command_to_type():
    clone = PAGE.block("GIT_SSH_COMMAND").replace(
        "deploy@bastion:", "ssh://deploy@bastion:2222/home/deploy/")
    add = PAGE.block("fo target add")
    shutil.rmtree(BUILD / "site", ignore_errors=True)
    world.run("fo", "target", "remove", "bastion:2222", user="build")
    mark = log.mark()
    done = services.follow(clone)
    assert done.code == 128, done
    assert add.replace("--host bastion\n", "--host NAME\n") in done.err, done
    assert not decisions(mark), decisions(mark)
    # what fo ssh itself exits with
    done = services.follow(PAGE.block("fo ssh deploy").replace("bastion",
                                                        "bastion -p 2222"))
    assert done.code == 1, done

    services.must_follow(add, "build")
    one_login(clone)
    assert (BUILD / "site/index").exists()


# ---- rsync ------------------------------------------------------------------

def test_rsync_brings_a_folder_there_and_back():
    shutil.rmtree(BUILD / "site", ignore_errors=True)
    world.must("bash", "-euc", "mkdir -p site/img; echo a >site/a;"
               "echo b >site/img/b", user="build")
    one_login(PAGE.block("rsync"))
    assert (DEPLOY / "site/img/b").read_text() == "b\n"
    one_login(PAGE.block("export RSYNC_RSH"))
    assert (BUILD / "mirror/a").read_text() == "a\n"
    assert (BUILD / "mirror/img/b").read_text() == "b\n"


# ---- ansible ----------------------------------------------------------------

COMMAND = PAGE.block("ansible -i hosts")
COPY = ('ansible -i hosts web -m ansible.builtin.copy'
        ' -a "src=report.txt dest=copied.txt"\n')


def several(measured, logins):
    """More than one, and as many as the page says of a version."""
    assert logins > 1, logins
    if world.must("ansible", "--version").startswith("ansible [core 2.14."):
        assert logins == measured, logins


def test_ansible_runs_a_module_with_one_login_by_fo_ssh_and_pipelining():
    ansible_by_fo_ssh()
    assert ansible(COMMAND) == 1


def test_ansible_by_fo_ssh_makes_several_logins_without_pipelining():
    ansible_by_fo_ssh(ansible_ssh_pipelining="false")
    several(6, ansible(COMMAND))


def test_ansible_by_fo_ssh_makes_more_logins_to_find_a_python():
    ansible_by_fo_ssh(ansible_python_interpreter="auto_silent")
    several(1 + 2, ansible(COMMAND))


def test_ansible_by_fo_ssh_copies_a_file_through_its_pipe():
    ansible_by_fo_ssh()
    (DEPLOY / "copied.txt").unlink(missing_ok=True)
    several(7 + 1, ansible(COPY, COMMAND))
    assert (DEPLOY / "copied.txt").read_text() == "all is well\n"


def test_ansible_becomes_nobody_on_another_host():
    ansible_by_fo_ssh()
    mark = log.mark()
    done = services.follow(COMMAND.replace("web", "web --become"))
    assert done.code == 2 and "Missing sudo password" in done.out, done
    assert len(logins(mark)) == 1
    assert not log.events(mark, svc="sudo")


def test_ansible_keeps_one_login_with_fo_askpass_also_of_who_is_revoked():
    export = PAGE.block("export SSH_ASKPASS")
    world.write(GROUP_VARS, PAGE.block("ansible_ssh_args"))
    (DEPLOY / "copied.txt").unlink(missing_ok=True)
    agent = spare("kept-bot")
    mark = log.mark()
    assert ansible(export, COMMAND, COPY, COMMAND,
                   FO_PRIVATE_KEY_PATH=agent.key) == 1
    assert (DEPLOY / "copied.txt").read_text() == "all is well\n"
    event = log.one(mark, ev="auth")
    assert agent.is_in(event), event
    agent.revoke()
    assert ansible(export, COMMAND, FO_PRIVATE_KEY_PATH=agent.key) == 0
    world.must("fo", "agent", "revoke", agent.id, "--end-sessions")
    log.wait(mark, ev="session_close", sid=event["sid"])
    mark = log.mark()
    done = services.follow(export + COMMAND, FO_PRIVATE_KEY_PATH=agent.key)
    assert done.code == 4, done
    refused(mark, agent)


def test_ansible_takes_these_options_from_ssh_args_alone():
    for other in ("ansible_ssh_extra_args", "ansible_ssh_common_args"):
        text = PAGE.block("ansible_ssh_args")
        world.write(GROUP_VARS, text.replace("ansible_ssh_args", other)
                    .replace(" -o ControlPersist=60s", ""))
        mark = log.mark()
        done = services.follow(PAGE.block("export SSH_ASKPASS") + COMMAND)
        assert done.code == 4, (other, done)
        assert not decisions(mark), decisions(mark)


# ---- sudo -------------------------------------------------------------------

def restarts(block):
    """sudo asks once, and runs it as root."""
    RESTARTED.unlink(missing_ok=True)
    one_login(block, "deploy", local, "sudo")
    assert RESTARTED.read_text() == "root: restart web\n"


def test_sudo_asks_fo_askpass_by_a_variable_or_for_all_accounts():
    export, restart = PAGE.block("export SUDO_ASKPASS").splitlines()
    restarts(f"{export}\n{restart}")
    done = services.follow(restart, "deploy")
    assert done.code == 1 and "askpass" in done.err, done
    before = world.run("cat", "/etc/sudo.conf").out
    try:
        services.must_follow(PAGE.block("echo \"Path"))
        restarts(restart)
    finally:
        world.write("/etc/sudo.conf", before)


def test_ansible_becomes_root_by_proof_where_the_key_is():
    out = one_login(PAGE.block("export SUDO_ASKPASS").splitlines()[0] + "\n" +
                    PAGE.block("ansible -i local"), "deploy", local, "sudo")
    assert "localhost | CHANGED" in out and "\nroot\n" in out, out


# ---- psql -------------------------------------------------------------------

def psql(**env):
    return services.follow(PAGE.block("fo run"), **env)


def test_psql_gets_a_proof_for_its_password_until_its_agent_is_revoked():
    world.replay_folder_for("postgres")
    agent = spare("etl-bot", ["postgresql:etl"])
    world.settle(agent, "postgres", "postgresql", "etl")
    with world.postgres() as database:
        mark = log.mark()
        done = psql()
        assert done.code == 0 and done.out == "etl\n", (done, database)
        event = log.one(mark)
        assert event["ev"] == "auth" and bot.is_in(event), event
        assert (event["svc"], event["user"]) == ("postgresql", "etl"), event

        assert psql(FO_PRIVATE_KEY_PATH=agent.key).code == 0
        agent.revoke()
        mark = log.mark()
        done = psql(FO_PRIVATE_KEY_PATH=agent.key)
        assert done.code == 2, (done, database)
        refused(mark, agent)


# ---- who is revoked ---------------------------------------------------------

def spare(name, accounts=("deploy",), user="build"):
    """An agent of the same account with a key beside the usual one."""
    home = pathlib.Path(f"/home/{user}")
    return world.Agent(name, accounts=accounts, user=user,
                       key=home / f"{name}.pem")


def refused(mark, agent):
    """For this reason, once or more; and nothing else happened."""
    log.wait(mark, ev="auth")
    for event in decisions(mark):
        assert agent.is_in(event), event
        assert (event["ev"], event["res"], event["why"]) == \
            ("auth", "deny", "revoked"), event


def test_each_program_works_and_is_refused_once_the_agent_is_revoked():
    there("report.txt", "from there\n")
    there("site/a", "a\n")
    ansible_by_fo_ssh()
    agent = spare("spare-bot")
    programs = [(PAGE.block(first), code) for first, code in (
        ("fo ssh deploy", 255), ("scp", 255), ("echo 'get", 255),
        ("GIT_SSH_COMMAND", 128), ("export RSYNC_RSH", 255),
        ("ansible -i hosts", 4))]
    for block, code in programs:
        shutil.rmtree(BUILD / "site", ignore_errors=True)
        mark = log.mark()
        done = services.follow(block, FO_PRIVATE_KEY_PATH=agent.key)
        assert done.code == 0, done
        event = log.one(mark, ev="auth")
        assert event["res"] == "permit" and agent.is_in(event), event
    agent.revoke()
    for block, code in programs:
        shutil.rmtree(BUILD / "site", ignore_errors=True)
        mark = log.mark()
        done = services.follow(block, FO_PRIVATE_KEY_PATH=agent.key)
        assert done.code == code, (code, done)
        refused(mark, agent)
        event = log.one(mark, ev="auth")
        told = re.sub(r"ref \w+", f"ref {event['sid'][:8]}",
                      PAGE.block("FirstOps: ").rstrip())
        # ansible tells what ssh said, unless that was gone before its module
        # had been written to it
        lost = code == 4 and "Broken pipe" in done.text
        assert told in done.text or lost, (event, done)


def test_sudo_refuses_who_is_revoked():
    agent = spare("gone-bot", user="deploy")
    block = PAGE.block("export SUDO_ASKPASS")
    for code in (0, 1):
        mark = log.mark()
        done = services.follow(block, "deploy", FO_PRIVATE_KEY_PATH=agent.key)
        assert done.code == code, done
        if code == 0:
            agent.revoke()
        else:
            refused(mark, agent)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
