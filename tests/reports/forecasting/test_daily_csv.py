import io

import pytest

from reports.forecasting import daily_csv


def read(text):
    return [(one.name, list(one.values), one.filled) for one in daily_csv.read(io.StringIO(text))]


def test_date_and_value():
    assert read("date,value\n2026-01-03,3.5\n2026-01-01,1\n") == [("value", [1, 0, 3.5], 1)]


def test_long_form_with_a_name_column_between():
    text = "\ufeffday;venue;fees\n2026-01-01;a;1\n2026-01-01;b;7\n2026-01-02;a;2\n2026-01-02;a;0.5\n"
    assert read(text) == [("a", [1, 2.5], 0), ("b", [7], 0)]


def test_several_value_columns_are_several_series():
    text = "date,venue,contracts,fees\n2026-01-01,x,10,1\n2026-01-02,x,20,2\n"
    assert read(text) == [("x/contracts", [10, 20], 0), ("x/fees", [1, 2], 0)]
    assert read("date\tcalls\tputs\n2026-01-01\t1\t2\n") == [("calls", [1], 0), ("puts", [2], 0)]


def test_a_series_may_be_named_by_a_number():
    assert read("unique_id,ds,y\n7,2026-01-01T00:00:00Z,1\n8,2026-01-01T00:00:00Z,2\n") == [
        ("7", [1], 0),
        ("8", [2], 0),
    ]


def test_empty_cells_are_absent_days():
    assert read("date,value\n2026-01-01,1\n2026-01-02,\n2026-01-03,3\n") == [("value", [1, 0, 3], 1)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column of ISO dates"),
        ("value\n1\n", "no column of ISO dates"),
        ("date,value\n2026-01-01,one\n", "no column of numbers"),
        ("date,value\n2026-01-01,inf\n", "no column of numbers"),
        ("date,value\n01/02/2026,1\n", "no column of ISO dates"),
    ],
)
def test_a_file_without_dates_or_numbers_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem):
        read(text)
