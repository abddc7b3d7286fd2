"""Rows into files people open: csv, xlsx and pdf, all from the same columns and any iterator of rows.

``tables`` says what a column is; one module per format writes it. Callers count and stop by wrapping the iterator.
"""
