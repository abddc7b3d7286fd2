"""Cohorts, lifetime value and behaviour of God Mode."""

from rest_framework.request import Request
from rest_framework.response import Response

from operators import queries as operators
from predictu import clock
from predictu.api.views import DataView
from predictu.errors import FeatureDisabled
from predictu.platform import config
from reports.cohorts import Granularity
from reports.queries import analytics

_COHORT_DAYS = 12 * 7


class CohortsView(DataView):
    def get(self, request: Request) -> Response:
        """How many users of a week or month came back, and how many weeks later."""
        if not config.current()["features.cohort_analytics"]:
            raise FeatureDisabled("Cohort analytics are switched off", details={"feature": "cohort_analytics"})
        now = clock.now()
        start, end = self.query.period(now, days=_COHORT_DAYS)
        granularity = Granularity(self.query.choice("granularity", tuple(Granularity), Granularity.WEEK))
        operator = operators.of_query(self.query)
        return self.answer(analytics.cohorts(start=start, end=end, granularity=granularity, operator=operator, now=now))


class LifetimeValueView(DataView):
    def get(self, request: Request) -> Response:
        """What a registered user is worth, by segment, and how that changed."""
        segment = self.query.choice("segment", analytics.SEGMENTS, "operator")
        assert segment is not None
        operator = operators.of_query(self.query)
        return self.answer(analytics.lifetime_value(segment=segment, operator=operator, now=clock.now()))


class BehaviorView(DataView):
    def get(self, request: Request) -> Response:
        """When, how often and on what users trade."""
        start, end = self.query.period(clock.now())
        return self.answer(analytics.behaviour(start=start, end=end, operator=operators.of_query(self.query)))
