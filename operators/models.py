"""The one operator both API documents speak of, its keys, its onboarding facts and its event log."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from predictu.fields import MoneyField, TypeIdField

CATEGORIES = ("sports", "politics", "entertainment", "crypto", "science", "business")


def all_categories() -> list[str]:
    return list(CATEGORIES)


class Operator(models.Model):
    """A casino. ``stage`` and suspension are stored; both documents' status words are read from them."""

    class Stage(models.TextChoices):
        PENDING = "pending"
        CONFIGURING = "configuring"
        TESTING = "testing"
        LIVE = "live"

    class RiskTier(models.TextChoices):
        STANDARD = "standard"
        PREMIUM = "premium"
        ELITE = "elite"

    id = TypeIdField("op", primary_key=True)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=64, unique=True)
    domain = models.CharField(max_length=253)
    website_url = models.URLField(max_length=500, blank=True)
    contact_email = models.EmailField()
    contact_name = models.CharField(max_length=100, blank=True)
    billing_email = models.EmailField(blank=True)

    stage = models.CharField(max_length=12, choices=Stage, default=Stage.PENDING)
    onboarded_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)
    suspended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    suspension_reason = models.TextField(blank=True)

    callback_url = models.URLField(max_length=500, blank=True)
    s2s_enabled = models.BooleanField(default=True)
    embed_origins = models.JSONField(default=list)
    branding = models.JSONField(default=dict)

    predictu_share_pct = models.DecimalField(
        max_digits=5, decimal_places=2, validators=[MinValueValidator(1), MaxValueValidator(99)]
    )
    allowed_categories = models.JSONField(default=all_categories)
    max_bet_usd = MoneyField(default=Decimal(1000))
    min_bet_usd = MoneyField(default=Decimal(1))
    default_currency = models.CharField(max_length=3, default="USD")
    risk_tier = models.CharField(max_length=8, choices=RiskTier, default=RiskTier.STANDARD)
    spread_override_bps = models.DecimalField(max_digits=7, decimal_places=2, null=True)
    custom_fees_bps = models.DecimalField(max_digits=7, decimal_places=2, null=True)
    exposure_limit_usd = MoneyField(null=True, help_text="Overrides the risk tier's limit.")
    category_limits = models.JSONField(default=dict, help_text="Overrides by category, in dollars.")

    new_tier_limit = MoneyField(default=Decimal(10))
    regular_tier_limit = MoneyField(default=Decimal(100))
    vip_tier_limit = MoneyField(default=Decimal(1000))
    auto_promote_enabled = models.BooleanField(default=True)
    auto_promote_days = models.PositiveIntegerField(default=7)
    auto_promote_trades = models.PositiveIntegerField(default=5)
    daily_loss_limit_enabled = models.BooleanField(default=False)
    daily_loss_limit_usd = MoneyField(null=True)
    can_promote_vip = models.BooleanField(default=False)

    legal_name = models.CharField(max_length=200, blank=True)
    billing_address = models.TextField(blank=True)
    tax_id = models.CharField(max_length=64, blank=True)
    tax_rate_pct = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(0))
    payment_terms_days = models.PositiveIntegerField(default=14)
    po_reference = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="operator_name_unique"),
            models.UniqueConstraint(Lower("domain"), name="operator_domain_unique"),
            models.CheckConstraint(
                condition=Q(predictu_share_pct__gte=1, predictu_share_pct__lte=99), name="operator_share_1_to_99"
            ),
            models.CheckConstraint(
                condition=Q(stage="live") | Q(onboarded_at__isnull=True), name="operator_onboarded_only_live"
            ),
        ]
        permissions = [("manage", "Change operators"), ("manage_keys", "Make and revoke API keys")]

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> str:
        """God Mode's word."""
        return "suspended" if self.suspended_at else self.stage

    @property
    def is_live(self) -> bool:
        return self.stage == self.Stage.LIVE

    @property
    def may_trade(self) -> bool:
        """Whether its users may register, move money and trade now."""
        return self.suspended_at is None and self.stage in (self.Stage.TESTING, self.Stage.LIVE)


