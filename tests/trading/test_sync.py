import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from operators.models import CATEGORIES
from predictu import ids
from predictu.api.pages import Page
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from tests.trading.polymarket.records import ABSENT, gamma_event, gamma_market, listed, resolved_market
from trading.feed.server import running, server_error, too_many
from trading.feed.world import World
from trading.models import Market, Position, PricePoint, SyncRun
from trading.polymarket import parse
from trading.polymarket.client import ClientOptions, PolymarketClient
from trading.polymarket.errors import SourceError
from trading.queries import market_detail, markets
from trading.services import markets as market_service
from trading.services import prices, sync

pytestmark = pytest.mark.django_db

WORLD = World(seed=7)
AT = datetime(2026, 11, 21, 15, 3, 7, tzinfo=UTC)
SOON = datetime(2026, 6, 1, tzinfo=UTC)  # an instant at which the sample record is open
QUICK = ClientOptions(requests_per_second=1000, backoff_s=0.001, backoff_cap_s=0.002, attempts=3)


def client_of(feed):
    return PolymarketClient(gamma_url=feed.url, clob_url=feed.url, options=QUICK)


def take(*records, at=SOON, **event):
    """Store raw records as the page of one event."""
    return sync.take_over(parse.parse_event(gamma_event(*records, **event)), now=at)


def market(number=1):
    return Market.objects.get(gamma_id=str(number))


def condition(number):
    return f"0x{number:064x}"


def record(number, **changes):
    own = {"id": str(number), "conditionId": condition(number), "clobTokenIds": listed(f"{number}1", f"{number}2")}
    return gamma_market(**(own | changes))


def final(number, **changes):
    return resolved_market(id=str(number), conditionId=condition(number), **changes)


# -- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_tradeable_market_with_its_first_price():
    report = take(record(1))
    assert (report.seen, report.new, report.changed, dict(report.skipped)) == (1, 1, 0, {})
    found = market()
    assert (found.condition_id, found.title, found.category) == (
        condition(1), "Will the harbour bridge open by June 30?", "politics",
    )  # fmt: skip
    assert (found.status, found.tradeable, found.untradeable_reasons) == ("active", True, [])
    assert (found.yes_mid, found.priced_at, found.liquidity_usd) == (Decimal("0.425"), SOON, Decimal("20000.50"))
    assert list(PricePoint.objects.values_list("market_id", "at", "yes_mid")) == [(found.id, SOON, Decimal("0.425"))]


def test_the_same_again_is_neither_new_nor_changed():
    take(record(1))
    before = Market.objects.values().get()
    report = take(record(1), at=SOON + timedelta(minutes=1))
    assert (report.seen, report.new, report.changed) == (1, 0, 0)
    after = Market.objects.values().get()
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"priced_at", "last_seen_at", "updated_at"}


def test_a_change_is_taken_over_and_counted():
    take(record(1))
    report = take(record(1, question="Will it open in June?", liquidityNum=10), at=SOON + timedelta(minutes=1))
    assert (report.new, report.changed) == (0, 1)
    assert (market().title, market().tradeable) == ("Will it open in June?", False)
    assert [reason["code"] for reason in market().untradeable_reasons] == ["low_liquidity"]


def test_every_row_left_out_says_why():
    rows = [record(1), record(1), record(2, outcomes=listed("A", "B", "C")), record(3, conditionId=ABSENT), "nonsense"]
    report = take(*rows)
    assert (report.seen, report.new) == (5, 1)
    assert dict(report.skipped) == {
        "repeated": 1, "more_than_two_outcomes": 1, "no_condition_id": 1, "not_an_object": 1,
    }  # fmt: skip
    assert len(report.skips) == 4 and all(skip["detail"] for skip in report.skips)


def test_what_a_listing_leaves_out_is_not_forgotten():
    take(record(1))
    take(record(1, clobTokenIds=ABSENT, description=ABSENT), at=SOON + timedelta(minutes=5))
    assert (market().token_ids, market().description) == (["11", "12"], "Resolves Yes if traffic crosses the bridge.")


def test_a_missing_price_lets_the_known_one_grow_old():
    take(record(1))
    take(record(1, outcomePrices=ABSENT), at=SOON + timedelta(minutes=1))
    assert (market().yes_mid, market().priced_at) == (Decimal("0.425"), SOON)
    take(record(1, outcomePrices=ABSENT), at=SOON + timedelta(minutes=10))
    assert [reason["code"] for reason in market().untradeable_reasons] == ["price_too_old"]


