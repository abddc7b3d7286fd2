import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.polymarket.records import ABSENT, CONDITION, TOKENS, gamma_event, gamma_market, listed
from trading.polymarket.parse import parse_event, parse_market
from trading.polymarket.source import Skip, SkipReason, SourceMarket, Tag

UNKNOWN = {
    "question_id", "token_ids", "outcome_prices", "yes_mid", "last_trade", "best_bid", "best_ask",
    "volume_usd", "liquidity_usd", "start_date", "end_date", "end_date_iso", "game_start_time", "closed_time",
    "neg_risk_market_id", "neg_risk_request_id", "uma_status", "image_url", "event_id", "created_at", "updated_at",
    "planned_end",
}  # fmt: skip
FLAGS = ("closed", "active", "archived", "accepting_orders", "enable_order_book", "neg_risk", "automatically_resolved")


def test_a_plain_market_is_read_whole():
    [market] = parse_event(gamma_event(gamma_market()))
    assert market == SourceMarket(
        gamma_id="700001",
        condition_id=CONDITION,
        question_id="0x" + "cd" * 32,
        slug="will-the-harbour-bridge-open-by-june",
        title="Will the harbour bridge open by June 30?",
        description="Resolves Yes if traffic crosses the bridge.",
        image_url="https://images.example/bridge.png",
        outcome_labels=("Yes", "No"),
        token_ids=TOKENS,
        outcome_prices=(Decimal("0.425"), Decimal("0.575")),
        yes_mid=Decimal("0.4250"),
        last_trade=Decimal("0.4200"),
        best_bid=Decimal("0.4200"),
        best_ask=Decimal("0.4300"),
        volume_usd=Decimal("181494.24"),
        liquidity_usd=Decimal("20000.50"),
        start_date=datetime(2026, 1, 2, 10, 0, 0, 123456, UTC),
        end_date=datetime(2026, 6, 30, 23, 59, tzinfo=UTC),
        end_date_iso=date(2026, 6, 30),
        game_start_time=None,
        closed=False,
        closed_time=None,
        active=True,
        archived=False,
        accepting_orders=True,
        enable_order_book=True,
        neg_risk=False,
        neg_risk_market_id=None,
        neg_risk_request_id=None,
        uma_status=None,
        uma_statuses=(),
        automatically_resolved=False,
        resolution_source="",
        event_id="9001",
        event_slug="harbour-bridge",
        event_title="Harbour bridge",
        group_item_title="",
        tags=(Tag("politics", "Politics"), Tag("bridges", "Bridges")),
        category_words=("politics", "bridges"),
        created_at=datetime(2026, 1, 2, 9, 59, 0, 100000, UTC),
        updated_at=datetime(2026, 3, 1, 0, 0, 0, 123450, UTC),
        raw=market.raw,
    )
    assert hash(market) is not None


def test_a_market_of_which_only_ids_question_and_outcomes_are_known():
    market = parse_market({"id": 5, "conditionId": CONDITION, "question": "Q?", "outcomes": ["Up", "Down"]})
    assert (market.gamma_id, market.title, market.outcome_labels) == ("5", "Q?", ("Up", "Down"))
    unknown = {name for name in [*SourceMarket.__slots__, "planned_end"] if getattr(market, name) is None}
    assert unknown == UNKNOWN
    assert not any(getattr(market, name) for name in FLAGS)
    assert market.tags == market.uma_statuses == market.category_words == ()


def test_null_reads_as_absent():
    keys = [key for key in gamma_market() if key not in ("id", "conditionId", "question", "outcomes")]
    absent = parse_market(gamma_market(**dict.fromkeys(keys, ABSENT)))
    null = parse_market(gamma_market(**dict.fromkeys(keys)))
    assert null.raw.pop("closed") is None
    for name in SourceMarket.__slots__:
        if name != "raw":
            assert getattr(null, name) == getattr(absent, name), name


@pytest.mark.parametrize(
    ("prices", "mid"),
    [
        (listed("0.16", "0.84"), "0.1600"),
        (["0.16", "0.84"], "0.1600"),
        ("[0.16, 0.84]", "0.1600"),
        ("[1e-3, 9.99e-1]", "0.0010"),
        (listed("0.00005", "0.99995"), "0.0001"),
        (
            listed("0.3333333333333333333333333333333333333333333", "0.6666666666666666666666666666666666666666667"),
            "0.3333",
        ),
        (listed("0.5", "0.5"), "0.5000"),
        (listed("0", "0"), None),
        (listed("0.5", "0.48"), "0.5000"),
        (listed("0.5", "0.4799"), None),
        (listed("0.5", "0.5201"), None),
        (listed("0.4", "0"), None),
        (listed("0", "1"), None),
        (listed("1", "0"), None),
        (listed("0.00004", "0.99996"), None),
        (listed("0.9999995", "0.0000005"), None),
        (listed("0.4"), None),
        (listed("0.2", "0.3", "0.5"), None),
        ("[]", None),
        ("", None),
        (None, None),
        (ABSENT, None),
        ("[null, null]", None),
        ("[0.4, null]", None),
        ("[NaN, 0.5]", None),
        (listed("abc", "0.5"), None),
        (listed("-0.1", "1.1"), None),
        (listed("1e999999", "0"), None),
        ("not json", None),
        ({"Yes": "0.4"}, None),
    ],
)
def test_the_mid_is_the_first_price_or_unknown(prices, mid):
    market = parse_market(gamma_market(outcomePrices=prices))
    assert market.yes_mid == (Decimal(mid) if mid else None)
    assert market.yes_mid is None or str(market.yes_mid) == mid


