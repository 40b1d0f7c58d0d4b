#!/usr/bin/python3
"""A clock that jumps by a day, forward or back, at any moment of a login: no
proof passes twice, nobody is locked out for good, and events say the time
that the clock said.

The clock is moved for the service alone, and for the agent where it follows;
the machine's own stays as it is.
"""

import calendar
import contextlib
import pathlib
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import service  # noqa: E402
import world  # noqa: E402
from service import PAM_AUTH_ERR  # noqa: E402
from world import RUN, must  # noqa: E402

DAY = 86400
ONCE = "once"  # a service whose proofs need no nonce: any can be offered twice
MIXED = "mixed"  # of agents and people, as we ship it
FOLDER = RUN / "replay/0"
ASIDE = pathlib.Path("/root/replay")


class Clock:
    """A clock that tests set: seconds ahead of the machine's."""

    def __init__(self, name):
        self.path = world.write(f"/tmp/clock-{name}", "0")

    def set(self, ahead):
        new = world.write(f"{self.path}.new", str(ahead))
        new.rename(self.path)

    @property
    def ahead(self):
        return int(self.path.read_text())

    @property
    def env(self):
        return {"LD_PRELOAD": service.BUILT / "clock.so",
                "TEST_CLOCK": self.path}


def prepare():
    global bot, host, agents
    service.prepare()
    world.stack(ONCE, *world.OURS)
    world.stack(MIXED,
                "auth [success=done cred_insufficient=ignore default=die]"
                " pam_firstops.so",
                "auth required pam_unix.so try_first_pass",
                "account required pam_firstops.so",
                "account required pam_permit.so",
                "session required pam_firstops.so",
                "session required pam_permit.so")
    service.configure(**{ONCE: "{nonce: auto, ask: all}",
                         MIXED: "{nonce: always, ask: all}"})
    host, agents = Clock("host"), Clock("agents")
    bot = world.Agent("build-bot")
    world.settle(bot)


def sign(htu, nonce=None):
    """A proof by the agent's clock."""
    more = ["--nonce", nonce] if nonce else []
    return must("fo", "proof", "sign", "--key", bot.key, "--htu", htu, *more,
                user=bot.user, **agents.env).strip()


def honest(prompt):
    found = re.fullmatch(world.CHALLENGE, prompt)
    return sign(found["htu"], found["nonce"])


def both(ahead):
    host.set(ahead)
    agents.set(ahead)


def login(answer=honest, name=service.NAME, **more):
    return service.login(bot, service=name, answer=answer,
                         env=world.environment("root", **host.env), **more)


def offer(proof):
    """One proof, to the service that asks for no nonce."""
    return login(lambda prompt: proof, ONCE)


def one_proof():
    return sign(f"pam://bastion/{ONCE}/deploy")


def at(event):
    """The time of an event, in seconds ahead of the machine's clock."""
    then = calendar.timegm(time.strptime(event["t"][:19],
                                         "%Y-%m-%dT%H:%M:%S"))
    return then - time.time()


@contextlib.contextmanager
def right_clocks_again():
    """Whatever the test does to clocks and folder, the next finds them as
    they were."""
    must("cp", "-a", FOLDER, ASIDE)
    try:
        yield
    finally:
        both(0)
        shutil.rmtree(FOLDER)
        must("mv", ASIDE, FOLDER)


def people_log_in():
    """alice, with her password, whatever the clock says."""
    done = login(lambda prompt: world.PASSWORD, MIXED, user="alice",
                 judged=False)
    assert set(done.answers.values()) == {0} and len(done.answers) == 5, done
    assert not done.events, done


# ---- a clock that is wrong --------------------------------------------------

def test_events_say_what_the_clock_said():
    for ahead in (0, DAY, -DAY):
        with right_clocks_again():
            both(ahead)
            done = login().permitted()
            for event in done.events:
                assert abs(at(event) - ahead) < 5, (ahead, event)


def test_a_clock_that_is_wrong_for_everybody_locks_nobody_out():
    for ahead in (DAY, -DAY):
        with right_clocks_again():
            both(ahead)
            login().permitted()
            people_log_in()


def test_a_host_that_is_ahead_or_behind_alone_refuses_and_says_by_how_much():
    with right_clocks_again():
        for ahead, why, text in ((DAY, "stale", "old"),
                                 (-DAY, "future", "ahead")):
            host.set(ahead)
            done = login().refused(PAM_AUTH_ERR, why)
            found = re.search(r"(\d{5}) s", done.event()["msg"])
            assert found and text in done.event()["msg"], done
            assert abs(int(found[1]) - DAY) < 70, done
            people_log_in()
            host.set(0)
            login().permitted()


# ---- between challenge and answer -------------------------------------------

def moving(ahead, follow):
    """Answers, but only after the host's clock has jumped."""
    def answer(prompt):
        host.set(ahead)
        agents.set(ahead if follow else 0)
        return honest(prompt)
    return answer


def test_a_jump_between_challenge_and_answer_is_judged_by_the_clock_after_it():
    for ahead, why in ((DAY, "stale"), (-DAY, "future")):
        with right_clocks_again():
            done = login(moving(ahead, False)).refused(PAM_AUTH_ERR, why)
            assert abs(at(done.event()) - ahead) < 5, done
        with right_clocks_again():
            # the nonce is of this conversation, whatever the time
            login(moving(ahead, True)).permitted()


