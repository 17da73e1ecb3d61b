"""The workshop's runs: the engine's bits, rewinding, and programs that print what is shown."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("starlette")
import playground_client as play
from playground_client import RefusedError, entries, number, run_python

import clearprop as cp
from clearprop.playground import datasets, runs
from clearprop.playground.datasets import CLASSICS, Table
from clearprop.playground.runs import Run
from clearprop.playground.stations.workshop import PRESETS, Workshop

TABLE = "size,colour,when,kept,price\n" + "".join(
    f"{i % 17}.5,{'red' if i % 3 else 'blue'},2024-0{1 + i % 9}-11,"
    f"{'true' if i % 2 else 'false'},{(i * 37 % 101) / 7}\n"
    for i in range(120)
)


def made(**settings):
    record = Workshop(**settings)
    return record, datasets.dataset_from_settings(record, Table())


@pytest.fixture
def tab():
    with play.served() as door, play.tab(*door) as one:
        one.ask("visit", station="workshop")
        yield one


# ---- runs ----------------------------------------------------------------------------------------

SETTINGS = [
    {},
    {"optimizer": "adam", "dropout": 0.2, "hidden": (8, 8)},
    {"data": "hills", "output": "linear", "batch_size": 7, "l2": 0.01},
    {"data": "blobs", "classes": 5, "output": "softmax", "activation": ("relu", "logistic")},
    {"optimizer": "adamw", "weight_decay": 0.1, "l1": 0.001, "hidden": ()},
    {"optimizer": "rmsprop", "activation": ("selu",), "initializer": "orthogonal"},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_run_has_the_bits_of_network_train(settings):
    record, data = made(**settings)
    run = Run(record, data)
    run.advance(37)
    net = runs.network(record, data)
    penalty = cp.Penalty(l1=record.l1, l2=record.l2)
    how = {"batch_size": record.batch_size, "penalty": penalty}
    net.train(data.X, data.t, runs.optimizer(record), epochs=9, max_steps=37, seed=0, **how)
    assert np.array_equal(net.theta, run.theta)
    run.change("b1.0", 0.25)
    run.change("learning_rate", 0.1)
    run.advance(20)
    net.b[0][0] = 0.25
    net.train(data.X, data.t, runs.optimizer(run.settings), epochs=9, max_steps=20, seed=1, **how)
    assert np.array_equal(net.theta, run.theta)


@pytest.mark.parametrize("settings", SETTINGS)
def test_rewinding_is_exact_to_the_bit(settings):
    record, data = made(**settings)
    run = Run(record, data)
    seen = {0: run.theta}
    for steps in (1, 9, 30, 3):
        run.advance(steps)
        seen[run.step] = run.theta
    run.change("learning_rate", 0.2)
    run.advance(25)
    seen[run.step] = run.theta
    for step in [*seen, *reversed(seen), 10, 0, 68]:
        run.seek(step)
        assert run.step == step
        assert np.array_equal(run.theta, seen[step])
    again = Run(run.link_settings, data)
    again.seek(68)
    assert np.array_equal(again.theta, seen[68])


def test_training_on_from_the_past_forgets_the_future():
    run = Run(*made())
    run.advance(100)
    run.seek(40)
    assert run.n_steps == 100
    run.advance(1)
    assert run.n_steps == run.step == 41
    assert run.link_settings.run == "41"


def test_a_run_that_breaks_says_where_and_stands_before_it():
    record, data = made(data="hills", output="linear", activation=("relu",), learning_rate=10)
    run = Run(record, data)
    run.advance(1000)
    assert run.nonfinite is not None
    assert np.isfinite(run.theta).all()
    assert run.step < 1000
    step = run.step
    run.seek(0)
    run.seek(step)
    assert run.step == step


@pytest.mark.parametrize("name", CLASSICS)
def test_classic_sets_are_functions_of_their_arguments(name):
    one, same = (datasets.make(name, n=60, noise=0.2, seed=5) for _ in range(2))
    other = datasets.make(name, n=60, noise=0.2, seed=6)
    assert np.array_equal(one.X, same.X)
    assert not np.array_equal(one.X, other.X)
    assert len(one.t) == len(one.t_test) == 30


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_learn_or_cannot(tab, preset):
    tab.ask("preset", title=preset)
    tab.ask("train", speed="most")
    while tab.frame.get("numbers", {}).get("step", 0) < 3000:
        tab.receive()
    tab.settle()
    score = tab.frame["numbers"]["score.train"]
    if "impossible" in preset:
        assert score < 0.8
    elif "Regression" in preset:
        assert score < 0.2
    else:
        assert score > 0.9


# ---- what the page is told -----------------------------------------------------------------------


def shown(tab) -> dict[str, object]:
    """All numbers of the workshop as the page shows them, by name and index."""
    tab.settle()
    numbers = dict(tab.frame["numbers"])
    data, arrays = tab.data, tab.arrays
    for prefix, key in (("", "theta"), ("dL_d", "gradient"), ("example.dL_d", "example_gradient")):
        if key not in arrays:
            continue
        for layer, (W, b) in enumerate(data["layout"], 1):
            n_in, n_out = data["sizes"][layer - 1 : layer + 1]
            numbers[f"{prefix}W{layer}"] = arrays[key][W : W + n_in * n_out].reshape(n_out, n_in)
            numbers[f"{prefix}b{layer}"] = arrays[key][b : b + n_out]
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in numbers.items()}


def compare(printed: dict[str, object], numbers: dict[str, object]) -> int:
    """Every number printed is the one shown, to 1e-9; how many there are."""
    printed, numbers = entries(printed), entries(numbers)
    for name, value in printed.items():
        if isinstance(value, str):
            assert numbers[name] == value
        else:
            expected = number(numbers[name])
            assert value == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name
    return len(printed)


def check_panels(tab, part: str, folder=None, panels=None) -> None:
    numbers = shown(tab)
    report = tab.ask("report", part=part)["report"]["numbers"]
    wanted = panels or ["training", "network", "errors", "rows", "layers", "diagnosis"]
    wanted += ["calibration"] if "calibration.ece" in report else []
    wanted += ["example"] if "example" in tab.frame else []
    for panel in wanted:
        program = tab.ask("python", panel=panel, part=part)["python"]
        n = compare(run_python(program, folder), numbers | report)
        assert n or panel == "diagnosis"


def test_programs_print_what_is_shown(tab):
    tab.ask("set", changes={"hidden": [4, 3], "activation": ["tanh", "relu"], "n": 90})
    tab.ask("step", unit="epoch")
    tab.ask("edit", name="W1.0.1", value=-0.5)
    tab.ask("set", changes={"optimizer": "adam", "learning_rate": 0.02})
    tab.ask("step", unit="epoch")
    tab.ask("step", unit="batch")
    tab.ask("step", unit="example")
    check_panels(tab, "test")


def test_programs_of_several_classes_after_whole_epochs(tab):
    tab.ask("open", link="station=workshop&data=spirals&classes=3&output=softmax&hidden=5&l2=0.001")
    for _ in range(3):
        tab.ask("step", unit="epoch")
    check_panels(tab, "train", panels=["training", "errors", "layers"])


def test_programs_of_a_regression(tab):
    tab.ask("open", link="station=workshop&data=plane&output=huber&hidden=&test_share=0")
    tab.ask("step", unit="batch")
    check_panels(tab, "train", panels=["training", "errors", "rows", "layers"])


def test_programs_of_drawn_points(tab):
    points = [[-1, 0.25, 0], [1, 0, 1], [0.1, 2.99, 2], [1.5, -2, 1]]
    tab.ask("set", changes={"data": "drawn", "points": points, "output": "softmax"})
    tab.ask("step", unit="epoch")
    assert tab.ask("state")["settings"]["points"] == points
    check_panels(tab, "train", panels=["training", "rows"])


@pytest.mark.parametrize("target", ["colour", "price"])
def test_programs_of_a_table(tab, tmp_path, target):
    (tmp_path / "things.csv").write_text(TABLE)
    tab.ask("load_table", TABLE.encode(), name="things.csv")
    kinds = [["when", "ignore"], ["kept", "categorical"]]
    changes = {"target": target, "kinds": kinds, "scaling": "unit"}
    tab.ask("set", changes=changes)
    tab.ask("step", unit="epoch")
    tab.settle()
    assert [c[1] for c in tab.data["columns"] if c[0] in ("when", "kept")] == [
        "categorical",
        "ignore",
    ]
    check_panels(tab, "test", tmp_path, panels=["training", "rows", "layers"])


def test_scalings_of_a_table(tab):
    tab.ask("load_table", TABLE.encode(), name="things.csv")
    frame = datasets.read_upload(TABLE.encode(), "things.csv").frame
    X = {s: datasets.table(frame, "kept", scaling=s) for s in datasets.SCALINGS}
    at = X["none"].features.index("size")
    assert X["unit"].X[:, at].min() == 0
    assert X["unit"].X[:, at].max() == 1
    assert set(X["none"].X[:, at]) <= {i + 0.5 for i in range(17)}
    assert abs(X["standard"].X[:, at].mean()) < 1e-6


# ---- steps, links, files -------------------------------------------------------------------------


def test_the_examples_of_a_batch_add_up_to_its_step(tab):
    """The mean of the examples' gradients is what SGD steps along, after the last of them."""
    tab.settle()
    before, gradients = tab.arrays["theta"], []
    for _ in range(10):
        tab.ask("step", unit="example")
        while (
            "example_gradient" not in tab.arrays or len(gradients) > tab.frame["example"]["index"]
        ):
            tab.receive()
        gradients.append(tab.arrays["example_gradient"])
        assert tab.frame["example"]["index"] == len(gradients) - 1
        assert tab.frame["example"]["row"] == tab.frame["batch"][len(gradients) - 1]
    tab.ask("step", unit="example")
    tab.settle()
    assert "example" not in tab.frame
    assert tab.frame["numbers"]["step"] == 1
    expected = before - 0.03 * np.mean(gradients, axis=0)
    # two sums of ten terms in different orders
    assert np.abs(tab.arrays["theta"] - expected).max() < 1e-15


