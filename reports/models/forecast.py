"""Forecasts as they were made, each held against what happened once its days have passed."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from predictu import money
from predictu.fields import MoneyField


class StoredForecast(models.Model):
    """One forecast of gross revenue over whole UTC days, ``ends_on`` included. Only its score is added later."""

    id = models.BigAutoField(primary_key=True)
    horizon_days = models.PositiveSmallIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    document = models.JSONField(help_text="The documented answer.")
    model = models.CharField(max_length=40)
    projected_usd = MoneyField()
    low_usd = MoneyField()
    high_usd = MoneyField()
    generated_at = models.DateTimeField()
    actual_usd = MoneyField(null=True)
    scored_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-starts_on", "horizon_days"]
        constraints = [
            models.UniqueConstraint(fields=["horizon_days", "starts_on"], name="forecast_once_a_day"),
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="forecast_days_in_order"),
            models.CheckConstraint(
                condition=Q(scored_at__isnull=True, actual_usd__isnull=True)
                | Q(scored_at__isnull=False, actual_usd__isnull=False),
                name="forecast_score_with_time",
            ),
        ]
        indexes = [models.Index(fields=["ends_on"], name="forecast_unscored", condition=Q(scored_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.horizon_days}d from {self.starts_on}"

    @property
    def held(self) -> bool | None:
        """Whether what happened lay within the interval; None until scored."""
        return None if self.actual_usd is None else self.low_usd <= self.actual_usd <= self.high_usd

    @property
    def error_pct(self) -> Decimal | None:
        """How far the projection was off, in percent of what happened; None until scored, or if nothing happened."""
        if not self.actual_usd:
            return None
        return money.percent(self.projected_usd - self.actual_usd, abs(self.actual_usd))
