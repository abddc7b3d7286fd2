"""The review queue: who the score has flagged, the evidence on each, and the verdict staff give with a reason."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import Truncator

from accounts.models import Player
from operators.models import Operator
from predictu import clock, ids, shown
from predictu.admin_acts import answer
from predictu.admin_base import page_of, url_of
from predictu.admin_tables import NONE, Table, link
from risk import score_chart
from risk.admin import review_acts
from risk.models import PlayerScore
from risk.scoring import SCALES
from risk.services import reviews, scores
from trading.queries import evidence

_MOST = 50
_WATCHED = 10
_CLOSE = 5
_BUYS, _COMPANY, _SCORES = 20, 10, 200
_TITLE = 36
_BEST = F("score").desc(nulls_last=True)
_page: Any = admin.site.page  # type: ignore[attr-defined]


@_page("risk/review/", name="risk_review_queue")
def review_queue(request: HttpRequest) -> HttpResponse:
    """Everyone who waits for a verdict, highest scores first, and what staff have decided so far."""
    now = clock.now()
    flagged = {row["player_id"]: row for row in reviews.waiting()}
    chosen = Player.objects.real().select_related("operator")
    queue = list(chosen.filter(pk__in=flagged).order_by(_BEST, "id")[:_MOST])
    decided = chosen.filter(tier_set_by=Player.Actor.STAFF)
    context = {
        "title": "Review queue",
        "now": now,
        "cards": _cards(len(flagged), decided),
        "queue": _queue(queue, flagged),
        "decided": _decided(list(decided.order_by("tier_expires_at", _BEST, "id")[:_MOST]), decided.count()),
        "watched": _watched(chosen),
    }
    return admin.site.render(request, "admin/risk_review_queue.html", context)  # type: ignore[attr-defined]


@_page("risk/review/<str:player_id>/", name="risk_review")
def review(request: HttpRequest, player_id: str) -> HttpResponse:
    """The evidence on one user and what can be decided."""
    player, now = _player(player_id), clock.now()
    found = list(PlayerScore.objects.filter(player=player).order_by("-evaluated_at", "-id")[:_SCORES])
    newest = found[0] if found else None
    history = [(row.evaluated_at, row.score) for row in reversed(found)]
    company = evidence.company(player.id, now=now, most=_COMPANY)
    context = {
        "title": f"Review of {player.id}",
        "now": now,
        "player": player,
        "case_file": url_of(Player, player.pk),
        "operator_url": url_of(Operator, player.operator_id),
        "acts": review_acts.offered(request.user, player),
        "flags": [(row, page_of(row.id)) for row in reviews.flags_of(player.id)],
        "standing": _standing(player),
        "chart": score_chart.chart(history, thresholds=scores.thresholds()),
        "newest": newest,
        "score_flags": [flag.replace("_", " ") for flag in newest.flags] if newest is not None else [],
        "components": _components(newest),
        "buys": _buys(evidence.driving(player.id, now=now, most=_BUYS)),
        "company": _company(company),
    }
    return admin.site.render(request, "admin/risk_review.html", context)  # type: ignore[attr-defined]


@_page("risk/review/<str:player_id>/<slug:name>/", name="risk_review_act")
def decide(request: HttpRequest, player_id: str, name: str) -> HttpResponse:
    """A verdict: asked for, counted, given."""
    player = _player(player_id)
    act = next((each for each in review_acts.ACTS if each.name == name), None)
    if act is None:
        raise Http404
    return answer(request, admin.site, act, player, back=reverse("admin:risk_review", args=[player.id]))


def _player(player_id: str) -> Player:
    found = Player.objects.select_related("operator").filter(pk=player_id) if ids.is_one("usr", player_id) else None
    player = found.first() if found is not None else None
    if player is None:
        raise Http404
    return player


def _cards(waiting: int, decided: Any) -> list[dict[str, str]]:
    tiers = {
        tier: Player.objects.real().filter(tier=tier).count()
        for tier in (Player.Tier.SHARP, Player.Tier.RESTRICTED, Player.Tier.BANNED)
    }
    ending = decided.filter(tier_expires_at__isnull=False).count()
    return [
        {"title": "Waiting", "figure": f"{waiting:,}", "more": "users flagged by the score without a verdict"},
        {"title": "Sharp", "figure": f"{tiers[Player.Tier.SHARP]:,}", "more": "users in this tier"},
        {"title": "Restricted", "figure": f"{tiers[Player.Tier.RESTRICTED]:,}", "more": "users in this tier"},
        {
            "title": "Banned",
            "figure": f"{tiers[Player.Tier.BANNED]:,}",
            "more": f"users in this tier; verdicts with an end: {ending:,}",
        },
    ]


def _open(player_id: str) -> Any:
    """A link with as much of the id as tells users apart on one page."""
    return link(reverse("admin:risk_review", args=[player_id]), f"usr_…{player_id[-8:]}")


def _tier(player: Player) -> str:
    return f"{player.tier}, by {'staff' if player.tier_set_by == Player.Actor.STAFF else 'the score'}"


def _queue(players: Sequence[Player], flagged: dict[str, Any]) -> Table:
    total = len(flagged)
    newest = {
        row.player_id: row
        for row in PlayerScore.objects.filter(player__in=players)
        .order_by("player_id", "-evaluated_at", "-id")
        .distinct("player_id")
    }
    rows = []
    for player in players:
        score = newest.get(player.id)
        why = score.recommendations[0] if score is not None and score.recommendations else NONE
        rows.append(
            (_open(player.id), player.operator.name, NONE if player.score is None else player.score, _tier(player),
             why, shown.amount(player.realized_pnl_usd), f"{flagged[player.id]['since']:%Y-%m-%d %H:%M}")
        )  # fmt: skip
    return Table(
        title="Waiting for a verdict",
        heads=("User", "Operator", ">Score", "Tier", "~Why", ">Result, USD", "Since, UTC"),
        rows=rows,
        empty="Nobody waits.",
        more=f"The {len(players)} with the highest scores of {total:,}." if total > len(players) else "",
    )


def _decided(players: Sequence[Player], total: int) -> Table:
    return Table(
        title="Decided by staff",
        heads=("User", "Operator", "Tier", "Until", ">Score"),
        rows=[
            (_open(player.id), player.operator.name, player.tier,
             f"{shown.instant(player.tier_expires_at)} UTC" if player.tier_expires_at else "staff lift it",
             NONE if player.score is None else player.score)
            for player in players
        ],
        empty="Nobody's tier was set by staff.",
        more=f"The first {len(players)} of {total:,}, those that end soonest." if total > len(players) else "",
    )  # fmt: skip


def _watched(players: Any) -> Table:
    bound = scores.thresholds().sharp
    close = players.filter(
        tier=Player.Tier.NORMAL, tier_set_by=Player.Actor.SYSTEM, score__gte=bound - _CLOSE, score__lt=bound
    ).order_by("-score", "id")[:_WATCHED]
    return Table(
        title=f"Just below the threshold of {bound}",
        heads=("User", "Operator", ">Score", ">Volume, USD", ">Result, USD"),
        rows=[
            (_open(player.id), player.operator.name, player.score, shown.amount(player.volume_usd),
             shown.amount(player.realized_pnl_usd))
            for player in close
        ],
    )  # fmt: skip


def _standing(player: Player) -> list[tuple[str, Any]]:
    until = f"{shown.instant(player.tier_expires_at)} UTC" if player.tier_expires_at else "no end is set"
    return [
        ("Operator", link(url_of(Operator, player.operator_id), player.operator.name)),
        ("Tier", _tier(player)),
        *([("Decided until", until)] if player.tier_set_by == Player.Actor.STAFF else []),
        ("Status", player.status),
        ("Bet limit by staff, USD", "none" if player.max_bet_usd is None else shown.amount(player.max_bet_usd)),
        ("Volume, USD", f"{shown.amount(player.volume_usd)} in {shown.counted(player.trade_count, 'trade')}"),
        ("Result, USD", shown.amount(player.realized_pnl_usd)),
        ("Balance, USD", shown.amount(player.balance_usd)),
        ("Registered", f"{shown.instant(player.created_at)} UTC"),
    ]


def _components(newest: PlayerScore | None) -> Table:
    found = newest.components if newest is not None else {}
    return Table(
        title="What the score is made of",
        heads=("Component", ">Points", ">Of", ">Value", "~In words"),
        rows=[
            (name.replace("_", " ").capitalize(), part["score"], part["max"],
             NONE if part["value"] is None else part["value"], part["detail"])
            for name, part in ((name, found[name]) for name in SCALES if name in found)
        ],
        empty="Not evaluated yet.",
    )  # fmt: skip


def _buys(found: Sequence[evidence.Buy]) -> Table:
    return Table(
        title="The trades that drove it",
        heads=(
            *("Trade", "Placed, UTC", "Market", "Bought at", ">Closed at", ">Cost, USD", ">Line gained, USD"),
            *("Moved in 5 min", ">Result, USD"),
        ),
        rows=[
            (
                link(page_of(buy.id), f"…{buy.id[-6:]}"),
                f"{buy.placed_at:%m-%d %H:%M:%S}",
                link(page_of(buy.market_id), Truncator(buy.title).chars(_TITLE)),
                f"{buy.outcome.upper()} {buy.price}",
                NONE if buy.closing_mid is None else buy.closing_mid,
                shown.amount(buy.cost_usd),
                NONE if buy.gained_usd is None else shown.amount(buy.gained_usd),
                "yes" if buy.followed else "no",
                NONE if buy.pnl_usd is None else shown.amount(buy.pnl_usd),
            )
            for buy in found
        ],
        empty="No buys yet.",
        more="First what a move of three points followed, then what the line gained most for until it closed.",
    )


def _company(found: Sequence[evidence.Company]) -> Table:
    return Table(
        title="Accounts that bet together with this one",
        heads=("User", "Operator", "Tier", ">Score", ">Buys matched", ">Share", "Last, UTC"),
        rows=[
            (_open(other.player_id), other.operator, other.tier, NONE if other.score is None else other.score,
             other.matched, f"{other.share * 100:.1f}%", shown.instant(other.last_at))
            for other in found
        ],
        empty="No other account with ten buys or more matched any of them within two minutes.",
        more=f"Of the newest {evidence.LOOKED_AT:,} buys at most: the same market and outcome within two minutes.",
    )  # fmt: skip
