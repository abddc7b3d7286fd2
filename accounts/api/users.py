"""Users of God Mode: the lists, the detail, the ledger."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries
from accounts.models import LedgerEntry, Player
from accounts.queries import PlayerFilter
from operators import queries as operators
from predictu import clock, money
from predictu.api import pages
from predictu.api.params import Query
from predictu.api.views import DataView
from predictu.platform import config
from risk.models import PlayerScore
from trading.services import decisions

_TIERS, _STATUSES = tuple(Player.Tier.values), tuple(Player.Status.values)
_OPERATOR_SORTS = {name: field for name, field in queries.SORTS.items() if name != "score"}


def user_list(query: Query, sorts: dict[str, str], operator_id: str | None) -> dict[str, Any]:
    """A page of users by the documented parameters."""
    wanted = PlayerFilter(
        search=query.text("search"),
        operator_id=operator_id,
        tier=query.choice("tier", _TIERS),
        status=query.choice("status", _STATUSES),
        min_balance=query.number("min_balance"),
        max_balance=query.number("max_balance"),
        is_test=bool(query.boolean("is_test")),
    )
    sort, descending = query.order(sorts, "created_at")
    page = pages.page(query)
    rows, total = queries.page(wanted, sort=sort, descending=descending, page=page)
    return page.envelope(rows, total)


def ledger_list(query: Query, player: Player) -> dict[str, Any]:
    """A page of a user's ledger by the documented parameters."""
    start, end = query.window()
    page = pages.page(query)
    kind = query.choice("type", tuple(LedgerEntry.Type.values))
    rows, total = queries.ledger_page(player_id=player.id, type=kind, start=start, end=end, page=page)
    return page.envelope(rows, total)


class UsersView(DataView):
    def get(self, request: Request) -> Response:
        """Users of all operators, newest first."""
        operator = operators.of_query(self.query)
        return Response(user_list(self.query, queries.SORTS, operator.id if operator else None))


class OperatorUsersView(DataView):
    def get(self, request: Request, slug: str) -> Response:
        """An operator's users, newest first."""
        return Response(user_list(self.query, _OPERATOR_SORTS, operators.by_slug(slug).id))


class UserLedgerView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """A user's ledger, newest first."""
        return Response(ledger_list(self.query, queries.by_id(user_id)))


class UserView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """A user's profile: balance, metrics, score and restrictions."""
        return self.answer(detail(queries.by_id(user_id)))


def detail(player: Player) -> dict[str, Any]:
    """The documented profile of a user."""
    operator = player.operator
    return {
        "id": player.id,
        "external_id": player.external_id,
        "username": player.username,
        "email": player.email,
        "operator_slug": operator.slug,
        "operator_name": operator.name,
        "tier": player.tier,
        "status": player.status,
        "limit_tier": player.limit_tier,
        "is_test": player.is_test,
        "balance_usd": player.balance_usd,
        "debt_usd": player.debt_usd,
        "metrics": _metrics(player),
        "scoring": _scoring(player),
        "restrictions": {
            "max_bet_usd": decisions.per_trade_limit(player, operator, player.limit_tier, config.current()),
            "allowed_categories": player.allowed_categories,
            "blocked_categories": player.blocked_categories,
            "blocked_markets": player.blocked_markets,
            "cooldown_until": clock.seconds(player.cooldown_until),
            "self_excluded_until": clock.seconds(player.self_excluded_until),
        },
        "last_active_at": clock.seconds(player.last_active_at),
        "created_at": clock.seconds(player.created_at),
        "updated_at": clock.seconds(player.updated_at),
    }


def _metrics(player: Player) -> dict[str, Any]:
    return {
        "trade_count": player.trade_count,
        "volume_usd": player.volume_usd,
        "pnl_usd": player.realized_pnl_usd,
        "win_rate": queries.win_rate(player.winning_count, player.resolved_count),
        "avg_trade_usd": queries.average(player.volume_usd, player.trade_count),
        "largest_trade_usd": player.largest_trade_usd,
        "open_positions": player.open_positions,
        "total_deposited_usd": player.deposited_usd,
        "total_withdrawn_usd": player.withdrawn_usd,
        "exposure_usd": money.half_up(player.exposure_usd),
    }


def _scoring(player: Player) -> dict[str, Any]:
    newest = PlayerScore.objects.filter(player=player).order_by("-evaluated_at", "-id").first()
    components = newest.components if newest else {}
    names = ("win_rate", "edge_detection", "timing", "volume_pattern", "correlation")
    return {
        "score": newest.score if newest else 0,
        "tier": player.tier,
        "components": {f"{name}_score": components.get(name, {}).get("score", 0) for name in names},
        "flags": newest.flags if newest else [],
        "last_evaluated_at": clock.seconds(newest.evaluated_at) if newest else None,
    }
