#!/usr/bin/python3
"""The signer on a host: whoever has no key in a file logs in and uses sudo by
it, in their own name; and nobody else gets a signature of it: not another
user, not root in a namespace, not who comes through a socket that ssh
forwards."""

import json
import os
import pathlib
import pwd
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

HTU = "pam://bastion/sshd/deploy"
SIGN = ("fo", "proof", "sign", "--htu", HTU)


class Signer:
    """A user's signer, in the folder of a session."""

    def __init__(self, user):
        self.user = user
        self.run = pathlib.Path("/run/user") / user
        self.run.mkdir(parents=True, mode=0o700)
        world.own_tree(self.run, self.run.parent, user)
        self.run.chmod(0o700)
        self.path = self.run / "firstops/signer.sock"
        self.env = {"XDG_RUNTIME_DIR": self.run}
        self.daemon = world.Daemon("fo-signer", user=user, **self.env)
        assert world.until(self.path.exists), self.daemon

    def hold(self, agent):
        """Give it the agent's key, which is in no file from then on."""
        said = world.must("fo", "signer", "add", agent.key, user=self.user,
                          **self.env)
        assert said.strip() == agent.jkt, said
        agent.key.unlink()
        left = world.must("find", "/home", "/etc/firstops", "-name", "*.pem")
        assert str(agent.key) not in left, left

    def run_as(self, *argv, user=None, **more):
        return world.run(*argv, user=user or self.user,
                         **{**self.env, **more})


def prepare():
    global build, deploy, bot, sudoer, daemon
    bot = world.Agent("build-bot")
    sudoer = world.Agent("deploy-bot", user="deploy")
    world.settle(bot)
    build, deploy = Signer("build"), Signer("deploy")
    build.hold(bot)
    deploy.hold(sudoer)
    world.write("/etc/sudoers.d/world",
                "Defaults timestamp_timeout=0, lecture=never\n"
                "deploy ALL=(ALL) ALL\n", 0o440)
    daemon = world.sshd()


def open_every_mode():
    """As if somebody had been careless with all of them."""
    for path in (build.run, build.path.parent, build.path):
        path.chmod(0o777)


def close_every_mode():
    for path, mode in ((build.run, 0o700), (build.path.parent, 0o700),
                       (build.path, 0o600)):
        path.chmod(mode)


def no_proof(done):
    """Nothing that could be used came out."""
    assert done.code != 0, done
    assert "eyJ" not in done.text, done


# ---- whom it is for ---------------------------------------------------------

def test_fo_ssh_logs_in_with_a_key_that_is_in_no_file():
    mark = log.mark()
    done = build.run_as("fo", "ssh", "deploy@bastion", "id", "-un")
    assert (done.code, done.out) == (0, "deploy\n"), done
    event = log.one(mark, ev="auth")
    assert (event["res"], event["svc"], event["user"]) == \
        ("permit", "sshd", "deploy"), event
    assert bot.is_in(event), event
    for ev in ("session_open", "session_close"):
        assert bot.is_in(log.one(mark, ev=ev))


def test_without_the_signer_there_is_no_key():
    mark = log.mark()
    done = world.fo_ssh("deploy@bastion", "id", "-un")
    assert done.code != 0 and "no private key" in done.text, done
    assert not log.events(mark, res="permit"), log.tail(mark)


def test_fo_askpass_answers_sudo_by_the_signer():
    mark = log.mark()
    done = deploy.run_as("sudo", "-A", "id", "-un",
                         SUDO_ASKPASS="/usr/bin/fo-askpass")
    assert (done.code, done.out) == (0, "root\n"), done
    event = log.one(mark, ev="auth")
    assert (event["res"], event["svc"]) == ("permit", "sudo"), event
    assert sudoer.is_in(event), event


