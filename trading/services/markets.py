"""Markets as trades meet them: whether one can be traded now, and why not."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from trading.models import Market


def trade_reasons(market: Any, *, side: str, now: datetime) -> list[str]:
    """Why a market cannot be traded now, as codes; empty when it can. Takes a row or a model.

    The selection filter's stored reasons unless staff overrode them; then status, a price younger than 60 s, and the
    pause of buys after a jump of the mid.
    """
    if market.status != Market.Status.ACTIVE:
        return [f"market_{market.status}"]
    reasons: list[str] = []
    if market.override == Market.Override.BLOCKED:
        reasons.append("blocked_by_staff")
    elif not market.tradeable and market.override != Market.Override.TRADEABLE:
        reasons += [reason["code"] for reason in market.untradeable_reasons] or ["not_selected"]
    oldest = now - timedelta(seconds=settings.PREDICTU_PRICE_MAX_AGE_SECONDS)
    if market.yes_mid is None:
        reasons.append("no_price")
    elif market.priced_at is None or market.priced_at <= oldest:
        reasons.append("price_too_old")
    if side == "buy" and market.buys_paused_until is not None and now < market.buys_paused_until:
        reasons.append("buys_paused")
    return list(dict.fromkeys(reasons))
