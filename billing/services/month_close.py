"""Whether a month can be closed: what finance looks at before it files the invoices, each with what was found.

The ledger is verified every night; the caller says whether to do it now, which takes minutes.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count

from billing import months, queries, seal
from billing.errors import MonthIsClosed, MonthNotReady, MonthOpen
from billing.models import CarriedMonth, Invoice, InvoiceMail, MonthClose, MonthNote, NumberSeries
from billing.services import drafts
from operators.models import Delivery, Operator
from predictu import jobs, shown
from predictu.errors import ValidationFailed
from predictu.money import ZERO
from predictu.platform import audit
from predictu.platform.models import Heartbeat
from trading.queries import revenue
from trading.services import verification

EXPLAINABLE = ("callbacks", "mails")
"""Something an operator's server or mailbox did may be in order all the same; figures may not."""


@dataclass(frozen=True, slots=True)
class Check:
    """``ok`` with what was found, in sentences; ``explanation`` is staff's word for findings that are in order."""

    name: str
    title: str
    findings: tuple[str, ...]
    explanation: str = ""

    @property
    def ok(self) -> bool:
        return not self.findings or bool(self.explanation)


def check(*, month: date, now: datetime, verify: bool = False) -> list[Check]:
    """Every check of ``month``; it can be closed when all are ok. ``verify``: the ledger now, not as of last night."""
    month = month.replace(day=1)
    ledger = _verified_now() if verify else _verified_since(month)
    found = [
        ("over", "The month is over and no transaction of it is open", _open(month, now)),
        ("ledger", "The ledger verifies", ledger),
        ("callbacks", "Every callback of the month is confirmed", _callbacks(month)),
        ("invoices", "Every operator with revenue is billed or carried on", _unbilled(month)),
        ("amounts", "Invoices and carried months are Predictu's share of the revenue", _amounts(month)),
        ("seals", "Sent invoices are what was sealed, numbers have no gaps", _seals(month)),
        ("mails", "Every invoice was mailed", _mails(month)),
        ("unchanged", "Once closed, its figures are what they were", _unchanged(month)),
    ]
    notes = {
        note.check_name: note.reason for note in MonthNote.objects.filter(month=month).order_by("created_at", "id")
    }
    return [Check(name, title, tuple(lines), notes.get(name, "")) for name, title, lines in found]


@transaction.atomic
def explain(*, month: date, name: str, reason: str, actor: Any, now: datetime) -> MonthNote:
    """Say why the findings of a check are in order. Raises ValidationFailed where no word can make them so."""
    if name not in EXPLAINABLE:
        raise ValidationFailed(details={"check": [f"must be one of {', '.join(EXPLAINABLE)}"]})
    month = month.replace(day=1)
    note = MonthNote.objects.create(month=month, check_name=name, reason=reason, written_by=actor, created_at=now)
    audit.record(
        actor=actor,
        action="billing.explain",
        object_type="month",
        object_id=f"{month:%Y-%m}",
        reason=reason,
        metadata={"check": name},
        now=now,
    )
    return note


@transaction.atomic
def close(*, month: date, reason: str, actor: Any, now: datetime) -> MonthClose:
    """File the month: nothing is moved, what it came to is written down for good, and held against ever after.

    Raises MonthNotReady while a check is not in order, MonthIsClosed the second time.
    """
    month = month.replace(day=1)
    checks = check(month=month, now=now)
    failed = {one.name: list(one.findings) for one in checks if not one.ok}
    if failed:
        raise MonthNotReady(f"Not in order: {', '.join(failed)}", details=failed)
    gross, share = _totals(month)
    row, is_new = MonthClose.objects.get_or_create(
        month=month,
        defaults={
            "gross_usd": gross,
            "share_usd": share,
            "checks": [{"name": one.name, "findings": one.findings, "explanation": one.explanation} for one in checks],
            "reason": reason,
            "closed_by": actor,
            "closed_at": now,
        },
    )
    if not is_new:
        raise MonthIsClosed()
    audit.record(
        actor=actor,
        action="billing.close_month",
        object_type="month",
        object_id=f"{month:%Y-%m}",
        reason=reason,
        metadata={"gross_usd": gross, "share_usd": share},
        now=now,
    )
    return row


@transaction.atomic
def ask_to_verify(*, month: date, reason: str, actor: Any, now: datetime) -> None:
    """Have a job verify the ledger now, as it does every night; the check shows what it found."""
    audit.record(
        actor=actor,
        action="billing.verify_ledger",
        object_type="month",
        object_id=f"{month:%Y-%m}",
        reason=reason,
        now=now,
    )
    jobs.enqueue("trading.tasks.verify_ledger")


