"""Trading in Django admin: the market's page, the settlement console, and the lists behind them."""

from trading.admin import console, market, settlement, tables

__all__ = ["console", "market", "settlement", "tables"]
