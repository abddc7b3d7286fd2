"""Forecasts: made once a day, stored, answered from store, and held against what happened once their days are over."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, F, Min, Q
from django.db.models.functions import Abs

from operators.models import Operator
from predictu import clock, money
from predictu.errors import Unavailable
from predictu.platform.audit import plain
from reports import forecast
from reports.models import StoredForecast
from trading.models import HourlyRevenue, RevenueFact
from trading.queries import revenue

CHEAP_CELLS = 2_000
"""Days × operators a request may work through itself (seconds) where nothing is stored yet; more waits for the job."""

_COMING_SECONDS = 60


def refresh(*, now: datetime) -> int:
    """Make and store the forecasts that begin the day after ``now``, unless they are there; how many."""
    tomorrow = clock.day_start(now).date() + clock.DAY
    there = StoredForecast.objects.filter(starts_on=tomorrow).values_list("horizon_days", flat=True)
    if set(there) >= set(forecast.HORIZONS):
        return 0
    made = forecast.project(histories(now=now), now=now)
    rows = [_stored(one) for days, one in made.items() if days not in there]
    StoredForecast.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _stored(one: forecast.Forecast) -> StoredForecast:
    return StoredForecast(
        horizon_days=one.horizon_days,
        starts_on=one.series[0][0],
        ends_on=one.series[-1][0],
        document=plain(one.document()),
        model=one.accuracy.model,
        projected_usd=one.projected_usd,
        low_usd=one.low_usd,
        high_usd=one.high_usd,
        generated_at=one.generated_at,
    )


def histories(*, now: datetime) -> list[forecast.Operator]:
    """What the forecast is told: every operator that has earned or is live, with gross revenue by whole UTC day."""
    by_day: dict[str, dict[date, Decimal]] = defaultdict(dict)
    began = _first_fact()
    today = clock.day_start(now)
    if began is not None and began < today:
        for cell in revenue.cells(start=clock.day_start(began), end=today, unit="day"):
            days = by_day[cell.operator_id]
            day = cell.bucket.date()
            days[day] = days.get(day, money.ZERO) + cell.sums.gross_usd
    known = Operator.objects.filter(Q(pk__in=by_day) | Q(stage=Operator.Stage.LIVE)).order_by("slug")
    return [
        forecast.Operator(
            slug=operator.slug,
            name=operator.name,
            revenue=by_day.get(operator.id, {}),
            live_on=_day(operator.onboarded_at),
            suspended_on=_day(operator.suspended_at),
        )
        for operator in known
        if operator.onboarded_at is None or operator.onboarded_at <= now
    ]


def _first_fact() -> datetime | None:
    hours, facts = HourlyRevenue.objects.aggregate(at=Min("hour"))["at"], RevenueFact.objects.aggregate(at=Min("at"))
    return min((at for at in (hours, facts["at"]) if at is not None), default=None)


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(UTC).date() if moment is not None else None


def score(*, now: datetime) -> int:
    """Hold every stored forecast whose days have passed against what was earned; how many."""
    today = clock.day_start(now).date()
    passed = StoredForecast.objects.filter(scored_at=None, ends_on__lt=today).order_by("ends_on", "pk")
    return sum(_score(pk, now) for pk in list(passed.values_list("pk", flat=True)))


@transaction.atomic
def _score(pk: int, now: datetime) -> bool:
    row = StoredForecast.objects.select_for_update(no_key=True).get(pk=pk)
    if row.scored_at is not None:
        return False
    earned = revenue.gross(start=_start_of(row.starts_on), end=_start_of(row.ends_on + timedelta(days=1)))
    row.actual_usd = sum((sums.gross_usd for sums in earned.values()), money.ZERO)
    row.scored_at = now
    row.save(update_fields=["actual_usd", "scored_at"])
    return True


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def answer(*, horizon_days: int, now: datetime) -> dict[str, Any]:
    """The newest stored forecast of a horizon, with how its predecessors did.

    Where nothing is stored yet it is made now if that is quick. Raises Unavailable where it is not.
    """
    row = _newest(horizon_days)
    if row is None:
        known = histories(now=now)
        if sum(len(one.revenue) for one in known) > CHEAP_CELLS:
            raise Unavailable("The first forecast has not been made yet", retry_after=_COMING_SECONDS)
        refresh(now=now)
        row = _newest(horizon_days)
        assert row is not None, "a refresh leaves a forecast of every horizon"
    document = dict(row.document)
    document["accuracy"] = {**document["accuracy"], "past_forecasts": track_record(horizon_days)}
    return document


def _newest(horizon_days: int) -> StoredForecast | None:
    return StoredForecast.objects.filter(horizon_days=horizon_days).order_by("-starts_on").first()


def track_record(horizon_days: int) -> dict[str, Any]:
    """How the stored forecasts of a horizon whose days have passed did: nulls until there is one."""
    scored = StoredForecast.objects.filter(horizon_days=horizon_days, scored_at__isnull=False)
    held = Q(actual_usd__gte=F("low_usd"), actual_usd__lte=F("high_usd"))
    found = scored.aggregate(
        count=Count("pk"),
        held=Count("pk", filter=held),
        error=Avg(Abs(F("projected_usd") - F("actual_usd")) * 100 / Abs(F("actual_usd")), filter=~Q(actual_usd=0)),
    )
    count = found["count"]
    return {
        "scored": count,
        "interval_held_pct": money.percent(Decimal(found["held"]), Decimal(count)) if count else None,
        "mean_abs_error_pct": money.rounded(found["error"], 1) if found["error"] is not None else None,
    }
