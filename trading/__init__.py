"""Trading: markets and their prices, trades, positions, revenue facts and settlements.

It asks risk whether a trade may be, posts money to accounts and tells operators through callbacks.
"""
