"""The records of an explanation: a step of the computation, its operands and checks."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, SupportsIndex, TypeAlias, overload

import numpy as np

from clearprop._typing import Array
from clearprop.explain.terms import Helper, Index, Sum, Term, expand, single
from clearprop.gradient_check import RESOLUTION
from clearprop.notation import Symbol, place

# For an entry of the result: its derivative by the five-point rule and the round-off; None at a
# kink of ℒ.
Difference: TypeAlias = Callable[[Index], tuple[float, float] | None]


@dataclass(frozen=True, eq=False)
class Operand:
    """An input of a step: its symbol and its value, an array with any number of axes."""

    symbol: Symbol
    value: Array

    @property
    def name(self) -> str:
        return self.symbol.text


@dataclass(frozen=True)
class Check:
    """An entry beside the same number computed in a different way.

    expected: a five-point difference for a derivative, otherwise the exact sum of the entry's
    terms; `method` says which. ok: whether they agree to `tolerance`; None if ℒ has a kink at this
    point, so that there is no derivative to compare with.
    """

    entry: str
    value: float
    expected: float
    relative_error: float
    tolerance: float
    method: str
    ok: bool | None

    def __str__(self) -> str:
        if self.ok is None:
            return f"{self.entry} = {self.value:.10g}; a kink is too near to check it"
        verdict = "agrees" if self.ok else "DOES NOT AGREE"
        return (
            f"{self.entry} = {self.value:.10g}, {self.method} {self.expected:.10g}: {verdict}, "
            f"relative error {self.relative_error:.1e}"
        )


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the computation.

    equation, latex: the equation in the lecture's symbols. entry: the equation of one entry of the
    result; `axes` names its axes (n for samples; i, j and k for units). code: the line of Python
    that computes the result. note: a remark. layer: l, or None. operands, result: the numbers.
    summands: the terms of an entry, as data or as a function of its index; none if it is not a sum.
    helpers: further arrays that the terms need, such as the value of a function.
    function: what computes a result that is not the sum of its terms, and from which arrays:
    ("phi", "z1"). derivative: of what it is the derivative, and by what: ("L", "W1").
    """

    direction: str
    layer: int | None
    symbol: Symbol
    equation: str
    latex: str
    entry: str
    code: str
    operands: tuple[Operand, ...]
    result: Array
    axes: tuple[str, ...]
    note: str = ""
    number: int = 0
    summands: tuple[Sum, ...] | Callable[[Index], tuple[Term, ...]] = field(default=(), repr=False)
    helpers: tuple[Helper, ...] = field(default=(), repr=False)
    function: tuple[str, ...] = ()
    derivative: tuple[str, str] | None = None
    difference: Difference | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The symbol of the result, "z⁽¹⁾"."""
        return self.symbol.text

    @property
    def shape(self) -> tuple[int, ...]:
        return self.result.shape

    def terms(self, index: int | Sequence[int] = ()) -> tuple[Term, ...]:
        """The terms that add up to result[index], up to rounding.

        Raises IndexError if the result has no such index.
        """
        at = self._index(index)
        if callable(self.summands):
            return self.summands(at)
        if not self.summands:
            return single(f"{self.name}{place(at)}", float(self.result[at]))
        arrays = {o.symbol.code: (o.name, o.value) for o in self.operands}
        arrays |= {helper.name: (helper.name, helper.value) for helper in self.helpers}
        return expand(self.summands, dict(zip(self.axes, at, strict=True)), arrays)

    def check(self, index: int | Sequence[int] = ()) -> Check:
        """Compare result[index] with a finite difference if it is a derivative, else its terms.

        The difference is computed in float64 (:func:`clearprop.gradient_check.derivative`); for a
        network in float32, the two agree if they agree to √eps, 3.5·10⁻⁴.
        """
        at = self._index(index)
        entry, value = f"{self.name}{place(at)}", float(self.result[at])
        eps = float(np.finfo(self.result.dtype).eps)
        if self.difference is None:
            terms = [term.value for term in self.terms(at)]
            size = math.fsum(map(abs, terms))
            expected = math.fsum(terms)
            error = abs(value - expected) / size if size else abs(value - expected)
            tolerance = (len(terms) + 4) * eps  # a sum of n products, and a function or two
            return Check(entry, value, expected, error, tolerance, "the sum of its terms",
                         error <= tolerance)  # fmt: skip
        tolerance = 1e-7 if self.result.dtype == np.float64 else math.sqrt(eps)
        method = "by a finite difference"
        with np.errstate(all="ignore"):
            found = self.difference(at)
        if found is None:
            return Check(entry, value, math.nan, math.nan, tolerance, method, None)
        expected, noise = found
        largest = float(np.abs(self.result).max())
        scale = max(abs(value), abs(expected), largest / 1000, noise / RESOLUTION)
        error = abs(value - expected) / scale if scale else 0.0
        return Check(entry, value, expected, error, tolerance, method, error <= tolerance)

    def to_document(self) -> dict[str, Any]:
        """The step as JSON values; arrays as nested lists."""
        return {
            "number": self.number,
            "direction": self.direction,
            "layer": self.layer,
            "name": self.name,
            "equation": self.equation,
            "latex": self.latex,
            "entry": self.entry,
            "code": self.code,
            "note": self.note,
            "axes": list(self.axes),
            "shape": list(self.shape),
            "operands": [
                {"name": o.name, "shape": list(o.value.shape), "value": o.value.tolist()}
                for o in self.operands
            ],
            "result": self.result.tolist(),
        }

    def _index(self, index: int | Sequence[int]) -> Index:
        given = (index,) if isinstance(index, SupportsIndex) else tuple(index)
        at = tuple(operator.index(i) for i in given)
        if len(at) != self.result.ndim or any(
            not 0 <= i < n for i, n in zip(at, self.shape, strict=True)
        ):
            raise IndexError(f"{self.name} has shape {self.shape}; there is no entry {list(at)}")
        return at

    def __str__(self) -> str:
        from clearprop.explain.show_text import plain

        return plain(self)

    def __rich__(self) -> Any:
        from clearprop.explain.show_text import step_text

        return step_text(self)

    def _repr_html_(self) -> str:
        from clearprop.explain.show_html import step_html
        from clearprop.notebook.html import page

        return page(step_html(self))


@dataclass(frozen=True, eq=False)
class Explanation(Sequence[Step]):
    """The whole computation, step by step, in the lecture's order: forward, then backward.

    A sequence. A step can also be found by its symbol or its name in the code:
    explanation["z⁽¹⁾"], explanation["dL_dW1"].
    """

    steps: tuple[Step, ...]
    preamble: str
    loss: float | None

    @overload
    def __getitem__(self, key: int | str) -> Step: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Step | tuple[Step, ...]:
        if not isinstance(key, str):
            return self.steps[key]
        for step in self.steps:
            if key in (step.name, step.symbol.code):
                return step
        names = ", ".join(step.name for step in self.steps)
        raise KeyError(f"there is no step {key!r}; the steps are {names}")

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def code(self) -> str:
        """Python code that computes every step from `net`, `X` and `t`, with one variable each."""
        return "\n".join([self.preamble, *(step.code for step in self.steps)]) + "\n"

    def latex(self) -> str:
        """The equations, one below the other, as a LaTeX aligned environment."""
        lines = " \\\\\n".join("  " + step.latex.replace(" = ", " &= ", 1) for step in self.steps)
        return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"

    def to_document(self) -> dict[str, Any]:
        """All steps as JSON values."""
        return {"loss": self.loss, "steps": [step.to_document() for step in self.steps]}

    def __repr__(self) -> str:
        return f"Explanation({', '.join(step.name for step in self.steps)})"

    def __str__(self) -> str:
        from clearprop.explain.show_text import plain

        return plain(self)

    def __rich__(self) -> Any:
        from clearprop.explain.show_text import explanation_text

        return explanation_text(self)

    def _repr_html_(self) -> str:
        from clearprop.explain.show_html import explanation_html
        from clearprop.notebook.html import page

        return page(explanation_html(self))