@pytest.mark.parametrize(
    ("bid", "ask", "prices", "mid"),
    [
        (0, 1, listed("0.5", "0.5"), None),
        (ABSENT, 1, listed("0.5", "0.5"), None),
        (ABSENT, 0.16, listed("0.08", "0.92"), None),
        (0.84, 1, listed("0.92", "0.08"), None),
        (0, 0.04, listed("0.02", "0.98"), "0.0200"),
        (ABSENT, 0.1, listed("0.05", "0.95"), "0.0500"),
        (0.3, 0.5, listed("0.4", "0.6"), "0.4000"),
        (ABSENT, ABSENT, listed("0.5", "0.5"), "0.5000"),
    ],
)
def test_half_the_distance_to_an_empty_side_is_no_price(bid, ask, prices, mid):
    market = parse_market(gamma_market(bestBid=bid, bestAsk=ask, outcomePrices=prices))
    assert market.yes_mid == (Decimal(mid) if mid else None)


def test_zero_and_one_in_a_dead_book_mean_no_such_side():
    market = parse_market(gamma_market(bestBid=0, bestAsk=1, lastTradePrice=0))
    assert (market.best_bid, market.best_ask, market.last_trade) == (None, None, None)


def test_a_pair_labelled_no_yes_is_turned_round_with_everything_that_belongs_to_it():
    market = parse_market(
        gamma_market(
            outcomes=listed("NO", "yes"),
            outcomePrices=listed("0.7", "0.3"),
            bestBid=0.69,
            bestAsk=0.71,
            lastTradePrice=0.7,
        )
    )
    assert market.outcome_labels == ("yes", "NO")
    assert market.token_ids == TOKENS[::-1]
    assert market.outcome_prices == (Decimal("0.3"), Decimal("0.7"))
    assert market.yes_mid == Decimal("0.3")
    assert (market.best_bid, market.best_ask, market.last_trade) == (Decimal("0.29"), Decimal("0.31"), Decimal("0.3"))


def test_other_labels_keep_their_order():
    market = parse_market(
        gamma_market(outcomes=listed("Sparta Rotterdam", "FC Münster"), outcomePrices=listed("0.7", "0.3"))
    )
    assert market.outcome_labels == ("Sparta Rotterdam", "FC Münster")
    assert market.yes_mid == Decimal("0.7")


@pytest.mark.parametrize(
    ("changes", "reason", "source_id"),
    [
        ({"outcomes": listed("A", "B", "C")}, SkipReason.MORE_THAN_TWO_OUTCOMES, "700001"),
        ({"outcomes": listed(*"ABCDEFG")}, SkipReason.MORE_THAN_TWO_OUTCOMES, "700001"),
        ({"outcomes": listed("Yes")}, SkipReason.FEWER_THAN_TWO_OUTCOMES, "700001"),
        ({"outcomes": "[]"}, SkipReason.FEWER_THAN_TWO_OUTCOMES, "700001"),
        ({"outcomes": None}, SkipReason.FEWER_THAN_TWO_OUTCOMES, "700001"),
        ({"outcomes": ABSENT}, SkipReason.FEWER_THAN_TWO_OUTCOMES, "700001"),
        ({"outcomes": "Yes,No"}, SkipReason.MALFORMED_OUTCOMES, "700001"),
        ({"outcomes": listed("Yes", " ")}, SkipReason.MALFORMED_OUTCOMES, "700001"),
        ({"outcomes": "[1, 2]"}, SkipReason.MALFORMED_OUTCOMES, "700001"),
        ({"question": ABSENT}, SkipReason.NO_TITLE, "700001"),
        ({"question": "\x00 \t"}, SkipReason.NO_TITLE, "700001"),
        ({"question": 7, "id": ABSENT}, SkipReason.NO_TITLE, CONDITION),
        ({"id": None, "conditionId": ""}, SkipReason.NO_ID, ""),
        ({"id": {"x": 1}, "conditionId": 5}, SkipReason.NO_ID, ""),
    ],
)
def test_what_cannot_be_carried_is_skipped_with_its_reason(changes, reason, source_id):
    skip = parse_market(gamma_market(**changes))
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.source_id) == (reason, source_id)
    assert skip.detail.endswith(".")


