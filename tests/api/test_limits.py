"""The sliding window in a real Redis: exact at the boundary, shared by processes, and never in an answer's way."""

import json
import os
import threading
import time
import urllib.error
import urllib.request

import pytest
from django.test import Client, RequestFactory

from predictu import volatile
from predictu.api import throttling
from predictu.api.throttling import Limit
from predictu.errors import RateLimited
from tests.factories import as_admin, make_admin, token_for

NOWHERE = "/api/internal/nothing-here"


@pytest.fixture
def request_(rf: RequestFactory):
    return rf.get("/")


def admitted(request, key, limit):
    try:
        throttling.take(request, key, limit)
    except RateLimited:
        return False
    return True


def test_the_window_slides_by_the_microsecond(request_, redis_client):
    """Two old calls are written into the window by hand, so that no clock has to be waited for."""
    limit = Limit(3, 60)
    seconds, micros = redis_client.time()
    now = seconds * 1_000_000 + micros
    redis_client.zadd("limit:x", {"gone": now - 60_000_000, "leaving": now - 30_000_000})
    assert [admitted(request_, "x", limit) for _ in range(3)] == [True, True, False]
    frees = request_.limit_headers
    assert (frees["X-RateLimit-Limit"], frees["X-RateLimit-Remaining"]) == ("3", "0")
    assert int(frees["X-RateLimit-Reset"]) == -((now + 30_000_000) // -1_000_000)
    with pytest.raises(RateLimited) as refused:
        throttling.take(request_, "x", limit)
    assert 29 <= refused.value.retry_after <= 30
    assert redis_client.zcard("limit:x") == 3, "a refused call is not counted"
    assert 0 < redis_client.pttl("limit:x") <= 60_000


def test_nothing_stays_behind(request_, redis_client):
    throttling.take(request_, "x", Limit(3, 1))
    assert redis_client.keys() == [b"limit:x"]
    assert 0 < redis_client.pttl("limit:x") <= 1000


def test_threads_share_it_exactly(rf):
    results = []

    def run():
        results.extend(admitted(rf.get("/"), "shared", Limit(25, 60)) for _ in range(10))

    threads = [threading.Thread(target=run) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(results), results.count(True)) == (80, 25)


@pytest.mark.committed
def test_processes_share_it_exactly(platform_server):
    server = platform_server(workers=2, threads=4, PREDICTU_ADMIN_RATE_LIMIT="20")
    token, answers = token_for(make_admin()), []

    def run():
        for _ in range(10):
            asked = urllib.request.Request(f"{server.url}{NOWHERE}", headers={"Authorization": f"Bearer {token}"})
            try:
                urllib.request.urlopen(asked, timeout=20)
            except urllib.error.HTTPError as answer:
                answers.append((answer.code, int(answer.headers["X-RateLimit-Remaining"]), json.load(answer)))

    threads = [threading.Thread(target=run) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    codes = [code for code, _, _ in answers]
    assert (len(codes), codes.count(404), codes.count(429)) == (60, 20, 40)
    assert sorted(left for code, left, _ in answers if code == 404) == list(range(20))
    assert {body["error"]["code"] for _, _, body in answers} == {"NOT_FOUND", "RATE_LIMITED"}


@pytest.mark.django_db
def test_without_redis_the_api_answers_and_says_so_in_the_log(settings, monkeypatch, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.PREDICTU_ADMIN_RATE_LIMIT = 1
    monkeypatch.setattr(throttling, "_away_until", 0.0)
    volatile.connection.cache_clear()
    try:
        client = Client(headers=as_admin(make_admin()))
        answers = [client.get(NOWHERE) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["0", "0", "0"]
        assert int(answers[0]["X-RateLimit-Reset"]) >= time.time() - 60
        assert "rate limits are not counted: ConnectionError" in caplog.text
        settings.REDIS_URL = os.environ["REDIS_URL"]
        volatile.connection.cache_clear()
        monkeypatch.setattr(throttling, "_away_until", 0.0)
        assert [client.get(NOWHERE).status_code for _ in range(2)] == [404, 429], "counted again once it is back"
    finally:
        volatile.connection.cache_clear()


@pytest.mark.django_db
def test_a_redis_that_lost_its_scripts_is_given_them_again(request_, redis_client):
    throttling.take(request_, "x", Limit(2))
    redis_client.script_flush()
    throttling.take(request_, "x", Limit(2))
    assert request_.limit_headers["X-RateLimit-Remaining"] == "0"
