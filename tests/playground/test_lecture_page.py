"""The stations divergence, softmax and output units in the page, against the library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import clearprop as cp
from clearprop.activations import softplus
from clearprop.playground.descriptions import ABOUT_OUTPUTS

pytest.importorskip("playwright")
KEYS = ["divergence", "softmax", "outputs"]
# the difference quotient is good to ε² and to the rounding of ℒ divided by ε
ROUGH = {"dL_dz_difference": 1e-8}


def distribution(rng, n):
    """Thousandths that add up, some of them 0."""
    drawn = np.floor(1000 * rng.dirichlet(np.full(n, rng.choice([0.2, 1, 5])))).astype(int)
    drawn[rng.integers(n)] += 1000 - drawn.sum()
    return drawn.tolist()


def drawn_divergence(rng):
    n = int(rng.integers(2, 9))
    t, y_hat = (float(rng.choice([0, 1, rng.random(), rng.random()])) for _ in range(2))
    return {"q": distribution(rng, n), "p": distribution(rng, n), "t": t, "y_hat": y_hat}


def drawn_softmax(rng):
    n = int(rng.integers(2, 9))
    shift = float(rng.choice([0, 1000, -1000, 10 * rng.standard_normal()]))
    return {"z": rng.uniform(-20, 20, n).tolist(), "shift": shift, "t": int(rng.integers(n))}


def drawn_outputs(rng):
    unit = str(rng.choice(["linear", "logistic", "softmax", "absolute_error", "huber", "poisson"]))
    n = int(rng.integers(2, 7))
    # with a larger rate the descent on Poisson's loss is chaotic: the last bit decides
    rate = 0.1 if unit == "poisson" else rng.choice([0.1, 1, 1.9])
    return {
        "unit": unit,
        "z": float(rng.normal() * 2 if unit == "poisson" else rng.uniform(-40, 40)),
        "logits": (rng.choice([1, 10]) * rng.standard_normal(n)).tolist(),
        "t": 5 * float(rng.standard_normal()),
        "label": float(rng.choice([0, 1, rng.random()])),
        "count": float(rng.integers(6)),
        "klass": int(rng.integers(n)),
        "axis": int(rng.integers(n)),
        "rate": float(rate),
        "steps": int(rng.integers(1, 60)),
    }


DRAWN = {"divergence": drawn_divergence, "softmax": drawn_softmax, "outputs": drawn_outputs}


@pytest.mark.parametrize("key", KEYS)
def test_presets_show_what_their_programs_print(page, key):
    titles = page.presets(key)
    for title in titles:
        page.preset(key, title)
        page.check_shown(least=12)
        page.check_view(key, page.state()["settings"], rough=ROUGH)
    for title in titles[:4:3]:  # panel by panel: the first and another unit or an infinite number
        page.preset(key, title)
        page.check_programs(least=4, rough=ROUGH)


@pytest.mark.parametrize("key", KEYS)
def test_drawn_settings_give_what_the_library_computes(page, key):
    rng = np.random.default_rng(18)
    for _ in range(20):
        page.check_view(key, DRAWN[key](rng), rough=ROUGH)


@pytest.mark.parametrize(
    ("key", "changes", "message"),
    [
        ("divergence", {"q": [500, 400, 0]}, "q must add up to 1000 thousandths; got 900"),
        (
            "divergence",
            {"q": [500, 500]},
            "q and p must have equally many entries; got 2 and 3",
        ),
        ("softmax", {"t": 3}, "t must be a class from 0 to 2; got 3"),
        ("softmax", {"z": [1.0]}, "z must be 2 to 8 numbers; got [1]"),
        ("outputs", {"axis": 4}, "axis must be from 0 to 2; got 4"),
        ("outputs", {"klass": 3}, "klass must be from 0 to 2; got 3"),
    ],
)
def test_wrong_settings_are_named(page, key, changes, message):
    page.ask("visit", station=key)
    with pytest.raises(Exception, match="Error") as error:
        page.ask("set", changes=changes)
    assert message in str(error.value)


def test_a_dragged_bar_leaves_a_distribution(page):
    page.ask("open", link="station=divergence")

    def drag(which, index, to):
        given = {"which": which, "index": index, "to": to}
        return page.ask("act", name="drag", arguments=given)["settings"][which]

    assert drag("q", 0, 100) == [100, 675, 225]
    assert drag("q", 1, 1000) == [0, 1000, 0]
    assert drag("q", 1, 0) == [500, 0, 500]
    assert drag("p", 2, 333) == [267, 400, 333]
    resized = page.ask("act", name="resize", arguments={"n": 2})["settings"]
    assert (resized["q"], resized["p"]) == ([500, 500], [267, 733])
    resized = page.ask("act", name="resize", arguments={"n": 4})["settings"]
    assert (resized["q"], resized["p"]) == ([500, 500, 0, 0], [267, 733, 0, 0])


GRID = np.concatenate([
    np.linspace(-40, 40, 401),
    np.linspace(-1, 1, 101),
    [-1e300, -1000, -800, 800, 1000, 1e300, -np.inf, np.inf, -3, 3, 1e-300, -1e-20],
])  # fmt: skip


def test_activations_are_the_library_s(page):
    script = """zs => Object.fromEntries(Object.entries(clearprop.activations).map(
        ([name, a]) => [name, zs.map(z => { const h = a.phi(z); return [h, a.dphi(z, h)]; })]))"""
    found = page.evaluate(script, GRID.tolist())
    assert list(found) == list(cp.ACTIVATIONS)
    for name, activation in cp.ACTIVATIONS.items():
        with np.errstate(all="ignore"):
            h = activation.phi(GRID)
            dh_dz = activation.dphi(GRID, h)
        np.testing.assert_allclose(found[name], np.stack([h, dh_dz], 1), rtol=1e-14, atol=1e-14)


def targets(unit, rng, K):
    if unit.kind == "class":
        return rng.dirichlet(np.ones(K)) if rng.random() < 0.5 else np.eye(K)[rng.integers(K)]
    drawn = {"real": 3 * rng.standard_normal(K), "count": rng.poisson(2.0, K).astype(float)}
    return drawn.get(unit.kind, rng.choice([0, 1, rng.random()], K))


def test_output_units_are_the_library_s(page):
    rng = np.random.default_rng(3)
    names = page.evaluate("Object.keys(clearprop.units)")
    assert names == list(ABOUT_OUTPUTS)
    for name in names:
        unit, cases = cp.OUTPUTS[name](), []
        for _ in range(100):
            K = int(rng.integers(2, 10))
            z = rng.choice([1, 10, 100]) * rng.standard_normal(K)
            cases.append((z.tolist(), targets(unit, rng, K).tolist()))
        script = """([name, cases]) => { const u = clearprop.units[name];
            return cases.map(([z, t]) => { const y = u.yHat(z); const T = u.targets(t, z.length);
              return [y, u.loss(z, T), u.dLdz(z, T), u.dLdyHat(z, T), u.dydz(z),
                u.piece ? u.piece(z, T) : null, u.lossOfYHat(y, T), u.room(y, 1)]; }); }"""
        for (z, t), found in zip(cases, page.evaluate(script, [name, cases]), strict=True):
            Z = np.array([z])
            T = unit.targets(np.array([t]), len(z), Z.dtype)
            with np.errstate(all="ignore"):
                y, piece = unit.y_hat(Z), unit.piece(Z, T)
                wanted = [
                    y[0], unit.loss(Z, T)[0], unit.dL_dz(Z, T)[0], unit.dL_dy_hat(Z, T)[0],
                    unit.dy_dz(Z)[0], None if piece is None else piece[0],
                    unit.loss_of_y_hat(y, T)[0], unit.room(y[0], 1),
                ]  # fmt: skip
            for a, b in zip(found, wanted, strict=True):
                if b is None:
                    assert a is None
                else:
                    np.testing.assert_allclose(np.array(a, float), b, rtol=1e-12, atol=1e-14)


def test_targets_that_do_not_fit_are_refused(page):
    script = "([name, t]) => { clearprop.units[name].targets(t, 2) }"
    for name, t, message in [
        ("linear", [1.0], "t must have 2 numbers; got 1"),
        ("logistic", [0.5, 1.5], "t must be probabilities between 0 and 1; got 1.5"),
        ("softmax", [2], "t must be class indices 0 … 1; got 2"),
        ("softmax", [0.5, 0.6], "t must be distributions"),
        ("poisson", [1, -1], "t must be >= 0 for the loss 'poisson'; got -1"),
    ]:
        with pytest.raises(Exception, match="Error") as error:
            page.evaluate(script, [name, t])
        assert message in str(error.value)


def test_elementary_functions_are_numpy_s_and_scipy_s(page):
    rng = np.random.default_rng(4)
    sums = [(rng.standard_normal(n) * 10.0 ** rng.integers(-5, 5, n)) for n in range(1, 300, 7)]
    found = page.evaluate("xs => xs.map(x => clearprop.maths.sum(x))", [x.tolist() for x in sums])
    assert found == [float(x.sum()) for x in sums]  # bit for bit

    pairs = [
        *rng.random((200, 2)).tolist(),
        [0, 0],
        [0, 1],
        [1, 0],
        [1e-300, 1e-5],
        [0.3, 0.3 + 1e-15],
    ]
    for name, function in [
        ("xlogy", special.xlogy),
        ("xlog1py", special.xlog1py),
        ("relEntr", special.rel_entr),
        ("logaddexp", np.logaddexp),
    ]:
        script = f"pairs => pairs.map(([x, y]) => clearprop.maths.{name}(x, y))"
        with np.errstate(all="ignore"):
            wanted = function(*np.array(pairs).T)
        np.testing.assert_allclose(page.evaluate(script, pairs), wanted, rtol=1e-14)
    rows = [(s * rng.standard_normal(n)).tolist() for n in (2, 5, 9) for s in (1, 30, 1000)]
    found = page.evaluate("rows => rows.map(clearprop.maths.logsumexp)", rows)
    np.testing.assert_allclose(found, [special.logsumexp(row) for row in rows], rtol=1e-14)
    grids = {name: page.evaluate(f"zs => zs.map(clearprop.maths.{name})", GRID.tolist())
             for name in ("ndtr", "erf", "erfc", "sigmoid", "softplus")}  # fmt: skip
    for name, wanted in [("ndtr", special.ndtr), ("erf", special.erf), ("erfc", special.erfc),
                         ("sigmoid", special.expit), ("softplus", softplus)]:  # fmt: skip
        np.testing.assert_allclose(grids[name], wanted(GRID), rtol=2e-14, atol=1e-300)


def test_an_explanation_opens_at_its_control(page):
    """By mouse and by keyboard; Escape closes it; it lies within the window."""
    tab = page.tab
    page.open("outputs")
    why = tab.get_by_role("button", name="Explain: Output unit and loss")
    why.click()
    text = tab.locator(".explanation:popover-open")
    text.locator("strong").wait_for()
    assert "logistic, binary cross-entropy" in text.inner_text()
    assert "ŷ = σ(z)" in text.inner_text()
    assert why.get_attribute("aria-describedby") == text.get_attribute("id")
    box = text.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    assert page.serious() == []
    tab.keyboard.press("Escape")
    text.wait_for(state="detached")
    tab.get_by_role("button", name="Explain: Steps").press("Enter")
    text.get_by_text("gradient descent").wait_for()
    tab.mouse.click(5, 400)
    text.wait_for(state="detached")


def test_settings_of_the_lecture_have_explanations(page):
    for key in KEYS:
        page.open(key)
        page.unfold()
        controls = tab_controls(page)
        assert controls["explained"] >= controls["settings"]


def tab_controls(page):
    """How many controls a station has, those of a list of equals counted once; and how many "?"."""
    labels = page.tab.locator(".slider label, .choice label, .count > span:first-child")
    names = {text.split(",")[0].rstrip("₁₂₃₄₅₆") for text in labels.all_inner_texts()}
    return {"settings": len(names), "explained": page.tab.locator("button.why").count()}
