"""Operators in Django admin: their tables and pages, and their onboarding."""

from operators.admin import onboarding, tables

__all__ = ["onboarding", "tables"]
