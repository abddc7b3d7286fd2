"""The source's catalogue, taken over page by page: idempotent, resumable, nothing deleted, every row accounted for.

A page is stored in batches of at most 100 markets, ordered by id, each in its own transaction. A walk that broke off is
taken up at its last page; two walks never run at once.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from predictu import clock, ids
from risk.services import breakers
from trading import catalogue
from trading.models import Market, Position, SyncRun, Trade
from trading.polymarket import parse
from trading.polymarket.client import PolymarketClient
from trading.polymarket.errors import PagingStuck, SourceRefused
from trading.polymarket.finality import Final
from trading.polymarket.source import Skip, SkipReason, SourceMarket
from trading.services import prices, settlements

log = logging.getLogger("predictu.sync")

CATALOGUE = "catalogue"
BATCH = 100
SKIPS_KEPT = 200
RUNS_KEPT = 500
LEASE = timedelta(minutes=3)
TAKEN_UP_WITHIN = timedelta(minutes=30)
FOLLOWED_AT_ONCE = 700
ASKED_AGAIN_AFTER = timedelta(hours=6)
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('predictu:catalogue'))"


@dataclass(slots=True)
class Report:
    """What became of the rows that were read. ``skips`` holds the first of those left out."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    resolved: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    skips: list[dict[str, str]] = field(default_factory=list)

    def skip(self, found: Skip) -> None:
        self.skipped[found.reason.value] += 1
        if len(self.skips) < SKIPS_KEPT:
            self.skips.append({"reason": found.reason.value, "id": found.source_id, "detail": found.detail})

    def add(self, other: "Report") -> None:
        self.seen += other.seen
        self.new += other.new
        self.changed += other.changed
        self.resolved += other.resolved
        self.skipped.update(other.skipped)
        self.skips = [*self.skips, *other.skips][:SKIPS_KEPT]


def catalogue_walk(client: PolymarketClient, *, now: datetime) -> SyncRun | None:
    """Walk the open catalogue, then ask for what has left it. None when another walk is under way.

    Raises the source's errors after noting them on the run; what was stored stays, the next walk goes on from there.
    """
    run = _begin(now)
    if run is None:
        return None
    try:
        _walk(client, run)
        _tell(run, follow(client, since=run.started_at, now=clock.now()))
    except (SourceRefused, PagingStuck) as error:
        # The cursor itself may be what is wrong: begin afresh next time.
        _end(run, SyncRun.Status.FAILED, f"{type(error).__name__}: {error}", cursor="")
        raise
    except Exception as error:
        _end(run, SyncRun.Status.FAILED, f"{type(error).__name__}: {error}", cursor=run.cursor)
        raise
    _end(run, SyncRun.Status.FINISHED, "", cursor="")
    SyncRun.objects.filter(pk__lt=run.pk - RUNS_KEPT).delete()
    return run


def _begin(now: datetime) -> SyncRun | None:
    """A new walk, or the broken-off one; None while one is alive."""
    with transaction.atomic():
        last = SyncRun.objects.select_for_update(no_key=True).filter(kind=CATALOGUE).order_by("-id").first()
        if last is not None and last.status == SyncRun.Status.RUNNING and now - last.alive_at < LEASE:
            return None
        if last is not None and last.cursor and now - last.started_at < TAKEN_UP_WITHIN:
            last.status, last.alive_at, last.finished_at, last.error = SyncRun.Status.RUNNING, now, None, ""
            last.save()
            return last
        SyncRun.objects.filter(kind=CATALOGUE, status=SyncRun.Status.RUNNING).update(
            status=SyncRun.Status.FAILED, error="broke off", finished_at=now
        )
    try:
        with transaction.atomic():
            return SyncRun.objects.create(kind=CATALOGUE, started_at=now, alive_at=now)
    except IntegrityError:
        return None


def _walk(client: PolymarketClient, run: SyncRun) -> None:
    for page in client.events_keyset(closed=False, after_cursor=run.cursor or None):
        report = take_over((row for event in page.rows for row in parse.parse_event(event)), now=clock.now())
        run.pages += 1
        run.cursor = page.next_cursor or run.cursor
        _tell(run, report)


