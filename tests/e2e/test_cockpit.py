#!/usr/bin/python3
"""cockpit-ws: an agent answers a challenge over HTTP, people a password."""

import base64
import contextlib
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import CHALLENGE, log  # noqa: E402

SERVICE = {"name": "cockpit", "program": "cockpit", "longest": 12000,
           "beyond": None,
           "phases": ["auth", "setcred", "account", "session"],
           "user": "root"}
PAGE = services.Page("cockpit.md")
STACK = pathlib.Path("/etc/pam.d/cockpit")
RUN = "/usr/local/bin/cockpit-run"
TARGET = "pam://bastion/cockpit/deploy"
LOGIN = "http://bastion:9090/cockpit/login"
USER = "cockpit-wsinstance"


def prepare():
    global bot, server
    bot = world.Agent("build-bot")
    services.furnish(SERVICE, PAGE, bot, account="deploy")
    world.must("useradd", "--create-home", "--password", hashed(), "agent-x")
    world.write(RUN, PAGE.block("#!/bin/sh"), 0o755)
    server = world.Daemon(
        "setpriv", "--reuid", USER, "--regid", USER, "--init-groups",
        "/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", "127.0.0.1",
        "--port", "9090")
    assert world.until(lambda: curl(LOGIN).code == 22), server


def curl(*argv, input=""):
    return world.run("curl", "-sS", "--fail", *argv, user="build",
                     input=input)


def basic(password, user="deploy"):
    """The first request. Returns how it ended, and what it was asked."""
    done = curl("-D", "-", "--user", f"{user}:{password}", LOGIN)
    asked = re.search(r"^WWW-Authenticate: X-Conversation (\S+) (\S+)\r$",
                      done.out, re.M)
    return done, asked


def login(answer, user="deploy"):
    """Both requests of an agent."""
    done, asked = basic("", user)
    assert asked, (done, server)
    prompt = base64.b64decode(asked[2]).decode()
    if callable(answer):
        match = re.fullmatch(CHALLENGE, prompt)
        assert match, prompt
        answer = answer(match)
    text = base64.b64encode(answer.encode()).decode()
    return curl("-H", "@-", LOGIN, input="Authorization: X-Conversation "
                f"{asked[1]} {text}\n")


def aside():
    """The two lines that put the first question aside."""
    lines = [line for line in STACK.read_text().splitlines()
             if line.startswith("auth ") and "deploy" in line]
    assert len(lines) == 2, lines
    return lines


@contextlib.contextmanager
def changed(path, old, new):
    """A file with one thing that is different."""
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))
    try:
        yield
    finally:
        path.write_text(text)


# ---- agents -----------------------------------------------------------------

def test_the_pages_script_logs_in_and_runs_a_command():
    mark = log.mark()
    done = world.run(RUN, '"id", "-un"', user="build")
    assert done.code == 0 and done.out == "deploy\n", (done, server)
    event = services.permitted(SERVICE, PAGE, bot, mark)
    began = time.monotonic()
    for ev in ("session_open", "session_close"):
        session = log.wait(mark, timeout=60, ev=ev)
        assert session["sid"] == event["sid"], session
        assert session["res"] == "permit" and bot.is_in(session), session
    assert time.monotonic() - began > 10, "the page says 15 seconds"


def test_the_session_knows_which_agent_it_is():
    mark = log.mark()
    done = world.run(RUN, '"env"', user="build")
    assert done.code == 0, (done, server)
    event = log.one(mark, ev="auth", res="permit")
    for line in (f"FIRSTOPS_ID={bot.id}", "FIRSTOPS_NAME=build-bot",
                 f"FIRSTOPS_SID={event['sid']}"):
        assert line in done.out.splitlines(), (line, done)


def test_the_pages_script_signs_for_no_other_host():
    mark = log.mark()
    with changed(world.STORE / "firstops.yaml", "host: bastion",
                 "host: elsewhere"):
        done = world.run(RUN, '"id"', user="build")
    assert done.code == 1 and "pam://elsewhere/cockpit/deploy" in done.err, \
        done
    assert not log.events(mark, ev="auth"), log.tail(mark)


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, login, account="deploy", challenge=True)


def test_what_comes_with_the_first_request_is_thrown_away():
    mark = log.mark()
    done, asked = basic(bot.sign(TARGET))
    assert done.code == 22 and asked, (done, server)
    assert not log.events(mark), log.tail(mark)


