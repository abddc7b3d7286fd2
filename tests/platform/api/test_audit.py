"""The audit trail over HTTP: who changed what, found by object, actor, action and time; rewritten by nobody."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts import roles
from predictu import ids
from predictu.platform import audit
from predictu.platform.models import AuditEntry
from tests.factories import as_admin, make_admin, make_operator

pytestmark = pytest.mark.django_db
PATH = "/api/internal/audit"
NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


@pytest.fixture
def told():
    """Four lines an hour apart by two admins: two of an operator, one of a breaker, one of the configuration."""
    ada, ben, operator, breaker = make_admin(), make_admin(), ids.new("op"), ids.new("cb")

    def line(hours, actor, action, object_type, object_id="", **more):
        at, names = NOON + timedelta(hours=hours), {"object_type": object_type, "object_id": object_id}
        return audit.record(actor=actor, action=action, now=at, **names, **more).id

    ids_ = [
        line(0, ada, "operator.update", "operator", operator, reason="Unpaid",
             changes={"name": {"from": "A", "to": "B"}, "contact_email": {"from": "a@b.example", "to": "c@d.example"}}),
        line(1, ben, "operator.update", "operator", operator),
        line(2, ben, "breaker.trip", "circuit_breaker", breaker, metadata={"hot": True}),
        line(3, ada, "config.update", "config"),
    ]  # fmt: skip
    return SimpleNamespace(ada=ada, ben=ben, operator=operator, breaker=breaker, ids=ids_)


def found(query, *groups):
    answer = Client(headers=as_admin(make_admin(*(groups or (roles.READ_ONLY,))))).get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_line_says_who_what_from_where_and_why(told):
    (row,) = found(f"object={told.operator}&actor={told.ada.id}")["data"]
    assert row == {
        "id": told.ids[0], "actor_id": told.ada.id, "actor_email": told.ada.email, "address": None,
        "request_id": row["request_id"], "action": "operator.update", "object_type": "operator",
        "object_id": told.operator,
        "changes": {"name": {"from": "A", "to": "B"}, "contact_email": {"changed": True}},
        "reason": "Unpaid", "metadata": {}, "created_at": "2026-03-19T12:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", [3, 2, 1, 0]),
        ("object={operator}", [1, 0]),
        ("object={breaker}", [2]),
        ("object_type=operator", [1, 0]),
        ("object_type=config", [3]),
        ("actor={ada}", [3, 0]),
        ("actor={ben}&action=operator.update", [1]),
        ("action=breaker.trip", [2]),
        ("action=breaker", []),
        ("from=2026-03-19T13:00:00Z", [3, 2, 1]),
        ("to=2026-03-19T13:00:00Z", [0]),
        ("from=2026-03-19T13:00:00Z&to=2026-03-19T15:00:00Z", [2, 1]),
        ("from=2026-03-19&to=2026-03-19", [3, 2, 1, 0]),
        ("from=2026-03-20", []),
        ("object=op_00000000000000000000000000", []),
        ("limit=2", [3, 2]),
        ("limit=2&page=2", [1, 0]),
        ("limit=2&page=9", []),
    ],
)
def test_each_filter_finds_its_lines_newest_first(told, query, wanted):
    names = {"operator": told.operator, "breaker": told.breaker, "ada": told.ada.id, "ben": told.ben.id}
    answer = found(query.format(**names))
    assert [row["id"] for row in answer["data"]] == [told.ids[number] for number in wanted]
    if "page" not in query and "limit" not in query:
        assert answer["pagination"]["total"] == len(wanted)


@pytest.mark.parametrize(
    "query",
    ["actor=ada", "actor=op_00000000000000000000000000", "from=soon", "from=2026-03-20&to=2026-03-19", "limit=0",
     f"object={'x' * 65}"],
)  # fmt: skip
def test_what_is_no_filter_is_refused_by_name(told, query):
    answer = Client(headers=as_admin(make_admin())).get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
    assert list(answer.json()["error"]["details"]) == [query.partition("=")[0]]


def test_it_is_read_and_only_read_by_staff(told):
    for role in roles.ROLES:
        assert len(found("", role)["data"]) == 4
    client = Client(headers=as_admin(make_admin()))
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(PATH).status_code == 405
    assert Client().get(PATH).status_code == 401


def test_a_change_over_http_is_a_line_with_the_callers_address(told):
    admin, operator = make_admin(), make_operator(name="Old")
    client = Client(headers=as_admin(admin), REMOTE_ADDR="203.0.113.9")
    path = f"/api/internal/operators/{operator.slug}"
    answer = client.patch(path, {"name": "New", "reason": "They asked"}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    (row,) = found(f"object={operator.id}")["data"]
    assert (row["actor_id"], row["address"], row["changes"]) == (
        admin.id, "203.0.113.9", {"name": {"from": "Old", "to": "New"}}
    )  # fmt: skip
    assert row["request_id"] == answer["X-Request-Id"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE platform_auditentry SET reason = 'nicer'",
        "UPDATE platform_auditentry SET created_at = created_at",
        "DELETE FROM platform_auditentry",
        "TRUNCATE platform_auditentry CASCADE",
    ],
)
def test_the_database_refuses_to_rewrite_it(told, statement):
    before = list(AuditEntry.objects.order_by("pk").values())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a pending check of a foreign key would refuse TRUNCATE, too
        with pytest.raises(DatabaseError, match="cannot be changed or removed"), transaction.atomic():
            cursor.execute(statement)
    for refused in (AuditEntry.objects.all().delete, lambda: AuditEntry.objects.update(reason="x")):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()
    assert list(AuditEntry.objects.order_by("pk").values()) == before
