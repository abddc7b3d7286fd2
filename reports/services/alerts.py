"""Alerts as they begin and end: staff are told of each once, in the activity feed and by e-mail.

Whether something is wrong is judged anew whenever it is asked; the rows only say what was told.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from predictu import clock, jobs
from predictu.platform import activity, heartbeats, notices
from predictu.platform.models import Heartbeat
from reports import alerts as rules
from reports.alerts import Alert
from reports.models import StandingAlert
from reports.queries import vitals

TASK = "reports.tasks.watch_platform"
HEARTBEAT = "alerts"
# Nobody watched for longer than this: the platform was down or is new, and starts up.
_WAKING = timedelta(minutes=2)
_TURN = "SELECT pg_advisory_xact_lock(hashtext('predictu:alerts'))"


def standing(*, now: datetime) -> list[Alert]:
    """Everything that is wrong at this moment, the worst first. Nothing is written."""
    return rules.judge(vitals.gather(now=now))


@transaction.atomic
def watch(*, now: datetime) -> tuple[list[str], list[str]]:
    """Raise what has begun and clear what has ended; their names. Two at once take turns, and each is told once.

    Whoever is the first to look after a while raises nothing yet: what did not run is only about to.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TURN)
    found = {alert.key: alert for alert in standing(now=now)}
    told = {(row.name, row.subject): row for row in _open().order_by("id")}
    begun = [alert for key, alert in found.items() if key not in told] if _was_awake(now) else []
    over = [row for key, row in told.items() if key not in found]
    for alert in begun:
        _raise(alert, now)
    for row in over:
        _clear(row, now)
    return [alert.name for alert in begun], [row.name for row in over]


def _was_awake(now: datetime) -> bool:
    """Whether somebody had watched until now; from now on somebody has."""
    last = Heartbeat.objects.filter(name=HEARTBEAT).values_list("seen_at", flat=True).first()
    heartbeats.seen(HEARTBEAT, now=now)
    return last is not None and now - last <= _WAKING


def ring_for_news(found: Iterable[Alert]) -> None:
    """Have a worker tell of what nobody was told of: whoever looks at a platform whose beat is silent does this."""
    told = set(_open().values_list("name", "subject"))
    if any(alert.key not in told for alert in found):
        jobs.enqueue(TASK)


def _open() -> QuerySet[StandingAlert]:
    return StandingAlert.objects.filter(cleared_at=None)


def _raise(alert: Alert, now: datetime) -> None:
    StandingAlert.objects.create(
        name=alert.name, subject=alert.subject, severity=alert.severity, sentence=alert.sentence, raised_at=now
    )
    text = f"{alert.sentence}\n\nWhat to do: {alert.what_to_do}"
    _tell(alert.severity, alert.title, text, feed=alert.sentence, name=alert.name, now=now)


def _clear(row: StandingAlert, now: datetime) -> None:
    row.cleared_at = now
    row.save(update_fields=["cleared_at"])
    title = next((rule.title for rule in rules.RULES if rule.name == row.name), row.name)
    since = f"It began at {clock.seconds(row.raised_at)}: {row.sentence}"
    _tell("info", f"Over: {title}", since, feed=since, name=row.name, now=now)


def _tell(severity: str, title: str, text: str, *, feed: str, name: str, now: datetime) -> None:
    activity.record(
        type="risk_event", severity=severity, title=title, description=feed, metadata={"alert": name}, now=now
    )
    if settings.PREDICTU_ALERT_EMAILS:
        notices.tell(
            recipients=list(settings.PREDICTU_ALERT_EMAILS), subject=f"Predictu: {title}", text=f"{text}\n", now=now
        )
