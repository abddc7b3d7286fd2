"""Markets as God Mode and operators see them; volumes and counts are ours, from the market's bucket."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from predictu import clock, ids, money
from predictu.api.pages import Page
from predictu.platform import files
from predictu.platform.config import Configuration
from trading import pricing
from trading.models import Market
from trading.polymarket import selection

SORTS = {
    "volume": "coalesce(bucket.volume_usd, 0)",
    "created_at": "market.created_at",
    "end_date": "market.end_date",
    "exposure": "coalesce(bucket.exposure_usd, 0)",
    "trade_count": "coalesce(bucket.trade_count, 0)",
}
_MAY_TRADE = "(market.override = 'tradeable' OR (market.tradeable AND market.override = ''))"
_FROM = (
    "FROM trading_market market "
    "LEFT JOIN risk_exposurebucket bucket ON bucket.scope = 'market' AND bucket.subject = market.id"
)
_COLUMNS = (
    "id condition_id title description category tags status tradeable override untradeable_reasons image_url yes_mid "
    "priced_at liquidity_usd end_date resolution resolution_source resolved_at created_at updated_at uma_status "
    "waiting_for paused_by_staff status_reason outcome_labels buys_paused_until token_ids slug event_title"
).split()
_COUNTS = "yes_usd no_usd position_count trade_count volume_usd".split()
_SELECT = ", ".join(
    [f"market.{name}" for name in _COLUMNS] + [f"coalesce(bucket.{name}, 0)" for name in _COUNTS] + ["image.path"]
)
_WHOLE = f"SELECT {_SELECT} {_FROM} LEFT JOIN platform_storedfile image ON image.id = market.image_id"  # noqa: S608


# Each way has an index of its own (trading/sql/search.sql), which an OR of them would not use.
_FOUND = """market.id IN (
  SELECT id FROM trading_market WHERE to_tsvector('english', title || ' ' || description)
    @@ to_tsquery('english', %(words)s)
  UNION ALL SELECT id FROM trading_market WHERE upper(title) LIKE upper(%(substring)s)
  UNION ALL SELECT id FROM trading_market WHERE upper(description) LIKE upper(%(substring)s))"""


@dataclass(frozen=True, slots=True)
class MarketFilter:
    """Which markets; None is no condition. A search finds the words beginning so, and what contains all of it."""

    search: str | None = None
    category: str | None = None
    categories: Sequence[str] | None = None
    status: str | None = None
    tradeable: bool | None = None
    open_only: bool = False

    def where(self) -> tuple[str, dict[str, Any]]:
        terms, values = ["true"], {}
        if self.search is not None:
            terms.append(_FOUND)
            values |= {"words": _words(self.search), "substring": f"%{_literal(self.search)}%"}
        for name, value in (("category", self.category), ("status", self.status)):
            if value is not None:
                terms.append(f"market.{name} = %({name})s")
                values[name] = value
        if self.categories is not None:
            terms.append("market.category = ANY(%(categories)s)")
            values["categories"] = list(self.categories)
        if self.tradeable is not None:
            terms.append(_MAY_TRADE if self.tradeable else f"NOT {_MAY_TRADE}")
        if self.open_only:
            terms.append("market.status = 'active' AND market.yes_mid IS NOT NULL")
        return " AND ".join(terms), values


def _words(search: str) -> str:
    """What was typed as a query: every word, the beginning of one is enough."""
    return " & ".join(f"{word}:*" for word in re.findall(r"\w+", search.lower())[:20])


def _literal(search: str) -> str:
    """What was typed, for LIKE to take as it stands."""
    return re.sub(r"[\\%_]", lambda found: "\\" + found[0], search)


def page(wanted: MarketFilter, *, sort: str, descending: bool, page: Page) -> tuple[list[dict[str, Any]], int]:
    """A page of rows with their bucket's counts, and how many there are in all. ``sort`` is a value of SORTS."""
    where, values = wanted.where()
    direction = "DESC" if descending else "ASC"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM trading_market market WHERE {where}", values)  # noqa: S608 our own words
        total: int = cursor.fetchone()[0]
        cursor.execute(
            f"SELECT market.id {_FROM} WHERE {where} "  # noqa: S608
            f"ORDER BY {sort} {direction} NULLS LAST, market.id {direction} LIMIT %(limit)s OFFSET %(offset)s",
            values | {"limit": page.limit, "offset": page.offset},
        )
        keys = [row[0] for row in cursor.fetchall()]
    found = {values["id"]: values for values in _read(keys)}
    return [found[ids.encode("mkt", key)] for key in keys], total


