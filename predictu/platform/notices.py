"""E-mails to Predictu's own staff, sent by a job after commit."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage

from predictu import jobs

TASK = "predictu.platform.tasks.mail_admins"


def tell_admins(*, subject: str, text: str) -> None:
    """Have every active admin told once the transaction has committed. No secret and no user's data belongs in it."""
    jobs.enqueue(TASK, subject, text)


def send(subject: str, text: str) -> None:
    """Send it now, to each admin apart: nobody learns who the others are."""
    admins = get_user_model().objects.filter(is_active=True, is_system=False, groups__isnull=False).distinct()
    for address in admins.values_list("email", flat=True):
        EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [address]).send()
