"""Risk: exposure, the five walls, circuit breakers, risk events and sharp-bettor scores.

It is told about trades with plain values and never asks trading anything.
"""
