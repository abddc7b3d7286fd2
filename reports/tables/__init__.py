"""What each type of report holds: its filters, its columns, its rows. A module per type; ``TABLES`` names them all."""

from reports.tables import invoices, revenue, risk_events, settlements, trades, users
from reports.tables.base import Table

TABLES: dict[str, Table] = {
    table.type: table
    for table in (trades.TABLE, revenue.TABLE, users.TABLE, risk_events.TABLE, settlements.TABLE, invoices.TABLE)
}
