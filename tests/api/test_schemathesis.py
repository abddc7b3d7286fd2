"""Calls made up from the API description, answered by the whole application on a database that holds something of all.

No answer may be a server error, or of a status, media type, header or shape that the description does not name. The
calls are the same in every run; SCHEMATHESIS_EXAMPLES=200 makes as many others of each operation instead.
"""

import io
import os
from itertools import count

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from predictu.api import faces
from tests.api.world import UNLIMITED, World, described
from tests.factories import as_admin, signed

pytestmark = pytest.mark.django_db

MORE = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "0"))
WELL_FORMED, MALFORMED = MORE or 3, MORE or 2
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Who calls is not made up: every call is signed, or bears a token.
CONFIG = {"generation": {"with-security-parameters": False, "database": "none"}}


@pytest.fixture
def world(settings):
    for name, value in UNLIMITED.items():
        setattr(settings, name, value)
    made = World()
    # Whoever calls through WSGI would have the test's own transaction closed, as Django's client knows.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield made
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def let_in(world):
    """The application, for callers it knows."""
    application, numbers = get_wsgi_application(), count()

    def called(environ, start_response):
        environ.pop("HTTP_ACCEPT_ENCODING", None)  # answers to be read, not unpacked
        target = environ["RAW_URI"] = environ["REQUEST_URI"]
        if target.startswith("/api/casino"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            if "HTTP_IDEMPOTENCY_KEY" in environ:
                environ["HTTP_IDEMPOTENCY_KEY"] = f"call-{next(numbers)}"
            key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
            headers = signed(world.pair, environ["REQUEST_METHOD"], target, body, idempotency_key=key)
        else:
            headers = as_admin(world.admin)
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        return application(environ, start_response)

    return called


@pytest.mark.slow
@pytest.mark.parametrize("face", [face.name for face in faces.FACES])
def test_every_answer_is_as_described(world, face):
    schema = openapi.from_dict(described(), config=SchemathesisConfig.from_dict(CONFIG))
    schema.app = let_in(world)
    wrong, calls = [], 0
    for operation in schema.include(path_regex=f"^/api/{face}/").get_all_operations():
        for mode, many in ((GenerationMode.POSITIVE, WELL_FORMED), (GenerationMode.NEGATIVE, MALFORMED)):
            few = many if MORE or not operation.ok().path.endswith("pdf") else 1  # a PDF is drawn for a second
            try:
                calls += tried(world, operation.ok(), mode, few)
            except (FailureGroup, AssertionError) as failed:
                wrong.append(f"{operation.ok().label}\n{failed}")
    assert wrong == [], "\n\n".join(wrong)
    assert calls > 0


def tried(world, operation, mode, many):
    """Try ``many`` calls of one operation, half of them about things that exist; answers how many could be made up."""
    calls = 0

    @settings(
        max_examples=many,
        derandomize=not MORE,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(case=operation.as_strategy(mode), ours=st.booleans())
    def attempt(case, ours):
        nonlocal calls
        calls += 1
        if ours:
            place(case, world)
        with transaction.atomic():
            answer = case.call()
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)

    try:
        attempt()
    except Unsatisfiable:  # nothing about this operation can be wrong
        return 0
    return calls


def place(case, world):
    """Ids of what exists instead of made-up ones."""
    ids = world.ids | ({"market_id": world.market.pk} if case.path.startswith("/api/casino") else {})
    ids |= {"number": world.note} if "credit-notes" in case.path else {}
    case.path_parameters = {name: ids[name] for name in case.path_parameters or {}}
    if isinstance(case.body, dict):
        case.body = {name: ids.get(name, value) if name.endswith("_id") else value for name, value in case.body.items()}
