"""The apps form a ladder: nothing imports what stands above it, and nobody imports an edge. Read from the source alone.

An edge is an app's ``api/``, ``admin.py`` or ``management/``: it may read every app. ``predictu/api`` is no edge but
what the edges are built on. Imports inside functions count, and so do apps named in a string that Django or Python
resolves; tasks are enqueued by dotted name on purpose, and that is allowed.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LADDER = ["predictu", "operators", "accounts", "risk", "trading", "billing", "reports"]
# They only name things: what is installed, routed and run when.
EXEMPT = {f"predictu/{name}.py" for name in ("settings", "urls", "celery", "schedule")}
RESOLVERS = {"import_module", "__import__", "import_string", "get_model"}
RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def edge(parts):
    """The edge that a dotted name lies in, as (app, kind), or None."""
    start = 2 if parts[:2] == ["predictu", "platform"] else 1
    kind = parts[start] if len(parts) > start else None
    if kind not in ("api", "admin", "management") or parts[:2] == ["predictu", "api"]:
        return None
    return ".".join(parts[:start]), kind


def named(tree, package):
    """Every (line, dotted name) a module imports or has resolved for it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            if called in RESOLVERS | RELATIONS:
                given = node.args[:1] + [keyword.value for keyword in node.keywords if keyword.arg == "to"]
                yield from ((node.lineno, each.value) for each in given if isinstance(getattr(each, "value", 0), str))


def breaches(root):
    found = []
    for path in sorted(each for app in LADDER for each in (root / app).rglob("*.py")):
        source = path.relative_to(root)
        if source.as_posix() in EXEMPT:
            continue
        parts = list(source.with_suffix("").parts)
        for line, name in named(ast.parse(path.read_text()), parts[:-1]):
            target = name.split(".")
            if target[0] == "tests":
                found.append(f"{source}:{line} imports {name}: the tests stand outside")
            elif target[0] not in LADDER:
                continue
            elif edge(target) and edge(target) != edge(parts):
                found.append(f"{source}:{line} imports {name}: an edge")
            elif not edge(parts) and LADDER.index(target[0]) > LADDER.index(parts[0]):
                found.append(f"{source}:{line} imports {name}: upward")
    return found


def test_the_ladder_holds():
    assert breaches(ROOT) == []


def test_every_app_stands_on_the_ladder():
    apps = {path.parent.name for pattern in ("*/apps.py", "*/models.py", "*/tasks.py") for path in ROOT.glob(pattern)}
    assert apps <= set(LADDER)
    assert {app for app in LADDER if (ROOT / app / "__init__.py").exists()} == set(LADDER)


