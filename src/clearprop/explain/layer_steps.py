"""The steps of a layer, forward and backward; dense layers and dropout entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.explain import slope_steps
from clearprop.explain.differences import Differences
from clearprop.explain.step import Operand, Step
from clearprop.explain.terms import ONE, Helper, Of, Sum, function_of, times
from clearprop.notation import Symbol
from clearprop.propagation import Gradients

if TYPE_CHECKING:
    from clearprop.explain.steps import LayerPlace


def dense_forward(place: LayerPlace) -> list[Step]:
    """z = g W h + b, and h = φ(z) except in layer L, where the output unit has f."""
    level, (hs, h), W, b = place.level, place.given, place.p["W"], place.p["b"]
    z, zs, Ws, bs = place.saved.z, sy.z(level), sy.W(level), sy.b(level)
    gains, helpers, text, code = _gain(place)
    terms_of_z = (
        Sum("i", (times(*gains, Of(Ws.code, "ji"), Of(hs.code, "ni")),)),
        Sum("", (times(Of(bs.code, "j")),)),
    )
    steps = [
        Step(
            "forward", level, zs, f"{zs} = {text}{Ws} {hs} + {bs}",
            f"{zs.latex} = {text}{Ws.latex} {hs.latex} + {bs.latex}",
            f"z_nj = {text}Σ_i W_ji {hs.text[0]}_ni + b_j",
            f"{zs.code} = {code.format(f'({hs.code} @ {Ws.code}.T)')} + {bs.code}",
            (Operand(Ws, W), Operand(hs, h), Operand(bs, b)), z, ("n", "j"),
            "rows are samples, so the code uses the transpose"
            + (f"; the gain g is {place.layer.gain:.6g}" if gains else ""),
            summands=terms_of_z, helpers=helpers,
        )
    ]  # fmt: skip
    activation = place.layer.activation
    if activation is None:
        return steps
    if place.layer.slope:
        return [*steps, *slope_steps.forward(place)]
    out, value = place.out
    text, _ = activation.formula
    equation = f"{out} = φ({zs})" if out.text[0] == "h" else f"{out}"
    steps.append(
        Step(
            "forward", level, out, equation, f"{out.latex} = \\phi\\left({zs.latex}\\right)",
            f"{out.text[0]}_nj = φ(z_nj)" if out.text[0] == "h" else "φ(z_nj)",
            f"{out.code} = net.architecture.layers[{place.number}].activation.phi({zs.code})",
            (Operand(zs, z),), value, ("n", "j"),
            f"φ is {activation.name}" + (f": φ(z) = {text}" if text else ""),
            summands=function_of("φ({0})", Of(out.code, "nj"), Of(zs.code, "nj")),
            helpers=(Helper(out.code, value),), function=("phi", zs.code),
        )
    )  # fmt: skip
    return steps


def _gain(place: LayerPlace) -> tuple[tuple[Of, ...], tuple[Helper, ...], str, str]:
    """The factor g of a term, its value, and how it stands in an equation and before a product in
    Python; nothing if it is 1."""
    if place.layer.gain == 1:
        return (), (), "", "{}"
    name = f"g{place.level}"
    helper = Helper(name, np.array(place.layer.gain))
    return (Of(name, text="g"),), (helper,), "g ", f"{name} * {{}}"


def dense_backward(
    place: LayerPlace, dL: Array, gradients: Gradients, differences: Differences
) -> tuple[list[Step], Array]:
    """∂ℒ/∂z from ∂ℒ/∂h, then ∂ℒ/∂W, ∂ℒ/∂b, and ∂ℒ/∂h of the layer below."""
    level, (hs, h), W = place.level, place.given, place.p["W"]
    zs, Ws, bs = sy.z(level), sy.W(level), sy.b(level)
    dL_dz, dL_dW, dL_db = (
        gradients.dL_dz[level - 1],
        gradients.dL_dW[level - 1],
        gradients.dL_db[level - 1],
    )
    dL_dh = gradients.dL_dh[level - 1]
    dz, dW, db, dh = sy.by(zs), sy.by(Ws), sy.by(bs), sy.by(hs)
    gains, helpers, text, code = _gain(place)
    steps: list[Step] = []
    if place.layer.slope:
        steps += slope_steps.backward(place, dL, dL_dz, differences)
    elif place.layer.activation is not None:
        steps += _through_phi(place, dL, dL_dz, differences)

    terms_of_W = (Sum("n", (times(*gains, Of(dz.code, "nj"), Of(hs.code, "ni")),)),)
    terms_of_b = (Sum("n", (times(Of(dz.code, "nj"), Of("1", text="1")),)),)
    terms_of_h = (Sum("j", (times(*gains, Of(Ws.code, "ji"), Of(dz.code, "nj")),)),)
    below = hs.text[0]
    steps += [
        Step(
            "backward", level, dW, f"{dW} = {text}Σ_n {dz} {hs}ᵀ",
            f"{dW.latex} = {text}\\sum_n {dz.latex}\\,{{{hs.latex}}}^T",
            f"∂ℒ/∂W_ji = {text}Σ_n ∂ℒ/∂z_nj {below}_ni",
            f"{dW.code} = ({hs.code}.T @ {_bracket(code.format(dz.code))}).T",
            (Operand(dz, dL_dz), Operand(hs, h)), dL_dW, ("j", "i"),
            "one outer product per sample, summed over the batch",
            summands=terms_of_W, helpers=helpers,
            derivative=(sy.LOSS.code, Ws.code),
            difference=differences.by_parameter(place.number, "W"),
        ),
        Step(
            "backward", level, db, f"{db} = Σ_n {dz}", f"{db.latex} = \\sum_n {dz.latex}",
            "∂ℒ/∂b_j = Σ_n ∂ℒ/∂z_nj · 1", f"{db.code} = {dz.code}.sum(axis=0)",
            (Operand(dz, dL_dz),), dL_db, ("j",),
            "b is the weight from a unit that is always 1; its gradient is a sum over the batch",
            summands=terms_of_b, helpers=(ONE,), derivative=(sy.LOSS.code, bs.code),
            difference=differences.by_parameter(place.number, "b"),
        ),
        Step(
            "backward", level, dh, f"{dh} = {text}{Ws}ᵀ {dz}",
            f"{dh.latex} = {text}{{{Ws.latex}}}^T {dz.latex}",
            f"∂ℒ/∂{below}_ni = {text}Σ_j W_ji ∂ℒ/∂z_nj",
            f"{dh.code} = {_bracket(code.format(dz.code))} @ {Ws.code}",
            (Operand(Ws, W), Operand(dz, dL_dz)), dL_dh, ("n", "i"),
            "like running the network backwards, with the transpose of W"
            + ("; not used for learning, but shows which inputs matter" if hs is sy.X else ""),
            summands=terms_of_h, helpers=helpers, derivative=(sy.LOSS.code, hs.code),
            difference=differences.by_input(place.number),
        ),
    ]  # fmt: skip
    return steps, dL_dh


def _bracket(code: str) -> str:
    return f"({code})" if "*" in code else code


def _through_phi(
    place: LayerPlace, dL: Array, dL_dz: Array, differences: Differences
) -> list[Step]:
    """φ′(z), and ∂ℒ/∂z = ∂ℒ/∂h ⊙ φ′(z)."""
    level, activation, (out, value) = place.level, place.layer.activation, place.out
    z, zs = place.saved.z, sy.z(level)
    slope = activation.dphi(z, value)
    ds, dz, dh = sy.dphi(level), sy.by(zs), sy.by(out)
    text, _ = activation.slope
    layer = f"net.architecture.layers[{place.number}]"
    return [
        Step(
            "backward", level, ds, f"∂h/∂z = diag {{ {ds} }}",
            rf"\frac{{\partial\mathbf{{h}}^{{({level})}}}}{{\partial{zs.latex}}} = "
            rf"\mathrm{{diag}}\left\{{{ds.latex}\right\}}",
            "∂h_nj/∂z_nj = φ′(z_nj)",
            f"{ds.code} = {layer}.activation.dphi({zs.code}, {out.code})",
            (Operand(zs, z), Operand(out, value)), slope, ("n", "j"),
            "the diagonal; the rest is 0" + (f"; {activation.name}: φ′ = {text}" if text else ""),
            summands=function_of("φ′({0})", Of(ds.code, "nj"), Of(zs.code, "nj")),
            helpers=(Helper(ds.code, slope),), function=("dphi", zs.code, out.code),
            derivative=(out.code, zs.code),
            difference=differences.phi(place.number),
        ),
        Step(
            "backward", level, dz, f"{dz} = {dh} ⊙ {ds}",
            f"{dz.latex} = {dh.latex} \\odot {ds.latex}",
            "∂ℒ/∂z_nj = ∂ℒ/∂h_nj φ′(z_nj)", f"{dz.code} = {dh.code} * {ds.code}",
            (Operand(dh, dL), Operand(ds, slope)), dL_dz, ("n", "j"),
            "a diagonal matrix times a vector is an elementwise product",
            summands=(Sum("", (times(Of(dh.code, "nj"), Of(ds.code, "nj")),)),),
            derivative=(sy.LOSS.code, zs.code), difference=differences.by_z(place.number),
        ),
    ]  # fmt: skip


def dropout_forward(place: LayerPlace) -> Step:
    """h ⊙ m, with the mask of this step of training."""
    (given, h), (out, value), m = place.given, place.out, place.saved
    ms = sy.mask(place.level)
    return Step(
        "forward", place.level, out, f"{out} = {given} ⊙ {ms}",
        f"{out.latex} = {given.latex} \\odot {ms.latex}",
        f"h_nj = {_entry(given)} m_nj", f"{out.code} = {given.code} * saved[{place.number}]",
        (Operand(given, h), Operand(ms, m)), value, ("n", "j"),
        f"dropout with rate {place.layer.rate:g}: m is 0 with this probability, else "
        "1/(1 − rate), in training only",
        summands=(Sum("", (times(Of(given.code, "nj"), Of(ms.code, "nj")),)),),
    )  # fmt: skip


def _entry(symbol: Symbol) -> str:
    return "φ(z_nj)" if symbol.text[0] == "φ" else f"{symbol.text[0]}_nj"


def dropout_backward(
    place: LayerPlace, dL: Array, differences: Differences
) -> tuple[list[Step], Array]:
    (given, _), (out, _), m = place.given, place.out, place.saved
    ms, above, below = sy.mask(place.level), sy.by(out), sy.by(given)
    result = dL * m
    step = Step(
        "backward", place.level, below, f"{below} = {above} ⊙ {ms}",
        f"{below.latex} = {above.latex} \\odot {ms.latex}",
        f"∂ℒ/∂{_entry(given)} = ∂ℒ/∂h_nj m_nj",
        f"{below.code} = {above.code} * saved[{place.number}]",
        (Operand(above, dL), Operand(ms, m)), result, ("n", "j"),
        "units dropped in the forward pass learn nothing in this step",
        summands=(Sum("", (times(Of(above.code, "nj"), Of(ms.code, "nj")),)),),
        derivative=(sy.LOSS.code, given.code),
        difference=differences.by_input(place.number),
    )  # fmt: skip
    return [step], result


# ---- any other kind of layer ---------------------------------------------------------------------


def other_forward(place: LayerPlace) -> Step:
    """The whole layer as one step."""
    (given, h), (out, value), kind = place.given, place.out, place.layer.name
    operands = [Operand(sy.parameter(name, place.number), v) for name, v in place.p.items()]
    latex = rf"{out.latex} = \mathrm{{{kind.replace('_', ' ')}}}({given.latex})"
    return Step(
        "forward", place.level, out, f"{out} = {kind}({given})", latex,
        "", f"{out.code} = net.architecture.layers[{place.number}].forward("
        f"p[{place.number}], {given.code}, None)[0]",
        (Operand(given, h), *operands), value, ("n", "j"), f"a layer of kind {kind}, as a whole",
    )  # fmt: skip


def other_backward(
    place: LayerPlace, dL: Array, differences: Differences
) -> tuple[list[Step], Array]:
    """The gradients of each parameter and of the input."""
    (given, _), (out, _), kind = place.given, place.out, place.layer.name
    derivatives = place.layer.backward(place.p, place.saved, dL)
    above, code = sy.by(out), f"net.architecture.layers[{place.number}].backward("
    call = f"{code}p[{place.number}], saved[{place.number}], {above.code})"
    steps = []
    for name, gradient in derivatives.parameters.items():
        symbol = sy.by(sy.parameter(name, place.number))
        axes = tuple("jik"[: gradient.ndim])
        steps.append(
            Step(
                "backward", place.level, symbol, f"{symbol} from {above}",
                f"{symbol.latex} = \\ldots",
                "", f"{symbol.code} = {call}.parameters[{name!r}]", (Operand(above, dL),),
                np.asarray(gradient), axes, f"a layer of kind {kind}, as a whole",
                difference=differences.by_parameter(place.number, name),
            )
        )  # fmt: skip
    below = sy.by(given)
    steps.append(
        Step(
            "backward", place.level, below, f"{below} from {above}", f"{below.latex} = \\ldots", "",
            f"{below.code} = {call}.dL_dh", (Operand(above, dL),), derivatives.dL_dh, ("n", "i"),
            f"a layer of kind {kind}, as a whole", difference=differences.by_input(place.number),
        )
    )  # fmt: skip
    return steps, derivatives.dL_dh