def _tell(run: SyncRun, report: Report) -> None:
    """Book a page on its run, with the cursor that resumes after it."""
    so_far = Report(run.seen, run.new, run.changed, run.resolved, Counter(run.skipped), list(run.skips))
    so_far.add(report)
    run.seen, run.new, run.changed, run.resolved = so_far.seen, so_far.new, so_far.changed, so_far.resolved
    run.skipped, run.skips, run.alive_at = dict(so_far.skipped), so_far.skips, clock.now()
    run.save()


def _end(run: SyncRun, status: str, error: str, *, cursor: str) -> None:
    run.status, run.error, run.cursor, run.finished_at = status, error[:2000], cursor, clock.now()
    run.save()
    log.info(
        "catalogue %s: %d seen, %d new, %d changed, %d resolved, skipped %s",
        status, run.seen, run.new, run.changed, run.resolved, dict(run.skipped),
    )  # fmt: skip


def follow(client: PolymarketClient, *, since: datetime, now: datetime) -> Report:
    """Ask by condition id for markets the listing no longer shows: all that are held, and some of the others.

    First among the closed ones, where a result comes from; what is not there is asked for among the open ones.
    """
    unseen = Market.objects.filter(status__in=("active", "paused")).filter(
        Q(last_seen_at__lt=since) | Q(last_seen_at=None)
    )
    held = unseen.filter(Q(pk__in=Position.objects.filter(status="open").values("market_id")))
    others = unseen.filter(Q(asked_at__lt=now - ASKED_AGAIN_AFTER) | Q(asked_at=None)).order_by(
        F("asked_at").asc(nulls_first=True), "id"
    )[:FOLLOWED_AT_ONCE]
    found = [condition for markets in (held, others) for condition in markets.values_list("condition_id", flat=True)]
    wanted = list(dict.fromkeys(found))
    report = Report()
    missing = set(wanted)
    for closed in (True, False):
        if not missing:
            break
        for page in client.markets_keyset(closed=closed, condition_ids=sorted(missing)):
            rows = [parse.parse_market(row) for row in page.rows]
            missing -= {row.condition_id for row in rows if isinstance(row, SourceMarket)}
            report.add(take_over(rows, now=clock.now()))
    Market.objects.filter(condition_id__in=wanted).update(asked_at=now)
    return report


def take_over(
    rows: Iterable[SourceMarket | Skip],
    *,
    now: datetime,
    priced_at: Callable[[SourceMarket], datetime | None] | None = None,
) -> Report:
    """Store what was read, at most 100 markets a transaction, and resolve what is final where that is switched on.

    ``priced_at`` says when a row's price was read, if not now.
    """
    report = Report()
    markets: dict[str, SourceMarket] = {}
    for row in rows:
        report.seen += 1
        if isinstance(row, Skip):
            report.skip(row)
        else:
            if row.condition_id in markets:
                report.skip(Skip(SkipReason.REPEATED, row.gamma_id or row.condition_id, "The same market came before."))
            markets[row.condition_id] = row
    found = list(markets.values())
    for start in range(0, len(found), BATCH):
        _store(found[start : start + BATCH], report, now=now, priced_at=priced_at or (lambda _: now))
    return report


def _store(
    sources: Sequence[SourceMarket],
    report: Report,
    *,
    now: datetime,
    priced_at: Callable[[SourceMarket], datetime | None],
) -> None:
    finals: list[tuple[str, str]] = []
    refiled: list[tuple[Market, str]] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        wanted = [source.condition_id for source in sources]
        held = Market.objects.select_for_update(no_key=True).filter(condition_id__in=wanted).order_by("id")
        known = {market.condition_id: market for market in held}
        batch = _Batch(now)
        for source in sources:
            market = known.get(source.condition_id)
            category = catalogue.category_of(source)
            if market is None:
                batch.insert(source, category, priced_at(source))
                continue
            if category is not None and category != market.category:
                refiled.append((market, category))
            final = batch.update(market, source, priced_at(source))
            if final is not None:
                finals.append((market.id, final.outcome))
        batch.write()
    report.new += len(batch.new)
    report.changed += len(batch.changed)
    for market, category in refiled:
        _refile(market.id, category, now=now)
    for market_id, outcome in finals:
        report.resolved += int(settlements.by_source(market_id, outcome, now=now))


