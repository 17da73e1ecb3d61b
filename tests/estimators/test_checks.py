"""scikit-learn's own checks of every estimator (`check_estimator`), for ours in several settings.

One of the checks needs SCIPY_ARRAY_API=1 before SciPy is imported, which has long happened where
pytest runs; so the checks of each class run in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json, sys
from sklearn.utils.estimator_checks import check_estimator
import clearprop as cp

name, settings = json.loads(sys.argv[1])
results = []
for parameters in settings:
    estimator = getattr(cp, name)(**parameters)
    checks = check_estimator(estimator, on_fail=None, on_skip=None)
    results.append([[c["status"], c["check_name"], str(c["exception"])[:300]] for c in checks])
print(json.dumps(results))
"""

# The checks that cannot hold, each with the reason.
NO_PARTIAL_FIT = (
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
    "check_estimators_partial_fit_n_features",
)
# "fitting with a weight of 2 must be fitting with the row twice, to 1e-7"
EQUAL_WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
# The data sets of some checks are too small to be split, or the score of the few rows held out
# stops training before the classes are told apart.
TOO_SMALL = (
    "check_estimators_nan_inf",
    "check_classifiers_one_label",
    "check_class_weight_classifiers",
    "check_fit2d_1feature",
    "check_regressors_no_decision_function",
)
EARLY = (*NO_PARTIAL_FIT, *EQUAL_WEIGHTS, *TOO_SMALL)  # a repeated row may fall on both sides

CLASSIFIERS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"max_iter": 100}, ()),  # as scikit-learn checks its own two
    ({"solver": "lbfgs", "max_iter": 50}, ()),
    ({"early_stopping": True, "max_iter": 20}, EARLY),
    # both classes' counts are needed, and scikit-learn's other classifiers refuse it as well
    ({"class_weight": "balanced", "max_iter": 20}, NO_PARTIAL_FIT),
    # float32 rounds to 6e-8, and sums of weights are rounded otherwise than sums of rows
    ({"dtype": "float32", "max_iter": 20}, EQUAL_WEIGHTS),
    ({"output": "logistic", "label_smoothing": 0.1, "max_iter": 20}, ()),
]
REGRESSORS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"max_iter": 100}, ()),  # as scikit-learn checks its own two
    ({"solver": "lbfgs", "max_iter": 50}, ()),
    ({"early_stopping": True, "max_iter": 20}, EARLY),
    ({"dtype": "float32", "max_iter": 20}, EQUAL_WEIGHTS),
    ({"loss": "huber", "max_iter": 10}, ()),
]
# A decision_function is for classifiers with a margin; scikit-learn's MLP has none either.
SKIPPED = "check_classifiers_multilabel_output_format_decision_function"


def run_checks(name: str, settings: list[dict[str, Any]]) -> list[list[tuple[str, str, str]]]:
    """(status, name of the check, error) of every check, for each setting."""
    environment = os.environ | {"SCIPY_ARRAY_API": "1", "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([name, settings])],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    results: list[list[tuple[str, str, str]]] = json.loads(result.stdout)
    return results


@pytest.mark.parametrize(
    ("name", "settings", "n_checks"),
    [("MLPClassifier", CLASSIFIERS, 68), ("MLPRegressor", REGRESSORS, 60)],
)
def test_all_checks(name: str, settings: list[tuple[Any, Any]], n_checks: int) -> None:
    results = run_checks(name, [parameters for parameters, _ in settings])
    for (parameters, cannot), checks in zip(settings, results, strict=True):
        assert len(checks) == n_checks
        failed = [entry[1:] for entry in checks if entry[0] == "failed"]
        assert not [entry for entry in failed if entry[0] not in cannot], parameters
        skipped = [entry[1:] for entry in checks if entry[0] == "skipped"]
        wanted = [SKIPPED] if name == "MLPClassifier" else []
        assert [check for check, _ in skipped] == wanted, (parameters, skipped)
        assert all("does not have a decision_function" in why for _, why in skipped)
        assert {status for status, *_ in checks} <= {"passed", "failed", "skipped"}
