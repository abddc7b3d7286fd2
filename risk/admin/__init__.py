"""Risk in Django admin: its tables, and the desk staff work from."""

from risk.admin import desk, review, tables

__all__ = ["desk", "review", "tables"]
