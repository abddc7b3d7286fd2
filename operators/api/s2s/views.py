"""``/api/s2s/operators``: operators as their own integration document knows them."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing import queries as billing
from operators import queries
from operators.api import listing, metrics
from operators.api.fields import whole
from operators.api.s2s import rows, translate
from operators.api.s2s import serializers as bodies
from operators.errors import NoActiveKey
from operators.models import Operator
from operators.services import keys, lifecycle, pings
from predictu import clock
from predictu.api.views import ApiView
from risk.services import operator_changes

_SORTS = {
    "name": "name",
    "created": "created_at",
    "volume": lambda figures: figures.volume_usd,
    "users": lambda figures: figures.user_count,
}
_WANTED = {"active": lifecycle.ACTIVATE, "inactive": lifecycle.SUSPEND, "onboarding": lifecycle.ONBOARD}
_FURTHEST = 10**9
_RECENT = 5


class OperatorsView(ApiView):
    permissions = {"POST": "operators.manage"}

    def get(self, request: Request) -> Response:
        """List operators."""
        query = self.query
        status = query.choice("status", (*translate.STATUSES, "all"), "all")
        found = listing.matching(query.text("search"), "name", "domain")
        if status == "inactive":
            found = found.filter(suspended_at__isnull=False)
        elif status == "active":
            found = found.filter(suspended_at=None, stage=Operator.Stage.LIVE)
        elif status == "onboarding":
            found = found.filter(suspended_at=None).exclude(stage=Operator.Stage.LIVE)
        sort, descending = query.order(_SORTS, "created")
        limit = query.integer("limit", 20, least=1, most=100)
        offset = query.integer("offset", 0, least=0, most=_FURTHEST)
        shown, total = listing.page(
            found, sort=sort, descending=descending, offset=offset, limit=limit, now=clock.now()
        )
        listed = [rows.listed(*row) for row in shown]
        return Response({"operators": listed, "total": total, "limit": limit, "offset": offset})

    @extend_schema(request=bodies.S2SCreateIn)
    def post(self, request: Request) -> Response:
        """Create an operator.

        Its onboarding begins with the first of eight steps complete.
        """
        now = clock.now()
        operator, _ = operator_changes.create(values=_shared(self.body(bodies.S2SCreateIn)), actor=self.admin, now=now)
        return Response({"success": True, "operator": rows.created(operator, now)}, status=201)


class OperatorView(ApiView):
    permissions = {"PATCH": "operators.manage"}

    def get(self, request: Request, operator_id: str) -> Response:
        """An operator with keys, onboarding checklist and recent invoices."""
        operator, now = queries.by_id(operator_id), clock.now()
        shown = _model(operator)
        known = operator.keys.select_related("use").order_by("-created_at", "-id")
        shown["api_keys"] = [rows.key(key, now) for key in known]
        shown["onboarding_checklist"] = rows.checklist(operator, now)
        shown["recent_invoices"] = [rows.invoice(each) for each in billing.listed(operator_id=operator.id)[:_RECENT]]
        return Response(shown)

    @extend_schema(request=bodies.S2SUpdateIn)
    def patch(self, request: Request, operator_id: str) -> Response:
        """Change an operator: only what is named changes.

        ``changes`` holds what really changed. ``inactive`` suspends at once; ``active`` ends a suspension, or activates
        when the rest of the checklist is complete.
        """
        operator, given = queries.by_id(operator_id), self.body(bodies.S2SUpdateIn)
        updated = operator_changes.update(
            operator_id=operator.id,
            changes=_shared(given),
            status=_WANTED[given["status"]] if "status" in given else None,
            reason=given.get("reason", ""),
            actor=self.admin,
            now=clock.now(),
        )
        shown, changes = _model(updated.operator), translate.changes(updated.changes)
        return Response({"success": True, "operator": shown, "changes": changes})


def _shared(given: dict[str, Any]) -> dict[str, Any]:
    values = translate.shared(given)
    return values | ({"config": whole(values["config"])} if "config" in values else {})


def _model(operator: Operator) -> dict[str, Any]:
    now = clock.now()
    return rows.model(operator, metrics.of([operator.id], now)[operator.id], now)


class KeysView(ApiView):
    permissions = {"POST": "operators.manage_keys"}

    @extend_schema(request=bodies.S2SKeyIn)
    def post(self, request: Request, operator_id: str) -> Response:
        """Generate a key pair.

        ``secret_key`` is in this answer and nowhere else. Earlier active keys expire after the grace period.
        """
        operator, given, now = queries.by_id(operator_id), self.body(bodies.S2SKeyIn), clock.now()
        grace = timedelta(hours=int(given["grace_period_hours"]))
        pair = keys.issue(operator=operator, label=given["label"], grace=grace, actor=self.admin, now=now)
        shown = {
            "key_id": pair.key.id,
            "public_key": pair.key.public_key,
            "secret_key": pair.secret,
            "label": pair.key.label,
            "status": pair.key.status(now),
            "created_at": clock.milliseconds(pair.key.created_at),
        }
        previous = pair.previous and {
            "key_id": pair.previous.id,
            "status": pair.previous.status(now),
            "expires_at": clock.milliseconds(pair.previous.expires_at),
        }
        return Response({"success": True, "key_pair": shown, "previous_keys": previous}, status=201)


class PublicKeyView(ApiView):
    def get(self, request: Request, operator_id: str) -> Response:
        """The operator's newest public key; needs no token."""
        operator, now = queries.by_id(operator_id), clock.now()
        key = keys.newest_active(operator, now)
        if key is None:
            raise NoActiveKey
        return Response(
            {
                "operator_id": operator.id,
                "public_key": key.public_key,
                "key_id": key.id,
                "status": key.status(now),
                "created_at": clock.milliseconds(key.created_at),
            }
        )


class PingView(ApiView):
    permissions = {"POST": "operators.manage"}

    @extend_schema(request=bodies.S2STestIn)
    def post(self, request: Request, operator_id: str) -> Response:
        """Send a signed PING and report what came of it.

        A failed test is answered with 200 too: ``success`` is false and ``test_result`` says why.
        """
        operator, given = queries.by_id(operator_id), self.body(bodies.S2STestIn)
        result = pings.send(
            operator=operator,
            url=given.get("callback_url"),
            timeout_ms=int(given["timeout_ms"]),
            actor=self.admin,
            now=clock.now(),
        )
        return Response({"success": result.success, "test_result": result.test_result})
