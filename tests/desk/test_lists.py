"""Every list of Django admin with a thousand rows in each table: few queries, no counts, nothing secret, no writing."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts import roles
from accounts.models import AdminUser, Player
from predictu.admin_base import ReadOnlyAdmin, url_of
from predictu.platform.models import AuditEntry
from tests.desk.rows import fill
from tests.factories import make_admin, make_operator, make_player
from trading.models import Trade

pytestmark = pytest.mark.django_db
OURS = ("platform", "operators", "accounts", "risk", "trading", "billing", "reports")
# Django admin knows no composite keys: prices are drawn on the market's page.
WITHOUT_PAGE = {"trading.pricepoint"}
# Pages to act from draw tables and charts of their own: more queries than a list, but never more with the rows.
DRAWN = 40
NOT_TO_BE_SEEN = "not-to-be-seen"


def browser(*groups, **changes):
    who = make_admin(*groups, **changes)
    client = Client()
    client.force_login(who)
    return client


def pages():
    return {model: page for model, page in admin.site._registry.items() if model._meta.app_label in OURS}


def list_of(model):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def test_every_model_has_a_page():
    ours = {model._meta.label_lower for label in OURS for model in apps.get_app_config(label).get_models()}
    assert ours - {model._meta.label_lower for model in pages()} == WITHOUT_PAGE


@pytest.mark.slow
def test_a_thousand_rows_cost_few_queries_no_count_and_show_no_secret():
    made = fill()
    assert set(made) == set(pages()), "every table has its thousand rows"
    client = browser(is_superuser=True)
    for model, rows in made.items():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            answer = client.get(list_of(model))
        text = answer.content.decode()
        statements = [query["sql"] for query in seen]
        name = model._meta.label
        assert (name, answer.status_code) == (name, 200)
        assert len(statements) <= 12, (name, statements)
        if issubclass(type(pages()[model]), ReadOnlyAdmin):
            assert not [sql for sql in statements if re.search(r"\bcount\(|\bdistinct\b", sql, re.IGNORECASE)], name
            assert text.count('class="data-row') == 50, name
            assert "results (" not in text, name
        with CaptureQueriesContext(connection) as seen:
            detail = client.get(url_of(model, rows[7].pk))
        assert (name, detail.status_code) == (name, 200)
        assert len(seen) <= DRAWN, (name, [query["sql"] for query in seen])
        assert NOT_TO_BE_SEEN not in text + detail.content.decode(), name
        found = client.get(list_of(model), {"q": rows[7].pk if isinstance(rows[7].pk, str) else "x y"})
        assert (name, found.status_code) == (name, 200)
        file = client.get(f"/admin/export/{model._meta.app_label}/{model._meta.model_name}/")
        if issubclass(type(pages()[model]), ReadOnlyAdmin):
            lines = b"".join(file.streaming_content).decode()
            assert lines.count("\r\n") >= 1001, name
            assert NOT_TO_BE_SEEN not in lines, name


def asked(model, each):
    """A query that filters a list by ``each``, one of its list_filter."""
    if isinstance(each, type):
        choice = next(iter(each(None, {}, model, None).lookup_choices))
        return {each.parameter_name: choice[0]}
    if not isinstance(each, str):
        return {f"{each[0]}__isempty": "1"} if each[1] is admin.EmptyFieldListFilter else {}
    choices = model._meta.get_field(each).choices
    return {f"{each}__exact": choices[0][0] if choices else "1"}


def test_filters_open_on_every_list():
    fill(many=3)
    client = browser()
    for model, page in pages().items():
        for each in page.list_filter:
            if each == "groups":
                continue
            answer = client.get(list_of(model), asked(model, each))
            assert answer.status_code == 200, (model, each)


def test_nobody_writes_a_row_superuser_included():
    fill(many=2)
    client = browser(is_superuser=True)
    for model, page in pages().items():
        row = model._default_manager.order_by("pk")[1]
        before = list(model._default_manager.order_by("pk").values())
        url = url_of(model, row.pk)
        answers = [
            client.get(f"{list_of(model)}add/"),
            client.post(f"{list_of(model)}add/", {}),
            client.post(url, {}),
            client.post(url.replace("/change/", "/delete/"), {"post": "yes"}),
            client.post(list_of(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}),
        ]
        assert [answer.status_code for answer in answers[:4]] == [403] * 4, model
        assert list(model._default_manager.order_by("pk").values()) == before, model
        assert isinstance(page, ReadOnlyAdmin), model


def test_an_admin_is_never_deleted():
    kept = make_admin()
    client = browser(is_superuser=True)
    assert client.post(url_of(AdminUser, kept.pk).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert AdminUser.objects.filter(pk=kept.pk).exists()


class TestSearch:
    def test_a_whole_id_finds_the_row_and_what_points_to_it(self):
        made = fill(many=3)
        client = browser()
        trade = made[Trade][1]
        for wanted in (trade.pk, trade.player_id, trade.market_id, trade.operator_id):
            text = client.get(list_of(Trade), {"q": wanted}).content.decode()
            assert (trade.pk in text, made[Trade][0].pk in text) == (True, False)
        assert made[Trade][1].pk not in client.get(list_of(Trade), {"q": made[Player][0].pk}).content.decode()

    def test_any_other_text_finds_no_trade_and_reads_none(self):
        fill(many=2)
        client = browser()
        with CaptureQueriesContext(connection) as seen:
            text = client.get(list_of(Trade), {"q": "anything"}).content.decode()
        assert 'class="data-row' not in text
        assert not [query for query in seen if "trading_trade" in query["sql"]]

    @pytest.mark.parametrize("text", ["'", "%", "\x00", "usr_", "usr_" + "z" * 26, "x" * 5000, "é\u2028"])
    def test_odd_texts_are_taken(self, text):
        fill(many=1)
        looking = RequestFactory().get("/", {"q": text})
        looking.user, looking._messages = make_admin(), CookieStorage(looking)
        for model, page in pages().items():
            found = list(page.get_changelist_instance(looking).result_list)
            assert all(isinstance(row, model) for row in found), model
        assert browser().get(list_of(Trade), {"q": text}).status_code == 200


class TestPersonalData:
    def test_only_who_may_see_it_sees_it(self):
        player = make_player(make_operator())
        for role, sees in ((roles.ADMIN, True), (roles.RISK, True), (roles.FINANCE, False), (roles.READ_ONLY, False)):
            client = browser(role)
            file = client.get("/admin/export/accounts/player/")
            texts = [
                client.get(list_of(Player)).content.decode(),
                client.get(url_of(Player, player.pk)).content.decode(),
                b"".join(file.streaming_content).decode(),
            ]
            assert [player.username in text for text in texts] == [sees] * 3, role
            found = client.get(list_of(Player), {"q": player.username}).content.decode()
            assert ('class="data-row' in found) is sees


class TestExport:
    def test_it_holds_what_the_list_shows_and_is_audited(self):
        fill(many=3)
        operator = make_operator(name="Only One")
        player = make_player(operator, balance="12.50")
        client = browser()
        answer = client.get("/admin/export/accounts/player/", {"q": player.pk})
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert lines[0].split(",")[:8] == "id username external_id operator status tier limit_tier balance_usd".split()
        assert len(lines) == 2
        assert lines[1].split(",")[3:8] == ["Only One", "active", "normal", "new", "12.50"]
        row = AuditEntry.objects.get(action="admin.export")
        assert (row.object_type, row.metadata["rows"]) == ("player", 1)

    def test_of_nothing_known_there_is_none(self):
        client = browser()
        for path in ("otp_totp/totpdevice", "auth/group", "no/thing"):
            assert client.get(f"/admin/export/{path}/").status_code == 404
        assert Client().get("/admin/export/accounts/player/").status_code == 302
