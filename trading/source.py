"""The client of the source as it is configured."""

from django.conf import settings

from trading.polymarket.client import PolymarketClient


def client() -> PolymarketClient:
    """A client for one thread, to be closed (``with client() as source``)."""
    return PolymarketClient(gamma_url=settings.PREDICTU_GAMMA_URL, clob_url=settings.PREDICTU_CLOB_URL)
