"""What bodies of reports, schedules and exports look like."""

import re
from datetime import datetime, time
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from predictu import clock
from predictu.api.fields import NumberField, SwitchField, TextField
from reports.models import Report, ReportSchedule
from reports.models.reports import COMPRESSIONS, EXPORT_FORMATS, REPORT_FORMATS, REPORT_TYPES

_MOST_COLUMNS = 100


class ChoiceField(TextField):
    """One of a few words."""

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        self.choices = choices
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if data not in self.choices or not isinstance(data, str):
            raise serializers.ValidationError(f"must be one of {', '.join(self.choices)}")
        return data


class _ChoiceShape(OpenApiSerializerFieldExtension):
    target_class = ChoiceField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.target.choices)}


@extend_schema_field(OpenApiTypes.OBJECT)
class FiltersField(serializers.Field):
    """An object of filters; which there are depends on the type, so they are read further on."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class ColumnsField(serializers.ListField):
    child = TextField(max_length=64)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=_MOST_COLUMNS, **kwargs)


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "example": "08:00"})
class TimeField(serializers.Field):
    """``HH:MM``, UTC."""

    def to_internal_value(self, data: Any) -> time:
        if not isinstance(data, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", data):
            raise serializers.ValidationError("must be a time as HH:MM")
        return time.fromisoformat(data)

    def to_representation(self, value: Any) -> Any:
        return f"{value:%H:%M}"


class ReportBody(serializers.Serializer):
    type = ChoiceField(REPORT_TYPES)
    format = ChoiceField(REPORT_FORMATS)
    filters = FiltersField(required=False, default=dict)
    columns = ColumnsField(required=False, allow_null=True, default=None)
    delivery = ChoiceField(tuple(Report.Delivery.values), required=False, default="download")
    email = TextField(required=False, allow_null=True, default=None, max_length=254)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["delivery"] == "email" and not attrs["email"]:
            raise serializers.ValidationError({"email": ["is needed when delivery is email"]})
        if attrs["delivery"] == "download" and attrs["email"]:
            raise serializers.ValidationError({"email": ["has no meaning unless delivery is email"]})
        return attrs


class ScheduleBody(serializers.Serializer):
    name = TextField(max_length=120)
    type = ChoiceField(REPORT_TYPES)
    format = ChoiceField(REPORT_FORMATS)
    frequency = ChoiceField(tuple(ReportSchedule.Frequency.values))
    day_of_week = NumberField(places=0, least=0, most=6, required=False, allow_null=True, default=None)
    day_of_month = NumberField(places=0, least=1, most=31, required=False, allow_null=True, default=None)
    time_utc = TimeField()
    filters = FiltersField(required=False, default=dict)
    columns = ColumnsField(required=False, allow_null=True, default=None)
    recipients = serializers.ListField(child=TextField(max_length=254))
    enabled = SwitchField(required=False, default=True)


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field):
    """An end of a period; ``reads`` is ``clock.parse_from`` or ``clock.parse_to``."""

    def __init__(self, reads: Any, **kwargs: Any) -> None:
        self.reads = reads
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return self.reads(data if isinstance(data, str) else "")
        except ValueError:
            raise serializers.ValidationError("must be an ISO 8601 date or instant") from None

    def to_representation(self, value: Any) -> Any:
        return clock.seconds(value)


class ExportBody(serializers.Serializer):
    format = ChoiceField(EXPORT_FORMATS, required=False, default="csv")
    to = InstantField(clock.parse_to)
    operator = TextField(required=False, allow_null=True, default=None, max_length=64)
    include_pii = SwitchField(required=False, default=False)
    compression = ChoiceField(COMPRESSIONS, required=False, default="none")

    def get_fields(self) -> dict[str, Any]:
        return {"from": InstantField(clock.parse_from), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"from": ["must not be after to"]})
        return attrs
