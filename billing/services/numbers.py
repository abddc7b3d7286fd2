"""Numbers without gaps: taken from a held row, in the transaction that uses them."""

from billing.models import NumberSeries


def take(series: str, *, year: int) -> str:
    """The next number, as in ``INV-2026-00042``. Call inside a transaction: rolled back, the number is not used up."""
    NumberSeries.objects.bulk_create([NumberSeries(series=series, year=year)], ignore_conflicts=True)
    row = NumberSeries.objects.select_for_update(no_key=True).get(series=series, year=year)
    row.last += 1
    row.save(update_fields=["last"])
    return f"{series}-{year}-{row.last:05d}"
