"""Reports in Django admin, and the export of what a list shows."""

from reports.admin import tables

__all__ = ["tables"]
