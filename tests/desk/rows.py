"""A thousand rows of every table that Django admin shows, as fast as the database takes them."""

from datetime import timedelta
from decimal import Decimal

from accounts.models import AdminUser, LedgerEntry, LoginFailure, Player, RevokedToken, SignupChannel, SignupDay
from billing import models as billing
from operators import models as operators
from predictu.platform import models as platform
from reports.models import Export, Report, ReportSchedule, StandingAlert, StoredForecast
from risk import models as risk
from tests.factories import make_admin, now
from trading import models as trading

MANY = 1000
MONEY = Decimal("12.34")


def fill(many=MANY):
    """``many`` rows of each model, spread over ``many`` operators, players and markets; answers the models filled."""
    at, admin = now(), make_admin()
    made = {}

    def put(model, build):
        made[model] = model.objects.bulk_create([build(number) for number in range(many)])
        return made[model]

    def day(number):
        return (at - timedelta(days=number)).date()

    admins = put(
        AdminUser, lambda n: AdminUser(email=f"staff{n}@predictu.com", password="!", created_at=at, is_active=False)
    )
    houses = put(
        operators.Operator,
        lambda n: operators.Operator(
            name=f"House {n}",
            slug=f"house-{n}",
            domain=f"house{n}.example",
            contact_email="a@b.example",
            predictu_share_pct=30,
            created_at=at,
            updated_at=at,
        ),
    )
    people = put(
        Player,
        lambda n: Player(
            operator=houses[n],
            external_id=f"x{n}",
            username=f"person{n}",
            email=f"p{n}@mail.example",
            created_at=at,
            updated_at=at,
        ),
    )
    markets = put(
        trading.Market,
        lambda n: trading.Market(
            condition_id=f"0xc{n}", title=f"Question {n}?", category="crypto", created_at=at, updated_at=at
        ),
    )
    trades = put(
        trading.Trade,
        lambda n: trading.Trade(
            operator=houses[n],
            player=people[n],
            market=markets[n],
            category="crypto",
            outcome="yes",
            side="buy",
            mid=Decimal("0.5"),
            price=Decimal("0.51"),
            quantity=10,
            cost_usd=Decimal("5.10"),
            fee_usd=0,
            spread_usd=Decimal("0.10"),
            spread_bps=200,
            share_pct=30,
            idempotency_key=f"k{n}",
            created_at=at,
        ),
    )
    whose = lambda n: {"operator": houses[n]}  # noqa: E731
    put(
        LedgerEntry,
        lambda n: LedgerEntry(
            player=people[n],
            type="deposit",
            amount_usd=MONEY,
            reference_type="deposit",
            reference_id=f"r{n}",
            idempotency_key=f"k{n}",
            actor="test",
            created_at=at,
        ),
    )
    put(LoginFailure, lambda n: LoginFailure(email_hash="h" * 64, address="10.0.0.1", at=at))
    put(RevokedToken, lambda n: RevokedToken(jti=f"token-{n}", expires_at=at))
    keys = put(
        operators.OperatorKey,
        lambda n: operators.OperatorKey(
            **whose(n), public_key=f"pk_{n}", secret_encrypted="gAAAA-not-to-be-seen", created_at=at
        ),
    )
    put(operators.KeyUse, lambda n: operators.KeyUse(key=keys[n], last_used_at=at))
    put(
        operators.PingResult,
        lambda n: operators.PingResult(
            **whose(n), url="https://a.example", success=True, latency_ms=5, actor=admins[n], created_at=at
        ),
    )
    put(operators.OnboardingFact, lambda n: operators.OnboardingFact(**whose(n), name="test_ping", completed_at=at))
    put(
        operators.OnboardingStep,
        lambda n: operators.OnboardingStep(**whose(n), step="branding", actor=admins[n], completed_at=at),
    )
    events = put(
        operators.CallbackEvent,
        lambda n: operators.CallbackEvent(
            **whose(n), event="TRADE_PLACED", subject_id=trades[n].id, body=b"{}", created_at=at
        ),
    )
    deliveries = put(operators.Delivery, lambda n: operators.Delivery(**whose(n), event=events[n], state="ready"))
    put(operators.Claim, lambda n: operators.Claim(**whose(n), delivery=deliveries[n], number=n, until=at))
    put(
        operators.Attempt,
        lambda n: operators.Attempt(
            **whose(n),
            delivery=deliveries[n],
            number=1,
            at=at,
            url="https://a.example",
            confirmed=True,
            latency_ms=3,
            request_headers={},
            response_body=b"{}",
        ),
    )
    put(operators.Endpoint, lambda n: operators.Endpoint(**whose(n), url="https://a.example"))
    put(
        operators.IdempotencyRecord,
        lambda n: operators.IdempotencyRecord(
            **whose(n),
            kind="trade",
            key=f"k{n}",
            fingerprint="print-not-to-be-seen",
            status=201,
            answer="answer-not-to-be-seen",
            created_at=at,
        ),
    )
    put(
        operators.TransactionReference,
        lambda n: operators.TransactionReference(
            **whose(n), transaction_id=f"tx{n}", object_id=trades[n].id, created_at=at
        ),
    )
    put(
        trading.Position,
        lambda n: trading.Position(**whose(n), player=people[n], market=markets[n], outcome="yes", opened_at=at),
    )
    settlements = put(
        trading.Settlement,
        lambda n: trading.Settlement(
            market=markets[n], resolution="yes", resolution_source="staff", requested_by=admin, resolved_at=at
        ),
    )
    counts = dict.fromkeys("positions winners losers users payout_usd loss_usd basis_usd refund_usd".split(), 0)
    put(trading.SettlementPart, lambda n: trading.SettlementPart(**whose(n), settlement=settlements[n], **counts))
    put(
        trading.SyncRun,
        lambda n: trading.SyncRun(kind=f"kind{n}", status="finished", started_at=at, alive_at=at, finished_at=at),
    )
    put(
        trading.RevenueFact,
        lambda n: trading.RevenueFact(
            **whose(n), at=at, kind="trade", player=people[n], market=markets[n], category="crypto", share_pct=30
        ),
    )
    put(trading.HourlyRevenue, lambda n: trading.HourlyRevenue(**whose(n), hour=at, category="crypto", share_pct=30))
    put(trading.MonthlyRevenue, lambda n: trading.MonthlyRevenue(**whose(n), month=at, share_pct=30))
    put(trading.PlayerRevenue, lambda n: trading.PlayerRevenue(**whose(n), player=people[n], category="crypto"))
    put(trading.TradeDay, lambda n: trading.TradeDay(**whose(n), day=day(0)))
    put(SignupDay, lambda n: SignupDay(**whose(n), day=day(0)))
    put(SignupChannel, lambda n: SignupChannel(**whose(n), channel=f"channel{n}"))
    put(trading.DailyRevenue, lambda n: trading.DailyRevenue(**whose(n), day=day(0), share_pct=30))
    put(trading.TradePattern, lambda n: trading.TradePattern(**whose(n), day=day(0), kind="hour", key="7"))
    put(trading.TradeTally, lambda n: trading.TradeTally(**whose(n), day=day(0), market=markets[n]))
    put(trading.LifetimeSum, lambda n: trading.LifetimeSum(**whose(n), segment="channel", label=f"channel{n}"))
    put(trading.CohortDay, lambda n: trading.CohortDay(**whose(n), signup_day=day(0)))
    put(
        trading.CohortActivity,
        lambda n: trading.CohortActivity(**whose(n), signup_day=day(0), unit="week", period=day(0)),
    )
    put(trading.ActiveDay, lambda n: trading.ActiveDay(**whose(n), player=people[n], day=day(0)))
    put(risk.ExposureBucket, lambda n: risk.ExposureBucket(scope="market", scope_id=markets[n].id))
    put(
        risk.CircuitBreaker,
        lambda n: risk.CircuitBreaker(
            scope="operator",
            scope_id=houses[n].id,
            trigger_threshold=95,
            created_by=admin,
            created_at=at,
            updated_at=at,
        ),
    )
    put(
        risk.RiskEvent,
        lambda n: risk.RiskEvent(
            **whose(n), player=people[n], type="anomaly", severity="info", message=f"Odd thing {n}", created_at=at
        ),
    )
    put(
        risk.PlayerScore,
        lambda n: risk.PlayerScore(
            player=people[n], score=10, tier="normal", components={}, sample_size=1, confidence=1, evaluated_at=at
        ),
    )
    put(risk.AnomalyWatch, lambda n: risk.AnomalyWatch(kind="burst", subject_id=people[n].id, last_at=at))
    put(risk.AnomalyWatchCursor, lambda n: risk.AnomalyWatchCursor(operator=houses[n]))
    put(
        platform.AuditEntry,
        lambda n: platform.AuditEntry(actor=admins[n], action="a.b", object_type="thing", created_at=at),
    )
    put(platform.ActivityEvent, lambda n: platform.ActivityEvent(type="trade", title=f"Line {n}", created_at=at))
    put(platform.RelayStream, lambda n: platform.RelayStream(name=f"stream-{n}"))
    put(platform.ConfigRevision, lambda n: platform.ConfigRevision(reason="r", actor=admins[n], created_at=at))
    files = put(
        platform.StoredFile,
        lambda n: platform.StoredFile(
            category="market_image",
            path=f"p{n}",
            content_type="image/png",
            size_bytes=1,
            sha256="0",
            uploaded_by=admins[n],
            uploaded_at=at,
        ),
    )
    put(
        platform.Approval,
        lambda n: platform.Approval(
            action="a", permission="p", object_id="o", reason="r", asked_by=admins[n], created_at=at, expires_at=at
        ),
    )
    put(platform.AdminNotice, lambda n: platform.AdminNotice(subject=f"S {n}", body="b", created_at=at))
    put(platform.Heartbeat, lambda n: platform.Heartbeat(name=f"beat{n}", seen_at=at))
    put(
        StandingAlert,
        lambda n: StandingAlert(name=f"rule{n}", severity="warning", sentence="s", raised_at=at),
    )
    put(
        StoredForecast,
        lambda n: StoredForecast(
            horizon_days=7,
            starts_on=day(n),
            ends_on=day(n),
            document={},
            model="m",
            projected_usd=1,
            low_usd=0,
            high_usd=2,
            generated_at=at,
        ),
    )
    _fill_billing(put, houses, admins, files, at)
    _fill_reports(put, admins, at)
    return made


