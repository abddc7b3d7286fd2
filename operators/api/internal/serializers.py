"""Bodies of God Mode's operator calls, and how they read under the shared names."""

from typing import Any

from rest_framework import serializers

from operators import steps
from operators.api.fields import (
    CallbackUrlField,
    ColourField,
    DomainField,
    EmailField,
    ImageUrlField,
    NameField,
    OriginsField,
    PlayerLimits,
    ShareField,
    SlugField,
    TradingTerms,
    WebsiteField,
    whole,
)
from operators.models import CATEGORIES, Operator
from predictu.api.fields import AmountField, NumberField, SwitchField, TextField


class OperatorBrandingIn(serializers.Serializer):
    primary_color = ColourField(required=False)
    secondary_color = ColourField(required=False)
    bg_primary = ColourField(required=False)
    bg_secondary = ColourField(required=False)
    logo_url = ImageUrlField(required=False)
    favicon_url = ImageUrlField(required=False)
    display_name = TextField(max_length=100, required=False)


class OperatorCreateIn(serializers.Serializer):
    """The documented body; ``domain`` is an addition and defaults from ``website_url``."""

    name = NameField()
    slug = SlugField()
    contact_email = EmailField()
    contact_name = TextField(max_length=100, required=False, allow_blank=True)
    website_url = WebsiteField()
    domain = DomainField(required=False)
    callback_url = CallbackUrlField(required=False, allow_null=True)
    s2s_enabled = SwitchField(required=False)
    branding = OperatorBrandingIn(required=False)
    embed_origins = OriginsField(required=False)
    config = TradingTerms(required=False)


class OperatorConfigIn(TradingTerms, PlayerLimits):
    """The keys of both documents."""


_LIMIT = {"required": False, "allow_null": True}
CategoryLimitsIn = type(
    "CategoryLimitsIn",
    (serializers.Serializer,),
    {"__module__": __name__, **{name: AmountField(**_LIMIT) for name in CATEGORIES}},
)


class OperatorUpdateIn(serializers.Serializer):
    """What staff change of an operator; only what is named changes. A status needs a reason."""

    name = NameField(required=False)
    contact_email = EmailField(required=False)
    contact_name = TextField(max_length=100, required=False, allow_blank=True)
    billing_email = EmailField(required=False)
    website_url = WebsiteField(required=False)
    domain = DomainField(required=False)
    callback_url = CallbackUrlField(required=False, allow_null=True)
    s2s_enabled = SwitchField(required=False)
    embed_origins = OriginsField(required=False)
    revenue_share_predictu = ShareField(required=False)
    branding = OperatorBrandingIn(required=False)
    config = OperatorConfigIn(required=False)
    exposure_limit_usd = AmountField(required=False, allow_null=True)
    category_limits = CategoryLimitsIn(required=False)
    legal_name = TextField(max_length=200, required=False, allow_blank=True)
    billing_address = TextField(max_length=1000, required=False, allow_blank=True)
    tax_id = TextField(max_length=64, required=False, allow_blank=True)
    tax_rate_pct = NumberField(places=2, least=0, most=100, required=False)
    payment_terms_days = NumberField(places=0, least=0, most=365, required=False)
    po_reference = TextField(max_length=64, required=False, allow_blank=True)
    status = serializers.ChoiceField([*Operator.Stage.values, "suspended"], required=False)
    reason = TextField(max_length=1000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "status" in attrs and "reason" not in attrs:
            raise serializers.ValidationError({"reason": ["is required with a status"]})
        return attrs


class RevokeKeyIn(serializers.Serializer):
    reason = TextField(max_length=1000)


class BrandingData(OperatorBrandingIn):
    """``data`` of the step branding."""


class S2sConfigData(serializers.Serializer):
    """``data`` of the step s2s_config. What it claims is stored and proves nothing."""

    callback_url = CallbackUrlField(required=False)
    signing_key_confirmed = SwitchField(required=False)
    test_callback_success = SwitchField(required=False)


class EmbedSetupData(serializers.Serializer):
    """``data`` of the step embed_setup."""

    embed_origins = OriginsField(required=False)


class NoData(serializers.Serializer):
    """A step that takes no data."""


STEP_DATA: dict[str, type[serializers.Serializer]] = {
    "branding": BrandingData,
    "s2s_config": S2sConfigData,
    "embed_setup": EmbedSetupData,
    "test_trades": NoData,
    "go_live": NoData,
}


class OnboardingIn(serializers.Serializer):
    action = serializers.ChoiceField(["advance", "rollback", "skip"])
    step = serializers.ChoiceField(list(steps.STEPS))
    data = serializers.DictField(required=False)
    notes = TextField(max_length=2000, required=False, allow_blank=True)


def shared(given: dict[str, Any]) -> dict[str, Any]:
    """A validated body under the shared names, without what is no change of the operator."""
    changes = {name: value for name, value in given.items() if name not in ("slug", "status", "reason")}
    if changes.get("callback_url", "") is None:
        changes["callback_url"] = ""
    if "config" in changes:
        changes["config"] = whole(dict(changes["config"]))
    for name in ("branding", "category_limits"):
        if name in changes:
            changes[name] = dict(changes[name])
    return whole(changes)


def of_step(step: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a step's validated data changes of the operator."""
    if step == "branding":
        return {"branding": dict(data)} if data else {}
    return {name: value for name, value in data.items() if name in ("callback_url", "embed_origins")}