def one(market_id: str) -> dict[str, Any] | None:
    """One market's row with its bucket's counts."""
    found = _read([ids.decode("mkt", market_id)])
    return found[0] if found else None


def unknown(market_ids: Iterable[str]) -> list[str]:
    """Those of ``market_ids``, all of them well-formed, that are no market of ours; sorted."""
    wanted = set(market_ids)
    return sorted(wanted - set(Market.objects.filter(pk__in=wanted).values_list("pk", flat=True)))


def _read(keys: Sequence[Any]) -> list[dict[str, Any]]:
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"{_WHOLE} WHERE market.id = ANY(%(keys)s)", {"keys": list(keys)})
        rows = [dict(zip((*_COLUMNS, *_COUNTS, "own_image"), row, strict=True)) for row in cursor.fetchall()]
    for values in rows:
        own_image = values.pop("own_image")
        values["image_url"] = files.url_at(own_image) if own_image else values["image_url"]
        values["id"] = ids.encode("mkt", values["id"])
        for name in ("tags", "untradeable_reasons", "outcome_labels"):
            values[name] = Market._meta.get_field(name).from_db_value(values[name], None, connection)
    return rows


def row(values: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
    """One market in the list's words."""
    return {
        "id": values["id"],
        "polymarket_id": values["condition_id"],
        "title": values["title"],
        "description": values["description"],
        "category": values["category"],
        "status": values["status"],
        "tradeable": may_trade(values),
        "image_url": values["image_url"],
        "yes_price": values["yes_mid"],
        "no_price": complement(values["yes_mid"]),
        "spread": spreads(values, configuration).spread,
        "volume_usd": values["volume_usd"],
        "trade_count": values["trade_count"],
        "position_count": values["position_count"],
        "exposure_usd": money.half_up(values["yes_usd"] + values["no_usd"]),
        "liquidity_score": selection.liquidity_score(values["liquidity_usd"]),
        "end_date": clock.seconds(values["end_date"]),
        "resolution": values["resolution"],
        "resolved_at": clock.seconds(values["resolved_at"]),
        "created_at": clock.seconds(values["created_at"]),
        "outcome_labels": values["outcome_labels"],
        "uma_status": values["uma_status"] or None,
        "waiting_for": values["waiting_for"] or None,
        "override": values["override"] or None,
        "untradeable_reasons": values["untradeable_reasons"],
    }


def spreads(values: Mapping[str, Any], configuration: Configuration) -> pricing.MarketSpreads:
    """What the market shows of its spread."""
    return pricing.market_spreads(
        base_bps=configuration["spread.base_spread_bps"],
        min_bps=configuration["spread.min_spread_bps"],
        max_bps=configuration["spread.max_spread_bps"],
        risk_multiplier=configuration["spread.risk_multiplier"],
        yes_exposure=values["yes_usd"],
        no_exposure=values["no_usd"],
        limit=configuration["risk.per_market_max_usd"],
    )


def may_trade(values: Mapping[str, Any]) -> bool:
    """The selection filter's answer, or staff's where they overrode it."""
    return values["override"] == "tradeable" or (values["tradeable"] and not values["override"])


def complement(mid: Decimal | None) -> Decimal | None:
    """NO's mid."""
    return None if mid is None else 1 - mid
