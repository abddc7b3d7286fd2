"""A small world both ways: the same kind of platform, every check of the ledger clean, sums as rebuilt."""

import csv
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from accounts.models import LedgerEntry, Player
from trading.models import Trade
from trading.services import verification

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = {"users": 300, "trades": 5_000, "operators": 3, "days": 40, "markets": 60, "until": UNTIL, "scores": 1}


def test_copy(tmp_path):
    call_command("simulate", way="copy", labels=tmp_path / "labels.csv", **SMALL)
    assert verification.verify() == []
