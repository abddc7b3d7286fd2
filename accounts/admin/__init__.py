"""What of accounts Django admin shows."""

from accounts.admin import players, staff

__all__ = ["players", "staff"]
