"""The tabular benchmark's arithmetic, its file of results, its processes and its data sets."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from benchmarks.tabular import report, summary
from benchmarks.tabular import results as store
from benchmarks.tabular.processes import Worker
from benchmarks.tabular.run import SEEDS, chosen_sets, main
from benchmarks.tabular.scores import (
    LEAST,
    auc,
    classification_scores,
    interval_scores,
    regression_scores,
)
from benchmarks.tabular.sets import CLASSIFICATION, PARTS, REGRESSION, SETS, check
from benchmarks.tabular.worker import measure, split


def found(**of_peers: dict[str, list[float | None]]) -> store.Results:
    """Results from {peer: {set: a log-loss or RMSE per seed}}; None is a failure."""
    results: store.Results = {}
    for peer, of_sets in of_peers.items():
        for name, values in of_sets.items():
            metric = "log_loss" if SETS[name].task == CLASSIFICATION else "rmse"
            for seed, value in enumerate(values):
                entry: dict[str, Any] = {"set": name, "seed": seed, "peer": peer}
                if value is None:
                    entry["error"] = "ValueError: x"
                else:
                    entry |= {
                        "scores": {metric: value},
                        "times": {"fit_cpu": 1.0 + seed, "predict_cpu": 0.1},
                        "version": "1.0",
                    }
                results[name, seed, peer] = entry
    return results


def test_ranks_share_ties_and_put_failures_last() -> None:
    assert summary.ranks({"a": 0.3, "b": 0.1, "c": 0.3, "d": math.nan}) == {
        "a": 2.5, "b": 1.0, "c": 2.5, "d": 4.0,
    }  # fmt: skip
    assert summary.ranks({}) == {}


def test_a_ratio_is_paired_and_symmetric() -> None:
    a, r = {0: 2.0, 1: 6.0, 7: 99.0}, {0: 1.0, 1: 3.0, 5: 4.0}  # twice, on the common seeds
    delta = summary.difference(a, r, "rmse")
    assert delta == summary.Estimate(pytest.approx(math.log(2)), pytest.approx(0, abs=1e-15), 2)
    back = summary.difference(r, a, "rmse")
    assert back.mean == pytest.approx(-delta.mean)
    assert summary.percent(delta, "rmse").mean == pytest.approx(100)
    assert summary.percent(back, "rmse").mean == pytest.approx(-50)


def test_the_error_of_a_ratio_is_that_of_the_delta_method() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=4000)  # what both share must cancel
    r = 5 + common + rng.normal(scale=0.1, size=4000)
    a = 5 + common + rng.normal(scale=0.1, size=4000)
    ratios = [math.log(a[i : i + 40].mean() / r[i : i + 40].mean()) for i in range(0, 4000, 40)]
    of_one = summary.difference(dict(enumerate(a[:40])), dict(enumerate(r[:40])), "rmse")
    # 100 ratios of 40 seeds: their deviation is known to 7 %, the one estimate to 11 %
    assert of_one.error == pytest.approx(np.std(ratios), rel=0.4)


def test_accuracy_is_compared_in_points() -> None:
    delta = summary.difference({0: 0.9, 1: 0.8}, {0: 0.8, 1: 0.8}, "accuracy")
    shown = summary.percent(delta, "accuracy")
    assert (shown.mean, shown.error) == (pytest.approx(5), pytest.approx(5))


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_values_have_no_error(values: list[float]) -> None:
    assert math.isnan(summary.estimate(values).error)


def test_a_ratio_with_nothing_is_no_number() -> None:
    assert summary.difference({0: 0.0}, {0: 1.0}, "log_loss") == summary.NOTHING
    assert summary.difference({0: 1.0}, {1: 1.0}, "log_loss") == summary.NOTHING


def test_ranks_with_fewer_seeds_are_paired() -> None:
    # on its only seed tabm is ahead of both; its plain mean would put it last
    results = found(
        clearprop={"wine": [3.0, 1.0]}, lightgbm={"wine": [4.0, 2.0]}, tabm={"wine": [2.9]}
    )
    ranks = summary.ranks_on(
        results, "wine", ["clearprop", "lightgbm", "tabm"], "log_loss", "clearprop"
    )
    assert ranks == {"tabm": 1.0, "clearprop": 2.0, "lightgbm": 3.0}


def test_average_ranks_are_over_complete_sets_and_failures_last() -> None:
    results = found(
        clearprop={"wine": [1.0, 1.0], "digits": [1.0], "hpc": [1.0]},
        lightgbm={"wine": [0.5, None], "digits": [0.5]},
    )
    peers, sets = ["clearprop", "lightgbm"], ["wine", "digits", "hpc"]
    ranks = summary.average_ranks(results, sets, peers, "log_loss", "clearprop")
    assert ranks["clearprop"].n == 2
    assert ranks["clearprop"].mean == ranks["lightgbm"].mean == 1.5
    assert summary.complete_peers(results, sets, peers, "log_loss") == ["clearprop"]
    assert summary.ranks_on(results, "hpc", peers, "log_loss", "clearprop") is None


def test_the_mean_difference_is_over_sets() -> None:
    results = found(
        clearprop={"wine": [1.0, 1.0], "digits": [1.0, 1.0], "hpc": [1.0]},
        lightgbm={"wine": [2.0, 2.0], "digits": [0.5, 0.5]},
    )
    sets = ["wine", "digits", "hpc"]
    delta, behind, ahead = summary.mean_difference(
        results, sets, "lightgbm", "log_loss", "clearprop"
    )
    assert (delta.mean, delta.n, behind, ahead) == (pytest.approx(0, abs=1e-15), 2, 1, 1)
    assert delta.error == pytest.approx(math.log(2))  # of ± ln 2: deviation √2 ln 2, by √2


def test_scores_of_classes() -> None:
    y = np.array(["a", "b", "b", "a"], object)
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [1.0, 0.0]])
    scores = classification_scores(y, p, ["a", "b"])
    assert scores["accuracy"] == 0.75
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.3, 1.0]).mean())
    assert scores["auc"] == 1.0
    sure = classification_scores(y, np.eye(2)[[1, 0, 0, 1]], ["a", "b"])
    assert sure["log_loss"] == pytest.approx(-math.log(LEAST))
    unknown = classification_scores(np.array(["c"], object), p[:1], ["a", "b"])
    assert unknown["accuracy"] == 0


@pytest.mark.parametrize(
    "p", [[[math.nan, 1.0]], [[0.5, 0.6]], [[-0.5, 1.5]], [[1.0]], [[0.2, 0.3, 0.5]]]
)
def test_what_is_no_probability_is_refused(p: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"probabilities|predict_proba"):
        classification_scores(["a"], p, ["a", "b"])


def test_auc_counts_ties_half() -> None:
    assert auc([True, False, True, False], [0.5, 0.5, 0.9, 0.1]) == 3.5 / 4
    assert math.isnan(auc([True], [0.5]))


def test_scores_of_numbers_and_intervals() -> None:
    assert regression_scores([0.0, 0.0], [3.0, -4.0]) == {"rmse": math.sqrt(12.5), "mae": 3.5}
    with pytest.raises(ValueError, match="not finite"):
        regression_scores([0.0], [math.inf])
    scores = interval_scores(np.array([0.0, 5.0]), [[-1.0, 1.0], [0.0, 4.0]], 2.0)
    assert scores == {"coverage": 0.5, "width": 1.5}


def test_results_are_appended_resumed_and_replaced(tmp_path: Any) -> None:
    path = tmp_path / "results.jsonl"
    first = {"set": "wine", "seed": 1, "peer": "mlp", "error": "x"}
    store.append(path, first)
    with path.open("a") as file:
        file.write('{"set": "wine", "se')  # a run that was ended in the middle of a line
    assert store.read([path]) == {("wine", 1, "mlp"): first}
    second = first | {"seed": 2, "error": "y"}
    store.append(path, second)
    done = store.read([path, tmp_path / "none.jsonl"])
    assert done == {("wine", 1, "mlp"): first, ("wine", 2, "mlp"): second}
    jobs = store.open_jobs(["wine"], [1, 2, 3], ["mlp"], done, retry=False)
    assert jobs == [("wine", 3, "mlp")]
    assert len(store.open_jobs(["wine"], [1, 2, 3], ["mlp"], done, retry=True)) == 3
    store.append(path, first | {"error": "z"})
    assert store.read([path])["wine", 1, "mlp"]["error"] == "z"


def test_a_line_that_is_no_result_is_named(tmp_path: Any) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('nonsense\n{"set": "wine", "seed": 1, "peer": "mlp"}\n')
    with pytest.raises(ValueError, match="line 1"):
        store.read([path])


WORKER = """
import json, os, sys, time
for line in sys.stdin:
    job = json.loads(line)
    if job["seed"] == 1: time.sleep(60)
    if job["seed"] == 2: os._exit(3)
    print(json.dumps({"pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"]}), flush=True)
