"""The entries of a document: taken with the type and within the limits asked for, or refused."""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np
import pytest

from clearprop.persistence import ModelFileError, check_keys, reading, take, take_list, take_tensor

ENTRIES: dict[str, Any] = {
    "text": "relu",
    "count": 3,
    "rate": 0.5,
    "flag": True,
    "list": [1, 2.5],
    "object": {},
    "null": None,
    "inf": "inf",
    "nan": "nan",
    "big": 2**63,
    "huge": 10**400,
    "names": ["a", "b"],
}


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("text", str, "relu"),
        ("count", int, 3),
        ("count", float, 3.0),
        ("rate", float, 0.5),
        ("flag", bool, True),
        ("list", list, [1, 2.5]),
        ("object", dict, {}),
        ("null", (int, NoneType), None),
        ("count", (int, NoneType), 3),
        ("count", (int, float), 3),
    ],
)
def test_take(key: str, kind: Any, value: Any) -> None:
    taken: Any = take(ENTRIES, key, kind, "here")
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("key", "kind", "options", "message"),
    [
        ("none", str, {}, "here: 'none' is missing"),
        ("count", str, {}, "here: 'count' must be a string, got 3"),
        ("flag", int, {}, "here: 'flag' must be an integer, got True"),
        ("flag", float, {}, "here: 'flag' must be a number, got True"),
        ("count", bool, {}, "here: 'count' must be true or false, got 3"),
        ("rate", int, {}, "here: 'rate' must be an integer, got 0.5"),
        ("object", list, {}, "here: 'object' must be a list, got {}"),
        ("list", dict, {}, "here: 'list' must be an object, got [1, 2.5]"),
        ("null", str, {}, "here: 'null' must be a string, got None"),
        ("text", (int, NoneType), {}, "here: 'text' must be an integer or null, got 'relu'"),
        ("inf", float, {}, "here: 'inf' must be a number, got 'inf'"),
        ("text", float, {"nonfinite": True}, "here: 'text' must be a number, got 'relu'"),
        ("big", int, {}, "here: 'big' must be at most 9223372036854775807, got 922337"),
        ("huge", float, {}, "here: 'huge' must be a number, got 1000"),
        ("count", int, {"minimum": 4}, "here: 'count' must be at least 4, got 3"),
        ("count", int, {"maximum": 2}, "here: 'count' must be at most 2, got 3"),
        ("rate", float, {"minimum": 0.6}, "here: 'rate' must be at least 0.6, got 0.5"),
        ("nan", float, {"nonfinite": True, "minimum": 0}, "'nan' must be at least 0, got nan"),
        ("text", str, {"choices": ("tanh", "elu")}, "'text' must be one of 'tanh', 'elu', got"),
    ],
)
def test_take_refuses(key: str, kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError) as info:
        take(ENTRIES, key, kind, "here", **options)
    assert message in str(info.value)
    assert str(info.value).startswith("here: ")


def test_take_at_the_limits() -> None:
    assert take(ENTRIES, "inf", float, "here", nonfinite=True) == np.inf
    assert take(ENTRIES, "big", int, "here", maximum=2**64) == 2**63
    assert take(ENTRIES, "count", int, "here", minimum=3, maximum=3) == 3
    assert take(ENTRIES, "text", str, "here", choices={"relu"}) == "relu"


def test_take_list() -> None:
    assert take_list(ENTRIES, "names", str, "here", length=2) == ["a", "b"]
    assert take_list(ENTRIES, "list", float, "here", minimum=1) == [1.0, 2.5]
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (int, {}, r"here: 'list'\[1\] must be an integer, got 2.5"),
        (float, {"length": 3}, "here: 'list' must have 3 entries, got 2"),
        (float, {"maximum": 2}, r"here: 'list'\[1\] must be at most 2, got 2.5"),
    ]
    for kind, options, message in cases:
        with pytest.raises(ModelFileError, match=message):
            take_list(ENTRIES, "list", kind, "here", **options)
    with pytest.raises(ModelFileError, match="here: 'text' must be a list, got 'relu'"):
        take_list(ENTRIES, "text", str, "here")


def test_take_tensor() -> None:
    tensors = {"W": np.ones((3, 2)), "nan": np.array([1, np.nan]), "n": np.arange(2)}
    assert take_tensor(tensors, "W", "float64", (3, 2), "here") is tensors["W"]
    assert take_tensor(tensors, "W", ("float32", "float64"), (None, 2), "here") is tensors["W"]
    assert take_tensor(tensors, "nan", "float64", (2,), "here", finite=False) is tensors["nan"]
    assert take_tensor(tensors, "n", "int64", (None,), "here") is tensors["n"]
    cases: list[tuple[str, Any, tuple[int | None, ...], str]] = [
        ("b", "float64", (3,), "the tensor 'b' is missing"),
        ("W", "float32", (3, 2), "must be float32, got float64"),
        ("W", ("float32", "int32"), (3, 2), "must be float32 or int32, got float64"),
        ("W", "float64", (2, 3), r"must have the shape \(2, 3\), got \(3, 2\)"),
        ("W", "float64", (None, 3), r"must have the shape \(any, 3\), got \(3, 2\)"),
        ("W", "float64", (6,), r"must have the shape \(6,\), got \(3, 2\)"),
        ("nan", "float64", (2,), "an entry that is not finite"),
    ]
    for name, dtype, shape, message in cases:
        with pytest.raises(ModelFileError, match=f"here: .*{message}"):
            take_tensor(tensors, name, dtype, shape, "here")


def test_check_keys() -> None:
    check_keys({"a": 1, "b": 2}, ["a"], "here", optional=["b", "c"])
    with pytest.raises(ModelFileError, match="here: 'c' is missing"):
        check_keys({"a": 1}, ["a", "c"], "here")
    with pytest.raises(ModelFileError, match="here: unknown key 'a'"):
        check_keys({"a": 1}, [], "here")


def test_reading_turns_errors_of_constructors_into_errors_of_the_file() -> None:
    for error in (ValueError("bad\nvalue"), TypeError("bad value"), OverflowError("bad value")):
        with pytest.raises(ModelFileError, match=r"^model: bad value$"), reading("model"):
            raise error
    with pytest.raises(ModelFileError, match=r"^inner$"), reading("model"):
        raise ModelFileError("inner")
    with pytest.raises(KeyError), reading("model"):
        raise KeyError("a bug, not a bad file")
