"""A casino from nothing to live, through the APIs alone: real processes, and an operator's own HTTPS server.

The operator verifies every callback with the published recipe and signs its calls as the documents say.
"""

import json
import runpy
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from predictu.local import processes
from tests.factories import make_admin, make_market, signed, token_for
from tests.loopback import Authority, answer, serving

pytestmark = [pytest.mark.committed, pytest.mark.slow]
RECIPE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "examples" / "verify.py"))
SECONDS = 60


class Casino:
    """The operator's side: a server that confirms what it can verify and refuses the rest."""

    def __init__(self):
        self.secret, self.events, self.refused = "", [], 0

    def __call__(self, request, sock):
        try:
            RECIPE["verify"](request.headers, request.body, self.secret)
            RECIPE["verify_body"](request.headers, request.body, self.secret)
        except ValueError:
            self.refused += 1
            return answer(401, b"{}")
        event = json.loads(request.body)
        self.events.append(event)
        return answer(200, json.dumps({"status": "ok", "received_event": event["event"]}).encode())

    def seen(self, name):
        return [event for event in self.events if event["event"] == name]


class Pair:
    """A key pair as the operator holds it."""

    def __init__(self, public_key, secret):
        self.secret = secret
        self.key = type("Key", (), {"public_key": public_key})


@pytest.fixture
def platform(platform_server, celery_worker_process, tmp_path):
    authority = Authority(tmp_path)
    env = {
        "PREDICTU_CALLBACK_ALLOW_LOOPBACK": "1",
        "PREDICTU_CALLBACK_CA_BUNDLE": authority.file,
        "PREDICTU_ADMIN_RATE_LIMIT": "1000",
    }
    server = platform_server(workers=1, threads=4, **env)
    celery_worker_process(**env)
    casino = Casino()
    with serving(casino, authority.context()) as https:
        yield server.url, casino, https


@pytest.fixture
def call(platform):
    url, headers = platform[0], {"Authorization": f"Bearer {token_for(make_admin())}"}

    def ask(method, path, body=None, headers=headers):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answered:
                return answered.status, json.load(answered)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    return ask


@pytest.fixture
def casino_call(call):
    def ask(pair, method, path, body=None, key=""):
        data = b"" if body is None else json.dumps(body).encode()
        return call(method, path, body, headers=signed(pair, method, path, data, idempotency_key=key))

    return ask


def test_from_nothing_to_live(platform, call, casino_call):
    _, casino, https = platform
    market = make_market()
    status, made = call(
        "POST",
        "/api/s2s/operators",
        {"name": "Northlight", "domain": "n.example", "contact_email": "a@n.example", "revenue_share_predictu": 30},
    )
    assert status == 201
    operator = made["operator"]["id"]
    s2s, steps = f"/api/s2s/operators/{operator}", f"/api/internal/onboarding/{operator}"
    keys = call("POST", f"{s2s}/keys", {"label": "first"})[1]["key_pair"]
    casino.secret = keys["secret_key"]
    pair = Pair(keys["public_key"], keys["secret_key"])
    assert casino_call(pair, "GET", "/api/casino/whoami")[1]["data"]["operator_status"] == "pending"
    user = {"external_id": "p1", "username": "ann"}
    assert casino_call(pair, "POST", "/api/casino/users", user)[1]["error"]["code"] == "OPERATOR_INACTIVE"

    advance = {"action": "advance", "step": "branding", "data": {"primary_color": "#2ecc71"}}
    assert call("POST", steps, advance)[0] == 200
    assert call("PATCH", s2s, {"callback_url": https.url()})[0] == 200
    tested = call("POST", f"{s2s}/test")[1]
    assert (tested["success"], tested["test_result"]["tls_version"]) == (True, "TLSv1.3")
    assert call("POST", steps, {"action": "advance", "step": "s2s_config"})[0] == 200
    origins = {"embed_origins": ["https://www.n.example"]}
    status, shown = call("POST", steps, {"action": "advance", "step": "embed_setup", "data": origins})
    assert (status, shown["data"]["status"]) == (200, "testing")

    tester = casino_call(pair, "POST", "/api/casino/users", user)[1]["data"]["id"]
    money = {"amount_usd": 100}
    assert casino_call(pair, "POST", f"/api/casino/users/{tester}/deposit", money, key="d1")[0] == 201
    order = {"user_id": tester, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 10}
    assert casino_call(pair, "POST", "/api/casino/trades", order, key="t1")[0] == 201
    assert processes.wait_until(lambda: casino.seen("TRADE_PLACED"), seconds=SECONDS)
    trade = {"action": "advance", "step": "test_trades"}
    assert processes.wait_until(lambda: call("POST", steps, trade)[0] == 200, seconds=SECONDS)
    status, shown = call("POST", steps, {"action": "advance", "step": "go_live"})
    assert (status, shown["data"]["status"]) == (200, "live")
    assert processes.wait_until(lambda: casino.seen("OPERATOR_STATUS_CHANGED"), seconds=SECONDS)
    assert casino.seen("OPERATOR_STATUS_CHANGED")[0]["payload"]["new_status"] == "active"

    status, refused = casino_call(pair, "POST", "/api/casino/trades", order, key="t2")
    assert (status, refused["error"]["code"]) == (422, "USER_RESTRICTED"), "test users are done"
    player = casino_call(pair, "POST", "/api/casino/users", {"external_id": "p2", "username": "bo"})[1]["data"]["id"]
    casino_call(pair, "POST", f"/api/casino/users/{player}/deposit", money, key="d2")
    order["user_id"] = player
    assert casino_call(pair, "POST", "/api/casino/trades", order, key="t3")[0] == 201
    assert processes.wait_until(lambda: len(casino.seen("TRADE_PLACED")) == 2, seconds=SECONDS)
    assert [event["test"] for event in casino.seen("TRADE_PLACED")] == [True, False]

    rotated = call("POST", f"{s2s}/keys", {"label": "second"})[1]
    assert rotated["previous_keys"]["key_id"] == keys["key_id"]
    casino_call(pair, "POST", f"/api/casino/users/{player}/deposit", money, key="d3")
    assert processes.wait_until(lambda: len(casino.seen("BALANCE_CHANGED")) == 3, seconds=SECONDS)
    fresh = Pair(rotated["key_pair"]["public_key"], rotated["key_pair"]["secret_key"])
    assert casino_call(fresh, "GET", "/api/casino/whoami")[0] == 200
    casino.secret = fresh.secret
    assert casino_call(fresh, "POST", f"/api/casino/users/{player}/deposit", money, key="d4")[0] == 201
    assert processes.wait_until(lambda: len(casino.seen("BALANCE_CHANGED")) == 4, seconds=SECONDS)
    assert casino.refused == 0, "a rotation breaks nobody"

    suspended = {"status": "inactive", "reason": "Licence under review"}
    assert call("PATCH", s2s, suspended)[1]["operator"]["status"] == "inactive"
    status, refused = casino_call(fresh, "POST", "/api/casino/trades", order, key="t4")
    assert (status, refused["error"]["code"]) == (403, "OPERATOR_INACTIVE")
    detail = call("GET", s2s)[1]
    assert [entry["complete"] for entry in detail["onboarding_checklist"].values()] == [True] * 8
    assert (detail["user_count"], detail["callback_status"]) == (1, "healthy")
