#!/usr/bin/python3
"""Dovecot: a proof opens a mailbox; people and their passwords as before."""

import contextlib
import imaplib
import pathlib
import re
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

# PLAIN is base64 of NUL, "deploy", NUL and the answer, in less than 8192
# bytes.
SERVICE = {"name": "dovecot", "program": "Dovecot, IMAP", "longest": 6133,
           "beyond": "refused", "phases": ["auth", "account"], "user": "root"}
PAGE = services.Page("dovecot.md")
PRIVATE = pathlib.Path("/etc/dovecot/private")
PASSDB = pathlib.Path("/etc/dovecot/conf.d/auth-system.conf.ext")
MAILBOX = "imaps://bastion/INBOX;MAILINDEX=1"
# A refusal costs nobody time here.
QUICK = """\
log_path = /dev/stderr
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
MAIL = """\
From build@bastion Fri Nov 27 05:52:32 2026
From: build@bastion
Subject: a message

for %s

"""


def prepare():
    global bot, server
    bot = world.Agent("mail-bot", accounts=["dovecot:deploy",
                                            "dovecot:alice"])
    services.furnish(SERVICE, PAGE, bot, account="deploy")
    world.must("chpasswd", input="deploy:a word\n")
    common = pathlib.Path("/etc/pam.d/common-auth")
    common.write_text(re.sub(r"pam_unix.so.*", r"\g<0> nodelay",
                             common.read_text()))
    world.must("openssl", "req", "-x509", "-newkey", "ec",
               "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-subj", "/CN=bastion", "-addext", "subjectAltName=DNS:bastion",
               "-keyout", PRIVATE / "dovecot.key",
               "-out", PRIVATE / "dovecot.pem")
    world.must("cp", PRIVATE / "dovecot.pem", "/tmp/ca.pem")
    for user in ("deploy", "alice", "rescue"):
        mail = world.write(f"/var/mail/{user}", MAIL % user, 0o600)
        world.must("chown", f"{user}:mail", mail)
    world.write("/etc/dovecot/local.conf", QUICK)
    server = start()


def start():
    return world.Daemon("dovecot", "-F", ready="starting up for imap")


@contextlib.contextmanager
def with_args(args):
    """Dovecot with these args of its passdb."""
    global server
    before = PASSDB.read_text()
    assert before.count("  #args = dovecot\n") == 1, before
    server.stop()
    PASSDB.write_text(before.replace("  #args = dovecot\n", f"  {args}\n"))
    server = start()
    try:
        yield
    finally:
        server.stop()
        PASSDB.write_text(before)
        server = start()


def curl(answer, user="deploy"):
    return world.run("curl", "-sS", "--user", f"{user}:{answer}", MAILBOX,
                     user="build", CURL_CA_BUNDLE="/tmp/ca.pem")


def is_let_in(done, user):
    return done.code == 0 and f"\nfor {user}\n" in \
        done.out.replace("\r\n", "\n")


def is_refused(done):
    return done.code == 67 and "Login denied" in done.err


def sign(user="deploy"):
    return bot.sign(f"pam://bastion/dovecot/{user}")


def test_the_pages_command_reads_a_message_with_a_proof():
    mark = log.mark()
    done = services.follow(PAGE.block("curl"), CURL_CA_BUNDLE="/tmp/ca.pem")
    assert is_let_in(done, "deploy"), (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, curl, account="deploy")


def test_a_login_leaves_its_record_as_nobody_sets_credentials():
    before = len(list((world.RUN / "pending").iterdir()))
    assert is_let_in(curl(sign()), "deploy")
    assert len(list((world.RUN / "pending").iterdir())) == before + 1


def test_the_command_login_takes_a_proof_and_at_most_1024_bytes():
    mark = log.mark()
    client = imaplib.IMAP4("bastion")
    assert client.login("deploy", sign())[0] == "OK"
    client.logout()
    assert log.one(mark, ev="auth")["res"] == "permit", log.tail(mark)
    with services.witness("dovecot") as seen:
        client = imaplib.IMAP4("bastion")
        assert client.login("deploy", "x" * 1024)[0] == "OK"
        client.logout()
        client = imaplib.IMAP4("bastion")
        try:
            client.login("deploy", "x" * 1025)
        except imaplib.IMAP4.abort as error:
            assert "Input buffer full" in str(error), error
        assert seen.lengths() == [1024], seen.lines()


def test_the_auth_socket_that_postfix_asks_takes_a_proof():
    mark = log.mark()
    done = world.run("doveadm", "auth", "test", "-x", "service=smtp",
                     "-x", "rip=127.0.0.9", "deploy", sign())
    assert done.code == 0 and "auth succeeded" in done.out, done
    event = log.one(mark, ev="auth")
    assert event["res"] == "permit" and bot.is_in(event), event
    assert (event["svc"], event["src"]) == ("dovecot", "127.0.0.9"), event


def test_without_tls_only_this_host_is_asked_for_a_password():
    with socket.create_connection(("127.0.0.1", 143), 10,
                                  ("127.0.0.2", 0)) as client:
        lines = client.makefile("rwb")
        assert b" LOGINDISABLED" in lines.readline()
        lines.write(b"1 LOGIN deploy %s\r\n" % sign().encode())
        lines.flush()
        answers = [lines.readline(), lines.readline()]
    assert any(line.startswith(b"1 NO [PRIVACYREQUIRED]")
               for line in answers), answers


def test_a_name_arrives_in_lower_case():
    mark = log.mark()
    assert is_let_in(curl(sign(), user="Deploy"), "deploy")
    assert log.one(mark, ev="auth")["user"] == "deploy", log.tail(mark)


def test_a_reserved_account_stays_closed_to_its_password():
    mark = log.mark()
    assert is_refused(curl("a word"))
    found = [(e["ev"], e["why"]) for e in log.events(mark)]
    assert found == [("auth", "no_proof"), ("account", "reserved")], found


def test_a_person_gets_in_with_the_password_and_only_with_that():
    mark = log.mark()
    assert is_let_in(curl(world.PASSWORD, "alice"), "alice")
    assert is_refused(curl("a word", "alice"))
    assert is_refused(curl(sign("alice"), "alice"))
    assert not log.events(mark), log.tail(mark)


def test_where_all_are_asked_a_persons_mailbox_takes_a_proof_too():
    world.configure(dovecot="{nonce: auto, ask: all}")
    try:
        mark = log.mark()
        assert is_let_in(curl(sign("alice"), "alice"), "alice")
        assert log.one(mark)["user"] == "alice", log.tail(mark)
        assert is_let_in(curl(world.PASSWORD, "alice"), "alice")
        assert is_refused(curl("a word", "alice"))
    finally:
        world.configure(dovecot="{nonce: auto, ask: reserved}")


def only_rescue_gets_in():
    assert is_let_in(curl(world.PASSWORD, "rescue"), "rescue")
    assert is_refused(curl(world.PASSWORD, "alice"))
    assert is_refused(curl(sign()))


def test_break_glass_when_firstops_yaml_is_garbage():
    with services.unreadable_configuration(
            dovecot="{nonce: auto, ask: reserved}"):
        only_rescue_gets_in()


def test_break_glass_when_the_module_is_gone():
    with services.missing_module():
        only_rescue_gets_in()


def test_an_answer_of_any_likely_length_arrives_whole():
    services.carries(SERVICE, curl)


def test_pam_is_asked_for_auth_and_account():
    services.phases(SERVICE, curl)


def test_with_session_and_setcred_a_session_is_over_at_once():
    with with_args("args = session=yes setcred=yes dovecot"):
        pending = set((world.RUN / "pending").iterdir())
        mark = log.mark()
        client = imaplib.IMAP4("bastion")
        assert client.login("deploy", sign())[0] == "OK"
        log.settle()
        found = log.events(mark)
        client.logout()
        assert set((world.RUN / "pending").iterdir()) == pending
        services.phases(dict(SERVICE, phases=services.PHASES), curl)
    assert [(e["ev"], e["res"]) for e in found] == [
        ("auth", "permit"), ("session_open", "permit"),
        ("session_close", "permit")], found
    assert len({e["sid"] for e in found}) == 1, found


def test_with_args_s_the_stack_has_the_name_of_the_protocol():
    stack = pathlib.Path("/etc/pam.d/dovecot").read_text()
    names = ("imap", "pop3", "sieve", "smtp")
    for name in names:
        world.write(f"/etc/pam.d/{name}", stack)
    world.must("fo", "agent", "edit", bot.name, "--accounts",
               ",".join(f"{name}:deploy" for name in names))
    world.configure(**{name: "{nonce: auto, ask: reserved}"
                       for name in names})
    world.write("/etc/default/saslauthd", 'MECHANISMS="pam"\n')
    try:
        with with_args("args = %s"):
            for name in names:
                mark = log.mark()
                done = world.run("doveadm", "auth", "test", "-x",
                                 f"service={name}", "deploy",
                                 bot.sign(f"pam://bastion/{name}/deploy"))
                assert done.code == 0 and "auth succeeded" in done.out, done
                event = log.one(mark, ev="auth")
                assert (event["svc"], event["res"]) == (name, "permit"), event
            assert is_let_in(curl(bot.sign("pam://bastion/imap/deploy")),
                             "deploy")
            found = world.run("fo", "doctor").out
            assert "saslauthd" not in found, found
        assert world.run("fo", "doctor").out.count(
            "saslauthd takes passwords of 256 bytes at most") == 3
    finally:
        for name in names:
            pathlib.Path("/etc/pam.d", name).unlink()
        world.must("fo", "agent", "edit", bot.name, "--accounts",
                   "dovecot:deploy,dovecot:alice")
        world.configure(dovecot="{nonce: auto, ask: reserved}")


def test_with_a_cache_key_a_used_proof_would_be_good_again():
    local = pathlib.Path("/etc/dovecot/local.conf")
    local.write_text(QUICK + "auth_cache_size = 1M\n")
    try:
        with with_args("args = cache_key=%u dovecot"):
            proof = sign()
            mark = log.mark()
            assert is_let_in(curl(proof), "deploy")
            assert is_let_in(curl(proof), "deploy")
            assert log.one(mark)["res"] == "permit", log.tail(mark)
    finally:
        local.write_text(QUICK)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
