import io
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command


def run(path, **options):
    printed = io.StringIO()
    call_command("backtest_forecast", csv=path, stdout=printed, **options)
    return printed.getvalue().splitlines()


def test_a_row_for_each_series(tmp_path):
    file = tmp_path / "daily.csv"
    first = date(2025, 11, 3)
    days = [first + timedelta(days=n) for n in range(150)]
    rows = [f"{day},weekly,{10 * (day.weekday() + 1)}" for day in days]
    rows += [f"{day},short,5" for day in days[:20] if day != days[3]]
    file.write_text("\n".join(["date,series,value", *rows]))
    assert [line.split() for line in run(file)] == [
        "series days filled origins mase held held_shorter forecast".split(),
        "weekly 150 0 93 - 100.0 % of 60 100.0 % of 2,235 seasonal_naive".split(),
        "short 20 1 0 - - - too short".split(),
    ]
    assert run(file, every=8)[1].split()[3:9] == ["12", "-", "100.0", "%", "of", "5"]
    assert run(file, horizon=60, every=8)[1].split()[:6] == ["weekly", "150", "0", "8", "-", "-"]
    assert run(file, every=40)[1].split()[3] == "3"


@pytest.mark.parametrize("text", ["", "date,value\n", "what,is\nthis,then\n"])
def test_a_file_without_series_is_an_error(tmp_path, text):
    file = tmp_path / "daily.csv"
    file.write_text(text)
    with pytest.raises(CommandError, match="no column of ISO dates"):
        run(file)


def test_a_missing_file_and_a_senseless_horizon_are_errors(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "none.csv")
    with pytest.raises(CommandError, match="positive"):
        run(tmp_path / "none.csv", horizon=0)
    with pytest.raises(CommandError, match="positive"):
        run(tmp_path / "none.csv", every=0)
