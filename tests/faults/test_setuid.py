#!/usr/bin/python3
"""Whoever starts a setuid-root service chooses its environment: no variable
changes a verdict or an event, and no file named by one is opened."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import sys
import time

from jwcrypto import jwk, jws

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import service  # noqa: E402
import world  # noqa: E402
from service import DEEP, login  # noqa: E402

LURE = pathlib.Path("/tmp/lure")
SETUID = pathlib.Path("/usr/local/lib/firstops-tests/service")
NOBODY = 65534

OPENSSL_CONF = f"""\
openssl_conf = init
[init]
engines = engines
alg_section = algorithms
[engines]
liar = liar
[liar]
dynamic_path = {service.BUILT}/engine.so
default_algorithms = ALL
init = 1
[algorithms]
default_properties = fips=yes
"""

HOSTILE = {
    "OPENSSL_CONF": f"{LURE}/openssl.cnf",
    "OPENSSL_CONF_INCLUDE": f"{LURE}/include",
    "OPENSSL_MODULES": f"{LURE}/modules",
    "OPENSSL_ENGINES": f"{LURE}/engines",
    "OPENSSL_ia32cap": "0",
    "SSL_CERT_FILE": f"{LURE}/cert.pem",
    "SSL_CERT_DIR": f"{LURE}/certs",
    "CTLOG_FILE": f"{LURE}/ctlog",
    "RANDFILE": f"{LURE}/rand",
    "TMPDIR": f"{LURE}/tmp",
    "HOME": f"{LURE}/home",
    "XDG_CONFIG_HOME": f"{LURE}/config",
    "XDG_RUNTIME_DIR": f"{LURE}/run",
    "TZ": f":{LURE}/zone",
    "TZDIR": f"{LURE}/zones",
    "LC_ALL": f"{LURE}/locale",
    "LANG": "tr_TR.UTF-8",
    "LANGUAGE": "tr:de",
    "LOCPATH": f"{LURE}/locales",
    "NLSPATH": f"{LURE}/%N.cat",
    "GCONV_PATH": f"{LURE}/gconv",
    "MALLOC_TRACE": f"{LURE}/malloc",
    "MALLOC_PERTURB_": "165",
    "MALLOC_CHECK_": "3",
    "GLIBC_TUNABLES": "glibc.malloc.perturb=165",
    "LD_PRELOAD": f"{LURE}/preload.so",
    "LD_LIBRARY_PATH": f"{LURE}/lib",
    "PATH": f"{LURE}/bin",
    "FO_PRIVATE_KEY_PATH": f"{LURE}/key.pem",
    "FO_CONFIG": f"{LURE}/firstops.yaml",
    "FIRSTOPS_CONFIG": f"{LURE}/firstops.yaml",
    "FIRSTOPS_STORE": f"{LURE}/store",
    "FIRSTOPS_ID": "fo_agent_00000000-0000-4000-8000-000000000000",
    "FIRSTOPS_NAME": "somebody-else",
    "FIRSTOPS_OWNER": "somebody-else",
    "FIRSTOPS_SID": "AAAAAAAAAAAAAAAAAAAAAA",
    "FIRSTOPS_PENDING": "AAAAAAAAAAAAAAAAAAAAAA",
    "PAM_USER": "root",
    "NOTIFY_SOCKET": f"{LURE}/notify",
}

ZONES = ("", ":", "UTC", "Pacific/Kiritimati", "Europe/Dublin", "XYZ-24:59:59",
         "<+1400>-14", "../../../tmp/lure/zone", f"{LURE}/zone", "A" * 4000)
# German has a comma where C has a point, Turkish a small I without its dot,
# and here they are had; the others are not.
REAL = ("de_DE.UTF-8", "tr_TR.UTF-8")
LOCALES = ("C", "POSIX", "C.UTF-8", *REAL, "ja_JP.EUC-JP",
           "../../tmp/lure/locale", "A" * 4000)


def prepare():
    global bot
    service.prepare()
    service.locales(*REAL)
    bot = world.Agent("build-bot")
    world.settle(bot)
    SETUID.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(service.PROGRAM, SETUID)
    SETUID.chmod(0o4755)
    for value in HOSTILE.values():
        lure(value.removeprefix(":"))
    world.write(LURE / "openssl.cnf", OPENSSL_CONF)


def lure(path):
    """Something to open at that path, for everybody."""
    if not path.startswith(f"{LURE}/"):
        return
    if pathlib.Path(path).suffix or path.endswith("zone"):
        world.write(path, "lure\n")
    else:
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)


def by_nobody(answer, env):
    return login(bot, answer=answer, env=env, program=(SETUID,),
                 user_id=NOBODY)


def without_what_differs(text):
    """Events, but for time, session, process and the proof itself."""
    text = re.sub(r"pam_firstops\[\d+\]", "pam_firstops[PID]", text)
    text = re.sub(r'"(t|sid|proof)":"[^"]*"', r'"\1":"-"', text)
    return re.sub(r'"pid":\d+', '"pid":0', text)


def outcome(done):
    told = [re.sub(r"ref [\w-]{8}", "ref", text) for text in done.told]
    return done.answers, told, without_what_differs(done.log_text)


ANSWERS = {
    "right": lambda: service.honest(bot),
    "forged": lambda: service.forged(bot),
    "for another service": lambda: service.honest_elsewhere(bot),
    "no proof": lambda: (lambda prompt: world.PASSWORD),
}


def check_same(env):
    """The same outcomes with and without these variables."""
    for name, make in ANSWERS.items():
        plain = by_nobody(make(), {})
        hostile = by_nobody(make(), env)
        assert outcome(plain) == outcome(hostile), \
            f"{name}: {plain}\n{hostile}"
        assert (plain.auth == 0) == (name == "right"), plain


def test_a_setuid_service_is_started_by_nobody_and_is_root_to_the_module():
    done = by_nobody(service.honest(bot), {}).permitted()
    assert "(uid 0)" in done.log_text, done
    assert done.event()["user"] == "deploy", done


def test_all_hostile_variables_at_once_change_no_verdict_and_no_event():
    check_same(HOSTILE)


def test_no_variable_alone_changes_a_verdict_or_an_event():
    if not DEEP:
        expect = outcome(by_nobody(service.honest(bot), {}))
        for name, value in HOSTILE.items():
            done = by_nobody(service.honest(bot), {name: value})
            assert outcome(done) == expect, f"{name}: {done}"
        return
    for name, value in HOSTILE.items():
        check_same({name: value})


def test_odd_time_zones_and_locales_change_nothing():
    expect = outcome(by_nobody(service.honest(bot), {}))
    for env in ([{"TZ": zone} for zone in ZONES]
                + [{"LC_ALL": locale} for locale in LOCALES]):
        done = by_nobody(service.honest(bot), env)
        assert outcome(done) == expect, f"{env}: {done}"


def test_no_file_named_by_a_variable_is_opened_or_looked_at():
    for name, make in ANSWERS.items():
        trace = "/tmp/setuid.trace"
        done = login(bot, answer=make(), env=HOSTILE, program=(
            shutil.which("strace"), "-f", "-u", "nobody", "-o", trace,
            "-e", "trace=%file,connect,socket", SETUID))
        assert (done.auth == 0) == (name == "right"), done
        text = pathlib.Path(trace).read_text()
        assert "firstops.yaml" in text
        found = [call for call in text.splitlines() if f'"{LURE}' in call]
        assert not found, found


def test_a_service_of_roots_own_with_these_variables_judges_the_same():
    """Its own libraries may obey them; the verdict does not."""
    env = {name: value for name, value in HOSTILE.items()
           if not name.startswith("LD_")}
    login(bot, env=env).permitted()
    login(bot, env=env, answer=service.forged(bot)).refused(
        7, "bad_signature")


# ---- another language -------------------------------------------------------

def check_language(done, name):
    """The service speaks it, and the login has left it alone."""
    states = [re.search(r"locale (\S+) point (\S+)$", text).groups()
              for text in done.states]
    assert states == [(name, ",")] * 2, done.states


def test_a_setuid_service_in_another_language_judges_and_tells_the_same():
    for name in REAL:
        done = by_nobody(service.honest(bot), {"LC_ALL": name}).permitted()
        check_language(done, name)
        check_same({"LC_ALL": name})


def dated(htu, nonce, iat):
    """A proof of the agent's with this text as its iat."""
    key = jwk.JWK.from_pem(bot.key.read_bytes())
    token = jws.JWS(f'{{"jti":"{os.urandom(12).hex()}","htm":"PAM",'
                    f'"htu":"{htu}","iat":{iat},"nonce":"{nonce}"}}')
    token.add_signature(key, None, json.dumps({
        "typ": "dpop+jwt", "alg": "ES256",
        "jwk": key.export_public(as_dict=True)}))
    return token.serialize(compact=True)


