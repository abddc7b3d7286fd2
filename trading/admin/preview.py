"""What each outcome would pay, side by side: the same service as the API's settlement preview."""

from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse

from predictu import shown
from predictu.admin_tables import NONE, Table, link
from predictu.platform import approvals
from trading import models
from trading.admin import acts
from trading.services import settlements

AT_ONCE = 20_000
"""Up to so many open positions all four outcomes are worked out for a page; beyond, each act's page counts its own."""


def of_market(row: models.Market, request: HttpRequest) -> Table:
    """A line for each way to resolve ``row``, with the act that does it for who may."""
    may = request.user.has_perm(acts.SETTLE)  # type: ignore[union-attr]
    many = acts.bucket_of(row).position_count > AT_ONCE
    heads = ("Outcome", ">Positions", ">Winners", ">Losers", ">Paid out, USD", ">Given back, USD", ">Operators")
    rows = []
    for outcome, label in acts.RESOLVE.items():
        url = reverse("admin:trading_market_act", args=[quote(row.pk), f"resolve-{outcome}"])
        act = link(url, label) if may else NONE
        rows.append((outcome, *([NONE] * 7 if many else _figures(row, outcome)), act))
    return Table(
        title="Settlement preview",
        heads=(*heads, "A second admin", "Act"),
        rows=rows,
        more="So many positions are open that each act counts its own outcome."
        if many
        else "As of now; nothing moves.",
    )


def _figures(row: models.Market, outcome: str) -> list[str]:
    found = settlements.preview(row.id, outcome)
    counts = [f"{found[name]:,}" for name in ("positions", "winners", "losers")]
    amounts = [shown.amount(found[name]) for name in ("total_payout_usd", "refund_usd")]
    due = found["total_payout_usd"] + found["refund_usd"]
    second = acts.second_admin(due) if approvals.required() else "is not needed"
    return [*counts, *amounts, f"{len(found['by_operator']):,}", second]