def _fill_reports(put, admins, at):
    put(
        ReportSchedule,
        lambda n: ReportSchedule(
            name=f"Every day {n}",
            type="trades",
            format="csv",
            frequency="daily",
            time_utc=at.time(),
            next_run_at=at,
            created_by=admins[n],
            created_at=at,
            updated_at=at,
        ),
    )
    sizes = {"estimated_rows": 1, "estimated_size_bytes": 1}
    bounds = {"filters": {"from": at.isoformat(), "to": at.isoformat()}}
    for model, last in ((Report, bounds), (Export, {"start": at, "end": at, **sizes})):
        put(
            model,
            lambda n, model=model, last=last: model(
                type="trades",
                format="csv",
                requested_by=admins[n],
                path="path-not-to-be-seen",
                rung_at=at,
                created_at=at,
                **last,
            ),
        )


def _fill_billing(put, houses, admins, files, at):
    month = at.date().replace(day=1)
    parts = {"spread_share_usd": MONEY, "fee_share_usd": 0, "amount_usd": MONEY, "trade_count": 1}
    invoices = put(
        billing.Invoice,
        lambda n: billing.Invoice(
            operator=houses[n],
            month=month,
            **parts,
            gross_usd=MONEY,
            share_usd=MONEY,
            revenue_share_pct=30,
            trade_volume_usd=MONEY,
            unique_traders=1,
            total_usd=MONEY,
            payment_details=["account-not-to-be-seen"],
            created_at=at,
        ),
    )
    put(
        billing.InvoiceLine,
        lambda n: billing.InvoiceLine(
            invoice=invoices[n], number=1, kind="carried", month=month, amount_usd=MONEY, trade_count=1
        ),
    )
    put(
        billing.CarriedMonth,
        lambda n: billing.CarriedMonth(operator=houses[n], month=month, **parts, created_at=at),
    )
    notes = put(
        billing.CreditNote,
        lambda n: billing.CreditNote(
            invoice=invoices[n],
            number=f"CN-{n}",
            amount_usd=MONEY,
            total_usd=MONEY,
            reason="r",
            issued_at=at,
            issued_by=admins[n],
        ),
    )
    put(
        billing.Payment,
        lambda n: billing.Payment(
            invoice=invoices[n],
            amount_usd=MONEY,
            method="wire",
            reference="r",
            paid_at=at,
            recorded_at=at,
            recorded_by=admins[n],
        ),
    )
    put(
        billing.InvoiceMail,
        lambda n: billing.InvoiceMail(
            invoice=invoices[n], credit_note=notes[n], kind="credit_note", recipient="a@b.example", created_at=at
        ),
    )
    put(billing.NumberSeries, lambda n: billing.NumberSeries(series="T", year=n))
    put(
        billing.MonthNote,
        lambda n: billing.MonthNote(month=month, check_name="c", reason="r", written_by=admins[n], created_at=at),
    )
    put(
        billing.MonthClose,
        lambda n: billing.MonthClose(
            month=month.replace(year=1900 + n // 12, month=n % 12 + 1),
            gross_usd=MONEY,
            share_usd=MONEY,
            reason="r",
            closed_by=admins[n],
            closed_at=at,
        ),
    )
    put(
        billing.InvoiceAttachment,
        lambda n: billing.InvoiceAttachment(
            invoice=invoices[n], file=files[n], reason="r", added_by=admins[n], added_at=at
        ),
    )