def test_the_link_gives_the_same_numbers(tab):
    tab.ask("set", changes={"data": "moons", "hidden": [3], "activation": ["elu"]})
    tab.ask("step", unit="epoch")
    tab.ask("edit", name="b2.0", value=1.5)
    link = tab.ask("step", unit="batch")["link"]
    first = shown(tab)
    tab.ask("preset", title="Spirals")
    tab.ask("open", link="#" + link)
    assert shown(tab) == first
    assert tab.ask("link")["link"] == link


def test_a_saved_state_with_its_table(tab):
    tab.ask("load_table", TABLE.encode(), name="things.csv")
    tab.ask("set", changes={"target": "price", "output": "linear"})
    tab.ask("step", unit="epoch")
    first = shown(tab)
    saved = tab.ask("save")["file"]
    tab.ask("preset", title="XOR with a hidden layer")
    with play.served() as door, play.tab(*door) as other:
        other.ask("visit", station="workshop")
        reply = other.ask("load", saved)
        assert reply["table"]["name"] == "things.csv"
        assert shown(other) == first


def test_exports(tab, tmp_path):
    tab.ask("step", unit="epoch")
    tab.settle()
    reply = tab.ask("export", what="safetensors")
    path = tmp_path / reply["name"]
    path.write_bytes(reply["file"])
    assert np.array_equal(cp.Network.load(path).theta, tab.arrays["theta"])
    drawing = tab.ask("export", what="svg")["file"].decode()
    assert drawing.startswith("<svg")
    with pytest.raises(RefusedError, match="what must be"):
        tab.ask("export", what="/etc/passwd")


