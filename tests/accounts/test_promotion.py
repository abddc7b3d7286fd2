"""Who the daily promotion reaches: old and busy enough, where it is on, and nobody someone has decided about."""

from datetime import timedelta

import pytest

from accounts.services import promotion
from tests.factories import make_operator, make_player, now

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("terms", "change", "tier"),
    [
        ({}, {}, "regular"),
        ({}, {"trade_count": 4}, "new"),
        ({}, {"created_at": now() - WEEK + timedelta(hours=1)}, "new"),
        ({}, {"limit_tier_set_by": "staff"}, "new"),
        ({}, {"limit_tier": "vip"}, "vip"),
        ({"auto_promote_enabled": False}, {}, "new"),
        ({"auto_promote_trades": 6}, {}, "new"),
        ({"auto_promote_days": 9}, {}, "new"),
    ],
)
def test_who_is_promoted(terms, change, tier):
    values = {"trade_count": 5, "created_at": now() - WEEK - timedelta(hours=1), **change}
    player = make_player(make_operator(**terms), **values)
    assert promotion.promote(now=now()) == int(tier == "regular")
    player.refresh_from_db()
    assert player.limit_tier == tier
    assert promotion.promote(now=now()) == 0
