"""Where uploaded files lie: on the disk, or in a bucket by setting."""

import io
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from predictu.errors import NotFound, ValidationFailed
from predictu.platform import files
from predictu.platform.models import StoredFile
from tests.factories import make_admin, now

ROOT = Path(__file__).resolve().parents[2]


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as keeping and reading a file takes."""

    kept: dict[str, bytes] = {}

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            size, _, rest = body.partition(b"\r\n")
            body = rest[: int(size.partition(b";")[0], 16)]
        self.kept[self.path.partition("?")[0]] = body
        self._reply(200)

    def do_GET(self):
        found = self.kept.get(self.path.partition("?")[0])
        self._reply(404 if found is None else 200, found or b"")

    do_HEAD = do_GET

    def _reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", "Sat, 01 Mar 2026 00:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def bucket(monkeypatch, settings):
    """The default storage as PREDICTU_S3_BUCKET makes it, at a server on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Bucket.kept = {}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    url = f"http://127.0.0.1:{server.server_port}"
    settings.STORAGES = settings.STORAGES | {"default": _configured("predictu-files", url)}
    yield Bucket.kept
    server.shutdown()
    server.server_close()


def _configured(name, url):
    """What the settings make of the environment, asked of a process of its own."""
    code = "import django.conf, json; print(json.dumps(django.conf.settings.STORAGES['default']))"
    variables = {"PREDICTU_S3_BUCKET": name, "PREDICTU_S3_ENDPOINT": url, "PREDICTU_S3_REGION": "eu-central-1"}
    environment = os.environ | variables | {"DJANGO_SETTINGS_MODULE": "predictu.settings"}
    out = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, check=True)
    return json.loads(out.stdout)


def png():
    out = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(out, "PNG")
    return out.getvalue()


@pytest.mark.django_db
def test_a_bucket_keeps_and_gives_back(bucket):
    stored = files.store(content=png(), category="market_image", actor=make_admin(), now=now())
    assert list(bucket) == [f"/predictu-files/{stored.path}"]
    found, content = files.read(stored.path)
    assert (found, len(content)) == (stored, stored.size_bytes)
    assert content == bucket[f"/predictu-files/{stored.path}"]
    bucket.clear()
    with pytest.raises(NotFound):
        files.read(stored.path)


@pytest.mark.django_db
def test_what_is_refused_is_not_kept(bucket):
    with pytest.raises(ValidationFailed):
        files.store(content=b"hello", category="market_image", actor=make_admin(), now=now())
    assert bucket == {} and not StoredFile.objects.exists()
