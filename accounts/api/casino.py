"""The Casino API's users: registration, what an operator may change, money in and out, the ledger."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries
from accounts.api import users
from accounts.models import LedgerEntry, Player
from accounts.services import players
from operators import calls
from operators.models import Operator, TransactionReference
from predictu import clock, ids
from predictu.api.fields import AmountField, InstantField, TextField
from predictu.api.views import DataView
from predictu.errors import BadRequest


class RegisterBody(serializers.Serializer):
    external_id = TextField(max_length=128)
    username = TextField(max_length=100)
    email = serializers.EmailField(required=False, allow_null=True, max_length=254)
    channel = TextField(required=False, max_length=64, allow_blank=True)


class ChangeBody(serializers.Serializer):
    username = TextField(required=False, max_length=100)
    email = serializers.EmailField(required=False, allow_null=True, max_length=254)
    limit_tier = serializers.ChoiceField(Player.LimitTier.values, required=False)
    status = serializers.ChoiceField(["active", "suspended"], required=False)
    self_excluded_until = InstantField(required=False)


class MoneyBody(serializers.Serializer):
    amount_usd = AmountField()
    reference = TextField(required=False, max_length=128)
    transaction_id = TextField(required=False, max_length=128)


def user_row(player: Player) -> dict[str, Any]:
    """A user as its operator sees it: nothing of Predictu's opinion of it."""
    return {
        "id": player.id,
        "external_id": player.external_id,
        "username": player.username,
        "email": player.email,
        "channel": player.channel,
        "status": player.status,
        "limit_tier": player.limit_tier,
        "is_test": player.is_test,
        "balance_usd": player.balance_usd,
        "debt_usd": player.debt_usd,
        "pnl_usd": player.realized_pnl_usd,
        "trade_count": player.trade_count,
        "open_positions": player.open_positions,
        "self_excluded_until": clock.seconds(player.self_excluded_until),
        "last_active_at": clock.seconds(player.last_active_at),
        "created_at": clock.seconds(player.created_at),
    }


class UsersView(DataView):
    @extend_schema(request=RegisterBody)
    def post(self, request: Request) -> Response:
        """Register a user; the same ``external_id`` again answers the user there is (200)."""
        body = self.body(RegisterBody)
        player, created = players.register(
            operator_id=self.operator.id,
            external_id=body["external_id"],
            username=body["username"],
            email=body.get("email"),
            channel=body.get("channel", ""),
            now=clock.now(),
        )
        return self.answer(user_row(player), status=201 if created else 200)


class UserView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """One of your users."""
        return self.answer(user_row(queries.by_id(user_id, self.operator)))

    @extend_schema(request=ChangeBody)
    def patch(self, request: Request, user_id: str) -> HttpResponse:
        """Change a user: only what is named changes; self-exclusion can only be prolonged."""
        queries.by_id(user_id, self.operator)
        body, now = self.body(ChangeBody), clock.now()

        def act() -> tuple[int, Any]:
            changed = players.change_by_operator(operator_id=self.operator.id, player_id=user_id, changes=body, now=now)
            return 200, user_row(changed)

        return calls.once(request, "user", act=act, now=now)


class UserLedgerView(DataView):
    def get(self, request: Request, user_id: str) -> Response:
        """A user's ledger, newest first."""
        return Response(users.ledger_list(self.query, queries.by_id(user_id, self.operator)))


class MoneyView(DataView):
    """A deposit or a withdrawal, as the route says."""

    kind = ""

    @extend_schema(request=MoneyBody)
    def post(self, request: Request, user_id: str) -> HttpResponse:
        call = calls.call_of(request, self.kind)
        queries.by_id(user_id, self.operator)
        body, now = self.body(MoneyBody), clock.now()

        def act() -> tuple[int, Any]:
            moved = players.move_money(
                operator_id=self.operator.id,
                player_id=user_id,
                kind=self.kind,
                amount_usd=body["amount_usd"],
                key=call.key,
                reference=body.get("reference"),
                transaction_id=body.get("transaction_id"),
                actor=f"operator:{self.operator.id}",
                now=now,
            )
            return 201, {**queries.ledger_entry(moved.entry), "balance_usd": moved.balance_usd}

        return calls.once(request, self.kind, act=act, now=now)


class TransactionsView(DataView):
    """The rows of one of the operator's own references."""

    def get(self, request: Request) -> Response:
        wanted = self.query.text("transaction_id", longest=128)
        if wanted is None:
            raise BadRequest("transaction_id is required", details={"transaction_id": ["is required"]})
        found = TransactionReference.objects.filter(operator=self.operator, transaction_id=wanted).first()
        if found is None:
            return self.answer([])
        entries = LedgerEntry.objects.filter(player__operator=self.operator)
        if found.object_id.startswith("ldg_"):
            entries = entries.filter(pk=found.object_id)
        else:
            entries = entries.filter(reference_id=found.object_id)
        return self.answer([queries.ledger_entry(entry) for entry in entries.order_by("id")])


class StatementView(DataView):
    """Counts and sums by ledger type of one UTC day, for reconciliation."""

    def get(self, request: Request) -> Response:
        day = self.query.instant("date", _bare_day)
        if day is None:
            raise BadRequest("date is required", details={"date": ["is required"]})
        return self.answer(
            {"date": f"{day:%Y-%m-%d}", "operator_slug": self.operator.slug, "rows": statement(self.operator, day)}
        )


def _bare_day(text: str) -> datetime:
    date.fromisoformat(text)
    return clock.parse(text)


_STATEMENT = """
SELECT entry.type, count(*), sum(entry.amount_usd)
FROM accounts_ledgerentry entry JOIN accounts_player player ON player.id = entry.player_id
WHERE player.operator_id = %s AND entry.created_at >= %s AND entry.created_at < %s
  AND entry.id >= %s AND entry.id < %s
GROUP BY entry.type ORDER BY entry.type
"""


def statement(operator: Operator, day: datetime) -> list[dict[str, Any]]:
    """By type: how many ledger rows and their sum. The ids bound the scan, since they begin with the instant."""
    end = day + timedelta(days=1)
    bounds = [ids.first(day - timedelta(minutes=5)), ids.first(end + timedelta(minutes=5))]
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [ids.decode("op", operator.pk), day, end, *bounds])
        return [{"type": kind, "count": count, "sum_usd": total} for kind, count, total in cursor.fetchall()]
