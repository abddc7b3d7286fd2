"""Staff change something in this process: it binds the very next trade in another one, and every key that binds no
trade is in force there within two seconds."""

import time
from types import SimpleNamespace

import orjson
import pytest
import requests
from django.test import Client

from predictu.local import processes
from risk.models import CircuitBreaker
from risk.services import breakers
from tests.factories import (
    PASSWORD,
    as_admin,
    make_admin,
    make_market,
    make_operator,
    make_pair,
    make_player,
    now,
    signed,
)

WITHIN_SECONDS = 2.0
CONFIG, BREAKERS = "/api/internal/config", "/api/internal/risk/circuit-breakers"


@pytest.fixture
def world(platform_server):
    """``staff`` act in this process; ``trade`` and ``ask`` are answered by a server with a memory of its own."""
    admin = make_admin()
    operator = make_operator(max_bet_usd=1000, new_tier_limit=1000, regular_tier_limit=1000, vip_tier_limit=1000)
    breakers.seed_for_operator(operator.id, now=now())
    pair, player, market = make_pair(operator), make_player(operator, balance="900"), make_market()
    limits = {f"PREDICTU_{name}": "10000" for name in ("ADMIN_RATE_LIMIT", "CASINO_RATE_LIMIT")}
    server = platform_server(workers=1, PREDICTU_PRICE_MAX_AGE_SECONDS="600", **limits)
    desk = Client(headers=as_admin(admin))

    def staff(method, path, body):
        answer = getattr(desk, method)(path, body, content_type="application/json")
        assert answer.status_code < 300, answer.content
        return answer.json()["data"]

    def casino(path, body):
        raw = orjson.dumps(body)
        headers = signed(pair, "POST", path, raw, idempotency_key=str(time.monotonic_ns()))
        headers["Content-Type"] = "application/json"
        return requests.post(f"{server.url}{path}", data=raw, headers=headers, timeout=30)

    def trade(path="/api/casino/trades", **order):
        order = {"market_id": market.id, "user_id": player.id, "outcome": "yes", "side": "buy", "quantity": 10} | order
        return casino(path, order)

    return SimpleNamespace(url=server.url, admin=admin, operator=operator, market=market, staff=staff, trade=trade)


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["details"]


@pytest.mark.committed
def test_a_change_here_is_in_force_elsewhere(world):
    limits_bind_the_very_next_trade(world)
    breakers_bind_the_very_next_trade(world)
    an_operators_status_binds_the_very_next_trade(world)
    other_keys_are_in_force_within_two_seconds(world)


def limits_bind_the_very_next_trade(world):
    assert world.trade().status_code == 201
    world.staff("patch", CONFIG, {"risk": {"per_trade_max_usd": 5}, "reason": "tight"})
    status, code, details = refusal(world.trade())
    assert (status, code, details["wall"], details["limit_usd"]) == (422, "RISK_REJECTED", 1, 5)
    world.staff("patch", CONFIG, {"risk": {"per_trade_max_usd": 5000, "per_market_max_usd": 15}, "reason": "market"})
    status, _, details = refusal(world.trade())
    assert (status, details["wall"], details["limit_usd"]) == (422, 2, 15)
    world.staff("patch", CONFIG, {"risk": {"per_market_max_usd": 50_000}, "reason": "room"})
    operator = f"/api/internal/operators/{world.operator.slug}"
    world.staff("patch", operator, {"exposure_limit_usd": 19, "reason": "small"})
    assert refusal(world.trade())[1] == "RISK_REJECTED"
    world.staff("patch", operator, {"exposure_limit_usd": None, "reason": "large"})
    assert world.trade().status_code == 201


def breakers_bind_the_very_next_trade(world):
    """One over every scope of the market in turn, tripped and reset here."""
    body = {"scope": "market", "scope_id": world.market.id, "trigger_threshold": 99, "reason": "watch"}
    world.staff("post", BREAKERS, body)
    ours = [("market", world.market.id), ("category", "crypto"), ("operator", world.operator.id), ("global", "")]
    for scope, scope_id in ours:
        path = f"{BREAKERS}/{CircuitBreaker.objects.get(scope=scope, scope_id=scope_id).id}"
        world.staff("post", f"{path}/trip", {"reason": "news"})
        for side in ("buy", "sell"):
            answer = refusal(world.trade(side=side, quantity=2))
            assert answer == (422, "RISK_REJECTED", {"circuit_breaker": path.rpartition("/")[2]}), scope
        world.staff("post", f"{path}/reset", {"reason": "calm"})
        assert world.trade(quantity=2).status_code == 201, scope


def an_operators_status_binds_the_very_next_trade(world):
    operator = f"/api/internal/operators/{world.operator.slug}"
    world.staff("patch", operator, {"status": "suspended", "reason": "unpaid"})
    assert refusal(world.trade())[:2] == (403, "OPERATOR_INACTIVE")
    world.staff("patch", operator, {"status": "live", "reason": "paid"})
    assert world.trade().status_code == 201


def session_end(world):
    body = {"email": world.admin.email, "password": PASSWORD}
    answer = requests.post(f"{world.url}/api/auth/admin/login", json=body, timeout=30)
    return answer.json()["data"]["expires_at"][:13]


def forecast_status(world):
    return requests.get(
        f"{world.url}/api/internal/revenue/forecast", headers=as_admin(world.admin), timeout=30
    ).status_code


def quoted_fee(world):
    return world.trade("/api/casino/quote", quantity=100, outcome="no").json()["data"]["fee_usd"]


def quoted_price(world):
    return world.trade("/api/casino/quote", quantity=100, outcome="no").json()["data"]["price"]


def other_keys_are_in_force_within_two_seconds(world):
    observers = [session_end, forecast_status, quoted_fee, quoted_price]
    before = {observe: observe(world) for observe in observers}
    assert (before[forecast_status], before[quoted_fee], before[quoted_price]) == (200, 0.19, 0.3838)
    changes = {
        "defaults": {"session_timeout_hours": 20}, "features": {"revenue_forecast": False},
        "fees": {"trading_fee_bps": 100}, "spread": {"base_spread_bps": 400},
    }  # fmt: skip
    world.staff("patch", CONFIG, {**changes, "reason": "all at once"})
    committed = time.monotonic()
    waiting, latest_old = set(observers), {}

    def all_are_new():
        for observe in list(waiting):
            asked = time.monotonic()
            if observe(world) == before[observe]:
                latest_old[observe.__name__] = asked - committed
            else:
                waiting.discard(observe)
        return not waiting

    assert processes.wait_until(all_are_new, seconds=30), waiting
    # However slow the machine: what was asked later than that was answered by the new values.
    assert {name: at for name, at in latest_old.items() if at >= WITHIN_SECONDS} == {}
    assert (forecast_status(world), quoted_fee(world), quoted_price(world)) == (403, 0.39, 0.3876)
