"""Problems of a network on given rows: NaN, dead and saturated units, gradient flow."""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite, locate_nonfinite
from clearprop.engines.reference import steady_numerics
from clearprop.explain.finding import Finding
from clearprop.explain.statistics import dead_units, rms, saturated_units
from clearprop.jobs import Data
from clearprop.notation import counted, sup
from clearprop.propagation import Gradients, Trace, back_propagation, forward_propagation

CHUNK = 4096  # rows at a time in the search for NaN
LOOKED_AT = 2000  # rows, for units and gradients
ROWS_FOR_UNITS = 20  # with fewer rows, a healthy unit may be off on all of them
# Fractions of a layer's units: a network works even if a third of its relu units are dead.
MANY_DEAD, MOST_DEAD = 0.4, 0.9
MANY_SATURATED, MOST_SATURATED = 0.25, 0.5
# |∂ℒ/∂z| of the first layer over |∂ℒ/∂z| of the last.
VANISHED, EXPLODED = 1e-3, 1e3


def nonfinite_findings(architecture: Architecture, theta: Array, data: Data) -> list[Finding]:
    """The first NaN or infinity in one pass through all rows, if there is one."""
    if not np.isfinite(theta).all():
        names = [
            (number, name)
            for number, p in enumerate(architecture.unpack(theta))
            for name, value in p.items()
            if not np.isfinite(value).all()
        ]
        number, name = names[0]
        layer = sum(hasattr(x, "activation") for x in architecture.layers[: number + 1])
        return [
            Finding(
                "nonfinite_weights",
                "error",
                f"{name} of layer {layer} has NaN or infinity",
                "Go back to an earlier θ (a checkpoint) and train with a smaller learning rate or "
                "with clip_norm=1.",
                {"nonfinite entries": int((~np.isfinite(theta)).sum()), "all entries": theta.size},
                layer=layer,
            )
        ]
    for start in range(0, len(data), CHUNK):
        chunk = data.rows(slice(start, start + CHUNK))
        with steady_numerics():
            trace = forward_propagation(architecture, theta, chunk.X)
            gradient = back_propagation(architecture, theta, trace, chunk.t).theta
            losses = architecture.output.loss(trace.z[-1], chunk.t)
            if np.isfinite(gradient).all() and np.isfinite(losses).all():
                continue
        place = locate_nonfinite(architecture, theta, chunk, 0)
        return [nonfinite_finding(place, start)]
    return []


def nonfinite_finding(place: NonFinite, first_row: int | None = None) -> Finding:
    """NaN in a pass (first_row: the pass's first row in X), or at a training step (None)."""
    layer = "" if place.layer is None else f" of layer {place.layer}"
    evidence: dict[str, float | int | str] = {}
    if place.layer is not None:
        evidence["layer"] = place.layer
    if first_row is None:
        evidence["step"] = place.step
        if place.row is not None:
            evidence["row of its batch"] = place.row
    elif place.row is not None:
        evidence["row"] = place.row + first_row
    advice = {
        "X": "Fill in the missing values or leave the rows out.",
        "t": "Leave out the rows without a target.",
    }.get(
        place.quantity,
        "Use a smaller learning rate, scale the inputs, or clip the gradient (clip_norm=1).",
    )
    when = f" at step {place.step}" if first_row is None else ""
    row = evidence.get("row")
    return Finding(
        "nonfinite",
        "error",
        f"{place.quantity}{layer} is NaN or infinite{when}",
        advice,
        evidence,
        layer=place.layer,
        where=(row,) if isinstance(row, int) else (),
    )


def network_findings(architecture: Architecture, theta: Array, data: Data) -> list[Finding]:
    """Dead, saturated and identical units, and how ∂ℒ/∂z grows or shrinks on the way back."""
    if len(data) > LOOKED_AT:
        data = data.rows(np.linspace(0, len(data) - 1, LOOKED_AT).astype(np.int64))
    with steady_numerics():
        trace = forward_propagation(architecture, theta, data.X)
        gradients = back_propagation(architecture, theta, trace, data.t)
        found, blocked = _units(architecture, trace)
        return found if blocked else [*found, *_flow(gradients)]


