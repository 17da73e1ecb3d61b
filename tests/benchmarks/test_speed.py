"""The benchmark suite: it measures what it says and reckons right. No test is about speed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import clearprop as cp
from benchmarks.speed import compare, digits, estimators, machine, memory_child
from benchmarks.speed.cases import CASES, Case
from benchmarks.speed.compare import (
    alternate,
    ratios,
    rounds,
    seconds_of_a_call,
    shown,
    spread,
    standard_error,
)
from benchmarks.speed.contestants import PREDICTORS, TRAINERS
from benchmarks.speed.run import tables
from benchmarks.speed.sections import busy, convergence, fit, memory
from benchmarks.speed.settings import (
    PEERS,
    SECTIONS,
    Settings,
    UnavailableError,
    need_processors,
    thread_limits,
    why_missing,
)
from clearprop.cli import main

# 5 rows in batches of 2: three steps an epoch, the last with one row
MINI = Case("mini", (3, 4, 2), 2, 5, 2)


CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def run(capfd, monkeypatch):
    monkeypatch.chdir(CHECKOUT)

    def run_command(*arguments):
        capfd.readouterr()
        code = main(["bench", *map(str, arguments)])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run_command


# ---- arithmetic ----------------------------------------------------------------------------------


def test_the_limit_counts_every_product_of_a_step() -> None:
    # z: 2·4·(2·3 + 3·5) = 168, ∂ℒ/∂W the same, ∂ℒ/∂h of the second layer only: 2·4·3·5 = 120
    case = Case("worked", (2, 3, 5), batch_size=4, n_rows=8, epochs=7)
    assert case.flops_per_step == 168 + 168 + 120
    assert case.limit(1e9) == pytest.approx(456e-9)
    assert Case("no hidden layer", (6, 5), 10, 10, 1).flops_per_step == 2 * (2 * 10 * 30)


def test_the_limit_is_the_mean_over_whole_and_smaller_batches() -> None:
    assert MINI.steps == 6
    whole = Case("whole", MINI.sizes, 2, 4, 1).flops_per_step
    half = Case("half", MINI.sizes, 1, 1, 1).flops_per_step
    assert MINI.flops_per_step == pytest.approx((2 * whole + half) / 3)


def test_the_parameters_of_a_case_are_those_of_its_network() -> None:
    for case in CASES.values():
        net = cp.Network(case.sizes, output="softmax", dtype="float32")
        assert case.n_parameters == net.theta.size


def test_alternation_pairs_each_peer_with_the_run_just_before() -> None:
    log: list[str] = []
    times = iter([1.0, 3.0, 2.0, 4.0, 1.0, 5.0, 4.0, 2.0])

    def runner(name: str):
        def run() -> float:
            log.append(name)
            return next(times)

        return run

    pairs = alternate(runner("ours"), {"a": runner("a"), "b": runner("b")}, runs=2)
    assert log == ["ours", "a", "ours", "b"] * 2
    assert pairs == {"a": [(1.0, 3.0), (1.0, 5.0)], "b": [(2.0, 4.0), (4.0, 2.0)]}
    assert ratios(pairs["b"]) == [2.0, 0.5]
    assert alternate(lambda: 7.0, {}, runs=3) == {"clearprop": [(7.0, 7.0)] * 3}


def test_rounds_take_turns() -> None:
    log: list[str] = []
    contestants = {name: lambda name=name: float(log.append(name) is None) for name in "abc"}
    assert rounds(contestants, 2) == {"a": [1.0, 1.0], "b": [1.0, 1.0], "c": [1.0, 1.0]}
    assert "".join(log) == "abcabc"


def test_the_summary_of_given_times() -> None:
    pairs = {"torch": [(6.0, 12.0), (3.0, 18.0), (12.0, 36.0)], "jax": [(9.0, 4.5)] * 3}
    record = fit.summary(MINI, "float32", pairs)
    assert record["seconds_per_step"] == {"median": 1.5, "min": 0.5, "max": 2.0}
    torch, jax = record["peers"]
    assert torch["ratio"] == {"median": 3.0, "min": 2.0, "max": 6.0}
    assert torch["seconds_per_step"]["median"] == 3.0
    assert torch["ratio_of_least"] == 4.0  # 12 to 3
    assert jax["ratio"] == {"median": 0.5, "min": 0.5, "max": 0.5}
    assert torch["seconds_of_pairs"] == pairs["torch"]
    fit.add_limit(record, MINI.flops_per_step / 0.6)
    assert record["limit_seconds_per_step"] == pytest.approx(0.6)
    assert record["share_of_limit"] == pytest.approx(0.4)
    fit.add_limit(record, None)
    assert record["share_of_limit"] is None


def test_the_difference_of_the_losses_in_standard_errors() -> None:
    # means 2 and 5; s² = 1 and 4, so the standard errors are √(1/3) and √(4/3), together √(5/3)
    record = convergence.summary(MINI, "float32", [1.0, 2.0, 3.0], [3.0, 5.0, 7.0])
    assert record["standard_error"] == pytest.approx(math.sqrt(1 / 3))
    assert record["difference_in_standard_errors"] == pytest.approx(-3 / math.sqrt(5 / 3))
    assert math.isnan(standard_error([1.0]))
    alone = convergence.summary(MINI, "float32", [1.0], [1.0])
    assert math.isnan(alone["difference_in_standard_errors"])


def test_the_bound_of_the_memory() -> None:
    # θ: 4·4 + 5·2 = 26 numbers; a batch of 2 rows has 3 + 4 + 2 activations each
    assert memory.bound(MINI) == 4 * (3 * 26 + 2 * 9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (0.0123, "0.012"),
        (0.5, "0.50"),
        (9.996, "10.0"),
        (99.96, "100"),
        (31415.9, "31,416"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_are_shown_with_three_digits(value: float | None, text: str) -> None:
    assert shown(value) == text


def test_a_short_call_is_timed_by_repeating_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(compare, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    calls = []

    def call() -> None:  # takes a millisecond
        calls.append(None)
        now[0] += 0.001

    run = seconds_of_a_call(call, least=0.02)
    before = len(calls)
    assert run() == pytest.approx(0.001)
    assert len(calls) - before == 20
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}


# ---- contestants ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PREDICTORS if name != "clearprop"])
@pytest.mark.parametrize("sizes", [(2, 8, 8, 2), (20, 100, 3), (5, 4)])
def test_all_predict_the_same_probabilities(name: str, sizes: tuple[int, ...]) -> None:
    for package in PEERS[name]:
        pytest.importorskip(package)
    case = Case("case", sizes, 16, 64, 1)
    X, _ = case.data()
    model = estimators.fitted(case)
    predict = PREDICTORS[name](model, case)
    expected = PREDICTORS["clearprop"](model, case)(X)
    # a sum of 100 float32 products has an error of about 100·eps of their size, here below 10
    np.testing.assert_allclose(predict(X), expected, atol=1000 * np.finfo(np.float32).eps)
    assert predict(X[:1]).shape == (1, sizes[-1])


@pytest.mark.parametrize(("name", "precision"), list(TRAINERS))
def test_all_can_be_trained(name: str, precision: str) -> None:
    for package in PEERS.get(name, ()):
        pytest.importorskip(package)
    if name == "torch-compile":
        pytest.skip("compiling takes too long here; the loop is the one of torch")
    case = Case("learnt", (5, 8, 3), 20, 110, 30)
    try:
        run = TRAINERS[name, precision](case, *case.data(), precision)
    except UnavailableError as error:
        pytest.skip(str(error))
    with thread_limits(1):
        assert 0 < run() < 60


def test_pytorch_learns_what_we_learn() -> None:
    """Also the check on the convergence section: both get well below the loss of the start."""
    pytest.importorskip("torch")
    case = Case("learnt", (5, 16, 3), 20, 600, 10)
    X, y = convergence.teacher_data(case)
    assert set(np.unique(y)) == {0, 1, 2}
    mine = convergence.our_loss(case, X, y, "float32", seed=0)
    theirs = convergence.torch_loss(case, X, y, "float32", seed=0)
    start = convergence.cross_entropy(cp.Network(case.sizes, output="softmax"), X, y)
    assert mine < 0.8 * start
    assert theirs < 0.8 * start
    assert mine == convergence.our_loss(case, X, y, "float32", seed=0)


def test_bfloat16_on_digits_is_compared_in_pairs() -> None:
    try:
        result = digits.measure(2)
    except ValueError as error:
        pytest.skip(str(error))  # no such processor
    assert len(result["float32"]) == len(result["bfloat16"]) == 2
    for (accuracy, loss), (other, other_loss) in zip(
        result["float32"], result["bfloat16"], strict=True
    ):
        assert min(accuracy, other) > 0.9
        # of 450 test rows: a few change sides at most, though the numbers are not the same
        assert abs(accuracy - other) < 0.02
        assert 0 < abs(loss - other_loss) < 0.05
    constant = digits.table(
        {"seeds": 2, "float32": [(0.5, 1.0)] * 2, "bfloat16": [(0.75, 0.5)] * 2}
    )
    assert [row[-1] for row in constant.rows] == ["+0.25000 ± 0.00000", "-0.50000 ± 0.00000"]


def test_jax_takes_the_steps_of_adam() -> None:
    jax = pytest.importorskip("jax")
    from benchmarks.speed import jax_peer

    case = Case("one batch", (4, 6, 3), 32, 32, 1)  # one batch: the order of its rows is all one
    X, y = case.data()
    jax_peer.load(1)
    state = jax_peer.start(case)
    net = cp.Network(case.sizes, output="softmax", dtype="float32")
    for W, b, (W_jax, b_jax) in zip(net.W, net.b, state[0], strict=True):
        W[...], b[...] = np.asarray(W_jax).T, np.asarray(b_jax)
    epoch = jax_peer.epoch_function(case, jax.numpy.asarray(X), jax.numpy.asarray(y))
    for i in range(5):
        state = epoch(state, jax.random.key(i))
    net.train(X, y, cp.Adam(1e-3), epochs=5, batch_size=32)
    for W, b, (W_jax, b_jax) in zip(net.W, net.b, state[0], strict=True):
        # five steps of at most 1e-3, each with a relative error of some eps·√(rows)
        np.testing.assert_allclose(np.asarray(W_jax).T, W, atol=5e-6)
        np.testing.assert_allclose(np.asarray(b_jax), b, atol=5e-6)


def test_a_precision_that_is_not_there_is_told() -> None:
    with pytest.raises((UnavailableError, ValueError), match="bfloat77"):
        estimators.fit(estimators.ours(MINI, "bfloat77"), *MINI.data())


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.speed.settings.find_spec", lambda name: None)
    assert why_missing("jax") == "not installed"
    assert Settings().present("scikit-learn", "torch") == []


def test_threads_are_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cp.get_num_threads()
    with thread_limits(before + 1):
        assert cp.get_num_threads() == before + 1
    assert cp.get_num_threads() == before
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", str(before + 2))  # nothing stands in its way
    assert cp.get_num_threads() == before + 2
    with pytest.raises(UnavailableError, match="processors"):
        need_processors(100_000)


def test_busy_processes_are_there_and_go() -> None:
    with busy.busy_processes(2) as processes:
        assert [process.poll() for process in processes] == [None, None]
    assert all(process.poll() is not None for process in processes)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak is told elsewhere")
def test_the_peak_of_memory_sees_what_is_allocated() -> None:
    before = memory_child.peak_bytes()
    block = np.ones(before // 4 + 25_000_000, np.float32)
    assert block.nbytes < memory_child.peak_bytes() < before + block.nbytes + 50e6


def test_the_memory_of_a_fit_is_that_of_a_process_of_its_own() -> None:
    case = CASES["tiny"]
    peak = memory.peak_of_child("clearprop", case, "fit")
    assert 20e6 < peak < 2e9
    with pytest.raises(UnavailableError, match="KeyError"):
        memory.peak_of_child("clearprop", Case("unknown", (1, 1), 1, 1, 1), "fit")


def test_the_machine_multiplies_and_copies() -> None:
    speed = machine.product_peak("float32", 0.01)
    assert speed is not None
    assert 1e8 < speed < 1e14
    assert 1e8 < machine.copy_speed(1 << 20) < 1e13


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_measures_and_writes(run, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    written, picture = tmp_path / "all.json", tmp_path / "ratios.png"
    result = run(
        "--quick", "--runs", 1, "--cases", "tiny", "--peers", "scikit-learn",
        "--precision", "float32", "--json", written, "--plot", picture,
    )  # fmt: skip
    assert result.code == 0
    assert "scikit-learn" in result.out
    assert "2-8-8-2" in result.err
    document = json.loads(written.read_text())
    assert document["settings"]["runs"] == 1
    assert document["machine"]["versions"]["clearprop"] == cp.__version__
    assert document["machine"]["float32_flops_per_second"] > 0
    assert document["sections"]["convergence"].keys() == {"not_available"}  # without PyTorch
    (record,) = document["sections"]["fit"]["cases"]
    assert record["layers"] == [2, 8, 8, 2]
    (peer,) = record["peers"]
    ((ours, theirs),) = peer["seconds_of_pairs"]
    assert peer["ratio"]["median"] == pytest.approx(theirs / ours)
    assert record["seconds_per_step"]["median"] == pytest.approx(ours / record["steps"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_every_section_runs_and_prints_one_json_document(run) -> None:
    several = ("threads", "jobs", "busy", "row", "batch", "memory")
    result = run(
        "--quick", "--runs", 1, "--cases", "tiny", "--peers", "scikit-learn", "--json", "-q",
        "--only", *several,
    )  # fmt: skip
    assert result.code == 0
    assert result.err == ""
    document = json.loads(result.out)
    assert document["sections"].keys() == set(several)
    assert set(several) | {"fit", "convergence"} == set(SECTIONS)
    for name in several:
        missing = "not_available" in document["sections"][name]
        for table in tables(document, name):
            assert bool(table.rows) != missing
            assert all(len(row) == len(table.header) for row in table.rows)
    census = document["sections"]["row"]["census"]["who"]
    assert [record["who"] for record in census] == ["clearprop", "scikit-learn"]
    assert census[0]["values"]["median"] < census[0]["frame"]["median"] < 1.0


def test_outside_a_checkout_the_command_says_where_it_runs(capfd, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "--quick", "--only", "row"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "run it in a checkout of clearprop, as clearprop bench or python -m benchmarks" in err


def test_the_suite_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "benchmarks.speed", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout.startswith("usage: clearprop bench [-h] [--only SECTION")


def test_no_peers_at_all(run) -> None:
    arguments = ("--quick", "--runs", 1, "--cases", "tiny", "--precision", "float32", "-q")
    result = run(*arguments, "--only", "fit", "--peers")
    assert result.code == 0
    assert "tiny  float32" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "tiny", "huge"], "unknown case 'huge'; choose from tiny, small, tab"),
        (["--peers", "keras"], "unknown peer 'keras'; choose from scikit-learn, torch"),
        (["--only", "speed"], "unknown section 'speed'; choose from fit"),
        (["--precision", "float16"], "unknown precision 'float16'; choose from float32, bfloat16"),
        (["--runs", "0"], "must be a whole number from 1"),
        (["--all", "--only", "fit"], "not allowed with"),
        (["--plot", "ratios.txt"], "--plot must end with .png, .svg, .pdf"),
        (["--plot", "ratios.svg", "--only", "row"], "--plot shows the section fit"),
        (["--json", "no/such/folder/all.json"], "no/such/folder/all.json cannot be written"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(run, arguments, message) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert message in result.err


def test_the_picture_of_given_ratios(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.speed.plot import draw

    pairs = {"scikit-learn": [(1.0, 40.0), (1.0, 50.0)], "torch": [(1.0, 0.8), (1.0, 0.9)]}
    records = [
        fit.summary(case, precision, {name: pairs[name] for name in names})
        for case in (MINI, CASES["wide"])
        for precision, names in (("float32", pairs), ("bfloat16", ("torch",)))
    ]
    for record in records:
        fit.add_limit(record, 1e12)
    document = {
        "settings": {"runs": 2},
        "machine": {
            "threads": 1, "cpu": "a processor", "clearprop_isa": "avx2", "versions": {"numpy": "2"},
        },
        "sections": {"fit": {"cases": records}},
    }  # fmt: skip
    draw(document, tmp_path / "ratios.svg")
    text = (tmp_path / "ratios.svg").read_text()
    assert text.lstrip().startswith("<?xml")
    assert len(text) > 10_000
