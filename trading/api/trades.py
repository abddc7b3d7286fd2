"""Trade lists of God Mode: all, an operator's, a user's."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries as players
from accounts.models import Player
from operators import queries as operators
from predictu import clock
from predictu.api import pages
from predictu.api.params import Query
from predictu.api.views import DataView
from trading.api.markets import ReasonBody
from trading.queries import positions, trades
from trading.queries.trades import TradeFilter
from trading.services import cancels

_SIDES, _OUTCOMES, _STATUSES = ("buy", "sell"), ("yes", "no"), ("filled", "settled", "cancelled")


def trade_list(query: Query, **fixed: Any) -> dict[str, Any]:
    """A page of trades by the documented parameters; what ``fixed`` names is not the caller's to choose."""
    start, end = query.window()
    wanted = {
        "player_id": query.type_id("user_id", "usr"),
        "market_id": query.type_id("market_id", "mkt"),
        "side": query.choice("side", _SIDES),
        "outcome": query.choice("outcome", _OUTCOMES),
        "status": query.choice("status", _STATUSES),
        "min_amount": query.number("min_amount"),
        "max_amount": query.number("max_amount"),
        "is_test": bool(query.boolean("is_test")),
        "start": start,
        "end": end,
    }
    sort, descending = query.order(trades.SORTS, "created_at")
    page = pages.page(query)
    rows, total = trades.page(TradeFilter(**(wanted | fixed)), sort=sort, descending=descending, page=page)
    return page.envelope(rows, total)


class TradesView(DataView):
    def get(self, request: Request) -> Response:
        """Trades of all operators, newest first."""
        operator = operators.of_query(self.query)
        return Response(trade_list(self.query, **({"operator_id": operator.id} if operator else {})))


class CancelView(DataView):
    """Undo a trade for a palpable error: its money, its position, its revenue and its counters."""

    permissions: ClassVar = {"POST": "trading.cancel_trade"}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request, trade_id: str) -> Response:
        reason = self.body(ReasonBody)["reason"]
        done = cancels.cancel(trade_id=cancels.trade_id_of(trade_id), reason=reason, actor=self.admin, now=clock.now())
        return self.answer(trades.row(trades.one(done.id)))


class OperatorTradesView(DataView):
    def get(self, request: Request, slug: str) -> Response:
        """An operator's trades, newest first."""
        return Response(trade_list(self.query, operator_id=operators.by_slug(slug).id))


class UserTradesView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """A user's trades, newest first."""
        player = players.by_id(user_id)
        return Response(trade_list(self.query, player_id=player.id, is_test=player.is_test))


class UserPositionsView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """What a user holds and held, with today's value."""
        return Response(position_list(self.query, players.by_id(user_id)))


def position_list(query: Query, player: Player) -> dict[str, Any]:
    """A page of a player's positions."""
    page = pages.page(query)
    status = query.choice("status", ("open", "closed", "settled"))
    rows, total = positions.page(player_id=player.id, status=status, page=page)
    return page.envelope(rows, total)
