"""Settlements as lists show them, with what became of their callbacks; those not wholly done."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from operators.models import CallbackEvent, Delivery, Operator
from predictu import clock, ids
from predictu.api import lists
from predictu.api.pages import Page
from predictu.money import ZERO
from trading.models import Market, Position, Settlement, SettlementPart

FAILED = (Delivery.State.SLOW, Delivery.State.DEAD)

# Sent is recorded, failed is past its quick phase, the rest waits.
_CALLBACKS = """
SELECT event.subject_id, count(*), count(*) FILTER (WHERE delivery.confirmed_at IS NOT NULL),
       count(*) FILTER (WHERE delivery.confirmed_at IS NULL AND delivery.state IN ('slow', 'dead'))
FROM operators_callbackevent event LEFT JOIN operators_delivery delivery ON delivery.event_id = event.ordinal
WHERE event.subject_id = ANY(%(settlements)s) AND event.subject_id <> '' AND event.event = 'POSITION_RESOLVED'
  AND (%(operator)s::uuid IS NULL OR event.operator_id = %(operator)s)
GROUP BY event.subject_id
"""


def page(
    *,
    status: str | None,
    market_id: str | None,
    operator: Operator | None,
    window: tuple[Any, Any],
    page: Page,
) -> tuple[list[dict[str, Any]], int]:
    """A page of settlements, newest first; of an operator, those with positions of its users and its own figures."""
    found = Settlement.objects.alias(at=Coalesce("settled_at", "resolved_at"))
    wanted = {"status": status, "market_id": market_id, "at__gte": window[0], "at__lt": window[1]}
    found = found.filter(**{name: value for name, value in wanted.items() if value is not None})
    if operator is not None:
        found = found.filter(Exists(SettlementPart.objects.filter(settlement=OuterRef("pk"), operator=operator)))
    total = found.count()
    keys = lists.ids_of(found, lists.ordered("resolved_at", descending=True), page, total)
    rows = {row.id: row for row in Settlement.objects.filter(pk__in=keys).select_related("market")}
    return shown([rows[key] for key in keys], operator=operator), total


def shown(rows: Iterable[Settlement], *, operator: Operator | None = None) -> list[dict[str, Any]]:
    """Settlements in the documents' words."""
    rows = list(rows)
    told = callbacks_of([row.id for row in rows], operator)
    parts = {}
    if operator is not None:
        own = SettlementPart.objects.filter(settlement__in=rows, operator=operator)
        parts = {part.settlement_id: part for part in own}
    return [_row(row, told.get(row.id, (0, 0, 0)), parts.get(row.id)) for row in rows]


def callbacks_of(settlement_ids: list[str], operator: Operator | None = None) -> Mapping[str, tuple[int, int, int]]:
    """Sent, confirmed and failed POSITION_RESOLVED of each settlement that has any."""
    with connection.cursor() as cursor:
        key = ids.decode("op", operator.id) if operator else None
        cursor.execute(_CALLBACKS, {"settlements": settlement_ids, "operator": key})
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _row(row: Settlement, told: tuple[int, int, int], part: SettlementPart | None) -> dict[str, Any]:
    sent, confirmed, failed = told
    return {
        "id": row.id,
        "market_id": row.market_id,
        "market_title": row.market.title,
        "resolution": row.resolution,
        "status": row.status,
        **(_of_operator(part) if part else _of_all(row)),
        "s2s_callbacks_sent": sent,
        "s2s_callbacks_confirmed": confirmed,
        "s2s_callbacks_failed": failed,
        "s2s_callbacks_waiting": sent - confirmed - failed,
        "processing_time_ms": row.processing_time_ms,
        "resolved_at": clock.seconds(row.resolved_at),
        "settled_at": clock.seconds(row.settled_at),
        "resolution_source": row.resolution_source,
        "settlement_version": row.version,
        "versions": row.versions,
        "completeness": row.completeness | {"callbacks_confirmed": confirmed, "callbacks_failed": failed},
        "error": row.error or None,
    }


def _of_all(row: Settlement) -> dict[str, Any]:
    return {
        "positions_settled": row.positions_settled,
        "winners": row.winners,
        "losers": row.losers,
        "total_payout_usd": row.total_payout_usd,
        "total_loss_usd": row.total_loss_usd,
        "net_pnl_usd": row.net_pnl_usd,
        "house_pnl_usd": row.house_pnl_usd,
        "refund_usd": row.refund_usd,
    }


def _of_operator(part: SettlementPart) -> dict[str, Any]:
    return {
        "positions_settled": part.positions,
        "winners": part.winners,
        "losers": part.losers,
        "total_payout_usd": part.payout_usd,
        "total_loss_usd": part.loss_usd,
        "net_pnl_usd": part.loss_usd - part.payout_usd,
        "house_pnl_usd": ZERO if part.refund_usd else part.basis_usd - part.payout_usd,
        "refund_usd": part.refund_usd,
    }


def pending() -> list[dict[str, Any]]:
    """Markets resolved whose positions are not all settled or whose callbacks are failing, oldest first."""
    failing = _failing()
    undone = ~Q(status=Settlement.Status.COMPLETED) | Q(pk__in=list(failing))
    rows = Settlement.objects.filter(undone).select_related("market").order_by("resolved_at", "id")
    return [
        {
            "market_id": row.market_id,
            "market_title": row.market.title,
            "resolution": row.resolution,
            "resolved_at": clock.seconds(row.resolved_at),
            "status": row.status,
            "positions_total": row.positions_total,
            "positions_settled": row.positions_settled,
            "positions_remaining": row.positions_total - row.positions_settled,
            "failed_callbacks": failing.get(row.id, []),
            "settlement_id": row.id,
            "error": row.error or None,
        }
        for row in rows
    ]


def _failing() -> dict[str, list[dict[str, Any]]]:
    """The callbacks of settlements that are past their quick phase, by settlement."""
    failed = Delivery.objects.filter(
        event__event=CallbackEvent.Event.POSITION_RESOLVED, confirmed_at=None, state__in=FAILED
    ).order_by("event_id")
    rows = failed.values_list(
        "event__subject_id", "event__user_id", "operator__slug", "last_error", "last_attempt_at", "attempts"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for settlement_id, user_id, slug, error, at, attempts in rows:
        retries = max(0, attempts - 1)
        found.setdefault(settlement_id, []).append(
            {
                "user_id": user_id,
                "operator_slug": slug,
                "error": f"{error} after {retries} retries",
                "last_attempt_at": clock.seconds(at),
                "retry_count": retries,
            }
        )
    return found


def waiting_for_result() -> QuerySet[Market]:
    """Markets the source has closed, or that are disputed, without a result that stands: the console's first list."""
    waiting = Market.objects.exclude(waiting_for="").filter(status__in=("active", "paused"))
    return waiting.order_by("source_closed_at", "id")


def totals_waiting() -> dict[str, Any]:
    """The dashboard's figures: positions not settled yet and what is still due to them, and the last settlement."""
    waiting = Settlement.objects.exclude(status=Settlement.Status.COMPLETED).select_related("market")
    count, due = 0, ZERO
    for row in waiting:
        positions = Position.objects.filter(market_id=row.market_id, status="open", quantity__gt=0, is_test=False)
        for outcome, quantity, basis in positions.values_list("outcome", "quantity", "cost_basis_usd"):
            price = row.market.payout_price(outcome)
            count += 1
            due += basis if price is None else quantity * price
    last = Settlement.objects.filter(settled_at__isnull=False).order_by("-settled_at").first()
    return {"pending_count": count, "pending_usd": due, "last_settled_at": last.settled_at if last else None}
