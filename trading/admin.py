"""Markets, trades and what comes of them, in Django admin: to read, all of it."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from operators.models import CATEGORIES
from predictu import shown
from predictu.admin_acts import Act, ActingAdmin, Given
from predictu.admin_base import ReadOnlyAdmin, among, linked
from risk.models import ExposureBucket
from trading import models
from trading.services import markets, settlements

BY_OPERATOR = ("operator", AutocompleteSelectFilter)
BY_CATEGORY = among("category", CATEGORIES)
BY_SOURCE = among("resolution_source", models.Market.Source.values)
WAITS = ("waiting_for", admin.EmptyFieldListFilter)
WORDS = {"yes": "Resolve YES", "no": "Resolve NO", "split": "Resolve 50/50", "cancelled": "Void"}


def _open(row: models.Market) -> list[tuple[str, Any]]:
    bucket = ExposureBucket.objects.filter(scope="market", scope_id=row.id).first()
    return [
        ("Status now", row.status),
        ("Open positions", f"{bucket.position_count if bucket else 0:,}"),
        ("Exposure on YES, USD", shown.amount(bucket.yes_usd) if bucket else "0.00"),
        ("Exposure on NO, USD", shown.amount(bucket.no_usd) if bucket else "0.00"),
    ]


def _settling(outcome: str) -> Callable[[models.Market], list[tuple[str, Any]]]:
    def consequences(row: models.Market) -> list[tuple[str, Any]]:
        found = settlements.preview(row.id, outcome)
        return [
            ("Positions settled", f"{found['positions']:,}"),
            ("Winners", f"{found['winners']:,}"),
            ("Losers", f"{found['losers']:,}"),
            ("Paid out, USD", shown.amount(found["total_payout_usd"])),
            ("Given back, USD", shown.amount(found["refund_usd"])),
            ("Operators told", f"{len(found['by_operator']):,}"),
        ]

    return consequences


def _resolve(outcome: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        done = settlements.resolve(
            market_id=given.row.id, outcome=outcome, reason=given.reason, actor=given.actor, now=given.now
        )
        if done.approval is not None:
            return "Another admin has to approve it first."
        return "The market is resolved and being settled."

    return run


def _pause(given: Given) -> str:
    markets.pause(market_id=given.row.id, reason=given.reason, actor=given.actor, now=given.now)
    return "The market is paused."


def _resume(given: Given) -> str:
    markets.resume(market_id=given.row.id, reason=given.reason, actor=given.actor, now=given.now)
    return "The pause is taken back."


MARKET_ACTS = (
    Act(
        name="pause",
        label="Pause",
        permission="trading.manage_markets",
        run=_pause,
        consequences=_open,
        possible=lambda row: not row.is_over and not row.paused_by_staff,
    ),
    Act(
        name="resume",
        label="Resume",
        permission="trading.manage_markets",
        run=_resume,
        consequences=_open,
        possible=lambda row: not row.is_over and row.paused_by_staff,
    ),
    *(
        Act(
            name=f"resolve-{outcome}",
            label=label,
            permission="trading.settle_market",
            run=_resolve(outcome),
            consequences=_settling(outcome),
            possible=lambda row: not row.is_over,
            dangerous=True,
        )
        for outcome, label in WORDS.items()
    ),
)
REVENUE = ("share_pct", "spread_usd", "fee_usd", "settlement_fee_usd", "volume_usd", "trade_count")


@admin.register(models.Market)
class MarketAdmin(ActingAdmin):
    acts = MARKET_ACTS
    list_display = ("title", "category", "status", "tradeable", "override", "yes_mid", "priced_at", "end_date")
    list_filter = (
        "status",
        "category",
        "tradeable",
        "override",
        "resolution",
        ("waiting_for", admin.EmptyFieldListFilter),
    )
    search_fields = ("title", "slug", "condition_id__exact")
    search_help_text = "Words of the title, a slug, a condition id or an id"


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


@admin.register(models.Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "market_link", "resolution", "resolution_source", "status", "version", "positions_settled"),
        *("total_payout_usd", "house_pnl_usd", "resolved_at", "settled_at"),
    )
    list_filter = (
        "status",
        "resolution",
        among("resolution_source", models.Market.Source.values),
        among("version", (1, 2)),
    )
    list_select_related = ("market",)
    search_fields = ("market__title",)
    search_help_text = "Words of the market's title, or the id of a settlement, market or admin"
    id_fields = ("pk", "market", "requested_by")
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


@admin.register(models.ActiveDay)
class ActiveDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "player_link", "operator_link")
    list_filter = (BY_OPERATOR,)
    list_select_related = ("operator",)
    ordering = ("-id",)
    search_help_text = "The id of a user or operator"
    id_fields = ("player", "operator")
    operator_link = linked("operator", text="name")
    player_link = linked("player", title="User")


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
