"""What players want to do: the stream of trade intents."""

from dataclasses import dataclass

import numpy as np

from reports.simulation import moments
from reports.simulation.markets import DAY_MS, HOUR_MS, Cells, Flags, Floats, Ints, Markets, finish_ms
from reports.simulation.moments import UNDECIDED, Calendar, Moments
from reports.simulation.parameters import POPULATIONS, Parameters
from reports.simulation.players import NOBODY, Habits, Labels, Users

BUY, SELL = 0, 1
_PROMO = POPULATIONS.index("promo")
_SYNDICATE = POPULATIONS.index("syndicate")


@dataclass(frozen=True, slots=True)
class Intents:
    """In the order of time. A buy names the amount to spend before fees; a sell means all the player then holds."""

    time_ms: Ints
    user: Ints
    market: Ints
    outcome: Ints
    """1 yes, 0 no."""
    side: Ints
    """BUY or SELL."""
    stake_cents: Ints
    """0 for a sell."""


@dataclass(frozen=True, slots=True)
class _Buys:
    time_ms: Ints
    user: Ints
    market: Ints
    outcome: Ints

    def keep(self, which: Ints) -> "_Buys":
        return _Buys(self.time_ms[which], self.user[which], self.market[which], self.outcome[which])


@dataclass(frozen=True, slots=True)
class _Occasions:
    calendar: Calendar
    moves: Moments
    games: Moments
    anywhere: Moments
    promotions: Moments
    tips: dict[tuple[int, int], Moments]
    """By population and horizon."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that the drawing of trades reads."""

    parameters: Parameters
    markets: Markets
    cells: Cells
    users: Users
    habits: Habits
    labels: Labels
    occasions: _Occasions
    tip_share: Floats


def make(
    *,
    parameters: Parameters,
    markets: Markets,
    cells: Cells,
    users: Users,
    habits: Habits,
    labels: Labels,
    rng: np.random.Generator,
) -> Intents:
    """Exactly ``parameters.trades`` intents that a platform without limits on exposure would execute.

    Raises ValueError when the markets are open too seldom for that.
    """
    occasions = _occasions(parameters, markets, cells, habits, labels, rng)
    tip_share = np.zeros(len(labels.edge))
    for (population, horizon), known in occasions.tips.items():
        mine = (labels.population == population) & (habits.horizon_ms == horizon)
        tip_share[mine] = np.minimum(1.0, labels.edge[mine] / known.gain) if known.gain > 0 else 0.0
    scene = _Scene(parameters, markets, cells, users, habits, labels, occasions, tip_share)

    buys = _all_buys(scene, rng)
    sells, sold = _sells(scene, buys, rng)
    spare = rng.permutation(np.flatnonzero(~sold))[: len(sells.user)]
    kept = np.ones(len(buys.user), dtype=np.bool_)
    kept[spare] = False
    buys = buys.keep(np.flatnonzero(kept))
    buys = buys.keep(np.lexsort((buys.market, buys.user, buys.time_ms)))
    stakes = _stakes(scene, buys, rng)

    time_ms = np.concatenate([buys.time_ms, sells.time_ms])
    user = np.concatenate([buys.user, sells.user])
    side = np.repeat([BUY, SELL], [len(buys.user), len(sells.user)])
    order = np.lexsort((user, side, time_ms))
    return Intents(
        time_ms=time_ms[order],
        user=user[order],
        market=np.concatenate([buys.market, sells.market])[order],
        outcome=np.concatenate([buys.outcome, sells.outcome])[order],
        side=side[order],
        stake_cents=np.concatenate([stakes, np.zeros(len(sells.user), dtype=np.int64)])[order],
    )


