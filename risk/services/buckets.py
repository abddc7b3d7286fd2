"""Exposure buckets as rows: made, and held in the one order everyone locks them in.

The order is market, category, operator within category, operators, global; within a scope by ``scope_id``.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from predictu import ids
from risk.models import ExposureBucket, Scope

Key = tuple[str, str]

_SUBJECTS = {Scope.MARKET.value: "mkt", Scope.OPERATOR.value: "op"}
_RANK = {scope.value: rank for rank, scope in enumerate(Scope)}

COLUMNS = "bucket.id, bucket.scope, bucket.scope_id, bucket.yes_usd, bucket.no_usd, bucket.alert_level, bucket.revision"

# Buckets by key in the order of the keys, which is the order of the locks.
READ = f"""
SELECT {COLUMNS} FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted (scope, scope_id, place)
JOIN risk_exposurebucket bucket ON bucket.scope = wanted.scope AND bucket.scope_id = wanted.scope_id
ORDER BY wanted.place
"""  # noqa: S608 columns of our own
LOCK = READ.rstrip() + " FOR NO KEY UPDATE OF bucket\n"

_TOUCHED = """
SELECT scope, scope_id FROM risk_exposurebucket
WHERE (exposure_usd > 0 OR alert_level > 0) AND scope = ANY(%s)
"""


def in_order(keys: Iterable[Key]) -> list[Key]:
    """``keys`` once each, in the order of the locks."""
    return sorted(set(keys), key=lambda key: (_RANK[key[0]], key[1]))


def ensure(keys: Iterable[Key]) -> None:
    """Make the buckets that do not exist yet."""
    with transaction.atomic():
        ExposureBucket.objects.bulk_create(
            [
                ExposureBucket(scope=scope, scope_id=scope_id, subject=_subject(scope, scope_id))
                for scope, scope_id in keys
            ],
            ignore_conflicts=True,
        )


def hold(keys: Iterable[Key]) -> list[tuple[Any, ...]]:
    """Lock the buckets of ``keys``, those that exist; rows of ``COLUMNS`` in the order of the locks."""
    ordered = in_order(keys)
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [[key[0] for key in ordered], [key[1] for key in ordered]])
        return cursor.fetchall()


def touched(scopes: Sequence[str]) -> list[Key]:
    """The buckets of ``scopes`` that hold exposure or an open crossing."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [list(scopes)])
        return [(scope, scope_id) for scope, scope_id in cursor.fetchall()]


def revise(bucket_ids: Iterable[int]) -> None:
    """Move the revisions of held buckets on, so that every trade decided before is decided again."""
    ExposureBucket.objects.filter(pk__in=list(bucket_ids)).update(revision=F("revision") + 1)


def _subject(scope: str, scope_id: str) -> UUID | None:
    prefix = _SUBJECTS.get(scope)
    return ids.decode(prefix, scope_id) if prefix else None
