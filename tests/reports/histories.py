"""A platform that has lived for eleven weeks: random trades with cancels, a void, a correction and changes of share.

Everything happens through the services at its own time, in order; half of it is rolled up on the way.
"""

import contextlib
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import time_machine

from accounts.models import Player
from accounts.services import signups
from operators.models import Operator
from predictu import ids
from predictu.errors import PredictuError
from predictu.platform import config
from predictu.platform.models import ConfigRevision
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market, Position, Trade
from trading.services import cancels, corrections, rollups, settlements, settling

NOW = datetime(2026, 6, 17, 15, 23, 41, tzinfo=UTC)
SPAN = timedelta(days=77)
ROOM = {"new_tier_limit": 1000, "regular_tier_limit": 1000}
CONFIG = {
    "fees.settlement_fee_bps": 175,
    "risk.per_market_max_usd": 450,
    "risk.global_exposure_limit_usd": 4000,
    "risk.category_limits.crypto": 2500,
    "risk.category_limits.sports": 1500,
}


_shares: dict[Any, list[tuple[datetime, Decimal]]] = {}


def shares() -> dict[Any, list[tuple[datetime, Decimal]]]:
    """By operator's bare id, from when which percentage was Predictu's, as it was told to the last history."""
    return _shares


def live(seed: int, *, trades: int = 110, until: datetime = NOW, other: dict[str, Any] | None = None) -> None:
    """Let it happen in the eleven weeks before ``until``. ``seed`` decides all of it; ``other`` is the configuration of
    a platform with more operators and markets."""
    dice, begin, bigger = random.Random(seed), until - SPAN, other is not None
    with time_machine.travel(begin, tick=False):
        admin = make_admin()
        ConfigRevision.objects.create(values=other or CONFIG, reason="small limits", actor=admin, created_at=now())
        config.reread()
        operators = _operators(bigger)
        _shares.clear()
        _shares.update({ids.decode("op", row.pk): [(begin, row.predictu_share_pct)] for row in operators})
        categories = ("crypto", "sports", "politics") if bigger else ("crypto", "sports")
        markets = [
            make_market(title=f"Market {seed}.{n}", category=categories[n % len(categories)])
            for n in range(8 if bigger else 6)
        ]
        tester = make_player(make_operator(stage="testing", onboarded_at=None, **ROOM), balance="90")
        make_player(operators[0])  # never trades
    players: list[Player] = []
    for at, act in _plan(dice, trades, begin):
        with time_machine.travel(at, tick=False):
            if act == "join":
                players.append(_join(dice, operators))
            elif act == "trade":
                trade(dice, [*players, tester] if players else [tester], markets)
            elif act == "cancel":
                _cancel(dice, admin)
            elif act == "share":
                _share(operators[0], dice.choice([20, 35, 42]))
            elif act == "compact":
                rollups.compact()
                signups.compact()
            else:
                _end(markets[int(act[0])], act[2:], admin)


def _operators(bigger: bool) -> list[Operator]:
    made = [
        make_operator(predictu_share_pct=30 + Decimal(bigger), exposure_limit_usd=Decimal(1500), **ROOM),
        make_operator(predictu_share_pct=Decimal("27.5") + bigger, custom_fees_bps=120, risk_tier="premium", **ROOM),
        make_operator(predictu_share_pct=50 + Decimal(bigger), spread_override_bps=Decimal(350), **ROOM),
    ]
    if bigger:
        made.append(make_operator(predictu_share_pct=Decimal(33), risk_tier="elite", **ROOM))
        make_operator(stage="pending", onboarded_at=None, **ROOM)
    return made


def _share(operator: Operator, percentage: int) -> None:
    Operator.objects.filter(pk=operator.pk).update(predictu_share_pct=percentage)
    _shares[ids.decode("op", operator.pk)].append((now(), Decimal(percentage)))


def _plan(dice: random.Random, trades: int, begin: datetime) -> list[tuple[datetime, str]]:
    """What happens when, in order."""
    span = SPAN.total_seconds()
    plan = [(dice.random() * 0.55, "join") for _ in range(9)] + [(0.01, "join")]
    while sum(act == "trade" for _, act in plan) < trades:
        start = 0.02 + 0.97 * dice.random()
        plan += [(start + step * 540 / span, "trade") for step in range(dice.choice([1, 1, 2, 4]))]
    plan += [(0.1 + 0.89 * dice.random(), "cancel") for _ in range(8)]
    plan += [(share, "share") for share in (0.31, 0.64, 0.83)] + [(0.55, "compact"), (0.81, "compact")]
    plan += [(0.45, "0 yes"), (0.6, "1 cancelled"), (0.72, "0 correct no"), (0.9, "2 split"), (0.97, "3 later yes")]
    return sorted((begin + timedelta(seconds=round(part * span, 3)), act) for part, act in plan)


def _join(dice: random.Random, operators: list[Operator]) -> Player:
    tier = dice.choice(["normal", "normal", "sharp"])
    return make_player(dice.choice(operators), balance="3000", tier=tier, channel=dice.choice(["", "web", "app"]))


def trade(dice: random.Random, players: list[Player], markets: list[Market]) -> None:
    """One that the rules may refuse."""
    player, market = dice.choice(players), dice.choice(markets)
    mid = Decimal(dice.randrange(1500, 8500)) / 10_000
    Market.objects.filter(pk=market.pk).update(priced_at=now(), yes_mid=mid)
    held = Position.objects.filter(player=player, market=market, status="open").first()
    terms = {"outcome": dice.choice(["yes", "no"]), "quantity": Decimal(dice.randrange(30, 1200)) / 10}
    if held is not None and held.quantity > 2 and dice.random() < 0.35:
        part = (held.quantity / dice.choice([1, 2, 3])).quantize(Decimal("0.0001"))
        terms = {"side": "sell", "outcome": held.outcome, "quantity": min(part, held.quantity)}
    with contextlib.suppress(PredictuError):
        place(player, market, device=dice.choice(["mobile", "desktop", "tablet", ""]), **terms)


def _cancel(dice: random.Random, admin: object) -> None:
    standing = list(Trade.objects.filter(status="filled").order_by("id"))
    for trade in dice.sample(standing, k=min(5, len(standing))):
        try:
            cancels.cancel(trade_id=trade.id, reason="palpable", actor=admin, now=now())
        except PredictuError:
            continue
        return


def _end(market: Market, act: str, admin: object) -> None:
    if act.startswith("correct"):
        corrections.correct(market_id=market.id, outcome=act.split()[1], reason="wrong", actor=admin, now=now())
        return
    outcome = act.split()[-1]
    done = settlements.resolve(market_id=market.id, outcome=outcome, reason="over", actor=admin, now=now())
    if not act.startswith("later"):
        settling.settle(done.settlement.id, now=now())
