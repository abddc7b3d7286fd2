"""Staff at work in a real browser: each page they work from is found, decided on and acted from, and the act is in the
audit trail; and no page keeps anybody out who reads with a screen reader, a keyboard or in the dark."""

from datetime import date
from decimal import Decimal

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Player
from billing.models import Invoice
from billing.services import invoices
from operators.models import OnboardingFact, Operator
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry, ConfigRevision
from risk.models import RiskEvent
from risk.services import breakers
from tests.billing.facts import at, february
from tests.desk.browser import CHROMIUM, STICKS_OUT, WIDER_THAN_SHOWN, browsing, outside
from tests.factories import PASSWORD, make_admin, make_market, make_operator, make_pair, make_player, now, place
from trading.models import Market, Settlement

pytestmark = [
    pytest.mark.committed,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium (apt-get install chromium)"),
]


@pytest.fixture
def desk(jobs_wait):
    """What a day begins with: an admin with a second factor, an operator with a breaker and an unpaid invoice, a user
    with a trade, and a closed market that waits for its oracle. Mails of the day are nobody's business here."""
    admin = make_admin()
    TOTPDevice.objects.create(user=admin, name="phone", confirmed=True)
    make_admin(email="rita@predictu.com")
    operator = make_operator(
        name="Casino Blue", slug="casino-blue", tax_rate_pct=Decimal(10), new_tier_limit=1000, regular_tier_limit=1000
    )
    breakers.seed_for_operator(operator.id, now=now())
    player = make_player(operator, balance="100", username="ada-of-the-north")
    market = make_market(title="Will it rain?")
    place(player, market, 50)
    Player.objects.filter(pk=player.pk).update(tier="sharp", score=71, score_evaluated_at=now())
    RiskEvent.objects.create(
        type="sharp_detection", severity="warning", message="Scored 71", player=player, operator=operator,
        created_at=now(),
    )  # fmt: skip
    RiskEvent.objects.create(type="anomaly", severity="info", message="Odd bets", operator=operator, created_at=now())
    Market.objects.filter(pk=market.pk).update(
        waiting_for="oracle_pending", uma_status="proposed", source_closed=True, source_closed_at=now()
    )
    february(operator)
    invoices.run_month(month=date(2026, 2, 1), now=at(2026, 3, 1, 0, 5))
    return admin


def test_a_day_at_the_desk(desk, platform_server):
    """One browser for all of it: every task, then a look at every page as the day has left it."""
    server = platform_server(workers=1, PREDICTU_ADMIN_OTP_REQUIRED="1", CELERY_TASK_ALWAYS_EAGER="1")
    secret = TOTPDevice.objects.get(user=desk).key
    with browsing(server.url) as browser:
        log_in(browser, desk, secret)
        for task in TASKS:
            task(browser)
        assert look_at_every_page(browser, outside(named_pages)) == {}
        assert browser.wrong == []
    assert set(AuditEntry.objects.exclude(reason="").values_list("actor_id", flat=True)) == {desk.id}


def log_in(browser, admin, secret):
    browser.open("/admin/")
    browser.page.fill("input[name=username]", admin.email)
    browser.page.fill("input[name=password]", PASSWORD)
    browser.page.fill("input[name=otp]", f"{totp(bytes.fromhex(secret)):06d}")
    browser.page.keyboard.press("Enter")
    browser.page.get_by_text("Needs a hand").wait_for()


def onboard_an_operator(browser):
    browser.open("/admin/operators/operator/")
    browser.page.get_by_role("link", name="New operator").click()
    browser.send(
        name="Casino Red",
        slug="casino-red",
        website_url="https://casino-red.example",
        contact_email="tech@casino-red.example",
    )
    browser.page.get_by_text("Casino Red is registered").wait_for()
    browser.carry_out("advance-branding", "Signed", "Casino Red is at s2s_config.", display_name="Red")
    outside(lambda: make_ready(Operator.objects.get(slug="casino-red")))
    browser.carry_out("advance-s2s_config", "PING went well", "Casino Red is at embed_setup.")
    browser.carry_out("skip-embed_setup", "No site yet", "Embedding is skipped.")
    browser.carry_out("advance-test_trades", "Traded", "Casino Red is at go_live.")
    browser.carry_out("advance-go_live", "All done", "Casino Red is live.")
    browser.sees_in_the_trail("operator.create", "Signed", "PING went well", "No site yet", "Traded", "All done")


def make_ready(operator):
    """What the operator's own engineers do: a key pair, a callback URL, a PING and a test trade."""
    make_pair(operator)
    Operator.objects.filter(pk=operator.pk).update(callback_url="https://cb.example/x")
    for name in ("generate_keys", "configure_revenue", "set_callback", "test_ping", "test_trades"):
        OnboardingFact.objects.get_or_create(operator=operator, name=name, defaults={"completed_at": now()})


