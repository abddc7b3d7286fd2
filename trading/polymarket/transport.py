"""Polite JSON over HTTP: paced, retried, bounded in time and size.

Public reads without credentials, on a session that ignores proxies and ``.netrc`` of the environment.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from predictu import clock
from trading.polymarket import reading
from trading.polymarket.errors import SourceMalformed, SourceRefused, SourceUnavailable
from trading.polymarket.pacing import Pacer, backoff_s, retry_after_s

logger = logging.getLogger(__name__)

RETRIED = frozenset({408, 425, 429})
CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Limits of our own. Published are 30 calls a second to /markets and 50 to /events, older pages 8 to CLOB's lists.

    ``deadline_s`` covers a call with its retries and waits; the last read may outlast it by ``read_timeout_s``.
    """

    requests_per_second: float = 4
    connect_timeout_s: float = 5
    read_timeout_s: float = 30
    deadline_s: float = 90
    attempts: int = 6
    backoff_s: float = 0.5
    backoff_cap_s: float = 15
    largest_answer_bytes: int = 64 * 1024 * 1024


class _Again(Exception):
    """This attempt failed in a way that another may not."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(reason)


class Transport:
    """Calls to one base URL. Raises SourceUnavailable, SourceRefused and SourceMalformed; serves one thread."""

    def __init__(
        self,
        base_url: str,
        *,
        options: ClientOptions,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not base_url.startswith(("https://", "http://")):
            raise ValueError("a base URL must be http or https")
        self._base_url = base_url.rstrip("/")
        self._options = options
        self._sleep = sleep
        self._monotonic = monotonic
        self._pacer = Pacer(options.requests_per_second, sleep=sleep, monotonic=monotonic)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept": "application/json", "User-Agent": "predictu-sync"})

    def close(self) -> None:
        self._session.close()

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The decoded answer, tried again until it comes or the deadline or the attempts are used up."""
        deadline = self._monotonic() + self._options.deadline_s
        attempt = 0
        while True:
            self._pacer.wait()
            try:
                return self._once(method, path, deadline, request)
            except _Again as failure:
                logger.info("source call failed: %s %s: %s", method, path, failure.reason)
                delay = self._delay(failure, attempt)
                attempt += 1
                if attempt >= self._options.attempts or self._monotonic() + delay >= deadline:
                    asked = None if failure.retry_after is None else max(1, round(failure.retry_after))
                    raise SourceUnavailable(
                        f"No answer from the source: {failure.reason}", retry_after=asked
                    ) from failure
                self._sleep(delay)

    def _delay(self, failure: _Again, attempt: int) -> float:
        if failure.retry_after is not None:
            return failure.retry_after
        return backoff_s(attempt, base_s=self._options.backoff_s, cap_s=self._options.backoff_cap_s)

    def _once(self, method: str, path: str, deadline: float, request: Mapping[str, Any]) -> Any:
        left = max(0.1, deadline - self._monotonic())
        timeout = (min(self._options.connect_timeout_s, left), min(self._options.read_timeout_s, left))
        try:
            with self._session.request(
                method, self._base_url + path, stream=True, allow_redirects=False, timeout=timeout, **request
            ) as response:
                _check(response)
                return reading.decode(self._body(response, deadline))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _Again(type(error).__name__) from error
        except ValueError as error:
            raise _Again("the answer is not whole JSON") from error

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        """The whole answer, unless it grows too large or trickles past the deadline."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._options.largest_answer_bytes:
                raise SourceMalformed("The source's answer is too large")
            if self._monotonic() > deadline:
                raise _Again("the answer took too long")
        return bytes(body)


def _check(response: requests.Response) -> None:
    status = response.status_code
    if status in RETRIED or status >= 500:
        raise _Again(f"HTTP {status}", retry_after_s(response.headers.get("Retry-After"), now=clock.now()))
    if status != 200:
        raise SourceRefused(f"The source refused the call: HTTP {status}", answered=status)