class _Batch:
    """The markets of one transaction: which are new, which changed, and in what."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.rules = catalogue.rules_of(settings.PREDICTU_SELECTION)
        self.new: list[Market] = []
        self.changed: list[Market] = []
        self._redescribed: list[Market] = []
        self._restated: list[Market] = []
        self._moved: dict[str, bool] = {}

    def insert(self, source: SourceMarket, category: str | None, priced_at: datetime | None) -> None:
        market = Market(
            id=ids.new("mkt", self.now), condition_id=source.condition_id, category=category, created_at=self.now
        )
        final = catalogue.take_over(market, source)
        self._price(market, source, priced_at)
        if final is not None:  # nobody can have traded it here
            market.status, market.resolution, market.waiting_for = Market.Status.RESOLVED, final.outcome, ""
            market.resolution_source, market.resolved_at = (
                Market.Source.POLYMARKET_UMA,
                market.source_closed_at or self.now,
            )
        self._finish(market)
        self.new.append(market)

    def update(self, market: Market, source: SourceMarket, priced_at: datetime | None) -> Final | None:
        before = {name: getattr(market, name) for name in (*catalogue.IDENTITY, *catalogue.STATE)}
        final = catalogue.take_over(market, source)
        fresh = timedelta(seconds=settings.PREDICTU_PRICE_MAX_AGE_SECONDS / 2)
        if market.priced_at is None or self.now - market.priced_at > fresh:
            self._price(market, source, priced_at)
        self._finish(market)
        differs = {name for name, value in before.items() if getattr(market, name) != value}
        if differs - catalogue.UNREMARKABLE:
            self.changed.append(market)
        (self._redescribed if differs & set(catalogue.IDENTITY) else self._restated).append(market)
        return final

    def _price(self, market: Market, source: SourceMarket, at: datetime | None) -> None:
        """A closed market keeps the last mid of its life; a missing price leaves the known one to grow old."""
        if at is None or source.closed or source.yes_mid is None or market.is_over:
            return
        self._moved[market.id] = catalogue.price(market, source.yes_mid, at=at, **prices.jump_rules())

    def _finish(self, market: Market) -> None:
        catalogue.select(market, self.rules, now=self.now)
        market.last_seen_at = market.updated_at = self.now

    def write(self) -> None:
        for markets, names in (
            (self.new, catalogue.STATE),
            (self._redescribed, (*catalogue.IDENTITY, *catalogue.STATE)),
            (self._restated, catalogue.STATE),
        ):
            if markets:
                Market.objects.bulk_create(
                    markets, update_conflicts=True, unique_fields=["condition_id"], update_fields=list(names)
                )
        priced = [market for market in (*self.new, *self._redescribed, *self._restated) if market.id in self._moved]
        prices.record(priced, [self._moved[market.id] for market in priced])


@transaction.atomic
def _refile(market_id: str, category: str, *, now: datetime) -> None:
    """File a market under another category, unless it has been traded: its first trade fixes where its exposure counts.

    Under the market's bucket, so a trade decided on the old category is decided again.
    """
    breakers.hold_bucket("market", market_id)
    market = Market.objects.select_for_update(no_key=True).get(pk=market_id)
    if Trade.objects.filter(market_id=market_id).exists():
        return
    market.category, market.updated_at = category, now
    catalogue.select(market, catalogue.rules_of(settings.PREDICTU_SELECTION), now=now)
    market.save(update_fields=["category", "tradeable", "untradeable_reasons", "updated_at"])
