"""The project's Redis, for what may be lost: limits and doorbells."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@cache
def connection() -> redis.Redis:
    """The project's Redis, with short time-outs: a limit must never hold up an answer."""
    once_more = Retry(NoBackoff(), 1)  # for a connection that went stale; the default would wait for seconds
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25, retry=once_more)
