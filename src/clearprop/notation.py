"""How quantities are written: the lecture's symbols as text, as LaTeX and as names in Python."""

from __future__ import annotations

from typing import NamedTuple

UP = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
DOWN = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Symbol(NamedTuple):
    """One quantity: "z⁽¹⁾", its LaTeX, and the variable that holds it in the lines of Python."""

    text: str
    latex: str
    code: str

    def __str__(self) -> str:
        return self.text


def sup(layer: int) -> str:
    """A layer number as the lecture writes it, ⁽¹⁾."""
    return f"⁽{str(layer).translate(UP)}⁾"


def layered(letter: str, layer: int, *, bold: bool = True) -> Symbol:
    """z⁽¹⁾ and the like; vectors are bold, matrices are not."""
    latex = rf"\mathbf{{{letter}}}" if bold else letter
    return Symbol(f"{letter}{sup(layer)}", rf"{latex}^{{({layer})}}", f"{letter}{layer}")


def z(layer: int) -> Symbol:
    return layered("z", layer)


def h(layer: int) -> Symbol:
    return layered("h", layer)


def W(layer: int) -> Symbol:
    return layered("W", layer, bold=False)


def b(layer: int) -> Symbol:
    return layered("b", layer)


def phi_of_z(layer: int) -> Symbol:
    """φ(z⁽ˡ⁾) where dropout makes h⁽ˡ⁾ of it."""
    return Symbol(f"φ(z{sup(layer)})", rf"\phi(\mathbf{{z}}^{{({layer})}})", f"phi_z{layer}")


def dphi(layer: int) -> Symbol:
    return Symbol(f"φ′(z{sup(layer)})", rf"\phi'(\mathbf{{z}}^{{({layer})}})", f"dphi{layer}")


def slope(layer: int) -> Symbol:
    """How much of φ each unit takes."""
    return layered("s", layer)


def dh_dz(layer: int) -> Symbol:
    """The diagonal of ∂h/∂z of units with slopes."""
    latex = rf"\frac{{\partial\mathbf{{h}}^{{({layer})}}}}{{\partial\mathbf{{z}}^{{({layer})}}}}"
    return Symbol(f"∂h{sup(layer)}/∂z{sup(layer)}", latex, f"dh_dz{layer}")


def parameter(name: str, number: int) -> Symbol:
    """A parameter of a layer of another kind than dense; number: of the layer, from 0."""
    latex = rf"\mathrm{{{name.replace('_', ' ')}}}_{{{number}}}"
    return Symbol(f"{name}⟨{number}⟩", latex, f"{name.replace('.', '_')}_{number}")


def part(symbol: Symbol, i: int) -> Symbol:
    """Part i of a quantity, what one of the layers side by side gives or is given."""
    text = f"{symbol.text}{str(i).translate(DOWN)}"
    return Symbol(text, rf"{{{symbol.latex}}}_{{[{i}]}}", f"{symbol.code}_{i}")


def mask(layer: int) -> Symbol:
    return layered("m", layer)


def by(symbol: Symbol, *, sample: bool = False) -> Symbol:
    """∂ℒ by a quantity; `sample`: of each sample's own loss ℒₙ, before the mean."""
    loss, latex = ("ℒₙ", r"\mathcal{L}_n") if sample else ("ℒ", r"\mathcal{L}")
    return Symbol(
        f"∂{loss}/∂{symbol.text}",
        rf"\frac{{\partial {latex}}}{{\partial {symbol.latex}}}",
        f"dL{'n' if sample else ''}_d{symbol.code}",
    )


X = Symbol("x", r"\mathbf{x}", "X")
T = Symbol("t", r"\mathbf{t}", "t")
Y_HAT = Symbol("ŷ", r"\hat{\mathbf{y}}", "y_hat")
E = Symbol("e", r"\mathbf{e}", "e")
S = Symbol("s", "s", "s")
SHARE = Symbol("a", "a", "a")
LOSSES = Symbol("ℒₙ", r"\mathcal{L}_n", "Ln")
LOSS = Symbol("ℒ", r"\mathcal{L}", "L")
DY_DZ = Symbol("∂ŷ/∂z", r"\frac{\partial\hat{\mathbf{y}}}{\partial\mathbf{z}}", "dy_dz")


def number(value: float) -> str:
    """A number with four or five digits."""
    value = float(value)
    if value == 0:
        return "0"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def counted(n: int, what: str, plural: str = "") -> str:
    """1 unit, 2 units."""
    return f"{n:,} {what if n == 1 else plural or what + 's'}"


def place(index: tuple[int, ...]) -> str:
    """An index as it follows a symbol: [0, 2]; nothing for a scalar."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as Python writes it: (3, 2), (3,)."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
