from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading.polymarket.selection import Candidate, Code, Reason, SelectionRules, liquidity_score, reasons

NOW = datetime(2026, 3, 19, 12, tzinfo=UTC)
RULES = SelectionRules()
GOOD = Candidate(
    closed=False,
    active=True,
    accepting_orders=True,
    enable_order_book=True,
    end_date=NOW + timedelta(days=3),
    yes_mid=Decimal("0.6200"),
    priced_at=NOW - timedelta(seconds=20),
    liquidity_usd=Decimal("25000.00"),
    volume_usd=Decimal("482000.00"),
    category="crypto",
)


def codes(**changes) -> list[str]:
    return [reason.code for reason in reasons(replace(GOOD, **changes), RULES, now=NOW)]


def test_a_good_market_has_no_reason_against_it():
    assert reasons(GOOD, RULES, now=NOW) == ()


SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
TEN_MINUTES = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"closed": True}, [Code.CLOSED]),
        ({"active": False}, [Code.NOT_ACTIVE]),
        ({"accepting_orders": False}, [Code.NOT_ACCEPTING_ORDERS]),
        ({"enable_order_book": False}, [Code.NO_ORDER_BOOK]),
        ({"end_date": None}, [Code.NO_END_DATE]),
        ({"end_date": NOW + HOUR}, [Code.ENDS_TOO_SOON]),
        ({"end_date": NOW + HOUR + SECOND}, []),
        ({"end_date": NOW - timedelta(days=30)}, [Code.ENDS_TOO_SOON]),
        ({"yes_mid": None}, [Code.NO_PRICE]),
        ({"priced_at": None}, [Code.NO_PRICE]),
        ({"yes_mid": Decimal("0.0199")}, [Code.PRICE_TOO_EXTREME]),
        ({"yes_mid": Decimal("0.0200")}, []),
        ({"yes_mid": Decimal("0.9800")}, []),
        ({"yes_mid": Decimal("0.9801")}, [Code.PRICE_TOO_EXTREME]),
        ({"priced_at": NOW - TEN_MINUTES}, [Code.PRICE_TOO_OLD]),
        ({"priced_at": NOW - TEN_MINUTES + SECOND}, []),
        ({"priced_at": NOW + SECOND}, []),
        ({"liquidity_usd": None}, [Code.LOW_LIQUIDITY]),
        ({"liquidity_usd": Decimal("999.99")}, [Code.LOW_LIQUIDITY]),
        ({"liquidity_usd": Decimal("1000.00")}, []),
        ({"volume_usd": None}, [Code.LOW_VOLUME]),
        ({"volume_usd": Decimal("999.99")}, [Code.LOW_VOLUME]),
        ({"volume_usd": Decimal("1000.00")}, []),
        ({"category": None}, [Code.CATEGORY_NOT_CARRIED]),
        ({"category": "astrology"}, [Code.CATEGORY_NOT_CARRIED]),
    ],
)
def test_each_rule_at_its_boundary(changes, expected):
    assert codes(**changes) == expected


def test_every_failed_rule_is_named_in_a_fixed_order():
    assert codes(
        closed=True,
        active=False,
        accepting_orders=False,
        enable_order_book=False,
        end_date=NOW,
        yes_mid=Decimal("0.9990"),
        priced_at=NOW - timedelta(days=1),
        liquidity_usd=Decimal(0),
        volume_usd=Decimal(0),
        category=None,
    ) == [
        Code.CLOSED,
        Code.NOT_ACTIVE,
        Code.NOT_ACCEPTING_ORDERS,
        Code.NO_ORDER_BOOK,
        Code.ENDS_TOO_SOON,
        Code.PRICE_TOO_EXTREME,
        Code.PRICE_TOO_OLD,
        Code.LOW_LIQUIDITY,
        Code.LOW_VOLUME,
        Code.CATEGORY_NOT_CARRIED,
    ]


def test_reasons_are_plain_sentences():
    market = replace(GOOD, yes_mid=Decimal("0.9990"), volume_usd=Decimal("12.50"), category=None)
    assert reasons(market, RULES, now=NOW) == (
        Reason(Code.PRICE_TOO_EXTREME, "Its mid 0.9990 is outside 0.02 to 0.98."),
        Reason(Code.LOW_VOLUME, "Its volume of $12.50 is below $1,000.00."),
        Reason(Code.CATEGORY_NOT_CARRIED, "Its tags name none of our categories."),
    )


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (replace(RULES, min_time_to_end=timedelta(days=4)), Code.ENDS_TOO_SOON),
        (replace(RULES, min_mid=Decimal("0.7")), Code.PRICE_TOO_EXTREME),
        (replace(RULES, max_mid=Decimal("0.6")), Code.PRICE_TOO_EXTREME),
        (replace(RULES, min_liquidity_usd=Decimal(25001)), Code.LOW_LIQUIDITY),
        (replace(RULES, min_volume_usd=Decimal(482001)), Code.LOW_VOLUME),
        (replace(RULES, max_price_age=timedelta(seconds=20)), Code.PRICE_TOO_OLD),
        (replace(RULES, categories=frozenset({"sports"})), Code.CATEGORY_NOT_CARRIED),
    ],
)
def test_every_threshold_is_a_setting(rules, code):
    assert [reason.code for reason in reasons(GOOD, rules, now=NOW)] == [code]


@pytest.mark.parametrize(
    ("liquidity", "score"),
    [
        (None, "0.00"),
        (Decimal("-5"), "0.00"),
        (Decimal(0), "0.00"),
        (Decimal(9), "0.17"),
        (Decimal(999), "0.50"),
        (Decimal("218775.00"), "0.89"),
        (Decimal(999_999), "1.00"),
        (Decimal(50_000_000), "1.00"),
    ],
)
def test_liquidity_scores_by_decades_up_to_a_million(liquidity, score):
    assert str(liquidity_score(liquidity)) == score
