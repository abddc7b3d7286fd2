"""The API paths of risk, whole from the root."""

from django.urls import URLPattern, URLResolver, path

from risk.api import breakers, events, exposure, overview, scores

_BREAKERS = "api/internal/risk/circuit-breakers"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/internal/exposure", exposure.ExposureView.as_view(), name="exposure"),
    path("api/internal/operators/<slug>/exposure", exposure.OperatorExposureView.as_view(), name="operators.exposure"),
    path("api/internal/risk", overview.RiskView.as_view(), name="risk.overview"),
    path("api/internal/risk/halt", overview.HaltView.as_view(), name="risk.halt"),
    path(_BREAKERS, breakers.BreakersView.as_view(), name="risk.circuit_breakers"),
    path(f"{_BREAKERS}/<breaker_id>", breakers.BreakerView.as_view(), name="risk.circuit_breaker"),
    path(f"{_BREAKERS}/<breaker_id>/reset", breakers.BreakerResetView.as_view(), name="risk.circuit_breaker.reset"),
    path(f"{_BREAKERS}/<breaker_id>/trip", breakers.BreakerTripView.as_view(), name="risk.circuit_breaker.trip"),
    path("api/internal/users/<user_id>/score", scores.UserScoreView.as_view(), name="users.score"),
    path("api/internal/risk/sharp-bettors", scores.SharpBettorsView.as_view(), name="risk.sharp_bettors"),
    path("api/internal/risk/events", events.EventsView.as_view(), name="risk.events"),
    path("api/internal/risk/events/<event_id>/resolve", events.EventResolveView.as_view(), name="risk.events.resolve"),
]
