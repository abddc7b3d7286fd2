"""How an operator's event stream is numbered: gap-free, in the order of the event table's identity.

With its number an event gets its delivery: to be sent, to wait behind its user's earlier event, or only recorded.
"""

from django.db import connection

from operators.models import Operator
from operators.services import endpoints
from predictu import clock, ids, jobs

DELIVER_TASK = "operators.tasks.deliver"

_NUMBER = """
WITH waiting AS (
  SELECT ordinal, row_number() OVER (ORDER BY ordinal) AS place FROM (
    SELECT ordinal FROM operators_callbackevent
    WHERE operator_id = %(operator)s AND sequence IS NULL ORDER BY ordinal LIMIT %(batch)s) AS oldest),
numbered AS (
  UPDATE operators_callbackevent AS event SET sequence = %(last)s + waiting.place
  FROM waiting WHERE event.ordinal = waiting.ordinal
  RETURNING event.ordinal, event.user_id),
placed AS (
  SELECT ordinal, user_id, CASE
    WHEN NOT %(sendable)s THEN 'recorded'
    WHEN user_id = '' THEN 'ready'
    WHEN row_number() OVER (PARTITION BY user_id ORDER BY ordinal) > 1 THEN 'behind'
    WHEN EXISTS (SELECT 1 FROM operators_delivery AS earlier WHERE earlier.user_id = numbered.user_id
      AND earlier.user_id <> '' AND earlier.state IN ('ready', 'behind')) THEN 'behind'
    ELSE 'ready' END AS state
  FROM numbered)
INSERT INTO operators_delivery
  (event_id, operator_id, user_id, state, due_at, tries, attempts, last_error)
SELECT ordinal, %(operator)s, user_id, state, CASE WHEN state = 'ready' THEN %(now)s::timestamptz END, 0, 0, ''
FROM placed ORDER BY ordinal
"""


def number(operator_id: str, last: int, batch: int) -> int:
    """Give the next numbers after ``last`` to at most ``batch`` waiting events; how many were numbered."""
    endpoints.hold(operator_id)
    # Read by the next statement: whoever recorded under the lock that was waited for is seen.
    operator = Operator.objects.only("callback_url", "s2s_enabled").get(pk=operator_id)
    sendable = endpoints.is_open(operator)
    terms = {
        "operator": ids.decode("op", operator_id),
        "last": last,
        "batch": batch,
        "sendable": sendable,
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER, terms)
        numbered = cursor.rowcount
    if numbered and sendable:
        jobs.ring(operator_id, DELIVER_TASK)
    return numbered


def waiting() -> list[str]:
    """The operators with events not numbered yet: one look into the index for each operator there is."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return [ids.encode("op", row[0]) for row in cursor.fetchall()]


_WAITING = """
SELECT id FROM operators_operator AS operator WHERE EXISTS (
  SELECT 1 FROM operators_callbackevent AS event WHERE event.operator_id = operator.id AND event.sequence IS NULL)
"""
