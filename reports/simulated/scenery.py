"""What both ways of writing a world begin with: operators that are live, limits with room for what will come, markets
and the history of their mids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from django.db import transaction

from accounts.models import system_admin
from operators.models import OnboardingFact, OnboardingStep, Operator, default_branding
from operators.services import keys
from predictu.platform import config
from reports.simulated.copying import chunks, copy_lines, even_lines, prices_below_one, stamps
from reports.simulation.exposures import Exposures
from reports.simulation.identities import Raw, Texts, typeids, uuid7, uuids
from reports.simulation.markets import (
    CANCELLED,
    HOUR_MS,
    NEVER,
    NO,
    SPLIT,
    UNRESOLVED,
    YES,
    Ints,
    Markets,
    finish_ms,
    start_ms,
)
from reports.simulation.parameters import CATEGORIES
from reports.simulation.world import World
from risk.services import breakers, limits
from trading.models import Market
from trading.services import prices

RESOLUTIONS = {NO: "no", YES: "yes", SPLIT: "split", CANCELLED: "cancelled"}
_STREAM = 6
_SHARES = (Decimal(30), Decimal(25), Decimal(35), Decimal(20))
_BEFORE = timedelta(days=100)
"""Operators are there before the first of their players, who sign up to 95 days before the first trade."""
_ROOM = 2
"""Limits are so many times the highest exposure: no wall is met and no crossing made."""
_ROUND_USD = 10_000
_TITLES = {
    "sports": "Will the home side win match {}?",
    "crypto": "Will the coin close above its mark in round {}?",
    "politics": "Will motion {} be carried?",
    "entertainment": "Will entry {} take the award?",
    "science": "Will trial {} report a result?",
    "business": "Will company {} beat its forecast?",
}


@dataclass(frozen=True, slots=True)
class Names:
    """Ids of a table's rows: bare for the database, as TypeIDs for everything else."""

    uuid: Texts
    typeid: Texts

    def of(self, number: int) -> str:
        return str(self.typeid[number].decode())


@dataclass(frozen=True, slots=True)
class Scenery:
    operators: Names
    shares: tuple[Decimal, ...]
    markets: Names
    titles: tuple[str, ...]
    begin: datetime
    finish: datetime
    rng: np.random.Generator
    """Draws the ids of everything that follows."""

    def name(self, prefix: str, time_ms: Ints) -> Names:
        """Ids for rows made at these moments."""
        return named(prefix, uuid7(time_ms, self.rng))


def named(prefix: str, raw: Raw) -> Names:
    return Names(uuids(raw), typeids(prefix, raw))


def moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(time_ms))


@transaction.atomic
def set_up(*, world: World, exposures: Exposures, ended: bool) -> Scenery:
    """Write operators, limits, markets and prices. ``ended``: the markets as they are at the end, else all open."""
    begin = moment(start_ms(world.parameters)) - _BEFORE
    rng = np.random.default_rng([world.seed, _STREAM])
    operators = _operators(world, exposures, begin, rng)
    _make_room(exposures, begin)
    markets = named("mkt", uuid7(world.markets.opens_ms, rng))
    titles = _titles(world.markets)
    shares = tuple(_SHARES[number % len(_SHARES)] for number in range(world.parameters.operators))
    finish = moment(finish_ms(world.parameters))
    scenery = Scenery(operators, shares, markets, titles, begin, finish, rng)
    _write_markets(world, scenery, ended=ended)
    _write_prices(world, scenery)
    return scenery


def _operators(world: World, exposures: Exposures, begin: datetime, rng: np.random.Generator) -> Names:
    """Live operators with everything of their onboarding done, a day apart."""
    system = system_admin()
    count = world.parameters.operators
    created = [begin - timedelta(days=count - number) for number in range(count)]
    names = named("op", uuid7(np.array([int(at.timestamp() * 1000) for at in created]), rng))
    for number, at in enumerate(created):
        slug = f"sim-casino-{number + 1:02d}"
        operator = Operator.objects.create(
            id=names.of(number),
            name=f"Sim Casino {number + 1:02d}",
            slug=slug,
            domain=f"{slug}.example",
            website_url=f"https://{slug}.example",
            contact_email=f"integrations@{slug}.example",
            contact_name="Integration team",
            billing_email=f"billing@{slug}.example",
            stage=Operator.Stage.LIVE,
            onboarded_at=at + timedelta(hours=18),
            embed_origins=[f"https://{slug}.example"],
            branding=default_branding(f"Sim Casino {number + 1:02d}"),
            predictu_share_pct=_SHARES[number % len(_SHARES)],
            risk_tier=tuple(Operator.RiskTier.values)[number % 3],
            legal_name=f"Sim Casino {number + 1:02d} Ltd.",
            billing_address=f"{number + 1} Harbour Street\nValletta\nMalta",
            **_operator_limits(exposures, number),
            created_at=at,
            updated_at=at,
        )
        OnboardingFact.objects.bulk_create(
            [
                OnboardingFact(operator=operator, name=name, completed_at=at + timedelta(hours=place * 2))
                for place, name in enumerate(OnboardingFact.Name.values)
            ]
        )
        OnboardingStep.objects.bulk_create(
            [
                OnboardingStep(
                    operator=operator, step=step, actor=system, completed_at=at + timedelta(hours=14 + place)
                )
                for place, step in enumerate(("branding", "s2s_config", "embed_setup", "test_trades", "go_live"))
            ]
        )
        keys.generate(operator=operator, label="Simulated", now=at)  # its secret is shown to nobody
        breakers.seed_for_operator(operator.id, now=at)
    return names


