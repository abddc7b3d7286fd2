"""The tables nobody else owns: audit, activity, configuration, files, approvals and the relay that numbers feeds.

Every app writes to it through its services; upward it knows only ``get_user_model()``.
"""
