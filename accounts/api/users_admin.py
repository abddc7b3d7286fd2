"""What staff do to a user of God Mode: change tier, status, limits and restrictions; adjust the balance."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries
from accounts.api import users
from accounts.models import Player
from accounts.services import adjustments
from operators.models import CATEGORIES
from predictu import clock
from predictu.api.fields import IdField, InstantField, NumberField, TextField
from predictu.api.views import DataView
from predictu.errors import ValidationFailed
from predictu.platform import approvals
from predictu.platform.models import Approval
from risk.services import users as user_service
from trading.queries import markets

_MOST_MARKETS = 1_000


class RestrictionsBody(serializers.Serializer):
    max_bet_usd = NumberField(places=2, least=0, most=10**9, required=False, allow_null=True)
    allowed_categories = serializers.ListField(
        child=serializers.ChoiceField(CATEGORIES), required=False, allow_null=True
    )
    blocked_categories = serializers.ListField(child=serializers.ChoiceField(CATEGORIES), required=False)
    blocked_markets = serializers.ListField(child=IdField("mkt"), required=False, max_length=_MOST_MARKETS)
    cooldown_until = InstantField(required=False, allow_null=True)


class UserBody(serializers.Serializer):
    tier = serializers.ChoiceField(Player.Tier.values, required=False)
    tier_expires_at = InstantField(required=False, allow_null=True)
    status = serializers.ChoiceField(Player.Status.values, required=False)
    limit_tier = serializers.ChoiceField(Player.LimitTier.values, required=False)
    restrictions = RestrictionsBody(required=False)
    reason = TextField(max_length=1000)


class AdjustmentBody(serializers.Serializer):
    amount_usd = NumberField(places=2, least=-(10**9), most=10**9)
    reason = TextField(max_length=1000)

    def validate_amount_usd(self, value: Decimal) -> Decimal:
        if not value:
            raise serializers.ValidationError("must not be 0")
        return value


class UserView(users.UserView):
    permissions = {"PATCH": "accounts.manage_users"}

    @extend_schema(request=UserBody)
    def patch(self, request: Request, user_id: str) -> Response:
        """Change tier, status, limits or restrictions of a user, with a reason."""
        player = queries.by_id(user_id)
        body = self.body(UserBody)
        reason, now = body.pop("reason"), clock.now()
        changes = body | body.pop("restrictions", {})
        _check(changes, player, now)
        user_service.change_by_staff(player_id=player.id, changes=changes, actor=self.admin, reason=reason, now=now)
        return self.answer(users.detail(queries.by_id(user_id)))


class AdjustmentsView(DataView):
    """Money given or taken by hand; 202 where it waits for a second admin."""

    permissions = {"POST": adjustments.PERMISSION}

    @extend_schema(request=AdjustmentBody)
    def post(self, request: Request, user_id: str) -> Response:
        player = queries.by_id(user_id)
        body = self.body(AdjustmentBody)
        done = adjustments.request(
            player_id=player.id,
            amount_usd=body["amount_usd"],
            reason=body["reason"],
            actor=self.admin,
            now=clock.now(),
        )
        if isinstance(done, Approval):
            return self.answer(approvals.waiting(done), status=202)
        return self.answer({**queries.ledger_entry(done.entry), "balance_usd": done.balance_usd}, status=201)


def _check(changes: dict[str, Any], player: Player, now: Any) -> None:
    problems: dict[str, list[str]] = {}
    unknown = markets.unknown(changes.get("blocked_markets", ()))
    if unknown:
        problems["restrictions.blocked_markets"] = [f"unknown: {', '.join(unknown)}"]
    expires = changes.get("tier_expires_at")
    if expires is not None and expires <= now:
        problems["tier_expires_at"] = ["must lie in the future"]
    if expires is not None and "tier" not in changes and player.tier_set_by != Player.Actor.STAFF:
        problems["tier_expires_at"] = ["needs a tier set with it: nobody has set this user's"]
    if problems:
        raise ValidationFailed(details=problems)
