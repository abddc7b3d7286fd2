"""Moving counters for many operators at once, and breakers on house loss."""

from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import system_admin
from risk.models import CircuitBreaker, ExposureBucket, RiskEvent
from risk.services import breakers, exposure
from tests.factories import make_market, make_operator, make_player, now, place

pytestmark = pytest.mark.django_db


def counters(scope, scope_id=""):
    found = ExposureBucket.objects.get(scope=scope, scope_id=scope_id)
    return found.yes_usd, found.no_usd, found.position_count


def test_release_gives_back_every_operators_part_and_rearms_what_fell():
    tight = make_operator(
        max_bet_usd=10_000, new_tier_limit=10_000, exposure_limit_usd=100, category_limits={"crypto": 9999}
    )
    wide = make_operator(max_bet_usd=10_000, new_tier_limit=10_000)
    market, other = make_market(), make_market()
    place(make_player(tight, balance="900"), market, 62)
    place(make_player(wide, balance="900"), market, 30, outcome="no")
    place(make_player(wide, balance="900"), other, 5)
    assert counters("market", market.id) == (62, 30, 2)
    assert RiskEvent.objects.get(resolved_at=None).crossing_pct == 60
    with transaction.atomic():
        exposure.release(
            market_id=market.id,
            category="crypto",
            by_operator={tight.id: (Decimal(62), Decimal(0), 1), wide.id: (Decimal(0), Decimal(30), 1)},
            now=now(),
        )
    assert counters("market", market.id) == (0, 0, 0)
    assert counters("operator", tight.id) == (0, 0, 0)
    assert counters("operator_category", f"{wide.id}:crypto") == (5, 0, 1)
    assert counters("category", "crypto") == counters("global") == (5, 0, 1)
    event = RiskEvent.objects.get()
    assert event.auto_resolved and event.resolved_at is not None
    assert ExposureBucket.objects.get(scope="operator", scope_id=tight.id).alert_level == 0


def test_an_operators_first_trade_brings_its_breaker_once():
    operator = make_operator(new_tier_limit=10_000)
    place(make_player(operator, balance="900"), make_market(), 5)
    breakers.seed_for_operator(operator.id, now=now())
    found = CircuitBreaker.objects.get(scope="operator", scope_id=operator.id)
    assert (found.follows_config, found.trigger_threshold, found.status) == (True, 90, "armed")
    assert CircuitBreaker.objects.filter(scope="category").count() == 6
    assert CircuitBreaker.objects.filter(scope="global").count() == 1


def test_a_house_loss_trips_at_its_threshold_and_after_a_reset_only_two_points_on():
    breaker = CircuitBreaker.objects.create(
        scope="category", scope_id="crypto", trigger_type="loss_usd_24h", trigger_threshold=1000, auto_reset=False,
        created_by=system_admin(), created_at=now(), updated_at=now(),
    )  # fmt: skip

    def settled(loss):
        breakers.settled({("category", "crypto"): Decimal(loss), ("global", ""): Decimal(loss)}, now=now())
        breaker.refresh_from_db()
        return breaker.status

    def rearm():
        breakers.rearm_held(breaker, exposure_usd=Decimal(0), limit=None, now=now())

    assert settled("999.99") == "armed"
    assert settled("1000") == "tripped"
    event = RiskEvent.objects.get(type="circuit_breaker")
    assert (event.value, event.threshold, event.severity, event.utilization_pct) == (1000, 1000, "critical", None)
    rearm()
    assert settled("1019.99") == "armed"
    assert settled("1020") == "tripped"
    rearm()
    assert settled("949") == "armed"
    assert settled("1000") == "tripped"
    assert CircuitBreaker.objects.get(scope="global").status == "armed"
