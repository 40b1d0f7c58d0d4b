#!/usr/bin/python3
"""Agents log in to a real sshd, and people still do."""

import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "support"))
import services  # noqa: E402
import world  # noqa: E402
from world import CHALLENGE, log  # noqa: E402

SERVICE = {"name": "sshd", "program": "sshd, keyboard-interactive",
           "longest": 1023, "beyond": "cut",
           "phases": ["auth", "setcred", "account", "session"],
           "user": "root"}
HTU = "pam://bastion/sshd/deploy"


def prepare():
    global bot
    bot = world.Agent("build-bot")
    world.settle(bot)
    world.must("mkdir", "-m", "700", "/home/alice/.ssh", user="alice")
    world.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
               "/home/build/id_person", user="build")
    public = pathlib.Path("/home/build/id_person.pub").read_text()
    for user in ("alice", "deploy"):
        world.write(f"/home/{user}/.ssh/authorized_keys", public)
        world.must("chown", "-R", f"{user}:", f"/home/{user}/.ssh")
        world.must("chmod", "700", f"/home/{user}/.ssh")


def reference(done):
    """The reference in the one sentence that a refused client sees."""
    found = re.findall(r"FirstOps: access refused \(ref ([\w-]{8})\)\. "
                       r"Ask your administrator\.", done.text)
    assert len(found) == 1, done
    return found[0]


def permitted(mark, **more):
    event = log.one(mark, ev="auth", svc="sshd", user="deploy", **more)
    assert event["res"] == "permit" and event["why"] == "ok", event
    assert bot.is_in(event), event
    assert event["src"] == "127.0.0.1" and event["rc"] == 0, event
    assert event["pol"] == "everywhere/any-service", event
    return event


# ---- agents -----------------------------------------------------------------

def test_an_agent_logs_in_with_fo_ssh_by_answering_the_challenge():
    mark = log.mark()
    with world.sshd():
        done = world.fo_ssh("deploy@bastion", "id -un")
    assert done.code == 0 and done.out == "deploy\n", done
    event = permitted(mark)
    assert event["msg"].startswith(
        "agent build-bot of team-platform permitted to sshd as deploy "
        "from 127.0.0.1"), event


def test_fo_ssh_serves_another_port_once_its_target_is_known():
    world.must("fo", "target", "add", "bastion:2222", "--host",
               "bastion", user="build")
    mark = log.mark()
    with world.sshd(port=2222):
        done = world.fo_ssh("deploy@bastion", "-p", "2222", "id -un")
    assert done.code == 0 and done.out == "deploy\n", done
    permitted(mark)


def test_plain_ssh_and_fo_askpass_do_as_well_on_port_22():
    mark = log.mark()
    with world.sshd():
        done = world.ssh("deploy@bastion", "id -un", **world.ASKPASS)
    assert done.code == 0 and done.out == "deploy\n", done
    permitted(mark)


def test_the_session_knows_which_agent_it_is():
    mark = log.mark()
    with world.sshd():
        done = world.fo_ssh("deploy@bastion", "env")
    assert done.code == 0, done
    event = permitted(mark)
    env = dict(line.split("=", 1) for line in done.out.splitlines()
               if "=" in line)
    assert env["FIRSTOPS_ID"] == bot.id
    assert env["FIRSTOPS_NAME"] == "build-bot"
    assert env["FIRSTOPS_OWNER"] == "team-platform"
    assert env["FIRSTOPS_SID"] == event["sid"]
    assert "FIRSTOPS_PENDING" not in env


def test_a_proof_without_the_nonce_of_this_conversation_is_refused():
    mark = log.mark()
    with world.sshd():
        done = world.ssh("deploy@bastion", "id",
                         **world.askpass_saying(bot.sign(HTU)))
    assert done.code == 255, done
    event = log.one(mark, ev="auth", res="deny")
    assert event["why"] == "no_nonce" and event["rc"] == 7, event
    assert reference(done) == event["sid"][:8]


def test_a_nonce_of_another_conversation_is_refused():
    mark = log.mark()
    with world.sshd():
        done = world.ssh("deploy@bastion", "id", **world.askpass_saying(
            bot.sign(HTU, "AAAAAAAAAAAAAAAA")))
    assert done.code == 255, done
    event = log.one(mark, ev="auth", res="deny")
    assert event["why"] == "wrong_nonce", event
    assert reference(done) == event["sid"][:8]


