"""What markets leave behind, in Django admin: trades, positions, revenue and syncs, to read."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from operators.models import CATEGORIES
from predictu.admin_base import ReadOnlyAdmin, among, linked
from trading import models

BY_OPERATOR = ("operator", AutocompleteSelectFilter)
BY_CATEGORY = among("category", CATEGORIES)
REVENUE = ("share_pct", "spread_usd", "fee_usd", "settlement_fee_usd", "volume_usd", "trade_count")


@admin.register(models.Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "created_at", "operator_link", "player_link", "market_link", "side", "outcome", "price", "quantity"),
        *("cost_usd", "fee_usd", "status"),
    )
    list_filter = (BY_OPERATOR, "status", "side", "outcome", BY_CATEGORY, "is_test")
    list_select_related = ("operator", "market")
    search_help_text = "The id of a trade, user, market or operator"
    id_fields = ("pk", "player", "market", "operator")
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")
    market_link = linked("market", text="title")


@admin.register(models.Position)
class PositionAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "player_link", "operator_link", "market_link", "outcome", "quantity", "avg_price", "cost_basis_usd"),
        *("realized_pnl_usd", "status", "opened_at"),
    )
    list_filter = (BY_OPERATOR, "status", "outcome", "is_test")
    list_select_related = ("operator", "market")
    ordering = ("-id",)
    search_help_text = "The id of a position, user, market or operator"
    id_fields = ("pk", "player", "market", "operator")
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")
    market_link = linked("market", text="title")


@admin.register(models.SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "kind", "status", "pages", "seen", "new", "changed", "resolved", "finished_at")
    list_filter = ("status",)
    search_fields = ("error",)
    search_help_text = "Words of the error"
    id_fields = ()
    hidden_fields = ("cursor",)


@admin.register(models.RevenueFact)
class RevenueFactAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "operator_link", "player_link", "category", *REVENUE, "rolled")
    list_filter = (BY_OPERATOR, "kind", BY_CATEGORY, "rolled")
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "The id of an operator, user, market or trade"
    id_fields = ("operator", "player", "market", "trade")
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")


@admin.register(models.HourlyRevenue)
class HourlyRevenueAdmin(ReadOnlyAdmin):
    list_display = ("hour", "operator_link", "category", *REVENUE)
    list_filter = (BY_OPERATOR, BY_CATEGORY)
    list_select_related = ("operator",)
    ordering = ("-hour", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.DailyRevenue)
class DailyRevenueAdmin(ReadOnlyAdmin):
    list_display = ("day", "operator_link", *REVENUE)
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-day", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.MonthlyRevenue)
class MonthlyRevenueAdmin(ReadOnlyAdmin):
    list_display = ("month", "operator_link", *REVENUE)
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-month", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.PlayerRevenue)
class PlayerRevenueAdmin(ReadOnlyAdmin):
    list_display = (
        *("player_link", "operator_link", "category", "gross_usd", "first_30d_usd", "volume_usd", "trade_count"),
        "last_trade_at",
    )
    list_filter = (BY_OPERATOR, BY_CATEGORY)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "The id of a user or operator"
    id_fields = ("player", "operator")
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")


@admin.register(models.TradeDay)
class TradeDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "operator_link", "trade_rows", "trades", "traders", "starts")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-day", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.ActiveDay)
class ActiveDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "player_link", "operator_link", "trades", "starts")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "The id of a user or operator"
    id_fields = ("player", "operator")
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")


@admin.register(models.TradePattern)
class TradePatternAdmin(ReadOnlyAdmin):
    list_display = ("day", "operator_link", "kind", "key", "trades")
    list_filter = (BY_OPERATOR, "kind")
    list_select_related = ("operator",)
    ordering = ("-day", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.TradeTally)
class TradeTallyAdmin(ReadOnlyAdmin):
    list_display = ("day", "operator_link", "market_link", "buy_yes", "buy_no", "sell_yes", "sell_no")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator", "market")
    ordering = ("-day", "-id")
    search_help_text = "The id of an operator or market"
    id_fields = ("operator", "market")
    operator_link = linked("operator", text="name")
    market_link = linked("market")


@admin.register(models.LifetimeSum)
class LifetimeSumAdmin(ReadOnlyAdmin):
    list_display = (
        *("operator_link", "segment", "label", "users", "traders", "gross_usd", "first_30d_usd", "volume_usd"),
        "trade_count",
    )
    list_filter = (BY_OPERATOR, "segment")
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.CohortDay)
class CohortDayAdmin(ReadOnlyAdmin):
    list_display = ("signup_day", "operator_link", "trade_count", "volume_usd", "gross_usd")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-signup_day", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.CohortActivity)
class CohortActivityAdmin(ReadOnlyAdmin):
    list_display = ("signup_day", "operator_link", "unit", "period", "users")
    list_filter = (BY_OPERATOR, "unit")
    list_select_related = ("operator",)
    ordering = ("-signup_day", "-id")
    search_help_text = "An operator's id"
    id_fields = ("operator",)
    operator_link = linked("operator", text="name")


@admin.register(models.SettlementPart)
class SettlementPartAdmin(ReadOnlyAdmin):
    list_display = (
        *("settlement_link", "operator_link", "positions", "winners", "losers", "users", "payout_usd", "loss_usd"),
        "refund_usd",
    )
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "The id of a settlement or operator"
    id_fields = ("settlement", "operator")
    settlement_link = linked("settlement")
    operator_link = linked("operator", text="name")
