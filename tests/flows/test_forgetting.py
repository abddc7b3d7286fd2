"""A person forgotten: nothing in the database or its files knows the name any more, and the money is as it was."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import LedgerEntry, Player
from operators.models import Attempt, CallbackEvent, Delivery
from operators.services import replays
from predictu.errors import ValidationFailed
from predictu.platform import relay
from predictu.platform.models import AuditEntry
from reports.models import Export, Report
from reports.services import exports, forgetting
from tests.factories import as_admin, make_admin, make_market, make_player, now, signed
from tests.loopback import answer
from tests.operators.callbacks import is_genuine, make_receiver, send
from tests.operators.conftest import authority, callbacks_open, serve, tls  # noqa: F401 - fixtures
from trading.models import Trade
from trading.services import verification

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("callbacks_open")]
PERSON = {"external_id": "Zoë-quux-7731", "username": "quuxlady_x9", "email": "quux.lady@quuxmail.example"}


class House:
    """An operator whose server repeats what it is told, and calls signed with its key."""

    def __init__(self, serve):  # noqa: F811
        self.server = serve(self._repeat)
        self.operator, self.pair = make_receiver(self.server, new_tier_limit=1000)
        self.count = 0

    def _repeat(self, request, _):
        known = PERSON["external_id"].encode() in request.body
        return answer(200, request.body, X_Echo=PERSON["username"] if known else "-")

    def __call__(self, method, path, body=None):
        self.count += 1
        path, raw = f"/api/casino/{path}", b"" if body is None else json.dumps(body).encode()
        headers = signed(self.pair, method, path, raw, idempotency_key=f"call-{self.count}")
        given = Client(headers=headers).generic(method, path, raw, content_type="application/json")
        assert given.status_code < 300, given.content
        return given.json()["data"]

    def deliver(self):
        relay.run(self.operator.id)
        send(self.operator)


@pytest.fixture
def house(serve):  # noqa: F811
    return House(serve)


@pytest.fixture
def person(house):
    """Registered, renamed, has traded both ways, was refused, reported on and exported; everything was told."""
    market = make_market()
    user_id = house("POST", "users", PERSON | {"username": "quuxgirl"})["id"]
    house("POST", f"users/{user_id}/deposit", {"amount_usd": 100})
    house("PATCH", f"users/{user_id}", {"username": PERSON["username"], "email": PERSON["email"]})
    order = {"user_id": user_id, "market_id": market.id, "outcome": "yes"}
    house("POST", "trades", order | {"side": "buy", "quantity": 10})
    house("POST", "trades", order | {"side": "sell", "quantity": 10})
    admin = make_admin()
    god = Client(headers=as_admin(admin))
    for wanted in ({"tier": "sharp", "reason": "sharp"}, {"tier": "normal", "reason": "not sharp"}):
        assert god.patch(f"/api/internal/users/{user_id}", wanted, "application/json").status_code == 200
    house.deliver()
    return Player.objects.get(pk=user_id)


def export(include_pii=True):
    at = now()
    made = exports.request(
        actor=make_admin(),
        type="users",
        format="csv",
        compression="none",
        start=at - timedelta(days=1),
        end=at + timedelta(days=1),
        operator=None,
        include_pii=include_pii,
        now=at,
    )
    exports.make(made.pk, now=at)
    return Export.objects.get(pk=made.pk)


def places_with(*words):
    """The tables and files that hold one of ``words``, bytes and other cases included."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT whole::text FROM "{table}" AS whole')
            for (text,) in cursor.fetchall():
                if any(word.lower() in text.lower() or word.encode().hex() in text for word in words):
                    found.add(table)
    for name in default_storage.listdir("private")[1] if default_storage.exists("private") else []:
        with default_storage.open(f"private/{name}") as file:
            content = file.read()
        if any(word.encode() in content for word in words):
            found.add(name)
    return found


def withdraw(house, person):
    person.refresh_from_db()
    house("POST", f"users/{person.id}/withdraw", {"amount_usd": float(person.balance_usd)})
    house.deliver()


def command(user, *more):
    out = StringIO()
    admin = make_admin()
    given = ["--reason", "Asked to be forgotten", "--admin", admin.email, "--yes", *more]
    call_command("forget_user", user.id, *given, stdout=out)
    return admin, out.getvalue()


