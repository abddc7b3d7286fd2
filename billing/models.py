"""Invoices and what happens to them. A sent invoice is sealed: only ``status`` and ``paid_at`` may still change."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from operators.models import Operator
from predictu.fields import MoneyField, TypeIdField


class NumberSeries(models.Model):
    """The last number taken in one series and year; the row is held while a number is taken, so none is missing."""

    INVOICES, CREDIT_NOTES = "INV", "CN"

    id = models.BigAutoField(primary_key=True)
    series = models.CharField(max_length=8)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="number_series_unique")]

    def __str__(self) -> str:
        return f"{self.series}-{self.year}"


class Invoice(models.Model):
    """Predictu's share of what an operator earned in one UTC month.

    ``amount_usd`` is the month's share (``share_usd``) plus what earlier months carried over, without tax; by source it
    is ``spread_share_usd`` + ``fee_share_usd``. ``gross_usd``, volume and counts are the month's own.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        SENT = "sent"
        PAID = "paid"
        OVERDUE = "overdue"

    id = TypeIdField("inv", primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="invoices", db_index=False)
    month = models.DateField(help_text="Its first day.")
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    number = models.CharField(max_length=20, null=True, unique=True)
    amount_usd = MoneyField()
    spread_share_usd = MoneyField()
    fee_share_usd = MoneyField()
    gross_usd = MoneyField()
    share_usd = MoneyField()
    revenue_share_pct = models.DecimalField(max_digits=5, decimal_places=2)
    trade_volume_usd = MoneyField()
    trade_count = models.BigIntegerField()
    unique_traders = models.PositiveIntegerField()
    tax_rate_pct = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tax_usd = MoneyField(default=0)
    total_usd = MoneyField()
    seller = models.JSONField(default=dict)
    buyer = models.JSONField(default=dict)
    payment_details = models.JSONField(default=list)
    terms_days = models.PositiveIntegerField(null=True)
    brand_colour = models.CharField(max_length=16, blank=True)
    logo = models.ForeignKey("platform.StoredFile", models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-month", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "month"], name="invoice_operator_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="invoice_month_is_first_day"),
            models.CheckConstraint(condition=Q(amount_usd__gt=0, tax_usd__gte=0), name="invoice_amount_positive"),
            models.CheckConstraint(
                condition=Q(amount_usd=F("spread_share_usd") + F("fee_share_usd")), name="invoice_sources_add_up"
            ),
            models.CheckConstraint(
                condition=Q(total_usd=F("amount_usd") + F("tax_usd")), name="invoice_total_is_amount_and_tax"
            ),
            models.CheckConstraint(
                condition=Q(
                    status="draft",
                    number__isnull=True,
                    issued_at__isnull=True,
                    due_at__isnull=True,
                    sent_at__isnull=True,
                    content_hash="",
                )
                | (
                    ~Q(status="draft")
                    & ~Q(content_hash="")
                    & Q(
                        number__isnull=False,
                        issued_at__isnull=False,
                        due_at__isnull=False,
                        sent_at__isnull=False,
                        terms_days__isnull=False,
                    )
                ),
                name="invoice_sent_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(status="paid", paid_at__isnull=False) | (~Q(status="paid") & Q(paid_at__isnull=True)),
                name="invoice_paid_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["month", "id"], name="invoice_month"),
            models.Index(fields=["status", "due_at"], name="invoice_status"),
        ]
        permissions = [("manage", "Send invoices, record payments and issue credit notes")]

    def __str__(self) -> str:
        return self.number or self.id

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT


