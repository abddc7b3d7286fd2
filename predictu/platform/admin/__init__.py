"""The platform in Django admin: its tables, and the configuration."""

from predictu.platform.admin import tables

__all__ = ["tables"]
