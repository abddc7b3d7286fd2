"""How Django admin writes instants and days."""
