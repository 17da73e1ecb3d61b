"""The steps of a layer, forward and backward; dense layers and dropout entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.explain import slope_steps
from clearprop.explain.differences import Differences
from clearprop.explain.step import Factor, Index, Operand, Step, Term, product, single
from clearprop.notation import Symbol
from clearprop.propagation import Gradients

if TYPE_CHECKING:
    from clearprop.explain.steps import LayerPlace


def dense_forward(place: LayerPlace) -> list[Step]:
    """z = g W h + b, and h = φ(z) except in layer L, where the output unit has f."""
    level, (hs, h), W, b = place.level, place.given, place.p["W"], place.p["b"]
    z, zs, Ws, bs = place.saved.z, sy.z(level), sy.W(level), sy.b(level)
    g, (gains, text, code) = place.layer.gain, _gain(place)

    def terms_of_z(at: Index) -> tuple[Term, ...]:
        n, j = at
        products = (
            product(*gains, Factor(Ws.text, (j, i), float(W[j, i])),
            Factor(hs.text, (n, i), float(h[n, i])))
            for i in range(W.shape[1])
        )  # fmt: skip
        return (*products, product(Factor(bs.text, (j,), float(b[j]))))

    steps = [
        Step(
            "forward", level, zs, f"{zs} = {text}{Ws} {hs} + {bs}",
            f"{zs.latex} = {text}{Ws.latex} {hs.latex} + {bs.latex}",
            f"z_nj = {text}Σ_i W_ji {hs.text[0]}_ni + b_j",
            f"{zs.code} = {code.format(f'({hs.code} @ {Ws.code}.T)')} + {bs.code}",
            (Operand(Ws, W), Operand(hs, h), Operand(bs, b)), z, ("n", "j"),
            "rows are samples, so the code uses the transpose"
            + (f"; the gain g is {g:.6g}" if gains else ""), summands=terms_of_z,
        )
    ]  # fmt: skip
    activation = place.layer.activation
    if activation is None:
        return steps
    if place.layer.slope:
        return [*steps, *slope_steps.forward(place)]
    out, value = place.out
    text, _ = activation.formula

    def terms_of_h(at: Index) -> tuple[Term, ...]:
        factor = Factor(zs.text, at, float(z[at]))
        return single(f"φ({factor})", float(value[at]), factor)

    equation = f"{out} = φ({zs})" if out.text[0] == "h" else f"{out}"
    steps.append(
        Step(
            "forward", level, out, equation, f"{out.latex} = \\phi\\left({zs.latex}\\right)",
            f"{out.text[0]}_nj = φ(z_nj)" if out.text[0] == "h" else "φ(z_nj)",
            f"{out.code} = net.architecture.layers[{place.number}].activation.phi({zs.code})",
            (Operand(zs, z),), value, ("n", "j"),
            f"φ is {activation.name}" + (f": φ(z) = {text}" if text else ""), summands=terms_of_h,
        )
    )  # fmt: skip
    return steps


def _gain(place: LayerPlace) -> tuple[tuple[Factor, ...], str, str]:
    """The factor g of a term, of an equation, and of a product in Python; nothing if it is 1."""
    if place.layer.gain == 1:
        return (), "", "{}"
    return (Factor("g", None, place.layer.gain),), "g ", f"g{place.level} * {{}}"


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
    gains, text, code = _gain(place)
    steps: list[Step] = []
    if place.layer.slope:
        steps += slope_steps.backward(place, dL, dL_dz, differences)
    elif place.layer.activation is not None:
        steps += _through_phi(place, dL, dL_dz, differences)

    def terms_of_W(at: Index) -> tuple[Term, ...]:
        j, i = at
        return tuple(
            product(*gains, Factor(dz.text, (n, j), float(dL_dz[n, j])),
            Factor(hs.text, (n, i), float(h[n, i])))
            for n in range(len(h))
        )  # fmt: skip

    def terms_of_b(at: Index) -> tuple[Term, ...]:
        return tuple(
            product(Factor(dz.text, (n, at[0]), float(dL_dz[n, at[0]])), Factor("1", None, 1.0))
            for n in range(len(h))
        )

    def terms_of_h(at: Index) -> tuple[Term, ...]:
        n, i = at
        return tuple(
            product(*gains, Factor(Ws.text, (j, i), float(W[j, i])),
            Factor(dz.text, (n, j), float(dL_dz[n, j])))
            for j in range(len(W))
        )  # fmt: skip

    below = hs.text[0]
    steps += [
        Step(
            "backward", level, dW, f"{dW} = {text}Σ_n {dz} {hs}ᵀ",
            f"{dW.latex} = {text}\\sum_n {dz.latex}\\,{{{hs.latex}}}^T",
            f"∂ℒ/∂W_ji = {text}Σ_n ∂ℒ/∂z_nj {below}_ni",
            f"{dW.code} = ({hs.code}.T @ {_bracket(code.format(dz.code))}).T",
            (Operand(dz, dL_dz), Operand(hs, h)), dL_dW, ("j", "i"),
            "one outer product per sample, summed over the batch", summands=terms_of_W,
            difference=differences.by_parameter(place.number, "W"),
        ),
        Step(
            "backward", level, db, f"{db} = Σ_n {dz}", f"{db.latex} = \\sum_n {dz.latex}",
            "∂ℒ/∂b_j = Σ_n ∂ℒ/∂z_nj · 1", f"{db.code} = {dz.code}.sum(axis=0)",
            (Operand(dz, dL_dz),), dL_db, ("j",),
            "b is the weight from a unit that is always 1; its gradient is a sum over the batch",
            summands=terms_of_b, difference=differences.by_parameter(place.number, "b"),
        ),
        Step(
            "backward", level, dh, f"{dh} = {text}{Ws}ᵀ {dz}",
            f"{dh.latex} = {text}{{{Ws.latex}}}^T {dz.latex}",
            f"∂ℒ/∂{below}_ni = {text}Σ_j W_ji ∂ℒ/∂z_nj",
            f"{dh.code} = {_bracket(code.format(dz.code))} @ {Ws.code}",
            (Operand(Ws, W), Operand(dz, dL_dz)), dL_dh, ("n", "i"),
            "like running the network backwards, with the transpose of W"
            + ("; not used for learning, but shows which inputs matter" if hs is sy.X else ""),
            summands=terms_of_h, difference=differences.by_input(place.number),
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

    def terms_of_slope(at: Index) -> tuple[Term, ...]:
        factor = Factor(zs.text, at, float(z[at]))
        return single(f"φ′({factor})", float(slope[at]), factor)

    def terms_of_z(at: Index) -> tuple[Term, ...]:
        factors = Factor(dh.text, at, float(dL[at])), Factor(ds.text, at, float(slope[at]))
        return (product(*factors),)

    return [
        Step(
            "backward", level, ds, f"∂h/∂z = diag {{ {ds} }}",
            rf"\frac{{\partial\mathbf{{h}}^{{({level})}}}}{{\partial{zs.latex}}} = "
            rf"\mathrm{{diag}}\left\{{{ds.latex}\right\}}",
            "∂h_nj/∂z_nj = φ′(z_nj)",
            f"{ds.code} = {layer}.activation.dphi({zs.code}, {out.code})",
            (Operand(zs, z), Operand(out, value)), slope, ("n", "j"),
            "the diagonal; the rest is 0" + (f"; {activation.name}: φ′ = {text}" if text else ""),
            summands=terms_of_slope, difference=differences.phi(place.number),
        ),
        Step(
            "backward", level, dz, f"{dz} = {dh} ⊙ {ds}",
            f"{dz.latex} = {dh.latex} \\odot {ds.latex}",
            "∂ℒ/∂z_nj = ∂ℒ/∂h_nj φ′(z_nj)", f"{dz.code} = {dh.code} * {ds.code}",
            (Operand(dh, dL), Operand(ds, slope)), dL_dz, ("n", "j"),
            "a diagonal matrix times a vector is an elementwise product", summands=terms_of_z,
            difference=differences.by_z(place.number),
        ),
    ]  # fmt: skip


def dropout_forward(place: LayerPlace) -> Step:
    """h ⊙ m, with the mask of this step of training."""
    (given, h), (out, value), m = place.given, place.out, place.saved
    ms = sy.mask(place.level)

    def terms(at: Index) -> tuple[Term, ...]:
        return (product(Factor(given.text, at, float(h[at])), Factor(ms.text, at, float(m[at]))),)

    return Step(
        "forward", place.level, out, f"{out} = {given} ⊙ {ms}",
        f"{out.latex} = {given.latex} \\odot {ms.latex}",
        f"h_nj = {_entry(given)} m_nj", f"{out.code} = {given.code} * saved[{place.number}]",
        (Operand(given, h), Operand(ms, m)), value, ("n", "j"),
        f"dropout with rate {place.layer.rate:g}: m is 0 with this probability, else "
        "1/(1 − rate), in training only", summands=terms,
    )  # fmt: skip


def _entry(symbol: Symbol) -> str:
    return "φ(z_nj)" if symbol.text[0] == "φ" else f"{symbol.text[0]}_nj"


def dropout_backward(
    place: LayerPlace, dL: Array, differences: Differences
) -> tuple[list[Step], Array]:
    (given, _), (out, _), m = place.given, place.out, place.saved
    ms, above, below = sy.mask(place.level), sy.by(out), sy.by(given)
    result = dL * m

    def terms(at: Index) -> tuple[Term, ...]:
        return (product(Factor(above.text, at, float(dL[at])), Factor(ms.text, at, float(m[at]))),)

    step = Step(
        "backward", place.level, below, f"{below} = {above} ⊙ {ms}",
        f"{below.latex} = {above.latex} \\odot {ms.latex}",
        f"∂ℒ/∂{_entry(given)} = ∂ℒ/∂h_nj m_nj",
        f"{below.code} = {above.code} * saved[{place.number}]",
        (Operand(above, dL), Operand(ms, m)), result, ("n", "j"),
        "units dropped in the forward pass learn nothing in this step", summands=terms,
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
