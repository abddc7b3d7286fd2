"""The demo's story: what happened when, told through the services with ``now`` in the past."""

import bisect
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from accounts.models import AdminUser, Player, system_admin
from accounts.services import players
from operators.models import OnboardingFact, OnboardingStep, Operator, default_branding
from operators.services import idempotency, keys
from predictu import clock, ids
from predictu.errors import PredictuError
from reports.demo import bills, calendar, cast, markets, telling
from reports.demo.cast import DAYS, Casino, Punter
from trading.feed.world import World, WorldMarket
from trading.models import Market
from trading.orders import Order
from trading.services import trades

# Trades follow the evening: relative busyness of the UTC hours.
_HOURS = (3, 2, 1, 1, 1, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 7, 8, 10, 13, 14, 13, 11, 8, 5)
_SELL = 0.22
_FIVE_MINUTES = timedelta(minutes=5)
_ACTOR = "operator:"
_RARE = ("split", "cancelled")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a demo: the whole one, or less for a test."""

    users: int = 400
    trades: int = 6_900
    short_markets: int = 40

    def scaled(self, factor: float) -> "Size":
        return Size(
            max(40, round(self.users * factor)),
            round(self.trades * factor),
            max(20, round(self.short_markets * factor)),
        )


@dataclass(frozen=True, slots=True)
class Credential:
    """A demo operator's keys, for the one who starts the platform."""

    slug: str
    public_key: str
    secret_key: str = field(repr=False)


@dataclass(order=True)
class _Happening:
    at: datetime
    order: int
    what: Callable[[datetime], None] = field(compare=False)


