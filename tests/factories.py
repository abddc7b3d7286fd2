"""Rows for tests, made with the least a row needs; whatever matters to a test is passed by name."""

import itertools
import secrets
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import orjson
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts import roles, tokens
from accounts.models import AdminUser, Player
from accounts.services import players
from operators import signing
from operators.models import Operator
from operators.services import idempotency, keys
from trading.api import rows
from trading.models import Market
from trading.orders import Order
from trading.services import trades

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def now():
    return datetime.now(UTC)


def make_admin(*groups, **changes):
    """An admin with PASSWORD and the roles named (default: Admin)."""
    values = {"email": f"admin{next(_numbers)}@predictu.com", "name": "Ada", "created_at": now(), **changes}
    admin = AdminUser(**values)
    admin.password = _password_hash()
    admin.save()
    admin.groups.set(Group.objects.filter(name__in=groups or (roles.ADMIN,)))
    return admin


@cache
def _password_hash():
    return make_password(PASSWORD)


def make_operator(**changes):
    """A live operator."""
    number = next(_numbers)
    values = {
        "name": f"Casino {number}",
        "slug": f"casino-{number}",
        "domain": f"casino-{number}.example",
        "contact_email": f"ops@casino-{number}.example",
        "stage": Operator.Stage.LIVE,
        "onboarded_at": now(),
        "predictu_share_pct": Decimal(30),
        "created_at": now(),
        "updated_at": now(),
    }
    return Operator.objects.create(**(values | changes))


def make_pair(operator, **changes):
    """A key pair with its secret: ``pair.key``, ``pair.secret``."""
    return keys.generate(**{"operator": operator, "now": now(), **changes})


def token_for(admin):
    """A live token, without the work of a login."""
    begun = now()
    claims = tokens.Claims(admin.id, secrets.token_hex(8), admin.token_version, begun, begun + timedelta(hours=8))
    return tokens.write(claims, keys=settings.PREDICTU_JWT_KEYS)


def as_admin(admin):
    """The header that makes a request this admin's: ``Client(headers=as_admin(admin))``."""
    return {"Authorization": f"Bearer {token_for(admin)}"}


def signed(pair, method, path, body=b"", *, timestamp=None, idempotency_key=""):
    """The headers that make a Casino API request this key pair's."""
    timestamp = str(int(time.time()) if timestamp is None else timestamp)
    signature = signing.request_signature(
        pair.secret, timestamp=timestamp, method=method, path=path, idempotency_key=idempotency_key, body=body
    )
    headers = {
        "X-Operator-Key": pair.key.public_key,
        "X-Operator-Timestamp": timestamp,
        "X-Operator-Signature": signature,
    }
    return headers | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})


def make_market(**changes):
    """An active, tradeable crypto market at a fresh mid of 0.62."""
    number = next(_numbers)
    values = {
        "condition_id": f"0x{number:064x}",
        "title": f"Will number {number} come true?",
        "category": "crypto",
        "status": "active",
        "tradeable": True,
        "yes_mid": Decimal("0.62"),
        "priced_at": now(),
        "created_at": now(),
        "updated_at": now(),
    }
    return Market.objects.create(**(values | changes))


def make_player(operator, *, balance="0", **changes):
    """A registered player with money; restrictions and the like by name."""
    number = next(_numbers)
    player, _ = players.register(
        operator_id=operator.id,
        external_id=f"ext-{number}",
        username=f"player_{number}",
        email=f"player{number}@mail.example",
        channel="",
        now=changes.pop("now", None) or now(),
    )
    if Decimal(balance):
        players.move_money(
            operator_id=operator.id,
            player_id=player.id,
            kind="deposit",
            amount_usd=Decimal(balance),
            key=f"seed-{number}",
            reference=None,
            transaction_id=None,
            actor=f"operator:{operator.id}",
            now=now(),
        )
    if changes:
        Player.objects.filter(pk=player.pk).update(**changes)
    player.refresh_from_db()
    return player


def place(player, market, quantity=None, *, at=None, key=None, **order):
    """A trade through the service; the answer's row. Buys YES unless told otherwise."""
    values = {"side": "buy", "outcome": "yes", **order}
    if quantity is not None:
        values["quantity"] = Decimal(str(quantity))
    call = idempotency.Call(
        player.operator_id, "trade", key or f"key-{next(_numbers)}", idempotency.fingerprint("POST", "/", values)
    )
    order = Order(player_id=player.id, market_id=market.id, **values)
    return orjson.loads(trades.place(call=call, order=order, render=rows.executed, now=at or now()).body)
