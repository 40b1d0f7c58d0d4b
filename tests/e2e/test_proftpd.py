#!/usr/bin/python3
"""ProFTPD: a proof instead of a password; people and theirs as before."""

import contextlib
import ftplib
import json
import pathlib
import re
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

SERVICE = {"name": "proftpd", "program": "ProFTPD", "longest": 512,
           "beyond": "cut", "phases": ["auth", "setcred", "account",
                                       "session"], "user": "root"}
PAGE = services.Page("proftpd.md")
CONF = pathlib.Path("/etc/proftpd/conf.d")
AUTH_ORDER = "AuthOrder mod_auth_pam.c* mod_auth_unix.c\n"
HOST = "<VirtualHost 127.0.0.1>\nPort 2121\n%s</VirtualHost>\n"


def prepare():
    global bot, server
    bot = world.Agent("file-bot", accounts=["proftpd:deploy"])
    services.furnish(SERVICE, PAGE, bot, account="deploy")
    world.must("chpasswd", input="deploy:a word\n")
    common = pathlib.Path("/etc/pam.d/common-auth")
    common.write_text(re.sub(r"pam_unix.so.*", r"\g<0> nodelay",
                             common.read_text()))
    for user in ("deploy", "alice", "rescue"):
        file = world.write(f"/home/{user}/report.txt", f"of {user}\n")
        world.must("chown", f"{user}:", file)
    pathlib.Path("/var/log/proftpd").mkdir(exist_ok=True)
    world.write(CONF / "firstops.conf", PAGE.block("<Global>"))
    # Refusals, and those who were let in, too, cost no time here.
    world.write(CONF / "world.conf", "DelayEngine off\n")
    world.must("proftpd", "-t")
    server = start()


def answers():
    with contextlib.suppress(OSError), \
            socket.create_connection(("bastion", 21), 1) as client:
        return client.recv(3) == b"220"


def start():
    server = world.Daemon("proftpd", "--nodaemon")
    assert world.until(answers), server
    return server


@contextlib.contextmanager
def with_lines(text, firstops=None):
    """ProFTPD with more lines, or other ones of the page's."""
    global server
    page = PAGE.block("<Global>")
    server.stop()
    world.write(CONF / "firstops.conf", page if firstops is None else firstops)
    more = world.write(CONF / "more.conf", text)
    server = start()
    try:
        yield
    finally:
        server.stop()
        more.unlink()
        world.write(CONF / "firstops.conf", page)
        server = start()


def curl(answer, user="deploy", at="bastion"):
    return world.run("curl", "-sS", "--user", f"{user}:{answer}",
                     f"ftp://{at}/report.txt", user="build")


def is_let_in(done, user):
    return (done.code, done.out) == (0, f"of {user}\n")


def is_refused(done):
    return done.code == 67 and "530" in done.err


def sign():
    return bot.sign("pam://bastion/proftpd/deploy")


def ended_session(mark):
    """Log in and out; all events but the first two, which have to be
    permits. While it is open, the session is listed, and afterwards not."""
    client = ftplib.FTP("bastion", "deploy", sign())
    assert client.nlst() == ["report.txt"]
    listed = world.must("fo", "who", "--json")
    assert listed.count(bot.id) == 1, listed
    client.quit()
    assert world.until(lambda: bot.id not in world.must("fo", "who",
                                                        "--json"))
    log.settle()
    found = log.events(mark)
    assert [(e["ev"], e["res"]) for e in found[:2]] == [
        ("auth", "permit"), ("session_open", "permit")], found
    assert len({e["sid"] for e in found}) == 1, found
    return found[2:]


def test_the_pages_command_fetches_a_file_with_a_proof():
    mark = log.mark()
    done = services.follow(PAGE.block("curl"))
    assert done.code == 0 and done.out == "of deploy\n", (done, server)
    services.permitted(SERVICE, PAGE, bot, mark)
    assert log.one(mark, ev="session_open")["res"] == "permit"


def test_what_is_no_proof_or_an_old_one_or_anothers_is_refused():
    services.refusals(SERVICE, bot, curl, account="deploy")


def test_a_session_is_listed_and_its_end_logged_as_a_user():
    mark = log.mark()
    found = ended_session(mark)
    assert [(e["ev"], e["res"], e["why"]) for e in found] == [
        ("session_close", "error", "session")], found
    sender, = {line.uid for line in log.lines[mark:]
               if line.event in found}
    assert str(sender) == world.must("id", "-u", "deploy").strip(), sender


