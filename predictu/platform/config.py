"""The live configuration: declared defaults, and revisions of what differs from them.

The newest revision is in force. Limits bind the very next trade (trading checks the revision under lock); everything
else reaches every process within two seconds.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from predictu.platform.models import ConfigRevision

_FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Key:
    """One declared key: its default, bounds (inclusive) and one line of help. A bool default makes a switch."""

    default: Any
    help: str
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    places: int = 2

    @property
    def is_switch(self) -> bool:
        return isinstance(self.default, bool)


def _usd(default: int, help: str, least: int = 0) -> Key:
    return Key(Decimal(default), help, Decimal(least), Decimal(1_000_000_000))


def _bps(default: int, help: str, most: int = 10_000) -> Key:
    return Key(Decimal(default), help, Decimal(0), Decimal(most))


def _whole(default: int, help: str, least: int, most: int) -> Key:
    return Key(Decimal(default), help, Decimal(least), Decimal(most), places=0)


def _switch(help: str) -> Key:
    return Key(True, help)


# The documented keys with the documented values; group ``tiers``, science and business are additions.
DECLARED: dict[str, Key] = {
    "risk.global_exposure_limit_usd": _usd(500_000, "Wall 5: the platform's exposure", 1),
    "risk.category_limits.sports": _usd(200_000, "Wall 3: exposure in sports", 1),
    "risk.category_limits.crypto": _usd(150_000, "Wall 3: exposure in crypto", 1),
    "risk.category_limits.politics": _usd(100_000, "Wall 3: exposure in politics", 1),
    "risk.category_limits.entertainment": _usd(50_000, "Wall 3: exposure in entertainment", 1),
    "risk.category_limits.science": _usd(50_000, "Wall 3: exposure in science", 1),
    "risk.category_limits.business": _usd(50_000, "Wall 3: exposure in business", 1),
    "risk.per_trade_max_usd": _usd(5_000, "Wall 1: the most a single buy may cost", 1),
    "risk.per_market_max_usd": _usd(50_000, "Wall 2: exposure in one market", 1),
    "risk.circuit_breaker_threshold_pct": Key(
        Decimal(90), "Where the seeded circuit breakers trip", Decimal(1), Decimal(100)
    ),
    "risk.sharp_score_threshold": _whole(60, "Score from which a user is sharp", 1, 100),
    "risk.restricted_score_threshold": _whole(80, "Score from which a user is restricted", 1, 100),
    "spread.base_spread_bps": _bps(200, "Spread of a quiet market, bid to ask"),
    "spread.min_spread_bps": _bps(100, "No spread is narrower"),
    "spread.max_spread_bps": _bps(800, "No spread is wider"),
    "spread.risk_multiplier": Key(
        Decimal("1.5"), "How much a market's utilisation widens its spread", Decimal(0), Decimal(10), places=4
    ),
    "spread.volume_discount_enabled": _switch("Whether busy users get a narrower spread"),
    "spread.volume_discount_threshold_usd": _usd(10_000, "30-day volume that earns the discount"),
    "spread.volume_discount_bps": _bps(25, "The discount"),
    "fees.trading_fee_bps": _bps(50, "Fee on the cost of a trade", 2_000),
    "fees.settlement_fee_bps": _bps(0, "Fee on a winning payout", 2_000),
    "fees.withdrawal_fee_usd": Key(Decimal(0), "Fee on a withdrawal, kept by the operator", Decimal(0), Decimal(1_000)),
    "features.s2s_enabled": _switch("Callbacks are sent, not only recorded"),
    "features.embed_enabled": _switch("Users may register and trade"),
    "features.auto_settlement": _switch("Final markets settle without staff"),
    "features.sharp_detection": _switch("Scores change tiers"),
    "features.revenue_forecast": _switch("The forecast endpoint answers"),
    "features.cohort_analytics": _switch("The cohort endpoint answers"),
    "defaults.operator_revenue_share_pct": Key(
        Decimal(70), "A new operator's share of gross revenue", Decimal(1), Decimal(99)
    ),
    "defaults.user_max_bet_usd": _usd(1_000, "Wall 1: the most any user may bet", 1),
    "defaults.session_timeout_hours": _whole(8, "Life of an admin's token", 1, 24),
    "defaults.s2s_retry_max": _whole(5, "Retries of a callback in the quick phase", 0, 20),
    "defaults.s2s_retry_backoff_ms": _whole(1_000, "First delay between retries, doubling", 10, 60_000),
    "tiers.sharp_max_bet_usd": _usd(100, "The most a sharp user may bet", 1),
    "tiers.restricted_max_bet_usd": _usd(10, "The most a restricted user may bet", 1),
}


@dataclass(frozen=True)
class Configuration:
    """Every key's value as of one revision; amounts are Decimals, switches bools."""

    number: int
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @cached_property
    def category_limits(self) -> dict[str, Decimal]:
        prefix = "risk.category_limits."
        return {name.removeprefix(prefix): value for name, value in self.values.items() if name.startswith(prefix)}


def of(revision: ConfigRevision) -> Configuration:
    """A stored revision over the declared defaults."""
    values = {name: key.default for name, key in DECLARED.items()}
    for name, value in revision.values.items():
        if name in DECLARED:
            values[name] = value if DECLARED[name].is_switch else Decimal(str(value))
    return Configuration(revision.number, values)


def newest() -> tuple[ConfigRevision, Configuration]:
    """The newest revision and what it means, as this transaction sees them; remembers nothing."""
    revision = ConfigRevision.objects.order_by("-number").first()
    assert revision is not None, "the first revision comes with the migrations"
    return revision, of(revision)


_lock = threading.Lock()
_known: Configuration | None = None
_read_at = 0.0


def current() -> Configuration:
    """The configuration in force, at most a second old."""
    if _known is None or time.monotonic() - _read_at > _FRESH_SECONDS:
        return reread()
    return _known


def reread() -> Configuration:
    """The configuration in force, read now."""
    global _known, _read_at
    revision = ConfigRevision.objects.order_by("-number").first()
    assert revision is not None, "the first revision comes with the migrations"
    found = _known if _known is not None and _known.number == revision.number else of(revision)
    with _lock:
        _known, _read_at = found, time.monotonic()
    return found


def numbered(number: int) -> Configuration:
    """The configuration of the committed revision ``number``; quick when it is the one already known."""
    global _known, _read_at
    known = _known
    if known is not None and known.number == number:
        return known
    found = of(ConfigRevision.objects.get(number=number))
    if known is None or number > known.number:
        with _lock:
            _known, _read_at = found, time.monotonic()
    return found


def nested(configuration: Configuration) -> dict[str, Any]:
    """The values as the document nests them: group, key, and category within ``category_limits``."""
    tree: dict[str, Any] = {}
    for name, value in configuration.values.items():
        *path, leaf = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[leaf] = value
    return tree
