"""Runs the whole platform on one machine, without docker and without anything installed beforehand.

Owns the embedded PostgreSQL and Redis, the set-up and the supervisor behind `make run`; the tests borrow the services.
It is told where to work by the environment and never opens a TCP port for a database, imports an app's models or
touches a server that `DATABASE_URL` or `REDIS_URL` names. Production uses `database_url` alone.
"""
