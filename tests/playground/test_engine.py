"""The engine of the page against the library under CLEARPROP_ISA=baseline, to the last bit."""

from __future__ import annotations

import json
import math
from typing import Any

import engine_cases
import numpy as np
import pytest
from engine_cases import case

from clearprop.activations import ACTIVATIONS
from clearprop.initializers import INITIALIZERS
from clearprop.network import Network
from clearprop.optimizers import OPTIMIZERS
from clearprop.outputs import OUTPUTS

pytest.importorskip("playwright")


@pytest.fixture
def ask(page: Any) -> Any:
    """Calls a JavaScript function with the engine and an argument of plain JSON."""

    def asked(function: str, given: Any = None) -> Any:
        script = f"async (given) => ({function})(await clearprop.engine(), given)"
        return page.evaluate(script, given)

    return asked


def hexes(values: Any) -> list[str]:
    return [f"{b:x}" for b in np.ascontiguousarray(values, np.float64).view(np.uint64).tolist()]


HEX = """
const hex = (values) => Array.from(
  new BigUint64Array(Float64Array.from(values).buffer), (bits) => bits.toString(16));
"""


def same(ask: Any, cases: list[engine_cases.Case]) -> list[dict[str, Any]]:
    """What came of the cases, the same on both sides."""
    train = (
        f"async (engine, cases) => Promise.all(cases.map(({engine_cases.TRAIN}).bind(0, engine)))"
    )
    by_page = ask(train, cases)
    for given, wanted, found in zip(cases, engine_cases.by_library(cases), by_page, strict=True):
        rows = [result.pop("rows", []) for result in (wanted, found)]
        assert found == wanted, json.dumps(given["spec"])
        np.testing.assert_allclose(rows[1], rows[0], rtol=1e-12, atol=1e-12)
    return list(by_page)


def test_every_activation_with_every_output_unit_trains_to_the_same_bits(ask: Any) -> None:
    results = same(ask, engine_cases.pairs())
    assert sum(result["nonfinite"] is None for result in results) > 0.9 * len(results)


def test_hundreds_of_steps_of_every_optimiser(ask: Any) -> None:
    steps = range(len(engine_cases.STEPS))
    cases = [
        case([2, 8, 5], ["tanh", "relu"], "softmax", step, seed=step, epochs=100, batch=7)
        for step in steps
    ]
    large = case([3, 70, 33], ["gelu", "selu"], "logistic", 3, n=600, batch=300, epochs=10)
    whole = case([2, 6], ["mish"], "linear", 0, n=5000, batch=5000, epochs=3, clipNorm=0.5)
    same(ask, [*cases, large, whole])


def test_numbers_that_would_be_denormal_are_0_as_in_the_library(ask: Any) -> None:
    """Saturated units, and slots that decay for thousands of steps."""
    saturated = [
        case([2, 4, 3], list(acts), output, step, seed=seed, scale=scale, epochs=60, batch=4)
        for seed, (acts, output, step, scale) in enumerate(
            [
                (("relu", "tanh"), "logistic", 1, 3000.0),
                (("silu", "gelu"), "softmax", 3, 300.0),
                (("softplus", "mish"), "logistic", 7, 3000.0),
                (("elu", "logistic"), "ordinal", 5, 300.0),
            ]
        )
    ]
    decaying = [
        case([2, 6], ["relu"], "linear", step, seed=3, n=16, batch=4, epochs=2500, rate=rate)
        for step, rate in ((1, 0.5), (3, 0.5), (6, 0.3))
    ]
    same(ask, saturated + decaying)


