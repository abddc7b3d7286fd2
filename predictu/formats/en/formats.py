"""Instants in UTC and said so; days as ISO 8601 has them."""

DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s \\U\\T\\C"
DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
