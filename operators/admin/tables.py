"""Operators in Django admin. Secrets have no column here, and bodies that may hold personal data are left out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.models import Player
from operators import delivery_lists, health_chart, models
from operators.admin import onboarding, operator_page
from operators.services import health, keys, lifecycle, replays
from predictu import clock, shown
from predictu.admin_acts import Act, ActingAdmin, Given, act_on_chosen
from predictu.admin_base import ReadOnlyAdmin, among, linked
from risk.models import ExposureBucket
from risk.services import operator_changes

REPLAY = "predictu.replay_deliveries"
MANAGE = "operators.manage"


def _reach(row: models.Operator) -> list[tuple[str, Any]]:
    """What a change of an operator's status reaches."""
    bucket = ExposureBucket.objects.filter(scope="operator", scope_id=row.id).first()
    return [
        ("Status now", row.status),
        ("Users", f"{Player.objects.real().filter(operator=row).count():,}"),
        ("Open positions", f"{bucket.position_count if bucket else 0:,}"),
        ("Exposure, USD", shown.amount(bucket.exposure_usd) if bucket else "0.00"),
        ("The operator is told", "its new status"),
    ]


def _to(status: str, said: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        operator_changes.update(
            operator_id=given.row.id, changes={}, status=status, reason=given.reason, actor=given.actor, now=given.now
        )
        return f"{given.row.name} {said}."

    return run


ACTS = (
    Act(
        name="suspend",
        label="Suspend",
        permission=MANAGE,
        run=_to(lifecycle.SUSPEND, "is suspended"),
        consequences=_reach,
        possible=lambda row: row.suspended_at is None,
        dangerous=True,
    ),
    Act(
        name="resume",
        label="Resume",
        permission=MANAGE,
        run=_to(lifecycle.RESUME, "is resumed"),
        consequences=_reach,
        possible=lambda row: row.suspended_at is not None,
    ),
    Act(
        name="activate",
        label="Bring to life",
        permission=MANAGE,
        run=_to(lifecycle.ACTIVATE, "is live"),
        consequences=_reach,
        possible=lambda row: row.suspended_at is None and not row.is_live,
    ),
)
BY_OPERATOR = ("operator", AutocompleteSelectFilter)


def _signs(row: models.OperatorKey) -> list[tuple[str, Any]]:
    """What revoking a key reaches."""
    now = clock.now()
    others = sum(key.accepts(now) for key in row.operator.keys.all() if key.pk != row.pk)
    use = models.KeyUse.objects.filter(key=row).first()
    return [
        ("Operator", row.operator.name),
        ("Last used", shown.instant(use.last_used_at) if use else "never"),
        ("Keys left that are accepted", f"{others:,}"),
        ("Requests signed with it", "refused from now on"),
    ]


def _revoke(given: Given) -> str:
    keys.revoke(operator=given.row.operator, key_id=given.row.id, reason=given.reason, actor=given.actor, now=given.now)
    return f"{given.row.public_key} is revoked."


@admin.register(models.Operator)
class OperatorAdmin(ActingAdmin):
    acts = (*ACTS, *onboarding.ACTS)
    list_display = ("name", "slug", "status", "domain", "risk_tier", "predictu_share_pct", "s2s_enabled", "created_at")
    list_filter = ("stage", ("suspended_at", admin.EmptyFieldListFilter), "risk_tier", "s2s_enabled")
    search_fields = ("name", "slug", "domain")
    search_help_text = "A name, slug, domain or id"
    personal_fields = ("contact_email", "contact_name", "billing_email")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        new = (reverse("admin:operator_new"), "New operator") if request.user.has_perm(MANAGE) else None  # type: ignore[union-attr]
        return super().changelist_view(request, {**(extra_context or {}), "new": new})

    def page_facts(self, request: HttpRequest, row: models.Operator) -> dict[str, Any]:
        return operator_page.facts(row)


@admin.register(models.OperatorKey)
class OperatorKeyAdmin(ActingAdmin):
    acts = (
        Act(
            name="revoke",
            label="Revoke",
            permission="operators.manage_keys",
            run=_revoke,
            consequences=_signs,
            possible=lambda row: row.accepts(clock.now()),
            dangerous=True,
        ),
    )
    list_display = ("public_key", "operator_link", "label", "state", "created_at", "expires_at", "revoked_at")
    list_filter = (BY_OPERATOR, ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("operator",)
    search_fields = ("public_key__startswith", "label")
    search_help_text = "A public key, a label or an id"
    id_fields = ("pk", "operator")
    hidden_fields = ("secret_encrypted",)
    operator_link = linked("operator", text="name")

    @admin.display(description="Status")
    def state(self, row: models.OperatorKey) -> str:
        return row.status(clock.now())


@admin.register(models.KeyUse)
class KeyUseAdmin(ReadOnlyAdmin):
    list_display = ("key_link", "last_used_at")
    list_select_related = ("key",)
    ordering = ("-last_used_at",)
    id_fields = ("key",)
    key_link = linked("key", text="public_key")


@admin.register(models.PingResult)
class PingResultAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "operator_link", "success", "error", "http_status", "latency_ms", "actor_link")
    list_filter = (BY_OPERATOR, "success")
    list_select_related = ("operator", "actor")
    id_fields = ("pk", "operator", "actor")
    operator_link = linked("operator", text="name")
    actor_link = linked("actor", text="email", title="Admin")


@admin.register(models.OnboardingFact)
class OnboardingFactAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "name", "completed_at", "skipped")
    list_filter = (BY_OPERATOR, "name", "skipped")
    list_select_related = ("operator",)
    ordering = ("-completed_at",)
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.OnboardingStep)
class OnboardingStepAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "step", "completed_at", "skipped", "actor_link", "notes")
    list_filter = (BY_OPERATOR, "skipped")
    list_select_related = ("operator", "actor")
    ordering = ("-completed_at",)
    id_fields = ("operator", "actor")
    operator_link = linked("operator", text="name")
    actor_link = linked("actor", text="email", title="Admin")


