"""The platform in Django admin: its tables, the audit trail, and the configuration."""

from predictu.platform.admin import approvals, audit, configuration, tables

__all__ = ["approvals", "audit", "configuration", "tables"]
