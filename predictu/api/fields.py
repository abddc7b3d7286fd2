"""Body fields that take what JSON means and nothing near it: numbers are numbers, texts are texts."""

from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from predictu import clock, ids


class NumberField(serializers.Field):
    """A JSON number with at most ``places`` decimals within bounds (inclusive); never a string or a boolean."""

    default_error_messages = {
        "invalid": "must be a number",
        "places": "must have at most {places} decimal places",
        "least": "must be at least {least}",
        "most": "must be at most {most}",
    }

    def __init__(self, *, places: int, least: Decimal | int, most: Decimal | int, **kwargs: Any) -> None:
        self.places, self.least, self.most = places, Decimal(least), Decimal(most)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, (int, Decimal)):
            self.fail("invalid")
        value = Decimal(data)
        if value < self.least:
            self.fail("least", least=self.least)
        if value > self.most:
            self.fail("most", most=self.most)
        exponent = value.normalize().as_tuple().exponent
        if not isinstance(exponent, int) or -exponent > self.places:
            self.fail("places", places=self.places)
        return value

    def to_representation(self, value: Any) -> Any:
        return value


class AmountField(NumberField):
    """Dollars to the cent, more than nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=2, least=Decimal("0.01"), most=10**9, **kwargs)


class TextField(serializers.CharField):
    """A JSON string; numbers and booleans are not texts here. Control characters are refused."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if any(character < " " and character not in "\n\t" for character in data):
            raise serializers.ValidationError("must not hold control characters")
        return super().to_internal_value(data)


class SwitchField(serializers.BooleanField):
    """``true`` or ``false``, nothing that merely looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IdField(serializers.Field):
    """A well-formed TypeID of one kind."""

    default_error_messages = {"invalid": "must be a {prefix}_ id"}

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            ids.decode(self.prefix, data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid", prefix=self.prefix)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field):
    """An ISO 8601 instant or date."""

    default_error_messages = {"invalid": "must be an ISO 8601 date or instant"}

    def to_internal_value(self, data: Any) -> Any:
        try:
            return clock.parse(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: Any) -> Any:
        return clock.seconds(value)
