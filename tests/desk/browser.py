"""A browser for tests of pages: Debian's chromium, driven by Playwright, with what its console complains of."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

CHROMIUM = Path("/usr/bin/chromium")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE_MS = 30_000
# What an audit finds is graded; minor and moderate findings are matters of taste.
GRAVE = ("serious", "critical")
_SHOWS_FOCUS = """() => {
  const look = getComputedStyle(document.activeElement);
  return look.outlineStyle !== 'none' || look.boxShadow !== 'none';
}"""
# What sticks out of a page on the right, unless a box of its own scrolls it: on a phone nobody would find it.
STICKS_OUT = """() => document.querySelectorAll('details').forEach(each => { each.open = true; }) ||
  [...document.querySelectorAll('#main *')].filter(each =>
  each.getClientRects().length && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
  && !each.closest('.desk-scroll, [data-simplebar], .truncate, [aria-hidden=true]')
).map(each => each.outerHTML.slice(0, 120))"""
WIDER_THAN_SHOWN = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass
class Browser:
    """One page of one browser, at ``url``, the platform's."""

    page: Any
    url: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        answer = self.page.goto(f"{self.url}{path}")
        assert answer.status == 200, (path, answer.status)

    def carry_out(self, name: str, reason: str, said: str, **values: str) -> None:
        """Follow the link of an act, look at what it does, fill its form and send it; ``said`` confirms it."""
        self.page.locator(f"[data-act={name}]").first.click()
        self.page.get_by_label("What it does").wait_for()
        self.send(reason=reason, **values)
        self.page.get_by_text(said).wait_for()

    def send(self, **values: str) -> None:
        """Fill a page's form by the names of its fields, and send it."""
        form = self.page.locator("#act-form, #ask-form")
        for name, value in values.items():
            found = form.locator(f"[name={name}]")
            if found.evaluate("element => element.tagName") == "SELECT":
                found.select_option(value)
            else:
                found.fill(value)
        form.locator("button[type=submit]").first.click()

    def tab_to(self, selector: str, *, most: int = 90) -> None:
        """With the Tab key alone, as far as something that matches ``selector``; it has to show that it is there."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                break
        else:
            raise AssertionError(f"the keyboard does not reach {selector}")
        assert self.page.evaluate(_SHOWS_FOCUS), f"nothing shows that {selector} has the focus"

    def sees_in_the_trail(self, *told: str) -> None:
        """By the page's own link to the audit trail of its row."""
        self.page.locator("a.desk-button", has_text="Audit trail").first.click()
        self.page.locator("#result_list").wait_for()
        text = self.page.locator("#result_list").inner_text()
        assert not [each for each in told if each not in text], text

    def findings(self, *, rules: tuple[str, ...] = ()) -> list[str]:
        """What axe-core finds grave on the page shown: rule and place; of ``rules`` alone where they are named."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs requirements-dev.txt").Axe()
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        found = axe.run(self.page, options=options).response["violations"]
        return [
            f"{each['id']}: {node['html'][:200]}" for each in found if each["impact"] in GRAVE for node in each["nodes"]
        ]


@contextmanager
def browsing(url: str, *, width: int = 1280) -> Iterator[Browser]:
    """The database is not to be asked inside but through ``outside``: Playwright runs a loop in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs requirements-dev.txt")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=list(OPTIONS))
        page = chromium.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        browser = Browser(page, url)
        page.on("console", lambda told: browser.wrong.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: browser.wrong.append(str(error)))
        try:
            yield browser
        except Exception as error:
            shown = page.locator("#content").inner_text()[:2_000]
            raise AssertionError(f"at {page.url}, where it says:\n{shown}") from error
        finally:
            chromium.close()


def outside(work: Callable[[], Any]) -> Any:
    """``work`` on the test's database, in a thread without a loop."""

    def done() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(done).result()
