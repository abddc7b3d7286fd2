"""Posting to the ledgers of many users at once: staged in temporary tables, written by one statement.

Whoever stages fills ``ledger_batch_player`` with every user concerned, holds their rows in the order of their ids, and
posts. Entries of a user are chained by ``place``, which counts from 1 without gaps.
"""

# What changes on each user's row; the numbers are added.
PLAYERS = """
CREATE TEMP TABLE ledger_batch_player (
  player_id uuid PRIMARY KEY, positions integer NOT NULL DEFAULT 0, exposure_usd numeric NOT NULL DEFAULT 0,
  pnl_usd numeric(18, 2) NOT NULL DEFAULT 0, resolved integer NOT NULL DEFAULT 0, winning integer NOT NULL DEFAULT 0,
  trades integer NOT NULL DEFAULT 0, volume_usd numeric(18, 2) NOT NULL DEFAULT 0,
  debt_usd numeric(18, 2) NOT NULL DEFAULT 0)
ON COMMIT DROP
"""

# The entries of their ledgers.
ENTRIES = """
CREATE TEMP TABLE ledger_batch (
  id uuid NOT NULL, player_id uuid NOT NULL, place integer NOT NULL, type text NOT NULL,
  amount_usd numeric(18, 2) NOT NULL, description text NOT NULL, metadata jsonb NOT NULL, idempotency_key text NOT NULL)
ON COMMIT DROP
"""
CLEAR = "DROP TABLE IF EXISTS ledger_batch, ledger_batch_player"

POST = """
INSERT INTO accounts_ledgerbatch (reference_type, reference_id, actor, created_at)
VALUES (%(reference_type)s, %(reference_id)s, %(actor)s, %(now)s)
"""