def test_a_key_for_other_targets_does_not_log_in():
    other = world.Agent("narrow-bot", key=pathlib.Path(
        "/home/build/narrow.pem"))
    mark = log.mark()
    build.run_as("fo", "signer", "add", other.key, "--targets",
                 "pam://bastion/postgresql/*")
    done = build.run_as("fo", "ssh", "deploy@bastion", "id",
                        FO_PRIVATE_KEY_PATH=f"signer:#{other.jkt}")
    assert done.code != 0, done
    assert "may not sign for this target" in done.text, done
    assert not log.events(mark, res="permit"), log.tail(mark)
    proof = build.run_as(
        "fo", "proof", "sign", "--key", f"signer:#{other.jkt}", "--htu",
        "pam://bastion/postgresql/etl")
    assert proof.code == 0, proof
    build.run_as("fo", "signer", "remove", other.jkt)


def test_who_is_suspended_may_sign_and_is_let_in_nowhere():
    world.must("fo", "agent", "suspend", bot.name, "--reason", "a test")
    try:
        proof = build.run_as(*SIGN)
        assert proof.code == 0 and proof.out.startswith("eyJ"), proof
        mark = log.mark()
        done = build.run_as("fo", "ssh", "deploy@bastion", "id")
        assert done.code != 0, done
        event = log.one(mark, ev="auth")
        assert (event["res"], event["why"]) == ("deny", "suspended"), event
        assert bot.is_in(event), event
    finally:
        world.must("fo", "agent", "resume", bot.name)
    assert build.run_as("fo", "ssh", "deploy@bastion", "true").code == 0


# ---- whom it is not for -----------------------------------------------------

def test_another_user_gets_no_signature():
    uri = f"signer:{build.path}"
    done = build.run_as(*SIGN, "--key", uri, user="alice")
    no_proof(done)
    assert "Permission denied" in done.err, done
    open_every_mode()
    try:
        for user in ("alice", "deploy"):
            done = build.run_as(*SIGN, "--key", uri, user=user)
            no_proof(done)
            uid = pwd.getpwnam("build").pw_uid
            assert f"belongs to uid {uid}, not to you" in done.err, done
            # nor if the client does not look
            done = build.run_as("/usr/bin/python3", "-c", RAW, build.path,
                                user=user)
            assert (done.code, done.out) == (0, "b''\n"), done
    finally:
        close_every_mode()


# A client that looks at nothing: it shows its namespace, asks, and prints all
# that comes back.
RAW = """
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
text = b'{"op":"sign","htm":"PAM","htu":"pam://bastion/sshd/deploy"}'
fd = os.open("/proc/self/ns/user", os.O_RDONLY)
try:
    s.sendmsg([len(text).to_bytes(4, "big") + text], [(
        socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
except OSError:
    pass
said = b""
try:
    while True:
        more = s.recv(65536)
        if not more:
            break
        said += more
        if len(said) >= 4 + int.from_bytes(said[:4], "big"):
            break
except ConnectionResetError:
    pass
print(said)
"""


def test_the_raw_client_gets_one_where_it_should():
    """Else the tests with it show nothing."""
    done = build.run_as("/usr/bin/python3", "-c", RAW, build.path)
    assert '"proof":"eyJ' in done.out, done


def test_root_gets_none_but_as_the_user():
    done = build.run_as(*SIGN, "--key", f"signer:{build.path}", user="root")
    no_proof(done)
    assert "not to you" in done.err, done
    done = build.run_as("/usr/bin/python3", "-c", RAW, build.path,
                        user="root")
    assert (done.code, done.out) == (0, "b''\n"), done
    # nothing holds root back from being somebody else
    done = world.run("su", "build", "-c",
                     f"XDG_RUNTIME_DIR={build.run} {' '.join(SIGN)}")
    assert done.code == 0 and done.out.startswith("eyJ"), done


