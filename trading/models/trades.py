"""Trades and the positions they make."""

from django.db import models
from django.db.models import Q

from accounts.models import Player
from operators.models import Operator
from predictu.fields import MoneyField, PriceField, ShareField, TypeIdField
from trading.models.markets import Market


class Side(models.TextChoices):
    BUY = "buy"
    SELL = "sell"


class Outcome(models.TextChoices):
    YES = "yes"
    NO = "no"


class Position(models.Model):
    """What a player holds of one outcome. Average cost, fees excluded."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        SETTLED = "settled"

    id = TypeIdField("pos", primary_key=True)
    player = models.ForeignKey(Player, models.PROTECT, related_name="positions", db_index=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
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
            models.Index(
                fields=["operator", "market"], name="position_open", condition=Q(status="open", is_test=False)
            ),
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
