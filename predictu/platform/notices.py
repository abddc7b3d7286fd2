"""What staff are told by e-mail: written in the change's own transaction, sent after it, never lost."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db.models import Q, QuerySet

from predictu import clock, jobs
from predictu.platform.models import AdminNotice

TASK = "predictu.platform.tasks.send_notice"
# Longer than the mail server may take, so that nobody sends what another is sending.
_CLAIM = timedelta(minutes=2)


def tell_admins(*, subject: str, text: str, now: datetime) -> AdminNotice:
    """Have every active admin told once the transaction has committed. No secret and no user's data belongs in it."""
    return tell(recipients=[], subject=subject, text=text, now=now)


def tell(*, recipients: list[str], subject: str, text: str, now: datetime) -> AdminNotice:
    """The same for these addresses; none means every active admin."""
    notice = AdminNotice.objects.create(
        recipients=recipients, subject=" ".join(subject.split())[:200], body=text, created_at=now
    )
    jobs.enqueue(TASK, notice.pk)
    return notice


def send(number: int, *, now: datetime) -> None:
    """Send a notice to each recipient apart, unless it was sent or is being sent; what failed is left for the sweep."""
    if not _due(now).filter(pk=number).update(claimed_until=now + _CLAIM):
        return
    notice = AdminNotice.objects.get(pk=number)
    for address in notice.recipients or _admins():
        EmailMessage(notice.subject, notice.body, settings.DEFAULT_FROM_EMAIL, [address]).send()
    notice.sent_at = clock.now()
    notice.save(update_fields=["sent_at"])


def _admins() -> list[str]:
    admins = get_user_model()._default_manager.filter(is_active=True, is_system=False, groups__isnull=False)
    return list(admins.distinct().order_by("email").values_list("email", flat=True))


def waiting(*, now: datetime) -> list[int]:
    """Notices that should be sent now, oldest first."""
    return list(_due(now).order_by("pk").values_list("pk", flat=True)[:100])


def _due(now: datetime) -> QuerySet[AdminNotice]:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return AdminNotice.objects.filter(free, sent_at=None)