def _occasions(
    parameters: Parameters,
    markets: Markets,
    cells: Cells,
    habits: Habits,
    labels: Labels,
    rng: np.random.Generator,
) -> _Occasions:
    tips = {}
    for number, name in enumerate(POPULATIONS):
        for horizon in np.unique(habits.horizon_ms[labels.population == number]):
            if horizon:
                tips[number, int(horizon)] = moments.tips(
                    markets=markets,
                    cells=cells,
                    behaviour=parameters.behaviours[name],
                    horizon_ms=int(horizon),
                    rng=rng,
                )
    return _Occasions(
        calendar=Calendar(parameters=parameters, markets=markets),
        moves=moments.moves(markets=markets, cells=cells),
        games=moments.games(markets=markets, cells=cells),
        anywhere=moments.anywhere(markets=markets, cells=cells, rng=rng),
        promotions=moments.promotions(parameters=parameters, markets=markets, rng=rng),
        tips=tips,
    )


def _all_buys(scene: _Scene, rng: np.random.Generator) -> _Buys:
    """As many buys as intents are wanted, the syndicates' common bets first."""
    wanted = scene.parameters.trades
    activity = scene.habits.activity.copy()
    members = scene.labels.syndicate != NOBODY
    common = activity[members].sum() / activity.sum() * (1 - scene.parameters.syndicate_cover)
    parts = [_common_bets(scene, wanted * common, rng)]
    activity[members] *= scene.parameters.syndicate_cover
    shares = np.cumsum(activity / activity.sum())
    have = len(parts[0].user)
    for _ in range(20):
        if have >= wanted:
            break
        count = int((wanted - have) * 1.15) + 100
        chosen = np.sort(np.minimum(np.searchsorted(shares, rng.random(count)), len(shares) - 1))
        parts.append(_single_bets(scene, chosen, rng))
        have += len(parts[-1].user)
    if have < wanted:
        raise ValueError("too few moments at which a market is open")
    buys = _Buys(*(np.concatenate(arrays) for arrays in zip(*(_columns(part) for part in parts), strict=True)))
    fixed = len(parts[0].user)
    rest = fixed + rng.permutation(have - fixed)[: max(0, wanted - fixed)]
    return buys.keep(np.concatenate([np.arange(min(fixed, wanted)), rest]))


def _single_bets(scene: _Scene, user: Ints, rng: np.random.Generator) -> _Buys:
    """One buy of each given player (players ascending, repeated), without those that the market's rules refuse."""
    habits, occasions = scene.habits, scene.occasions
    time_ms, market, outcome = (np.full(len(user), UNDECIDED) for _ in range(3))
    free = np.where(scene.labels.syndicate[user] == NOBODY, 1 - scene.tip_share[user], 1.0)
    promo = np.where(scene.labels.population[user] == _PROMO, scene.parameters.promo_share, 0.0)
    chase, live = free * habits.chase_share[user], free * habits.live_share[user]
    dice = rng.random(len(user))
    tip = dice < 1 - free
    bounds = np.cumsum(np.stack([1 - free, promo, chase, live]), axis=0)
    for known, low, high in (
        (occasions.promotions, bounds[0], bounds[1]),
        (occasions.moves, bounds[1], bounds[2]),
        (occasions.games, bounds[2], bounds[3]),
    ):
        mine = np.flatnonzero((dice >= low) & (dice < high))
        time_ms[mine], market[mine], outcome[mine] = _taken(scene, known, user[mine], rng)
        if known is occasions.moves:
            time_ms[mine] += (rng.exponential(scene.parameters.chase_minutes, len(mine)) * 60_000).astype(np.int64)
            agrees = rng.random(len(mine)) < scene.parameters.chase_agrees
            outcome[mine] = np.where(agrees, outcome[mine], 1 - outcome[mine])
    for (population, horizon), known in occasions.tips.items():
        knows = (scene.labels.population[user] == population) & (habits.horizon_ms[user] == horizon)
        mine = np.flatnonzero(tip & knows)
        time_ms[mine], market[mine], outcome[mine] = _taken(scene, known, user[mine], rng)
    mine = np.flatnonzero(dice >= bounds[3])
    time_ms[mine] = _sessions(scene, user[mine], rng)
    market[mine] = occasions.calendar.pick(rng, time_ms[mine], _tastes(habits, user[mine], rng))
    return _valid(scene, _Buys(time_ms, user, market, outcome), rng)


