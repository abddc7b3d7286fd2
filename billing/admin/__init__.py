"""Billing in Django admin: the finance desk, the invoice's page with what is done there, and the lists behind them."""

from billing.admin import desk, invoice, tables

__all__ = ["desk", "invoice", "tables"]