@pytest.mark.parametrize(
    ("changes", "status", "waiting"),
    [
        ({}, "active", ""),
        ({"acceptingOrders": False}, "paused", ""),
        ({"umaResolutionStatus": "proposed", "outcomePrices": listed("0.9965", "0.0035")}, "active", ""),
        ({"umaResolutionStatus": "disputed", "outcomePrices": listed("0.9985", "0.0015")}, "active", "disputed"),
        ({"closed": True, "outcomePrices": listed("0", "0")}, "paused", "no_oracle_result"),
        ({"closed": True, "outcomePrices": listed("0.99997", "0.00003")}, "paused", "no_oracle_result"),
        (
            {"closed": True, "umaResolutionStatus": "proposed", "outcomePrices": listed("0", "1")},
            "paused",
            "oracle_pending",
        ),
        (
            resolved_market(outcomePrices=listed("0", "0"), id="1", conditionId=condition(1), clobTokenIds=ABSENT),
            "paused",
            "prices_zero",
        ),
    ],
)  # fmt: skip
def test_closed_is_not_final(changes, status, waiting):
    take(record(1))
    take(record(1, **changes), at=SOON + timedelta(minutes=5))
    found = market()
    assert (found.status, found.waiting_for, found.resolution) == (status, waiting, None)


@pytest.mark.parametrize(
    ("prices", "outcome"),
    [(("1", "0"), "yes"), (("0", "1"), "no"), (("0.5", "0.5"), "split"), (("0.99997", "0.00003"), "yes")],
)
def test_a_market_first_seen_when_it_is_final_is_over_from_the_start(prices, outcome):
    take(final(1, outcomePrices=listed(*prices)))
    found = market()
    assert (found.status, found.resolution, found.resolution_source, found.tradeable) == (
        "resolved", outcome, "polymarket_uma", False,
    )  # fmt: skip
    assert found.resolved_at == datetime(2026, 6, 20, 8, 15, 30, tzinfo=UTC)


# -- what survives ----------------------------------------------------------------------------------------------------


def test_staffs_override_and_pause_survive_a_sync():
    take(record(1))
    admin = make_admin()
    market_service.override(market_id=market().id, value="blocked", reason="palpable", actor=admin, now=SOON)
    market_service.pause(market_id=market().id, reason="news", actor=admin, now=SOON)
    take(record(1, bestBid=0.4, outcomePrices=listed("0.41", "0.59")), at=SOON + timedelta(minutes=1))
    assert (market().override, market().status, market().paused_by_staff) == ("blocked", "paused", True)
    market_service.resume(market_id=market().id, reason="settled down", actor=admin, now=SOON)
    assert (market().status, market().status_reason) == ("active", "")


def test_a_category_is_fixed_at_the_first_trade():
    take(record(1))
    sports = [{"slug": "nba", "label": "NBA"}, {"slug": "sports", "label": "Sports"}]
    take(record(1), at=SOON + timedelta(minutes=1), tags=sports)
    assert market().category == "sports"
    player = make_player(make_operator(new_tier_limit=100), balance="50")
    Market.objects.update(priced_at=now())
    place(player, market(), 5)
    take(record(1), at=SOON + timedelta(minutes=2))
    assert market().category == "sports"


def test_a_jump_pauses_buys_and_a_step_does_not():
    take(record(1))
    later = SOON + timedelta(minutes=1)
    take(record(1, outcomePrices=listed("0.47", "0.53"), bestBid=0.46, bestAsk=0.48), at=later)
    assert market().buys_paused_until is None
    later += timedelta(minutes=1)
    take(record(1, outcomePrices=listed("0.52", "0.48"), bestBid=0.51, bestAsk=0.53), at=later)
    assert market().buys_paused_until == later + timedelta(seconds=30)


# -- walks ------------------------------------------------------------------------------------------------------------


def test_a_walk_takes_over_the_whole_catalogue_and_reports_it():
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        run = sync.catalogue_walk(client, now=AT)
    open_now = WORLD.markets(at=AT)
    assert (run.status, run.new, run.seen) == ("finished", len(open_now), len(open_now) + 1)
    assert run.skipped == {"more_than_two_outcomes": 1}
    assert {found.condition_id for found in Market.objects.all()} == {each.names.condition_id for each in open_now}
    assert not Market.objects.filter(category=None).exists()
    assert set(Market.objects.values_list("category", flat=True)) == set(CATEGORIES)


