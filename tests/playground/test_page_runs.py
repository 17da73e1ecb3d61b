"""Runs of the workshop in the page: the library's bits, programs, rewinding."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("playwright")

from page import differences, entries
from workshop_bench import RUNS, TABLE, Bench

PANELS = ("training", "network", "example", "errors", "calibration", "rows", "layers", "diagnosis")


@pytest.fixture
def bench(page):
    one = Bench(page)
    one.open()
    return one


def numbers_of(bench, part):
    """All numbers of the workshop, by the names that programs print them under."""
    numbers = {**bench.frame["numbers"], **bench.report(part)["numbers"]}
    layout, sizes = bench.page.evaluate(
        "() => [clearprop.store.live.data.layout, clearprop.store.live.data.sizes]"
    )
    arrays = bench.page.evaluate(
        "(({theta, gradient, exampleGradient}) => [theta, gradient, exampleGradient].map("
        "a => Array.from(a ?? [])))(clearprop.store.live.frame)"
    )
    for prefix, values in zip(("", "dL_d", "example.dL_d"), arrays, strict=True):
        for layer, (W, b) in enumerate(layout, 1):
            if values:
                n_in, n_out = sizes[layer - 1 : layer + 1]
                matrix = np.reshape(values[W:b], (n_out, n_in))
                numbers |= {f"{prefix}W{layer}": matrix.tolist()}
                numbers |= {f"{prefix}b{layer}": values[b : b + n_out]}
    return entries(numbers)


# ---- the bits ------------------------------------------------------------------------------------

# Programs come as {name: {panel: text}}; what each prints goes back, and θ of its network.
RUNNER = """
import contextlib, io, json, sys
import numpy as np
found = {}
for name, programs in json.load(sys.stdin).items():
    printed = {}
    for panel, text in programs.items():
        out, made = io.StringIO(), {"__name__": "program"}
        with contextlib.redirect_stdout(out), np.errstate(all="ignore"):
            exec(text, made)
        lines = (line.split(" ", 1) for line in out.getvalue().splitlines())
        printed |= {key: json.loads(value) for key, value in lines}
    found[name] = [printed, made["net"].theta.tolist()]
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def shown(page_of_module):
    """For each of RUNS: the page's numbers and θ, and its programs."""
    bench, found = Bench(page_of_module), {}
    bench.open()
    bench.ask("load_table", name="shop.csv", file=TABLE.encode())
    for name, settings in RUNS.items():
        bench.open(**settings)
        bench.ask("step", unit="example")
        part = "train" if settings.get("test_share") == 0 else "test"
        numbers = numbers_of(bench, part)
        panels = [p for p in PANELS if p != "calibration" or "calibration.ece.0" in numbers]
        programs = {p: bench.ask("python", panel=p, part=part)["python"] for p in panels}
        found[name] = numbers, bench.theta, programs
    return found


@pytest.fixture(scope="module")
def printed(shown, tmp_path_factory):
    """What the programs print with the library's baseline kernels, which round as the page's do."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "shop.csv").write_text(TABLE)
    programs = {name: programs for name, (_, _, programs) in shown.items()}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(programs),
        cwd=folder,
        env={**os.environ, "CLEARPROP_ISA": "baseline"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_the_librarys_bits(name, shown, printed):
    assert np.array_equal(shown[name][1], printed[name][1])


@pytest.mark.parametrize("name", RUNS)
def test_every_number_of_the_workshop_is_what_its_program_prints(name, shown, printed):
    numbers, wanted = shown[name][0], entries(printed[name][0])
    assert differences(wanted, numbers) == []
    more = {key for key in numbers if key not in wanted}
    assert more == set(), "no program prints these"


def test_rewinding_is_exact_to_the_bit(bench):
    bench.open(hidden=[3], optimizer="adam", dropout=0.1)
    seen = {0: bench.theta}
    for _ in range(3):
        bench.ask("step", unit="epoch")
        bench.ask("step", unit="batch")
        seen[bench.step] = bench.theta
    changed = bench.step
    bench.ask("edit", name="W1.0.0", value=0.5)
    bench.set(learning_rate=0.2)
    for _ in range(2):
        bench.ask("step", unit="epoch")
    seen[bench.step] = bench.theta
    last = bench.step
    for step in (*reversed(seen), 7, *seen):
        bench.ask("seek", step=step)
        bench.arrive()
        assert bench.step == step
        if step in seen and step != changed:
            assert np.array_equal(bench.theta, seen[step])
    link = bench.ask("link")["link"]
    bench.open()
    bench.ask("open", link=link)
    bench.arrive()
    assert bench.step == last
    assert np.array_equal(bench.theta, seen[last])


def test_training_on_from_the_past_forgets_the_future(bench):
    bench.open(run="100")
    bench.ask("seek", step=40)
    assert bench.frame["n_steps"] == 100
    bench.ask("step", unit="batch")
    assert (bench.step, bench.frame["n_steps"]) == (41, 41)
