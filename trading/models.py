"""Markets, trades, positions, the revenue facts they leave, and settlements."""

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Player
from operators.models import CATEGORIES, Operator
from predictu.fields import MoneyField, PriceField, ShareField, TypeIdField


class Side(models.TextChoices):
    BUY = "buy"
    SELL = "sell"


class Outcome(models.TextChoices):
    YES = "yes"
    NO = "no"


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


class Position(models.Model):
    """What a player holds of one outcome. Average cost, fees excluded."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        SETTLED = "settled"

    id = TypeIdField("pos", primary_key=True)
    player = models.ForeignKey(Player, models.PROTECT, related_name="positions", db_index=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    market = models.ForeignKey(Market, models.PROTECT, related_name="positions", db_index=False)
    outcome = models.CharField(max_length=3, choices=Outcome)
    is_test = models.BooleanField(default=False)
    quantity = ShareField(default=0)
    bought_quantity = ShareField(default=0)
    cost_basis_usd = MoneyField(default=0)
    avg_price = PriceField(default=0)
    realized_pnl_usd = MoneyField(default=0)
    payout_price = PriceField(null=True)
    payout_usd = MoneyField(null=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["player", "market", "outcome"], name="position_unique"),
            models.CheckConstraint(condition=Q(quantity__gte=0, cost_basis_usd__gte=0), name="position_not_negative"),
            models.CheckConstraint(
                condition=Q(quantity__lte=models.F("bought_quantity")), name="position_held_was_bought"
            ),
        ]
        indexes = [
            models.Index(fields=["market", "outcome"], name="position_market"),
            models.Index(fields=["player", "opened_at", "id"], name="position_player"),
        ]

    def __str__(self) -> str:
        return self.id


class Trade(models.Model):
    """One execution. Immutable but for ``status``, ``pnl_usd`` and ``cancelled_at``; the database holds that.

    ``created_at`` is the instant inside the id, so the primary key serves the order by time.
    """

    class Status(models.TextChoices):
        FILLED = "filled"
        SETTLED = "settled"
        CANCELLED = "cancelled"

    class Device(models.TextChoices):
        MOBILE = "mobile"
        DESKTOP = "desktop"
        TABLET = "tablet"

    id = TypeIdField("trd", primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="trades", db_index=False)
    player = models.ForeignKey(Player, models.PROTECT, related_name="trades", db_index=False)
    market = models.ForeignKey(Market, models.PROTECT, related_name="trades", db_index=False)
    category = models.CharField(max_length=16)
    outcome = models.CharField(max_length=3, choices=Outcome)
    side = models.CharField(max_length=4, choices=Side)
    mid = PriceField()
    price = PriceField()
    quantity = ShareField()
    cost_usd = MoneyField()
    fee_usd = MoneyField()
    spread_usd = MoneyField()
    spread_bps = models.DecimalField(max_digits=10, decimal_places=4)
    share_pct = models.DecimalField(max_digits=5, decimal_places=2, help_text="Predictu's share in force.")
    pnl_usd = MoneyField(null=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.FILLED)
    device = models.CharField(max_length=8, choices=Device, blank=True)
    transaction_id = models.CharField(max_length=128, null=True)
    idempotency_key = models.CharField(max_length=128)
    is_test = models.BooleanField(default=False)
    exposure_before = models.JSONField(default=dict, help_text="Exposure of each scope just before, in dollars.")
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, fee_usd__gte=0, spread_usd__gte=0), name="trade_amounts"
            ),
            models.CheckConstraint(condition=Q(price__gt=0, price__lt=1, mid__gt=0, mid__lt=1), name="trade_prices"),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled_at__isnull=False)
                | (~Q(status="cancelled") & Q(cancelled_at__isnull=True)),
                name="trade_cancelled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["operator", "created_at", "id"], name="trade_operator"),
            models.Index(fields=["player", "created_at", "id"], name="trade_player"),
            models.Index(fields=["market", "created_at", "id"], name="trade_market"),
        ]
        permissions = [("cancel_trade", "Cancel trades")]

    def __str__(self) -> str:
        return self.id


class RevenueFact(models.Model):
    """What was earned, dated when it happened; append-only but for ``rolled``.

    A trade adds its spread, fee, volume and count; a cancel takes them back on its own date; a void takes back the
    parts its refunds give back; a settlement fee adds. Share percentages are those in force at the original trade.
    """

    class Kind(models.TextChoices):
        TRADE = "trade"
        CANCEL = "cancel"
        VOID = "void"
        SETTLEMENT_FEE = "settlement_fee"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    player = models.ForeignKey(Player, models.PROTECT, related_name="+", db_index=False)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    trade = models.ForeignKey(Trade, models.PROTECT, null=True, related_name="+", db_index=False)
    category = models.CharField(max_length=16)
    share_pct = models.DecimalField(max_digits=5, decimal_places=2)
    spread_usd = MoneyField(default=0)
    fee_usd = MoneyField(default=0)
    settlement_fee_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.SmallIntegerField(default=0)
    rolled = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="fact_unrolled", condition=Q(rolled=False)),
            models.Index(fields=["operator", "at"], name="fact_operator_at"),
            models.Index(fields=["at"], name="fact_at"),
            models.Index(fields=["trade"], name="fact_trade", condition=Q(trade__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"


class HourlyRevenue(models.Model):
    """Rolled-up facts of one hour, operator, category and share percentage."""

    id = models.BigAutoField(primary_key=True)
    hour = models.DateTimeField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(max_length=16)
    share_pct = models.DecimalField(max_digits=5, decimal_places=2)
    spread_usd = MoneyField(default=0)
    fee_usd = MoneyField(default=0)
    settlement_fee_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "revenue by hour"
        constraints = [
            models.UniqueConstraint(fields=["operator", "hour", "category", "share_pct"], name="hourly_unique")
        ]
        indexes = [models.Index(fields=["hour"], name="hourly_hour")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.hour}"


class MonthlyRevenue(models.Model):
    """The same facts by calendar month, operator and share percentage: totals cost no more as years go by."""

    id = models.BigAutoField(primary_key=True)
    month = models.DateTimeField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    share_pct = models.DecimalField(max_digits=5, decimal_places=2)
    spread_usd = MoneyField(default=0)
    fee_usd = MoneyField(default=0)
    settlement_fee_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "revenue by month"
        constraints = [models.UniqueConstraint(fields=["operator", "month", "share_pct"], name="monthly_unique")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.month}"


class PlayerRevenue(models.Model):
    """The same facts by player and category, with what came in the player's first 30 days: lifetime values."""

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    player = models.ForeignKey(Player, models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(max_length=16)
    gross_usd = MoneyField(default=0)
    first_30d_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)
    first_trade_at = models.DateTimeField(null=True)
    last_trade_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "revenue by user"
        constraints = [models.UniqueConstraint(fields=["player", "category"], name="player_revenue_unique")]

    def __str__(self) -> str:
        return f"{self.player_id} {self.category}"


