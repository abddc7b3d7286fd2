"""Who reports may be sent to: our own domains, our own admins, the contacts of the one operator a report is about."""

from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import AdminUser
from operators.models import Operator
from predictu.errors import ValidationFailed

MOST = 20


def check(addresses: Sequence[str], *, operator: Operator | None, field: str) -> list[str]:
    """``addresses`` without repeats. Raises ValidationFailed naming, by position, what may not be sent to."""
    if not addresses:
        raise ValidationFailed(details={field: ["name at least one address"]})
    if len(addresses) > MOST:
        raise ValidationFailed(details={field: [f"at most {MOST} addresses"]})
    allowed = {domain.lower() for domain in settings.PREDICTU_REPORT_DOMAINS}
    if operator is not None:
        contacts = filter(None, (operator.contact_email, operator.billing_email))
        allowed |= {address.rpartition("@")[2].lower() for address in contacts}
    problems: dict[str, list[str]] = {}
    for place, address in enumerate(addresses):
        where = field if field == "email" else f"{field}.{place}"
        try:
            validate_email(address)
        except ValidationError:
            problems[where] = ["must be an e-mail address"]
            continue
        if address.rpartition("@")[2].lower() not in allowed and not _is_admin(address):
            problems[where] = ["reports are not sent to this domain"]
    if problems:
        raise ValidationFailed(details=problems)
    return list(dict.fromkeys(addresses))


def _is_admin(address: str) -> bool:
    return AdminUser.objects.filter(email=address.lower(), is_active=True, is_system=False).exists()
