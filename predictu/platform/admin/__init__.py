"""The platform in Django admin: its tables, the audit trail, and the configuration."""

from predictu.platform.admin import audit, configuration, tables

__all__ = ["audit", "configuration", "tables"]
