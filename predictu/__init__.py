"""The project package: errors, ids, money, time, jobs, the API plumbing and the platform tables nobody else owns.

Every app may import it; it imports none of them (``predictu.urls`` and ``predictu.celery`` only name them).
"""
