import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.trading.polymarket.records import ABSENT, CONDITION, TOKENS, clob_market, gamma_event, gamma_market
from trading.polymarket import recorded
from trading.polymarket.finality import NotFinal, Waiting, finality
from trading.polymarket.source import Skip, SkipReason, SourceMarket, Tag


def saved(folder: Path, document) -> Path:
    path = folder / "answer.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        ([gamma_market(id=1), gamma_market(id=2)], ["1", "2"]),
        ({"markets": [gamma_market(id=1), gamma_market(id=2)], "next_cursor": "abc"}, ["1", "2"]),
        ({"data": [gamma_market(id=1)], "count": 1}, ["1"]),
        ([gamma_event(gamma_market(id=1), gamma_market(id=2)), gamma_event(gamma_market(id=3))], ["1", "2", "3"]),
        ({"events": [gamma_event(gamma_market(id=1))]}, ["1"]),
        (gamma_event(gamma_market(id=1), gamma_market(id=2)), ["1", "2"]),
        (gamma_market(id=1), ["1"]),
        ([], []),
        ({"markets": []}, []),
    ],
)
def test_every_wrapper_gives_the_same_rows(tmp_path, document, ids):
    assert [market.gamma_id for market in recorded.from_file(saved(tmp_path, document))] == ids


def test_nested_markets_have_their_events_tags(tmp_path):
    [market] = recorded.from_file(saved(tmp_path, {"events": [gamma_event(gamma_market())]}))
    assert [tag.slug for tag in market.tags] == ["politics", "bridges"]


def test_the_clob_listing_is_read_in_its_own_words(tmp_path):
    [market] = recorded.from_file(saved(tmp_path, {"data": [clob_market()], "next_cursor": "MTAwMA=="}))
    assert (market.gamma_id, market.condition_id, market.question_id) == ("", CONDITION, None)
    assert market.title == "Will the harbour bridge open by June 30?"
    assert market.token_ids == TOKENS
    assert market.yes_mid == Decimal("0.425")
    assert market.tags == (Tag("politics", "Politics"), Tag("supa-bowl", "Supá Bowl"))
    assert market.end_date.isoformat() == "2026-06-30T00:00:00+00:00"
    assert (market.volume_usd, market.liquidity_usd) == (None, None)
    assert market.accepting_orders and market.enable_order_book


def test_nothing_is_final_by_the_clob_listing_alone(tmp_path):
    [market] = recorded.from_file(saved(tmp_path, [clob_market(closed=True, accepting_orders=False)]))
    assert finality(market) == NotFinal(Waiting.NO_ORACLE_RESULT)


def test_rows_that_cannot_be_read_are_skipped_with_a_reason(tmp_path):
    rows = [5, None, gamma_market(id=ABSENT, conditionId=ABSENT), clob_market(tokens=[None, 3]), clob_market(tokens=[])]
    assert [row.reason for row in recorded.from_file(saved(tmp_path, rows))] == [
        SkipReason.NOT_AN_OBJECT,
        SkipReason.NOT_AN_OBJECT,
        SkipReason.NO_ID,
        SkipReason.MALFORMED_OUTCOMES,
        SkipReason.FEWER_THAN_TWO_OUTCOMES,
    ]


@pytest.mark.parametrize("content", ["", "<html>", "7", '"text"', '{"markets": [{"id": 1}'])
def test_a_file_without_rows_is_an_error(tmp_path, content):
    path = tmp_path / "answer.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError):
        list(recorded.from_file(path))


@pytest.mark.skipif("PREDICTU_RECORDED_DATA" not in os.environ, reason="PREDICTU_RECORDED_DATA names no folder")
def test_recorded_answers_import_completely():
    files = [
        path
        for path in sorted(Path(os.environ["PREDICTU_RECORDED_DATA"]).rglob("*.json"))
        if path.name.startswith(("markets", "events", "clob"))
    ]
    assert files
    for path in files:
        rows = list(recorded.from_file(path))
        assert rows, path
        assert all(isinstance(row, SourceMarket) or (isinstance(row, Skip) and row.detail) for row in rows)
