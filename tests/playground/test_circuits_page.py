"""The circuits station in the page, against the library: gates, tables, expressions, bounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from clearprop import circuits
from clearprop.circuits.gates import GATES, all_bits

pytest.importorskip("playwright")

KEY = "circuits"
NAMES = ["a", "b", "c", "d", "e", "f[2]", "n1", "α", "\\x+y ", "0", "1", "1'b1"]
OPERATORS = ["&", "|", "^", "~^", "&&", "||", "==", "!=", "and", "OR", "xor"]


def expression(rng, depth):
    """A random expression; its operators, names and constants in all ways of writing them."""
    kind = rng.random() if depth else 0
    if kind < 0.25:
        return str(rng.choice(NAMES))
    a, b, c = (expression(rng, depth - 1) for _ in range(3))
    if kind < 0.4:
        return f"{rng.choice(['~', '!'])}{a}"
    if kind < 0.5:
        return f"({a})"
    if kind < 0.6:
        return f"{a} ? {b} : {c}"
    if kind < 0.7:
        return f"~({a} {rng.choice(['&', '|', '^'])} {b})"
    return f"{a} {rng.choice(OPERATORS)} {b}"


def drawn(rng):
    kind = str(rng.choice([*GATES, "at_least"]))
    row = None if kind == "at_least" else GATES[kind]
    arities = [5] if row is None else [k for k in range(6) if row.allows(k)]
    n = int(rng.integers(2, 5))
    outputs = ["y", "z", "w"][: rng.integers(1, 4)]
    return {
        "gate": kind,
        "arity": int(rng.choice(arities)),
        "t": int(rng.integers(1, 6)),
        "gain": float(rng.choice([0.5, 2, 4, 8, 12.5, 20, 33, 40])),
        "x": rng.integers(0, 2, rng.integers(6)).tolist(),
        "epsilon": float(rng.choice([0, 0, 0.01, 0.1, 0.45])),
        "table": rng.integers(0, 2, 2**n).tolist(),
        "w": rng.uniform(-10, 10, n).round(1).tolist(),
        "b": round(float(rng.uniform(-10, 10)), 1),
        "expression": "; ".join(f"{net} = {expression(rng, 4)}"[:160] for net in outputs),
        "bits": rng.integers(0, 2, rng.integers(11)).tolist(),
    }


def parsed(text):
    try:
        return circuits.parse(text)
    except ValueError:
        return None


def cases(seed, count):
    """Settings whose expressions can be read."""
    rng = np.random.default_rng(seed)
    found = (drawn(rng) for _ in itertools.count())
    good = (one for one in found if parsed(one["expression"]))
    return list(itertools.islice(good, count))


def test_presets_show_what_their_programs_print(page):
    for title in page.presets(KEY):
        page.preset(KEY, title)
        shown = page.check_shown(least=60)
        view = page.check_view(KEY, page.state()["settings"])
        names = {name.split(".")[0] for name in shown}
        errors = "truth_error" if len(view["gate"]["outputs"]) > 1 else ""
        assert names == set(view["numbers"]) - {"one_possible", errors}
    page.preset(KEY, "Half adder")
    page.check_programs(least=6)


def test_drawn_settings_give_what_the_library_computes(page):
    for changes in cases(18, 20):
        page.check_view(KEY, changes)


def test_every_table_of_two_inputs_and_many_of_more_are_judged_as_the_library_does(page):
    rng = np.random.default_rng(5)
    tables = [list(bits) for bits in itertools.product((0, 1), repeat=4)]
    tables += [rng.integers(0, 2, 8).tolist() for _ in range(40)]
    tables += [rng.integers(0, 2, 16).tolist() for _ in range(20)]
    # threshold functions of four inputs are rare among drawn tables
    for w in rng.integers(-3, 4, (30, 4)):
        tables.append((all_bits(4) @ w > rng.integers(-3, 4)).astype(int).tolist())
    script = """tables => tables.map(table => {
        const w = Array(Math.log2(table.length)).fill(1);
        const view = clearprop.view("circuits", { table, w });
        return [view.numbers, view.one]; })"""
    for table, (numbers, one) in zip(tables, page.evaluate(script, tables), strict=True):
        verdict = circuits.threshold(table)
        assert numbers["one_possible"] == bool(verdict)
        if verdict:
            assert numbers["one_w"] == list(verdict.neuron.weights)
            assert numbers["one_b"] == verdict.neuron.bias
            assert numbers["one_margin"] == verdict.margin
        else:
            rows = verdict.contradiction
            assert one["true"] == [list(row) for row in rows.true_rows]
            assert one["false"] == [list(row) for row in rows.false_rows]
        inputs = [f"x{i + 1}" for i in range(len(table).bit_length() - 1)]
        logic = circuits.sum_of_products(inputs, {"y": circuits.minimise(table)})
        soft = circuits.compile(logic, 10.0)
        net = soft.to_network()
        for level, (W, b) in enumerate(zip(net.W, net.b, strict=True), 1):
            assert numbers[f"hidden_W{level}"] == W.tolist()
            assert numbers[f"hidden_b{level}"] == b.tolist()
        error = circuits.network_error(soft)
        assert numbers["hidden_certified"] == pytest.approx(error, abs=1e-15)


WRONG = [
    "", "y", "y ; a", "y = a &", "y = <b>", "y = a b", "y = a)", "y = a : b", "y = ~", "and = b",
    "y=a;y=b", "y=y", "y=z;z=w;w=y", "y = (a", "y = a ? b", "1=a", "y = {a,b}", "y = a <= b",
    "y = ((a & b) | c", "y = a; ; = b", "y = \\", "y = a[1] [2]", "s ? a : b = c",
    "y = a[3:1]", "y = a[3:1] &", "y[1:0] = a", "y = 1'b 1_a",
    "y = a[", "y = a[x]", "y = a[-1] & b[0x]", "y = a[1:2:3]",
    "y = 2", "y = 4'd5", "y = 1'bz", "y = 'd", "y = 4'sd1", "y = 3'b19 + ", "y = 1'b2", "y = '",
    "y = 99999999999'd1", "y = 0'b1", 'y = "', "y = `define x", "y = a /* x", "y = a (* x",
    ";".join(f"v{i} = v{(i + 1) % 12}" for i in range(12)),
]  # fmt: skip


def test_wrong_expressions_get_the_library_s_message(page):
    script = """texts => texts.map(expression => {
        try { clearprop.view("circuits", { expression }); return null; }
        catch (error) { return error.message; } })"""
    for text, said in zip(WRONG, page.evaluate(script, WRONG), strict=True):
        with pytest.raises(ValueError, match="expressions:1") as error:
            circuits.parse(text)
        assert said == str(error.value), text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arity": 0}, "arity of or must be 1 or more; got 0"),
        ({"gate": "majority"}, "arity of majority must be 1 or more, an odd number; got 2"),
        ({"gate": "at_least", "t": 3}, "arity of at_least_3 must be 3 or more; got 2"),
        ({"table": [0, 1, 1, 0, 1]}, "table must have 4, 8 or 16 rows; got 5"),
        ({"w": [1, 1, 1]}, "w must have one weight for each of 2 inputs; got 3"),
        ({"w": [1]}, "w must be 2 to 4 numbers; got [1]"),
        ({"bits": [2]}, "bits[0] must be an integer from 0 to 1; got 2"),
        (
            {"expression": "y = " + "&".join(f"a{i}" for i in range(11))},
            "expression has 11 inputs; at most 10 can be shown",
        ),
        (
            {"expression": "y = " + "|".join(["a&b"] * 61)},
            "expression has 62 gates; at most 60 can be shown",
        ),
        ({"expression": "y = a\nz = b"}, "expression must be a text of up to 500 characters"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(page, changes, message):
    page.ask("visit", station=KEY)
    page.ask("preset", title="The lecture’s soft OR")
    with pytest.raises(Exception, match="Error") as error:
        page.ask("set", changes=changes)
    assert message in str(error.value)


def test_actions(page):
    page.ask("open", link="station=circuits")

    def act(action, **given):
        return page.ask("act", name=action, arguments=given)["settings"]

    page.ask("set", changes={"arity": 4, "x": [1, 1, 0, 1]})
    assert act("choose", gate="mux")["arity"] == 3
    assert act("choose", gate="const1")["arity"] == 0
    page.ask("set", changes={"gate": "or", "arity": 2})
    assert act("choose", gate="majority")["arity"] == 3
    act("choose", gate="at_least")
    assert act("count", t=4)["arity"] == 4
    page.ask("set", changes={"x": []})
    assert act("toggle", which="x", index=1)["x"] == [0, 1, 0, 0]
    assert act("toggle", which="table", index=3)["table"] == [0, 1, 1, 1]
    assert act("toggle", which="bits", index=2)["bits"] == [1, 1, 1]
    page.ask("set", changes={"w": [0.5, 2.0]})
    resized = act("resize", n=3)
    assert (resized["w"], resized["table"]) == ([0.5, 2.0, 1], [0, 1, 1, 0, 1, 0, 0, 1])
    for given, message in (
        ({"which": "w", "index": 0}, "which must be one of x, bits, table"),
        ({"which": "x", "index": 4}, "index must be an integer from 0 to 3; got 4"),
    ):
        with pytest.raises(Exception, match="Error") as error:
            act("toggle", **given)
        assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a & !b | c", lambda a, b, c: (a and not b) or c),
        ("c | a & b", lambda a, b, c: (a and b) or c),  # names in order, not as they are read
        ("y = x2 & ~x1", lambda a, b: b and not a),
        ("~x3", lambda a, b, c: not c),
        ("p == q", lambda a, b: a == b),
        ("1", lambda a, b: True),
        ("d ? a : b ^ c", lambda a, b, c, d: a if d else b != c),
    ],
)
def test_a_wanted_table_as_an_expression(page, text, wanted):
    page.ask("open", link="station=circuits")
    settings = page.ask("act", name="want", arguments={"expression": text})["settings"]
    n = wanted.__code__.co_argcount
    assert settings["table"] == [int(wanted(*row)) for row in itertools.product((0, 1), repeat=n)]
    assert len(settings["w"]) == n


def test_a_wanted_expression_that_is_no_table_is_refused(page):
    page.ask("open", link="station=circuits")
    for text, message in (
        ("a & b & c & d & e", "a table has at most 4 inputs; the expression has 5: a, b, c, d, e"),
        ("y = a; z = b", "a table has one output; got y, z"),
        ("a &", "expressions:1: unexpected end of file"),
    ):
        with pytest.raises(Exception, match="Error") as error:
            page.ask("act", name="want", arguments={"expression": text})
        assert message in str(error.value)


def test_the_bench_by_keyboard_alone(page):
    page.open(KEY)
    tab = page.tab

    def settings():
        page.check_shown(least=60)
        return page.state()["settings"]

    tab.focus(".gate .input >> nth=0")
    tab.keyboard.press("Enter")
    assert settings()["x"] == [1, 1]
    tab.get_by_label("Gain g, slider").press("ArrowRight")
    assert settings()["gain"] == 10.5
    tab.get_by_role("button", name="Wanted for 1 1").press("Enter")
    assert settings()["table"] == [0, 1, 1, 1]
    assert tab.is_visible("text=The answer: yes")
    tab.get_by_role("button", name="Take these weights").press("Enter")
    assert settings()["b"] == -0.5
    tab.get_by_label("or as an expression").fill("a & !b | c")
    tab.keyboard.press("Enter")
    assert len(settings()["table"]) == 8
    box = tab.get_by_label("Expressions", exact=True)
    box.fill("y = p & ~q | r")
    box.press("Enter")
    assert settings()["expression"] == "y = p & ~q | r"
    gate = tab.get_by_role("button", name="AND gate")
    gate.focus()
    page.rest()
    assert "AND(p, n1)" in tab.inner_text(".gate-detail")
    gate.press("Enter")
    tab.get_by_role("button", name="r = 0").press("Enter")
    assert settings()["bits"] == [1, 1, 1]
    assert "AND(p, n1)" in tab.inner_text(".gate-detail")  # it stays chosen
    tab.get_by_role("button", name="NOT gate").focus()
    page.rest()
    assert "No neuron of its own" in tab.inner_text(".gate-detail")
    tab.click(".diagram text.port.press >> nth=0")
    assert settings()["bits"] == [0, 1, 1]
    assert page.serious() == []


def test_hostile_names_stand_in_the_drawing_as_text(page):
    page.open(KEY, expression="y = \\<img/src=x>\"'&amp; & b", bits=[1, 1])
    page.check_shown(least=60)
    assert page.tab.locator(".diagram img").count() == 0
    assert "<img/src=x>" in page.tab.locator(".diagram text.port").first.text_content()
