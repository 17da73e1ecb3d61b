"""Networks that the engine of the page and the library train side by side, to the last bit.

A case is plain JSON. `TRAIN` is the page's half, JavaScript that takes the engine and a case;
`trained` is the library's, to be run under CLEARPROP_ISA=baseline:

    python -m engine_cases < cases.json > results.json
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.activations import ACTIVATIONS
from clearprop.engines.native import NativeEngine
from clearprop.engines.protocol import EpochPlan
from clearprop.jobs import Data, Job, Penalty
from clearprop.network import Network
from clearprop.optimizers import OPTIMIZERS
from clearprop.outputs import OUTPUTS, example_targets, get_output
from clearprop.row_orders import RowOrder

Case = dict[str, Any]

# optimiser, its options
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.8, "nesterov": True}),
    ("adam", {}),
    ("adamw", {}),
    ("rmsprop", {"rho": 0.9}),
    ("nadam", {"beta_2": 0.99}),
    ("lion", {}),
]
SHAPES = [
    [2, 4, 2],
    [3, 5],
    [1, 8, 8],
    [2],
    [7, 3, 1],
    [2, 16, 16, 16],
    [5, 2, 2, 2, 2, 2, 2],
    [6, 9],
]

TRAIN = """
async (engine, given) => {
  const { spec, theta, rows, epochs, seed } = given;
  const data = {
    X: Float64Array.from(rows.X), t: Float64Array.from(rows.t), n: rows.n,
    weights: rows.weights ? Float64Array.from(rows.weights) : undefined,
  };
  const hex = (values) => Array.from(
    new BigUint64Array(Float64Array.from(values).buffer), (bits) => bits.toString(16));
  const rng = engine.rng(seed);
  const job = engine.job(
    { ...spec, seed: rng.integers(1n << 63n) }, Float64Array.from(theta), data);
  const perEpoch = Math.ceil(rows.n / spec.batchSize);
  const rates = new Float64Array(perEpoch).fill(given.rate);
  const losses = [];
  let nonfinite = null, middle = null;
  for (let epoch = 0; epoch < epochs && !nonfinite; epoch++) {
    if (epoch === epochs >> 1) middle = [job.state(), rng.state()];
    const result = job.runEpoch(rng.permutation(rows.n), rates);
    losses.push(result.loss);
    nonfinite = result.nonfinite;
  }
  const state = job.state();
  if (!nonfinite) {  // once more from the middle: the same
    job.restore(middle[0]);
    rng.setState(middle[1]);
    for (let epoch = epochs >> 1; epoch < epochs; epoch++)
      job.runEpoch(rng.permutation(rows.n), rates);
    if (hex(job.theta()).join() !== hex(state.theta).join()) throw new Error("not the same again");
  }
  job.free();
  const found = {
    theta: hex(state.theta), losses: hex(losses), counts: [state.nSteps, state.step],
    slots: Object.fromEntries(Object.entries(state.slots).map(([k, v]) => [k, hex(v)])),
    muProduct: hex([state.muProduct]), nonfinite: nonfinite && nonfinite.text,
  };
  if (!nonfinite) {
    const { loss, gradient } = engine.lossAndGradient(spec, state.theta, data);
    const trace = engine.forward(spec, state.theta, data.X, rows.n);
    const yHat = engine.predict(spec, state.theta, data.X, rows.n);
    if (hex(yHat).join() !== hex(trace.yHat).join()) throw new Error("two predictions");
    Object.assign(found, {
      gradient: hex([loss, ...gradient]), yHat: hex(yHat), z: hex(trace.z.at(-1)),
      rows: Array.from(engine.losses(spec, trace.z.at(-1), data.t, rows.n)),
    });
  }
  return found;
}
"""


def case(
    shape: list[int],
    activations: list[str],
    output: str,
    step: int,
    *,
    batch: int = 10,
    n: int = 23,
    epochs: int = 40,
    seed: int = 0,
    rate: float | None = None,
    scale: float = 1.0,
    weights: bool = False,
    **options: Any,
) -> Case:
    """One network with made-up data. options: dropout, l1, l2, weightDecay, …, of the job."""
    rng = np.random.default_rng(seed)
    unit = get_output(output)
    n_outputs = {"softmax": 3, "gaussian": 2, "ordinal": 3}.get(output, 1 + seed % 2)
    optimizer, constants = STEPS[step]
    sizes = [*shape, n_outputs]
    net = Network(sizes, hidden=activations, output=output, seed=seed)
    X = scale * rng.standard_normal((n, shape[0]))
    data = Data.from_arrays(net.architecture, X, example_targets(unit, n, n_outputs, rng))
    rate = rate or {"lion": 1e-3, "sgd": 0.02}.get(optimizer, 0.01)
    spec = {
        "sizes": sizes,
        "activations": activations,
        "output": output,
        "optimizer": optimizer,
        "optimizerOptions": constants,
        "batchSize": batch,
    }
    rows = {"X": data.X.ravel().tolist(), "t": data.t.ravel().tolist(), "n": n}
    if weights:
        rows["weights"] = rng.uniform(0, 2, n).tolist()
    theta = net.theta.tolist()
    job = {"epochs": epochs, "seed": seed, "rate": rate}
    return {"spec": spec | options, "theta": theta, "rows": rows, **job}


def pairs() -> list[Case]:
    """Each activation with each output unit, and nearly all pairs of the rest."""
    found = []
    batches, extras = (
        (1, 3, 4, 10, 23, 8),
        ({}, {"l1": 0.01, "l2": 0.02}, {"weightDecay": 0.1}, {"dropout": 0.3}),
    )
    for (i, act), (j, output) in itertools.product(enumerate(ACTIVATIONS), enumerate(OUTPUTS)):
        shape = SHAPES[(3 * i + j) % len(SHAPES)]
        others = list(ACTIVATIONS)[(i + 1) % len(ACTIVATIONS) :] + list(ACTIVATIONS)
        acts = [act, *others][: len(shape) - 1]
        found.append(
            case(
                shape,
                acts,
                output,
                (i + 3 * j) % len(STEPS),
                batch=batches[(i + j) % len(batches)],
                seed=i * len(OUTPUTS) + j,
                weights=(i + j) % 5 == 0,
                epochs=16,
                **extras[(i + 2 * j) % len(extras)],
            )
        )
    return found


def trained(given: Case) -> dict[str, Any]:
    """What the library makes of a case."""
    spec, rows = given["spec"], given["rows"]
    n = rows["n"]
    net = Network(
        spec["sizes"],
        hidden=spec["activations"],
        output=spec["output"],
        dropout=spec.get("dropout", 0.0),
    )
    weights = np.array(rows["weights"]) if "weights" in rows else None
    data = Data(np.reshape(rows["X"], (n, -1)), np.reshape(rows["t"], (n, -1)), weights)
    kind: Any = OPTIMIZERS[spec["optimizer"]]
    options = dict(spec["optimizerOptions"])
    if "weightDecay" in spec:
        options["weight_decay"] = spec["weightDecay"]
    rng = np.random.default_rng(given["seed"])
    penalty = Penalty(spec.get("l1", 0.0), spec.get("l2", 0.0))
    job = Job(
        net.architecture,
        np.array(given["theta"]),
        kind(given["rate"], **options),
        batch_size=spec["batchSize"],
        penalty=penalty,
        clip_norm=spec.get("clipNorm"),
        seed=int(rng.integers(2**63)),
    )
    engine = NativeEngine(n_threads=1)
    run = engine.start([job], data)
    order = RowOrder(rng, np.arange(n))
    rates = np.full(-(-n // spec["batchSize"]), given["rate"])
    losses, nonfinite = [], None
    for _ in range(given["epochs"]):
        result = engine.run_epochs(run, {0: EpochPlan(order.next(), rates)})[0]
        losses.append(result.loss)
        nonfinite = result.nonfinite
        if nonfinite is not None:
            break
    state = engine.read(run, 0)
    slots = {name: _hex(state[name]) for name in state if name in ("velocity", "m", "v")}
    found: dict[str, Any] = {
        "theta": _hex(state["theta"]),
        "losses": _hex(losses),
        "counts": [int(state["n_steps"]), int(state["step"])],
        "slots": slots,
        "muProduct": _hex([float(state.get("mu_product", 1.0))]),
        "nonfinite": None if nonfinite is None else str(nonfinite),
    }
    if nonfinite is None:
        theta = state["theta"]
        loss, gradient = engine.loss_and_gradient(net.architecture, theta, data, penalty)
        z = engine.forward(net.architecture, theta, data.X, logits=True)
        found |= {
            "gradient": _hex([loss, *gradient]),
            "yHat": _hex(engine.forward(net.architecture, theta, data.X)),
            "z": _hex(z),
            "rows": net.architecture.output.loss(z, data.t).tolist(),
        }
    return found


def by_library(cases: list[Case]) -> list[dict[str, Any]]:
    """`trained` of each, in a process that takes the instructions that every processor has."""
    here = str(Path(__file__).parent)
    path = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "engine_cases"],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        env=os.environ | {"CLEARPROP_ISA": "baseline", "PYTHONPATH": path},
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _hex(values: Any) -> list[str]:
    bits = np.ascontiguousarray(values, dtype=np.float64).ravel().view(np.uint64)
    return [f"{b:x}" for b in bits.tolist()]


if __name__ == "__main__":
    json.dump([trained(given) for given in json.load(sys.stdin)], sys.stdout)
