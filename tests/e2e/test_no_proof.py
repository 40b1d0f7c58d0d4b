#!/usr/bin/python3
"""vsftpd and saslauthd: a proof is too long for them, and fo doctor says so."""

import contextlib
import pathlib
import shutil
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from world import log  # noqa: E402

SERVICES = [
    {"name": "vsftpd", "program": "vsftpd", "longest": 128,
     "beyond": "refused", "phases": ["auth", "setcred", "account"],
     "user": "root"},
    # saslauthd asks PAM by the name of the program that asks it.
    {"name": "smtp", "program": "saslauthd", "page": "saslauthd.md",
     "longest": 256, "beyond": "refused", "phases": ["auth", "account"],
     "user": "root"},
]
VSFTPD, SASLAUTHD = SERVICES
# Where packaging/install-packages unpacks it: Debian does not let it be
# installed beside ProFTPD.
UNPACKED = pathlib.Path("/usr/local/lib/firstops-tests/vsftpd")


def prepare():
    global bot
    bot = world.Agent("mail-bot", accounts=["vsftpd:deploy", "smtp:deploy"])
    for service in SERVICES:
        world.stack(service["name"], *world.OURS)
    world.settle(bot, service="smtp")
    world.write("/home/deploy/report.txt", "a report\n")
    world.must("chown", "-R", "deploy:", "/home/deploy")


def answers():
    with contextlib.suppress(OSError), \
            socket.create_connection(("bastion", 21), 1) as client:
        return client.recv(3) == b"220"


@contextlib.contextmanager
def vsftpd():
    """The real one with Debian's configuration; yields below which folder
    its files are."""
    program = shutil.which("vsftpd", path="/usr/sbin")
    top = pathlib.Path("/") if program else UNPACKED
    program = program or UNPACKED / "usr/sbin/vsftpd"
    if not pathlib.Path(program).exists():
        tap.skip("vsftpd is not there: packaging/install-packages test")
    pathlib.Path("/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
    config = world.write("/tmp/vsftpd.conf",
                         (top / "etc/vsftpd.conf").read_text())
    with world.Daemon(program, config) as server:
        assert world.until(answers), server
        yield top


def curl(answer):
    return world.run("curl", "-sS", "--user", f"deploy:{answer}",
                     "ftp://bastion/report.txt", user="build")


@contextlib.contextmanager
def saslauthd():
    program = shutil.which("saslauthd", path="/usr/sbin")
    if program is None:
        tap.skip("saslauthd is not there: packaging/install-packages test")
    pathlib.Path("/run/saslauthd").mkdir(exist_ok=True)
    with world.Daemon(program, "-d", "-a", "pam", "-m", "/run/saslauthd",
                      "-n", "1", ready="acquired accept lock"):
        yield


def ask(answer):
    return world.run("testsaslauthd", "-f", "/run/saslauthd/mux",
                     "-s", "smtp", "-u", "deploy", "-p", answer)


def does_not_arrive(service, login):
    """A proof for smtp, where none is made for vsftpd: PAM hears nothing of
    it, and the module decides nothing."""
    proof = bot.sign("pam://bastion/smtp/deploy")
    assert len(proof) > service["longest"], proof
    with services.witness(service["name"]) as seen:
        assert login("a word").code == 0
        before = seen.lines()
        done = login(proof)
        assert done.code != 0 and seen.lines() == before, (done, seen.lines())
    mark = log.mark()
    done = login(proof)
    assert done.code != 0, done
    log.settle()
    assert not log.events(mark), log.tail(mark)


def test_vsftpd_takes_128_bytes_and_no_proof():
    with vsftpd():
        services.carries(VSFTPD, curl)
        services.phases(VSFTPD, curl)
        does_not_arrive(VSFTPD, curl)
        done = curl("x" * 129)
        assert "530" in done.err, done


def test_saslauthd_takes_256_bytes_and_no_proof():
    with saslauthd():
        services.carries(SASLAUTHD, ask)
        services.phases(SASLAUTHD, ask)
        does_not_arrive(SASLAUTHD, ask)


def test_an_account_in_ftpusers_is_closed_to_vsftpd():
    world.must("chpasswd", input="deploy:a word\n")
    with vsftpd() as top:
        for name in ("pam.d/vsftpd", "ftpusers"):
            world.write(f"/etc/{name}", (top / "etc" / name).read_text())
        assert curl("a word").code == 0
        services.must_follow(services.Page("vsftpd.md").block("echo"))
        done = curl("a word")
        assert done.code == 67 and "530" in done.err, done
    world.stack("vsftpd", *world.OURS)


def test_no_proof_is_signed_for_vsftpd():
    done = world.run("fo", "proof", "sign", "--key", bot.key, "--htu",
                     "pam://bastion/vsftpd/deploy", user="build")
    assert done.code == 1 and "the 128 that arrive whole" in done.err, done


def test_doctor_names_both_as_their_pages_say():
    if not pathlib.Path("/etc/default/saslauthd").exists():
        tap.skip("saslauthd is not there: packaging/install-packages test")
    done = world.run("fo", "doctor")
    assert done.code == 1, done
    for name in ("vsftpd", "saslauthd"):
        said = services.Page(f"{name}.md").block("fail ")
        assert done.out.count(said) == 1, (said, done)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
