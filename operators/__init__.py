"""Operators: the casinos, their API keys, their onboarding and what they are told (callbacks).

Everyone above tells it facts through ``callbacks.queue``; it never asks anyone above.
"""
