"""Which accounts bet together, for all players at once.

Never all pairs of players: the buys are laid out by market, outcome and time, and each buy meets only those within two
minutes of it. The work grows with the number of such meetings, a player's many trades add no more than their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.features import MATCHED_FROM, MATCHED_WITHIN

Ints = NDArray[np.int64]
_WINDOW_MS = int(MATCHED_WITHIN.total_seconds() * 1000)
_CHUNK = 4_000_000
"""Meetings looked at together: bounds the memory."""
NOBODY = -1


@dataclass(frozen=True, slots=True)
class BestMatches:
    """A row for each player with enough buys, ascending."""

    user: Ints
    buys: Ints
    partner: Ints
    """The account that matched most of them, of equals the lowest number; NOBODY where none did."""
    matched: Ints
    """How many of the player's buys that account matched."""


def best_matches(*, user: Ints, bet: Ints, time_ms: Ints) -> BestMatches:
    """Players' best matches. ``bet`` numbers market and outcome; the rows are buys in any order."""
    players, number, counts = np.unique(user, return_inverse=True, return_counts=True)
    enough = counts >= MATCHED_FROM
    rows = np.flatnonzero(enough[number])
    rows = rows[np.lexsort((time_ms[rows], bet[rows]))]
    who = (np.cumsum(enough) - 1)[number[rows]]
    first, last = _windows(bet[rows], time_ms[rows])
    meetings = _Meetings(who, first, last, _earlier(bet[rows], who), int(enough.sum()))
    partner, matched = _best(meetings)
    chosen = players[enough]
    found = partner != NOBODY
    partner[found] = chosen[partner[found]]
    return BestMatches(user=chosen, buys=counts[enough], partner=partner, matched=matched)


def _windows(bet: Ints, time_ms: Ints) -> tuple[Ints, Ints]:
    """For each row the range of rows of its bet within the window; rows ordered by bet and time."""
    if not len(bet):
        return bet, bet
    moment = time_ms - time_ms.min()
    key = np.unique(bet, return_inverse=True)[1] * (moment.max() + 2 * _WINDOW_MS + 1) + moment
    return np.searchsorted(key, key - _WINDOW_MS), np.searchsorted(key, key + _WINDOW_MS, side="right")


def _earlier(bet: Ints, who: Ints) -> Ints:
    """For each row the last one before it of the same player and bet, else -1; rows ordered by bet and time."""
    order = np.lexsort((who, bet))
    same = (np.diff(bet[order], prepend=-1) == 0) & (np.diff(who[order], prepend=-1) == 0)
    earlier = np.full(len(bet), -1, dtype=np.int64)
    earlier[order[same]] = order[np.flatnonzero(same) - 1]
    return earlier


@dataclass(frozen=True, slots=True)
class _Meetings:
    """Rows ordered by bet and time; row i meets the rows from ``first[i]`` up to ``last[i]``."""

    who: Ints
    first: Ints
    last: Ints
    earlier: Ints
    players: int

    def pairs(self, rows: Ints) -> Ints:
        """Player × players + partner for each of the rows and each partner that it meets, however often; ascending."""
        length = self.last[rows] - self.first[rows]
        row = np.repeat(rows, length)
        other = np.arange(len(row)) + np.repeat(self.first[rows] - (np.cumsum(length) - length), length)
        once = self.earlier[other] < self.first[row]
        row, other = self.who[row[once]], self.who[other[once]]
        return np.sort((row * self.players + other)[row != other])


def _best(meetings: _Meetings) -> tuple[Ints, Ints]:
    """Each player's best partner and the number of his rows that have one of the partner's within their range."""
    players = meetings.players
    partner, matched = np.full(players, NOBODY, dtype=np.int64), np.zeros(players, dtype=np.int64)
    mine = np.argsort(meetings.who, kind="stable")
    ends = np.searchsorted(meetings.who[mine], np.arange(players), side="right")
    sizes = np.cumsum((meetings.last - meetings.first)[mine])
    for start, stop in _chunks(sizes[ends - 1] if players else ends):
        rows = mine[ends[start - 1] if start else 0 : ends[stop - 1]]
        pair, count = _tally(meetings, rows)
        left, right = np.divmod(pair, players)
        order = np.lexsort((right, -count, left))
        best = order[np.diff(left[order], prepend=-1) != 0]
        partner[left[best]], matched[left[best]] = right[best], count[best]
    return partner, matched


def _tally(meetings: _Meetings, rows: Ints) -> tuple[Ints, Ints]:
    """Pairs and how often each comes, piece by piece: even one player's meetings need not fit into memory together."""
    pairs, tallies = [], []
    for start, stop in _chunks(np.cumsum((meetings.last - meetings.first)[rows])):
        found = meetings.pairs(rows[start:stop])
        ends = np.flatnonzero(np.diff(found, append=-1))
        pairs.append(found[ends])
        tallies.append(np.diff(ends, prepend=-1))
    if len(pairs) == 1:
        return pairs[0], tallies[0]
    pair, place = np.unique(np.concatenate(pairs), return_inverse=True)
    return pair, np.bincount(place, weights=np.concatenate(tallies)).astype(np.int64)


def _chunks(sums: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of which the sums grow by no more than _CHUNK, but for single ones that do so alone."""
    start = 0
    while start < len(sums):
        before = int(sums[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(sums, before + _CHUNK, side="right")))
        yield start, stop
        start = stop
