from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from reports.queries import scoring_history
from reports.simulation import parameters
from reports.simulation.parameters import POPULATIONS
from risk.models import PlayerScore
from risk.scoring import Thresholds
from tests.reports.simulation.worlds import SMALL

NAMES = ("score", "win_rate", "edge_detection", "timing", "volume_pattern", "correlation")


@pytest.fixture(autouse=True)
def _small_worlds(monkeypatch):
    small = {name: replace(known, **SMALL) for name, known in parameters.PARAMETER_SETS.items()}
    for name, known in small.items():
        monkeypatch.setitem(parameters.PARAMETER_SETS, name, known)


def _run(*arguments):
    out = StringIO()
    call_command("backtest_scoring", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_it_prints_auc_and_lift_of_the_score_and_each_component_and_draws_them(tmp_path):
    png = tmp_path / "backtest.png"
    lines = _run("--simulated", "edge-5", "--day", "35", "--resolved", "15", "--png", str(png))
    assert lines[0].startswith("edge-5, seed 1, day 35: sharp (")
    assert [line.split()[0] for line in lines[2:]] == [*NAMES, "shuffled"]
    auc, *lifts = (float(number) for number in lines[2].split()[1:])
    assert 0.7 < auc <= 1
    assert len(lifts) == 10
    assert sum(lifts) == pytest.approx(10, abs=0.06)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_prints_the_same():
    arguments = ("--simulated", "default", "--day", "35", "--seed", "3", "--informed", "value", "syndicate")
    assert _run(*arguments) == _run(*arguments)


@pytest.mark.django_db
def test_the_platforms_own_past_is_judged_by_money_and_by_labels(tmp_path):
    until, labels, png = datetime(2026, 11, 4, tzinfo=UTC), tmp_path / "labels.csv", tmp_path / "past.png"
    call_command(
        "simulate", way="copy", trades=3_500, users=80, operators=2, days=20, markets=40, seed=4, scores=0,
        until=until, labels=labels, set="edge-5", stdout=StringIO(),
    )  # fmt: skip
    at = ("--at", "2026-10-30T00:00:00Z", "--resolved", "10")
    lines = _run(*at, "--days", "5", "--later", "3", "--png", str(png))
    assert lines[0].startswith("2026-10-30T00:00:00Z: in profit by trades of the 5 days since (")
    assert [line.split()[0] for line in lines[2:]] == [*NAMES, "shuffled"]
    assert png.read_bytes().startswith(b"\x89PNG")
    known = _run(*at, "--labels", str(labels), "--informed", *POPULATIONS[1:4])
    assert known[0].startswith("2026-10-30T00:00:00Z: sharp + value + syndicate (")
    assert float(known[2].split()[1]) > 0.6
    assert not PlayerScore.objects.exists(), "a test of scores keeps none"


@pytest.mark.django_db
def test_what_came_later_is_not_in_the_score_of_a_moment():
    until, at = datetime(2026, 11, 4, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC)
    world = {"trades": 900, "users": 30, "operators": 2, "days": 14, "markets": 40, "seed": 4, "scores": 0}
    call_command("simulate", way="copy", until=until, stdout=StringIO(), **world)
    thresholds = Thresholds(sharp=60, restricted=80)
    then = scoring_history.scored(at=at, resolved_from=1, thresholds=thresholds)
    assert len(then) > 5
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trading_trade DISABLE TRIGGER USER")
        cursor.execute("UPDATE trading_trade SET pnl_usd = -pnl_usd, cost_usd = 1 WHERE created_at > %s", [at])
        cursor.execute("DELETE FROM trading_pricepoint WHERE at > %s", [at])
    assert scoring_history.scored(at=at, resolved_from=1, thresholds=thresholds) == then


def test_nobody_with_enough_trades_is_said():
    with pytest.raises(CommandError, match="sharp players and others"):
        _run("--simulated", "default", "--day", "35", "--resolved", "100000")
