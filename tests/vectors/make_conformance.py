#!/usr/bin/python3
"""Make conformance.json: what a verifier of DPoP proofs must say.

    make_conformance.py           write conformance.json anew
    make_conformance.py --check   exit 1 unless it is what would be written

Each case states its verdict for reasons of RFC 9449 and of the RFCs that it
builds upon, or of a limit that firstops/proof.h and the README beside this
file name. A rejected one is a good proof with one defect: it is signed after
the defect was made, unless the signature is the defect, so that nothing else
betrays it. None of this comes from libfirstops.
"""

import hashlib
import hmac
import json
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric import utils as ec_utils
from cryptography.hazmat.primitives import serialization

import rfc3986
import targets
from forge import (AT, B, GONE, HTM, HTU, KEY, N, OTHER, P, Key, Raw, athash,
                   b64url, check_signatures, claims, dump, header, jose_agrees,
                   key_with, proof, to_bytes, un64)

FILE = pathlib.Path(__file__).with_name("conformance.json")
NONCE = "Q2hhbGxlbmdlMTIz"
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
MAX_BYTES = 4096
# Where sudo, OpenSSH and PgBouncer cut an answer: such a length that does
# not parse has a word of its own.
CUT = (511, 512, 1023, 1024, 2047)


class Suite:
    """The cases, in the order in which they are made."""

    def __init__(self):
        self.cases = []
        self.names = set()

    def add(self, name, text, expect, why, htm=HTM, htu=HTU, nonce=None,
            nonce_rule="ignore", access_token=None, at=AT, max_age=60,
            clock_skew=15, jkt=None):
        """why: the words of which the verifier may answer any."""
        section = name.split(":")[0]
        assert name not in self.names, name
        self.names.add(name)
        assert (len(text) not in CUT or expect == "accept" or
                "cut" in why), name
        self.cases.append({
            "id": name, "section": section, "proof": text, "htm": htm,
            "htu": htu, "nonce": nonce, "nonce_rule": nonce_rule,
            "access_token": access_token, "at": at, "max_age": max_age,
            "clock_skew": clock_skew, "jkt": jkt, "expect": expect,
            "why": why.split()})

    def accept(self, name, text, key=KEY, **request):
        assert jose_agrees(text, key), name
        self.add(name, text, "accept", "ok", **request)

    def reject(self, name, why, text, **request):
        assert why and "ok" not in why.split(), name
        self.add(name, text, "reject", why, **request)


# ---- base64url (RFC 7515 2, RFC 4648 3.5) -------------------------------

def spaced(part, rest):
    """JSON text with so many spaces behind that its length mod 3 is rest."""
    text = dump(part)
    return text + " " * ((rest - len(text.encode())) % 3)


ALPHABET = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
            "0123456789-_")


def trailing_bit(text, bit=1):
    """The last character with a bit set that carries nothing."""
    value = ALPHABET.index(text[-1])
    assert value & bit == 0, text
    return text[:-1] + ALPHABET[value | bit]


def standard(text):
    """In the alphabet of RFC 4648 4."""
    other = text.translate(str.maketrans("-_", "+/"))
    assert "+" in other and "/" in other, text
    return other


def into(text, what):
    return text[:20] + what + text[20:]


DAMAGES = (
    ("a space before", lambda t: " " + t),
    ("a space behind", lambda t: t + " "),
    ("a newline within", lambda t: into(t, "\n")),
    ("a newline behind", lambda t: t + "\n"),
    ("a carriage return and newline within", lambda t: into(t, "\r\n")),
    ("a tab within", lambda t: into(t, "\t")),
    ("an exclamation mark within", lambda t: into(t, "!")),
    ("a percent escape of its first character",
     lambda t: f"%{ord(t[0]):02X}" + t[1:]),
    ("a letter that is not ASCII", lambda t: into(t, "\u00e9")),
    ("a padding sign within", lambda t: into(t, "=")),
)


def base64url_cases(suite):
    for rest in range(3):
        for body in range(3):
            suite.accept(
                f"base64url: header {rest} and payload {body} bytes over a "
                "multiple of three",
                proof(spaced(header(), rest), spaced(claims(), body)))
    # "~~~" and "???" at any alignment are "-" and "_" in base64url
    busy = "".join(f"{c}{c}{c}{c}{c} " for c in "~?>") + "busy"
    suite.accept("base64url: both special characters in the segments",
                 proof(header({"x": busy}), claims({"x": busy})))
    for place, segment in (("header", "h"), ("payload", "p"),
                           ("signature", "s")):
        # Both encodings of the other two are good; only this one is not.
        def made(damage, rest=1, segment=segment):
            return proof(spaced(header({"x": busy}), rest),
                         spaced(claims({"x": busy}), rest),
                         **{segment: damage})
        for name, damage in DAMAGES:
            suite.reject(f"base64url: {place}, {name}", "malformed",
                         made(damage))
        suite.reject(f"base64url: {place}, padded", "malformed",
                     made(lambda t: t + "=="))
        suite.reject(f"base64url: {place}, padded with half of it",
                     "malformed", made(lambda t: t + "="))
        suite.reject(f"base64url: {place}, lowest trailing bit",
                     "malformed", made(trailing_bit))
        suite.reject(f"base64url: {place}, highest trailing bit",
                     "malformed", made(lambda t: trailing_bit(t, 8)))
        suite.reject(f"base64url: {place}, empty", "malformed",
                     made(lambda t: ""))
        if segment == "s":
            number = next(n for n in range(100) if {"-", "_"} <= set(
                proof(body=claims(jti=f"s{n}")).split(".")[2]))
            suite.reject(f"base64url: {place}, standard alphabet",
                         "malformed", proof(body=claims(jti=f"s{number}"),
                                            s=standard))
            continue
        suite.reject(f"base64url: {place}, standard alphabet", "malformed",
                     made(standard))
        suite.reject(f"base64url: {place}, padded where two bytes are over",
                     "malformed", made(lambda t: t + "=", 2))
        suite.reject(f"base64url: {place}, trailing bit where two bytes are "
                     "over", "malformed", made(trailing_bit, 2))
        suite.reject(f"base64url: {place}, one character over",
                     "malformed", made(lambda t: t + "A", 0))
        suite.reject(f"base64url: {place}, padded where nothing is over",
                     "malformed", made(lambda t: t + "====", 0))


# ---- the three segments (RFC 7515 7.1), and how long they may be --------

