"""Activations: φ and φ′ side by side, elementwise, in one table.

A hidden layer computes h = φ(z). Back-propagation multiplies by φ′(z), which is written from z
and from h = φ(z), whichever is simpler. Every pair keeps the dtype of z, gives no warning, and is
right for huge and infinite z. At a kink φ′ is the derivative from the left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy import special

from clearprop._typing import Array
from clearprop.limits import shown_value


@dataclass(frozen=True)
class Activation:
    """An activation function with its derivative: h = φ(z) and ∂h/∂z = φ′(z).

    name: what the user writes, and what a model file holds.
    phi: φ, from z of any shape to h of the same shape.
    dphi: φ′, from z and h = φ(z) to an array of the same shape.
    kinks: the points where φ′ or φ″ jumps, so that a gradient check can step over them.
    initializer: the name of the scheme by which initializer="auto" draws weights for this φ.
    formula, slope: φ and φ′ as text and as LaTeX, for explanations.

    A custom record may have any name; it never replaces the record of that name in
    :data:`ACTIVATIONS`.
    """

    name: str
    phi: Callable[[Array], Array]
    dphi: Callable[[Array, Array], Array]
    kinks: tuple[float, ...] = ()
    initializer: str = "glorot_uniform"
    formula: tuple[str, str] = ("", "")
    slope: tuple[str, str] = ("", "")


# Beyond this |z| the tails below are exactly 0 (or 1) in float32 and float64; clipping z there
# changes no result and keeps ∞·0 out.
FAR = 1000.0
LEAKY_SLOPE = 0.01
ELU_ALPHA = 1.0
# Klambauer et al. 2017: the fixed point of mean 0 and variance 1.
SELU_C = 1.6732632423543772
SELU_LAMBDA = 1.0507009873554805


def sigmoid(z: npt.ArrayLike) -> Array:
    """The logistic function σ(z) = 1 / (1 + e^−z), elementwise, without overflow.

    z: any shape; integers are taken as float64. Returns values in [0, 1] of the same shape.
    """
    s: Array = special.expit(_floating(z))
    return s


def softplus(z: npt.ArrayLike) -> Array:
    """log(1 + e^z), elementwise, without overflow; the integral of the sigmoid.

    z: any shape; integers are taken as float64. Returns values ≥ 0 of the same shape.
    """
    z = _floating(z)
    h: Array = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    return h


def _floating(z: npt.ArrayLike) -> Array:
    z = np.asarray(z)
    return z if np.issubdtype(z.dtype, np.floating) else z.astype(np.float64)


# ---------------------------------------------------------------------------- φ(z) = z, φ′(z) = 1


def _identity(z: Array) -> Array:
    return z.copy()


def _d_identity(z: Array, h: Array) -> Array:
    return np.ones_like(z)


# ------------------------------------------------------------- φ(z) = σ(z), φ′(z) = φ(z)(1 − φ(z))


def _d_logistic(z: Array, h: Array) -> Array:
    dh_dz: Array = h * (1 - h)
    return dh_dz


# ------------------------------------------------------------- φ(z) = tanh(z), φ′(z) = 1 − φ(z)²


def _tanh(z: Array) -> Array:
    return np.tanh(z)


def _d_tanh(z: Array, h: Array) -> Array:
    return 1 - h * h


# ------------------------------------------------------------ φ(z) = max(z, 0), φ′(z) = 1 if z > 0


def _relu(z: Array) -> Array:
    return np.maximum(z, 0)


def _d_relu(z: Array, h: Array) -> Array:
    return (z > 0).astype(z.dtype)


# ------------------------------------------------------------- φ(z) = z if z > 0 else 0.01 z


def _leaky_relu(z: Array) -> Array:
    return np.where(z > 0, z, LEAKY_SLOPE * z)


def _d_leaky_relu(z: Array, h: Array) -> Array:
    return np.where(z > 0, 1.0, LEAKY_SLOPE).astype(z.dtype)


# ------------------------------------------------------- φ(z) = z if z > 0 else e^z − 1


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, ELU_ALPHA * np.expm1(np.minimum(z, 0)))


def _d_elu(z: Array, h: Array) -> Array:
    return np.where(z > 0, 1, ELU_ALPHA * np.exp(np.minimum(z, 0)))


# ------------------------------------------------------- φ(z) = λ(z if z > 0 else c(e^z − 1))


def _selu(z: Array) -> Array:
    return SELU_LAMBDA * np.where(z > 0, z, SELU_C * np.expm1(np.minimum(z, 0)))


def _d_selu(z: Array, h: Array) -> Array:
    return SELU_LAMBDA * np.where(z > 0, 1, SELU_C * np.exp(np.minimum(z, 0)))


# ------------------------- φ(z) = z Φ(z), φ′(z) = Φ(z) + z e^(−z²/2) / √(2π), Φ the normal c.d.f.


def _gelu(z: Array) -> Array:
    cdf: Array = special.ndtr(z)
    h: Array = np.maximum(z, -FAR) * cdf
    return h


def _d_gelu(z: Array, h: Array) -> Array:
    z = np.clip(z, -FAR, FAR)
    cdf: Array = special.ndtr(z)
    dh_dz: Array = cdf + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return dh_dz


# ------------------------------------------------- φ(z) = z σ(z), φ′(z) = σ(z)(1 + z(1 − σ(z)))


def _silu(z: Array) -> Array:
    h: Array = np.maximum(z, -FAR) * sigmoid(z)
    return h


def _d_silu(z: Array, h: Array) -> Array:
    z = np.clip(z, -FAR, FAR)
    s = sigmoid(z)
    dh_dz: Array = s * (1 + z * (1 - s))
    return dh_dz


# ------------- φ(z) = z tanh(s), φ′(z) = tanh(s) + z (1 − tanh²(s)) σ(z), with s = log(1 + e^z)


def _mish(z: Array) -> Array:
    return np.maximum(z, -FAR) * np.tanh(softplus(z))


def _d_mish(z: Array, h: Array) -> Array:
    z = np.clip(z, -FAR, FAR)
    w = np.tanh(softplus(z))
    dh_dz: Array = w + z * (1 - w * w) * sigmoid(z)
    return dh_dz


# ------------------------------------------- φ(z) = min(max(z, −1), 1), φ′(z) = 1 if −1 < z ≤ 1


def _hardtanh(z: Array) -> Array:
    return np.clip(z, -1, 1)


def _d_hardtanh(z: Array, h: Array) -> Array:
    return ((z > -1) & (z <= 1)).astype(z.dtype)


# ------------------ φ(z) = z min(max(z + 3, 0), 6) / 6, φ′(z) = (2z + 3) / 6 between −3 and 3


def _hardswish(z: Array) -> Array:
    h: Array = np.maximum(z, -FAR) * (np.clip(z + 3, 0, 6) / 6)
    return h


def _d_hardswish(z: Array, h: Array) -> Array:
    z = np.clip(z, -FAR, FAR)
    return np.where(z <= -3, 0, np.where(z <= 3, (2 * z + 3) / 6, 1))


# ------------------------------------------------ φ(z) = z / (1 + |z|), φ′(z) = 1 / (1 + |z|)²


def _softsign(z: Array) -> Array:
    largest = np.finfo(z.dtype).max  # φ(∞) = 1, not ∞/∞
    z = np.clip(z, -largest, largest)
    h: Array = z / (1 + np.abs(z))
    return h


def _d_softsign(z: Array, h: Array) -> Array:
    r: Array = 1 / (1 + np.abs(z))
    return r * r


# -------------------------------------------------------- φ(z) = log(1 + e^z), φ′(z) = σ(z)


def _d_softplus(z: Array, h: Array) -> Array:
    return sigmoid(z)


HE, LECUN = "he_normal", "lecun_normal"
_TABLE = (
    Activation(
        "identity", _identity, _d_identity, formula=("z", "z"), slope=("1", "1")
    ),
    Activation(
        "logistic", sigmoid, _d_logistic,
        formula=("1/(1 + e⁻ᶻ)", r"\frac{1}{1+e^{-z}}"), slope=("h (1 − h)", "h(1-h)"),
    ),
    Activation(
        "tanh", _tanh, _d_tanh, formula=("tanh z", r"\tanh z"), slope=("1 − h²", "1-h^2")
    ),
    Activation(
        "relu", _relu, _d_relu, (0.0,), HE, formula=("max(0, z)", r"\max(0, z)"),
        slope=("1 if z > 0, else 0", r"1 \text{ if } z>0 \text{, else } 0"),
    ),
    Activation(  # Maas et al. 2013
        "leaky_relu", _leaky_relu, _d_leaky_relu, (0.0,), HE,
        formula=("max(0.01 z, z)", r"\max(0.01\,z, z)"),
        slope=("1 if z > 0, else 0.01", r"1 \text{ if } z>0 \text{, else } 0.01"),
    ),
    Activation(  # Clevert et al. 2016; φ″ jumps
        "elu", _elu, _d_elu, (0.0,), HE,
        formula=("z if z > 0, else eᶻ − 1", r"z \text{ if } z > 0 \text{, else } e^z - 1"),
        slope=("1 if z > 0, else eᶻ", r"1 \text{ if } z>0 \text{, else } e^z"),
    ),
    Activation(  # Klambauer et al. 2017
        "selu", _selu, _d_selu, (0.0,), LECUN,
        formula=("λz if z > 0, else λc(eᶻ − 1)", r"\lambda\,\{z,\ c(e^z - 1)\}"),
        slope=("λ if z > 0, else λc eᶻ", r"\lambda\,\{1,\ c\,e^z\}"),
    ),
    Activation(  # Hendrycks & Gimpel 2016, the exact form
        "gelu", _gelu, _d_gelu, (), HE, formula=("z Φ(z)", r"z\,\Phi(z)"),
        slope=("Φ(z) + z Φ′(z)", r"\Phi(z)+z\,\Phi'(z)"),
    ),
    Activation(  # Elfwing et al. 2018; "swish"
        "silu", _silu, _d_silu, (), HE, formula=("z σ(z)", r"z\,\sigma(z)"),
        slope=("σ(z) (1 + z (1 − σ(z)))", r"\sigma(z)(1+z(1-\sigma(z)))"),
    ),
    Activation(  # Misra 2019
        "mish", _mish, _d_mish, (), HE,
        formula=("z tanh(log(1 + eᶻ))", r"z\tanh(\log(1+e^z))"),
        slope=(
            "w + z (1 − w²) σ(z), w = tanh(log(1 + eᶻ))",
            r"w+z(1-w^2)\sigma(z),\ w=\tanh(\log(1+e^z))",
        ),
    ),
    Activation(  # Collobert 2004
        "hardtanh", _hardtanh, _d_hardtanh, (-1.0, 1.0),
        formula=("min(max(z, −1), 1)", r"\min(\max(z, -1), 1)"),
        slope=("1 if −1 < z ≤ 1, else 0", r"1 \text{ if } -1<z\le1 \text{, else } 0"),
    ),
    Activation(  # Howard et al. 2019 (MobileNetV3)
        "hardswish", _hardswish, _d_hardswish, (-3.0, 3.0), HE,
        formula=("z min(max(z + 3, 0), 6) / 6", r"\tfrac16\,z\min(\max(z+3, 0), 6)"),
        slope=(
            "(2z + 3)/6 if −3 < z ≤ 3, 0 below, 1 above",
            r"\tfrac16(2z+3) \text{ if } -3<z\le3 \text{, 0 below, 1 above}",
        ),
    ),
    Activation(  # Bergstra et al. 2009; φ″ jumps
        "softsign", _softsign, _d_softsign, (0.0,), formula=("z / (1 + |z|)", r"\frac{z}{1+|z|}"),
        slope=("1 / (1 + |z|)²", r"\frac{1}{(1+|z|)^2}"),
    ),
    Activation(  # Dugas et al. 2001
        "softplus", softplus, _d_softplus, formula=("log(1 + eᶻ)", r"\log(1+e^z)"),
        slope=("σ(z)", r"\sigma(z)"),
    ),
)  # fmt: skip
ACTIVATIONS: Mapping[str, Activation] = MappingProxyType({each.name: each for each in _TABLE})


def get_activation(activation: str | Activation, argument: str = "hidden") -> Activation:
    """The activation of that name, or the given record itself.

    argument: the name of the user's argument, for the error message.
    Raises ValueError for an unknown name and TypeError for anything but a name or an Activation.
    """
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(
            f"{argument} must be the name of an activation or an Activation, got {activation!r}"
        )
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"{argument}: unknown activation {shown_value(activation)}; "
            f"choose from {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[activation]


def activation_jacobian(activation: str | Activation, z: npt.ArrayLike) -> Array:
    """The Jacobian ∂h/∂z = diag(φ′(z)) of a layer of units (lecture: diag{∂h_j/∂z_j}).

    z: (H,) for one sample or (N, H) for a batch. Returns (H, H) or (N, H, H).
    Raises ValueError for z of another number of dimensions.
    """
    record = get_activation(activation, argument="activation")
    z = _floating(z)
    if z.ndim not in (1, 2):
        raise ValueError(f"z must have shape (H,) or (N, H), got {z.shape}")
    dh_dz = record.dphi(z, record.phi(z))
    units = np.arange(z.shape[-1])
    jacobian = np.zeros((*z.shape, z.shape[-1]), dtype=dh_dz.dtype)
    jacobian[..., units, units] = dh_dz
    return jacobian
