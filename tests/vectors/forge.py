"""DPoP proofs, right and wrong, made without libfirstops.

Keys and curves are those of python3-cryptography, signatures have the k of
RFC 6979, so that whoever makes a proof again makes the same one, and
python3-jwcrypto, a JOSE implementation of other people, has to agree with
every signature that is called good.
"""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk as jose_jwk
from jwcrypto.jwa import JWA

AT = 1790000000
HTM = "POST"
HTU = "https://server.example.com/token"

GONE = object()     # a member that shall not be there


class Raw(str):
    """JSON text that is taken as it stands, as a value or as a name."""


def dump(value):
    """Compact JSON, members in the order given, Raw as it stands."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(name)}:{dump(v)}"
                              for name, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def to_bytes(part):
    """The bytes of a header or payload: bytes, JSON text, or members."""
    if isinstance(part, bytes):
        return part
    return (part if isinstance(part, str) else dump(part)).encode()


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def un64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ---- keys ---------------------------------------------------------------

# The orders of the groups (SEC 2).
ORDER = {
    "secp256r1": int("ffffffff00000000ffffffffffffffff"
                     "bce6faada7179e84f3b9cac2fc632551", 16),
    "secp256k1": int("fffffffffffffffffffffffffffffffe"
                     "baaedce6af48a03bbfd25e8cd0364141", 16),
    "secp384r1": int("ffffffffffffffffffffffffffffffffffffffffffffffff"
                     "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
    "secp521r1": int("01ff" + "f" * 62 + "fa51868783bf2f966b7fcc0148f709a5"
                     "d03bb5c9b8899c47aebb6fb71e91386409", 16),
}
# Of P-256: the order, the prime of the field, and b of its equation.
N = ORDER["secp256r1"]
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
CRV = {"secp256r1": "P-256", "secp256k1": "secp256k1",
       "secp384r1": "P-384", "secp521r1": "P-521"}


class Key:
    """A private key on a curve, and what it signs."""

    def __init__(self, d, curve=ec.SECP256R1):
        self.d = d
        self.curve = curve()
        self.n = ORDER[self.curve.name]
        self.bytes = (self.curve.key_size + 7) // 8
        self.x, self.y = self.point(d)

    def point(self, scalar):
        """The affine coordinates of scalar times the generator."""
        made = ec.derive_private_key(scalar, self.curve).public_key()
        return made.public_numbers().x, made.public_numbers().y

    def coord(self, number):
        return b64url(number.to_bytes(self.bytes, "big"))

    def jwk(self, **changes):
        members = {"kty": "EC", "crv": CRV[self.curve.name],
                   "x": self.coord(self.x), "y": self.coord(self.y)}
        return changed(members, changes)

    def private(self):
        return self.coord(self.d)

    def thumbprint(self):
        """RFC 7638, as jwcrypto counts it."""
        return jose_jwk.JWK(**self.jwk()).thumbprint()

    def secret_number(self, digest):
        """k of RFC 6979 3.2, with SHA-256 in the HMAC."""
        bits = self.n.bit_length()
        size = (bits + 7) // 8
        seed = (self.d.to_bytes(size, "big") +
                (self.to_number(digest) % self.n).to_bytes(size, "big"))
        v, k = b"\1" * 32, b"\0" * 32

        def mac(*parts):
            return hmac.new(k, b"".join(parts), hashlib.sha256).digest()
        for step in (b"\0", b"\1"):
            k = mac(v, step, seed)
            v = mac(v)
        while True:
            t = b""
            while len(t) < size:
                v = mac(v)
                t += v
            number = int.from_bytes(t[:size], "big") >> (size * 8 - bits)
            if 0 < number < self.n:
                return number
            k = mac(v, b"\0")
            v = mac(v)

    def to_number(self, digest):
        """bits2int of RFC 6979 2.3.2."""
        number = int.from_bytes(digest, "big")
        return number >> max(0, len(digest) * 8 - self.n.bit_length())

    def numbers(self, text, digest=hashlib.sha256):
        """r and s (FIPS 186-4 6.4)."""
        z = digest(text).digest()
        k = self.secret_number(z)
        r = self.point(k)[0] % self.n
        s = pow(k, -1, self.n) * (self.to_number(z) + r * self.d) % self.n
        return r, s

    def sign(self, text, digest=hashlib.sha256):
        """r || s (RFC 7518 3.4)."""
        return b"".join(v.to_bytes(self.bytes, "big")
                        for v in self.numbers(text, digest))


def key_with(has):
    """The first key, counted from a fixed number, with a property."""
    d = 0x0f1257095
    while not has(Key(d)):
        d += 1
    return Key(d)


# RFC 6979 A.2.5, and RFC 7515 A.3: known to everybody.
KEY = Key(0xc9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721)
OTHER = Key(int.from_bytes(
    un64("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), "big"))


def check_signatures():
    """The signature of "sample" is the one that RFC 6979 A.2.5 prints."""
    assert KEY.numbers(b"sample") == (
        0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716,
        0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8)
    assert OTHER.jwk()["x"] == "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"


# ---- proofs -------------------------------------------------------------

def changed(members, changes):
    """The members with some of them changed, added, or GONE."""
    merged = {**members, **changes}
    return {name: v for name, v in merged.items() if v is not GONE}


def header(more=None, **changes):
    return changed({"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.jwk()},
                   {**changes, **(more or {})})


def claims(more=None, **changes):
    return changed({"jti": "q8Yw1mJ0cH5nT2vX", "htm": HTM, "htu": HTU,
                    "iat": AT}, {**changes, **(more or {})})


def same(text):
    return text


def proof(head=None, body=None, key=KEY, h=same, p=same, s=same,
          signature=None):
    """A compact JWS (RFC 7515 7.1) over whatever header and payload.

    h, p and s change the encoded segments. The signature is over the changed
    ones, so that it is good wherever the text is read leniently.
    """
    text = (h(b64url(to_bytes(header() if head is None else head))) + "." +
            p(b64url(to_bytes(claims() if body is None else body))))
    made = (signature or key.sign)(text.encode())
    return text + "." + s(b64url(made))


def jose_agrees(text, key):
    """Is the signature good, says jwcrypto, with this key?"""
    signed, _, signature = text.rpartition(".")
    try:
        JWA.signing_alg("ES256").verify(jose_jwk.JWK(**key.jwk()),
                                        signed.encode(), un64(signature))
    except Exception:
        return False
    return True


def athash(token, digest=hashlib.sha256):
    return b64url(digest(token.encode()).digest())