class OperatorKey(models.Model):
    """A key pair. The secret is kept encrypted, bound to this row, because it must sign callbacks."""

    id = TypeIdField("key", primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="keys")
    public_key = models.CharField(max_length=64, unique=True)
    secret_encrypted = models.TextField()
    label = models.CharField(max_length=100, default="API Key")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.public_key

    def status(self, now: datetime) -> str:
        """active, expiring (in grace), expired or revoked, at ``now``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is None:
            return "active"
        return "expiring" if now < self.expires_at else "expired"

    def accepts(self, now: datetime) -> bool:
        """Whether a request signed with it is taken at ``now``; exact to the second, no job needed."""
        return self.status(now) in ("active", "expiring")


class KeyUse(models.Model):
    """When a key was last used on the Casino API; apart, so that no request writes the key or operator row."""

    key = models.OneToOneField(OperatorKey, models.CASCADE, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField()

    class Meta:
        verbose_name = "use of a key"
        verbose_name_plural = "uses of keys"

    def __str__(self) -> str:
        return self.key_id


class PingResult(models.Model):
    """One PING test: to which URL, by whom, and what came of it. The operator's answer itself is not kept."""

    id = TypeIdField("dlv", primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="pings")
    url = models.CharField(max_length=2048)
    success = models.BooleanField()
    error = models.CharField(max_length=32, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    latency_ms = models.PositiveIntegerField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["operator", "created_at"], name="ping_operator")]

    def __str__(self) -> str:
        return self.id


class OnboardingFact(models.Model):
    """One thing that is true of an operator's onboarding, since when, and what shows it."""

    class Name(models.TextChoices):
        CREATE_RECORD = "create_record"
        CONFIGURE_REVENUE = "configure_revenue"
        GENERATE_KEYS = "generate_keys"
        SET_CALLBACK = "set_callback"
        TEST_PING = "test_ping"
        CONFIGURE_BRANDING = "configure_branding"
        WHITELIST_ORIGINS = "whitelist_origins"
        TEST_TRADES = "test_trades"
        ACTIVATE = "activate"

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="onboarding_facts")
    name = models.CharField(max_length=20, choices=Name)
    completed_at = models.DateTimeField()
    skipped = models.BooleanField(default=False)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["operator", "name"], name="onboarding_fact_once")]

    def __str__(self) -> str:
        return self.name


class OnboardingStep(models.Model):
    """One of God Mode's five steps that was advanced past (or skipped), with its notes."""

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="onboarding_steps")
    step = models.CharField(max_length=16)
    skipped = models.BooleanField(default=False)
    notes = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    completed_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["operator", "step"], name="onboarding_step_once")]

    def __str__(self) -> str:
        return self.step


class CallbackEvent(models.Model):
    """One thing an operator is told, and how the telling goes.

    Inserted unnumbered in the fact's own transaction; after commit the relay gives the gap-free ``sequence`` and only
    then is it readable and due. ``ordinal`` (an identity, cache 1) keeps one user's events in order.
    """

    class Event(models.TextChoices):
        PING = "PING"
        USER_REGISTERED = "USER_REGISTERED"
        TRADE_PLACED = "TRADE_PLACED"
        TRADE_CANCELLED = "TRADE_CANCELLED"
        POSITION_RESOLVED = "POSITION_RESOLVED"
        USER_RESTRICTED = "USER_RESTRICTED"
        BALANCE_CHANGED = "BALANCE_CHANGED"
        MARKET_RESOLVED = "MARKET_RESOLVED"
        OPERATOR_STATUS_CHANGED = "OPERATOR_STATUS_CHANGED"

    ordinal = models.BigAutoField(primary_key=True)
    id = TypeIdField("dlv", unique=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="events", db_index=False)
    event = models.CharField(max_length=24, choices=Event)
    user_id = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=40, blank=True, help_text="The trade, settlement or market it tells of.")
    body = models.BinaryField()
    test = models.BooleanField(default=False)
    sequence = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["operator", "sequence"], name="event_sequence_unique")]
        indexes = [
            models.Index(fields=["operator", "ordinal"], name="event_unnumbered", condition=Q(sequence__isnull=True)),
            models.Index(fields=["subject_id"], name="event_subject", condition=~Q(subject_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"


class Delivery(models.Model):
    """How the telling of one event goes. Made by the relay with the event's number; ``due_at`` says what is to be done.

    Who is at it says its Claim.
    """

    class State(models.TextChoices):
        READY = "ready"  # the quick phase; at most one of a user
        BEHIND = "behind"  # waits for an earlier event of its user
        SLOW = "slow"  # the quick phase is over without a confirmation
        CONFIRMED = "confirmed"
        DEAD = "dead"
        RECORDED = "recorded"  # there was no URL, or callbacks were off: to be pulled or replayed

    event = models.OneToOneField(CallbackEvent, models.CASCADE, primary_key=True, related_name="delivery")
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="deliveries", db_index=False)
    user_id = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=9, choices=State)
    due_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Delays of the phase it is in that were used up.")
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    confirmed_at = models.DateTimeField(null=True, help_text="The first confirmation; a replay leaves it.")

    class Meta:
        ordering = ["-event"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["operator", "due_at", "event"], name="delivery_due", condition=Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["user_id", "state", "event"],
                name="delivery_order",
                condition=Q(state__in=["ready", "behind"]) & ~Q(user_id=""),
            ),
            models.Index(fields=["operator", "event"], name="delivery_operator"),
            models.Index(fields=["user_id", "event"], name="delivery_user", condition=~Q(user_id="")),
            models.Index(fields=["state", "event"], name="delivery_failed", condition=Q(state__in=["slow", "dead"])),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.state}"


