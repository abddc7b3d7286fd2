"""The API paths of trading, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from trading.api import casino, casino_markets, markets, settlements, trades

urlpatterns: list[URLPattern | URLResolver] = [
    # First, as they are asked for most and a route is looked for from the top.
    path("api/casino/trades", casino.TradesView.as_view(), name="casino.trades"),
    path("api/casino/quote", casino.QuoteView.as_view(), name="casino.quote"),
    path("api/internal/trades", trades.TradesView.as_view(), name="trades.list"),
    path("api/internal/trades/<trade_id>/cancel", trades.CancelView.as_view(), name="trades.cancel"),
    path("api/internal/operators/<slug>/trades", trades.OperatorTradesView.as_view(), name="operators.trades"),
    path("api/internal/users/<user_id>/trades", trades.UserTradesView.as_view(), name="users.trades"),
    path("api/internal/users/<user_id>/positions", trades.UserPositionsView.as_view(), name="users.positions"),
    path("api/internal/markets", markets.MarketsView.as_view(), name="markets.list"),
    path("api/internal/markets/<market_id>", markets.MarketView.as_view(), name="markets.detail"),
    path("api/internal/markets/<market_id>/pause", markets.PauseView.as_view(), name="markets.pause"),
    path("api/internal/markets/<market_id>/resume", markets.ResumeView.as_view(), name="markets.resume"),
    path("api/internal/markets/<market_id>/image", markets.ImageView.as_view(), name="markets.image"),
    path("api/internal/markets/<market_id>/override", markets.OverrideView.as_view(), name="markets.override"),
    path(
        "api/internal/markets/<market_id>/settlement-preview",
        settlements.PreviewView.as_view(),
        name="markets.settlement_preview",
    ),
    path("api/internal/markets/<market_id>/resolve", settlements.ResolveView.as_view(), name="markets.resolve"),
    path("api/internal/markets/<market_id>/correct", settlements.CorrectView.as_view(), name="markets.correct"),
    path("api/internal/settlements", settlements.SettlementsView.as_view(), name="settlements.list"),
    path("api/internal/settlements/pending", settlements.PendingView.as_view(), name="settlements.pending"),
    path("api/casino/markets", casino_markets.MarketsView.as_view(), name="casino.markets"),
    path("api/casino/markets/<market_id>", casino_markets.MarketView.as_view(), name="casino.market"),
    path("api/casino/users/<user_id>/trades", casino.UserTradesView.as_view(), name="casino.users.trades"),
    path("api/casino/users/<user_id>/positions", casino.UserPositionsView.as_view(), name="casino.users.positions"),
]
