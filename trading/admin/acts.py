"""What staff do to markets and settlements: each with a reason, the consequences counted before."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings

from predictu import shown
from predictu.admin_acts import Act, Facts, Given
from predictu.platform import approvals
from risk.models import ExposureBucket
from trading import models
from trading.queries import corrections as corrected
from trading.services import corrections, markets, settlements

MANAGE, SETTLE = "trading.manage_markets", settlements.PERMISSION
RESOLVE = {"yes": "Resolve YES", "no": "Resolve NO", "split": "Resolve 50/50", "cancelled": "Void"}
CORRECT = {"yes": "Correct to YES", "no": "Correct to NO", "split": "Correct to 50/50", "cancelled": "Correct to void"}
_ASKED = "Another admin has to approve it first."


def bucket_of(row: models.Market) -> ExposureBucket:
    """What is open in a market; an empty bucket where nothing ever was."""
    found = ExposureBucket.objects.filter(scope="market", scope_id=row.id).first()
    return found or ExposureBucket(scope="market", scope_id=row.id)


def _open(row: models.Market) -> list[tuple[str, Any]]:
    bucket = bucket_of(row)
    return [
        ("Status now", row.status),
        ("Open positions", f"{bucket.position_count:,}"),
        ("Exposure on YES, USD", shown.amount(bucket.yes_usd)),
        ("Exposure on NO, USD", shown.amount(bucket.no_usd)),
    ]


def _override(value: str, said: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        markets.override(market_id=given.row.id, value=value, reason=given.reason, actor=given.actor, now=given.now)
        return said

    return run


def _selection(row: models.Market) -> Facts:
    reasons = [reason["text"] for reason in row.untradeable_reasons]
    return [
        *_open(row),
        ("The selection filter says", "tradeable" if row.tradeable else " ".join(reasons) or "not selected"),
        ("Staff say", row.override or "nothing"),
        ("From then on", "it survives every sync, until staff take it back"),
    ]


def second_admin(amount: Decimal) -> str:
    """Whether paying out ``amount`` dollars waits for another admin."""
    if approvals.required() and amount > settings.PREDICTU_SETTLEMENT_APPROVAL_USD:
        return "has to approve it first"
    return "is not needed"


def _settling(outcome: str) -> Callable[[models.Market], Facts]:
    def consequences(row: models.Market) -> Facts:
        found = settlements.preview(row.id, outcome)
        due = found["total_payout_usd"] + found["refund_usd"]
        return [
            ("Trading", "closes for good"),
            ("Positions settled", f"{found['positions']:,}"),
            ("Winners", f"{found['winners']:,}"),
            ("Losers", f"{found['losers']:,}"),
            ("Paid out, USD", shown.amount(found["total_payout_usd"])),
            ("Given back, USD", shown.amount(found["refund_usd"])),
            ("Operators told", f"{len(found['by_operator']):,}"),
            ("A second admin", second_admin(due)),
        ]

    return consequences


def _resolve(outcome: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        done = settlements.resolve(
            market_id=given.row.id, outcome=outcome, reason=given.reason, actor=given.actor, now=given.now
        )
        return _ASKED if done.approval is not None else "The market is resolved and being settled."

    return run


def _pause(given: Given) -> str:
    markets.pause(market_id=given.row.id, reason=given.reason, actor=given.actor, now=given.now)
    return "The market is paused."


def _resume(given: Given) -> str:
    markets.resume(market_id=given.row.id, reason=given.reason, actor=given.actor, now=given.now)
    return "The pause is taken back."


OF_MARKETS = (
    Act(
        name="pause",
        label="Pause",
        permission=MANAGE,
        run=_pause,
        consequences=_open,
        possible=lambda row: not row.is_over and not row.paused_by_staff,
    ),
    Act(
        name="resume",
        label="Resume",
        permission=MANAGE,
        run=_resume,
        consequences=_open,
        possible=lambda row: not row.is_over and row.paused_by_staff,
    ),
    *(
        Act(
            name=name,
            label=label,
            permission=MANAGE,
            run=_override(value, said),
            consequences=_selection,
            possible=lambda row, value=value: not row.is_over and row.override != value,  # type: ignore[misc]
        )
        for name, label, value, said in (
            ("allow", "Let it trade", models.Market.Override.TRADEABLE, "It trades whatever the filter says."),
            ("block", "Block it", models.Market.Override.BLOCKED, "It is blocked whatever the filter says."),
            ("leave", "Leave it to the filter", "", "The selection filter decides again."),
        )
    ),
    *(
        Act(
            name=f"resolve-{outcome}",
            label=label,
            permission=SETTLE,
            run=_resolve(outcome),
            consequences=_settling(outcome),
            possible=lambda row: not row.is_over,
            dangerous=True,
        )
        for outcome, label in RESOLVE.items()
    ),
)


def _correcting(outcome: str) -> Callable[[models.Settlement], Facts]:
    def consequences(row: models.Settlement) -> Facts:
        found = corrected.preview(row, outcome)
        return [
            ("Market", row.market.title),
            ("Settled now as", row.resolution),
            ("Positions paid otherwise", f"{found['positions']:,}"),
            ("Users", f"{found['users']:,}"),
            ("Credited, USD", shown.amount(found["credit_usd"])),
            ("Taken back, USD", shown.amount(found["reversal_usd"])),
            ("Users who then owe", f"{found['debtors']:,}"),
            ("Their debts, USD", shown.amount(found["debt_usd"])),
            ("A second admin", "has to approve it first" if approvals.required() else "is not needed"),
            ("After it", "it cannot be corrected again"),
        ]

    return consequences


def _correct(outcome: str) -> Callable[[Given], str]:
    def run(given: Given) -> str:
        done = corrections.correct(
            market_id=given.row.market_id, outcome=outcome, reason=given.reason, actor=given.actor, now=given.now
        )
        return _ASKED if done.approval is not None else f"The settlement is corrected to {outcome}."

    return run


def _correctable(row: models.Settlement, outcome: str) -> bool:
    done = row.status == models.Settlement.Status.COMPLETED and row.version == 1
    return done and row.resolution != outcome


OF_SETTLEMENTS = tuple(
    Act(
        name=f"correct-{outcome}",
        label=label,
        permission=SETTLE,
        run=_correct(outcome),
        consequences=_correcting(outcome),
        possible=lambda row, outcome=outcome: _correctable(row, outcome),  # type: ignore[misc]
        dangerous=True,
    )
    for outcome, label in CORRECT.items()
)
