"""An agent's private key, and what is made with it."""

from __future__ import annotations

import ctypes
import json
import os
import time
from typing import Any, Callable, Dict, Optional, Union

from ._library import (JKT_SIZE, Challenge, Diag, Jwk, PassphraseCallback,
                       Request, check, lib, take_text)
from .errors import ArgumentError

HTM_PAM = "PAM"
"""The method of every proof for a PAM service."""

Passphrase = Union[str, bytes, Callable[[], Union[str, bytes]], None]


def library_version() -> str:
    """The version of libfirstops, "MAJOR.MINOR.PATCH"."""
    version: bytes = lib.fo_version()
    return version.decode()


def _encode(what: str, text: Union[str, bytes, None]) -> Optional[bytes]:
    """A text as C has it, which ends at its first NUL."""
    if text is None:
        return None
    data = text.encode() if isinstance(text, str) else bytes(text)
    if b"\0" in data:
        raise ArgumentError(f"{what} has a NUL in it")
    return data


def pam_target(host: str, service: str, account: str) -> str:
    """The target of a PAM service: pam://HOST/SERVICE/ACCOUNT.

    host     the name that the machine's firstops.yaml has under `host`, or
             one of its aliases
    service  the PAM service: sshd, sudo, postgresql, ...
    account  whom to log in as
    """
    out = ctypes.c_void_p()
    check(lib.fo_target_format(_encode("host", host),
                               _encode("service", service),
                               _encode("account", account),
                               ctypes.byref(out)))
    return take_text(out)


def _asker(passphrase: Passphrase) -> Any:
    """The library asks for it only where a key is encrypted."""
    if passphrase is None:
        return ctypes.cast(0, PassphraseCallback)
    secret: Union[str, bytes, Callable[[], Union[str, bytes]]] = passphrase

    def ask(buf: Any, size: int, _arg: Any) -> int:
        try:
            said = secret() if callable(secret) else secret
            data = said.encode() if isinstance(said, str) else bytes(said)
        except Exception:
            return -1
        if len(data) >= size:
            return -1
        ctypes.memmove(buf, data + b"\0", len(data) + 1)
        return len(data)

    return PassphraseCallback(ask)


class Identity:
    """A private ES256 key (EC P-256). May be used by several threads."""

    def __init__(self, handle: int) -> None:
        """Of the library's; use load, from_pem or generate."""
        self._handle = ctypes.c_void_p(handle)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            lib.fo_key_free(ctypes.byref(handle))

    def __repr__(self) -> str:
        return f"<firstops.Identity {self.thumbprint}>"

    @classmethod
    def load(cls, uri: Union[str, os.PathLike[str], None] = None,
             passphrase: Passphrase = None) -> Identity:
        """The key in a PEM file, or one that cannot leave its device:
        "handle:0x81000001" in a TPM, "pkcs11:..." on a token. Without a uri
        it is found as every client of FirstOps finds it: FO_PRIVATE_KEY_PATH,
        else the signer's (fo signer), else ~/.config/firstops/key.pem.

        passphrase  of an encrypted key, a token's PIN, or what is called for
                    it
        """
        diag, out, found = Diag(), ctypes.c_void_p(), ctypes.c_void_p()
        path = None if uri is None else _encode("uri", os.fspath(uri))
        check(lib.fo_key_find(path, ctypes.byref(diag), ctypes.byref(found)),
              diag)
        check(lib.fo_key_load(take_text(found).encode(), _asker(passphrase),
                              None, ctypes.byref(diag), ctypes.byref(out)),
              diag)
        return cls(out.value or 0)

    @classmethod
    def from_pem(cls, pem: Union[str, bytes],
                 passphrase: Passphrase = None) -> Identity:
        """The key in a PEM text: SEC1 or PKCS#8, encrypted or not."""
        data = pem.encode() if isinstance(pem, str) else bytes(pem)
        diag, out = Diag(), ctypes.c_void_p()
        check(lib.fo_key_from_pem(data, len(data), _asker(passphrase), None,
                                  ctypes.byref(diag), ctypes.byref(out)),
              diag)
        return cls(out.value or 0)

    @classmethod
    def generate(cls) -> Identity:
        """A new key. Register its `jwk`: fo agent create NAME --jwk FILE."""
        out = ctypes.c_void_p()
        check(lib.fo_key_generate(ctypes.byref(out)))
        return cls(out.value or 0)

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint of the public key: 43 characters."""
        text = ctypes.create_string_buffer(JKT_SIZE)
        check(lib.fo_key_thumbprint(self._handle, text))
        return text.value.decode()

    @property
    def jwk(self) -> Dict[str, str]:
        """The public key as a JWK (RFC 7517)."""
        jwk, out = Jwk(), ctypes.c_void_p()
        check(lib.fo_key_jwk(self._handle, ctypes.byref(jwk)))
        check(lib.fo_jwk_format(ctypes.byref(jwk), ctypes.byref(out)))
        found: Dict[str, str] = json.loads(take_text(out))
        return found

    def to_pem(self) -> str:
        """The private key as PKCS#8 PEM, unencrypted: for a file of mode
        0600, and for nothing else."""
        out = ctypes.c_void_p()
        check(lib.fo_key_to_pem(self._handle, ctypes.byref(out)))
        return take_text(out, lib.fo_key_pem_free)

    def proof(self, method: str, url: str, nonce: Optional[str] = None,
              access_token: Optional[str] = None, *,
              max_bytes: int = 0, issued_at: Optional[int] = None) -> str:
        """A fresh proof for one request (RFC 9449 4.2).

        method        GET, POST, ...: the claim htm
        url           the claim htu; query and fragment are cut off
        nonce         what the server asked for last, if it did
        access_token  if one goes along: the claim ath
        max_bytes     what arrives whole; 0: 511 for pam:, otherwise 4096
        issued_at     seconds since 1970; None: now

        TooLongError where it would not fit, with what would shorten it.
        """
        if max_bytes < 0:
            raise ArgumentError("max_bytes is negative")
        diag, out = Diag(), ctypes.c_void_p()
        request = Request(
            htm=_encode("method", method), htu=_encode("url", url),
            nonce=_encode("nonce", nonce),
            access_token=_encode("access_token", access_token),
            iat=int(time.time()) if issued_at is None else issued_at,
            max_bytes=max_bytes, diag=ctypes.pointer(diag))
        check(lib.fo_proof_sign(self._handle, ctypes.byref(request),
                                ctypes.byref(out)), diag)
        return take_text(out, lib.fo_proof_text_free)

    def pam_proof(self, host: str, service: str, account: str,
                  nonce: Optional[str] = None) -> str:
        """A fresh proof for one login by way of PAM: give it where a password
        is asked for. See pam_target."""
        return self.proof(HTM_PAM, pam_target(host, service, account), nonce)

    def answer(self, prompt: str, target: str) -> str:
        """The answer to a prompt that carries a challenge: a fresh proof with
        its nonce, for target (see pam_target) and for no other.

        NotFoundError where the prompt carries none: it wants something else,
        and a password is not ours to give. WrongTargetError where it asks for
        another target: whoever sent it may be in the middle.
        """
        out = ctypes.POINTER(Challenge)()
        check(lib.fo_challenge_parse(_encode("prompt", prompt),
                                     ctypes.byref(out)))
        try:
            htu, nonce = out.contents.htu, out.contents.nonce
        finally:
            lib.fo_challenge_free(ctypes.byref(out))
        check(lib.fo_target_match(htu, _encode("target", target)))
        return self.proof(HTM_PAM, target, nonce.decode())