def suspend_an_operator_by_keyboard_alone(browser):
    page, keys = browser.page, browser.page.keyboard
    browser.open("/admin/operators/operator/?q=Casino+Blue")
    browser.tab_to("#result_list a[href*='/operator/op_']")
    keys.press("Enter")
    page.locator("[data-act=suspend]").wait_for()
    browser.tab_to(".desk-skip", most=1)
    keys.press("Enter")
    browser.tab_to("[data-act=suspend]", most=1)
    keys.press("Enter")
    page.get_by_label("What it does").wait_for()
    browser.tab_to("textarea[name=reason]")
    keys.type("Unpaid since May")
    browser.tab_to("button[name=_act]")
    keys.press("Enter")
    page.get_by_text("Casino Blue is suspended.").wait_for()
    browser.tab_to("a[href*='/platform/auditentry/?q=']")
    keys.press("Enter")
    page.locator("#result_list").wait_for()
    assert "Unpaid since May" in page.locator("#result_list").inner_text()


def filter_a_list_by_keyboard(browser):
    """An open sheet takes the focus, keeps it, and gives it back."""
    page, keys = browser.page, browser.page.keyboard
    inside = "document.activeElement.closest('#changelist-filter') !== null"
    browser.open("/admin/risk/riskevent/")
    browser.tab_to("[role=button][x-on\\:click='filterOpen = true']")
    keys.press("Enter")
    page.wait_for_function(inside)
    keys.press("Shift+Tab")
    assert page.evaluate(inside), "backwards from the first comes the last"
    keys.press("Tab")
    assert page.evaluate(inside), "and on from the last the first"
    keys.press("Escape")
    page.locator("#changelist-filter").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.matches('[role=button]')")


def log_a_colleague_out(browser):
    browser.open("/admin/accounts/adminuser/?q=rita@predictu.com")
    browser.page.click("#result_list a:has-text('rita@predictu.com')")
    browser.carry_out("logout-everywhere", "Lost her laptop", "rita@predictu.com is logged out everywhere.")
    browser.sees_in_the_trail("admin.logout_everywhere", "Lost her laptop", "127.0.0.1")


def trip_a_breaker_at_the_risk_desk(browser):
    browser.open("/admin/risk/desk/")
    browser.page.get_by_role("link", name="Trip the breaker of Casino Blue").click()
    browser.send(reason="To look into it")
    browser.page.get_by_text("The breaker is tripped.").wait_for()
    assert "To look into it" in browser.page.locator("section[aria-labelledby=last]").inner_text()


def find_it_on_the_home_page_and_reset_it(browser):
    browser.open("/admin/")
    browser.page.get_by_role("link", name="Breaker tripped: Casino Blue").click()
    browser.carry_out("reset", "Looked into", "The breaker is armed again.")
    browser.sees_in_the_trail("To look into it", "Looked into")
    browser.open("/admin/")
    browser.page.get_by_text("No breaker is tripped.").wait_for()


def acknowledge_a_risk_event(browser):
    browser.open("/admin/risk/desk/")
    browser.page.get_by_role("link", name="Acknowledge: Odd bets").click()
    browser.send(reason="Known already")
    browser.page.get_by_text("The event is resolved.").wait_for()
    event = outside(lambda: RiskEvent.objects.get(message="Odd bets"))
    assert event.resolution_note == "Known already"
    browser.open(url_of(RiskEvent, event.pk))
    browser.sees_in_the_trail("Known already")


def preview_and_settle_a_market(browser):
    browser.open("/admin/settlements/?list=waiting")
    browser.page.get_by_role("link", name="Will it rain?").first.click()
    browser.page.get_by_role("heading", name="Settlement preview").wait_for()
    browser.carry_out("resolve-yes", "The oracle is days late", "The market is resolved")
    browser.sees_in_the_trail("The oracle is days late")
    browser.open("/admin/settlements/?list=done")
    assert "Will it rain?" in browser.page.locator("#content").inner_text()
    assert outside(lambda: Settlement.objects.get().total_payout_usd) == Decimal("50.00")


def record_a_payment(browser):
    browser.open("/admin/finance/")
    browser.page.get_by_role("link", name="INV-2026-00001").first.click()
    browser.carry_out(
        "payment", "On the statement of today", "USD 6,006.00 recorded.", amount_usd="6006.00", reference="WIR-1"
    )
    browser.sees_in_the_trail("On the statement of today")
    assert outside(lambda: Invoice.objects.get().status) == "paid"


def open_a_case_file(browser):
    browser.open("/admin/accounts/player/?q=ada-of-the-north")
    browser.page.click("#result_list a[href*='/player/usr_']")
    browser.page.get_by_role("heading", name="Timeline, newest first, UTC").wait_for()
    assert "Will it rain?" in browser.page.locator("#content").inner_text()
    browser.page.get_by_role("link", name="ledger", exact=True).click()
    browser.page.get_by_text("settlement 50.00").wait_for()
    browser.carry_out("adjust", "For the delay", "The balance is USD", amount_usd="2.50")
    browser.sees_in_the_trail("For the delay", "user.adjust_balance")


