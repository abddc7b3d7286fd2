"""Database fields the project shares."""

from typing import Any

from django.core import exceptions
from django.db import models

from predictu import ids


class TypeIdField(models.UUIDField):
    """A UUIDv7 in the database (native ``uuid``, 16 bytes, sorts by age), a TypeID string in Python.

    Foreign keys to it are TypeID strings too. A string with another prefix never reaches the database.
    """

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs.setdefault("editable", False)
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, [self.prefix, *args], kwargs

    def get_default(self) -> str | None:
        if self.primary_key or self.unique:
            return ids.new(self.prefix)
        return super().get_default()

    def has_default(self) -> bool:
        return self.primary_key or self.unique or super().has_default()

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, str):
            return ids.encode(self.prefix, value)
        try:
            ids.decode(self.prefix, value)
        except ValueError:
            raise exceptions.ValidationError(f"must be a {self.prefix}_ id", code="invalid") from None
        return value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else ids.encode(self.prefix, value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return ids.decode(self.prefix, value)
        except ValueError:
            raise exceptions.ValidationError(f"must be a {self.prefix}_ id", code="invalid") from None

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, **kwargs: Any) -> Any:
        return None


class _FixedDecimal(models.DecimalField):
    digits, places = 18, 2

    def __init__(self, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = self.digits, self.places
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class MoneyField(_FixedDecimal):
    """US dollars to the cent: numeric(18,2)."""

    def set_attributes_from_name(self, name: str) -> None:
        """``balance_usd`` is called "balance USD"."""
        super().set_attributes_from_name(name)
        if self._verbose_name is None and name.endswith("_usd"):
            self.verbose_name = f"{name.removesuffix('_usd').replace('_', ' ')} USD"


class ShareField(_FixedDecimal):
    """Shares of an outcome, or the dollars of payout they stand for, to four places: numeric(20,4)."""

    digits, places = 20, 4


class PriceField(_FixedDecimal):
    """A price in (0,1) to four places: numeric(8,4)."""

    digits, places = 8, 4
