"""The dashboard of God Mode."""

from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from predictu import clock
from predictu.api.views import DataView
from reports.queries import dashboard


class DashboardView(DataView):
    def get(self, request: Request) -> Response:
        """The platform at a glance: counts, sums and their change over the period."""
        period = self.query.choice("period", (*dashboard.PERIODS, "all"), "7d")
        assert period is not None
        operator = operators.of_query(self.query)
        return self.answer(dashboard.dashboard(period=period, operator=operator, now=clock.now()))
