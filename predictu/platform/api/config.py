"""God Mode's configuration: read, change, try out, go back."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock
from predictu.api import pages
from predictu.api.fields import NumberField, TextField
from predictu.api.views import DataView
from predictu.errors import ValidationFailed
from predictu.platform import audit, config, revisions
from predictu.platform.models import ConfigRevision
from predictu.platform.revisions import Changed
from risk.services import limits
from trading.queries import preview

_PERMISSION = "predictu.change_configuration"


class ReasonBody(serializers.Serializer):
    reason = TextField(max_length=1000)


class RevertBody(ReasonBody):
    revision = NumberField(places=0, least=1, most=10**15)


def _change_schema(**more: Any) -> dict[str, Any]:
    """The JSON Schema of a change: any of the declared keys, nested as they are read, and ``more``."""
    whole: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
    for name, key in config.DECLARED.items():
        at, (*groups, leaf) = whole["properties"], name.split(".")
        for group in groups:
            inner = {"type": "object", "additionalProperties": False, "properties": {}}
            at = at.setdefault(group, inner)["properties"]
        bounds = {"type": "number", "minimum": float(key.least), "maximum": float(key.most)}
        at[leaf] = {"description": key.help, **({"type": "boolean"} if key.is_switch else bounds)}
    return whole | ({"properties": whole["properties"] | more, "required": list(more)} if more else {})


_REASON = {"type": "string", "minLength": 1, "maxLength": 1000}


class ConfigView(DataView):
    permissions = {"PATCH": _PERMISSION}

    def get(self, request: Request) -> Response:
        """The live configuration and its newest revision."""
        revision, configuration = config.newest()
        shown = audit.plain(config.nested(configuration))
        return self.answer(
            {
                **shown,
                "revision": revision.number,
                "updated_at": clock.seconds(revision.created_at),
                "updated_by": revision.actor_id,
            }
        )

    @extend_schema(request={"application/json": _change_schema(reason=_REASON)})
    def patch(self, request: Request) -> Response:
        """Change configuration: only what is named changes, with a reason."""
        body = dict(request.data)
        problems: dict[str, list[str]] = {}
        given, changes = {"reason": body.pop("reason")} if "reason" in body else {}, {}
        reason = ReasonBody(data=given)
        if not reason.is_valid():
            problems["reason"] = [str(item) for item in reason.errors["reason"]]
        try:
            changes = revisions.flat(body)
        except ValidationFailed as error:
            problems |= error.details
        if problems:
            raise ValidationFailed(details=problems)
        changed = limits.change(
            changes=changes, actor=self.admin, reason=reason.validated_data["reason"], now=clock.now()
        )
        return self.answer(difference(changed))


class ConfigPreviewView(DataView):
    """What a change would have done to the trades of the last 30 days; changes nothing."""

    permissions = {"POST": _PERMISSION}

    @extend_schema(request={"application/json": _change_schema()})
    def post(self, request: Request) -> Response:
        _, before = config.newest()
        after = revisions.applied(before, revisions.flat(request.data))
        return self.answer(preview.of_change(before, after, now=clock.now()))


class ConfigRevertView(DataView):
    permissions = {"POST": _PERMISSION}

    @extend_schema(request=RevertBody)
    def post(self, request: Request) -> Response:
        """Go back to an earlier revision; a revision of its own."""
        body = self.body(RevertBody)
        changed = limits.revert(number=int(body["revision"]), actor=self.admin, reason=body["reason"], now=clock.now())
        return self.answer(difference(changed))


class ConfigRevisionsView(DataView):
    """Every revision, newest first."""

    def get(self, request: Request) -> Response:
        page = pages.page(self.query)
        found = ConfigRevision.objects.order_by("-number")
        rows = [_revision(each) for each in found[page.offset : page.offset + page.limit]]
        return Response(page.envelope(rows, found.count()))


class ConfigKeysView(DataView):
    """The declared keys: type, default, bounds and a line of help."""

    def get(self, request: Request) -> Response:
        return self.answer([_key(name, key) for name, key in config.DECLARED.items()])


def difference(changed: Changed) -> dict[str, Any]:
    """The documented answer to a change."""
    return {
        "updated_keys": list(changed.names),
        "previous_values": audit.plain(changed.previous_values()),
        "new_values": audit.plain(changed.new_values()),
        "audit_id": changed.revision.audit_id if changed.names else None,
        "revision": changed.revision.number,
        "updated_by": changed.revision.actor_id,
        "updated_at": clock.seconds(changed.revision.created_at),
    }


def _revision(revision: ConfigRevision) -> dict[str, Any]:
    return {
        "revision": revision.number,
        "previous_values": revision.previous_values,
        "new_values": revision.new_values,
        "reason": revision.reason,
        "audit_id": revision.audit_id,
        "updated_by": revision.actor_id,
        "updated_at": clock.seconds(revision.created_at),
    }


def _key(name: str, key: config.Key) -> dict[str, Any]:
    bounds = {} if key.is_switch else {"minimum": key.least, "maximum": key.most, "decimal_places": key.places}
    return {
        "key": name,
        "type": "boolean" if key.is_switch else "number",
        "default": audit.plain(key.default),
        **audit.plain(bounds),
        "help": key.help,
    }
