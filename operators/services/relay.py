"""How an operator's event stream is numbered: gap-free, in the order of the event table's identity."""

from django.db import connection

from operators.models import CallbackEvent

_NUMBER = """
WITH waiting AS (
  SELECT ordinal, row_number() OVER (ORDER BY ordinal) AS place FROM (
    SELECT ordinal FROM operators_callbackevent
    WHERE operator_id = %(operator)s AND sequence IS NULL ORDER BY ordinal LIMIT %(batch)s) AS first)
UPDATE operators_callbackevent AS event SET sequence = %(last)s + waiting.place
FROM waiting WHERE event.ordinal = waiting.ordinal
"""


def number(operator_id: str, last: int, batch: int) -> int:
    """Give the next numbers after ``last`` to at most ``batch`` waiting events; how many were numbered."""
    operator = CallbackEvent._meta.get_field("operator").get_db_prep_value(operator_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER, {"operator": operator, "last": last, "batch": batch})
        return cursor.rowcount


def waiting() -> list[str]:
    """The operators with events not numbered yet."""
    return list(CallbackEvent.objects.filter(sequence=None).order_by().values_list("operator_id", flat=True).distinct())
