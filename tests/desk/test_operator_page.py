"""An operator's page: what it is billed, how full it is, and how its brand looks."""

from datetime import date

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from accounts import roles
from billing.models import Invoice
from billing.services import invoices
from operators.models import Operator
from predictu.admin_base import url_of
from predictu.platform.models import StoredFile
from tests.billing.facts import at, february
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading.models import Market

pytestmark = pytest.mark.django_db


def page_of(operator):
    client = Client()
    client.force_login(make_admin(roles.READ_ONLY))
    return client.get(url_of(Operator, operator.pk)).content.decode()


def test_its_invoices_and_what_is_open_are_there():
    operator = make_operator(new_tier_limit=1000)
    february(operator)
    invoices.run_month(month=date(2026, 2, 1), now=at(2026, 3, 1, 0, 5))
    market = make_market(title="Will it rain?")
    place(make_player(operator, balance="100"), market, 50)
    page = page_of(operator)
    invoice = Invoice.objects.get()
    billed = page.split('data-table="invoices"')[1].split("</table>")[0]
    assert url_of(Invoice, invoice.pk) in billed and billed.count("5,460.00") == 2 and "Sent" in billed
    assert page.count("$50.00 of $50,000") == 1, "all of the operator's limit"
    assert "$50.00 of $15,000" in page, "and the part of it that crypto may take"
    fullest = page.split('data-table="fullest-markets"')[1].split("</table>")[0]
    assert url_of(Market, market.pk) in fullest and fullest.count("50.00") == 2


def test_its_brand_is_drawn_from_the_file_kept_here(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    }
    operator = make_operator(slug="blue")
    path = default_storage.save("operators/blue/x/logo.png", ContentFile(b"not really a picture"))
    StoredFile.objects.create(
        category=StoredFile.Category.OPERATOR_LOGO,
        operator_slug="blue",
        path=path,
        content_type="image/png",
        size_bytes=20,
        sha256="0",
        uploaded_by=make_admin(),
        uploaded_at=now(),
    )
    operator.branding = {
        "display_name": "Blue <b>Predictions</b>",
        "primary_color": "#ffcc00",
        "secondary_color": "url(javascript:1)",
        "logo_url": f"https://cdn.example/{path}",
    }
    operator.save(update_fields=["branding"])
    page = page_of(operator)
    assert '<img src="data:image/png;base64,bm90IHJlYWxseSBhIHBpY3R1cmU="' in page
    assert 'fill="#ffcc00"' in page and 'fill="#000000">#ffcc00' in page and "contrast 13.9" in page
    assert "<b>Predictions" not in page and 'fill="url' not in page

    operator.branding["logo_url"] = "https://elsewhere.example/logo.png"
    operator.save(update_fields=["branding"])
    page = page_of(operator)
    assert "<img src" not in page.split("data-brand")[1].split("</section>")[0]
    assert 'href="https://elsewhere.example/logo.png"' in page
