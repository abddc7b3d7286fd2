"""Platform tables. Ids of things that stand above are quoted as text, never as foreign keys."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from predictu.fields import TypeIdField


class AuditEntry(models.Model):
    """Who changed what, from where and why. Append-only: the database refuses UPDATE, DELETE and TRUNCATE."""

    id = TypeIdField("aud", primary_key=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64, blank=True)
    changes = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["created_at", "id"], name="audit_created"),
            models.Index(fields=["object_id", "created_at"], name="audit_object"),
            models.Index(fields=["actor", "created_at"], name="audit_actor"),
            models.Index(fields=["action", "created_at"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_id}"


class ActivityEvent(models.Model):
    """A line of the activity feed. ``number`` is given by the relay after commit; only then is the row readable.

    Texts hold ids in braces, as in ``{usr_…} bought …``; names are put in when the feed is read.
    """

    class Type(models.TextChoices):
        TRADE = "trade"
        SETTLEMENT = "settlement"
        USER_SIGNUP = "user_signup"
        RISK_EVENT = "risk_event"
        OPERATOR_EVENT = "operator_event"
        CONFIG_CHANGE = "config_change"

    class Severity(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        CRITICAL = "critical"

    ordinal = models.BigAutoField(primary_key=True)
    id = TypeIdField("act", unique=True)
    number = models.BigIntegerField(null=True, unique=True, editable=False)
    type = models.CharField(max_length=16, choices=Type)
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.INFO)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    operator_id = models.CharField(max_length=40, blank=True)
    user_id = models.CharField(max_length=40, blank=True)
    market_id = models.CharField(max_length=40, blank=True)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["ordinal"], name="activity_unnumbered", condition=Q(number__isnull=True)),
            models.Index(fields=["type", "number"], name="activity_type"),
            models.Index(fields=["operator_id", "number"], name="activity_operator"),
        ]

    def __str__(self) -> str:
        return self.title


class RelayStream(models.Model):
    """One numbered stream (``activity``, or an operator's id) and the last number given out."""

    name = models.CharField(max_length=40, primary_key=True)
    last_number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class ConfigRevision(models.Model):
    """One revision of the live configuration: the values that differ from the declared defaults. Append-only."""

    number = models.BigAutoField(primary_key=True)
    values = models.JSONField(default=dict)
    previous_values = models.JSONField(default=dict)
    new_values = models.JSONField(default=dict)
    reason = models.TextField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    audit = models.ForeignKey(AuditEntry, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"revision {self.number}"


class StoredFile(models.Model):
    """An uploaded file as it is served: verified, re-encoded where it is an image."""

    class Category(models.TextChoices):
        OPERATOR_LOGO = "operator_logo"
        OPERATOR_FAVICON = "operator_favicon"
        MARKET_IMAGE = "market_image"
        INVOICE_ATTACHMENT = "invoice_attachment"

    id = TypeIdField("file", primary_key=True)
    category = models.CharField(max_length=24, choices=Category)
    operator_slug = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=200, unique=True)
    content_type = models.CharField(max_length=40)
    size_bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ["-uploaded_at", "-id"]

    def __str__(self) -> str:
        return self.id


class Approval(models.Model):
    """A call that waits for a second admin: what it would do, who asked, who decided."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"

    id = TypeIdField("apr", primary_key=True)
    action = models.CharField(max_length=64)
    permission = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    reason = models.TextField()
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decision_reason = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=models.F("asked_by")),
                name="approval_by_another_admin",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_id}"


class AdminNotice(models.Model):
    """An e-mail to every admin, or to ``recipients``: the row is the truth, the job that sends it a bell."""

    id = models.BigAutoField(primary_key=True)
    # Also a default of the database's own: during a rolling upgrade the old code writes rows without it.
    recipients = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="Addresses; empty for every admin.",
    )
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], name="notice_unsent", condition=Q(sent_at__isnull=True))]

    def __str__(self) -> str:
        return self.subject


class Heartbeat(models.Model):
    """When a periodic process was last seen alive (``beat``, ``relay``, ``sync``, …)."""

    name = models.CharField(max_length=40, primary_key=True)
    seen_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
