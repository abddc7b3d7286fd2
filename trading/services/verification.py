"""Verifying the whole platform's money, set-wise, and anchoring the ledger outside the database.

Every night the heads of all users' chains are written to a file outside the database; their digest, keyed with a secret
of the environment, goes into the audit trail. Whoever rewrites history has to rewrite both, and know the key.
"""

import gzip
import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction

from accounts.models import system_admin
from predictu.platform import activity, audit
from predictu.platform.models import AuditEntry, Heartbeat
from risk.models import RiskEvent
from trading.services import verification_sql as sql

log = logging.getLogger("predictu.verification")

ANCHOR = "ledger.anchor"
ANCHORS_CHECKED = 30
NAMED = 20
HEARTBEAT = "ledger"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that does not hold: how often, and the first that break it."""

    check: str
    count: int
    examples: Sequence[str]


def verify() -> list[Finding]:
    """Everything that does not hold, as one snapshot saw it; empty when all is well."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = [finding for name, query in sql.CHECKS.items() if (finding := _check(name, query))]
        return [*found, *_anchors()]


def _check(name: str, query: str) -> Finding | None:
    with connection.cursor() as cursor:
        cursor.execute(query)
        first = [row[0] for row in cursor.fetchmany(NAMED)]
        count = cursor.rowcount
    return Finding(name, count, first) if first else None


def anchor(*, now: datetime) -> str:
    """Write the heads of all chains to a file and their keyed digest to the audit trail; the digest."""
    with connection.cursor() as cursor:
        cursor.execute(sql.HEADS)
        heads = cursor.fetchall()
    content = orjson.dumps(heads)
    digest = hashlib.sha256(content).hexdigest()
    name = f"ledger-{now:%Y%m%dT%H%M%S%f}.json.gz"
    folder = Path(settings.PREDICTU_ANCHOR_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(gzip.compress(content, mtime=0))
    audit.record(
        actor=system_admin(),
        action=ANCHOR,
        object_type="ledger",
        metadata={
            "file": name,
            "users": len(heads),
            "digest": digest,
            "hmac": _keyed(digest, settings.PREDICTU_LEDGER_ANCHOR_KEYS[0]),
        },
        now=now,
    )
    return digest


def _keyed(digest: str, key: str) -> str:
    return hmac.new(key.encode(), digest.encode(), hashlib.sha256).hexdigest()


def _is_ours(digest: str, keyed: str) -> bool:
    keys = settings.PREDICTU_LEDGER_ANCHOR_KEYS
    return any(hmac.compare_digest(_keyed(digest, key), keyed) for key in keys)


def _anchors() -> list[Finding]:
    """The newest anchors against the chains as they are now."""
    wrong: list[str] = []
    for entry in AuditEntry.objects.filter(action=ANCHOR).order_by("-created_at", "-id")[:ANCHORS_CHECKED]:
        wrong += _against(entry.metadata)
    return [Finding("ledger anchors", len(wrong), wrong[:NAMED])] if wrong else []


def _against(kept: dict[str, Any]) -> list[str]:
    name, digest = kept["file"], kept["digest"]
    if not _is_ours(digest, kept["hmac"]):
        return [f"{name}: the digest does not bear our key"]
    try:
        content = gzip.decompress((Path(settings.PREDICTU_ANCHOR_DIR) / name).read_bytes())
    except (OSError, EOFError):
        return [f"{name}: the file is missing or cannot be read"]
    if hashlib.sha256(content).hexdigest() != digest:
        return [f"{name}: the file is not the one that was anchored"]
    heads = orjson.loads(content)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.ANCHORED,
            {
                "players": [head[0] for head in heads],
                "seqs": [head[1] for head in heads],
                "hashes": [head[2] for head in heads],
            },
        )
        return [f"{name}: {row[0]}" for row in cursor.fetchall()]


def nightly(*, now: datetime) -> list[Finding]:
    """Verify, tell of what does not hold, and anchor what does."""
    found = verify()
    Heartbeat.objects.update_or_create(
        name=HEARTBEAT,
        defaults={
            "seen_at": now,
            "detail": {"findings": [{"check": each.check, "count": each.count} for each in found]},
        },
    )
    if not found:
        anchor(now=now)
        return found
    words = "; ".join(f"{each.check}: {each.count} ({', '.join(each.examples[:3])})" for each in found)
    log.critical("the ledger does not verify: %s", words)
    with transaction.atomic():
        RiskEvent.objects.create(
            type=RiskEvent.Type.ANOMALY,
            severity=RiskEvent.Severity.CRITICAL,
            message=f"Ledger verification failed: {words}"[:2000],
            scope={"global": True},
            created_at=now,
        )
        activity.record(
            type="risk_event",
            severity="critical",
            title="Ledger verification failed",
            description=words[:2000],
            metadata={"findings": [{"check": each.check, "count": each.count} for each in found]},
            now=now,
        )
    return found


def standing() -> list[dict[str, Any]]:
    """What the last nightly run found wrong: the banner of the admin shows it until a run is clean."""
    row = Heartbeat.objects.filter(name=HEARTBEAT).first()
    return row.detail.get("findings", []) if row else []
