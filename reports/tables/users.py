"""Users who signed up in a period, as they stand now; test users left out."""

from dataclasses import dataclass
from typing import Any

from django.db.models import DecimalField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import NullIf, Round

from accounts import queries
from accounts.models import Player
from reports.formats.tables import Kind
from reports.tables.base import QueryTable, column
from reports.tables.filters import Wanted, choice, operator

_RATIO = DecimalField(max_digits=9, decimal_places=4)
_WIN_RATE = Round(
    ExpressionWrapper(
        F("winning_count") * Value(1, output_field=_RATIO) / NullIf(F("resolved_count"), Value(0)), output_field=_RATIO
    ),
    precision=4,
)


@dataclass(frozen=True, kw_only=True)
class UsersTable(QueryTable):
    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        found = queries.PlayerFilter(
            operator_id=wanted.operator.id if wanted.operator else None, tier=wanted["tier"], status=wanted["status"]
        )
        period = queries.matching(found).filter(created_at__gte=wanted.start, created_at__lt=wanted.end)
        return period.order_by("-created_at", "-id")


TABLE = UsersTable(
    type="users",
    title="Users",
    columns=(
        column("id", Kind.ID),
        column("external_id", Kind.TEXT),
        column("username", Kind.TEXT),
        column("email", Kind.TEXT),
        column("operator_slug", Kind.TEXT, "Operator"),
        column("operator_name", Kind.TEXT),
        column("tier", Kind.TEXT),
        column("status", Kind.TEXT),
        column("balance_usd", Kind.MONEY),
        column("trade_count", Kind.INTEGER, "Trades"),
        column("volume_usd", Kind.MONEY),
        column("pnl_usd", Kind.MONEY),
        column("win_rate", Kind.RATIO),
        column("score", Kind.INTEGER),
        column("open_positions", Kind.INTEGER),
        column("last_active_at", Kind.INSTANT),
        column("created_at", Kind.INSTANT),
    ),
    personal=frozenset({"external_id", "username", "email"}),
    filters={"operator": operator, "tier": choice(*Player.Tier.values), "status": choice(*Player.Status.values)},
    sources={
        "operator_slug": "operator__slug",
        "operator_name": "operator__name",
        "pnl_usd": "realized_pnl_usd",
        "win_rate": _WIN_RATE,
        **{
            name: name
            for name in (
                "id external_id username email tier status balance_usd trade_count volume_usd score open_positions "
                "last_active_at created_at"
            ).split()
        },
    },
)
