"""Trading's jobs: each calls one service. Every one of them may run twice."""

from celery import shared_task

from predictu import clock
from trading import source
from trading.services import evaluations, prices, rollups, settlements, settling, sync, verification, watch


@shared_task
def sync_catalogue() -> None:
    """Take over the source's catalogue; a walk under way is left to itself."""
    with source.client() as client:
        sync.catalogue_walk(client, now=clock.now())


@shared_task
def read_mids() -> None:
    """Read the mids of the markets that matter now."""
    with source.client() as client:
        prices.read_mids(client, now=clock.now())


@shared_task
def settle(settlement_id: str) -> None:
    """Pay out a resolved market."""
    settling.settle(settlement_id, now=clock.now())


@shared_task
def sweep_settlements() -> None:
    """Start what is resolved and not settled."""
    settlements.ring_for_waiting(now=clock.now())


@shared_task
def verify_ledger() -> None:
    """Verify the platform's money and anchor the ledger."""
    verification.nightly(now=clock.now())


@shared_task
def take_histories() -> None:
    """Take over the price history of markets that are new here."""
    with source.client() as client:
        prices.take_histories(client, now=clock.now())


@shared_task
def prune_prices() -> None:
    """Drop the months of prices that are no longer kept."""
    prices.prune(now=clock.now())


@shared_task
def compact_revenue() -> None:
    """Roll up the revenue facts that wait."""
    rollups.compact()


@shared_task
def score_players() -> None:
    """Judge every player with news."""
    evaluations.evaluate(None, now=clock.now())


@shared_task
def watch_trades() -> None:
    """Look over new trades for unusual patterns."""
    watch.look(now=clock.now())