def test_a_walk_that_broke_off_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr("trading.polymarket.client.PAGE_SIZE", 10)
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        pages = []

        def stops_at_the_third(*args, **kwargs):
            for page in PolymarketClient.events_keyset(client, *args, page_size=10, **kwargs):
                pages.append(page)
                if len(pages) == 3:
                    raise SourceError
                yield page

        monkeypatch.setattr(client, "events_keyset", stops_at_the_third)
        with pytest.raises(SourceError):
            sync.catalogue_walk(client, now=AT)
        broken = SyncRun.objects.get()
        assert (broken.status, broken.pages, broken.seen) == ("failed", 2, 21)
        feed.requests.clear()
        run = sync.catalogue_walk(client, now=AT + timedelta(minutes=1))
    assert run.pk == broken.pk and run.status == "finished"
    assert f"after_cursor={pages[1].next_cursor}"[:30] in feed.requests[0][1].replace("%3D", "=")
    assert Market.objects.count() == len(WORLD.markets(at=AT)) == run.new


def test_only_one_walk_at_a_time():
    SyncRun.objects.create(kind="catalogue", started_at=AT, alive_at=AT)
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        assert sync.catalogue_walk(client, now=AT + timedelta(minutes=1)) is None
        assert not feed.requests
        assert sync.catalogue_walk(client, now=AT + timedelta(hours=1)).status == "finished"
    assert SyncRun.objects.filter(status="failed", error="broke off").count() == 1


def test_a_source_in_trouble_is_asked_again_and_the_walk_is_whole():
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        feed.faults.coming.extend([server_error(), too_many("0"), server_error(503)])
        feed.faults.coming.clear()
        feed.faults.coming.extend([server_error(), too_many("0")])
        run = sync.catalogue_walk(client, now=AT)
    assert run.status == "finished" and Market.objects.count() == len(WORLD.markets(at=AT))


def test_a_market_that_left_the_listing_is_asked_for_by_its_condition():
    closing = min(WORLD.markets(at=AT), key=lambda each: each.closed_at)
    moment = [AT]
    with running(WORLD, now=lambda: moment[0]) as feed, client_of(feed) as client:
        sync.catalogue_walk(client, now=AT)
        held = Market.objects.get(condition_id=closing.names.condition_id)
        moment[0] = closing.closed_at + timedelta(minutes=1)
        sync.catalogue_walk(client, now=now())
    held.refresh_from_db()
    assert held.source_closed and held.status != "active"
    assert Market.objects.filter(condition_id=closing.names.condition_id).count() == 1


# -- mids -------------------------------------------------------------------------------------------------------------


def test_mids_are_read_for_what_matters_and_history_grows_when_they_move():
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        sync.catalogue_walk(client, now=AT)
        Market.objects.update(yes_mid=Decimal("0.5001"), tradeable=False, priced_at=AT - timedelta(hours=1))
        feed.requests.clear()
        assert prices.read_mids(client, now=AT) == 0 and not feed.requests
        wanted = Market.objects.filter(status="active").exclude(token_ids=[]).first()
        prices.asked_for(wanted.id, now=AT)
        before = PricePoint.objects.filter(market=wanted).count()
        assert prices.read_mids(client, now=AT) == 1
    wanted.refresh_from_db()
    assert wanted.yes_mid != Decimal("0.5001") and wanted.priced_at > AT - timedelta(minutes=1)
    assert PricePoint.objects.filter(market=wanted).count() == before + 1


def test_open_positions_have_their_mids_read():
    player = make_player(make_operator(new_tier_limit=100), balance="50")
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        sync.catalogue_walk(client, now=AT)
        held = Market.objects.filter(status="active", yes_mid__range=("0.2", "0.8")).exclude(token_ids=[]).first()
        Market.objects.filter(pk=held.pk).update(priced_at=now(), tradeable=True, buys_paused_until=None)
        place(player, held, 5)
        Market.objects.update(tradeable=False)
        assert Position.objects.get().status == "open"
        assert prices.read_mids(client, now=AT) == 1


