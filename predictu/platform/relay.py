"""The relay: gives committed rows their place in a stream, so that no late commit ever lands behind a reader.

Rows are written unnumbered in their fact's transaction. After commit the relay takes the stream's own row, numbers what
it can see in the order of the rows' identity, and commits; only then is a row readable or due.
"""

from django.db import connection, transaction
from django.utils.module_loading import import_string

from predictu.platform.models import ActivityEvent, RelayStream

ACTIVITY = "activity"
BATCH = 1_000

_NUMBER_ACTIVITY = """
WITH waiting AS (
  SELECT ordinal, row_number() OVER (ORDER BY ordinal) AS place FROM (
    SELECT ordinal FROM platform_activityevent WHERE number IS NULL ORDER BY ordinal LIMIT %(batch)s) AS oldest)
UPDATE platform_activityevent AS event SET number = %(last)s + waiting.place
FROM waiting WHERE event.ordinal = waiting.ordinal
"""

# How the streams named after an operator are numbered; the app that owns their rows says so.
OPERATOR_STREAM = "operators.services.relay.number"
OPERATORS_WAITING = "operators.services.relay.waiting"


def run(stream: str) -> int:
    """Number all that waits in ``stream``; how many rows that were."""
    total = 0
    while True:
        numbered = _batch(stream)
        total += numbered
        if numbered < BATCH:
            return total


@transaction.atomic
def _batch(stream: str) -> int:
    RelayStream.objects.bulk_create([RelayStream(name=stream)], ignore_conflicts=True)
    row = RelayStream.objects.select_for_update(no_key=True).get(name=stream)
    if stream == ACTIVITY:
        with connection.cursor() as cursor:
            cursor.execute(_NUMBER_ACTIVITY, {"batch": BATCH, "last": row.last_number})
            numbered = cursor.rowcount
    else:
        numbered = import_string(OPERATOR_STREAM)(stream, row.last_number, BATCH)
    if numbered:
        row.last_number += numbered
        row.save(update_fields=["last_number"])
    return numbered


def sweep() -> None:
    """Number every stream that has something waiting, whether or not it was rung for."""
    if ActivityEvent.objects.filter(number=None).exists():
        run(ACTIVITY)
    for stream in import_string(OPERATORS_WAITING)():
        run(stream)
