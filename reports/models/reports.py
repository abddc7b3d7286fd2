"""Reports, their schedules and exports: files that are asked for, made, handed out and removed again."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from operators.models import Operator
from predictu.fields import TypeIdField

REPORT_TYPES = ("trades", "revenue", "users", "risk_events", "settlements", "invoices")
REPORT_FORMATS = ("csv", "xlsx", "pdf")
EXPORT_TYPES = ("users", "trades", "positions", "ledger", "settlements", "risk_events")
EXPORT_FORMATS = ("csv", "jsonl", "parquet")
COMPRESSIONS = ("none", "gzip", "zstd")


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Status(models.TextChoices):
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class FileJob(models.Model):
    """A file that is made once: by whoever holds the lease, which lasts until ``lease_until`` unless renewed.

    ``path`` names the file in the default storage from the moment somebody begins to write it, so that what a killed
    worker left behind is found. ``include_pii`` says whether the file holds personal data.
    """

    status = models.CharField(max_length=10, choices=Status, default=Status.PROCESSING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    include_pii = models.BooleanField(default=False)
    progress_pct = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(help_text="When a worker was last told of it.")
    error = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True, editable=False)
    row_count = models.BigIntegerField(null=True)
    file_size_bytes = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    generated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_processing(self) -> bool:
        return self.status == Status.PROCESSING

    def has_expired(self, now: datetime) -> bool:
        """Whether its file is or should be gone."""
        return self.status == Status.EXPIRED or (self.expires_at is not None and now >= self.expires_at)


def _job_constraints(name: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            condition=~Q(status="ready")
            | Q(
                row_count__isnull=False,
                file_size_bytes__isnull=False,
                generated_at__isnull=False,
                expires_at__isnull=False,
            )
            & ~Q(path=""),
            name=f"{name}_ready_is_complete",
        ),
        models.CheckConstraint(condition=~Q(status="failed") | ~Q(error=""), name=f"{name}_failed_says_why"),
        models.CheckConstraint(condition=Q(progress_pct__lte=100), name=f"{name}_progress"),
    ]


class ReportSchedule(models.Model):
    """A report made again and again and sent by e-mail. ``next_run_at`` is null while it is disabled or deleted."""

    class Frequency(models.TextChoices):
        DAILY = "daily"
        WEEKLY = "weekly"
        MONTHLY = "monthly"

    id = TypeIdField("sched", primary_key=True)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=12, choices=_choices(REPORT_TYPES))
    format = models.CharField(max_length=4, choices=_choices(REPORT_FORMATS))
    frequency = models.CharField(max_length=8, choices=Frequency)
    day_of_week = models.PositiveSmallIntegerField(null=True, help_text="0 = Monday … 6 = Sunday.")
    day_of_month = models.PositiveSmallIntegerField(null=True, help_text="1–31; the last day of shorter months.")
    time_utc = models.TimeField()
    filters = models.JSONField(default=dict)
    columns = models.JSONField(null=True)
    recipients = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(frequency="weekly", day_of_week__lte=6, day_of_month__isnull=True)
                | Q(frequency="monthly", day_of_month__gte=1, day_of_month__lte=31, day_of_week__isnull=True)
                | Q(frequency="daily", day_of_week__isnull=True, day_of_month__isnull=True),
                name="schedule_day_of_frequency",
            ),
            models.CheckConstraint(
                condition=Q(enabled=True, deleted_at__isnull=True, next_run_at__isnull=False)
                | Q(enabled=False, next_run_at__isnull=True)
                | Q(deleted_at__isnull=False, next_run_at__isnull=True),
                name="schedule_runs_while_enabled",
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], name="schedule_due", condition=Q(next_run_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class Report(FileJob):
    """One report. A scheduled one is the run of its due time, of which there is exactly one.

    ``filters`` hold the period and everything else that was asked; ``delivery_due_at`` is set while an e-mail is owed.
    """

    class Delivery(models.TextChoices):
        DOWNLOAD = "download"
        EMAIL = "email"

    id = TypeIdField("rpt", primary_key=True)
    type = models.CharField(max_length=12, choices=_choices(REPORT_TYPES))
    format = models.CharField(max_length=4, choices=_choices(REPORT_FORMATS))
    filters = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    expected_rows = models.BigIntegerField(default=0)
    schedule = models.ForeignKey(ReportSchedule, models.PROTECT, null=True, related_name="runs", db_index=False)
    due_at = models.DateTimeField(null=True)
    delivery = models.CharField(max_length=8, choices=Delivery, default=Delivery.DOWNLOAD)
    recipients = models.JSONField(default=list)
    delivered_to = models.JSONField(default=list)
    delivery_attempts = models.PositiveSmallIntegerField(default=0)
    delivery_due_at = models.DateTimeField(null=True)
    delivery_error = models.CharField(max_length=120, blank=True)
    delivered_at = models.DateTimeField(null=True)
    link_expires_at = models.DateTimeField(null=True, help_text="Of the link e-mailed in place of a large file.")
    link_revoked_at = models.DateTimeField(null=True)

    class Meta(FileJob.Meta):
        constraints = [
            *_job_constraints("report"),
            models.UniqueConstraint(fields=["schedule", "due_at"], name="report_once_per_due_time"),
            models.CheckConstraint(
                condition=Q(schedule__isnull=True, due_at__isnull=True)
                | Q(schedule__isnull=False, due_at__isnull=False),
                name="report_schedule_with_due_time",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="report_created"),
            models.Index(fields=["lease_until"], name="report_processing", condition=Q(status="processing")),
            models.Index(fields=["expires_at"], name="report_expiring", condition=Q(status="ready")),
            models.Index(
                fields=["delivery_due_at"], name="report_delivery", condition=Q(delivery_due_at__isnull=False)
            ),
        ]
        permissions = [("create", "Create reports, schedules and exports")]


class Export(FileJob):
    """A raw dump of one kind of record over [start, end), as of one moment."""

    id = TypeIdField("exp", primary_key=True)
    type = models.CharField(max_length=12, choices=_choices(EXPORT_TYPES))
    format = models.CharField(max_length=8, choices=_choices(EXPORT_FORMATS))
    compression = models.CharField(max_length=4, choices=_choices(COMPRESSIONS))
    operator = models.ForeignKey(Operator, models.PROTECT, null=True, related_name="+", db_index=False)
    start = models.DateTimeField()
    end = models.DateTimeField()
    estimated_rows = models.BigIntegerField()
    estimated_size_bytes = models.BigIntegerField()
    manifest: Any = models.JSONField(default=dict)

    class Meta(FileJob.Meta):
        constraints = _job_constraints("export")
        indexes = [
            models.Index(fields=["created_at", "id"], name="export_created"),
            models.Index(fields=["lease_until"], name="export_processing", condition=Q(status="processing")),
            models.Index(fields=["expires_at"], name="export_expiring", condition=Q(status="ready")),
        ]