def test_time_alone_makes_a_market_untradeable():
    fresh = make_market(end_date=now() + timedelta(days=1), priced_at=now())
    old = make_market(end_date=now() + timedelta(days=1), priced_at=now() - timedelta(minutes=10))
    ending = make_market(end_date=now() + timedelta(minutes=60))
    assert prices.refilter(now=now()) == 2
    assert [Market.objects.get(pk=each.pk).tradeable for each in (fresh, old, ending)] == [True, False, False]


def test_histories_are_taken_over_once():
    with running(WORLD, now=lambda: AT) as feed, client_of(feed) as client:
        sync.catalogue_walk(client, now=AT)
        lasting = [each.names.condition_id for each in WORLD.markets(at=AT, kinds=("long",))]
        chosen = Market.objects.filter(tradeable=True, condition_id__in=lasting).first()
        Market.objects.exclude(pk=chosen.pk).update(history_read_at=AT)
        assert prices.take_histories(client, now=AT) == 1
        assert prices.take_histories(client, now=AT) == 0
    assert PricePoint.objects.filter(at__lt=AT - timedelta(hours=2)).exists()


def test_months_of_prices_are_dropped_whole(settings):
    settings.PREDICTU_PRICE_MONTHS_KEPT = 2
    held = make_market(yes_mid="0.4")
    for months_ago in range(5):
        held.priced_at = datetime(2026, 11 - months_ago, 3, tzinfo=UTC)
        prices.record([held], [True])
    assert PricePoint.objects.count() == 5
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as they are once a transaction is over
    assert prices.prune(now=datetime(2026, 11, 21, tzinfo=UTC)) == 2
    assert sorted(PricePoint.objects.values_list("at__month", flat=True)) == [9, 10, 11]


def test_a_year_of_a_thousand_markets_is_read_through_one_index():
    held = make_market()
    held.priced_at = AT
    prices.record([held], [True])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT at, yes_mid FROM trading_pricepoint WHERE market_id = %s AND at >= %s",
            [ids.decode("mkt", held.id), AT],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    assert conditions and all("market_id = " in line and "at >= " in line for line in conditions), plan
    assert "Seq Scan" not in plan and "Filter" not in plan, plan


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_the_last_mid_of_each_hour_stands_until_the_next():
    held = make_market()
    for minutes, mid in ((200, "0.40"), (130, "0.41"), (125, "0.42"), (5, "0.45")):
        held.priced_at, held.yes_mid = AT - timedelta(minutes=minutes), Decimal(mid)
        prices.record([held], [True])
    rows = market_detail.price_history(held.id, now=AT, span=timedelta(hours=4))
    assert [(row["timestamp"][11:13], row["yes_price"]) for row in rows] == [
        ("12", Decimal("0.42")), ("13", Decimal("0.42")), ("14", Decimal("0.45")), ("15", Decimal("0.45")),
    ]  # fmt: skip
    assert market_detail.price_history(make_market().id, now=AT) == []


def test_a_search_finds_beginnings_of_words_in_title_and_description():
    for number, (title, text) in enumerate([("Will BTC exceed $150k?", "Bitcoin"), ("Lakers win", "basketball")]):
        make_market(title=title, description=text, gamma_id=str(number))

    def found(search):
        rows, total = markets.page(
            markets.MarketFilter(search=search), sort=markets.SORTS["volume"], descending=True, page=Page(1, 10)
        )
        assert total == len(rows)
        return [row["title"] for row in rows]

    assert found("btc") == found("bitco") == found("BTC 150k") == ["Will BTC exceed $150k?"]
    assert found("basket") == ["Lakers win"]
    assert found("' ; --") == found("nothing") == []


# -- the command ------------------------------------------------------------------------------------------------------


def test_recorded_answers_are_taken_over_with_a_report(tmp_path, capsys):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps([record(1), record(2, outcomes=listed("A"))]), encoding="utf-8")
    call_command("sync_markets", "--from-file", str(path))
    said = capsys.readouterr().out
    assert "answers.json: seen 2, new 1, changed 0, resolved 0, skipped 1" in said
    assert "1 × fewer_than_two_outcomes" in said and "2: It has fewer than two outcomes." in said
    assert market().priced_at == datetime(2026, 3, 1, 0, 0, 0, 123450, tzinfo=UTC)
    assert "price_too_old" in [reason["code"] for reason in market().untradeable_reasons]
