"""The parameters of the tabular estimators, checked before a fit and in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.checks import check_n_threads, check_number, check_plain
from clearprop.limits import MAX_MEMBERS, MAX_SECONDS, shown_value
from clearprop.tabular.monotone import check_monotone


def check_parameters(estimator: Any) -> None:
    """Raise TypeError or ValueError, naming the parameter of a tabular estimator."""
    check_plain(estimator.get_params(deep=False))
    check_number("n_members", estimator.n_members, at_least=1, at_most=MAX_MEMBERS, integer=True)
    limit = estimator.time_limit
    if limit is not None and not (
        isinstance(limit, int | float | np.number)
        and not isinstance(limit, bool | np.bool_)
        and 0 < limit <= MAX_SECONDS
    ):
        raise ValueError(
            f"time_limit must be a number of seconds > 0 (and at most {MAX_SECONDS:,}) or None; "
            f"got {shown_value(limit)}"
        )
    if estimator.tune is not None:
        check_number("tune", estimator.tune)
        if not estimator.tune > 0 or (limit is not None and not estimator.tune < limit):
            raise ValueError(
                "tune must be None or a number of seconds > 0, and less than time_limit if "
                f"there is one; got {shown_value(estimator.tune)}"
            )
    check_n_threads(estimator.n_threads)
    if estimator.kinds is not None and not isinstance(estimator.kinds, Mapping):
        raise TypeError(
            f"kinds must be a dict of columns and their kinds; got {shown_value(estimator.kinds)}"
        )
    check_monotone(estimator.monotone)
