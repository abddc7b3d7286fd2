"""The players' ledgers of a simulated world: every movement of every balance, in the order of each ledger.

Players deposit when what they have does not cover the next bet, in round amounts about twenty of their stakes; some of
those who have stopped playing take out what is left.
"""

from dataclasses import dataclass

import numpy as np

from reports.simulation.books import Books, sums_to
from reports.simulation.intents import BUY
from reports.simulation.markets import CANCELLED, DAY_MS, HOUR_MS, NEVER, Ints, finish_ms

DEPOSIT, DEBIT, CREDIT, FEE, COST_BACK, FEE_BACK, PAYOUT, REFUND, WITHDRAW = range(9)
_STREAM = 5
_STAKES, _LEAST_CENTS, _ROUND_CENTS = 20, 2_000, 1_000
_WITHDRAWERS, _WORTH_CENTS = 0.3, 5_000
_FAR = 10**12
"""Cents; more than any player ever moves."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Entries ordered by player and sequence. Money in cents."""

    user: Ints
    sequence: Ints
    time_ms: Ints
    kind: Ints
    amount: Ints
    after: Ints
    subject: Ints
    """Number of the trade, or for PAYOUT and REFUND of the position; NEVER for a deposit or withdrawal."""

    def totals(self, users: int, kind: int) -> Ints:
        """What each player moved by entries of this kind."""
        return sums_to(users, self.user, self.amount * (self.kind == kind))

    def last_ms(self, users: int) -> Ints:
        """Each player's newest deposit, withdrawal or trade; NEVER without one."""
        own = np.isin(self.kind, (DEPOSIT, DEBIT, CREDIT, WITHDRAW))
        result = np.full(users, NEVER)
        np.maximum.at(result, self.user[own], self.time_ms[own])
        return result


@dataclass(frozen=True, slots=True)
class _Happenings:
    """What moves a balance, by player and time: a trade with its fee, a cancel, a settled position."""

    user: Ints
    time_ms: Ints
    net: Ints
    subject: Ints
    source: Ints
    """0 trade, 1 cancel, 2 settlement."""


def write(*, books: Books) -> Journal:
    """All ledgers. Every balance is at least zero after every entry."""
    happened = _happenings(books)
    rng = np.random.default_rng([books.world.seed, _STREAM])
    put_in, put_ms = _deposits(books, happened, rng)
    taken, taken_ms = _withdrawals(books, happened, put_in, rng)
    parts = [*_entries(books, happened)]
    deposits, withdrawals = np.flatnonzero(put_in), np.flatnonzero(taken)
    parts.append(_part(happened, deposits, 2, DEPOSIT, put_in[deposits], put_ms[deposits]))
    parts.append(_part(happened, withdrawals, 6, WITHDRAW, -taken[withdrawals], taken_ms[withdrawals]))
    key, user, time_ms, kind, amount, subject = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = np.flatnonzero(amount)
    order = kept[np.argsort(key[kept], kind="stable")]
    user, amount = user[order], amount[order]
    return Journal(
        user=user,
        sequence=np.arange(len(user)) - np.searchsorted(user, user) + 1,
        time_ms=time_ms[order],
        kind=kind[order],
        amount=amount,
        after=running(user, amount),
        subject=subject[order],
    )


def running(group: Ints, values: Ints) -> Ints:
    """Sum within the group up to and including each row; the groups ascend."""
    total = np.cumsum(values)
    first = np.searchsorted(group, group)
    return total - total[first] + values[first]


