"""The API paths of trading, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from trading.api import casino, trades

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/trades", trades.TradesView.as_view(), name="trades.list"),
    path("api/internal/operators/<slug>/trades", trades.OperatorTradesView.as_view(), name="operators.trades"),
    path("api/internal/users/<user_id>/trades", trades.UserTradesView.as_view(), name="users.trades"),
    path("api/internal/users/<user_id>/positions", trades.UserPositionsView.as_view(), name="users.positions"),
    path("api/casino/quote", casino.QuoteView.as_view(), name="casino.quote"),
    path("api/casino/trades", casino.TradesView.as_view(), name="casino.trades"),
    path("api/casino/users/<user_id>/trades", casino.UserTradesView.as_view(), name="casino.users.trades"),
    path("api/casino/users/<user_id>/positions", casino.UserPositionsView.as_view(), name="casino.users.positions"),
]
