"""What of the platform needs a person, and what that person does. Values in, alerts out; no database, no clock.

Where a threshold comes from somewhere, the rule says so. A rule holds for one subject at a time: the platform (an empty
subject) or an operator's slug, so that each is told of once and ends by itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

WARNING, CRITICAL = "warning", "critical"

RELAY_LAG = timedelta(seconds=30)
SYNC_AGE = timedelta(minutes=2)
BEAT_SILENCE = timedelta(seconds=90)
# The ledger is verified every night; two hours more are for a slow night.
LEDGER_AGE = timedelta(hours=26)
# A key in grace that its operator still signs with: half of the usual day of grace is left to tell it.
KEY_NOTICE = timedelta(hours=12)
# The monthly run begins at 00:05 and waits for transactions of the old month.
INVOICES_BY = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the platform is, as one moment saw it. An age is None for what has never been seen."""

    relay_lag: timedelta = timedelta(0)
    sync_age: timedelta | None = timedelta(0)
    beat_age: timedelta | None = timedelta(0)
    ledger_age: timedelta | None = timedelta(0)
    ledger_differences: Mapping[str, int] = field(default_factory=dict)
    dead_deliveries: Mapping[str, int] = field(default_factory=dict)
    unbilled: Mapping[str, date] = field(default_factory=dict)
    since_month_began: timedelta = timedelta(0)
    keys_ending: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong: of what, how badly, in a sentence, and what to do."""

    name: str
    subject: str
    severity: str
    title: str
    sentence: str
    what_to_do: str

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.subject


@dataclass(frozen=True, slots=True)
class Rule:
    """``find`` yields a subject and a sentence for each thing that is wrong."""

    name: str
    severity: str
    title: str
    what_to_do: str
    find: Callable[[Vitals], Iterator[tuple[str, str]]]


def judge(vitals: Vitals) -> list[Alert]:
    """Everything that is wrong, the worst first."""
    found = [
        Alert(rule.name, subject, rule.severity, rule.title, sentence, rule.what_to_do)
        for rule in RULES
        for subject, sentence in rule.find(vitals)
    ]
    return sorted(found, key=lambda alert: alert.severity != CRITICAL)


def in_words(span: timedelta) -> str:
    """``45 s``, ``12 min``, ``5 h``, ``3 d``: the largest unit that leaves at least two of it, rounded down."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _relay(vitals: Vitals) -> Iterator[tuple[str, str]]:
    if vitals.relay_lag > RELAY_LAG:
        yield "", f"The oldest event or activity without its number has waited for {in_words(vitals.relay_lag)}."


def _sync(vitals: Vitals) -> Iterator[tuple[str, str]]:
    if vitals.sync_age is None:
        yield "", "Prices have never been read."
    elif vitals.sync_age > SYNC_AGE:
        yield "", f"Prices were last read {in_words(vitals.sync_age)} ago."


def _beat(vitals: Vitals) -> Iterator[tuple[str, str]]:
    if vitals.beat_age is None:
        yield "", "Beat has never been heard of."
    elif vitals.beat_age > BEAT_SILENCE:
        yield "", f"Beat was last heard of {in_words(vitals.beat_age)} ago."


def _ledger(vitals: Vitals) -> Iterator[tuple[str, str]]:
    if vitals.ledger_differences:
        found = sorted(vitals.ledger_differences.items())
        yield "", "; ".join(f"{check}: {count} wrong" for check, count in found) + "."


def _unverified(vitals: Vitals) -> Iterator[tuple[str, str]]:
    if vitals.ledger_age is not None and vitals.ledger_age > LEDGER_AGE:
        yield "", f"The ledger was last verified {in_words(vitals.ledger_age)} ago."


def _dead(vitals: Vitals) -> Iterator[tuple[str, str]]:
    for slug, count in sorted(vitals.dead_deliveries.items()):
        noun = "callback" if count == 1 else "callbacks"
        yield slug, f"{count:,} {noun} of {slug} died in the last seven days."


def _invoices(vitals: Vitals) -> Iterator[tuple[str, str]]:
    if vitals.since_month_began < INVOICES_BY:
        return
    for slug, month in sorted(vitals.unbilled.items()):
        yield slug, f"{slug} has revenue in {month:%Y-%m} and is not billed for it."


def _keys(vitals: Vitals) -> Iterator[tuple[str, str]]:
    for slug, left in sorted(vitals.keys_ending.items()):
        if left <= KEY_NOTICE:
            yield slug, f"The key {slug} signs with ends in {in_words(left)}, and no newer one has been used."


RULES = (
    Rule(
        "relay_lag",
        CRITICAL,
        "The relay is behind",
        "Look at the worker of queue fast: its log, predictu_queue_depth and locks held in the database; restart it. "
        "Nothing is lost: the sweep numbers what waits, in order.",
        _relay,
    ),
    Rule(
        "sync_stale",
        CRITICAL,
        "Prices are old",
        "Trades stop at a price older than a minute. See in the log of worker fast what the source answers; if the "
        "source is away, wait; if the worker is, restart it.",
        _sync,
    ),
    Rule(
        "beat_silent",
        CRITICAL,
        "Beat is silent",
        "Restart beat; if it runs, restart the worker of queue fast, which writes the heartbeat, and see that Redis "
        "answers. Jobs that were missed are made up by their sweeps.",
        _beat,
    ),
    Rule(
        "ledger_difference",
        CRITICAL,
        "The ledger does not verify",
        "Run manage.py verify_ledger; if it still differs, stop trading with the kill switch, keep the database as it "
        "is (take a base backup) and find the rows it names before anything is corrected.",
        _ledger,
    ),
    Rule(
        "ledger_unverified",
        WARNING,
        "The ledger was not verified",
        "Run manage.py verify_ledger --anchor; then see why the nightly job did not run: beat, and the worker of queue "
        "slow.",
        _unverified,
    ),
    Rule(
        "dead_deliveries",
        WARNING,
        "Callbacks have died",
        "Ask the operator whether its endpoint is well, then replay them from its page or with the replay call; "
        "it can also pull them.",
        _dead,
    ),
    Rule(
        "invoices_late",
        WARNING,
        "The invoice run is late",
        "Run manage.py bill --month with that month; it says what is in the way, most often a transaction of the old "
        "month that is still open.",
        _invoices,
    ),
    Rule(
        "key_expiring",
        WARNING,
        "A key is about to end",
        "Tell the operator to switch to its new key pair, or generate another with a longer grace: at the end its "
        "calls are refused.",
        _keys,
    ),
)