def plant(root, path, source):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source)


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("risk/walls.py", "import trading.pricing\n", "risk/walls.py:1 imports trading.pricing: upward"),
        ("risk/walls.py", "import os, trading\n", "risk/walls.py:1 imports trading: upward"),
        (
            "operators/services/keys.py",
            "def f():\n    from accounts.models import Player\n",
            "operators/services/keys.py:2 imports accounts.models.Player: upward",
        ),
        ("predictu/money.py", "import operators\n", "predictu/money.py:1 imports operators: upward"),
        (
            "predictu/api/views.py",
            "from accounts.services import sessions\n",
            "predictu/api/views.py:1 imports accounts.services.sessions: upward",
        ),
        (
            "predictu/platform/models.py",
            "if TYPE_CHECKING:\n    from accounts.models import Admin\n",
            "predictu/platform/models.py:2 imports accounts.models.Admin: upward",
        ),
        ("trading/tasks.py", "from billing import revenue\n", "trading/tasks.py:1 imports billing.revenue: upward"),
        (
            "trading/services/trades.py",
            "from trading.api.views import X\n",
            "trading/services/trades.py:1 imports trading.api.views.X: an edge",
        ),
        (
            "trading/services/trades.py",
            "from ..api import views\n",
            "trading/services/trades.py:1 imports trading.api.views: an edge",
        ),
        ("trading/queries.py", "from . import admin\n", "trading/queries.py:1 imports trading.admin: an edge"),
        ("reports/queries/home.py", "import risk.admin\n", "reports/queries/home.py:1 imports risk.admin: an edge"),
        (
            "accounts/api/views.py",
            "from operators.api.internal import views\n",
            "accounts/api/views.py:1 imports operators.api.internal.views: an edge",
        ),
        ("accounts/admin.py", "from accounts.api import x\n", "accounts/admin.py:1 imports accounts.api.x: an edge"),
        (
            "reports/services/runs.py",
            "from predictu.platform.api import views\n",
            "reports/services/runs.py:1 imports predictu.platform.api.views: an edge",
        ),
        (
            "operators/services/lifecycle.py",
            "from trading.management.commands import sync\n",
            "operators/services/lifecycle.py:1 imports trading.management.commands.sync: an edge",
        ),
        (
            "risk/models.py",
            "market = models.ForeignKey('trading.Market', on_delete=models.CASCADE)\n",
            "risk/models.py:1 imports trading.Market: upward",
        ),
        (
            "risk/models.py",
            "market = models.OneToOneField(on_delete=models.CASCADE, to='trading.Market')\n",
            "risk/models.py:1 imports trading.Market: upward",
        ),
        (
            "operators/queries.py",
            "Trade = apps.get_model('trading', 'Trade')\n",
            "operators/queries.py:1 imports trading: upward",
        ),
        (
            "operators/queries.py",
            "importlib.import_module('trading.models')\n",
            "operators/queries.py:1 imports trading.models: upward",
        ),
        (
            "trading/services/trades.py",
            "from tests import factories\n",
            "trading/services/trades.py:1 imports tests.factories: the tests stand outside",
        ),
    ],
)
def test_a_planted_breach_is_caught(tmp_path, path, source, said):
    plant(tmp_path, path, source)
    assert breaches(tmp_path) == [said]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("trading/services/trades.py", "from risk import walls\nfrom accounts.services import ledger\n"),
        (
            "trading/services/trades.py",
            "from trading import pricing\nfrom . import settlements\nfrom .. import models\n",
        ),
        ("operators/api/internal/views.py", "from reports.queries import operators\nfrom predictu.api import views\n"),
        ("operators/api/internal/views.py", "from . import serializers\nfrom operators.api.s2s import translate\n"),
        ("accounts/admin.py", "import trading.models\n"),
        ("accounts/management/commands/admin.py", "from reports.queries import home\n"),
        ("predictu/platform/api/views.py", "from reports.queries import activity\n"),
        ("predictu/urls.py", "from reports.api import urls\nimport accounts.admin\n"),
        ("predictu/settings.py", "import reports\n"),
        ("predictu/celery.py", "import trading.tasks\n"),
        ("predictu/schedule.py", "import billing.tasks\n"),
        (
            "operators/services/callbacks.py",
            "jobs.enqueue('trading.tasks.settle', id)\nimport decimal\nimport tradingview\n",
        ),
        ("operators/models.py", "operator = models.ForeignKey('self', on_delete=models.CASCADE)\n"),
        ("operators/services/admin.py", "from predictu.api import context\n"),
        ("tests/test_x.py", "from reports.api import views\n"),
    ],
)
def test_what_is_allowed_passes(tmp_path, path, source):
    plant(tmp_path, path, source)
    assert breaches(tmp_path) == []


def test_every_breach_of_a_tree_is_named(tmp_path):
    plant(tmp_path, "risk/walls.py", "import trading\nimport os\nimport billing\n")
    plant(tmp_path, "accounts/models.py", "import risk\n")
    assert breaches(tmp_path) == [
        "accounts/models.py:1 imports risk: upward",
        "risk/walls.py:1 imports trading: upward",
        "risk/walls.py:3 imports billing: upward",
    ]
