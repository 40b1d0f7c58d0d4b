"""A proof for each request of httpx.

    import httpx
    from firstops import Identity
    from firstops.httpx import DPoPAuth

    with httpx.Client(auth=DPoPAuth(Identity.load())) as client:
        client.get("https://api.example.com/builds")

Works with httpx.AsyncClient, too. A nonce that the server asks for is
remembered and answered.

httpx asks nobody when it follows a redirect by itself: the proof of the first
request would go along, and be refused, since it names another target. So
follow them by hand, which signs anew:

    while response.next_request is not None:
        response = client.send(response.next_request)
"""

from __future__ import annotations

from typing import Generator, Optional

import httpx

from ._nonces import Nonces, asks_for_nonce
from .identity import Identity


class DPoPAuth(httpx.Auth):
    """Signs each request; with an access token, as its holder."""

    requires_response_body = True

    def __init__(self, identity: Identity,
                 access_token: Optional[str] = None) -> None:
        self._identity = identity
        self._access_token = access_token
        self._nonces = Nonces()

    def _sign(self, request: httpx.Request) -> None:
        url = str(request.url)
        request.headers["DPoP"] = self._identity.proof(
            request.method, url, self._nonces.get(url), self._access_token)
        if self._access_token is not None:
            request.headers["Authorization"] = f"DPoP {self._access_token}"

    def auth_flow(self, request: httpx.Request
                  ) -> Generator[httpx.Request, httpx.Response, None]:
        self._sign(request)
        response = yield request
        url = str(request.url)
        new = self._nonces.learn(url, response.headers)
        if new and asks_for_nonce(response.status_code, response.headers,
                                  response.content):
            self._sign(request)
            response = yield request
            self._nonces.learn(url, response.headers)
