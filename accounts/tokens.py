"""Admin tokens: HS256 JWTs whose ``kid`` names the key, so that keys can be rotated. Pure but for expiry's clock."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from predictu import ids
from predictu.errors import Unauthorized

ROLE = "predictu_admin"
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, its own name, the ``token_version`` it was made under, and its life."""

    admin_id: str
    jti: str
    version: int
    issued_at: datetime
    expires_at: datetime


class _Backend(TokenBackend):
    """simplejwt's backend for one key, which also names the key in the header."""

    def encode(self, payload: Mapping[str, Any]) -> str:
        key = self.signing_key or ""
        return jwt.encode(dict(payload), key, algorithm=self.algorithm, headers={"kid": key_id(key)})


def key_id(key: str) -> str:
    """A short public name for a signing key, from which the key cannot be had."""
    return hmac.new(key.encode(), b"predictu token key id", hashlib.sha256).hexdigest()[:12]


def write(claims: Claims, *, keys: Sequence[str]) -> str:
    """The token, signed with the first of ``keys``."""
    return _Backend(_ALGORITHM, signing_key=keys[0]).encode(
        {
            "sub": claims.admin_id,
            "role": ROLE,
            "jti": claims.jti,
            "ver": claims.version,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
    )


def read(token: str, *, keys: Sequence[str]) -> Claims:
    """The claims of a token signed with any of ``keys`` and not yet expired. Raises Unauthorized for any other."""
    try:
        named = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in keys if key_id(key) == named)
        payload = _Backend(_ALGORITHM, signing_key=key).decode(token)  # type: ignore[arg-type]
        if payload["role"] != ROLE:
            raise Unauthorized
        ids.decode("admin", payload["sub"])
        return Claims(
            admin_id=payload["sub"],
            jti=str(payload["jti"]),
            version=int(payload["ver"]),
            issued_at=datetime.fromtimestamp(payload["iat"], UTC),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        )
    except (
        jwt.PyJWTError,
        TokenBackendError,
        StopIteration,
        LookupError,
        ValueError,
        TypeError,
        OverflowError,
        OSError,
    ):
        raise Unauthorized from None
