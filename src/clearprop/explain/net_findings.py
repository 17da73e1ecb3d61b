"""Problems of a network on given rows: NaN, dead and saturated units, gradient flow."""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite, locate_nonfinite
from clearprop.engines.reference import steady_numerics
from clearprop.explain.finding import Finding
from clearprop.explain.known_findings import LIMITS, evidence_name, known_finding
from clearprop.explain.statistics import dead_units, rms, saturated_units
from clearprop.jobs import Data
from clearprop.notation import counted, sup
from clearprop.propagation import Gradients, Trace, back_propagation, forward_propagation

CHUNK = 4096  # rows at a time in the search for NaN


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
            known_finding(
                "nonfinite_weights",
                {"entries": int((~np.isfinite(theta)).sum()), "all": theta.size},
                layer=layer,
                name=name,
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
    evidence: dict[str, float | int | str] = {}
    if place.layer is not None:
        evidence["layer"] = place.layer
    if first_row is None:
        evidence["step"] = place.step
        if place.row is not None:
            evidence["batch"] = place.row
    elif place.row is not None:
        evidence["row"] = place.row + first_row
    row = evidence.get("row")
    return known_finding(
        f"nonfinite {place.quantity}" if place.quantity in ("X", "t") else "nonfinite",
        evidence,
        where=(row,) if isinstance(row, int) else (),
        quantity=place.quantity,
        layer=place.layer,
        of_layer="" if place.layer is None else f" of layer {place.layer}",
        when=f" at step {place.step}" if first_row is None else "",
    )


def network_findings(architecture: Architecture, theta: Array, data: Data) -> list[Finding]:
    """Dead, saturated and identical units, and how ∂ℒ/∂z grows or shrinks on the way back."""
    most = int(LIMITS["rows_looked_at"])
    if len(data) > most:
        data = data.rows(np.linspace(0, len(data) - 1, most).astype(np.int64))
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
                known_finding(
                    "identical_units", {"units": H, "difference": 0.0}, layer=layer, units=H
                )
            )
            continue
        if n < LIMITS["rows_for_units"]:
            continue
        h = activation.phi(z)
        dead = dead_units(activation, z, h)
        share = float(dead.mean())
        if share > LIMITS["many_dead"]:
            blocked = blocked or bool(dead.all())
            found.append(
                known_finding(
                    "dead_units",
                    {"share": share, "rows": n, "largest": float(z[:, dead].max())},
                    severity="error" if share >= LIMITS["most_dead"] else "",
                    layer=layer,
                    where=tuple(int(j) for j in np.flatnonzero(dead)),
                    dead=dead.sum(),
                    units=counted(H, "unit"),
                    sup=sup(layer),
                )
            )
        saturated = saturated_units(activation, z, h)
        share = float(saturated.mean())
        if share > LIMITS["many_saturated"]:
            blocked = blocked or bool(saturated.all())
            found.append(
                known_finding(
                    "saturated_units",
                    {"share": share, "rows": n, "size": rms(z)},
                    severity="error" if share >= LIMITS["most_saturated"] else "",
                    layer=layer,
                    where=tuple(int(j) for j in np.flatnonzero(saturated)),
                    saturated=saturated.sum(),
                    units=counted(H, "unit"),
                    activation=activation.name,
                    sup=sup(layer),
                )
            )
    return found, blocked


def _flow(gradients: Gradients) -> list[Finding]:
    """Findings about |∂ℒ/∂z| of the layers."""
    sizes = [rms(dL_dz) for dL_dz in gradients.dL_dz]
    if len(sizes) < 2 or sizes[-1] == 0:
        return []
    ratio, last = sizes[0] / sizes[-1], sup(len(sizes))
    if LIMITS["vanished"] <= ratio <= LIMITS["exploded"]:
        return []
    key = "vanishing_gradient" if ratio < LIMITS["vanished"] else "exploding_gradient"
    evidence: dict[str, float | int | str] = {
        evidence_name(key, "ratio", sup=sup(layer), last=last): size / sizes[-1]
        for layer, size in enumerate(sizes[:-1], 1)
    }
    return [known_finding(key, evidence, layer=1)]
