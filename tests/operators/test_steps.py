"""Onboarding's two views, as functions of the facts."""

from datetime import UTC, datetime

import pytest

from operators import steps
from operators.steps import CHECKLIST, STEPS, Fact

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = {name: Fact(NOW) for name in (*CHECKLIST[:-1], "test_trades")}


def without(*names):
    return {name: fact for name, fact in ALL.items() if name not in names}


def test_leading_counts_up_to_the_first_gap():
    assert steps.leading({}, live=False) == 0
    assert steps.leading({"create_record": Fact(NOW)}, live=False) == 1
    assert steps.leading(without("test_ping"), live=False) == 4
    assert steps.leading(ALL, live=False) == 7
    assert steps.leading(ALL | {"whitelist_origins": Fact(NOW, skipped=True)}, live=False) == 7
    assert steps.leading({}, live=True) == 8


def test_missing_for_activation():
    assert steps.missing_for_activation(ALL) == []
    assert steps.missing_for_activation(without("test_trades")) == []
    assert steps.missing_for_activation(without("set_callback", "configure_revenue")) == [
        "configure_revenue",
        "set_callback",
    ]


@pytest.mark.parametrize(
    ("done", "current", "before", "stage"),
    [
        (0, "branding", None, "pending"),
        (1, "s2s_config", "branding", "configuring"),
        (2, "embed_setup", "s2s_config", "configuring"),
        (3, "test_trades", "embed_setup", "testing"),
        (4, "go_live", "test_trades", "testing"),
        (5, None, "go_live", "live"),
    ],
)
def test_where_it_stands(done, current, before, stage):
    taken = list(STEPS)[:done]
    assert steps.current(taken) == current
    assert steps.before(current) == before
    assert steps.stage(taken) == stage


def test_unmet():
    def unmet(step, facts, done=tuple(STEPS)[:4], **changes):
        return steps.unmet(step, facts, done=done, **{"s2s_enabled": True, "suspended": False, **changes})

    assert unmet("branding", ALL) == []
    assert unmet("branding", {}) == ["Branding has not been saved"]
    assert len(unmet("s2s_config", without("generate_keys", "set_callback", "test_ping"))) == 3
    assert unmet("s2s_config", without("whitelist_origins"), s2s_enabled=False, suspended=True) == []
    assert unmet("go_live", ALL) == []
    assert unmet("go_live", ALL, done=()) == [
        f"The step {name} is not completed" for name in ("branding", "s2s_config", "embed_setup", "test_trades")
    ]
    assert len(unmet("go_live", {}, done=(), s2s_enabled=False, suspended=True)) == 8 + 4 + 2


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("pending", "onboarding"),
        ("configuring", "onboarding"),
        ("testing", "onboarding"),
        ("live", "active"),
        ("suspended", "inactive"),
    ],
)
def test_s2s_status(status, word):
    assert steps.s2s_status(status) == word
