"""The simulated ledgers as rows: descriptions and keys as the services write them, and each player's hash chain.

The chain's content is what the ledger's trigger hashes; ``verify_ledger`` recomputes it from the rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from reports.simulated.copying import Column, chosen, chunks, dollars, instants, joined, whole
from reports.simulated.scenery import Names, Scenery
from reports.simulation import journal
from reports.simulation.books import Books
from reports.simulation.identities import Texts
from reports.simulation.journal import Journal

COLUMNS = (
    "id", "player_id", "seq", "type", "amount_usd", "balance_before_usd", "balance_after_usd", "reference_type",
    "reference_id", "description", "metadata", "idempotency_key", "actor", "hash_version", "hash", "created_at",
)  # fmt: skip
_TYPES = np.array(
    [b"deposit", b"trade_debit", b"trade_credit", b"fee", b"adjustment", b"adjustment", b"settlement", b"adjustment",
     b"withdraw"]
)  # fmt: skip
_REFERENCES = np.array(
    [b"deposit", b"trade", b"trade", b"trade", b"trade", b"trade", b"settlement", b"settlement", b"withdraw"]
)
UNDONE_REASON = "Price shown in error"


@dataclass(frozen=True, slots=True)
class Keys:
    """Every id an entry may name."""

    players: Names
    trades: Names
    positions: Names
    settlements: Names
    admin: str


class LedgerRows:
    """Blocks of lines for COPY. Afterwards ``heads`` has the newest hash of each player, empty without entries."""

    def __init__(self, *, books: Books, entries: Journal, scenery: Scenery, keys: Keys) -> None:
        self._books, self._entries, self._scenery, self._keys = books, entries, scenery, keys
        self._own = scenery.name("ldg", entries.time_ms)
        world = books.world
        intents, fills = world.intents, books.fills
        self._actors = np.array([b"operator:" + name for name in scenery.operators.typeid.tolist()])
        self._titles = [title.encode() for title in scenery.titles]
        self._price, self._quantity = fills.price, fills.quantity
        self._market, self._outcome = intents.market, intents.outcome
        self.heads: list[bytes] = [b""] * len(world.users.operator)

    def blocks(self) -> Iterator[bytes]:
        """All entries in the order of players and sequences."""
        user, head = -1, b""
        for part in chunks(len(self._entries.user)):
            columns = self._columns(part)
            owners = self._entries.user[part].tolist()
            hashes = []
            for owner, content in zip(owners, self._contents(columns), strict=True):
                if owner != user:
                    user, head = owner, b""
                head = sha256(head + content).digest()
                self.heads[owner] = head
                hashes.append(b"\\\\x" + head.hex().encode())
            columns[14] = hashes
            yield joined(columns)

    def _contents(self, columns: Sequence[Column]) -> Iterator[bytes]:
        """What each entry's hash is made over, but for the hash before."""
        identity, player, seq, kind, amount, before, after, reference, subject, _, _, key, actor, _, _, at = columns
        rows = zip(identity, player, seq, kind, amount, before, after, at, reference, subject, key, actor, strict=True)
        for id_, owner, number, type_, moved, was, is_, moment, about, name, own_key, who in rows:
            yield b"1|%s|%s|%s|%s|%s|%s|%s|%s|%s|%d:%s|%d:%s|%s" % (
                id_, owner, number, type_, moved, was, is_, moment, about, len(name), name, len(own_key), own_key, who
            )  # fmt: skip

    def _columns(self, part: slice) -> list[Column]:
        entries, keys = self._entries, self._keys
        kind, user = entries.kind[part], entries.user[part]
        operator = self._books.world.users.operator[user]
        count = len(kind)
        names, keys_, descriptions, metadata, actors = self._words(part)
        own = ~np.isin(kind, (journal.PAYOUT, journal.REFUND, journal.COST_BACK, journal.FEE_BACK))
        actors = np.where(own, self._actors[operator], actors).tolist()
        return [
            self._own.uuid[part].tolist(),
            chosen(keys.players.uuid, user),
            whole(entries.sequence[part]),
            _TYPES[kind].tolist(),
            dollars(entries.amount[part]),
            dollars(entries.after[part] - entries.amount[part]),
            dollars(entries.after[part]),
            _REFERENCES[kind].tolist(),
            names,
            descriptions,
            metadata,
            keys_,
            actors,
            [b"1"] * count,
            [],
            instants(entries.time_ms[part]),
        ]

    def _words(self, part: slice) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes], Texts]:
        """Reference, key, description, metadata and actor of each entry, by its kind."""
        kinds, subjects = self._entries.kind[part].tolist(), self._entries.subject[part].tolist()
        own = self._own.typeid[part].tolist()
        admin = f"admin:{self._keys.admin}".encode()
        names, keys, descriptions, metadata, actors = [], [], [], [], []
        for kind, subject, id_ in zip(kinds, subjects, own, strict=True):
            if kind in (journal.DEBIT, journal.CREDIT, journal.FEE):
                name = self._keys.trades.typeid[subject]
                words = self._trade(kind, subject, bytes(name))
            elif kind in (journal.COST_BACK, journal.FEE_BACK):
                name = self._keys.trades.typeid[subject]
                words = _undone(kind, bytes(name))
            elif kind in (journal.PAYOUT, journal.REFUND):
                market = int(self._books.positions.market[subject])
                name = self._keys.settlements.typeid[market]
                words = self._settled(kind, subject, market, bytes(name))
            else:
                name = id_
                word = b"Deposit" if kind == journal.DEPOSIT else b"Withdrawal"
                words = (b"sim-money-" + id_[4:], word, b"{}")
            names.append(bytes(name))
            keys.append(words[0])
            descriptions.append(words[1])
            metadata.append(words[2])
            actors.append(admin if kind in (journal.COST_BACK, journal.FEE_BACK) else b"system")
        return names, keys, descriptions, metadata, np.array(actors)

    def _trade(self, kind: int, row: int, name: bytes) -> tuple[bytes, bytes, bytes]:
        if kind == journal.FEE:
            return b"predictu:fee:" + name, b"Trading fee", b"{}"
        market, is_yes = int(self._market[row]), self._outcome[row] == 1
        quantity, price = plain(int(self._quantity[row])), plain(int(self._price[row]))
        verb, side = (b"Buy", b"buy") if kind == journal.DEBIT else (b"Sell", b"sell")
        return (
            b"sim-trade-%d" % row,
            b"%s %s %s @ $%s - %s" % (verb, quantity, b"YES" if is_yes else b"NO", price, self._titles[market]),
            b'{"market_id": "%s", "outcome": "%s", "side": "%s", "price": %s, "quantity": %s}'
            % (self._scenery.markets.typeid[market], b"yes" if is_yes else b"no", side, price, quantity),
        )

    def _settled(self, kind: int, position: int, market: int, settlement: bytes) -> tuple[bytes, bytes, bytes]:
        is_yes = self._books.positions.outcome[position] == 1
        name = bytes(self._keys.positions.typeid[position])
        void = kind == journal.REFUND
        words = b"Refund of a cancelled market: " if void else b"Settlement: "
        return (
            b"predictu:settlement:%s:%s" % (settlement, name),
            b"%s%s - %s" % (words, b"YES" if is_yes else b"NO", self._titles[market]),
            b'{"market_id": "%s", "outcome": "%s", "position_id": "%s", "quantity": %s, "cause": "%s"}'
            % (
                self._scenery.markets.typeid[market],
                b"yes" if is_yes else b"no",
                name,
                plain(int(self._books.positions.left[position])),
                b"market_cancelled" if void else b"settlement",
            ),
        )


def _undone(kind: int, name: bytes) -> tuple[bytes, bytes, bytes]:
    part = b"cost" if kind == journal.COST_BACK else b"fee"
    return (
        b"predictu:cancel:%s:%s" % (part, name),
        b"Cancelled trade: %s (%s)" % (part, UNDONE_REASON.encode()),
        b'{"cause": "trade_cancelled", "part": "%s"}' % part,
    )


def plain(steps: int) -> bytes:
    """Four places without trailing zeros."""
    units, rest = divmod(abs(steps), 10_000)
    sign = b"-" if steps < 0 else b""
    return b"%s%d" % (sign, units) if not rest else (b"%s%d.%04d" % (sign, units, rest)).rstrip(b"0")
