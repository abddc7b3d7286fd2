"""The menu of Django admin leads to everything, once."""

import re

import pytest
from django.contrib import admin
from django.test import Client

from accounts import roles
from predictu import menu
from tests.factories import make_admin

pytestmark = pytest.mark.django_db
TABLES = [entry.model for _, entries in menu.GROUPS for entry in entries if isinstance(entry, menu.Table)]


def open_page(path):
    client = Client()
    client.force_login(make_admin(roles.READ_ONLY))
    return client.get(path).content.decode()


def test_every_table_stands_in_the_menu_once():
    assert sorted(TABLES) == sorted(model._meta.label_lower for model in admin.site._registry)


def test_every_page_of_the_menu_opens():
    client = Client()
    client.force_login(make_admin(roles.READ_ONLY))
    pages = [entry.name for _, entries in menu.GROUPS for entry in entries if isinstance(entry, menu.Page)]
    links = [item["link"] for group in menu.navigation(None) for item in group["items"] if group["title"] == ""]
    assert "index" in pages and "/admin/" in links
    assert [(link, client.get(link).status_code) for link in links] == [(link, 200) for link in links]


def test_the_group_of_the_page_shown_is_open_and_its_line_is_marked():
    text = open_page("/admin/billing/payment/")
    groups = re.findall(r"<details( open)?>\s*<summary>(.*?)</summary>", text)
    assert [title for is_open, title in groups if is_open] == ["Finance"]
    assert re.findall(r'<a href="([^"]*)" aria-current="page">', text) == ["/admin/billing/payment/"]


def test_plurals_are_english():
    plurals = [str(model._meta.verbose_name_plural) for model in admin.site._registry]
    assert [each for each in plurals if re.search(r"(ss|chs|shs|[^aeiou]ys|xs|revenues)$", each)] == []
