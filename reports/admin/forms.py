"""The forms in which staff ask for a report or have one made again and again."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from operators.models import Operator
from predictu.errors import PredictuError
from reports.models import ReportSchedule
from reports.tables import TABLES

_LOOK = " ".join(INPUT_CLASSES)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TYPES = [(name, table.title) for name, table in TABLES.items()]
_FORMATS = [("csv", "CSV"), ("xlsx", "Excel"), ("pdf", "PDF")]


class _SlugChoiceField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class _Asking(forms.Form):
    """What every report needs. ``NAMES`` says which field a service's refusal of a part belongs to."""

    NAMES: Mapping[str, str] = {
        "filters.operator": "operator",
        "filters.from": "first_day",
        "filters.to": "last_day",
        "email": "email",
        "recipients": "recipients",
    }

    type = forms.ChoiceField(label="What", choices=_TYPES, widget=UnfoldAdminSelectWidget())
    format = forms.ChoiceField(choices=_FORMATS, widget=UnfoldAdminSelectWidget())
    operator = _SlugChoiceField(
        Operator.objects.order_by("name"),
        label="Operator; without one, all",
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )

    def refused(self, error: PredictuError) -> None:
        """Say a service's refusal beside the fields it names."""
        for name, told in (error.details or {}).items():
            named = self.NAMES.get(name) or self.NAMES.get(name.rpartition(".")[0], name)
            problems = list(told) if isinstance(told, list | tuple) else [str(told)]
            self.add_error(named if named in self.fields else None, problems)
        if not error.details:
            self.add_error(None, error.message)

    def _filters(self) -> dict[str, Any]:
        operator = self.cleaned_data["operator"]
        return {} if operator is None else {"operator": operator.slug}


class ReportForm(_Asking):
    """One report, made now."""

    first_day = forms.DateField(
        label="First day, UTC; without one, 30 days back",
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": _LOOK}),
    )
    last_day = forms.DateField(
        label="Last day, UTC; without one, today",
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": _LOOK}),
    )
    email = forms.CharField(
        label="E-mail it to; without an address, it is for download",
        required=False,
        max_length=254,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "email", "autocomplete": "off"}),
    )

    def filters(self) -> dict[str, Any]:
        """As a body of the API gives them."""
        given = {"from": self.cleaned_data["first_day"], "to": self.cleaned_data["last_day"]}
        return self._filters() | {name: day.isoformat() for name, day in given.items() if day is not None}


class ScheduleForm(_Asking):
    """A report made at its times, each telling of the day, week or month that is over, and e-mailed."""

    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget())
    frequency = forms.ChoiceField(choices=ReportSchedule.Frequency.choices, widget=UnfoldAdminSelectWidget())
    day_of_week = forms.TypedChoiceField(
        label="Day of the week, if weekly",
        choices=[("", "-"), *enumerate(DAYS)],
        coerce=int,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    day_of_month = forms.IntegerField(
        label="Day of the month, if monthly",
        min_value=1,
        max_value=31,
        required=False,
        widget=forms.NumberInput(attrs={"class": _LOOK}),
    )
    time_utc = forms.TimeField(
        label="Time, UTC",
        initial="06:00",
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "class": _LOOK}),
    )
    recipients = forms.CharField(
        label="Recipients, one on each line", widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )

    field_order = ("name", "type", "format", "operator", "frequency")

    def clean_recipients(self) -> list[str]:
        return [address for address in re.split(r"[\s,;]+", self.cleaned_data["recipients"]) if address]

    def values(self) -> dict[str, Any]:
        """As ``schedules.create`` takes them."""
        given = dict(self.cleaned_data)
        given.pop("operator")
        return {**given, "filters": self._filters(), "columns": None, "enabled": True}
