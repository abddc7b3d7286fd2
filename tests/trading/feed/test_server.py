import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from trading.feed.server import running
from trading.feed.world import LASTING, World

ROOT = Path(__file__).parents[3]
WORLD = World(seed=7)
AT = datetime(2026, 11, 21, 15, 3, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def feed():
    with running(WORLD, now=lambda: AT) as server:
        yield server


def get(feed, path, **params):
    return requests.get(feed.url + path, params=params, timeout=10)


OPEN = WORLD.markets(at=AT)


def test_it_says_that_it_is_there(feed):
    assert get(feed, "/ok").json() == "OK"
    assert get(feed, "/").status_code == 404
    assert requests.post(feed.url + "/events/keyset", json=[], timeout=10).status_code == 404


def test_lists_hide_in_strings_and_unknowns_are_absent(feed):
    rows = get(feed, "/markets/keyset", limit=100).json()["markets"]
    for row in rows:
        assert all(isinstance(row[key], str) for key in ("id", "outcomes", "outcomePrices", "clobTokenIds", "volume"))
        assert len(json.loads(row["outcomes"])) == len(json.loads(row["outcomePrices"])) == 2
        assert None not in row.values()
        assert "tags" not in row and "closedTime" not in row
    assert any("bestBid" not in row for row in rows)
    assert any("gameStartTime" in row for row in rows)
    assert all(" " in row["gameStartTime"] and row["endDate"].endswith("Z") for row in rows if "gameStartTime" in row)
    assert {type(row["bestAsk"]) for row in rows} == {int, float}
    assert {row.get("umaResolutionStatus") for row in rows} >= {None, "disputed"}


def test_a_closed_market_has_lost_its_liquidity_and_has_a_closing_time_in_the_other_form(feed):
    market = WORLD.closed(since=AT - timedelta(days=30), until=AT, kinds=LASTING)[0]
    asked = {"closed": "true", "condition_ids": market.names.condition_id, "include_tag": "true"}
    [row] = get(feed, "/markets/keyset", **asked).json()["markets"]
    assert row["closed"] is True and row["acceptingOrders"] is False and row["active"] is True
    assert "liquidity" not in row and "bestBid" not in row
    assert row["closedTime"] == f"{market.closed_at:%Y-%m-%d %H:%M:%S}+00"
    assert [tag["slug"] for tag in row["tags"]] == [*market.tags, "demo"]


def test_closed_defaults_to_false_even_by_id(feed):
    market = WORLD.closed(since=AT - timedelta(days=30), until=AT, kinds=LASTING)[0]
    assert get(feed, "/markets/keyset", condition_ids=market.names.condition_id).json() == {"markets": []}


def test_the_closed_listing_reaches_back_and_ends(feed):
    seen, params = [], {"closed": "true", "limit": 500}
    while True:
        page = get(feed, "/events/keyset", **params).json()
        seen += [market for event in page["events"] for market in event["markets"]]
        if "next_cursor" not in page:
            break
        params["after_cursor"] = page["next_cursor"]
    assert len(seen) == len({row["id"] for row in seen}) > 500
    assert all(row["closed"] for row in seen)
    assert {row.get("umaResolutionStatus") for row in seen} == {"resolved", None}
    assert {row["outcomePrices"] for row in seen} == {
        json.dumps(pair) for pair in (["1", "0"], ["0", "1"], ["0.5", "0.5"], ["0", "0"])
    }


def test_pages_are_clamped_and_hold_what_the_source_allows(feed):
    assert len(get(feed, "/markets/keyset", limit=5000, closed="true").json()["markets"]) == 100
    assert len(get(feed, "/markets/keyset").json()["markets"]) == 20
    assert get(feed, "/markets/keyset", limit=0).json() == {"markets": []}


def test_a_cursor_parameter_of_another_name_is_ignored(feed):
    first = get(feed, "/markets/keyset", limit=5).json()
    assert get(feed, "/markets/keyset", limit=5, cursor=first["next_cursor"]).json() == first
    assert get(feed, "/markets/keyset", limit=5, after_cursor=first["next_cursor"]).json() != first


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/markets/keyset", {"offset": 5}, 422),
        ("/markets/keyset", {"limit": "many"}, 422),
        ("/markets/keyset", {"limit": -1}, 422),
        ("/markets/keyset", {"after_cursor": "###"}, 422),
        ("/markets/keyset", {"after_cursor": "e30="}, 422),
        ("/markets/keyset", {"condition_ids": ["0x1"] * 101}, 422),
        ("/markets/keyset", {"slug": "x" * 8200}, 414),
        ("/prices-history", {"market": "1", "startTs": 0, "endTs": 10**9}, 400),
        ("/prices-history", {"market": "1", "startTs": 1700000000, "endTs": 1700000000 + 15 * 86400 + 1}, 400),
        ("/prices-history", {"market": "1", "interval": "1y"}, 400),
        ("/prices-history", {"market": "1", "interval": "1d", "fidelity": "x"}, 422),
    ],
)
def test_what_the_source_refuses(feed, path, params, status):
    assert get(feed, path, **params).status_code == status


@pytest.mark.parametrize("body", [b"{}", b"x", b"", b"null", b'"x"', b"[" * 100_000, b"[1]" + b" " * 1_100_000])
def test_midpoints_wants_a_list(feed, body):
    assert requests.post(feed.url + "/midpoints", data=body, timeout=10).status_code == 400


def test_midpoints_leaves_out_what_it_does_not_know(feed):
    token = OPEN[0].names.token_ids[0]
    body = [{"token_id": token}, {"token_id": "5"}, {"token_id": 5}, {"token": token}, None]
    assert list(requests.post(feed.url + "/midpoints", json=body, timeout=10).json()) == [token]


def test_history_by_interval_ends_now(feed):
    token = OPEN[0].names.token_ids[0]
    history = get(feed, "/prices-history", market=token, interval="1d", fidelity=30).json()["history"]
    assert len(history) == 48
    assert all(isinstance(point["t"], int) and 0 < point["p"] < 1 for point in history)
    assert int(AT.timestamp()) - 86400 <= history[0]["t"] < history[-1]["t"] <= int(AT.timestamp())
    longest = get(feed, "/prices-history", market=token, interval="max", fidelity=720).json()["history"]
    assert longest[0]["t"] < int(AT.timestamp()) - 31 * 86400


def test_the_command_serves_the_same_world_until_it_is_told_to_stop():
    command = [sys.executable, "manage.py", "demo_feed", "--port", "0", "--seed", "7"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        url = line.split()[3].rstrip(",")
        assert line.strip() == f"Demo feed on {url}, seed 7"
        assert url.startswith("http://127.0.0.1:")
        rows = requests.get(f"{url}/events/keyset", params={"limit": 500}, timeout=30).json()["events"]
        lasting = {market.names.condition_id for market in WORLD.markets(at=datetime.now(UTC), kinds=("long",))}
        assert len(lasting & {row["markets"][0]["conditionId"] for row in rows}) >= len(lasting) - 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert process.stdout.read().strip() == "Demo feed stopped"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("wrong", [{"epoch": "soon"}, {"port": 99999999}, {"host": "256.0.0.1"}])
def test_the_command_says_why_it_cannot_start(wrong):
    with pytest.raises(CommandError, match="The demo feed cannot start"):
        call_command("demo_feed", **wrong)


def test_a_port_in_use_is_said_plainly(feed):
    with pytest.raises(CommandError, match="cannot start"):
        call_command("demo_feed", port=feed.server_address[1])
