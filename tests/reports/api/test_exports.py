"""Exports over HTTP, made for real: every type and format, all formats and the API's list agree, gone after an hour."""

import csv
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import zstandard
from django.core.files.storage import default_storage
from django.test import Client
from pyarrow import parquet
from pyarrow import types as pa_types

from accounts import roles
from predictu.platform.models import AuditEntry
from reports.exports.tables import DUMPS
from reports.models import Export
from reports.services import expiry, exports
from risk.models import RiskEvent
from tests.factories import as_admin, make_admin, make_market, make_operator, make_player, place

URL = "/api/internal/export"
EVER = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}


@pytest.fixture
def staff(settings):
    settings.PREDICTU_ADMIN_RATE_LIMIT = 10_000
    return Client(headers=as_admin(make_admin()))


@pytest.fixture
def world():
    operator = make_operator(slug="northlight", new_tier_limit=1000)
    other = make_operator(stage="testing", onboarded_at=None, new_tier_limit=1000)
    ada, tester = make_player(operator, balance=500), make_player(other, balance=500, is_test=True)
    market = make_market(title='=cmd, "quoted"\nand ünbroken\\')
    place(ada, market, 20)
    place(ada, market, 5, side="sell")
    place(ada, market, "30.1234", outcome="no")
    place(tester, market, 10)
    RiskEvent.objects.create(
        type="anomaly",
        severity="warning",
        message=f"{{{ada.pk}}} did {{{market.pk}}}",
        scope={"user_id": ada.pk},
        player=ada,
        operator=operator,
        value=Decimal("1.50"),
        created_at=datetime.now(UTC),
    )
    return {"operator": operator, "ada": ada}


def ask(client, kind, **body):
    return client.post(f"{URL}/{kind}", {**EVER, **body}, content_type="application/json")


def made(client, kind, **body):
    answer = ask(client, kind, **body)
    assert answer.status_code == 202, answer.json()
    shown = client.get(answer.json()["data"]["poll_url"]).json()["data"]
    assert shown["status"] == "ready", shown
    return shown


def content(client, export):
    answer = client.get(export["download_url"])
    assert answer.status_code == 200
    data = b"".join(answer.streaming_content)
    assert len(data) == export["file_size_bytes"] and hashlib.sha256(data).hexdigest() == export["sha256"]
    return data


def rows_of(client, export):
    """Every row of a file as texts by column, None for nothing; Parquet read back by pyarrow."""
    data = content(client, export)
    if export["format"] == "parquet":
        return [{name: _text(value) for name, value in row.items()} for row in _table(data).to_pylist()]
    data = {"gzip": gzip.decompress, "zstd": _unzstd, "none": bytes}[export["compression"]](data)
    if export["format"] == "jsonl":
        lines = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in data.decode().splitlines()]
        return [{name: _text(value) for name, value in line.items()} for line in lines]
    found = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    return [{name: value or None for name, value in row.items()} for row in found]


def _table(data):
    return parquet.read_table(io.BytesIO(data))


def _unzstd(data):
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return None if value is None else str(value)


def by_id(rows):
    return {row["id"]: row for row in rows}


@pytest.mark.committed
def test_all_formats_of_every_type_hold_the_same_rows(staff, world):
    for kind in DUMPS:
        written = [
            by_id(rows_of(staff, made(staff, kind, format=form, compression=packing, include_pii=True)))
            for form, packing in (("csv", "none"), ("csv", "gzip"), ("jsonl", "zstd"), ("parquet", "zstd"))
        ]
        for name in ("metadata", "scope"):  # spacing within JSON may differ
            for rows in written:
                for row in rows.values():
                    if name in row and kind in ("ledger", "risk_events"):
                        row[name] = json.loads(row[name], parse_float=str, parse_int=str)
        assert written[1] == written[0]
        assert written[2] == written[0], kind
        assert written[3] == written[0], kind
        assert bool(written[0]) == (kind != "settlements")


