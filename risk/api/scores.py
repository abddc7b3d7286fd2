"""Scores of God Mode: a user's in detail, and everyone who is sharp or above."""

from decimal import Decimal
from typing import Any

from django.db.models import Case, DecimalField, F, OuterRef, QuerySet, Subquery, Value, When
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries as accounts
from accounts.models import Player
from operators import queries as operators
from predictu import clock, money
from predictu.api import lists, pages
from predictu.api.views import DataView, Nothing
from predictu.platform import config
from risk import scoring
from risk.models import PlayerScore
from risk.services import scores
from trading.services import decisions, evaluations

_SORTS = {"score": "score", "pnl": "realized_pnl_usd", "volume": "volume_usd", "win_rate": "rate"}
_FLAGGED = ("sharp", "restricted", "banned")


class UserScoreView(DataView):
    """GET shows the newest evaluation; POST makes one now."""

    permissions = {"POST": "risk.manage"}

    def get(self, request: Request, user_id: str) -> Response:
        """A user's newest score, its components and history."""
        return self.answer(score_of(accounts.by_id(user_id)))

    def post(self, request: Request, user_id: str) -> Response:
        """Judge a user now."""
        self.body(Nothing)
        player = accounts.by_id(user_id)
        evaluations.evaluate([player.id], now=clock.now())
        player.refresh_from_db()
        return self.answer(score_of(player))


def score_of(player: Player) -> dict[str, Any]:
    """The documented breakdown; a user never judged has nothing to show but zeros."""
    newest = PlayerScore.objects.filter(player=player).order_by("-evaluated_at", "-id").first()
    empty = {
        name: {"score": 0, "max": scale.points, "value": None, "detail": "Not evaluated yet"}
        for name, scale in scoring.SCALES.items()
    }
    return {
        "user_id": player.id,
        "score": newest.score if newest else 0,
        "tier": player.tier,
        "tier_thresholds": scores.thresholds().block(),
        "components": newest.components if newest else empty,
        "history": scores.history(player),
        "flags": newest.flags if newest else [],
        "recommendations": newest.recommendations if newest else [],
        "confidence": newest.confidence if newest else 0,
        "sample_size": newest.sample_size if newest else 0,
        "last_evaluated_at": clock.seconds(newest.evaluated_at) if newest else None,
    }


class SharpBettorsView(DataView):
    def get(self, request: Request) -> Response:
        """Users who are sharp, restricted or banned, highest score first."""
        tier = self.query.choice("tier", _FLAGGED)
        operator = operators.of_query(self.query)
        sort, descending = self.query.order(_SORTS, "score")
        page = pages.optional_page(self.query)
        found = _flagged().filter(tier=tier) if tier else _flagged().filter(tier__in=_FLAGGED)
        if operator is not None:
            found = found.filter(operator=operator)
        ordered = found.order_by(*lists.ordered(sort, descending=descending))
        rows = ordered if page is None else ordered[page.offset : page.offset + page.limit]
        return self.answer([_row(player) for player in rows], total=found.count())


def _flagged() -> QuerySet[Player]:
    newest = PlayerScore.objects.filter(player=OuterRef("pk")).order_by("-evaluated_at", "-id")
    rate = Case(
        When(resolved_count=0, then=Value(None)),
        default=F("winning_count") * Value(Decimal(1)) / F("resolved_count"),
        output_field=DecimalField(max_digits=20, decimal_places=10),
    )
    return (
        Player.objects.real()
        .select_related("operator")
        .annotate(rate=rate, components=Subquery(newest.values("components")[:1]))
    )


def _row(player: Any) -> dict[str, Any]:
    components = player.components or {}
    edge = components.get("edge_detection", {}).get("value")
    return {
        "user_id": player.id,
        "username": player.username,
        "operator_slug": player.operator.slug,
        "tier": player.tier,
        "score": player.score,
        "win_rate": accounts.win_rate(player.winning_count, player.resolved_count),
        "pnl_usd": player.realized_pnl_usd,
        "volume_usd": player.volume_usd,
        "trade_count": player.trade_count,
        "clv_edge": None if edge is None else money.rounded(Decimal(str(edge)), 4),
        "timing_score": components.get("timing", {}).get("score", 0),
        "restrictions": {
            "max_bet_usd": decisions.per_trade_limit(player, player.operator, player.limit_tier, config.current()),
            "blocked_categories": player.blocked_categories,
            "cooldown_until": clock.seconds(player.cooldown_until),
        },
        "last_evaluated_at": clock.seconds(player.score_evaluated_at),
    }
