"""Trained networks made into logic: what is proved, how large it is, and how long it takes.

For each task a network is trained, its logic extracted neuron by neuron where its units are
two-valued enough and from its truth table where not, and compared with the network on every input.
The Verilog runs its testbench in Icarus Verilog and the BLIF is compared by Berkeley ABC's `cec`
with logic that was extracted from the truth table alone, where these programs are installed.

Run: python -m benchmarks.circuits.extract
"""

from __future__ import annotations

import platform
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import clearprop as cp
from benchmarks.circuits.functions import adder, majority, multiplexer, parity
from benchmarks.circuits.tools import in_abc, in_icarus
from clearprop._typing import Array
from clearprop.circuits.extraction.encoding import thermometer
from clearprop.circuits.extraction.enumeration import agree
from clearprop.circuits.extraction.extract import Extraction, extract
from clearprop.circuits.gates import all_bits
from clearprop.circuits.proofs.equivalence import equivalent

# the function, hidden units for training without restarts
TASKS: dict[str, tuple[Array, int]] = {
    "xor": (parity(2), 2),
    "parity 4": (parity(4), 6),
    "parity 6": (parity(6), 12),
    "majority 7": (majority(7), 3),
    "adder 2+2": (adder(2), 8),
    "adder 3+3": (adder(3), 14),
    "mux 1+2": (multiplexer(1), 3),
    "mux 2+4": (multiplexer(2), 8),
}
HEAD = (
    f"{'task':<26}{'units':<12}{'by':<9}{'neurons':>8}{'cubes':>7}{'cells':>7}{'rows':>11}"
    f"{'decimal':>8}  {'proof':<9}{'s':>7}  {'testbench':<24}{'abc cec':<11}{'to table':<10}"
)


def train(table: Array, n_hidden: int, hidden: str) -> tuple[cp.Network, bool]:
    """The first of ten networks that has every row right, or the last."""
    t = table.reshape(len(table), -1).astype(float)
    X = all_bits(len(t).bit_length() - 1).astype(float)
    for seed in range(10):
        net = cp.Network([X.shape[1], n_hidden, t.shape[1]], hidden, "logistic", seed=seed)
        net.train(X, t, cp.Adam(0.02), epochs=2000, batch_size=len(X), seed=seed)
        if np.array_equal(net.forward(X).y_hat > 0.5, t > 0.5):
            return net, True
    return net, False


def show(name: str, net: cp.Network, found: Extraction, other: Extraction) -> None:
    """One line of the table."""
    neurons = sum(unit.neuron is not None for unit in found.units)
    cubes = sum(len(unit.cubes) for unit in found.units if unit.form == "cubes" and unit.cubes)
    with tempfile.TemporaryDirectory() as path:
        bench = in_icarus(found.circuit, found.circuit, Path(path))
        abc = in_abc(found.circuit, other.circuit, Path(path))
    if found.encoding is None:
        proof: str = equivalent(found.circuit, other.circuit).verdict
    else:
        proof = abc = "-"  # the two may differ where no code of the encoding is
    units = "-".join(map(str, net.sizes))
    print(
        f"{name:<26}{units:<12}{found.by:<9}{neurons:>4}/{len(found.units):<3}{cubes:>7}"
        f"{len(found.circuit.cells):>7}{found.agreement.n_rows:>11,}"
        f"{found.agreement.n_precise:>8,}  {found.agreement.verdict:<9}{found.seconds:>7.2f}"
        f"  {bench:<24}{abc:<11}{proof:<10}"
    )


def functions() -> None:
    """The Boolean functions."""
    for task, (table, n_hidden) in TASKS.items():
        for hidden in ("logistic", "tanh"):
            net, learnt = train(table, n_hidden, hidden)
            name = f"{task} {hidden}" + ("" if learnt else " *")
            show(name, net, extract(net), extract(net, by="table"))


def breast_cancer() -> None:
    """569 rows of 30 columns; the 5 columns of highest rank correlation with the class."""
    data = load_breast_cancer()
    ranks = data.data.argsort(axis=0).argsort(axis=0)
    score = [abs(np.corrcoef(r, data.target)[0, 1]) for r in ranks.T]
    best = np.argsort(score)[::-1][:5]
    columns = [str(data.feature_names[i]).replace(" ", "_") for i in best]
    X, X_test, t, t_test = train_test_split(
        data.data[:, best], data.target, test_size=0.3, random_state=0
    )
    X, X_test = (X - X.mean(axis=0)) / X.std(axis=0), (X_test - X.mean(axis=0)) / X.std(axis=0)

    def fitted(inputs: Array) -> cp.Network:
        net = cp.Network([inputs.shape[1], 4, 1], "tanh", "logistic", seed=0)
        net.train(inputs, t[:, None], cp.Adam(0.01), epochs=100, seed=0)
        return net

    real = fitted(X)
    for n_levels in (3, 6, 12):
        bits, encoding = thermometer(X, n_levels, columns=columns)
        of_bits = fitted(bits.astype(float))
        for name, net in (("bits", of_bits), ("real", real)):
            found = extract(net, encoding=encoding)
            by_table = extract(net, encoding=encoding, by="table")
            show(f"cancer, {name}, {n_levels} levels", net, found, by_table)
            test_bits = encoding.encode(X_test)
            predicted = net.predict(X_test if net is real else test_bits.astype(float))
            logic = found.circuit.evaluate(test_bits)[:, 0]
            print(
                f"    right of {len(t_test)} test rows: network {(predicted == t_test).sum()}, "
                f"logic {(logic == t_test).sum()}; predictions that change: "
                f"{found.changes(X).sum()} of {len(X)} and {found.changes(X_test).sum()} of "
                f"{len(X_test)} rows"
            )


def large() -> None:
    """Random networks of many inputs: by table where the weights are real numbers, by neurons
    where they are small integers."""
    print("\nall inputs of random networks of logistic units")
    for n, H, whole in ((16, 24, False), (20, 24, False), (24, 24, True)):
        rng = np.random.default_rng(n)
        net = cp.Network([n, H, 1], "logistic", "logistic", seed=n)
        net.theta[:] = rng.normal(size=net.theta.size)
        if whole:
            net.W[0][:], net.b[0][:] = rng.integers(-2, 3, (H, n)), rng.integers(-2, 3, H) + 0.5
            net.theta[:] *= 30
        found = extract(net, by="auto" if whole else "table")
        start = time.perf_counter()
        agreement = agree(net, found.circuit)
        print(
            f"  {n} inputs, {H} units, {'whole' if whole else 'real'} weights: by {found.by}, "
            f"{len(found.circuit.cells):,} cells, {found.seconds:.2f} s; the proof alone: "
            f"{time.perf_counter() - start:.2f} s, {agreement}"
        )


def main() -> None:
    """The table."""
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; * not every row was learnt"
    )
    print(HEAD)
    functions()
    breast_cancer()
    large()


if __name__ == "__main__":
    main()
