"""What a second platform has that a first one lacks, down to the last column: for tests that compare their answers.

Written straight into the tables where that is shorter than living through it: what is tested is what answers show.
"""

import random
from datetime import timedelta
from decimal import Decimal

from accounts.models import AdminUser, Player
from billing import months
from billing.models import Invoice, InvoiceMail
from billing.services import credit_notes, invoices
from operators.models import CallbackEvent, Delivery, Endpoint, Operator
from predictu.platform.config import DECLARED
from risk.models import ExposureBucket, PlayerScore, RiskEvent
from risk.services import desk, limits
from tests.factories import make_pair, make_player, now, place
from tests.reports import histories
from trading.models import Market, Settlement
from trading.services import settlements, settling

_CHOSEN = {
    "fees.settlement_fee_bps": 90,
    "risk.per_market_max_usd": 1700,
    "risk.global_exposure_limit_usd": 9000,
    "risk.category_limits.crypto": 5000,
    "risk.category_limits.sports": 4500,
    "features.auto_settlement": False,
    "features.s2s_enabled": False,
    "features.sharp_detection": False,
    "spread.volume_discount_enabled": False,
    "spread.base_spread_bps": 300,
}
# Every other number is one more than it would be.
CONFIG = {name: float(key.default) + 1 for name, key in DECLARED.items() if not key.is_switch} | _CHOSEN


def begin(player: Player, admin: AdminUser) -> None:
    """Before anything is billed or stopped: other terms, the month before the last billed too, users and trades."""
    Operator.objects.update(tax_rate_pct=19, payment_terms_days=30, legal_name="Other Ltd", billing_address="Street 1")
    _people(player)
    market = Market.objects.filter(status="active").order_by("-id")[0]
    done = settlements.resolve(market_id=market.id, outcome="no", reason="over too", actor=admin, now=now())
    settling.settle(done.settlement.id, now=now())
    invoices.run_month(month=months.before(months.before(now())), now=now())


def differ(player: Player, admin: AdminUser) -> None:
    """Everything else; ``player`` is the user whose pages are read."""
    _standing(player)
    _risk(player, admin)
    _operators(player, admin)
    _markets()
    _settlements()
    _bills(admin)
    _score(player)


def _people(player: Player) -> None:
    operator = Operator.objects.get(pk=player.operator_id)
    joined = []
    for days, tier in ((2, "sharp"), (3, "restricted"), (12, "banned"), (40, "normal")):
        joined.append(make_player(operator, balance="900", tier=tier))
        Player.objects.filter(pk=joined[-1].pk).update(created_at=now() - timedelta(days=days))
    dice, markets = random.Random(7), list(Market.objects.filter(status="active"))
    for _ in range(30):
        histories.trade(dice, [player, joined[0], joined[3]], markets)
    Market.objects.filter(pk=markets[0].pk).update(priced_at=now(), yes_mid=Decimal("0.5"))
    for amount in (150, *[2] * 14):
        place(joined[3], markets[0], amount_usd=Decimal(amount), device="tablet")


def _standing(player: Player) -> None:
    Player.objects.filter(pk=player.pk).update(
        tier="sharp", status="suspended", limit_tier="vip", debt_usd=3, allowed_categories=["crypto"],
        blocked_markets=[Market.objects.order_by("id")[0].id], cooldown_until=now(),
        self_excluded_until=now() + timedelta(days=9), deposited_usd=4000, withdrawn_usd=12, score=44,
    )  # fmt: skip