class Story:
    """One telling. ``tell()`` writes everything up to ``now``; ``callbacks`` is where the operators' servers listen."""

    def __init__(self, *, now: datetime, seed: int = 1, size: Size | None = None, callbacks: str = "") -> None:
        self.now, self.begin = now, now - timedelta(days=DAYS)
        self.size = size or Size()
        self.callbacks = callbacks.rstrip("/")
        self.dice = random.Random(seed)
        self.world = World(seed)
        self.credentials: list[Credential] = []
        self.refusals: Counter[str] = Counter()
        self.trades = 0
        self._calendar: list[_Happening] = []
        self._order = itertools.count()
        self._numbers = itertools.count(1)
        self._operators: dict[str, Operator] = {}
        self._punters: list[Punter] = []
        self._carried: list[tuple[WorldMarket, Market]] = []
        self._holdings: dict[str, dict[tuple[str, str], tuple[Decimal, WorldMarket, Market]]] = {}

    def tell(self) -> None:
        """Plan everything, then let it happen in order."""
        self._open_casinos()
        self._plan_markets()
        self._plan_users()
        self._plan_trades()
        self._plan_around()
        while self._calendar:
            happening = heapq.heappop(self._calendar)
            if happening.at <= self.now:
                happening.what(happening.at)

    def _plan_around(self) -> None:
        system = system_admin()
        calendar.write_prices(self._carried, begin=self.begin, now=self.now)
        calendar.plan_settlements(self.plan, self._carried, actor=system, now=self.now)
        calendar.plan_scores(self.plan, begin=self.begin, now=self.now)
        calendar.plan_staff(self.plan, now=self.now, actor=system)
        bills.plan(self)
        self.plan(self.now, self._tell_the_suspended)

    def _tell_the_suspended(self, at: datetime) -> None:
        for casino in cast.CASINOS:
            if casino.suspended_days_ago is not None and self.callbacks:
                telling.tell(self._operators[casino.slug])

    def plan(self, at: datetime, what: Callable[[datetime], None]) -> None:
        """Let ``what`` happen at ``at``."""
        heapq.heappush(self._calendar, _Happening(at, next(self._order), what))

    # -- operators ------------------------------------------------------------------------------------------------
    def _open_casinos(self) -> None:
        system = system_admin()
        for casino in cast.CASINOS:
            operator = self._open(casino, system)
            self._operators[casino.slug] = operator
            pair = keys.generate(operator=operator, label="Demo keys", now=operator.created_at)
            self.credentials.append(Credential(casino.slug, pair.key.public_key, pair.secret))
            if casino.suspended_days_ago is not None:
                self.plan(self.now - timedelta(days=casino.suspended_days_ago), self._suspend(operator, system))

    def _open(self, casino: Casino, system: AdminUser) -> Operator:
        live = casino.stage == "live"
        created = self.begin - timedelta(days=14) if live else self.now - timedelta(days=9)
        operator = Operator.objects.create(
            id=ids.new("op", created),
            name=casino.name,
            slug=casino.slug,
            domain=f"{casino.slug}.example",
            website_url=f"https://{casino.slug}.example",
            contact_email=f"integrations@{casino.slug}.example",
            contact_name="Integration team",
            billing_email=f"billing@{casino.slug}.example",
            stage=casino.stage,
            onboarded_at=self.begin - timedelta(days=3) if live else None,
            embed_origins=[f"https://{casino.slug}.example"],
            callback_url=self._callback_url(casino),
            branding={
                **default_branding(casino.name),
                "primary_color": self.dice.choice(("#1a7a3a", "#0b5fff", "#b3261e")),
            },
            predictu_share_pct=casino.share_pct,
            risk_tier=casino.risk_tier,
            payment_terms_days=casino.terms_days,
            custom_fees_bps=casino.custom_fees_bps,
            can_promote_vip=casino.can_promote_vip,
            legal_name=f"{casino.name} Ltd.",
            billing_address=f"{self.dice.randrange(1, 200)} Harbour Street\nValletta\nMalta",
            tax_id=f"MT{self.dice.randrange(10_000_000, 99_999_999)}",
            created_at=created,
            updated_at=created,
        )
        self._onboarded(operator, system, live=live)
        return operator

    def _callback_url(self, casino: Casino) -> str:
        """Where the demo's operator server listens; nobody does any more at the suspended one's."""
        if not self.callbacks:
            return ""
        return "https://127.0.0.1:9/callbacks" if casino.suspended_days_ago else f"{self.callbacks}/{casino.slug}"

    def _onboarded(self, operator: Operator, system: AdminUser, *, live: bool) -> None:
        names = list(OnboardingFact.Name.values)
        steps = ["branding", "s2s_config", "embed_setup", "test_trades", "go_live"]
        if not live:
            names, steps = names[:7], steps[:3]
        for number, name in enumerate(names):
            at = operator.created_at + timedelta(days=number)
            OnboardingFact.objects.create(operator=operator, name=name, completed_at=at, evidence={"demo": True})
        for number, step in enumerate(steps):
            at = operator.created_at + timedelta(days=5 + number)
            OnboardingStep.objects.create(operator=operator, step=step, actor=system, completed_at=at)

    def _suspend(self, operator: Operator, system: AdminUser) -> Callable[[datetime], None]:
        def suspend(at: datetime) -> None:
            Operator.objects.filter(pk=operator.pk).update(
                suspended_at=at, suspended_by=system, suspension_reason="Licence under review", updated_at=at
            )

        return suspend

    # -- markets --------------------------------------------------------------------------------------------------
    def _plan_markets(self) -> None:
        lasting = markets.long_ones(self.world, begin=self.begin, now=self.now)
        fleeting = markets.short_ones(self.world, begin=self.begin, now=self.now, count=self.size.short_markets)
        for market in sorted([*lasting, *fleeting], key=lambda each: max(each.opens_at, self.begin)):
            self._carried.append((market, markets.bring(market, max(market.opens_at, self.begin))))

    # -- users ----------------------------------------------------------------------------------------------------
    def _plan_users(self) -> None:
        self._punters = sorted(
            cast.punters(dice=self.dice, count=self.size.users, now=self.now), key=lambda each: each.joined
        )
        for punter in self._punters:
            self.plan(punter.joined, self._join(punter))

    def _join(self, punter: Punter) -> Callable[[datetime], None]:
        def join(at: datetime) -> None:
            try:
                player, _ = players.register(
                    operator_id=self._operators[punter.casino.slug].id,
                    external_id=punter.external_id,
                    username=punter.username,
                    email=punter.email,
                    channel=punter.channel,
                    now=at,
                )
            except PredictuError as refusal:
                self.refusals[refusal.code] += 1
                return
            punter.player_id = player.id
            self._holdings[player.id] = {}
            self._deposit(punter, at)

        return join

    def _deposit(self, punter: Punter, at: datetime) -> None:
        amount = max(Decimal(50), (punter.stake_usd * self.dice.choice((10, 20, 30))).quantize(Decimal(1)))
        number = next(self._numbers)
        self._money("deposit", punter, amount, f"demo-deposit-{number}", at)

    def _money(self, kind: str, punter: Punter, amount: Decimal, key: str, at: datetime) -> None:
        operator_id = self._operators[punter.casino.slug].id
        call = idempotency.Call(
            operator_id, kind, key, idempotency.fingerprint("POST", f"/demo/{kind}", {"amount": amount})
        )

        def act() -> tuple[int, Any]:
            moved = players.move_money(
                operator_id=operator_id,
                player_id=punter.player_id,
                kind=kind,
                amount_usd=amount,
                key=key,
                reference=None,
                transaction_id=f"{punter.casino.slug[:3]}-{key}",
                actor=_ACTOR + operator_id,
                now=at,
            )
            return 201, {"id": moved.entry.id, "balance_usd": moved.balance_usd}

        try:
            idempotency.once(call, act=act, now=at)
        except PredictuError as refusal:
            self.refusals[refusal.code] += 1

    # -- trades ---------------------------------------------------------------------------------------------------
    def _plan_trades(self) -> None:
        informed = [punter for punter in self._punters if punter.style in ("sharp", "syndicate")]
        per_short = max(4, self.size.trades // 900)
        for market, row in self._carried:
            if market.kind == "short":
                for punter in informed:
                    for _ in range(per_short):
                        self._plan_informed(punter, market, row)
        for market, row in self._carried:
            if market.result in _RARE:
                self._plan_rare(market, row)
        days = (self.now - self.begin).days
        usual = max(0, self.size.trades - sum(1 for _ in informed) * per_short * self.size.short_markets)
        for number in range(usual):
            day = self.begin + timedelta(days=int(days * (number + self.dice.random()) / usual))
            hour = self.dice.choices(range(24), _HOURS)[0]
            at = clock.day_start(day) + timedelta(hours=hour, seconds=self.dice.randrange(3600))
            if self.begin < at < self.now:
                self.plan(at, self._usual)

    def _plan_rare(self, market: WorldMarket, row: Market) -> None:
        """Somebody holds both sides of a market that ends neither yes nor no, so that its end is told."""
        span = (min(market.decided_at, market.end_date - timedelta(hours=1)) - market.opens_at).total_seconds()
        for outcome in ("yes", "no"):
            at = market.opens_at + timedelta(seconds=self.dice.uniform(0.3, 0.9) * span)
            present = [p for p in self._punters if p.joined < at and p.style == "recreational"]
            if present and self.begin < at < self.now:
                buyer = self.dice.choice(present)
                self.plan(at, partial(self._trade, buyer, market, row, "buy", outcome, Decimal(5)))

    def _plan_informed(self, punter: Punter, market: WorldMarket, row: Market) -> None:
        """Someone who knows the next five minutes buys before a move of three points and sells after it."""
        span = int((market.end_date - timedelta(minutes=70) - market.opens_at).total_seconds())
        for _ in range(12):
            at = market.opens_at + timedelta(seconds=self.dice.randrange(60, max(120, span)))
            before, after = markets.mid(market, at), markets.mid(market, at + _FIVE_MINUTES)
            if before is None or after is None or abs(after - before) < Decimal("0.05"):
                continue
            outcome = "yes" if after > before else "no"
            delay = timedelta(seconds=self.dice.randrange(1, 60)) if punter.style == "syndicate" else timedelta(0)
            buy = partial(self._trade, punter, market, row, "buy", outcome, punter.stake_usd)
            self.plan(at + delay, buy)
            self.plan(at + delay + timedelta(minutes=6), partial(self._sell, punter, market, row, outcome, Decimal(1)))
            return

    def _usual(self, at: datetime) -> None:
        index = bisect.bisect_right([punter.joined for punter in self._punters], at)
        present = [p for p in self._punters[:index] if p.player_id and p.style not in ("sharp", "syndicate")]
        if not present:
            return
        punter = self.dice.choices(present, [each.activity for each in present])[0]
        held = self._holdings[punter.player_id]
        if held and self.dice.random() < _SELL:
            (_, outcome), (_, market, row) = self.dice.choice(list(held.items()))
            self._sell(punter, market, row, outcome, self.dice.choice((Decimal("0.5"), Decimal(1))), at)
            return
        for _ in range(6):
            market, row = self.dice.choice(self._carried)
            price = markets.mid(market, at)
            if price is None or market.kind == "short" and self.dice.random() < 0.5:
                continue
            outcome = "yes" if self.dice.random() < float(price) * 0.6 + 0.2 else "no"
            self._trade(punter, market, row, "buy", outcome, self._stake(punter, at), at)
            return

    def _stake(self, punter: Punter, at: datetime) -> Decimal:
        """The usual stake, more or less. Newcomers mostly respect their limit, which some have yet to learn."""
        stake = (punter.stake_usd * Decimal(str(round(self.dice.uniform(0.4, 1.7), 2)))).quantize(Decimal("0.01"))
        is_new = at - punter.joined < timedelta(days=9)
        return min(stake, Decimal("9.90")) if is_new and self.dice.random() < 0.95 else stake

    def _sell(
        self, punter: Punter, market: WorldMarket, row: Market, outcome: str, part: Decimal, at: datetime
    ) -> None:
        held = self._holdings.get(punter.player_id, {}).get((row.id, outcome))
        if held is not None:
            self._trade(punter, market, row, "sell", outcome, (held[0] * part).quantize(Decimal("0.0001")), at)

    def _trade(
        self, punter: Punter, market: WorldMarket, row: Market, side: str, outcome: str, size: Decimal, at: datetime
    ) -> None:
        price = markets.mid(market, at)
        if price is None or not punter.player_id or at > self.now:
            return
        markets.put_price(row, price, at)
        operator_id = self._operators[punter.casino.slug].id
        key = f"demo-trade-{next(self._numbers)}"
        order = Order(
            player_id=punter.player_id,
            market_id=row.id,
            outcome=outcome,
            side=side,
            quantity=size if side == "sell" else None,
            amount_usd=size if side == "buy" else None,
            device=punter.device,
            transaction_id=f"{punter.casino.slug[:3]}-{key}",
        )
        call = idempotency.Call(
            operator_id, trades.KIND, key, idempotency.fingerprint("POST", "/demo/trades", {"size": size})
        )
        done: list[Any] = []
        try:
            trades.place(call=call, order=order, render=lambda executed: done.append(executed) or {}, now=at)
        except PredictuError as refusal:
            self.refusals[refusal.code] += 1
            if refusal.code == "INSUFFICIENT_BALANCE" and self.dice.random() < 0.6:
                self._deposit(punter, at)
            return
        self.trades += 1
        self._hold(punter, (row.id, outcome), market, row, done[-1])

    def _hold(self, punter: Punter, key: tuple[str, str], market: WorldMarket, row: Market, executed: Any) -> None:
        held = self._holdings[punter.player_id]
        change = executed.quote.quantity * (1 if executed.order.side == "buy" else -1)
        quantity = held.get(key, (Decimal(0), market, row))[0] + change
        if quantity > 0:
            held[key] = (quantity, market, row)
        else:
            held.pop(key, None)


def exists() -> bool:
    """Whether the database already holds someone's operators: then there is nothing to tell."""
    return Operator.objects.exists() or Player.objects.exists()
