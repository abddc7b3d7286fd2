"""Everything the three APIs can be asked about, and callers who may ask: for tests that walk every operation."""

import json
import re
from urllib.parse import quote

from django.test import Client

from accounts.models import Player
from billing import parties
from billing.models import CreditNote, Invoice, Payment
from operators.models import CallbackEvent, Operator, OperatorKey
from predictu.api import schema
from predictu.platform.models import Approval, StoredFile
from reports.models import Export, Report, ReportSchedule
from risk import scoring
from risk.models import CircuitBreaker, PlayerScore, RiskEvent
from tests.desk.rows import fill
from tests.factories import as_admin, make_admin, make_market, make_pair, now, signed
from trading.models import Market, Settlement, Trade

JSON = "application/json"
WRITING = ("post", "put", "patch", "delete")
UNLIMITED = {
    "PREDICTU_ADMIN_RATE_LIMIT": 10**6,
    "PREDICTU_CASINO_RATE_LIMIT": 10**6,
    "PREDICTU_S2S_RATE_LIMIT_FACTOR": 10**6,
}


def described():
    """The API description."""
    return json.loads(schema.document()[0])


def operations(*methods):
    """(method, path, operation) of everything described."""
    return [
        (method, path, operation)
        for path, found in described()["paths"].items()
        for method, operation in found.items()
        if method in methods
    ]


class World:
    """Two rows of everything; the first operator is live and its first user may trade."""

    def __init__(self):
        made = fill(2)
        first = {model: rows[0] for model, rows in made.items()}
        self.operator, self.player = first[Operator], first[Player]
        Operator.objects.filter(pk=self.operator.pk).update(stage="live", onboarded_at=now())
        self.operator.refresh_from_db()
        self.pair = make_pair(self.operator)
        self.market = make_market()
        self.admin = make_admin()
        self.god = Client(headers=as_admin(self.admin), raise_request_exception=False)
        self.anyone = Client(raise_request_exception=False)
        self.ids = {
            "approval_id": first[Approval].pk,
            "breaker_id": first[CircuitBreaker].pk,
            "delivery_id": first[CallbackEvent].pk,
            "event_id": first[RiskEvent].pk,
            "export_id": first[Export].pk,
            "file_id": first[StoredFile].pk,
            "invoice_id": first[Invoice].pk,
            "key_id": first[OperatorKey].pk,
            "market_id": first[Market].pk,
            "month": f"{first[Invoice].month:%Y-%m}",
            "name": "trades",
            "number": "1",
            "operator_id": self.operator.pk,
            "payment_id": first[Payment].pk,
            "report_id": first[Report].pk,
            "schedule_id": first[ReportSchedule].pk,
            "settlement_id": first[Settlement].pk,
            "slug": self.operator.slug,
            "trade_id": first[Trade].pk,
            "user_id": self.player.pk,
        }
        self.note = first[CreditNote].number
        self._complete(first)
        self.call("get", "/api/casino/whoami")  # from now on the key has been used

    def _complete(self, first):
        """What the lists do not need of their rows, but the pages behind them do."""
        who = {"seller": parties.seller(), "buyer": parties.buyer(self.operator)}
        done = {"issued_at": now(), "due_at": now(), "sent_at": now(), "terms_days": 14, "content_hash": "0" * 64}
        Invoice.objects.filter(pk=first[Invoice].pk).update(
            status="sent", number="INV-2026-00001", payment_details=[], **who, **done
        )
        judged = {"score": 0, "max": 25, "value": None, "detail": "Not evaluated yet"}
        PlayerScore.objects.update(components=dict.fromkeys(scoring.SCALES, judged))

    def url(self, path, **changes):
        """``path`` of the description with ids of things that exist."""
        ids = self.ids | ({"market_id": self.market.pk} if path.startswith("/api/casino") else {})
        ids |= {"number": self.note} if "credit-notes" in path else {}
        return re.sub(r"\{(\w+)\}", lambda found: quote(str(changes.get(found[1], ids[found[1]])), safe="%"), path)

    def call(self, method, url, body=b"", content_type=JSON):
        """The answer to whoever may call ``url``."""
        if url.startswith("/api/casino"):
            self._calls = getattr(self, "_calls", 0) + 1
            key = f"walk-{self._calls}"
            headers = signed(self.pair, method.upper(), url, body, idempotency_key=key)
            sent = {"content_type": content_type, "headers": headers, "RAW_URI": url}  # as gunicorn hands it over
            return self.anyone.generic(method.upper(), url, body, **sent)
        return self.god.generic(method.upper(), url, body, content_type=content_type)