def test_the_client_learns_a_reference_and_no_reason():
    stranger = "/home/build/stranger.pem"
    world.must("fo", "key", "generate", "--out", stranger, user="build")
    mark = log.mark()
    with world.sshd():
        done = world.fo_ssh("deploy@bastion", "id",
                            FO_PRIVATE_KEY_PATH=stranger)
    assert done.code == 255, done
    event = log.one(mark, ev="auth", res="deny")
    assert event["why"] == "unknown_key" and event["name"] == "-", event
    assert reference(done) == event["sid"][:8]
    for word in ("unknown", "key is", "registered", "policy", "replay"):
        assert word not in done.text.replace("known hosts", ""), done


def test_without_any_proof_a_reserved_account_stays_closed():
    mark = log.mark()
    with world.sshd():
        done = world.ssh("deploy@bastion", "id",
                         **world.askpass_saying("letmein"))
    assert done.code == 255, done
    event = log.one(mark, ev="auth", user="deploy")
    assert (event["res"], event["why"], event["rc"]) == \
        ("none", "no_proof", 8), event


# ---- the password method ----------------------------------------------------

def by_password(text, **more):
    return world.ssh("deploy@bastion", "id -un", method="password",
                     **world.askpass_saying(text), **more)


def test_the_password_method_carries_a_proof_where_nonce_is_auto():
    world.configure(sshd="{nonce: auto, ask: reserved}")
    mark = log.mark()
    with world.sshd(KbdInteractiveAuthentication="no"):
        done = by_password(bot.sign(HTU))
    world.configure()
    assert done.code == 0 and done.out == "deploy\n", done
    permitted(mark)


def test_the_password_method_is_refused_where_nonce_is_always():
    mark = log.mark()
    with world.sshd(KbdInteractiveAuthentication="no"):
        done = by_password(bot.sign(HTU))
    assert done.code == 255, done
    assert log.one(mark, ev="auth", res="deny")["why"] == "no_nonce"


def test_the_same_proof_offered_again_is_refused_as_a_replay():
    world.configure(sshd="{nonce: auto, ask: reserved}")
    proof = bot.sign(HTU)
    with world.sshd(KbdInteractiveAuthentication="no"):
        first = by_password(proof)
        mark = log.mark()
        second = by_password(proof)
    world.configure()
    assert first.code == 0 and second.code == 255, (first, second)
    event = log.one(mark, ev="auth")
    assert event["why"] == "replay" and event["res"] == "deny", event
    assert bot.is_in(event), event


def test_a_proof_for_another_host_is_refused():
    world.configure(sshd="{nonce: auto, ask: reserved}")
    mark = log.mark()
    with world.sshd(KbdInteractiveAuthentication="no"):
        done = by_password(bot.sign("pam://elsewhere/sshd/deploy"))
    world.configure()
    assert done.code == 255, done
    assert log.one(mark, ev="auth")["why"] == "wrong_htu"


def test_a_proof_for_another_service_of_this_host_is_refused():
    world.configure(sshd="{nonce: auto, ask: reserved}")
    mark = log.mark()
    with world.sshd(KbdInteractiveAuthentication="no"):
        done = by_password(bot.sign("pam://bastion/sudo/deploy"))
    world.configure()
    assert done.code == 255, done
    assert log.one(mark, ev="auth")["why"] == "wrong_htu"


# ---- attribution ------------------------------------------------------------

def attributed(mark):
    """auth, session_open and session_close say the same sid and agent."""
    auth = permitted(mark)
    for ev in ("session_open", "session_close"):
        event = log.one(mark, ev=ev)
        assert event["sid"] == auth["sid"], (auth, event)
        assert bot.is_in(event), event
        assert event["res"] == "permit" and event["why"] == "ok", event
        assert event["user"] == "deploy" and event["svc"] == "sshd", event
    return auth


def test_auth_and_session_name_the_same_agent_across_sshds_processes():
    mark = log.mark()
    with world.sshd():
        done = world.fo_ssh("deploy@bastion", "true")
        assert done.code == 0, done
        auth = attributed(mark)
    opened = log.one(mark, ev="session_open")
    assert opened["pid"] != auth["pid"], "sshd has not split its processes"