def test_a_proof_from_before_the_jump_is_too_old_or_too_early():
    for ahead, why in ((DAY, "stale"), (-DAY, "future")):
        def answer(prompt):
            proof = honest(prompt)
            host.set(ahead)
            return proof
        with right_clocks_again():
            login(answer).refused(PAM_AUTH_ERR, why)


# ---- between two uses of one proof ------------------------------------------

def test_no_jump_lets_a_proof_pass_twice():
    for ahead, why in ((DAY, "stale"), (-DAY, "future")):
        with right_clocks_again():
            proof = one_proof()
            offer(proof).permitted()
            offer(proof).refused(PAM_AUTH_ERR, "replay")
            host.set(ahead)
            offer(proof).refused(PAM_AUTH_ERR, why)
            host.set(0)
            offer(proof).refused(PAM_AUTH_ERR, "replay")


def test_a_proof_spent_while_the_clock_was_wrong_stays_spent():
    """A clock that was ahead has swept the present minute: 61 s later it is
    over. One that was behind has its own minute swept by the present."""
    for ahead, why, again in ((DAY, "future", "replay"),
                              (-DAY, "stale", "stale")):
        with right_clocks_again():
            both(ahead)
            proof = one_proof()
            offer(proof).permitted()
            both(61)
            offer(proof).refused(PAM_AUTH_ERR, why)
            offer(one_proof()).permitted()
            both(ahead)
            offer(proof).refused(PAM_AUTH_ERR, again)


def test_a_proof_that_was_swept_by_a_clock_ahead_is_refused_after_it():
    with right_clocks_again():
        proof = one_proof()
        offer(proof).permitted()
        both(DAY)
        offer(one_proof()).permitted()  # and sweeps what is a day old
        assert (FOLDER / "floor").exists()
        both(0)
        done = offer(proof).refused(PAM_AUTH_ERR, "stale")
        assert "swept already: the clock was ahead" in done.event()["msg"]
        both(61)  # a minute later
        offer(one_proof()).permitted()
        login().permitted()


def doctor():
    """What fo doctor says of root's folder of used proofs."""
    done = world.run("fo", "doctor")
    return [line for line in done.out.splitlines()
            if f"{FOLDER} for root" in line]


def test_agents_that_a_clock_ahead_has_locked_out_are_seen_by_the_doctor():
    """Proofs of two times that were ahead, and the first of them swept."""
    with right_clocks_again():
        for ahead in (DAY, DAY + 600):
            both(ahead)
            login().permitted()
        both(0)
        login().refused(PAM_AUTH_ERR, "stale")
        people_log_in()
        line, = doctor()
        assert line.startswith("fail") and "clock was ahead" in line, line
        must("mv", FOLDER, "/root/ahead")
        service.permitted_soon(login).permitted()
        line, = doctor()
        assert line.startswith("ok"), line
        must("rm", "-r", "/root/ahead")


# ---- between the birth of the folder and its use ----------------------------

def born_at(ahead):
    """Root's folder, made by a login of that time."""
    shutil.rmtree(FOLDER)
    both(ahead)
    login().refused(PAM_AUTH_ERR, "replay_newborn")
    service.permitted_soon(login)


def test_a_folder_born_at_a_wrong_time_serves_the_right_one():
    for ahead in (DAY, -DAY):
        with right_clocks_again():
            born_at(ahead)
            both(0)
            login().permitted()
            people_log_in()


def test_a_folder_that_was_lost_forgets_no_proof_whatever_the_clock_does():
    for ahead, why in ((DAY, "stale"), (-DAY, "future")):
        with right_clocks_again():
            proof = one_proof()
            offer(proof).permitted()
            shutil.rmtree(FOLDER)
            host.set(ahead)
            offer(proof).refused(PAM_AUTH_ERR, why)
            both(0)
            offer(proof).refused(PAM_AUTH_ERR, "replay_newborn")
            service.permitted_soon(login)
            offer(proof).refused(PAM_AUTH_ERR, "replay_newborn")


# ---- real sshd --------------------------------------------------------------

def ssh(answer):
    mark = world.log.mark()
    done = world.on_terminal(
        "ssh", "-oPreferredAuthentications=keyboard-interactive",
        "-oNumberOfPasswordPrompts=1", "deploy@bastion", "id -un",
        user="build", answers=[(world.CHALLENGE, answer)])
    return done, world.log.one(mark, ev="auth")


def sshd():
    words = [f"-oHostKey={world.HOST_KEY}", "-oListenAddress=127.0.0.1",
             "-oPidFile=none"]
    return world.Daemon("/usr/sbin/sshd", "-D", "-e", *words,
                        ready="Server listening on", **host.env)


def test_a_real_sshd_whose_clock_jumps_while_the_agent_signs():
    for ahead, why in ((DAY, "stale"), (-DAY, "future")):
        with right_clocks_again(), sshd():
            done, event = ssh(lambda match: moving(ahead, False)(match[0]))
            assert done.code == 255 and event["why"] == why, (done, event)
        with right_clocks_again(), sshd():
            done, event = ssh(lambda match: moving(ahead, True)(match[0]))
            assert event["why"] == "ok", (done, event)
            assert abs(at(event) - ahead) < 5, event
            assert done.out.endswith("deploy\n"), done


def test_every_event_has_its_27_keys_in_order_and_at_most_1000_bytes():
    world.log.check()


if __name__ == "__main__":
    world.main(prepare)
