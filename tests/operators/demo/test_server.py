"""The demo operator receives what the platform really sends, and misbehaves as told."""

import http.client
import json
import ssl
import threading
from contextlib import closing

import pytest

from operators.demo import certificates
from operators.demo.server import DemoServer, Operator, secrets_in, verify
from operators.models import Attempt
from operators.services import outbound
from tests.factories import make_operator, make_pair
from tests.operators.callbacks import send, states, tell


@pytest.fixture
def demo(tmp_path, settings):
    """A running demo operator, its keys file and what it said."""
    settings.PREDICTU_DEMO = True
    settings.DATA_DIR = tmp_path
    settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK = True
    operator, said = None, []
    keys = tmp_path / "keys.json"
    operator = Operator(secrets_in(keys), said.append)
    server = DemoServer(operator, certificates.server_certificate(outbound.demo_authority()), port=0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.keys, server.said = keys, said
    yield server
    operator.stopping.set()
    server.shutdown()
    server.server_close()


def known(demo):
    """An operator whose secret the demo has."""
    operator = make_operator(callback_url=f"{demo.url}/callbacks")
    pair = make_pair(operator)
    demo.keys.write_text(json.dumps([{"slug": operator.slug, "secret_key": pair.secret}]))
    return operator


def ask(demo, method, path, body=None):
    context = ssl.create_default_context(cafile=str(outbound.demo_authority()))
    connection = http.client.HTTPSConnection("127.0.0.1", demo.server_port, context=context, timeout=30)
    with closing(connection):
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answered = connection.getresponse()
        return answered.status, json.load(answered)


@pytest.mark.django_db
def test_callbacks_are_verified_and_shown(demo):
    operator = known(demo)
    (event,) = tell(operator)
    send(operator)
    assert states(event) == ["confirmed"]
    status, shown = ask(demo, "GET", "/")
    (received,) = shown["received"]
    assert (status, received["delivery"], received["genuine"], received["again"]) == (200, event.id, True, False)
    assert received["body"] == json.loads(bytes(event.body))
    assert demo.said == [f"ok /callbacks BALANCE_CHANGED {event.id} genuine"]


@pytest.mark.django_db
def test_another_operator_s_signature_is_refused(demo):
    known(demo)
    stranger = make_operator(callback_url=demo.url)
    make_pair(stranger)
    (event,) = tell(stranger)
    send(stranger)
    assert (states(event), Attempt.objects.get().http_status) == (["ready"], 401)
    assert ask(demo, "GET", "/")[1]["received"][0]["genuine"] is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "status", "error"),
    [({"mode": "fail"}, 500, ""), ({"mode": "stall"}, None, "TIMEOUT"), ({"mode": "slow", "seconds": 0.1}, 200, "")],
)
def test_it_behaves_as_told(demo, settings, told, status, error):
    settings.PREDICTU_CALLBACK_TIMEOUT_MS = 500 if told["mode"] == "stall" else 10_000
    operator = known(demo)
    assert ask(demo, "POST", "/control", told)[1]["mode"] == told["mode"]
    tell(operator)
    send(operator)
    attempt = Attempt.objects.get()
    assert (attempt.http_status, attempt.error) == (status, error)
    assert attempt.latency_ms >= {"slow": 100, "stall": 500}.get(told["mode"], 0)


@pytest.mark.parametrize(
    "told", [{"mode": "explode"}, {}, [], {"mode": "slow", "seconds": 1e9}, {"mode": "slow", "seconds": "x"}]
)
def test_it_refuses_to_behave_otherwise(demo, told):
    assert ask(demo, "POST", "/control", told)[0] == 400
    assert ask(demo, "GET", "/")[1]["mode"] == "ok"


def test_the_authority_is_kept_and_its_key_is_private(tmp_path):
    authority = tmp_path / "demo-operator-ca.pem"
    certificates.server_certificate(authority)
    first = authority.read_bytes()
    path = certificates.server_certificate(authority)
    assert authority.read_bytes() == first
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY")


def test_an_old_recording_is_not_genuine():
    assert verify(["sk"], {"webhook-timestamp": "1000"}, b"", now=1301) == "no timestamp, or one too far off"
    assert verify(["sk"], {"webhook-timestamp": "1000"}, b"", now=1300) == "wrong signature"
