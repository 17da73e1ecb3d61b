"""The workshop in the page: findings about its runs, settings that follow the data, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")

from workshop_bench import RUNS, SPIRALS, TABLE, Bench

import clearprop as cp
from clearprop.persistence import read_file

SPECIMENS = Path(__file__).parents[1] / "specimens"


@pytest.fixture
def bench(page):
    one = Bench(page)
    one.open()
    return one


# ---- what is wrong, and the way back -------------------------------------------------------------


def test_nan_has_one_count_of_steps_and_a_way_back(bench):
    bench.open(data="hills", output="linear", hidden=[8], learning_rate=10)
    bench.train("false")
    where, step = bench.frame["nonfinite"], bench.step
    assert where.startswith("the loss became NaN or infinite at step")
    assert where.split("step ")[1] == str(step + 1)
    bench.set(learning_rate=0.03)  # from these weights nothing helps
    bench.train("false")
    assert (bench.frame["nonfinite"], bench.step) == (where, step)
    assert bench.codes()[0] == "nonfinite"
    rates = []
    while bench.frame["nonfinite"]:
        reply = bench.ask("lower_rate")
        rates.append(reply["settings"]["learning_rate"])
        assert (bench.step, bench.frame["nonfinite"]) == (0, "")
        bench.train("frame.numbers.step > 3000")
    assert rates == [1, 0.1]
    assert float(bench.frame["numbers"]["loss.train"]) < 0.05


def test_nan_of_a_later_leg_goes_back_to_its_start(bench):
    bench.open(data="hills", output="linear", hidden=[8], run="500~learning_rate:10;0")
    bench.train("false")
    assert bench.frame["nonfinite"]
    reply = bench.ask("lower_rate")
    assert bench.step == 500
    assert reply["settings"]["learning_rate"] == 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({**SPIRALS, "learning_rate": 0.01, "run": "30000"}, "overfitting"),
        ({"data": "xor", "hidden": [], "run": "1000"}, "no_better_than_constant"),
        ({"data": "circles", "learning_rate": 1e-5, "run": "300"}, "learning_rate_low"),
        (
            {
                "data": "hills",
                "output": "linear",
                "learning_rate": 0.9,
                "hidden": [8],
                "run": "300",
            },
            "learning_rate_high",
        ),
        ({"initializer": "zeros", "run": "300"}, "identical_units"),
        ({"data": "xor", "hidden": [4], "run": "3000"}, None),
    ],
)
def test_the_findings_judge_the_run(bench, settings, code):
    bench.open(**settings)
    report = bench.report("train")
    codes = report["numbers"]["findings"]
    assert code in codes if code else codes == []
    assert report["unjudged"] == []


def test_a_run_that_was_not_trained_is_not_called_well(bench):
    assert "after 30 epochs" in bench.report("train")["unjudged"][0]
    bench.open(test_share=0, run="600")
    assert bench.report("train")["unjudged"] == ["Without test rows, overfitting cannot be seen."]


# ---- settings that follow the data ---------------------------------------------------------------


def test_the_output_unit_follows_the_target(bench):
    for changes, output in (
        ({"data": "hills"}, "linear"),
        ({"output": "huber"}, "huber"),
        ({"data": "plane"}, "huber"),
        ({"data": "blobs", "classes": 4}, "softmax"),
        ({"data": "wave"}, "linear"),
        ({"data": "xor"}, "logistic"),
        ({"output": "linear"}, "linear"),
        ({"data": "moons"}, "linear"),
    ):
        assert bench.set(**changes)["settings"]["output"] == output


def test_what_a_preset_set_of_the_training_does_not_outlive_its_data(bench):
    bench.ask("preset", title="Spirals")
    settings = bench.set(data="xor")["settings"]
    assert (settings["learning_rate"], settings["optimizer"], settings["n"]) == (0.03, "sgd", 400)
    bench.ask("preset", title="Spirals")
    bench.set(learning_rate=0.5)
    assert bench.set(data="xor")["settings"]["learning_rate"] == 0.5


def test_drawn_points_are_all_for_training_unless_a_test_share_is_set(bench):
    points = [[-1, 0, 0], [1, 0, 1], [0, 1, 1]]
    bench.ask("preset", title="Regression")
    settings = bench.set(data="drawn", points=points)["settings"]
    assert (settings["test_share"], settings["output"]) == (0, "logistic")
    assert bench.set(test_share=0.4)["settings"]["test_share"] == 0.4
    assert bench.set(data="xor")["settings"]["test_share"] == 0.4
    bench.set(data="drawn")
    assert bench.set(data="moons")["settings"]["test_share"] == 0.5


# ---- files ---------------------------------------------------------------------------------------


def test_a_state_file_brings_everything_back(bench, tmp_path):
    bench.open(**RUNS["regression, L2, legs"])
    theta, link = bench.theta, bench.ask("link")["link"]
    file = bench.ask("save")["file"]
    (tmp_path / "workshop.safetensors").write_bytes(file)
    document, tensors = read_file(tmp_path / "workshop.safetensors", "playground")
    assert document["settings"]["run"] == RUNS["regression, L2, legs"]["run"]
    assert np.array_equal(tensors["theta"], theta)
    assert tensors["X"].shape == (100, 2)
    bench.open()
    bench.ask("load", file=file)
    bench.arrive()
    assert bench.ask("link")["link"] == link
    assert np.array_equal(bench.theta, theta)


def test_a_state_file_of_an_older_version_opens(bench):
    bench.ask("load", file=(SPECIMENS / "playground.safetensors").read_bytes())
    bench.arrive()
    assert bench.step == 50
    _, tensors = read_file(SPECIMENS / "playground.safetensors", "playground")
    assert bench.theta == pytest.approx(tensors["theta"], abs=1e-9)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "workshop.safetensors: not a model file"),
        (bytes(100), "workshop.safetensors: not a model file"),
        ((SPECIMENS / "network.safetensors").read_bytes(), 'holds "network", not "playground"'),
    ],
)
def test_other_files_are_refused(bench, file, message):
    before = bench.ask("state")
    assert message in bench.ask("load", file=file)["error"]
    assert bench.ask("state") == before


def test_a_table_is_saved_and_opens_with_the_state(bench):
    table = bench.ask("load_table", name="a/shop.csv", file=TABLE.encode())["table"]
    assert table["name"] == "shop.csv"
    assert table["columns"] == ["size", "colour", "when", "kept", "price"]
    bench.set(target="kept", hidden=[3])
    assert bench.ask("state")["settings"]["output"] == "logistic"
    for _ in range(3):
        bench.ask("step", unit="epoch")
    theta, file = bench.theta, bench.ask("save")["file"]
    bench.ask("load_table", name="other.csv", file=b"a,b\n1,2\n2,3\n3,4\n4,6\n")
    assert bench.ask("load", file=file)["table"]["name"] == "shop.csv"
    bench.arrive()
    assert np.array_equal(bench.theta, theta)
    before = bench.ask("state")
    assert "error" in bench.ask("load_table", name="x.csv", file=b"PK\x03\x04")
    assert bench.ask("state") == before


def test_a_table_whose_test_loss_rises_is_not_called_well(bench):
    noise = np.random.default_rng(0).standard_normal((80, 6)).round(3)
    lines = ["a,b,c,d,e,y", *(",".join(map(str, row)) for row in noise)]
    bench.ask("load_table", name="noise.csv", file="\n".join(lines).encode())
    bench.set(optimizer="adam", learning_rate=0.01, hidden=[16])
    bench.train("frame.numbers.epoch > 300")
    assert "overfitting" in bench.codes()


@pytest.mark.parametrize("name", ["Adam, dropout", "five classes, momentum", "Lion, a curve"])
def test_a_network_goes_to_python_and_back(bench, tmp_path, name):
    bench.open(**RUNS[name])
    theta = bench.theta
    (tmp_path / "net.safetensors").write_bytes(bench.ask("export", what="safetensors")["file"])
    net = cp.Network.load(tmp_path / "net.safetensors")
    assert np.array_equal(net.theta, theta)
    made: dict = {}
    exec(bench.ask("export", what="python")["file"].decode(), made)
    assert np.array_equal(made["net"].theta, theta)
    assert made["net"].sizes == net.sizes
    assert [d.activation for d in made["net"].architecture.dense] == [
        d.activation for d in net.architecture.dense
    ]
    drawing = bench.ask("export", what="svg")["file"].decode()
    assert drawing.count("<path") == sum(W.size for W in net.W) + 2


@pytest.mark.parametrize(
    ("command", "given", "message"),
    [
        ("set", {"changes": {"run": "3"}}, "run is the result of training"),
        ("set", {"changes": {"hidden": [17]}}, "hidden[0] must be an integer from 1 to 16; got 17"),
        ("edit", {"name": "W9.0.0", "value": 1}, "this network has no parameter W9.0.0"),
        ("edit", {"name": "W1.0.0", "value": 1e9}, "W1.0.0 must be a number from"),
        ("edit", {"name": "x", "value": 1}, '"x" is neither a parameter nor one of'),
        ("seek", {"step": -1}, "step must be from 0 to 10000000; got -1"),
        ("step", {"unit": "year"}, "unit must be 'example', 'batch' or 'epoch'"),
        ("train", {"speed": "2"}, "speed must be one of 1, 10, 100, most; got"),
        ("axes", {"x": 0, "y": 2}, "y must be a feature from 0 to 1"),
        ("report", {"part": "all"}, "part must be 'train', or 'test'"),
        ("python", {"panel": "all", "part": "test"}, "panel must be one of training, network"),
        ("export", {"what": "all"}, "what must be one of safetensors, svg"),
        ("open", {"link": "station=workshop&run=5~x;3"}, '"x" is neither a parameter nor one of'),
        ("open", {"link": "station=workshop&run=99999999"}, "run: a leg must end with its number"),
        ("open", {"link": "station=workshop&data=blobs&classes=3"}, "choose softmax"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(bench, command, given, message):
    before = bench.ask("state")
    assert message in bench.ask(command, **given)["error"]
    assert bench.ask("state") == before


def test_training_leaves_the_page_responsive(bench):
    bench.open(data="spirals", n=1000, hidden=[16, 16, 16], batch_size=1)
    bench.ask("train", speed="most")
    slowest = bench.page.evaluate(
        """async () => {
          let [slowest, last] = [0, performance.now()];
          for (let k = 0; k < 30; k++) {
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            slowest = Math.max(slowest, now - last);
            last = now;
          }
          return slowest;
        }"""
    )
    assert bench.frame["training"]
    first = bench.step
    bench.wait(f"frame.numbers.step > {first}")
    bench.ask("pause")
    assert not bench.frame["training"]
    assert slowest < 1000  # milliseconds; a slice is 12, but the machine may be busy