"""


def test_a_worker_ends_at_the_limit_and_starts_again(tmp_path: Any) -> None:
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    worker = Worker((str(path),))
    try:
        first = worker.run({"seed": 0}, 30)
        assert first["threads"] == "1"
        assert worker.run({"seed": 0}, 30) == first  # the same process
        assert worker.run({"seed": 1}, 0.2) == {"error": "no result within 0.2 s"}
        again = worker.run({"seed": 0}, 30)
        assert again["pid"] != first["pid"]
        assert worker.run({"seed": 2}, 30) == {"error": "the process ended with code 3"}
        assert worker.run({"seed": 0}, 30)["threads"] == "1"
    finally:
        worker.stop()
    worker = Worker((str(path),), threads=2)
    try:
        assert worker.run({"seed": 0}, 30)["threads"] == "2"
    finally:
        worker.stop()


def test_the_table_of_sets() -> None:
    assert len(SETS) >= 16
    assert len(SEEDS) == 5
    for part in PARTS:
        for task in (CLASSIFICATION, REGRESSION):
            assert sum(s.part == part and s.task == task for s in SETS.values()) >= 5
    assert all((s.K >= 2) == (s.task == CLASSIFICATION) for s in SETS.values())
    assert chosen_sets(["all"]) == list(SETS)
    assert set(chosen_sets(["tuning", "german"])) - set(chosen_sets(["tuning"])) == {"german"}
    with pytest.raises(SystemExit, match="no set 'wein'"):
        chosen_sets(["wein"])


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_as_its_record_says(name: str) -> None:
    pytest.importorskip("pandas")
    try:
        df, y = check(SETS[name])
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    train, test = split(SETS[name].task, len(y), y, 1)
    assert sorted([*train, *test]) == list(range(len(df)))
    assert len(test) == pytest.approx(0.2 * len(df), abs=1)
    if SETS[name].task == CLASSIFICATION:
        labels, counts = np.unique(y, return_counts=True)
        assert counts.min() >= 20
        of_test = np.array([(y[test] == label).sum() for label in labels])
        assert np.abs(of_test - 0.2 * counts).max() < 2  # stratified


@pytest.mark.parametrize(
    ("name", "peer", "better_than"), [("wine", "forest", 0.3), ("diabetes", "histgb", 75.0)]
)
def test_a_fit_is_measured(name: str, peer: str, better_than: float) -> None:
    pytest.importorskip("pandas")
    answer = measure(name, 1, peer)
    assert answer["scores"]["log_loss" if name == "wine" else "rmse"] < better_than
    assert set(answer["times"]) == {"fit_seconds", "fit_cpu", "predict_seconds", "predict_cpu"}
    json.dumps(answer, allow_nan=False)


def test_the_report_shows_failures_and_the_picture_is_drawn(tmp_path: Any) -> None:
    results = found(
        clearprop={"wine": [1.0, 1.1], "ames": [2.0, 2.2], "credit": [0.5, 0.5]},
        lightgbm={"wine": [1.2, 1.2], "ames": [3.0, None], "credit": [0.6, 0.5]},
        tabm={"wine": [50.0]},
    )
    results["ames", 0, "clearprop"]["scores"] |= {"coverage": 0.95, "width": 1.0}
    text = report.markdown(results, list(SETS), ["clearprop", "lightgbm", "tabm"], "clearprop")
    assert "ValueError: x" in text
    assert "**1.050**" in text  # wine: the mean of clearprop's two seeds, the best
    assert "3.000 failed" in text
    assert "off by more than 2 points" in text
    assert "+4662.0" in text or "+4900.0" in text  # tabm: 50 to 1 on the common seed
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows[:5]}) == 1
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.svg"
    report.plot(results, list(SETS), ["clearprop", "lightgbm", "tabm"], "clearprop", str(path))
    assert path.stat().st_size > 1000


def test_fits_on_many_rows_are_compared() -> None:
    results = found(
        clearprop={"magic": [0.3, 0.3], "wine": [0.1], "adult": [0.3]},
        realmlp={"magic": [0.3], "wine": [0.1]},
    )
    for (_, seed, peer), entry in results.items():
        entry["times"]["fit_cpu"] = 30.0 if peer == "realmlp" else 2.0 - seed
    text = report.markdown(results, list(SETS), ["clearprop", "realmlp"], "clearprop")
    _, _, section = text.partition("### Fit on 5,000 rows and more, beside RealMLP-TD")
    assert "| magic | 19,020 | 1.5 | 30 | 20.0 |" in section
    assert "wine" not in section  # 178 rows
    assert "adult" not in section  # RealMLP-TD has no result


def test_the_command_reports_what_there_is(tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "results.jsonl"
    for entry in found(mlp={"wine": [1.0]}, forest={"wine": [0.5]}).values():
        store.append(path, entry)
    arguments = ["--only-report", "--results", str(path), "--reference", "forest"]
    assert main(arguments) == 0
    assert "| scikit-learn MLP | 2.00 | +100.0 | +100.0 |" in capsys.readouterr().out