def test_without_the_two_lines_the_first_request_carries_a_proof():
    with changed(STACK, "\n".join(aside()), ""):
        mark = log.mark()
        done, asked = basic(bot.sign(TARGET))
        assert done.code == 22 and not asked, (done, server)
        assert log.one(mark, ev="auth")["why"] == "no_nonce"
        world.configure(cockpit="{nonce: auto, ask: reserved}")
        mark = log.mark()
        done, _ = basic(bot.sign(TARGET))
        world.configure()
        assert done.code == 0, (done, server)
        log.one(mark, ev="auth", res="permit")


def test_who_is_disallowed_is_refused_with_a_proof_too():
    with changed(pathlib.Path("/etc/cockpit/disallowed-users"), "root",
                 "root\ndeploy"):
        mark = log.mark()
        done = login(bot.answer)
    assert done.code == 22 and "401" in done.err, (done, server)
    log.one(mark, ev="auth", res="permit")
    assert not log.events(mark, ev="session_open"), log.tail(mark)


def test_a_second_account_has_two_lines_of_its_own():
    other = world.Agent("other-bot", accounts=["agent-x"],
                        key=pathlib.Path("/home/build/other.pem"))
    lines = "\n".join(aside())
    with changed(STACK, lines, lines + "\n"
                 + lines.replace("deploy", "agent-x")):
        for agent, user in ((other, "agent-x"), (bot, "deploy")):
            mark = log.mark()
            done = login(agent.answer, user)
            assert done.code == 0, (done, server)
            assert agent.is_in(log.one(mark, ev="auth", user=user))


# ---- reserved accounts ------------------------------------------------------

def hashed():
    return world.must("openssl", "passwd", "-6", world.PASSWORD).strip()


def test_a_reserved_account_stays_closed_to_a_password():
    world.must("usermod", "--password", hashed(), "deploy")
    mark = log.mark()
    done, asked = basic(world.PASSWORD)
    assert done.code == 22 and asked, (done, server)
    done = login(world.PASSWORD)
    world.must("usermod", "--password", "*", "deploy")
    assert done.code == 22, (done, server)
    assert log.one(mark, ev="auth")["why"] == "no_proof"
    assert log.one(mark, ev="account")["why"] == "reserved"


def test_a_reserved_account_that_the_stack_does_not_name_stays_closed():
    for answer, ev, why in (
            (world.PASSWORD, "account", "reserved"),
            (bot.sign("pam://bastion/cockpit/agent-x"), "auth", "no_nonce")):
        mark = log.mark()
        done, asked = basic(answer, user="agent-x")
        assert done.code == 22 and not asked, (done, server)
        assert log.one(mark, ev=ev)["why"] == why, log.tail(mark)


# ---- people -----------------------------------------------------------------

def person_gets_in(user):
    done, asked = basic(world.PASSWORD, user=user)
    assert done.code == 0 and "csrf-token" in done.out, (done, server)


def test_a_person_logs_in_as_before():
    mark = log.mark()
    person_gets_in("alice")
    assert not log.events(mark), log.tail(mark)


def test_a_wrong_password_stays_wrong():
    done, asked = basic("wrong horse", user="alice")
    assert done.code == 22 and not asked, (done, server)


def test_people_log_in_also_with_principals_and_policies_unreadable():
    with world.unreadable_store():
        person_gets_in("alice")
        agent = login(bot.answer)
    assert agent.code == 22, agent


def test_the_break_glass_group_logs_in_without_a_configuration():
    with changed(world.STORE / "firstops.yaml", "version: 1", "torn"):
        person_gets_in("rescue")
        done, asked = basic(world.PASSWORD, user="alice")
    assert done.code == 22 and not asked, (done, server)


def test_where_all_are_asked_a_persons_password_goes_on_as_before():
    world.configure(cockpit="{nonce: always, ask: all}")
    try:
        person_gets_in("alice")
    finally:
        world.configure()


# ---- what arrives -----------------------------------------------------------

def test_an_answer_of_any_likely_length_arrives_whole():
    services.carries(SERVICE, login, above=aside())


def test_pam_is_asked_for_all_phases():
    services.phases(SERVICE, login, above=aside())


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
