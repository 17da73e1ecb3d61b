"""Checkpoints: a run that is cut off goes on bit for bit; when the state is saved."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import STEPPERS
from cut_off_runs import EPOCHS, CutOffError, assert_same, at_epoch, make_job, resumed, shared_data
from scipy import sparse

from clearprop import (
    SGD,
    Activation,
    Adam,
    Checkpoint,
    Data,
    Job,
    NAdam,
    Network,
    NonFiniteError,
    Stopping,
    checkpoints,
    train,
)
from clearprop.outputs import Quantile
from clearprop.persistence import read_file
from clearprop.schedules import Cosine
from clearprop.training import report_trouble

OPTIMIZERS = [
    SGD(Cosine(0.1), 0.9),
    *(kind(0.01) for kind in STEPPERS.values() if kind is not SGD),
]
SHUFFLES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "int": lambda: 3,
    "RandomState": lambda: np.random.RandomState(3),
    "Generator": lambda: np.random.default_rng(3),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(3)),
    "Philox": lambda: np.random.Generator(np.random.Philox(3)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(3)),
}


# ---- resuming ------------------------------------------------------------------------------------

USUAL = ("none", "int", "RandomState", "Generator")
GRID = [
    *itertools.product(OPTIMIZERS, [0.0, 0.4], USUAL, [False, True]),
    *itertools.product([Adam(0.01)], [0.4], sorted(SHUFFLES.keys() - set(USUAL)), [True]),
]


@pytest.mark.parametrize("number", range(len(GRID)))
def test_a_run_that_was_cut_off_goes_on_bit_for_bit(number: int, tmp_path: Path) -> None:
    optimizer, dropout, shuffle, validated = GRID[number]

    def make() -> list[Job]:
        options: dict[str, Any] = {"rows": np.arange(30)}
        if validated:
            options = {
                "rows": np.arange(0, 24),
                "validation": np.arange(24, 30),
                "metrics": {"score": lambda e: float(e.y_hat[0, 0])},
                "stopping": Stopping("score", patience=3),
            }
        return [
            make_job(optimizer=optimizer, dropout=dropout, shuffle=SHUFFLES[shuffle](), **options)
        ]

    data = shared_data()
    (whole,) = train(make(), data)
    length = len(whole.history)
    cuts = tuple(sorted({1 + number % length, 1 + number * 7 % length}))
    (state,) = resumed(tmp_path / "c", make, data, cuts)
    assert_same(state, whole)
    assert (np.diff(state.history.seconds) >= 0).all()


def test_the_generator_goes_on_from_the_file_not_from_where_it_is_now(tmp_path: Path) -> None:
    data = shared_data()
    (whole,) = train([make_job(shuffle=np.random.default_rng(3))], data)
    with pytest.raises(CutOffError):
        train(
            [make_job(shuffle=np.random.default_rng(3))],
            data,
            checkpoint=Checkpoint(tmp_path / "c"),
            callbacks=[at_epoch(4)],
        )
    (state,) = train(
        [make_job(shuffle=np.random.default_rng(999))], data, checkpoint=Checkpoint(tmp_path / "c")
    )
    assert_same(state, whole)


def test_many_jobs_in_one_file(tmp_path: Path) -> None:
    def make() -> list[Job]:
        return [
            make_job(epochs=2),
            make_job(optimizer=NAdam(0.01), dropout=0.3, epochs=9, shuffle=7),
            make_job(optimizer=SGD(0.1), shuffle=np.random.RandomState(0), batch_size=30),
            make_job(sizes=[3, 2], max_steps=9, shuffle=None),
        ]

    data = shared_data()
    whole = train(make(), data)
    states = resumed(tmp_path / "c", make, data, cuts=(1, 2, 5, 8))
    for a, b in zip(states, whole, strict=True):
        assert_same(a, b)


def test_float32_sparse_and_several_quantiles(tmp_path: Path) -> None:
    dense = shared_data()
    X = sparse.csr_matrix(dense.X * (dense.X > 1)).astype(np.float32)
    t = np.repeat(dense.X[:, :1], 2, axis=1).astype(np.float32)
    for number, matrix in enumerate((X, sparse.csr_matrix((30, 3), dtype=np.float32))):

        def make() -> list[Job]:
            return [make_job(output=Quantile((0.1, 0.9)), dtype="float32")]

        data = Data(matrix, t)
        (whole,) = train(make(), data)
        (state,) = resumed(tmp_path / str(number), make, data, cuts=(3,))
        assert state.theta.dtype == np.float32
        assert_same(state, whole)


def test_whole_numbers_of_numpy_and_functions_as_schedules(tmp_path: Path) -> None:
    """Functions have another address in each process; the address is not compared."""

    def make() -> list[Job]:
        rate = SGD(lambda clock: np.full(len(clock.step), 0.1))
        return [
            make_job(
                optimizer=rate,
                epochs=np.int64(4),
                batch_size=np.int32(8),
                shuffle=np.int64(3),
                clip_norm=np.float64(2.0),
            )
        ]

    (whole,) = train(make(), shared_data())
    (state,) = resumed(tmp_path / "c", make, shared_data(), cuts=(2,))
    assert_same(state, whole)


def test_a_finished_run_stays_finished(tmp_path: Path) -> None:
    data = shared_data()
    checkpoint = Checkpoint(tmp_path / "c")
    (first,) = train([make_job()], data, checkpoint=checkpoint)
    told: list[Any] = []
    (again,) = train([make_job()], data, checkpoint=checkpoint, callbacks=[told.append])
    assert told == []
    assert_same(again, first)
    assert again.history.stopped == "epochs"


def test_a_run_that_ctrl_c_ended_goes_on(tmp_path: Path) -> None:
    data = shared_data()
    calls = itertools.count(1)

    class Interrupted(Adam):
        def update(self, *arguments: Any, **options: Any) -> Any:
            if next(calls) == 10:  # the second step of epoch 3
                raise KeyboardInterrupt
            return super().update(*arguments, **options)

    options: Any = {"engine": "reference"}  # an interrupt within a step, at will
    (whole,) = train([make_job(optimizer=Interrupted(0.01))], data, **options)  # calls 1–9, and on
    assert whole.history.stopped == "interrupted"
    calls = itertools.count(11)
    (whole,) = train([make_job(optimizer=Interrupted(0.01))], data, **options)
    calls = itertools.count(1)
    options["checkpoint"] = Checkpoint(tmp_path / "c")
    (state,) = train([make_job(optimizer=Interrupted(0.01))], data, **options)
    assert state.history.stopped == "interrupted"
    (state,) = train([make_job(optimizer=Interrupted(0.01))], data, **options)
    assert_same(state, whole)


@pytest.mark.parametrize("batch_size", [8, 30])
def test_a_run_out_of_time_goes_on(batch_size: int, tmp_path: Path) -> None:
    """In the middle of an epoch, from the end of the one before; of one step: at its end."""
    data = shared_data()
    (whole,) = train([make_job(batch_size=batch_size)], data)
    checkpoint = Checkpoint(tmp_path / "c")
    for _ in range(100):
        (state,) = train(
            [make_job(batch_size=batch_size)],
            data,
            checkpoint=checkpoint,
            time_limit=0.02,
            callbacks=[lambda report: time.sleep(0.011)],
        )
        if state.history.stopped != "time_limit":
            break
    assert_same(state, whole)
    assert (np.diff(state.history.seconds) >= 0).all()  # they go on from part to part


def test_a_network_resumes_by_path(tmp_path: Path) -> None:
    data = shared_data()
    X, t = data.X, data.t.argmax(axis=1)

    def fit(cut: int | None, **options: Any) -> tuple[Network, Any]:
        net = Network([3, 6, 2], output="softmax", dropout=0.2, seed=0)
        callbacks = [] if cut is None else [at_epoch(cut)]
        options |= {"epochs": 8, "validation": 0.3, "callbacks": callbacks}
        return net, net.train(X, t, **options)

    whole, history = fit(None)
    for path in (tmp_path / "c", str(tmp_path / "d")):
        for cut in (2, 5):
            with pytest.raises(CutOffError):
                fit(cut, checkpoint=path)
        net, resumed_history = fit(None, checkpoint=path)
        np.testing.assert_array_equal(net.theta, whole.theta)
        assert resumed_history.loss == history.loss
        assert resumed_history.validation_loss == history.validation_loss


@pytest.mark.parametrize("call", [1, 8, 10, 23])
def test_a_network_that_ctrl_c_left_trained_part_of_the_way_goes_on(
    call: int, tmp_path: Path
) -> None:
    """Its θ is no longer the start of the run, but it is the one that the run handed out."""
    data = shared_data()
    calls = itertools.count(1)

    class Interrupted(Adam):
        def update(self, *arguments: Any, **options: Any) -> Any:
            if next(calls) == call:  # 4 steps an epoch
                raise KeyboardInterrupt
            return super().update(*arguments, **options)

    def fit(net: Network, **options: Any) -> Any:
        options |= {"optimizer": Interrupted(0.01), "batch_size": 8, "epochs": EPOCHS}
        return net.train(data.X, data.t, engine="reference", **options)

    net, whole = (Network([3, 6, 2], output="softmax", dropout=0.2, seed=0) for _ in range(2))
    with pytest.warns(UserWarning, match="interrupted"):
        fit(net, checkpoint=tmp_path / "c")
    history = fit(net, checkpoint=tmp_path / "c")
    assert history.stopped == "epochs"
    if call > 4:  # before, there was no file, and the second run began where the first one ended
        expected = fit(whole)
        np.testing.assert_array_equal(net.theta, whole.theta)
        assert history.loss == expected.loss
    net.theta[0] += 1e-9  # any other θ is another run
    with pytest.raises(ValueError, match="differs in: theta"):
        fit(net, checkpoint=tmp_path / "c")


def test_where_a_job_met_nan_is_remembered(tmp_path: Path) -> None:
    def make() -> list[Job]:
        return [make_job(optimizer=SGD(1e200), output="linear"), make_job()]

    whole = train(make(), shared_data())
    states = resumed(tmp_path / "c", make, shared_data(), cuts=(4,))
    for a, b in zip(states, whole, strict=True):
        assert_same(a, b)
    assert states[0].nonfinite is not None
    with pytest.raises(NonFiniteError, match="became NaN or infinite at step"):
        report_trouble(states[0])


KILLED = """
    import sys
    import time
    import numpy as np
    from clearprop import Adam, Checkpoint, Data, Job, Network, train
    from clearprop.schedules import Cosine

    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 20))
    net = Network([20, 200, 100, 2], dropout=0.2, seed=0)
    job = Job(net.architecture, net.theta, Adam(Cosine(0.001)), epochs=40, batch_size=32)
    checkpoint = Checkpoint(sys.argv[1]) if len(sys.argv) > 1 else None
    told = []

    def callback(report):
        print(report.epoch, flush=True)
        told.append(report.epoch)
        if len(told) == 10 and "wait" in sys.argv:
            time.sleep(60)  # it will be killed, and not be done before

    (state,) = train([job], Data(X, X[:, :2]), checkpoint=checkpoint, callbacks=[callback])
    print("theta", state.theta.tobytes().hex(), flush=True)
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(KILLED)
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


