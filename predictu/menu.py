"""The menu of Django admin: what staff work from every day first, then every table by what it is about.

Every table stands here exactly once, which a test holds; a page of its own is named by its URL.
"""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is no table: its title and the name of its URL on the site."""

    title: str
    name: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The list of a model, ``app.model``; its title is the model's plural unless it is given."""

    model: str
    title: str = ""
    icon: str = ""


Entry = Page | Table

DAILY: tuple[Entry, ...] = (
    Page("Home", "index", "home"),
    Table("operators.operator", icon="store"),
    Table("accounts.player", icon="group"),
    Table("trading.market", icon="query_stats"),
    Page("Risk desk", "risk_desk", "shield"),
    Page("Review queue", "risk_review_queue", "person_search"),
    Page("Settlement console", "trading_settlement_console", "gavel"),
    Page("Finance desk", "billing_finance_desk", "account_balance"),
    Table("reports.report", icon="description"),
    Page("Configuration", "configuration", "tune"),
    Table("platform.auditentry", "Audit trail", "history"),
)
GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("", DAILY),
    (
        "Operators",
        (
            Table("operators.operatorkey", "Keys"),
            Table("operators.onboardingstep"),
            Table("operators.onboardingfact", "Onboarding evidence"),
            Table("operators.pingresult"),
        ),
    ),
    (
        "Callbacks",
        (
            Table("operators.delivery"),
            Table("operators.endpoint", "Callback URLs"),
            Table("operators.callbackevent", "Events"),
            Table("operators.attempt"),
            Table("operators.claim"),
        ),
    ),
    (
        "Trading",
        (
            Table("trading.trade"),
            Table("trading.position"),
            Table("accounts.ledgerentry", "Ledger"),
            Table("trading.settlement"),
            Table("trading.settlementpart"),
        ),
    ),
    (
        "Risk",
        (
            Table("risk.circuitbreaker"),
            Table("risk.riskevent"),
            Table("risk.exposurebucket", "Exposure"),
            Table("risk.playerscore", "Scores"),
            Table("risk.anomalywatch"),
        ),
    ),
    (
        "Finance",
        (
            Table("billing.invoice"),
            Table("billing.payment"),
            Table("billing.creditnote"),
            Table("billing.invoiceline"),
            Table("billing.carriedmonth"),
            Table("billing.monthclose", "Closed months"),
            Table("billing.monthnote", "Notes on months"),
            Table("billing.invoiceattachment"),
            Table("billing.invoicemail"),
        ),
    ),
    (
        "Revenue",
        (
            Table("trading.monthlyrevenue"),
            Table("trading.dailyrevenue"),
            Table("trading.hourlyrevenue"),
            Table("trading.playerrevenue"),
            Table("trading.lifetimesum"),
            Table("trading.revenuefact"),
            Table("reports.storedforecast", "Forecasts"),
        ),
    ),
    ("Reports", (Table("reports.reportschedule", "Schedules"), Table("reports.export"))),
    (
        "Staff",
        (
            Table("accounts.adminuser"),
            Table("platform.approval"),
            Table("platform.activityevent", "Activity"),
            Table("reports.standingalert", "Alerts"),
            Table("platform.adminnotice", "Notices"),
            Table("platform.configrevision", "Configuration revisions"),
        ),
    ),
    (
        "Behind the scenes",
        (
            Table("platform.heartbeat"),
            Table("trading.syncrun", "Market syncs"),
            Table("platform.relaystream"),
            Table("platform.storedfile", "Files"),
            Table("operators.keyuse"),
            Table("operators.idempotencyrecord"),
            Table("operators.transactionreference", "Operators' references"),
            Table("accounts.loginfailure"),
            Table("accounts.revokedtoken"),
            Table("trading.activeday"),
            Table("trading.tradeday"),
            Table("trading.tradetally"),
            Table("trading.tradepattern"),
            Table("trading.cohortday"),
            Table("trading.cohortactivity"),
            Table("accounts.signupday"),
            Table("accounts.signupchannel"),
            Table("billing.numberseries"),
            Table("risk.anomalywatchcursor"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu as unfold takes it. Every role sees every table, so nothing is left out."""
    return [{"title": title, "items": [_item(entry) for entry in entries]} for title, entries in GROUPS]


def stylesheet(request: HttpRequest) -> str:
    """Where the desk's own looks lie."""
    return static("desk.css")


def script(request: HttpRequest) -> str:
    """Where what the keyboard needs lies."""
    return static("desk.js")


def _item(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Page):
        return {"title": entry.title, "icon": entry.icon, "link": reverse(f"admin:{entry.name}")}
    meta = apps.get_model(entry.model)._meta
    plural = str(meta.verbose_name_plural)
    return {
        "title": entry.title or plural[0].upper() + plural[1:],
        "icon": entry.icon,
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }
