"""The pictures show the numbers they are given; drawings and notebook views are well formed."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import clearprop as cp
from clearprop import explain

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 3))
T = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
NET = cp.Network([3, 6, 2, 3], "tanh", "softmax", seed=0)
RECORDER = explain.Recorder(NET, X, T)
HISTORY = NET.train(
    X,
    T,
    cp.Adam(cp.schedules.Cosine(0.02)),
    epochs=12,
    validation=(X, T),
    metrics={"accuracy": lambda e: float(np.mean(e.y_hat.argmax(1) == e.t.argmax(1)))},
    callbacks=[RECORDER],
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def matplotlib() -> Any:
    return pytest.importorskip("matplotlib")


def axes(picture: explain.Picture) -> list[Any]:
    return list(picture.figure.axes)


def well_formed(html: str) -> ElementTree.Element:
    assert "<script" not in html
    return ElementTree.fromstring(html.replace("&ensp;", " ").replace("&nbsp;", " "))


# ---- plots ---------------------------------------------------------------------------------------


def test_learning_curves(matplotlib: Any) -> None:
    loss, accuracy, rate = axes(explain.plot_history(HISTORY))
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), HISTORY.loss)
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), HISTORY.validation_loss)
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), HISTORY.metrics["accuracy"])
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), HISTORY.learning_rate)
    recorded = axes(explain.plot_history(RECORDER, log=True))
    np.testing.assert_array_equal(recorded[0].lines[0].get_ydata(), HISTORY.loss)
    assert recorded[0].get_yscale() == "log"
    with pytest.raises(ValueError, match="no epochs yet"):
        explain.plot_history(cp.history.History())


def test_layers_over_time(matplotlib: Any) -> None:
    h, dead = axes(explain.plot_layers(RECORDER, ("h", "dead")))
    recording = RECORDER.recording
    for layer in (1, 2, 3):
        np.testing.assert_array_equal(h.lines[layer - 1].get_ydata(), recording.series("h", layer))
    assert len(dead.lines) == 3
    with pytest.raises(ValueError, match="quantities must be among"):
        explain.plot_layers(RECORDER, ("speed",))


@pytest.mark.parametrize("quantity", ["h", "dL_dz"])
def test_histograms_over_time(matplotlib: Any, quantity: str) -> None:
    panels = axes(explain.plot_histograms(RECORDER, quantity))
    records = RECORDER.recording.records
    assert len(panels) == 4  # and the colour bar
    assert [len(panel.collections) for panel in panels[:3]] == [len(records)] * 3
    last = getattr(records[-1].layers[0], f"{quantity}_histogram").counts
    np.testing.assert_allclose(panels[0].collections[-1].get_array().ravel(), last / last.max())
    with pytest.raises(ValueError, match="quantity must be 'h' or 'dL_dz'"):
        explain.plot_histograms(RECORDER, "W")


def test_histograms_of_one_record_and_of_none(matplotlib: Any) -> None:
    assert len(axes(explain.plot_histograms(explain.Recorder(NET, X, T)))) == 4
    without = explain.Recorder(NET, X, T, histograms=False)
    assert "none recorded" in axes(explain.plot_histograms(without))[0].texts[0].get_text()
    empty = explain.Recorder(NET.architecture, X, T)
    with pytest.raises(ValueError, match="no records yet"):
        explain.plot_histograms(empty)


@pytest.mark.parametrize("output", ["softmax", "logistic", "linear"])
def test_decision_boundary_of_any_two_features(matplotlib: Any, output: str) -> None:
    net = cp.Network([3, 4, 3 if output == "softmax" else 1], "tanh", output, seed=1)
    t = {"softmax": T, "logistic": T > 0, "linear": X[:, 0]}[output]
    picture = explain.plot_decision_boundary(
        net, X, t, features=(2, 0), names=["a", "b", "c"], points=20
    )
    (panel, *_) = axes(picture)
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("c", "a")
    assert "the other 1 features" in panel.get_title(loc="left")
    if output == "linear":  # the background is ŷ on the grid, the third feature at its median
        x, y = np.linspace(*panel.get_xlim(), 20), np.linspace(*panel.get_ylim(), 20)
        grid = np.column_stack(
            [np.tile(y[:, None], 20).ravel(), np.full(400, np.median(X[:, 1])), np.tile(x, 20)]
        )
        np.testing.assert_allclose(
            panel.collections[0].get_array().ravel(), net.forward(grid).y_hat[:, 0], rtol=1e-9
        )


def test_decision_boundary_of_an_estimator(matplotlib: Any) -> None:
    names = np.array(["ant", "bee", "cat"])[T]
    model = cp.MLPClassifier((4,), solver="lbfgs", max_iter=200, random_state=0).fit(
        X[:, :2], names
    )
    (panel,) = axes(explain.plot_decision_boundary(model, X[:, :2], names, points=20))
    assert [text.get_text() for text in panel.get_legend().texts] == ["ant", "bee", "cat"]
    shown = sum(len(dots.get_offsets()) for dots in panel.collections if dots.get_label() in names)
    assert shown == len(X)


def test_wrong_features(matplotlib: Any) -> None:
    for features in ((0, 0), (0, 3), (-1, 1)):
        with pytest.raises(ValueError, match="two different columns"):
            explain.plot_decision_boundary(NET, X, features=features)
    with pytest.raises(ValueError, match="names must have 3 entries"):
        explain.plot_decision_boundary(NET, X, names=["a"])
    with pytest.raises(ValueError, match="at must have shape"):
        explain.plot_decision_boundary(NET, X, at=np.zeros(2))
    with pytest.raises(ValueError, match="one entry per row"):
        explain.plot_decision_boundary(NET, X, T[:5], points=10)


def test_hidden_space_of_a_logistic_unit_has_the_areas_of_two_classes(matplotlib: Any) -> None:
    net = cp.Network([3, 2, 1], "tanh", "logistic", seed=1)
    t = (net.predict_proba(X)[:, 1] > 0.5).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (plane,) = axes(explain.plot_hidden_space(net, X, t))
    image = np.asarray(plane.images[0].get_array())
    assert len(np.unique(image.reshape(-1, 3).round(1), axis=0)) > 1


def test_hidden_space(matplotlib: Any) -> None:
    (plane,) = axes(explain.plot_hidden_space(NET, X, T))
    dots = np.concatenate([c.get_offsets() for c in plane.collections if len(c.get_offsets()) > 2])
    assert sorted(map(tuple, dots.tolist())) == sorted(map(tuple, NET.forward(X).h[2].tolist()))
    (components,) = axes(explain.plot_hidden_space(NET, X, T, layer=1))
    assert "of the variance" in components.get_xlabel()
    assert explain.plot_hidden_space(NET, X, layer=0)
    assert explain.plot_hidden_space(cp.Network([3, 1, 1], "tanh"), X, X[:, 0])
    with pytest.raises(ValueError, match="layer must be 0 … 2"):
        explain.plot_hidden_space(NET, X, layer=3)


def test_the_rest_of_the_network_above_a_layer() -> None:
    from clearprop.explain.plot_space import above

    trace = NET.forward(X)
    for layer in range(3):
        np.testing.assert_array_equal(above(NET, layer, trace.h[layer]), trace.y_hat)


def test_confusion_matrix(matplotlib: Any) -> None:
    t = np.array(["b", "a", "b", "c", "b"])
    predicted = np.array(["b", "a", "a", "c", "b"])
    panel = axes(explain.plot_confusion_matrix(t, predicted))[0]
    assert [text.get_text() for text in panel.texts] == [
        "1",
        "0",
        "0",
        "1",
        "2",
        "0",
        "0",
        "0",
        "1",
    ]
    assert panel.get_title(loc="left") == "80.0% of 5 rows are right"
    with pytest.raises(ValueError, match="names must have 3 entries"):
        explain.plot_confusion_matrix(t, predicted, names=["a"])
    with pytest.raises(ValueError, match="t has 5 rows, but the predictions have 4"):
        explain.plot_confusion_matrix(t, predicted[:4])


def test_calibration(matplotlib: Any) -> None:
    from clearprop.explain.plot_predictions import calibration

    p = np.array([0.1, 0.1, 0.1, 0.1, 0.8, 0.8, 0.8, 0.8])
    true = np.array([0, 0, 0, 1, 1, 1, 1, 0], dtype=bool)
    mean, share, error, ece = calibration(true, p, bins=2)
    np.testing.assert_allclose(mean, [0.1, 0.8])
    np.testing.assert_allclose(share, [0.25, 0.75])
    np.testing.assert_allclose(error, np.sqrt([0.25 * 0.75 / 4] * 2))
    assert ece == pytest.approx(0.1)
    panel = axes(explain.plot_calibration(true, p, bins=2))[0]
    np.testing.assert_allclose(panel.lines[1].get_ydata(), share)
    assert "0.100" in panel.get_legend().texts[0].get_text()
    many = axes(explain.plot_calibration(T, NET.predict_proba(X), names=["a", "b", "c"]))[0]
    assert len(many.get_legend().texts) == 3
    with pytest.raises(ValueError, match="probabilities between 0 and 1"):
        explain.plot_calibration(true, 2 * p)


def test_residuals(matplotlib: Any) -> None:
    y_hat = X[:, 0] + 0.1
    left, middle, _ = axes(explain.plot_residuals(X[:, 0], y_hat))
    np.testing.assert_allclose(middle.collections[0].get_offsets()[:, 1], -0.1)
    r2 = 1 - 0.01 * len(X) / ((X[:, 0] - X[:, 0].mean()) ** 2).sum()
    assert left.get_title(loc="left") == f"R² {r2:.3f}"
    assert explain.plot_residuals(X, X)
    with pytest.raises(ValueError, match="must have the same shape"):
        explain.plot_residuals(X[:, 0], y_hat[:3])


def test_loss_slice(matplotlib: Any) -> None:
    from clearprop.explain.plot_space import normalised_direction

    theta = NET.theta.copy()
    (panel,) = axes(explain.plot_loss_slice(NET, X, T, points=5, plane=False))
    line = panel.lines[0].get_ydata()
    assert line[2] == NET.loss(X, T)
    direction = normalised_direction(NET, np.random.default_rng(0))
    moved = cp.Network.from_theta(NET.architecture, NET.theta + direction)
    assert line[4] == moved.loss(X, T)
    for d, W in zip(NET.architecture.unpack(direction), NET.W, strict=True):
        np.testing.assert_allclose(np.linalg.norm(d["W"], axis=1), np.linalg.norm(W, axis=1))
    assert explain.plot_loss_slice(NET, X, T, points=5)
    np.testing.assert_array_equal(NET.theta, theta)
    with pytest.raises(ValueError, match="radius > 0"):
        explain.plot_loss_slice(NET, X, T, radius=0)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_files_and_notebooks(matplotlib: Any, tmp_path: Path, ending: str) -> None:
    picture = explain.plot_history(HISTORY)
    path = tmp_path / f"picture.{ending}"
    picture.save(path)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)
    assert picture._repr_png_().startswith(b"\x89PNG")
    if ending == "svg":
        again = tmp_path / "again.svg"
        explain.plot_history(HISTORY).save(again)
        assert again.read_bytes() == path.read_bytes()


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import clearprop as cp\nfrom clearprop import explain\n"
        "net = cp.Network([2, 1])\n"
        "assert explain.draw_network(net).startswith('<svg')\n"
        "try:\n    explain.plot_history(cp.history.History(loss=[1.0]))\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "plots need matplotlib" in done.stdout
    assert "pip install 'clearprop[plot]'" in done.stdout


# ---- drawings and notebooks ----------------------------------------------------------------------


def test_the_drawing_has_every_weight() -> None:
    svg = explain.draw_network(NET, feature_names=["a", "<b>", "c"], class_names=["x", "y", "z"])
    root = ElementTree.fromstring(svg)
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    for layer, W in enumerate(NET.W, 1):
        sup = "⁰¹²³"[layer]
        for j, i in np.ndindex(*W.shape):
            drawn = [t for t in titles if t.startswith(f"W⁽{sup}⁾[{j}, {i}] = ")]
            if abs(W[j, i]) < 0.004 * np.abs(W).max():
                assert not drawn
            else:
                assert float(drawn[0].rpartition("= ")[2]) == pytest.approx(W[j, i], abs=5e-5)
    edges = [path for path in root.iter(f"{SVG}path") if path.find(f"{SVG}title") is not None]
    for path in edges:
        negative = "= -" in (path.find(f"{SVG}title").text or "")
        assert (path.get("stroke-dasharray") is not None) == negative
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_the_drawing_of_a_sample_shows_its_activations() -> None:
    svg = explain.draw_network(NET, X[4])
    trace = NET.forward(X[4:5])
    assert f"h⁽¹⁾[2] = {trace.h[1][0, 2]:.4f}" in svg.replace("−", "-")
    assert f"ŷ[0] = {trace.y_hat[0, 0]:.4f}" in svg


def test_large_layers_are_cut_and_counted() -> None:
    svg = explain.draw_network(cp.Network([50, 300, 2]), units=8)
    assert "300 relu, 8 drawn" in svg
    assert "292 more" in svg
    assert "h⁽¹⁾[299]" in svg
    assert len(list(ElementTree.fromstring(svg).iter(f"{SVG}path"))) <= 8 * 8 + 8 * 2 + 2


def test_wrong_drawings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="feature_names must be 3 names"):
        explain.draw_network(NET, feature_names=["a"])
    with pytest.raises(ValueError, match="units must lie between 2 and 100"):
        explain.draw_network(NET, units=1)
    svg = explain.draw_network(NET)
    svg.save(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == svg == svg._repr_svg_()


def test_a_network_with_nan_can_be_drawn() -> None:
    net = cp.Network([2, 2, 1], "relu")
    net.W[0][0, 0] = np.nan
    ElementTree.fromstring(explain.draw_network(net, np.ones(2)))


def test_notebook_views() -> None:
    trace = NET.forward(X)
    gradients = NET.backward(trace, T)
    network = NET._repr_html_()
    assert "3-6-2-3" in network
    assert "tanh" in network
    assert "<svg" in network
    assert "<svg" not in cp.Network([100, 100, 10])._repr_html_()
    assert f"{trace.z[1][3, 1]:.4f}" in trace._repr_html_()
    assert f"{gradients.dL_db[1][1]:.4f}" in gradients._repr_html_()
    assert f"{HISTORY.loss[-1]:.4f}" in HISTORY._repr_html_()
    assert len(re.findall("<polyline", HISTORY._repr_html_())) == 2
    for page in (
        network,
        trace._repr_html_(),
        gradients._repr_html_(),
        HISTORY._repr_html_(),
        cp.history.History()._repr_html_(),
        cp.history.History(loss=[1.0, float("nan")])._repr_html_(),
    ):
        well_formed(f"<div>{page}</div>")


def test_notebook_views_of_sparse_data_and_dropout() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    net = cp.Network([3, 4, 2], "relu", "softmax", dropout=0.5)
    assert "rate 0.5" in net._repr_html_()
    trace = net.forward(sparse.csr_matrix(X))
    assert f"{X[2, 1]:.4f}" in trace._repr_html_()
