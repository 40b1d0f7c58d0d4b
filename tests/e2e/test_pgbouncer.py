#!/usr/bin/python3
"""PgBouncer with auth_type=pam: a proof before a connection of the pool."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

SERVICE = {"name": "pgbouncer", "program": "PgBouncer", "longest": 2047,
           "beyond": "cut", "phases": ["auth", "account"], "user": "postgres"}
PAGE = services.Page("pgbouncer.md")
CONFIG = f"""\
[databases]
* = host=/run/postgresql
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6432
unix_socket_dir = /run/postgresql
{PAGE.block("auth_type")}"""


def prepare():
    global bot, postgres, server
    bot = world.Agent("etl-bot", accounts=["pgbouncer:etl"])
    services.furnish(SERVICE, PAGE, bot, account="etl")
    postgres = world.postgres()
    data = pathlib.Path("/var/lib/firstops-tests/postgresql")
    hba = data / "pg_hba.conf"
    world.write(hba, PAGE.block("local") + hba.read_text())
    world.write(data / "pg_ident.conf", PAGE.block("pgbouncer "))
    world.must("psql", "-h", "/run/postgresql", "-qc",
               "select pg_reload_conf()", "postgres", user="postgres")
    world.write("/tmp/pgbouncer.ini", CONFIG)
    server = world.Daemon("pgbouncer", "/tmp/pgbouncer.ini", user="postgres",
                          ready="process up")


def psql(answer, role="etl"):
    return world.run("psql", "-w", "-h", "bastion", "-p", "6432", "-U", role,
                     "-tAc", "select current_user", "postgres", user="build",
                     PGPASSWORD=answer)


def test_the_pages_command_connects_with_a_proof():
    mark = log.mark()
    done = services.follow(PAGE.block("fo run"))
    assert done.code == 0 and " etl\n" in done.out, (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)


def test_each_connection_takes_a_proof_of_its_own():
    target = "pam://bastion/pgbouncer/etl"
    mark = log.mark()
    for _ in range(2):
        done = psql(bot.sign(target))
        assert done.code == 0 and done.out == "etl\n", (done, server)
    first, second = log.events(mark, ev="auth", res="permit")
    assert first["proof"] != second["proof"], log.tail(mark)


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, psql, account="etl")


def test_a_role_that_is_not_the_agents_is_refused():
    mark = log.mark()
    done = psql(bot.sign("pam://bastion/pgbouncer/report"), role="report")
    assert done.code != 0 and "PAM authentication failed" in done.err, done
    assert log.one(mark, ev="auth")["why"] == "not_an_account"


def test_an_answer_of_2047_bytes_arrives_whole_and_a_longer_one_cut():
    services.carries(SERVICE, psql)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, psql)


def test_its_own_user_enters_the_console_without_pam():
    mark = log.mark()
    done = services.follow(PAGE.block("runuser"), user="root",
                           input="show databases;\n")
    assert done.code == 0 and "/run/postgresql" in done.out, (done, server)
    assert not log.events(mark), log.tail(mark)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