def _happenings(books: Books) -> _Happenings:
    intents, fills, positions = books.world.intents, books.fills, books.positions
    buying = intents.side == BUY
    trades = np.arange(len(buying))
    undone = np.flatnonzero(books.undone)
    paid = np.flatnonzero(positions.paid_cents)
    net = np.where(buying, -fills.cost_cents - fills.fee_cents, fills.cost_cents - fills.fee_cents)
    user = np.concatenate([intents.user, intents.user[undone], positions.user[paid]])
    times = [intents.time_ms, books.undone_ms[undone], books.world.markets.resolves_ms[positions.market[paid]]]
    time_ms = np.concatenate(times)
    source = np.repeat([0, 1, 2], [len(trades), len(undone), len(paid)])
    subject = np.concatenate([trades, undone, paid])
    order = np.lexsort((subject, source, time_ms, user))
    nets = np.concatenate([net, -net[undone], positions.paid_cents[paid]])
    return _Happenings(user[order], time_ms[order], nets[order], subject[order], source[order])


def _deposits(books: Books, happened: _Happenings, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """What is deposited before each happening, and when: in round amounts, only when it is needed."""
    user, users = happened.user, len(books.world.users.operator)
    buying = books.world.intents.side == BUY
    cost = sums_to(users, books.world.intents.user, books.fills.cost_cents * buying)
    buys = np.maximum(1, sums_to(users, books.world.intents.user, buying.astype(np.int64)))
    usual = np.maximum(_LEAST_CENTS, _STAKES * cost // buys // _ROUND_CENTS * _ROUND_CENTS)[user]
    lacks = -running(user, happened.net)
    most = np.maximum.accumulate(np.maximum(lacks, 0) + user * _FAR) - user * _FAR
    wanted = -(-most // usual) * usual
    put_in = np.diff(wanted, prepend=0)
    starts = np.diff(user, prepend=-1) != 0
    put_in[starts] = wanted[starts]
    before = np.where(starts, 0, np.roll(happened.time_ms, 1))
    earlier = happened.time_ms - rng.integers(5_000, 120_000, len(user))
    signup = books.world.users.signup_ms[user]
    return put_in, np.maximum(np.maximum(before, signup), earlier)


def _withdrawals(books: Books, happened: _Happenings, put_in: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """What is taken out after a player's last happening, in whole dollars."""
    ends = np.diff(happened.user, append=-1) != 0
    balance = running(happened.user, happened.net + put_in)
    when = happened.time_ms + rng.integers(HOUR_MS, 2 * DAY_MS, len(ends))
    leaves = ends & (rng.random(len(ends)) < _WITHDRAWERS) & (balance >= _WORTH_CENTS)
    leaves &= when < finish_ms(books.world.parameters)
    return np.where(leaves, balance * 4 // 5 // 100 * 100, 0), when


def _entries(books: Books, happened: _Happenings) -> list[tuple[Ints, ...]]:
    """The ledger's entries of the happenings."""
    fills, buying = books.fills, books.world.intents.side == BUY
    trades, undone, settled = (np.flatnonzero(happened.source == source) for source in range(3))
    row, back, position = happened.subject[trades], happened.subject[undone], happened.subject[settled]
    cost, fee = fills.cost_cents[row], fills.fee_cents[row]
    void = books.world.markets.resolution[books.positions.market[position]] == CANCELLED
    return [
        _part(happened, trades, 3, np.where(buying[row], DEBIT, CREDIT), np.where(buying[row], -cost, cost)),
        _part(happened, trades, 4, FEE, -fee),
        _part(happened, undone, 3, COST_BACK, fills.cost_cents[back]),
        _part(happened, undone, 4, FEE_BACK, fills.fee_cents[back]),
        _part(happened, settled, 3, np.where(void, REFUND, PAYOUT), books.positions.paid_cents[position]),
    ]


def _part(
    happened: _Happenings, which: Ints, place: int, kind: int | Ints, amount: Ints, time_ms: Ints | None = None
) -> tuple[Ints, ...]:
    """Entries at ``place`` among those of their happening: key, user, time, kind, amount, subject."""
    own = np.full(len(which), NEVER) if np.ndim(kind) == 0 and kind in (DEPOSIT, WITHDRAW) else happened.subject[which]
    times = happened.time_ms[which] if time_ms is None else time_ms
    kinds = np.broadcast_to(np.asarray(kind, dtype=np.int64), (len(which),))
    return which * 8 + place, happened.user[which], times, kinds, amount, own
