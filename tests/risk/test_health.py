"""The risk score, its words and the colours of the walls."""

from decimal import Decimal

import pytest

from risk import health


def standing(**changes):
    values = {
        "global_utilisation_pct": Decimal("56.8"),
        "category_utilisations_pct": (Decimal(60), Decimal(56), Decimal(52), Decimal(56)),
        "tripped_breakers": 0,
        "flagged_users": 14 + 3 + 1,
        "active_users_24h": 3841,
    }
    return health.Standing(**(values | changes))


def test_the_documents_numbers_give_its_38():
    # 0.5 × 56.8 + 20 × 1 ÷ 4 + 10 × 18 ÷ 38.41 = 28.4 + 5 + 4.69
    assert health.risk_score(standing()) == 38
    assert health.risk_level(38) == "moderate"


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"tripped_breakers": 3}, 58),
        ({"tripped_breakers": 30}, 58),
        ({"flagged_users": 0}, 33),
        ({"flagged_users": 10_000}, 43),
        ({"active_users_24h": 0}, 43),
        ({"active_users_24h": 0, "flagged_users": 0}, 33),
        ({"category_utilisations_pct": ()}, 33),
        ({"global_utilisation_pct": Decimal(130)}, 60),
    ],
)
def test_every_part_counts_and_is_bounded(changes, score):
    assert health.risk_score(standing(**changes)) == score


@pytest.mark.parametrize(
    ("score", "level"), [(24, "low"), (25, "moderate"), (49, "moderate"), (50, "high"), (74, "high"), (75, "critical")]
)
def test_levels(score, level):
    assert health.risk_level(score) == level


@pytest.mark.parametrize(("refusals", "colour"), [(49, "green"), (50, "yellow"), (499, "yellow"), (500, "red")])
def test_wall_1_goes_by_refusals(refusals, colour):
    assert health.wall_1_status(refusals) == colour


@pytest.mark.parametrize(
    ("fullest", "colour"), [("59.99", "green"), ("60", "yellow"), ("84.99", "yellow"), ("85", "red")]
)
def test_the_others_go_by_the_fullest_limit(fullest, colour):
    assert health.wall_status([Decimal(3), Decimal(fullest)]) == colour


def test_status():
    assert health.status(global_tripped=True, any_tripped=True, walls=["green"]) == "halted"
    assert health.status(global_tripped=False, any_tripped=True, walls=["green"]) == "degraded"
    assert health.status(global_tripped=False, any_tripped=False, walls=["green", "red"]) == "degraded"
    assert health.status(global_tripped=False, any_tripped=False, walls=["yellow"]) == "healthy"