@pytest.mark.parametrize("row", [None, [], "market", 5, True])
def test_a_row_that_is_no_object_is_skipped(row):
    assert parse_market(row).reason == SkipReason.NOT_AN_OBJECT
    assert [skip.reason for skip in parse_event(row)] == [SkipReason.NOT_AN_OBJECT]


def test_one_bad_row_does_not_cost_the_event():
    event = gamma_event(gamma_market(id=1), None, gamma_market(id=2, outcomes="?"), gamma_market(id=3))
    rows = list(parse_event(event))
    assert [row.gamma_id for row in rows if isinstance(row, SourceMarket)] == ["1", "3"]
    assert [row.reason for row in rows if isinstance(row, Skip)] == [
        SkipReason.NOT_AN_OBJECT,
        SkipReason.MALFORMED_OUTCOMES,
    ]


@pytest.mark.parametrize("markets", [None, ABSENT, {}, "[]"])
def test_an_event_without_a_list_of_markets_has_none(markets):
    assert list(parse_event(gamma_event(markets=markets))) == []


@pytest.mark.parametrize("digits", [62, 64, 3])
def test_condition_ids_have_no_fixed_length(digits):
    assert parse_market(gamma_market(conditionId="0x" + "a" * digits)).condition_id == "0x" + "a" * digits


@pytest.mark.parametrize("given", ["", None, ABSENT, "0x", "0xzz", "ab" * 32, "0x" + "a" * 65, 12])
def test_a_market_without_condition_id_is_skipped(given):
    skip = parse_market(gamma_market(conditionId=given))
    assert (skip.reason, skip.source_id) == (SkipReason.NO_CONDITION_ID, "700001")


def test_ids_may_be_integers():
    [market] = parse_event(gamma_event(gamma_market(id=700001, negRiskMarketID=12), id=9001))
    assert (market.gamma_id, market.event_id, market.neg_risk_market_id) == ("700001", "9001", "12")


def test_a_row_without_gamma_id_is_known_by_its_condition():
    market = parse_market(gamma_market(id=ABSENT))
    assert (market.gamma_id, market.condition_id) == ("", CONDITION)


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        (listed("12", "0xab"), ("12", "0xab")),
        (f"[{'9' * 77}, {'8' * 78}]", ("9" * 77, "8" * 78)),
        (["12", "13"], ("12", "13")),
        (listed("12"), None),
        (listed("12", "12"), None),
        (listed("12", "13", "14"), None),
        (listed("12", ""), None),
        (listed("12", "9" * 81), None),
        (listed("12", "1.5e10"), None),
        ("[]", None),
        (None, None),
        (ABSENT, None),
        ("[12, 13", None),
    ],
)
def test_token_ids_are_a_pair_of_texts_or_unknown(given, tokens):
    assert parse_market(gamma_market(clobTokenIds=given)).token_ids == tokens


@pytest.mark.parametrize(
    ("changes", "volume", "liquidity"),
    [
        ({"volumeNum": 0, "liquidityNum": 0}, "0.00", "0.00"),
        ({"volumeNum": ABSENT, "liquidityNum": ABSENT}, "181494.24", "20000.50"),
        ({"volumeNum": None, "volume": None, "liquidityNum": ABSENT, "liquidity": ABSENT}, None, None),
        ({"volumeNum": "1335.045", "liquidityNum": Decimal("0.005")}, "1335.05", "0.01"),
        ({"volumeNum": -1, "volume": "-1", "liquidityNum": 10**30, "liquidity": "NaN"}, None, None),
        ({"liquidityNum": ABSENT, "liquidity": "", "liquidityClob": 54996.4991}, "181494.24", "54996.50"),
    ],
)
def test_amounts_are_dollars_to_the_cent_or_unknown(changes, volume, liquidity):
    market = parse_market(gamma_market(**changes))
    assert market.volume_usd == (volume and Decimal(volume))
    assert market.liquidity_usd == (liquidity and Decimal(liquidity))


def test_dates_of_both_forms():
    market = parse_market(
        gamma_market(
            closed=True,
            closedTime="2026-01-23 20:56:36+00",
            gameStartTime="2026-01-23 12:30:00+00",
            endDate="2026-01-23T18:30:00.000Z",
        )
    )
    assert market.closed_time == datetime(2026, 1, 23, 20, 56, 36, tzinfo=UTC)
    assert market.game_start_time == datetime(2026, 1, 23, 12, 30, tzinfo=UTC)
    assert market.planned_end == market.end_date == datetime(2026, 1, 23, 18, 30, tzinfo=UTC)


