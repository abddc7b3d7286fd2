"""Markets, trades, positions, the revenue facts they leave, and settlements."""

from trading.models.markets import Market, PricePoint, SyncRun
from trading.models.revenue import DailyRevenue, HourlyRevenue, MonthlyRevenue, PlayerRevenue, RevenueFact
from trading.models.settlements import Settlement, SettlementPart
from trading.models.tallies import (
    ActiveDay,
    CohortActivity,
    CohortDay,
    LifetimeSum,
    TradeDay,
    TradePattern,
    TradeTally,
)
from trading.models.trades import Outcome, Position, Side, Trade

__all__ = [
    "ActiveDay",
    "CohortActivity",
    "CohortDay",
    "DailyRevenue",
    "HourlyRevenue",
    "LifetimeSum",
    "Market",
    "MonthlyRevenue",
    "Outcome",
    "PlayerRevenue",
    "Position",
    "PricePoint",
    "RevenueFact",
    "Settlement",
    "SettlementPart",
    "Side",
    "SyncRun",
    "Trade",
    "TradeDay",
    "TradePattern",
    "TradeTally",
]
