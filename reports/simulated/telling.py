"""Who was told what: the activity feed, the audit trail, and the callbacks of settled positions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings as platform

from accounts.models import system_admin
from predictu.platform.models import AuditEntry, RelayStream
from reports.simulated.copying import Column, always, chosen, copy_rows, instants, whole
from reports.simulated.ledger_rows import UNDONE_REASON, plain
from reports.simulated.scenery import RESOLUTIONS, moment
from reports.simulation.books import sums_to
from reports.simulation.intents import BUY
from reports.simulation.markets import UNRESOLVED
from reports.simulation.world import external_id

if TYPE_CHECKING:
    from reports.simulated.bulk import Load

_RESOLVED = (
    b'{"event":"POSITION_RESOLVED","operator_id":"%s","timestamp":"%sZ","test":false,"payload":{"position_id":"%s",'
    b'"user_id":"%s","external_id":"%s","market_id":"%s","outcome":"%s","resolution":"%s","quantity":%s,'
    b'"payout_usd":%s,"realized_pnl_usd":%s,"settlement_version":1}}'
)


def callbacks(given: Load) -> None:
    """POSITION_RESOLVED of every settled position, numbered, to be pulled: these operators have no server."""
    world, positions, scene = given.world, given.books.positions, given.scenery
    settled = np.flatnonzero(positions.settled)
    settled = settled[np.argsort(world.markets.resolves_ms[positions.market[settled]], kind="stable")]
    market, user = positions.market[settled], positions.user[settled]
    operator, at = world.users.operator[user], world.markets.resolves_ms[market]
    words = np.array([RESOLUTIONS.get(number, "").encode() for number in world.markets.resolution.tolist()])
    order = np.argsort(operator, kind="stable")
    sequence = np.empty(len(settled), dtype=np.int64)
    sequence[order] = np.arange(len(settled)) - np.searchsorted(operator[order], operator[order]) + 1
    names = scene.name("dlv", at)

    def bodies(part: slice) -> Column:
        own = settled[part]
        columns = (
            chosen(scene.operators.typeid, operator[part]),
            [value[:-3] for value in instants(at[part])],
            chosen(given.keys.positions.typeid, own),
            chosen(given.keys.players.typeid, user[part]),
            [external_id(number).encode() for number in user[part].tolist()],
            chosen(scene.markets.typeid, market[part]),
            np.where(positions.outcome[own] == 1, b"yes", b"no").tolist(),
            chosen(words, market[part]),
            [plain(steps) for steps in positions.left[own].tolist()],
            [plain(cents * 100) for cents in positions.paid_cents[own].tolist()],
            [plain(cents * 100) for cents in positions.pnl_cents[own].tolist()],
        )
        return [_RESOLVED % row for row in zip(*columns, strict=True)]

    def rows(part: slice) -> Sequence[Column]:
        count = len(settled[part])
        return [
            names.uuid[part].tolist(),
            chosen(scene.operators.uuid, operator[part]),
            always(b"POSITION_RESOLVED", count),
            chosen(given.keys.players.typeid, user[part]),
            chosen(given.keys.settlements.typeid, market[part]),
            bodies(part),
            always(b"f", count),
            whole(sequence[part]),
            instants(at[part]),
        ]

    columns = ("id", "operator_id", "event", "user_id", "subject_id", "body", "test", "sequence", "created_at")
    copy_rows("operators_callbackevent", columns, len(settled), rows)
    last = sums_to(world.parameters.operators, operator, np.ones(len(operator), dtype=np.int64)).tolist()
    RelayStream.objects.bulk_create(
        [RelayStream(name=scene.operators.of(number), last_number=count) for number, count in enumerate(last) if count]
    )


def audit_trail(given: Load) -> None:
    """That markets were resolved and trades taken back."""
    world, books, system = given.world, given.books, system_admin()
    entries = []
    for number in np.flatnonzero(world.markets.resolution != UNRESOLVED).tolist():
        word = RESOLUTIONS[int(world.markets.resolution[number])]
        status = "cancelled" if word == "cancelled" else "resolved"
        at = moment(int(world.markets.resolves_ms[number]))
        changes = {"status": {"from": "paused", "to": status}, "resolution": {"from": None, "to": word}}
        metadata = {"settlement_id": given.keys.settlements.of(number), "source": "polymarket_uma"}
        entries.append((at, "market.resolve", "market", given.scenery.markets.of(number), changes, "", metadata))
    for row in np.flatnonzero(books.undone).tolist():
        at = moment(int(books.undone_ms[row]))
        changes = {"status": {"from": "filled", "to": "cancelled"}, "pnl_usd": {"from": None, "to": None}}
        entries.append((at, "trade.cancel", "trade", given.keys.trades.of(row), changes, UNDONE_REASON, {}))
    entries.sort(key=lambda entry: entry[0])
    names = given.scenery.name("aud", np.array([int(entry[0].timestamp() * 1000) for entry in entries]))
    AuditEntry.objects.bulk_create(
        [
            AuditEntry(
                id=names.of(place), actor=system, action=action, object_type=kind, object_id=subject, changes=changes,
                reason=reason, metadata=metadata, created_at=at,
            )
            for place, (at, action, kind, subject, changes, reason, metadata) in enumerate(entries)
        ],
        batch_size=1_000,
    )  # fmt: skip


def feed(given: Load) -> None:
    """The lines of the activity feed, unnumbered: the relay gives them their places after the commit."""
    lines = [*_signups(given), *_large_trades(given), *_results(given)]
    lines.sort(key=lambda line: line[0])
    at = np.array([line[0] for line in lines], dtype=np.int64)
    names = given.scenery.name("act", at)

    def rows(part: slice) -> Sequence[Column]:
        own = lines[part]
        texts = [[line[place] for line in own] for place in range(1, 9)]
        return [names.uuid[part].tolist(), *texts, instants(at[part])]

    columns = (
        "id", "type", "severity", "title", "description", "operator_id", "user_id", "market_id", "metadata",
        "created_at",
    )  # fmt: skip
    copy_rows("platform_activityevent", columns, len(lines), rows)


_Line = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


def _signups(given: Load) -> list[_Line]:
    users = given.world.users
    operators, players = given.scenery.operators.typeid.tolist(), given.keys.players.typeid.tolist()
    rows = zip(users.signup_ms.tolist(), users.operator.tolist(), players, strict=True)
    return [
        (at, b"user_signup", b"info", b"New user", b"{%s} signed up at {%s}" % (player, operators[operator]),
         operators[operator], player, b"", b"{}")
        for at, operator, player in rows
    ]  # fmt: skip


def _large_trades(given: Load) -> list[_Line]:
    intents, fills, scene = given.world.intents, given.books.fills, given.scenery
    lines = []
    for row in np.flatnonzero(fills.cost_cents >= platform.PREDICTU_LARGE_TRADE_USD * 100).tolist():
        user, market = int(intents.user[row]), int(intents.market[row])
        player, place = given.keys.players.typeid[user], scene.markets.typeid[market]
        operator = scene.operators.typeid[given.world.users.operator[user]]
        buying, yes = intents.side[row] == BUY, intents.outcome[row] == 1
        quantity = Decimal(int(fills.quantity[row])).scaleb(-4).normalize()
        price = Decimal(int(fills.price[row])).scaleb(-4).normalize()
        cost = int(fills.cost_cents[row]) / 100
        words = (
            f"{{{player.decode()}}} {'bought' if buying else 'sold'} {quantity:f} {'YES' if yes else 'NO'} @ "
            f"${price:f} on '{scene.titles[market]}' (${cost:,.2f})"
        )
        metadata = b'{"trade_id": "%s", "amount_usd": %.2f, "side": "%s", "outcome": "%s"}' % (
            given.keys.trades.typeid[row], cost, b"buy" if buying else b"sell", b"yes" if yes else b"no",
        )  # fmt: skip
        lines.append(
            (int(intents.time_ms[row]), b"trade", b"info", b"Large trade executed", words.encode(), operator, player,
             place, metadata)
        )  # fmt: skip
    return lines


def _results(given: Load) -> list[_Line]:
    world, positions = given.world, given.books.positions
    count = len(given.scenery.titles)
    settled = sums_to(count, positions.market, positions.settled)
    paid = sums_to(count, positions.market, positions.paid_cents * positions.settled)
    lines = []
    for number in np.flatnonzero(world.markets.resolution != UNRESOLVED).tolist():
        word = RESOLUTIONS[int(world.markets.resolution[number])]
        name, settlement = given.scenery.markets.of(number), given.keys.settlements.of(number)
        at, held = int(world.markets.resolves_ms[number]), int(settled[number])
        metadata = f'{{"settlement_id": "{settlement}", "resolution": "{word}"}}'
        resolved = f"{{{name}}} resolved {word.upper()}; {held} positions to settle"
        done = f"{{{name}}} settled {word.upper()}: {held} positions, ${int(paid[number]) / 100:,.2f} paid out"
        for title, words in (("Market resolved", resolved), ("Market settled", done)):
            lines.append(
                (at, b"settlement", b"info", title.encode(), words.encode(), b"", b"", name.encode(),
                 metadata.encode())
            )  # fmt: skip
    return lines
