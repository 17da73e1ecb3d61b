"""scikit-learn's inspection functions on the tabular estimators, with frames and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import PartialDependenceDisplay, partial_dependence
from tabular_cases import classifier, columns, regressor, target, with_epochs

TABLE = pd.DataFrame(columns(120))
Y = target(columns(120))
THREE = np.digitize(Y, [-1, 2])


def models() -> dict[str, tuple[Any, np.ndarray, int]]:
    return {
        "two classes": (classifier(), Y > 1, 1),
        "three classes": (classifier(), THREE, 3),
        "a number": (regressor(), Y, 1),
        "two numbers": (regressor(), np.stack([Y, -Y], axis=1), 2),
    }


@pytest.fixture(scope="module", params=models())
def fitted(request: pytest.FixtureRequest) -> Any:
    model, y, n_outputs = models()[request.param]
    return model.fit(TABLE, y), n_outputs


@pytest.mark.parametrize(
    ("name", "values", "categorical"),
    [
        ("size", [-1.0, 0.0, 2.0], False),
        ("zeros", None, False),
        ("open", None, True),
        ("place", None, True),
        ("colour", ["red", "blue", "never seen"], True),  # a column with gaps: values are given
        ("day", pd.date_range("2026-01-01", periods=3, freq="90D"), False),
    ],
)
def test_partial_dependence_is_the_mean_prediction(
    fitted: Any, name: str, values: Any, categorical: bool
) -> None:
    model, n_outputs = fitted
    found = partial_dependence(
        model,
        TABLE,
        [name],
        categorical_features=[name] if categorical else None,
        custom_values=None if values is None else {name: values},
        grid_resolution=5,
        kind="both",
    )
    grid = found["grid_values"][0]
    assert found["average"].shape == (n_outputs, len(grid))
    assert found["individual"].shape == (n_outputs, len(TABLE), len(grid))
    predict = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    for k, value in enumerate(grid):
        p = predict(TABLE.assign(**{name: value}))
        p = p[:, None] if p.ndim == 1 else p[:, -n_outputs:]
        np.testing.assert_allclose(found["individual"][:, :, k], p.T, atol=1e-6)
        np.testing.assert_allclose(found["average"][:, k], p.mean(axis=0), atol=1e-6)


def test_the_dependence_is_what_was_put_in() -> None:
    table = pd.DataFrame(columns(600))
    model = with_epochs(regressor(), 40).fit(table, target(columns(600)))
    found = partial_dependence(model, TABLE, ["open"], categorical_features=["open"])
    off, on = found["average"][0]
    assert -3 < on - off < -1  # 2 less where it is open


def test_the_display_of_curves_and_categories() -> None:
    table = TABLE.fillna({"colour": "(none)"}).astype({"count": float})
    model = classifier().fit(table, Y > 1)
    display = PartialDependenceDisplay.from_estimator(
        model,
        table,
        ["size", "colour", ("size", "count"), ("colour", "open")],
        categorical_features=["colour", "open"],
        kind=["both", "average", "average", "average"],
        subsample=20,
        grid_resolution=5,
        random_state=0,
    )
    assert display.axes_.size >= 4
    assert len(display.pd_results) == 4
    assert display.pd_results[0]["individual"].shape[2] == 5
