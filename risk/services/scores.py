"""Judging players: every evaluation is kept, and a tier that the score alone decides follows it.

What staff have set stands until they release it or it expires; nobody is banned but by staff.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Player
from predictu import ids
from predictu.platform import config
from risk.models import PlayerScore
from risk.scoring import Evaluation, Features, Thresholds, evaluate
from risk.services import users

BATCH = 200

# The newest score beside everything else that is known of a player.
_COPY = """
UPDATE accounts_player AS player SET score = judged.score, score_evaluated_at = %(now)s
FROM unnest(%(players)s::uuid[], %(scores)s::smallint[]) AS judged (id, score) WHERE player.id = judged.id
"""


def thresholds() -> Thresholds:
    """The configured scores from which a user is sharp and restricted."""
    settings = config.current()
    return Thresholds(
        sharp=int(settings["risk.sharp_score_threshold"]), restricted=int(settings["risk.restricted_score_threshold"])
    )


def judge(features: Mapping[str, Features], *, now: datetime) -> int:
    """Evaluate every player in ``features``, keep it, and let tiers follow; how many players."""
    bounds = thresholds()
    ordered = sorted(features)
    for start in range(0, len(ordered), BATCH):
        batch = ordered[start : start + BATCH]
        judged = {
            player_id: evaluate(features=features[player_id], user_id=player_id, thresholds=bounds)
            for player_id in batch
        }
        _keep(judged, now)
    return len(ordered)


@transaction.atomic
def _keep(judged: Mapping[str, Evaluation], now: datetime) -> None:
    found = Player.objects.select_for_update(no_key=True).filter(pk__in=judged).order_by("pk")
    players = list(found)
    PlayerScore.objects.bulk_create([_row(player, judged[player.id], now) for player in players])
    scores = [judged[player.id].score for player in players]
    with connection.cursor() as cursor:
        cursor.execute(_COPY, {"players": [_bare(player) for player in players], "scores": scores, "now": now})
    for player, score in zip(players, scores, strict=True):
        player.score, player.score_evaluated_at = score, now
        if _follow(player, judged[player.id], now):
            player.save(update_fields=["tier", "tier_set_by", "tier_expires_at"])


def _bare(player: Player) -> UUID:
    return ids.decode("usr", player.id)


def _row(player: Player, judged: Evaluation, now: datetime) -> PlayerScore:
    return PlayerScore(
        player=player,
        score=judged.score,
        tier=judged.tier,
        components={
            name: {
                "score": component.score,
                "max": component.max,
                "value": None if component.value is None else float(component.value),
                "detail": component.detail,
            }
            for name, component in judged.components.items()
        },
        flags=list(judged.flags),
        recommendations=list(judged.recommendations),
        sample_size=judged.sample_size,
        confidence=judged.confidence.quantize(Decimal("0.0001")),
        evaluated_at=now,
    )


def _follow(player: Player, judged: Evaluation, now: datetime) -> bool:
    """Let the tier follow the score where nobody has decided otherwise; whether anything of it changed."""
    is_scorings = player.tier_set_by == Player.Actor.SYSTEM
    if not config.current()["features.sharp_detection"] or not _is_free(player, now):
        return False
    before, player.tier = player.tier, judged.tier
    player.tier_set_by, player.tier_expires_at = Player.Actor.SYSTEM, None
    if player.tier == before:
        return not is_scorings
    users.tier_changed(player, previous=before, by="the score", now=now)
    return True


def _is_free(player: Player, now: datetime) -> bool:
    if player.tier_set_by == Player.Actor.SYSTEM:
        return True
    return player.tier_expires_at is not None and player.tier_expires_at <= now


def history(player: Player) -> list[dict[str, Any]]:
    """The last evaluation of each ISO week, the 12 newest, newest first."""
    weeks: dict[tuple[int, int], dict[str, Any]] = {}
    found = PlayerScore.objects.filter(player=player).order_by("-evaluated_at", "-id")
    for score, at in found.values_list("score", "evaluated_at").iterator(chunk_size=500):
        year, week, _ = at.isocalendar()
        weeks.setdefault((year, week), {"date": f"{at:%Y-%m-%d}", "score": score})
        if len(weeks) == 12:
            break
    return list(weeks.values())
