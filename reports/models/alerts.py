"""What the platform's staff were told is wrong, from when to when."""

from django.db import models
from django.db.models import Q


class StandingAlert(models.Model):
    """One alert of one subject, raised once and cleared once. What is not cleared stands."""

    class Severity(models.TextChoices):
        WARNING = "warning"
        CRITICAL = "critical"

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=40)
    subject = models.CharField(max_length=80, blank=True, help_text="An operator's slug; empty for the platform.")
    severity = models.CharField(max_length=8, choices=Severity)
    sentence = models.TextField(help_text="What was wrong when it was raised.")
    raised_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "subject"], condition=Q(cleared_at__isnull=True), name="alert_stands_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject}".strip()
