from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.trading.polymarket.records import ABSENT, gamma_market, listed, resolved_market
from trading.polymarket.finality import Final, NotFinal, Waiting, finality
from trading.polymarket.parse import parse_market

# Each row of the table of observed states, then each threshold from both sides.
STATES = [
    ("open", gamma_market(), NotFinal(Waiting.STILL_OPEN)),
    (
        "open, result proposed, price pinned",
        gamma_market(umaResolutionStatus="proposed", outcomePrices=listed("0.9965", "0.0035")),
        NotFinal(Waiting.STILL_OPEN),
    ),
    (
        "open and disputed at 0.9985",
        gamma_market(umaResolutionStatus="disputed", outcomePrices=listed("0.9985", "0.0015")),
        NotFinal(Waiting.DISPUTED),
    ),
    (
        "oracle final, source not yet closed",
        gamma_market(umaResolutionStatus="resolved", outcomePrices=listed("0.9995", "0.0005")),
        NotFinal(Waiting.STILL_OPEN),
    ),
    ("open though prices are 1 and 0", gamma_market(outcomePrices=listed("1", "0")), NotFinal(Waiting.STILL_OPEN)),
    ("resolved for the first", resolved_market(), Final("yes")),
    ("resolved for the second", resolved_market(outcomePrices=listed("0", "1")), Final("no")),
    ("settled", resolved_market(umaResolutionStatus="Settled"), Final("yes")),
    ("history says proposed", resolved_market(umaResolutionStatuses=listed("proposed", "disputed")), Final("yes")),
    ("history is empty", resolved_market(umaResolutionStatuses="[]"), Final("yes")),
    ("other labels", resolved_market(outcomes=listed("Down", "Up"), outcomePrices=listed("0", "1")), Final("no")),
    ("labels No and Yes", resolved_market(outcomes=listed("No", "Yes"), outcomePrices=listed("0", "1")), Final("yes")),
    ("half and half", resolved_market(outcomePrices=listed("0.5", "0.5")), Final("split")),
    ("nearly half and half", resolved_market(outcomePrices=listed("0.49995", "0.49995")), Final("split")),
    (
        "AMM era, oracle resolved, 0.99997",
        resolved_market(outcomePrices=listed("0.99997005287613540028152053", "0.0000299471238645997")),
        Final("yes"),
    ),
    ("AMM era, oracle resolved, 1e-7", resolved_market(outcomePrices=listed("1e-7", "0.9999999")), Final("no")),
    (
        "AMM era, no oracle, 0.99997",
        resolved_market(umaResolutionStatus=ABSENT, outcomePrices=listed("0.99997", "0.00003")),
        NotFinal(Waiting.NO_ORACLE_RESULT),
    ),
    (
        "no oracle, 0 and 0",
        resolved_market(umaResolutionStatus=ABSENT, outcomePrices=listed("0", "0")),
        NotFinal(Waiting.NO_ORACLE_RESULT),
    ),
    (
        "no oracle, prices in the middle",
        resolved_market(umaResolutionStatus="", outcomePrices=listed("0.2535", "0.7465")),
        NotFinal(Waiting.NO_ORACLE_RESULT),
    ),
    (
        "closed, proposed, 0 and 1, still accepting orders",
        resolved_market(umaResolutionStatus="proposed", outcomePrices=listed("0", "1"), acceptingOrders=True),
        NotFinal(Waiting.ORACLE_PENDING),
    ),
    ("closed, requested", resolved_market(umaResolutionStatus="requested"), NotFinal(Waiting.ORACLE_PENDING)),
    ("closed, unknown status", resolved_market(umaResolutionStatus="escalated"), NotFinal(Waiting.ORACLE_PENDING)),
    ("closed, disputed", resolved_market(umaResolutionStatus="disputed"), NotFinal(Waiting.DISPUTED)),
    ("resolved, accepting orders", resolved_market(acceptingOrders=True), NotFinal(Waiting.CONTRADICTORY)),
    ("resolved, 0 and 0", resolved_market(outcomePrices=listed("0", "0")), NotFinal(Waiting.PRICES_ZERO)),
    ("resolved, 1 and 1", resolved_market(outcomePrices=listed("1", "1")), NotFinal(Waiting.CONTRADICTORY)),
    ("resolved, 0.3 and 0.3", resolved_market(outcomePrices=listed("0.3", "0.3")), NotFinal(Waiting.CONTRADICTORY)),
    ("resolved, no prices", resolved_market(outcomePrices=ABSENT), NotFinal(Waiting.PRICES_MISSING)),
    ("resolved, null prices", resolved_market(outcomePrices=None), NotFinal(Waiting.PRICES_MISSING)),
    ("resolved, one price", resolved_market(outcomePrices=listed("1")), NotFinal(Waiting.PRICES_MISSING)),
    (
        "resolved, in the middle",
        resolved_market(outcomePrices=listed("0.7", "0.3")),
        NotFinal(Waiting.PRICES_UNDECIDED),
    ),
    ("exactly at the thresholds", resolved_market(outcomePrices=listed("0.999", "0.001")), Final("yes")),
    ("winner too low", resolved_market(outcomePrices=listed("0.9989", "0.001")), NotFinal(Waiting.PRICES_UNDECIDED)),
    ("loser too high", resolved_market(outcomePrices=listed("0.0011", "0.999")), NotFinal(Waiting.PRICES_UNDECIDED)),
]


@pytest.mark.parametrize(("record", "expected"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_only_a_plain_result_is_final(record, expected):
    assert finality(parse_market(record)) == expected


def test_a_stored_row_can_be_judged_as_well():
    @dataclass(frozen=True)
    class Stored:
        closed: bool = True
        accepting_orders: bool = False
        uma_status: str | None = "resolved"
        outcome_prices: tuple[Decimal, Decimal] | None = (Decimal("0.5"), Decimal("0.5"))

    assert finality(Stored()) == Final("split")
