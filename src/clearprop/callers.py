"""Who calls: the line of the user's code that a warning points to, and whose warning it is."""

from __future__ import annotations

import sys

BETWEEN = ("clearprop", "sklearn", "joblib")  # packages that stand between a user and the cause


def users_line() -> int:
    """The `stacklevel` with which warnings.warn points at the user's own line.

    This is the nearest line in a module that belongs neither to clearprop nor to a package that may
    have called it on the user's behalf, such as scikit-learn.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in BETWEEN:
            break
        frame, level = frame.f_back, level + 1
    return level


def is_our_warning() -> bool:
    """In a function that stands in for `warnings.showwarning`: whether clearprop gave the warning.

    The file and line that the function gets are those of the user, see `users_line`.
    """
    frame = sys._getframe(1).f_back
    while frame is not None and frame.f_globals.get("__name__") in ("warnings", "_py_warnings"):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__", "").startswith("clearprop.")
