"""libfirstops by way of ctypes: its functions, and its results as exceptions.

Shapes and rules are those of <firstops/key.h>, <firstops/proof.h> and
<firstops/target.h>; nothing here prints, and no proof or key outlives its
use in memory of the library's.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Callable, Optional

from .errors import BY_WHY, FirstOpsError, LibraryError

SONAME = "libfirstops.so.1"
DIAG_SIZE = 512
JKT_SIZE = 44

# The TPM's own libraries print what we raise, unless the environment says more.
os.environ.setdefault("TSS2_LOG", "all+NONE")

PassphraseCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t,
    ctypes.c_void_p)


class Diag(ctypes.Structure):
    """struct fo_diag: why a call failed, in words."""
    _fields_ = [("text", ctypes.c_char * DIAG_SIZE)]


class Jwk(ctypes.Structure):
    """struct fo_jwk: a public key."""
    _fields_ = [("x", ctypes.c_ubyte * 32), ("y", ctypes.c_ubyte * 32)]


class Request(ctypes.Structure):
    """struct fo_request: what a proof shall say."""
    _fields_ = [("htm", ctypes.c_char_p), ("htu", ctypes.c_char_p),
                ("nonce", ctypes.c_char_p),
                ("access_token", ctypes.c_char_p), ("iat", ctypes.c_int64),
                ("jti", ctypes.c_char_p), ("max_bytes", ctypes.c_size_t),
                ("diag", ctypes.POINTER(Diag))]


class Challenge(ctypes.Structure):
    """struct fo_challenge: what a prompt asks for."""
    _fields_ = [("htu", ctypes.c_char_p), ("nonce", ctypes.c_char_p),
                ("prefix_len", ctypes.c_size_t)]


_HANDLE = ctypes.c_void_p
_OUT = ctypes.POINTER(ctypes.c_void_p)
_DIAG = ctypes.POINTER(Diag)
_TEXT = ctypes.c_char_p

# Name, result, arguments.
_FUNCTIONS = (
    ("fo_err_word", _TEXT, (ctypes.c_int,)),
    ("fo_err_text", _TEXT, (ctypes.c_int,)),
    ("fo_version", _TEXT, ()),
    ("fo_key_generate", ctypes.c_int, (_OUT,)),
    ("fo_key_load", ctypes.c_int, (_TEXT, PassphraseCallback, _HANDLE, _DIAG,
                                   _OUT)),
    ("fo_key_from_pem", ctypes.c_int, (_TEXT, ctypes.c_size_t,
                                       PassphraseCallback, _HANDLE, _DIAG,
                                       _OUT)),
    ("fo_key_find", ctypes.c_int, (_TEXT, _DIAG, _OUT)),
    ("fo_key_to_pem", ctypes.c_int, (_HANDLE, _OUT)),
    ("fo_key_pem_free", None, (_OUT,)),
    ("fo_key_jwk", ctypes.c_int, (_HANDLE, ctypes.POINTER(Jwk))),
    ("fo_key_thumbprint", ctypes.c_int, (_HANDLE, _TEXT)),
    ("fo_key_free", None, (_OUT,)),
    ("fo_jwk_format", ctypes.c_int, (ctypes.POINTER(Jwk), _OUT)),
    ("fo_proof_sign", ctypes.c_int, (_HANDLE, ctypes.POINTER(Request),
                                     _OUT)),
    ("fo_proof_text_free", None, (_OUT,)),
    ("fo_challenge_parse", ctypes.c_int,
     (_TEXT, ctypes.POINTER(ctypes.POINTER(Challenge)))),
    ("fo_challenge_free", None,
     (ctypes.POINTER(ctypes.POINTER(Challenge)),)),
    ("fo_target_match", ctypes.c_int, (_TEXT, _TEXT)),
    ("fo_target_format", ctypes.c_int, (_TEXT, _TEXT, _TEXT, _OUT)),
)


def _load() -> ctypes.CDLL:
    try:
        loaded = ctypes.CDLL(SONAME)
        for name, result, arguments in _FUNCTIONS:
            function = getattr(loaded, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise LibraryError(
            f"{error}; install libfirstops (cmake --install), or name its "
            "folder to the linker (ldconfig, LD_LIBRARY_PATH)") from error
    return loaded


lib = _load()
_libc = ctypes.CDLL(None)
_libc.free.argtypes = (ctypes.c_void_p,)
_libc.free.restype = None


def check(result: int, diag: Optional[Diag] = None) -> None:
    """Raise what a result stands for; FO_OK (0) is none."""
    if result == 0:
        return
    why = lib.fo_err_word(result).decode()
    text = diag.text.decode(errors="replace") if diag is not None else ""
    raise BY_WHY.get(why, FirstOpsError)(
        text or lib.fo_err_text(result).decode(), why)


def take_text(out: ctypes.c_void_p,
              free: Optional[Callable[[Any], None]] = None) -> str:
    """The text that a call made for us, and is let go of: wiped, if free is
    the function for that."""
    try:
        return ctypes.cast(out, ctypes.c_char_p).value.decode()  # type: ignore
    finally:
        if free is not None:
            free(ctypes.byref(out))
        else:
            _libc.free(out)
