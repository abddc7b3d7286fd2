"""What was earned: the facts, dated when they happened, and their sums by hour, day, month and player."""

from django.db import models
from django.db.models import Q

from accounts.models import Player
from operators.models import Operator
from predictu.fields import MoneyField
from trading.models.markets import Market
from trading.models.trades import Trade


class RevenueFact(models.Model):
    """What was earned, dated when it happened; append-only but for ``rolled``.

    A trade adds its spread, fee, volume and count; a cancel takes them back on its own date; a void takes back the
    parts its refunds give back, and gives them again when it was wrong; a settlement fee adds. Share percentages are
    those in force at the original trade.
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


class DailyRevenue(models.Model):
    """The same facts by UTC day, operator and share percentage: a window is days and a few hours at each end."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    share_pct = models.DecimalField(max_digits=5, decimal_places=2)
    spread_usd = MoneyField(default=0)
    fee_usd = MoneyField(default=0)
    settlement_fee_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "revenue by day"
        constraints = [models.UniqueConstraint(fields=["day", "operator", "share_pct"], name="daily_unique")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.day}"


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
    """The same facts by player and category, with what came in the player's first 30 days: lifetime values.

    The row without a category is the player's whole.
    """

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    player = models.ForeignKey(Player, models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(max_length=16, blank=True)
    gross_usd = MoneyField(default=0)
    first_30d_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)
    first_trade_at = models.DateTimeField(null=True)
    last_trade_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "revenue by user"
        constraints = [models.UniqueConstraint(fields=["player", "category"], name="player_revenue_unique")]
        indexes = [models.Index(fields=["last_trade_at"], name="player_last_trade", condition=Q(category=""))]

    def __str__(self) -> str:
        return f"{self.player_id} {self.category}"
