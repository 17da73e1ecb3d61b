"""The steps of a layer, forward and backward; dense layers and dropout entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.explain.differences import Differences
from clearprop.explain.step import Factor, Index, Operand, Step, Term, product, single
from clearprop.notation import Symbol
from clearprop.propagation import Gradients

if TYPE_CHECKING:
    from clearprop.explain.steps import Place


def dense_forward(place: Place) -> list[Step]:
    """z = W h + b, and h = φ(z) except in layer L, where the output unit has f."""
    level, (hs, h), W, b = place.level, place.given, place.p["W"], place.p["b"]
    z, zs, Ws, bs = place.saved.z, sy.z(level), sy.W(level), sy.b(level)

    def of_z(at: Index) -> tuple[Term, ...]:
        n, j = at
        products = (
            product(Factor(Ws.text, (j, i), float(W[j, i])),
            Factor(hs.text, (n, i), float(h[n, i])))
            for i in range(W.shape[1])
        )  # fmt: skip
        return (*products, product(Factor(bs.text, (j,), float(b[j]))))

    steps = [
        Step(
            "forward", level, zs, f"{zs} = {Ws} {hs} + {bs}",
            f"{zs.latex} = {Ws.latex} {hs.latex} + {bs.latex}",
            f"z_nj = Σ_i W_ji {hs.text[0]}_ni + b_j",
            f"{zs.code} = {hs.code} @ {Ws.code}.T + {bs.code}",
            (Operand(Ws, W), Operand(hs, h), Operand(bs, b)), z, ("n", "j"),
            "rows are samples, so the code uses the transpose", summands=of_z,
        )
    ]  # fmt: skip
    activation = place.layer.activation
    if activation is None:
        return steps
    out, value = place.out
    text, _ = sy.PHI.get(activation.name, ("", ""))

    def of_h(at: Index) -> tuple[Term, ...]:
        factor = Factor(zs.text, at, float(z[at]))
        return single(f"φ({factor})", float(value[at]), factor)

    equation = f"{out} = φ({zs})" if out.text[0] == "h" else f"{out}"
    steps.append(
        Step(
            "forward", level, out, equation, f"{out.latex} = \\phi\\left({zs.latex}\\right)",
            f"{out.text[0]}_nj = φ(z_nj)" if out.text[0] == "h" else "φ(z_nj)",
            f"{out.code} = net.architecture.layers[{place.number}].activation.phi({zs.code})",
            (Operand(zs, z),), value, ("n", "j"),
            f"φ is {activation.name}" + (f": φ(z) = {text}" if text else ""), summands=of_h,
        )
    )  # fmt: skip
    return steps


def dense_backward(
    place: Place, dL: Array, gradients: Gradients, differences: Differences
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
    steps: list[Step] = []
    if place.layer.activation is not None:
        steps += _through_phi(place, dL, dL_dz, differences)

    def of_W(at: Index) -> tuple[Term, ...]:
        j, i = at
        return tuple(
            product(Factor(dz.text, (n, j), float(dL_dz[n, j])),
            Factor(hs.text, (n, i), float(h[n, i])))
            for n in range(len(h))
        )  # fmt: skip

    def of_b(at: Index) -> tuple[Term, ...]:
        return tuple(
            product(Factor(dz.text, (n, at[0]), float(dL_dz[n, at[0]])), Factor("1", None, 1.0))
            for n in range(len(h))
        )

    def of_h(at: Index) -> tuple[Term, ...]:
        n, i = at
        return tuple(
            product(Factor(Ws.text, (j, i), float(W[j, i])),
            Factor(dz.text, (n, j), float(dL_dz[n, j])))
            for j in range(len(W))
        )  # fmt: skip

    below = hs.text[0]
    steps += [
        Step(
            "backward", level, dW, f"{dW} = Σ_n {dz} {hs}ᵀ",
            f"{dW.latex} = \\sum_n {dz.latex}\\,{{{hs.latex}}}^T",
            f"∂ℒ/∂W_ji = Σ_n ∂ℒ/∂z_nj {below}_ni", f"{dW.code} = ({hs.code}.T @ {dz.code}).T",
            (Operand(dz, dL_dz), Operand(hs, h)), dL_dW, ("j", "i"),
            "one outer product per sample, summed over the batch", summands=of_W,
            difference=differences.by_parameter(place.number, "W"),
        ),
        Step(
            "backward", level, db, f"{db} = Σ_n {dz}", f"{db.latex} = \\sum_n {dz.latex}",
            "∂ℒ/∂b_j = Σ_n ∂ℒ/∂z_nj · 1", f"{db.code} = {dz.code}.sum(axis=0)",
            (Operand(dz, dL_dz),), dL_db, ("j",),
            "b is the weight from a unit that is always 1; its gradient is a sum over the batch",
            summands=of_b, difference=differences.by_parameter(place.number, "b"),
        ),
        Step(
            "backward", level, dh, f"{dh} = {Ws}ᵀ {dz}",
            f"{dh.latex} = {{{Ws.latex}}}^T {dz.latex}",
            f"∂ℒ/∂{below}_ni = Σ_j W_ji ∂ℒ/∂z_nj", f"{dh.code} = {dz.code} @ {Ws.code}",
            (Operand(Ws, W), Operand(dz, dL_dz)), dL_dh, ("n", "i"),
            "like running the network backwards, with the transpose of W"
            + ("; not used for learning, but shows which inputs matter" if hs is sy.X else ""),
            summands=of_h, difference=differences.by_input(place.number),
        ),
    ]  # fmt: skip
    return steps, dL_dh


def _through_phi(place: Place, dL: Array, dL_dz: Array, differences: Differences) -> list[Step]:
    """φ′(z), and ∂ℒ/∂z = ∂ℒ/∂h ⊙ φ′(z)."""
    level, activation, (out, value) = place.level, place.layer.activation, place.out
    z, zs = place.saved.z, sy.z(level)
    slope = activation.dphi(z, value)
    ds, dz, dh = sy.dphi(level), sy.by(zs), sy.by(out)
    text, _ = sy.DPHI.get(activation.name, ("", ""))
    layer = f"net.architecture.layers[{place.number}]"

    def of_slope(at: Index) -> tuple[Term, ...]:
        factor = Factor(zs.text, at, float(z[at]))
        return single(f"φ′({factor})", float(slope[at]), factor)

    def of_z(at: Index) -> tuple[Term, ...]:
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
            summands=of_slope, difference=differences.phi(place.number),
        ),
        Step(
            "backward", level, dz, f"{dz} = {dh} ⊙ {ds}",
            f"{dz.latex} = {dh.latex} \\odot {ds.latex}",
            "∂ℒ/∂z_nj = ∂ℒ/∂h_nj φ′(z_nj)", f"{dz.code} = {dh.code} * {ds.code}",
            (Operand(dh, dL), Operand(ds, slope)), dL_dz, ("n", "j"),
            "a diagonal matrix times a vector is an elementwise product", summands=of_z,
            difference=differences.by_z(place.number),
        ),
    ]  # fmt: skip


def dropout_forward(place: Place) -> Step:
    """h ⊙ m, with the mask of this step of training."""
    (given, h), (out, value), m = place.given, place.out, place.saved
    ms = sy.mask(place.level)

    def terms(at: Index) -> tuple[Term, ...]:
        return (product(Factor(given.text, at, float(h[at])), Factor(ms.text, at, float(m[at]))),)

    return Step(
        "forward", place.level, out, f"{out} = {given} ⊙ {ms}",
        f"{out.latex} = {given.latex} \\odot {ms.latex}",
        "h_nj = φ(z_nj) m_nj", f"{out.code} = {given.code} * saved[{place.number}]",
        (Operand(given, h), Operand(ms, m)), value, ("n", "j"),
        f"dropout with rate {place.layer.rate:g}: m is 0 with this probability, else "
        "1/(1 − rate), in training only", summands=terms,
    )  # fmt: skip


def dropout_backward(place: Place, dL: Array, differences: Differences) -> tuple[list[Step], Array]:
    (given, _), (out, _), m = place.given, place.out, place.saved
    ms, above, below = sy.mask(place.level), sy.by(out), sy.by(given)
    result = dL * m

    def terms(at: Index) -> tuple[Term, ...]:
        return (product(Factor(above.text, at, float(dL[at])), Factor(ms.text, at, float(m[at]))),)

    step = Step(
        "backward", place.level, below, f"{below} = {above} ⊙ {ms}",
        f"{below.latex} = {above.latex} \\odot {ms.latex}",
        "∂ℒ/∂φ(z)_nj = ∂ℒ/∂h_nj m_nj", f"{below.code} = {above.code} * saved[{place.number}]",
        (Operand(above, dL), Operand(ms, m)), result, ("n", "j"),
        "units dropped in the forward pass learn nothing in this step", summands=terms,
        difference=differences.by_input(place.number),
    )  # fmt: skip
    return [step], result


# ---- any other kind of layer ---------------------------------------------------------------------


def parameter(place: Place, name: str) -> Symbol:
    label = f"{name}⟨{place.number}⟩"
    return Symbol(label, rf"\mathrm{{{name.replace('_', ' ')}}}_{{{place.number}}}",
                  f"{name.replace('.', '_')}_{place.number}")  # fmt: skip


def other_forward(place: Place) -> Step:
    """The whole layer as one step."""
    (given, h), (out, value), kind = place.given, place.out, place.layer.name
    operands = [Operand(parameter(place, name), v) for name, v in place.p.items()]
    latex = rf"{out.latex} = \mathrm{{{kind.replace('_', ' ')}}}({given.latex})"
    return Step(
        "forward", place.level, out, f"{out} = {kind}({given})", latex,
        "", f"{out.code} = net.architecture.layers[{place.number}].forward("
        f"p[{place.number}], {given.code}, None)[0]",
        (Operand(given, h), *operands), value, ("n", "j"), f"a layer of kind {kind}, as a whole",
    )  # fmt: skip


def other_backward(place: Place, dL: Array, differences: Differences) -> tuple[list[Step], Array]:
    """The gradients of each parameter and of the input."""
    (given, _), (out, _), kind = place.given, place.out, place.layer.name
    derivatives = place.layer.backward(place.p, place.saved, dL)
    above, code = sy.by(out), f"net.architecture.layers[{place.number}].backward("
    call = f"{code}p[{place.number}], saved[{place.number}], {above.code})"
    steps = []
    for name, gradient in derivatives.parameters.items():
        symbol = sy.by(parameter(place, name))
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
