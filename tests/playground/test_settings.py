"""The playground's settings, links and messages; its first two stations against plain formulas."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("starlette")
from playground_client import unpack

from clearprop.playground import links, messages, settings
from clearprop.playground.stations import STATIONS, divergence, softmax
from clearprop.playground.stations.divergence import WHOLE, Divergence
from clearprop.playground.stations.softmax import SoftmaxSettings
from clearprop.playground.stations.workshop import Leg, Workshop, parse_run, write_run


def strategy(kind: settings.SettingKind) -> st.SearchStrategy:
    """Any value that a kind of setting allows."""
    if isinstance(kind, settings.OneNumber):
        if kind.whole:
            return st.integers(int(kind.low), int(kind.high))
        return st.floats(kind.low, kind.high)
    if isinstance(kind, settings.Choice):
        return st.sampled_from(list(kind.options))
    if isinstance(kind, settings.Numbers | settings.Choices):
        entry = strategy(kind.each)
        return st.lists(entry, min_size=kind.least, max_size=kind.most).map(tuple)
    if isinstance(kind, settings.Rows):
        return st.lists(st.tuples(*map(strategy, kind.columns)), max_size=9).map(tuple)
    if isinstance(kind, settings.Named):
        return st.dictionaries(st.text(max_size=9), strategy(kind.each), max_size=4).map(
            lambda pairs: tuple(pairs.items())
        )
    return st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)


@given(st.data())
def test_a_link_gives_every_setting_back(data):
    kinds = settings.kinds(Workshop)
    names = data.draw(st.sets(st.sampled_from([n for n in kinds if n != "run"])))
    record = Workshop(**{name: data.draw(strategy(kinds[name])) for name in names})
    station = STATIONS["workshop"]
    assert links.decode(links.encode(station, record)) == (station, record)


CHANGES = st.one_of(
    st.tuples(st.just("learning_rate"), st.floats(1e-5, 10)),
    st.tuples(st.just("optimizer"), st.sampled_from(["sgd", "adam"])),
    st.tuples(st.just("W1.0.2"), st.floats(-1e6, 1e6)),
    st.tuples(st.just("b2.3"), st.floats(-1e6, 1e6)),
)
LEGS = st.builds(Leg, st.lists(CHANGES, max_size=3).map(tuple), st.integers(0, 1000))


@given(st.lists(LEGS, min_size=1, max_size=5).map(tuple))
def test_a_run_is_written_and_read(legs):
    assert parse_run(write_run(legs)) == legs


@pytest.mark.parametrize(
    "text", ["x", "5;", ";5;6", "W1.0:3;5", "data:xor;5", "99999999", "1~~2", "٣", "-5", "1e3"]
)
def test_wrong_runs(text):
    with pytest.raises(ValueError, match=r"run|setting|parameter|number"):
        parse_run(text)


def refusal(read, given):
    """The message of the ValueError; no other exception may come."""
    try:
        read(given)
    except ValueError as error:
        return str(error)
    return ""


@given(st.text(max_size=200))
def test_any_link_is_read_or_refused_in_a_line(text):
    assert len(refusal(links.decode, text).splitlines()) <= 1


@given(st.binary(max_size=200))
def test_any_message_is_read_or_refused(data):
    assert len(refusal(messages.unpack, data).splitlines()) <= 1


def test_messages_carry_arrays_and_what_json_has_not():
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(5, dtype=np.uint8)}
    packed = messages.pack({"x": [math.nan, math.inf, -math.inf, np.float64(0.1)]}, arrays)
    document, back = unpack(packed)
    assert document["x"] == ["NaN", "Infinity", "-Infinity", 0.1]
    for name, array in arrays.items():
        assert np.array_equal(back[name], array)
    json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])


# ---- stations 1 and 2 ----------------------------------------------------------------------------


@given(st.sampled_from("qp"), st.integers(0, 2), st.integers(0, WHOLE), st.data())
def test_bars_that_are_pulled_always_add_up(which, index, to, data):
    cut = sorted(data.draw(st.tuples(*[st.integers(0, WHOLE)] * 2)))
    q = (cut[0], cut[1] - cut[0], WHOLE - cut[1])
    pulled = divergence.drag(Divergence(q=q, p=q), which, index, to)
    new = getattr(pulled, which)
    assert new[index] == to
    assert sum(new) == WHOLE
    assert min(new) >= 0
    other = "p" if which == "q" else "q"
    assert getattr(pulled, other) == q


@pytest.mark.parametrize("n", range(2, 9))
def test_outcomes_come_and_go(n):
    resized = divergence.resize(Divergence(), n)
    assert len(resized.q) == len(resized.p) == n
    assert sum(resized.q) == WHOLE


def test_the_numbers_of_the_first_station():
    numbers = divergence.view(Divergence(t=0.25, y_hat=0.5))["numbers"]
    q, p = (0.6, 0.3, 0.1), (0.2, 0.3, 0.5)
    terms = [a * math.log(a / b) for a, b in zip(q, p, strict=True)]
    assert np.allclose(numbers["kl_terms"], terms, rtol=0, atol=1e-15)
    assert numbers["kl"] == pytest.approx(sum(terms), abs=1e-15)
    assert numbers["cross_entropy"] == pytest.approx(numbers["entropy"] + numbers["kl"], abs=1e-15)
    assert numbers["bce"] == pytest.approx(math.log(2), abs=1e-15)
    assert numbers["bce"] == pytest.approx(
        numbers["binary_kl"] + numbers["binary_entropy"], abs=1e-15
    )


def test_zeros_are_what_the_lecture_says():
    numbers = divergence.view(Divergence(q=(1000, 0), p=(0, 1000), t=1, y_hat=0))["numbers"]
    assert numbers["entropy"] == 0  # 0 log 0 is 0
    assert numbers["kl"] == numbers["bce"] == math.inf


def test_the_numbers_of_the_second_station():
    numbers = softmax.view(SoftmaxSettings(z=(1.0, -2.0, 0.5), shift=700.0, t=2))["numbers"]
    weights = [math.exp(v) for v in (1.0, -2.0, 0.5)]
    y_hat = np.array(weights) / sum(weights)
    assert np.allclose(numbers["y_hat"], y_hat, rtol=0, atol=1e-15)
    assert np.allclose(numbers["y_hat_shifted"], y_hat, rtol=0, atol=1e-13)
    assert numbers["loss"] == pytest.approx(-math.log(y_hat[2]), abs=1e-15)
    assert np.allclose(numbers["dL_dz"], y_hat - [0, 0, 1], rtol=0, atol=1e-15)
    assert np.allclose(numbers["dL_dz_difference"], numbers["dL_dz"], rtol=0, atol=1e-8)
    jacobian = np.diag(y_hat) - np.outer(y_hat, y_hat)
    assert np.allclose(numbers["jacobian"], jacobian, rtol=0, atol=1e-15)


@pytest.mark.parametrize("key", STATIONS)
def test_presets_are_settings(key):
    station = STATIONS[key]
    for changes in station.presets.values():
        record = station.settings(**changes)
        assert dataclasses.is_dataclass(record)
        assert links.decode(links.encode(station, record)) == (station, record)
