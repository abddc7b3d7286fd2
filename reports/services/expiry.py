"""Files whose time is over are removed."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from reports.models import Export, FileJob, Report, Status
from reports.services import files


def sweep(*, now: datetime) -> int:
    """Remove the files of what has expired, and what cancelled or failed jobs left; answers how many."""
    owed = Q(delivery_due_at__isnull=False)
    return _expire(Report, now, Report.objects.exclude(owed)) + _expire(Export, now, Export.objects.all())


def _expire(model: type[FileJob], now: datetime, found: QuerySet[Any]) -> int:
    over = Q(status=Status.READY, expires_at__lte=now)
    left = Q(status__in=(Status.CANCELLED, Status.FAILED)) & ~Q(path="")
    count = 0
    for job in found.filter(over | left).order_by("pk")[:500]:
        files.remove(job.path)
        status = Status.EXPIRED if job.status == Status.READY else job.status
        count += model._default_manager.filter(pk=job.pk, path=job.path).update(path="", status=status)
    return count
