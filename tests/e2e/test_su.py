#!/usr/bin/python3
"""su: a proof on a terminal, and people as before."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import CHALLENGE, log  # noqa: E402

SERVICE = {"name": "su", "program": "su", "longest": 4095, "beyond": "cut",
           "phases": ["auth", "setcred", "account", "session"],
           "user": "root"}


def prepare():
    global bot
    bot = world.Agent("build-bot")
    world.settle(bot)


def test_an_agent_enters_a_reserved_account_with_a_proof_on_a_terminal():
    mark = log.mark()
    done = world.on_terminal("su", "deploy", "-c", "id -un", user="build",
                             answers=[(CHALLENGE, bot.answer)])
    assert done.code == 0 and done.out.endswith("deploy\n"), done
    event = log.one(mark, ev="auth")
    assert event["res"] == "permit" and bot.is_in(event), event
    assert event["svc"] == "su" and event["ruser"] == "build", event
    for ev in ("session_open", "session_close"):
        assert log.one(mark, ev=ev)["sid"] == event["sid"]


def test_a_proof_for_su_does_not_do_for_a_login_shell():
    def sign_for_su(match):
        return bot.sign("pam://bastion/su/deploy", match["nonce"])
    mark = log.mark()
    done = world.on_terminal("su", "-", "deploy", "-c", "id", user="build",
                             answers=[(CHALLENGE, sign_for_su)])
    assert done.code == 1, done
    assert log.one(mark, ev="auth")["why"] == "wrong_htu"


def test_a_reserved_account_stays_closed_to_a_password():
    mark = log.mark()
    done = world.on_terminal("su", "deploy", "-c", "id", user="build",
                             answers=[(CHALLENGE, world.PASSWORD)])
    assert done.code == 1, done
    assert log.one(mark, ev="auth")["why"] == "no_proof"


def test_a_person_enters_a_persons_account_and_never_meets_our_prompt():
    mark = log.mark()
    done = world.on_terminal("su", "alice", "-c", "id -un", user="build",
                             answers=[("Password: ", world.PASSWORD)])
    assert done.code == 0 and done.out.endswith("alice\n"), done
    assert "FirstOps" not in done.text, done
    assert not log.events(mark), log.tail(mark)


def test_a_person_uses_su_also_with_principals_and_policies_unreadable():
    with world.unreadable_store():
        done = world.on_terminal("su", "alice", "-c", "id -un", user="build",
                                 answers=[("Password: ", world.PASSWORD)])
        agent = world.on_terminal("su", "deploy", "-c", "id", user="build",
                                  answers=[(CHALLENGE, bot.answer)])
    assert done.code == 0 and done.out.endswith("alice\n"), done
    assert "FirstOps" not in done.text, done
    assert agent.code == 1, agent


def test_where_all_are_asked_a_person_types_the_password_at_our_prompt():
    world.configure(su="{nonce: always, ask: all}")
    done = world.on_terminal("su", "alice", "-c", "id -un", user="build",
                             answers=[(CHALLENGE, world.PASSWORD)])
    world.configure()
    assert done.code == 0 and done.out.endswith("alice\n"), done


def test_root_enters_a_persons_account_unasked():
    done = world.run("su", "alice", "-c", "id -un")
    assert done.code == 0 and done.out == "alice\n", done


def typed(answer):
    return world.on_terminal("su", "deploy", "-c", "true", user="build",
                             answers=[("Password: ", answer)])


def test_an_answer_of_4095_bytes_arrives_whole_and_a_longer_one_cut():
    services.carries(SERVICE, typed)


def test_pam_is_asked_for_all_phases():
    services.phases(SERVICE, typed)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
