"""The platform in Django admin: its tables, and the configuration."""

from predictu.platform.admin import configuration, tables

__all__ = ["configuration", "tables"]
