"""Bodies of the S2S calls."""

from decimal import Decimal

from rest_framework import serializers

from operators.api.fields import (
    CallbackUrlField,
    CategoriesField,
    ColourField,
    DomainField,
    EmailField,
    ImageUrlField,
    NameField,
    OriginsField,
    PlayerLimits,
    ShareField,
)
from operators.api.s2s.translate import STATUSES
from operators.ping import DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS
from predictu.api.fields import NumberField, TextField


class S2SCreateIn(serializers.Serializer):
    name = NameField()
    domain = DomainField()
    contact_email = EmailField()
    billing_email = EmailField(required=False)
    revenue_share_predictu = ShareField()
    allowed_categories = CategoriesField(required=False)
    config = PlayerLimits(required=False)


class S2SBrandingIn(serializers.Serializer):
    primary_color = ColourField(required=False)
    secondary_color = ColourField(required=False)
    bg_primary = ColourField(required=False)
    bg_secondary = ColourField(required=False)
    logo_url = ImageUrlField(required=False)
    icon_url = ImageUrlField(required=False)


class S2SUpdateIn(serializers.Serializer):
    """Any combination; ``reason`` is an addition, told to the operator with a change of status."""

    name = NameField(required=False)
    contact_email = EmailField(required=False)
    billing_email = EmailField(required=False)
    status = serializers.ChoiceField(STATUSES, required=False)
    callback_url = CallbackUrlField(required=False, allow_null=True)
    revenue_share_predictu = ShareField(required=False)
    allowed_categories = CategoriesField(required=False)
    allowed_origins = OriginsField(required=False)
    branding = S2SBrandingIn(required=False)
    config = PlayerLimits(required=False)
    reason = TextField(max_length=1000, required=False, allow_blank=True)


class S2SKeyIn(serializers.Serializer):
    label = TextField(max_length=100, default="API Key")
    grace_period_hours = NumberField(places=0, least=1, most=72, default=Decimal(24))


class S2STestIn(serializers.Serializer):
    callback_url = TextField(max_length=2048, required=False, allow_null=True)
    timeout_ms = NumberField(
        places=0, least=1, most=MAX_TIMEOUT_MS, required=False, default=Decimal(DEFAULT_TIMEOUT_MS)
    )
