"""Numbers without gaps: taken from a held row, in the transaction that uses them."""

from billing.models import NumberSeries


def take(series: str, *, year: int) -> str:
    """The next number, as in ``INV-2026-00042``. Call inside a transaction: rolled back, the number is not used up."""
    NumberSeries.objects.bulk_create([NumberSeries(series=series, year=year)], ignore_conflicts=True)
    row = NumberSeries.objects.select_for_update(no_key=True).get(series=series, year=year)
    row.last += 1
    row.save(update_fields=["last"])
    return _worded(series, year, row.last)


def upcoming(series: str, *, year: int) -> str:
    """The number that is taken next, unless somebody is quicker."""
    last = NumberSeries.objects.filter(series=series, year=year).values_list("last", flat=True).first()
    return _worded(series, year, (last or 0) + 1)


def _worded(series: str, year: int, number: int) -> str:
    return f"{series}-{year}-{number:05d}"
