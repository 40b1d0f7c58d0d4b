#!/usr/bin/python3
"""MariaDB with auth_pam: a proof where a client sends a password."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import CHALLENGE, log  # noqa: E402

SERVICE = {"name": "mariadb", "program": "MariaDB, auth_pam",
           "longest": 10238, "beyond": "refused",
           "phases": ["auth", "account"], "user": "root"}
PAGE = services.Page("mariadb.md")
TARGET = "pam://bastion/mariadb/etl"
DATA = pathlib.Path("/var/lib/firstops-tests/mariadb")
SELECT = ("-BNe", "select current_user()")


def prepare():
    global bot, server
    bot = world.Agent("etl-bot", accounts=["mariadb:etl"])
    services.furnish(SERVICE, PAGE, bot, account="etl")
    shutil.rmtree(DATA.parent, ignore_errors=True)
    DATA.mkdir(parents=True)
    run = pathlib.Path("/run/mysqld")
    run.mkdir(exist_ok=True)
    for folder in (DATA, run):
        shutil.chown(folder, "mysql", "mysql")
    world.must("mariadb-install-db", "--no-defaults", "--user=mysql",
               f"--datadir={DATA}", "--skip-test-db", timeout=120)
    server = start()
    world.must("mariadb", input=PAGE.block("CREATE USER"))


def start(*options):
    config = world.write("/etc/mysql/mariadb.conf.d/60-firstops.cnf",
                         PAGE.block("[mariadbd]"))
    return world.Daemon("mariadbd", f"--defaults-file={config}",
                        "--user=mysql", f"--datadir={DATA}",
                        "--socket=/run/mysqld/mysqld.sock",
                        "--bind-address=127.0.0.1",
                        "--innodb-buffer-pool-size=8M", *options,
                        ready="ready for connections")


def client(answer):
    return world.run("mariadb", "-h", "bastion", "-u", "etl", *SELECT,
                     user="build", MYSQL_PWD=answer)


def by_file(answer):
    config = world.write("/home/build/answer.cnf",
                         f"[client]\npassword={answer}\n")
    return world.run("mariadb", f"--defaults-extra-file={config}", "-h",
                     "bastion", "-u", "etl", *SELECT, user="build")


def typed(prompt, answer, *options):
    return world.on_terminal("mariadb", *options, "-h", "bastion", "-u",
                             "etl", *SELECT, user="build",
                             answers=[(prompt, answer)])


# ---- the client's ways ------------------------------------------------------

def let_in_by(block):
    mark = log.mark()
    done = services.follow(block)
    assert done.code == 0 and "etl@%" in done.out, (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)


def test_the_pages_command_connects_with_a_proof():
    let_in_by(PAGE.block("fo run"))


def test_the_pages_option_file_connects_with_a_proof():
    let_in_by(PAGE.block("mariadb --defaults-extra-file"))


def test_both_ways_do_with_the_clear_password_plugin_too():
    global server
    server.stop()
    server = start("--pam-use-cleartext-plugin")
    try:
        let_in_by(PAGE.block("fo run"))
        let_in_by(PAGE.block("mariadb --defaults-extra-file"))
        mark = log.mark()
        done = world.run("mariadb", "--default-auth=mysql_clear_password",
                         "-h", "bastion", "-u", "etl", *SELECT, user="build",
                         MYSQL_PWD=bot.sign(TARGET))
        assert done.code == 0 and done.out == "etl@%\n", (done, server)
        log.one(mark, ev="auth", res="permit")
    finally:
        server.stop()
        server = start()


# ---- what is refused --------------------------------------------------------

def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, client, account="etl")


def test_where_nonce_is_always_a_proof_by_those_ways_is_refused():
    world.configure(mariadb="{nonce: always, ask: all}")
    mark = log.mark()
    done = client(bot.sign(TARGET))
    world.configure()
    assert done.code == 1 and "ERROR 1045" in done.err, done
    assert log.one(mark, ev="auth")["why"] == "no_nonce"


def test_root_enters_by_its_socket_without_pam():
    mark = log.mark()
    assert world.must("mariadb", *SELECT) == "root@localhost\n"
    assert not log.events(mark), log.tail(mark)


# ---- how long an answer may be ----------------------------------------------

def test_an_answer_of_10238_bytes_arrives_whole_and_a_longer_one_not():
    services.carries(SERVICE, client)


def test_an_option_file_carries_4085_bytes():
    with services.witness("mariadb") as seen:
        by_file("x" * 4085)
        done = by_file("x" * 4086)
        assert 4085 in seen.lengths() and 4086 not in seen.lengths(), \
            (done, seen.lines())


def test_what_is_typed_is_cut_at_79_bytes():
    with services.witness("mariadb") as seen:
        typed("Password: ", "x" * 511)
        typed("Enter password: ", "x" * 511, "-p")
        assert seen.lengths() == [79, 79], seen.lines()


def test_the_challenge_is_shown_but_a_typed_proof_does_not_arrive():
    mark = log.mark()
    done = typed(CHALLENGE, bot.answer)
    assert done.code == 1 and TARGET in done.out, done
    assert not log.events(mark, res="permit"), log.tail(mark)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, client)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
