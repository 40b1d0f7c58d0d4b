#!/usr/bin/python3
"""An agent in Python: it logs in to a real PostgreSQL with psycopg and with
asyncpg, and to a real sshd, with what the package's README says."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# PostgreSQL is named as it names itself.
HOSTS = "127.0.0.1 bastion\n"


def prepare():
    global bot
    bot = world.Agent("etl-bot", accounts=["postgresql:etl", "deploy"])
    world.write(pathlib.Path("/etc/hosts"),
                pathlib.Path("/etc/hosts").read_text() + HOSTS)
    world.replay_folder_for("postgres")
    world.settle(bot)
    world.settle(bot, user="postgres", service="postgresql", account="etl")
    world.postgres()
    world.sshd()


def agent(code):
    """Run this as the agent's own program does."""
    return world.run("/usr/bin/python3", "-B", "-c",
                     "import firstops\n"
                     "from firstops import Identity\n"
                     "me = Identity.load()\n" + code,
                     user="build", PYTHONPATH=TOP / "sdk" / "python")


def permits(mark, **want):
    events = log.events(mark, ev="auth", res="permit", **want)
    assert all(bot.is_in(event) for event in events), events
    return len(events)


def test_psycopg_connects_with_a_fresh_proof_each_time():
    mark = log.mark()
    done = agent("""
import firstops.postgresql
for _ in range(3):
    with firstops.postgresql.connect(
            me, "host=bastion user=etl dbname=postgres") as c:
        print(c.execute("select current_user").fetchone()[0])
""")
    assert (done.code, done.out) == (0, "etl\n" * 3), done
    assert permits(mark, svc="postgresql", user="etl") == 3, log.tail(mark)


def test_psycopg_may_connect_by_an_address():
    done = agent("""
import firstops.postgresql
with firstops.postgresql.connect(me, host="127.0.0.1", user="etl",
                                 dbname="postgres", pam_host="bastion") as c:
    print(c.execute("select 1").fetchone()[0])
""")
    assert (done.code, done.out) == (0, "1\n"), done


def test_a_pool_of_asyncpg_signs_for_each_connection():
    mark = log.mark()
    done = agent("""
import asyncio, asyncpg
import firstops.postgresql

async def main():
    pool = await asyncpg.create_pool(
        host="bastion", user="etl", database="postgres", min_size=3,
        max_size=3,
        password=firstops.postgresql.password(me, "bastion", "etl"))
    async with pool:
        print(sorted(await asyncio.gather(*(
            pool.fetchval("select 1") for _ in range(9)))) == [1] * 9)

asyncio.run(main())
""")
    assert (done.code, done.out) == (0, "True\n"), done
    assert permits(mark, svc="postgresql", user="etl") == 3, log.tail(mark)


def test_a_proof_for_another_host_does_not_connect():
    mark = log.mark()
    done = agent("""
import psycopg, firstops.postgresql
try:
    firstops.postgresql.connect(me, "host=127.0.0.1 user=etl")
except psycopg.OperationalError as error:
    print("refused")
""")
    assert (done.code, done.out) == (0, "refused\n"), done
    assert log.one(mark, ev="auth")["why"] == "wrong_htu", log.tail(mark)


def test_without_host_or_user_nothing_is_signed():
    mark = log.mark()
    done = agent("""
import firstops.postgresql
try:
    firstops.postgresql.connect(me, "host=bastion")
except firstops.ArgumentError as error:
    print(error.why)
""")
    assert (done.code, done.out) == (0, "arg\n"), done
    assert not log.events(mark), log.tail(mark)


def test_paramiko_logs_in_to_sshd():
    mark = log.mark()
    done = agent("""
import paramiko
target = firstops.pam_target("bastion", "sshd", "deploy")
transport = paramiko.Transport(("127.0.0.1", 22))
transport.start_client()
transport.auth_interactive("deploy", lambda title, text, prompts: [
    me.answer(prompt, target) for prompt, _ in prompts])
channel = transport.open_session()
channel.exec_command("id -un")
print(channel.makefile().read().decode(), end="")
transport.close()
""")
    assert (done.code, done.out) == (0, "deploy\n"), done
    assert permits(mark, svc="sshd", user="deploy") == 1, log.tail(mark)


if __name__ == "__main__":
    world.main(prepare)
