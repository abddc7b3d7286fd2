"""What staff do about risk in Django admin, each with its consequences counted: breakers, the halt, events."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from operators.models import Operator
from predictu import clock, ids, shown
from predictu.admin_acts import Act, Facts, Given, ReasonForm
from predictu.platform import config
from reports.queries import breakers
from risk import models
from risk.services import desk
from trading.models import Market, Trade
from trading.queries import names, trades

MANAGE = "risk.manage"
_DAY = timedelta(hours=24)
_LONGEST_COOLDOWN = 60 * 24 * 30
_COMMON = ("trigger_threshold", "cooldown_minutes", "auto_reset", "buys_only")
# The column of a trade that says whether it lies in a scope.
_COLUMN = {"market": "market_id", "category": "category", "operator": "operator_id"}


class BreakerForm(ReasonForm):
    """What every breaker has."""

    trigger_threshold = forms.DecimalField(
        label="Trips at",
        max_digits=14,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
        help_text="Percent of the scope's limit, or dollars the house lost in 24 h, as its trigger says.",
    )
    cooldown_minutes = forms.IntegerField(
        label="Cooldown, minutes", min_value=0, max_value=_LONGEST_COOLDOWN, widget=UnfoldAdminIntegerFieldWidget()
    )
    auto_reset = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), help_text="Armed again when the cooldown is over."
    )
    buys_only = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), help_text="Sells stay possible while it is tripped."
    )

    def clean_trigger_threshold(self) -> Any:
        threshold = self.cleaned_data["trigger_threshold"]
        if threshold <= 0:
            raise forms.ValidationError("must be above 0")
        return threshold


class ChangeForm(BreakerForm):
    """What of a breaker can be changed."""

    follows_config = forms.BooleanField(
        label="Follows the configuration",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Its threshold is the configured one. A threshold set by hand ends that.",
    )
    is_enabled = forms.BooleanField(
        label="Watches",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Off: it neither trips nor stops anything.",
    )
    field_order = (*_COMMON, "follows_config", "is_enabled", "reason")


class AddForm(BreakerForm):
    """A new breaker."""

    scope = forms.ChoiceField(choices=models.CircuitBreaker.SCOPES, widget=UnfoldAdminSelectWidget())
    scope_id = forms.CharField(
        label="Of which",
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text="A category, an operator's slug or id, or a market's id; nothing for the global scope.",
    )
    trigger_type = forms.ChoiceField(
        label="Trigger", choices=models.CircuitBreaker.Trigger.choices, widget=UnfoldAdminSelectWidget()
    )
    field_order = ("scope", "scope_id", "trigger_type", *_COMMON, "reason")


def _scope(row: models.CircuitBreaker) -> Facts:
    bucket = models.ExposureBucket.objects.filter(scope=row.scope, scope_id=row.scope_id).first()
    return [
        ("Status now", row.status),
        ("Scope", names.names({row.scope_id}).get(row.scope_id, str(row))),
        ("Stops", "buys" if row.buys_only else "buys and sells"),
        ("Open positions in its scope", f"{bucket.position_count if bucket else 0:,}"),
        ("Exposure in its scope, USD", shown.amount(bucket.exposure_usd) if bucket else "0.00"),
        ("Trades there in the last 24 h", f"{_trades(row.scope, row.scope_id):,}"),
        (
            "After a trip",
            f"armed again after {shown.counted(row.cooldown_minutes, 'minute')}" if row.auto_reset else "until staff",
        ),
    ]


def _trades(scope: str, scope_id: str) -> int:
    """Trades of the last 24 h in a scope, test users left out; their ids bound the scan."""
    since = clock.now() - _DAY
    inside = {_COLUMN[scope]: scope_id} if scope_id else {}
    recent = Trade.objects.filter(pk__gte=ids.encode("trd", ids.first(since)), created_at__gte=since, is_test=False)
    return recent.filter(**inside).count()


def _trip(given: Given) -> str:
    desk.trip_breaker(breaker_id=given.row.id, actor=given.actor, reason=given.reason, now=given.now)
    return "The breaker is tripped."


def _reset(given: Given) -> str:
    desk.reset_breaker(breaker_id=given.row.id, actor=given.actor, reason=given.reason, now=given.now)
    return "The breaker is armed again."


def _change(given: Given) -> str:
    standing = _standing(given.row)
    changes = {name: value for name, value in given.values.items() if value != standing[name]}
    desk.change_breaker(breaker_id=given.row.id, changes=changes, actor=given.actor, reason=given.reason, now=given.now)
    return "The breaker is changed." if changes else "Nothing was to be changed."


def _standing(row: models.CircuitBreaker) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ChangeForm.base_fields if name != "reason"}
    if row.follows_config:
        values["trigger_threshold"] = config.newest()[1]["risk.circuit_breaker_threshold_pct"]
    return values


def _add(given: Given) -> str:
    values = {**given.values, "scope_id": breakers.known_scope_id(given.values["scope"], given.values["scope_id"])}
    breaker = desk.create_breaker(**values, actor=given.actor, reason=given.reason, now=given.now)
    tripped = breaker.status == models.CircuitBreaker.Status.TRIPPED
    return "The breaker is set, and tripped at once." if tripped else "The breaker is set."


def _watching(_: Any) -> Facts:
    by_status = models.CircuitBreaker.objects.filter(is_enabled=True).values_list("status", flat=True)
    return [
        ("Breakers that watch now", f"{len(by_status):,}"),
        ("Of them tripped", f"{sum(status == 'tripped' for status in by_status):,}"),
        ("Where its threshold is reached already", "it trips at once"),
    ]


def halting() -> list[models.CircuitBreaker]:
    """The tripped breakers over everything; trading is halted while there is one."""
    found = models.CircuitBreaker.objects.filter(scope="global", is_enabled=True, status="tripped")
    return list(found.order_by("tripped_at", "pk"))


def _reach(_: Any) -> Facts:
    """What a halt stops."""
    now = clock.now()
    whole = models.ExposureBucket.objects.filter(scope="global").first()
    return [
        ("Operators live", f"{Operator.objects.filter(stage='live', suspended_at=None).count():,}"),
        ("Markets that can be traded now", f"{Market.objects.filter(status='active', tradeable=True).count():,}"),
        ("Users who traded in the last 24 h", f"{trades.active_users(start=now - _DAY, end=now):,}"),
        ("Trades in the last 24 h", f"{_trades('global', ''):,}"),
        ("Open positions, which stay and settle", f"{whole.position_count if whole else 0:,}"),
        ("Exposure, USD", shown.amount(whole.exposure_usd) if whole else "0.00"),
    ]


def _halt(given: Given) -> str:
    desk.halt(actor=given.actor, reason=given.reason, now=given.now)
    return "Trading is halted."


def _resume(given: Given) -> str:
    for breaker in halting():
        desk.reset_breaker(breaker_id=breaker.id, actor=given.actor, reason=given.reason, now=given.now)
    return "Trading goes on."


def _resumption(_: Any) -> Facts:
    since = [(f"Halted since {_moment(each.tripped_at)}", each.tripped_reason) for each in halting()]
    return [*since, *_reach(None)]


class Events(list[models.RiskEvent]):
    """Several events at once."""

    def __str__(self) -> str:
        return f"{len(self):,} events"


def _resolve(given: Given) -> str:
    rows = _several(given.row)
    for event in sorted(rows, key=lambda each: each.pk):
        desk.resolve_event(event_id=event.id, note=given.reason, actor=given.actor, now=given.now)
    return "The event is resolved." if len(rows) == 1 else f"{len(rows):,} events are resolved."


def _told(row: models.RiskEvent | Events) -> Facts:
    rows = _several(row)
    messages = names.fill([each.message for each in rows], people=False)
    return [
        (f"{each.severity}, {_moment(each.created_at)}", message) for each, message in zip(rows, messages, strict=True)
    ]


def _several(row: models.RiskEvent | Events) -> Sequence[models.RiskEvent]:
    return [row] if isinstance(row, models.RiskEvent) else row


def _moment(at: datetime | None) -> str:
    return f"{shown.instant(at)} UTC" if at else "-"


BREAKER_ACTS = (
    Act(
        name="trip",
        label="Trip",
        permission=MANAGE,
        run=_trip,
        consequences=_scope,
        possible=lambda row: row.status == "armed",
        dangerous=True,
    ),
    Act(
        name="reset",
        label="Reset",
        permission=MANAGE,
        run=_reset,
        consequences=_scope,
        possible=lambda row: row.status == "tripped",
    ),
    Act(
        name="change",
        label="Change",
        permission=MANAGE,
        run=_change,
        consequences=_scope,
        form=ChangeForm,
        initial=_standing,
    ),
)
ADD = Act(
    name="add",
    label="Set a breaker",
    permission=MANAGE,
    run=_add,
    consequences=_watching,
    form=AddForm,
    initial=lambda row: {"trigger_threshold": 90, "cooldown_minutes": 60, "auto_reset": True},
)
HALT = Act(name="halt", label="Halt all trading", permission=MANAGE, run=_halt, consequences=_reach, dangerous=True)
RESUME = Act(
    name="resume",
    label="Resume trading",
    permission=MANAGE,
    run=_resume,
    consequences=_resumption,
    possible=lambda row: bool(halting()),
)
RESOLVE = Act(
    name="resolve",
    label="Acknowledge and resolve",
    permission=MANAGE,
    run=_resolve,
    consequences=_told,
    possible=lambda row: all(each.resolved_at is None and each.crossing_pct is None for each in _several(row)),
)
