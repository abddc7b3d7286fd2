"""Which queue each task goes to, and the one table of periodic tasks: sweeps and beats that may be missed, or come
twice, without harm."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab


def _every(task: str, **interval: float) -> dict[str, Any]:
    """A task that is worthless once the next one is due: a queue that piled up is not worked off."""
    span = timedelta(**interval)
    return {"task": task, "schedule": span, "options": {"expires": max(span.total_seconds(), 10)}}


def _at(task: str, **moment: int) -> dict[str, Any]:
    return {"task": task, "schedule": crontab(**moment)}


# Prices, relay, deliveries and what else takes a moment. Every other task takes long and goes to the queue ``slow``.
FAST = (
    *("predictu.platform.tasks.relay", "predictu.platform.tasks.sweep_relay", "predictu.platform.tasks.beat"),
    *("predictu.platform.tasks.expire_approvals", "operators.tasks.deliver", "operators.tasks.sweep_deliveries"),
    *("risk.tasks.reset_breakers", "trading.tasks.read_mids", "trading.tasks.sweep_settlements"),
    *("reports.tasks.watch_platform", "reports.tasks.sweep_reports"),
)
ROUTES = {task: {"queue": "fast"} for task in FAST}

PERIODIC: dict[str, dict[str, Any]] = {
    "beat": _every("predictu.platform.tasks.beat", seconds=15),
    "relay": _every("predictu.platform.tasks.sweep_relay", seconds=1),
    "callbacks": _every("operators.tasks.sweep_deliveries", seconds=1),
    "notices": _every("predictu.platform.tasks.sweep_notices", minutes=1),
    "prune-callbacks": _at("operators.tasks.prune_callbacks", hour=3, minute=40),
    "promotions": _at("accounts.tasks.promote_users", hour=1, minute=10),
    "breakers": _every("risk.tasks.reset_breakers", seconds=15),
    "anomalies": _every("trading.tasks.watch_trades", seconds=15),
    "approvals": _every("predictu.platform.tasks.expire_approvals", minutes=1),
    "forget-sessions": _at("accounts.tasks.forget_expired_sessions", hour=3, minute=20),
    "mids": _every("trading.tasks.read_mids", seconds=15),
    "catalogue": _every("trading.tasks.sync_catalogue", minutes=5),
    "verify-ledger": _at("trading.tasks.verify_ledger", hour=4, minute=10),
    "settlements": _every("trading.tasks.sweep_settlements", seconds=15),
    "histories": _every("trading.tasks.take_histories", minutes=1),
    "prune-prices": _at("trading.tasks.prune_prices", hour=2, minute=40),
    "scores": _at("trading.tasks.score_players", hour=3, minute=20),
    "signups": _every("accounts.tasks.count_signups", minutes=1),
    "rollups": _every("trading.tasks.compact_revenue", minutes=1),
    # On the 1st; every other night it finds nothing to do, or what the 1st could not.
    "billing": _at("billing.tasks.bill_last_month", hour=0, minute=5),
    "overdue": _at("billing.tasks.mark_overdue", hour=0, minute=15),
    "forecast": _at("reports.tasks.forecast_revenue", hour=0, minute=25),
    "alerts": _every("reports.tasks.watch_platform", seconds=15),
    "reports": _every("reports.tasks.sweep_reports", seconds=15),
    "invoice-mails": _every("billing.tasks.sweep_mails", minutes=1),
}
