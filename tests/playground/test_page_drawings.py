"""What the drawings of the workshop compute, against the library."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.playground import datasets

TRAINED = """async ([sizes, activations, output, theta, X, t, path, ab, layer, over]) => {
  const engine = await clearprop.engine();
  const b = clearprop.bench;
  const numbers = Float64Array;
  const spec = { sizes, activations, output };
  const layout = [];
  for (let l = 1, at = 0; l < sizes.length; l++) {
    layout.push([at, at + sizes[l] * sizes[l - 1]]);
    at += sizes[l] * (sizes[l - 1] + 1);
  }
  const rows = { X: numbers.from(X), t: numbers.from(t), n: X.length / sizes[0] };
  const plane = b.principalPlane(numbers.from(theta), path.map(p => numbers.from(p)));
  const two = b.parameterPlane(numbers.from(theta), 0, 3);
  const rest = b.restOf(spec, numbers.from(theta), layer, layout);
  const all = plane => ab.map(([x, y]) => b.meanLoss(engine, spec, b.pointOf(plane, x, y), rows));
  return {
    u: [...plane.u], v: [...plane.v], shares: plane.shares,
    path: path.map(p => b.project(plane, numbers.from(p))),
    principal: all(plane), parameters: all(two),
    over: [...b.outputsOver(engine, rest, [0, 1], over.domain, numbers.from(over.means), 5)],
    layers: b.layerValues(engine, spec, numbers.from(theta), rows.X, rows.n).map(h => [...h]),
  };
}"""


@pytest.fixture(scope="module")
def run():
    """A network in training: the network, its data and θ after each of some epochs."""
    data = datasets.make("circles", n=60, seed=2)
    net = cp.Network([2, 4, 3, 1], hidden="tanh", output="logistic", seed=1)
    path = [net.theta.copy()]
    for k in range(8):
        net.train(data.X, data.t, cp.SGD(0.3), epochs=5, batch_size=5, seed=k)
        path.append(net.theta.copy())
    return net, data, path


def test_surface_and_hidden_space_are_what_the_library_computes(page, run):
    net, data, path = run
    ab = [(0, 0), (0.5, -0.25), (-2, 1.5), (3, 3)]
    hidden = net.forward(data.X).h[2]
    over = {"domain": [-1.1, 1.1, -0.9, 1.2], "means": hidden.mean(axis=0).tolist()}
    given = [
        [*net.sizes],
        ["tanh", "tanh"],
        "logistic",
        net.theta.tolist(),
        data.X.ravel().tolist(),
        data.t.tolist(),
        [theta.tolist() for theta in path],
        ab,
        2,
        over,
    ]
    found = page.evaluate(TRAINED, given)

    def loss(theta):
        other = cp.Network([2, 4, 3, 1], hidden="tanh", output="logistic", seed=1)
        other.theta[:] = theta
        return other.loss(data.X, data.t)

    steps = np.array(path) - net.theta
    _, sizes, directions = np.linalg.svd(steps, full_matrices=False)
    for k, name in enumerate("uv"):
        u = directions[k] * np.sign(directions[k][np.abs(directions[k]).argmax()])
        np.testing.assert_allclose(found[name], u, atol=1e-9)
    shares = sizes**2 / (sizes**2).sum()
    np.testing.assert_allclose(found["shares"], shares[:2], rtol=1e-9)
    u, v = np.array(found["u"]), np.array(found["v"])
    assert abs(u @ v) < 1e-12
    assert u @ u == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(found["path"], np.stack([steps @ u, steps @ v], axis=1), atol=1e-12)
    expected = [loss(net.theta + a * u + b * v) for a, b in ab]
    np.testing.assert_allclose(found["principal"], expected, rtol=1e-12)
    unit = np.eye(len(net.theta))
    expected = [loss(net.theta + a * unit[0] + b * unit[3]) for a, b in ab]
    np.testing.assert_allclose(found["parameters"], expected, rtol=1e-12)

    across, up = np.linspace(-1.1, 1.1, 5), np.linspace(1.2, -0.9, 5)
    h = np.tile(hidden.mean(axis=0), (25, 1))
    h[:, 0], h[:, 1] = np.tile(across, 5), np.repeat(up, 5)
    wanted = 1 / (1 + np.exp(-(h @ net.W[2].T + net.b[2])))
    np.testing.assert_allclose(found["over"], wanted.ravel(), rtol=1e-12)
    trace = net.forward(data.X)
    for here, there in zip(found["layers"], [*trace.h[1:], trace.y_hat], strict=True):
        np.testing.assert_allclose(here, there.ravel(), rtol=1e-12)


def test_a_path_without_a_spread_has_a_plane_all_the_same(page):
    script = """() => {
      const theta = Float64Array.of(1, 2, 3);
      const { u, v, shares } = clearprop.bench.principalPlane(theta, [theta]);
      return [[...u], [...v], shares];
    }"""
    u, v, shares = page.evaluate(script)
    assert shares == [0, 0]
    assert np.dot(u, v) == 0
    assert np.dot(u, u) == np.dot(v, v) == 1


def test_lines_of_a_level_and_between_classes(page):
    n = 41
    x = np.linspace(-2, 2, n)
    circle = (x[None, :] ** 2 + x[:, None] ** 2).ravel().tolist()
    lines = page.evaluate("([z, n]) => clearprop.bench.contour(z, n, 1)", [circle, n])
    points = np.array(lines).reshape(-1, 2) * 0.1 - 2
    assert len(points) > 100
    np.testing.assert_allclose(np.hypot(*points.T), 1, atol=2e-3)
    # three classes in sectors that meet in the middle
    a, b = np.meshgrid(x, -x)
    z = np.stack([a, -a / 2 + b, -a / 2 - b], axis=-1)
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    script = "([p, n]) => clearprop.bench.decisionLines(Float64Array.from(p), n, 3)"
    points = np.array(page.evaluate(script, [p.ravel().tolist(), n])).reshape(-1, 2)
    at = np.stack([points[:, 0] * 0.1 - 2, 2 - points[:, 1] * 0.1], axis=1)
    logits = np.stack([at[:, 0], -at[:, 0] / 2 + at[:, 1], -at[:, 0] / 2 - at[:, 1]], axis=1)
    first, second = np.sort(logits, axis=1)[:, :0:-1].T
    assert np.abs(first - second).max() < 0.05
    # a single number for three classes: the nearest
    numbers = np.tile(np.linspace(-0.5, 2.5, n), n).tolist()
    points = np.array(page.evaluate(script, [numbers, n])).reshape(-1, 2)
    np.testing.assert_allclose(np.unique(points[:, 0].round(6)), [(n - 1) / 3, 2 * (n - 1) / 3])


def test_numbers_of_axes_are_round_and_inside(page):
    script = "calls => calls.map(([f, ...given]) => clearprop.bench[f](...given))"
    calls = [
        ["ticks", -3.3, 3.3, 8],
        ["ticks", 0, 1, 7],
        ["ticks", 1.3, 38, 5],
        ["logTicks", 1.3, 38, 5],
        ["logTicks", 3e-7, 0.2, 5],
        ["tickLabel", -0.5],
        ["tickLabel", 1234567],
        ["tickLabel", 0.30000000000000004],
        ["tickLabel", 2e-7],
    ]
    found = page.evaluate(script, calls)
    assert found == [
        [-3, -2, -1, 0, 1, 2, 3],
        [0, 0.2, 0.4, 0.6, 0.8, 1],
        [10, 20, 30],
        [2, 5, 10, 20],
        [1e-6, 1e-4, 1e-2],
        "−0.5",
        "1.234567e6",
        "0.3",
        "2e−7",
    ]


# ---- in the page ---------------------------------------------------------------------------------


def settings(page):
    return page.state()["settings"]


def test_targets_of_a_curve_are_drawn_and_erased(page):
    page.open("workshop", data="curve", targets=[[-1, 0], [1, 1]], output="linear", test_share=0)
    field = page.tab.locator(".inside.pen")
    left, right, bottom, top = page.evaluate("clearprop.store.live.data.domain")
    box = field.bounding_box()

    def click(x, y):
        across, up = (x - left) / (right - left), (top - y) / (top - bottom)
        page.tab.mouse.click(box["x"] + across * box["width"], box["y"] + up * box["height"])
        page.rest()

    click(2.0, -1.5)
    x, t = settings(page)["targets"][-1]
    assert abs(x - 2) < 0.05
    assert abs(t + 1.5) < 0.05
    field.focus()
    for key in ("Shift+ArrowRight", "ArrowUp", "Enter"):
        page.tab.keyboard.press(key)
    page.rest()
    assert settings(page)["targets"][-1] == [0.5, 0.1]
    page.tab.get_by_role("button", name="eraser").click()
    click(-1.0, 0.1)
    assert len(settings(page)["targets"]) == 3
    assert [-1, 0] not in settings(page)["targets"]
    data = datasets.curve(settings(page)["targets"])
    net = cp.Network([1, 4, 2, 1], hidden="tanh", output="linear", seed=0)
    assert page.numbers()["loss.train"] == pytest.approx(net.loss(data.X, data.t), rel=1e-12)


def test_the_drawings_of_a_run_are_in_the_page(page):
    page.open("workshop", data="circles", run="60", inputs=["x1", "x2", "x1^2", "x2^2"])
    page.tab.wait_for_function("clearprop.store.live.frame?.numbers.step === 60")
    output = page.tab.locator("section[aria-label='Output']")
    texts = output.locator(".axis-numbers text").all_text_contents()
    assert texts[-2:] == ["x₁", "x₂"]
    assert {"−3", "0", "3"} <= set(texts)
    assert output.locator(".scale-numbers").text_content() == "00.250.50.751"
    for mark in ("training", "test", "next mini-batch", "decision line"):
        assert output.get_by_text(mark, exact=True).count()
    # the network's inputs are pictures, and its gradients flow back on request
    network = page.tab.locator(".network")
    assert network.locator("canvas[data-input]").count() == 4
    assert network.locator("path.gradient").count() == 0
    page.tab.get_by_label("Edges show").select_option("both")
    page.rest()
    assert network.locator("path.gradient").count() == 4 * 4 + 4 * 2 + 2
    drawn = page.evaluate(
        """() => [...document.querySelectorAll("path.gradient")].slice(0, 16).map(path =>
             [Number(path.getAttribute("stroke-width")), path.classList.contains("negative")])"""
    )
    gradient = page.evaluate("[...clearprop.store.live.frame.gradient]")[:16]  # of W⁽¹⁾
    first = [(g, width, negative) for g, (width, negative) in zip(gradient, drawn, strict=True)]
    assert all(negative == (g < 0) for g, _, negative in first)
    steepest = max(abs(g) for g, _, _ in first)
    for g, width, _ in first:
        assert width == pytest.approx(0.8 + 5.2 * abs(g) / steepest, abs=0.051)
    # the surface of the run at rest, and the exact plane of the last hidden layer
    surface = page.tab.locator("section[aria-label='Loss surface']")
    surface.get_by_text("step 60").wait_for()
    hidden = page.tab.locator("section[aria-label='Hidden space']")
    hidden.get_by_text("here colours and line are exact").wait_for()
    assert hidden.locator(".axis-numbers .name").first.text_content() == "h⁽²⁾₁"
