"""Keys and signatures: what makes a callback provably ours and a Casino API request provably an operator's. Pure.

Two dialects sign each callback with the same key. ``X-Predictu-Signature`` is the documented one, over the body alone.
The Standard Webhooks headers add id and time, so that a recorded request cannot be sent again later. Signatures are
made per attempt; the body's bytes and the delivery id never change.
"""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

CLOCK_TOLERANCE_S = 300

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def new_public_key() -> str:
    """``pk_live_`` and 32 URL-safe characters."""
    return "pk_live_" + secrets.token_urlsafe(24)


def new_secret_key() -> str:
    """``sk_live_`` and 43 URL-safe characters: 256 bits."""
    return "sk_live_" + secrets.token_urlsafe(32)


def body_signature(secret: str, body: bytes) -> str:
    """The documented dialect: ``sha256=`` and the hex HMAC-SHA256 of the raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def webhook_secret(secret: str) -> str:
    """The secret as Standard Webhooks libraries want it: they decode what follows ``whsec_`` to get the key."""
    return "whsec_" + base64.b64encode(secret.encode()).decode()


def webhook_signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One Standard Webhooks signature, ``v1,`` and base64. ``key`` is what a ``whsec_`` secret decodes to."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def headers_for(
    *,
    event: str,
    delivery_id: str,
    body: bytes,
    secret: str,
    now: datetime,
    next_secret: str | None = None,
    sequence: int | None = None,
) -> dict[str, str]:
    """Every header of one attempt at a delivery.

    ``secret`` is the key the operator last used; ``next_secret`` the newest one while a rotation's grace lasts, else
    None. A PING is no event of the stream and has no ``sequence``.
    """
    timestamp = int(now.timestamp())
    keys = [secret] if next_secret in (None, secret) else [secret, next_secret]
    headers = {
        "Content-Type": "application/json",
        "X-Predictu-Event": event,
        "X-Predictu-Delivery": delivery_id,
        "X-Predictu-Signature": body_signature(secret, body),
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            webhook_signature(key.encode(), message_id=delivery_id, timestamp=timestamp, body=body) for key in keys
        ),
    }
    if len(keys) == 2:
        headers["X-Predictu-Signature-Next"] = body_signature(keys[1], body)
    if sequence is not None:
        headers["X-Predictu-Sequence"] = str(sequence)
    return headers


def request_signature(
    secret: str, *, timestamp: str, method: str, path: str, idempotency_key: str | None, body: bytes
) -> str:
    """The Casino API's ``X-Operator-Signature``. ``timestamp`` and ``path`` (query included) are as sent."""
    prefix = f"{timestamp}.{method}.{path}.{idempotency_key or ''}."
    return body_signature(secret, prefix.encode(errors="surrogatepass") + body)


def verify_request(
    secret: str,
    *,
    signature: str,
    timestamp: str,
    method: str,
    path: str,
    idempotency_key: str | None,
    body: bytes,
    now: datetime,
) -> bool:
    """Whether ``signature`` is right and ``timestamp`` within 300 s of ``now``. Compares in constant time."""
    expected = request_signature(
        secret, timestamp=timestamp, method=method, path=path, idempotency_key=idempotency_key, body=body
    )
    genuine = hmac.compare_digest(expected.encode(), signature.encode(errors="surrogatepass"))
    return genuine and timestamp_is_fresh(timestamp, now=now)


def timestamp_is_fresh(timestamp: str, *, now: datetime) -> bool:
    """Whether unix seconds, written as plain digits, lie within 300 s of ``now``, either way."""
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= CLOCK_TOLERANCE_S
