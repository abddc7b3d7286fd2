from decimal import Decimal
from fractions import Fraction

import pytest

from risk import findings
from risk.scoring import Features, Match, Thresholds, evaluate


@pytest.mark.parametrize(
    ("component", "value", "sentence"),
    [
        ("win_rate", "0.72", "Win rate 72% - far above baseline (50%)"),
        ("win_rate", "0.5765", "Win rate 57.7% - above baseline (50%)"),
        ("win_rate", "0.5", "Win rate 50% - at baseline (50%)"),
        ("win_rate", "0.48", "Win rate 48% - slightly below baseline (50%)"),
        ("win_rate", "0", "Win rate 0% - below baseline (50%)"),
        ("win_rate", "1", "Win rate 100% - far above baseline (50%)"),
        ("edge_detection", "-0.013", "Avg CLV edge -1.3% - none"),
        ("edge_detection", "0", "Avg CLV edge 0% - none"),
        ("edge_detection", "0.03", "Avg CLV edge +3% - moderate"),
        ("edge_detection", "0.05", "Avg CLV edge +5% - strong"),
        ("edge_detection", "0.08", "Avg CLV edge +8% - very strong"),
        ("timing", "0", "0% of bets placed within 5min of line movement"),
        ("timing", "0.4167", "41.7% of bets placed within 5min of line movement"),
        ("volume_pattern", "1", "Uniform sizing, nearly every stake the same"),
        ("volume_pattern", "0.69", "Moderately varied sizing"),
        ("volume_pattern", "0.1", "Varied sizing, typical of recreational play"),
        ("correlation", "0.02", "Negligible cross-market correlation (0.02)"),
        ("correlation", "0.2", "Moderate cross-market correlation (0.20)"),
        ("correlation", "0.25", "High cross-market correlation (0.25)"),
        ("correlation", "0.6", "Very high cross-market correlation (0.60)"),
        ("win_rate", None, "No bets held to settlement yet"),
        ("edge_detection", None, "No bets with a closing price yet"),
        ("timing", None, "No bets old enough to compare with line movement"),
        ("volume_pattern", None, "No bets yet"),
        ("correlation", None, "Too few bets to compare with other accounts"),
    ],
)
def test_sentences(component, value, sentence):
    assert findings.detail(component, None if value is None else Decimal(value)) == sentence


def test_a_component_is_flagged_from_four_fifths_of_its_points():
    shares = {"timing": Fraction(16, 20), "win_rate": Fraction(19, 25)}
    assert findings.flags(shares, resolved=20, too_few=5, enough=20) == ("bets_before_moves",)


def _sharp(resolved, **values):
    known = {
        "win_rate": "0.72",
        "edge_detection": "0.081",
        "timing": "0.42",
        "volume_pattern": "0.97",
        "correlation": "0.05",
        **values,
    }
    features = Features(
        resolved=resolved,
        match=Match(user_id="usr_b", matched=3),
        **{name: Decimal(value) for name, value in known.items()},
    )
    return evaluate(features=features, user_id="usr_a", thresholds=Thresholds(sharp=60, restricted=80))


def test_recommendations_say_what_to_do_and_why():
    result = _sharp(120)
    assert result.score == 21 + 25 + 17 + 14 + 3
    assert result.flags == ("high_win_rate", "beats_closing_line", "bets_before_moves", "uniform_stakes")
    assert result.recommendations == (
        "Raise spread: the line closes 8.1% above the price paid on average, which is more than the spread takes.",
        "Lower max bet: 42% of bets came within 5 minutes before the line moved 3 points or more their way, "
        "which points to news ahead of the feed.",
        "Check for automated betting: stakes hardly vary while the timing or the prices are too good.",
        "Review recent wins: 72% of the bets held to settlement won, 120 resolved in all; "
        "with fewer than 200 that can be luck.",
        "Confirm tier restricted: score 80 is at or above its threshold of 80.",
    )


def test_a_win_rate_over_many_bets_is_not_called_luck():
    assert (
        "Review recent wins: 72% of the bets held to settlement won, 200 resolved in all."
        in _sharp(200).recommendations
    )


def test_few_bets_end_with_the_advice_to_wait():
    result = _sharp(19, edge_detection="0.0625")
    assert "low_confidence" in result.flags
    assert result.recommendations[-1] == "Wait before acting: only 19 of 20 resolved bets that a full score needs."


def test_a_score_just_below_the_threshold_is_watched():
    result = _sharp(120, edge_detection="0", win_rate="0.7", timing="0.45")
    assert result.score == 20 + 0 + 18 + 14 + 3
    assert result.recommendations[-1] == "Watch: score 55 is 5 below the sharp threshold."


def test_uniform_stakes_alone_ask_for_nothing():
    result = _sharp(120, edge_detection="0", win_rate="0.5", timing="0")
    assert result.flags == ("uniform_stakes",)
    assert result.recommendations == ()


def test_too_little_data_is_the_only_flag_and_asks_for_nothing():
    result = _sharp(4)
    assert (result.score, result.flags, result.recommendations) == (0, ("insufficient_data",), ())
