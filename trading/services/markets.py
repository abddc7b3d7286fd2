"""Markets as trades meet them: whether one can be traded now, why not, and what staff may change about that."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import AdminUser
from predictu.errors import Conflict, NotFound
from predictu.platform import activity, audit, files
from risk.models import Scope
from risk.services import breakers
from trading import catalogue
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


def by_id(market_id: str, *, held: bool = False) -> Market:
    """The market, its row held when asked. Raises NotFound."""
    found = Market.objects.select_for_update(no_key=True) if held else Market.objects.all()
    market = found.filter(pk=market_id).first()
    if market is None:
        raise NotFound("No such market")
    return market


@transaction.atomic
def pause(*, market_id: str, reason: str, actor: AdminUser, now: datetime) -> Market:
    """Stop trading until staff resume it, whatever the source says. Raises NotFound, Conflict once it is over."""
    return _switch(market_id, paused=True, reason=reason, actor=actor, now=now)


@transaction.atomic
def resume(*, market_id: str, reason: str, actor: AdminUser, now: datetime) -> Market:
    """Take staff's pause back; the market trades again if the source lets it. Raises NotFound, Conflict."""
    return _switch(market_id, paused=False, reason=reason, actor=actor, now=now)


def _switch(market_id: str, *, paused: bool, reason: str, actor: AdminUser, now: datetime) -> Market:
    market = _changeable(market_id)
    if market.paused_by_staff == paused:
        raise Conflict("Staff have paused it already" if paused else "It is not paused by staff")
    before = market.status
    market.paused_by_staff = paused
    market.status = catalogue.status_of(market)
    market.status_reason, market.updated_at = reason if paused else "", now
    market.save(update_fields=["paused_by_staff", "status", "status_reason", "updated_at"])
    _tell(
        market,
        action="pause" if paused else "resume",
        title="Market paused" if paused else "Market resumed",
        changes={
            "paused_by_staff": {"from": not paused, "to": paused},
            "status": {"from": before, "to": market.status},
        },
        reason=reason,
        actor=actor,
        now=now,
    )
    return market


@transaction.atomic
def override(*, market_id: str, value: str, reason: str, actor: AdminUser, now: datetime) -> Market:
    """Let it trade or block it whatever the selection filter says; "" goes back to the filter. Survives every sync.

    Raises NotFound, Conflict once it is over.
    """
    market = _changeable(market_id)
    before, market.override, market.updated_at = market.override, value, now
    market.save(update_fields=["override", "updated_at"])
    _tell(
        market,
        action="override",
        title="Market selection overridden" if value else "Market selection left to the filter",
        changes={"override": {"from": before or None, "to": value or None}},
        reason=reason,
        actor=actor,
        now=now,
    )
    return market


@transaction.atomic
def set_image(*, market_id: str, file_id: str | None, actor: AdminUser, now: datetime) -> Market:
    """Show an uploaded market image instead of the source's; None goes back to it. Survives every sync.

    Raises NotFound, ValidationFailed for what is no market image.
    """
    image = files.of_category(file_id, files.Category.MARKET_IMAGE) if file_id else None
    market = by_id(market_id, held=True)
    before, market.image, market.updated_at = market.image_id, image, now
    market.save(update_fields=["image", "updated_at"])
    if before != market.image_id:
        audit.record(
            actor=actor,
            action="market.image",
            object_type="market",
            object_id=market.id,
            changes={"image": {"from": before, "to": market.image_id}},
            now=now,
        )
    return market


def _changeable(market_id: str) -> Market:
    """The market held under its bucket, so that the change binds the very next trade."""
    by_id(market_id)
    breakers.hold_bucket(Scope.MARKET, market_id)
    market = by_id(market_id, held=True)
    if market.is_over:
        raise Conflict(f"The market is {market.status}")
    return market


def _tell(
    market: Market,
    *,
    action: str,
    title: str,
    changes: dict[str, Any],
    reason: str,
    actor: AdminUser,
    now: datetime,
) -> None:
    audit.record(
        actor=actor,
        action=f"market.{action}",
        object_type="market",
        object_id=market.id,
        changes=changes,
        reason=reason,
        now=now,
    )
    activity.record(
        type="risk_event",
        title=title,
        description=f"{{{market.id}}}: {reason}",
        market_id=market.id,
        metadata={"admin_id": actor.id},
        now=now,
    )
