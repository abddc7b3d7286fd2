"""Files kept with an invoice."""

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.models import Invoice, InvoiceAttachment
from predictu.platform import audit, files


@transaction.atomic
def add(*, invoice: Invoice, file_id: str, reason: str, actor: Any, now: datetime) -> InvoiceAttachment:
    """Keep an uploaded invoice attachment with ``invoice``; the same file again changes nothing.

    Raises ValidationFailed for what is no such file. A sealed invoice stays as it is: this stands beside it.
    """
    stored = files.of_category(file_id, files.Category.INVOICE_ATTACHMENT)
    added, is_new = InvoiceAttachment.objects.get_or_create(
        invoice=invoice, file=stored, defaults={"reason": reason, "added_by": actor, "added_at": now}
    )
    if is_new:
        audit.record(
            actor=actor,
            action="invoice.attach",
            object_type="invoice",
            object_id=invoice.id,
            reason=reason,
            metadata={"file_id": stored.id},
            now=now,
        )
    return added
