import pytest

from operators.models import CATEGORIES
from tests.trading.polymarket.records import gamma_event, gamma_market
from trading.polymarket import categories
from trading.polymarket.parse import parse_event, parse_market

TABLE = categories.load()


def test_the_table_covers_the_categories_operators_choose_from():
    assert sorted(TABLE.categories) == sorted(CATEGORIES)


@pytest.mark.parametrize(
    ("tags", "category"),
    [
        (["Sports", "NBA", "Hide From New"], "sports"),
        (["Esports", "cs2", "counter strike 2"], "sports"),
        (["Sports", "Awards", "Hockey"], "sports"),
        (["Soccer"], "sports"),
        (["NFL Week 7"], "sports"),
        (["Politics", "Elections", "Celebrities", "President"], "politics"),
        (["Politics", "Awards", "Geopolitics", "World"], "politics"),
        (["Sports", "russia", "Ukraine", "putin", "Geopolitics", "Parlays"], "politics"),
        (["World"], "politics"),
        (["Awards", "Movies", "Culture", "Oscars"], "entertainment"),
        (["Elon Musk", "Celebrities", "Culture", "Tech"], "entertainment"),
        (["Bitcoin", "Crypto", "Crypto Prices", "Recurring", "Up or Down"], "crypto"),
        (["Finance", "Economy", "Business", "2025 Predictions", "Crypto", "MicroStrategy", "Stocks"], "crypto"),
        (["Politics", "Crypto", "Bitcoin", "China", "Geopolitics"], "crypto"),
        (["weather", "recurring", "hide-from-new", "seattle"], "science"),
        (["science", "pop-culture", "global-temp", "weather"], "science"),
        (["AI", "OpenAI", "Tech", "Big Tech"], "science"),
        (["Science", "Pandemics", "Measles"], "science"),
        (["Finance", "OpenAI", "IPOs", "Tech", "Big Tech", "IPO"], "business"),
        (["Politics", "Fed", "Fed Rates", "Economy", "Jerome Powell"], "business"),
        (["Acquisitions", "Politics", "Tech", "Warner Bros"], "business"),
        (["all", "recurring", "rewards 5, 4.5, 50"], None),
        ([], None),
    ],
)
def test_tags_as_the_source_combines_them(tags, category):
    [market] = parse_event(gamma_event(gamma_market(), tags=[{"label": label} for label in tags]))
    assert TABLE.category_of(market.category_words) == category


def test_the_old_category_column_and_the_series_count_too():
    assert TABLE.category_of(parse_market(gamma_market(category="Pop-Culture ")).category_words) == "entertainment"
    stub = [{"id": "1", "seriesSlug": "btc-up-or-down-15m"}]
    assert TABLE.category_of(parse_market(gamma_market(events=stub)).category_words) == "crypto"


def test_sums_decide_and_ties_go_to_the_first_listed():
    table = categories.from_data(
        {
            "categories": ["a", "b"],
            "words": {"a": {"3": ["x"], "1": ["x-*"]}, "b": {"2": ["y", "z"], "3": ["w", "x-y*"]}},
        }
    )
    assert table.category_of(["x", "y"]) == "a"
    assert table.category_of(["x", "y", "z"]) == "b"
    assert table.category_of(["x", "w"]) == "a"
    assert table.category_of(["y", "y", "x"]) == "a"
    assert table.category_of(["x-1"]) == "a"
    assert table.category_of(["x-1", "x-yz"]) == "b"


@pytest.mark.parametrize(
    "words",
    [
        {"a": {"1": ["x"]}, "b": {"1": ["x"]}},
        {"a": {"1": ["x", "x"]}},
        {"a": {"1": ["x*"], "2": ["x*"]}},
        {"c": {"1": ["x"]}},
        {"a": {"0": ["x"]}},
        {"a": {"heavy": ["x"]}},
    ],
)
def test_a_contradictory_table_is_refused(words):
    with pytest.raises(ValueError):
        categories.from_data({"categories": ["a", "b"], "words": words})
