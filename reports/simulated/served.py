"""A small simulated world lived through the services: everything is priced, refused, settled and told as it would be.

Prices differ a little from the simulator's own, which knows no spread for exposure; who finds a trade refused lets it
be. Ids are the platform's own, so they differ from one run to the next.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from accounts.models import Player, system_admin
from accounts.services import players
from operators.services import idempotency
from predictu.errors import InsufficientBalance, PredictuError
from reports.simulated import scenery
from reports.simulated.ledger_rows import UNDONE_REASON
from reports.simulated.scenery import RESOLUTIONS, Scenery, moment
from reports.simulation import books as all_books
from reports.simulation import exposures, journal
from reports.simulation.books import Books
from reports.simulation.intents import BUY
from reports.simulation.markets import NEVER, UNRESOLVED, finish_ms
from reports.simulation.parameters import CHANNELS, DEVICES
from reports.simulation.world import World, external_id
from trading.models import Market, Trade
from trading.orders import Order
from trading.services import cancels, settlements, settling, trades

_SIGNUP, _MONEY, _TRADE, _UNDO, _CLOSE, _RESOLVE = range(6)
_TOP_UP = Decimal("1.2")
"""A deposit is so much more than the simulator needed: here a spread may be wider."""


class _Life:
    """One telling of a world, event by event."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.books: Books = all_books.keep(world=world)
        self.entries = journal.write(books=self.books)
        exposed = exposures.follow(books=self.books)
        self.scene: Scenery = scenery.set_up(world=world, exposures=exposed, ended=False)
        self.players: dict[int, str] = {}
        self.trades: dict[int, str] = {}
        self.held: Counter[tuple[int, int, int]] = Counter()
        self.refusals: Counter[str] = Counter()

    def events(self) -> list[tuple[int, int, int]]:
        """(time, kind, number) of all that happens within the simulated time, in its order."""
        world, entries = self.world, self.entries
        finish = finish_ms(world.parameters)
        money = np.flatnonzero((entries.kind == journal.DEPOSIT) | (entries.kind == journal.WITHDRAW))
        undone = np.flatnonzero(self.books.undone)
        resolved = np.flatnonzero(world.markets.resolution != UNRESOLVED)
        found = [
            zip(world.users.signup_ms.tolist(), _all(_SIGNUP), range(len(world.users.operator)), strict=False),
            zip(entries.time_ms[money].tolist(), _all(_MONEY), money.tolist(), strict=False),
            zip(world.intents.time_ms.tolist(), _all(_TRADE), range(len(world.intents.user)), strict=False),
            zip(self.books.undone_ms[undone].tolist(), _all(_UNDO), undone.tolist(), strict=False),
            zip(world.markets.closes_ms.tolist(), _all(_CLOSE), range(len(world.markets.category)), strict=False),
            zip(world.markets.resolves_ms[resolved].tolist(), _all(_RESOLVE), resolved.tolist(), strict=False),
        ]
        return [event for event in heapq.merge(*(sorted(each) for each in found)) if event[0] < finish]

    def live(self) -> None:
        acts: dict[int, Callable[[int, datetime], None]] = {
            _SIGNUP: self._sign_up, _MONEY: self._move, _TRADE: self._trade, _UNDO: self._undo, _CLOSE: self._close,
            _RESOLVE: self._resolve,
        }  # fmt: skip
        for time_ms, kind, number in self.events():
            try:
                acts[kind](number, moment(time_ms))
            except PredictuError as refusal:
                self.refusals[refusal.code] += 1

    def _sign_up(self, user: int, at: datetime) -> None:
        name = external_id(user)
        player, _ = players.register(
            operator_id=self._operator(user),
            external_id=name,
            username=f"player_{name[4:]}",
            email=f"{name}@mail.example",
            channel=CHANNELS[int(self.world.users.channel[user])],
            now=at,
        )
        self.players[user] = player.id
        if self.world.users.vip[user]:
            Player.objects.filter(pk=player.id).update(limit_tier="vip", limit_tier_set_by="staff")

    def _operator(self, user: int) -> str:
        return self.scene.operators.of(int(self.world.users.operator[user]))

    def _move(self, entry: int, at: datetime) -> None:
        user, amount = int(self.entries.user[entry]), Decimal(int(self.entries.amount[entry])).scaleb(-2)
        if amount > 0:
            self._money(user, "deposit", (amount * _TOP_UP).quantize(Decimal(1)), f"sim-money-{entry}", at)
        else:
            self._money(user, "withdraw", -amount, f"sim-money-{entry}", at)

    def _money(self, user: int, kind: str, amount: Decimal, key: str, at: datetime) -> None:
        operator = self._operator(user)
        call = idempotency.Call(operator, kind, key, idempotency.fingerprint("POST", f"/simulated/{kind}", {}))

        def act() -> tuple[int, Any]:
            moved = players.move_money(
                operator_id=operator,
                player_id=self.players[user],
                kind=kind,
                amount_usd=amount,
                key=key,
                reference=None,
                transaction_id=None,
                actor=f"operator:{operator}",
                now=at,
            )
            return 201, {"id": moved.entry.id, "balance_usd": moved.balance_usd}

        idempotency.once(call, act=act, now=at)

    def _trade(self, row: int, at: datetime) -> None:
        intents, markets = self.world.intents, self.world.markets
        user, market, outcome = int(intents.user[row]), int(intents.market[row]), int(intents.outcome[row])
        buying = intents.side[row] == BUY
        held = self.held[user, market, outcome]
        if not buying and not held:
            return
        mid = int(markets.mid_at(intents.market[row : row + 1], intents.time_ms[row : row + 1])[0])
        market_id = self.scene.markets.of(market)
        Market.objects.filter(pk=market_id).update(yes_mid=Decimal(mid).scaleb(-4), priced_at=at)
        order = Order(
            player_id=self.players[user],
            market_id=market_id,
            outcome="yes" if outcome else "no",
            side="buy" if buying else "sell",
            quantity=None if buying else Decimal(held).scaleb(-4),
            amount_usd=Decimal(int(intents.stake_cents[row])).scaleb(-2) if buying else None,
            device=DEVICES[int(self.world.users.device[user])],
            transaction_id=None,
        )
        done = self._placed(row, user, order, at)
        steps = int(done.quote.quantity.scaleb(4))
        self.held[user, market, outcome] += steps if buying else -steps
        self.trades[row] = done.id

    def _placed(self, row: int, user: int, order: Order, at: datetime) -> Any:
        """The trade executed; who has too little deposits what it takes, once."""
        operator, done = self._operator(user), []
        body = {"row": row}
        call = idempotency.Call(
            operator, trades.KIND, f"sim-trade-{row}", idempotency.fingerprint("POST", "/simulated/trades", body)
        )

        def place() -> None:
            trades.place(call=call, order=order, render=lambda executed: done.append(executed) or {}, now=at)

        try:
            place()
        except InsufficientBalance:
            self._money(user, "deposit", max(Decimal(20), (order.amount_usd or 0) * 2), f"sim-more-{row}", at)
            place()
        return done[-1]

    def _undo(self, row: int, at: datetime) -> None:
        if row in self.trades:
            trade = Trade.objects.get(pk=self.trades[row])
            cancels.cancel(trade_id=trade.id, reason=UNDONE_REASON, actor=system_admin(), now=at)
            intents = self.world.intents
            place = (int(intents.user[row]), int(intents.market[row]), int(intents.outcome[row]))
            self.held[place] -= int(trade.quantity.scaleb(4))

    def _close(self, number: int, at: datetime) -> None:
        market = Market.objects.get(pk=self.scene.markets.of(number))
        last = int(self.world.markets.first[number + 1]) - 1
        market.yes_mid, market.priced_at = Decimal(int(self.world.markets.mids[last])).scaleb(-4), at
        scenery.close(market, at)
        market.save()

    def _resolve(self, number: int, at: datetime) -> None:
        word = RESOLUTIONS[int(self.world.markets.resolution[number])]
        if settlements.by_source(self.scene.markets.of(number), word, now=at):
            market = Market.objects.select_related("settlement").get(pk=self.scene.markets.of(number))
            settling.settle(market.settlement.id, now=at)


def _all(kind: int) -> Any:
    return iter(lambda: kind, NEVER)


def live(world: World) -> Counter[str]:
    """Let the world happen; how often what was refused."""
    life = _Life(world)
    life.live()
    return life.refusals