def review_a_flagged_user(browser):
    browser.open("/admin/risk/review/")
    browser.page.locator("#content a[href*='/risk/review/usr_']").first.click()
    browser.carry_out("restrict", "Bets on stale prices", "Restricted by staff's verdict")
    player = outside(lambda: Player.objects.get(username="ada-of-the-north"))
    assert player.tier == "restricted"
    browser.open(url_of(Player, player.pk))
    browser.sees_in_the_trail("Bets on stale prices")


def change_the_configuration(browser):
    browser.open("/admin/configuration/")
    browser.page.fill("[name='fees.trading_fee_bps']", "125")
    browser.page.get_by_role("button", name="Show what it does").click()
    browser.page.get_by_label("What it does").wait_for()
    assert "125" in browser.page.locator("#content").inner_text()
    browser.send(reason="As agreed for the autumn")
    browser.page.get_by_text("As agreed for the autumn").wait_for()
    assert outside(lambda: ConfigRevision.objects.order_by("-number").first().reason) == "As agreed for the autumn"
    browser.open("/admin/platform/auditentry/?q=config.update")
    browser.page.click("#result_list tbody a[href*='/auditentry/']")
    browser.page.get_by_role("heading", name="What changed").wait_for()
    assert "fees.trading_fee_bps" in browser.page.locator("#content").inner_text()


def ask_for_a_report(browser):
    browser.open("/admin/reports/report/")
    browser.page.get_by_role("link", name="New report").click()
    browser.send(type="trades", format="csv")
    browser.page.get_by_text("The report is ready.").wait_for()
    with browser.page.expect_download() as file:
        browser.page.get_by_role("link", name="Download").click()
    assert "Will it rain?" in file.value.path().read_text()
    browser.sees_in_the_trail("report.created", "report.downloaded")


def make_and_stop_a_schedule(browser):
    browser.open("/admin/reports/reportschedule/")
    browser.page.get_by_role("link", name="New schedule").click()
    browser.send(name="Invoices of the month", type="invoices", format="pdf", frequency="monthly", day_of_month="2",
                 recipients="finance@predictu.com")  # fmt: skip
    browser.page.get_by_text("Invoices of the month is scheduled.").wait_for()
    browser.carry_out("disable", "Finance is away", "Invoices of the month runs no more.")
    browser.sees_in_the_trail("schedule.created", "Finance is away")


TASKS = (
    onboard_an_operator,
    trip_a_breaker_at_the_risk_desk,
    find_it_on_the_home_page_and_reset_it,
    preview_and_settle_a_market,
    record_a_payment,
    open_a_case_file,
    review_a_flagged_user,
    acknowledge_a_risk_event,
    suspend_an_operator_by_keyboard_alone,
    filter_a_list_by_keyboard,
    log_a_colleague_out,
    change_the_configuration,
    ask_for_a_report,
    make_and_stop_a_schedule,
)


def named_pages():
    """Every page that staff work from, by what it is."""
    player, market = Player.objects.get(username="ada-of-the-north"), Market.objects.get(title="Will it rain?")
    audited = AuditEntry.objects.exclude(changes={}).first()
    return {
        "home": "/admin/",
        "operator": url_of(Operator, player.operator_id),
        "user case file": url_of(Player, player.pk),
        "market": url_of(Market, market.pk),
        "risk desk": "/admin/risk/desk/",
        "review queue": "/admin/risk/review/",
        "review": f"/admin/risk/review/{player.pk}/",
        "settlement console": "/admin/settlements/",
        "finance desk": "/admin/finance/",
        "invoice": url_of(Invoice, Invoice.objects.get().pk),
        "reports": "/admin/reports/report/",
        "new schedule": "/admin/reports/schedules/new/",
        "configuration": "/admin/configuration/",
        "audit trail": "/admin/platform/auditentry/",
        "audit entry": url_of(AuditEntry, audited.pk),
        "act": url_of(Operator, player.operator_id) + "act/resume/",
        "settlement": url_of(Settlement, Settlement.objects.get().pk),
        "schedules": "/admin/reports/reportschedule/",
        "trades": "/admin/trading/trade/",
        "staff": "/admin/accounts/adminuser/",
        "second factor": "/admin/two-factor/",
    }


def look_at_every_page(browser, pages):
    """What axe-core finds serious or critical, by day and in the dark; and how much wider than a phone a page is."""
    found = {}
    for name, path in pages.items():
        browser.open(path)
        found[name] = browser.findings()
        browser.page.evaluate("document.documentElement.classList.add('dark')")
        found[f"{name}, dark"] = browser.findings(rules=("color-contrast",))
        browser.page.set_viewport_size({"width": 390, "height": 844})
        found[f"{name}, wider than a phone"] = browser.page.evaluate(WIDER_THAN_SHOWN)
        found[f"{name}, out of sight on a phone"] = browser.page.evaluate(STICKS_OUT)
        browser.page.set_viewport_size({"width": 1280, "height": 900})
    return {name: problems for name, problems in found.items() if problems}
