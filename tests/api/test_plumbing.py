"""What every API promises of every answer, whatever is sent: tried through HTTP on views made for it."""

import io
import json
from decimal import Decimal

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import connection
from django.test import Client
from django.urls import path
from rest_framework import serializers

from predictu import errors, urls
from predictu.api import bodies, context, faces
from predictu.api.views import DataView
from tests.factories import as_admin, make_admin, make_operator, make_pair, signed

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Inner(serializers.Serializer):
    max_bet_usd = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=Decimal(1))


class Body(serializers.Serializer):
    name = serializers.CharField(max_length=5)
    limits = Inner(required=False)


class Echo(DataView):
    permissions = {"POST": None}

    def get(self, request):
        return self.answer({"limit": self.query.integer("limit", 50, least=1, most=200), "usd": Decimal("0.47")})

    def post(self, request):
        return self.answer(self.body(Body), status=201)


class Raw(DataView):
    """Answers what it was sent, decoded but unchecked."""

    permissions = {"POST": None}

    def post(self, request):
        return self.answer({name: repr(value) for name, value in request.data.items()})


class Broken(DataView):
    """Raises what its path names."""

    KINDS = {
        "crash": RuntimeError("secret detail"),
        "suspicious": SuspiciousOperation("secret detail"),
        "taken": errors.Conflict("The slug is taken", code="SLUG_EXISTS", details={"slug": ["taken"]}),
        "busy": errors.Busy(),
        "gone": errors.Gone(details={"oldest_sequence": 7}),
        "money": errors.InsufficientBalance(details={"balance_usd": Decimal("1.50")}),
        "database": None,
    }

    def get(self, request, kind):
        if self.KINDS[kind]:
            raise self.KINDS[kind]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0); SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)")


urlpatterns = [
    *urls.urlpatterns,
    *(path(f"{face.prefix[1:]}/echo", Echo.as_view()) for face in faces.FACES),
    *(path(f"{face.prefix[1:]}/raw", Raw.as_view()) for face in faces.FACES),
    *(path(f"{face.prefix[1:]}/broken/<kind>", Broken.as_view()) for face in faces.FACES),
]


@pytest.fixture
def god():
    return Client(headers=as_admin(make_admin()), raise_request_exception=False)


def envelope(code, message, details=None):
    return {"error": {"code": code, "message": message, "details": details}}


def post(client, where, body, content_type="application/json", **more):
    return client.generic("POST", where, body, content_type=content_type, **more)