def _operator_limits(exposures: Exposures, number: int) -> Mapping[str, object]:
    kinds = len(CATEGORIES)
    peaks = exposures.scopes["operator_category"].peak[number * kinds : (number + 1) * kinds]
    return {
        "exposure_limit_usd": _room(int(exposures.scopes["operator"].peak[number])),
        "category_limits": {name: int(_room(int(peak))) for name, peak in zip(CATEGORIES, peaks, strict=True)},
    }


def _room(peak: int) -> Decimal:
    """A limit of round dollars for the highest exposure, in 0.0001 dollars."""
    return Decimal(-(-_ROOM * peak // (_ROUND_USD * 10_000)) * _ROUND_USD or _ROUND_USD)


def _make_room(exposures: Exposures, now: datetime) -> None:
    """Raise the platform's limits where the declared ones would have been met."""
    scopes = exposures.scopes
    wanted = {f"risk.category_limits.{name}": scopes["category"].peak[place] for place, name in enumerate(CATEGORIES)}
    wanted["risk.per_market_max_usd"] = scopes["market"].peak.max(initial=0)
    wanted["risk.global_exposure_limit_usd"] = scopes["global"].peak.max(initial=0)
    in_force = config.current()
    changes = {name: _room(int(peak)) for name, peak in wanted.items() if _room(int(peak)) > in_force[name]}
    if changes:
        limits.change(changes=changes, actor=system_admin(), reason="Room for the simulated platform", now=now)


def _titles(markets: Markets) -> tuple[str, ...]:
    return tuple(
        _TITLES[CATEGORIES[category]].format(number + 1) for number, category in enumerate(markets.category.tolist())
    )


def _write_markets(world: World, scenery: Scenery, *, ended: bool) -> None:
    Market.objects.bulk_create(
        [_market(world, scenery, number, ended=ended) for number in range(len(scenery.titles))], batch_size=500
    )


def _market(world: World, scenery: Scenery, number: int, *, ended: bool) -> Market:
    markets, finish = world.markets, finish_ms(world.parameters)
    category = CATEGORIES[int(markets.category[number])]
    opens, game = int(markets.opens_ms[number]), int(markets.game_start_ms[number])
    last = int(markets.first[number + 1]) - 1
    condition = "0x" + bytes(scenery.markets.uuid[number]).decode().replace("-", "") * 2
    market = Market(
        id=scenery.markets.of(number),
        condition_id=condition,
        slug=f"sim-{category}-{number + 1}",
        title=scenery.titles[number],
        description=f"A market of the simulation in {category}.",
        category=category,
        tags=[category],
        outcome_labels=["Yes", "No"],
        token_ids=[f"{number + 1}1", f"{number + 1}2"],
        status=Market.Status.ACTIVE,
        tradeable=True,
        accepting_orders=True,
        order_book_enabled=True,
        source_volume_usd=Decimal(1_000_000),
        liquidity_usd=Decimal(1_000) + Decimal(round(float(markets.popularity[number]) * 1_000_000, 2)),
        end_date=moment(int(markets.end_ms[number])),
        game_start_at=None if game == NEVER else moment(game),
        yes_mid=Decimal(int(markets.mids[markets.first[number]])).scaleb(-4),
        priced_at=moment(int(markets.first_ms[number])),
        created_at=moment(opens),
        updated_at=moment(opens),
    )
    if ended:
        _end(market, world, number, last, finish)
    return market


def _end(market: Market, world: World, number: int, last: int, finish: int) -> None:
    """As it stands when the simulated time is over."""
    markets = world.markets
    closes, resolves = int(markets.closes_ms[number]), int(markets.resolves_ms[number])
    market.yes_mid = Decimal(int(markets.mids[last])).scaleb(-4)
    market.priced_at = market.updated_at = moment(min(closes, finish))
    if closes <= finish:
        close(market, moment(closes))
    else:
        market.tradeable = 200 <= int(markets.mids[last]) <= 9_800 and int(markets.end_ms[number]) - finish > HOUR_MS
    resolution = int(markets.resolution[number])
    if resolution != UNRESOLVED:
        market.status = Market.Status.CANCELLED if resolution == CANCELLED else Market.Status.RESOLVED
        market.resolution, market.resolution_source = RESOLUTIONS[resolution], Market.Source.POLYMARKET_UMA
        market.resolved_at = market.updated_at = moment(resolves)
        market.uma_status, market.waiting_for = "resolved", ""


def close(market: Market, at: datetime) -> None:
    """Trading has ended and the result is not known yet."""
    market.status, market.tradeable, market.accepting_orders = Market.Status.PAUSED, False, False
    market.source_closed, market.source_closed_at = True, at
    market.uma_status, market.waiting_for = "proposed", "oracle_pending"
    market.updated_at = at


def _write_prices(world: World, scenery: Scenery) -> None:
    """Every mid of the grid, five minutes apart."""
    markets = world.markets
    owner = np.repeat(np.arange(len(markets.category)), np.diff(markets.first))
    at = markets.first_ms[owner] + (np.arange(len(markets.mids)) - markets.first[owner]) * markets.grid_ms
    prices.ensure_months(_months(int(at.min()), int(at.max())))

    columns = ("market_id", "at", "yes_mid")
    copy_lines(
        "trading_pricepoint",
        columns,
        (
            even_lines([scenery.markets.uuid[owner[part]], stamps(at[part]), prices_below_one(markets.mids[part])])
            for part in chunks(len(at))
        ),
    )


def _months(first_ms: int, last_ms: int) -> list[datetime]:
    days = (last_ms - first_ms) // (24 * HOUR_MS) + 2
    return [moment(first_ms) + timedelta(days=day) for day in range(days)]
