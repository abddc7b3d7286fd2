"""What a claim costs does not depend on how much waits: a short walk along one index, and no page of the others."""

from datetime import timedelta

import pytest

from operators.models import Claim, Delivery
from operators.services import deliveries
from predictu import ids, prepared
from tests.bench.callbacks import fill
from tests.factories import make_operator, now

# A database of its own: what other tests rolled back still weighs in the planner's costs.
pytestmark = pytest.mark.committed
MOST = 64


def nodes(plan):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def explained(operator, held=()):
    """The plan of a claim that is really made."""
    at = now()
    terms = (ids.decode("op", operator.id), at, list(held), MOST, 1, at + timedelta(minutes=1))
    sql = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + deliveries._CLAIM
    ((document,),) = prepared.planned_anew(sql, terms)
    return document[0]["Plan"]


def pages(plan):
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_a_claim_walks_the_index_of_what_is_due_and_sorts_nothing():
    operator, neighbour = make_operator(), make_operator()
    fill(neighbour, 2_000, body=b"{}")
    fill(operator, 1_000, body=b"{}")
    short = explained(operator)
    held = list(Claim.objects.values_list("delivery_id", flat=True))
    assert held == list(Delivery.objects.filter(operator=operator).order_by("pk").values_list("pk", flat=True)[:MOST])
    fill(operator, 20_000, body=b"{}")
    long = explained(operator, held)
    assert Claim.objects.count() == 2 * MOST
    for plan in (short, long):
        found = list(nodes(plan))
        assert not [node["Node Type"] for node in found if "Sort" in node["Node Type"]]
        (queue,) = [node for node in found if node.get("Relation Name") == "operators_delivery"]
        assert (queue["Node Type"], queue["Index Name"], queue["Actual Rows"]) == ("Index Scan", "delivery_due", MOST)
    assert pages(long) <= 1.2 * pages(short)