def test_the_planned_end_falls_back_to_the_bare_date():
    market = parse_market(gamma_market(endDate=ABSENT))
    assert market.end_date is None
    assert market.planned_end == datetime(2026, 6, 30, tzinfo=UTC)


def test_uma_states():
    history = listed("proposed", "disputed", "Proposed", "resolved")
    market = parse_market(gamma_market(umaResolutionStatus=" Disputed ", umaResolutionStatuses=history))
    assert market.uma_status == "disputed"
    assert market.uma_statuses == ("proposed", "disputed", "proposed", "resolved")
    assert parse_market(gamma_market(umaResolutionStatus="", umaResolutionStatuses="?")).uma_status is None


def test_neg_risk_is_kept():
    market = parse_market(
        gamma_market(negRisk=True, negRiskMarketID="0xa1", negRiskRequestID="0xb2", groupItemTitle="Ada")
    )
    assert (market.neg_risk, market.neg_risk_market_id, market.neg_risk_request_id) == (True, "0xa1", "0xb2")
    assert market.group_item_title == "Ada"


def test_event_and_tags_come_from_the_nesting_event_else_from_the_market_itself():
    stub = {"id": "1", "slug": "stub", "title": "Stub", "seriesSlug": "nfl-2025", "category": "Sports"}
    own = parse_market(gamma_market(events=[stub], tags=[{"slug": "nfl", "label": "NFL"}], category="Chess "))
    assert (own.event_id, own.event_slug, own.event_title) == ("1", "stub", "Stub")
    assert own.tags == (Tag("nfl", "NFL"),)
    assert own.category_words == ("nfl", "chess", "sports", "nfl-2025")
    [nested] = parse_event(gamma_event(gamma_market(events=[stub])))
    assert nested.event_id == "9001"
    for events in ([], None, "x", [None], [5]):
        assert parse_market(gamma_market(events=events)).event_id is None


def test_tags_are_cleaned_and_told_apart_by_slug():
    tags = [
        {"slug": "pop-culture", "label": "Pop-Culture "},
        {"slug": "European-Union", "label": "European Union"},
        {"label": "European union"},
        {"slug": "", "label": ""},
        {"slug": None, "label": "鳥"},
        "Supá Bowl",
        None,
        7,
    ]
    [market] = parse_event(gamma_event(gamma_market(), tags=tags))
    assert market.tags == (
        Tag("pop-culture", "Pop-Culture"),
        Tag("european-union", "European Union"),
        Tag("supa-bowl", "Supá Bowl"),
    )


def test_text_is_cleaned_and_fits_its_column():
    market = parse_market(
        gamma_market(
            question="Will\x00 \ud83dit rain?",
            description="x" * 30_000,
            slug="s" * 300,
            outcomes=listed("Y" * 200, "No"),
        )
    )
    assert market.title == "Will it rain?"
    assert (len(market.description), len(market.slug), len(market.outcome_labels[0])) == (20_000, 255, 100)


@pytest.mark.parametrize(
    ("image", "icon", "kept"),
    [
        ("https://a.example/x.png?w=1&h=2", ABSENT, "https://a.example/x.png?w=1&h=2"),
        ("javascript:alert(1)", "http://a.example/i.png", "http://a.example/i.png"),
        ("https://a.example/" + "x" * 600, ABSENT, None),
        ('https://a.example/"><script>', ABSENT, None),
        ("https://a.example/a b", None, None),
        ("", "", None),
        (5, [], None),
    ],
)
def test_only_whole_web_addresses_are_images(image, icon, kept):
    assert parse_market(gamma_market(image=image, icon=icon)).image_url == kept


def test_the_raw_subset_is_storable_json():
    market = parse_market(
        gamma_market(bestBid=Decimal("0.42"), resolvedBy="a\x00b\udfff", umaEndDate=["odd"], secret="x")
    )
    stored = json.loads(json.dumps(market.raw))
    assert stored["bestBid"] == "0.42" and stored["id"] == "700001" and stored["closed"] is False
    assert stored["resolvedBy"] == "ab" and stored["umaEndDate"] is None
    assert "secret" not in stored and "description" not in stored


_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text(max_size=20)
    | st.sampled_from(["[]", "[1,2]", "0.5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*sorted(gamma_market()), "events", "tags", "umaResolutionStatus"]), _JUNK))
def test_no_junk_raises_and_what_is_stored_has_no_nul_or_surrogate(changes):
    [row] = parse_event(gamma_event(gamma_market(**changes)))
    if isinstance(row, SourceMarket):
        assert row.yes_mid is None or 0 < row.yes_mid < 1
        written = json.dumps(row.raw, ensure_ascii=False) + row.title + row.description + row.slug
        assert "\x00" not in written and "\\u0000" not in json.dumps(row.raw)
        written.encode("utf-8")
