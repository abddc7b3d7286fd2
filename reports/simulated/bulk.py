"""A large simulated world by COPY: what trading through the services would have left, table by table.

One transaction of the tables' owner; ``verify_ledger``'s checks run inside it, and nothing is kept when one does not
hold. What the services leave besides the books is left out where it would only be weight: idempotency records (nobody
repeats a simulated call) and the callback events of registrations, trades and balances. Those of settled positions are
written, because a settlement counts them and a correction builds on them; nobody has been told any of them, since these
operators have no server.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction

from accounts.models import system_admin
from accounts.services import signups
from reports.simulated import figures, ledger_rows, scenery, telling
from reports.simulated.copying import (
    NULL,
    Column,
    always,
    chosen,
    copy_lines,
    copy_rows,
    dollars,
    fractions,
    instants,
    where,
    whole,
)
from reports.simulated.guards import lifted
from reports.simulated.scenery import Scenery
from reports.simulation import books as all_books
from reports.simulation import exposures, journal
from reports.simulation.books import Books
from reports.simulation.exposures import Exposures
from reports.simulation.intents import BUY
from reports.simulation.journal import Journal
from reports.simulation.markets import CANCELLED, DAY_MS, NEVER, SPLIT, finish_ms
from reports.simulation.parameters import CATEGORIES, CHANNELS, DEVICES
from reports.simulation.world import World, external_id
from trading.services import rollups, verification

TABLES = (
    "accounts_player", "accounts_ledgerentry", "trading_position", "trading_trade", "trading_revenuefact",
    "trading_pricepoint", "platform_activityevent", "operators_callbackevent",
)  # fmt: skip
SUMMED = (
    "trading_activeday", "trading_hourlyrevenue", "trading_dailyrevenue", "trading_monthlyrevenue",
    "trading_playerrevenue", "trading_tradeday", "trading_tradepattern", "trading_tradetally", "trading_cohortactivity",
)  # fmt: skip
_SCOPES = ("market", "category", "operator_category", "operator", "global")
_EXPOSURE = (
    b'{"market": "%.4f", "category": "%.4f", "operator_category": "%.4f", "operator": "%.4f", "global": "%.4f", '
    b'"yes": "%.4f", "no": "%.4f"}'
)


@dataclass(frozen=True, slots=True)
class Load:
    """All there is to be written."""

    world: World
    books: Books
    entries: Journal
    exposures: Exposures
    scenery: Scenery
    keys: ledger_rows.Keys


def load(world: World) -> Scenery:
    """Write the world. Raises AssertionError, and leaves nothing, when its books would not verify."""
    kept = all_books.keep(world=world)
    entries, exposed = journal.write(books=kept), exposures.follow(books=kept)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL maintenance_work_mem = '512MB'")
        with lifted(TABLES, unreferring=SUMMED):
            scene = scenery.set_up(world=world, exposures=exposed, ended=True)
            given = Load(world, kept, entries, exposed, scene, _keys(kept, scene))
            _ledger_and_players(given)
            _positions(given)
            _trades(given)
            figures.facts(given)
            telling.callbacks(given)
            telling.feed(given)
            rollups.add_loaded()
        signups.compact()
        figures.settlements(given)
        telling.audit_trail(given)
        figures.buckets(given)
        found = verification.verify()
        assert not found, found
    return scene


def _keys(books: Books, scene: Scenery) -> ledger_rows.Keys:
    world, positions = books.world, books.positions
    settled = np.maximum(world.markets.resolves_ms, 0)
    return ledger_rows.Keys(
        players=scene.name("usr", world.users.signup_ms),
        trades=scene.name("trd", world.intents.time_ms),
        positions=scene.name("pos", positions.opened_ms),
        settlements=scene.name("stl", settled),
        admin=system_admin().id,
    )


def _ledger_and_players(given: Load) -> None:
    rows = ledger_rows.LedgerRows(books=given.books, entries=given.entries, scenery=given.scenery, keys=given.keys)
    copy_lines("accounts_ledgerentry", ledger_rows.COLUMNS, rows.blocks())
    columns = _player_columns(given)
    columns["ledger_hash"] = [b"\\\\x" + head.hex().encode() for head in rows.heads]
    copy_rows(
        "accounts_player", tuple(columns), len(rows.heads), lambda part: [column[part] for column in columns.values()]
    )


def _player_columns(given: Load) -> dict[str, list[bytes]]:
    """Every column of the players but for the head of the ledger."""
    world, books, entries = given.world, given.books, given.entries
    users, intents, positions = world.users, world.intents, books.positions
    count = len(users.operator)

    def of_trades(values: np.ndarray) -> np.ndarray:
        return all_books.sums_to(count, intents.user, values)

    stands = ~(books.undone | books.void)
    held = (positions.left > 0) & ~positions.settled
    finish = finish_ms(world.parameters)
    trades, cost = of_trades(stands), books.fills.cost_cents
    largest = np.zeros(count, dtype=np.int64)
    np.maximum.at(largest, intents.user, cost)
    regular = (trades >= world.parameters.new_trades) & (finish - users.signup_ms > world.parameters.new_days * DAY_MS)
    seen = entries.last_ms(count)
    names = [external_id(user).encode() for user in range(count)]
    balance = all_books.sums_to(count, entries.user, entries.amount)
    return {
        "id": given.keys.players.uuid.tolist(),
        "operator_id": list(chosen(given.scenery.operators.uuid, users.operator)),
        "external_id": names,
        "username": [b"player_" + name[4:] for name in names],
        "email": [b"%s@mail.example" % name for name in names],
        "channel": list(chosen(CHANNELS, users.channel)),
        "is_test": [b"f"] * count,
        "status": [b"active"] * count,
        "status_set_by": [b"system"] * count,
        "tier": [b"normal"] * count,
        "tier_set_by": [b"system"] * count,
        "limit_tier": np.where(users.vip, b"vip", np.where(regular, b"regular", b"new")).tolist(),
        "limit_tier_set_by": np.where(users.vip, b"staff", b"system").tolist(),
        "blocked_categories": [b"[]"] * count,
        "blocked_markets": [b"[]"] * count,
        "balance_usd": list(dollars(balance)),
        "debt_usd": [b"0"] * count,
        "ledger_seq": list(whole(all_books.sums_to(count, entries.user, np.ones(len(entries.user), dtype=np.int64)))),
        "trade_count": list(whole(trades)),
        "trade_rows": list(whole(of_trades(np.ones(len(cost), dtype=np.int64)))),
        "volume_usd": list(dollars(of_trades(cost * stands))),
        "largest_trade_usd": list(dollars(largest)),
        "realized_pnl_usd": list(dollars(all_books.sums_to(count, positions.user, positions.pnl_cents))),
        "resolved_count": list(whole(of_trades(books.has_pnl))),
        "winning_count": list(whole(of_trades(books.has_pnl & (books.trade_pnl_cents > 0)))),
        "open_positions": list(whole(all_books.sums_to(count, positions.user, held))),
        "exposure_usd": list(fractions(all_books.sums_to(count, positions.user, positions.left * held))),
        "deposited_usd": list(dollars(entries.totals(count, journal.DEPOSIT))),
        "withdrawn_usd": list(dollars(-entries.totals(count, journal.WITHDRAW))),
        "last_active_at": list(instants(seen)),
        "created_at": list(instants(users.signup_ms)),
        "updated_at": list(instants(np.maximum(seen, users.signup_ms))),
    }


def _positions(given: Load) -> None:
    positions, world = given.books.positions, given.world
    outcome = world.markets.resolution[positions.market]
    price = np.where(outcome == positions.outcome, 10_000, np.where(outcome == SPLIT, 5_000, 0))
    void = outcome == CANCELLED
    resolves = np.where(positions.settled, world.markets.resolves_ms[positions.market], NEVER)
    held = given.keys.positions

    def rows(part: slice) -> Sequence[Column]:
        settled = positions.settled[part].tolist()
        priced = (positions.settled & ~void)[part].tolist()
        closed = positions.left[part] == 0
        status = np.where(positions.settled[part], b"settled", np.where(closed, b"closed", b"open"))
        user, count = positions.user[part], len(settled)
        return [
            held.uuid[part].tolist(),
            chosen(given.keys.players.uuid, user),
            chosen(given.scenery.operators.uuid, world.users.operator[user]),
            chosen(given.scenery.markets.uuid, positions.market[part]),
            _outcomes(positions.outcome[part]),
            always(b"f", count),
            fractions(positions.left[part]),
            fractions(positions.bought[part]),
            dollars(positions.basis_cents[part]),
            fractions(positions.average[part]),
            dollars(positions.pnl_cents[part]),
            where(priced, fractions(price[part])),
            where(settled, dollars(positions.paid_cents[part])),
            status.tolist(),
            instants(positions.opened_ms[part]),
            instants(positions.closed_ms[part]),
            instants(resolves[part]),
        ]

    columns = (
        "id", "player_id", "operator_id", "market_id", "outcome", "is_test", "quantity", "bought_quantity",
        "cost_basis_usd", "avg_price", "realized_pnl_usd", "payout_price", "payout_usd", "status", "opened_at",
        "closed_at", "settled_at",
    )  # fmt: skip
    copy_rows("trading_position", columns, len(positions.user), rows)


def _trades(given: Load) -> None:
    world, books, scene = given.world, given.books, given.scenery
    intents, fills = world.intents, books.fills
    category = np.array(CATEGORIES)[world.markets.category]
    mid = world.markets.mid_at(intents.market, intents.time_ms)
    mid = np.where(intents.outcome == 1, mid, 10_000 - mid)
    resolves = world.markets.resolves_ms[intents.market]
    cancelled_ms = np.where(books.undone, books.undone_ms, np.where(books.void, resolves, NEVER))
    shares = [str(share).encode() for share in scene.shares]
    spread_bps = b"%.4f" % world.parameters.spread_bps
    status = np.where(cancelled_ms != NEVER, b"cancelled", np.where(books.settled, b"settled", b"filled"))

    def rows(part: slice) -> Sequence[Column]:
        user, market = intents.user[part], intents.market[part]
        operator = world.users.operator[user]
        count = len(user)
        return [
            given.keys.trades.uuid[part].tolist(),
            chosen(scene.operators.uuid, operator),
            chosen(given.keys.players.uuid, user),
            chosen(scene.markets.uuid, market),
            chosen(category, market),
            _outcomes(intents.outcome[part]),
            np.where(intents.side[part] == BUY, b"buy", b"sell").tolist(),
            fractions(mid[part]),
            fractions(fills.price[part]),
            fractions(fills.quantity[part]),
            dollars(fills.cost_cents[part]),
            dollars(fills.fee_cents[part]),
            dollars(books.spread_cents[part]),
            always(spread_bps, count),
            chosen(shares, operator),
            where(books.has_pnl[part].tolist(), dollars(books.trade_pnl_cents[part])),
            status[part].tolist(),
            chosen(DEVICES, world.users.device[user]),
            always(NULL, count),
            [b"sim-trade-%d" % row for row in range(part.start, part.stop)],
            always(b"f", count),
            _exposure_before(given, part),
            instants(intents.time_ms[part]),
            instants(cancelled_ms[part]),
        ]

    columns = (
        "id", "operator_id", "player_id", "market_id", "category", "outcome", "side", "mid", "price", "quantity",
        "cost_usd", "fee_usd", "spread_usd", "spread_bps", "share_pct", "pnl_usd", "status", "device",
        "transaction_id", "idempotency_key", "is_test", "exposure_before", "created_at", "cancelled_at",
    )  # fmt: skip
    copy_rows("trading_trade", columns, len(intents.user), rows)


def _outcomes(outcome: np.ndarray) -> Column:
    return np.where(outcome == 1, b"yes", b"no").tolist()


def _exposure_before(given: Load, part: slice) -> Column:
    scopes, yes = given.exposures.scopes, given.exposures.yes_before[part]
    before = [scopes[name].before[part] for name in _SCOPES]
    table = np.stack([*before, yes, before[0] - yes], axis=1) / 10_000
    return [_EXPOSURE % tuple(row) for row in table.tolist()]
