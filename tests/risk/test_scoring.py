from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.scoring import SCALES, Features, Match, Thresholds, evaluate

DEFAULT = Thresholds(sharp=60, restricted=80)
PLAIN = {
    "win_rate": "0.54",
    "edge_detection": "0.02",
    "timing": "0.15",
    "volume_pattern": "0.8",
    "correlation": "0.12",
}
MOST = {"win_rate": 25, "edge_detection": 25, "timing": 20, "volume_pattern": 15, "correlation": 15}


def _features(*, resolved=84, match=None, **values):
    known = {name: None if value is None else Decimal(value) for name, value in {**PLAIN, **values}.items()}
    return Features(resolved=resolved, match=match, **known)


def _evaluate(*, thresholds=DEFAULT, **values):
    return evaluate(features=_features(**values), user_id="usr_a", thresholds=thresholds)


def _only(component, value, resolved=20):
    empty = dict.fromkeys(PLAIN)
    return _evaluate(resolved=resolved, **{**empty, component: value}).components[component].score


def test_the_documented_example():
    result = _evaluate()
    assert result.score == 42
    assert {name: component.score for name, component in result.components.items()} == {
        "win_rate": 12,
        "edge_detection": 8,
        "timing": 6,
        "volume_pattern": 10,
        "correlation": 6,
    }
    assert {name: component.max for name, component in result.components.items()} == MOST
    assert {name: component.detail for name, component in result.components.items()} == {
        "win_rate": "Win rate 54% - slightly above baseline (50%)",
        "edge_detection": "Avg CLV edge +2% - minimal",
        "timing": "15% of bets placed within 5min of line movement",
        "volume_pattern": "Consistent sizing, no spike patterns",
        "correlation": "Low cross-market correlation (0.12)",
    }
    assert (result.tier, result.flags, result.recommendations) == ("normal", (), ())
    assert (result.confidence, result.sample_size) == (1, 84)


def test_the_documented_thresholds():
    assert DEFAULT.block() == {
        "normal": {"min": 0, "max": 59},
        "sharp": {"min": 60, "max": 79},
        "restricted": {"min": 80, "max": 100},
    }


@pytest.mark.parametrize(
    ("component", "value", "score"),
    [
        ("win_rate", "0", 0),
        ("win_rate", "0.30", 0),
        ("win_rate", "0.3099", 0),
        ("win_rate", "0.31", 1),
        ("win_rate", "0.55", 13),
        ("win_rate", "0.7899", 24),
        ("win_rate", "0.79", 25),
        ("win_rate", "0.80", 25),
        ("win_rate", "1", 25),
        ("edge_detection", "-0.5", 0),
        ("edge_detection", "0", 0),
        ("edge_detection", "0.0012", 0),
        ("edge_detection", "0.0013", 1),
        ("edge_detection", "0.0612", 24),
        ("edge_detection", "0.0613", 25),
        ("edge_detection", "0.0625", 25),
        ("edge_detection", "3", 25),
        ("timing", "0", 0),
        ("timing", "0.0124", 0),
        ("timing", "0.0125", 1),
        ("timing", "0.4874", 19),
        ("timing", "0.4875", 20),
        ("timing", "0.50", 20),
        ("timing", "1", 20),
        ("volume_pattern", "0", 0),
        ("volume_pattern", "0.40", 0),
        ("volume_pattern", "0.4199", 0),
        ("volume_pattern", "0.42", 1),
        ("volume_pattern", "0.9799", 14),
        ("volume_pattern", "0.98", 15),
        ("volume_pattern", "1", 15),
        ("correlation", "0", 0),
        ("correlation", "0.0099", 0),
        ("correlation", "0.01", 1),
        ("correlation", "0.2899", 14),
        ("correlation", "0.29", 15),
        ("correlation", "0.30", 15),
        ("correlation", "1", 15),
    ],
)
def test_boundaries_of_each_component(component, value, score):
    assert _only(component, value) == score


@pytest.mark.parametrize("component", list(PLAIN))
def test_a_component_without_data_scores_nothing_and_says_so(component):
    result = _evaluate(**{component: None})
    assert result.components[component].score == 0
    assert result.components[component].value is None
    assert result.components[component].detail
    assert result.score == 42 - _evaluate().components[component].score


