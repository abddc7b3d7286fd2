"""What the suspended casino was told while its server still answered, and the settlement it never heard of."""

from datetime import datetime, timedelta

from django.db.models import Min

from operators.models import CallbackEvent, Delivery, Operator
from operators.services import deliveries, recording
from operators.services.deliveries import Claimed
from operators.services.recording import Outcome
from predictu import clock
from predictu.platform import relay

_MOST = 64
_LONGEST = timedelta(minutes=5)


def tell(operator: Operator) -> None:
    """Every callback of ``operator`` is confirmed but its last POSITION_RESOLVED, which fails its quick phase."""
    relay.run(operator.id)
    resolved = CallbackEvent.objects.filter(operator=operator, event=CallbackEvent.Event.POSITION_RESOLVED)
    unheard = resolved.order_by("-ordinal").values_list("ordinal", flat=True).first()
    begun = at = clock.now()
    while at < begun + _LONGEST:
        target, claimed = deliveries.claim(operator.id, most=_MOST, now=at)
        if target is None:
            return
        if claimed:
            outcomes = [_outcome(each, target.url, at, heard=each.ordinal != unheard) for each in claimed]
            recording.record(operator.id, outcomes, now=at)
            continue
        waiting = Delivery.objects.filter(operator=operator, state=Delivery.State.READY)
        due = waiting.aggregate(due=Min("due_at"))["due"]
        if due is None:
            return
        at = max(due, at + timedelta(seconds=1))


def _outcome(claimed: Claimed, url: str, at: datetime, *, heard: bool) -> Outcome:
    return Outcome(
        claimed=claimed,
        at=at,
        url=url,
        latency_ms=14 if heard else 1,
        phases_ms={},
        request_headers={},
        status=200 if heard else None,
        error="" if heard else "CONNECTION_REFUSED",
    )