def test_a_process_that_can_become_root_again_closes_its_session():
    with with_lines("RootRevoke off\n"):
        found = ended_session(log.mark())
    assert [(e["ev"], e["res"]) for e in found] == [
        ("session_close", "permit")], found


def test_in_a_chroot_the_end_of_a_session_is_not_logged():
    for text in ("DefaultRoot ~\n", "DefaultRoot ~\nRootRevoke off\n"):
        with with_lines(text):
            assert ended_session(log.mark()) == []


def test_a_revoked_agents_session_is_ended():
    other = world.Agent("other-bot", accounts=["proftpd:deploy"],
                        key=pathlib.Path("/home/build/other.pem"))
    client = ftplib.FTP("bastion", "deploy",
                        other.sign("pam://bastion/proftpd/deploy"))
    world.must("fo", "agent", "revoke", "other-bot", "--end-sessions")
    try:
        client.nlst()
    except EOFError:
        return
    raise AssertionError("the session goes on")


def test_a_reserved_account_stays_closed_to_its_password():
    mark = log.mark()
    assert is_refused(curl("a word"))
    log.settle()
    found = [(e["ev"], e["why"]) for e in log.events(mark)]
    assert found == [("auth", "no_proof"), ("account", "reserved")], found


def doctor():
    """What fo doctor says of ProFTPD."""
    found = json.loads(world.run("fo", "doctor", "--json").out)["findings"]
    return [(f["level"], f["what"].removeprefix("proftpd: "))
            for f in found if f["what"].startswith("proftpd: ")]


NOT_FINAL = ": AuthOrder does not make PAM's no final: reserved accounts" \
    " that have a password are open to it"


def test_without_the_pages_authorder_it_would_be_open():
    page = PAGE.block("<Global>")
    assert AUTH_ORDER in page
    assert doctor() == [("ok", "PAM's no is final")]
    with with_lines("", page.replace(AUTH_ORDER, "")):
        assert is_let_in(curl("a word"), "deploy")
        assert doctor() == [("warn", "the main server" + NOT_FINAL)]


def test_the_pages_authorder_holds_for_virtual_hosts_too():
    with with_lines(HOST % ""):
        assert is_refused(curl("a word"))
        assert is_refused(curl("a word", at="127.0.0.1:2121"))
        assert is_let_in(curl(sign(), at="127.0.0.1:2121"), "deploy")
        assert doctor() == [("ok", "PAM's no is final")]


def test_an_authorder_of_the_main_server_holds_for_no_virtual_host():
    with with_lines(HOST % "", AUTH_ORDER):
        assert is_refused(curl("a word"))
        assert is_let_in(curl("a word", at="127.0.0.1:2121"), "deploy")
        assert doctor() == [("warn", "VirtualHost 127.0.0.1" + NOT_FINAL)]


def test_a_virtual_hosts_own_authorder_goes_before_the_pages():
    with with_lines(HOST % "AuthOrder mod_auth_pam.c mod_auth_unix.c\n"):
        assert is_let_in(curl("a word", at="127.0.0.1:2121"), "deploy")
        assert doctor() == [("warn", "VirtualHost 127.0.0.1" + NOT_FINAL)]


def test_the_main_servers_own_authorder_goes_before_the_pages():
    page = PAGE.block("<Global>")
    with with_lines("AuthOrder mod_auth_unix.c\n"):
        assert is_let_in(curl("a word"), "deploy")
        assert doctor() == [("warn", "the main server" + NOT_FINAL)]
    with with_lines("AuthOrder mod_auth_unix.c\n", page + AUTH_ORDER):
        assert is_refused(curl("a word")), "the first one counts"
        assert doctor() == [("ok", "PAM's no is final")]


def test_a_person_gets_in_with_the_password_and_only_with_that():
    mark = log.mark()
    assert is_let_in(curl(world.PASSWORD, "alice"), "alice")
    assert is_refused(curl("a word", "alice"))
    log.settle()
    assert not log.events(mark), log.tail(mark)


def only_rescue_gets_in():
    assert is_let_in(curl(world.PASSWORD, "rescue"), "rescue")
    assert is_refused(curl(world.PASSWORD, "alice"))
    assert is_refused(curl(sign()))


def test_break_glass_when_firstops_yaml_is_garbage():
    with services.unreadable_configuration(
            proftpd="{nonce: auto, ask: reserved}"):
        only_rescue_gets_in()


def test_break_glass_when_the_module_is_gone():
    with services.missing_module():
        only_rescue_gets_in()


def test_an_answer_has_512_bytes_at_most():
    services.carries(SERVICE, curl)


def test_pam_is_asked_for_all_phases():
    services.phases(SERVICE, curl)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
