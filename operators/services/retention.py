"""How long callbacks are kept: attempts for 90 days, events with their deliveries for 13 months."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

BATCH = 5_000

# Both tables grow at the end of their key, so the oldest rows are the first: nothing beyond a batch is looked at.
_ATTEMPTS = """
DELETE FROM operators_attempt WHERE at < %(before)s AND id IN (
  SELECT id FROM operators_attempt ORDER BY id LIMIT %(batch)s)
"""
_EVENTS = """
WITH oldest AS (
  SELECT ordinal FROM (SELECT ordinal, created_at, sequence FROM operators_callbackevent
    ORDER BY ordinal LIMIT %(batch)s) AS first WHERE created_at < %(before)s AND sequence IS NOT NULL),
attempts AS (DELETE FROM operators_attempt WHERE delivery_id IN (SELECT ordinal FROM oldest)),
claims AS (DELETE FROM operators_claim WHERE delivery_id IN (SELECT ordinal FROM oldest)),
deliveries AS (DELETE FROM operators_delivery WHERE event_id IN (SELECT ordinal FROM oldest))
DELETE FROM operators_callbackevent WHERE ordinal IN (SELECT ordinal FROM oldest)
"""


def prune(now: datetime) -> tuple[int, int]:
    """Delete what is past its time, in small transactions; how many attempts and events that were."""
    attempts = _rounds(_ATTEMPTS, now - timedelta(days=settings.PREDICTU_CALLBACK_ATTEMPT_DAYS))
    return attempts, _rounds(_EVENTS, now - timedelta(days=settings.PREDICTU_CALLBACK_EVENT_DAYS))


def _rounds(statement: str, before: datetime) -> int:
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"before": before, "batch": BATCH})
            total += cursor.rowcount
            if cursor.rowcount < BATCH:
                return total
