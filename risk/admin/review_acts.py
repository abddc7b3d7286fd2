"""The verdicts of the review queue, each with what it does counted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.models import Player
from predictu import shown
from predictu.admin_acts import Act, Given, ReasonForm
from predictu.platform import config
from risk.services import reviews

MANAGE = "accounts.manage_users"
_CLEARED_DAYS = 30
_LONGEST_DAYS = 3_650


class VerdictForm(ReasonForm):
    """How long it holds."""

    days = forms.IntegerField(
        label="Days it holds",
        required=False,
        min_value=1,
        max_value=_LONGEST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: until staff lift it.",
    )


class ClearForm(VerdictForm):
    """How long the score is not to flag the user again."""

    days = forms.IntegerField(
        label="Days the score leaves the user alone",
        required=False,
        min_value=1,
        max_value=_LONGEST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: the next evaluation decides anew.",
    )


def _until(given: Given) -> datetime | None:
    days = given.values.get("days")
    return given.now + timedelta(days=days) if days else None


def _decide(tier: str, said: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        until = _until(given)
        reviews.decide(
            player_id=given.row.id, tier=tier, expires_at=until, reason=given.reason, actor=given.actor, now=given.now
        )
        return f"{said} until {shown.instant(until)} UTC." if until else f"{said}."

    return run


def _facts(player: Player) -> list[tuple[str, Any]]:
    return [
        ("Tier now", f"{player.tier}, by {player.tier_set_by}"),
        ("Score", "none yet" if player.score is None else player.score),
        ("Open flags that this answers", f"{reviews.flags_of(player.id).count():,}"),
        ("Open positions, which stay", f"{player.open_positions:,}"),
        ("Exposure, USD", shown.amount(player.exposure_usd)),
    ]


def _limited(key: str, told: bool) -> Callable[[Player], list[tuple[str, Any]]]:
    """With the bet limit that comes with the tier, and whether the operator hears of it."""

    def facts(player: Player) -> list[tuple[str, Any]]:
        limit = config.current()[key]
        return [*_facts(player), ("Most a bet may cost, USD", shown.amount(limit)), *_told(player, told)]

    return facts


def _told(player: Player, told: bool) -> list[tuple[str, Any]]:
    return [("The operator is told", player.operator.name)] if told else []


def _banned(player: Player) -> list[tuple[str, Any]]:
    return [*_facts(player), ("Buys", "none; sells and withdrawals stay"), *_told(player, True)]


def _lift_facts(player: Player) -> list[tuple[str, Any]]:
    until = f"{shown.instant(player.tier_expires_at)} UTC" if player.tier_expires_at else "no end is set"
    return [*_facts(player), ("Decided until", until), ("Afterwards", "the next evaluation decides")]


ACTS = (
    *(
        Act(
            name=name,
            label=label,
            permission=MANAGE,
            run=_decide(tier, f"{said} by staff's verdict"),
            consequences=_limited(f"tiers.{tier}_max_bet_usd", told=told),
            form=VerdictForm,
        )
        for name, label, tier, said, told in (
            ("confirm", "Confirm as sharp", Player.Tier.SHARP.value, "Sharp", False),
            ("restrict", "Restrict", Player.Tier.RESTRICTED.value, "Restricted", True),
        )
    ),
    Act(
        name="clear",
        label="Clear",
        permission=MANAGE,
        run=_decide(Player.Tier.NORMAL, "Cleared by staff"),
        consequences=_facts,
        form=ClearForm,
        initial=lambda player: {"days": _CLEARED_DAYS},
    ),
    Act(
        name="lift",
        label="Lift staff's verdict",
        permission=MANAGE,
        run=_decide(Player.Tier.NORMAL, "Handed back to the score"),
        consequences=_lift_facts,
        possible=lambda player: player.tier_set_by == Player.Actor.STAFF,
    ),
    Act(
        name="ban",
        label="Ban",
        permission=MANAGE,
        run=_decide(Player.Tier.BANNED, "Banned"),
        consequences=_banned,
        possible=lambda player: player.tier != Player.Tier.BANNED,
        form=VerdictForm,
        dangerous=True,
    ),
)


def offered(user: Any, player: Player) -> list[Act]:
    """What ``user`` may decide on ``player``."""
    return [act for act in ACTS if user.has_perm(act.permission) and act.possible(player)]
