"""Exposure buckets, circuit breakers, risk events and score evaluations."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Player
from operators.models import Operator
from predictu.fields import MoneyField, ShareField, TypeIdField


class Scope(models.TextChoices):
    """What a bucket or breaker is about, in the order their rows are locked."""

    MARKET = "market"
    CATEGORY = "category"
    OPERATOR_CATEGORY = "operator_category"
    OPERATOR = "operator"
    GLOBAL = "global"


class ExposureBucket(models.Model):
    """The counters of one scope, kept by trades and settlements under this row's lock.

    Exposure is what open positions of non-test users pay if they win (quantity × $1). ``revision`` moves whenever a
    limit, a breaker or the market's state in this scope changes, so that a trade decided on older facts is decided
    again. ``alert_level`` is the highest crossing (60, 85, 95, 100 %) not fallen back from.
    """

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=20, choices=Scope)
    scope_id = models.CharField(max_length=80, blank=True)
    subject = models.UUIDField(null=True, help_text="The bare id of a market or operator, for joins.")
    yes_usd = ShareField(default=0)
    no_usd = ShareField(default=0)
    exposure_usd = models.GeneratedField(
        expression=models.F("yes_usd") + models.F("no_usd"),
        output_field=models.DecimalField(max_digits=20, decimal_places=4),
        db_persist=True,
    )
    position_count = models.BigIntegerField(default=0)
    trade_rows = models.BigIntegerField(default=0, help_text="All trades, cancelled ones too.")
    trade_count = models.BigIntegerField(default=0, help_text="Without cancelled ones.")
    volume_usd = MoneyField(default=0)
    revision = models.BigIntegerField(default=0)
    alert_level = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "scope_id"], name="bucket_scope_unique"),
            models.UniqueConstraint(fields=["scope", "subject"], name="bucket_subject_unique"),
            models.CheckConstraint(condition=Q(yes_usd__gte=0, no_usd__gte=0), name="bucket_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_id}".strip()


class CircuitBreaker(models.Model):
    """Stops new trades in its scope once tripped, until reset by staff or, with ``auto_reset``, after the cooldown."""

    class Trigger(models.TextChoices):
        EXPOSURE_PCT = "exposure_pct"
        LOSS_USD_24H = "loss_usd_24h"

    class Status(models.TextChoices):
        ARMED = "armed"
        TRIPPED = "tripped"

    SCOPES = [(scope.value, scope.label) for scope in Scope if scope != Scope.OPERATOR_CATEGORY]

    id = TypeIdField("cb", primary_key=True)
    scope = models.CharField(max_length=10, choices=SCOPES)
    scope_id = models.CharField(max_length=40, blank=True)
    trigger_type = models.CharField(max_length=12, choices=Trigger, default=Trigger.EXPOSURE_PCT)
    trigger_threshold = models.DecimalField(max_digits=14, decimal_places=2)
    follows_config = models.BooleanField(default=False, help_text="Threshold is the configured one until edited.")
    buys_only = models.BooleanField(default=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.ARMED)
    is_enabled = models.BooleanField(default=True)
    cooldown_minutes = models.PositiveIntegerField(default=60)
    auto_reset = models.BooleanField(default=True)
    tripped_at = models.DateTimeField(null=True)
    tripped_reason = models.TextField(blank=True)
    reset_at = models.DateTimeField(null=True)
    value_at_reset = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, help_text="Holds the breaker back until it falls or rises further."
    )
    last_value = models.DecimalField(
        max_digits=20, decimal_places=2, null=True, help_text="The house loss last judged, for loss_usd_24h."
    )
    seeded = models.BooleanField(default=False, help_text="Made by the platform, once for its scope.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["scope", "scope_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "scope_id"], condition=Q(seeded=True), name="breaker_seeded_once"),
            models.CheckConstraint(
                condition=(Q(status="tripped") & Q(tripped_at__isnull=False)) | Q(status="armed"),
                name="breaker_tripped_has_time",
            ),
            models.CheckConstraint(
                condition=(Q(scope="global") & Q(scope_id="")) | (~Q(scope="global") & ~Q(scope_id="")),
                name="breaker_scope_id",
            ),
            models.CheckConstraint(condition=Q(trigger_threshold__gt=0), name="breaker_threshold_positive"),
        ]
        indexes = [models.Index(fields=["scope", "scope_id"], name="breaker_scope")]
        permissions = [("manage", "Change limits, breakers and tiers")]

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_id}".strip()


class RiskEvent(models.Model):
    """Something the risk desk should know; crossings resolve themselves, the rest is resolved by staff."""

    class Type(models.TextChoices):
        WALL_VIOLATION = "wall_violation"
        CIRCUIT_BREAKER = "circuit_breaker"
        SHARP_DETECTION = "sharp_detection"
        ANOMALY = "anomaly"

    class Severity(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        CRITICAL = "critical"

    id = TypeIdField("evt", primary_key=True)
    type = models.CharField(max_length=16, choices=Type)
    severity = models.CharField(max_length=8, choices=Severity)
    wall = models.PositiveSmallIntegerField(null=True)
    message = models.TextField()
    scope = models.JSONField(default=dict)
    bucket = models.ForeignKey(ExposureBucket, models.PROTECT, null=True, related_name="events")
    crossing_pct = models.PositiveSmallIntegerField(null=True, help_text="Set on crossings only.")
    value = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    threshold = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    utilization_pct = models.DecimalField(max_digits=8, decimal_places=1, null=True)
    operator = models.ForeignKey(Operator, models.PROTECT, null=True, related_name="+")
    player = models.ForeignKey(Player, models.PROTECT, null=True, related_name="+")
    market_id = models.CharField(max_length=40, blank=True)
    dedupe_key = models.CharField(max_length=120, null=True, unique=True, help_text="One event per crossing or burst.")
    auto_resolved = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    resolution_note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["created_at", "id"], name="riskevent_created"),
            models.Index(fields=["type", "created_at"], name="riskevent_type"),
            models.Index(fields=["bucket"], name="riskevent_open", condition=Q(resolved_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.message


class AnomalyWatch(models.Model):
    """When a kind of anomaly was last seen of a user or market: what follows soon is the same burst."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8)
    subject_id = models.CharField(max_length=40)
    last_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "anomaly watches"
        constraints = [models.UniqueConstraint(fields=["kind", "subject_id"], name="anomaly_watch_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"


class AnomalyWatchCursor(models.Model):
    """How far an operator's numbered events have been looked over for anomalies."""

    operator = models.OneToOneField(Operator, models.CASCADE, primary_key=True, related_name="+")
    sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.operator_id} {self.sequence}"


class PlayerScore(models.Model):
    """One evaluation of a player, kept for ever; the newest is copied to the player's row."""

    id = models.BigAutoField(primary_key=True)
    player = models.ForeignKey(Player, models.PROTECT, related_name="scores")
    score = models.PositiveSmallIntegerField()
    tier = models.CharField(max_length=10, choices=Player.Tier)
    components = models.JSONField()
    flags = models.JSONField(default=list)
    recommendations = models.JSONField(default=list)
    sample_size = models.PositiveIntegerField()
    confidence = models.DecimalField(max_digits=5, decimal_places=4)
    evidence = models.JSONField(default=dict)
    evaluated_at = models.DateTimeField()

    class Meta:
        ordering = ["-evaluated_at", "-id"]
        indexes = [models.Index(fields=["player", "evaluated_at"], name="score_player")]

    def __str__(self) -> str:
        return f"{self.player_id} {self.score}"
