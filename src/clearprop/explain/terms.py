"""The terms of a step as data: sums of products of entries, written once for Python and the page.

The entry z_nj is a `Sum` over i of `TermForm((Of("W1", "ji"), Of("X", "ni")))`, and b_j. What is no
product has a form, "φ({0})", and a value, which is an entry of another array.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.notation import number, place

Index: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Factor:
    """One number of a term: an entry of an operand, or a plain number.

    index: None for a number that is not an entry of an operand, such as the 1 beside a bias.
    """

    symbol: str
    index: Index | None
    value: float

    def __str__(self) -> str:
        return self.symbol + ("" if self.index is None else place(self.index))


@dataclass(frozen=True)
class Term:
    """One summand of an entry: its text, its factors, and its value (float64)."""

    text: str
    factors: tuple[Factor, ...]
    value: float

    def __str__(self) -> str:
        numbers = ", ".join(f"{factor} = {number(factor.value)}" for factor in self.factors)
        return f"{self.text} = {number(self.value)}" + (f"   ({numbers})" if numbers else "")


def product(*factors: Factor) -> Term:
    """The term that multiplies these numbers."""
    return Term(" · ".join(map(str, factors)), factors, math.prod(f.value for f in factors))


def single(text: str, value: float, *factors: Factor) -> tuple[Term, ...]:
    """The terms of an entry that is not a sum."""
    return (Term(text, factors, value),)


# ---- the same as data ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Of:
    """An entry of an array: the array's name in the code, and a letter for each axis.

    index: n for samples; i, j, k for units; 0 for the first place; m for the place of the largest
    entry of its row. text: for a number beside the operands, its text, with {n} for an index.
    """

    array: str
    index: str = ""
    text: str = ""


@dataclass(frozen=True)
class TermForm:
    """A term before its indices have values.

    form: its text, with {0}, {1} for the factors; "" for their product. value: the entry that has
    its value; None for the product of the factors. sign: of the product. zero: the product is 0
    wherever the first factor is 0, even if the other one is infinite.
    """

    factors: tuple[Of, ...]
    form: str = ""
    value: Of | None = None
    sign: int = 1
    zero: bool = False


@dataclass(frozen=True)
class Sum:
    """Terms that are repeated for each value of the index `over`; "" for terms that are not."""

    over: str
    terms: tuple[TermForm, ...]


@dataclass(frozen=True, eq=False)
class Helper:
    """An array that only terms need. function: what computes it, and from which arrays."""

    name: str
    value: Array
    function: tuple[str, ...] = ()


ONE = Helper("1", np.ones(()))


def times(*factors: Of, sign: int = 1, zero: bool = False) -> TermForm:
    """The product of these entries."""
    return TermForm(factors, sign=sign, zero=zero)


def function_of(form: str, value: Of, *factors: Of) -> tuple[Sum, ...]:
    """An entry that is not a sum: its text, where its value is, and the entries it is made of."""
    return (Sum("", (TermForm(factors, form, value),)),)


def expand(
    sums: tuple[Sum, ...], at: Mapping[str, int], arrays: Mapping[str, tuple[str, Array]]
) -> tuple[Term, ...]:
    """The terms with their numbers.

    at: the value of each letter. arrays: the symbol and the value of each array, by its name.
    """
    return tuple(
        _term(form, here, arrays)
        for each in sums
        for here in _places(each, at, arrays)
        for form in each.terms
    )


def _places(
    each: Sum, at: Mapping[str, int], arrays: Mapping[str, tuple[str, Array]]
) -> Iterator[Mapping[str, int]]:
    if not each.over:
        yield at
        return
    factor = next(f for form in each.terms for f in form.factors if each.over in f.index)
    for i in range(arrays[factor.array][1].shape[factor.index.index(each.over)]):
        yield {**at, each.over: i}


def _term(form: TermForm, at: Mapping[str, int], arrays: Mapping[str, tuple[str, Array]]) -> Term:
    factors = tuple(_factor(of, at, arrays) for of in form.factors)
    texts = [str(factor) for factor in factors]
    if form.form:
        text = form.form.format(*texts, **at)
    else:
        text = ("−" if form.sign < 0 else "") + " · ".join(texts)
    if form.value is not None:
        value = _factor(form.value, at, arrays).value
    elif form.zero and factors[0].value == 0:
        value = 0.0
    else:
        value = math.prod((factor.value for factor in factors), start=form.sign)
    return Term(text, factors, float(value))


def _factor(of: Of, at: Mapping[str, int], arrays: Mapping[str, tuple[str, Array]]) -> Factor:
    symbol, array = arrays[of.array]
    index: Index = ()
    for letter in of.index:
        if letter == "m":
            index += (int(array[index].argmax()),)
        else:
            index += (0 if letter == "0" else at[letter],)
    value = float(array[index])
    return Factor(of.text.format(**at), None, value) if of.text else Factor(symbol, index, value)
