"""Accounts: Predictu's own admins, the operators' players, and the ledger that holds every cent they have.

Trading and settlements post to it; it never asks them anything.
"""
