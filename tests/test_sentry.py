"""What reaches Sentry: the real SDK in a process of its own, reporting to a server of this test's."""

import gzip
import http.server
import json
import subprocess
import sys
import threading

import brotli
import pytest
import sentry_sdk

from predictu import sentry
from tests import servers

UNPACK = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}
PRIVATE = (
    *("zoe.quux@quuxmail.example", "quux-7731", "sk_live_abcdefghijklmnop", "eyJhbGciOi.eyJzdWIi.c2ln", "quux-cookie"),
    *("quux-body", "quux-query", "198.51.100.7", "quux-local", "quux-detail", "quux-extra"),
)
SCRIPT = """
import logging, sys
import django
django.setup()
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
import sentry_sdk

@csrf_exempt
def fail(request, number):
    secret = "quux-local"
    raise ValueError(
        "no row for zoe.quux@quuxmail.example with Bearer eyJhbGciOi.eyJzdWIi.c2ln and sk_live_abcdefghijklmnop at "
        "/users?search=quux-query\\nDETAIL:  Key (external_id)=(quux-detail) exists."
    )

urlpatterns = [path("fail/<number>", fail)]
settings.ROOT_URLCONF = "__main__"
asked = RequestFactory().post(
    "/fail/7?email=zoe.quux@quuxmail.example&q=quux-query", {"name": "quux-body"},
    headers={"Authorization": "Bearer eyJhbGciOi.eyJzdWIi.c2ln", "X-Request-ID": "req-of-the-test",
             "X-Forwarded-For": "198.51.100.7", "X-Operator-Key": "quux-7731", "Cookie": "sessionid=quux-cookie"},
)
statuses = []
list(get_wsgi_application()(asked.environ, lambda status, headers, *_: statuses.append(status)))
assert statuses[0].startswith("500"), statuses
logging.getLogger("predictu.x").error("job of %s failed", "zoe.quux@quuxmail.example", extra={"x": "quux-extra"})
assert sentry_sdk.get_client().is_active()
sentry_sdk.flush(20)
"""


@pytest.fixture
def collected():
    """What a server on this machine was sent, and its address as a DSN."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(UNPACK[self.headers.get("Content-Encoding")](raw))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield bodies, f"http://public@127.0.0.1:{server.server_port}/1"
    server.shutdown()
    server.server_close()


def events_in(bodies):
    """The events of the envelopes: lines of JSON, a header before each."""
    lines = [json.loads(line) for body in bodies for line in body.split(b"\n") if line.strip()]
    return [line for line in lines if "exception" in line or "logentry" in line]


def test_a_fault_is_reported_without_whom_it_concerns(collected):
    bodies, dsn = collected
    env = {
        "DJANGO_SETTINGS_MODULE": "predictu.settings",
        "PREDICTU_SENTRY_DSN": dsn,
        "PREDICTU_RELEASE": "v7",
        "PREDICTU_TRUSTED_PROXIES": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=servers.ROOT, env=servers.surroundings(env), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    sent = b"\n".join(bodies).decode()
    assert [word for word in PRIVATE if word in sent] == []
    fault, logged = sorted(events_in(bodies), key=lambda event: "logentry" in event)
    (exception,) = fault["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["value"] == (
        "no row for [e-mail] with Bearer [token] and [secret] at /users?[query]\nDETAIL: [left out]"
    )
    assert exception["stacktrace"]["frames"][-1]["function"] == "fail"
    assert fault["request"]["method"] == "POST" and fault["request"]["url"].endswith("/fail/7")
    assert fault["request"]["headers"]["X-Request-Id"] == "req-of-the-test"
    assert (fault["transaction"], fault["environment"], fault["release"]) == ("/fail/{number}", "development", "v7")
    assert logged["logentry"]["formatted"] == "job of [e-mail] failed"
    assert "user" not in fault and "extra" not in logged


def test_nothing_is_reported_unless_asked_for(settings):
    assert settings.PREDICTU_SENTRY_DSN == "" and not sentry_sdk.get_client().is_active()


def test_what_is_not_named_does_not_leave():
    event = {
        "message": "m",
        "user": {"email": "a@b.c"},
        "extra": {"a": 1},
        "contexts": {"x": {}},
        "breadcrumbs": {"values": [{"message": "m"}]},
        "modules": {},
        "request": {"data": {"a": 1}, "cookies": {"a": "b"}, "env": {"REMOTE_ADDR": "1.2.3.4"}, "query_string": "a=b"},
    }
    assert sentry.scrubbed(event, {}) == {"message": "m", "request": {"headers": {}}}
