"""`clearprop play` and `cp.play`: the page with what it starts with."""

from __future__ import annotations

import html
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import pytest
from page import open_page

import clearprop as cp
from clearprop.cli import main
from clearprop.playground import page_file
from clearprop.playground.start import MAX_ROWS, table_payload

TABLE = "age,name,sold\n30,</script><!--Ann,no\n,Bob,yes\n41.5,Cy,no\n"


@pytest.fixture(autouse=True)
def opened(monkeypatch, tmp_path):
    """The addresses that a browser was asked to open; and temporary files are the test's."""
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return asked


def payload_of(text):
    found = re.findall(r'<script type="application/json" id="payload">(.*?)</script>', text)
    assert len(found) == 1
    return json.loads(found[0])


def played(capsys, *arguments):
    assert main(["play", "--json", *map(str, arguments)]) == 0
    printed = json.loads(capsys.readouterr().out)
    return printed, Path(printed["file"]).read_text(encoding="utf-8")


def test_the_page_is_opened_as_a_private_file(opened, capsys):
    printed, text = played(capsys)
    assert text == page_file.PAGE.read_text(encoding="utf-8")
    assert opened == [printed["address"]]
    assert printed["address"] == Path(printed["file"]).as_uri()
    if os.name == "posix":
        assert Path(printed["file"]).parent.stat().st_mode & 0o077 == 0
    assert main(["play", "--no-browser"]) == 0
    assert capsys.readouterr().out.startswith("The playground is the file ")
    assert len(opened) == 1


@pytest.mark.parametrize("link", ["station=softmax&z=1,2", "~q1Yq"])
def test_a_link_is_in_the_address_and_in_the_page(opened, capsys, link):
    for given in (f"#{link}", f"https://example.org/a.html#{link}"):
        printed, text = played(capsys, given)
        assert payload_of(text) == {"link": link}
        assert printed["address"].endswith(f"#{link}")
        assert opened.pop() == printed["address"]


def test_a_table_is_in_the_page_and_cannot_end_its_element(capsys, tmp_path):
    (tmp_path / "people.csv").write_text(TABLE)
    printed, text = played(capsys, tmp_path / "people.csv", "--target", "name")
    payload = payload_of(text)
    assert payload["table"] == {"name": "people.csv", "target": "name", "text": TABLE}
    assert dict(parse_qsl(payload["link"])) == {
        "station": "workshop",
        "data": "table",
        "target": "name",
    }
    assert printed["address"].endswith(payload["link"])
    rest = text.replace(re.search(r"<script type=.*\n", text)[0].strip() + "\n    ", "")
    assert rest == page_file.PAGE.read_text(encoding="utf-8")


def test_a_long_table_is_sampled_which_is_told(capsys, tmp_path):
    rows = "".join(f"{k},{k % 2}\n" for k in range(MAX_ROWS + 5))
    (tmp_path / "long.csv").write_text("k,t\n" + rows)
    assert main(["play", "--no-browser", "--json", str(tmp_path / "long.csv")]) == 0
    out, err = capsys.readouterr()
    assert "a sample of 20,000 of the 20,005 rows" in err
    table = payload_of(Path(json.loads(out)["file"]).read_text(encoding="utf-8"))["table"]
    assert table["sampledFrom"] == MAX_ROWS + 5
    kept = [int(line.split(",")[0]) for line in table["text"].splitlines()[1:]]
    assert len(kept) == MAX_ROWS
    assert kept == sorted(set(kept))


def test_a_teachers_lessons_are_in_the_page(browser, capsys, tmp_path):
    lesson = {"id": "own", "title": "Our lesson", "goal": "G", "steps": [{"text": "Do it."}]}
    (tmp_path / "own.json").write_text(json.dumps(lesson))
    printed, text = played(capsys, "#lesson=own", "--lessons", tmp_path / "own.json")
    assert payload_of(text) == {"link": "lesson=own", "lessons": lesson}
    with open_page(browser, Path(printed["file"]).as_uri()) as page:
        page.tab.get_by_role("heading", name="Our lesson").wait_for()
    for wrong, message in (("{", "are not JSON"), ("3", "must be a JSON object, or a list")):
        (tmp_path / "own.json").write_text(wrong)
        assert main(["play", "--lessons", str(tmp_path / "own.json")]) == 2
        assert message in capsys.readouterr().err