@pytest.mark.parametrize(
    ("resolved", "score", "confidence"),
    [(20, 25, "1"), (19, 24, "0.95"), (10, 13, "0.5"), (5, 6, "0.25"), (4, 0, "0.2"), (0, 0, "0"), (5_000, 25, "1")],
)
def test_few_resolved_trades_count_in_proportion_and_fewer_than_five_not_at_all(resolved, score, confidence):
    result = _evaluate(resolved=resolved, **{**dict.fromkeys(PLAIN), "win_rate": "0.8"})
    assert result.components["win_rate"].score == score
    assert result.score == score
    assert result.confidence == Decimal(confidence)
    assert result.sample_size == resolved
    assert ("insufficient_data" in result.flags) is (resolved < 5)
    assert ("low_confidence" in result.flags) is (5 <= resolved < 20)


@pytest.mark.parametrize(("score", "tier"), [(0, "normal"), (54, "normal"), (55, "sharp"), (79, "sharp")])
def test_the_sharp_threshold_is_the_configured_one(score, tier):
    assert Thresholds(sharp=55, restricted=80).tier(score) == tier


@pytest.mark.parametrize(("score", "tier"), [(89, "sharp"), (90, "restricted"), (100, "restricted")])
def test_the_restricted_threshold_is_the_configured_one(score, tier):
    thresholds = Thresholds(sharp=60, restricted=90)
    assert thresholds.tier(score) == tier
    assert thresholds.block()["sharp"] == {"min": 60, "max": 89}
    assert thresholds.block()["restricted"] == {"min": 90, "max": 100}


@pytest.mark.parametrize(("sharp", "restricted"), [(0, 80), (80, 80), (81, 80), (60, 101)])
def test_thresholds_out_of_order_are_refused(sharp, restricted):
    with pytest.raises(ValueError, match="0 < sharp < restricted <= 100"):
        Thresholds(sharp=sharp, restricted=restricted)


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="resolved"):
        _evaluate(resolved=-1)


def test_a_score_of_everything_is_a_hundred():
    result = _evaluate(win_rate="0.9", edge_detection="0.2", timing="0.6", volume_pattern="1", correlation="0.4")
    assert result.score == 100
    assert result.tier == "restricted"


VALUES = st.fixed_dictionaries(
    {
        "win_rate": st.none() | st.decimals(0, 1, places=4),
        "edge_detection": st.none() | st.decimals(-1, 5, places=4),
        "timing": st.none() | st.decimals(0, 1, places=4),
        "volume_pattern": st.none() | st.decimals(0, 1, places=4),
        "correlation": st.none() | st.decimals(0, 1, places=4),
    }
)


@given(VALUES, st.integers(0, 500))
def test_the_score_is_the_bounded_sum_of_bounded_components(values, resolved):
    result = _evaluate(resolved=resolved, **values)
    assert result.score == sum(component.score for component in result.components.values())
    assert 0 <= result.score <= 100
    for name, component in result.components.items():
        assert 0 <= component.score <= component.max == MOST[name]
    assert result.tier == DEFAULT.tier(result.score)


@given(VALUES, st.integers(0, 60), st.sampled_from(list(PLAIN)), st.decimals(0, 1, places=4))
def test_more_of_anything_never_lowers_the_score(values, resolved, component, more):
    before = _evaluate(resolved=resolved, **values)
    raised = {**values, component: (values[component] or Decimal(0)) + more}
    assert _evaluate(resolved=resolved, **raised).score >= before.score
    assert _evaluate(resolved=resolved + 1, **values).score >= before.score


@given(VALUES, st.integers(0, 500))
def test_a_component_is_within_half_a_point_of_the_exact_line(values, resolved):
    weight = min(Fraction(1), Fraction(resolved, 20)) if resolved >= 5 else Fraction(0)
    for name, component in _evaluate(resolved=resolved, **values).components.items():
        scale = SCALES[name]
        value = Fraction(values[name]) if values[name] is not None else Fraction(-1)
        part = (min(max(value, scale.zero), scale.full) - scale.zero) / (scale.full - scale.zero)
        assert Fraction(-1, 2) < component.score - part * scale.points * weight <= Fraction(1, 2)


def test_the_account_pair_is_named_with_the_reason():
    result = _evaluate(correlation="0.34", match=Match(user_id="usr_b", matched=17))
    assert result.flags == ("correlated_accounts",)
    assert result.recommendations == (
        "Review account pair usr_a / usr_b: 34% of bets (17) match the other account's market and outcome "
        "within 2 minutes.",
    )
