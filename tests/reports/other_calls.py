"""Answers of one thing, and of calls that make one, on a platform and on another: reports, exports, uploads, S2S.

Written straight into the tables where that is shorter than a worker: what is tested is what answers show.
"""

import io
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from operators.models import Endpoint, OnboardingFact, Operator
from reports.models import Export, Report
from tests.factories import make_operator, make_pair, now

S2S = "/api/s2s/operators"


def answers(client: Client, names: dict[str, str], seed: int, url: str) -> dict[str, object]:
    """By what was asked for. ``url`` is a casino's server, which takes a PING on one platform alone."""
    return {**_files(client, names, seed), **_operators(client, names, seed, url)}


def _ask(client: Client, method: str, path: str, body: object = None) -> dict[str, object]:
    answer = getattr(client, method)(path, body, content_type="application/json") if body else client.get(path)
    assert answer.status_code in (200, 201, 202), (path, answer.content)
    return answer.json()


def _files(client: Client, names: dict[str, str], seed: int) -> dict[str, object]:
    first = seed == 1
    wanted = {
        "type": "trades" if first else "users", "format": "csv" if first else "xlsx",
        "filters": {"operator": names["slug"]} if first else {"tier": "normal"},
        "columns": ["id", "side"] if first else ["id", "username", "tier"],
    }  # fmt: skip
    weekly = {
        "name": f"Monday {seed}", "type": wanted["type"], "format": wanted["format"], "filters": wanted["filters"],
        "frequency": "weekly" if first else "monthly", "day_of_week" if first else "day_of_month": seed,
        "time_utc": f"0{seed}:00", "recipients": [f"staff{seed}@predictu.com"], "columns": wanted["columns"],
        "enabled": first,
    }  # fmt: skip
    sent_to = {} if first else {"delivery": "email", "email": "staff@predictu.com"}
    scheduled = _ask(client, "post", "/api/internal/reports/scheduled", weekly)
    made = _ask(client, "post", "/api/internal/reports", {**wanted, **sent_to})
    report = made["data"]["report_id"]
    if not first:
        due = {"schedule_id": scheduled["data"]["id"], "due_at": now()}
        Report.objects.filter(pk=report).update(status="expired", **due)
    kind, packed = ("trades", "none") if first else ("users", "gzip")
    days = {"from": f"2026-0{seed}-01T00:00:00Z", "to": f"2026-1{seed}-01T00:00:00Z"}
    asked = {**days, "format": "csv" if first else "jsonl", "compression": packed, "include_pii": not first}
    exported = _ask(client, "post", f"/api/internal/export/{kind}", asked)
    export = exported["data"]["export_id"]
    Export.objects.filter(pk=export).update(
        status="ready" if first else "expired", progress_pct=100 - seed, row_count=seed, file_size_bytes=80 * seed,
        path=f"exports/{seed}", sha256=str(seed) * 64, generated_at=now(), expires_at=now() + timedelta(hours=1),
        estimated_rows=7 * seed,
    )  # fmt: skip
    image = io.BytesIO()
    Image.new("RGB", (seed, 3 + seed), "red").save(image, "PNG" if first else "JPEG")
    kind = "image/png" if first else "image/jpeg"
    sent = SimpleUploadedFile(f"logo{seed}.{'png' if first else 'jpg'}", image.getvalue(), kind)
    fields = {"category": "operator_logo" if first else "operator_favicon", "operator_slug": names["slug"]}
    uploaded = client.post("/api/internal/upload", {**fields, "file": sent})
    assert uploaded.status_code in (200, 201), uploaded.content
    return {
        "reports/scheduled POST": scheduled,
        "reports/scheduled": _ask(client, "get", "/api/internal/reports/scheduled"),
        "reports POST": made,
        "reports/{report}": _ask(client, "get", f"/api/internal/reports/{report}"),
        "export POST": exported,
        "export/{export}/status": _ask(client, "get", f"/api/internal/export/{export}/status"),
        "upload POST": uploaded.json(),
    }


def _unlike(operator: Operator) -> None:
    """Other terms, a callback that failed, and still on its way."""
    Operator.objects.filter(pk=operator.pk).update(
        stage="testing", onboarded_at=None, suspended_at=None, new_tier_limit=11, regular_tier_limit=222,
        vip_tier_limit=3333, auto_promote_enabled=False, auto_promote_days=9, auto_promote_trades=4,
        can_promote_vip=True, daily_loss_limit_enabled=True, daily_loss_limit_usd=500,
        branding={**operator.branding, "bg_primary": "#111111", "bg_secondary": "#222222"},
    )  # fmt: skip
    Endpoint.objects.filter(pk=operator.pk).update(url="https://cb.example/x", failures=3)
    for name in OnboardingFact.Name.values:
        OnboardingFact.objects.update_or_create(operator=operator, name=name, defaults={"completed_at": now()})


def _operators(client: Client, names: dict[str, str], seed: int, url: str) -> dict[str, object]:
    first = seed == 1
    operator = Operator.objects.get(slug=names["slug"])
    if not first:
        _unlike(operator)
    path, other = f"{S2S}/{operator.id}", make_operator(callback_url=url)
    make_pair(other)
    body = {
        "name": f"Casino {seed}", "domain": f"casino{seed}.io", "contact_email": f"a{seed}@casino.io",
        "billing_email": f"b{seed}@casino.io", "revenue_share_predictu": 24 + seed,
        "allowed_categories": ["politics"] if first else ["sports", "crypto"],
        "config": {"new_tier_limit": 14 + seed, "auto_promote_days": 4 + seed},
    }  # fmt: skip
    renamed = {"name": f"Renamed {seed}", "config": {"new_tier_limit": seed + 3}}
    labelled = {"label": f"keys {seed}", "grace_period_hours": seed}
    found = {
        "s2s/operators": _ask(client, "get", S2S),
        "s2s/operators/{id}": _ask(client, "get", path),
        "s2s/operators POST": _ask(client, "post", S2S, body),
        "s2s/operators/{id} PATCH": _ask(client, "patch", path, renamed),
        "s2s/operators/{id}/keys POST": _ask(client, "post", f"{path}/keys", labelled),
        "s2s/operators/{id}/test POST": _ask(client, "post", f"{S2S}/{other.id}/test", {"timeout_ms": 4000 + seed}),
    }  # fmt: skip
    found["s2s/operators/{id}/public-key"] = _ask(client, "get", f"{path}/public-key")
    return found