def test_where_nan_appears(ask: Any) -> None:
    cases = [
        case([2, 4], ["relu"], "poisson", 1, rate=3.0, epochs=60),
        case([2, 4, 4], ["tanh", "softplus"], "gaussian", 0, rate=1e2, epochs=60, dropout=0.4),
        case([2, 4, 3], ["relu", "elu"], "absolute_error", 0, rate=1e150),
        case([2, 4, 3], ["relu", "elu"], "absolute_error", 3, rate=1e308, dropout=0.2),
    ]
    made = [case([2, 3], ["softplus"], "absolute_error", 0, seed=1) for _ in range(5)]
    made[0]["rows"]["X"][13] = math.inf
    made[1]["rows"]["t"][20] = math.nan
    # b⁽¹⁾ makes h⁽¹⁾ 0; W⁽²⁾ is so large that ∂ℒ/∂h⁽¹⁾ is infinite, and φ′ is 0
    made[2]["spec"]["batchSize"] = 1
    made[2]["theta"] = [0.0] * 6 + [-800.0] * 3 + [1.5e308] * 6 + [0.0] * 2
    made[3]["theta"] = [0.0] * 17
    made[3]["rows"]["X"] = [1e308] * 46
    made[4]["rate"] = 1.7e308
    for given in made[3:]:  # where the slope is not at most 1
        given["spec"]["output"] = "linear"
        given["rows"]["t"] = [50.0] * 46
    results = same(ask, cases + made)
    quantities = {result["nonfinite"].split(" became")[0].split(" of ")[0] for result in results}
    assert quantities == {"X", "t", "z", "the loss", "∂ℒ/∂z", "∂ℒ/∂W", "θ"}


def test_random_numbers(ask: Any) -> None:
    """A million normal numbers have some 250 from the tails."""
    script = """
    async (engine, seed) => {
      const digest = async (values) => Array.from(
        new Uint8Array(await crypto.subtle.digest("SHA-256", values.buffer))).join();
      const rng = engine.rng(seed), found = [];
      found.push(await digest(rng.normal(1000000)), await digest(rng.random(1000)));
      found.push(await digest(rng.uniform(-0.3, 0.7, 1000)), await digest(rng.normal(99, 1, 0.1)));
      found.push(await digest(rng.integersArray(3, 1001)), await digest(rng.integersArray(2, 7)));
      const before = rng.state();
      const order = rng.permutation(10000);
      found.push(await digest(order), String(rng.integers(1n << 63n)), String(rng.integers(6)));
      rng.shuffle(order);
      found.push(await digest(order));
      const { state, inc, hasUint32, uinteger } = rng.state();
      found.push(String(state), String(inc), hasUint32, uinteger);
      rng.setState(before);
      found.push(await digest(rng.permutation(10000)) === found[6]);
      return found;
    }"""
    import hashlib

    def digest(values: Any) -> str:
        return ",".join(str(b) for b in hashlib.sha256(np.asarray(values).tobytes()).digest())

    for seed in (0, 5, 2**32 - 1, 2**40 + 3):
        rng = np.random.default_rng(seed)
        wanted: list[Any] = [digest(rng.standard_normal(1000000)), digest(rng.random(1000))]
        wanted += [digest(rng.uniform(-0.3, 0.7, 1000)), digest(rng.normal(1, 0.1, 99))]
        wanted += [digest(rng.integers(3, size=1001).astype(float))]
        wanted += [digest(rng.choice([0.0, 1.0], size=7))]
        order = rng.permutation(10000).astype(np.int32)
        wanted += [digest(order), str(rng.integers(2**63)), str(rng.integers(6))]
        rng.shuffle(order)
        wanted.append(digest(order))
        state = rng.bit_generator.state
        wanted += [str(state["state"]["state"]), str(state["state"]["inc"])]
        wanted += [state["has_uint32"], state["uinteger"], True]
        assert ask(script, seed) == wanted


def test_initial_weights(ask: Any) -> None:
    script = f"""(engine, [spec, initializer, seed]) => {{
      {HEX}
      return hex(engine.initialTheta(spec, initializer, seed));
    }}"""
    names = ["auto", *INITIALIZERS]
    for seed, (name, act) in enumerate(
        [*((n, "tanh") for n in names), *(("auto", a) for a in ACTIVATIONS)]
    ):
        sizes = [3, 7, 2, 4, 1]
        net = Network(sizes, hidden=act, output="linear", initializer=name, seed=seed)
        spec = {"sizes": sizes, "activations": [act] * 3, "output": "linear"}
        assert ask(script, [spec, name, seed]) == hexes(net.theta), (name, act)


