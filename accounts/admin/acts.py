"""What staff do to a user from the case file: tier, status, a bet limit, money given or taken."""

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from accounts.admin.restrictions import RESTRICT
from accounts.models import Player
from accounts.services import adjustments
from predictu import shown
from predictu.admin_acts import Act, Given, ReasonForm
from predictu.platform import approvals
from predictu.platform.models import Approval
from risk.services import users

MANAGE = "accounts.manage_users"


class AmountForm(ReasonForm):
    """Money given to the user, or with a minus taken."""

    amount_usd = forms.DecimalField(
        label="Amount, USD; with a minus it is taken",
        max_digits=11,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(),
    )

    def clean_amount_usd(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount_usd"]
        if not amount:
            raise forms.ValidationError("An adjustment of nothing is none.")
        return amount


class LimitForm(ReasonForm):
    """The most a single buy may cost."""

    max_bet_usd = forms.DecimalField(
        label="At most, USD a bet; empty takes the limit away",
        required=False,
        min_value=0,
        max_digits=11,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(),
    )


def _facts(player: Player) -> list[tuple[str, Any]]:
    return [
        ("Tier now", player.tier),
        ("Status now", player.status),
        ("Balance, USD", shown.amount(player.balance_usd)),
        ("Open positions", f"{player.open_positions:,}"),
        ("Exposure, USD", shown.amount(player.exposure_usd)),
    ]


def _limit_now(player: Player) -> list[tuple[str, Any]]:
    limit = player.max_bet_usd
    return [*_facts(player), ("Bet limit now", "none" if limit is None else f"USD {shown.amount(limit)}")]


def _money(player: Player) -> list[tuple[str, Any]]:
    found = [
        ("Balance now, USD", shown.amount(player.balance_usd)),
        ("Debt, repaid first from what is given, USD", shown.amount(player.debt_usd)),
        ("The operator is told", "the new balance"),
    ]
    if approvals.required():
        found.append(("Needs a second admin from, USD", shown.amount(adjustments.SECOND_ADMIN_FROM_USD)))
    return found


def _changed(given: Given, said: str, **changes: Any) -> str:
    users.change_by_staff(
        player_id=given.row.id, changes=changes, actor=given.actor, reason=given.reason, now=given.now
    )
    return said


def _tier(tier: str) -> Any:
    return lambda given: _changed(given, f"The tier is {tier}.", tier=tier)


def _limit(given: Given) -> str:
    limit = given.values["max_bet_usd"]
    said = "The bet limit is taken away." if limit is None else f"A bet costs at most USD {shown.amount(limit)}."
    return _changed(given, said, max_bet_usd=limit)


def _adjust(given: Given) -> str:
    done = adjustments.request(
        player_id=given.row.id,
        amount_usd=given.values["amount_usd"],
        reason=given.reason,
        actor=given.actor,
        now=given.now,
    )
    if isinstance(done, Approval):
        return "Another admin has to approve it first."
    return f"The balance is USD {shown.amount(done.balance_usd)}."


_TIERS = {Player.Tier.RESTRICTED: "Restrict", Player.Tier.BANNED: "Ban", Player.Tier.NORMAL: "Back to scoring"}
ACTS = (
    *(
        Act(
            name=f"tier-{tier.value}",
            label=label,
            permission=MANAGE,
            run=_tier(tier.value),
            consequences=_facts,
            possible=lambda row, tier=tier: row.tier != tier,  # type: ignore[misc]
            dangerous=tier == Player.Tier.BANNED,
        )
        for tier, label in _TIERS.items()
    ),
    Act(
        name="suspend",
        label="Suspend",
        permission=MANAGE,
        run=lambda given: _changed(given, "The user is suspended.", status=Player.Status.SUSPENDED.value),
        consequences=_facts,
        possible=lambda row: row.status != Player.Status.SUSPENDED,
        dangerous=True,
    ),
    Act(
        name="reactivate",
        label="Lift the suspension",
        permission=MANAGE,
        run=lambda given: _changed(given, "The user is active.", status=Player.Status.ACTIVE.value),
        consequences=_facts,
        possible=lambda row: row.status == Player.Status.SUSPENDED,
    ),
    Act(
        name="limit",
        label="Limit bets",
        permission=MANAGE,
        run=_limit,
        consequences=_limit_now,
        form=LimitForm,
        initial=lambda row: {"max_bet_usd": row.max_bet_usd},
    ),
    RESTRICT,
    Act(
        name="adjust",
        label="Adjust the balance",
        permission=adjustments.PERMISSION,
        run=_adjust,
        consequences=_money,
        form=AmountForm,
    ),
)
