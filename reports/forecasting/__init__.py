"""The statistics under ``reports.forecast``: the operators' daily histories, models, rolling origins, interval.

Everything here is arithmetic on daily arrays: no database and no clock.
"""
