#!/usr/bin/python3
"""The Python package: its proofs hold before our verifier and before another
one, its auth classes sign each request and answer nonces, and what goes wrong
is an exception with the word of the audit log.
"""

import asyncio
import base64
import ctypes
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))
FO = BUILD.resolve() / "tools" / "fo" / "fo"
PACKAGE = TOP / "sdk" / "python"

sys.path[:0] = [str(TOP / "tests" / "support"), str(PACKAGE)]
import httpx  # noqa: E402
import requests  # noqa: E402
from jwcrypto import jwk, jws  # noqa: E402

import tap  # noqa: E402

# What the linker finds where the library is installed.
ctypes.CDLL(str(BUILD.resolve() / "sdk" / "libfirstops.so.1"))
import firstops  # noqa: E402
import firstops.errors  # noqa: E402
import firstops.httpx  # noqa: E402
import firstops.requests  # noqa: E402

TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
NONCE = "eyJ7S_zG.eyJH0-Z.HX4w-7v"
SECRET = "a passphrase"
# Only root can be without a network.
OFFLINE = ("unshare", "-n") if os.geteuid() == 0 else ()


def fo(*words, input="", code=0):
    done = subprocess.run([str(FO), *map(str, words)], input=input, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == code, done
    return done.stdout


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def check(proof, identity, method, url, nonce=None, token=None):
    """By our verifier, and by one of somebody else; its claims."""
    words = ["proof", "verify", "--htm", method, "--htu", url,
             "--jkt", identity.thumbprint]
    words += ["--nonce", nonce] if nonce else []
    words += ["--access-token", token] if token else []
    fo(*words, input=proof)
    header = decode(proof.split(".")[0])
    key = jwk.JWK(**header["jwk"])
    assert key.thumbprint() == identity.thumbprint
    read = jws.JWS()
    read.allowed_algs = ["ES256"]
    read.deserialize(proof, key)
    claims = json.loads(read.payload)
    assert (header["typ"], claims["htm"]) == ("dpop+jwt", method), proof
    assert claims.get("nonce") == nonce, claims
    ath = token and base64.urlsafe_b64encode(
        hashlib.sha256(token.encode()).digest()).decode().rstrip("=")
    assert claims.get("ath") == ath, claims
    return claims


class Folder(tempfile.TemporaryDirectory):
    """With a key in it."""

    def __enter__(self):
        folder = pathlib.Path(super().__enter__())
        fo("key", "generate", "--out", folder / "key.pem")
        return folder


def raises(kind, why, function, *words, **more):
    try:
        function(*words, **more)
    except firstops.FirstOpsError as error:
        assert type(error) is kind and error.why == why, (type(error), why)
        return str(error)
    raise AssertionError(f"{kind.__name__} was not raised")


# ---- keys and proofs --------------------------------------------------------

def test_a_proof_holds_before_both_verifiers():
    me = firstops.Identity.generate()
    url = "https://api.example.com/builds"
    claims = check(me.proof("POST", url + "?page=2#top"), me, "POST", url)
    assert claims["htu"] == url
    assert abs(claims["iat"] - time.time()) < 30, claims
    check(me.proof("GET", url, nonce=NONCE), me, "GET", url, NONCE)
    check(me.proof("GET", url, NONCE, TOKEN), me, "GET", url, NONCE, TOKEN)
    old = me.proof("GET", url, issued_at=1700000000)
    assert decode(old.split(".")[1])["iat"] == 1700000000


def test_no_two_proofs_are_the_same():
    me = firstops.Identity.generate()
    made = [decode(me.proof("GET", "https://h/").split(".")[1])["jti"]
            for _ in range(100)]
    assert len(set(made)) == 100, made


def test_a_key_is_the_one_that_fo_made():
    with Folder() as folder:
        path = folder / "key.pem"
        want = fo("key", "thumbprint", path).strip()
        for me in (firstops.Identity.load(path),
                   firstops.Identity.load(f"file:{path}"),
                   firstops.Identity.from_pem(path.read_text()),
                   firstops.Identity.from_pem(path.read_bytes())):
            assert me.thumbprint == want, me
            assert me.to_pem() == path.read_text()
            assert jwk.JWK(**me.jwk).thumbprint() == want
            assert want in repr(me) and "PRIVATE" not in repr(me)


def test_a_key_is_found_as_every_client_finds_it():
    with Folder() as folder:
        code = ("import ctypes, sys; ctypes.CDLL(sys.argv[1]); "
                "from firstops import Identity; "
                "print(Identity.load().thumbprint)")
        home = folder / ".config" / "firstops"
        home.mkdir(parents=True)
        (folder / "key.pem").rename(home / "key.pem")
        lib = BUILD.resolve() / "sdk" / "libfirstops.so.1"
        for env in ({"HOME": folder},
                    {"HOME": "/", "FO_PRIVATE_KEY_PATH": home / "key.pem"}):
            done = subprocess.run(
                [sys.executable, "-B", "-c", code, str(lib)], text=True,
                capture_output=True, env={"PYTHONPATH": str(PACKAGE),
                                          **{k: str(v) for k, v in
                                             env.items()}})
            want = fo("key", "thumbprint", home / "key.pem")
            assert (done.returncode, done.stdout) == (0, want), done


def test_an_encrypted_key_asks_for_its_passphrase():
    with Folder() as folder:
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in",
                        folder / "key.pem", "-passout", f"pass:{SECRET}",
                        "-out", folder / "locked.pem"], check=True)
        want = fo("key", "thumbprint", folder / "key.pem").strip()
        path = folder / "locked.pem"
        for said in (SECRET, SECRET.encode(), lambda: SECRET):
            assert firstops.Identity.load(path, said).thumbprint == want

        def gives_up():
            raise KeyboardInterrupt

        for said in (None, "wrong", "x" * 100000, lambda: 1 / 0):
            text = raises(firstops.FormatError, "format",
                          firstops.Identity.load, path, said)
            assert "locked.pem" in text and SECRET not in text, text


