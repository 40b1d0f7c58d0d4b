#!/usr/bin/python3
"""sudo: an agent proves itself, a cached ticket proves nothing."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import CHALLENGE, log  # noqa: E402

SERVICE = {"name": "sudo", "program": "sudo", "longest": 511,
           "beyond": "refused",
           "phases": ["auth", "setcred", "account", "session"],
           "user": "root"}
ASKPASS = {"SUDO_ASKPASS": "/usr/bin/fo-askpass"}
TICKET = pathlib.Path("/run/sudo/ts/deploy")


def prepare():
    global bot, other
    bot = world.Agent("deploy-bot", user="deploy")
    other = world.Agent("other-bot", user="deploy", accounts=["elsewhere"],
                        key=pathlib.Path("/home/deploy/other.pem"))
    world.settle(bot)
    tickets(True)


def tickets(kept):
    """Let sudo spare whoever was asked once; or not."""
    world.write("/etc/sudoers.d/world", "".join((
        "Defaults timestamp_type=global, lecture=never\n",
        "Defaults timestamp_timeout=", "15\n" if kept else "0\n",
        "deploy ALL=(ALL) ALL\n", "alice ALL=(ALL) ALL\n")), 0o440)
    world.run("rm", "-rf", "/run/sudo/ts")


def sudo(*argv, user="deploy", **more):
    return world.run("sudo", *argv, user=user, **more)


def test_an_agent_answers_sudo_with_fo_askpass():
    tickets(False)
    mark = log.mark()
    done = sudo("-A", "id", "-un", **ASKPASS)
    assert done.code == 0 and done.out == "root\n", done
    event = log.one(mark, ev="auth")
    assert event["res"] == "permit" and event["svc"] == "sudo", event
    assert event["user"] == "deploy" and bot.is_in(event), event
    for ev in ("session_open", "session_close"):
        session = log.one(mark, ev=ev)
        assert session["sid"] == event["sid"] and bot.is_in(session), session


def test_each_command_takes_a_proof_of_its_own():
    tickets(False)
    mark = log.mark()
    for _ in range(2):
        assert sudo("-A", "true", **ASKPASS).code == 0
    first, second = log.events(mark, ev="auth", res="permit")
    assert first["proof"] != second["proof"] and first["sid"] != second["sid"]


def test_sudos_cached_ticket_does_not_stand_in_for_a_proof():
    tickets(True)
    assert sudo("-A", "true", **ASKPASS).code == 0
    assert TICKET.exists(), "sudo has kept no ticket: nothing is shown"
    mark = log.mark()
    done = sudo("-n", "true")
    assert done.code == 1, done
    event = log.one(mark, ev="account")
    assert (event["res"], event["why"], event["user"]) == \
        ("deny", "reserved", "deploy"), event


def test_the_same_ticket_serves_a_person_as_ever():
    tickets(True)
    first = sudo("-S", "-p", "", "true", user="alice",
                 input=world.PASSWORD + "\n")
    assert first.code == 0, first
    done = sudo("-n", "id", "-un", user="alice")
    assert done.code == 0 and done.out == "root\n", done


def test_a_second_agent_in_the_account_gets_nowhere_without_a_proof():
    tickets(True)
    assert sudo("-A", "true", **ASKPASS).code == 0
    done = sudo("-S", "-p", "", "true", input="guess\n" * 3)
    assert done.code == 1, done


def test_a_second_agent_is_judged_by_its_own_proof():
    tickets(False)
    assert sudo("-A", "true", **ASKPASS).code == 0
    mark = log.mark()
    done = sudo("-A", "true", FO_PRIVATE_KEY_PATH=other.key, **ASKPASS)
    assert done.code == 1, done
    log.wait(mark, ev="auth", why="not_an_account")
    for event in log.events(mark, ev="auth"):
        assert event["res"] == "deny" and other.is_in(event), event


def test_a_person_uses_sudo_with_a_password_and_never_meets_our_prompt():
    tickets(False)
    mark = log.mark()
    done = world.on_terminal("sudo", "id", "-un", user="alice",
                             answers=[(r"password for alice: ",
                                       world.PASSWORD)])
    assert done.code == 0 and done.out.endswith("root\n"), done
    assert "FirstOps" not in done.text, done
    assert not log.events(mark), log.tail(mark)


def test_a_person_uses_sudo_also_with_principals_and_policies_unreadable():
    tickets(False)
    with world.unreadable_store():
        done = world.on_terminal("sudo", "id", "-un", user="alice",
                                 answers=[(r"password for alice: ",
                                           world.PASSWORD)])
        agent = sudo("-A", "true", **ASKPASS)
    assert done.code == 0 and done.out.endswith("root\n"), done
    assert "FirstOps" not in done.text, done
    assert agent.code == 1, agent


def test_where_all_are_asked_a_person_types_the_password_at_our_prompt():
    tickets(False)
    world.configure(sudo="{nonce: always, ask: all}")
    done = world.on_terminal("sudo", "id", "-un", user="alice",
                             answers=[(CHALLENGE, world.PASSWORD)])
    world.configure()
    assert done.code == 0 and done.out.endswith("root\n"), done


def test_a_wrong_password_stays_wrong():
    tickets(False)
    done = sudo("-S", "-p", "", "true", user="alice", input="wrong\n" * 3)
    assert done.code == 1, done


def answered(answer):
    return sudo("-S", "-p", "", "true", input=answer + "\n")


def test_an_answer_of_511_bytes_arrives_whole_and_a_longer_one_not():
    tickets(False)
    services.carries(SERVICE, answered)


def test_pam_is_asked_for_all_phases():
    tickets(False)
    services.phases(SERVICE, answered)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
