"""The steps of units that learn how much of φ they take: h = z + s ⊙ (φ(z) − z)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.explain.differences import Differences
from clearprop.explain.step import Operand, Step
from clearprop.explain.terms import ONE, Helper, Of, Sum, function_of, times

if TYPE_CHECKING:
    from clearprop.explain.steps import LayerPlace


def forward(place: LayerPlace) -> list[Step]:
    """φ(z), and h = z + s ⊙ (φ(z) − z)."""
    level, z, zs = place.level, place.saved.z, sy.z(place.level)
    activation, s, ss = place.layer.activation, place.p["slope"], sy.slope(place.level)
    phi, ps, (out, value) = activation.phi(z), sy.phi_of_z(level), place.out
    text, _ = activation.formula

    z_nj, s_j, phi_nj = Of(zs.code, "nj"), Of(ss.code, "j"), Of(ps.code, "nj")
    terms_of_h = times(z_nj), times(s_j, phi_nj), times(s_j, z_nj, sign=-1)
    layer = f"net.architecture.layers[{place.number}]"
    return [
        Step(
            "forward", level, ps, f"{ps}", ps.latex, "φ(z_nj)",
            f"{ps.code} = {layer}.activation.phi({zs.code})", (Operand(zs, z),), phi, ("n", "j"),
            f"φ is {activation.name}" + (f": φ(z) = {text}" if text else ""),
            summands=function_of("φ({0})", phi_nj, z_nj),
            helpers=(Helper(ps.code, phi),), function=("phi", zs.code),
        ),
        Step(
            "forward", level, out, f"{out} = {zs} + {ss} ⊙ ({ps} − {zs})",
            f"{out.latex} = {zs.latex} + {ss.latex} \\odot ({ps.latex} - {zs.latex})",
            f"{out.text[0]}_nj = z_nj + s_j (φ(z_nj) − z_nj)",
            f"{out.code} = {zs.code} + {ss.code} * ({ps.code} - {zs.code})",
            (Operand(zs, z), Operand(ss, s), Operand(ps, phi)), value, ("n", "j"),
            "each unit learns how much of φ it uses: s = 1 is φ itself, s = 0 is a straight line",
            summands=(Sum("", terms_of_h),),
        ),
    ]  # fmt: skip


def backward(place: LayerPlace, dL: Array, dL_dz: Array, differences: Differences) -> list[Step]:
    """φ′(z), ∂h/∂z = 1 + s (φ′(z) − 1), ∂ℒ/∂z and ∂ℒ/∂s."""
    level, z, zs = place.level, place.saved.z, sy.z(place.level)
    activation, s, ss = place.layer.activation, place.p["slope"], sy.slope(place.level)
    phi, ps, (out, _) = activation.phi(z), sy.phi_of_z(level), place.out
    dphi, ds = activation.dphi(z, phi), sy.dphi(level)
    dh_dz, hs = 1 + s * (dphi - 1), sy.dh_dz(level)
    dL_ds = (dL * (phi - z)).sum(axis=0)
    dz, dh, dss = sy.by(zs), sy.by(out), sy.by(ss)
    text, _ = activation.slope

    z_nj, s_j, phi_nj, dphi_nj = (
        Of(zs.code, "nj"), Of(ss.code, "j"), Of(ps.code, "nj"), Of(ds.code, "nj"),
    )  # fmt: skip
    above = Of(dh.code, "nj")
    terms_of_dh = times(Of("1", text="1")), times(s_j, dphi_nj), times(s_j, sign=-1)
    terms_of_s = times(above, phi_nj), times(above, z_nj, sign=-1)

    layer = f"net.architecture.layers[{place.number}]"
    return [
        Step(
            "backward", level, ds, f"{ds}", ds.latex, "φ′(z_nj)",
            f"{ds.code} = {layer}.activation.dphi({zs.code}, {ps.code})",
            (Operand(zs, z), Operand(ps, phi)), dphi, ("n", "j"),
            f"{activation.name}: φ′ = {text}" if text else f"φ is {activation.name}",
            summands=function_of("φ′({0})", dphi_nj, z_nj),
            helpers=(Helper(ds.code, dphi),), function=("dphi", zs.code, ps.code),
            derivative=(ps.code, zs.code),
            difference=differences.phi(place.number),
        ),
        Step(
            "backward", level, hs, f"∂h/∂z = diag {{ 1 + {ss} ({ds} − 1) }}",
            rf"{hs.latex} = \mathrm{{diag}}\left\{{1 + {ss.latex}({ds.latex} - 1)\right\}}",
            "∂h_nj/∂z_nj = 1 + s_j (φ′(z_nj) − 1)",
            f"{hs.code} = 1 + {ss.code} * ({ds.code} - 1)",
            (Operand(ss, s), Operand(ds, dphi)), np.asarray(dh_dz), ("n", "j"),
            "the diagonal; the rest is 0", summands=(Sum("", terms_of_dh),), helpers=(ONE,),
            derivative=(out.code, zs.code),
            difference=differences.unit(place.number),
        ),
        Step(
            "backward", level, dz, f"{dz} = {dh} ⊙ ∂h/∂z",
            f"{dz.latex} = {dh.latex} \\odot {hs.latex}",
            "∂ℒ/∂z_nj = ∂ℒ/∂h_nj ∂h_nj/∂z_nj", f"{dz.code} = {dh.code} * {hs.code}",
            (Operand(dh, dL), Operand(hs, dh_dz)), dL_dz, ("n", "j"),
            "a diagonal matrix times a vector is an elementwise product",
            summands=(Sum("", (times(above, Of(hs.code, "nj")),)),),
            derivative=(sy.LOSS.code, zs.code), difference=differences.by_z(place.number),
        ),
        Step(
            "backward", level, dss, f"{dss} = Σ_n {dh} ⊙ ({ps} − {zs})",
            f"{dss.latex} = \\sum_n {dh.latex} \\odot ({ps.latex} - {zs.latex})",
            "∂ℒ/∂s_j = Σ_n ∂ℒ/∂h_nj (φ(z_nj) − z_nj)",
            f"{dss.code} = ({dh.code} * ({ps.code} - {zs.code})).sum(axis=0)",
            (Operand(dh, dL), Operand(ps, phi), Operand(zs, z)), dL_ds, ("j",),
            "a sum over the batch, because all samples share the slope",
            summands=(Sum("n", terms_of_s),), derivative=(sy.LOSS.code, ss.code),
            difference=differences.by_parameter(place.number, "slope"),
        ),
    ]  # fmt: skip
