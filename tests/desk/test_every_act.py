"""What changes anything in Django admin asks why, shows what it does first, and leaves its line in the audit trail."""

import gc

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts import roles
from accounts.models import AdminUser, Player
from accounts.services import adjustments
from operators.models import Delivery, Operator
from predictu import admin_acts
from predictu.admin_acts import Act, ActingAdmin, Given, ReasonForm
from predictu.admin_base import ReadOnlyAdmin, url_of
from predictu.platform.models import AuditEntry
from risk.models import CircuitBreaker
from tests import fingerprint
from tests.desk.rows import fill
from tests.factories import make_admin, make_operator, make_player

pytestmark = pytest.mark.django_db
# Pages of the site that are no tables, by what they do with a form sent to them.
READ = {"risk_desk", "risk_review_queue", "risk_review", "trading_settlement_console", "billing_finance_desk",
        "report_file"}  # fmt: skip
ASK = {"risk_review_act", "risk_breaker_add", "risk_breaker_act", "risk_halt", "risk_resume", "risk_acknowledge",
       "configuration_change", "billing_month_act", "admin_new"}  # fmt: skip
LEADS_TO_ASKING = {"configuration"}
# These make a record that moves no money, no limit and nobody's status; each is audited where it is made.
MAKE = {"operator_new", "report_new", "schedule_new"}


def every_act():
    """By their type: to ask a weak proxy of something gone what it is an instance of raises."""
    return [each for each in gc.get_objects() if issubclass(type(each), Act) and each.name != "of-this-test"]


def staff(*groups):
    client = Client()
    client.force_login(make_admin(*groups))
    return client


def test_every_act_asks_why_and_says_what_it_does():
    found = every_act()
    assert len(found) > 50
    for act in found:
        assert issubclass(act.form, ReasonForm), act.name
        assert act.form.base_fields["reason"].required and act.form.base_fields["reason"].strip, act.name
        assert not act.form({"reason": "   "}).is_valid() and act.label, act.name
        assert act.permission in roles.PERMISSIONS, act.name
        assert roles.READ_ONLY not in roles.PERMISSIONS[act.permission], act.name


def test_no_page_of_a_table_saves_a_form_or_shows_a_row_to_edit():
    request = RequestFactory().get("/")
    request.user = make_admin(is_superuser=True)
    for model, page in admin.site._registry.items():
        assert isinstance(page, ReadOnlyAdmin), model
        allowed = [page.has_add_permission, page.has_change_permission, page.has_delete_permission]
        assert [may(request) for may in allowed] == [False] * 3, model
        assert not page.list_editable and not page.inlines, model
        for method in ("save_model", "delete_model", "delete_queryset", "save_related", "get_actions"):
            assert getattr(type(page), method) is getattr(ModelAdmin, method), (model, method)


def test_pages_of_the_site_are_known_by_what_they_do():
    assert {each.name for each in admin.site._pages} == READ | ASK | LEADS_TO_ASKING | MAKE


def test_nothing_sent_without_a_reason_moves_anything():
    """Every act of every table on a row of it, and every page of the site that asks."""
    fill(many=2)
    client = staff()
    urls = [
        url_of(model, model._default_manager.order_by("pk")[1].pk) + f"act/{act.name}/"
        for model, page in admin.site._registry.items()
        if isinstance(page, ActingAdmin)
        for act in page.acts
    ]
    player, breaker = Player.objects.first(), CircuitBreaker.objects.first()
    urls += [reverse(f"admin:{name}") for name in ("risk_breaker_add", "risk_halt", "risk_resume", "admin_new")]
    urls += [reverse("admin:configuration_change") + "?fees.trading_fee_bps=77"]
    urls += [reverse("admin:risk_breaker_act", args=[breaker.pk, name]) for name in ("trip", "reset", "change")]
    urls += [reverse("admin:risk_review_act", args=[player.pk, name]) for name in ("confirm", "restrict", "ban")]
    urls += [reverse("admin:billing_month_act", args=["2026-02", name]) for name in ("close", "verify")]
    before = fingerprint.everything()
    answers = {url: client.post(url, {"reason": " \n", "revision": "1"}).status_code for url in urls}
    assert {url: status for url, status in answers.items() if status not in (302, 400)} == {}
    assert [url for url, status in answers.items() if status == 302 and "configuration" not in url] == []
    assert fingerprint.everything() == before


@pytest.mark.parametrize("model", [Delivery, AdminUser])
def test_an_action_on_chosen_rows_asks_first(model):
    fill(many=2)
    client = staff()
    page = admin.site._registry[model]
    chosen = [row.pk for row in model._default_manager.order_by("pk")]
    before = fingerprint.everything()
    for name in page.actions:
        sent = {"action": name, "_selected_action": chosen, "index": 0}
        asked = client.post(url_of(model, "x").replace("x/change/", ""), sent)
        assert (asked.status_code, "What it does" in asked.content.decode()) == (200, True), name
        assert (
            client.post(url_of(model, "x").replace("x/change/", ""), sent | {"_act": "", "reason": ""}).status_code
            == 400
        )
    assert fingerprint.everything() == before


def test_no_other_table_has_actions():
    acting = {model for model, page in admin.site._registry.items() if page.actions}
    assert acting == {Delivery, AdminUser}


def an_act(run):
    return Act(name="of-this-test", label="Do it", permission="operators.manage", run=run, consequences=lambda row: [])


def carried_out(act, row, who):
    form = act.form({"reason": "Because"})
    assert form.is_valid()
    return admin_acts._carry_out(act, row, who, form)


def test_what_leaves_no_line_in_the_trail_is_taken_back():
    operator, who = make_operator(), make_admin()

    def silently(given: Given) -> str:
        Operator.objects.filter(pk=given.row.pk).update(name="Somebody Else")
        return "Done."

    assert carried_out(an_act(silently), operator, who) == "Nothing was to be changed."
    assert Operator.objects.get(pk=operator.pk).name == operator.name

    def told_without_the_reason(given: Given) -> str:
        make_player(given.row)
        return silently(given)

    assert carried_out(an_act(told_without_the_reason), operator, who) == "Nothing was to be changed."
    assert (Player.objects.count(), Operator.objects.get(pk=operator.pk).name) == (0, operator.name)


def test_what_is_told_stays_with_admin_and_reason():
    operator, who = make_operator(), make_admin()
    player = make_player(operator, balance="10")

    def honestly(given: Given) -> str:
        adjustments.request(player_id=given.row.id, amount_usd=5, reason=given.reason, actor=given.actor, now=given.now)
        return "Done."

    assert carried_out(an_act(honestly), player, who) == "Done."
    row = AuditEntry.objects.get(reason="Because")
    assert (row.actor_id, row.object_id) == (who.id, player.id)
