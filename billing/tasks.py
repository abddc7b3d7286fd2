"""Billing's jobs."""

from typing import Any

from celery import shared_task
from django.conf import settings

from billing import months
from billing.errors import MonthOpen
from billing.services import invoices, mails
from predictu import clock, jobs

_MOST_RETRIES = 600


@shared_task(bind=True, max_retries=_MOST_RETRIES)
def bill_last_month(self: Any) -> None:
    """Bill the month before this one; tried again, each minute by default, while it is not closed."""
    now = clock.now()
    try:
        invoices.run_month(month=months.before(now), now=now)
    except MonthOpen as problem:
        raise self.retry(exc=problem, countdown=settings.PREDICTU_BILLING_RETRY_SECONDS) from problem


@shared_task
def mark_overdue() -> None:
    """Mark sent invoices that are past due."""
    invoices.mark_overdue(now=clock.now())


@shared_task
def send_mail(mail_id: int) -> None:
    """Send one mail that is owed."""
    mails.deliver(mail_id, now=clock.now())


@shared_task
def sweep_mails() -> None:
    """Ring for every mail whose time has come."""
    for mail_id in mails.due(now=clock.now()):
        jobs.enqueue("billing.tasks.send_mail", mail_id)
