"""Columns of any type, in any library and batch: each row is encoded to the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from column_forms import MANY, Form, frame_of, holds, single
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.documents import dump_document, parse_document
from clearprop.tables.sources import RowSource, row_of_pandas, source_of
from clearprop.tabular.input_codec import inputs_from_document, inputs_to_document
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.row import RowReader


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("as_categories", [False, True])
def test_forms(name: str, as_categories: bool) -> None:
    """Trained on one form, every other form, and each row alone, has the same bits."""
    values, forms, kind = MANY[name]
    kind = "categorical" if as_categories else kind
    train = values * 4 + [None]
    usable = [form for form in forms if holds(form, train)]
    assert len(usable) >= len(forms) - 2
    for form in usable[:: max(1, len(usable) // 4)]:
        inputs = TableInputs.fit(source_of(single(form(train))), {"x": kind})
        expected = inputs.transform(source_of(single(form(train))))
        assert len(np.unique(expected[:, :-1] if expected.shape[1] > 1 else expected)) > 1
        if as_categories:
            assert {len(inputs.columns[0].categories.names)} == {n_different(name, values)}
        reader = RowReader(inputs)
        for later in usable:
            found = inputs.transform(source_of(single(later(train))))
            np.testing.assert_array_equal(found, expected)
            for row in (slice(0, 1), slice(len(train) - 1, None), slice(1, 3)):
                frame = single(later(train[row]))
                np.testing.assert_array_equal(inputs.transform(source_of(frame)), expected[row])
                if row != slice(1, 3):
                    np.testing.assert_array_equal(reader.read(source_of(frame)), expected[row])
        for i, value in enumerate(train):
            row_of_value = reader.read(RowSource({"x": value}))
            np.testing.assert_array_equal(row_of_value, expected[i : i + 1])


def n_different(name: str, values: list[Any]) -> int:
    return {"mixed": 8}.get(name, len(values))


@st.composite
def tables(draw: Any) -> tuple[list[tuple[str, list[Any], list[Form], str]], int]:
    """Columns of random types with gaps: name, values, forms that can hold them, kind."""
    n = draw(st.integers(12, 20))
    columns = []
    for i, name in enumerate(draw(st.lists(st.sampled_from(sorted(MANY)), min_size=1, max_size=4))):
        pool, forms, kind = MANY[name]
        values = draw(st.lists(st.sampled_from([*pool, None]), min_size=n - 2, max_size=n - 2))
        values += pool[:2]
        kind = "categorical" if draw(st.booleans()) else kind
        usable = [form for form in forms if holds(form, values)]
        columns.append((f"{name} {i}", values, usable, kind))
    return columns, n


@given(tables(), st.data())
@settings(max_examples=25)
def test_any_table(table: Any, data: Any) -> None:
    """Alone, in any batch, form and order of columns; and by the inputs read back from a file."""
    columns, n = table

    def frame(rows: list[int]) -> Any:
        """The rows, with each column in some form."""
        made = {}
        for name, values, forms, _ in data.draw(st.permutations(columns)):
            some = [values[i] for i in rows]
            usable = [form for form in forms if holds(form, some)]
            made[name] = data.draw(st.sampled_from(usable))(some)
        return frame_of(made)

    kinds = {name: kind for name, _, _, kind in columns}
    train = frame(list(range(n)))
    inputs = TableInputs.fit(source_of(train), kinds)
    expected = inputs.transform(source_of(train))
    document = parse_document(dump_document(inputs_to_document(inputs)), "file")
    inputs = inputs_from_document(document, "file")
    for _ in range(2):
        rows = data.draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=5))
        batch = frame(rows)
        np.testing.assert_array_equal(inputs.transform(source_of(batch)), expected[rows])
    reader = RowReader(inputs)
    i = data.draw(st.integers(0, n - 1))
    one = frame([i])
    for source in readers_of_one(one, {name: values[i] for name, values, _, _ in columns}):
        np.testing.assert_array_equal(reader.read(source), expected[i : i + 1])


def readers_of_one(frame: Any, row: dict[str, Any]) -> Iterator[Any]:
    yield RowSource(row)
    yield source_of(frame)
    at_once = row_of_pandas(frame)
    if at_once is not None:
        yield at_once
