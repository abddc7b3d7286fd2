"""What follows from the books: revenue facts, settlements, exposure counters."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from accounts.models import system_admin
from reports.simulated.copying import Column, always, chosen, copy_rows, dollars, instants, whole
from reports.simulated.scenery import RESOLUTIONS, moment
from reports.simulation.books import sums_to
from reports.simulation.markets import CANCELLED, UNRESOLVED, Ints
from reports.simulation.parameters import CATEGORIES
from risk.models import ExposureBucket
from risk.services import buckets as all_buckets
from trading.models import Market, Settlement, SettlementPart

if TYPE_CHECKING:
    from reports.simulated.bulk import Load


def facts(given: Load) -> None:
    """Revenue of every trade, and what cancels and voids took back on their own dates; all marked as rolled up."""
    world, books = given.world, given.books
    intents, fills = world.intents, books.fills
    category = np.array(CATEGORIES)[world.markets.category]
    undone, void = np.flatnonzero(books.undone), np.flatnonzero(books.void)
    row = np.concatenate([np.arange(len(intents.user)), undone, void])
    kind = np.repeat([b"trade", b"cancel", b"void"], [len(intents.user), len(undone), len(void)])
    at = [intents.time_ms, books.undone_ms[undone], world.markets.resolves_ms[intents.market[void]]]
    spread = [books.spread_cents, -books.spread_cents[undone], -books.void_spread_cents[void]]
    fee = [fills.fee_cents, -fills.fee_cents[undone], -books.void_fee_cents[void]]
    sign = np.where(kind == b"trade", 1, -1)
    order = np.argsort(np.concatenate(at), kind="stable")
    row, kind, sign = row[order], kind[order], sign[order]
    at_ms, spread_cents, fee_cents = (np.concatenate(each)[order] for each in (at, spread, fee))
    volume = fills.cost_cents[row] * sign
    shares = [str(share).encode() for share in given.scenery.shares]

    def rows(part: slice) -> Sequence[Column]:
        user, market = intents.user[row[part]], intents.market[row[part]]
        operator = world.users.operator[user]
        return [
            instants(at_ms[part]),
            kind[part].tolist(),
            chosen(given.scenery.operators.uuid, operator),
            chosen(given.keys.players.uuid, user),
            chosen(given.scenery.markets.uuid, market),
            chosen(given.keys.trades.uuid, row[part]),
            chosen(category, market),
            chosen(shares, operator),
            dollars(spread_cents[part]),
            dollars(fee_cents[part]),
            always(b"0", len(user)),
            dollars(volume[part]),
            whole(sign[part]),
            always(b"t", len(user)),
        ]

    columns = (
        "at", "kind", "operator_id", "player_id", "market_id", "trade_id", "category", "share_pct", "spread_usd",
        "fee_usd", "settlement_fee_usd", "volume_usd", "trade_count", "rolled",
    )  # fmt: skip
    copy_rows("trading_revenuefact", columns, len(row), rows)


def settlements(given: Load) -> None:
    """A completed settlement of every resolved market, with the figures of each operator."""
    world, books = given.world, given.books
    positions, operators = books.positions, world.parameters.operators
    settled = np.flatnonzero(positions.settled)
    market, operator = positions.market[settled], world.users.operator[positions.user[settled]]
    void = world.markets.resolution[market] == CANCELLED
    paid, basis = positions.paid_cents[settled], positions.basis_cents[settled]
    size = len(given.scenery.titles) * operators
    key = market * operators + operator
    once = np.unique(np.stack([key, positions.user[settled]]), axis=1)[0]
    figures = {
        "positions": sums_to(size, key, np.ones(len(key), dtype=np.int64)),
        "winners": sums_to(size, key, (paid > 0) & ~void),
        "losers": sums_to(size, key, (paid == 0) & ~void),
        "users": sums_to(size, once, np.ones(len(once), dtype=np.int64)),
        "payout_usd": sums_to(size, key, paid * ~void),
        "loss_usd": sums_to(size, key, basis * ((paid == 0) & ~void)),
        "basis_usd": sums_to(size, key, basis),
        "refund_usd": sums_to(size, key, paid * void),
    }
    credits = sums_to(len(given.scenery.titles), market, paid > 0)
    resolved = np.flatnonzero(world.markets.resolution != UNRESOLVED).tolist()
    rows = [_settlement(given, number, figures, int(credits[number])) for number in resolved]
    Settlement.objects.bulk_create(rows, batch_size=500)
    SettlementPart.objects.bulk_create(
        [
            SettlementPart(
                settlement_id=given.keys.settlements.of(number),
                operator_id=given.scenery.operators.of(place),
                **{name: _shown(name, int(values[number * operators + place])) for name, values in figures.items()},
            )
            for number in resolved
            for place in range(operators)
            if figures["positions"][number * operators + place]
        ],
        batch_size=1_000,
    )


def _shown(name: str, value: int) -> int | Decimal:
    return Decimal(value).scaleb(-2) if name.endswith("_usd") else value


def _settlement(given: Load, number: int, figures: dict[str, Ints], credits: int) -> Settlement:
    operators = given.world.parameters.operators
    own = {
        name: _shown(name, int(values[number * operators : (number + 1) * operators].sum()))
        for name, values in figures.items()
    }
    at = moment(int(given.world.markets.resolves_ms[number]))
    credited = own["payout_usd"] + own["refund_usd"]
    return Settlement(
        id=given.keys.settlements.of(number),
        market_id=given.scenery.markets.of(number),
        resolution=RESOLUTIONS[int(given.world.markets.resolution[number])],
        resolution_source=Market.Source.POLYMARKET_UMA,
        status=Settlement.Status.COMPLETED,
        positions_total=own["positions"],
        positions_settled=own["positions"],
        winners=own["winners"],
        losers=own["losers"],
        total_payout_usd=own["payout_usd"],
        total_loss_usd=own["loss_usd"],
        net_pnl_usd=own["loss_usd"] - own["payout_usd"],
        house_pnl_usd=0 if own["refund_usd"] else own["basis_usd"] - own["payout_usd"],
        refund_usd=own["refund_usd"],
        completeness={
            "positions": own["positions"],
            "positions_settled": own["positions"],
            "positions_open": 0,
            "credits": credits,
            "credits_usd": f"{credited:.2f}",
            "ledger_rows": credits,
            "ledger_usd": f"{credited:.2f}",
            "callbacks": own["positions"],
        },
        processing_time_ms=1,
        requested_by=system_admin(),
        resolved_at=at,
        settled_at=at,
    )


def buckets(given: Load) -> None:
    """The exposure counters as they stand in the end."""
    operators, markets = given.scenery.operators, given.scenery.markets
    kinds = len(CATEGORIES)
    names = {
        "market": [markets.of(number) for number in range(len(given.scenery.titles))],
        "category": list(CATEGORIES),
        "operator_category": [
            f"{operators.of(number // kinds)}:{CATEGORIES[number % kinds]}"
            for number in range(given.world.parameters.operators * kinds)
        ],
        "operator": [operators.of(number) for number in range(given.world.parameters.operators)],
        "global": [""],
    }
    figures: dict[tuple[str, str], dict[str, Any]] = {}
    for scope, found in given.exposures.scopes.items():
        for number in np.flatnonzero(found.rows).tolist():
            figures[scope, names[scope][number]] = {
                "yes_usd": Decimal(int(found.yes[number])).scaleb(-4),
                "no_usd": Decimal(int(found.no[number])).scaleb(-4),
                "position_count": int(found.positions[number]),
                "trade_rows": int(found.rows[number]),
                "trade_count": int(found.trades[number]),
                "volume_usd": Decimal(int(found.volume_cents[number])).scaleb(-2),
            }
    all_buckets.ensure(figures)
    rows = list(ExposureBucket.objects.filter(scope__in=names))
    touched = []
    for row in rows:
        if (row.scope, row.scope_id) in figures:
            for name, value in figures[row.scope, row.scope_id].items():
                setattr(row, name, value)
            touched.append(row)
    fields = ("yes_usd", "no_usd", "position_count", "trade_rows", "trade_count", "volume_usd")
    ExposureBucket.objects.bulk_update(touched, fields, batch_size=500)
