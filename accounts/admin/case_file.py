"""A user's case file: one timeline of what they did, what came of it and what was done about it; on paper too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string

from accounts.models import LedgerEntry, Player
from operators.models import Delivery
from predictu import pdf, shown
from predictu.admin_acts import Act, Given
from predictu.platform import audit
from predictu.platform.models import AuditEntry
from risk.models import PlayerScore
from risk.services import users

# What a person reads through; older things are in the lists.
NEWEST = 200
_ON_PAPER = 2_000


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the file."""

    at: datetime
    kind: str
    what: str
    detail: str
    id: str


def timeline(player: Player, *, most: int = NEWEST) -> list[Moment]:
    """The newest moments of a user, newest first, in one query for each kind of thing."""
    found = [moment for source in _SOURCES for moment in source(player, most)]
    return sorted(found, key=lambda moment: moment.at, reverse=True)[:most]


def _trades(player: Player, most: int) -> Iterator[Moment]:
    for row in player.trades.select_related("market").order_by("-created_at", "-id")[:most]:  # type: ignore[attr-defined]
        what = f"{row.side} {row.quantity} {row.outcome.upper()} at {row.price}"
        money = f"USD {shown.amount(row.cost_usd)}, fee {shown.amount(row.fee_usd)}, {row.status}"
        yield Moment(row.created_at, "trade", what, f"{row.market.title}: {money}", row.id)


def _ledger(player: Player, most: int) -> Iterator[Moment]:
    for row in LedgerEntry.objects.filter(player=player).order_by("-seq")[:most]:
        balance = f"balance {shown.amount(row.balance_before_usd)} → {shown.amount(row.balance_after_usd)}"
        yield Moment(row.created_at, "ledger", f"{row.type} {shown.amount(row.amount_usd)}", balance, row.id)


def _positions(player: Player, most: int) -> Iterator[Moment]:
    for row in player.positions.select_related("market").order_by("-opened_at", "-id")[:most]:  # type: ignore[attr-defined]
        detail = f"{row.market.title}: {row.quantity} held, result {shown.amount(row.realized_pnl_usd)}"
        what = f"{row.outcome.upper()} {row.status}"
        yield Moment(row.settled_at or row.closed_at or row.opened_at, "position", what, detail, row.id)


def _scores(player: Player, most: int) -> Iterator[Moment]:
    for row in PlayerScore.objects.filter(player=player).order_by("-evaluated_at", "-id")[:most]:
        yield Moment(row.evaluated_at, "score", f"scored {row.score}", f"{row.tier}, {row.sample_size} trades", "")


def _callbacks(player: Player, most: int) -> Iterator[Moment]:
    told = Delivery.objects.filter(user_id=player.id).select_related("event").order_by("-event")[:most]
    for row in (delivery.event for delivery in told):
        yield Moment(row.created_at, "callback", row.event, f"number {row.sequence or 'not given yet'}", row.id)


def _staff(player: Player, most: int) -> Iterator[Moment]:
    for row in AuditEntry.objects.filter(object_id=player.id).select_related("actor")[:most]:
        yield Moment(row.created_at, "staff", row.action, f"{row.actor.email}: {row.reason or 'no reason'}", row.id)


_SOURCES = (_trades, _ledger, _positions, _scores, _callbacks, _staff)


def printed(player: Player, *, actor: Any, now: datetime) -> bytes:
    """The file for a dispute, as PDF; that it was printed is in the audit trail."""
    moments = timeline(player, most=_ON_PAPER)
    audit.record(
        actor=actor,
        action="user.case_file",
        object_type="user",
        object_id=player.id,
        metadata={"lines": len(moments)},
        now=now,
    )
    html = render_to_string("admin/case_file_print.html", {"row": player, "timeline": moments, "now": now})
    return pdf.render(
        html,
        css="table { width: 100%; font-size: 8pt } td { padding: 1mm; vertical-align: top }",
        metadata=pdf.Metadata(title=f"Case file {player.id}", author="Predictu"),
        issued_at=now,
        foot=f"Case file {player.id}",
    )


def _facts(player: Player) -> list[tuple[str, Any]]:
    return [
        ("Tier now", player.tier),
        ("Balance, USD", shown.amount(player.balance_usd)),
        ("Open positions", f"{player.open_positions:,}"),
        ("Exposure, USD", shown.amount(player.exposure_usd)),
    ]


def _tier(tier: str) -> Any:
    def run(given: Given) -> str:
        users.change_by_staff(
            player_id=given.row.id, changes={"tier": tier}, actor=given.actor, reason=given.reason, now=given.now
        )
        return f"The tier is {tier}."

    return run


_LABELS = {Player.Tier.RESTRICTED: "Restrict", Player.Tier.BANNED: "Ban", Player.Tier.NORMAL: "Back to scoring"}
ACTS = tuple(
    Act(
        name=f"tier-{tier.value}",
        label=label,
        permission="accounts.manage_users",
        run=_tier(tier.value),
        consequences=_facts,
        possible=lambda row, tier=tier: row.tier != tier,  # type: ignore[misc]
        dangerous=tier == Player.Tier.BANNED,
    )
    for tier, label in _LABELS.items()
)
