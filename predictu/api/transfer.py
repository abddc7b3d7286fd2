"""How an answer travels: a validator that saves sending it again, and zstd or gzip where the caller takes it.

Only what is read (GET and HEAD, 200, JSON) is touched. Secrets and tokens are in answers to POST alone, and those are
never compressed: a body that mixes a secret with what a stranger sent would tell of it by its length. Answers stay
``no-store`` for browsers; a client that keeps an answer itself asks again with ``If-None-Match``.
"""

import gzip
import hashlib

import zstandard
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

SMALLEST = 1024
_GZIP_LEVEL, _ZSTD_LEVEL = 5, 3
# In the order they are preferred when a caller likes them equally.
_CODINGS = ("zstd", "gzip")
_KEPT = ("Cache-Control", "Vary", "Content-Language")


def finished(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """``response`` with its ETag, compressed where that is wanted and worth it; 304 when the caller has it already."""
    if not _is_read(request, response):
        return response
    tag = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
    coding = coding_for(request.headers.get("Accept-Encoding", "")) if len(response.content) >= SMALLEST else None
    response["Vary"] = ", ".join(filter(None, [response.get("Vary"), "Accept-Encoding"]))
    response["ETag"] = f"W/{tag}" if coding else tag
    if is_known(request.headers.get("If-None-Match", ""), tag):
        return _unchanged(response)
    if coding is not None:
        response.content = _compressed(response.content, coding)
        response["Content-Encoding"] = coding
    response["Content-Length"] = str(len(response.content))
    return response


def coding_for(accepted: str) -> str | None:
    """The coding of ours an ``Accept-Encoding`` header likes best, None for the body as it is.

    ``*`` speaks for what is not named; a quality of 0, or one that is no number, is a refusal.
    """
    qualities: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        qualities[name] = _quality(parameters)
    liked = {coding: qualities.get(coding, qualities.get("*", 0.0)) for coding in _CODINGS}
    best = max(_CODINGS, key=lambda coding: liked[coding])
    return best if liked[best] > 0 and liked[best] >= qualities.get("identity", 0.0) else None


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


def is_known(known: str, tag: str) -> bool:
    """Whether an ``If-None-Match`` header names ``tag``; weak and strong are alike here."""
    named = [each.strip().removeprefix("W/") for each in known.split(",")]
    return "*" in named or tag in named


def _is_read(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and not response.streaming
        and response.get("Content-Type", "").startswith("application/json")
        and "Content-Encoding" not in response
        and "ETag" not in response
    )


def _unchanged(response: HttpResponse) -> HttpResponse:
    answer = HttpResponseNotModified()
    for name in ("ETag", *_KEPT):
        if name in response:
            answer[name] = response[name]
    answer.cookies = response.cookies
    return answer


def _compressed(body: bytes, coding: str) -> bytes:
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
    return gzip.compress(body, compresslevel=_GZIP_LEVEL, mtime=0)
