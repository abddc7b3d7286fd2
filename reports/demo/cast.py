"""Who takes part in the demo: four operators and their users, each with a way of trading."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

DAYS = 75

_FIRST = (
    "amber arlo basil bruno cleo dario eira elio enzo fern flora gus hana hugo ines iris ivo jade juno kai lena lila "
    "luca mara milo mona nico nina nora odin olive otis pia quin remy rosa ruth sami selma theo tilda ugo vera wren "
    "xena yara zeno"
).split()
_LAST = "fox lynx heron otter raven stoat tern vole wolf wren adder bison crane eland finch gecko hare ibis jay".split()


@dataclass(frozen=True, slots=True)
class Casino:
    """An operator of the demo. ``weight`` is its share of the users.

    Its invoices are due after ``terms_days`` and paid ``pays_after`` their month's end; one that ``disputes`` pays half
    of its first.
    """

    slug: str
    name: str
    risk_tier: str
    share_pct: int
    weight: float
    stage: str = "live"
    custom_fees_bps: int | None = None
    suspended_days_ago: int | None = None
    can_promote_vip: bool = False
    terms_days: int = 30
    pays_after: timedelta = timedelta(days=4, hours=14)
    disputes: bool = False


CASINOS = (
    Casino(
        "example-casino",
        "Example Casino",
        "premium",
        30,
        0.58,
        custom_fees_bps=150,
        can_promote_vip=True,
        terms_days=60,
        pays_after=timedelta(days=35),
    ),
    Casino("lucky-spins", "Lucky Spins Casino", "standard", 25, 0.28, disputes=True),
    Casino("royal-harbour", "Royal Harbour", "standard", 35, 0.12, suspended_days_ago=12),
    Casino("nova-play", "Nova Play", "standard", 30, 0.02, stage="testing"),
)


@dataclass(slots=True)
class Punter:
    """A user of the demo and how it trades: ``style`` is recreational, sharp, syndicate, whale or promo."""

    casino: Casino
    external_id: str
    username: str
    email: str
    channel: str
    style: str
    joined: datetime
    activity: float
    stake_usd: Decimal
    device: str
    player_id: str = ""
    limit_tier: str = "new"


def punters(*, dice: random.Random, count: int, now: datetime) -> Iterator[Punter]:
    """``count`` users, the first of each operator from the beginning on, the others joining as time goes by."""
    begin = now - timedelta(days=DAYS)
    for number in range(count):
        casino = (
            dice.choices(CASINOS, [each.weight for each in CASINOS])[0] if number >= len(CASINOS) else CASINOS[number]
        )
        style = _style(number, dice)
        name = f"{dice.choice(_FIRST)}_{dice.choice(_LAST)}{dice.randrange(10, 99)}"
        joined = begin + timedelta(days=_joined(number, count, dice), seconds=dice.randrange(86_400))
        if casino.stage == "testing":
            joined = now - timedelta(days=8, seconds=dice.randrange(86_400))
        yield Punter(
            casino=casino,
            external_id=f"{casino.slug[:3]}_{number:05d}",
            username=name,
            email=f"{name}@mail.example",
            channel=dice.choices(("affiliate", "organic", "paid_search", "social"), (4, 3, 2, 1))[0],
            style=style,
            joined=min(joined, now - timedelta(hours=6)),
            activity={"whale": 2.0, "promo": 0.5}.get(style, dice.paretovariate(1.6) * 0.6),
            stake_usd=_stake(style, dice),
            device=dice.choices(("mobile", "desktop", "tablet"), (68, 28, 4))[0],
        )


def _style(number: int, dice: random.Random) -> str:
    if 4 <= number < 9:
        return "sharp"
    if 9 <= number < 12:
        return "syndicate"
    return dice.choices(("recreational", "whale", "promo"), (90, 3, 7))[0]


def _joined(number: int, count: int, dice: random.Random) -> float:
    """Days after the beginning: a third are there from the start, the rest come evenly."""
    return dice.uniform(0, 2) if number < 20 or number < count / 3 else dice.uniform(2, DAYS - 2)


def _stake(style: str, dice: random.Random) -> Decimal:
    if style in ("sharp", "syndicate"):
        return Decimal(9)
    if style == "whale":
        return Decimal(dice.choice((60, 80, 95)))
    return Decimal(str(round(min(80.0, max(1.5, dice.lognormvariate(1.8, 0.8))), 2)))
