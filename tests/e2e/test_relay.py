#!/usr/bin/python3
"""A hostile server relays another's challenge: fo-askpass signs none."""

import http.server
import os
import pathlib
import re
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import world  # noqa: E402
from world import log  # noqa: E402

TEXT = pathlib.Path("/root/hostile/text")
ANSWER = pathlib.Path("/root/hostile/text.answer")
NONCE = "Q2hhbGxlbmdlMTIz"
HUMAN = "Password or proof: "


def prepare():
    global bot, sshd
    bot = world.Agent("build-bot")
    world.Agent("deploy-bot", user="deploy")
    world.settle(bot)
    module = world.compile("pam_ask.so", "-shared")
    world.stack("sshd-hostile", f"auth required {module} {TEXT}",
                "account required pam_permit.so")
    # Where agents log in: the real one, on the port of sshd.
    sshd = world.sshd()


def challenge(htu):
    return f"[FirstOps DPoP htu={htu} nonce={NONCE}] {HUMAN}"


def ask(text, destination="deploy@other", port=22, *argv, **more):
    """Let the hostile server ask this; what it was answered, or None."""
    world.write(TEXT, text)
    ANSWER.unlink(missing_ok=True)
    address = "127.0.0.1" if "bastion" in destination else "127.0.0.2"
    with world.sshd(service="sshd-hostile", port=port, address=address):
        done = world.ssh(destination, "true", *argv, port=port,
                         **{**world.ASKPASS, **more})
    assert done.code == 255, done
    return ANSWER.read_text() if ANSWER.exists() else None, done


def signs_none(text, *argv, **more):
    answer, done = ask(text, *argv, **more)
    assert not answer, f"signed for {text}: {answer}"
    assert "fo-askpass: " in done.err, done
    assert "eyJ" not in done.text, done
    return done


def test_the_servers_own_challenge_is_signed():
    answer, done = ask(challenge("pam://other/sshd/deploy"))
    assert answer and answer.startswith("eyJ"), done


def test_the_challenge_of_another_host_is_not_signed():
    signs_none(challenge("pam://bastion/sshd/deploy"))


def test_text_that_imitates_the_prefix_of_another_host_is_not_believed():
    signs_none("(deploy@bastion) " + challenge("pam://bastion/sshd/deploy"))


def test_an_imitated_prefix_on_a_line_of_its_own_is_not_believed():
    signs_none("\n(deploy@bastion) " + challenge("pam://bastion/sshd/deploy"))
    signs_none("\r(deploy@bastion) " + challenge("pam://bastion/sshd/deploy"))


def test_of_two_markers_none_is_signed():
    ours, theirs = (challenge("pam://other/sshd/deploy"),
                    challenge("pam://bastion/sshd/deploy"))
    signs_none(ours + theirs)
    signs_none(theirs + ours)
    signs_none(ours.replace(HUMAN, "") + theirs)


def test_words_after_the_challenge_spoil_it():
    signs_none(challenge("pam://other/sshd/deploy") + "and more")


def test_another_account_than_the_one_asked_for_is_not_signed():
    signs_none(challenge("pam://other/sshd/root"))


def test_our_own_hosts_su_challenge_from_another_port_is_not_signed():
    for service in ("su", "su-l", "sudo", "sudo-i", "login"):
        signs_none(challenge(f"pam://bastion/{service}/deploy"),
                   "deploy@bastion", 2222)


def test_our_own_hosts_sshd_challenge_from_another_port_is_not_signed():
    done = signs_none(challenge("pam://bastion/sshd/deploy"),
                      "deploy@bastion", 2222)
    assert "fo target add" in done.err, done


def test_the_command_that_a_refusal_prints_is_one_that_works():
    mark = log.mark()
    with world.sshd(port=2223):
        done = world.ssh("deploy@bastion", "true", port=2223,
                         **world.ASKPASS)
        assert done.code == 255, done
        command = re.search(r"fo target add .* && fo ssh .*", done.err)
        assert command, done
        mended = world.run("sh", "-c", command[0] + " id -un", user="build")
    assert mended.code == 0 and mended.out.endswith("\ndeploy\n"), \
        (mended, log.tail(mark))


def test_a_challenge_that_was_relayed_within_fo_ssh_is_not_signed():
    world.write(TEXT, challenge("pam://bastion/sshd/deploy"))
    ANSWER.unlink(missing_ok=True)
    with world.sshd(service="sshd-hostile", address="127.0.0.2"):
        done = world.fo_ssh("deploy@other", "true")
    assert done.code == 255, done
    assert not ANSWER.exists() or not ANSWER.read_text(), done


