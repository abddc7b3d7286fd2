"""A user's case file: one timeline of what they did, what came of it and what was done about it; on paper too."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string

from accounts.models import LedgerEntry, Player
from operators.models import Delivery
from predictu import pdf, shown
from predictu.admin_base import page_of, url_of
from predictu.platform import audit
from predictu.platform.models import AuditEntry
from risk.models import PlayerScore, RiskEvent
from trading.models import Position, Trade

# What a person reads through at a time; the next page goes on from there.
PAGE = 100
_ON_PAPER = 2_000


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the file."""

    at: datetime
    kind: str
    what: str
    detail: str
    id: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Moments, newest first, and the instant before which older ones follow; None at the end."""

    moments: list[Moment]
    older: datetime | None


def timeline(player: Player, *, kind: str = "", before: datetime | None = None, most: int = PAGE) -> Timeline:
    """A user's newest moments before an instant, in one query for each kind of thing.

    A page never ends inside an instant (a trade, its fee and its callback are of one), so that nothing is lost
    between two pages.
    """
    sources = _SOURCES if kind not in KINDS else {kind: _SOURCES[kind]}
    found = [moment for source in sources.values() for moment in source(player, before, most + 1)]
    found.sort(key=lambda moment: moment.at, reverse=True)
    if len(found) <= most:
        return Timeline(found, None)
    last = found[most].at
    whole = [moment for moment in found if moment.at > last] or [each for each in found if each.at == last]
    return Timeline(whole, whole[-1].at)


def _newest(rows: QuerySet[Any], field: str, before: datetime | None, most: int) -> QuerySet[Any]:
    found = rows if before is None else rows.filter(**{f"{field}__lt": before})
    return found.order_by(f"-{field}", "-pk")[:most]


def _trades(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    rows = Trade.objects.filter(player=player).select_related("market")
    for row in _newest(rows, "created_at", before, most):
        what = f"{row.side} {row.quantity} {row.outcome.upper()} at {row.price}"
        money = f"USD {shown.amount(row.cost_usd)}, fee {shown.amount(row.fee_usd)}, {row.status}"
        yield Moment(row.created_at, "trade", what, f"{row.market.title}: {money}", row.id, page_of(row.id))


def _ledger(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    rows = LedgerEntry.objects.filter(player=player)
    rows = rows if before is None else rows.filter(created_at__lt=before)
    for row in rows.order_by("-seq")[:most]:
        balance = f"balance {shown.amount(row.balance_before_usd)} → {shown.amount(row.balance_after_usd)}"
        yield Moment(
            row.created_at,
            "ledger",
            f"{_plain(row.type)} {shown.amount(row.amount_usd)}",
            balance,
            row.id,
            page_of(row.id),
        )


def _positions(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    """When each was opened, and when it was closed or settled."""
    rows = Position.objects.filter(player=player).select_related("market")
    for row in _newest(rows, "opened_at", before, most):
        yield Moment(
            row.opened_at, "position", f"{row.outcome.upper()} opened", row.market.title, row.id, page_of(row.id)
        )
    over = rows.annotate(over_at=Coalesce("settled_at", "closed_at")).filter(over_at__isnull=False)
    for row in _newest(over, "over_at", before, most):
        detail = f"{row.market.title}: result USD {shown.amount(row.realized_pnl_usd)}"
        yield Moment(row.over_at, "position", f"{row.outcome.upper()} {row.status}", detail, row.id, page_of(row.id))


def _scores(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    for row in _newest(PlayerScore.objects.filter(player=player), "evaluated_at", before, most):
        yield Moment(
            row.evaluated_at,
            "score",
            f"scored {row.score}",
            f"{row.tier}, {shown.counted(row.sample_size, 'trade')}",
            "",
            None,
        )


def _risk(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    """Restrictions by scoring, refusals by walls, anomalies."""
    for row in _newest(RiskEvent.objects.filter(player=player), "created_at", before, most):
        note = f"; resolved: {row.resolution_note}" if row.resolution_note else ""
        yield Moment(
            row.created_at, "risk", _plain(row.type), f"{row.severity}: {row.message}{note}", row.id, page_of(row.id)
        )


def _callbacks(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    told = Delivery.objects.filter(user_id=player.id).select_related("event")
    told = told if before is None else told.filter(event__created_at__lt=before)
    for row in told.order_by("-event")[:most]:
        event = row.event
        detail = f"number {event.sequence or 'not given yet'}, {row.state}, {shown.counted(row.attempts, 'attempt')}"
        yield Moment(event.created_at, "callback", event.event, detail, event.id, url_of(Delivery, row.pk))


def _staff(player: Player, before: datetime | None, most: int) -> Iterator[Moment]:
    rows = AuditEntry.objects.filter(object_id=player.id).select_related("actor")
    for row in _newest(rows, "created_at", before, most):
        changed = ", ".join(sorted(row.changes))
        detail = f"{row.actor.email}: {row.reason or 'no reason'}" + (f" ({changed})" if changed else "")
        yield Moment(row.created_at, "staff", row.action, detail, row.id, page_of(row.id))


def _plain(word: str) -> str:
    return word.replace("_", " ")


_Source = Callable[[Player, datetime | None, int], Iterator[Moment]]
_SOURCES: Mapping[str, _Source] = {
    "staff": _staff,
    "risk": _risk,
    "score": _scores,
    "position": _positions,
    "trade": _trades,
    "ledger": _ledger,
    "callback": _callbacks,
}
KINDS = tuple(_SOURCES)


def facts(player: Player) -> list[tuple[str, list[tuple[str, str]]]]:
    """What is known of a user now, by what it is about. No names: those are columns, shown to who may see them."""
    scored = "never" if player.score is None else f"{player.score}, {shown.instant(player.score_evaluated_at)} UTC"  # type: ignore[arg-type]
    return [
        (
            "Standing",
            [
                ("Status", f"{player.status}, by {player.status_set_by}"),
                ("Tier", f"{player.tier}, by {player.tier_set_by}"),
                ("Limit tier", f"{player.limit_tier}, by {player.limit_tier_set_by}"),
                ("Score", scored),
                ("Registered", f"{shown.instant(player.created_at)} UTC"),
                ("Last active", f"{shown.instant(player.last_active_at)} UTC" if player.last_active_at else "never"),
            ],
        ),
        (
            "Money, USD",
            [
                ("Balance", shown.amount(player.balance_usd)),
                ("Debt", shown.amount(player.debt_usd)),
                ("Deposited", shown.amount(player.deposited_usd)),
                ("Withdrawn", shown.amount(player.withdrawn_usd)),
                ("Volume", f"{shown.amount(player.volume_usd)} in {shown.counted(player.trade_count, 'trade')}"),
                ("Result", shown.amount(player.realized_pnl_usd)),
            ],
        ),
        ("Risk and restrictions", _restrictions(player)),
    ]


def _restrictions(player: Player) -> list[tuple[str, str]]:
    found = [
        ("Open positions", f"{player.open_positions:,}"),
        ("Exposure, USD", shown.amount(player.exposure_usd)),
        ("Won", f"{player.winning_count:,} of {player.resolved_count:,} resolved"),
        ("Bet limit by staff, USD", "none" if player.max_bet_usd is None else shown.amount(player.max_bet_usd)),
        ("Blocked categories", ", ".join(player.blocked_categories) or "none"),
        ("Only categories", "all" if player.allowed_categories is None else ", ".join(player.allowed_categories)),
        ("Blocked markets", f"{len(player.blocked_markets):,}"),
    ]
    for name, until in (
        ("Self-excluded until", player.self_excluded_until),
        ("Cooling down until", player.cooldown_until),
    ):
        if until is not None:
            found.append((name, f"{shown.instant(until)} UTC"))
    return found


def printed(player: Player, *, actor: Any, now: datetime) -> bytes:
    """The file for a dispute, as PDF; that it was printed is in the audit trail."""
    file = timeline(player, most=_ON_PAPER)
    audit.record(
        actor=actor,
        action="user.case_file",
        object_type="user",
        object_id=player.id,
        metadata={"lines": len(file.moments)},
        now=now,
    )
    html = render_to_string(
        "admin/case_file_print.html", {"row": player, "facts": facts(player), "file": file, "now": now}
    )
    return pdf.render(
        html,
        css="table { width: 100%; font-size: 8pt } td, th { padding: 1mm; text-align: left; vertical-align: top }",
        metadata=pdf.Metadata(title=f"Case file {player.id}", author="Predictu"),
        issued_at=now,
        foot=f"Case file {player.id}",
    )
