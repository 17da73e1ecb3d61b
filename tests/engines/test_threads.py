"""How many threads run: the setting, the variables, joblib's workers, and that no result depends
on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop import Data, Job, Network, _native
from clearprop.checks import MAX_THREADS
from clearprop.engines import get_engine, threads
from clearprop.engines.native import NativeEngine
from clearprop.training import train


def test_the_number_of_threads(monkeypatch: Any) -> None:
    monkeypatch.delenv("CLEARPROP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert cp.get_num_threads() == _native.default_threads() >= 1
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", "3")
    assert cp.get_num_threads() == NativeEngine().n_threads == 3
    cp.set_num_threads(2)
    try:
        assert cp.get_num_threads() == NativeEngine().n_threads == 2
        assert NativeEngine(3).n_threads == NativeEngine(np.int64(3)).n_threads == 3
        for wrong in (0, -1, 1.0, "2", True, 1025):
            message = f"must be an integer from 1 to 1024 or None; got {wrong!r}$"
            with pytest.raises(ValueError, match=f"^n {message}"):
                cp.set_num_threads(wrong)
            with pytest.raises(ValueError, match=f"^n_threads {message}"):
                NativeEngine(wrong)
            for engine in ("auto", "reference"):
                with pytest.raises(ValueError, match=f"^n_threads {message}"):
                    get_engine(engine, n_threads=wrong)
        assert cp.get_num_threads() == 2
    finally:
        cp.set_num_threads(None)
    for text in ("0", "-1", "2.5", "two", "²", " 2", "1025", "1" * 5000):
        monkeypatch.setenv("CLEARPROP_NUM_THREADS", text)
        message = "CLEARPROP_NUM_THREADS must be an integer from 1 to 1024; got"
        with pytest.raises(ValueError, match=message):
            cp.get_num_threads()
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", "")
    assert cp.get_num_threads() == _native.default_threads()


@pytest.mark.parametrize(
    ("text", "limit"),
    [("1", 1), ("2", 2), (" 2 ", 2), ("2,1", 2), ("64", 64), ("4" * 5000, 99)]
    + [(text, 99) for text in ("", "0", "-1", "two", "²", ",2", "2.0")],
)
def test_openmps_variable_is_an_upper_limit(text: str, limit: int, monkeypatch: Any) -> None:
    """joblib sets it in its workers; what is no number is left to others to complain about."""
    monkeypatch.delenv("CLEARPROP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_processors", lambda n_allowed: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert cp.get_num_threads() == min(limit, 8)
    monkeypatch.setenv("CLEARPROP_NUM_THREADS", "5")
    assert cp.get_num_threads() == 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinities")
def test_a_change_of_the_affinity_is_noticed(monkeypatch: Any) -> None:
    monkeypatch.delenv("CLEARPROP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    n = cp.get_num_threads()
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cp.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert cp.get_num_threads() == n


def test_joblibs_workers_share_the_processors() -> None:
    joblib = pytest.importorskip("joblib")
    processors = joblib.cpu_count()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CLEARPROP_NUM_THREADS", raising=False)
        patch.delenv("OMP_NUM_THREADS", raising=False)
        ask = joblib.delayed(cp.get_num_threads)
        for n_jobs in {2, max(processors, 2)}:
            with joblib.parallel_config("loky", n_jobs=n_jobs):
                numbers = joblib.Parallel()(ask() for _ in range(4))
            assert set(numbers) == {max(processors // n_jobs, 1)}
        with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
            assert set(joblib.Parallel()(ask() for _ in range(4))) == {1}


def test_n_threads_reaches_the_engine(monkeypatch: Any) -> None:
    seen: list[int] = []
    plain = NativeEngine.run_epochs

    def noted(self: NativeEngine, *arguments: Any) -> Any:
        seen.append(self.n_threads)
        return plain(self, *arguments)

    monkeypatch.setattr(NativeEngine, "run_epochs", noted)
    X, y = np.arange(12.0).reshape(6, 2) / 6, np.arange(6) % 2
    net = Network([2, 3, 2], output="softmax", seed=0)
    net.train(X, y, epochs=1, n_threads=3)
    job, data = Job(net.architecture, net.theta, "adam", epochs=1), Data(X, np.eye(2)[y])
    train([job, job], data, n_threads=4)
    assert seen == [3, 4]
    with pytest.raises(ValueError, match="n_threads must be an integer from 1 to 1024 or None"):
        net.train(X, y, epochs=1, n_threads=0)
    with pytest.raises(ValueError, match="an engine object sets its threads itself"):
        train([job], data, engine=NativeEngine(1), n_threads=2)


@pytest.mark.parametrize("kind", [cp.MLPClassifier, cp.MLPRegressor])
def test_n_threads_of_an_estimator(kind: Any, monkeypatch: Any) -> None:
    """It reaches the engine in fit and in predictions, and changes no bit."""
    seen: list[int] = []
    plain = NativeEngine.__init__

    def noted(self: NativeEngine, n_threads: int | None = None) -> None:
        seen.append(n_threads or 0)
        plain(self, n_threads)

    monkeypatch.setattr(NativeEngine, "__init__", noted)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 30))
    y = (X[:, 0] > X[:, 1]).astype(int)
    predictions = []
    for n_threads in (None, 1, 2, 3, np.int64(8)):
        seen.clear()
        model = kind(hidden_layer_sizes=(64, 32), max_iter=3, random_state=0, dropout=0.2)
        model.set_params(n_threads=n_threads, batch_size=300)
        with pytest.warns(UserWarning, match="Maximum iterations"):
            model.fit(X, y)
        predictions.append(model.network_.theta.copy())
        predictions.append(model.predict(X))
        assert set(seen) == {n_threads or 0}
    for theta, y_hat in zip(predictions[2::2], predictions[3::2], strict=True):
        np.testing.assert_array_equal(theta, predictions[0])
        np.testing.assert_array_equal(y_hat, predictions[1])


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", 1025])
def test_a_wrong_n_threads_of_an_estimator(wrong: Any) -> None:
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
    with pytest.raises(ValueError, match="'n_threads' parameter of MLPClassifier must be an int"):
        cp.MLPClassifier(n_threads=wrong).fit(X, y)


def test_a_file_does_not_keep_the_number_of_threads(tmp_path: Path) -> None:
    """How many there are is a matter of the machine; nothing is warned of."""
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
    model = cp.MLPClassifier((3,), solver="lbfgs", random_state=0, n_threads=2).fit(X, y)
    model.save(tmp_path / "model")
    assert cp.MLPClassifier.load(tmp_path / "model").n_threads is None


def test_threads_of_a_table_model(monkeypatch: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    from clearprop.tabular.model import TableModel
    from clearprop.tabular.network import NetworkOptions

    given: list[Any] = []
    plain = cp.MLPClassifier.fit

    def noted(self: Any, *arguments: Any, **options: Any) -> Any:
        given.append(self.n_threads)
        return plain(self, *arguments, **options)

    monkeypatch.setattr(cp.MLPClassifier, "fit", noted)
    frame = pa.table({"x": [0.0, 1.0] * 20, "answer": ["no", "yes"] * 20})
    for n_threads in (None, 3):
        options = NetworkOptions(hidden_sizes=(4,), epochs=2, n_threads=n_threads)
        TableModel.fit(frame, "answer", network=options)
    assert given == [None, 3]


def test_threads_of_the_command_line(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    pytest.importorskip("pyarrow")
    from clearprop.cli import main
    from clearprop.tabular import model as table_model

    seen: list[Any] = []
    plain = table_model.train_network

    def noted(X: Any, t: Any, options: Any, **more: Any) -> Any:
        seen.append(options.n_threads)
        return plain(X, t, options, **more)

    monkeypatch.setattr(table_model, "train_network", noted)
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("x,answer\n" + "0,no\n1,yes\n" * 20)
    command = ["fit", "--target", "answer", "t.csv", "--epochs", "2", "--force", "--quiet"]
    assert main(command) == 0
    assert main([*command, "--threads", "2"]) == 0
    assert seen == [None, 2]
    for wrong in ("0", str(MAX_THREADS + 1), "two"):
        assert main([*command, "--threads", wrong]) == 2
        assert (
            f"--threads: must be a whole number from 1 to {MAX_THREADS}" in capsys.readouterr().err
        )
