"""God Mode's exposure: the whole platform's and an operator's."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from operators.models import Operator
from predictu import clock, money
from predictu.api.views import DataView
from predictu.platform import config
from risk import queries
from risk.models import RiskEvent, Scope
from risk.queries import Held
from trading.models import Market
from trading.queries import exposure as open_positions
from trading.queries import names


class ExposureView(DataView):
    def get(self, request: Request) -> Response:
        """Exposure of the platform against its limits, by operator, category, market and user."""
        configuration, now = config.current(), clock.now()
        found = queries.snapshot(configuration)
        whole = found.whole
        slugs = dict(Operator.objects.order_by().values_list("pk", "slug"))
        by_operator = sorted(found.of(Scope.OPERATOR), key=lambda held: (-held.exposure_usd, held.scope_id))
        categories = {held.scope_id: held for held in found.of(Scope.CATEGORY)}
        return self.answer(
            {
                "total_exposure_usd": money.half_up(whole.exposure_usd),
                "global_limit_usd": whole.limit_usd,
                "utilization_pct": _percent(whole),
                "by_operator": [{"operator_slug": slugs[held.scope_id], **_part(held)} for held in by_operator],
                "by_category": [
                    {"category": name, **_part(categories[name])}
                    for name in configuration.category_limits
                    if name in categories
                ],
                "top_markets": top_markets(found.of(Scope.MARKET)),
                "top_users": [
                    {
                        "user_id": row["id"],
                        "username": row["username"],
                        "operator_slug": row["operator__slug"],
                        "exposure_usd": money.half_up(row["exposure_usd"]),
                        "tier": row["tier"],
                    }
                    for row in queries.top_users()
                ],
                "alerts": alerts(list(queries.alerts().select_related("operator"))),
                "snapshot_at": clock.seconds(now),
            }
        )


class OperatorExposureView(DataView):
    def get(self, request: Request, slug: str) -> Response:
        """Exposure of one operator against its limits."""
        operator, configuration = operators.by_slug(slug), config.current()
        whole, categories = queries.of_operator(operator, configuration)
        return self.answer(
            {
                "operator_slug": operator.slug,
                "total_exposure_usd": money.half_up(whole.exposure_usd),
                "exposure_limit_usd": whole.limit_usd,
                "utilization_pct": _percent(whole),
                "by_category": [{"category": held.scope_id.partition(":")[2], **_part(held)} for held in categories],
                "by_market": open_positions.by_market(operator.id),
                "top_users": [
                    {
                        "user_id": row["id"],
                        "username": row["username"],
                        "exposure_usd": money.half_up(row["exposure_usd"]),
                        "tier": row["tier"],
                    }
                    for row in queries.top_users(operator_id=operator.id)
                ],
                "alerts": alerts(list(queries.alerts(operator.id).select_related("operator"))),
            }
        )


def top_markets(held: list[Held]) -> list[dict[str, Any]]:
    """The fullest markets with their titles, largest first."""
    titles = dict(Market.objects.filter(pk__in=[each.scope_id for each in held]).values_list("pk", "title"))
    return [
        {
            "market_id": each.scope_id,
            "title": titles.get(each.scope_id, each.scope_id),
            "exposure_usd": money.half_up(each.exposure_usd),
            "limit_usd": each.limit_usd,
            "utilization_pct": _percent(each),
            "position_count": each.position_count,
        }
        for each in sorted(held, key=lambda each: (-each.exposure_usd, each.scope_id))
    ]


def alerts(events: list[RiskEvent]) -> list[dict[str, Any]]:
    """Crossings not fallen back, as the exposure page shows them."""
    messages = names.fill([event.message for event in events])
    return [
        {
            "level": event.severity,
            "message": message,
            "category": event.scope.get("category"),
            "operator_slug": event.operator.slug if event.operator else None,
            "market_id": event.market_id or None,
            "crossing_pct": event.crossing_pct,
            "event_id": event.id,
            "created_at": clock.seconds(event.created_at),
        }
        for event, message in zip(events, messages, strict=True)
    ]


def _part(held: Held) -> dict[str, Any]:
    return {
        "exposure_usd": money.half_up(held.exposure_usd),
        "limit_usd": money.half_up(held.limit_usd),
        "utilization_pct": _percent(held),
    }


def _percent(held: Held) -> Any:
    return money.rounded(held.utilisation_pct, 1)
