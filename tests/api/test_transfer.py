"""Validators and compression of what is read: right for every caller, and never where a secret is."""

import gzip
import io

import orjson
import pytest
import zstandard
from django.http import HttpResponse
from django.test import Client, RequestFactory

from predictu.api import transfer
from tests.factories import as_admin, make_admin, make_market, make_operator, make_pair, signed

LIST = "/api/internal/markets"


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, *", "zstd"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("zstd;q=0, *;q=0.1", "gzip"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("gzip;q=high", None),
        ("gzip;q=7", None),
        ("gzip ; q=0.4 ,", "gzip"),
    ],
)
def test_the_coding_a_caller_likes_best(header, coding):
    assert transfer.coding_for(header) == coding


@pytest.mark.parametrize(
    ("header", "known"),
    [("", False), ('"a"', True), ('W/"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), ("a", False)],
)
def test_a_tag_is_known_whether_weak_or_strong(header, known):
    assert transfer.is_known(header, '"a"') is known


@pytest.fixture
def god(db):
    for _ in range(6):
        make_market()
    return Client(headers=as_admin(make_admin()))


@pytest.mark.parametrize(
    ("coding", "read"),
    [
        ("gzip", gzip.decompress),
        ("zstd", lambda body: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read()),
    ],
)
def test_a_compressed_answer_is_the_same_answer(god, coding, read):
    plain = god.get(LIST)
    packed = god.get(LIST, headers={"Accept-Encoding": coding})
    assert packed["Content-Encoding"] == coding
    assert "Content-Encoding" not in plain
    assert packed["Content-Length"] == str(len(packed.content))
    assert orjson.loads(read(packed.content)) == plain.json()
    assert len(packed.content) * 2 < len(plain.content)
    assert packed["ETag"] == f"W/{plain['ETag']}"
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer["Vary"] and "Origin" in answer["Vary"]
        assert answer["Cache-Control"] == "no-store"


def test_who_has_the_answer_is_not_sent_it_again(god):
    first = god.get(LIST)
    for known in (first["ETag"], f"W/{first['ETag']}", f'"other", {first["ETag"]}'):
        again = god.get(LIST, headers={"If-None-Match": known, "Accept-Encoding": "gzip"})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"].removeprefix("W/") == first["ETag"]
        assert "X-RateLimit-Remaining" in again and "Content-Encoding" not in again
    make_market()
    changed = god.get(LIST, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_a_tag_lets_nobody_in(god):
    tag = god.get(LIST)["ETag"]
    assert Client(headers={"If-None-Match": tag}).get(LIST).status_code == 401
    assert Client(headers={"If-None-Match": "*"}).get(LIST).status_code == 401


@pytest.mark.django_db
def test_what_holds_a_secret_is_never_compressed():
    operator = make_operator()
    client = Client(headers=as_admin(make_admin()) | {"Accept-Encoding": "gzip, zstd"})
    answer = client.post(f"/api/s2s/operators/{operator.id}/keys", "{}", content_type="application/json")
    assert answer.status_code in (200, 201)
    assert "Content-Encoding" not in answer and "ETag" not in answer


def test_small_broken_and_finished_answers_are_left_alone(god):
    small = god.get("/api/internal/trades", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small and not small["ETag"].startswith("W/")
    refused = god.get("/api/internal/trades?page=0", headers={"Accept-Encoding": "gzip"})
    assert refused.status_code == 400 and "ETag" not in refused
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    for answer in (
        HttpResponse(b"x" * 5000, content_type="text/csv"),
        HttpResponse(b"x" * 5000, content_type="application/json", headers={"Content-Encoding": "gzip"}),
    ):
        assert transfer.finished(request, answer).content == b"x" * 5000


@pytest.mark.django_db
def test_operators_get_the_same_over_the_casino_api():
    for _ in range(6):
        make_market()
    pair = make_pair(make_operator())
    path = "/api/casino/markets"
    client = Client()
    first = client.get(path, headers=signed(pair, "GET", path) | {"Accept-Encoding": "gzip"})
    assert first["Content-Encoding"] == "gzip"
    again = client.get(path, headers=signed(pair, "GET", path) | {"If-None-Match": first["ETag"]})
    assert again.status_code == 304