def test_wrong_arguments_are_told(capsys, tmp_path):
    (tmp_path / "people.csv").write_text(TABLE)
    for arguments, message in [
        (["--target", "x"], "TABLE is missing"),
        (["#station=softmax", "--target", "x"], "TABLE is missing"),
        ([str(tmp_path / "people.csv"), "--target", "nam"], "did you mean 'name'"),
        ([str(tmp_path / "none.csv")], "none.csv"),
    ]:
        assert main(["play", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_the_site_is_one_file_that_takes_no_others_place(opened, capsys, tmp_path):
    folder = tmp_path / "course" / "week 1"
    for link in ([], ["#station=softmax"]):  # again: its own page is replaced
        printed, text = played(capsys, *link, "--write", folder)
        assert printed["file"] == str(folder / "index.html")
    assert payload_of(text) == {"link": "station=softmax"}
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    (folder / "index.html").write_text("<title>My homepage</title>")
    assert main(["play", "--write", str(folder)]) == 2
    assert "is another page" in capsys.readouterr().err
    assert (folder / "index.html").read_text() == "<title>My homepage</title>"
    assert opened == []


# ---- cp.play -------------------------------------------------------------------------------------


def settings_of(shown):
    link = shown.payload["link"]
    if link.startswith("~"):
        import base64
        import zlib

        link = zlib.decompress(base64.urlsafe_b64decode(link[1:] + "=="), -15).decode()
    return dict(parse_qsl(link, keep_blank_values=True))


def test_a_script_opens_the_browser_and_a_notebook_shows_a_frame(opened, monkeypatch):
    shown = cp.play()
    assert len(opened) == 1
    assert repr(shown) == "Playground()"
    assert shown.payload == {}
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    shown = cp.play(height=500)
    assert len(opened) == 1
    drawn = shown._repr_html_()
    assert "height:500px" in drawn
    inner = re.search(r'srcdoc="([^"]*)"', drawn)[1]
    assert html.unescape(inner) == page_file.PAGE.read_text(encoding="utf-8")


def test_a_network_and_its_table_travel_to_the_last_bit():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    net = cp.Network([3, 4, 2, 3], hidden=["tanh", "relu"], output="softmax", seed=1)
    shown = cp.play(net, X, t)
    settings = settings_of(shown)
    assert settings["hidden"] == "4,2"
    assert settings["activation"] == "tanh,relu"
    assert settings["output"] == "softmax"
    assert (settings["data"], settings["target"], settings["scaling"]) == ("table", "t", "none")
    *changes, steps = settings["run"].split(";")
    assert steps == "0"
    other = cp.Network([3, 4, 2, 3], hidden=["tanh", "relu"], output="softmax", seed=2)
    for change in changes:
        name, value = change.split(":")
        layer, *place = (int(n) for n in name[1:].split("."))
        {"W": other.W, "b": other.b}[name[0]][layer - 1][tuple(place)] = float(value)
    assert np.array_equal(net.theta, other.theta)
    rows = [line.split(",") for line in shown.payload["table"]["text"].splitlines()]
    assert rows[0] == ["x1", "x2", "x3", "t"]
    assert np.array_equal(np.array(rows[1:], float), np.column_stack([X, t]))


def test_a_network_of_numbers_predicts_the_scaled_targets():
    """The workshop's targets have mean 0 and standard deviation 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    t = 30 + 7 * X[:, 0] + rng.normal(size=40)
    net = cp.Network([2, 3, 1], hidden="tanh", seed=1)
    other = cp.Network([2, 3, 1], hidden="tanh", seed=1)
    for change in settings_of(cp.play(net, X, t))["run"].split(";")[:-1]:
        name, value = change.split(":")
        layer, *place = (int(n) for n in name[1:].split("."))
        {"W": other.W, "b": other.b}[name[0]][layer - 1][tuple(place)] = float(value)
    wanted = (net.forward(X).y_hat[:, 0] - t.mean()) / t.std()
    assert other.forward(X).y_hat[:, 0] == pytest.approx(wanted, abs=1e-12)


def test_a_data_frame_keeps_its_names():
    X = pd.DataFrame({"t": [1, 2], "colour": ["red", None]})
    shown = cp.play(X=X, t=pd.Series([0.5, 1.5], name="t"))
    table = shown.payload["table"]
    assert (table["text"], table["target"]) == ("t,colour,t_\n1,red,0.5\n2,,1.5\n", "t_")
    assert repr(shown) == "Playground('X and t')"


@pytest.mark.parametrize(
    ("net", "data", "message"),
    [
        (None, {"X": [[1.0]]}, "X and t belong together"),
        (None, {"X": [1.0], "t": [1]}, "X must have rows and columns"),
        (None, {"X": [[1.0]], "t": [1, 2]}, "t must have one value for each of the 1 rows of X"),
        (cp.Network([3, 1]), {}, "the network has 3 inputs, not 2"),
        (cp.Network([3, 1]), {"X": [[1.0, 2]], "t": [1]}, "X has 2 columns, but net has 3 inputs"),
        (
            cp.Network([2, 3], output="softmax"),
            {"X": [[1.0, 2]] * 4, "t": [0, 1, 0, 1]},
            "t must have 3 classes for net; it is read as 2 classes",
        ),
        (
            cp.Network([2, 1]),
            {"X": [[1.0, 2]] * 4, "t": ["a", "b", "a", "b"]},
            "t must be numbers for net, 1 a row; it is read as classes",
        ),
        (cp.Network([2, 17, 1]), {}, "up to 6 hidden layers of up to 16 units"),
        (cp.Network([2, 1], output="poisson"), {}, "the playground has the output units logistic"),
    ],
)
def test_what_the_page_cannot_show_is_named(opened, net, data, message):
    with pytest.raises(ValueError, match=message):
        cp.play(net, **data)
    assert opened == []


# ---- in the browser ------------------------------------------------------------------------------

SHOWN = """() => {
    const {data, frame} = clearprop.store.live;
    return {
        theta: Array.from(frame.theta), loss: frame.numbers["loss.train"], features: data.features,
        rows: data.rows, errors: [clearprop.store.error, clearprop.store.wrong],
        table: clearprop.store.table,
    };
}"""


@pytest.fixture
def drawn(browser, tmp_path):
    """What a page shows that starts with a payload."""
    from page import open_page

    def shown(text):
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        with open_page(browser, (tmp_path / "page.html").as_uri()) as page:
            page.tab.wait_for_function("clearprop.store.live.frame?.replaying === false")
            found = page.evaluate(SHOWN)
            assert found["errors"] == ["", None]
            return found

    return shown


def test_the_page_shows_a_table_from_the_command_line(drawn, capsys, tmp_path):
    pytest.importorskip("playwright")
    rows = "".join(f"{k * 7 % 11},{'red' if k % 3 else 'blue'},{k % 2}\n" for k in range(60))
    (tmp_path / "t.csv").write_text("size,colour,sold\n" + rows)
    found = drawn(played(capsys, tmp_path / "t.csv", "--no-browser")[1])
    assert found["table"]["name"] == "t.csv"
    assert found["table"]["columns"] == ["size", "colour", "sold"]
    assert sum(found["rows"]) == 60
    assert "size" in found["features"]


@pytest.mark.parametrize("output", ["logistic", "softmax", "linear"])
def test_the_page_shows_a_network_and_its_data_to_the_last_bit(drawn, output):
    pytest.importorskip("playwright")
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 3)).round(2)
    t = X[:, 0] - X[:, 1] + 3 if output == "linear" else rng.integers(0, 2, 50)
    net = cp.Network([3, 5, 4, 2 if output == "softmax" else 1], ["tanh", "relu"], output, seed=3)
    found = drawn(cp.play(net, X, t).html())
    assert found["features"] == ["x1", "x2", "x3"]
    assert found["rows"] == [50, 0]
    if output == "linear":  # the last layer goes with the scaled targets
        loss = net.loss(X, t) / t.std() ** 2
        assert np.array_equal(found["theta"][:-5], net.theta[:-5])
    else:
        loss = net.loss(X, t)
        assert np.array_equal(found["theta"], net.theta)
    assert found["loss"] == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize(("output", "n_outputs"), [("logistic", 1), ("softmax", 4), ("huber", 1)])
def test_the_page_shows_a_network_on_data_of_its_own(drawn, output, n_outputs):
    pytest.importorskip("playwright")
    net = cp.Network([2, 16, 16, n_outputs], "relu", output, seed=3)
    found = drawn(cp.play(net).html())
    assert np.array_equal(found["theta"], net.theta)


def test_a_sample_is_told_in_the_page(drawn, capsys, tmp_path):
    pytest.importorskip("playwright")
    rows = "".join(f"{k},{k % 2}\n" for k in range(MAX_ROWS + 5))
    (tmp_path / "long.csv").write_text("k,t\n" + rows)
    found = drawn(played(capsys, tmp_path / "long.csv", "--no-browser")[1])
    assert found["table"]["notes"][0].startswith("These are 20000 of the table’s 20005 rows")


def test_cells_are_read_back_as_they_were():
    values = {"a": [1, True, 2.5e-300, None, float("nan")], "b": [*"xy z", '"q",']}
    text = table_payload("t", values, "b")["text"]
    assert text == 'a,b\n1,x\nTrue,y\n2.5e-300, \n,z\n,"""q"","\n'
