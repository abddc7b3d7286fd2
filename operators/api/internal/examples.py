"""Examples and parameters of God Mode's operator calls, for the API description."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

_OPERATOR = {
    "id": "op_01jd3v0t5he5k9m1x3c7v8z2ab",
    "slug": "northlight",
    "name": "Northlight Casino",
    "status": "live",
}
_KEY = {
    "key_id": "key_01jd3v1n3hf1t8v0a4m6w2q9rs",
    "public_key": "pk_live_8sXv...",
    "label": "API Key",
    "status": "active",
    "created_at": "2026-02-01T09:30:00Z",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": "2026-03-19T11:58:00Z",
}


def _answer(name: str, value: Any, status: str = "200") -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[status])


def _asked(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


LIST_PARAMETERS = [
    OpenApiParameter("status", enum=["pending", "configuring", "testing", "live", "suspended"]),
    OpenApiParameter("search", description="Part of a name or slug"),
    OpenApiParameter("sort", enum=["created_at", "name", "revenue", "users"]),
    OpenApiParameter("order", enum=["asc", "desc"]),
    OpenApiParameter("page", int),
    OpenApiParameter("limit", int, description="1 to 200"),
]
LIST = _answer(
    "Operators",
    {
        "data": [
            {
                **_OPERATOR,
                "logo_url": None,
                "primary_color": "#1a7a3a",
                "s2s_enabled": True,
                "callback_url": "https://api.northlight.example/predictu",
                "embed_origins": ["https://www.northlight.example"],
                "user_count": 1240,
                "trade_count": 30210,
                "revenue_total_usd": 18420.5,
                "revenue_30d_usd": 4210.25,
                "created_at": "2026-02-01T09:00:00Z",
                "onboarded_at": "2026-02-04T16:20:00Z",
            }
        ],
        "total": 1,
    },
)
CREATE = [
    _asked(
        "A new operator",
        {
            "name": "Northlight Casino",
            "slug": "northlight",
            "contact_email": "integration@northlight.example",
            "contact_name": "Sam Reed",
            "website_url": "https://www.northlight.example",
            "callback_url": "https://api.northlight.example/predictu",
            "embed_origins": ["https://www.northlight.example"],
            "config": {"max_bet_usd": 500, "risk_tier": "standard"},
        },
    ),
    _answer(
        "Created",
        {
            "data": {
                **_OPERATOR,
                "status": "pending",
                "api_key": "pk_live_8sXv...",
                "api_secret": "sk_live_...",
                "created_at": "2026-02-01T09:00:00Z",
            }
        },
        "201",
    ),
]
DETAIL = _answer(
    "An operator",
    {
        "data": {
            **_OPERATOR,
            "contact_email": "integration@northlight.example",
            "s2s_healthy": True,
            "s2s_last_ping": "2026-03-19T11:58:00Z",
            "config": {"max_bet_usd": 1000, "min_bet_usd": 1, "risk_tier": "standard", "spread_override": None},
            "metrics": {"user_count": 1240, "active_users_24h": 96, "trade_count": 30210, "exposure_usd": 8120.4},
            "onboarding": {
                "stage": "complete",
                "completed_steps": ["branding", "s2s_config", "embed_setup", "test_trades", "go_live"],
                "skipped_steps": [],
                "onboarded_at": "2026-02-04T16:20:00Z",
            },
        }
    },
)
UPDATE = [
    _asked("Suspend", {"status": "suspended", "reason": "Chargeback investigation"}),
    _asked("Terms", {"revenue_share_predictu": 35, "config": {"risk_tier": "premium"}}),
    _answer(
        "Changed",
        {
            "data": {**_OPERATOR, "status": "suspended"},
            "changes": {"status": {"from": "live", "to": "suspended"}},
        },
    ),
]
KEYS = _answer("Keys", {"data": [_KEY], "total": 1})
REVOKE = [
    _asked("A leaked key", {"reason": "The secret was committed to a repository"}),
    _answer("Revoked", {"data": {**_KEY, "status": "revoked", "revoked_at": "2026-03-19T12:00:00Z"}}),
]
ONBOARDING = [
    _asked(
        "Advance",
        {
            "action": "advance",
            "step": "s2s_config",
            "data": {"callback_url": "https://api.northlight.example/predictu"},
            "notes": "PING verified on the call",
        },
    ),
    _answer(
        "Advanced",
        {
            "data": {
                "operator_id": _OPERATOR["id"],
                "current_step": "embed_setup",
                "previous_step": "s2s_config",
                "completed_steps": ["branding", "s2s_config"],
                "skipped_steps": [],
                "remaining_steps": ["embed_setup", "test_trades", "go_live"],
                "status": "configuring",
                "progress_pct": 40,
                "notes": "PING verified on the call",
                "updated_by": "admin_01jq3v0t5he5k9m1x3c7v8z2ab",
                "updated_at": "2026-02-02T10:00:00Z",
            }
        },
    ),
]
