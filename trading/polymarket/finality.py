"""Whether a market's result is final, and which. Closed is not final; nothing is settled by guess.

Final = closed, UMA ``resolved`` or ``settled``, and prices one-hot (≥ 0.999 and ≤ 0.001) or equal and not zero (a
split, $0.50 a share). The source has no winner field; its history of UMA states is incomplete and is not used.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

WINNER_FROM = Decimal("0.999")
LOSER_TO = Decimal("0.001")
HALF = Decimal("0.5")
ORACLE_FINAL = frozenset({"resolved", "settled"})


class Waiting(StrEnum):
    """Why a market is not final."""

    STILL_OPEN = "still_open"
    NO_ORACLE_RESULT = "no_oracle_result"
    ORACLE_PENDING = "oracle_pending"
    DISPUTED = "disputed"
    CONTRADICTORY = "contradictory"
    PRICES_MISSING = "prices_missing"
    PRICES_ZERO = "prices_zero"
    PRICES_UNDECIDED = "prices_undecided"


@dataclass(frozen=True, slots=True)
class Final:
    outcome: Literal["yes", "no", "split"]


@dataclass(frozen=True, slots=True)
class NotFinal:
    reason: Waiting


class Evidence(Protocol):
    """What a result is read from; ``outcome_prices`` are as given, (yes, no)."""

    @property
    def closed(self) -> bool: ...
    @property
    def accepting_orders(self) -> bool: ...
    @property
    def uma_status(self) -> str | None: ...
    @property
    def outcome_prices(self) -> tuple[Decimal, Decimal] | None: ...


def finality(market: Evidence) -> Final | NotFinal:
    """The result, or why there is none yet."""
    if not market.closed:
        return NotFinal(Waiting.DISPUTED if market.uma_status == "disputed" else Waiting.STILL_OPEN)
    if market.uma_status is None:
        return NotFinal(Waiting.NO_ORACLE_RESULT)
    if market.uma_status == "disputed":
        return NotFinal(Waiting.DISPUTED)
    if market.uma_status not in ORACLE_FINAL:
        return NotFinal(Waiting.ORACLE_PENDING)
    if market.accepting_orders:
        return NotFinal(Waiting.CONTRADICTORY)
    return _by_prices(market.outcome_prices)


def _by_prices(prices: tuple[Decimal, Decimal] | None) -> Final | NotFinal:
    if prices is None:
        return NotFinal(Waiting.PRICES_MISSING)
    yes, no = prices
    if yes == 0 and no == 0:
        return NotFinal(Waiting.PRICES_ZERO)
    if yes >= WINNER_FROM and no <= LOSER_TO:
        return Final("yes")
    if no >= WINNER_FROM and yes <= LOSER_TO:
        return Final("no")
    if yes == no:
        # Equal prices of two outcomes are halves; 1/1 or 0.3/0.3 are no result of an oracle.
        return Final("split") if abs(yes - HALF) <= LOSER_TO else NotFinal(Waiting.CONTRADICTORY)
    return NotFinal(Waiting.PRICES_UNDECIDED)
