"""What reports keep; a module per noun."""

from reports.models.forecast import StoredForecast

__all__ = ["StoredForecast"]
