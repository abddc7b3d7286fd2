"""Risk in Django admin: its tables, and the desk staff work from."""

from risk.admin import tables

__all__ = ["tables"]
