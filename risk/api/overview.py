"""God Mode's risk overview and the kill switch."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock
from predictu.api.fields import TextField
from predictu.api.views import DataView
from reports.queries import breakers, standing
from risk.services import desk


class ReasonBody(serializers.Serializer):
    reason = TextField(max_length=1000)


class RiskView(DataView):
    def get(self, request: Request) -> Response:
        """Where risk stands: score, walls, breakers and flagged users."""
        return self.answer(standing.overview(now=clock.now()))


class HaltView(DataView):
    """The kill switch."""

    permissions = {"POST": "risk.manage"}

    @extend_schema(request=ReasonBody)
    def post(self, request: Request) -> Response:
        body = self.body(ReasonBody)
        breaker = desk.halt(actor=self.admin, reason=body["reason"], now=clock.now())
        return self.answer(breakers.shown([breaker])[0])
