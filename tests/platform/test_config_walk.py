"""No setting without effect: every declared key changes an answer, here each with what it was and what it becomes."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client

from accounts.models import LedgerEntry, Player, system_admin
from accounts.services import players
from predictu import errors
from predictu.platform import config
from risk.services import limits, operator_changes, scores
from tests.factories import PASSWORD, as_admin, make_admin, make_market, make_operator, make_player, now, place
from tests.operators.callbacks import states, tell
from tests.risk.test_scoring import _features
from trading.models import Market
from trading.orders import Order
from trading.services import settlements, settling, trades

pytestmark = pytest.mark.django_db
ROOM = {"max_bet_usd": 10_000, "new_tier_limit": 10_000, "regular_tier_limit": 10_000, "vip_tier_limit": 10_000}
# Told by a receiver that fails: tests/operators/test_deliveries.py and test_retries.py hold the quick phase to them.
ELSEWHERE = {"defaults.s2s_retry_max", "defaults.s2s_retry_backoff_ms"}


@pytest.fixture
def world():
    """A user with a past of 50 YES, a market it is heavier in, an even one, and staff to look."""
    operator, admin = make_operator(**ROOM), make_admin()
    player, held = make_player(operator, balance="900"), make_market()
    place(player, held, 50)
    client = Client(headers=as_admin(admin))

    def get(path):
        return client.get(f"/api/internal/{path}").json()["data"]

    return SimpleNamespace(
        operator=operator, admin=admin, player=player, held=held, even=make_market(), get=get, client=client
    )


def quoted(world, market, quantity=100):
    order = Order(player_id=world.player.id, market_id=market.id, outcome="yes", side="buy", quantity=Decimal(quantity))
    return trades.quote(operator_id=world.operator.id, order=order, now=now())


def even_price(world):
    return quoted(world, world.even).price


def heavy_price(world):
    return quoted(world, world.held).price


def max_bet(world, tier="normal"):
    Player.objects.filter(pk=world.player.pk).update(tier=tier)
    return world.get(f"users/{world.player.id}")["restrictions"]["max_bet_usd"]


def category(name):
    return lambda world: next(
        row["limit_usd"] for row in world.get("exposure")["by_category"] if row["category"] == name
    )


def judged(world):
    Player.objects.filter(pk=world.player.pk).update(tier="normal", tier_set_by="system")
    # The document's example scores 42.
    example = {
        "win_rate": "0.54", "edge_detection": "0.02", "timing": "0.15", "volume_pattern": "0.8", "correlation": "0.12"
    }  # fmt: skip
    found = _features(**{name: Decimal(value) for name, value in example.items()})
    scores.judge({world.player.id: found}, now=now())
    return world.get(f"users/{world.player.id}")["tier"]


def withdrawn(world):
    before = players.locked(operator=world.operator, player_id=world.player.id).balance_usd
    moved = players.move_money(
        operator_id=world.operator.id, player_id=world.player.id, kind="withdraw", amount_usd=Decimal(10),
        key=str(now()), reference=None, transaction_id=None, actor="test", now=now(),
    )  # fmt: skip
    return before - moved.balance_usd


def registered(world):
    try:
        return even_price(world)
    except errors.FeatureDisabled as refusal:
        return refusal.code


def status_of(path):
    return lambda world: world.client.get(f"/api/internal/{path}").status_code


def share(world):
    made, _ = operator_changes.create(
        values={"name": f"New {now()}", "contact_email": "a@b.example", "domain": f"n{now():%f}.example"},
        actor=world.admin, now=now(),
    )  # fmt: skip
    return made.predictu_share_pct


def session_hours(world):
    body = {"email": world.admin.email, "password": PASSWORD}
    with time_machine.travel("2026-03-19T12:00:00Z", tick=False):
        answer = Client().post("/api/auth/admin/login", body, content_type="application/json")
    return answer.json()["data"]["expires_at"]


def settlement_fee(world):
    market = make_market()
    place(world.player, market, 50)
    row = settlements.resolve(market_id=market.id, outcome="yes", reason="x", actor=world.admin, now=now())
    settling.settle(row.settlement.id, now=now())
    found = LedgerEntry.objects.filter(player=world.player, type="fee", reference_type="settlement")
    return [entry.amount_usd for entry in found]


def by_source(world):
    market = make_market()
    settlements.by_source(market.id, "yes", now=now())
    return Market.objects.get(pk=market.pk).status


def delivery(world):
    (event,) = tell(make_operator(callback_url="https://casino.example/cb"))
    return states(event)


BUSY = {"spread.volume_discount_threshold_usd": 30}
TIGHT = {"risk.per_market_max_usd": 100}
OBSERVED = {
    "risk.global_exposure_limit_usd": (lambda w: w.get("exposure")["global_limit_usd"], 500_000, 400_000, 400_000),
    "risk.category_limits.sports": (category("sports"), 200_000, 100, 100),
    "risk.category_limits.crypto": (category("crypto"), 150_000, 100, 100),
    "risk.category_limits.politics": (category("politics"), 100_000, 100, 100),
    "risk.category_limits.entertainment": (category("entertainment"), 50_000, 100, 100),
    "risk.category_limits.science": (category("science"), 50_000, 100, 100),
    "risk.category_limits.business": (category("business"), 50_000, 100, 100),
    "risk.per_trade_max_usd": (max_bet, 1000, 900, 900),
    "risk.per_market_max_usd": (lambda w: w.get("exposure")["top_markets"][0]["limit_usd"], 50_000, 200, 200),
    "risk.circuit_breaker_threshold_pct": (
        lambda w: w.get("risk/circuit-breakers")[0]["trigger_threshold"], 90, 80, 80,
    ),
    "risk.sharp_score_threshold": (judged, "normal", 42, "sharp"),
    "risk.restricted_score_threshold": (judged, "sharp", 42, "restricted", {"risk.sharp_score_threshold": 41}),
    "spread.base_spread_bps": (even_price, Decimal("0.6262"), 300, Decimal("0.6293")),
    "spread.min_spread_bps": (even_price, Decimal("0.6255"), 190, Decimal("0.6259"), BUSY),
    "spread.max_spread_bps": (heavy_price, Decimal("0.6309"), 300, Decimal("0.6293"), TIGHT),
    "spread.risk_multiplier": (heavy_price, Decimal("0.6309"), 0, Decimal("0.6262"), TIGHT),
    "spread.volume_discount_enabled": (even_price, Decimal("0.6255"), False, Decimal("0.6262"), BUSY),
    "spread.volume_discount_threshold_usd": (even_price, Decimal("0.6262"), 30, Decimal("0.6255")),
    "spread.volume_discount_bps": (even_price, Decimal("0.6255"), 50, Decimal("0.6247"), BUSY),
    "fees.trading_fee_bps": (lambda w: quoted(w, w.even).fee_usd, Decimal("0.31"), 100, Decimal("0.63")),
    "fees.settlement_fee_bps": (settlement_fee, [], 100, [Decimal("-0.50")]),
    "fees.withdrawal_fee_usd": (withdrawn, 10, 2, 12),
    "features.s2s_enabled": (delivery, ["ready"], False, ["recorded"]),
    "features.embed_enabled": (registered, Decimal("0.6262"), False, "FEATURE_DISABLED"),
    "features.auto_settlement": (by_source, "resolved", False, "active"),
    "features.sharp_detection": (judged, "sharp", False, "normal", {"risk.sharp_score_threshold": 42}),
    "features.revenue_forecast": (status_of("revenue/forecast"), 200, False, 403),
    "features.cohort_analytics": (status_of("analytics/cohorts"), 200, False, 403),
    "defaults.operator_revenue_share_pct": (share, 30, 60, 40),
    "defaults.user_max_bet_usd": (max_bet, 1000, 700, 700),
    "defaults.session_timeout_hours": (session_hours, "2026-03-19T20:00:00Z", 2, "2026-03-19T14:00:00Z"),
    "tiers.sharp_max_bet_usd": (lambda w: max_bet(w, "sharp"), 100, 50, 50),
    "tiers.restricted_max_bet_usd": (lambda w: max_bet(w, "restricted"), 10, 5, 5),
}  # fmt: skip


def test_no_key_is_forgotten():
    assert set(OBSERVED) | ELSEWHERE == set(config.DECLARED)


@pytest.mark.parametrize("name", OBSERVED)
def test_every_key_changes_an_answer(world, name):
    observe, before, value, after, *first = OBSERVED[name]
    change(first[0] if first else {})
    assert observe(world) == before
    change({name: value})
    assert observe(world) == after


def change(values):
    exact = {name: value if isinstance(value, bool) else Decimal(value) for name, value in values.items()}
    limits.change(changes=exact, actor=system_admin(), reason="walk", now=now() + timedelta(seconds=1))
    config.reread()