def test_settings_of_the_learning_go_on_and_others_begin_anew(tab):
    tab.ask("step", unit="epoch")
    tab.ask("set", changes={"batch_size": 20})
    tab.settle()
    assert tab.frame["numbers"]["step"] == 10
    tab.ask("set", changes={"hidden": [2]})
    tab.settle()
    assert tab.frame["numbers"]["step"] == 0
    assert tab.data["sizes"] == [2, 2, 1]


def test_an_output_that_does_not_suit_the_data_is_changed(tab):
    assert tab.ask("set", changes={"data": "hills"})["settings"]["output"] == "linear"
    tab.ask("set", changes={"data": "xor", "output": "logistic"})
    assert (
        tab.ask("set", changes={"data": "blobs", "classes": 4})["settings"]["output"] == "softmax"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden": [1] * 7}, "hidden must be 0 to 6"),
        ({"hidden": [17]}, "from 1 to 16"),
        ({"activation": []}, "activation must be 1 to 6"),
        ({"activation": ["nice"]}, "activation"),
        ({"learning_rate": 0}, "learning_rate must be a number"),
        ({"points": [[9, 0, 0]]}, "points"),
        ({"kinds": {"a": "odd"}}, "kinds"),
        ({"kinds": [["a"]]}, "pairs"),
        ({"run": "5"}, "cannot be set"),
        ({"colour": 1}, "there is no setting"),
    ],
)
def test_wrong_settings_are_told_and_change_nothing(tab, changes, words):
    before = tab.ask("state")["settings"]
    with pytest.raises(RefusedError, match=words):
        tab.ask("set", changes=changes)
    assert tab.ask("state")["settings"] == before


def test_two_features_of_many(tab):
    tab.ask("load_table", TABLE.encode(), name="things.csv")
    tab.ask("set", changes={"target": "kept"})
    tab.ask("axes", x=1, y=0)
    tab.settle()
    assert tab.data["axes"] == [1, 0]
    with pytest.raises(RefusedError, match="y must be"):
        tab.ask("axes", x=0, y=64)


def test_the_messages_are_json_that_a_browser_reads(tab):
    """NaN and infinity would end JSON.parse."""
    tab.ask(
        "open", link="station=workshop&data=hills&output=linear&activation=relu&learning_rate=10"
    )
    tab.ask("train", speed="most")
    while not tab.frame.get("nonfinite"):
        tab.receive()
    report = tab.ask("report", part="train")
    json.dumps([report, tab.frame], allow_nan=False)
    assert tab.ask("state")["station"] == "workshop"
