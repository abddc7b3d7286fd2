"""The scores that simulated players would have at a moment, worked out in memory by the platform's own definitions.

Only what was known at that moment goes in: trades, mids and results up to it. Labels are not read here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, islice, repeat

import numpy as np

from predictu.money import rounded
from reports.simulation.fills import Fills, fill
from reports.simulation.intents import BUY
from reports.simulation.markets import CANCELLED, NEVER, Flags, Floats, Ints, Markets
from reports.simulation.world import World, external_id
from risk import features
from risk.correlation import NOBODY, BestMatches, best_matches
from risk.features import PLACES, Buy, MarketHistory
from risk.scoring import SCALES, Evaluation, Features, Match, Thresholds, evaluate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PRICES = [Decimal(step).scaleb(-4) for step in range(10_001)]


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A row for each player with enough resolved trades, ascending."""

    user: Ints
    evaluations: tuple[Evaluation, ...]

    def scores(self) -> Mapping[str, Floats]:
        return points(self.evaluations)


def points(evaluations: Sequence[Evaluation]) -> Mapping[str, Floats]:
    """The whole score first, then each component's points; a row for each evaluation."""
    parts = {name: [each.components[name].score for each in evaluations] for name in SCALES}
    whole = {"score": [each.score for each in evaluations], **parts}
    return {name: np.array(values, dtype=np.float64) for name, values in whole.items()}


def appraise(*, world: World, at_ms: int, resolved_from: int, thresholds: Thresholds) -> Appraisal:
    """Evaluate every player with at least ``resolved_from`` resolved trades at the moment."""
    intents, markets, filled = world.intents, world.markets, fill(world=world)
    void = (markets.resolution == CANCELLED) & (markets.resolves_ms <= at_ms)
    counts = (intents.time_ms <= at_ms) & ~void[intents.market]
    known = counts & filled.resolved & (filled.resolved_ms <= at_ms)
    resolved = np.bincount(intents.user[known], minlength=len(world.users.operator))
    chosen = np.flatnonzero(resolved >= resolved_from)

    buys = counts & (intents.side == BUY)
    matches = _matches(world, buys)
    histories = _histories(markets, at_ms)
    evaluations = []
    mids = markets.mid_at(intents.market, intents.time_ms)
    mine = _rows(intents.user, chosen, buys)
    results = _rows(intents.user, chosen, known)
    for user in chosen.tolist():
        found = _features(world, filled, mids, mine[user], results[user], histories, matches.get(user), _moment(at_ms))
        evaluations.append(evaluate(features=found, user_id=external_id(user), thresholds=thresholds))
    return Appraisal(chosen, tuple(evaluations))


def _features(
    world: World,
    filled: Fills,
    mids: Ints,
    buys: list[int],
    results: list[int],
    histories: list[MarketHistory],
    match: tuple[int, int, int] | None,
    now: datetime,
) -> Features:
    pairs = [(_buy(world, filled, mids, row), histories[world.intents.market[row]]) for row in buys]
    count, partner, matched = match or (0, NOBODY, 0)
    return Features(
        resolved=len(results),
        win_rate=features.win_rate(
            [Decimal(int(filled.pnl_cents[row])) for row in results if _held(world, filled, row)]
        ),
        edge_detection=features.edge(pairs, now=now),
        timing=features.timing(pairs, now=now),
        volume_pattern=features.steadiness([buy.cost_usd for buy, _ in pairs]),
        correlation=rounded(Decimal(matched) / count, PLACES) if count else None,
        match=Match(external_id(partner), matched) if matched else None,
    )


def _buy(world: World, filled: Fills, mids: Ints, row: int) -> Buy:
    intents = world.intents
    yes = int(mids[row])
    is_yes = intents.outcome[row] == 1
    return Buy(
        market=str(intents.market[row]),
        outcome="yes" if is_yes else "no",
        price=_PRICES[filled.price[row]],
        mid=_PRICES[yes if is_yes else 10_000 - yes],
        cost_usd=Decimal(int(filled.cost_cents[row])) / 100,
        placed_at=_moment(int(intents.time_ms[row])),
    )


def _held(world: World, filled: Fills, row: int) -> bool:
    """Whether it is a buy of which something was left for the settlement, which comes after every sale."""
    return bool(world.intents.side[row] == BUY and filled.left[row] > 0)


def _matches(world: World, buys: Flags) -> dict[int, tuple[int, int, int]]:
    """For each player his buys, his best partner and how many that one matched."""
    intents = world.intents
    found: BestMatches = best_matches(
        user=intents.user[buys],
        bet=intents.market[buys] * 2 + intents.outcome[buys],
        time_ms=intents.time_ms[buys],
    )
    rows = zip(found.buys.tolist(), found.partner.tolist(), found.matched.tolist(), strict=True)
    return dict(zip(found.user.tolist(), rows, strict=True))


def _histories(markets: Markets, at_ms: int) -> list[MarketHistory]:
    """Each market's readings up to the moment, and its dates."""
    histories = []
    grid = markets.grid_ms * _MILLISECOND
    for market in range(len(markets.category)):
        first = int(markets.first[market])
        mids = markets.mids[first : int(markets.first[market + 1])].tolist()
        begin = int(markets.first_ms[market])
        mids = mids[: max(0, (at_ms - begin) // markets.grid_ms + 1)]
        game = int(markets.game_start_ms[market])
        histories.append(
            MarketHistory(
                times=list(islice(accumulate(repeat(grid), initial=_moment(begin)), len(mids))),
                mids=list(map(_PRICES.__getitem__, mids)),
                game_start_at=None if game == NEVER else _moment(game),
                end_date=_moment(int(markets.end_ms[market])),
                closed_at=_moment(int(markets.closes_ms[market])),
            )
        )
    return histories


def _rows(user: Ints, chosen: Ints, which: Flags) -> dict[int, list[int]]:
    """The chosen players' rows."""
    rows = np.flatnonzero(which & np.isin(user, chosen))
    grouped: dict[int, list[int]] = defaultdict(list)
    for row, owner in zip(rows.tolist(), user[rows].tolist(), strict=True):
        grouped[owner].append(row)
    return grouped


def _moment(time_ms: int) -> datetime:
    return _EPOCH + time_ms * _MILLISECOND
