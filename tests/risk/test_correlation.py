"""The set-wise search against the definition, which looks at all pairs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictu.money import rounded
from risk import correlation, features
from risk.correlation import NOBODY
from risk.features import Buy
from tests.reports.simulation.worlds import world

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def _search(rows):
    user, bet, time_ms = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return correlation.best_matches(user=user, bet=bet, time_ms=time_ms)


def _definition(rows):
    buys = {}
    for user, bet, time_ms in rows:
        placed = EPOCH + timedelta(milliseconds=time_ms)
        buy = Buy(str(bet // 2), "yes" if bet % 2 else "no", Decimal("0.5"), Decimal("0.5"), Decimal(1), placed)
        buys.setdefault(f"{user:06d}", []).append(buy)
    return {int(user): features.correlation(user, buys) for user in buys}


def _same(rows):
    found, expected = _search(rows), _definition(rows)
    assert found.user.tolist() == sorted(user for user, result in expected.items() if result is not None)
    for user, buys, partner, matched in zip(found.user, found.buys, found.partner, found.matched, strict=True):
        share, other, count = expected[int(user)]
        assert rounded(Decimal(int(matched)) / int(buys), 4) == share
        assert (int(partner), int(matched)) == ((int(other), count) if count else (NOBODY, 0))


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 40).map(lambda step: step * 30_000)),
    min_size=1,
    max_size=120,
)


@settings(max_examples=150)
@given(ROWS)
def test_it_finds_what_the_definition_finds(rows):
    _same(rows)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    here, there = _search(rows), _search(random.sample(rows, len(rows)))
    for name in ("user", "buys", "partner", "matched"):
        assert getattr(here, name).tolist() == getattr(there, name).tolist()


@pytest.mark.parametrize("size", [1, 7, 50])
def test_small_pieces_give_the_same_answer(size, monkeypatch):
    monkeypatch.setattr(correlation, "_CHUNK", size)
    rng = np.random.default_rng(size)
    _same([(int(u), int(b), int(t)) for u, b, t in zip(*rng.integers(0, (6, 4, 600_000), (150, 3)).T, strict=True)])


def test_two_minutes_to_the_millisecond():
    mine = [(1, 0, at * 1_000_000) for at in range(10)]
    theirs = [(2, 0, at * 1_000_000 + 120_000 + (at >= 4)) for at in range(10)]
    found = _search(mine + theirs)
    assert found.matched.tolist() == [4, 4]
    assert found.partner.tolist() == [2, 1]


def test_neighbouring_bets_do_not_touch():
    mine = [(1, 5, at * 10_000_000) for at in range(10)]
    theirs = [(2, 6, at * 10_000_000) for at in range(10)]
    assert _search(mine + theirs).matched.tolist() == [0, 0]
    assert _search(mine + theirs).partner.tolist() == [NOBODY, NOBODY]


def test_nobody_has_enough_buys():
    assert _search([(1, 0, 0)] * 9).user.tolist() == []


def _simulated():
    intents = world().intents
    buys = np.flatnonzero(intents.stake_cents > 0)
    return intents.user[buys], intents.market[buys] * 2 + intents.outcome[buys], intents.time_ms[buys]


def test_members_of_syndicates_find_each_other():
    user, bet, time_ms = _simulated()
    found = correlation.best_matches(user=user, bet=bet, time_ms=time_ms)
    syndicate = world().labels.syndicate
    members = np.flatnonzero(syndicate[found.user] != NOBODY)
    sizes = np.bincount(syndicate[syndicate != NOBODY])
    assert len(members) == sizes.sum() == 30
    right = syndicate[found.partner[members]] == syndicate[found.user[members]]
    assert right.mean() >= 0.95
    share = found.matched / found.buys
    assert np.median(share[members]) > 0.3
    assert np.median(np.delete(share, members)) < 0.15


def test_one_player_with_very_many_buys():
    user, bet, time_ms = _simulated()
    rng = np.random.default_rng(1)
    copied = rng.integers(0, len(user), 100_000)
    busy = np.full(len(copied), user.max() + 1)
    found = correlation.best_matches(
        user=np.concatenate([user, busy]),
        bet=np.concatenate([bet, bet[copied]]),
        time_ms=np.concatenate([time_ms, time_ms[copied] + rng.integers(-60_000, 60_000, len(copied))]),
    )
    assert found.user[-1] == busy[0]
    assert found.buys[-1] == 100_000
    expected = np.bincount(user[copied], minlength=int(busy[0]))
    assert found.matched[-1] >= expected.max()


def _crowd(rng, players, bets):
    """Players with 20 buys each at moments of their own, over a month."""
    count = players * 20
    return np.arange(count) // 20, rng.integers(0, bets, count), rng.integers(0, 30 * 86_400_000, count)


@pytest.mark.parametrize("size", range(3, 11))
def test_syndicates_of_three_to_ten_are_found_and_get_every_point(size):
    """One leads, the others place six in ten of the same bets within the next minute and a half."""
    rng = np.random.default_rng(size)
    parts = [_crowd(rng, 500, 60)]
    led_bet, led_ms = rng.integers(0, 60, 40), rng.integers(0, 30 * 86_400_000, 40)
    members = np.arange(500, 500 + size)
    for member in members:
        placed = rng.random(40) < (1 if member == members[0] else 0.6)
        delay = 0 if member == members[0] else rng.integers(1_000, 90_000, placed.sum())
        parts.append((np.full(placed.sum(), member), led_bet[placed], led_ms[placed] + delay))
    user, bet, time_ms = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = correlation.best_matches(user=user, bet=bet, time_ms=time_ms)
    mine = np.isin(found.user, members)
    assert mine.sum() == size and np.isin(found.partner[mine], members).all()
    share = found.matched / found.buys
    assert share[mine].min() >= 0.3 and share[~mine].max() < 0.3


def test_the_work_grows_with_the_bets_and_not_with_their_pairs(monkeypatch):
    looked_at = []
    pairs = correlation._Meetings.pairs

    def counted(self, rows):
        looked_at.append(int((self.last[rows] - self.first[rows]).sum()))
        return pairs(self, rows)

    monkeypatch.setattr(correlation._Meetings, "pairs", counted)

    def work(players, busy=0):
        looked_at.clear()
        rng = np.random.default_rng(7)
        user, bet, time_ms = _crowd(rng, players, players // 5)
        own = (np.full(busy, players), rng.integers(0, players // 5, busy), rng.integers(0, 30 * 86_400_000, busy))
        joined = [np.concatenate(both) for both in zip((user, bet, time_ms), own, strict=True)]
        found = correlation.best_matches(user=joined[0], bet=joined[1], time_ms=joined[2])
        assert len(found.user) == players + (busy > 0)
        return sum(looked_at), len(joined[0])

    small, rows = work(1_000)
    large, more = work(4_000)
    assert more == 4 * rows and small < 2 * rows and large < 5 * small < rows**2 / 1_000
    busy, _ = work(4_000, busy=20_000)
    assert busy - large < 4 * 20_000, "many bets of one user meet what is near each, not every other user's"
