"""Each rule at its threshold and a step before it."""

from datetime import date, timedelta

import pytest

from reports.alerts import RULES, Vitals, in_words, judge

S, MIN, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CASES = [
    ("relay_lag", {"relay_lag": 31 * S}, {"relay_lag": 30 * S}),
    ("sync_stale", {"sync_age": 121 * S}, {"sync_age": 120 * S}),
    ("sync_stale", {"sync_age": None}, {"sync_age": 0 * S}),
    ("beat_silent", {"beat_age": 91 * S}, {"beat_age": 90 * S}),
    ("beat_silent", {"beat_age": None}, {"beat_age": 0 * S}),
    ("ledger_difference", {"ledger_differences": {"balances": 1}}, {"ledger_differences": {}}),
    ("ledger_unverified", {"ledger_age": 26 * H + S}, {"ledger_age": 26 * H}),
    ("ledger_unverified", {"ledger_age": 27 * H}, {"ledger_age": None}),
    ("dead_deliveries", {"dead_deliveries": {"casino": 1}}, {"dead_deliveries": {}}),
    (
        "invoices_late",
        {"unbilled": {"casino": date(2026, 2, 1)}, "since_month_began": 2 * H},
        {"unbilled": {"casino": date(2026, 2, 1)}, "since_month_began": 2 * H - S},
    ),
    ("key_expiring", {"keys_ending": {"casino": 12 * H}}, {"keys_ending": {"casino": 12 * H + S}}),
]


@pytest.mark.parametrize(("name", "wrong", "right"), CASES)
def test_a_rule_holds_from_its_threshold_on(name, wrong, right):
    assert [alert.name for alert in judge(Vitals(**wrong))] == [name]
    assert judge(Vitals(**right)) == []


def test_every_rule_is_tried_and_says_what_to_do():
    assert {case[0] for case in CASES} == {rule.name for rule in RULES}
    assert all(rule.what_to_do.endswith(".") and rule.title for rule in RULES)


def test_sentences():
    found = judge(
        Vitals(
            relay_lag=45 * S,
            ledger_differences={"chains": 2, "balances": 1},
            dead_deliveries={"b": 1, "a": 1_200},
            keys_ending={"a": 5 * H + 59 * MIN},
        )
    )
    assert [(alert.severity, alert.subject, alert.sentence) for alert in found] == [
        ("critical", "", "The oldest event or activity without its number has waited for 45 s."),
        ("critical", "", "balances: 1 wrong; chains: 2 wrong."),
        ("warning", "a", "1,200 callbacks of a died in the last seven days."),
        ("warning", "b", "1 callback of b died in the last seven days."),
        ("warning", "a", "The key a signs with ends in 5 h, and no newer one has been used."),
    ]


@pytest.mark.parametrize(
    ("span", "words"),
    [(-S, "0 s"), (119 * S, "119 s"), (2 * MIN, "2 min"), (119 * MIN, "119 min"), (47 * H, "47 h"), (48 * H, "2 d")],
)
def test_spans_in_words(span, words):
    assert in_words(span) == words
