"""A first-class cryptographic identity for an agent.

    from firstops import Identity

    me = Identity.load()                 # the key that an admin handed over
    proof = me.proof("GET", "https://api.example.com/builds")

A proof is for one request: it is fresh, bound to the method and the target,
and used once (RFC 9449). What carries one:

    firstops.httpx.DPoPAuth        signs each request of httpx
    firstops.requests.DPoPAuth     and of requests
    firstops.postgresql            logs in to PostgreSQL: psycopg, asyncpg
    Identity.answer                answers a prompt that has a challenge: ssh
    Identity.pam_proof             for any other service that asks PAM

And before an agent does something, the policies can be asked whether it may:

    if not firstops.check("command", "git push").allowed: ...

Each failure is an exception of firstops.errors, whose `why` is the word that
an auditor reads.
"""

from __future__ import annotations

from ._check import Decision, check
from .errors import (ArgumentError, BadKeyError, CryptoError, FirstOpsError,
                     FormatError, LibraryError, LockedError, NotFoundError,
                     OutOfMemoryError, ReadError, RefusedError, TooLongError,
                     WrongTargetError)
from .identity import HTM_PAM, Identity, library_version, pam_target

__version__ = "1.0.0"

__all__ = [
    "ArgumentError", "BadKeyError", "CryptoError", "Decision",
    "FirstOpsError", "FormatError", "HTM_PAM", "Identity", "LibraryError",
    "LockedError", "NotFoundError", "OutOfMemoryError", "ReadError",
    "RefusedError", "TooLongError", "WrongTargetError", "check",
    "library_version", "pam_target"]
