"""`.env.example` explains every variable the platform reads, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = [
    re.compile(r"""\benv(?:\.\w+)?\(\s*["']([A-Z][A-Z0-9_]+)["']"""),
    re.compile(r"""\b_secret\(["']([A-Z][A-Z0-9_]+)["']"""),
    re.compile(r"""environ(?:\.get\(|\[)["']([A-Z][A-Z0-9_]+)["']"""),
]
# Django's and other programs' own, and what one program of `make run` tells another.
FOREIGN = {"DJANGO_SETTINGS_MODULE", "PATH", "VENV", "SOURCE_DATE_EPOCH", "PREDICTU_DEMO_OPERATOR_URL"}
FOREIGN |= {"PROMETHEUS_MULTIPROC_DIR"}


def variables_read():
    found = set()
    for folder in ("predictu", "operators", "accounts", "risk", "trading", "billing", "reports"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            found.update(name for pattern in READ for name in pattern.findall(text))
    return found - FOREIGN


def test_the_example_names_what_is_read():
    lines = (ROOT / ".env.example").read_text().splitlines()
    explained = {match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line))}
    assert explained == variables_read()


def test_copying_the_example_changes_nothing():
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