class InvoiceLine(models.Model):
    """One source and share percentage of the month, or one earlier month at or below zero carried over."""

    class Kind(models.TextChoices):
        SPREAD = "spread"
        FEES = "fees"
        CARRIED = "carried"

    id = models.BigAutoField(primary_key=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines", db_index=False)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    month = models.DateField(help_text="The month it comes from.")
    share_pct = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    gross_usd = MoneyField(null=True)
    amount_usd = MoneyField()
    trade_count = models.BigIntegerField()

    class Meta:
        ordering = ["invoice", "number"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "number"], name="invoice_line_number"),
            models.CheckConstraint(
                condition=Q(kind="carried", share_pct__isnull=True, gross_usd__isnull=True)
                | (~Q(kind="carried") & Q(share_pct__isnull=False, gross_usd__isnull=False)),
                name="invoice_line_has_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.number}"


class CarriedMonth(models.Model):
    """A month that, with what was carried into it, came to nothing or less: carried on until an invoice takes it."""

    id = models.BigAutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    month = models.DateField()
    spread_share_usd = MoneyField()
    fee_share_usd = MoneyField()
    amount_usd = MoneyField()
    trade_count = models.BigIntegerField()
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="carried_months")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["month", "id"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "month"], name="carried_operator_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="carried_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(amount_usd=F("spread_share_usd") + F("fee_share_usd")), name="carried_sources_add_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator_id} {self.month}"


class CreditNote(models.Model):
    """What takes a billing mistake off a sent invoice, amounts positive. Append-only."""

    id = TypeIdField("cn", primary_key=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=20, unique=True)
    amount_usd = MoneyField()
    tax_usd = MoneyField(default=0)
    total_usd = MoneyField()
    reason = models.TextField()
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["issued_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_usd__gt=0, tax_usd__gte=0, total_usd=F("amount_usd") + F("tax_usd")),
                name="credit_note_amounts",
            )
        ]

    def __str__(self) -> str:
        return self.number


class Payment(models.Model):
    """Money received for an invoice. Append-only: a wrong one is taken back by one that ``reverses`` it."""

    class Method(models.TextChoices):
        WIRE = "wire"
        SEPA = "sepa"
        ACH = "ach"
        CARD = "card"
        CRYPTO = "crypto"
        OFFSET = "offset"
        OTHER = "other"

    id = TypeIdField("pay", primary_key=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="payments")
    amount_usd = MoneyField()
    method = models.CharField(max_length=8, choices=Method)
    reference = models.CharField(max_length=128)
    paid_at = models.DateTimeField()
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversal")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["paid_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reverses__isnull=True, amount_usd__gt=0) | Q(reverses__isnull=False, amount_usd__lt=0),
                name="payment_sign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.reference}"


class InvoiceMail(models.Model):
    """One e-mail that is owed, and how the sending goes. The row is the truth; the job queue only rings for it."""

    class Kind(models.TextChoices):
        INVOICE = "invoice"
        REMINDER = "reminder"
        CREDIT_NOTE = "credit_note"

    id = models.BigAutoField(primary_key=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="mails")
    credit_note = models.ForeignKey(CreditNote, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    recipient = models.EmailField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "invoice e-mail"
        verbose_name_plural = "invoice e-mails"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["invoice"], condition=Q(kind="invoice"), name="invoice_mailed_once"),
            models.UniqueConstraint(fields=["credit_note"], name="credit_note_mailed_once"),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="mail_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.invoice_id}"


class MonthNote(models.Model):
    """Why something that keeps a month from closing is in order after all. Append-only."""

    id = models.BigAutoField(primary_key=True)
    month = models.DateField()
    check_name = models.CharField(max_length=24)
    reason = models.TextField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["month", "check_name"], name="month_note")]

    def __str__(self) -> str:
        return f"{self.month} {self.check_name}"


class MonthClose(models.Model):
    """A month that finance has filed: every check was in order, and this is what had been earned. Append-only."""

    month = models.DateField(primary_key=True, help_text="Its first day.")
    gross_usd = MoneyField()
    share_usd = MoneyField(help_text="Predictu's share.")
    checks = models.JSONField(default=list, help_text="What was looked at, with explanations.")
    reason = models.TextField()
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField()

    class Meta:
        ordering = ["-month"]
        constraints = [models.CheckConstraint(condition=Q(month__day=1), name="closed_month_is_first_day")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class InvoiceAttachment(models.Model):
    """An uploaded file kept with an invoice, such as a signed purchase order; no part of what is sealed."""

    id = models.BigAutoField(primary_key=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="attachments")
    file = models.ForeignKey("platform.StoredFile", models.PROTECT, related_name="+")
    reason = models.TextField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["invoice", "file"], name="invoice_attachment_once")]

    def __str__(self) -> str:
        return self.file_id
