"""docs/callbacks.md is read here: its vectors are what the code makes, and its examples accept and refuse rightly."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from operators import signing

DOCS = Path(__file__).parents[2] / "docs"
SENT_AT = 1773921602
NOW = datetime.fromtimestamp(SENT_AT, UTC)


def block(introduction: str) -> str:
    """The fenced block that follows a line of the document."""
    text = (DOCS / "callbacks.md").read_text(encoding="utf-8")
    found = re.search(re.escape(introduction) + r"\n\n```\w+\n(.*?)\n```", text, re.DOTALL)
    assert found, f"callbacks.md has no block after {introduction!r}"
    return found[1]


SECRET = block("Secret key:")
NEWEST = block("The newest key, in a rotation:")
BODY = block("Body (UTF-8, no line break at the end):").encode()
HEADERS = json.loads(block(f"Headers of a delivery of it, sent at unix time {SENT_AT}:"))
ROTATION = json.loads(block("The headers that then differ:"))
REQUESTS = json.loads(block("With the secret key above:"))


def made(**changes) -> dict[str, str]:
    return signing.headers_for(
        event="TRADE_PLACED",
        delivery_id="dlv_01jpq2yz00e008000000000002",
        body=BODY,
        secret=SECRET,
        sequence=17,
        now=NOW,
        **changes,
    )


def test_the_vectors_are_what_we_send():
    assert made() == HEADERS
    assert made(next_secret=NEWEST) == HEADERS | ROTATION
    assert signing.webhook_secret(SECRET) == block("The same for Standard Webhooks libraries:")


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["method"])
def test_the_request_vectors_are_what_we_accept(request_):
    vector = request_ | {"body": request_["body"].encode()}
    assert signing.verify_request(SECRET, now=NOW, **vector) is True


COMMANDS = {"verify.py": sys.executable, "verify.mjs": shutil.which("node"), "verify.php": shutil.which("php")}


@pytest.fixture(params=COMMANDS)
def verdict(request, tmp_path):
    """Runs an example over a request and gives the line it prints."""
    program = COMMANDS[request.param]
    if program is None:
        pytest.skip(f"{request.param} needs an interpreter that is not installed here")

    def run(headers, body=BODY, secret=SECRET, at=SENT_AT):
        (tmp_path / "headers.json").write_text(json.dumps(headers))
        (tmp_path / "body.json").write_bytes(body)
        command = [program, str(DOCS / "examples" / request.param), "headers.json", "body.json", str(at)]
        environment = os.environ | {"PREDICTU_SECRET": secret}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30)
        assert ended.returncode == (0 if ended.stdout == "genuine\n" else 1), ended.stderr
        return ended.stdout.strip()

    return run


def test_the_examples_accept_what_we_send(verdict):
    assert verdict(HEADERS) == "genuine"
    assert verdict(HEADERS, at=SENT_AT + 300) == "genuine"
    assert verdict(HEADERS | ROTATION) == "genuine"
    assert verdict(HEADERS | ROTATION, secret=NEWEST) == "genuine"


def test_the_examples_refuse_everything_else(verdict):
    old = "refused: sent too long ago, or a clock is wrong"
    assert verdict(HEADERS, body=BODY + b" ") == "refused: wrong signature"
    assert verdict(HEADERS, secret=NEWEST) == "refused: wrong signature"
    assert verdict(HEADERS, at=SENT_AT + 301) == old
    assert verdict(HEADERS, at=SENT_AT - 301) == old
    assert verdict(HEADERS | {"webhook-id": "dlv_other"}) == "refused: wrong signature"
    assert verdict(HEADERS | {"webhook-timestamp": str(SENT_AT + 1)}) == "refused: wrong signature"
    assert verdict(HEADERS | {"webhook-timestamp": "soon"}) == "refused: no timestamp"
    assert verdict(HEADERS | {"webhook-signature": ""}) == "refused: wrong signature"
    assert verdict(HEADERS | {"X-Predictu-Signature": "sha256=" + "0" * 64}) == "refused: wrong signature"
    assert verdict({}) == "refused: no timestamp"
