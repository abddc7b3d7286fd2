"""Reports in Django admin, and the export of what a list shows."""

from reports.admin import pages, reports, tables

__all__ = ["pages", "reports", "tables"]
