"""A small invented source of markets for the demo: Gamma- and CLOB-shaped answers on the loopback interface.

``world`` is pure: seed and instant give every market, price and result, so it survives restarts and knows its past.
``gamma`` writes it down in the source's shapes, ``server`` answers HTTP. It knows nothing of the platform's database.
"""
