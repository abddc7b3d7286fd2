"""Examples and parameters of the S2S calls, for the API description."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

_ID = "op_01jd3v0t5he5k9m1x3c7v8z2ab"
_OPERATOR = {"id": _ID, "name": "Northlight Casino", "domain": "northlight.example", "status": "onboarding"}
_URL = "https://api.northlight.example/predictu"


def _answer(name: str, value: Any, status: str = "200") -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[status])


def _asked(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


LIST_PARAMETERS = [
    OpenApiParameter("status", enum=["active", "inactive", "onboarding", "all"]),
    OpenApiParameter("search", description="Part of a name or domain"),
    OpenApiParameter("sort", enum=["name", "created", "volume", "users"]),
    OpenApiParameter("order", enum=["asc", "desc"]),
    OpenApiParameter("limit", int, description="1 to 100"),
    OpenApiParameter("offset", int),
]
LIST = _answer(
    "Operators",
    {
        "operators": [
            {
                **_OPERATOR,
                "user_count": 0,
                "active_user_count_24h": 0,
                "total_volume": 0,
                "mtd_revenue": 0,
                "revenue_share_predictu": 30,
                "onboarding_complete": False,
                "created_at": "2026-02-01T09:00:00.000Z",
            }
        ],
        "total": 1,
        "limit": 20,
        "offset": 0,
    },
)
CREATE = [
    _asked(
        "A new operator",
        {
            "name": "Northlight Casino",
            "domain": "northlight.example",
            "contact_email": "integration@northlight.example",
            "revenue_share_predictu": 30,
        },
    ),
    _answer(
        "Created",
        {
            "success": True,
            "operator": {
                **_OPERATOR,
                "revenue_share_predictu": 30,
                "revenue_share_operator": 70,
                "onboarding_step": 1,
                "onboarding_complete": False,
                "created_at": "2026-02-01T09:00:00.000Z",
            },
        },
        "201",
    ),
]
DETAIL = _answer(
    "An operator",
    {
        **_OPERATOR,
        "callback_url": _URL,
        "callback_status": "healthy",
        "onboarding_step": 1,
        "api_keys": [],
        "onboarding_checklist": {"create_record": {"complete": True, "completed_at": "2026-02-01T09:00:00.000Z"}},
        "recent_invoices": [],
    },
)
UPDATE = [
    _asked("Share and a limit", {"revenue_share_predictu": 35, "config": {"new_tier_limit": 20}}),
    _answer(
        "Changed",
        {
            "success": True,
            "operator": {**_OPERATOR, "revenue_share_predictu": 35, "revenue_share_operator": 65},
            "changes": {
                "config.new_tier_limit": {"from": 10, "to": 20},
                "revenue_share_predictu": {"from": 30, "to": 35},
            },
        },
    ),
]
KEYS = [
    _asked("A rotation", {"label": "Spring keys", "grace_period_hours": 24}),
    _answer(
        "A new pair",
        {
            "success": True,
            "key_pair": {
                "key_id": "key_01jd3v1n3hf1t8v0a4m6w2q9rs",
                "public_key": "pk_live_8sXv...",
                "secret_key": "sk_live_...",
                "label": "Spring keys",
                "status": "active",
                "created_at": "2026-02-01T09:30:00.000Z",
            },
            "previous_keys": None,
        },
        "201",
    ),
]
PUBLIC_KEY = _answer(
    "The newest key",
    {
        "operator_id": _ID,
        "public_key": "pk_live_8sXv...",
        "key_id": "key_01jd3v1n3hf1t8v0a4m6w2q9rs",
        "status": "active",
        "created_at": "2026-02-01T09:30:00.000Z",
    },
)
TEST = [
    _asked("A URL not saved yet", {"callback_url": _URL, "timeout_ms": 5000}),
    _answer(
        "It timed out",
        {
            "success": False,
            "test_result": {
                "callback_url": _URL,
                "error": "TIMEOUT",
                "error_message": "Callback did not respond within 5000ms",
                "latency_ms": 5000,
                "suggestion": "The request was sent, but no answer began: ensure the callback handler answers first "
                "and does slow work afterwards.",
                "phases_ms": {"dns": 2.1, "connect": 8.4, "tls": 20.3, "first_byte": None},
                "certificate_days_left": 61,
            },
        },
    ),
]
