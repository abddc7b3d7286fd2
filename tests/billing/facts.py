"""Revenue facts for billing tests, written straight into the table."""

from datetime import UTC, datetime
from decimal import Decimal

from tests.factories import make_market, make_player
from trading.models import RevenueFact


def at(year, month, day=1, hour=0, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def earn(
    player, when, *, spread="0", fee="0", settlement="0", share="30", volume="0", trades=1, market=None, **changes
):
    """One fact of a player's."""
    return RevenueFact.objects.create(
        **{
            "at": when,
            "kind": "trade",
            "operator_id": player.operator_id,
            "player": player,
            "market": market or make_market(),
            "category": "crypto",
            "share_pct": Decimal(share),
            "spread_usd": Decimal(spread),
            "fee_usd": Decimal(fee),
            "settlement_fee_usd": Decimal(settlement),
            "volume_usd": Decimal(volume),
            "trade_count": trades,
            **changes,
        }
    )


def february(operator, *, players=3):
    """The documents' month: 14,200 of spread and 4,000 of fees, 8,420 trades of 182,000 in all, by several players."""
    market = make_market()
    crowd = [make_player(operator) for _ in range(players)]
    earn(crowd[0], at(2026, 2, 1), spread="14199.99", fee="3999.99", volume="181000", trades=8418, market=market)
    earn(crowd[1], at(2026, 2, 14, 12), spread="0.01", fee="0", volume="500", market=market)
    earn(crowd[2], at(2026, 2, 28, 23, 59), spread="0", fee="0.01", volume="500", market=market)
    return crowd
