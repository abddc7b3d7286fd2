"""Risk in Django admin: its tables, and the desk staff work from."""

from risk.admin import desk, tables

__all__ = ["desk", "tables"]
