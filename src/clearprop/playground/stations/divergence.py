"""Station 1: the distance between two distributions, and binary cross-entropy as a special case."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import rel_entr, xlogy

from clearprop._typing import Array
from clearprop.divergences import binary_cross_entropy, cross_entropy, entropy, kl_divergence
from clearprop.playground.code import listed, script
from clearprop.playground.settings import Numbers, OneNumber, change, check, setting

WHOLE = 1000  # distributions are kept in thousandths, which add up exactly
THOUSANDTHS = OneNumber("thousandths", 0, WHOLE, 1, whole=True)
CURVE_POINTS = 201


@dataclass(frozen=True)
class Divergence:
    """q and p in thousandths; a label t, or its probability, and a prediction ŷ."""

    q: tuple[int, ...] = setting((600, 300, 100), Numbers("q, the data", THOUSANDTHS, 2, 8))
    p: tuple[int, ...] = setting((200, 300, 500), Numbers("p, the model", THOUSANDTHS, 2, 8))
    t: float = setting(1.0, OneNumber("t, the label", 0, 1, 0.01))
    y_hat: float = setting(0.7, OneNumber("ŷ, the prediction", 0, 1, 0.01))

    def __post_init__(self) -> None:
        check(self)
        for name in ("q", "p"):
            total = sum(getattr(self, name))
            if total != WHOLE:
                raise ValueError(f"{name} must add up to {WHOLE} thousandths; got {total}")
        if len(self.q) != len(self.p):
            raise ValueError(
                f"q and p must have equally many entries; got {len(self.q)} and {len(self.p)}"
            )


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "Two different distributions": {"q": (600, 300, 100), "p": (200, 300, 500)},
    "The same: KL is 0": {"q": (250, 500, 250), "p": (250, 500, 250)},
    "An observed label: H(Q) is 0": {"q": (0, 1000, 0), "p": (200, 700, 100)},
    "P gives 0 to something that happens: KL is infinite": {
        "q": (500, 400, 100),
        "p": (600, 400, 0),
    },
}


def drag(settings: Divergence, which: object, index: object, to: object) -> Divergence:
    """Set one bar to a number of thousandths; the others keep their proportions in the rest.

    which: "q" or "p". The numbers are rounded so that they add up (largest remainders first).
    """
    if which not in ("q", "p"):
        raise ValueError(f"which must be 'q' or 'p'; got {str(which)[:60]!r}")
    old: tuple[int, ...] = getattr(settings, str(which))
    k = int(OneNumber("index", 0, len(old) - 1, whole=True).check("index", index))
    target = int(THOUSANDTHS.check("to", to))
    weights = np.array(old, dtype=float)
    weights[k] = 0
    if weights.sum() == 0:
        weights = np.where(np.arange(len(old)) == k, 0.0, 1.0)
    shares = weights / weights.sum() * (WHOLE - target)
    parts = np.floor(shares).astype(int)
    missing = WHOLE - target - int(parts.sum())
    parts[np.argsort(parts - shares, kind="stable")[:missing]] += 1
    parts[k] = target
    return change(settings, {str(which): tuple(parts.tolist())})


def resize(settings: Divergence, n: object) -> Divergence:
    """Another number of outcomes: new outcomes get 0, and the last gets the removed probability."""
    length = int(OneNumber("n", 2, 8, whole=True).check("n", n))

    def resized(old: tuple[int, ...]) -> tuple[int, ...]:
        kept = [*old[:length], *[0] * (length - len(old))]
        kept[length - 1] += WHOLE - sum(kept)
        return tuple(kept)

    return dataclasses.replace(settings, q=resized(settings.q), p=resized(settings.p))


def view(settings: Divergence) -> dict[str, Any]:
    """H(Q), H(Q, P), KL both ways, their terms, and the binary case."""
    q, p = (np.array(part) / WHOLE for part in (settings.q, settings.p))
    t, y_hat = settings.t, settings.y_hat
    Q, P = np.array([1 - t, t]), np.array([1 - y_hat, y_hat])
    numbers: dict[str, Any] = {
        "q": q,
        "p": p,
        "entropy": entropy(q),
        "cross_entropy": cross_entropy(q, p),
        "kl": kl_divergence(q, p),
        "kl_reversed": kl_divergence(p, q),
        "entropy_terms": -xlogy(q, q) + 0.0,
        "cross_entropy_terms": _cross_terms(q, p),
        "kl_terms": rel_entr(q, p),
        "t": t,
        "y_hat": y_hat,
        "bce": binary_cross_entropy(t, y_hat),
        "binary_kl": kl_divergence(Q, P),
        "binary_entropy": entropy(Q),
    }
    grid = np.linspace(0, 1, CURVE_POINTS)
    return {
        "numbers": numbers,
        "python": _python(settings),
        "curve": {"y_hat": grid, "bce": binary_cross_entropy(np.full_like(grid, t), grid)},
    }


def _cross_terms(q: Array, p: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(-xlogy(q, p) + 0.0)


def _python(settings: Divergence) -> str:
    return script(
        ["from scipy.special import rel_entr, xlogy"],
        [
            f"q = np.array({listed(settings.q)}) / {WHOLE}",
            f"p = np.array({listed(settings.p)}) / {WHOLE}",
            f"t, y_hat = {settings.t!r}, {settings.y_hat!r}",
            "Q, P = np.array([1 - t, t]), np.array([1 - y_hat, y_hat])",
            'np.seterr(divide="ignore")  # −q log p is infinite where p is 0 and q is not',
        ],
        {
            "q": "q",
            "p": "p",
            "entropy": "cp.entropy(q)",
            "cross_entropy": "cp.cross_entropy(q, p)",
            "kl": "cp.kl_divergence(q, p)",
            "kl_reversed": "cp.kl_divergence(p, q)",
            "entropy_terms": "-xlogy(q, q) + 0.0",
            "cross_entropy_terms": "-xlogy(q, p) + 0.0",
            "kl_terms": "rel_entr(q, p)",
            "t": "t",
            "y_hat": "y_hat",
            "bce": "cp.binary_cross_entropy(t, y_hat)",
            "binary_kl": "cp.kl_divergence(Q, P)",
            "binary_entropy": "cp.entropy(Q)",
        },
    )