def test_activations_and_functions(ask: Any) -> None:
    z = np.concatenate([np.linspace(-50, 50, 101), [-800, -709, -0.0, 1e-300, 709, 800]])
    script = """(engine, [name, z]) => {
      const { h, slope } = engine.activation(name, Float64Array.from(z));
      return [Array.from(h), Array.from(slope)];
    }"""
    for name, activation in ACTIVATIONS.items():
        h, slope = ask(script, [name, z.tolist()])
        wanted = activation.phi(z)
        np.testing.assert_allclose(h, wanted, rtol=1e-13, atol=1e-300)
        np.testing.assert_allclose(slope, activation.dphi(z, wanted), rtol=1e-12, atol=1e-15)
    exp = ask("(engine, x) => Array.from(engine.math('exp', Float64Array.from(x)))", [0.5, -1, 3])
    np.testing.assert_allclose(exp, np.exp([0.5, -1, 3]), rtol=1e-15)


def test_the_parts_are_those_of_the_library(ask: Any) -> None:
    names = ask("(engine) => [engine.activations, engine.outputs]")
    assert set(names[0]) == set(ACTIVATIONS)
    assert set(names[1]) == set(OUTPUTS)
    tried = {name for name, _ in engine_cases.STEPS}
    assert tried == set(OPTIMIZERS) - {"lbfgs"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activations": ["swish"]}, "unknown activation"),
        ({"activations": []}, "activations must have 1 entries"),
        ({"output": "probit"}, "unknown output unit"),
        ({"optimizer": "adagrad"}, "unknown optimiser"),
        ({"optimizerOptions": {"beta_1": 0.5}}, "unknown option of sgd"),
        ({"optimizerOptions": {"momentum": -1}}, "constants of the optimizer"),
        ({"sizes": [2, 3.5, 1]}, "sizes must be >= 1"),
        ({"sizes": [2, 0, 1]}, "sizes must be >= 1"),
        ({"sizes": [3, 3, 1]}, "X must have"),
        ({"sizes": [2, 4, 1]}, "theta has another length"),
        ({"sizes": [2, 900000, 1]}, "theta has another length"),
        ({"sizes": [2, 1e300, 1]}, "sizes must be >= 1"),
        ({"dropout": 1}, "dropout must lie in"),
        ({"dropout": [0.1, 0.2]}, "dropout must have 1 entries"),
        ({"batchSize": 0}, "batch_size must be >= 1"),
        ({"batchSize": 2.5}, "batch_size must be >= 1"),
        ({"l1": -1}, "penalties and decay"),
        ({"weightDecay": "x"}, "penalties and decay"),
        ({"outputConstants": [3]}, "constants of the output unit"),
    ],
)
def test_descriptions_that_make_no_sense(ask: Any, change: dict[str, Any], message: str) -> None:
    given = case([2, 3], ["tanh"], "linear", 0)
    given["spec"] |= change
    script = f"""async (engine, given) => {{
      try {{ await ({engine_cases.TRAIN})(engine, given); }}
      catch (error) {{ return error.message; }}
    }}"""
    assert message in ask(script, given)
    assert ask(engine_cases.TRAIN, case([2, 3], ["tanh"], "linear", 0, epochs=2))  # it works on


def test_jobs_come_and_go(ask: Any) -> None:
    script = """(engine) => {
      const spec = { sizes: [2, 16, 16, 1], activations: ["relu", "tanh"], output: "logistic",
        optimizer: "adam", batchSize: 10, seed: 1n };
      const theta = engine.initialTheta(spec, "auto", 0);
      const rows = { X: engine.rng(0).normal(2000), t: new Float64Array(1000), n: 1000 };
      const sizes = [];
      for (let i = 0; i < 400; i++) {
        const job = engine.job(spec, theta, rows);
        job.runEpoch(null, new Float64Array(2).fill(0.01));
        engine.forward(spec, job.theta(), rows.X, rows.n);
        job.free();
        if (i % 200 === 20) sizes.push(engine.bytes);
      }
      const over = engine.job(spec, theta, rows);
      over.free();
      over.free();
      try { over.theta(); } catch (error) { sizes.push(error.message); }
      return sizes;
    }"""
    first, second, message = ask(script)
    assert first == second
    assert "the job is over" in message