def test_a_hostile_pam_environment_changes_nothing_in_events():
    other = world.Agent("other-bot", user="alice")
    world.write("/home/deploy/.pam_environment", "".join(
        f"{name} OVERRIDE={value}\n" for name, value in (
            ("FIRSTOPS_ID", other.id), ("FIRSTOPS_NAME", "other-bot"),
            ("FIRSTOPS_OWNER", "nobody"),
            ("FIRSTOPS_SID", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("FIRSTOPS_PENDING", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("PROVES_THAT_IT_WAS_READ", "yes"))))
    lines = (world.SOURCE / "etc/pam.d/sshd").read_text().splitlines()
    first = next(i for i, line in enumerate(lines)
                 if line.startswith("session"))
    reads = "session required pam_env.so user_readenv=1"
    world.stack("sshd", *lines[:first], reads, *lines[first:], reads)
    try:
        mark = log.mark()
        with world.sshd():
            done = world.fo_ssh("deploy@bastion", "env")
            assert done.code == 0, done
            attributed(mark)
        assert "PROVES_THAT_IT_WAS_READ=yes" in done.out, done
    finally:
        world.shipped_stacks()
        os.unlink("/home/deploy/.pam_environment")


# ---- people -----------------------------------------------------------------

def person(method, prompt=r"alice@bastion's password: |Password: ", **more):
    """alice types her password to ssh on a terminal."""
    return world.on_terminal(
        "ssh", f"-oPreferredAuthentications={method}",
        "-oNumberOfPasswordPrompts=1", "alice@bastion", "id -un",
        user="build", answers=[(prompt, world.PASSWORD)], **more)


def person_got_in(done):
    assert done.code == 0 and done.out.endswith("alice\n"), done
    assert "FirstOps" not in done.text, done


def people_log_in():
    with world.sshd():
        person_got_in(person("keyboard-interactive"))
        person_got_in(person("password"))
        person_got_in(world.ssh("-i", "/home/build/id_person",
                                "alice@bastion", "id -un",
                                method="publickey"))


def test_a_person_logs_in_as_before_and_never_meets_our_prompt():
    mark = log.mark()
    people_log_in()
    assert not log.events(mark, user="alice"), log.tail(mark)


def test_a_wrong_password_stays_wrong():
    with world.sshd():
        done = world.on_terminal(
            "ssh", "-oPreferredAuthentications=keyboard-interactive",
            "-oNumberOfPasswordPrompts=1", "alice@bastion", "id",
            user="build", answers=[("Password: ", "wrong horse")])
    assert done.code == 255, done


def test_people_log_in_also_with_principals_and_policies_unreadable():
    with world.unreadable_store():
        people_log_in()
        with world.sshd():
            agent = world.fo_ssh("deploy@bastion", "id")
        assert agent.code == 255, agent


def test_where_all_are_asked_a_person_types_the_password_at_our_prompt():
    world.configure(sshd="{nonce: always, ask: all}")
    with world.sshd():
        done = person("keyboard-interactive", prompt=CHALLENGE)
        password = person("password")
    world.configure()
    assert done.code == 0 and done.out.endswith("alice\n"), done
    assert done.out.count("Password") == 1, done
    person_got_in(password)


def test_a_public_key_does_not_enter_a_reserved_account():
    mark = log.mark()
    with world.sshd():
        done = world.ssh("-i", "/home/build/id_person", "deploy@bastion",
                         "id", method="publickey")
    assert done.code == 255, done
    event = log.one(mark, ev="account", user="deploy")
    assert (event["res"], event["why"], event["rc"]) == \
        ("deny", "reserved", 6), event


# ---- the end of an agent ----------------------------------------------------

def test_a_revoked_agent_is_refused_at_its_next_login():
    leaver = world.Agent("leaver", key=pathlib.Path("/home/build/leaver.pem"))
    with world.sshd():
        before = world.fo_ssh("deploy@bastion", "id -un",
                              FO_PRIVATE_KEY_PATH=leaver.key)
        leaver.revoke()
        mark = log.mark()
        after = world.fo_ssh("deploy@bastion", "id -un",
                             FO_PRIVATE_KEY_PATH=leaver.key)
    assert before.code == 0, before
    assert after.code == 255, after
    event = log.one(mark, ev="auth")
    assert event["why"] == "revoked" and event["res"] == "deny", event
    assert leaver.is_in(event), event


# ---- what arrives -----------------------------------------------------------

def answer_all(answer):
    return world.ssh("deploy@bastion", "true", **world.askpass_saying(answer))


def test_an_answer_of_1023_bytes_arrives_whole_and_a_longer_one_cut():
    with world.sshd():
        services.carries(SERVICE, answer_all)


def test_pam_is_asked_for_all_phases():
    with world.sshd():
        services.phases(SERVICE, answer_all)


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    log.check()


if __name__ == "__main__":
    world.main(prepare)
