"""Numbers, dates and durations written as text: formats found from a column, values read back."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.tables.frames import Column, TableError
from clearprop.tables.inference import find

SIGNS = [(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (",", "\u00a0"), (".", "'")]


def column(texts):
    values = [text if text else None for text in texts]
    return Column("x", pa.array(values, pa.large_string()))


def numbers(texts, **options):
    found = find(column(texts), options=options)
    assert found.reading.kind == "numeric", found
    return found.reading.numbers(column(texts)).tolist()


def written(value, decimal, thousands, places):
    """A number as people of some country write it."""
    text = f"{value:,.{places}f}"
    return text.translate(str.maketrans({",": thousands, ".": decimal}))


@pytest.mark.parametrize(
    ("texts", "values", "words"),
    [
        (["1", "2.5", "-3e4"], [1, 2.5, -3e4], ""),
        (["1.234,56", "12,5", "7"], [1234.56, 12.5, 7], "decimal comma, thousands point"),
        (["1,234.5", "12", "1,234,567"], [1234.5, 12, 1234567], "thousands comma"),
        (["1,234", "987"], [1234, 987], "thousands comma"),
        (["$1,234", "$2,345"], [1234, 2345], "$, thousands comma"),
        (["0,125", "1,250"], [0.125, 1.25], "decimal comma"),
        (["1,234", "2,345"], [1.234, 2.345], "decimal comma"),  # no evidence: told as doubtful
        (["1.234", "2.345"], [1.234, 2.345], ""),
        (["1.234.567", "2.345"], [1234567, 2345], "decimal comma, thousands point"),
        (["1\u202f234,5", "12"], [1234.5, 12], "decimal comma, thousands blank"),
        (["1\u2019234.50", "7"], [1234.5, 7], "thousands apostrophe"),
        (["(1,234.50)", "12.00", "5.5-"], [-1234.5, 12, -5.5], "thousands comma, brackets are neg"),
        (["\u22125,5", "3"], [-5.5, 3], "decimal comma"),
        (["12 kg", "3,5 kg"], [12, 3.5], "kg, decimal comma"),
        (["12kg", "3.5kg"], [12, 3.5], "kg"),
        (["12%", "3.5 %"], [12, 3.5], "%"),
        (["€ 1.234", "€ 5.678,90"], [1234, 5678.9], "€, decimal comma, thousands point"),
        (["-$5", "$7", "$-8"], [-5, 7, -8], "$"),
        (["5 stars", "1 star"], [5, 1], "star"),
        (["inf", "-Infinity", "2,5", "1"], [np.inf, -np.inf, 2.5, 1], "decimal comma"),
        (["1,23,456", "12"], [123456, 12], "thousands comma"),
        (["1 days 02:03:04", "-1 days +23:00:00"], [93784, -3600], "durations in seconds"),
    ],
)
def test_formats_of_numbers(texts, values, words):
    assert numbers(texts) == values
    number = find(column(texts)).reading.number
    assert ("" if number is None else number.words).startswith(words)
    assert (number is None) == (words == "")


@pytest.mark.parametrize(
    "texts",
    [
        ["12A", "13A", "14A"],  # a code, and not a unit
        ["1,5", "1.5", "2,5", "2.5"],  # of two countries
        ["12 kg", "3 m", "5 s", "7 A"],
        ["10.0.0.1", "10.0.0.2"],
        ["1-2", "3-4"],
        ["Q1", "Q2"],
        ["1,2,3", "4,5,6"],
        ["0123 456", "0123 457"],
    ],
)
def test_what_is_not_a_number_stays_text(texts):
    assert find(column(texts)).reading.kind == "categorical"


def test_signs_that_are_asked_for():
    assert numbers(["1.234", "2.345"], decimal=",") == [1234, 2345]
    assert numbers(["1,234", "2,345"], thousands=",") == [1234, 2345]
    assert numbers(["1,234", "987"], decimal=",") == [1.234, 987]
    assert find(column(["1,234", "2,345"])).doubt == "comma"
    assert find(column(["1,234", "987"])).doubt == ""


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=30, unique=True),
    st.sampled_from(SIGNS),
    st.integers(0, 2),
    st.sampled_from(["{}", "{} €", "$ {}", "{} kg", "{}%", "CHF {}"]),
    st.booleans(),
)
def test_numbers_in_any_dialect_are_read_back(values, signs, places, around, bracketed):
    values = [value / 10**places for value in (*values, 1234567, 12)]  # evidence of all signs
    texts = []
    for value in values:
        text = around.format(written(abs(value), *signs, places))
        minus = f"({text})" if bracketed else f"-{text}"
        texts.append(minus if value < 0 else text)
    if places == 0 and signs[0] == "," and not signs[1]:
        return
    assert numbers(texts) == pytest.approx(values, rel=1e-15)
    reading = find(column(texts)).reading
    alone = [reading.numbers(column([text]))[0] for text in texts]
    assert alone == reading.numbers(column(texts)).tolist()


FORMS = {
    "%Y-%m-%d": None,
    "%Y/%m/%d": "ymd",
    "%d.%m.%Y": "dmy",
    "%d/%m/%Y": "dmy",
    "%m/%d/%Y": "mdy",
    "%d %b %Y": "named",
    "%b %d, %Y": "named",
    "%d-%b-%y": "named",
    "%a, %d %b %Y %H:%M:%S": "named",
    "%Y/%m/%d %H:%M": "ymd",
    "%m/%d/%Y %I:%M:%S %p": "mdy",
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2060, 12, 31)), min_size=2, max_size=20),
    st.sampled_from(list(FORMS)),
)
def test_dates_in_any_format_are_read_back(stamps, form):
    stamps = [*stamps, datetime(2024, 12, 31), datetime(2023, 1, 2, 13, 5)]
    texts = [f"{stamp:{form}}" for stamp in stamps]
    found = find(column(texts))
    assert found.reading.kind == "date"
    assert (found.reading.date and found.reading.date.order) == FORMS[form]
    expected = [datetime.strptime(text, form) for text in texts]
    assert found.reading.stamps(column(texts)).tolist() == expected


def test_the_order_of_day_and_month():
    told = find(column([f"{1 + i % 12}/{1 + i % 11}/2020" for i in range(12)]))
    assert (told.reading.kind, told.doubt) == ("categorical", "day")
    texts = ["1/2/2020", "3/4/2021"]
    for day_first, expected in ((True, date(2020, 2, 1)), (False, date(2020, 1, 2))):
        reading = find(column(texts), options={"day_first": day_first}).reading
        assert reading.stamps(column(texts))[0].tolist().date() == expected
    points = find(column(["1.2.2020", "3.4.2021"])).reading  # points have the day first
    assert points.stamps(column(["1.2.2020"]))[0].tolist().date() == date(2020, 2, 1)
    with pytest.raises(TableError, match=r"row 0: '13/13/2020' is not a date \(day first\)"):
        points.stamps(column(["13/13/2020"]))


@pytest.mark.parametrize("text", ["31/02/2024", "13/13/2024", "1/1/20245", "24:00 1/1/2024"])
def test_what_is_not_a_date_stays_text(text):
    assert find(column([text, text + "x"])).reading.kind == "categorical"


def test_times_of_day_and_durations():
    times = find(column(["14:30", "09:05:10", "00:00"])).reading
    assert (times.kind, times.what) == ("date", "dates (times of day)")
    stamps = times.stamps(column(["14:30"])).tolist()
    assert stamps == [datetime(1970, 1, 1, 14, 30)]
    values = [timedelta(seconds=s) for s in (0.5, 90, 100_000)]
    reading = find(column([str(v) for v in values])).reading
    assert reading.numbers(column([str(v) for v in values])).tolist() == [0.5, 90, 100_000]