class TestEnvelopes:
    @pytest.mark.parametrize(
        "where",
        ["/api/internal/nothing", "/api/internal/echo/", "/api/internal", "/api/internal/x%00y", "/api/internal/%ff"],
    )
    def test_404(self, god, where):
        answer = god.get(where)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
        assert answer.json() == envelope("NOT_FOUND", "Resource does not exist")

    def test_404_in_the_s2s_words(self, god):
        assert god.get("/api/s2s/nothing").json() == {
            "success": False,
            **envelope("NOT_FOUND", "Resource does not exist"),
        }

    @pytest.mark.parametrize("where", ["/api", "/api/", "/api/nothing", "/api/docsx", "/api/schema"])
    def test_404_outside_every_api(self, where):
        answer = Client().get(where)
        assert (answer.status_code, answer.json()) == (404, envelope("NOT_FOUND", "Resource does not exist"))
        assert answer["X-RateLimit-Limit"] == "60"

    def test_no_debug_page(self, god, settings):
        settings.DEBUG = True
        for where, status in (("/api/internal/nothing", 404), ("/api/internal/broken/crash", 500), ("/api/x", 404)):
            answer = god.get(where)
            assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
            assert b"secret detail" not in answer.content

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
    def test_405(self, god, method):
        answer = getattr(god, method)("/api/internal/echo")
        assert answer.status_code == 405
        assert answer.json() == envelope("METHOD_NOT_ALLOWED", "This method is not allowed here")
        assert answer["Allow"] == "GET, POST, HEAD"

    def test_an_invented_method(self, god):
        assert god.generic("BREW", "/api/internal/echo").status_code == 405

    def test_head_is_get_without_a_body(self, god):
        answer = god.head("/api/internal/echo")
        assert (answer.status_code, answer.content) == (200, b"")

    def test_money_is_a_number(self, god):
        assert god.get("/api/internal/echo").content == b'{"data":{"limit":50,"usd":0.47}}'

    def test_a_fault_says_nothing_of_itself_and_is_logged(self, god, caplog):
        answer = god.get("/api/internal/broken/crash")
        assert (answer.status_code, answer.json()) == (500, envelope("INTERNAL_ERROR", "Unexpected server failure"))
        assert "secret detail" in caplog.text

    def test_framework_refusals_are_envelopes(self, god):
        answer = god.get("/api/internal/broken/suspicious")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")

    def test_each_face_has_its_words(self, god):
        message, details = "The slug is taken", {"slug": ["taken"]}
        internal, s2s = god.get("/api/internal/broken/taken"), god.get("/api/s2s/broken/taken")
        assert (internal.status_code, internal.json()) == (409, envelope("CONFLICT", message, details))
        expected = {"success": False, **envelope("SLUG_EXISTS", message, details)}
        assert (s2s.status_code, s2s.json()) == (409, expected)

    @pytest.mark.parametrize(
        "kind, status, code, details",
        [
            ("taken", 409, "SLUG_EXISTS", {"slug": ["taken"]}),
            ("busy", 503, "BUSY", None),
            ("gone", 410, "GONE", {"oldest_sequence": 7}),
            ("money", 422, "INSUFFICIENT_BALANCE", {"balance_usd": 1.5}),
            ("crash", 500, "INTERNAL_ERROR", None),
        ],
    )
    def test_the_casino_words(self, kind, status, code, details):
        pair, where = make_pair(make_operator()), f"/api/casino/broken/{kind}"
        answer = Client(raise_request_exception=False).get(where, headers=signed(pair, "GET", where))
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["details"]) == (status, code, details)
        assert answer.get("Retry-After") == ("1" if kind == "busy" else None)
        assert answer["X-RateLimit-Limit"] == "600"

    def test_a_statement_the_database_gives_up_is_503(self, god):
        assert god.get("/api/internal/broken/database").status_code == 503

    def test_errors_of_the_layers_around_are_envelopes(self, god, settings):
        settings.ALLOWED_HOSTS = ["predictu.example"]
        answer = god.get("/api/internal/echo")
        assert (answer.status_code, answer.json()) == (400, envelope("BAD_REQUEST", errors.BadRequest.message))


class TestQueries:
    @pytest.mark.parametrize("value", ["0", "201", "-1", "1.5", "x", "1e2", "٣", "99999999999999999999", "%00", "1%00"])
    def test_a_bad_parameter_is_named(self, god, value):
        answer = god.get(f"/api/internal/echo?limit={value}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
        assert list(answer.json()["error"]["details"]) == ["limit"]
        s2s = god.get(f"/api/s2s/echo?limit={value}")
        assert (s2s.status_code, s2s.json()["error"]["code"]) == (400, "VALIDATION_ERROR")

    def test_unknown_parameters_are_ignored(self, god):
        assert god.get("/api/internal/echo?colour=green&limit=7").json()["data"]["limit"] == 7


MALFORMED = {
    "nothing readable": b"{",
    "a list": b"[1]",
    "a number": b"5",
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "a key twice": b'{"name": "a", "name": "b"}',
    "a null byte": b'{"name": "a\x00"}',
    "an escaped null byte": b'{"name": "a\\u0000"}',
    "broken UTF-8": b'{"name": "\xff\xfe"}',
    "half a character": b'{"name": "\\ud800"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "a"}',
    "nested deeply": b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}",
    "nested without end": b'{"name": ' + b"[" * 300_000,
    "a huge whole number": b'{"name": ' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"name": 1e999999999}',
    "single quotes": b"{'name': 'a'}",
    "a trailing comma": b'{"name": "a",}',
    "two objects": b"{}{}",
}