class Claim(models.Model):
    """A due delivery that one process is at, until its lease ends: what a killed one held is then due again by itself.

    A row apart, because claiming must not cost more the longer the queue is: it writes no row of the queue, and so none
    of the pages all over its indexes.
    """

    delivery = models.OneToOneField(Delivery, models.CASCADE, primary_key=True, db_constraint=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    number = models.BigIntegerField()
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["operator", "until"], name="claim_open")]

    def __str__(self) -> str:
        return f"{self.delivery_id} until {self.until}"


class Attempt(models.Model):
    """One request of a delivery, and what came back. The body sent is the event's own."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempt_rows", db_index=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    url = models.CharField(max_length=500)
    confirmed = models.BooleanField()
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=32, blank=True)
    cause = models.CharField(max_length=32, blank=True)
    latency_ms = models.PositiveIntegerField()
    phases_ms = models.JSONField(default=dict)
    ip = models.CharField(max_length=45, blank=True)
    tls_version = models.CharField(max_length=12, blank=True)
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    response_body = models.BinaryField(default=bytes)
    response_truncated = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["delivery", "id"], name="attempt_delivery"),
            models.Index(fields=["operator", "at"], name="attempt_operator"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.number}"


class Endpoint(models.Model):
    """How an operator's callback URL answers, kept in the transaction that records the attempts.

    Its row is also the lock under which the operator's deliveries are numbered, claimed and recorded.
    """

    operator = models.OneToOneField(Operator, models.PROTECT, primary_key=True, related_name="endpoint")
    url = models.CharField(max_length=500, blank=True, help_text="The URL that the rest of the row is about.")
    failures = models.PositiveIntegerField(default=0, help_text="Failed attempts since the last confirmed one.")
    last_success_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    told = models.PositiveSmallIntegerField(default=0, help_text="How many grades of the failure staff were told of.")
    dead_told_at = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.operator_id


class IdempotencyRecord(models.Model):
    """The first answer to a keyed call of the Casino API. Only 2xx are remembered; money and trades for ever."""

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "kind", "key"], name="idempotency_key_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class TransactionReference(models.Model):
    """An operator's own ``transaction_id`` and the trade or ledger entry it names; unique per operator."""

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    transaction_id = models.CharField(max_length=128)
    object_id = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "transaction_id"], name="transaction_reference_unique")
        ]

    def __str__(self) -> str:
        return self.transaction_id


def default_branding(name: str) -> dict[str, Any]:
    """The green theme every new operator begins with."""
    return {
        "primary_color": "#1a7a3a",
        "secondary_color": "#0d5a25",
        "bg_primary": "#0a120a",
        "bg_secondary": "#0f1a0f",
        "logo_url": None,
        "favicon_url": None,
        "display_name": name,
    }
