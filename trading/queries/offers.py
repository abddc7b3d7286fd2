"""Markets as an operator's page shows them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from predictu import clock
from predictu.money import ZERO
from predictu.platform.config import Configuration
from trading import pricing


def offered(
    values: Mapping[str, Any], *, configuration: Configuration, base_bps: Decimal, min_bet_usd: Decimal
) -> dict[str, Any]:
    """One market as an operator's page shows it: what a share of either outcome costs and brings, nothing of ours."""
    return {
        "id": values["id"],
        "title": values["title"],
        "description": values["description"],
        "category": values["category"],
        "tags": values["tags"],
        "status": values["status"],
        "image_url": values["image_url"],
        "outcome_labels": values["outcome_labels"],
        "end_date": clock.seconds(values["end_date"]),
        "resolution": values["resolution"],
        "prices": {outcome: _offer(values, outcome, configuration, base_bps) for outcome in ("yes", "no")},
        "min_bet_usd": min_bet_usd,
        "updated_at": clock.seconds(values["updated_at"]),
    }


def _offer(
    values: Mapping[str, Any], outcome: str, configuration: Configuration, base_bps: Decimal
) -> dict[str, Decimal | None]:
    if values["yes_mid"] is None:
        return {"buy": None, "sell": None}
    mid = pricing.mid_of(outcome, values["yes_mid"])
    yes, no = values["yes_usd"], values["no_usd"]
    heavier = pricing.heavier_side(yes, no) == outcome
    limit = configuration["risk.per_market_max_usd"]

    def spread(utilisation: Decimal) -> Decimal:
        return pricing.spread_bps(
            base_bps=base_bps,
            min_bps=configuration["spread.min_spread_bps"],
            max_bps=configuration["spread.max_spread_bps"],
            risk_multiplier=configuration["spread.risk_multiplier"],
            utilisation=utilisation,
            tier="normal",
            discount_bps=ZERO,
        )

    used = pricing.market_utilisation(yes + no, limit) if heavier else ZERO
    return {"buy": pricing.ask(mid, spread(used)), "sell": pricing.bid(mid, spread(ZERO))}
