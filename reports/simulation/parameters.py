"""What the simulated world is made of. Every number the simulator uses stands here, with its unit.

The figures for stakes follow what public fills of prediction markets show: of wallets with eight or more buys a fifth
to a third always stake the same amount, the others spread theirs with a log standard deviation of 0.5 to 1.2. The news
rates follow public five-minute prices, where one step in five hundred moves a market by three points. The rest are
plain assumptions about how such players behave.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

POPULATIONS = ("recreational", "sharp", "value", "syndicate", "whale", "promo")
CATEGORIES = ("sports", "crypto", "politics", "entertainment", "science", "business")
CHANNELS = ("organic", "affiliate", "search", "social", "referral")
DEVICES = ("mobile", "desktop", "tablet")

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one population plays. A range (low, high) is drawn uniformly, once for each player.

    An informed player's trade is a tip with the probability that makes his mean gain ``edge``; the other trades are
    made like anybody's. A tip is a moment at which the mid ``horizon_minutes`` later, seen with normal noise of
    ``noise``, differs from the mid of now by at least ``threshold`` (prices, 0.01 is one point).
    """

    share: float
    """Of all players."""
    activity: float = 1.0
    """Mean number of trades, relative to a recreational player's."""
    life_days: float = 40.0
    """Mean of the exponential time from the first trade to the last."""
    edge: Range = (0.0, 0.0)
    """Mean gain of the bought outcome's mid over the horizon, in price: 0.05 is five points."""
    horizon_minutes: tuple[int, ...] = ()
    noise: float = 0.0
    threshold: float = 0.0
    chase_share: Range = (0.0, 0.25)
    """Of his trades, those that run after a move of the last minutes, mostly in its direction."""
    live_share: Range = (0.0, 0.3)
    """Of his trades, those made while the game is played."""
    favourite: Range = (0.4, 0.7)
    """Probability of taking the likelier outcome where nothing else decides."""
    stake_usd: float = 15.0
    """Median over players of the median stake."""
    stake_between: float = 0.8
    """Log standard deviation of the median stake between players."""
    stake_within: Range = (0.5, 1.1)
    """Log standard deviation of one player's stakes."""
    flat_share: float = 0.2
    """Of the players, those who always stake the same."""
    round_stakes: bool = True
    """Stakes are the round figures people type."""
    sell_share: float = 0.12
    """Relative frequency with which a position is sold before its market closes."""
    vip_share: float = 0.0
    """Of the players, those with the limit tier vip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """How the markets of one category live and learn.

    A price is what the public knows: the log odds gather information about the outcome, evenly
    (``information_per_day``, the variance of the log odds) and in news (exponential, mean ``news_information``).
    """

    share: float
    life_days: Range
    """Log-uniform."""
    information_per_day: float
    news_per_day: float
    news_information: float = 0.15
    game_hours: float = 0.0
    """The last hours before the close are a game in which ``game_information`` comes out."""
    game_information: float = 4.0
    announced_share: float = 0.0
    """Of the markets, those decided by an announcement in the last half day, usually long before the planned end."""
    preference: float = 1.0
    """Weight in players' favourite categories."""


def _behaviours() -> dict[str, Behaviour]:
    return {
        "recreational": Behaviour(share=0.90),
        "sharp": Behaviour(
            share=0.015,
            activity=5.0,
            life_days=80.0,
            edge=(0.02, 0.05),
            horizon_minutes=(5, 10, 15, 30, 60),
            noise=0.01,
            threshold=0.04,
            chase_share=(0.0, 0.1),
            live_share=(0.0, 0.2),
            stake_usd=60.0,
            stake_within=(0.15, 0.6),
            flat_share=0.2,
            round_stakes=False,
            sell_share=0.25,
            vip_share=0.3,
        ),
        "value": Behaviour(
            share=0.01,
            activity=8.0,
            life_days=100.0,
            edge=(0.01, 0.03),
            horizon_minutes=(360, 720, 1440),
            noise=0.05,
            threshold=0.02,
            chase_share=(0.0, 0.05),
            live_share=(0.0, 0.05),
            stake_usd=50.0,
            stake_within=(0.05, 0.35),
            flat_share=0.4,
            round_stakes=False,
            sell_share=0.05,
            vip_share=0.3,
        ),
        "syndicate": Behaviour(
            share=0.01,
            activity=4.0,
            life_days=80.0,
            edge=(0.02, 0.04),
            horizon_minutes=(15, 30, 60),
            noise=0.01,
            threshold=0.04,
            stake_usd=50.0,
            stake_between=0.4,
            stake_within=(0.1, 0.5),
            flat_share=0.2,
            sell_share=0.1,
        ),
        "whale": Behaviour(
            share=0.015, activity=3.0, life_days=60.0, stake_usd=400.0, stake_between=0.5, sell_share=0.2, vip_share=1.0
        ),
        "promo": Behaviour(
            share=0.05,
            activity=0.5,
            life_days=6.0,
            chase_share=(0.0, 0.0),
            live_share=(0.0, 0.1),
            favourite=(0.8, 1.0),
            stake_usd=10.0,
            stake_between=0.2,
            stake_within=(0.0, 0.2),
            flat_share=0.8,
            sell_share=0.3,
        ),
    }