def test_a_run_that_was_killed_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """kill -9 after some epochs, at moments within an epoch and within the writing of the file."""
    path, first_epochs = tmp_path / "c", []
    with start() as whole:
        for epochs, delay in ((2, 0.0), (6, 0.003), (4, 0.001)):
            with start(str(path), "wait") as process:
                assert process.stdout is not None
                lines = [process.stdout.readline() for _ in range(epochs)]
                time.sleep(delay)
                process.kill()
            assert process.returncode == -9
            first_epochs.append(int(lines[0]))
            document, _ = read_file(path, "checkpoint")  # whole, whatever the moment
            # what is told of an epoch comes before its state is saved
            assert document["states"][0]["epoch"] >= int(lines[-1]) - 1
        assert whole.stdout is not None
        expected = whole.stdout.read().splitlines()[-1]
    assert first_epochs[0] == 1
    assert 1 < first_epochs[1] < first_epochs[2]  # it did go on
    with start(str(path)) as process:
        assert process.stdout is not None
        final = process.stdout.read().splitlines()[-1]
    assert process.returncode == whole.returncode == 0
    assert final.startswith("theta ")
    assert final == expected


# ---- when it is written --------------------------------------------------------------------------


class Counted(Checkpoint):
    """Notes the epoch of each state that is written."""

    def write(self, states: Any, *arguments: Any) -> None:
        super().write(states, *arguments)
        written.append(states[0].epoch)


