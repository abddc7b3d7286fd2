"""What tests of callbacks share: operators with a URL and a key, events, and a receiver that answers as told."""

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from django.db import connection
from kombu.exceptions import OperationalError

from operators import signing
from operators.models import CallbackEvent, Delivery
from operators.services import callbacks, sending
from predictu.platform import relay
from tests.factories import make_operator, make_pair, now
from tests.loopback import answer

USER = "usr_01jpq2yz00e008000000000004"


def make_receiver(server, **changes):
    """An operator whose callbacks go to ``server``, and its key pair."""
    operator = make_operator(callback_url=server.url() if server else "", **changes)
    return operator, make_pair(operator)


def tell(operator, event="BALANCE_CHANGED", *, user=USER, count=1, at=None, **changes):
    """Queue and number events of ``operator`` as the relay does after a commit; the events."""
    made = [
        callbacks.queue(
            operator_id=operator.id, event=event, user_id=user, payload={"number": number}, now=at or now(), **changes
        )
        for number in range(count)
    ]
    relay.run(operator.id)
    return [CallbackEvent.objects.get(pk=each.pk) for each in made]


def bulk(operator, count, *, users=0, test=False):
    """Insert ``count`` unnumbered events by SQL, spread over ``users`` users (0: of no user)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO operators_callbackevent
                 (id, operator_id, event, user_id, subject_id, body, test, created_at)
               SELECT gen_random_uuid(), %s::uuid, 'BALANCE_CHANGED',
                 CASE WHEN %s = 0 THEN '' ELSE 'usr_' || (n %% greatest(%s, 1)) || '_' || %s END, '',
                 convert_to('{"n":' || n || '}', 'UTF8'), %s, now() FROM generate_series(1, %s) AS n""",
            [uuid_of(operator), users, users, operator.id, test, count],
        )


@contextmanager
def beating():
    """Beat's part while a test waits: its sweeps ring again for a bell that Redis was too busy to take."""
    from operators.tasks import sweep_deliveries
    from predictu.platform.tasks import sweep_relay

    ended = threading.Event()

    def beat():
        while not ended.wait(1):
            with suppress(OperationalError):
                sweep_relay.delay()
                sweep_deliveries.delay()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def uuid_of(operator):
    return operator._meta.pk.get_db_prep_value(operator.id, connection)


def send(operator):
    """Everything that is due, sent and recorded."""
    sending.drain(operator.id)


def states(*events):
    """The deliveries' states in the order of ``events``."""
    found = dict(Delivery.objects.filter(event__in=[event.pk for event in events]).values_list("event_id", "state"))
    return [found[event.pk] for event in events]


def delivery(event):
    return Delivery.objects.get(event_id=event.pk)


@dataclass
class Script:
    """A handler that gives the answers it is told to, then ``otherwise``.

    ``only`` names a delivery: the others are confirmed.
    """

    answers: list = field(default_factory=list)
    otherwise: int = 200
    only: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request, sock):
        if self.only not in ("", request.headers["x-predictu-delivery"]):
            return answer(200, b"{}")
        with self.lock:
            given = self.answers.pop(0) if self.answers else self.otherwise
        return given if isinstance(given, bytes) else answer(given, b"{}")


def is_genuine(request, secret):
    """Whether both dialects' signatures of a received request are right."""
    headers = request.headers
    made = signing.webhook_signature(
        secret.encode(),
        message_id=headers["webhook-id"],
        timestamp=int(headers["webhook-timestamp"]),
        body=request.body,
    )
    return headers["x-predictu-signature"] == signing.body_signature(secret, request.body) and headers[
        "webhook-signature"
    ].split(" ") == [made]


def number_of(request):
    return json.loads(request.body)["payload"]["number"]
