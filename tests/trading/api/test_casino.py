"""The Casino API over HTTP: the life of one trade, what stays another operator's, and what bad input meets."""

import json
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import LedgerEntry, Player
from operators.models import IdempotencyRecord
from predictu import ids
from tests.factories import as_admin, make_admin, make_market, make_operator, make_pair, make_player, signed
from trading.models import Trade

pytestmark = pytest.mark.django_db


class Casino:
    """An operator's server: signs what it sends."""

    def __init__(self, **operator):
        self.operator = make_operator(**{"new_tier_limit": 1000, **operator})
        self.pair = make_pair(self.operator)

    def get(self, path):
        return Client().get(f"/api/casino{path}", headers=signed(self.pair, "GET", f"/api/casino{path}"))

    def send(self, method, path, body, *, key=""):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = signed(self.pair, method, f"/api/casino{path}", data, idempotency_key=key)
        return Client().generic(method, f"/api/casino{path}", data, content_type="application/json", headers=headers)

    def post(self, path, body, *, key=""):
        return self.send("POST", path, body, key=key)


def refused(response, status, code):
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (status, code), body
    assert set(body["error"]) == {"code", "message", "details"}
    return body["error"]["details"]


def rows():
    tables = (Player, LedgerEntry, Trade, IdempotencyRecord)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_a_trade_lives_its_life_and_god_mode_sees_it():
    casino, market = Casino(), make_market()
    user = casino.post("/users", {"external_id": "p-1", "username": "ada", "email": "ada@mail.example"})
    assert user.status_code == 201
    usr = user.json()["data"]["id"]
    again = casino.post("/users", {"external_id": "p-1", "username": "other"})
    assert (again.status_code, again.json()["data"]["username"]) == (200, "ada")
    paid = casino.post(f"/users/{usr}/deposit", {"amount_usd": 100, "reference": "bank-7"}, key="d1")
    assert paid.status_code == 201
    assert (paid.json()["data"]["type"], paid.json()["data"]["balance_usd"]) == ("deposit", 100)
    assert paid.json()["data"]["reference_id"] == "bank-7"
    order = {"user_id": usr, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 50}
    quote = casino.post("/quote", order).json()["data"]
    assert (quote["price"], quote["cost_usd"], quote["fee_usd"], quote["total_usd"]) == (0.6262, 31.31, 0.16, 31.47)
    placed = casino.post("/trades", {**order, "device": "mobile", "transaction_id": "tx-1"}, key="t1")
    assert placed.status_code == 201
    trade = placed.json()["data"]
    assert (trade["cost_usd"], trade["balance_usd"], trade["s2s_transaction_id"]) == (31.31, 68.53, "tx-1")
    repeat = casino.post("/trades", {**order, "transaction_id": "tx-1", "device": "mobile"}, key="t1")
    assert (repeat.status_code, repeat.json(), repeat["Idempotency-Replayed"]) == (201, placed.json(), "true")
    assert casino.get(f"/users/{usr}/positions").json()["data"][0]["quantity"] == 50
    assert [row["type"] for row in casino.get(f"/users/{usr}/ledger").json()["data"]] == [
        "fee",
        "trade_debit",
        "deposit",
    ]
    admin = Client(headers=as_admin(make_admin()))
    seen = admin.get("/api/internal/trades").json()
    assert seen["pagination"] == {"page": 1, "limit": 50, "total": 1, "total_pages": 1}
    assert seen["data"][0] == {name: value for name, value in trade.items() if name != "balance_usd"}
    detail = admin.get(f"/api/internal/users/{usr}").json()["data"]
    assert (detail["balance_usd"], detail["metrics"]["trade_count"], detail["metrics"]["volume_usd"]) == (
        68.53,
        1,
        31.31,
    )
    lines = casino.get("/transactions?transaction_id=tx-1").json()["data"]
    assert [line["type"] for line in lines] == ["trade_debit", "fee"]


