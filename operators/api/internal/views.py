"""``/api/internal/operators`` and the onboarding: operators as God Mode knows them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from operators import origins, queries
from operators.api import listing, metrics
from operators.api.internal import rows
from operators.api.internal import serializers as bodies
from operators.models import Operator
from operators.services import keys, lifecycle, onboarding
from predictu import clock
from predictu.api import pages
from predictu.api.envelopes import flatten
from predictu.api.views import DataView
from predictu.errors import ValidationFailed
from risk.services import operator_changes

_STATUSES = (*Operator.Stage.values, "suspended")
_SORTS = {
    "created_at": "created_at",
    "name": "name",
    "revenue": lambda figures: figures.revenue_total_usd,
    "users": lambda figures: figures.user_count,
}


class OperatorsView(DataView):
    permissions = {"POST": "operators.manage"}

    def get(self, request: Request) -> Response:
        """List operators.

        All rows are answered unless ``page`` or ``limit`` is given.
        """
        query = self.query
        status = query.choice("status", _STATUSES)
        found = listing.matching(query.text("search"), "name", "slug")
        if status == "suspended":
            found = found.filter(suspended_at__isnull=False)
        elif status is not None:
            found = found.filter(suspended_at=None, stage=status)
        sort, descending = query.order(_SORTS, "created_at")
        page = pages.optional_page(query)
        shown, total = listing.page(
            found,
            sort=sort,
            descending=descending,
            offset=page.offset if page else 0,
            limit=page.limit if page else None,
            now=clock.now(),
        )
        return self.answer([rows.listed(*row) for row in shown], total=total)

    @extend_schema(request=bodies.OperatorCreateIn)
    def post(self, request: Request) -> Response:
        """Register an operator.

        It starts ``pending`` and gets its first key pair: ``api_secret`` is in this answer and nowhere else.
        """
        given = self.body(bodies.OperatorCreateIn)
        values = bodies.shared(given)
        values.setdefault("domain", origins.domain_of(values["website_url"]))
        operator, pair = operator_changes.create(
            values=values, slug=given["slug"], with_key=True, actor=self.admin, now=clock.now()
        )
        assert pair is not None
        return self.answer(
            {
                "id": operator.id,
                "slug": operator.slug,
                "name": operator.name,
                "status": operator.status,
                "api_key": pair.key.public_key,
                "api_secret": pair.secret,
                "created_at": clock.seconds(operator.created_at),
            },
            201,
        )


class OperatorView(DataView):
    permissions = {"PATCH": "operators.manage"}

    def get(self, request: Request, slug: str) -> Response:
        """An operator's profile, configuration, metrics and onboarding."""
        return self.answer(_shown(queries.by_slug(slug)))

    @extend_schema(request=bodies.OperatorUpdateIn)
    def patch(self, request: Request, slug: str) -> Response:
        """Change an operator: only what is named changes.

        ``status`` is ``suspended``, or the stage's own word to end a suspension; it needs a ``reason``. ``changes``
        holds what really changed.
        """
        operator = queries.by_slug(slug)
        given = self.body(bodies.OperatorUpdateIn)
        updated = operator_changes.update(
            operator_id=operator.id,
            changes=bodies.shared(given),
            status=_wanted(operator, given.get("status")),
            reason=given.get("reason", ""),
            actor=self.admin,
            now=clock.now(),
        )
        return self.answer(_shown(updated.operator), changes=updated.changes)


def _shown(operator: Operator) -> dict[str, Any]:
    return rows.detail(operator, metrics.of([operator.id], clock.now())[operator.id])


def _wanted(operator: Operator, status: str | None) -> str | None:
    """What a status word asks for; stages are moved by the onboarding alone."""
    if status is None:
        return None
    if status == "suspended":
        return lifecycle.SUSPEND
    if status != operator.stage:
        raise ValidationFailed(
            details={"status": [f"must be suspended or {operator.stage}: stages are moved by the onboarding"]}
        )
    return lifecycle.RESUME


class KeysView(DataView):
    def get(self, request: Request, slug: str) -> Response:
        """An operator's keys, newest first; never a secret."""
        now = clock.now()
        found = queries.by_slug(slug).keys.select_related("use").order_by("-created_at", "-id")
        shown = [rows.key(row, now) for row in found]
        page = pages.optional_page(self.query)
        return self.answer(shown[page.offset : page.offset + page.limit] if page else shown, total=len(shown))


class RevokeKeyView(DataView):
    permissions = {"POST": "operators.manage_keys"}

    @extend_schema(request=bodies.RevokeKeyIn)
    def post(self, request: Request, slug: str, key_id: str) -> Response:
        """Revoke a key at once.

        It is refused from then on and nothing is signed with it again. Repeating it changes nothing.
        """
        operator, given, now = queries.by_slug(slug), self.body(bodies.RevokeKeyIn), clock.now()
        key = keys.revoke(operator=operator, key_id=key_id, reason=given["reason"], actor=self.admin, now=now)
        return self.answer(rows.key(key, now))


class OnboardingView(DataView):
    permissions = {"POST": "operators.manage"}

    @extend_schema(request=bodies.OnboardingIn)
    def post(self, request: Request, operator_id: str) -> Response:
        """Advance, roll back or skip the current step.

        ``advance`` saves ``data`` and needs the step's facts: what is missing is named in
        ``details.unmet_requirements``, and then nothing changes. Only ``embed_setup`` can be skipped.
        """
        given = self.body(bodies.OnboardingIn)
        operator, now = queries.by_id(operator_id), clock.now()
        call = {
            "operator_id": operator.id,
            "step": given["step"],
            "notes": given.get("notes", ""),
            "actor": self.admin,
            "now": now,
        }
        if given["action"] == "advance":
            data = self._step_data(given["step"], request.data.get("data") or {})
            outcome = operator_changes.advance(changes=bodies.of_step(given["step"], data), data=data, **call)
        else:
            outcome = {"rollback": onboarding.rollback, "skip": onboarding.skip}[given["action"]](**call)
        return self.answer(rows.moved(outcome, notes=call["notes"], admin_id=self.admin.id, now=now))

    def _step_data(self, step: str, data: dict[str, Any]) -> dict[str, Any]:
        """A step's data as its serializer validates it; errors are named ``data.…``."""
        checked = bodies.STEP_DATA[step](data=data)
        problems: dict[str, Any] = {f"data.{name}": ["unknown field"] for name in data if name not in checked.fields}
        if not checked.is_valid():
            problems |= {f"data.{name}": wrong for name, wrong in flatten(checked.errors).items()}
        if problems:
            raise ValidationFailed(details=problems)
        return dict(checked.validated_data)
