"""The operator's gate: registration, money and trades pass it together, a status change waits for them and shuts it.

An advisory transaction lock keyed by the operator; whoever passes reads the operator after it, so a suspension binds
the very next call and never waits behind an operator row that everyone writes.
"""

import hashlib

from django.db import connection

from operators.models import Operator
from predictu.errors import FeatureDisabled, NotFound, OperatorInactive
from predictu.platform.config import Configuration

_SPACE = b"predictu:operator-gate:"


def lock_key(operator_id: str) -> int:
    """The advisory lock's 64-bit key."""
    return int.from_bytes(hashlib.sha256(_SPACE + operator_id.encode()).digest()[:8], "big", signed=True)


def enter(operator_id: str) -> Operator:
    """Pass the gate for the rest of this transaction and read the operator. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [lock_key(operator_id)])
    operator = Operator.objects.filter(pk=operator_id).first()
    if operator is None:
        raise NotFound("No such operator")
    return operator


def shut(operator_id: str) -> Operator:
    """Wait for everyone inside, keep everyone out, and hold the operator's row: for a change of status."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(operator_id)])
    operator = Operator.objects.select_for_update(no_key=True).filter(pk=operator_id).first()
    if operator is None:
        raise NotFound("No such operator")
    return operator


def require_active(operator: Operator) -> None:
    """Raises OperatorInactive unless users may register, move money and trade."""
    if not operator.may_trade:
        raise OperatorInactive(details={"status": operator.status})


def require_open(operator: Operator, configuration: Configuration) -> None:
    """Raises OperatorInactive or FeatureDisabled unless users may register and trade."""
    require_active(operator)
    if not configuration["features.embed_enabled"]:
        raise FeatureDisabled("Registration and trading are switched off", details={"feature": "embed_enabled"})
