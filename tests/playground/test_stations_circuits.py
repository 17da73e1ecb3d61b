"""The circuits bench against formulas of its own: gates, the contradiction, layers, wires."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

pytest.importorskip("starlette")

from clearprop.playground.settings import change
from clearprop.playground.stations.circuits import (
    Circuits,
    choose,
    count,
    padded,
    resize,
    toggle,
)
from clearprop.playground.stations.circuits_view import view

# Weights, bias and logic of gates that are one neuron, as they are written in the textbooks.
ONE = {
    "or": (lambda k: 1, lambda k: -0.5, any),
    "and": (lambda k: 1, lambda k: 0.5 - k, all),
    "nor": (lambda k: -1, lambda k: 0.5, lambda x: not any(x)),
    "nand": (lambda k: -1, lambda k: k - 0.5, lambda x: not all(x)),
    "majority": (lambda k: 1, lambda k: -k / 2, lambda x: 2 * sum(x) > len(x)),
}
LOGIC = {
    "xor": lambda x: [sum(x) % 2],
    "xnor": lambda x: [1 - sum(x) % 2],
    "mux": lambda x: [x[2] if x[0] else x[1]],
    "half_adder": lambda x: [sum(x) % 2, sum(x) // 2],
    "full_adder": lambda x: [sum(x) % 2, sum(x) // 2],
}


def sigma(z):
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("gain", [0.5, 6.0, 40.0])
@pytest.mark.parametrize("kind", ONE)
def test_one_neuron_gates_are_the_lectures_sigmoid(kind, gain):
    weight, bias, logic = ONE[kind]
    x = (1, 0, 1)
    numbers = view(Circuits(gate=kind, arity=3, x=x, gain=gain))["numbers"]
    assert list(numbers["gate_w1"]) == [weight(3)] * 3
    assert numbers["gate_b"] == [bias(3)]
    z = gain * (weight(3) * sum(x) + bias(3))
    assert numbers["gate_z"] == pytest.approx([z])
    assert numbers["gate_h"] == pytest.approx([sigma(z)])
    assert numbers["gate_slope"] == pytest.approx([sigma(z) * sigma(-z)], rel=1e-6, abs=1e-15)
    for row, soft, hard in zip(
        itertools.product((0, 1), repeat=3),
        numbers["truth_soft"],
        numbers["truth_hard"],
        strict=True,
    ):
        assert soft[0] == pytest.approx(sigma(gain * (weight(3) * sum(row) + bias(3))))
        assert hard[0] == logic(row)


@pytest.mark.parametrize("kind", LOGIC)
def test_gates_of_several_neurons_compute_their_logic(kind):
    settings = choose(Circuits(), kind)
    numbers = view(settings)["numbers"]
    for row, hard, soft in zip(
        itertools.product((0, 1), repeat=settings.arity),
        numbers["truth_hard"],
        numbers["truth_soft"],
        strict=True,
    ):
        assert list(hard) == LOGIC[kind](row)
        assert np.abs(soft - hard).max() < 0.05


@pytest.mark.parametrize("gain", [2.0, 5.0, 10.0])
@pytest.mark.parametrize("kind", ["or", "and", "xor", "majority", "mux", "full_adder", "buf"])
def test_the_bound_holds_for_soft_inputs_too(kind, gain):
    settings = change(choose(Circuits(gain=gain, arity=3), kind), {"epsilon": 0.1})
    numbers = view(settings)["numbers"]
    assert (numbers["gate_measured"] <= numbers["gate_certified"]).all()
    gate = settings.the_gate()
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (500, gate.arity))
    x = np.abs(bits - rng.uniform(0, 0.1, bits.shape))
    hard = gate.evaluate(bits)
    error = np.abs(gate.evaluate(x, gain) - hard).max(axis=0)
    assert (error <= numbers["gate_certified"]).all()


def test_any_depth_is_the_fixed_point():
    """At the least gain, f(ε) = σ(−g (½ − W ε)) touches ε: above it there is a fixed point."""
    numbers = view(Circuits())["numbers"]
    g, w = numbers["gate_least_gain"], numbers["gate_norm"]
    assert w == 2
    eps = np.linspace(1e-6, 0.25, 100_001)
    f = 1 / (1 + np.exp(g * 1.001 * (0.5 - w * eps)))
    assert (f <= eps).any()
    f = 1 / (1 + np.exp(g * 0.999 * (0.5 - w * eps)))
    assert (f > eps).all()


def test_fourteen_of_sixteen_functions_of_two_bits_are_one_neuron():
    possible = 0
    for table in itertools.product((0, 1), repeat=4):
        document = view(Circuits(table=table))
        numbers = document["numbers"]
        rows = list(itertools.product((0, 1), repeat=2))
        if numbers["one_possible"]:
            possible += 1
            w, b = np.array(numbers["one_w"]), numbers["one_b"]
            for row, wanted in zip(rows, table, strict=True):
                assert (w @ row + b > 0) == wanted
                assert abs(w @ row + b) >= numbers["one_margin"] > 0
        else:
            assert table in [(0, 1, 1, 0), (1, 0, 0, 1)]
    assert possible == 14


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_contradiction_is_one_whatever_the_weights_are(n):
    base = resize(Circuits(), n)
    assert base.table == tuple(sum(row) % 2 for row in itertools.product((0, 1), repeat=n))
    rng = np.random.default_rng(n)
    for _ in range(5):
        settings = change(
            base, {"w": tuple(rng.uniform(-3, 3, n).tolist()), "b": float(rng.uniform(-3, 3))}
        )
        numbers = view(settings)["numbers"]
        assert numbers["one_possible"] == 0
        sides = {}
        for side, wanted in (("true", 1), ("false", 0)):
            rows = numbers[f"contradiction_{side}"]
            total = np.zeros(n)
            for times, *bits in rows:
                assert settings.table[int("".join(map(str, bits)), 2)] == wanted
                total += times * np.array(bits)
            assert total.tolist() == list(numbers["contradiction_total"])
            sides[side] = sum(times for times, *_ in rows)
            z = [np.dot(settings.w, bits) + settings.b for _, *bits in rows]
            assert numbers[f"contradiction_{side}_z"] == pytest.approx(z)
        assert sides["true"] == sides["false"]
        assert numbers["contradiction_true_sum"] == pytest.approx(
            numbers["contradiction_false_sum"], abs=1e-12
        )


def test_what_is_tried_by_hand():
    numbers = view(Circuits(w=(2.0, -1.0), b=-0.5, gain=4.0))["numbers"]
    z = [-0.5, -1.5, 1.5, 0.5]
    assert numbers["try_z"] == pytest.approx(z)
    assert numbers["try_h"] == pytest.approx([sigma(4 * value) for value in z])
    assert numbers["try_wrong"] == 2  # 01 is missed, 11 is too much


@pytest.mark.parametrize("table", list(itertools.product((0, 1), repeat=4)))
def test_a_hidden_layer_does_every_table(table):
    """Its matrices, multiplied here, give the values shown, within the bound of the bits."""
    numbers = view(Circuits(table=table, gain=12.0))["numbers"]
    h = np.array(list(itertools.product((0, 1), repeat=2)), dtype=float)
    layer = 1
    while f"hidden_W{layer}" in numbers:
        z = h @ numbers[f"hidden_W{layer}"].T + numbers[f"hidden_b{layer}"]
        h = 1 / (1 + np.exp(-z))
        if f"hidden_h{layer}" in numbers:
            assert numbers[f"hidden_h{layer}"] == pytest.approx(h)
        layer += 1
    assert numbers["hidden_y"] == pytest.approx(h[:, 0])
    error = np.abs(h[:, 0] - table).max()
    assert numbers["hidden_error"] == pytest.approx(error, rel=1e-9)
    assert error <= numbers["hidden_certified"] * (1 + 1e-9)
    assert numbers["hidden_certified"] < 0.5


@pytest.mark.parametrize("bits", list(itertools.product((0, 1), repeat=3)))
def test_the_full_adder_adds(bits):
    document = view(Circuits(bits=bits))
    numbers, circuit = document["numbers"], document["circuit"]
    s, cout = numbers["circuit_wanted"]
    assert 2 * cout + s == sum(bits)
    assert np.abs(numbers["circuit_soft"] - numbers["circuit_wanted"]).max() < 0.01
    assert (
        np.abs(numbers["circuit_soft"] - numbers["circuit_wanted"]) <= numbers["circuit_certified"]
    ).all()
    wire = dict(zip(circuit["nets"], numbers["circuit_wires"], strict=True))
    a, b, cin = bits
    assert (wire["a"], wire["b"], wire["cin"]) == bits
    assert wire["s"] == pytest.approx(numbers["circuit_soft"][0])
    # an AND of soft values is the sigmoid of their sum, by hand
    half = a ^ b
    (of_half,) = [value for net, value in wire.items() if net == "n2"]
    assert abs(of_half - half) < 0.01
    assert wire["n3"] == pytest.approx(sigma(10 * (of_half + cin - 1.5)))
    assert numbers["circuit_table"][circuit["row"]] == pytest.approx(numbers["circuit_soft"])


def test_the_picture_has_each_net_and_no_style():
    document = view(Circuits())
    picture = document["circuit"]["picture"]
    assert "<style" not in picture
    assert "style=" not in picture
    for net in document["circuit"]["nets"]:
        assert f'data-net="{net}"' in picture


def test_names_cannot_break_out_of_the_picture():
    picture = view(Circuits(expression="α = β[3] & γ", bits=()))["circuit"]["picture"]
    assert 'data-net="β[3]"' in picture
    for hostile in ('y = "><script>"', "y = <b>", "y = a' onload='x"):
        with pytest.raises(ValueError, match="expressions"):
            Circuits(expression=hostile)


def test_actions():
    settings = choose(Circuits(arity=4, x=(1, 1, 0, 1)), "mux")
    assert (settings.gate, settings.arity) == ("mux", 3)
    assert choose(settings, "const1").arity == 0
    assert choose(Circuits(arity=2), "majority").arity == 3
    assert count(Circuits(gate="at_least", arity=2), 4).arity == 4
    assert toggle(Circuits(x=()), "x", 1).x == (0, 1)
    assert toggle(Circuits(), "table", 3).table == (0, 1, 1, 1)
    assert toggle(Circuits(), "bits", 2).bits == (1, 1, 1)
    assert padded((1, 0, 1), 2) == (1, 0)
    assert resize(Circuits(w=(0.5, 2.0)), 3).w == (0.5, 2.0, 1.0)
