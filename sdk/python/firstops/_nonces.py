"""What each server asked for last (RFC 9449 8.2): its nonce goes into the next
proof for it."""

from __future__ import annotations

import threading
from typing import Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

HEADER = "DPoP-Nonce"
USE_NONCE = "use_dpop_nonce"


def origin(url: str) -> Tuple[str, str, Optional[int]]:
    """Whose nonces are told apart."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


class Nonces:
    """By origin, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_origin: Dict[Tuple[str, str, Optional[int]], str] = {}

    def get(self, url: str) -> Optional[str]:
        with self._lock:
            return self._by_origin.get(origin(url))

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        """Remember what an answer asks for; is it another than before?"""
        nonce = headers.get(HEADER)
        if not nonce:
            return False
        with self._lock:
            new = self._by_origin.get(origin(url)) != nonce
            self._by_origin[origin(url)] = nonce
        return new


def asks_for_nonce(status: int, headers: Mapping[str, str],
                   body: bytes) -> bool:
    """Was the request refused only for want of a nonce? A resource server
    says so in WWW-Authenticate (RFC 9449 9), an authorization server in its
    body (8)."""
    if status == 401:
        return USE_NONCE in headers.get("WWW-Authenticate", "")
    return status == 400 and USE_NONCE.encode() in body
