"""Markets, trades, positions, the revenue facts they leave, and settlements."""

from trading.models.markets import Market, PricePoint, SyncRun
from trading.models.revenue import ActiveDay, HourlyRevenue, MonthlyRevenue, PlayerRevenue, RevenueFact, TradeDay
from trading.models.settlements import Settlement, SettlementPart
from trading.models.trades import Outcome, Position, Side, Trade

__all__ = [
    "ActiveDay",
    "HourlyRevenue",
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
]
