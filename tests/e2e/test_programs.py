#!/usr/bin/python3
"""Agents of one's own, as the README has them: in C, in Python and in Node,
each logs in to a real PostgreSQL and to a real sshd; then all of them once
more, with a key that stays in the TPM.
"""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import page  # noqa: E402
import tap  # noqa: E402
import tpm  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

README = page.Page(world.SOURCE / "README.md")
TITLE = "In a program of yours"
MODULES = pathlib.Path("/usr/local/lib/firstops-tests/node-modules/"
                       "node_modules")
HOME = pathlib.Path("/home/build/agent")
# This machine is the database's host, and ssh's.
HOSTS = pathlib.Path("/etc/hosts")
env = {"PYTHONPATH": world.SOURCE / "sdk/python"}


def prepare():
    global bot
    bot = world.Agent("etl-bot", accounts=["postgresql:etl", "deploy"])
    # as fo init makes it
    world.write(world.STORE / "groups.d/default.yaml",
                world.GROUP.format(name="default", policies="everywhere"))
    world.write(HOSTS, HOSTS.read_text() + "127.0.0.1 bastion\n")
    world.replay_folder_for("postgres")
    world.settle(bot)
    world.settle(bot, user="postgres", service="postgresql", account="etl")
    world.postgres()
    world.sshd()
    HOME.mkdir()


def put(name, *marks):
    """A program of the README, in a file."""
    path = world.write(HOME / name, README.program(TITLE, *marks), 0o755)
    return path


def compiled(name, *marks):
    source = put(f"{name}.c", *marks)
    flags = world.must("pkg-config", "--cflags", "--libs",
                       "libfirstops").split()
    world.must("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-o",
               HOME / name, source, *flags)
    return HOME / name


def node_project():
    """npm would link the package and fetch pg: so it looks afterwards."""
    package = world.node_package()
    if package is None or not shutil.which("node") or not MODULES.is_dir():
        tap.skip("needs node, and pg from npm")
    modules = HOME / "node_modules"
    if modules.exists():
        return
    modules.mkdir()
    for path in [*MODULES.iterdir(), package]:
        (modules / path.name).symlink_to(path)
    world.write(HOME / "package.json", '{"type": "module"}\n')


def check_postgres(*argv):
    mark = log.mark()
    done = world.run(*argv, user="build", **env)
    assert (done.code, done.out, done.err) == (0, "etl\n", ""), done
    event = log.one(mark, ev="auth", res="permit", svc="postgresql")
    assert bot.is_in(event) and event["user"] == "etl", event


def check_ssh(askpass):
    mark = log.mark()
    done = world.run(
        "ssh", "-F", "none", "-o", "StrictHostKeyChecking=yes", "-o",
        "PreferredAuthentications=keyboard-interactive", "-o",
        "NumberOfPasswordPrompts=1", "deploy@bastion", "id", "-un",
        user="build", SSH_ASKPASS=askpass, SSH_ASKPASS_REQUIRE="force",
        **env)
    assert (done.code, done.out) == (0, "deploy\n"), done
    event = log.one(mark, ev="auth", res="permit", svc="sshd")
    assert bot.is_in(event) and event["user"] == "deploy", event


PSQL = ("psql", "-w", "-h", "bastion", "-U", "etl", "-tAc",
        "select current_user", "postgres")


def test_any_program_logs_in_by_fo_run():
    command, = README.commands(TITLE)
    line = command.strip() + " -w -tAc 'select current_user'"
    check_postgres("sh", "-c", line)


def test_an_agent_in_c_logs_in_to_postgresql():
    program = compiled("agent", "c")
    check_postgres("sh", "-c", f'export PGPASSWORD=$({program}); exec "$@"',
                   "sh", *PSQL)


def test_an_agent_in_c_logs_in_to_sshd():
    check_ssh(compiled("askpass", "c", "askpass"))


def test_an_agent_in_python_logs_in_to_postgresql():
    check_postgres("/usr/bin/python3", "-B", put("agent.py", "python"))


def test_an_agent_in_python_logs_in_to_sshd():
    check_ssh(put("askpass.py", "python", "askpass"))


def test_an_agent_in_node_logs_in_to_postgresql():
    node_project()
    check_postgres("node", put("agent.js", "js"))


def test_an_agent_in_node_logs_in_to_sshd():
    node_project()
    check_ssh(put("askpass.js", "js", "askpass"))


def move_into(device):
    """The agent's key is replaced as the README says, in a new session of
    its user and by an administrator."""
    global bot
    if tpm.missing():
        tap.skip(f"needs {tpm.missing()}")
    env.update(device.env)
    bot.revoke()
    bot.key.unlink()
    agents, = [s for s in README.steps("Keys that cannot leave")
               if s.marks == ["agent"]]
    page.follow(agents.commands, cwd=HOME.parent, user="build", **device.env)
    admins, = [s for s in README.steps("Keys that cannot leave")
               if s.marks == []]
    page.follow(admins.commands, cwd=HOME.parent)
    bot = world.Agent.registered("tpm-bot")


def test_each_of_them_logs_in_with_a_key_that_stays_in_the_tpm():
    with tpm.Tpm() as device:
        move_into(device)
        pem = bot.key.read_text()
        assert pem.startswith("-----BEGIN TSS2 PRIVATE KEY-----"), pem
        test_any_program_logs_in_by_fo_run()
        test_an_agent_in_c_logs_in_to_postgresql()
        test_an_agent_in_c_logs_in_to_sshd()
        test_an_agent_in_python_logs_in_to_postgresql()
        test_an_agent_in_python_logs_in_to_sshd()
        node_project()
        test_an_agent_in_node_logs_in_to_postgresql()
        test_an_agent_in_node_logs_in_to_sshd()


if __name__ == "__main__":
    world.main(prepare)
