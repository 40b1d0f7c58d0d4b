#!/usr/bin/python3
"""PostgreSQL with pam authentication, where PAM runs as postgres."""

import pathlib
import pwd
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

SERVICE = {"name": "postgresql", "program": "PostgreSQL", "longest": 65530,
           "beyond": "refused", "phases": ["auth", "account"],
           "user": "postgres"}
HTU = "pam://bastion/postgresql/etl"


def prepare():
    global bot, server
    bot = world.Agent("etl-bot", accounts=["postgresql:etl"])
    world.replay_folder_for("postgres")
    world.settle(bot, user="postgres", service="postgresql", account="etl")
    server = world.postgres()


def refused(done, mark, why):
    assert done.code == 2 and "authentication failed" in done.err, \
        (done, server)
    event = log.one(mark, ev="auth")
    assert (event["res"], event["why"]) == ("deny", why), event
    return event


def test_an_agent_connects_with_a_proof_as_its_password():
    mark = log.mark()
    done = world.run(
        "sh", "-c", f'PGPASSWORD=$(fo proof sign --htu {HTU}) '
        'psql -w -h 127.0.0.1 -U etl -tAc "select current_user" postgres',
        user="build")
    assert done.code == 0 and done.out == "etl\n", (done, server)
    event = log.one(mark, ev="auth")
    assert event["res"] == "permit" and bot.is_in(event), event
    assert event["svc"] == "postgresql" and event["user"] == "etl", event


def test_fo_run_gives_psql_a_fresh_proof_each_time():
    for _ in range(2):
        mark = log.mark()
        done = world.run(
            "fo", "run", "--host", "bastion", "--service", "postgresql",
            "--account", "etl", "psql", "-w", "-h", "127.0.0.1", "-U", "etl",
            "-tAc", "select current_user", "postgres", user="build")
        assert done.code == 0 and done.out == "etl\n", (done, server)
        event = log.one(mark, ev="auth", res="permit")
        assert bot.is_in(event), event


def test_its_pam_runs_as_postgres_and_the_log_says_so():
    mark = log.mark()
    done = world.psql("etl", bot.sign(HTU))
    assert done.code == 0, (done, server)
    log.one(mark, ev="auth", res="permit")
    senders = {line.uid for line in log.lines[mark:] if line.event}
    assert senders == {pwd.getpwnam("postgres").pw_uid}


def test_the_same_proof_does_not_connect_again():
    proof = bot.sign(HTU)
    assert world.psql("etl", proof).code == 0, server
    mark = log.mark()
    refused(world.psql("etl", proof), mark, "replay")


def test_a_proof_for_one_role_does_not_connect_as_another():
    mark = log.mark()
    refused(world.psql("report", bot.sign(HTU)), mark, "wrong_htu")


def test_a_role_that_is_not_the_agents_is_refused():
    mark = log.mark()
    proof = bot.sign("pam://bastion/postgresql/report")
    event = refused(world.psql("report", proof), mark, "not_an_account")
    assert bot.is_in(event), event


def test_a_proof_for_sshd_does_not_connect():
    mark = log.mark()
    refused(world.psql("etl", bot.sign("pam://bastion/sshd/etl")), mark,
            "wrong_htu")


def test_without_a_password_nothing_is_an_attack():
    mark = log.mark()
    done = world.psql("etl")
    assert done.code == 2, done
    assert not log.events(mark, res="deny"), log.tail(mark)
    assert not log.events(mark, res="error"), log.tail(mark)


def connect(answer):
    return world.psql("etl", answer)


def test_an_answer_of_65530_bytes_arrives_whole_and_a_longer_one_not():
    services.carries(SERVICE, connect)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, connect)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
