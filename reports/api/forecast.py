"""The revenue forecast, answered from store."""

from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock
from predictu.api.views import DataView
from predictu.errors import FeatureDisabled
from predictu.platform import config
from reports.forecast import HORIZONS
from reports.services import forecasts

_WORDS = {f"{days}d": days for days in HORIZONS}


class RevenueForecastView(DataView):
    """Gross revenue of the next 30, 60 or 90 days with an 80 % interval, and how earlier forecasts did."""

    def get(self, request: Request) -> Response:
        if not config.current()["features.revenue_forecast"]:
            raise FeatureDisabled()
        horizon = self.query.choice("horizon", tuple(_WORDS), "30d")
        assert horizon is not None
        return self.answer(forecasts.answer(horizon_days=_WORDS[horizon], now=clock.now()))
