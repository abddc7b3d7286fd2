"""What the platform itself does as time goes by, done after the load through its own services: scores, a correction,
invoices, forecasts.
"""

from datetime import datetime, timedelta

from accounts.models import system_admin
from billing import months
from billing.services import drafts, invoices
from operators.models import Operator
from operators.services import keys
from predictu import clock
from predictu.errors import PredictuError
from reports.services import forecasts
from reports.simulated.scenery import moment
from reports.simulation.markets import finish_ms, start_ms
from reports.simulation.world import World
from trading.models import Settlement
from trading.services import corrections, evaluations

_OTHER = {"yes": "no", "no": "yes"}
_MOST_CORRECTED = 2_000
"""Positions of the market whose result is corrected: enough for debts to show."""


def follow(*, world: World, scored_weeks: int) -> None:
    """Everything up to the end of the simulated time, in its order."""
    begin, finish = moment(start_ms(world.parameters)), moment(finish_ms(world.parameters))
    _give_keys(begin)
    _bill(begin, finish)
    for week in reversed(range(scored_weeks)):
        evaluations.evaluate(None, now=finish - timedelta(days=7 * week))
    _correct(finish)
    forecasts.refresh(now=finish)


def _give_keys(begin: datetime) -> None:
    """A key pair for every operator that has none; nobody is told the secrets."""
    for operator in Operator.objects.filter(stage=Operator.Stage.LIVE, keys=None).order_by("id"):
        keys.generate(operator=operator, now=begin)


def _bill(begin: datetime, finish: datetime) -> None:
    """Invoices of the months that are over."""
    end = clock.next_month(begin)
    while end + drafts.GRACE <= finish:
        invoices.run_month(month=months.before(end + drafts.GRACE), now=end + drafts.GRACE)
        end = clock.next_month(end)
    invoices.mark_overdue(now=finish)


def _correct(finish: datetime) -> None:
    """The newest result of a market of moderate size turns out to be wrong."""
    candidates = Settlement.objects.filter(resolution__in=_OTHER, positions_settled__lte=_MOST_CORRECTED)
    for row in candidates.order_by("-resolved_at", "-id")[:5]:
        try:
            corrections.correct(
                market_id=row.market_id,
                outcome=_OTHER[row.resolution],
                reason="The source had its outcomes the wrong way round",
                actor=system_admin(),
                now=finish,
            )
        except PredictuError:
            continue
        return
