"""The private parts of scikit-learn that the estimators use. No other module imports one.

They can change in any minor release, so pyproject.toml allows only the minor releases that the
tests have been run with: 1.9 (1.9.0 and 1.9.1). To allow a new one, run the tests with it, then
raise the limit in pyproject.toml.

| name | use |
|---|---|
| `Hidden`, `Interval`, `Options`, `StrOptions` | state which values a parameter may have |
| `make_constraint` | checks values against these, faster than `_validate_params` |
| `fit_context` | checks the parameters before `fit`, unless scikit-learn is configured not to |
| `check_sample_weight` | sample weights as an array, with scikit-learn's errors |
| `check_partial_fit_first_call` | the classes of `partial_fit`, with scikit-learn's errors |
| `safe_indexing`, `num_samples` | rows, and their number, of an array, a frame or a list |

The method `BaseEstimator._validate_params` and the attribute `_parameter_constraints` are private
too; the estimators inherit them.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    Hidden,
    Interval,
    Options,
    StrOptions,
    make_constraint,
)
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "Hidden",
    "Interval",
    "Options",
    "StrOptions",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "make_constraint",
    "num_samples",
    "safe_indexing",
]
