"""The decisions of a network on one row, with as many decimal digits as needed.

Numbers are intervals (lower, upper) of decimals, and each operation is rounded outwards. Python's
decimal module rounds +, −, ×, ÷ in the direction asked for, and exp to the nearest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from clearprop._typing import Array
from clearprop.activations import LEAKY_SLOPE
from clearprop.circuits.extraction.exact_network import Comparison, ExactLayer, ExactNetwork

DIGITS = (40, 160)
MANY_DIGITS = 400  # the last attempt with σ or tanh
EXACT_DIGITS = 1400  # enough for an exact sum of any float64


class Interval(NamedTuple):
    """A number that lies between `lower` and `upper`."""

    lower: Decimal
    upper: Decimal


class Rounding(NamedTuple):
    """The contexts that round down and up, with the same number of digits."""

    down: Context
    up: Context


LINEAR = ("identity", "relu", "leaky_relu")  # piecewise linear: digits are lost only by rounding
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


def decide_row(
    net: ExactNetwork, point: Array, *, hidden: bool
) -> tuple[list[list[bool]], list[bool]] | None:
    """The bits of the hidden units (if asked for) and of the outputs; None if undecided.

    With one hidden layer of logistic or tanh units, only a lack of digits can leave a row
    undecided: if the digits do not decide, equality is checked exactly (see `_equal`).
    """
    linear = all(layer.activation in (None, *LINEAR) for layer in net.layers)
    for digits in (*DIGITS, EXACT_DIGITS if linear else MANY_DIGITS):
        found = _decide(net, point, _rounding(digits), hidden, equal=digits > DIGITS[0])
        if found is not None:
            return found
    return None


def _rounding(digits: int) -> Rounding:
    return Rounding(_context(digits, ROUND_FLOOR), _context(digits, ROUND_CEILING))


def _context(digits: int, rounding: str) -> Context:
    return Context(digits, rounding, MIN_EMIN, MAX_EMAX, traps=[])


def _decide(
    net: ExactNetwork, point: Array, r: Rounding, hidden: bool, *, equal: bool
) -> tuple[list[list[bool]], list[bool]] | None:
    h = _exactly(point)
    bits: list[list[bool]] = []
    for layer in net.layers:
        z = _affine(layer, h, r)
        if layer.activation is None:
            break
        if hidden:
            signs = [_above(number, or_equal=False) for number in z]
            if any(sign is None for sign in signs):
                return None
            bits.append([bool(sign) for sign in signs])
        h = [_phi(layer.activation, number, r) for number in z]
    outputs = []
    for comparisons in net.outputs:
        answers: list[bool | None] = []
        for c in comparisons:
            value = _minus(z[c.plus], Interval(*[Decimal(c.threshold)] * 2), r)
            if c.minus is not None:
                value = _minus(value, z[c.minus], r)
            answer = _above(value, or_equal=c.or_equal)
            if answer is None and equal and _equal(net, point, c):
                answer = c.or_equal
            answers.append(answer)
        if None in answers and False not in answers:
            return None
        outputs.append(False not in answers)
    return bits, outputs


def _exactly(point: Array) -> list[Interval]:
    return [Interval(Decimal(x), Decimal(x)) for x in point.tolist()]


def _affine(layer: ExactLayer, h: Sequence[Interval], r: Rounding) -> list[Interval]:
    z = []
    for weights, b in zip(layer.W.tolist(), layer.b.tolist(), strict=True):
        lower = upper = Decimal(b)
        for w, x in zip(weights, h, strict=True):
            if w != 0 and (x.lower != 0 or x.upper != 0):
                factor = Decimal(w)
                small, large = (x.lower, x.upper) if w > 0 else (x.upper, x.lower)
                lower = r.down.add(lower, r.down.multiply(factor, small))
                upper = r.up.add(upper, r.up.multiply(factor, large))
        z.append(Interval(lower, upper))
    return z


def _minus(a: Interval, b: Interval, r: Rounding) -> Interval:
    return Interval(r.down.subtract(a.lower, b.upper), r.up.subtract(a.upper, b.lower))


def _above(x: Interval, *, or_equal: bool) -> bool | None:
    """Whether x > 0 (x ≥ 0 if `or_equal`); None if the interval does not decide."""
    if x.lower > 0 or (or_equal and x.lower >= 0):
        return True
    if x.upper < 0 or (not or_equal and x.upper <= 0):
        return False
    return None


def _phi(activation: str, z: Interval, r: Rounding) -> Interval:
    """φ of an interval; all these activations are increasing."""
    if activation == "identity":
        return z
    if activation == "relu":
        return Interval(max(z.lower, ZERO), max(z.upper, ZERO))
    if activation == "leaky_relu":
        slope = Decimal(LEAKY_SLOPE)
        lower = z.lower if z.lower > 0 else r.down.multiply(slope, z.lower)
        upper = z.upper if z.upper > 0 else r.up.multiply(slope, z.upper)
        return Interval(lower, upper)
    if activation == "logistic":
        return Interval(_sigmoid(z.lower, r.down, r.up), _sigmoid(z.upper, r.up, r.down))
    lower = r.down.multiply(TWO, z.lower)  # tanh(z) = 2σ(2z) − 1
    upper = r.up.multiply(TWO, z.upper)
    return Interval(
        r.down.subtract(r.down.multiply(TWO, _sigmoid(lower, r.down, r.up)), ONE),
        r.up.subtract(r.up.multiply(TWO, _sigmoid(upper, r.up, r.down)), ONE),
    )


def _sigmoid(z: Decimal, towards: Context, against: Context) -> Decimal:
    """1 / (1 + e^−z), rounded in the direction of `towards`."""
    e = against.exp(-z)
    e = against.next_plus(e) if against.rounding == ROUND_CEILING else against.next_minus(e)
    return towards.divide(ONE, against.add(ONE, max(e, ZERO)))


def _equal(net: ExactNetwork, point: Array, c: Comparison) -> bool:
    """Whether the two sides of a comparison are equal, for one hidden layer of logistic or tanh.

    With σ(−a) = 1 − σ(a), the difference is a constant plus a sum of terms c_a σ(a) for different
    a > 0. It is 0 only if the constant and all c_a are 0: since the a are rational, the sum is a
    rational function of e^(1/q). That number is transcendental, so the function would have to be 0
    everywhere; but the term of the largest a has a pole that no other term has.
    """
    hidden = net.layers[0].activation
    if len(net.layers) != 2 or hidden not in ("logistic", "tanh"):
        return False
    z = _affine(net.layers[0], _exactly(point), _rounding(EXACT_DIGITS))
    if any(number.lower != number.upper for number in z):
        return False
    last = net.layers[1]
    weights = [Fraction(w) for w in last.W[c.plus].tolist()]
    constant = Fraction(float(last.b[c.plus])) - Fraction(c.threshold)
    if c.minus is not None:
        weights = [w - Fraction(v) for w, v in zip(weights, last.W[c.minus].tolist(), strict=True)]
        constant -= Fraction(float(last.b[c.minus]))
    terms: defaultdict[Decimal, Fraction] = defaultdict(Fraction)
    for w, number in zip(weights, z, strict=True):
        a = number.lower
        if hidden == "logistic":
            if a < 0:
                constant += w
            elif a == 0:
                constant += w / 2
        if a != 0:
            terms[abs(a)] += w if a > 0 else -w
    return constant == 0 and not any(terms.values())
