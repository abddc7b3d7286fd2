"""Looking over new trades for unusual patterns, apart from trading itself.

New trades are read off the numbered events of each operator: a number is given after commit, in order, so a trade that
commits late is seen late but never missed. What was seen and what it told are written in one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max

from operators.models import CallbackEvent
from predictu import ids
from risk import anomalies
from risk.models import AnomalyWatch, AnomalyWatchCursor
from risk.services import events
from trading.models import Trade

BATCH = 1_000
# What is older was traded while nobody watched: too late to be news.
_NEWS = timedelta(hours=2)
_ROUNDS = 50

_MEDIAN = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY cost_usd) FROM trading_trade
WHERE player_id = %s AND created_at >= %s AND (created_at, id) < (%s, %s) AND side = 'buy' AND status <> 'cancelled'
"""


@dataclass(frozen=True, slots=True)
class _New:
    trade_id: str
    player_id: str
    market_id: str
    operator_id: str
    side: str
    cost_usd: Decimal
    at: datetime


def look(*, now: datetime) -> int:
    """Judge every trade not yet looked at; how many those were."""
    behind = (
        CallbackEvent.objects.filter(sequence__isnull=False)
        .order_by()
        .values("operator_id")
        .annotate(newest=Max("sequence"))
        .values_list("operator_id", "newest")
    )
    done = dict(AnomalyWatchCursor.objects.values_list("operator_id", "sequence"))
    total = 0
    for operator_id, newest in sorted(behind):
        for _ in range(_ROUNDS if newest > done.get(operator_id, 0) else 0):
            seen, more = _step(operator_id, now)
            total += seen
            if not more:
                break
    return total


@transaction.atomic
def _step(operator_id: str, now: datetime) -> tuple[int, bool]:
    """One batch of an operator's events; how many trades were judged and whether more events wait."""
    AnomalyWatchCursor.objects.bulk_create([AnomalyWatchCursor(operator_id=operator_id)], ignore_conflicts=True)
    cursor = AnomalyWatchCursor.objects.select_for_update(no_key=True).get(operator_id=operator_id)
    rows = list(
        CallbackEvent.objects.filter(operator_id=operator_id, sequence__gt=cursor.sequence)
        .order_by("sequence")
        .values_list("sequence", "event", "subject_id", "test", "created_at")[:BATCH]
    )
    if not rows:
        return 0, False
    wanted = [
        trade_id for _, event, trade_id, test, at in rows if event == "TRADE_PLACED" and not test and at > now - _NEWS
    ]
    new = _trades(wanted)
    _judge(new)
    cursor.sequence = rows[-1][0]
    cursor.save(update_fields=["sequence"])
    return len(new), len(rows) == BATCH


def _trades(trade_ids: Sequence[str]) -> list[_New]:
    columns = ("id", "player_id", "market_id", "operator_id", "side", "cost_usd", "created_at")
    found = Trade.objects.filter(pk__in=trade_ids, is_test=False).order_by("created_at", "id").values_list(*columns)
    return [_New(*row) for row in found]


def _judge(new: Sequence[_New]) -> None:
    for trade in new:
        if trade.side == "buy" and trade.cost_usd >= anomalies.STAKE_LEAST_USD:
            finding = anomalies.stake(
                at=trade.at, cost_usd=trade.cost_usd, median_usd=_median(trade), user_id=trade.player_id
            )
            _tell("stake", [finding] if finding else [], trade)
    for trade, since in _earliest(new, lambda each: each.player_id):
        moments = _since(trade, since - anomalies.MINUTE, player_id=trade.player_id).values_list(
            "created_at", flat=True
        )
        found = anomalies.rapid(list(moments), user_id=trade.player_id)
        _tell("rapid", [finding for finding in found if finding.at >= since], trade)
    for trade, since in _earliest(new, lambda each: each.market_id):
        rows = _since(trade, since - anomalies.FLOW_WINDOW, market_id=trade.market_id)
        seen = (
            anomalies.Seen(at, anomalies.towards(side, outcome), cost)
            for at, side, outcome, cost in rows.values_list("created_at", "side", "outcome", "cost_usd")
        )
        found = anomalies.one_sided(seen, market_id=trade.market_id)
        _tell("flow", [finding for finding in found if finding.at >= since], trade)


def _earliest(new: Sequence[_New], key) -> Iterable[tuple[_New, datetime]]:
    """For each user (or market) one of its new trades, and when its first one was."""
    first: dict[str, _New] = {}
    for trade in new:
        first.setdefault(key(trade), trade)
    return [(trade, trade.at) for _, trade in sorted(first.items())]


def _since(trade: _New, since: datetime, **of):
    found = Trade.objects.filter(created_at__gte=since, is_test=False, **of).exclude(status=Trade.Status.CANCELLED)
    return found.order_by("created_at", "id")


def _median(trade: _New) -> Decimal | None:
    """The median of the user's stakes in the 30 days before this one."""
    since = trade.at - timedelta(days=anomalies.STAKE_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            _MEDIAN,
            [ids.decode("usr", trade.player_id), since, trade.at, ids.decode("trd", trade.trade_id)],
        )
        (median,) = cursor.fetchone()
    return None if median is None else Decimal(str(median))


def _tell(kind: str, findings: Sequence[anomalies.Finding], trade: _New) -> None:
    """Write the first of each burst; whoever watches the same user or market at the same time waits here."""
    if not findings:
        return
    of_market = kind == "flow"
    subject = trade.market_id if of_market else trade.player_id
    AnomalyWatch.objects.bulk_create([AnomalyWatch(kind=kind, subject_id=subject)], ignore_conflicts=True)
    watch = AnomalyWatch.objects.select_for_update(no_key=True).get(kind=kind, subject_id=subject)
    first, watch.last_at = anomalies.bursts(findings, last_at=watch.last_at)
    watch.save(update_fields=["last_at"])
    for finding in first:
        events.anomaly(
            finding,
            dedupe_key=f"{kind}:{subject}:{finding.at.isoformat()}",
            market_id=subject if of_market else "",
            user_id="" if of_market else subject,
            operator_id="" if of_market else trade.operator_id,
        )