def test_fo_ssh_checks_the_key_of_localhost_whatever_ssh_config_says():
    """Any account may listen on the port of the server that was meant."""
    config = world.write("/home/build/trusting",
                         "NoHostAuthenticationForLocalhost yes\n", 0o644)
    key = "/etc/ssh/other_key"
    world.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    world.must("fo", "target", "add", "127.0.0.1:2224", "--host", "bastion",
               user="build")
    world.write(TEXT, challenge("pam://bastion/sshd/deploy"))
    ANSWER.unlink(missing_ok=True)
    mine = world.HOST_KEY
    try:
        world.HOST_KEY = pathlib.Path(key)
        with world.sshd(service="sshd-hostile", port=2224):
            done = world.fo_ssh("deploy@127.0.0.1", "-p", "2224", "-F",
                                config, "true")
    finally:
        world.HOST_KEY = mine
    assert done.code == 255, done
    assert "Host key verification failed" in done.err, done
    assert not ANSWER.exists(), ANSWER.read_text()


def test_fo_ssh_does_not_go_in_by_the_connection_of_another_key():
    world.Agent("other-bot", key=pathlib.Path("/home/build/other.pem"))
    world.write("/home/build/sharing", "ControlPath /home/build/shared\n"
                "ControlMaster auto\nControlPersist 60\n")
    way = ("deploy@bastion", "-F", "/home/build/sharing")
    mark = log.mark()
    names = [world.fo_ssh(*key, *way, "env").out for key in
             ((), ("--key", "/home/build/other.pem"))]
    world.run("ssh", *way[1:], "-O", "exit", way[0], user="build")
    assert "FIRSTOPS_NAME=build-bot\n" in names[0], (names, log.tail(mark))
    assert "FIRSTOPS_NAME=other-bot\n" in names[1], (names, log.tail(mark))
    for name in ("build-bot", "other-bot"):
        log.one(mark, ev="session_close", name=name)


def test_a_real_challenge_of_bastion_relayed_by_other_admits_nobody():
    """The whole of it: the server at other connects to bastion itself."""
    mark = log.mark()
    asked = world.ssh("deploy@bastion", "true", **world.askpass_saying("no"))
    assert asked.code == 255, asked
    signs_none(challenge("pam://bastion/sshd/deploy"))
    assert not log.events(mark, res="permit"), log.tail(mark)


# ---- prompts of others ------------------------------------------------------

def test_an_unknown_host_key_ends_in_a_refusal_and_no_loop():
    done = world.run("ssh", "-oGlobalKnownHostsFile=/dev/null",
                     "-oStrictHostKeyChecking=ask", "deploy@bastion", "true",
                     user="build", timeout=20, **world.ASKPASS)
    assert done.code == 255, done
    assert "Host key verification failed" in done.err, done
    assert not os.path.exists("/home/build/.ssh/known_hosts"), done


def askpass(prompt, user="build", **more):
    return world.run("fo-askpass", prompt, user=user, **more)


def refuses(done):
    assert done.code == 1, done
    assert done.out == "", done
    assert done.err.startswith("fo-askpass: "), done


def test_prompts_of_other_programs_are_answered_by_exit_code_1():
    for prompt in (
            "Username for 'https://git.example.com': ",
            "Password for 'https://deploy@git.example.com': ",
            "deploy@bastion's password: ", "Password: ",
            "(deploy@bastion) Password: ",
            "Enter passphrase for key '/home/build/.ssh/id_rsa': ",
            "The authenticity of host 'bastion (127.0.0.1)' can't be "
            "established.\nAre you sure you want to continue connecting "
            "(yes/no/[fingerprint])? "):
        refuses(askpass(prompt))


class AsksForAPassword(http.server.BaseHTTPRequestHandler):
    """A web server that wants Basic authentication, with our challenge as
    its realm."""

    heard = []

    def do_GET(self):
        self.heard.append(self.headers.get("Authorization"))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="'
                         + challenge("pam://bastion/sudo/build") + '"')
        self.end_headers()

    def log_message(self, *_):
        pass


def test_git_asking_for_a_name_and_a_password_gets_neither():
    server = http.server.HTTPServer(("127.0.0.1", 0), AsksForAPassword)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = world.run("git", "-c", "credential.helper=", "ls-remote",
                     f"http://127.0.0.1:{server.server_port}/x.git",
                     user="build", GIT_TERMINAL_PROMPT="0",
                     GIT_ASKPASS="/usr/bin/fo-askpass")
    server.shutdown()
    assert done.code != 0 and "fo-askpass: " in done.err, done
    assert "eyJ" not in done.text, done
    assert AsksForAPassword.heard, done
    assert not any(AsksForAPassword.heard), AsksForAPassword.heard


def test_a_challenge_of_sudo_is_not_signed_for_a_program_of_that_name():
    world.write("/home/deploy/bin/sudo", "#!/bin/sh\nfo-askpass \"$1\"\n"
                "exit $?\n", 0o755)
    refuses(world.run("/home/deploy/bin/sudo",
                      challenge("pam://bastion/sudo/deploy"), user="deploy"))


def test_a_challenge_of_sudo_is_not_signed_for_a_shell_of_root():
    refuses(askpass(challenge("pam://bastion/sudo/deploy"), user="root",
                    FO_PRIVATE_KEY_PATH="/home/deploy/.config/firstops"
                    "/key.pem"))


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
