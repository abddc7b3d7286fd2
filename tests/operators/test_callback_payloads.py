"""Every event told by its real cause: its payload has the keys that docs/callbacks.md promises, in that order."""

import re
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from accounts.services import adjustments, players
from operators.models import CallbackEvent
from operators.services import pings
from risk.services import operator_changes, users
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from tests.operators.callbacks import Script, make_receiver
from trading.services import cancels, settlements, settling

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("callbacks_open")]
DOCUMENT = Path(__file__).parents[2] / "docs" / "callbacks.md"


def promised():
    """Event to the payload's keys, from the document's table of events."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| [^|]+ \| (.+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return {event: re.findall(r"`(\w+)`", keys) for event, keys in rows}


def test_payloads_hold_what_the_document_promises(serve):
    server = serve(Script())
    operator, _ = make_receiver(server)
    admin, market, player = make_admin(), make_market(), make_player(operator, balance="100")
    row = place(player, market, 10)
    place(player, market, 5)
    cancels.cancel(trade_id=row["id"], reason="palpable error", actor=admin, now=now())
    resolved = settlements.resolve(market_id=market.id, outcome="yes", reason="seen on TV", actor=admin, now=now())
    settling.settle(resolved.settlement.id, now=now())
    users.change_by_staff(player_id=player.id, changes={"tier": "banned"}, actor=admin, reason="fraud", now=now())
    operator_changes.update(
        operator_id=operator.id, changes={}, status="suspend", reason="fraud", actor=admin, now=now()
    )
    pings.send(operator=operator, url=None, actor=admin, now=now())

    told = {}
    for event in CallbackEvent.objects.order_by("ordinal"):
        told.setdefault(event.event, orjson.loads(bytes(event.body)))
    received = (orjson.loads(request.body) for request in server.received)
    told.update((body["event"], body) for body in received if body["event"] == "PING")
    assert set(promised()) == {*CallbackEvent.Event.values} | {"PING"}
    assert {event: list(body["payload"]) for event, body in told.items()} == promised()
    assert {tuple(body) for body in told.values()} == {("event", "operator_id", "timestamp", "test", "payload")}


def test_a_balance_is_told_of_for_every_reason_but_buys_and_sells():
    operator, admin = make_operator(), make_admin()
    player = make_player(operator, balance="100")

    def resolved(outcome):
        place(player, market := make_market(), 10)
        found = settlements.resolve(market_id=market.id, outcome=outcome, reason="seen", actor=admin, now=now())
        settling.settle(found.settlement.id, now=now())

    place(player, market := make_market(), 10)
    row = place(player, market, 10)
    cancels.cancel(trade_id=row["id"], reason="palpable error", actor=admin, now=now())
    place(player, market, 4, side="sell")
    resolved("yes")
    resolved("cancelled")
    adjustments.adjust(player_id=player.id, amount_usd=Decimal(5), reason="goodwill", actor=admin, now=now())
    players.move_money(
        operator_id=operator.id, player_id=player.id, kind="withdraw", amount_usd=Decimal(20), key="out",
        reference=None, transaction_id=None, actor=f"operator:{operator.id}", now=now(),
    )  # fmt: skip
    told = CallbackEvent.objects.filter(event="BALANCE_CHANGED").order_by("ordinal")
    payloads = [orjson.loads(bytes(event.body))["payload"] for event in told]
    assert [payload["reason"] for payload in payloads] == [
        *("deposit", "trade_cancelled", "payout", "refund", "adjustment", "withdrawal")
    ]
    for payload in payloads:
        moved = Decimal(str(payload["new_balance_usd"])) - Decimal(str(payload["previous_balance_usd"]))
        assert moved == Decimal(str(payload["amount_usd"])) != 0
        assert payload["reference_id"]
