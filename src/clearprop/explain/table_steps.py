"""The steps of the layers that take a table's columns: bins, embeddings, scales, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.embeddings import (
    Embedding,
    EmbeddingBag,
    Identity,
    Parallel,
    PiecewiseLinear,
    Scale,
)
from clearprop.explain.differences import Differences
from clearprop.explain.step import Difference, Operand, Step
from clearprop.explain.table_parts import LayerPart, parts_of
from clearprop.explain.terms import Factor, Index, Term, product, single
from clearprop.gradient_check import derivative
from clearprop.notation import Symbol

if TYPE_CHECKING:
    from clearprop.explain.steps import LayerPlace

NOTHING = (Term("0", (), 0.0),)

# ---- forward -------------------------------------------------------------------------------------


def forward(place: LayerPlace) -> list[Step]:
    """The output of each of the layers side by side, and of all together."""
    parts = parts_of(place)
    steps = [_forward(part) for part in parts]
    if not isinstance(place.layer, Parallel):
        return steps
    (out, value), sizes = place.out, [part.layer.n_out for part in parts]
    names = ", ".join(part.out.text for part in parts)
    return [
        *steps,
        Step(
            "forward", place.level, out, f"{out} = [{names}]",
            rf"{out.latex} = \left[{', '.join(part.out.latex for part in parts)}\right]",
            "side by side",
            f"{out.code} = np.concatenate([{', '.join(part.out.code for part in parts)}], axis=1)",
            tuple(Operand(part.out, step.result) for part, step in zip(parts, steps, strict=True)),
            value, ("n", "j"), "the columns of all parts, concatenated",
            summands=_side_by_side([part.out.text for part in parts], sizes, value),
        ),
    ]  # fmt: skip


def _side_by_side(
    names: list[str], sizes: list[int], value: Array
) -> Callable[[Index], tuple[Term, ...]]:
    starts = np.cumsum([0, *sizes])

    def terms(at: Index) -> tuple[Term, ...]:
        i = int(np.searchsorted(starts, at[1], side="right")) - 1
        factor = Factor(names[i], (at[0], at[1] - int(starts[i])), float(value[at]))
        return (product(factor),)

    return terms


def _forward(part: LayerPart) -> Step:
    given, kind = part.given[0], part.layer.name
    equation, latex, entry, note = FORMULAS[type(part.layer)]
    value = part.value
    symbols = {name: part.symbol(name) for name in part.p}
    texts = {"h": f"{given.text}{part.columns}", **{name: s.text for name, s in symbols.items()}}
    latexs = {"h": given.latex, **{name: s.latex for name, s in symbols.items()}}
    summands = FORWARD_TERMS[type(part.layer)](part, value)
    return Step(
        "forward", part.place.level, part.out, f"{part.out} = {equation.format(**texts)}",
        f"{part.out.latex} = {latex.format(**latexs)}", entry,
        f"{part.out.code} = {part.layer_code}.forward({part.p_code}, "
        f"{given.code}{part.columns}, None)[0]",
        (Operand(*part.given), *(Operand(symbols[name], v) for name, v in part.p.items())),
        value, ("n", "j"), note or f"a layer of kind {kind}", summands=summands,
    )  # fmt: skip


# Of each kind: the equation and its LaTeX with {h} and the parameters, an entry, a note.
FORMULAS: dict[type, tuple[str, str, str, str]] = {
    Identity: ("{h}", "{h}", "", "these columns do not change"),
    Scale: (
        "{s} ⊙ {h}", r"{s} \odot {h}", "u_nj = s_j h_nj", "a learnt factor for each column",
    ),
    PiecewiseLinear: (
        "[x̃, {V}ᵀ PLE(x)] of each column of {h}",
        r"\left[\tilde{{x}},\ {{{V}}}^T\,\mathrm{{PLE}}(x)\right]",
        "x̃ = x / √(1 + (x/c)²), e_d = Σ_j V_jd PLE_j(x)",
        "each column becomes itself, clipped smoothly, and d piecewise linear functions; PLE_j(x) "
        "is how far x has come through bin j, from 0 to 1",
    ),
    Embedding: (
        "rows {h} of {E}", r"{{{E}}}\left[{h}\right]", "u_n = E[category of row n]",
        "each category has a learnt vector",
    ),
    EmbeddingBag: (
        "rows {h} of {G}, added up", r"\frac{{1}}{{\sqrt{{n}}}}\sum_c {{{G}}}_c",
        "u_n = Σ_c G_c / √(number of codes), over the codes c of row n",
        "each n-gram has a learnt vector; their sum is divided by the root of their number",
    ),
}  # fmt: skip


def _identity_terms(part: LayerPart, value: Array) -> Callable[[Index], tuple[Term, ...]]:
    def terms(at: Index) -> tuple[Term, ...]:
        return (product(part.factor(*at)),)

    return terms


def _scale_terms(part: LayerPart, value: Array) -> Callable[[Index], tuple[Term, ...]]:
    s, symbol = part.p["s"], part.symbol("s").text

    def terms(at: Index) -> tuple[Term, ...]:
        return (product(Factor(symbol, at[1:], float(s[at[1]])), part.factor(*at)),)

    return terms


def _piecewise_terms(part: LayerPart, value: Array) -> Callable[[Index], tuple[Term, ...]]:
    h, V, symbol = part.h, part.p["V"], part.symbol("V").text
    layer: PiecewiseLinear = part.layer

    def terms(at: Index) -> tuple[Term, ...]:
        n, (column, d) = at[0], divmod(at[1], 1 + layer.n_units)
        x = part.factor(n, column)
        if d == 0:
            return single(f"{x} / √(1 + ({x}/{layer.clip:g})²)", float(value[at]), x)
        ple = layer.bins(column, h[n : n + 1, column])[0][0]
        begin = layer.starts[column]
        used = np.flatnonzero(ple) if ple.any() else [0]
        return tuple(
            product(Factor(symbol, (begin + int(j), d - 1), float(V[begin + j, d - 1])),
            Factor(f"PLE_{j}({x})", None, float(ple[j])))
            for j in used
        )  # fmt: skip

    return terms


def _embedding_terms(part: LayerPart, value: Array) -> Callable[[Index], tuple[Term, ...]]:
    E, symbol, layer = part.p["E"], part.symbol("E").text, part.layer

    def terms(at: Index) -> tuple[Term, ...]:
        column, d = divmod(at[1], layer.n_units)
        row = int(part.saved[at[0], column])
        return (product(Factor(symbol, (row, d), float(E[row, d]))),)

    return terms


def _bag_terms(part: LayerPart, value: Array) -> Callable[[Index], tuple[Term, ...]]:
    G, symbol, layer = part.p["G"], part.symbol("G").text, part.layer
    weights = layer.weights(part.saved, G.dtype)

    def terms(at: Index) -> tuple[Term, ...]:
        text, d = divmod(at[1], layer.n_units)
        rows = [int(row) for row in part.saved[at[0], text] if row >= 0]
        root = Factor(f"1/√{len(rows)}", None, float(weights[at[0], text, 0]))
        entries = [Factor(symbol, (row, d), float(G[row, d])) for row in rows]
        return tuple(product(root, entry) for entry in entries) or NOTHING

    return terms


FORWARD_TERMS: dict[type, Callable[[LayerPart, Array], Callable[[Index], tuple[Term, ...]]]] = {
    Identity: _identity_terms,
    Scale: _scale_terms,
    PiecewiseLinear: _piecewise_terms,
    Embedding: _embedding_terms,
    EmbeddingBag: _bag_terms,
}


# ---- backward ------------------------------------------------------------------------------------


def backward(place: LayerPlace, dL: Array, differences: Differences) -> tuple[list[Step], Array]:
    """The gradients of each parameter and of the input, part by part."""
    parts = parts_of(place)
    if not isinstance(place.layer, Parallel):
        steps = _backward(parts[0], dL, sy.by(place.given[0]), differences)
        return steps, steps[-1].result
    above, below = sy.by(place.out[0]), sy.by(place.given[0])
    steps, found, begin = [], [], 0
    for i, part in enumerate(parts):
        end = begin + part.layer.n_out
        own = dL[:, begin:end]
        symbol = sy.by(part.out)
        steps.append(
            Step(
                "backward", place.level, symbol, f"{symbol}, of {above}", symbol.latex, "",
                f"{symbol.code} = {above.code}[:, {begin}:{end}]", (Operand(above, dL),),
                own, ("n", "j"), f"columns {begin} to {end - 1}",
                summands=_columns_from(above.text, begin, own),
            )
        )  # fmt: skip
        steps += _backward(part, own, sy.part(below, i), differences)
        found.append(steps[-1])
        begin = end
    result = np.concatenate([step.result for step in found], axis=1)
    names = [step.name for step in found]
    sizes = [step.result.shape[1] for step in found]
    steps.append(
        Step(
            "backward", place.level, below, f"{below} = [{', '.join(names)}]",
            rf"{below.latex} = \left[{', '.join(step.symbol.latex for step in found)}\right]", "",
            f"{below.code} = np.concatenate([{', '.join(s.symbol.code for s in found)}], axis=1)",
            tuple(Operand(step.symbol, step.result) for step in found), result, ("n", "i"),
            "not used for learning, but shows which inputs matter",
            summands=_side_by_side(names, sizes, result),
        )
    )  # fmt: skip
    return steps, result


def _columns_from(name: str, begin: int, own: Array) -> Callable[[Index], tuple[Term, ...]]:
    def terms(at: Index) -> tuple[Term, ...]:
        return (product(Factor(name, (at[0], begin + at[1]), float(own[at]))),)

    return terms


def _backward(part: LayerPart, dL: Array, below: Symbol, differences: Differences) -> list[Step]:
    derivatives = part.layer.backward(part.p, part.saved, dL)
    above, level = sy.by(part.out), part.place.level
    call = f"{part.layer_code}.backward({part.p_code}, {part.saved_code}, {above.code})"
    number, operands = part.place.number, (Operand(above, dL), Operand(*part.given))
    given, own = part.given[0], f"{part.given[0]}{part.columns}"
    terms = BACKWARD_TERMS[type(part.layer)](part, dL, above.text)
    steps = []
    for name, gradient in derivatives.parameters.items():
        symbol = sy.by(part.symbol(name))
        equation, latex, entry = GRADIENTS[type(part.layer)]
        steps.append(
            Step(
                "backward", level, symbol,
                f"{symbol} = {equation.format(above=above, h=own)}",
                f"{symbol.latex} = {latex.format(above=above.latex, h=given.latex)}", entry,
                f"{symbol.code} = {call}.parameters[{name!r}]", operands, np.asarray(gradient),
                tuple("ji"[: gradient.ndim]), "a sum over the batch", summands=terms[name],
                difference=differences.by_parameter(number, part.names[name]),
            )
        )  # fmt: skip
    note = "a code has no gradient" if isinstance(part.layer, CODES) else ""
    steps.append(
        Step(
            "backward", level, below, f"{below} from {above}", below.latex, "",
            f"{below.code} = {call}.dL_dh",
            (*operands, *(Operand(part.symbol(name), v) for name, v in part.p.items())),
            derivatives.dL_dh, ("n", "i"), note or f"back through the {part.layer.name} layer",
            summands=terms["h"], difference=_by_column(part, differences),
        )
    )  # fmt: skip
    return steps


GRADIENTS: dict[type, tuple[str, str, str]] = {
    Scale: ("Σ_n {above} ⊙ {h}", r"\sum_n {above} \odot {h}", "∂ℒ/∂s_j = Σ_n ∂ℒ/∂u_nj h_nj"),
    PiecewiseLinear: (
        "Σ_n PLE({h}) {above}ᵀ", r"\sum_n \mathrm{{PLE}}({h})\,{{{above}}}^T",
        "∂ℒ/∂V_jd = Σ_n PLE_j(x_n) ∂ℒ/∂e_nd",
    ),
    Embedding: (
        "Σ_n {above}, of the rows of each category", r"\sum_n {above}",
        "∂ℒ/∂E_c = Σ_n ∂ℒ/∂u_n over the rows n of category c",
    ),
    EmbeddingBag: (
        "Σ_n {above} / √(number of codes), of the rows with each code", r"\sum_n {above}",
        "∂ℒ/∂G_c = Σ_n ∂ℒ/∂u_n / √(number of codes of n) over the rows n with code c",
    ),
}  # fmt: skip

CODES = (Embedding, EmbeddingBag)
Terms = dict[str, Callable[[Index], tuple[Term, ...]]]


def _identity_gradients(part: LayerPart, dL: Array, above: str) -> Terms:
    return {"h": lambda at: (product(Factor(above, at, float(dL[at]))),)}


def _scale_gradients(part: LayerPart, dL: Array, above: str) -> Terms:
    h, s, symbol = part.h, part.p["s"], part.symbol("s").text

    def terms_of_s(at: Index) -> tuple[Term, ...]:
        entries = [(n, at[0]) for n in range(len(h))]
        return tuple(product(Factor(above, e, float(dL[e])), part.factor(*e)) for e in entries)

    def terms_of_h(at: Index) -> tuple[Term, ...]:
        return (product(Factor(symbol, at[1:], float(s[at[1]])), Factor(above, at, float(dL[at]))),)

    return {"s": terms_of_s, "h": terms_of_h}


def _piecewise_gradients(part: LayerPart, dL: Array, above: str) -> Terms:
    h, V, symbol = part.h, part.p["V"], part.symbol("V").text
    layer: PiecewiseLinear = part.layer

    def terms_of_V(at: Index) -> tuple[Term, ...]:
        column = int(np.searchsorted(layer.starts, at[0], side="right")) - 1
        j, k = at[0] - layer.starts[column], column * (1 + layer.n_units) + 1 + at[1]
        ple = layer.bins(column, h[:, column])[0][:, j]
        return tuple(
            product(Factor(above, (n, k), float(dL[n, k])), Factor(
                f"PLE_{j}({part.factor(n, column)})", None, float(ple[n])))
            for n in range(len(h)) if ple[n] != 0
        ) or NOTHING  # fmt: skip

    def terms_of_h(at: Index) -> tuple[Term, ...]:
        n, column = at
        x, k = h[n : n + 1, column], column * (1 + layer.n_units)
        slope = float((1 + (x[0] / layer.clip) ** 2) ** -1.5)
        terms = [product(Factor(above, (n, k), float(dL[n, k])), Factor("x̃′", None, slope))]
        dple, begin = layer.bins(column, x)[1][0], layer.starts[column]
        for j in np.flatnonzero(dple):
            for d in range(layer.n_units):
                entry, row = (n, k + 1 + d), (begin + int(j), d)
                terms.append(
                    product(Factor(above, entry, float(dL[entry])),
                    Factor(symbol, row, float(V[row])), Factor(f"PLE′_{j}", None, float(dple[j])))
                )  # fmt: skip
        return tuple(terms)

    return {"V": terms_of_V, "h": terms_of_h}


def _embedding_gradients(part: LayerPart, dL: Array, above: str) -> Terms:
    layer: Embedding = part.layer

    def terms_of_E(at: Index) -> tuple[Term, ...]:
        places = np.argwhere(part.saved == at[0])
        entries = [(int(n), int(column) * layer.n_units + at[1]) for n, column in places]
        return tuple(product(Factor(above, e, float(dL[e]))) for e in entries) or NOTHING

    return {"E": terms_of_E, "h": lambda at: NOTHING}


def _bag_gradients(part: LayerPart, dL: Array, above: str) -> Terms:
    layer: EmbeddingBag = part.layer
    weights = layer.weights(part.saved, dL.dtype)

    def terms_of_G(at: Index) -> tuple[Term, ...]:
        found = []
        for n, text, _ in np.argwhere(part.saved == at[0]):
            entry = int(n), int(text) * layer.n_units + at[1]
            root = Factor("1/√n", None, float(weights[n, text, 0]))
            found.append(product(root, Factor(above, entry, float(dL[entry]))))
        return tuple(found) or NOTHING

    return {"G": terms_of_G, "h": lambda at: NOTHING}


BACKWARD_TERMS: dict[type, Callable[[LayerPart, Array, str], Terms]] = {
    Identity: _identity_gradients,
    Scale: _scale_gradients,
    PiecewiseLinear: _piecewise_gradients,
    Embedding: _embedding_gradients,
    EmbeddingBag: _bag_gradients,
}


def _by_column(part: LayerPart, differences: Differences) -> Difference | None:
    """Of ℒ by an input of the part; an edge of a bin is a kink. None for codes."""
    layer, number = part.layer, part.place.number
    if isinstance(layer, CODES):
        return None

    def at(index: Index) -> tuple[float, float] | None:
        h = differences.inputs[number].copy()
        entry = (index[0], part.first + index[1])
        edges = layer.edges[index[1]] if isinstance(layer, PiecewiseLinear) else ()

        def run() -> tuple[float, list[Array]]:
            loss, pieces = differences.run(number, h)
            return loss, [np.asarray(np.searchsorted(edges, h[entry])), *pieces]

        return derivative(h, entry, 1.0, run)

    return at
