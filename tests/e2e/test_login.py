#!/usr/bin/python3
"""login on a terminal: a challenge for agents, a password for people."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import CHALLENGE, log  # noqa: E402

SERVICE = {"name": "login", "program": "login", "longest": 4095,
           "beyond": "cut",
           "phases": ["auth", "setcred", "account", "session"],
           "user": "root"}
PAGE = services.Page("login.md")
SHELL = r"\$ "


def prepare():
    global bot
    bot = world.Agent("build-bot")
    services.furnish(SERVICE, PAGE, bot, account="deploy")


def login(answer, user="deploy", prompt=f"{CHALLENGE}|Password: ", then="id"):
    """Answer login's question; in the shell, type that and leave."""
    return world.on_terminal(
        "login", user, answers=[(prompt, answer), (SHELL, f"{then}; exit")],
        hang_up="Login incorrect")


def person_gets_in(user, **more):
    mark = log.mark()
    done = login(world.PASSWORD, user=user, then="id -un", **more)
    assert done.code == 0 and f"\n{user}\n" in done.out, done
    return mark, done


# ---- agents -----------------------------------------------------------------

def test_an_agent_enters_a_reserved_account_with_the_pages_command():
    def as_the_page_says(match):
        shown = PAGE.block("[FirstOps").rstrip("\n") + " "
        assert shown.replace("NONCE", match["nonce"]) == match[0], match[0]
        command = PAGE.block("fo proof sign").replace("NONCE",
                                                      match["nonce"])
        return services.must_follow(command, user="build").out.strip()

    mark = log.mark()
    done = login(as_the_page_says, then="id -un; env; tty")
    assert done.code == 0 and "\ndeploy\n" in done.out, done
    event = services.permitted(SERVICE, PAGE, bot, mark)
    assert event["tty"] in done.out and event["src"] == "-", event
    assert f"FIRSTOPS_SID={event['sid']}\n" in done.out, done
    for ev in ("session_open", "session_close"):
        session = log.one(mark, ev=ev)
        assert session["sid"] == event["sid"], session
        assert session["res"] == "permit" and bot.is_in(session), session


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, login, account="deploy", challenge=True)


def test_who_is_refused_sees_a_reference_and_login_incorrect():
    mark = log.mark()
    done = login("eyJ" + "x" * 200 + ".y.z")
    event = log.one(mark, ev="auth")
    assert (event["res"], event["why"]) == ("deny", "malformed"), event
    assert f"FirstOps: access refused (ref {event['sid'][:8]}). Ask your " \
        "administrator.\n" in done.out, done
    assert "\nLogin incorrect" in done.out, done


def test_the_clients_address_is_what_login_is_told():
    mark = log.mark()
    done = world.on_terminal("login", "-h", "192.0.2.7", "deploy",
                             answers=[(CHALLENGE, bot.answer),
                                      (SHELL, "exit")])
    assert done.code == 0, done
    assert log.one(mark, ev="auth", res="permit")["src"] == "192.0.2.7"


def test_groups_of_the_console_are_for_agents_too():
    config = pathlib.Path("/etc/security/group.conf")
    text = config.read_text()
    config.write_text(text + "login;*;deploy;Al0000-2400;audio\n")
    try:
        done = login(bot.answer, then="id -Gn")
    finally:
        config.write_text(text)
    assert done.code == 0 and "\ndeploy audio\n" in done.out, done


# ---- reserved accounts ------------------------------------------------------

def test_a_reserved_account_stays_closed_to_a_password():
    world.must("usermod", "--password", world.must(
        "openssl", "passwd", "-6", world.PASSWORD).strip(), "deploy")
    mark = log.mark()
    done = login(world.PASSWORD)
    world.must("usermod", "--password", "*", "deploy")
    assert done.code != 0 and not log.events(mark, res="permit"), done
    assert log.one(mark, ev="auth")["why"] == "no_proof"
    assert log.one(mark, ev="account")["why"] == "reserved"


def test_login_without_a_question_enters_no_reserved_account():
    mark = log.mark()
    done = world.on_terminal("login", "-f", "deploy",
                             answers=[(SHELL, "exit")])
    assert done.code == 1 and "Permission denied" in done.out, done
    assert log.one(mark, ev="account")["why"] == "reserved"
    done = world.on_terminal("login", "-f", "alice",
                             answers=[(SHELL, "exit")])
    assert done.code == 0, done


# ---- people -----------------------------------------------------------------

def test_a_person_logs_in_as_before_and_never_meets_our_prompt():
    mark, done = person_gets_in("alice", prompt="Password: ")
    assert "FirstOps" not in done.text, done
    assert not log.events(mark), log.tail(mark)


def test_a_wrong_password_stays_wrong():
    done = login("wrong horse", user="alice")
    assert done.code != 0 and "\nLogin incorrect" in done.out, done


def test_people_log_in_also_with_principals_and_policies_unreadable():
    with world.unreadable_store():
        person_gets_in("alice", prompt="Password: ")
        agent = login(bot.answer)
    assert agent.code != 0 and "\nLogin incorrect" in agent.out, agent


def test_the_break_glass_group_logs_in_without_a_configuration():
    config = world.STORE / "firstops.yaml"
    text = config.read_text()
    config.unlink()
    try:
        person_gets_in("rescue", prompt="Password: ")
        done = login(world.PASSWORD, user="alice")
    finally:
        config.write_text(text)
    assert done.code != 0, done


def test_where_all_are_asked_a_person_types_the_password_at_our_prompt():
    world.configure(login="{nonce: always, ask: all}")
    try:
        person_gets_in("alice", prompt=CHALLENGE)
    finally:
        world.configure()


# ---- what arrives -----------------------------------------------------------

def test_an_answer_of_4095_bytes_arrives_whole_and_a_longer_one_cut():
    services.carries(SERVICE, login)


def test_pam_is_asked_for_all_phases():
    services.phases(SERVICE, login)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
