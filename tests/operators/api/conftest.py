import json

import pytest
from django.test import Client

from operators.services import outbound
from tests.factories import as_admin, make_admin
from tests.loopback import answer


class Api:
    """An admin's client that speaks JSON: ``api.post(path, body)`` gives (status, answer)."""

    def __init__(self, admin):
        self.admin = admin
        self.client = Client(headers=as_admin(admin))

    def get(self, path):
        return self._read(self.client.get(path))

    def post(self, path, body=None):
        return self._read(self.client.post(path, json.dumps(body or {}), content_type="application/json"))

    def patch(self, path, body):
        return self._read(self.client.patch(path, json.dumps(body), content_type="application/json"))

    @staticmethod
    def _read(answered):
        return answered.status_code, answered.json()


@pytest.fixture
def api(settings):
    settings.PREDICTU_ADMIN_RATE_LIMIT = 10_000
    settings.PREDICTU_S2S_RATE_LIMIT_FACTOR = 1_000
    return Api(make_admin())


@pytest.fixture
def casino_server(serve, authority, settings):
    """An operator's HTTPS server on the loopback that answers as the document asks."""
    settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK = True
    settings.PREDICTU_CALLBACK_CA_BUNDLE = authority.file
    outbound._transport.cache_clear()
    yield serve(lambda request, sock: answer())
    outbound._transport.cache_clear()