def _common_bets(scene: _Scene, wanted: float, rng: np.random.Generator) -> _Buys:
    """The bets that syndicates place together; ``wanted`` is about how many buys they come to."""
    parameters, labels, habits = scene.parameters, scene.labels, scene.habits
    accounts = np.flatnonzero(labels.syndicate != NOBODY)
    accounts = accounts[np.argsort(labels.syndicate[accounts], kind="stable")]
    if not len(accounts):
        return _Buys(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
    group, leader, sizes = np.unique(labels.syndicate[accounts], return_index=True, return_counts=True)
    firsts = accounts[leader]
    follow = rng.uniform(*parameters.syndicate_follow, len(group))
    begins = np.minimum.reduceat(habits.begins_ms[accounts], leader)
    ends = np.maximum.reduceat(habits.ends_ms[accounts], leader)
    bets = np.maximum(1, wanted * sizes / sizes.sum() / (sizes * follow)).astype(np.int64)

    owner = np.repeat(np.arange(len(group)), bets)
    time_ms, market, outcome = (np.full(len(owner), UNDECIDED) for _ in range(3))
    tip = rng.random(len(owner)) < scene.tip_share[firsts][owner]
    sources = [(scene.occasions.anywhere, ~tip)]
    for (population, horizon), known in scene.occasions.tips.items():
        if population == _SYNDICATE:
            sources.append((known, tip & (habits.horizon_ms[firsts][owner] == horizon)))
    for known, which in sources:
        mine = np.flatnonzero(which)
        index = known.take(rng, begins[owner[mine]], ends[owner[mine]])
        time_ms[mine], market[mine], outcome[mine] = _at(known, index)

    bet = np.repeat(np.arange(len(owner)), sizes[owner])
    position = np.arange(len(bet)) - np.repeat(np.cumsum(sizes[owner]) - sizes[owner], sizes[owner])
    user = accounts[leader[owner[bet]] + position]
    joins = np.flatnonzero((rng.random(len(bet)) < follow[owner[bet]]) & (market[bet] >= 0))
    bet, user = bet[joins], user[joins]
    moment = time_ms[bet] + (rng.random(len(bet)) * parameters.syndicate_delay_seconds * 1000).astype(np.int64)
    return _valid(scene, _Buys(moment, user, market[bet], outcome[bet]), rng)


def _taken(scene: _Scene, known: Moments, user: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """A moment from the list for each player, somewhere within its step of the grid."""
    index = known.take(rng, scene.habits.begins_ms[user], scene.habits.ends_ms[user])
    time_ms, market, outcome = _at(known, index)
    return time_ms + (rng.random(len(user)) * scene.markets.grid_ms).astype(np.int64), market, outcome


def _at(known: Moments, index: Ints) -> tuple[Ints, Ints, Ints]:
    """Time, market and outcome of the moments; market -1 where there is none."""
    if not len(known.time_ms):
        return index, index, index
    return known.time_ms[index], np.where(index >= 0, known.market[index], -1), known.outcome[index]


def _sessions(scene: _Scene, user: Ints, rng: np.random.Generator) -> Ints:
    """Times of buys in sessions: some start one, the others follow the buy before with a short gap."""
    if not len(user):
        return user
    starts = rng.random(len(user)) < 1 / scene.parameters.session_trades
    starts |= np.diff(user, prepend=-1) != 0
    session = np.cumsum(starts) - 1
    heads = user[starts]
    opens = scene.occasions.calendar.times(rng, scene.habits.begins_ms[heads], scene.habits.ends_ms[heads])
    gaps = rng.exponential(scene.parameters.session_gap_minutes * 60_000, len(user))
    gaps[starts] = 0
    elapsed = np.cumsum(gaps)
    return opens[session] + (elapsed - elapsed[starts][session]).astype(np.int64)


def _tastes(habits: Habits, user: Ints, rng: np.random.Generator) -> Ints:
    """A category for each, by the player's preferences."""
    bounds = np.cumsum(habits.categories, axis=1)
    return np.minimum((rng.random(len(user))[:, None] > bounds[user]).sum(axis=1), habits.categories.shape[1] - 1)


def _valid(scene: _Scene, buys: _Buys, rng: np.random.Generator) -> _Buys:
    """The buys that a platform would take; who has not decided on an outcome takes the likelier one, or not."""
    open_ = np.flatnonzero(_open(scene, buys.market, buys.time_ms))
    buys = buys.keep(open_)
    likely = (scene.markets.mid_at(buys.market, buys.time_ms) >= 5000).astype(np.int64)
    takes = rng.random(len(likely)) < scene.habits.favourite[buys.user]
    outcome = np.where(buys.outcome == UNDECIDED, np.where(takes, likely, 1 - likely), buys.outcome)
    inside = (buys.time_ms >= scene.habits.begins_ms[buys.user]) & (buys.time_ms < scene.habits.ends_ms[buys.user])
    return _Buys(buys.time_ms, buys.user, buys.market, outcome).keep(np.flatnonzero(inside))


def _open(scene: _Scene, market: Ints, time_ms: Ints) -> Flags:
    """Whether one can trade there then."""
    known = np.maximum(market, 0)
    cell = scene.markets.cell(known, time_ms)
    after = time_ms - scene.cells.time_ms[cell]
    within = (after >= 0) & (after < scene.markets.grid_ms) & (time_ms < finish_ms(scene.parameters))
    return (market >= 0) & within & scene.cells.tradeable[cell]


def _sells(scene: _Scene, buys: _Buys, rng: np.random.Generator) -> tuple[_Buys, Flags]:
    """Sales of positions some time after one of their buys, at most one a position; and which buys are in sold ones."""
    habits = scene.habits
    position = (buys.user * len(scene.markets.category) + buys.market) * 2 + buys.outcome
    order = rng.permutation(len(position))
    _, one = np.unique(position[order], return_index=True)
    chosen = order[one]
    seller = buys.user[chosen]
    horizon = habits.horizon_ms[seller]
    hold = rng.exponential(np.where(horizon > 0, 2.0 * horizon, scene.parameters.hold_hours * HOUR_MS))
    when = buys.time_ms[chosen] + 1000 + hold.astype(np.int64)
    possible = np.flatnonzero(_open(scene, buys.market[chosen], when) & (habits.sell_share[seller] > 0))
    patience = rng.exponential(1.0, len(possible)) / habits.sell_share[seller[possible]]
    first = np.argsort(patience, kind="stable")[: round(scene.parameters.sells * scene.parameters.trades)]
    sold = possible[first]
    sells = _Buys(when[sold], seller[sold], buys.market[chosen[sold]], buys.outcome[chosen[sold]])
    return sells, np.isin(position, position[chosen[sold]])


def _stakes(scene: _Scene, buys: _Buys, rng: np.random.Generator) -> Ints:
    """Amounts in cents, within the limit of the player's tier at that moment. The buys are in the order of time."""
    parameters, habits, user = scene.parameters, scene.habits, buys.user
    wish = habits.stake_usd[user] * np.exp(rng.standard_normal(len(user)) * habits.stake_log_sd[user])
    figures = np.array(parameters.round_figures_usd, dtype=np.float64)
    between = np.sqrt(figures[:-1] * figures[1:])
    wish = np.where(habits.round_stakes[user], figures[np.searchsorted(between, wish)], wish)

    order = np.argsort(user, kind="stable")
    starts = np.searchsorted(user[order], user[order])
    earlier = np.empty(len(user), dtype=np.int64)
    earlier[order] = np.arange(len(user)) - starts
    young = buys.time_ms < scene.users.signup_ms[user] + parameters.new_days * DAY_MS
    new = young | (earlier < parameters.new_trades)
    limit = np.where(new, parameters.new_limit_usd, parameters.regular_limit_usd)
    limit = np.where(scene.users.vip[user], parameters.vip_limit_usd, limit)
    return np.rint(np.clip(wish, parameters.min_bet_usd, limit) * 100).astype(np.int64)


def _columns(buys: _Buys) -> tuple[Ints, Ints, Ints, Ints]:
    return buys.time_ms, buys.user, buys.market, buys.outcome