def test_root_in_a_user_namespace_gets_none():
    for options in (["-Ur"], ["-U"], ["-Urm"], ["-Urmpf", "--mount-proc"]):
        done = build.run_as("unshare", *options, "/usr/bin/python3", "-c",
                            RAW, build.path)
        assert done.code == 0, done
        assert '"why":"refused"' in done.out and "eyJ" not in done.out, done
        done = build.run_as("unshare", *options, *SIGN)
        no_proof(done)
    said = build.run_as("unshare", "-Ur", *SIGN, "--key",
                        f"signer:{build.path}")
    # in there build is root, and so the socket's owner
    assert "another user namespace" in said.err, said


def test_a_socket_that_ssh_forwards_to_a_host_gives_none_there():
    """ssh -R: build's own client connects to build's signer, for whoever sits
    at the other end."""
    there = pathlib.Path("/home/deploy/forwarded")
    with world.Daemon("fo", "ssh", "deploy@bastion", "-v", "-N",
                      "-oExitOnForwardFailure=yes",
                      f"-R{there}:{build.path}", user="build",
                      **build.env) as client:
        assert world.until(there.exists, 20), client
        assert there.stat().st_uid == pwd.getpwnam("deploy").pw_uid
        done = world.run("/usr/bin/python3", "-c", RAW, there, user="deploy")
        assert '"why":"refused"' in done.out and "eyJ" not in done.out, done
        assert "forwarded" in done.out, done
        done = world.run(*SIGN, "--key", f"signer:{there}", user="deploy")
        no_proof(done)
        assert "or forwarded" in done.err, done


def test_a_socket_that_ssh_fetches_from_a_host_gives_none_here():
    """ssh -L: deploy's sshd connects to deploy's signer, for whoever logged
    in from elsewhere."""
    here = pathlib.Path("/home/build/fetched")
    with world.Daemon("fo", "ssh", "deploy@bastion", "-N",
                      f"-L{here}:{deploy.path}", user="build",
                      **build.env) as client:
        assert world.until(here.exists, 20), client
        done = world.run("/usr/bin/python3", "-c", RAW, here, user="build")
        assert '"why":"refused"' in done.out and "eyJ" not in done.out, done
        done = world.run(*SIGN, "--key", f"signer:{here}", user="build")
        no_proof(done)
        assert "or forwarded" in done.err, done
    # and who has logged in there for good is deploy, and is served
    done = build.run_as("fo", "ssh", "deploy@bastion",
                        f"XDG_RUNTIME_DIR={deploy.run} fo signer list")
    assert sudoer.jkt in done.out, done


def test_an_agent_that_forwards_itself_forwards_no_key():
    """ssh -A is of ssh-agent; nothing of the signer's goes along, so that the
    far end finds none."""
    done = build.run_as("fo", "ssh", "deploy@bastion", "-A",
                        "env; fo proof sign --htu " + HTU)
    no_proof(done)
    assert "SSH_CONNECTION=" in done.out, done
    assert "XDG_RUNTIME_DIR" not in done.out, done


# ---- what can be seen of it -------------------------------------------------

def test_it_says_nothing_and_no_process_shows_a_key():
    for signer in (build, deploy):
        assert signer.daemon.lines == [], signer.daemon
        pid = signer.daemon.process.pid
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        assert words == b"fo-signer\0", words
        for name in ("environ", "mem", "maps"):
            done = signer.run_as("head", "-c1", f"/proc/{pid}/{name}")
            assert done.code != 0 and "ermission denied" in done.err, done
    for line in log.lines:
        assert "PRIVATE KEY" not in line.text, line


def test_it_ends_with_its_session_and_leaves_no_socket():
    other = Signer("alice")
    state = json.loads(other.run_as("fo", "signer", "list", "--json").out)
    assert state == {"ok": True, "locked": False, "keys": []}, state
    other.daemon.stop()
    assert other.daemon.process.returncode == 0, other.daemon
    assert os.listdir(other.path.parent) == []
    done = other.run_as("fo", "signer", "list")
    assert done.code == 1 and re.search("signer.sock: No such", done.err), \
        done


if __name__ == "__main__":
    world.main(prepare)
