"""What operators' tables hold of a user's person, put under a pseudonym: stored callbacks and remembered answers.

Events are rewritten where they stand: only the value of ``external_id`` changes, every other byte stays. What was sent
before is then no longer what is stored, so a signature in the log of attempts fits the old bytes, not these; a replay
is signed anew, as every attempt is.
"""

import re
from dataclasses import dataclass

import orjson
from django.db import connection

from operators.models import Attempt, CallbackEvent, Delivery, IdempotencyRecord
from predictu import ids

BATCH = 1_000
_STRING = r'"(?:[^"\\]|\\.)*"'
# Quotes inside a string are escaped, so that these words with bare ones are keys.
_EXTERNAL_ID = re.compile(rf'"external_id":\s*{_STRING}'.encode())
_NAMES = re.compile(rf'"(external_id|username|user_name)":\s*{_STRING}')
_EMAIL = re.compile(rf'"email":\s*{_STRING}')
_ANSWERS = """
SELECT id, answer FROM operators_idempotencyrecord WHERE operator_id = %s AND strpos(answer, %s) > 0 ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """How many rows held something of the person."""

    events: int
    attempts: int
    answers: int


def is_being_told(operator_id: str, user_id: str) -> bool:
    """Whether a callback about the user is still on its way: its operator would not know the pseudonym."""
    unnumbered = CallbackEvent.objects.filter(operator_id=operator_id, sequence=None, user_id=user_id)
    waiting = Delivery.objects.filter(user_id=user_id, state__in=("ready", "behind", "slow"))
    return waiting.exists() or unnumbered.exists()


def forget(operator_id: str, user_id: str, *, pseudonym: str, email: str) -> Rewritten:
    """Put the user's events and answers under ``pseudonym``, and drop what the operator's server said of it."""
    return Rewritten(_events(user_id, pseudonym), _attempts(user_id), _answers(operator_id, user_id, pseudonym, email))


def _events(user_id: str, pseudonym: str) -> int:
    changed, last = 0, 0
    replacement = b'"external_id":' + orjson.dumps(pseudonym)
    told = Delivery.objects.filter(user_id=user_id).order_by("event_id")
    while True:
        numbers = list(told.filter(event_id__gt=last).values_list("event_id", flat=True)[:BATCH])
        if not numbers:
            return changed
        last = numbers[-1]
        rewritten = []
        for event in CallbackEvent.objects.filter(pk__in=numbers).only("ordinal", "body"):
            body = _EXTERNAL_ID.sub(lambda _: replacement, bytes(event.body), count=1)
            if body != bytes(event.body):
                event.body = body
                rewritten.append(event)
        CallbackEvent.objects.bulk_update(rewritten, ["body"])
        changed += len(rewritten)


def _attempts(user_id: str) -> int:
    said = Attempt.objects.filter(delivery__user_id=user_id).exclude(response_body=b"", response_headers={})
    return said.update(response_body=b"", response_headers={})


def _answers(operator_id: str, user_id: str, pseudonym: str, email: str) -> int:
    quoted = orjson.dumps(pseudonym).decode()
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, [ids.decode("op", operator_id), f'"{user_id}"'])
        rows = cursor.fetchall()
    changed = 0
    for number, answer in rows:
        named = _NAMES.sub(lambda found: f'"{found[1]}":{quoted}', answer)
        rewritten = _EMAIL.sub(lambda _: f'"email":{orjson.dumps(email).decode()}', named)
        if rewritten != answer:
            changed += IdempotencyRecord.objects.filter(pk=number).update(answer=rewritten)
    return changed
