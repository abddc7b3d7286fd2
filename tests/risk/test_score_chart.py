from datetime import UTC, datetime, timedelta

from risk.score_chart import chart
from risk.scoring import Thresholds

THRESHOLDS = Thresholds(sharp=60, restricted=80)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def test_no_evaluations_no_chart():
    assert chart([], thresholds=THRESHOLDS) is None


def test_scores_are_steps_between_the_first_and_the_last():
    scores = [(BEGIN, 0), (BEGIN + timedelta(days=5), 50), (BEGIN + timedelta(days=10), 100)]
    drawn = chart(scores, thresholds=THRESHOLDS)
    assert drawn.line == "0.0,152.0 360.0,152.0 360.0,80.0 720.0,80.0 720.0,8.0"
    assert (drawn.sharp_y, drawn.restricted_y, drawn.first, drawn.last) == (65.6, 36.8, "2026-03-01", "2026-03-11")
    assert drawn.said == "100 at the last of 3 evaluations, at most 100; sharp from 60, restricted from 80"
    assert drawn.figures == tuple(reversed(scores))


def test_a_single_evaluation_is_a_level_line():
    assert chart([(BEGIN, 100)], thresholds=THRESHOLDS).line == "0.0,8.0 720,8.0"
