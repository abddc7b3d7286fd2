import base64
import re
from datetime import UTC, datetime

import pytest

from operators import signing

NOW = datetime(2026, 3, 19, 12, 0, 0, 900_000, tzinfo=UTC)
OLD = "sk_live_" + "a" * 43
NEW = "sk_live_" + "b" * 43
BODY = b'{"event":"PING"}'


def test_keys_have_their_documented_form_and_never_repeat():
    assert re.fullmatch(r"pk_live_[A-Za-z0-9_-]{32}", signing.new_public_key())
    assert re.fullmatch(r"sk_live_[A-Za-z0-9_-]{43}", signing.new_secret_key())
    assert len({signing.new_secret_key() for _ in range(100)}) == 100


def test_the_documented_signature_is_hmac_sha256_in_hex():
    # RFC 4231, test case 2.
    assert signing.body_signature("Jefe", b"what do ya want for nothing?") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_the_standard_webhooks_reference_vector():
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = signing.webhook_signature(
        key, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_library_secret_decodes_to_the_whole_key():
    assert base64.b64decode(signing.webhook_secret(OLD).removeprefix("whsec_")) == OLD.encode()


def test_headers_of_a_delivery():
    headers = signing.headers_for(event="TRADE_PLACED", delivery_id="dlv_1", body=BODY, secret=OLD, now=NOW, sequence=7)
    assert headers == {
        "Content-Type": "application/json",
        "X-Predictu-Event": "TRADE_PLACED",
        "X-Predictu-Delivery": "dlv_1",
        "X-Predictu-Sequence": "7",
        "X-Predictu-Signature": signing.body_signature(OLD, BODY),
        "webhook-id": "dlv_1",
        "webhook-timestamp": "1773921600",
        "webhook-signature": signing.webhook_signature(
            OLD.encode(), message_id="dlv_1", timestamp=1773921600, body=BODY
        ),
    }


def test_in_a_rotation_both_keys_sign_and_the_one_in_use_comes_first():
    headers = signing.headers_for(event="PING", delivery_id="dlv_1", body=BODY, secret=OLD, next_secret=NEW, now=NOW)
    assert headers["X-Predictu-Signature"] == signing.body_signature(OLD, BODY)
    assert headers["X-Predictu-Signature-Next"] == signing.body_signature(NEW, BODY)
    assert headers["webhook-signature"].split(" ") == [
        signing.webhook_signature(key.encode(), message_id="dlv_1", timestamp=1773921600, body=BODY)
        for key in (OLD, NEW)
    ]
    assert "X-Predictu-Sequence" not in headers


def test_once_the_newest_key_is_in_use_it_signs_alone():
    rotated = signing.headers_for(event="PING", delivery_id="dlv_1", body=BODY, secret=NEW, next_secret=NEW, now=NOW)
    assert rotated == signing.headers_for(event="PING", delivery_id="dlv_1", body=BODY, secret=NEW, now=NOW)


REQUEST = {
    "timestamp": "1773921600",
    "method": "POST",
    "path": "/api/casino/trades?x=1",
    "idempotency_key": "order-1",
    "body": b'{"a":1}',
}


def test_the_request_signature_covers_its_documented_text():
    assert signing.request_signature(OLD, **REQUEST) == signing.body_signature(
        OLD, b'1773921600.POST./api/casino/trades?x=1.order-1.{"a":1}'
    )
    assert signing.request_signature(OLD, **REQUEST | {"idempotency_key": None}) == signing.body_signature(
        OLD, b'1773921600.POST./api/casino/trades?x=1..{"a":1}'
    )


def test_a_genuine_request_passes():
    signature = signing.request_signature(OLD, **REQUEST)
    assert signing.verify_request(OLD, signature=signature, now=NOW, **REQUEST) is True
    assert signing.verify_request(NEW, signature=signature, now=NOW, **REQUEST) is False


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "1773921601"},
        {"method": "PATCH"},
        {"path": "/api/casino/trades?x=2"},
        {"idempotency_key": "order-2"},
        {"idempotency_key": None},
        {"body": b'{"a":2}'},
    ],
)
def test_any_change_to_a_signed_request_is_noticed(change):
    signature = signing.request_signature(OLD, **REQUEST)
    assert signing.verify_request(OLD, signature=signature, now=NOW, **REQUEST | change) is False


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=zz", "é", "\udcff", "v1,abc"])
def test_malformed_signatures_are_false_and_not_errors(signature):
    assert signing.verify_request(OLD, signature=signature, now=NOW, **REQUEST) is False


@pytest.mark.parametrize(("offset_s", "fresh"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_the_clock_may_be_300_seconds_off(offset_s, fresh):
    now = datetime.fromtimestamp(1773921600, UTC)
    stamp = str(1773921600 + offset_s)
    request = REQUEST | {"timestamp": stamp}
    signature = signing.request_signature(OLD, **request)
    assert signing.verify_request(OLD, signature=signature, now=now, **request) is fresh
    assert signing.timestamp_is_fresh(stamp, now=now) is fresh


@pytest.mark.parametrize(
    "timestamp", ["", " 1773921600", "1773921600.0", "+1773921600", "１７７３９２１６００", "9" * 13]
)
def test_timestamps_are_plain_digits(timestamp):
    assert signing.timestamp_is_fresh(timestamp, now=NOW) is False
