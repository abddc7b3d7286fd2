"""The source of markets and mids: Polymarket's public Gamma and CLOB answers, read defensively.

Pure modules turn answers into values (parse, finality, selection, categories); ``client`` alone speaks HTTP.
It is asked by the sync services and never touches the database.
"""
