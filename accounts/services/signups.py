"""Counting users by operator and day of signup, and by channel: each is counted once, where it is marked.

Marking and adding are one statement, so a reader who adds the sums and the unmarked users (``accounts.signups``) sees
each of them once, however late its transaction committed.
"""

from django.db import connection, transaction

BATCH = 20_000
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('predictu:count-signups'))"

# In the order everyone locks users in; a user whose row is held is counted the next time.
_COUNT = """
WITH due AS MATERIALIZED (
  SELECT id FROM accounts_player WHERE NOT counted ORDER BY id LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED),
marked AS (
  UPDATE accounts_player player SET counted = true FROM due WHERE player.id = due.id
  RETURNING player.operator_id, player.created_at, player.channel, player.is_test),
channels AS (
  INSERT INTO accounts_signupchannel AS known (operator_id, channel, users)
  SELECT operator_id, channel, count(*) FROM marked WHERE NOT is_test GROUP BY 1, 2
  ON CONFLICT (operator_id, channel) DO UPDATE SET users = known.users + excluded.users),
added AS (
  INSERT INTO accounts_signupday AS known (day, operator_id, users)
  SELECT (created_at AT TIME ZONE 'UTC')::date, operator_id, count(*) FROM marked WHERE NOT is_test GROUP BY 1, 2
  ON CONFLICT (operator_id, day) DO UPDATE SET users = known.users + excluded.users)
SELECT count(*) FROM marked
"""
_FORGET = """
DELETE FROM accounts_signupday;
DELETE FROM accounts_signupchannel;
UPDATE accounts_player SET counted = false WHERE counted;
"""


def compact() -> int:
    """Count all who wait, a batch a transaction; how many."""
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK)
            done = _batch(cursor)
        total += done
        if done < BATCH:
            return total


def rebuild() -> int:
    """Throw the sums away and count anew, in one transaction; how many users."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_FORGET)
        total = 0
        while done := _batch(cursor):
            total += done
        return total


def _batch(cursor: object) -> int:
    cursor.execute(_COUNT, {"batch": BATCH})  # type: ignore[attr-defined]
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]