@contextlib.contextmanager
def old_folder():
    """Used proofs are known of for ten minutes."""
    birth = world.RUN / "replay/0/birth"
    text = birth.read_text()
    boot, since = text.split()
    birth.write_text(f"{boot} {max(int(since) - 600000, 1)}\n")
    try:
        yield
    finally:
        birth.write_text(text)


def test_fractions_of_a_second_are_read_where_the_point_is_a_comma():
    """Without its fraction the last of these would not be refused."""
    now = int(time.time())
    clock = world.write("/tmp/clock", f"@{now}")
    cases = ((f"{now - 61}.5", 7, "stale"), (f"{now - 60}.5", 0, "ok"),
             (f"{now - 1}.5", 0, "ok"), (f"{now}.5", 7, "future"))
    for name in REAL:
        env = {"LC_ALL": name, "TEST_CLOCK": clock,
               "LD_PRELOAD": service.BUILT / "clock.so"}
        for iat, code, why in cases:
            def answer(prompt):
                found = re.fullmatch(world.CHALLENGE, prompt)
                return dated(found["htu"], found["nonce"], iat)
            with old_folder():
                done = login(bot, answer=answer, env=env)
            assert (done.auth, done.event()["why"]) == (code, why), \
                f"{iat} at {now}: {done}"
            check_language(done, name)


# ---- a service of others ----------------------------------------------------

def by_su(answer, **env):
    mark = world.log.mark()
    done = world.on_terminal("su", "deploy", "-c", "id -un", user="build",
                             answers=[(world.CHALLENGE, answer)], **env)
    world.log.settle()
    return done, mark


def forged_for_su(match):
    return service.forged(bot)(match[0])


def test_a_real_su_with_these_variables_says_the_same():
    env = {**HOSTILE, "PATH": os.environ["PATH"]}
    for answer, code in ((bot.answer, 0), (forged_for_su, 1)):
        events = []
        for more in ({}, env):
            done, mark = by_su(answer, **more)
            assert done.code == code, done
            event = world.log.one(mark, ev="auth")
            events.append({key: value for key, value in event.items()
                           if key not in ("t", "sid", "pid", "proof", "tty")})
        assert events[0] == events[1], events


if __name__ == "__main__":
    world.main(prepare)
