"""Changing limits: the configuration and operators' own, so that they bind the very next trade.

A change holds the bucket of its scope (the configuration: the global one) and moves its revision on; every trade
decided before decides again. What lies above a lowered limit is told and tripped in the same transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from operators.models import Operator
from predictu.errors import ValidationFailed
from predictu.platform import config, revisions
from predictu.platform.models import ConfigRevision
from predictu.platform.revisions import Changed
from risk import limits as limit_rules
from risk.models import ExposureBucket, Scope
from risk.services import buckets, events, exposure

_GLOBAL = (Scope.GLOBAL.value, "")
_CATEGORY = "risk.category_limits."
_WALLS = {
    "risk.global_exposure_limit_usd": 5,
    "risk.per_trade_max_usd": 1,
    "risk.per_market_max_usd": 2,
    "defaults.user_max_bet_usd": 1,
}
_THRESHOLD = "risk.circuit_breaker_threshold_pct"


@transaction.atomic
def change(*, changes: Mapping[str, Any], actor: Any, reason: str, now: datetime) -> Changed:
    """Revise the configuration by dotted keys; concurrent changes wait for each other and all take effect.

    Raises ValidationFailed when keys do not fit together.
    """
    return _revise(changes, actor, reason, "config.update", now)


@transaction.atomic
def revert(*, number: int, actor: Any, reason: str, now: datetime) -> Changed:
    """Go back to the values of revision ``number``, as a new revision. Raises ValidationFailed for an unknown one."""
    revision = ConfigRevision.objects.filter(number=number).first()
    if revision is None:
        raise ValidationFailed(details={"revision": ["is not a revision"]})
    return _revise(config.of(revision).values, actor, reason, "config.revert", now)


def _revise(changes: Mapping[str, Any], actor: Any, reason: str, action: str, now: datetime) -> Changed:
    binding = [name for name in changes if name in _WALLS or name.startswith(_CATEGORY) or name == _THRESHOLD]
    scopes = [scope.value for scope in Scope] if binding else []
    held = buckets.hold([*buckets.touched(scopes), _GLOBAL])
    buckets.revise([held[-1][0]])
    changed = revisions.write(changes=changes, actor=actor, reason=reason, action=action, now=now)
    for name in changed.names:
        _tell_raised(name, changed, now)
    for bucket in exposure.judged(held, configuration=changed.after, now=now) if changed.names else ():
        exposure.tell(bucket, bucket.exposure_usd, now=now)
    transaction.on_commit(config.reread, robust=True)
    return changed


def _tell_raised(name: str, changed: Changed, now: datetime) -> None:
    category = name.removeprefix(_CATEGORY) if name.startswith(_CATEGORY) else ""
    wall = 3 if category else _WALLS.get(name)
    if wall is None or changed.after[name] <= changed.before[name]:
        return
    scope: dict[str, Any] = {"category": category} if category else {"global": True}
    events.limit_raised(name, wall=wall, old=changed.before[name], new=changed.after[name], scope=scope, now=now)


@transaction.atomic
def operator_changed(*, operator_id: str, previous_limit_usd: Decimal | None = None, now: datetime) -> None:
    """An operator's limits were changed in this transaction: bind the next trade and judge what is open by them.

    Call it after the operator's row is written, with the limit it had before so that a raise can be told.
    """
    prefix = f"{operator_id}:"
    own = ExposureBucket.objects.filter(scope=Scope.OPERATOR_CATEGORY, scope_id__startswith=prefix)
    keys = [(Scope.OPERATOR_CATEGORY.value, scope_id) for scope_id in own.values_list("scope_id", flat=True)]
    buckets.ensure([(Scope.OPERATOR.value, operator_id)])
    held = buckets.hold([*keys, (Scope.OPERATOR.value, operator_id)])
    buckets.revise(row[0] for row in held)
    for bucket in exposure.judged(held, configuration=config.newest()[1], now=now):
        exposure.tell(bucket, bucket.exposure_usd, now=now)
    limit = limit_of(operator_id)
    if previous_limit_usd is not None and limit is not None and limit > previous_limit_usd:
        scope = {"operator": operator_id}
        events.limit_raised("exposure_limit_usd", wall=4, old=previous_limit_usd, new=limit, scope=scope, now=now)


def limit_of(operator_id: str) -> Decimal | None:
    """An operator's exposure limit as stored now; None for one we do not know."""
    columns = ("risk_tier", "exposure_limit_usd", "category_limits")
    row = Operator.objects.filter(pk=operator_id).values_list(*columns).first()
    return None if row is None else limit_rules.operator_limit(limit_rules.OperatorLimits(*row))