@admin.register(models.CallbackEvent)
class CallbackEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "operator_link", "event", "subject_id", "user_id", "sequence", "test", "created_at")
    list_filter = (BY_OPERATOR, "event", "test")
    list_select_related = ("operator",)
    ordering = ("-ordinal",)
    search_help_text = "The id of an event, operator, user, trade, settlement or market"
    id_fields = ("id", "operator", "user_id", "subject_id")
    operator_link = linked("operator", text="name")


def _sent_again(rows: QuerySet[models.Delivery]) -> list[tuple[str, Any]]:
    """What replaying these deliveries reaches."""
    count = replays.replayable(rows).count()
    return [
        ("Sent again, each under its own id", f"{count:,}"),
        ("Left alone: waiting already, or nowhere to be sent", f"{rows.count() - count:,}"),
        ("Operators told", f"{replays.replayable(rows).values('operator').distinct().count():,}"),
    ]


def _send_again(given: Given) -> str:
    chosen = given.row.count()
    criteria = {"deliveries": chosen}
    count = replays.many(given.row, actor=given.actor, criteria=criteria, reason=given.reason, now=given.now)
    return f"{count:,} of {chosen:,} deliveries are being sent again."


SEND_AGAIN = Act(
    name="replay", label="Send again", permission=REPLAY, run=_send_again, consequences=_sent_again, dangerous=True
)


@admin.register(models.Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The delivery log. What exactly was sent and answered is for who may see personal data."""

    list_display = (
        *("event_link", "operator_link", "event_name", "state", "attempts", "due_at", "last_attempt_at", "last_error"),
        "confirmed_at",
    )
    list_filter = (BY_OPERATOR, "state", among("event__event", delivery_lists.EVENTS))
    list_select_related = ("event", "operator")
    search_help_text = "The id of an operator or user"
    id_fields = ("operator", "user_id")
    personal_fields = ("exchanges",)
    actions = ("replay",)
    event_link = linked("event", text="id")
    operator_link = linked("operator", text="name")

    @admin.display(description="Event", ordering="event__event")
    def event_name(self, row: models.Delivery) -> str:
        return row.event.event

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_fields(request, obj), *self._visible(request, ["exchanges"])]

    @admin.display(description="Requests and answers")
    def exchanges(self, row: models.Delivery) -> SafeString:
        """Every attempt: what was sent, byte for byte, and what came back."""
        body = bytes(row.event.body).decode()
        shown = (
            (
                f"{attempt.number}. {attempt.at:%Y-%m-%d %H:%M:%S} UTC, {attempt.latency_ms} ms",
                f"POST {attempt.url}\n{_headers(attempt.request_headers)}\n\n{body}",
                f"{attempt.http_status or attempt.error} {attempt.cause}\n{_headers(attempt.response_headers)}\n\n"
                f"{bytes(attempt.response_body).decode(errors='replace')}",
            )
            for attempt in row.attempt_rows.order_by("id")
        )
        return format_html_join("", _EXCHANGE, shown)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(REPLAY)

    @admin.action(description="Send again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[models.Delivery]) -> HttpResponse | None:
        return act_on_chosen(self, request, queryset, SEND_AGAIN)


_EXCHANGE = '<details class="desk-exchange"><summary>{}</summary><pre>{}</pre><pre>{}</pre></details>'


def _headers(values: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in values.items())


@admin.register(models.Claim)
class ClaimAdmin(ReadOnlyAdmin):
    list_display = ("delivery_link", "operator_link", "until")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    delivery_link = linked("delivery")
    operator_link = linked("operator", text="name")


@admin.register(models.Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "delivery_link", "operator_link", "number", "confirmed", "http_status", "error", "latency_ms")
    list_filter = (BY_OPERATOR, "confirmed")
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    hidden_fields = ("request_headers", "response_headers")
    delivery_link = linked("delivery")
    operator_link = linked("operator", text="name")


@admin.register(models.Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("operator_link", "url", "failures", "failing_since", "last_success_at", "paused_until")
    list_filter = (("failing_since", admin.EmptyFieldListFilter),)
    list_select_related = ("operator",)
    search_fields = ("url",)
    search_help_text = "A part of the URL, or an operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_fields(request, obj), "last_week"]

    @admin.display(description="Attempts by hour, the last seven days")
    def last_week(self, row: models.Endpoint) -> SafeString:
        end = clock.hour_start(clock.now()) + timedelta(hours=1)
        start = end - timedelta(days=7)
        hours = health.history(row.operator_id, since=start)
        return mark_safe(health_chart.svg(hours, start=start, end=end))  # noqa: S308 numbers and instants only


@admin.register(models.IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "operator_link", "kind", "key", "status", "created_at")
    list_filter = (BY_OPERATOR, among("kind", ("register", "deposit", "withdraw", "trade")))
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    hidden_fields = ("answer", "fingerprint")
    operator_link = linked("operator", text="name")


@admin.register(models.TransactionReference)
class TransactionReferenceAdmin(ReadOnlyAdmin):
    list_display = ("transaction_id", "operator_link", "object_id", "created_at")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_fields = ("transaction_id__exact",)
    search_help_text = "A whole transaction id, or an operator's, trade's or entry's id"
    id_fields = ("operator", "object_id")
    operator_link = linked("operator", text="name")
