"""The Casino API's own account of who is calling."""

from rest_framework.request import Request
from rest_framework.response import Response

from predictu import clock
from predictu.api.views import DataView


class WhoAmIView(DataView):
    def get(self, request: Request) -> Response:
        """Which key signed the request, how its operator stands, and the server's time."""
        operator = self.operator
        return self.answer(
            {
                "key_id": request._request.operator_key.id,  # type: ignore[attr-defined]
                "operator_id": operator.id,
                "operator_slug": operator.slug,
                "operator_status": operator.status,
                "server_time": clock.seconds(clock.now()),
            }
        )
