"""The settling of resolved markets."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from operators.models import Operator
from predictu.fields import MoneyField, TypeIdField
from trading.models.markets import Market


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
    corrected_at = models.DateTimeField(null=True)

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