class TestBodies:
    @pytest.mark.parametrize("what", MALFORMED)
    def test_malformed(self, god, what):
        for face, code in (("internal", "BAD_REQUEST"), ("s2s", "VALIDATION_ERROR")):
            answer = post(god, f"/api/{face}/echo", MALFORMED[what])
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)

    def test_malformed_on_the_casino_api(self):
        pair, body = make_pair(make_operator()), b"{"
        answer = post(Client(), "/api/casino/echo", body, headers=signed(pair, "POST", "/api/casino/echo", body))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")

    @pytest.mark.parametrize(
        "body, details",
        [
            ({}, {"name": ["This field is required."]}),
            ({"name": "abcdef"}, {"name": ["Ensure this field has no more than 5 characters."]}),
            ({"name": None}, {"name": ["This field may not be null."]}),
            ({"name": {"a": 1}}, {"name": ["Not a valid string."]}),
            ({"name": "a", "nmae": 1}, {"nmae": ["unknown field"]}),
            ({"name": "a", "limits": 5}, {"limits": ["Invalid data. Expected a dictionary, but got int."]}),
            ({"name": "a", "limits": {"max_bet_usd": 1, "x": {}}}, {"limits.x": ["unknown field"]}),
            (
                {"limits": {"max_bet_usd": -1}},
                {
                    "name": ["This field is required."],
                    "limits.max_bet_usd": ["Ensure this value is greater than or equal to 1."],
                },
            ),
        ],
    )
    def test_a_body_that_fails_its_schema(self, god, body, details):
        answer = post(god, "/api/internal/echo", json.dumps(body))
        assert answer.status_code == 422
        assert answer.json() == envelope("VALIDATION_ERROR", "Schema validation failed", details)
        s2s = post(god, "/api/s2s/echo", json.dumps(body))
        assert (s2s.status_code, s2s.json()["error"]["code"]) == (400, "VALIDATION_ERROR")

    def test_numbers_are_exact(self, god):
        answer = post(god, "/api/internal/raw", b'{"a": 0.1, "b": 12345678901234567890, "c": 1e2, "d": true}')
        assert answer.json()["data"] == {
            "a": "Decimal('0.1')",
            "b": "12345678901234567890",
            "c": "Decimal('1E+2')",
            "d": "True",
        }

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"]
    )
    def test_another_content_type_is_415(self, god, content_type):
        answer = post(god, "/api/internal/echo", b'{"name": "a"}', content_type)
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")

    @pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/JSON"])
    def test_json_by_other_spellings(self, god, content_type):
        assert post(god, "/api/internal/echo", b'{"name": "a"}', content_type).status_code == 201

    def test_an_empty_body_is_an_empty_object(self, god):
        assert post(god, "/api/internal/raw", b"").json() == {"data": {}}
        assert post(god, "/api/internal/raw", b" \n").json() == {"data": {}}

    @pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*", "x"])
    def test_whatever_is_accepted_json_is_answered(self, god, accept):
        answer = god.get("/api/internal/echo", headers={"Accept": accept})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")

    def test_one_megabyte_is_the_most(self, god):
        fits = b'{"a": "' + b"x" * (bodies.JSON_BODY_MAX - 9) + b'"}'
        assert len(fits) == 1_000_000
        assert post(god, "/api/internal/raw", fits).status_code == 200
        for body in (fits + b" ", b"x" * 5_000_000):
            answer = post(god, "/api/internal/raw", body)
            message = "The request body is larger than 1,000,000 bytes"
            assert (answer.status_code, answer.json()) == (413, envelope("PAYLOAD_TOO_LARGE", message))
            assert answer["X-RateLimit-Limit"] == "60"

    def test_too_large_for_the_casino_api(self):
        body = b"x" * 1_000_001
        for headers, status in (
            (signed(make_pair(make_operator()), "POST", "/api/casino/raw", body), 413),
            ({}, 401),
        ):
            answer = post(Client(), "/api/casino/raw", body, headers=headers)
            assert (answer.status_code, answer["X-RateLimit-Limit"]) == (status, "600")

    @pytest.mark.parametrize("length", ["x", "-5", "1e3"])
    def test_a_length_that_is_no_number(self, god, length):
        assert post(god, "/api/internal/raw", b"{}", CONTENT_LENGTH=length).status_code == 200

    def chunked(self, client, where, body, **more):
        """A request as gunicorn hands over one with Transfer-Encoding: chunked: no length, an input that ends."""
        server = {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        server |= {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": "application/json"}
        return client.generic("POST", where, b"", **server, **more)

    def test_chunked_bodies_are_read(self, god):
        assert self.chunked(god, "/api/internal/raw", b'{"a": 1}').json() == {"data": {"a": "1"}}

    def test_chunked_bodies_are_bounded(self, god):
        assert self.chunked(god, "/api/internal/raw", b"x" * 1_000_001).status_code == 413
        assert self.chunked(Client(), "/api/internal/raw", b"x" * 5_000_000).status_code == 401

    def test_chunked_bodies_are_signed(self):
        pair, body, where = make_pair(make_operator()), b'{"a": 1}', "/api/casino/raw"
        headers = signed(pair, "POST", where, body)
        assert self.chunked(Client(), where, body, headers=headers).json() == {"data": {"a": "1"}}
        assert self.chunked(Client(), where, b'{"a": 2}', headers=headers).status_code == 401


class TestBrowsers:
    ORIGIN = "https://god.example"
    EXPOSED = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "X-Request-ID"}

    @pytest.fixture(autouse=True)
    def origins(self, settings):
        settings.PREDICTU_CORS_ORIGINS = [self.ORIGIN]

    def preflight(self, where, origin=ORIGIN):
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization",
        }
        return Client().options(where, headers=headers)

    @pytest.mark.parametrize("where", ["/api/auth/admin/login", "/api/internal/echo", "/api/s2s/echo"])
    def test_a_preflight_needs_no_token(self, where):
        answer = self.preflight(where)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Access-Control-Allow-Origin"] == self.ORIGIN
        assert "PATCH" in answer["Access-Control-Allow-Methods"]
        assert "Authorization" in answer["Access-Control-Allow-Headers"]
        assert "Origin" in answer["Vary"]
        assert answer["X-RateLimit-Limit"] == "60"

    def test_another_origin_is_allowed_nothing(self, god):
        for answer in (self.preflight("/api/internal/echo", "https://evil.example"), god.get("/api/internal/echo")):
            assert not [name for name in answer.headers if name.startswith("Access-Control")]

    @pytest.mark.parametrize(
        "where, status", [("echo", 200), ("nothing", 404), ("broken/crash", 500), ("echo?limit=0", 400)]
    )
    def test_every_answer_can_be_read(self, god, where, status):
        answer = god.get(f"/api/internal/{where}", headers={"Origin": self.ORIGIN})
        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (status, self.ORIGIN)
        assert set(answer["Access-Control-Expose-Headers"].split(", ")) >= self.EXPOSED
        assert "Access-Control-Allow-Credentials" not in answer

    def test_a_refusal_can_be_read(self):
        answer = Client().get("/api/internal/echo", headers={"Origin": self.ORIGIN})
        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, self.ORIGIN)

    def test_options_without_an_origin_is_no_preflight(self):
        assert Client().options("/api/internal/echo").status_code == 401


