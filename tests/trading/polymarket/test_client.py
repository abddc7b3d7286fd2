"""The client against the demo feed, a real server with real faults."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.loopback import answer, serving
from trading.feed.server import Fault, running, server_error, too_many
from trading.feed.state import mid
from trading.feed.world import FLEETING, World
from trading.polymarket.client import PolymarketClient
from trading.polymarket.errors import PagingStuck, SourceMalformed, SourceRefused, SourceUnavailable
from trading.polymarket.finality import Final, NotFinal, finality
from trading.polymarket.parse import parse_event, parse_market
from trading.polymarket.source import Skip, SourceMarket
from trading.polymarket.transport import ClientOptions

WORLD = World(seed=7)
AT = datetime(2026, 11, 21, 15, 3, 7, tzinfo=UTC)
QUICK = ClientOptions(requests_per_second=10_000, backoff_s=0.001, backoff_cap_s=0.001, attempts=3)


@pytest.fixture
def feed():
    with running(WORLD, now=lambda: AT) as server:
        yield server


@pytest.fixture
def client(feed):
    with PolymarketClient(gamma_url=feed.url, clob_url=feed.url, options=QUICK) as made:
        yield made


def asked(feed):
    """(path, query) of every request so far."""
    return [(urlsplit(target).path, parse_qs(urlsplit(target).query)) for _, target in feed.requests]


def condition_ids(pages):
    return [row["conditionId"] for page in pages for row in page.rows]


OPEN_IDS = [market.names.condition_id for market in WORLD.markets(at=AT)]


def test_the_open_catalogue_page_by_page(feed, client):
    pages = list(client.events_keyset(closed=False, page_size=30))
    rows = [row for page in pages for event in page.rows for row in parse_event(event)]
    markets = [row for row in rows if isinstance(row, SourceMarket)]
    assert [market.condition_id for market in markets] == OPEN_IDS
    assert [row.reason for row in rows if isinstance(row, Skip)] == ["more_than_two_outcomes"]
    assert all(market.tags for market in markets)
    assert len(pages) == len(feed.requests) == 3
    assert [query["closed"] for _, query in asked(feed)] == [["false"]] * 3
    assert [query.get("after_cursor", [None])[0] for _, query in asked(feed)] == [
        None,
        pages[0].next_cursor,
        pages[1].next_cursor,
    ]
    assert pages[2].next_cursor is None


def test_what_is_read_is_what_the_world_holds(client):
    rows = [row for page in client.events_keyset(closed=False) for event in page.rows for row in parse_event(event)]
    read = {row.condition_id: row for row in rows if isinstance(row, SourceMarket)}
    for market in WORLD.markets(at=AT):
        seen = read[market.names.condition_id]
        assert (seen.title, seen.outcome_labels, seen.token_ids) == (
            market.title,
            market.labels,
            market.names.token_ids,
        )
        assert seen.yes_mid == mid(market, AT)
        assert (seen.end_date, seen.created_at) == (market.end_date, market.opens_at)
        assert seen.accepting_orders and seen.enable_order_book and seen.active and not seen.closed
        assert seen.liquidity_usd > 0 and seen.volume_usd > 0
        assert isinstance(finality(seen), NotFinal)


def test_a_cut_off_sync_resumes_behind_its_last_page(client):
    first = next(client.events_keyset(closed=False, page_size=20))
    rest = list(client.events_keyset(closed=False, page_size=20, after_cursor=first.next_cursor))
    nested = [[row for event in page.rows for row in event["markets"]] for page in [first, *rest]]
    ids = [row["conditionId"] for rows in nested for row in rows if row["id"] != "499999"]
    assert ids == OPEN_IDS


def test_a_market_that_closed_is_found_only_when_asked_for_as_closed(client):
    ended = WORLD.closed(since=AT - timedelta(days=60), until=AT, kinds=("long",))
    ids = [market.names.condition_id for market in ended]
    assert condition_ids(client.markets_keyset(closed=False, condition_ids=ids)) == []
    rows = [row for page in client.markets_keyset(closed=True, condition_ids=ids) for row in page.rows]
    results = {row.condition_id: finality(row) for row in map(parse_market, rows)}
    assert len(results) == len(ended)
    for market in ended:
        found = results[market.names.condition_id]
        if market.result == "cancelled":
            assert isinstance(found, NotFinal)
        else:
            assert found == Final(market.result)


def test_condition_ids_go_in_calls_that_fit_an_address(feed, client):
    ids = [WORLD.market(5, number).names.condition_id for number in range(-180, 1)]
    found = condition_ids(client.markets_keyset(closed=True, condition_ids=[*ids, *ids]))
    assert sorted(found) == sorted(ids)
    calls = [query["condition_ids"] for _, query in asked(feed)]
    assert [len(call) for call in calls] == [70, 70, 41]
    assert [each for call in calls for each in call] == ids
    assert max(len(target) for _, target in feed.requests) < 6000


def test_no_ids_no_call(feed, client):
    assert list(client.markets_keyset(closed=True, condition_ids=[])) == []
    assert client.post_midpoints([]) == {}
    assert not feed.requests


def test_every_market_can_be_listed_too(client):
    assert condition_ids(client.markets_keyset(closed=False)) == OPEN_IDS


def test_mids_of_both_tokens_come_in_batches_and_unknown_tokens_are_absent(feed, client):
    markets = WORLD.markets(at=AT)
    tokens = [token for market in markets for token in market.names.token_ids]
    closed = WORLD.closed(since=AT - timedelta(hours=1), until=AT, kinds=FLEETING)[0].names.token_ids[0]
    mids = client.post_midpoints([*tokens, closed, "123", *tokens])
    expected = {}
    for market in markets:
        yes, no = market.names.token_ids
        expected |= {yes: mid(market, AT), no: 1 - mid(market, AT)}
    assert mids == expected
    assert [method for method, _ in feed.requests] == ["POST"] * 2


def test_history_is_asked_for_in_windows_and_joined_without_seams(feed, client):
    market = WORLD.markets(at=AT, kinds=("long",))[0]
    start, end = AT - timedelta(days=40), AT - timedelta(hours=1)
    points = client.prices_history(market.names.token_ids[0], start=start, end=end, fidelity_minutes=60)
    windows = [(int(query["startTs"][0]), int(query["endTs"][0])) for _, query in asked(feed)]
    assert [until - since for since, until in windows] == [15 * 86400, 15 * 86400, 10 * 86400 - 3600]
    assert windows[0][0] == int(start.timestamp()) and windows[-1][1] == int(end.timestamp())
    moments = [point.at for point in points]
    assert moments == sorted(set(moments))
    assert start <= moments[0] and moments[-1] <= end
    assert len(points) >= 40 * 24 - 3
    assert all(point.price == mid(market, point.at) for point in points)
    no = client.prices_history(market.names.token_ids[1], start=start, end=start + timedelta(days=1))
    assert [1 - point.price for point in no] == [point.price for point in points[: len(no)]]


def test_a_resolved_market_has_a_history_in_half_days_only(feed, client):
    market = WORLD.closed(since=AT - timedelta(days=20), until=AT, kinds=("long",))[0]
    token, start = market.names.token_ids[0], AT - timedelta(days=30)
    assert client.prices_history(token, start=start, end=AT, fidelity_minutes=60) == []
    points = client.prices_history(token, start=start, end=AT, fidelity_minutes=60, resolved=True)
    assert len(points) >= 5
    assert {query["fidelity"][0] for _, query in asked(feed)} == {"60", "720"}


def test_an_unknown_token_has_an_empty_history(client):
    assert client.prices_history("123", start=AT - timedelta(days=1), end=AT) == []
    assert client.prices_history("123", start=AT, end=AT) == []


@pytest.mark.parametrize(
    "fault",
    [
        too_many("0"),
        too_many(),
        too_many("Thu, 01 Jan 2026 00:00:00 GMT"),
        server_error(),
        server_error(503),
        Fault(truncated=True),
        Fault(hang_up=True),
        Fault(body=b'{"events": [{"id": 1}'),
        Fault(body=b"<html>"),
    ],
)
def test_a_passing_fault_costs_a_retry_and_nothing_else(feed, client, fault):
    feed.faults.coming.extend([fault, fault])
    assert condition_ids(client.markets_keyset(closed=False)) == OPEN_IDS
    assert len(feed.requests) == 3


def test_a_lasting_fault_is_given_up(feed, client):
    feed.faults.coming.extend([server_error()] * 3)
    with pytest.raises(SourceUnavailable, match="HTTP 500"):
        next(client.events_keyset(closed=False))
    assert len(feed.requests) == 3
    assert condition_ids(client.markets_keyset(closed=False)) == OPEN_IDS


def test_a_refusal_is_not_repeated(feed, client):
    with pytest.raises(SourceRefused) as refusal:
        next(client.events_keyset(closed=False, filters=[("offset", "10")]))
    assert refusal.value.answered == 422
    with pytest.raises(SourceRefused):
        next(client.events_keyset(closed=False, after_cursor="stale"))
    assert len(feed.requests) == 2


def test_a_cursor_that_comes_twice_stops_the_paging(feed, client):
    feed.faults.listings.repeat_cursor = True
    with pytest.raises(PagingStuck, match="twice"):
        list(client.events_keyset(closed=False, page_size=10))
    assert len(feed.requests) == 2


def test_a_page_with_nothing_new_stops_the_paging(feed, client):
    feed.faults.listings.repeat_page = True
    read = []
    with pytest.raises(PagingStuck, match="no new ids"):
        for page in client.events_keyset(closed=False, page_size=10):
            read.append(len(page.rows))
    assert read == [11]
    assert len(feed.requests) == 2


def test_a_market_may_vanish_from_every_listing(feed, client):
    market = WORLD.markets(at=AT)[0]
    feed.faults.listings.vanished.add(market.names.condition_id)
    assert condition_ids(client.markets_keyset(closed=False)) == OPEN_IDS[1:]
    for closed in (False, True):
        assert condition_ids(client.markets_keyset(closed=closed, condition_ids=OPEN_IDS[:1])) == []
    assert client.post_midpoints(market.names.token_ids) == {}


def answering(document):
    return serving(lambda *_: answer(200, json.dumps(document).encode()), None)


@pytest.mark.parametrize("document", [[], {}, {"events": None}, {"events": {}}, "events", None, 5])
def test_an_answer_of_another_shape_is_an_error(document):
    with answering(document) as server:
        url = f"http://127.0.0.1:{server.port}"
        with PolymarketClient(gamma_url=url, clob_url=url, options=QUICK) as client:
            with pytest.raises(SourceMalformed):
                next(client.events_keyset(closed=False))
            with pytest.raises(SourceMalformed):
                client.prices_history("1", start=AT - timedelta(days=1), end=AT)
            if not isinstance(document, dict):
                with pytest.raises(SourceMalformed):
                    client.post_midpoints(["1"])


def test_odd_prices_are_left_out():
    answered = {
        "1": "0.5",
        "2": 0.25,
        "3": "0",
        "4": "1",
        "5": None,
        "6": "x",
        "7": "0.33335",
        "8": {"mid": "0.5"},
        "9": "0.5",
    }
    with answering(answered) as server:
        url = f"http://127.0.0.1:{server.port}"
        with PolymarketClient(gamma_url=url, clob_url=url, options=QUICK) as client:
            mids = client.post_midpoints([str(token) for token in range(1, 9)])
    assert mids == {"1": Decimal("0.5"), "2": Decimal("0.25"), "7": Decimal("0.3334")}


def test_odd_points_are_left_out():
    start = datetime(2026, 3, 1, tzinfo=UTC)
    second = int(start.timestamp())
    history = [
        {"t": second + 60, "p": 0.3},
        {"t": second + 10, "p": 0.2},
        {"t": second + 60, "p": 0.4},
        {"t": second + 70.5, "p": "0.5"},
        {"t": second - 3600, "p": 0.5},
        {"t": second + 10**9, "p": 0.5},
        {"t": None, "p": 0.5},
        {"t": second + 80, "p": 1},
        {"p": 0.5},
        None,
        7,
    ]
    with answering({"history": history}) as server:
        url = f"http://127.0.0.1:{server.port}"
        with PolymarketClient(gamma_url=url, clob_url=url, options=QUICK) as client:
            points = client.prices_history("1", start=start, end=start + timedelta(days=1))
    assert [(int(point.at.timestamp()) - second, point.price) for point in points] == [
        (10, Decimal("0.2")),
        (60, Decimal("0.4")),
        (70, Decimal("0.5")),
    ]