def _risk(player: Player, admin: AdminUser) -> None:
    """Limits that are all but reached, refusals of every wall, and everything stopped."""
    held = {(row.scope, row.scope_id): int(row.exposure_usd) + 2 for row in ExposureBucket.objects.all()}
    changes = {"risk.global_exposure_limit_usd": Decimal(held["global", ""])}
    for category in ("crypto", "sports"):
        changes[f"risk.category_limits.{category}"] = Decimal(held["category", category])
    limits.change(changes=changes, actor=admin, reason="as much as is held", now=now())
    for operator in Operator.objects.filter(stage="live"):
        limit = held.get(("operator", operator.id), 7)
        Operator.objects.filter(pk=operator.pk).update(exposure_limit_usd=limit)
    for wall in (1, 2, 3, 4, 5):
        for _ in range(60 if wall == 1 else wall):
            RiskEvent.objects.create(
                type="wall_violation", severity="warning", wall=wall, message=f"wall {wall}", value=wall, threshold=2,
                utilization_pct=50, player_id=player.pk, operator_id=player.operator_id, created_at=now(),
                resolved_at=now(), resolved_by=admin, resolution_note="seen", auto_resolved=wall == 5,
            )  # fmt: skip
    for scope, scope_id in (("category", "crypto"), ("market", Market.objects.order_by("id")[0].id)):
        breaker = desk.create_breaker(
            scope=scope, scope_id=scope_id, trigger_type="exposure_pct", trigger_threshold=Decimal(77),
            cooldown_minutes=9, auto_reset=False, buys_only=True, actor=admin, reason="more", now=now(),
        )  # fmt: skip
        if breaker.status == "armed":
            desk.trip_breaker(breaker_id=breaker.id, actor=admin, reason="now", now=now())
    desk.halt(actor=admin, reason="everything", now=now())


def _operators(player: Player, admin: AdminUser) -> None:
    make_pair(Operator.objects.get(pk=player.operator_id))
    values = {"url": "https://cb.example/x", "last_success_at": now()}
    Endpoint.objects.update_or_create(operator_id=player.operator_id, defaults=values)
    Operator.objects.filter(stage="live").update(
        callback_url="https://cb.example/x", website_url="https://www.example", contact_name="Jordan",
        embed_origins=["https://a.example"], s2s_enabled=False, tax_id="X1", po_reference="PO 1",
        branding={
            "primary_color": "#00ff88", "secondary_color": "#0a1a0a", "display_name": "Other",
            "logo_url": "https://l.example/l.png", "favicon_url": "https://l.example/f.png",
        },
        allowed_categories=["crypto", "sports", "politics"], max_bet_usd=900, min_bet_usd=2, risk_tier="elite",
        custom_fees_bps=90, spread_override_bps=150, billing_email="bills@example.com", suspended_at=now(),
        suspended_by=admin, suspension_reason="late", updated_at=now(),
    )  # fmt: skip


def _markets() -> None:
    Market.objects.update(
        outcome_labels=["Up", "Down"], uma_status="proposed", waiting_for="uma", override="tradeable",
        untradeable_reasons=["odd"], liquidity_usd=5000, status_reason="looked at", updated_at=now(),
        buys_paused_until=now() + timedelta(minutes=5), paused_by_staff=True,
    )  # fmt: skip


def _settlements() -> None:
    """A failure, and callbacks of which one came through and one is dead."""
    Settlement.objects.filter(status="pending").update(status="failed", error="lock not had", positions_settled=1)
    told = CallbackEvent.objects.filter(event="POSITION_RESOLVED").order_by("ordinal")[:2]
    for event, (state, confirmed_at) in zip(told, (("confirmed", now()), ("dead", None)), strict=True):
        values = {"state": state, "confirmed_at": confirmed_at, "attempts": 4, "last_error": "TIMEOUT"}
        Delivery.objects.update_or_create(
            event=event, defaults={**values, "operator_id": event.operator_id, "last_attempt_at": now()}
        )


def _bills(admin: AdminUser) -> None:
    billed = Invoice.objects.order_by("-issued_at", "unique_traders", "id").first()
    payment = invoices.record_payment(
        invoice=billed, amount_usd=Decimal("0.05"), method="card", reference="C-1", paid_at=now(), actor=admin,
        now=now(),
    )  # fmt: skip
    invoices.reverse_payment(payment=payment, actor=admin, now=now(), reason="bounced")
    credit_notes.issue(invoice=billed, amount_usd=Decimal("0.07"), reason="goodwill", actor=admin, now=now())
    InvoiceMail.objects.update(attempts=2, sent_at=now(), failed_at=now())


def _score(player: Player) -> None:
    row = PlayerScore.objects.filter(player=player).order_by("-evaluated_at", "-id").first()
    row.pk, row.score, row.tier, row.confidence, row.sample_size = None, 44, "sharp", Decimal("0.9"), 30
    row.flags, row.recommendations = ["steady_winner"], ["watch"]
    for number, (name, part) in enumerate(sorted(row.components.items())):
        row.components[name] = part | {"score": number + 3, "value": 0.1 + number / 100, "detail": f"told {number}"}
    row.evaluated_at = now() + timedelta(seconds=1)
    row.save()
