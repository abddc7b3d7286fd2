"""What of accounts Django admin shows."""

from accounts.admin import staff

__all__ = ["staff"]
