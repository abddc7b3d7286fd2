"""Markets of the source as we carry them, their prices, and the walks that read them."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from operators.models import CATEGORIES
from predictu.fields import PriceField, TypeIdField


class Market(models.Model):
    """A binary market of Polymarket as we carry it. ``yes_mid`` is the mid; NO's is 1 − it."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        RESOLVED = "resolved"
        CANCELLED = "cancelled"

    class Resolution(models.TextChoices):
        YES = "yes"
        NO = "no"
        SPLIT = "split"
        CANCELLED = "cancelled"

    class Source(models.TextChoices):
        POLYMARKET_UMA = "polymarket_uma"
        STAFF = "staff"
        CORRECTION = "correction"

    class Override(models.TextChoices):
        TRADEABLE = "tradeable"
        BLOCKED = "blocked"

    id = TypeIdField("mkt", primary_key=True)
    condition_id = models.CharField(max_length=80, unique=True)
    gamma_id = models.CharField(max_length=32, blank=True)
    event_id = models.CharField(max_length=32, blank=True)
    event_title = models.TextField(blank=True)
    token_ids = ArrayField(models.CharField(max_length=80), default=list)
    slug = models.CharField(max_length=255, blank=True)
    title = models.TextField()
    description = models.TextField(blank=True)
    category = models.CharField(max_length=16, choices=[(name, name) for name in CATEGORIES], null=True)
    tags = models.JSONField(default=list)
    image_url = models.URLField(max_length=500, null=True)
    image = models.ForeignKey("platform.StoredFile", models.PROTECT, null=True, related_name="+")
    outcome_labels = models.JSONField(default=list)

    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    paused_by_staff = models.BooleanField(default=False)
    status_reason = models.TextField(blank=True)
    tradeable = models.BooleanField(default=False)
    untradeable_reasons = models.JSONField(default=list)
    override = models.CharField(max_length=10, choices=Override, blank=True)

    source_active = models.BooleanField(default=True, help_text="The source lists it as active and not archived.")
    accepting_orders = models.BooleanField(default=False)
    order_book_enabled = models.BooleanField(default=False)
    source_closed = models.BooleanField(default=False)
    uma_status = models.CharField(max_length=16, blank=True)
    waiting_for = models.CharField(max_length=24, blank=True, help_text="Why a closed market is not final.")
    neg_risk = models.BooleanField(default=False)
    source_volume_usd = models.DecimalField(max_digits=24, decimal_places=2, null=True)
    liquidity_usd = models.DecimalField(max_digits=24, decimal_places=2, null=True)
    end_date = models.DateTimeField(null=True)
    game_start_at = models.DateTimeField(null=True)
    source_closed_at = models.DateTimeField(null=True)
    source_updated_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True, help_text="When the source was last asked for it by name.")
    history_read_at = models.DateTimeField(null=True, help_text="When the source's price history was taken over.")
    source = models.JSONField(default=dict, help_text="What the source last said of state and resolution.")

    yes_mid = PriceField(null=True)
    priced_at = models.DateTimeField(null=True)
    buys_paused_until = models.DateTimeField(null=True)

    resolution = models.CharField(max_length=10, choices=Resolution, null=True)
    resolution_source = models.CharField(max_length=16, choices=Source, blank=True)
    resolved_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(yes_mid__gt=0, yes_mid__lt=1) | Q(yes_mid=None), name="market_mid_in_0_1"
            ),
            models.CheckConstraint(
                condition=Q(status__in=("resolved", "cancelled"), resolution__isnull=False, resolved_at__isnull=False)
                | Q(status__in=("active", "paused"), resolution__isnull=True),
                name="market_resolution_with_status",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "tradeable"], name="market_status"),
            models.Index(fields=["category"], name="market_category"),
            models.Index(fields=["end_date"], name="market_end"),
            models.Index(fields=["created_at", "id"], name="market_created"),
        ]
        permissions = [("manage_markets", "Pause, resume and override markets")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_over(self) -> bool:
        """Whether its result stands: it never trades again."""
        return self.status in (self.Status.RESOLVED, self.Status.CANCELLED)

    @property
    def may_trade(self) -> bool:
        """The selection filter's answer, or staff's where they overrode it."""
        return self.override == self.Override.TRADEABLE or (self.tradeable and not self.override)

    def payout_price(self, outcome: str) -> Decimal | None:
        """Dollars a share of ``outcome`` pays; None while unresolved or when the market was cancelled."""
        if self.resolution in (None, self.Resolution.CANCELLED):
            return None
        if self.resolution == self.Resolution.SPLIT:
            return Decimal("0.5")
        return Decimal(1) if self.resolution == outcome else Decimal(0)


class PricePoint(models.Model):
    """A market's yes mid at an instant. Partitioned by month: old months are dropped, not deleted from.

    Written when the mid has moved and at least every five minutes while it is read.
    """

    pk = models.CompositePrimaryKey("market_id", "at")
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    yes_mid = PriceField()

    class Meta:
        ordering = ["market_id", "at"]

    def __str__(self) -> str:
        return f"{self.market_id} {self.at}"


class SyncRun(models.Model):
    """One walk through the source's catalogue, page by page; a walk that broke off is taken up at its ``cursor``."""

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16)
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    cursor = models.TextField(blank=True)
    pages = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    resolved = models.PositiveIntegerField(default=0)
    skipped = models.JSONField(default=dict, help_text="How many rows were left out, by reason.")
    skips = models.JSONField(default=list, help_text="The first rows left out, with what is wrong with each.")
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    alive_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["kind"], name="sync_one_running", condition=Q(status="running"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at}"
