"""Logging in to PostgreSQL by PAM, with a fresh proof for each connection.

    from firstops import Identity
    from firstops.postgresql import connect

    with connect(Identity.load(), "host=db.example.com user=etl") as c:
        c.execute("select 1")

    pool = await asyncpg.create_pool(host="db.example.com", user="etl",
        password=password(Identity.load(), "db.example.com", "etl"))

A proof is for one login: a password that is kept and used again is refused
the second time. Both functions here sign at each connection.

The target of a proof is pam://HOST/postgresql/USER; HOST is what the server's
firstops.yaml calls itself, or one of its aliases. Where that is not the name
that is connected to, give it as pam_host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Optional

from .errors import ArgumentError
from .identity import Identity

if TYPE_CHECKING:
    import psycopg

SERVICE = "postgresql"


def password(identity: Identity, host: str, user: str, *,
             service: str = SERVICE) -> Callable[[], str]:
    """A function that signs whenever it is called: asyncpg's password."""
    def sign() -> str:
        return identity.pam_proof(host, service, user)

    return sign


def connect(identity: Identity, conninfo: str = "", *,
            pam_host: Optional[str] = None, service: str = SERVICE,
            **more: Any) -> psycopg.Connection[Any]:
    """psycopg.connect, with a proof signed now for a password.

    conninfo and more are psycopg's own; they name host and user.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    own = {name: more[name] for name in ("host", "user") if name in more}
    known = conninfo_to_dict(conninfo, **own)
    host = pam_host if pam_host is not None else known.get("host")
    user = known.get("user")
    if not host or not user:
        raise ArgumentError("neither conninfo nor arguments name a host and "
                            "a user: the proof is for both")
    return psycopg.connect(
        conninfo, password=identity.pam_proof(str(host), service, str(user)),
        **more)
