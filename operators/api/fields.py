"""Body fields both faces of the operator share."""

import re
from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from operators import origins
from operators.http import UrlError, validate_url
from operators.models import CATEGORIES, Operator
from predictu.api.fields import AmountField, NumberField, SwitchField, TextField
from predictu.platform import files

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WEBSITE = re.compile(r"https?://[^/?#\\@\s]+([/?#][^\s\\]*)?", re.IGNORECASE)


class NameField(TextField):
    """3 to 100 characters, as the S2S document has it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=100, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if "\n" in text or "\t" in text:
            raise serializers.ValidationError("must be a single line")
        return text


class EmailField(serializers.EmailField):
    """An e-mail address given as a text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "minLength": 2, "maxLength": 64, "pattern": f"^{_SLUG.pattern}$"})
class SlugField(TextField):
    """Lower-case letters, digits and single hyphens."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not _SLUG.fullmatch(text):
            raise serializers.ValidationError("must be lower-case letters, digits and single hyphens")
        return text


@extend_schema_field({"type": "string", "pattern": f"^{_COLOUR.pattern}$"})
class ColourField(TextField):
    """``#rrggbb``, stored as given."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not _COLOUR.fullmatch(text):
            raise serializers.ValidationError("must be a colour like #1a7a3a")
        return text


class ImageUrlField(TextField):
    """An https URL, or one of a file uploaded here; null takes the image away."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if files.is_ours(text):
            return text
        try:
            validate_url(text)
        except UrlError as error:
            raise serializers.ValidationError(f"must be an https URL: {error}") from None
        return text


class CallbackUrlField(TextField):
    """An https URL at a public host."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            validate_url(text, allow_loopback=settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK)
        except UrlError as error:
            raise serializers.ValidationError(str(error)) from None
        return text


class WebsiteField(TextField):
    """An http or https URL with a domain name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            if not _WEBSITE.fullmatch(text):
                raise ValueError
            origins.domain_of(text)
        except ValueError:
            raise serializers.ValidationError("must be an http or https URL with a domain name") from None
        return text


class DomainField(TextField):
    """A domain name, stored in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=253, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return origins.domain(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class OriginsField(serializers.ListField):
    """https origins, normalised, each once."""

    child = TextField(max_length=300)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=origins.MOST, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        try:
            return origins.origins(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class CategoriesField(serializers.ListField):
    """At least one of the six categories, each once, in the order given."""

    child = serializers.ChoiceField(CATEGORIES)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_empty=False, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class ShareField(NumberField):
    """Predictu's share in per cent, 1 to 99."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=2, least=1, most=99, **kwargs)


class PlayerLimits(serializers.Serializer):
    """The keys of the S2S document's operator config, and the daily loss limit in dollars."""

    new_tier_limit = AmountField(required=False)
    regular_tier_limit = AmountField(required=False)
    vip_tier_limit = AmountField(required=False)
    auto_promote_enabled = SwitchField(required=False)
    auto_promote_days = NumberField(places=0, least=0, most=3650, required=False)
    auto_promote_trades = NumberField(places=0, least=0, most=1_000_000, required=False)
    daily_loss_limit_enabled = SwitchField(required=False)
    daily_loss_limit_usd = AmountField(required=False, allow_null=True)
    can_promote_vip = SwitchField(required=False)


class TradingTerms(serializers.Serializer):
    """The keys of the God Mode document's operator config."""

    max_bet_usd = AmountField(required=False)
    min_bet_usd = AmountField(required=False)
    default_currency = serializers.ChoiceField(["USD"], required=False)
    allowed_categories = CategoriesField(required=False)
    risk_tier = serializers.ChoiceField(Operator.RiskTier.values, required=False)
    spread_override = NumberField(places=2, least=0, most=10_000, required=False, allow_null=True)
    custom_fees_bps = NumberField(places=2, least=0, most=2_000, required=False, allow_null=True)


def whole(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with whole counts as ints, as the model has them."""
    counts = ("auto_promote_days", "auto_promote_trades", "payment_terms_days")
    return {
        name: int(value) if name in counts and isinstance(value, Decimal) else value for name, value in values.items()
    }
