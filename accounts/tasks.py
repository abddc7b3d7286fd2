"""Jobs of accounts."""

from celery import shared_task

from accounts.services import promotion, sessions, signups
from predictu import clock


@shared_task
def forget_expired_sessions() -> None:
    """Delete revoked tokens past their life and login failures that no longer count."""
    sessions.forget_expired(now=clock.now())


@shared_task
def promote_users() -> None:
    """Give users old and busy enough the regular limit."""
    promotion.promote(now=clock.now())


@shared_task
def count_signups() -> None:
    """Add new users to the daily sums."""
    signups.compact()
