"""Staff at work in a real browser: log in with a second factor, suspend an operator, stop a scope, open a case file."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from operators.models import Operator
from predictu.admin_base import url_of
from predictu.platform.models import AuditEntry
from risk.models import CircuitBreaker
from risk.services import breakers
from tests.factories import PASSWORD, make_admin, make_market, make_operator, make_player, now, place

CHROMIUM = Path("/usr/bin/chromium")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
pytestmark = [
    pytest.mark.committed,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium (apt-get install chromium)"),
]


@contextmanager
def browsing():
    """A page, and what its console complains of. The database is not to be asked inside: Playwright runs a loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs requirements-dev.txt")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=list(OPTIONS))
        page = chromium.new_page()
        page.set_default_timeout(30_000)
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page, wrong
        chromium.close()


def test_a_day_at_the_desk(platform_server):
    admin = make_admin()
    device = TOTPDevice.objects.create(user=admin, name="phone", confirmed=True)
    operator = make_operator(name="Casino Blue")
    breakers.seed_for_operator(operator.id, now=now())
    breaker = CircuitBreaker.objects.get(scope_id=operator.id)
    player = make_player(operator, balance="100")
    place(player, make_market(title="Will it rain?"), 10)
    server = platform_server(workers=1, PREDICTU_ADMIN_OTP_REQUIRED="1")
    with browsing() as (page, wrong):
        log_in(page, server.url, admin, device)
        suspend(page, server.url)
        trip_and_reset(page, server.url, breaker)
        open_case_file(page, server.url, player)
        page.goto(f"{server.url}/admin/platform/auditentry/")
        trail = page.content()
    for reason in ("Unpaid since May", "To trip", "To reset"):
        assert reason in trail
    assert wrong == []
    assert Operator.objects.get(pk=operator.pk).status == "suspended"
    assert AuditEntry.objects.filter(actor=admin, reason="Unpaid since May").count() == 1


def log_in(page, url, admin, device):
    page.goto(f"{url}/admin/")
    page.fill("input[name=username]", admin.email)
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=otp]", f"{totp(bytes.fromhex(device.key)):06d}")
    page.click("button[type=submit]")
    page.get_by_text("Needs a hand").wait_for()


def suspend(page, url):
    page.goto(f"{url}/admin/operators/operator/?q=Casino+Blue")
    page.click("#result_list a:has-text('Casino Blue')")
    carry_out(page, "suspend", "Unpaid since May", "Casino Blue is suspended.")


def trip_and_reset(page, url, breaker):
    for name, said in (("trip", "The breaker is tripped."), ("reset", "The breaker is armed again.")):
        page.goto(url + url_of(CircuitBreaker, breaker.pk))
        carry_out(page, name, f"To {name}", said)


def carry_out(page, name, reason, said):
    page.click(f"a[data-act={name}]")
    page.fill("textarea[name=reason]", reason)
    page.click("button[name=_act]")
    page.get_by_text(said).wait_for()


def open_case_file(page, url, player):
    page.goto(f"{url}/admin/accounts/player/?q={player.username}")
    page.click(f"#result_list a:has-text('{player.id}')")
    page.get_by_text("Timeline, newest first, UTC").wait_for()
    assert "Will it rain?" in page.content()
