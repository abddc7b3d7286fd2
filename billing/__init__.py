"""Invoices for Predictu's share: made monthly from revenue facts, sent, paid, credited.

Asks trading what was earned; told of payments by staff. Never changes what was earned, nor an invoice once sent.
"""