def _verified_now() -> list[str]:
    return [f"{one.check}: {one.count} wrong ({', '.join(one.examples[:3])})." for one in verification.verify()]


def _verified_since(month: date) -> list[str]:
    """What the nightly verification found, if there was one since the month's end."""
    last = Heartbeat.objects.filter(name=verification.HEARTBEAT, seen_at__gte=months.end(month)).first()
    if last is None:
        return ["The ledger was not verified since the month ended."]
    return [f"{one['check']}: {one['count']} wrong." for one in last.detail.get("findings", [])]


def _open(month: date, now: datetime) -> list[str]:
    try:
        drafts.require_closed(month, now)
    except MonthOpen as problem:
        return [problem.message]
    return []


def _callbacks(month: date) -> list[str]:
    states = (Delivery.State.READY, Delivery.State.BEHIND, Delivery.State.SLOW, Delivery.State.DEAD)
    waiting = (
        Delivery.objects.filter(
            state__in=states,
            event__test=False,
            event__created_at__gte=months.start(month),
            event__created_at__lt=months.end(month),
        )
        .values("operator__slug", "state")
        .annotate(count=Count("pk"))
        .order_by("operator__slug", "state")
    )
    return [f"{row['operator__slug']}: {row['count']:,} callbacks are {row['state']}." for row in waiting]


def _earned(month: date) -> dict[str, revenue.Sums]:
    return revenue.revenue(start=months.start(month), end=months.end(month), unit="month").by_operator


def _totals(month: date) -> tuple[Decimal, Decimal]:
    """Gross revenue and Predictu's share of all operators."""
    earned = _earned(month).values()
    return sum((one.gross_usd for one in earned), ZERO), sum((one.predictu_usd for one in earned), ZERO)


def _unchanged(month: date) -> list[str]:
    closed = MonthClose.objects.filter(month=month).first()
    if closed is None:
        return []
    words = zip(
        ("Gross revenue", "Predictu's share"), (closed.gross_usd, closed.share_usd), _totals(month), strict=True
    )
    return [
        f"{what} was {shown.amount(before)} when the month was closed and is {shown.amount(now)}."
        for what, before, now in words
        if before != now
    ]


def _unbilled(month: date) -> list[str]:
    waiting = Invoice.objects.filter(month=month, status=Invoice.Status.DRAFT).order_by("operator__slug")
    return [f"{slug} is not billed." for slug in queries.unbilled(month)] + [
        f"The invoice of {slug} is a draft." for slug in waiting.values_list("operator__slug", flat=True)
    ]


def _amounts(month: date) -> list[str]:
    stated = dict(Invoice.objects.filter(month=month).values_list("operator_id", "share_usd"))
    stated |= dict(CarriedMonth.objects.filter(month=month).values_list("operator_id", "amount_usd"))
    earned = _earned(month)
    slugs = dict(Operator.objects.filter(pk__in=stated).values_list("pk", "slug"))
    return [
        f"{slugs[operator_id]}: billed on {shown.amount(amount)}, earned {shown.amount(share)}."
        for operator_id, amount in sorted(stated.items(), key=lambda pair: slugs[pair[0]])
        if amount != (share := earned[operator_id].predictu_usd if operator_id in earned else ZERO)
    ]


def _seals(month: date) -> list[str]:
    sent = Invoice.objects.filter(month=month).prefetch_related("lines").order_by("number")
    broken = [f"{invoice} is not what was sealed." for invoice in sent if not seal.holds(invoice)]
    year = months.end(month).year
    last = NumberSeries.objects.filter(series=NumberSeries.INVOICES, year=year).values_list("last", flat=True).first()
    given = Invoice.objects.filter(number__startswith=f"{NumberSeries.INVOICES}-{year}-").count()
    if (last or 0) != given:
        broken.append(f"{last or 0} numbers of {year} were taken, {given} invoices carry one.")
    return broken


def _mails(month: date) -> list[str]:
    unsent = InvoiceMail.objects.filter(invoice__month=month, sent_at=None).order_by("invoice__number", "id")
    return [
        f"The {mail.get_kind_display().lower()} mail of {mail.invoice} "
        f"{'failed' if mail.failed_at else 'is still on its way'}."
        for mail in unsent.select_related("invoice")
    ]
