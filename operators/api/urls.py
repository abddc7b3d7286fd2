"""The API paths of operators, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from operators.api import casino, casino_events, deliveries
from operators.api.internal import views as internal
from operators.api.s2s import views as s2s

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/operators", internal.OperatorsView.as_view(), name="operators.list"),
    path("api/internal/operators/<slug>", internal.OperatorView.as_view(), name="operators.detail"),
    path("api/internal/operators/<slug>/keys", internal.KeysView.as_view(), name="operators.keys"),
    path(
        "api/internal/operators/<slug>/keys/<key_id>/revoke",
        internal.RevokeKeyView.as_view(),
        name="operators.keys.revoke",
    ),
    path("api/internal/onboarding/<operator_id>", internal.OnboardingView.as_view(), name="onboarding.advance"),
    path("api/s2s/operators", s2s.OperatorsView.as_view(), name="s2s.operators.list"),
    path("api/s2s/operators/<operator_id>", s2s.OperatorView.as_view(), name="s2s.operators.detail"),
    path("api/s2s/operators/<operator_id>/keys", s2s.KeysView.as_view(), name="s2s.keys.generate"),
    path("api/s2s/operators/<operator_id>/public-key", s2s.PublicKeyView.as_view(), name="s2s.public_key"),
    path("api/s2s/operators/<operator_id>/test", s2s.PingView.as_view(), name="s2s.test"),
    path("api/internal/deliveries", deliveries.DeliveriesView.as_view(), name="deliveries.list"),
    path("api/internal/deliveries/replay", deliveries.ReplayView.as_view(), name="deliveries.replay"),
    path("api/casino/events", casino_events.EventsView.as_view(), name="casino.events"),
    path("api/casino/deliveries", casino_events.DeliveriesView.as_view(), name="casino.deliveries"),
    path(
        "api/casino/deliveries/<delivery_id>/replay",
        casino_events.ReplayView.as_view(),
        name="casino.deliveries.replay",
    ),
    path("api/casino/whoami", casino.WhoAmIView.as_view(), name="casino.whoami"),
]