class ActiveDay(models.Model):
    """That a player traded on a UTC day: distinct users cannot be added up from sums."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    player = models.ForeignKey(Player, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "operator", "player"], name="active_day_unique")]

    def __str__(self) -> str:
        return f"{self.day} {self.player_id}"


class Settlement(models.Model):
    """The settling of one resolved market: one row per market, corrected at most once."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"

    id = TypeIdField("stl", primary_key=True)
    market = models.OneToOneField(Market, models.PROTECT, related_name="settlement")
    resolution = models.CharField(max_length=10, choices=Market.Resolution)
    resolution_source = models.CharField(max_length=16)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    version = models.PositiveSmallIntegerField(default=1)
    versions = models.JSONField(default=list)
    positions_total = models.PositiveIntegerField(default=0)
    positions_settled = models.PositiveIntegerField(default=0)
    winners = models.PositiveIntegerField(default=0)
    losers = models.PositiveIntegerField(default=0)
    total_payout_usd = MoneyField(default=0)
    total_loss_usd = MoneyField(default=0)
    net_pnl_usd = MoneyField(default=0)
    house_pnl_usd = MoneyField(default=0)
    refund_usd = MoneyField(default=0)
    completeness = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    processing_time_ms = models.PositiveIntegerField(null=True)
    tried_at = models.DateTimeField(null=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)
    resolved_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-resolved_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(version__in=(1, 2)), name="settlement_corrected_once"),
            models.CheckConstraint(
                condition=Q(status="completed", settled_at__isnull=False) | ~Q(status="completed"),
                name="settlement_completed_has_time",
            ),
        ]
        indexes = [models.Index(fields=["status", "resolved_at"], name="settlement_status")]
        permissions = [("settle_market", "Resolve, settle and correct markets")]

    def __str__(self) -> str:
        return self.id


class SettlementPart(models.Model):
    """What of a settlement is one operator's; test users are left out."""

    id = models.BigAutoField(primary_key=True)
    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="parts")
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    positions = models.PositiveIntegerField()
    winners = models.PositiveIntegerField()
    losers = models.PositiveIntegerField()
    users = models.PositiveIntegerField()
    payout_usd = MoneyField()
    loss_usd = MoneyField()
    basis_usd = MoneyField()
    refund_usd = MoneyField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "settlement"], name="settlement_part_unique")]

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.operator_id}"