def test_many_threads_sign_with_one_key():
    me = firstops.Identity.generate()
    made = []

    def sign():
        made.extend(me.proof("GET", "https://h/x") for _ in range(50))

    threads = [threading.Thread(target=sign) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 400
    for proof in made[::40]:
        check(proof, me, "GET", "https://h/x")


def test_a_proof_for_pam_has_its_target_and_fits():
    me = firstops.Identity.generate()
    proof = me.pam_proof("bastion", "sshd", "de ploy/x", NONCE)
    target = firstops.pam_target("bastion", "sshd", "de ploy/x")
    assert target == "pam://bastion/sshd/de%20ploy%2Fx", target
    check(proof, me, "PAM", target, NONCE)
    assert len(proof) <= 511


def test_a_challenge_is_answered_for_its_target_alone():
    me = firstops.Identity.generate()
    target = firstops.pam_target("bastion", "sshd", "deploy")
    prompt = (f"(deploy@bastion) [FirstOps DPoP htu={target} nonce={NONCE}]"
              " Password or proof: ")
    check(me.answer(prompt, target), me, "PAM", target, NONCE)
    raises(firstops.WrongTargetError, "wrong_htu", me.answer, prompt,
           firstops.pam_target("bastion", "sshd", "root"))
    raises(firstops.NotFoundError, "not_found", me.answer, "Password: ",
           target)
    raises(firstops.FormatError, "format", me.answer, prompt + prompt, target)


# ---- what goes wrong --------------------------------------------------------

def test_each_failure_is_an_exception_with_its_word():
    me = firstops.Identity.generate()
    with Folder() as folder:
        missing = folder / "none.pem"
        text = raises(firstops.NotFoundError, "not_found",
                      firstops.Identity.load, missing)
        assert "none.pem" in text, text
        raises(firstops.FormatError, "format", firstops.Identity.from_pem,
               "-----BEGIN PRIVATE KEY-----\nAAAA\n"
               "-----END PRIVATE KEY-----\n")
        done = subprocess.run(["openssl", "ecparam", "-genkey", "-name",
                               "secp384r1"], check=True, capture_output=True)
        raises(firstops.BadKeyError, "bad_key", firstops.Identity.from_pem,
               done.stdout)
    raises(firstops.ArgumentError, "arg", me.proof, "", "https://h/")
    raises(firstops.ArgumentError, "arg", me.proof, "GET", "https://h/\0x")
    raises(firstops.ArgumentError, "arg", me.proof, "GET", "https://h/",
           max_bytes=-1)
    raises(firstops.ArgumentError, "arg", firstops.pam_target, "h", "..", "u")


def test_a_proof_that_would_not_arrive_whole_is_not_made():
    me = firstops.Identity.generate()
    text = raises(firstops.TooLongError, "too_long", me.pam_proof,
                  "a-host.with.a-long.name" * 4, "postgresql", "u" * 60)
    assert "511" in text, text
    text = raises(firstops.TooLongError, "too_long", me.proof, "GET",
                  "https://h/" + "x" * 300, max_bytes=511)
    assert "511" in text, text


def test_the_words_are_those_of_the_library():
    for why, kind in firstops.errors.BY_WHY.items():
        assert kind.why == why and issubclass(kind, firstops.FirstOpsError)
    known = set(firstops.errors.BY_WHY)
    code = (TOP / "sdk" / "src" / "error.c").read_text()
    assert all(f'"{why}"' in code for why in known), known


def test_without_the_library_it_is_said_what_is_missing():
    done = subprocess.run([sys.executable, "-B", "-c", "import firstops"],
                          capture_output=True, text=True,
                          env={"PYTHONPATH": str(PACKAGE)})
    if done.returncode == 0:
        tap.skip("the library is installed on this machine")
    assert "LibraryError" in done.stderr and "install libfirstops" in \
        done.stderr, done


# ---- HTTP -------------------------------------------------------------------

class Server(http.server.ThreadingHTTPServer):
    """Verifies nothing: it notes what came, and answers by the path."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self.nonce = None
        self.elsewhere = ""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    """/ok; /nonce and /token want a nonce, as a resource server and as an
    authorization server say so; /moved, /see and /away lead elsewhere."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        server = self.server
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        proof = self.headers.get("DPoP")
        server.seen.append((self.command, self.path, proof,
                            self.headers.get("Authorization"), body))
        code, headers, text = 200, {}, b"fine"
        claims = decode(proof.split(".")[1]) if proof else {}
        path = self.path.partition("?")[0]
        if server.nonce:
            headers["DPoP-Nonce"] = server.nonce
        if path == "/nonce" and claims.get("nonce") != server.nonce:
            code = 401
            headers["WWW-Authenticate"] = 'DPoP error="use_dpop_nonce"'
        elif path == "/token" and claims.get("nonce") != server.nonce:
            code, text = 400, b'{"error":"use_dpop_nonce"}'
        elif path == "/never":
            code, text = 401, b""
            headers["DPoP-Nonce"] = f"n{len(server.seen)}"
            headers["WWW-Authenticate"] = 'DPoP error="use_dpop_nonce"'
        elif path in ("/moved", "/see", "/away"):
            code = 307 if path != "/see" else 303
            headers["Location"] = server.elsewhere if path == "/away" \
                else "/ok"
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer


class Requests:
    """requests, as both clients are used here."""

    def __init__(self, me, token=None):
        self.session = requests.Session()
        self.session.auth = firstops.requests.DPoPAuth(me, token)

    def send(self, method, url, **more):
        return self.session.request(method, url, timeout=10, **more)


class Httpx:
    """httpx, the same."""

    def __init__(self, me, token=None):
        self.client = httpx.Client(auth=firstops.httpx.DPoPAuth(me, token))

    def send(self, method, url, **more):
        response = self.client.request(method, url, **more)
        while response.next_request is not None:
            response = self.client.send(response.next_request)
        return response


CLIENTS = (Requests, Httpx)


def test_each_request_is_signed_anew():
    me = firstops.Identity.generate()
    for make in CLIENTS:
        with Server() as server:
            client = make(me)
            for method in ("GET", "POST", "GET"):
                done = client.send(method, server.url("/ok?a=b"))
                assert done.status_code == 200
            assert len({proof for _, _, proof, _, _ in server.seen}) == 3
            for method, _, proof, token, _ in server.seen:
                check(proof, me, method, server.url("/ok"))
                assert token is None


def test_a_token_goes_along_bound_to_the_key():
    me = firstops.Identity.generate()
    for make in CLIENTS:
        with Server() as server:
            make(me, TOKEN).send("GET", server.url("/ok"))
            (_, _, proof, token, _), = server.seen
            check(proof, me, "GET", server.url("/ok"), token=TOKEN)
            assert token == f"DPoP {TOKEN}"


def test_a_nonce_that_is_asked_for_is_answered_and_remembered():
    me = firstops.Identity.generate()
    for make in CLIENTS:
        for path in ("/nonce", "/token"):
            with Server() as server:
                server.nonce = NONCE
                client = make(me)
                for body in (b"one", b"two"):
                    done = client.send("POST", server.url(path), data=body) \
                        if make is Requests else \
                        client.send("POST", server.url(path), content=body)
                    assert done.status_code == 200, done
                seen = [(decode(proof.split(".")[1]).get("nonce"), body)
                        for _, _, proof, _, body in server.seen]
                assert seen == [(None, b"one"), (NONCE, b"one"),
                                (NONCE, b"two")], seen


def test_a_nonce_is_answered_once_and_then_it_is_the_callers():
    me = firstops.Identity.generate()
    for make in CLIENTS:
        with Server() as server:
            done = make(me).send("GET", server.url("/never"))
            assert done.status_code == 401 and len(server.seen) == 2


def test_a_body_that_is_read_once_is_sent_again():
    me = firstops.Identity.generate()
    with Server() as server, tempfile.TemporaryFile() as file:
        server.nonce = NONCE
        file.write(b"skip this: the rest")
        file.seek(10)
        done = Requests(me).send("PUT", server.url("/nonce"), data=file)
        assert done.status_code == 200, done
        assert [body for *_, body in server.seen] == [b" the rest"] * 2


def test_a_redirect_is_signed_for_where_it_leads():
    me = firstops.Identity.generate()
    for make in CLIENTS:
        for path, then in (("/moved", "POST"), ("/see", "GET")):
            with Server() as server:
                done = make(me, TOKEN).send("POST", server.url(path))
                assert done.status_code == 200, done
                (_, _, first, _, _), (method, where, proof, _, _) = \
                    server.seen
                check(first, me, "POST", server.url(path), token=TOKEN)
                assert (method, where) == (then, "/ok")
                check(proof, me, then, server.url("/ok"), token=TOKEN)


def test_another_server_gets_no_token_that_is_not_its_own():
    me = firstops.Identity.generate()
    with Server() as server, Server() as other:
        server.elsewhere = other.url("/ok")
        assert Requests(me, TOKEN).send(
            "GET", server.url("/away")).status_code == 200
        (_, _, proof, token, _), = other.seen
        assert proof is None and token is None, other.seen


def test_nonces_of_servers_are_told_apart():
    me = firstops.Identity.generate()
    for make in CLIENTS:
        with Server() as server, Server() as other:
            server.nonce = NONCE
            client = make(me)
            client.send("GET", server.url("/nonce"))
            client.send("GET", other.url("/ok"))
            (_, _, proof, _, _), = other.seen
            assert "nonce" not in decode(proof.split(".")[1])


def test_an_async_client_signs_too():
    me = firstops.Identity.generate()

    async def get(url):
        async with httpx.AsyncClient(
                auth=firstops.httpx.DPoPAuth(me)) as client:
            return await client.get(url)

    with Server() as server:
        server.nonce = NONCE
        done = asyncio.run(get(server.url("/nonce")))
        assert done.status_code == 200 and len(server.seen) == 2
        check(server.seen[1][2], me, "GET", server.url("/nonce"), NONCE)


# ---- asking the policies ----------------------------------------------------

POLICY = TOP / "tests/sdk/policy.yaml"


class Store(Folder):
    """With a store, an agent whose key is found, and fo on PATH."""

    def __enter__(self):
        folder = super().__enter__()
        self.config = folder / "etc/firstops.yaml"
        fo("init", "--host", "bastion", "--config", self.config)
        text = re.sub(r"^audit:.*$",
                      f'audit: {{required: ["file:{folder}/log"]}}',
                      self.config.read_text(), flags=re.M)
        self.config.write_text(text)
        policy = self.config.parent / "policies.d/agents.yaml"
        policy.write_text(POLICY.read_text())
        for path in (self.config, policy):
            path.chmod(0o644)
        fo("agent", "create", "bot", "--owner", "team", "--policies",
           "agents", "--jwk", folder / "key.pem", "--config", self.config)
        self.before = dict(os.environ)
        os.environ["PATH"] = f"{FO.parent}:/usr/bin:/bin"
        os.environ["FO_PRIVATE_KEY_PATH"] = str(folder / "key.pem")
        self.folder = folder
        return self

    def __exit__(self, *how):
        os.environ.clear()
        os.environ.update(self.before)
        super().__exit__(*how)

    def program(self, text):
        """Another fo."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "fo").write_text(f"#!/bin/sh\n{text}\n")
        (folder / "fo").chmod(0o755)
        os.environ["PATH"] = f"{folder}:/usr/bin:/bin"

    def check(self, channel, what, **more):
        return firstops.check(channel, what, config=self.config, **more)


def test_the_policies_are_asked_and_answer():
    with Store() as store:
        for channel, what, more, want in (
                ("command", "ls -l", {}, ("allow", "ok", "agents", "run")),
                ("command", "rm -rf /", {},
                 ("deny", "policy", "agents", "never")),
                ("file", ".env", {"cwd": store.folder},
                 ("ask", "ask", "agents", "first-ask")),
                ("file", store.folder / ".env", {},
                 ("ask", "ask", "agents", "first-ask")),
                ("tool", "any", {}, ("deny", "policy", None, None)),
                ("http", "https://h/", {}, ("deny", "policy", None, None)),
                ("http", "https://h/", {"method": "POST"},
                 ("allow", "ok", "agents", "post"))):
            said = store.check(channel, what, **more)
            assert isinstance(said, firstops.Decision)
            assert (said.decision, said.why, said.policy, said.rule) == \
                want, said
            assert said.allowed is (want[0] == "allow")
            assert want[3] is None or want[3] in said.reason, said
        events = [json.loads(line.partition("@cee:")[2]) for line in
                  (store.folder / "log").read_text().splitlines() if line]
        assert [(e["name"], e["act"]) for e in events[1:4]] == [
            ("bot", "command"), ("bot", "command"), ("bot", "file")]


def test_who_is_suspended_gets_a_no_and_no_exception():
    with Store() as store:
        fo("agent", "suspend", "bot", "--config", store.config)
        said = store.check("command", "ls")
        assert (said.decision, said.why, said.rule) == \
            ("deny", "suspended", None), said


def test_no_shell_and_no_list_of_processes_sees_what_is_asked():
    with Store() as store:
        mark = store.folder / "mark"
        for what in (f"$(touch {mark})", f"'; touch {mark}; '", "-", "--help",
                     "two\nlines", "\u00fc " + "x" * 10_000):
            said = store.check("command", what)
            assert said.decision in ("allow", "deny"), said
        assert not mark.exists()
        store.program('printf "%s\\n" "$@" >"${0%/*}/args"; cat >"${0%/*}/in"')
        raises(firstops.FirstOpsError, "internal", store.check, "command",
               "a secret")
        folder = store.folder / "bin"
        assert (folder / "in").read_text() == "a secret"
        assert (folder / "args").read_text().splitlines() == [
            "check", "--json", "--asks", "--channel", "command", "--what",
            "-", "--config", str(store.config)]


def test_what_kept_it_from_being_decided_is_raised():
    with Store() as store:
        (store.folder / "etc/policies.d/agents.yaml").write_text("[")
        raises(firstops.FirstOpsError, "store", store.check, "command", "ls")
        raises(firstops.FirstOpsError, "config", firstops.check, "tool", "x",
               config="/none/firstops.yaml")
        raises(firstops.ArgumentError, "arg", store.check, "login", "x")
        raises(firstops.ArgumentError, "arg", store.check, "file", "relative")
        for bad in ("a\0b", "\ud800"):
            raises(firstops.ArgumentError, "arg", store.check, "command", bad)
            raises(firstops.ArgumentError, "arg", store.check, "command",
                   "ls", cwd=f"/{bad}")
        os.environ["FO_PRIVATE_KEY_PATH"] = str(store.folder / "none.pem")
        said = raises(firstops.NotFoundError, "not_found", store.check,
                      "command", "ls")
        assert "none.pem" in said, said
        os.environ["PATH"] = "/none"
        said = raises(firstops.NotFoundError, "not_found", store.check,
                      "command", "ls")
        assert "PATH" in said, said


def test_an_answer_that_is_none_is_never_a_yes():
    with Store() as store:
        allow = '{"ok":true,"decision":"allow","why":"ok"}'
        for text, why in (
                ("exit 0", "internal"), ("exit 1", "internal"),
                ("exit 127", "internal"), ("kill -9 $$", "internal"),
                ("echo allow", "internal"), ("echo '[]'", "internal"),
                ("echo '{\"decision\":\"allow\"}'", "internal"),
                (f"echo '{allow}'; exit 1", "internal"),
                (f"echo '{allow}'; exit 3", "internal"),
                (f"echo '{allow}{allow}'", "internal"),
                ("echo '" + allow.replace("allow", "deny") + "'", "internal"),
                ("echo '" + allow.replace("allow", "perhaps") + "'",
                 "internal"),
                ('echo \'{"decision":"deny","why":"store"}\'; exit 3',
                 "store")):
            store.program(text)
            raises(firstops.FirstOpsError, why, store.check, "tool", "x")


def test_who_does_not_answer_in_time_is_ended():
    with Store() as store:
        store.program("exec sleep 60")
        started = time.monotonic()
        said = raises(firstops.ReadError, "io", store.check, "tool", "x",
                      timeout=0.2)
        assert "within 0.2 s" in said and time.monotonic() - started < 10


# ---- the package ------------------------------------------------------------

def test_it_installs_without_a_network_and_works():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*OFFLINE, sys.executable, "-m", "pip", "install",
             "--quiet", "--no-cache-dir", "--disable-pip-version-check",
             "--root-user-action=ignore", "--target", folder, str(PACKAGE)],
            capture_output=True, text=True,
            env={**os.environ, "TMPDIR": folder, "HOME": folder})
        assert done.returncode == 0, done
        names = {p.name for p in pathlib.Path(folder, "firstops").iterdir()}
        want = {p.name for p in (PACKAGE / "firstops").iterdir()
                if p.suffix == ".py" or p.name == "py.typed"}
        assert names - {"__pycache__"} == want, names
        assert not list(PACKAGE.glob("*.egg-info")), "it left something"


def test_its_version_is_the_librarys():
    want = firstops.library_version()
    assert firstops.__version__ == want
    assert f'version = "{want}"' in (PACKAGE / "pyproject.toml").read_text()


def test_its_types_hold():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir=/dev/null",
         "firstops"], cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_ever_printed():
    for path in (PACKAGE / "firstops").glob("*.py"):
        text = path.read_text()
        assert not re.search(r"\bprint\(", text.split('"""', 2)[2]), path


if __name__ == "__main__":
    tap.main()