def long_proof(length, **changes):
    """A good proof of exactly that many characters."""
    base = len(proof(body=claims({"x": ""}, **changes)))
    for spaces in range(3):
        for size in range((length - base) * 3 // 4 + 4):
            # every character more is told by arithmetic, not by signing
            head = len(b64url(to_bytes(dump(header()) + " " * spaces)))
            body = len(to_bytes(claims({"x": "a" * size}, **changes)))
            if head + 1 + (body * 4 + 2) // 3 + 1 + 86 == length:
                return proof(dump(header()) + " " * spaces,
                             claims({"x": "a" * size}, **changes))
    raise AssertionError(length)


def segment_cases(suite):
    good = proof()
    h, p, s = good.split(".")
    suite.accept("segments: three", good)
    for name, text in (
            ("none", ""), ("one", h), ("two", f"{h}.{p}"),
            ("four", f"{good}.{s}"), ("five, as of a JWE", f"{good}.{s}.{s}"),
            ("a dot before", "." + good), ("a dot behind", good + "."),
            ("two dots for one", f"{h}..{p}.{s}"), ("dots alone", ".."),
            ("a space before", " " + good), ("a space behind", good + " "),
            ("a newline behind", good + "\n"), ("a newline before",
                                                "\n" + good),
            ("quotes around", f'"{good}"'), ("the scheme before",
                                             "DPoP " + good),
            ("two proofs, as of two header fields", f"{good}, {good}"),
            ("JSON serialization", json.dumps(
                {"protected": h, "payload": p, "signature": s})),
            ("detached payload", f"{h}..{s}"),
            ("another order", f"{p}.{h}.{s}"),
            ("tilde behind, as of an SD-JWT", good + "~")):
        suite.reject(f"segments: {name}", "malformed bad_typ"
                     if name == "another order" else "malformed", text)
    for length in (510, *CUT, 2048, MAX_BYTES - 1, MAX_BYTES):
        suite.accept(f"segments: {length} characters",
                     long_proof(length))
    for length in (MAX_BYTES + 1, MAX_BYTES + 2, 2 * MAX_BYTES):
        suite.reject(f"segments: {length} characters", "malformed",
                     long_proof(length))
    for length in CUT:
        suite.reject(f"segments: cut at {length} in the signature", "cut",
                     long_proof(length + 40)[:length])
        suite.reject(f"segments: cut at {length} in the payload", "cut",
                     long_proof(length + 120)[:length])
        suite.reject(f"segments: cut at {length} by one character", "cut",
                     long_proof(length + 1)[:length])
    for length in (500, 510, 513, 1022, 1025, 2046, 2048):
        suite.reject(f"segments: ended at {length} in the signature",
                     "malformed", long_proof(length + 40)[:length])


# ---- JSON (RFC 8259, RFC 7515 4, RFC 7519 4) ----------------------------

def nested(depth, opening="[", closing="]"):
    return Raw(opening * depth + closing * depth)


def objects(depth):
    return Raw('{"a":' * depth + "1" + "}" * depth)


def many(count, start=0):
    return {f"m{i}": i for i in range(start, start + count)}


def json_accepts(suite):
    def accept(name, head=None, body=None):
        suite.accept(f"json: {name}", proof(head, body))
    text = dump(claims())
    accept("white space everywhere", json.dumps(header(), indent="\t"),
           json.dumps(claims(), indent=4).replace("\n", "\r\n"))
    accept("white space before", " \t\r\n" + dump(header()), "\n" + text)
    accept("white space behind", dump(header()) + " \t\r\n", text + "\n")
    accept("members in another order",
           dict(reversed(header().items())), dict(reversed(claims().items())))
    accept("escaped letters in a name of the header", header(
        {Raw(r'"\u0074yp"'): "dpop+jwt"}, typ=GONE))
    accept("escaped letters in values of the header", header(
        typ=Raw(r'"dpop\u002Bjwt"'), alg=Raw(r'"\u0045S256"')))
    accept("escaped letters in a name of the claims", body=claims(
        {Raw(r'"j\u0074i"'): "a"}, jti=GONE))
    accept("escaped letters in values of the claims", body=claims(
        htm=Raw(r'"PO\u0053T"'),
        htu=Raw(r'"https:\/\/server.example.com\/token"')))
    for name, value in (
            ("every short escape", Raw(r'"\"\\\/\b\f\n\r\t"')),
            ("a surrogate pair", Raw(r'"\ud83d\ude00"')),
            ("the same character unescaped", "\U0001f600"),
            ("the last code point", "\U0010ffff"),
            ("a non-character", "\uffff"), ("DEL", "\x7f"),
            ("a line separator", "\u2028"), ("a BOM in a string", "\ufeff"),
            ("true", True), ("false", False), ("null", None),
            ("an empty array", []), ("an empty object", {}),
            ("an empty string", ""), ("minus zero", Raw("-0")),
            ("a number with everything", Raw("-0.5e+10")),
            ("a number of 40 digits", Raw("1" * 40)),
            ("a number of 2 to the 64th", Raw(str(2**64))),
            ("a number that is nearly nothing", Raw("1e-300")),
            ("brackets in a string", "[" * 20 + "{" * 20),
            ("an escaped quote before brackets",
             Raw('"' + r'\"' + "[" * 20 + '"')),
            ("arrays to depth 16", nested(15)),
            ("objects to depth 16", objects(15)),
            ("many arrays of little depth", Raw(
                "[" + ",".join(["[]"] * 40) + "]")),
            ("an object of 64 members", many(64)),
            ("an array of 100 values", list(range(100))),
            ("the same name in two objects", [{"a": 1}, {"a": 2}]),
            ("the name of a claim, deeper", {"jti": 1, "iat": "x"})):
        accept(f"a claim that nobody asked for, {name}",
               body=claims({"x": value}))
    accept("a claim with an empty name", body=claims({"": 1}))
    accept("a claim whose name differs in case", body=claims({"JTI": 1}))
    accept("claims of 64 members", body=claims(many(60)))
    accept("a header of 64 members", header(many(61)))
    accept("a jwk of 64 members", header(jwk=KEY.jwk(**many(60))))
    accept("a header to depth 16", header({"x": nested(15)}))
    accept("a jwk to depth 16", header(jwk=KEY.jwk(x1=nested(14))))


NOT_JSON = (
    ("a BOM before", lambda t: b"\xef\xbb\xbf" + t),
    ("a NUL behind", lambda t: t + b"\0"),
    ("a NUL and more behind", lambda t: t + b"\0garbage"),
    ("garbage behind", lambda t: t + b"garbage"),
    ("a brace behind", lambda t: t + b"}"),
    ("a comma behind", lambda t: t + b","),
    ("a second object behind", lambda t: t + t),
    ("a form feed behind", lambda t: t + b"\f"),
    ("a no-break space behind", lambda t: t + b"\xc2\xa0"),
    ("a NUL before", lambda t: b"\0" + t),
    ("a comment", lambda t: b"/**/" + t),
    ("a comma after the last member", lambda t: t[:-1] + b",}"),
    ("no closing brace", lambda t: t[:-1]),
    ("an array around", lambda t: b"[" + t + b"]"),
    ("a string of it", lambda t: json.dumps(t.decode()).encode()),
    ("UTF-16", lambda t: t.decode().encode("utf-16-le")),
    ("a single quote for a double one",
     lambda t: t.replace(b'"', b"'", 2)),
    ("a name without quotes", lambda t: t.replace(b'"', b"", 2)),
    ("a member without a value", lambda t: t[:-1] + b',"x"}'),
    ("an equals sign for a colon", lambda t: t.replace(b":", b"=", 1)),
)

NO_VALUES = (
    ("a lone high surrogate", rb'"\ud800"'),
    ("a lone low surrogate", rb'"\udc00"'),
    ("surrogates in the wrong order", rb'"\ude00\ud83d"'),
    ("a high surrogate before a letter", rb'"\ud83da"'),
    ("a surrogate in UTF-8", b'"\xed\xa0\x80"'),
    ("a surrogate pair in UTF-8", b'"\xed\xa0\xbd\xed\xb8\x80"'),
    ("an overlong slash", b'"\xc0\xaf"'),
    ("an overlong NUL", b'"\xc0\x80"'),
    ("an overlong form of three bytes", b'"\xe0\x80\xaf"'),
    ("an overlong form of four bytes", b'"\xf0\x80\x80\xaf"'),
    ("beyond the last code point", b'"\xf4\x90\x80\x80"'),
    ("a byte that UTF-8 has not", b'"\xff"'),
    ("a continuation alone", b'"\x80"'),
    ("a sequence cut short", b'"\xe2\x82"'),
    ("Latin-1", b'"\xfc"'),
    ("a control character unescaped", b'"\x01"'),
    ("a tab unescaped", b'"\t"'),
    ("a newline unescaped", b'"\n"'),
    ("a NUL unescaped", b'"\0"'),
    ("an escape that JSON has not", rb'"\x41"'),
    ("an escape of three digits", rb'"\u041"'),
    ("an escape of no digits", rb'"\u00zz"'),
    ("a string without an end", b'"'),
    ("NaN", b"NaN"), ("Infinity", b"Infinity"), ("-Infinity", b"-Infinity"),
    ("a zero before a number", b"012"), ("a plus before a number", b"+1"),
    ("a number that begins with a dot", b".5"),
    ("a number that ends with a dot", b"1."),
    ("an exponent without digits", b"1e"), ("a hexadecimal number", b"0x1"),
    ("a minus alone", b"-"), ("True", b"True"), ("undefined", b"undefined"),
    ("nothing", b""), ("depth 17 of arrays", b"[" * 16 + b"]" * 16),
    ("depth 17 of objects", b'{"a":' * 16 + b"1" + b"}" * 16),
    ("arrays that do not end", b"[" * 1000),
    ("an object of 65 members", dump(many(65)).encode()),
    ("an object of 65 members in an array",
     b"[" + dump(many(65)).encode() + b"]"),
    ("a member twice", b'{"a":1,"a":1}'),
    ("a member twice, once escaped", rb'{"a":1,"\u0061":2}'),
    ("a member twice, in an array", b'[{"a":1,"a":2}]'),
    ("a member twice, deep", b'{"a":[{"b":{"c":1,"d":2,"c":3}}]}'),
    ("an empty name twice", b'{"":1,"":2}'),
)


def json_rejects(suite):
    def reject(name, head=None, body=None):
        suite.reject(f"json: {name}", "malformed", proof(head, body))
    for name, damage in NOT_JSON:
        reject(f"header, {name}", damage(to_bytes(header())))
        reject(f"claims, {name}", body=damage(to_bytes(claims())))
    for name, text in (("a string", '"x"'), ("a number", "1"),
                       ("null", "null"), ("an array", "[]"),
                       ("white space", " ")):
        reject(f"header, {name}", text)
        reject(f"claims, {name}", body=text)
    for name, value in NO_VALUES:
        reject(f"a claim that nobody asked for, {name}",
               body=to_bytes(claims())[:-1] + b',"x":' + value + b"}")
    for name, value in NO_VALUES[36:]:
        reject(f"a header member that nobody asked for, {name}",
               to_bytes(header())[:-1] + b',"x":' + value + b"}")
    reject("claims of 65 members", body=claims(many(61)))
    reject("a header of 65 members", header(many(62)))
    reject("a jwk of 65 members", header(jwk=KEY.jwk(**many(61))))
    reject("a jwk to depth 17", header(jwk=KEY.jwk(x1=nested(15))))
    duplicates(reject)


def duplicates(reject):
    """RFC 7515 4 and RFC 7519 4 allow to refuse them; the second one wins
    here and the first one there, so two readers see two proofs."""
    for name, value in header().items():
        reject(f"{name} twice", header({Raw(f'"{name}"'): value}))
    for name, value in KEY.jwk().items():
        reject(f"{name} of the jwk twice",
               header(jwk={**KEY.jwk(), Raw(f'"{name}"'): value}))
    for name, value in claims(nonce=NONCE, ath=athash(TOKEN), exp=AT + 60,
                              nbf=AT).items():
        reject(f"{name} twice", body=claims({name: value,
                                             Raw(f'"{name}"'): value}))
    reject("typ twice, another first", Raw(
        '{"typ":"JWT",' + dump(header())[1:]))
    reject("htu twice, another first", body=Raw(
        '{"htu":"https://other.example/",' + dump(claims())[1:]))
    reject("jti twice, once escaped",
           body=claims({Raw(r'"\u006ati"'): "another"}))
    reject("alg twice, once escaped",
           header({Raw(r'"\u0061lg"'): "none"}))


# ---- header (RFC 9449 4.2, 4.3; RFC 7515 4.1) ---------------------------

OTHER_TYPES = (("null", None), ("a number", 1), ("true", True),
               ("an array", []), ("an object", {}))


def header_cases(suite):
    def accept(name, **changes):
        suite.accept(f"header: {name}", proof(header(changes)))

    def reject(name, why, **changes):
        suite.reject(f"header: {name}", why, proof(header(changes)))
    for name, value in (
            ("kid", "root"), ("kid of another type", 7), ("cty", "JWT"),
            ("jku", "https://other.example/keys"),
            ("x5u", "https://other.example/chain.pem"),
            ("x5c", ["AAAA"]), ("x5t", "AAAA"), ("x5t#S256", "AAAA"),
            ("zip", "DEF"), ("enc", "A128GCM"), ("url", HTU),
            ("nonce", NONCE), ("iat", 1), ("epk", {"kty": "EC"}),
            ("d", "AAAA"), ("k", "AAAA"), ("b64", True), ("b64", False),
            ("Typ", "JWT"), ("ALG", "none"), ("CRIT", ["exp"]),
            ("", "empty")):
        accept(f"{name or 'a member without a name'} {json.dumps(value)} "
               "is ignored", **{name: value})
    accept("jwk of another key beside in jwks",
           jwks={"keys": [OTHER.jwk()]})
    for value in ("JWT", "jwt", "", "dpop", "DPOP+JWT", "dpop+JWT",
                  "Dpop+jwt", "application/dpop+jwt", " dpop+jwt",
                  "dpop+jwt ", "dpop+jwt;v=1", "dpop-jwt", "dpop jwt",
                  "at+jwt", "dpop+jws"):
        reject(f"typ {json.dumps(value)}", "bad_typ", typ=value)
    for value in ("none", "None", "NONE", "", "HS256", "HS512", "RS256",
                  "PS256", "ES256K", "ES384", "ES512", "EdDSA", "Ed25519",
                  "ESP256", "es256", "ES256 ", " ES256", "ES-256",
                  "ECDH-ES", "SHA256withECDSA"):
        reject(f"alg {json.dumps(value)}", "bad_alg", alg=value)
    for member, why, good in (("typ", "bad_typ", "dpop+jwt"),
                              ("alg", "bad_alg", "ES256")):
        reject(f"{member} missing", why, **{member: GONE})
        for name, value in OTHER_TYPES:
            reject(f"{member} {name}", why, **{member: value})
        reject(f"{member} in an array", why, **{member: [good]})
        reject(f"{member} with a NUL behind", f"{why} malformed",
               **{member: Raw(f'"{good}\\u0000"')})
    for value in ([], ["exp"], ["b64"], ["jwk"], ["http://x.example/y"],
                  "b64", None, {}, 1, True):
        reject(f"crit {json.dumps(value)}", "bad_crit", crit=value)
    reject("crit b64 with b64 true", "bad_crit", b64=True, crit=["b64"])
    reject("crit exp with exp", "bad_crit", exp=AT + 60, crit=["exp"])


# ---- key (RFC 9449 4.3, RFC 7517 4, RFC 7518 6.2) -----------------------

def jwk_accepts(suite):
    def accept(name, key=KEY, **changes):
        suite.accept(f"jwk: {name}", proof(header(jwk=key.jwk(**changes)),
                                           key=key), key=key,
                     jkt=key.thumbprint())
    accept("the four members")
    accept("of another key", OTHER)
    accept("x with a zero first", key_with(lambda k: k.x >> 248 == 0))
    accept("y with a zero first", key_with(lambda k: k.y >> 248 == 0))
    accept("the generator of the curve", Key(1))
    accept("the generator mirrored", Key(N - 1))
    for member, value in (
            ("use", "sig"), ("alg", "ES256"), ("kid", "root"), ("kid", 7),
            ("kid", OTHER.thumbprint()), ("key_ops", ["verify"]),
            ("key_ops", ["sign"]), ("key_ops", ["sign", "verify"]),
            ("key_ops", []), ("ext", True), ("ext", False),
            ("x5c", ["AAAA"]), ("x5t", "AAAA"),
            ("x5u", "https://other.example/"), ("n", "AQAB"), ("e", "AQAB"),
            ("exp", 1), ("nbf", AT + 1000), ("iat", 1), ("D", "AAAA"),
            ("z", None), ("new", {"d": 1, "x": 2}), ("pub", "AAAA"), ("", 1)):
        accept(f"{json.dumps(member)} {json.dumps(value)}",
               **{member: value})


def jwk_members(suite):
    def reject(name, **changes):
        suite.reject(f"jwk: {name}", "bad_key",
                     proof(header(jwk=KEY.jwk(**changes))))
    for member in ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"):
        reject(f"private member {member}",
               **{member: [{"r": "AA", "d": "AA", "t": "AA"}]
                  if member == "oth" else KEY.private()})
        reject(f"private member {member}, null", **{member: None})
        reject(f"private member {member}, empty", **{member: ""})
    reject("private member d, escaped name",
           **{Raw(r'"\u0064"'): "AAAA"})
    reject("private member d, false", d=False)
    for member, words in (
            ("kty", ("ec", "EC ", "RSA", "OKP", "oct", "AKP", "")),
            ("crv", ("p-256", "P256", "P-256 ", "secp256r1", "prime256v1",
                     "P-384", "P-521", "secp256k1", "P-256K", "Ed25519",
                     "BP-256", "")),
            ("use", ("enc", "SIG", "", "sig ")),
            ("alg", ("ES384", "ES256K", "es256", "ECDH-ES", "none", "")),
            ("x", ("",)), ("y", ("",))):
        for word in words:
            reject(f"{member} {json.dumps(word)}", **{member: word})
        for name, value in OTHER_TYPES:
            reject(f"{member} {name}", **{member: value})
        if member not in ("use", "alg"):
            reject(f"{member} missing", **{member: GONE})
    reject("key_ops of encryption alone", key_ops=["encrypt"])
    reject("key_ops of key agreement alone",
           key_ops=["deriveKey", "deriveBits"])


def jwk_coordinates(suite):
    busy = key_with(lambda k: all(
        {"-", "_"} <= set(k.coord(v)) for v in (k.x, k.y)))
    short = {"x": key_with(lambda k: k.x >> 248 == 0),
             "y": key_with(lambda k: k.y >> 248 == 0)}

    def reject(name, key=KEY, **changes):
        suite.reject(f"jwk: {name}", "bad_key",
                     proof(header(jwk=key.jwk(**changes)), key=key))
    for member in ("x", "y"):
        text = KEY.jwk()[member]
        raw = un64(text)
        for name, damage in (*DAMAGES, ("padded", lambda t: t + "="),
                             ("lowest trailing bit", trailing_bit),
                             ("highest trailing bit",
                              lambda t: trailing_bit(t, 2)),
                             ("one character less", lambda t: t[:-1]),
                             ("one character more", lambda t: t + "A"),
                             ("two characters more", lambda t: t + "AA")):
            reject(f"{member}, {name}", **{member: damage(text)})
        suite.reject(f"jwk: {member}, a NUL behind", "bad_key malformed",
                     proof(header(jwk=KEY.jwk(
                         **{member: Raw(f'"{text}\\u0000"')}))))
        reject(f"{member} in the standard alphabet", busy,
               **{member: standard(busy.jwk()[member])})
        reject(f"{member} without its zero, 31 bytes", short[member],
               **{member: b64url(un64(short[member].jwk()[member])[1:])})
        for name, value in (
                ("with a zero before, 33 bytes", b"\0" + raw),
                ("with a zero behind, 33 bytes", raw + b"\0"),
                ("without its last byte", raw[:-1]),
                ("without its first byte", raw[1:]), ("of one byte", raw[:1]),
                ("of 64 bytes", raw + raw), ("of 48 bytes", raw + raw[:16]),
                ("little endian", raw[::-1])):
            reject(f"{member} {name}", **{member: b64url(value)})
        reject(f"{member} in hexadecimal", **{member: raw.hex()})
        reject(f"{member} in an array", **{member: [text]})
        reject(f"{member} as a number", **{member: Raw(
            str(int.from_bytes(raw, "big")))})
    reject("x the whole point as SEC 1 writes it",
           x=b64url(b"\4" + un64(KEY.jwk()["x"]) + un64(KEY.jwk()["y"])))


def lifted(first):
    """A point of the curve with the smallest x not below first."""
    x = first
    while True:
        square = (x**3 - 3 * x + B) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return x, y
        x += 1


def jwk_points(suite):
    """Nobody can sign for these; a verifier says so before it looks."""
    def reject(name, x, y):
        suite.reject(f"jwk: {name}", "bad_key", proof(header(jwk=KEY.jwk(
            x=KEY.coord(x), y=KEY.coord(y)))))
    x, y = lifted(5)
    reject("infinity as zeros", 0, 0)
    reject("x changed by one", KEY.x + 1, KEY.y)
    reject("y changed by one", KEY.x, KEY.y + 1)
    reject("x and y exchanged", KEY.y, KEY.x)
    reject("x zero", 0, KEY.y)
    reject("y zero", KEY.x, 0)
    reject("x the field's prime", P, lifted(0)[1])
    reject("y the field's prime", KEY.x, P)
    reject("a point with the prime added to x", x + P, y)
    reject("all bits set", 2**256 - 1, 2**256 - 1)
    reject("x of one key, y of another", KEY.x, OTHER.y)
    other = Key(KEY.d, ec.SECP256K1)
    reject("a point of secp256k1", other.x, other.y)
    # on y^2 = x^3 - 3x + b', where the multiples of a point are few
    twist = next(v for v in range(2, 100)
                 if pow(v**3 - 3 * v + B, (P - 1) // 2, P) == P - 1)
    reject("x of a point of the twist", twist, 1)
    reject("a point of order two of another curve", 1, 0)


def jwk_curves(suite):
    """Good signatures by keys of other kinds."""
    for curve in (ec.SECP256K1, ec.SECP384R1, ec.SECP521R1):
        key = Key(KEY.d, curve)
        name = key.jwk()["crv"]
        suite.reject(f"jwk: a good signature on {name}", "bad_key",
                     proof(header(jwk=key.jwk()), key=key))
    key = Key(KEY.d, ec.SECP384R1)
    suite.reject("jwk: a good ES384", "bad_alg", proof(
        header(alg="ES384", jwk=key.jwk()),
        signature=lambda t: key.sign(t, hashlib.sha384)))
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    x = b64url(edwards.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw))
    okp = {"kty": "OKP", "crv": "Ed25519", "x": x}
    suite.reject("jwk: a good EdDSA", "bad_alg", proof(
        header(alg="EdDSA", jwk=okp), signature=edwards.sign))
    suite.reject("jwk: an EdDSA signature called ES256", "bad_key", proof(
        header(jwk=okp), signature=edwards.sign))
    for name, secret in (("of zeros", b"\0" * 32),
                         ("of the public key", to_bytes(KEY.jwk()))):
        def mac(text, secret=secret):
            return hmac.new(secret, text, hashlib.sha256).digest()
        suite.reject(f"jwk: HS256 with a secret {name}", "bad_alg",
                     proof(header(alg="HS256"), signature=mac))
    for name, value in (("missing", GONE), ("a string", dump(KEY.jwk())),
                        ("in an array", [KEY.jwk()]),
                        ("in a set", {"keys": [KEY.jwk()]}),
                        *OTHER_TYPES[:3], ("an empty array", []),
                        ("an empty object", {})):
        suite.reject(f"jwk: {name}", "bad_key", proof(header(jwk=value)))
    suite.reject("jwk: its name in capitals", "bad_key",
                 proof(header({"JWK": KEY.jwk()}, jwk=GONE)))
    suite.reject("jwk: in the claims", "bad_key",
                 proof(header(jwk=GONE), claims(jwk=KEY.jwk())))
    suite.reject("jwk: kid of the key for it", "bad_key",
                 proof(header(jwk=GONE, kid=KEY.thumbprint())))


def thumbprint_cases(suite):
    good = proof()
    suite.accept("thumbprint: the registered one", good, jkt=KEY.thumbprint())
    suite.accept("thumbprint: none registered", good)
    suite.accept("thumbprint: of the required members alone",
                 proof(header(jwk=KEY.jwk(kid="a", use="sig"))),
                 jkt=KEY.thumbprint())
    suite.accept("thumbprint: members in another order",
                 proof(header(jwk=dict(reversed(KEY.jwk().items())))),
                 jkt=KEY.thumbprint())
    suite.reject("thumbprint: of another key", "unknown_key", good,
                 jkt=OTHER.thumbprint())
    suite.reject("thumbprint: another case", "unknown_key", good,
                 jkt=KEY.thumbprint().swapcase())
    suite.reject("thumbprint: the last character another", "unknown_key",
                 good, jkt=trailing_bit(KEY.thumbprint(), 8))
    text = dump({n: KEY.jwk()[n] for n in ("kty", "crv", "x", "y")})
    suite.reject("thumbprint: of members that are not in order",
                 "unknown_key", good,
                 jkt=b64url(hashlib.sha256(text.encode()).digest()))
    suite.reject("thumbprint: the registered one as kid", "unknown_key",
                 proof(header(jwk=OTHER.jwk(kid=KEY.thumbprint()),
                              kid=KEY.thumbprint()), key=OTHER),
                 jkt=KEY.thumbprint())
    suite.reject("thumbprint: the registered one as sub and iss",
                 "unknown_key",
                 proof(header(jwk=OTHER.jwk()), claims(
                     sub=KEY.thumbprint(), iss=KEY.thumbprint()), key=OTHER),
                 jkt=KEY.thumbprint())


# ---- signature (RFC 7518 3.4, FIPS 186-4 6.4) ---------------------------

def raw(r, s, size=32):
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def der(r, s):
    return ec_utils.encode_dss_signature(r, s)


def der_of(size):
    """A jti with which DER of the signature has that many bytes."""
    for n in range(20000):
        body = claims(jti=f"d{n}")
        text = proof(body=body)
        signature = un64(text.split(".")[2])
        numbers = [int.from_bytes(signature[i:i + 32], "big") for i in (0, 32)]
        if len(der(*numbers)) == size:
            return body
    raise AssertionError(size)


def signature_accepts(suite):
    suite.accept("signature: of RFC 6979", proof())
    def twin(text):
        r, s = KEY.numbers(text)
        return raw(r, N - s)
    suite.accept("signature: its twin, r and n - s", proof(signature=twin))
    for name, first in (("r", 0), ("s", 32)):
        for wanted, has in (
                ("with a zero first", lambda b: b == 0),
                ("with its highest bit set", lambda b: b > 127),
                ("without its highest bit", lambda b: 0 < b < 128)):
            n = next(n for n in range(20000) if has(un64(proof(
                body=claims(jti=f"z{n}")).split(".")[2])[first]))
            suite.accept(f"signature: {name} {wanted}",
                         proof(body=claims(jti=f"z{n}")))


def signature_numbers(suite):
    """64 bytes, but not the two numbers that they should be."""
    for name, damage in (
            ("r zero", lambda r, s: (0, s)), ("s zero", lambda r, s: (r, 0)),
            ("both zero", lambda r, s: (0, 0)),
            ("both one", lambda r, s: (1, 1)),
            ("r the order", lambda r, s: (N, s)),
            ("s the order", lambda r, s: (r, N)),
            ("both the order", lambda r, s: (N, N)),
            ("r the order, s zero", lambda r, s: (N, 0)),
            ("r zero, s one", lambda r, s: (0, 1)),
            ("r one above the order", lambda r, s: (N + 1, s)),
            ("s one above the order", lambda r, s: (r, N + 1)),
            ("r one below the order", lambda r, s: (N - 1, s)),
            ("s one below the order", lambda r, s: (r, N - 1)),
            ("r the field's prime", lambda r, s: (P, s)),
            ("r n - r", lambda r, s: (N - r, s)),
            ("all bits set", lambda r, s: (2**256 - 1, 2**256 - 1)),
            ("s all bits set", lambda r, s: (r, 2**256 - 1)),
            ("r n + r, as far as 32 bytes hold it",
             lambda r, s: ((N + r) % 2**256, s)),
            ("s n + s, as far as 32 bytes hold it",
             lambda r, s: (r, (N + s) % 2**256)),
            ("r and s exchanged", lambda r, s: (s, r)),
            ("r changed by one", lambda r, s: (r ^ 1, s)),
            ("s changed by one", lambda r, s: (r, s ^ 1)),
            ("highest bit of r changed", lambda r, s: (r ^ 1 << 255, s)),
            ("highest bit of s changed", lambda r, s: (r, s ^ 1 << 255))):
        suite.reject(f"signature: {name}", "bad_signature",
                     proof(signature=lambda t: raw(*damage(*KEY.numbers(t)))))


def signature_texts(suite):
    """A good signature, but not of this key over this text."""
    for name, made in (
            ("by another key", OTHER.sign),
            ("over the payload alone",
             lambda t: KEY.sign(t.partition(b".")[2])),
            ("over the header alone",
             lambda t: KEY.sign(t.partition(b".")[0])),
            ("over a dot more", lambda t: KEY.sign(t + b".")),
            ("over the text without its dot",
             lambda t: KEY.sign(t.replace(b".", b""))),
            ("over the decoded text", lambda t: KEY.sign(
                b".".join(un64(s.decode()) for s in t.split(b".")))),
            ("over a hash of the text", lambda t: KEY.sign(
                hashlib.sha256(t).digest())),
            ("over another proof", lambda t: KEY.sign(
                proof(body=claims(jti="x")).rpartition(".")[0].encode())),
            ("over nothing", lambda t: KEY.sign(b"")),
            ("with SHA-1", lambda t: KEY.sign(t, hashlib.sha1)),
            ("with SHA-384", lambda t: KEY.sign(t, hashlib.sha384)),
            ("with SHA-512", lambda t: KEY.sign(t, hashlib.sha512)),
            ("with SHA3-256", lambda t: KEY.sign(t, hashlib.sha3_256)),
            ("little endian", lambda t: KEY.sign(t)[31::-1] +
             KEY.sign(t)[:31:-1])):
        suite.reject(f"signature: {name}", "bad_signature",
                     proof(signature=made))
    def jti_changed(text):
        return b64url(un64(text).replace(b"q8Yw", b"q8Yx"))
    h, p, s = proof().split(".")
    assert jti_changed(p) != p
    suite.reject("signature: claims changed afterwards", "bad_signature",
                 f"{h}.{jti_changed(p)}.{s}")
    suite.reject("signature: header changed afterwards", "bad_signature",
                 f"{b64url(to_bytes(header(kid='x')))}.{p}.{s}")
    suite.reject("signature: key changed afterwards", "bad_signature",
                 f"{b64url(to_bytes(header(jwk=OTHER.jwk())))}.{p}.{s}")
    suite.reject("signature: header written in another way",
                 "bad_signature", b64url(to_bytes(header()) + b" ") +
                 f".{p}.{s}")


def signature_lengths(suite):
    def reject(name, made, body=None):
        suite.reject(f"signature: {name}", "malformed bad_signature",
                     proof(body=body, signature=made))

    def numbers(write):
        return lambda t: write(*KEY.numbers(t))
    for name, damage in (
            ("of 63 bytes, its last left out", lambda b: b[:-1]),
            ("of 63 bytes, its first left out", lambda b: b[1:]),
            ("of 65 bytes, a zero behind", lambda b: b + b"\0"),
            ("of 65 bytes, a zero before", lambda b: b"\0" + b),
            ("of 65 bytes, a recovery byte before", lambda b: b"\x1b" + b),
            ("of 65 bytes, a recovery byte behind", lambda b: b + b"\1"),
            ("of one byte", lambda b: b[:1]), ("of r alone", lambda b: b[:32]),
            ("of two zeros", lambda b: b"\0\0"),
            ("of 96 bytes, as of P-384", lambda b: b + b[:32]),
            ("of 128 bytes, twice itself", lambda b: b + b),
            ("in hexadecimal", lambda b: b.hex().encode()),
            ("of base64url again", lambda b: b64url(b).encode()),
            ("of 1000 bytes", lambda b: b + b"\0" * 936)):
        reject(name, lambda t: damage(KEY.sign(t)))
    reject("of 66 bytes, a zero before both",
           numbers(lambda r, s: raw(r, s, 33)))
    reject("of 66 bytes, n + r and s",
           numbers(lambda r, s: raw(N + r, s, 33)))
    reject("of 66 bytes, r and n + s",
           numbers(lambda r, s: raw(r, N + s, 33)))
    reject("of 96 bytes, padded with zeros",
           numbers(lambda r, s: raw(r, s, 48)))
    reject("of 132 bytes, padded with zeros",
           numbers(lambda r, s: raw(r, s, 66)))
    for size in (70, 71, 72):
        reject(f"in DER of {size} bytes", numbers(der), der_of(size))
    reject("in DER, and 64 zeros", numbers(lambda r, s: der(r, s) +
                                           b"\0" * 64))
    suite.reject("signature: an unsecured JWS, of RFC 7515 A.5",
                 "bad_alg malformed",
                 proof(header(alg="none"), s=lambda t: ""))


# ---- claims (RFC 9449 4.2) ----------------------------------------------

def claims_accepts(suite):
    def accept(name, **changes):
        suite.accept(f"claims: {name}", proof(body=claims(changes)))
    for name, value in (
            ("jti of one character", "a"), ("jti of 256 bytes", "j" * 256),
            ("jti of 256 bytes in 128 letters", "\u00fc" * 128),
            ("jti of 256 bytes in 64 characters", "\U0001f600" * 64),
            ("jti a UUID", "5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"),
            ("jti with spaces around", " a "), ("jti a digit", "0"),
            ("jti of punctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            ("jti with a newline in it", "a\nb"), ("jti with DEL", "\x7f")):
        accept(name, jti=value)
    for value in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
                  "M-SEARCH", "get", "CUSTOM", "X" * 64):
        suite.accept(f"claims: htm exactly {value}",
                     proof(body=claims(htm=value)), htm=value)
    for name, value in (("iss", "me"), ("sub", "root"), ("aud", HTU),
                        ("aud", ["a", "b"]), ("cnf", {"jkt": "x"}),
                        ("client_id", "x"), ("jwk", OTHER.jwk()),
                        ("scope", "all"), ("Nonce", 5), ("ATH", 5),
                        ("HTU", "https://other.example/"),
                        ("events", {"https://x.example/y": {}})):
        accept(f"{name} {dump(value)[:30]} is ignored", **{name: value})


def claims_rejects(suite):
    def reject(name, why="malformed", **changes):
        suite.reject(f"claims: {name}", why, proof(body=claims(changes)))
    for member in ("jti", "htm", "htu", "iat"):
        reject(f"{member} missing", **{member: GONE})
        for name, value in OTHER_TYPES:
            if (member, name) != ("iat", "a number"):
                reject(f"{member} {name}", **{member: value})
        reject(f"{member} in an array", **{member: [claims()[member]]})
    reject("iat a string", iat=str(AT))
    reject("iat empty", iat="")
    reject("iat a date", iat="2026-09-21T14:13:20Z")
    for member, why in (("jti", "malformed"), ("htm", "wrong_htm malformed"),
                        ("htu", "wrong_htu malformed")):
        reject(f"{member} empty", why, **{member: ""})
        reject(f"{member} with a NUL behind", why, **{member: Raw(
            dump(claims()[member])[:-1] + '\\u0000"')})
        reject(f"{member} a NUL", why, **{member: Raw(r'"\u0000"')})
    reject("jti of 257 bytes", jti="j" * 257)
    reject("jti of 258 bytes in 129 letters", jti="\u00fc" * 129)
    reject("jti of 260 bytes in 65 characters", jti="\U0001f600" * 65)
    reject("jti of 1000 bytes", jti="j" * 1000)
    for name, value in (("a space", " "), ("spaces", "     "),
                        ("tabs and newlines", "\t\n\r")):
        reject(f"jti {name}", jti=value)
    for value in ("GET", "post", "Post", "POST ", " POST", "POSTS", "POS",
                  "POST,GET", "*", "P\u041eST"):
        suite.reject(f"claims: htm {json.dumps(value)} for POST",
                     "wrong_htm", proof(body=claims(htm=value)))
    suite.reject("claims: htm POST for PAM", "wrong_htm",
                 proof(body=claims(htu=targets.PAM)), htm="PAM",
                 htu=targets.PAM)
    suite.reject("claims: none at all", "malformed", proof(body="{}"))


# ---- time (RFC 9449 11.1, RFC 7519 2, 4.1.4, 4.1.5) ---------------------

def time_accepts(suite):
    def accept(name, value=AT, body=None, **request):
        suite.accept(f"time: {name}", proof(body=claims(
            body, iat=value)), **request)
    for name, value, window in (
            ("now", AT, (60, 15)), ("exactly max_age old", AT - 60, (60, 15)),
            ("exactly clock_skew ahead", AT + 15, (60, 15)),
            ("one second within max_age", AT - 59, (60, 15)),
            ("one second within clock_skew", AT + 14, (60, 15)),
            ("a fraction within max_age", Raw(f"{AT - 60}.001"), (60, 15)),
            ("a fraction within clock_skew", Raw(f"{AT + 14}.999"), (60, 15)),
            ("the largest max_age", AT - 300, (300, 60)),
            ("the largest clock_skew", AT + 60, (300, 60)),
            ("no window at all", AT, (0, 0)),
            ("no window behind", AT + 15, (0, 15)),
            ("no window ahead", AT - 60, (60, 0))):
        accept(name, value, max_age=window[0], clock_skew=window[1])
    for text in (f"{AT}.0", f"{AT}.000000", f"{AT}.5", f"{AT - 1}.123456789",
                 "1.79e9", "1.79E9", "1.79e+9", "1.79E+09", "179e7",
                 "17900000000e-1", "0.179e10", f"{AT}e0", f"{AT}E-0",
                 "1790000000000000e-6", "0.00000179e15"):
        accept(f"iat {text}", Raw(text))
    accept("iat and clock 0", 0, at=0)
    accept("iat and clock -0", Raw("-0"), at=0)
    accept("iat before 1970, within max_age", -30, at=10)
    accept("iat in the year 2100", 4102444800, at=4102444800)
    accept("iat beyond 32 bits", 2**32 + 5, at=2**32)
    for name, body in (
            ("exp to come", {"exp": AT + 1}), ("nbf now", {"nbf": AT}),
            ("exp with a fraction to come", {"exp": Raw(f"{AT}.5")}),
            ("exp with an exponent", {"exp": Raw("1.8e9")}),
            ("exp for ever", {"exp": Raw("1e300")}),
            ("nbf long ago", {"nbf": 0}), ("nbf before 1970", {"nbf": -1e9}),
            ("exp and nbf", {"exp": AT + 1, "nbf": AT - 1})):
        accept(name, body=body)
    accept("nbf is not to come, iat is", AT + 15, {"nbf": AT})


def time_rejects(suite):
    def reject(name, why, value=AT, body=None, **request):
        suite.reject(f"time: {name}", why, proof(body=claims(
            body, iat=value)), **request)
    for name, value, window in (
            ("one second too old", AT - 61, (60, 15)),
            ("a fraction too old", Raw(f"{AT - 61}.999"), (60, 15)),
            ("a thousandth too old", Raw(f"{AT - 61}.9990"), (60, 15)),
            ("older than the largest max_age", AT - 301, (300, 60)),
            ("old where max_age is 0", AT - 1, (0, 0)),
            ("half a second old where max_age is 0",
             Raw(f"{AT - 1}.5"), (0, 0)),
            ("a day old", AT - 86400, (60, 15)), ("0", 0, (60, 15)),
            ("negative", -AT, (60, 15)), ("-1", -1, (60, 15)),
            ("nearly nothing", Raw("1e-300"), (60, 15)),
            ("far in the past", Raw("-1e300"), (60, 15)),
            ("of minus 2 to the 63rd", -2**63, (60, 15)),
            ("the time modulo 2 to the 32nd", AT - 2**32, (60, 15))):
        reject(f"iat {name}", "stale", value, max_age=window[0],
               clock_skew=window[1])
    for name, value, window in (
            ("one second too far ahead", AT + 16, (60, 15)),
            ("a fraction too far ahead", Raw(f"{AT + 15}.001"), (60, 15)),
            ("further than the largest clock_skew", AT + 61, (300, 60)),
            ("ahead where clock_skew is 0", AT + 1, (0, 0)),
            ("half a second ahead where clock_skew is 0",
             Raw(f"{AT}.5"), (60, 0)),
            ("in milliseconds", AT * 1000, (60, 15)),
            ("of 2 to the 63rd", 2**63, (60, 15)),
            ("of 2 to the 64th", 2**64, (60, 15)),
            ("the time and 2 to the 32nd", AT + 2**32, (60, 15)),
            ("the time and 2 to the 64th", AT + 2**64, (60, 15)),
            ("of 40 digits", Raw("9" * 40), (60, 15)),
            ("far in the future", Raw("1e300"), (60, 15))):
        reject(f"iat {name}", "future", value, max_age=window[0],
               clock_skew=window[1])
    reject("iat a number that no computer holds", "malformed future",
           Raw("1e400"))
    reject("iat less than any computer holds", "malformed stale",
           Raw("-1e400"))
    for text in (f"+{AT}", f"0{AT}", f"{AT}.", f"{AT}e", "0x6AB13B80", "NaN",
                 "Infinity", f"{AT}L", "1_790_000_000", "1,79e9",
                 f"{AT} {AT}", f"--{AT}", f".{AT}e10"):
        reject(f"iat {text}", "malformed", Raw(text))
    for name, why, body in (
            ("exp now", "stale", {"exp": AT}),
            ("exp a second ago", "stale", {"exp": AT - 1}),
            ("exp a fraction ago", "stale", {"exp": Raw(f"{AT - 1}.999")}),
            ("exp 0", "stale", {"exp": 0}),
            ("exp negative", "stale", {"exp": -AT}),
            ("nbf beyond the leeway", "future", {"nbf": AT + 61}),
            ("nbf far in the future", "future", {"nbf": Raw("1e300")}),
            ("nbf in milliseconds", "future", {"nbf": AT * 1000})):
        reject(name, why, body=body)
    for member in ("exp", "nbf"):
        for name, value in (*OTHER_TYPES, ("a string", str(AT + 1)),
                            ("empty", "")):
            if name != "a number":
                reject(f"{member} {name}", "malformed", body={member: value})


# ---- nonce (RFC 9449 8) -------------------------------------------------

def nonce_cases(suite):
    def text(value):
        return proof(body=claims(nonce=value))
    for rule in ("always", "auto"):
        for name, value in (
                ("the one issued", NONCE), ("of one character", "n"),
                ("of 500 characters", "n" * 500),
                ("of punctuation", "!#$&'()*+-./:;<=>?@[]^_`{|}~")):
            suite.accept(f"nonce: {rule}, {name}", text(value), nonce=value,
                         nonce_rule=rule)
        suite.accept(f"nonce: {rule}, written with escapes",
                     text(Raw('"\\u0051' + NONCE[1:] + '"')), nonce=NONCE,
                     nonce_rule=rule)
        for name, value in (
                ("another", "Q2hhbGxlbmdlMTI0"), ("longer", NONCE + "A"),
                ("shorter", NONCE[:-1]), ("in another case",
                                          NONCE.swapcase()),
                ("with a space behind", NONCE + " "),
                ("with a space before", " " + NONCE), ("padded", NONCE + "="),
                ("decoded", un64(NONCE).decode()), ("empty", ""),
                ("twice", NONCE + NONCE),
                ("its first letter from another alphabet",
                 "\u03a9" + NONCE[1:])):
            suite.reject(f"nonce: {rule}, {name}", "wrong_nonce", text(value),
                         nonce=NONCE, nonce_rule=rule)
        for name, value in (*OTHER_TYPES, ("in an array", [NONCE]),
                            ("with a NUL behind", Raw(f'"{NONCE}\\u0000"'))):
            suite.reject(f"nonce: {rule}, {name}",
                         "malformed wrong_nonce no_nonce", text(value),
                         nonce=NONCE, nonce_rule=rule)
        suite.reject(f"nonce: {rule}, one where none was issued",
                     "wrong_nonce", text(NONCE), nonce_rule=rule,
                     htu=HTU)
    suite.reject("nonce: always, missing", "no_nonce", proof(),
                 nonce=NONCE, nonce_rule="always")
    suite.reject("nonce: always, missing and none issued", "no_nonce",
                 proof(), nonce_rule="always")
    suite.reject("nonce: always, in the header", "no_nonce",
                 proof(header(nonce=NONCE)), nonce=NONCE,
                 nonce_rule="always")
    suite.reject("nonce: always, as the jti", "no_nonce",
                 proof(body=claims(jti=NONCE)), nonce=NONCE,
                 nonce_rule="always")
    suite.reject("nonce: always, its name in another case", "no_nonce",
                 proof(body=claims(Nonce=NONCE)), nonce=NONCE,
                 nonce_rule="always")
    suite.accept("nonce: auto, missing", proof(), nonce=NONCE,
                 nonce_rule="auto")
    suite.accept("nonce: auto, missing and none issued", proof(),
                 nonce_rule="auto")
    suite.accept("nonce: ignore, missing", proof())
    for value in (NONCE, "anything", "", "\u00fc"):
        suite.accept(f"nonce: ignore, {json.dumps(value)}", text(value))


# ---- access token (RFC 9449 4.2, 4.3 and 7.1) ---------------------------

def ath_cases(suite):
    def text(value):
        return proof(body=claims(ath=value))
    good = athash(TOKEN)
    busy = next(f"token{n}" for n in range(100)
                if {"-", "_"} <= set(athash(f"token{n}")))
    for name, token in (("a token", TOKEN), ("of one character", "t"),
                        ("of 3000 characters", "t" * 3000),
                        ("a JWT", proof())):
        suite.accept(f"ath: {name}", text(athash(token)), access_token=token)
    # The example of RFC 9449 7.1.
    assert good == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    suite.accept("ath: written with escapes", text(Raw(
        '"\\u0066' + good[1:] + '"')), access_token=TOKEN)
    for name, value in (("right", good), ("wrong", athash("x")),
                        ("empty", ""), ("no hash", "hello"), *OTHER_TYPES):
        suite.accept(f"ath: {name}, without a token", text(value))
    digest = hashlib.sha256(TOKEN.encode())
    for name, value in (
            ("of another token", athash("x")), ("empty", ""),
            ("the token itself", TOKEN), ("in hexadecimal",
                                          digest.hexdigest()),
            ("padded", good + "="), ("a space behind", good + " "),
            ("a newline behind", good + "\n"), ("one character less",
                                                good[:-1]),
            ("one character more", good + "A"),
            ("a trailing bit", trailing_bit(good)),
            ("in another case", good.swapcase()),
            ("of the token with a newline", athash(TOKEN + "\n")),
            ("of the token with its scheme", athash("DPoP " + TOKEN)),
            ("with SHA-1", athash(TOKEN, hashlib.sha1)),
            ("with SHA-512", athash(TOKEN, hashlib.sha512)),
            ("with half of SHA-256, as at_hash has it",
             b64url(digest.digest()[:16])),
            ("of the hash", athash(good)), ("of nothing", athash(""))):
        suite.reject(f"ath: {name}", "wrong_ath", text(value),
                     access_token=TOKEN)
    suite.reject("ath: in the standard alphabet", "wrong_ath",
                 text(standard(athash(busy))), access_token=busy)
    for name, value in (*OTHER_TYPES, ("in an array", [good])):
        suite.reject(f"ath: {name}", "no_ath wrong_ath malformed",
                     text(value), access_token=TOKEN)
    suite.reject("ath: with a NUL behind", "wrong_ath malformed",
                 text(Raw(f'"{good}\\u0000"')), access_token=TOKEN)
    suite.reject("ath: missing", "no_ath", proof(), access_token=TOKEN)
    suite.reject("ath: in the header", "no_ath", proof(header(ath=good)),
                 access_token=TOKEN)
    suite.reject("ath: its name in another case", "no_ath",
                 proof(body=claims(ATH=good)), access_token=TOKEN)
    suite.reject("ath: another token", "wrong_ath", text(good),
                 access_token=TOKEN.swapcase())


# ---- targets (RFC 9449 4.3, RFC 3986) -----------------------------------

def target(suite, name, htu, want, expect):
    assert rfc3986.is_same(htu, want) == expect, (name, htu, want)
    htm = "PAM" if want.startswith("pam:") else HTM
    text = proof(body=claims(htm=htm, htu=htu))
    if expect:
        suite.accept(name, text, htm=htm, htu=want)
    else:
        suite.reject(name, "wrong_htu", text, htm=htm, htu=want)


def target_cases(suite):
    for name, htu, want in targets.SAME_HTTP:
        target(suite, f"http: {name}", htu, want, True)
        if htu != want:
            target(suite, f"http: {name}, the other way round", want, htu,
                   True)
    for name, htu, want in targets.OTHER_HTTP:
        target(suite, f"http: not {name}", htu, want, False)
    for name, htu in targets.NO_HTTP:
        target(suite, f"http: no URI, {name}", htu, targets.HTTP, False)
    for name, htu, want in targets.SAME_PAM:
        target(suite, f"pam: {name}", htu, want, True)
        if htu != want:
            target(suite, f"pam: {name}, the other way round", want, htu,
                   True)
    for name, htu in targets.OTHER_PAM:
        target(suite, f"pam: not {name}", htu, targets.PAM, False)
    for name, htu, want, expect in targets.OTHER_SCHEMES:
        target(suite, f"scheme: {name}", htu, want, expect)


# ---- the file -----------------------------------------------------------

def make():
    check_signatures()
    suite = Suite()
    for part in (segment_cases, base64url_cases, json_accepts, json_rejects,
                 header_cases, jwk_accepts, jwk_members, jwk_coordinates,
                 jwk_points, jwk_curves, thumbprint_cases, signature_accepts,
                 signature_numbers, signature_texts, signature_lengths,
                 claims_accepts, claims_rejects, time_accepts, time_rejects,
                 nonce_cases, ath_cases, target_cases):
        part(suite)
    lines = ",\n".join(json.dumps(case) for case in suite.cases)
    return f"[\n{lines}\n]\n"


def main():
    text = make()
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text() != text:
            sys.exit(f"{FILE}: not what {sys.argv[0]} writes; run it")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
