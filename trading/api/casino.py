"""The Casino API's trading: quotes, trades, and what a user holds."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries as players
from operators import calls
from predictu import clock, metrics
from predictu.api.fields import IdField, NumberField, TextField
from predictu.api.views import DataView
from predictu.errors import MarketNotTradeable
from trading.api import rows
from trading.api.trades import position_list, trade_list
from trading.models import Outcome, Side, Trade
from trading.orders import Order
from trading.pricing import LARGEST_QUANTITY
from trading.services import prices, trades

# A quote is indicative; the price it was made from is worth nothing after this.
_QUOTE_SECONDS = 15


class QuoteBody(serializers.Serializer):
    user_id = IdField("usr")
    market_id = IdField("mkt")
    outcome = serializers.ChoiceField(Outcome.values)
    side = serializers.ChoiceField(Side.values)
    quantity = NumberField(places=4, least=0, most=LARGEST_QUANTITY, required=False)
    amount_usd = NumberField(places=2, least=0, most=10**9, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("quantity" in attrs) == ("amount_usd" in attrs):
            raise serializers.ValidationError({"quantity": ["give exactly one of quantity and amount_usd"]})
        return attrs


class TradeBody(QuoteBody):
    max_price = NumberField(places=4, least=0, most=1, required=False)
    min_price = NumberField(places=4, least=0, most=1, required=False)
    device = serializers.ChoiceField(Trade.Device.values, required=False)
    transaction_id = TextField(required=False, max_length=128)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        wrong = "min_price" if attrs["side"] == Side.BUY else "max_price"
        if wrong in attrs:
            raise serializers.ValidationError({wrong: [f"does not go with a {attrs['side']}"]})
        return attrs


def order_of(body: dict[str, Any]) -> Order:
    """The order a validated body asks for."""
    return Order(
        player_id=body["user_id"],
        market_id=body["market_id"],
        outcome=body["outcome"],
        side=body["side"],
        quantity=body.get("quantity"),
        amount_usd=body.get("amount_usd"),
        max_price=body.get("max_price"),
        min_price=body.get("min_price"),
        device=body.get("device", ""),
        transaction_id=body.get("transaction_id"),
    )


class QuoteView(DataView):
    @extend_schema(request=QuoteBody)
    def post(self, request: Request) -> Response:
        """Ask what a trade would cost now; indicative, moves nothing."""
        body, now = self.body(QuoteBody), clock.now()
        prices.asked_for(body["market_id"], now=now)
        quote = trades.quote(operator_id=self.operator.id, order=order_of(body), now=now)
        return self.answer(
            {
                "price": quote.price,
                "quantity": quote.quantity,
                "cost_usd": quote.cost_usd,
                "fee_usd": quote.fee_usd,
                "spread_usd": quote.spread_usd,
                "total_usd": quote.total_usd,
                "expires_at": clock.seconds(now + timedelta(seconds=_QUOTE_SECONDS)),
            }
        )


class TradesView(DataView):
    @extend_schema(request=TradeBody)
    def post(self, request: Request) -> HttpResponse:
        """Execute a trade.

        Refusals move nothing: 422 ``INSUFFICIENT_BALANCE``, ``RISK_REJECTED`` (``details`` names the wall and what
        would still pass, or the circuit breaker), ``MARKET_NOT_TRADEABLE``, ``USER_RESTRICTED``, ``BELOW_MINIMUM``,
        ``CATEGORY_NOT_ALLOWED``, ``NOTHING_TO_SELL``, ``DEBT_OPEN``; 409 ``PRICE_MOVED`` past the limit given; 503
        ``BUSY``.
        """
        call = calls.call_of(request, trades.KIND)
        body, now = self.body(TradeBody), clock.now()
        try:
            answer = trades.place(call=call, order=order_of(body), render=rows.executed, now=now)
        except MarketNotTradeable:
            prices.asked_for(body["market_id"], now=now)  # its price may only be too old
            raise
        if not answer.replayed:
            metrics.traded(body["side"])
        return calls.respond(answer)


class UserTradesView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """A user's trades, as God Mode shows them."""
        player = players.by_id(user_id, self.operator)
        return Response(trade_list(self.query, player_id=player.id, is_test=player.is_test))


class UserPositionsView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """What a user holds and held."""
        return Response(position_list(self.query, players.by_id(user_id, self.operator)))
