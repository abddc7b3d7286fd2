from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reports.simulation import parameters
from tests.reports.simulation.worlds import SMALL


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
    assert [line.split()[0] for line in lines[2:]] == [
        "score",
        "win_rate",
        "edge_detection",
        "timing",
        "volume_pattern",
        "correlation",
        "shuffled",
    ]
    auc, *lifts = (float(number) for number in lines[2].split()[1:])
    assert 0.7 < auc <= 1
    assert len(lifts) == 10
    assert sum(lifts) == pytest.approx(10, abs=0.06)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_prints_the_same():
    arguments = ("--simulated", "default", "--day", "35", "--seed", "3", "--informed", "value", "syndicate")
    assert _run(*arguments) == _run(*arguments)


def test_nobody_with_enough_trades_is_said():
    with pytest.raises(CommandError, match="sharp players and others"):
        _run("--simulated", "default", "--day", "35", "--resolved", "100000")
