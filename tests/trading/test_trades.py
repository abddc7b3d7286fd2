"""The trade service on real PostgreSQL: what moves, what is refused, and that a refusal moves nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import LedgerEntry, Player
from operators.models import CallbackEvent, IdempotencyRecord
from predictu import errors
from predictu.platform import config
from predictu.platform.models import ActivityEvent
from risk.models import CircuitBreaker, ExposureBucket, RiskEvent
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, Position, RevenueFact, Trade

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}


def everything():
    """All that a refused trade must leave as it was."""
    return {
        "players": list(Player.objects.order_by("pk").values()),
        "ledger": LedgerEntry.objects.count(),
        "trades": Trade.objects.count(),
        "positions": list(Position.objects.order_by("pk").values()),
        "buckets": list(ExposureBucket.objects.filter(trade_rows__gt=0).order_by("pk").values()),
        "facts": RevenueFact.objects.count(),
        "events": CallbackEvent.objects.count(),
        "keys": IdempotencyRecord.objects.count(),
    }


def bucket(scope, scope_id=""):
    return ExposureBucket.objects.get(scope=scope, scope_id=scope_id)


def test_a_buy_writes_every_row_exactly():
    operator = make_operator(custom_fees_bps=150, **ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    row = place(player, market, 50, key="k-1")
    # 0.62 × (1 + 0.02/2) = 0.6262; 50 × 0.6262 = 31.31; 150 bps of it 0.47; (0.6262 − 0.62) × 50 = 0.31
    assert (row["price"], row["cost_usd"], row["fee_usd"], row["spread_usd"]) == (0.6262, 31.31, 0.47, 0.31)
    assert row["balance_usd"] == 68.22
    player.refresh_from_db()
    assert (player.balance_usd, player.trade_count, player.volume_usd) == (Decimal("68.22"), 1, Decimal("31.31"))
    assert (player.open_positions, player.exposure_usd) == (1, 50)
    entries = list(
        LedgerEntry.objects.filter(player=player).order_by("seq").values_list("type", "amount_usd", "idempotency_key")
    )
    assert entries[1:] == [
        ("trade_debit", Decimal("-31.31"), "k-1"),
        ("fee", Decimal("-0.47"), f"predictu:fee:{row['id']}"),
    ]
    position = Position.objects.get(player=player)
    assert (position.quantity, position.cost_basis_usd, position.avg_price) == (50, Decimal("31.31"), Decimal("0.6262"))
    for scope, scope_id in (("market", market.id), ("category", "crypto"), ("operator", operator.id), ("global", "")):
        found = bucket(scope, scope_id)
        assert (found.yes_usd, found.no_usd, found.trade_rows, found.volume_usd) == (50, 0, 1, Decimal("31.31"))
    fact = RevenueFact.objects.get()
    assert (fact.spread_usd, fact.fee_usd, fact.volume_usd, fact.share_pct) == (
        Decimal("0.31"), Decimal("0.47"), Decimal("31.31"), 30,
    )  # fmt: skip
    event = CallbackEvent.objects.get(event="TRADE_PLACED")
    assert row["id"].encode() in event.body and event.subject_id == row["id"]


def test_the_same_key_again_answers_the_same_and_moves_nothing():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    first = place(player, market, 10, key="same")
    before = everything()
    assert place(player, market, 10, key="same") == first
    assert everything() == before
    with pytest.raises(errors.IdempotencyConflict):
        place(player, market, 11, key="same")
    assert everything() == before


def test_a_sell_books_its_result_and_gives_exposure_back():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    place(player, market, 50)
    Market.objects.filter(pk=market.pk).update(yes_mid=Decimal("0.70"))
    row = place(player, market, 20, side="sell")
    # bid 0.70 × 0.99 = 0.693; proceeds 13.86; basis taken 31.31 × 20 ÷ 50 = 12.52
    assert (row["price"], row["cost_usd"], row["pnl_usd"]) == (0.693, 13.86, 1.34)
    position = Position.objects.get(player=player)
    assert (position.quantity, position.cost_basis_usd, position.realized_pnl_usd) == (
        30,
        Decimal("18.79"),
        Decimal("1.34"),
    )
    assert bucket("global").yes_usd == 30
    place(player, market, 30, side="sell")
    position.refresh_from_db()
    player.refresh_from_db()
    assert (position.status, position.quantity, position.cost_basis_usd) == ("closed", 0, 0)
    assert (player.open_positions, player.exposure_usd, player.resolved_count) == (0, 0, 2)
    assert bucket("market", market.id).position_count == 0


def test_an_amount_buys_what_it_can_and_never_more():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    row = place(player, market, amount_usd=Decimal("10"))
    assert row["quantity"] == 15.9693 and row["cost_usd"] == 10.0


@pytest.mark.parametrize(
    ("change", "order", "error", "reason"),
    [
        ({"status": "suspended"}, {}, errors.UserRestricted, "inactive"),
        ({"tier": "banned"}, {}, errors.UserRestricted, "tier"),
        ({"blocked_categories": ["crypto"]}, {}, errors.UserRestricted, "restriction"),
        ({"cooldown_until": now() + timedelta(hours=1)}, {}, errors.UserRestricted, "restriction"),
        ({"self_excluded_until": now() + timedelta(hours=1)}, {}, errors.UserRestricted, "self_exclusion"),
        ({"debt_usd": 5}, {}, errors.DebtOpen, None),
        ({}, {"quantity": 1000}, errors.InsufficientBalance, None),
        ({}, {"quantity": "0.5"}, errors.BelowMinimum, None),
        ({}, {"quantity": 1, "side": "sell"}, errors.NothingToSell, None),
        ({}, {"quantity": 10, "max_price": Decimal("0.62")}, errors.PriceMoved, None),
    ],
)
def test_refusals_move_nothing(change, order, error, reason):
    operator = make_operator(new_tier_limit=10_000, max_bet_usd=10_000)
    player, market = make_player(operator, balance="500", **change), make_market()
    before = everything()
    with pytest.raises(error) as refused:
        place(player, market, **({"quantity": 10} | order))
    assert everything() == before
    if reason:
        assert refused.value.details == {"reason": reason}


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"status": "paused"}, ["market_paused"]),
        ({"tradeable": False, "untradeable_reasons": [{"code": "low_volume"}]}, ["low_volume"]),
        ({"override": "blocked"}, ["blocked_by_staff"]),
        ({"priced_at": now() - timedelta(seconds=61)}, ["price_too_old"]),
        ({"yes_mid": None}, ["no_price"]),
        ({"buys_paused_until": now() + timedelta(hours=1)}, ["buys_paused"]),
    ],
)
def test_a_market_that_cannot_be_traded_says_why(change, reasons):
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="500"), make_market(**change)
    before = everything()
    with pytest.raises(errors.MarketNotTradeable) as refused:
        place(player, market, 10)
    assert refused.value.details == {"reasons": reasons}
    assert everything() == before


def test_staff_may_open_what_the_filter_closed():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="50"), make_market(tradeable=False, override="tradeable")
    assert place(player, market, 10)["status"] == "filled"


def test_wall_1_names_what_would_pass_and_it_does():
    operator = make_operator(new_tier_limit=10)
    player, market = make_player(operator, balance="500"), make_market()
    before = everything()
    with pytest.raises(errors.RiskRejected) as refused:
        place(player, market, 100)
    details = refused.value.details
    assert (details["wall"], details["limit_usd"], details["value_usd"]) == (1, 10, Decimal("62.62"))
    assert everything() == before
    event = RiskEvent.objects.get()
    assert (event.type, event.wall, event.severity, event.player_id) == ("wall_violation", 1, "warning", player.id)
    assert place(player, market, amount_usd=details["max_allowed_usd"])["cost_usd"] == 10.0


@pytest.mark.parametrize(
    ("wall", "limits"),
    [(3, {"category_limits": {"crypto": 100}}), (4, {"exposure_limit_usd": 100, "category_limits": {"crypto": 9999}})],
)
def test_a_wall_refuses_by_its_own_counter_and_what_it_allows_passes(wall, limits):
    operator = make_operator(max_bet_usd=10_000, new_tier_limit=10_000, **limits)
    player, market = make_player(operator, balance="900"), make_market()
    place(player, market, 40)
    before = everything()
    with pytest.raises(errors.RiskRejected) as refused:
        place(player, market, 61)
    details = refused.value.details
    assert (details["wall"], details["limit_usd"], details["value_usd"]) == (wall, 100, 101)
    assert everything() == before
    allowed = place(player, market, amount_usd=details["max_allowed_usd"])
    assert Decimal(str(allowed["quantity"])) <= 60
    assert bucket("operator", operator.id).yes_usd <= 100


def test_crossing_a_level_writes_one_event_and_falling_back_rearms_it():
    operator = make_operator(
        max_bet_usd=10_000, new_tier_limit=10_000, exposure_limit_usd=100, category_limits={"crypto": 9999}
    )
    player, market = make_player(operator, balance="900"), make_market()
    place(player, market, 59)
    assert not RiskEvent.objects.exists()
    place(player, market, 2)
    event = RiskEvent.objects.get()
    assert (event.crossing_pct, event.severity, event.value, event.utilization_pct) == (60, "warning", 61, 61)
    place(player, market, 2)
    assert RiskEvent.objects.count() == 1
    place(player, market, 5, side="sell")  # 58: within five points, still armed down
    assert RiskEvent.objects.get().resolved_at is None
    place(player, market, 4, side="sell")  # 54: fallen back
    event.refresh_from_db()
    assert event.auto_resolved and bucket("operator", operator.id).alert_level == 0
    place(player, market, 32)  # 86 crosses 60 and 85
    assert sorted(RiskEvent.objects.filter(resolved_at=None).values_list("crossing_pct", flat=True)) == [60, 85]


def test_the_trade_that_reaches_a_breaker_executes_and_trips_it():
    operator = make_operator(
        max_bet_usd=10_000, new_tier_limit=10_000, exposure_limit_usd=100, category_limits={"crypto": 9999}
    )
    player, market, admin = make_player(operator, balance="900"), make_market(), make_admin()
    breaker = CircuitBreaker.objects.create(
        scope="operator", scope_id=operator.id, trigger_threshold=50, cooldown_minutes=60, created_by=admin,
        created_at=now(), updated_at=now(),
    )  # fmt: skip
    place(player, market, 49)
    assert place(player, market, 2)["status"] == "filled"
    breaker.refresh_from_db()
    assert breaker.status == "tripped"
    before = everything()
    for side in ("buy", "sell"):
        with pytest.raises(errors.RiskRejected) as refused:
            place(player, market, 5, side=side)
        assert refused.value.details == {"circuit_breaker": breaker.id}
    assert everything() == before
    later = now() + timedelta(minutes=61)
    Market.objects.filter(pk=market.pk).update(priced_at=later)
    assert place(player, market, 2, at=later)["status"] == "filled"  # 53: reset at 51, trips again from 53
    breaker.refresh_from_db()
    assert (breaker.status, breaker.tripped_at) == ("tripped", later)


def test_a_test_user_moves_no_counter_and_earns_nothing():
    operator = make_operator(stage="testing", onboarded_at=None, **ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    row = place(player, market, 10)
    assert Trade.objects.get(pk=row["id"]).is_test
    assert not RevenueFact.objects.exists()
    assert not ExposureBucket.objects.filter(trade_rows__gt=0).exists()
    assert b'"test":true' in bytes(CallbackEvent.objects.get(event="TRADE_PLACED").body)


def test_suspension_stops_trading_at_once():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    operator.suspended_at = now()
    operator.save(update_fields=["suspended_at"])
    before = everything()
    with pytest.raises(errors.OperatorInactive):
        place(player, market, 10)
    assert everything() == before


def test_a_new_configuration_binds_the_very_next_trade():
    from predictu.platform.models import ConfigRevision

    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    assert place(player, market, 10)["price"] == 0.6262
    ConfigRevision.objects.create(
        values={"spread.base_spread_bps": 400}, reason="wider", actor=make_admin(), created_at=now()
    )
    assert config.current()["spread.base_spread_bps"] is not None
    assert place(player, make_market(), 10)["price"] == 0.6324


def test_an_operators_reference_names_one_thing():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="100"), make_market()
    assert place(player, market, 10, transaction_id="tx-1")["s2s_transaction_id"] == "tx-1"
    before = everything()
    with pytest.raises(errors.Conflict) as refused, transaction.atomic():
        place(player, market, 10, transaction_id="tx-1")
    assert refused.value.code == "TRANSACTION_ID_EXISTS"
    assert everything() == before


def test_a_large_trade_is_in_the_feed_and_a_small_one_is_not():
    operator = make_operator(**ROOM)
    player, market = make_player(operator, balance="900"), make_market()
    place(player, market, 10)
    assert not ActivityEvent.objects.filter(type="trade").exists()
    place(player, market, 200)
    line = ActivityEvent.objects.get(type="trade")
    assert line.metadata["amount_usd"] == 125.26 and player.id in line.description
    assert player.username not in line.description


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_ledgerentry SET amount_usd = amount_usd + 1",
        "DELETE FROM accounts_ledgerentry",
        "TRUNCATE accounts_ledgerentry CASCADE",
        "UPDATE trading_trade SET price = 0.5",
        "DELETE FROM trading_trade",
        "UPDATE trading_revenuefact SET fee_usd = 0",
        "DELETE FROM trading_revenuefact",
        "UPDATE accounts_player SET balance_usd = balance_usd + 1",
        "UPDATE accounts_player SET ledger_hash = ''",
        "UPDATE platform_configrevision SET reason = 'x'",
    ],
)
def test_the_database_refuses_to_rewrite_history(statement):
    operator = make_operator(**ROOM)
    place(make_player(operator, balance="100"), make_market(), 10)
    before = everything()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert everything() == before
