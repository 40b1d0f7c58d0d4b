"""What can go wrong: one exception for each result of libfirstops.

Its word, `why`, is what an event carries under that key and what the tools
print with --json; its text says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from typing import Dict, Type


class FirstOpsError(Exception):
    """Something that libfirstops would not or could not do."""

    why: str = "unknown"
    """The word of the result: "bad_key", "too_long", ..."""

    def __init__(self, text: str, why: str | None = None) -> None:
        super().__init__(text)
        if why is not None:
            self.why = why


class ArgumentError(FirstOpsError, ValueError):
    """An argument that cannot be used."""
    why = "arg"


class OutOfMemoryError(FirstOpsError, MemoryError):
    """There was not memory enough."""
    why = "nomem"


class CryptoError(FirstOpsError):
    """libcrypto failed: this says nothing about a key or a proof."""
    why = "crypto"


class ReadError(FirstOpsError, OSError):
    """Reading, writing or randomness failed."""
    why = "io"


class FormatError(FirstOpsError, ValueError):
    """No key, a damaged one, or a wrong passphrase."""
    why = "format"


class NotFoundError(FirstOpsError, LookupError):
    """What was named does not exist."""
    why = "not_found"


class TooLongError(FirstOpsError, ValueError):
    """A proof that would not arrive whole: its text says how long it would
    be, how long it may be, and what would shorten it."""
    why = "too_long"


class BadKeyError(FirstOpsError, ValueError):
    """A key, but not one of EC P-256."""
    why = "bad_key"


class WrongTargetError(FirstOpsError):
    """A prompt that asks for a proof for another target than is meant."""
    why = "wrong_htu"


class LockedError(FirstOpsError):
    """The signer is locked: fo signer unlock."""
    why = "locked"


class RefusedError(FirstOpsError):
    """The signer does not sign this: the key is for other targets, or the
    person said no."""
    why = "refused"


class LibraryError(FirstOpsError, ImportError):
    """libfirstops is not installed, or is too old for this package."""
    why = "library"


BY_WHY: Dict[str, Type[FirstOpsError]] = {
    kind.why: kind for kind in (
        ArgumentError, OutOfMemoryError, CryptoError, ReadError, FormatError,
        NotFoundError, TooLongError, BadKeyError, WrongTargetError,
        LockedError, RefusedError)}
