#!/usr/bin/python3
"""A host whose OpenSSL is broken, restricted or lies: a right proof stays
right, and a forged one forged."""

import contextlib
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import service  # noqa: E402
import world  # noqa: E402
from service import PAM_AUTH_ERR, login  # noqa: E402

SSL = pathlib.Path("/etc/ssl")
CONF = SSL / "openssl.cnf"
ASIDE = pathlib.Path("/root/ssl")
ENGINE = service.BUILT / "engine.so"

SYNTAX_ERROR = "openssl_conf = init\n[init\nengines == ]]\n\0\n"
MISSING_MODULE = """\
openssl_conf = init
[init]
providers = providers
engines = engines
[providers]
none = none
[none]
module = /nonexistent.so
activate = 1
[engines]
none = none_engine
[none_engine]
dynamic_path = /nonexistent.so
default_algorithms = ALL
init = 1
"""
LYING_ENGINE = f"""\
openssl_conf = init
[init]
engines = engines
[engines]
liar = liar
[liar]
dynamic_path = {ENGINE}
default_algorithms = ALL
init = 1
"""
SIGNATURES_ONLY = LYING_ENGINE.replace("ALL", "EC,PKEY,PKEY_CRYPTO")
FIPS = """\
openssl_conf = init
[init]
alg_section = algorithms
[algorithms]
default_properties = fips=yes
"""
NO_PROVIDER = """\
openssl_conf = init
[init]
providers = providers
[providers]
null = null
[null]
activate = 1
"""

CONFIGURATIONS = {"a syntax error": SYNTAX_ERROR,
                  "a missing module": MISSING_MODULE,
                  "an engine that lies": LYING_ENGINE,
                  "fips without its provider": FIPS,
                  "no provider": NO_PROVIDER}


def prepare():
    global bot
    service.prepare()
    bot = world.Agent("build-bot")
    world.settle(bot)


@contextlib.contextmanager
def openssl(text):
    """The machine's configuration of OpenSSL; None: there is no /etc/ssl.
    What the agent signs with reads none."""
    world.must("cp", "-a", SSL, ASIDE)
    try:
        if text is None:
            shutil.rmtree(SSL)
        else:
            world.write(CONF, text)
        yield
    finally:
        shutil.rmtree(SSL, ignore_errors=True)
        world.must("mv", ASIDE, SSL)


def check_verdicts(*faults):
    """What is right is permitted, what is not is refused for what it is."""
    login(bot, *faults).permitted()
    login(bot, *faults, answer=service.forged(bot)).refused(
        PAM_AUTH_ERR, "bad_signature")
    login(bot, *faults, answer=service.honest_elsewhere(bot)).refused(
        PAM_AUTH_ERR, "wrong_htu")
    login(bot, *faults, answer=service.of_a_stranger()).refused(
        PAM_AUTH_ERR, "unknown_key")


def test_the_configurations_are_in_force_where_a_program_asks_for_one():
    """Or the tests below would show nothing."""
    for text, right in ((None, True), (LYING_ENGINE, False), (FIPS, False),
                        (NO_PROVIDER, False)):
        with openssl(text):
            done = world.run("openssl", "dgst", "-sha256", input="abc")
        assert ("ba7816bf" in done.out) == right, done


def test_the_engine_lies_to_a_service_that_asks_it():
    login(bot, f"engine={ENGINE}", "lies").permitted()
    with openssl(LYING_ENGINE):
        login(bot, "configuration", "lies").permitted()
    assert login(bot, "lies", judged=False).problem


def test_the_verdict_is_right_under_every_configuration():
    for text in (*CONFIGURATIONS.values(), None):
        with openssl(text):
            login(bot).permitted()
            check_verdicts("configuration")


def test_the_verdict_is_right_where_the_service_itself_loaded_the_engine():
    check_verdicts(f"engine={ENGINE}")


def test_the_verdict_is_right_where_the_service_itself_asked_for_fips():
    check_verdicts("properties=fips=yes")
    check_verdicts(f"engine={ENGINE}", "properties=fips=yes")


# ---- real services ----------------------------------------------------------

def forged(match):
    return service.forged(bot)(match[0])


def ssh(answer):
    mark = world.log.mark()
    done = world.on_terminal(
        "ssh", "-oPreferredAuthentications=keyboard-interactive",
        "-oNumberOfPasswordPrompts=1", "deploy@bastion", "id -un",
        user="build", answers=[(world.CHALLENGE, answer)],
        OPENSSL_CONF="/dev/null")
    return done, world.log.one(mark, ev="auth")


def test_a_real_sshd_whose_openssl_has_the_engine_judges_right():
    """For signatures: without right digests no client gets this far."""
    with openssl(SIGNATURES_ONLY), world.sshd():
        done, event = ssh(bot.answer)
        assert done.out.endswith("deploy\n"), done
        assert event["why"] == "ok", event
        done, event = ssh(forged)
        assert done.code == 255, done
        assert event["why"] == "bad_signature", event


def test_a_real_su_under_every_configuration_judges_right():
    for text in CONFIGURATIONS.values():
        with openssl(text):
            for answer, why in ((bot.answer, "ok"),
                                (forged, "bad_signature")):
                mark = world.log.mark()
                done = world.on_terminal(
                    "su", "deploy", "-c", "id -un", user="build",
                    answers=[(world.CHALLENGE, answer)])
                assert (done.code == 0) == (why == "ok"), done
                assert world.log.one(mark, ev="auth")["why"] == why


if __name__ == "__main__":
    world.main(prepare)