written: list[int] = []


@pytest.mark.parametrize(
    ("every_epochs", "every_seconds", "expected"),
    [(1, 0.0, [1, 2, 3, 4, 5, 6]), (4, 0.0, [4, 6]), (1, 1e9, [6]), (100, 0.0, [6])],
)
def test_how_often_the_state_is_saved(
    tmp_path: Path, every_epochs: int, every_seconds: float, expected: list[int]
) -> None:
    written.clear()
    checkpoint = Counted(tmp_path / "c", every_epochs, every_seconds)
    (state,) = train([make_job()], shared_data(), checkpoint=checkpoint)
    assert written == expected
    assert state.history.stopped == "epochs"


def test_seconds_are_counted_from_the_state_saved_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.monotonic()
    now = [start]
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: now[0]))
    written.clear()
    train(
        [make_job(epochs=8)],
        shared_data(),
        checkpoint=Counted(tmp_path / "c", every_seconds=2.5),
        callbacks=[lambda report: now.__setitem__(0, start + report.epoch)],  # a second each
    )
    assert written == [3, 6, 8]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        train([make_job()], shared_data(), checkpoint=Checkpoint(tmp_path / "no" / "c"))


def test_what_no_file_can_hold_is_refused_before_the_training(tmp_path: Path) -> None:
    cube = Activation("cube", lambda z: z**3, lambda z, h: 3 * z**2)
    net, told = Network([3, 2, 2], hidden=cube), []
    with pytest.raises(ValueError, match="activation 'cube' is none of clearprop's"):
        net.train(
            np.ones((4, 3)),
            np.ones((4, 2)),
            checkpoint=tmp_path / "c",
            callbacks=[told.append],
            engine="reference",
        )
    assert told == []
