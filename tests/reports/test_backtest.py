from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reports import backtest


def _arrays(values, sharp):
    return np.array(values, dtype=np.float64), np.array(sharp, dtype=np.bool_)


PEOPLE = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({sharp for _, sharp in rows}) == 2
)


@pytest.mark.parametrize(
    ("values", "sharp", "expected"),
    [
        ([3, 2, 1, 0], [1, 1, 0, 0], 1.0),
        ([0, 1, 2, 3], [1, 1, 0, 0], 0.0),
        ([1, 1, 1, 1], [1, 0, 1, 0], 0.5),
        ([2, 1, 1, 0], [1, 1, 0, 0], 0.875),
        ([5, 4, 3], [0, 1, 0], 0.5),
    ],
)
def test_auc(values, sharp, expected):
    assert backtest.auc(*_arrays(values, sharp)) == expected


@given(PEOPLE)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows):
    sharp = [value for value, is_sharp in rows if is_sharp]
    others = [value for value, is_sharp in rows if not is_sharp]
    won = sum((a > b) + (a == b) / 2 for a, b in product(sharp, others))
    assert backtest.auc(*_arrays(*zip(*rows, strict=True))) == won / (len(sharp) * len(others))


@given(PEOPLE, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(rows, random):
    values, sharp = _arrays(*zip(*rows, strict=True))
    mixed, mixed_sharp = _arrays(*zip(*random.sample(rows, len(rows)), strict=True))
    assert backtest.auc(mixed, mixed_sharp) == backtest.auc(values, sharp)
    assert backtest.auc(np.exp(values), sharp) == backtest.auc(values, sharp)
    assert backtest.lift(mixed, mixed_sharp) == backtest.lift(values, sharp)


@given(PEOPLE)
def test_the_mean_lift_is_one_and_the_curve_encloses_the_auc(rows):
    values, sharp = _arrays(*zip(*rows, strict=True))
    assert np.mean(backtest.lift(values, sharp)) == pytest.approx(1)
    x, y = backtest.judge(scores={"score": values}, sharp=sharp, rng=np.random.default_rng(1)).verdicts[0].roc
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(backtest.auc(values, sharp))


def test_lift_of_the_tenths():
    values, sharp = _arrays(range(100), [number >= 85 for number in range(100)])
    assert backtest.lift(values, sharp) == pytest.approx((10 / 1.5, 5 / 1.5, *[0] * 8))


def test_equal_scores_share_their_lift():
    values, sharp = _arrays([1] * 50 + [0] * 50, [1] * 10 + [0] * 90)
    assert backtest.lift(values, sharp) == pytest.approx((2,) * 5 + (0,) * 5)


def test_shuffled_labels_tell_nothing_and_the_first_score_is_the_one_shuffled():
    rng = np.random.default_rng(4)
    sharp = rng.random(3_000) < 0.1
    scores = {"score": rng.normal(size=3_000) + 2 * sharp, "noise": rng.normal(size=3_000)}
    found = backtest.judge(scores=scores, sharp=sharp, rng=rng)
    assert (found.sharp, found.others) == (sharp.sum(), 3_000 - sharp.sum())
    assert found.verdict("score").auc > 0.88
    assert 0.45 < found.verdict("noise").auc < 0.55
    assert 0.49 < found.shuffled_auc < 0.51


@pytest.mark.parametrize("sharp", [[True, True], [False, False]])
def test_one_kind_of_player_is_no_test(sharp):
    with pytest.raises(ValueError, match="sharp players and others"):
        backtest.judge(scores={"score": np.zeros(2)}, sharp=np.array(sharp), rng=np.random.default_rng(1))


def test_the_plot_is_a_picture(tmp_path):
    rng = np.random.default_rng(4)
    sharp = rng.random(300) < 0.2
    found = backtest.judge(scores={"score": rng.normal(size=300) + sharp}, sharp=sharp, rng=rng)
    path = tmp_path / "plot.png"
    backtest.plot(backtest=found, title="Simulated", path=path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size == (1210, 550)
        assert len(image.convert("RGB").getcolors(1 << 20)) > 50
