"""A proof for each request of requests.

    import requests
    from firstops import Identity
    from firstops.requests import DPoPAuth

    session = requests.Session()
    session.auth = DPoPAuth(Identity.load())
    session.get("https://api.example.com/builds")

A nonce that the server asks for is remembered and answered. requests sends
the headers of the first request to wherever it is redirected; so a redirect
is signed anew for where it leads, if that is the same server, and carries no
proof and no token to another one.
"""

from __future__ import annotations

from typing import Any, Optional
from urllib.parse import urljoin

import requests  # type: ignore[import]
from requests.auth import AuthBase  # type: ignore[import]
from requests.sessions import SessionRedirectMixin  # type: ignore[import]

from ._nonces import Nonces, asks_for_nonce, origin
from .identity import Identity


class DPoPAuth(AuthBase):  # type: ignore[misc]
    """Signs each request; with an access token, as its holder."""

    def __init__(self, identity: Identity,
                 access_token: Optional[str] = None) -> None:
        self._identity = identity
        self._access_token = access_token
        self._nonces = Nonces()

    def _sign(self, request: requests.PreparedRequest, method: str,
              url: str) -> None:
        request.headers["DPoP"] = self._identity.proof(
            method, url, self._nonces.get(url), self._access_token)
        if self._access_token is not None:
            request.headers["Authorization"] = f"DPoP {self._access_token}"

    def __call__(self, request: requests.PreparedRequest
                 ) -> requests.PreparedRequest:
        self._sign(request, request.method or "GET", request.url or "")
        request.register_hook("response", self._answer)
        return request

    def _answer(self, response: requests.Response,
                **more: Any) -> requests.Response:
        """What an answer asks for: a nonce, or to go elsewhere."""
        request = response.request
        url = request.url or ""
        new = self._nonces.learn(url, response.headers)
        if new and asks_for_nonce(response.status_code, response.headers,
                                  response.content):
            response = self._again(response, **more)
        if response.is_redirect:
            self._follow(response)
        return response

    def _again(self, response: requests.Response,
               **more: Any) -> requests.Response:
        request = response.request
        response.content  # so that the connection can be used again
        response.close()
        self._rewind(request)
        self._sign(request, request.method or "GET", request.url or "")
        again = response.connection.send(request, **more)
        again.history.append(response)
        again.request = request
        self._nonces.learn(request.url or "", again.headers)
        return again

    @staticmethod
    def _rewind(request: requests.PreparedRequest) -> None:
        """A body that is a stream was read."""
        if hasattr(request.body, "seek"):
            request.body.seek(request._body_position)

    def _follow(self, response: requests.Response) -> None:
        """Sign for where it leads: its request is copied from this one."""
        request = response.request
        next_url = urljoin(request.url or "", response.headers["location"])
        if origin(next_url) != origin(request.url or ""):
            request.headers.pop("DPoP", None)
            if self._access_token is not None:
                request.headers.pop("Authorization", None)
            return
        turned = request.copy()
        SessionRedirectMixin().rebuild_method(turned, response)
        self._sign(request, turned.method or "GET", next_url)
