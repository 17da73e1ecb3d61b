"""Texts that are codes, multiples of thousands, months, weeks and quarters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import clearprop as cp
from clearprop.cli import main
from clearprop.tables.frames import Column, TableError, TableWarning
from clearprop.tables.inference import ColumnFinding, find
from clearprop.tables.target_column import find_target, infer_task
from clearprop.tables.told import ON_COMMAND_LINE, messages
from clearprop.tabular.reading_codec import reading_from_entry, reading_to_document


def column_of(*texts: str | None, times: int = 12) -> Column:
    return Column("c", pa.array(list(texts) * times, pa.large_string()))


def found_of(*texts: str | None, kind: str | None = None) -> ColumnFinding:
    found = find(column_of(*texts), kind)
    entry = {"reading": reading_to_document(found.reading)}
    assert reading_from_entry(entry, found.reading.kind, "here") == found.reading
    return found


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (("04109", "10115", "80331"), "categorical"),
        (("007", "010", "100"), "categorical"),
        (("0171", "030", "0891"), "categorical"),
        (("04109", "10115", "?", None), "categorical"),
        (("0", "1", "10"), "numeric"),
        (("0.5", "00.5", "1"), "numeric"),
        (("01", "1", "2", "3"), "numeric"),  # sloppy, not codes
        (("10115", "80331"), "numeric"),
    ],
)
def test_codes_with_leading_zeros_are_categories(texts: Any, kind: str) -> None:
    found = found_of(*texts)
    assert found.reading.kind == kind
    assert (found.doubt == "codes") == (kind == "categorical")
    assert find(column_of(*texts), "numeric").reading.kind == "numeric"
    told = " ".join(messages({"c": found}, ON_COMMAND_LINE))
    assert ("codes with leading zeros are categories: 'c'; --numeric COLUMN" in told) == (
        kind == "categorical"
    )


def test_codes_that_identify_rows_are_left_out_and_targets_of_codes_are_classes() -> None:
    found = find(Column("c", pa.array([f"{i:05}" for i in range(0, 900, 7)], pa.large_string())))
    assert found.reading.kind == "ignore"
    assert found.reading.reason.startswith("codes with leading zeros, 129 different values")
    task, reason = infer_task(column_of("01", "02", "10"))
    assert (task, reason) == ("classification", "the target has codes with leading zeros")
    assert find_target(column_of("01", "02", "10"), task).labels == ("01", "02", "10")


def test_a_code_means_the_same_in_a_later_table() -> None:
    rng = np.random.default_rng(0)
    codes = rng.choice(["04109", "10115", "80331"], 120)
    frame = pd.DataFrame({"code": codes, "x": rng.normal(size=120)})
    with pytest.warns(TableWarning, match="codes with leading zeros are categories: 'code'"):
        model = cp.TabularRegressor(2, random_state=0).fit(frame, (codes == "04109") * 5.0)
    numbers = frame.assign(code=frame["code"].astype(int))  # as pandas reads a CSV file
    np.testing.assert_array_equal(model.predict(numbers), model.predict(frame))


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("3k", "1.2k", "500"), (3e3, 1.2e3, 500)),
        (("$1.2M", "$900K", "$15"), (1.2e6, 9e5, 15)),
        (("1,5 Mio. €", "2 Mrd. €", "300 €"), (1.5e6, 2e9, 300)),
        (("-2bn", "(1.5bn)", "7 million"), (-2e9, -1.5e9, 7e6)),
        (("90 min", "100 min"), (90, 100)),
        (("5 kg", "7 kg"), (5, 7)),
        (("3 km", "4.5 km"), (3, 4.5)),
        (("5 MB", "7 MB"), (5, 7)),
    ],
)
def test_k_and_m_are_multiples(texts: Any, numbers: Any) -> None:
    found = found_of(*texts)
    assert found.reading.kind == "numeric"
    got = found.reading.numbers(column_of(*texts, times=1))
    np.testing.assert_allclose(got, numbers, rtol=1e-15)
    assert found.reading.number is not None
    assert found.reading.number.multiples == ("k is 1000" in found.reading.what)


def test_seats_are_not_multiples() -> None:
    assert found_of("12A", "12B", "12K", "14A").reading.kind == "categorical"


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (("Jan 2020", "March 2021", "Dez. 2021"), ("2020-01-01", "2021-03-01", "2021-12-01")),
        (("2020-Jan", "2020 May"), ("2020-01-01", "2020-05-01")),
        (("2020-W05", "2021W01", "2020-W53-7"), ("2020-01-27", "2021-01-04", "2021-01-03")),
        (("2020Q1", "2021-Q4"), ("2020-01-01", "2021-10-01")),
        (("Q2 2020", "q4/2021"), ("2020-04-01", "2021-10-01")),
        (("01/2020", "12/2021"), ("2020-01-01", "2021-12-01")),
        (("2020/1", "2021/12"), ("2020-01-01", "2021-12-01")),
    ],
)
def test_months_weeks_and_quarters_are_dates(texts: Any, days: Any) -> None:
    found = found_of(*texts)
    assert found.reading.kind == "date"
    stamps = found.reading.stamps(column_of(*texts, times=1))
    assert [str(stamp)[:10] for stamp in stamps] == list(days)


@pytest.mark.parametrize("text", ["2021-W53", "2020-W00", "2020Q5", "13/2020", "Foo 2020"])
def test_no_such_month_week_or_quarter(text: str) -> None:
    form = {"W": "2020-W05", "Q": "2020-Q1", "/": "01/2020", "F": "Jan 2020"}
    like = next(good for mark, good in form.items() if mark in text)
    reading = find(column_of(like, like[:-1] + "2")).reading
    with pytest.raises(TableError, match="is not a date"):
        reading.stamps(column_of(text))


def test_days_without_signs_are_dates_where_they_are_asked_for() -> None:
    assert found_of("20200131", "20201231").reading.kind == "numeric"
    reading = find(column_of("20200131", "20201231"), "date").reading
    assert str(reading.stamps(column_of("20200131"))[0])[:10] == "2020-01-31"


def test_a_message_names_the_way_of_its_caller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame({"x": range(40), "y": [*map(str, range(39)), "Total"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(TableError, match=r"missing=\[text\] makes them missing, task=") as caught:
        cp.TableModel.fit(frame, "y")
    assert "--" not in str(caught.value)
    assert main(["fit", str(tmp_path / "t.csv"), "-t", "y", "-m", str(tmp_path / "m")]) == 2
    error = capsys.readouterr().err
    assert "--missing TEXT makes them missing, --task classification" in error
    assert "missing=" not in error


def test_a_month_in_iso_form_is_read_beside_names_of_months() -> None:
    """As pandas writes a period."""
    reading = find(column_of("Jan 2020", "Feb 2020")).reading
    assert str(reading.stamps(column_of("2020-03", times=1))[0])[:10] == "2020-03-01"


def test_a_minus_sign_of_unicode_is_read_in_plain_numbers() -> None:
    found = found_of("\u22125", "7", "8.5", "?")
    assert found.reading.what == "numbers"
    got = found.reading.numbers(column_of("\u22125", "-5", "8.5", "?", times=1))
    np.testing.assert_array_equal(got, [-5, -5, 8.5, np.nan])
    with pytest.raises(TableError, match="'x' is not a number; an empty cell"):
        found.reading.numbers(column_of("x"))


def test_columns_that_are_the_same_up_to_rounding_are_told() -> None:
    ids = np.arange(40, dtype=np.uint64) + 2**63
    X = pd.DataFrame({"x": np.random.default_rng(0).normal(size=40), "big": ids})
    with pytest.warns(TableWarning, match="left out: 'big' .the same in all training rows"):
        cp.TabularRegressor(2, random_state=0).fit(X, X["x"])


def test_the_name_of_a_column_is_not_a_group_or_a_time() -> None:
    X = pd.DataFrame({"x": np.arange(40.0)})
    for argument in ("groups", "time"):
        with pytest.raises(TypeError, match=f"{argument} must have a value for each row, not the"):
            cp.TabularRegressor(2).fit(X, X["x"], **{argument: "x"})


def test_rows_without_a_target_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "1,a\n2,b\n" * 20 + "Total,\n")
    assert main(["fit", str(tmp_path / "t.csv"), "-t", "y", "-m", str(tmp_path / "m")]) == 2
    assert (
        "(in 1 of 41 rows); --skip-missing-target leaves such rows out" in capsys.readouterr().err
    )
