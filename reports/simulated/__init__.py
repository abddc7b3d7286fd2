"""A simulated world written into the database: a platform with a past, for demonstrations, benchmarks and backtests.

``served`` lets it happen through the real services, for small worlds. ``bulk`` writes what would be there afterwards by
COPY, for large ones, and holds it to everything ``verify_ledger`` checks before it commits. Both stand on the same
operators, markets and prices (``scenery``), and neither writes who is informed: labels go to a side file alone.
"""