@pytest.mark.committed
def test_csv_parquet_and_the_apis_list_agree_on_every_row(staff, world):
    listed = staff.get("/api/internal/trades?limit=200").json()["data"]
    listed += staff.get("/api/internal/trades?limit=200&is_test=true").json()["data"]
    assert len(listed) == 4
    for form in ("csv", "parquet"):
        found = by_id(rows_of(staff, made(staff, "trades", format=form, include_pii=True)))
        assert set(found) == {row["id"] for row in listed}
        for row in listed:
            mine = found[row["id"]]
            for name, value in row.items():
                if name == "created_at":
                    assert mine[name][:19] + "Z" == value
                elif isinstance(value, int | float):
                    assert Decimal(mine[name]) == Decimal(str(value)), name
                else:
                    assert mine[name] == value, name


@pytest.mark.committed
def test_types_are_kept_and_personal_columns_are_absent(staff, world):
    export = made(staff, "trades", format="parquet")
    table = _table(content(staff, export))
    assert "user_name" not in table.column_names
    assert pa_types.is_decimal(table.schema.field("cost_usd").type) and table.schema.field("cost_usd").type.scale == 2
    assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    manifest = staff.get(export["manifest_url"]).json()["data"]
    assert [column["name"] for column in manifest["columns"]] == table.column_names
    assert (manifest["row_count"], manifest["sha256"], manifest["raw"]) == (4, export["sha256"], True)
    users = rows_of(staff, made(staff, "users", format="csv"))
    assert {"email", "username", "external_id"}.isdisjoint(users[0])
    assert {"channel", "limit_tier", "is_test", "operator_slug"} <= set(users[0])
    assert world["ada"].email not in str(users)


@pytest.mark.committed
def test_one_operators_rows_and_no_others(staff, world):
    for kind in ("users", "trades", "positions", "ledger", "risk_events", "settlements"):
        rows = rows_of(staff, made(staff, kind, format="csv", operator="northlight"))
        assert {row["operator_slug"] for row in rows} <= {"northlight"}
        assert rows or kind == "settlements"
    nothing = made(staff, "trades", format="parquet", to="2020-01-02")
    assert nothing["row_count"] == 0 and _table(content(staff, nothing)).num_rows == 0


@pytest.mark.committed
def test_who_may_and_what_is_remembered(staff, world):
    finance = Client(headers=as_admin(make_admin(roles.FINANCE)))
    refused = ask(finance, "users", include_pii=True)
    assert refused.status_code == 403 and not Export.objects.exists()
    with_pii = made(staff, "users", include_pii=True)
    assert finance.get(with_pii["download_url"]).status_code == 403
    entry = AuditEntry.objects.get(action="export.created")
    assert entry.metadata["include_pii"] is True and entry.metadata["type"] == "users"
    content(staff, with_pii)
    assert AuditEntry.objects.filter(action="export.downloaded", object_id=with_pii["export_id"]).count() == 1
    row = Export.objects.get()
    assert row.expires_at - row.generated_at == timedelta(hours=1)
    assert expiry.sweep(now=row.expires_at - timedelta(seconds=1)) == 0
    assert expiry.sweep(now=row.expires_at) == 1 and not default_storage.exists(row.path)
    assert staff.get(with_pii["download_url"]).status_code == 410


@pytest.mark.django_db
def test_bodies_are_read_strictly(staff):
    unknown = staff.post(f"{URL}/secrets", EVER, content_type="application/json")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "NOT_FOUND")
    for body, field in (
        ({"format": "xml"}, "format"),
        ({"compression": "rar"}, "compression"),
        ({"from": None}, "from"),
        ({"operator": "nobody"}, "operator"),
        ({"include_pii": "yes"}, "include_pii"),
        ({"to": "2019-01-01"}, "from"),
        ({"surprise": 1}, "surprise"),
    ):
        answer = ask(staff, "trades", **body)
        assert answer.status_code == 422 and field in answer.json()["error"]["details"], body


@pytest.mark.django_db
def test_one_that_waits_can_be_cancelled(staff):
    export = ask(staff, "trades").json()["data"]
    assert export["status"] == "processing" and export["estimated_rows"] >= 0
    assert staff.delete(f"{URL}/{export['export_id']}").json()["data"]["status"] == "cancelled"
    exports.make(export["export_id"], now=datetime.now(UTC))
    assert Export.objects.get().status == "cancelled"
    assert staff.post(f"{URL}/{export['export_id']}/cancel", content_type="application/json").status_code == 409
    assert staff.get(f"{URL}/{export['export_id']}/download").status_code == 410
