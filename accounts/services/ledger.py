"""Posting to the ledger. The database numbers, chains and adds up; here it is said what happened and why.

Whoever posts holds the player's row. Keys of our own rows live under ``predictu:``, a namespace callers cannot write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from accounts.models import LedgerEntry, Player
from predictu import ids
from predictu.money import ZERO

OWN_KEYS = "predictu:"

INSERT = """
INSERT INTO accounts_ledgerentry (id, player_id, type, amount_usd, reference_type, reference_id, description, metadata,
                                  idempotency_key, actor, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry to be written; ``key`` is unique for the player and type."""

    type: str
    amount_usd: Decimal
    reference_type: str
    reference_id: str
    key: str
    actor: str
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


def own_key(*parts: str) -> str:
    """A key in our namespace: ``predictu:fee:trd_…``."""
    return OWN_KEYS + ":".join(parts)


def parameters(player_id: str, posting: Posting, now: datetime) -> tuple[Any, ...]:
    """``posting`` as the parameters of ``INSERT``."""
    return (
        ids.decode("ldg", posting.id or ids.new("ldg", now)),
        ids.decode("usr", player_id),
        posting.type,
        posting.amount_usd,
        posting.reference_type,
        posting.reference_id,
        posting.description,
        metadata_text(posting),
        posting.key,
        posting.actor,
        now,
    )


def metadata_text(posting: Posting) -> str:
    """The posting's metadata as JSON."""
    return orjson.dumps(posting.metadata, default=float).decode()


def with_repayment(postings: Sequence[Posting], *, debt_usd: Decimal, balance_usd: Decimal, key: str) -> list[Posting]:
    """``postings`` and what they let the player repay of a debt: any credit repays it in the same transaction."""
    repaid = min(debt_usd, balance_usd + sum((posting.amount_usd for posting in postings), ZERO))
    if repaid <= 0 or all(posting.amount_usd <= 0 for posting in postings):
        return list(postings)
    cause = postings[0]
    return [
        *postings,
        Posting(
            type=LedgerEntry.Type.ADJUSTMENT,
            amount_usd=-repaid,
            reference_type=LedgerEntry.Reference.ADJUSTMENT,
            reference_id=cause.reference_id,
            key=own_key("repayment", key),
            actor="system",
            description="Repayment of a corrected settlement",
            metadata={"cause": "debt_repayment"},
        ),
    ]


def repaid_usd(postings: Sequence[Posting]) -> Decimal:
    """What ``with_repayment`` added to repay, in dollars."""
    return -sum((p.amount_usd for p in postings if p.metadata.get("cause") == "debt_repayment"), ZERO)


def post(*, player: Player, postings: Sequence[Posting], now: datetime) -> list[LedgerEntry]:
    """Write ``postings`` in order for a player whose row is locked, and bring ``player`` up to date.

    The database raises IntegrityError when a balance would fall below zero or a key was used before.
    """
    if not postings:
        return []
    written = [parameters(player.id, posting, now) for posting in postings]
    with connection.cursor() as cursor:
        for row in written:
            cursor.execute(INSERT, row)
    entries = LedgerEntry.objects.in_bulk([ids.encode("ldg", row[0]) for row in written])
    player.refresh_from_db(fields=["balance_usd", "ledger_seq", "ledger_hash"])
    return sorted(entries.values(), key=lambda entry: entry.seq)
