"""Verify a Predictu callback. Copy ``verify`` into your handler; it needs nothing but Python itself.

To check a request you recorded:  PREDICTU_SECRET=sk_live_... python verify.py headers.json body.json [unix time]
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time

TOLERANCE_S = 300


def verify(headers: dict[str, str], body: bytes, secret: str, now: float | None = None) -> None:
    """Raise ValueError unless Predictu sent this request, now. ``body`` is the raw body, before any parsing."""
    headers = {name.lower(): value for name, value in headers.items()}
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise ValueError("no timestamp")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise ValueError("sent too long ago, or a clock is wrong")
    content = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest())
    # While keys are rotated there are two signatures; one made with your key is enough.
    signatures = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
        raise ValueError("wrong signature")


def verify_body(headers: dict[str, str], body: bytes, secret: str) -> None:
    """The same over the body alone. It cannot tell a request from a recording of it: prefer ``verify``."""
    headers = {name.lower(): value for name, value in headers.items()}
    expected = b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    signatures = (headers.get("x-predictu-signature", ""), headers.get("x-predictu-signature-next", ""))
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
        raise ValueError("wrong signature")


def main(headers_file: str, body_file: str, now: str | None = None) -> int:
    with open(headers_file) as file:
        headers = json.load(file)
    with open(body_file, "rb") as file:
        body = file.read()
    secret = os.environ["PREDICTU_SECRET"]
    try:
        verify(headers, body, secret, float(now) if now else None)
        verify_body(headers, body, secret)
    except ValueError as error:
        print(f"refused: {error}")
        return 1
    print("genuine")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
