"""``POST /api/internal/upload`` and what it serves, over HTTP."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts import roles
from predictu.platform.models import AuditEntry, StoredFile
from tests.factories import as_admin, make_admin, make_operator

pytestmark = pytest.mark.django_db
PATH = "/api/internal/upload"


def png(size=(2, 3)):
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def upload(tmp_path, settings):
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    client = Client(headers=as_admin(make_admin(roles.FINANCE)))

    def call(content, name="logo.png", kind="image/png", **fields):
        answer = client.post(PATH, {**fields, "file": SimpleUploadedFile(name, content, kind)})
        return answer.status_code, answer.json()

    call.client, call.folder = client, tmp_path
    return call


def kept(upload):
    return sorted(path.relative_to(upload.folder).as_posix() for path in upload.folder.rglob("*") if path.is_file())


def test_a_logo_from_upload_to_branding(upload, settings):
    settings.PREDICTU_CDN_URL = "http://testserver/files/public"
    operator = make_operator()
    status, made = upload(png() + b"hidden", category="operator_logo", operator_slug=operator.slug)
    assert status == 200
    shown, stored = made["data"], StoredFile.objects.get()
    assert shown["url"] == f"http://testserver/files/public/{stored.path}"
    assert stored.path.startswith(f"operators/{operator.slug}/") and stored.path.endswith("/logo.png")
    assert len(stored.path.split("/")[2]) == 22, "128 bits nobody can guess"
    assert {name: shown[name] for name in ("id", "category", "content_type", "width", "height", "operator_slug")} == {
        "id": stored.id,
        "category": "operator_logo",
        "content_type": "image/png",
        "width": 2,
        "height": 3,
        "operator_slug": operator.slug,
    }
    served = Client().get(shown["url"].removeprefix("http://testserver"))
    assert (served.status_code, served["Content-Type"], len(served.content)) == (200, "image/png", shown["size_bytes"])
    assert b"hidden" not in served.content
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served["Content-Security-Policy"]
    assert AuditEntry.objects.get().object_id == stored.id
    chief = Client(headers=as_admin(make_admin()))
    body = {"branding": {"logo_url": shown["url"]}}
    changed = chief.patch(f"/api/internal/operators/{operator.slug}", body, content_type="application/json")
    assert changed.json()["data"]["branding"]["logo_url"] == shown["url"]
    body = {"branding": {"logo_url": "http://testserver/files/public/operators/x/y/logo.png"}}
    changed = chief.patch(f"/api/internal/operators/{operator.slug}", body, content_type="application/json")
    assert changed.status_code == 422, "a file that is not kept here"


def test_the_name_and_type_it_claims_mean_nothing(upload):
    status, made = upload(png(), name="../../evil.html", kind="text/html", category="market_image")
    assert (status, made["data"]["content_type"], made["data"]["operator_slug"]) == (200, "image/png", None)
    assert kept(upload) == [StoredFile.objects.get().path]
    for content, name, kind in ((b"MZ" + b"\0" * 200, "a.png", "image/png"), (b"hello", "a.txt", "text/plain")):
        status, refused = upload(content, name, kind, category="market_image")
        assert (status, refused["error"]["code"], list(refused["error"]["details"])) == (
            422,
            "VALIDATION_ERROR",
            ["file"],
        )


def test_pdfs_are_for_invoices_alone(upload):
    from tests.filetypes.test_pdfs import written

    status, made = upload(written(), "a.pdf", "application/pdf", category="invoice_attachment")
    assert (status, made["data"]["content_type"], made["data"]["width"]) == (200, "application/pdf", None)
    served = Client().get(f"/files/public/{StoredFile.objects.get().path}")
    assert served["Content-Disposition"] == 'attachment; filename="attachment.pdf"'
    status, refused = upload(written(), "a.pdf", "application/pdf", category="market_image")
    assert (status, list(refused["error"]["details"])) == (422, ["file"])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "category"),
        ({"category": "avatar"}, "category"),
        ({"category": "operator_logo"}, "operator_slug"),
        ({"category": "operator_favicon", "operator_slug": "nobody"}, "operator_slug"),
        ({"category": "market_image", "operator_slug": "nobody"}, "operator_slug"),
        ({"category": "market_image", "surprise": "x"}, "surprise"),
    ],
)
def test_fields(upload, fields, field):
    status, refused = upload(png(), **fields)
    assert (status, list(refused["error"]["details"])) == (422, [field])
    assert kept(upload) == [] and not StoredFile.objects.exists()


def test_without_a_file(upload):
    for file in ({}, {"file": "text"}):
        answer = upload.client.post(PATH, {"category": "market_image", **file})
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["file"])
    status, refused = upload(b"", category="market_image")
    assert (status, refused["error"]["details"]) == (422, {"file": ["is empty"]})
    two = [SimpleUploadedFile("a.png", png()), SimpleUploadedFile("b.png", png())]
    assert upload.client.post(PATH, {"category": "market_image", "file": two}).status_code == 422


def test_sizes(upload):
    exact = png() + b"\0" * (5_000_000 - len(png()))
    assert upload(exact, category="market_image")[0] == 200
    for size in (5_000_001, 19_000_000):
        status, refused = upload(png() + b"\0" * (size - len(png())), category="market_image")
        assert (status, refused["error"]["details"]) == (422, {"file": ["must be at most 5,000,000 bytes"]})
    status, refused = upload(b"\0" * 20_000_001, category="market_image")
    assert (status, refused["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert StoredFile.objects.count() == 1


def test_other_bodies(upload):
    assert upload.client.post(PATH, "{}", content_type="application/json").status_code == 415
    broken = upload.client.post(PATH, b"--x\r\nnonsense", content_type="multipart/form-data")
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "BAD_REQUEST")


def test_permission(upload):
    reader = Client(headers=as_admin(make_admin(roles.READ_ONLY)))
    answer = reader.post(PATH, {"category": "market_image", "file": SimpleUploadedFile("a.png", png())})
    assert answer.status_code == 403 and kept(upload) == []


@pytest.mark.parametrize("path", ["nothing", "../settings.py", "operators/%2e%2e/x", "markets/46f1f79af63fb472/a"])
def test_unknown_files(path):
    assert Client().get(f"/files/public/{path}").status_code == 404
