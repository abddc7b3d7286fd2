"""What a configuration would have done to recent trades: each recorded buy judged on its own.

Read-only. A buy is judged against the exposure stored with it; that a refused trade would have left room for the next,
or a wider spread have driven a user away, is not in it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from operators.models import Operator
from predictu import clock, ids, money
from predictu.money import ZERO
from predictu.platform.config import Configuration
from risk import limits, walls
from risk.models import CircuitBreaker, Scope
from risk.services import exposure
from trading import pricing

DAYS = 30
NOTE = (
    "Each recorded buy is judged on its own, against the exposure stored with it and the user's tier and the operator's"
    " terms of today; knock-on effects are not included."
)

_BUYS = """
SELECT operator_id, market_id, category, outcome, mid, quantity, cost_usd, exposure_before, earlier, tier
FROM (
  SELECT trade.*, player.tier, coalesce(sum(trade.cost_usd) OVER (
    PARTITION BY trade.player_id ORDER BY trade.created_at RANGE BETWEEN '30 days' PRECEDING AND CURRENT ROW
    EXCLUDE CURRENT ROW), 0) AS earlier
  FROM trading_trade trade JOIN accounts_player player ON player.id = trade.player_id
  WHERE trade.id >= %(first)s AND trade.created_at >= %(earliest)s AND NOT trade.is_test AND trade.status <> 'cancelled'
) AS recent
WHERE side = 'buy' AND created_at >= %(since)s ORDER BY id
"""
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class _Buy:
    operator_id: str
    market_id: str
    category: str
    outcome: str
    mid: Decimal
    quantity: Decimal
    cost_usd: Decimal
    before: dict[str, Decimal]
    earlier_usd: Decimal
    tier: str

    def scopes(self) -> Iterator[tuple[str, str, Decimal]]:
        """Scope, its id and its exposure after this trade, in the order of the walls."""
        keys = exposure.keys_of(market_id=self.market_id, category=self.category, operator_id=self.operator_id)
        for scope, scope_id in keys:
            if scope in self.before:
                yield scope, scope_id, self.before[scope] + self.quantity


def of_change(before: Configuration, after: Configuration, *, now: datetime) -> dict[str, Any]:
    """The difference ``after`` would have made to the buys of the last 30 days, beside ``before``."""
    since = now - timedelta(days=DAYS)
    judge = _Judge(before, after)
    for buy in _buys(since):
        judge.see(buy)
    return {
        "period": {"from": clock.seconds(since), "to": clock.seconds(now)},
        "trades_examined": judge.examined,
        "trades_rejected": sum(judge.rejected.values()),
        "rejected_by_wall": {name: judge.rejected[wall] for wall, name in walls.WALL_NAMES.items()},
        "rejected_cost_usd": judge.rejected_cost,
        "breakers_tripped": [
            {"circuit_breaker_id": breaker.id, "scope": breaker.scope, "scope_id": breaker.scope_id or None}
            for breaker in judge.tripped()
        ],
        "spread_revenue_usd": {
            "before": judge.spread_before,
            "after": judge.spread_after,
            "difference": judge.spread_after - judge.spread_before,
        },
        "note": NOTE,
    }


class _Judge:
    """Sums over the buys seen. Limits are worked out once, and breakers judged by the fullest each scope was."""

    def __init__(self, before: Configuration, after: Configuration) -> None:
        self.before, self.after = before, after
        self.operators = Operator.objects.in_bulk()
        by_exposure = CircuitBreaker.objects.filter(is_enabled=True, trigger_type="exposure_pct").order_by("pk")
        self.breakers: dict[tuple[str, str], list[CircuitBreaker]] = {}
        for breaker in by_exposure:
            self.breakers.setdefault((breaker.scope, breaker.scope_id), []).append(breaker)
        self.limits: dict[tuple[bool, str, str, str], Decimal] = {}
        self.fullest: dict[tuple[bool, str, str], tuple[Decimal, Decimal]] = {}
        self.examined, self.rejected, self.rejected_cost = 0, Counter[int](), ZERO
        self.spread_before = self.spread_after = ZERO

    def see(self, buy: _Buy) -> None:
        self.examined += 1
        self.spread_before += self._spread(buy, self.before)
        scopes = list(buy.scopes())
        wall = self._wall(buy, scopes, self.after)
        if wall and not self._wall(buy, scopes, self.before):
            self.rejected[wall] += 1
            self.rejected_cost += buy.cost_usd
        else:
            self.spread_after += self._spread(buy, self.after)
            self._fill(buy, scopes, self.after)
        self._fill(buy, scopes, self.before)

    def tripped(self) -> list[CircuitBreaker]:
        """The breakers that only the new values would have tripped."""
        return [
            breaker
            for known in self.breakers.values()
            for breaker in known
            if self._trips(breaker, self.after) and not self._trips(breaker, self.before)
        ]

    def _limit(self, scope: str, buy: _Buy, configuration: Configuration) -> Decimal:
        key = (configuration is self.after, scope, buy.operator_id, buy.category)
        if key not in self.limits:
            operator = self.operators[buy.operator_id]
            terms = limits.OperatorLimits(operator.risk_tier, operator.exposure_limit_usd, operator.category_limits)
            self.limits[key] = exposure.limit_of(
                scope, category=buy.category, configuration=configuration, operator=terms
            )
        return self.limits[key]

    def _wall(self, buy: _Buy, scopes: list[tuple[str, str, Decimal]], configuration: Configuration) -> int | None:
        most = [configuration["risk.per_trade_max_usd"], configuration["defaults.user_max_bet_usd"]]
        most.append(configuration.values.get(f"tiers.{buy.tier}_max_bet_usd", most[0]))
        if buy.cost_usd > min(most):
            return 1
        for scope, _, held in scopes:
            if held > self._limit(scope, buy, configuration):
                return walls.WALL_OF[scope]
        return None

    def _fill(self, buy: _Buy, scopes: list[tuple[str, str, Decimal]], configuration: Configuration) -> None:
        """Remember the fullest a scope with a breaker was, with the limit it had."""
        for scope, scope_id, held in scopes:
            if (scope, scope_id) in self.breakers:
                key = (configuration is self.after, scope, scope_id)
                if key not in self.fullest or held > self.fullest[key][0]:
                    self.fullest[key] = held, self._limit(scope, buy, configuration)

    def _trips(self, breaker: CircuitBreaker, configuration: Configuration) -> bool:
        held, limit = self.fullest.get((configuration is self.after, breaker.scope, breaker.scope_id), (ZERO, ZERO))
        at = breaker.trigger_threshold
        if breaker.follows_config:
            at = configuration["risk.circuit_breaker_threshold_pct"]
        return limit > 0 and held * 100 >= at * limit

    def _spread(self, buy: _Buy, configuration: Configuration) -> Decimal:
        override = self.operators[buy.operator_id].spread_override_bps
        earned = configuration["spread.volume_discount_enabled"]
        earned = earned and buy.earlier_usd >= configuration["spread.volume_discount_threshold_usd"]
        bps = pricing.spread_bps(
            base_bps=override if override is not None else configuration["spread.base_spread_bps"],
            min_bps=configuration["spread.min_spread_bps"],
            max_bps=configuration["spread.max_spread_bps"],
            risk_multiplier=configuration["spread.risk_multiplier"],
            utilisation=self._utilisation(buy, configuration),
            tier=buy.tier,
            discount_bps=configuration["spread.volume_discount_bps"] if earned else ZERO,
        )
        return money.half_up((pricing.ask(buy.mid, bps) - buy.mid) * buy.quantity)

    def _utilisation(self, buy: _Buy, configuration: Configuration) -> Decimal:
        yes, no = buy.before.get("yes", ZERO), buy.before.get("no", ZERO)
        heavier = pricing.adds_to_heavier_side(side="buy", outcome=buy.outcome, yes_exposure=yes, no_exposure=no)
        if not heavier:
            return ZERO
        return pricing.market_utilisation(yes + no, self._limit(Scope.MARKET, buy, configuration))


def _buys(since: datetime) -> Iterator[_Buy]:
    earliest = since - timedelta(days=DAYS)
    bounds = {"since": since, "earliest": earliest, "first": ids.first(earliest - timedelta(minutes=5))}
    with connection.cursor() as cursor:
        cursor.execute(_BUYS, bounds)
        while rows := cursor.fetchmany(_BATCH):
            for operator, market, category, outcome, mid, quantity, cost, before, earlier, tier in rows:
                held = {name: Decimal(value) for name, value in _object(before).items()}
                yield _Buy(
                    ids.encode("op", operator), ids.encode("mkt", market), category, outcome, mid, quantity, cost,
                    held, earlier, tier,
                )  # fmt: skip


def _object(value: Any) -> dict[str, str]:
    return orjson.loads(value) if isinstance(value, str) else value