def test_nothing_of_another_operator_is_found():
    casino, other, market = Casino(), Casino(), make_market()
    player = make_player(other.operator, balance="50")
    before = rows()
    for path in ("", "/trades", "/positions", "/ledger"):
        refused(casino.get(f"/users/{player.id}{path}"), 404, "NOT_FOUND")
    refused(casino.post(f"/users/{player.id}/deposit", {"amount_usd": 1}, key="k"), 404, "NOT_FOUND")
    refused(casino.post(f"/users/{player.id}/withdraw", {"amount_usd": 1}, key="k"), 404, "NOT_FOUND")
    order = {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 5}
    refused(casino.post("/quote", order), 404, "NOT_FOUND")
    refused(casino.post("/trades", order, key="k"), 404, "NOT_FOUND")
    refused(casino.send("PATCH", f"/users/{player.id}", {"username": "x"}, key="k"), 404, "NOT_FOUND")
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": "5"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"quantity": -5}, "quantity"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1e-9}, "quantity"),
        ({"quantity": 10**30}, "quantity"),
        ({"quantity": [5]}, "quantity"),
        ({"amount_usd": 5}, "quantity"),
        ({"side": "hold"}, "side"),
        ({"outcome": "maybe"}, "outcome"),
        ({"user_id": ids.new("mkt")}, "user_id"),
        ({"market_id": "mkt_1"}, "market_id"),
        ({"market_id": 7}, "market_id"),
        ({"max_price": 1.5}, "max_price"),
        ({"min_price": 0.5}, "min_price"),
        ({"device": "fridge"}, "device"),
        ({"transaction_id": "x" * 129}, "transaction_id"),
        ({"transaction_id": "a\x01b"}, "transaction_id"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_body_that_cannot_be_names_its_field_and_moves_nothing(change, field):
    casino, market = Casino(), make_market()
    player = make_player(casino.operator, balance="50")
    order = {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 5}
    before = rows()
    assert field in refused(casino.post("/trades", order | change, key="k"), 422, "VALIDATION_ERROR")
    assert rows() == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{nope", 400, "BAD_REQUEST"),
        (b'{"quantity": NaN}', 400, "BAD_REQUEST"),
        (b'{"quantity": Infinity}', 400, "BAD_REQUEST"),
        (b'"\xff\xfe"', 400, "BAD_REQUEST"),
        (b'{"user_id": "a\\u0000b"}', 400, "BAD_REQUEST"),
        (b"[" * 100_000, 400, "BAD_REQUEST"),
        (b"[1, 2]", 400, "BAD_REQUEST"),
        (b'{"a": 1, "a": 2}', 400, "BAD_REQUEST"),
        (b'{"quantity": 1e999}', 400, "BAD_REQUEST"),
        (b'{"quantity": ' + b"9" * 5_000 + b"}", 400, "BAD_REQUEST"),
        (b'{"a": "' + b"x" * 5_000_000 + b'"}', 413, "PAYLOAD_TOO_LARGE"),
        (b"{}", 422, "VALIDATION_ERROR"),
        (b"", 422, "VALIDATION_ERROR"),
    ],
)
def test_a_body_that_is_no_body_is_refused_clearly(body, status, code):
    casino = Casino()
    before = rows()
    refused(casino.post("/trades", body, key="k"), status, code)
    assert rows() == before


@pytest.mark.parametrize("amount", ["10", -1, 0, 0.001, True, None, 10**12, [1]])
def test_a_deposit_of_a_wrong_amount_moves_nothing(amount):
    casino = Casino()
    player = make_player(casino.operator)
    before = rows()
    details = refused(
        casino.post(f"/users/{player.id}/deposit", {"amount_usd": amount}, key="k"), 422, "VALIDATION_ERROR"
    )
    assert "amount_usd" in details
    assert rows() == before


def test_money_calls_need_a_key_and_happen_once():
    casino = Casino()
    player = make_player(casino.operator)
    path = f"/users/{player.id}/deposit"
    assert "Idempotency-Key" in refused(casino.post(path, {"amount_usd": 5}), 400, "BAD_REQUEST")
    first = casino.post(path, {"amount_usd": 5}, key="d")
    again = casino.post(path, b'{ "amount_usd" : 5.0 }', key="d")
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    refused(casino.post(path, {"amount_usd": 6}, key="d"), 409, "IDEMPOTENCY_CONFLICT")
    player.refresh_from_db()
    assert (player.balance_usd, player.deposited_usd) == (Decimal(5), Decimal(5))
    refused(casino.post(f"/users/{player.id}/withdraw", {"amount_usd": 6}, key="w"), 422, "INSUFFICIENT_BALANCE")
    assert casino.post(f"/users/{player.id}/withdraw", {"amount_usd": 5}, key="w").json()["data"]["balance_usd"] == 0


def test_a_suspended_operator_moves_nothing():
    casino, market = Casino(), make_market()
    player = make_player(casino.operator, balance="50")
    casino.operator.suspended_at = casino.operator.created_at
    casino.operator.save(update_fields=["suspended_at"])
    order = {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 5}
    before = rows()
    refused(casino.post("/users", {"external_id": "n", "username": "n"}), 403, "OPERATOR_INACTIVE")
    refused(casino.post(f"/users/{player.id}/deposit", {"amount_usd": 1}, key="k"), 403, "OPERATOR_INACTIVE")
    refused(casino.post("/quote", order), 403, "OPERATOR_INACTIVE")
    refused(casino.post("/trades", order, key="k"), 403, "OPERATOR_INACTIVE")
    assert rows() == before
    assert casino.get("/whoami").json()["data"]["operator_status"] == "suspended"


