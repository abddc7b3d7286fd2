"""What one operator's month comes to: lines, sums, and whether there is an invoice in it. No database, no clock.

A line is one source at one share percentage: gross × share, rounded half up, which is what the revenue reader's
cumulative rounding comes to at the month's end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from predictu import money
from predictu.money import ZERO

SPREAD, FEES, CARRIED = "spread", "fees", "carried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """Gross of the month at one share percentage. ``fees_usd`` includes settlement fees."""

    share_pct: Decimal
    spread_usd: Decimal
    fees_usd: Decimal
    volume_usd: Decimal
    trade_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An earlier month's share by source that no invoice has taken yet."""

    month: date
    spread_share_usd: Decimal
    fee_share_usd: Decimal
    trade_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    kind: str
    month: date
    share_pct: Decimal | None
    gross_usd: Decimal | None
    amount_usd: Decimal
    trade_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The month's own lines, then a line for each month carried into it."""

    lines: tuple[Line, ...]
    gross_usd: Decimal
    volume_usd: Decimal
    trade_count: int
    own_spread_usd: Decimal
    own_fees_usd: Decimal
    spread_share_usd: Decimal
    fee_share_usd: Decimal
    revenue_share_pct: Decimal

    @property
    def own_usd(self) -> Decimal:
        """Predictu's share of this month alone."""
        return self.own_spread_usd + self.own_fees_usd

    @property
    def amount_usd(self) -> Decimal:
        """This month and what was carried into it."""
        return self.spread_share_usd + self.fee_share_usd


def draw_up(month: date, earned: Sequence[Earned], carried: Sequence[Carried]) -> Statement:
    """The statement of ``month``. A source that earned nothing at a percentage has no line."""
    by_share = sorted(earned, key=lambda one: one.share_pct)
    own = [_line(month, SPREAD, one.spread_usd, one) for one in by_share if one.spread_usd]
    own += [_line(month, FEES, one.fees_usd, one) for one in by_share if one.fees_usd]
    spread = sum((line.amount_usd for line in own if line.kind == SPREAD), ZERO)
    fees = sum((line.amount_usd for line in own if line.kind == FEES), ZERO)
    gross = sum((one.spread_usd + one.fees_usd for one in earned), ZERO)
    return Statement(
        lines=(*own, *(_carried(one) for one in sorted(carried, key=lambda one: one.month))),
        gross_usd=gross,
        volume_usd=sum((one.volume_usd for one in earned), ZERO),
        trade_count=sum(one.trade_count for one in earned),
        own_spread_usd=spread,
        own_fees_usd=fees,
        spread_share_usd=spread + sum((one.spread_share_usd for one in carried), ZERO),
        fee_share_usd=fees + sum((one.fee_share_usd for one in carried), ZERO),
        revenue_share_pct=_percentage(by_share, spread + fees, gross),
    )


def _line(month: date, kind: str, gross: Decimal, earned: Earned) -> Line:
    return Line(
        kind=kind,
        month=month,
        share_pct=earned.share_pct,
        gross_usd=gross,
        amount_usd=money.half_up(gross * earned.share_pct / 100),
        trade_count=earned.trade_count,
    )


def _carried(one: Carried) -> Line:
    return Line(
        kind=CARRIED,
        month=one.month,
        share_pct=None,
        gross_usd=None,
        amount_usd=one.spread_share_usd + one.fee_share_usd,
        trade_count=one.trade_count,
    )


def _percentage(earned: Sequence[Earned], share: Decimal, gross: Decimal) -> Decimal:
    """The one percentage of the month; of several, what they come to: share ÷ gross."""
    if len({one.share_pct for one in earned}) == 1:
        return earned[0].share_pct
    return money.percent(share, gross)
