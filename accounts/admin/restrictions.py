"""What a user may bet on, set by staff from the case file: categories, markets, a cooldown, the limit tier."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import Player
from operators.models import CATEGORIES
from predictu import clock, ids, shown
from predictu.admin_acts import Act, Facts, Given, ReasonForm
from risk.services import users
from trading.queries import markets

_CHOICES = [(name, name.capitalize()) for name in CATEGORIES]
_MOST_MARKETS = 1_000


class RestrictionsForm(ReasonForm):
    """All of a user's restrictions but the limit on a bet, which is an act of its own."""

    allowed_categories = forms.MultipleChoiceField(
        label="Only these categories",
        choices=_CHOICES,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="None ticked: all of them.",
    )
    blocked_categories = forms.MultipleChoiceField(
        label="Not these categories", choices=_CHOICES, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )
    blocked_markets = forms.CharField(
        label="Not these markets",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Ids of markets, one a line.",
    )
    cooldown_until = forms.DateTimeField(
        label="No buys until, UTC",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-03-19 12:00"}),
        help_text="As 2026-03-19 12:00; empty: no cooldown.",
    )
    limit_tier = forms.ChoiceField(choices=Player.LimitTier.choices, widget=UnfoldAdminSelectWidget())
    field_order = (*("allowed_categories", "blocked_categories", "blocked_markets", "cooldown_until", "limit_tier"),
                   "reason")  # fmt: skip

    def clean_blocked_markets(self) -> list[str]:
        wanted = list(dict.fromkeys(self.cleaned_data["blocked_markets"].split()))
        if len(wanted) > _MOST_MARKETS:
            raise forms.ValidationError(f"at most {_MOST_MARKETS:,} markets")
        unknown = [each for each in wanted if not ids.is_one("mkt", each)] or markets.unknown(wanted)
        if unknown:
            raise forms.ValidationError(f"unknown: {', '.join(unknown)}")
        return wanted


def _standing(player: Player) -> dict[str, Any]:
    """What stands, as the form says it."""
    until = player.cooldown_until
    return {
        "allowed_categories": player.allowed_categories or [],
        "blocked_categories": player.blocked_categories,
        "blocked_markets": player.blocked_markets,
        "cooldown_until": until and until.replace(microsecond=0),
        "limit_tier": player.limit_tier,
    }


def _initial(player: Player) -> dict[str, Any]:
    return {**_standing(player), "blocked_markets": "\n".join(player.blocked_markets)}


def _restrict(given: Given) -> str:
    """Change what differs from what stands; the rest keeps who set it."""
    standing = _standing(given.row)
    changes = {name: value for name, value in given.values.items() if value != standing[name]}
    if "allowed_categories" in changes:
        changes["allowed_categories"] = changes["allowed_categories"] or None
    users.change_by_staff(
        player_id=given.row.id, changes=changes, actor=given.actor, reason=given.reason, now=given.now
    )
    return "The restrictions are set." if changes else "Nothing was to be changed."


def _consequences(player: Player) -> Facts:
    now = clock.now()
    cooling = player.cooldown_until is not None and player.cooldown_until > now
    return [
        ("Status now", player.status),
        ("Limit tier now", player.limit_tier),
        ("Only in", ", ".join(player.allowed_categories or []) or "every category"),
        ("Not in", ", ".join(player.blocked_categories) or "nothing blocked"),
        ("Markets blocked", f"{len(player.blocked_markets):,}"),
        ("Cooling down until", f"{shown.instant(player.cooldown_until)} UTC" if cooling else "no"),
        ("Open positions, which can still be sold", f"{player.open_positions:,}"),
        ("Binds", "the very next buy"),
    ]


RESTRICT = Act(
    name="restrict",
    label="Set restrictions",
    permission="accounts.manage_users",
    run=_restrict,
    consequences=_consequences,
    form=RestrictionsForm,
    initial=_initial,
)