def _units(architecture: Architecture, trace: Trace) -> tuple[list[Finding], bool]:
    """The findings, and whether a layer passes no gradient, or equal gradients to all units."""
    found: list[Finding] = []
    blocked = False
    n = len(trace.y_hat)
    for layer, dense in enumerate(architecture.dense, 1):
        z, activation = trace.z[layer - 1], dense.activation
        if activation is None:
            continue
        H = z.shape[1]
        if H > 1 and (z == z[:, :1]).all():
            blocked = True
            found.append(
                Finding(
                    "identical_units",
                    "error",
                    f"all {H} units of layer {layer} compute the same",
                    "Start from random weights (initializer='auto'); equal units have equal "
                    "gradients and stay equal.",
                    {"units": H, "largest difference of z": 0.0},
                    layer=layer,
                )
            )
            continue
        if n < ROWS_FOR_UNITS:
            continue
        h = activation.phi(z)
        dead = dead_units(activation, z, h)
        if dead.mean() > MANY_DEAD:
            blocked = blocked or bool(dead.all())
            found.append(
                Finding(
                    "dead_units",
                    "error" if dead.mean() >= MOST_DEAD else "warning",
                    f"{dead.sum()} of {counted(H, 'unit')} of layer {layer} are dead: φ′(z) = 0 on "
                    "every row",
                    "Use a smaller learning rate, leaky_relu or gelu, He's initial weights "
                    "(initializer='auto'), or scaled inputs; a dead unit stays dead.",
                    {
                        "share": float(dead.mean()),
                        "rows": n,
                        f"largest z{sup(layer)} of them": float(z[:, dead].max()),
                    },
                    layer=layer,
                    where=tuple(int(j) for j in np.flatnonzero(dead)),
                )
            )
        saturated = saturated_units(activation, z, h)
        if saturated.mean() > MANY_SATURATED:
            blocked = blocked or bool(saturated.all())
            found.append(
                Finding(
                    "saturated_units",
                    "error" if saturated.mean() >= MOST_SATURATED else "warning",
                    f"{saturated.sum()} of {counted(H, 'unit')} of layer {layer} are saturated: "
                    f"{activation.name} is flat at their z",
                    "Scale the inputs, use smaller initial weights or a smaller learning rate, or "
                    "a penalty on the weights (l2).",
                    {
                        "share": float(saturated.mean()),
                        "rows": n,
                        f"|z{sup(layer)}|": rms(z),
                    },
                    layer=layer,
                    where=tuple(int(j) for j in np.flatnonzero(saturated)),
                )
            )
    return found, blocked


def _flow(gradients: Gradients) -> list[Finding]:
    """Findings about |∂ℒ/∂z| of the layers."""
    sizes = [rms(dL_dz) for dL_dz in gradients.dL_dz]
    if len(sizes) < 2 or sizes[-1] == 0:
        return []
    ratio = sizes[0] / sizes[-1]
    evidence: dict[str, float | int | str] = {
        f"|∂ℒ/∂z{sup(layer)}| / |∂ℒ/∂z{sup(len(sizes))}|": size / sizes[-1]
        for layer, size in enumerate(sizes[:-1], 1)
    }
    if ratio < VANISHED:
        return [
            Finding(
                "vanishing_gradient",
                "warning",
                "∂ℒ/∂z vanishes on the way back to layer 1, which hardly learns",
                "Use relu or gelu with initializer='auto', fewer layers, or larger first weights; "
                "of logistic units each layer takes a factor of four at least.",
                evidence,
                layer=1,
            )
        ]
    if ratio > EXPLODED:
        return [
            Finding(
                "exploding_gradient",
                "warning",
                "∂ℒ/∂z explodes on the way back to layer 1",
                "Use smaller first weights (initializer='auto'), clip the gradient (clip_norm=1), "
                "or a smaller learning rate.",
                evidence,
                layer=1,
            )
        ]
    return []
