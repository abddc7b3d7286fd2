"""The facts behind an invoice line, each with its part of the share, as CSV that sums to the line to the cent.

Shares are rounded cumulatively per month, source and percentage, as the revenue reader rounds them: a row's share is
R(after it) − R(before it), so the rows add up whatever their number.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from billing import months
from billing.models import Invoice, InvoiceLine
from predictu import clock, money
from predictu.money import ZERO
from trading.models import RevenueFact

HEADER = ("at", "kind", "source", "trade_id", "user_id", "market_id", "category", "gross_usd", "share_pct", "share_usd")
_CHUNK = 2_000
_SOURCES = {
    InvoiceLine.Kind.SPREAD: (InvoiceLine.Kind.SPREAD,),
    InvoiceLine.Kind.FEES: (InvoiceLine.Kind.FEES,),
    InvoiceLine.Kind.CARRIED: (InvoiceLine.Kind.SPREAD, InvoiceLine.Kind.FEES),
}


def rows(invoice: Invoice, line: InvoiceLine) -> Iterator[tuple[str, ...]]:
    """The line's facts, oldest first: a row for each source in which the fact moved money."""
    facts = RevenueFact.objects.filter(
        operator_id=invoice.operator_id, at__gte=months.start(line.month), at__lt=months.end(line.month)
    )
    if line.share_pct is not None:
        facts = facts.filter(share_pct=line.share_pct)
    so_far: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for fact in facts.order_by("at", "id").iterator(chunk_size=_CHUNK):
        for source in _SOURCES[InvoiceLine.Kind(line.kind)]:
            gross = _gross(fact, source)
            if not gross:
                continue
            grain = (source, fact.share_pct)
            before = so_far[grain]
            so_far[grain] = before + gross
            share = _share(so_far[grain], fact.share_pct) - _share(before, fact.share_pct)
            yield (
                clock.milliseconds(fact.at) or "",
                fact.kind,
                source,
                fact.trade_id or "",
                fact.player_id,
                fact.market_id,
                fact.category,
                f"{gross:.2f}",
                f"{fact.share_pct:.2f}",
                f"{share:.2f}",
            )


def _gross(fact: RevenueFact, source: str) -> Decimal:
    if source == InvoiceLine.Kind.SPREAD:
        return fact.spread_usd
    return fact.fee_usd + fact.settlement_fee_usd


def _share(gross: Decimal, pct: Decimal) -> Decimal:
    return money.half_up(gross * pct / 100) if gross else ZERO


def csv_of(invoice: Invoice, line: InvoiceLine) -> Iterator[bytes]:
    """The rows under their header, in pieces; ids and amounts hold nothing that a spreadsheet would run."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(HEADER)
    for count, row in enumerate(rows(invoice, line), start=1):
        writer.writerow(row)
        if count % _CHUNK == 0:
            yield _taken(stream)
    yield _taken(stream)


def _taken(stream: io.StringIO) -> bytes:
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text.encode()
