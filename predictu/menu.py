"""The menu of Django admin: the pages to work from first, then the lists behind them. Whatever else there is stands
on the home page under "Everything"."""

from typing import Any

from django.urls import reverse_lazy


def _to(title: str, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}")}


NAVIGATION = [
    {
        "items": [
            _to("Home", "home", "index"),
        ],
    },
    {
        "title": "Records",
        "separator": True,
        "items": [
            _to("Operators", "storefront", "operators_operator_changelist"),
            _to("Users", "group", "accounts_player_changelist"),
            _to("Markets", "show_chart", "trading_market_changelist"),
            _to("Trades", "swap_horiz", "trading_trade_changelist"),
            _to("Settlements", "task_alt", "trading_settlement_changelist"),
            _to("Invoices", "receipt_long", "billing_invoice_changelist"),
            _to("Reports", "description", "reports_report_changelist"),
            _to("Schedules", "event_repeat", "reports_reportschedule_changelist"),
            _to("Deliveries", "outbox", "operators_delivery_changelist"),
        ],
    },
    {
        "title": "Oversight",
        "separator": True,
        "items": [
            _to("Approvals", "how_to_reg", "platform_approval_changelist"),
            _to("Audit trail", "policy", "platform_auditentry_changelist"),
            _to("Staff", "badge", "accounts_adminuser_changelist"),
        ],
    },
]