def test_self_exclusion_is_prolonged_never_lifted():
    casino, market = Casino(), make_market()
    player = make_player(casino.operator, balance="50")
    path = f"/users/{player.id}"
    assert casino.send("PATCH", path, {"self_excluded_until": "2099-01-01T00:00:00Z"}, key="a").status_code == 200
    refused(
        casino.send("PATCH", path, {"self_excluded_until": "2098-01-01T00:00:00Z"}, key="b"), 422, "VALIDATION_ERROR"
    )
    refused(casino.post(f"{path}/deposit", {"amount_usd": 5}, key="c"), 422, "USER_RESTRICTED")
    order = {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 5}
    assert refused(casino.post("/trades", order, key="d"), 422, "USER_RESTRICTED") == {"reason": "self_exclusion"}
    assert casino.post(f"{path}/withdraw", {"amount_usd": 50}, key="e").status_code == 201


def test_an_operator_lifts_only_its_own_suspension():
    casino = Casino()
    player = make_player(casino.operator)
    path = f"/users/{player.id}"
    assert casino.send("PATCH", path, {"status": "suspended"}, key="a").json()["data"]["status"] == "suspended"
    assert casino.send("PATCH", path, {"status": "active"}, key="b").json()["data"]["status"] == "active"
    Player.objects.filter(pk=player.pk).update(status="suspended", status_set_by="staff")
    refused(casino.send("PATCH", path, {"status": "active"}, key="c"), 422, "VALIDATION_ERROR")
    refused(casino.send("PATCH", path, {"limit_tier": "vip"}, key="d"), 422, "VALIDATION_ERROR")


def test_a_days_statement_adds_up():
    casino, market = Casino(), make_market()
    player = make_player(casino.operator, balance="100")
    order = {"user_id": player.id, "market_id": market.id, "outcome": "yes", "side": "buy", "quantity": 50}
    placed = casino.post("/trades", order, key="t").json()["data"]
    day = placed["created_at"][:10]
    assert casino.get(f"/statement?date={day}").json()["data"]["rows"] == [
        {"type": "deposit", "count": 1, "sum_usd": 100},
        {"type": "fee", "count": 1, "sum_usd": -0.16},
        {"type": "trade_debit", "count": 1, "sum_usd": -31.31},
    ]
    refused(casino.get("/statement?date=today"), 400, "BAD_REQUEST")
    refused(casino.get("/statement"), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "limit=0", "limit=201", "page=x", "side=hold", "outcome=x", "status=open", "user_id=mkt_1",
        "market_id=zzz", "min_amount=NaN", "max_amount=abc", "from=yesterday", "from=2026-02-02&to=2026-02-01",
        "sort=secret", "order=up", "operator=no-such", "page=99999999999999999999",
    ],
)  # fmt: skip
def test_a_list_refuses_parameters_it_cannot_read(query):
    admin = Client(headers=as_admin(make_admin()))
    details = refused(admin.get(f"/api/internal/trades?{query}"), 400, "BAD_REQUEST")
    assert query.partition("=")[0] in details


def test_lists_filter_and_sort_exactly():
    casino, market, other = Casino(), make_market(), make_market(yes_mid="0.30")
    player = make_player(casino.operator, balance="100")
    for number, (where, quantity) in enumerate([(market, 10), (other, 20), (market, 5)]):
        order = {"user_id": player.id, "market_id": where.id, "outcome": "yes", "side": "buy", "quantity": quantity}
        assert casino.post("/trades", order, key=f"t{number}").status_code == 201
    admin = Client(headers=as_admin(make_admin()))

    def quantities(query):
        body = admin.get(f"/api/internal/trades?{query}").json()
        assert body["pagination"]["total"] == len(body["data"])
        return [row["quantity"] for row in body["data"]]

    assert quantities("") == [5, 20, 10]
    assert quantities("order=asc") == [10, 20, 5]
    assert quantities("sort=amount") == [10, 20, 5]
    assert quantities(f"market_id={market.id}&sort=price&order=asc") in ([10, 5], [5, 10])
    assert quantities("min_amount=6") == [20, 10]
    assert quantities("max_amount=6") == [5]
    assert quantities(f"operator={casino.operator.slug}&side=sell") == []
    assert quantities(f"user_id={ids.new('usr')}") == []
    paged = [admin.get(f"/api/internal/trades?limit=1&page={page}").json()["data"] for page in (1, 2, 3, 4)]
    assert [[row["quantity"] for row in rows_] for rows_ in paged] == [[5], [20], [10], []]