def test_nothing_knows_the_person_any_more_and_the_money_is_as_it_was(
    house, person, tmp_path, settings, caplog, django_capture_on_commit_callbacks
):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }
    other = make_player(house.operator, balance=5)
    withdraw(house, person)
    file, plain = export(), export(include_pii=False)
    # An export reads on a connection of its own, which sees nothing of a test that does not commit.
    (tmp_path / file.path).write_text(json.dumps(PERSON, ensure_ascii=False))
    words = (*PERSON.values(), "quuxgirl")
    known = places_with(*words)
    # What this test is worth: the person is known in all of these.
    assert {
        "accounts_player",
        "operators_callbackevent",
        "operators_attempt",
        "operators_idempotencyrecord",
        file.path.removeprefix("private/"),
    } == known
    money = list(LedgerEntry.objects.order_by("id").values())
    trades = list(Trade.objects.order_by("id").values())
    bodies = {event.pk: bytes(event.body) for event in CallbackEvent.objects.all()}

    with django_capture_on_commit_callbacks(execute=True):
        admin, said = command(person)

    assert caplog.messages[-1] == f"forgot {person.id}"
    assert not any(word in caplog.text for word in words)
    assert places_with(*words) == set()
    pseudonym = "forgotten-" + person.id.removeprefix("usr_")
    person.refresh_from_db()
    assert (person.external_id, person.username, person.email) == (
        pseudonym,
        pseudonym,
        f"{pseudonym}@forgotten.invalid",
    )
    assert (person.status, person.status_set_by) == ("inactive", "staff")
    assert said == (
        f"{person.id} is {pseudonym} now: 5 callbacks, 5 answers of the operator and 3 remembered answers rewritten, "
        "1 files removed\n"
    )
    row = AuditEntry.objects.get(action="user.forget")
    assert (row.actor_id, row.object_id, row.reason) == (admin.id, person.id, "Asked to be forgotten")
    assert row.changes == {name: {"changed": True} for name in ("external_id", "username", "email")}
    assert list(LedgerEntry.objects.order_by("id").values()) == money
    assert list(Trade.objects.order_by("id").values()) == trades
    assert verification.verify() == []
    for event in CallbackEvent.objects.filter(user_id=person.id):
        old, new = json.loads(bodies[event.pk]), json.loads(bytes(event.body))
        old["payload"]["external_id"] = pseudonym
        assert new == old
    assert bytes(CallbackEvent.objects.get(user_id=other.id, event="USER_REGISTERED").body) == next(
        body for body in bodies.values() if other.external_id.encode() in body
    )
    file.refresh_from_db(), plain.refresh_from_db()
    assert (file.status, file.path, plain.status) == ("expired", "", "ready")

    # Again changes nothing; a remembered answer still answers, under the pseudonym.
    assert command(person)[1] == f"{person.id} had been forgotten already\n"
    assert AuditEntry.objects.filter(action="user.forget").count() == 1
    house.count = 3  # the call before the buy
    order = {"user_id": person.id, "market_id": Trade.objects.first().market_id, "outcome": "yes"}
    again = house("POST", "trades", order | {"side": "buy", "quantity": 10})
    assert again["user_name"] == pseudonym and Trade.objects.count() == 2


def test_a_replay_tells_the_pseudonym_and_its_signature_fits(house, person):
    withdraw(house, person)
    command(person)
    delivery = Delivery.objects.filter(user_id=person.id).order_by("event_id").first()
    replays.one(delivery, now=now())
    house.deliver()
    request = house.server.received[-1]
    assert request.headers["x-predictu-delivery"] == delivery.event.id
    assert person.id.removeprefix("usr_") in json.loads(request.body)["payload"]["external_id"]
    assert is_genuine(request, house.pair.secret)


def test_who_is_still_needed_is_not_forgotten(house, person):
    before = Player.objects.filter(pk=person.id).values("external_id", "username", "email").get()

    def refused(why, *more):
        with pytest.raises(CommandError, match=why):
            command(person, *more)
        assert Player.objects.filter(pk=person.id).values(*before).get() == before
        assert not AuditEntry.objects.filter(action="user.forget").exists()

    refused("there is a balance")
    order = {"user_id": person.id, "market_id": make_market().id, "outcome": "no", "quantity": 5}
    house("POST", "trades", order | {"side": "buy"})
    house.deliver()
    refused("1 positions are open", "--leave-money")
    house("POST", "trades", order | {"side": "sell"})
    refused("callbacks about the user are on their way", "--leave-money")
    withdraw(house, person)
    Report.objects.create(
        type="users", format="csv", include_pii=True, requested_by=make_admin(), created_at=now(), rung_at=now()
    )
    refused("a file with personal data is being made")
    assert places_with(PERSON["email"]) >= {"accounts_player", "operators_idempotencyrecord"}


def test_money_may_be_left_and_can_be_withdrawn(house, person):
    command(person, "--leave-money")
    assert Player.objects.get(pk=person.id).username.startswith("forgotten-")
    withdraw(house, person)
    assert Player.objects.get(pk=person.id).balance_usd == 0
    assert places_with(*PERSON.values()) == set()
    assert verification.verify() == []


def test_it_asks_and_wants_a_reason(person, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    given = ["--reason", "r", "--admin", make_admin().email]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("forget_user", person.id, *given)
    with pytest.raises(ValidationFailed):
        forgetting.forget(player_id=person.id, reason=" ", actor=make_admin(), now=now())
    with pytest.raises(CommandError, match="No such user"):
        call_command("forget_user", "usr_00000000000000000000000000", *given, "--yes")
    assert Player.objects.get(pk=person.id).email == PERSON["email"]
    assert Attempt.objects.exclude(response_body=b"").exists()