def _categories() -> dict[str, Category]:
    return {
        "sports": Category(
            share=0.50, life_days=(2, 8), information_per_day=0.02, news_per_day=0.5, game_hours=2.5, preference=3.0
        ),
        "crypto": Category(
            share=0.14,
            life_days=(2, 40),
            information_per_day=0.15,
            news_per_day=1.5,
            announced_share=0.2,
            preference=1.5,
        ),
        "politics": Category(
            share=0.14,
            life_days=(15, 150),
            information_per_day=0.04,
            news_per_day=0.6,
            announced_share=0.7,
            preference=1.5,
        ),
        "entertainment": Category(
            share=0.10, life_days=(5, 60), information_per_day=0.03, news_per_day=0.4, announced_share=0.8
        ),
        "science": Category(
            share=0.05,
            life_days=(10, 90),
            information_per_day=0.02,
            news_per_day=0.3,
            announced_share=0.8,
            preference=0.4,
        ),
        "business": Category(
            share=0.07,
            life_days=(5, 60),
            information_per_day=0.05,
            news_per_day=0.7,
            announced_share=0.7,
            preference=0.6,
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The size of the world and the rules its players live under."""

    start: datetime = datetime(2025, 11, 20, tzinfo=UTC)
    days: int = 120
    operators: int = 12
    users: int = 50_000
    trades: int = 1_000_000
    """Exactly so many intents come out, buys and sells together."""
    markets: int = 1_200
    grid_minutes: int = 5
    """The mids' grid; between two points the earlier mid holds."""

    behaviours: dict[str, Behaviour] = field(default_factory=_behaviours)
    categories: dict[str, Category] = field(default_factory=_categories)

    operator_skew: float = 0.8
    """Operator k gets players in proportion to 1 ÷ (k + 1) to this power."""
    market_skew: float = 0.9
    """The same for markets' popularity, in random order."""
    activity_spread: float = 1.1
    """Log standard deviation of players' activity."""
    early_share: float = 0.35
    """Of the players, those who had registered before the start, up to 90 days."""
    session_trades: float = 2.5
    """Mean trades of one session."""
    session_gap_minutes: float = 4.0
    """Mean gap between the trades of a session."""
    chase_agrees: float = 0.75
    """Probability that a trade after a move goes in its direction."""
    chase_minutes: float = 8.0
    """Mean delay after the move."""
    sells: float = 0.10
    """Of all intents."""
    hold_hours: float = 12.0
    """Mean time from a buy to its sale; the informed hold for twice their horizon."""
    round_figures_usd: tuple[int, ...] = (
        1,
        2,
        3,
        5,
        10,
        15,
        20,
        25,
        30,
        40,
        50,
        75,
        100,
        150,
        200,
        250,
        300,
        500,
        1000,
    )
    hours: tuple[float, ...] = (
        *(0.7, 0.5, 0.35, 0.25, 0.2, 0.2, 0.25, 0.35, 0.5, 0.6, 0.7, 0.8),
        *(0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.4, 1.7, 2.0, 2.0, 1.6, 1.1),
    )
    """Relative activity in each hour of the day."""
    weekdays: tuple[float, ...] = (0.85, 0.9, 0.95, 0.95, 1.05, 1.2, 1.15)
    """The same from Monday to Sunday."""
    announcement_information: float = 10.0
    cancelled_share: float = 0.005
    split_share: float = 0.005
    undone_share: float = 0.0005
    """Of all trades, the buys that staff take back as palpable errors."""

    syndicate_accounts: tuple[int, int] = (3, 10)
    syndicate_follow: Range = (0.5, 0.9)
    """Probability that an account joins a bet of its syndicate."""
    syndicate_delay_seconds: float = 150.0
    """A joined bet is placed within so many seconds of the first moment, uniformly."""
    syndicate_cover: float = 0.3
    """Of an account's trades, those made on its own and uninformed."""

    promo_every_days: int = 14
    promo_hours: float = 4.0
    """On a promotion day one market is offered for so long in the evening, at every operator."""
    promo_share: float = 0.5
    """Of a promo hunter's trades, those in the offered market."""

    spread_bps: int = 200
    fee_bps: int = 50
    min_bet_usd: float = 1.0
    new_limit_usd: float = 10.0
    regular_limit_usd: float = 100.0
    vip_limit_usd: float = 1000.0
    new_days: int = 7
    new_trades: int = 5
    """A player is new until ``new_days`` after registration and ``new_trades`` trades."""

    def with_edge(self, low: float, high: float) -> "Parameters":
        """The same world with this edge for every informed population."""
        informed = {
            name: replace(behaviour, edge=(low, high)) if behaviour.edge[1] else behaviour
            for name, behaviour in self.behaviours.items()
        }
        return replace(self, behaviours=informed)


DEFAULT = Parameters()
PARAMETER_SETS = {
    "default": DEFAULT,
    "edge-5": DEFAULT.with_edge(0.05, 0.05),
    "edge-1-3": DEFAULT.with_edge(0.01, 0.03),
}
"""The scorer is judged on the last two, with another seed than was looked at while it was written."""
