"""What happens around the trades of the demo: prices, settlements, scores, and what staff do about it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import AdminUser, Player
from predictu.errors import PredictuError
from reports.demo import markets
from risk.models import CircuitBreaker
from risk.services import desk, users
from trading.feed.world import WorldMarket
from trading.models import Market, Position, PricePoint, Trade
from trading.services import cancels, evaluations, prices, settlements, settling

Plan = Callable[[datetime, Callable[[datetime], None]], None]

_LONG_STEP, _SHORT_STEP = timedelta(hours=6), timedelta(minutes=5)


def write_prices(carried: Sequence[tuple[WorldMarket, Market]], *, begin: datetime, now: datetime) -> None:
    """The history of every market's mid: each five minutes of the fleeting ones, each six hours of the others."""
    prices.ensure_months(begin + timedelta(days=day) for day in range((now - begin).days + 2))
    points: list[PricePoint] = []
    for market, row in carried:
        step = _SHORT_STEP if market.kind == "short" else _LONG_STEP
        at = max(market.opens_at, begin)
        while at < min(market.decided_at, now):
            found = markets.any_mid(market, at)
            if found is not None:
                points.append(PricePoint(market=row, at=at, yes_mid=found))
            at += step
    PricePoint.objects.bulk_create(points, batch_size=5_000, ignore_conflicts=True)


def plan_settlements(
    plan: Plan, carried: Iterable[tuple[WorldMarket, Market]], *, actor: AdminUser, now: datetime
) -> None:
    """Every market that was traded is resolved when the source closed it, and settled at once."""
    for market, row in carried:
        if market.closed_at <= now:
            plan(market.closed_at, _settle(market, row, actor))


def _settle(market: WorldMarket, row: Market, actor: AdminUser) -> Callable[[datetime], None]:
    def settle(at: datetime) -> None:
        if not Position.objects.filter(market_id=row.id).exists():
            return  # the source's next answer tells what became of it
        resolved = settlements.resolve(
            market_id=row.id, outcome=market.result, reason="Closed by the source", actor=actor, now=at
        )
        if resolved.settlement is not None:
            settling.settle(resolved.settlement.id, now=at)

    return settle


def plan_scores(plan: Plan, *, begin: datetime, now: datetime) -> None:
    """Scores are taken weekly, and once more in the morning of the last day."""
    at = begin + timedelta(days=7)
    while at < now - timedelta(hours=2):
        plan(at, _score)
        at += timedelta(days=7)
    plan(now - timedelta(hours=2), _score)


def _score(at: datetime) -> None:
    evaluations.evaluate(None, now=at)


def plan_staff(plan: Plan, *, now: datetime, actor: AdminUser) -> None:
    """In the last week: a user is restricted, one banned, one made vip; a breaker is tripped; a trade is cancelled."""
    plan(now - timedelta(days=6), lambda at: _flag(actor, at))
    plan(now - timedelta(days=4), lambda at: _cancel(actor, at))
    plan(now - timedelta(hours=5), lambda at: _trip(actor, at))


def _flag(actor: AdminUser, at: datetime) -> None:
    busy = list(Player.objects.real().filter(tier=Player.Tier.NORMAL).order_by("-trade_count", "id")[:4])
    changes: list[tuple[dict[str, Any], str]] = [
        ({"tier": "restricted", "max_bet_usd": Decimal(25)}, "Matched bets with a syndicate"),
        ({"tier": "banned"}, "Terms of use, section 4"),
        ({"limit_tier": "vip"}, "Asked for by the operator"),
        ({"blocked_categories": ["politics"]}, "Works for a campaign"),
    ]
    for player, (change, reason) in zip(busy, changes, strict=False):
        users.change_by_staff(player_id=player.id, changes=change, actor=actor, reason=reason, now=at)


def _trip(actor: AdminUser, at: datetime) -> None:
    quiet = Trade.objects.filter(is_test=False).order_by("-id").values_list("market_id", flat=True).first()
    if quiet is None:
        return
    breaker = desk.create_breaker(
        scope="market",
        scope_id=quiet,
        trigger_type=CircuitBreaker.Trigger.EXPOSURE_PCT,
        trigger_threshold=Decimal(80),
        cooldown_minutes=60,
        auto_reset=False,
        buys_only=False,
        actor=actor,
        reason="Watched closely",
        now=at,
    )
    desk.trip_breaker(breaker_id=breaker.id, actor=actor, reason="Unusual one-sided flow", now=at)


def _cancel(actor: AdminUser, at: datetime) -> None:
    """Two palpable errors of the last day are taken back, whichever can still be."""
    done = 0
    for trade_id in (
        Trade.objects.filter(is_test=False, side="buy", status="filled")
        .order_by("-id")
        .values_list("id", flat=True)[:60]
    ):
        try:
            cancels.cancel(trade_id=trade_id, reason="Price shown in error", actor=actor, now=at)
        except PredictuError:
            continue
        done += 1
        if done == 2:
            return
