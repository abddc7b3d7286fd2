"""Where risk stands: breakers, exposure, flagged users, the score and the five walls."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from predictu import money
from predictu.platform import config
from risk import health, queries, walls
from risk.models import Scope
from risk.queries import Snapshot
from trading.queries import trades


def overview(*, now: datetime) -> dict[str, Any]:
    """Where risk stands: breakers, exposure, flagged users, score and the five walls."""
    found = queries.snapshot(config.current(), markets=1)
    tripped, flagged = queries.tripped_by_scope(), queries.flagged_by_tier()
    refused = queries.violations(now=now)
    statuses = wall_statuses(found, refused)
    whole = found.whole
    score = health.risk_score(
        health.Standing(
            global_utilisation_pct=whole.utilisation_pct,
            category_utilisations_pct=tuple(
                held.utilisation_pct for held in found.of(Scope.CATEGORY) if held.exposure_usd
            ),
            tripped_breakers=sum(tripped.values()),
            flagged_users=sum(flagged.values()),
            active_users_24h=trades.active_users(start=now - timedelta(hours=24), end=now),
        )
    )
    return {
        "status": health.status(
            global_tripped=bool(tripped.get(Scope.GLOBAL)), any_tripped=bool(tripped), walls=statuses.values()
        ),
        "circuit_breakers": {
            "global_active": bool(tripped.get(Scope.GLOBAL)),
            "market_breakers": tripped.get(Scope.MARKET, 0),
            "category_breakers": tripped.get(Scope.CATEGORY, 0),
            "operator_breakers": tripped.get(Scope.OPERATOR, 0),
        },
        "exposure_summary": {
            "total_usd": money.half_up(whole.exposure_usd),
            "limit_usd": whole.limit_usd,
            "utilization_pct": money.rounded(whole.utilisation_pct, 1),
        },
        "sharp_bettors": {
            "flagged_count": flagged.get("sharp", 0),
            "restricted_count": flagged.get("restricted", 0),
            "banned_count": flagged.get("banned", 0),
        },
        "recent_events_count": queries.recent_events(now=now),
        "risk_score": score,
        "risk_level": health.risk_level(score),
        "walls": {
            f"wall_{wall}_{name}": {"status": statuses[wall], "violations_24h": refused[wall]}
            for wall, name in walls.WALL_NAMES.items()
        },
    }


def wall_statuses(found: Snapshot, refused: Mapping[int, int]) -> dict[int, str]:
    """By wall, its colour."""
    fullest: dict[int, list[Decimal]] = {wall: [] for wall in walls.WALL_NAMES}
    for held in found.held:
        fullest[walls.WALL_OF[held.scope]].append(held.utilisation_pct)
    return {
        wall: health.wall_1_status(refused[wall]) if wall == 1 else health.wall_status(fullest[wall])
        for wall in walls.WALL_NAMES
    }
