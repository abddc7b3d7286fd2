"""How much and how users trade, counted from the facts as they are rolled up: totals of lists, cohorts, behaviour.

Trades are counted on the day they were made; a cancel takes a trade out of that day's uncancelled ones. Test users
are in none of them.
"""

from django.db import models

from accounts.models import Player
from operators.models import Operator
from predictu.fields import MoneyField
from trading.models.markets import Market


class Sessions(models.Model):
    """Sums over trades whose neighbours are the same user's uncancelled trades before and after, on whatever day."""

    trades = models.BigIntegerField(default=0, help_text="Uncancelled ones.")
    starts = models.BigIntegerField(default=0, help_text="Trades that begin a session.")
    singles = models.BigIntegerField(default=0, help_text="Trades that are a session by themselves.")
    gaps_us = models.BigIntegerField(default=0, help_text="Microseconds between a session's trades and those before.")

    class Meta:
        abstract = True


class TradeDay(Sessions):
    """What an operator's users did on a UTC day; ``trade_rows`` counts cancelled trades too, ``traders`` users."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    trade_rows = models.BigIntegerField(default=0)
    traders = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "day"], name="trade_day_unique")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.day}"


class ActiveDay(Sessions):
    """That a player traded on a UTC day, and how: distinct users cannot be added up from sums."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    player = models.ForeignKey(Player, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "operator", "player"], name="active_day_unique")]
        indexes = [models.Index(fields=["player", "day"], name="active_day_player")]

    def __str__(self) -> str:
        return f"{self.day} {self.player_id}"


class TradePattern(models.Model):
    """Uncancelled trades of an operator and UTC day by hour, category, device or size of the bet."""

    class Kind(models.TextChoices):
        HOUR = "hour"
        CATEGORY = "category"
        DEVICE = "device"
        SIZE = "size"

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField(max_length=16, blank=True)
    trades = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "operator", "kind", "key"], name="trade_pattern_unique")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.key}"


class TradeTally(models.Model):
    """Trades of an operator in a market on a UTC day by side and outcome, and how many of each were cancelled since."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    market = models.ForeignKey(Market, models.PROTECT, related_name="+", db_index=False)
    buy_yes = models.BigIntegerField(default=0)
    buy_no = models.BigIntegerField(default=0)
    sell_yes = models.BigIntegerField(default=0)
    sell_no = models.BigIntegerField(default=0)
    cancelled_buy_yes = models.BigIntegerField(default=0)
    cancelled_buy_no = models.BigIntegerField(default=0)
    cancelled_sell_yes = models.BigIntegerField(default=0)
    cancelled_sell_no = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "trade tallies"
        constraints = [models.UniqueConstraint(fields=["day", "operator", "market"], name="trade_tally_unique")]
        indexes = [
            models.Index(fields=["operator", "day"], name="trade_tally_operator"),
            models.Index(fields=["market", "day"], name="trade_tally_market"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.market_id}"


class LifetimeSum(models.Model):
    """PlayerRevenue added up over an operator's users: by category, or whole users by the channel they came through."""

    class Segment(models.TextChoices):
        CATEGORY = "category"
        CHANNEL = "channel"

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    segment = models.CharField(max_length=8, choices=Segment)
    label = models.CharField(max_length=64, blank=True)
    users = models.BigIntegerField(default=0, help_text="With any revenue fact.")
    traders = models.BigIntegerField(default=0, help_text="With a trade.")
    gross_usd = MoneyField(default=0)
    first_30d_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)
    lifespans_s = models.DecimalField(
        max_digits=24, decimal_places=6, default=0, help_text="Seconds from each trader's first trade to the last."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "segment", "label"], name="lifetime_unique")]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.label}"


class CohortDay(models.Model):
    """What the users of an operator who signed up on a UTC day have traded and brought since."""

    id = models.BigAutoField(primary_key=True)
    signup_day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    gross_usd = MoneyField(default=0)
    volume_usd = MoneyField(default=0)
    trade_count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signup_day", "operator"], name="cohort_day_unique")]

    def __str__(self) -> str:
        return f"{self.signup_day}"


class CohortActivity(models.Model):
    """How many users of an operator who signed up on a UTC day traded in an ISO week or calendar month."""

    class Unit(models.TextChoices):
        WEEK = "week"
        MONTH = "month"

    id = models.BigAutoField(primary_key=True)
    signup_day = models.DateField()
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=5, choices=Unit)
    period = models.DateField(help_text="Its first day.")
    users = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "cohort activity"
        constraints = [
            models.UniqueConstraint(fields=["unit", "signup_day", "operator", "period"], name="cohort_activity_unique")
        ]
        indexes = [models.Index(fields=["unit", "period"], name="cohort_activity_period")]

    def __str__(self) -> str:
        return f"{self.signup_day} {self.period}"
