"""Markets as an operator's page shows them: those its users may trade, and any of its categories by id."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from operators.models import CATEGORIES
from predictu import clock
from predictu.api import pages
from predictu.api.views import DataView
from predictu.errors import NotFound
from predictu.platform import config
from trading.api.markets import market_id_of
from trading.queries import markets, offers
from trading.queries.markets import MarketFilter
from trading.services import prices


class _OffersView(DataView):
    def offer(self, values: Mapping[str, Any]) -> dict[str, Any]:
        configuration, override = config.current(), self.operator.spread_override_bps
        return offers.offered(
            values,
            configuration=configuration,
            base_bps=override if override is not None else configuration["spread.base_spread_bps"],
            min_bet_usd=self.operator.min_bet_usd,
        )


class MarketsView(_OffersView):
    """Markets the operator's users may trade now, with the prices of both outcomes."""

    def get(self, request: Request) -> Response:
        wanted = MarketFilter(
            search=self.query.text("search"),
            category=self.query.choice("category", CATEGORIES),
            categories=self.operator.allowed_categories,
            tradeable=True,
            open_only=True,
        )
        page = pages.page(self.query)
        sort = markets.SORTS["volume"]
        rows, total = markets.page(wanted, sort=sort, descending=True, page=page)
        return Response(page.envelope([self.offer(values) for values in rows], total))


class MarketView(_OffersView):
    """One market of the operator's categories, open or over."""

    def get(self, request: Request, market_id: str) -> Response:
        values = markets.one(market_id_of(market_id))
        if values is None or values["category"] not in self.operator.allowed_categories:
            raise NotFound("No such market")
        prices.asked_for(values["id"], now=clock.now())
        return self.answer(self.offer(values))
