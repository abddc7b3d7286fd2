"""The PING test as staff run it: sent outside any transaction, its result kept, its success a fact."""

from datetime import datetime
from typing import Any

from django.db import transaction

from operators import ping
from operators.errors import NoActiveKey
from operators.models import OnboardingFact, Operator, PingResult
from operators.services import endpoints, facts, keys, outbound
from predictu import clock, ids
from predictu.errors import BadRequest
from predictu.platform import activity


def send(
    *, operator: Operator, url: str | None, timeout_ms: int = ping.DEFAULT_TIMEOUT_MS, actor: Any, now: datetime
) -> ping.PingResult:
    """PING ``url``, or the saved one; a success at the saved one sets the fact ``test_ping``.

    Raises BadRequest when there is no URL at all, NoActiveKey when there is nothing to sign with.
    """
    target = url or operator.callback_url
    if not target:
        raise BadRequest(
            "No callback URL is saved and none was given", details={"callback_url": ["is required: none is saved"]}
        )
    secrets = keys.signing_secrets(operator, now)
    if secrets is None:
        raise NoActiveKey
    delivery_id = ids.new("dlv", now)
    result = ping.send(
        outbound.transport(),
        url=target,
        operator_id=operator.id,
        delivery_id=delivery_id,
        secret=secrets.secret,
        next_secret=secrets.next_secret,
        timeout_ms=timeout_ms,
        now=now,
    )
    _keep(operator, target, delivery_id, result, actor=actor, now=clock.now())
    return result


@transaction.atomic
def _keep(
    operator: Operator, url: str, delivery_id: str, result: ping.PingResult, *, actor: Any, now: datetime
) -> None:
    """Store the result; whether the URL is the saved one is read under the operator's lock."""
    saved = Operator.objects.select_for_update(no_key=True).get(pk=operator.pk)
    PingResult.objects.create(
        id=delivery_id,
        operator=saved,
        url=url[:2048],
        success=result.success,
        error=result.test_result.get("error", ""),
        http_status=result.test_result.get("http_status"),
        latency_ms=result.test_result["latency_ms"],
        actor=actor,
        created_at=now,
    )
    if url != saved.callback_url:
        return
    endpoint = endpoints.hold(saved.id)
    endpoints.aim(endpoint, url, now)
    endpoints.note(endpoint, [endpoints.Answered(now, result.success)], now)
    if not result.success:
        return
    known = OnboardingFact.objects.filter(operator=saved, name=OnboardingFact.Name.TEST_PING).exists()
    facts.establish(operator_id=saved.id, name="test_ping", evidence={"ping": delivery_id}, now=now)
    if saved.is_live and not known:
        activity.record(
            type="operator_event",
            title="Callback URL tested",
            description=f"The callback URL of {{{saved.id}}} has answered a PING",
            operator_id=saved.id,
            metadata={"ping": delivery_id},
            now=now,
        )