class TestRequestIds:
    def test_a_harmless_one_is_kept(self, god, caplog):
        assert god.get("/api/internal/echo", headers={"X-Request-ID": "abc-1.2_3"})["X-Request-ID"] == "abc-1.2_3"

    @pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb: c", "é", '{"a"}', "a;b", "a\r\nSet-Cookie: x=1"])
    def test_any_other_is_replaced(self, god, given):
        made = god.get("/api/internal/echo", headers={"X-Request-ID": given})["X-Request-ID"]
        assert made.startswith("req_") and len(made) == 30

    def test_on_every_answer(self, god):
        for where in ("/healthz", "/api/internal/nothing", "/api/internal/broken/crash", "/nothing"):
            assert god.get(where)["X-Request-ID"]

    def test_query_strings_are_not_logged(self, god, caplog):
        with caplog.at_level("INFO"):
            god.get("/api/internal/echo?search=rita@predictu.com")
        assert "/api/internal/echo 200" in caplog.text and "rita" not in caplog.text


class TestAddresses:
    @pytest.mark.parametrize(
        "trusted, socket, forwarded, expected",
        [
            ([], "203.0.113.9", "198.51.100.1", "203.0.113.9"),
            (["10.0.0.0/8"], "203.0.113.9", "198.51.100.1", "203.0.113.9"),
            (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1", "198.51.100.1"),
            (["10.0.0.0/8"], "10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
            (["10.0.0.0/8"], "10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            (["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
            (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", "2001:db9::7", "2001:db9::7"),
            ([], "", "", "0.0.0.0"),  # noqa: S104
            ([], "::ffff:203.0.113.9", "", "203.0.113.9"),
            (["10.0.0.0/8"], "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ],
    )
    def test_the_last_hop_that_is_not_ours(self, rf, settings, trusted, socket, forwarded, expected):
        settings.PREDICTU_TRUSTED_PROXIES = trusted
        request = rf.get("/", REMOTE_ADDR=socket, headers={"X-Forwarded-For": forwarded} if forwarded else {})
        assert context.client_address(request) == expected
