"""A table with a column of every kind, and values that are awkward in one format or another."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from reports.formats.tables import Column, Heading, Kind

NOW = datetime(2026, 3, 19, 12, 0, 5, tzinfo=UTC)
HEADING = Heading(
    title="Trades: <all>",
    generated_at=NOW,
    filters=(("Operator", "example-casino"), ("From", "2026-03-01"), ("Name", "<b>&")),
)
COLUMNS = (
    Column(name="id", title="Trade", kind=Kind.ID),
    Column(name="user_name", title="User name", kind=Kind.TEXT),
    Column(name="count", title="Count", kind=Kind.INTEGER),
    Column(name="price", title="Price", kind=Kind.PRICE),
    Column(name="quantity", title="Quantity", kind=Kind.QUANTITY),
    Column(name="pnl_usd", title="P&L (USD)", kind=Kind.MONEY),
    Column(name="revenue_share_pct", title="Share %", kind=Kind.PERCENT),
    Column(name="win_rate", title="Win rate", kind=Kind.RATIO),
    Column(name="is_test", title="Test", kind=Kind.BOOLEAN),
    Column(name="day", title="Day", kind=Kind.DATE),
    Column(name="created_at", title="Created", kind=Kind.INSTANT),
)
FIRST = (
    "trd_01h455vb4pex5vsknk084sn02q",
    'Ζωή, 中文 "quoted"',
    8420,
    Decimal("0.62"),
    Decimal("1234.5678"),
    Decimal("-1234.565"),
    Decimal("30"),
    0.5432,
    True,
    date(2026, 2, 28),
    NOW + timedelta(microseconds=999_999),
)
EMPTY = (None,) * len(COLUMNS)
# What starts a formula in some spreadsheet, and what only looks a little like it.
FORMULAS = (
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\tplain",
    "\r=1",
    "\n=1",
    " =1",
    "\xa0=1",
    "\uff1d1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.test","x")',
    "-2",
)
PLAIN = ("a=1", "1-1", "user@example.test", "'=1", "", "5", "Ω", "<b>", "x; y", "a - b", "#N/A")


def text_column(name="name"):
    return Column(name=name, title="Name", kind=Kind.TEXT)


def make_rows(count):
    """``count`` rows like FIRST, each with a distinct id, made one by one."""
    for index in range(count):
        yield (f"trd_{index:026d}", *FIRST[1:])
