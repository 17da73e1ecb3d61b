"""The steps at the output unit: ŷ = f(z), the loss, and the way from ℒ back to ∂ℒ/∂z⁽ᴸ⁾."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.explain.differences import Differences
from clearprop.explain.step import Operand, Step
from clearprop.explain.terms import (
    Factor,
    Helper,
    Index,
    Of,
    Sum,
    Term,
    TermForm,
    function_of,
    single,
    times,
)
from clearprop.notation import Symbol
from clearprop.outputs import Logistic, Output, Softmax, log_softmax
from clearprop.outputs.unit import Y_MINUS_T
from clearprop.propagation import mean_weights

# A Jacobian ∂ŷ/∂z has N·K·K entries; a larger one is not written out.
MOST_JACOBIAN = 1_000_000


@dataclass(frozen=True, eq=False)
class OutputUnit:
    """The inputs of the steps at the output: the unit, z⁽ᴸ⁾, ŷ, t, the sample weights, l = L."""

    output: Output
    layer: int
    z: Array
    y_hat: Array
    t: Array | None
    sample_weight: Array | None
    differences: Differences | None

    @property
    def z_symbol(self) -> Symbol:
        return sy.z(self.layer)

    @property
    def plain_softmax(self) -> bool:
        return isinstance(self.output, Softmax) and self.output.sizes is None

    # ---- forward -----------------------------------------------------------------------------

    def forward(self) -> list[Step]:
        """From z⁽ᴸ⁾ to ŷ, and to ℒ if there are targets."""
        steps = self._softmax() if self.plain_softmax else [self._elementwise()]
        return steps if self.t is None else [*steps, *self._losses()]

    def _softmax(self) -> list[Step]:
        z, zs, L = self.z, self.z_symbol, self.layer
        highest = z.max(axis=-1, keepdims=True)
        e = np.exp(z - highest)
        s = e.sum(axis=-1, keepdims=True)
        return [
            Step(
                "forward", L, sy.E, f"e = exp({zs} − max_j z_j)",
                rf"\mathbf{{e}} = \exp\left({zs.latex} - \max_j z_j\right)",
                "e_nk = exp(z_nk − max_j z_nj)",
                f"e = np.exp({zs.code} - {zs.code}.max(axis=-1, keepdims=True))",
                (Operand(zs, z),), e, ("n", "k"),
                "a constant subtracted from all z of a sample changes nothing; e cannot overflow",
                summands=function_of("exp({0} − {1})", Of("e", "nk"), Of(zs.code, "nk"),
                                     Of(zs.code, "nm")),
                helpers=(Helper("e", e),), function=("shifted_exp", zs.code),
            ),
            Step(
                "forward", L, sy.S, "s = Σ_j e_j", r"s = \sum_j e_j", "s_n = Σ_j e_nj",
                "s = e.sum(axis=-1, keepdims=True)", (Operand(sy.E, e),), s, ("n", "1"),
                summands=(Sum("j", (times(Of("e", "nj")),)),),
            ),
            Step(
                "forward", L, sy.Y_HAT, "ŷ = softmax(z) = e / s",
                r"\hat{\mathbf{y}} = \mathrm{softmax}(\mathbf{z}) = \mathbf{e} / s",
                "ŷ_nk = e_nk / s_n = exp(z_nk) / Σ_j exp(z_nj)", "y_hat = e / s",
                (Operand(sy.E, e), Operand(sy.S, s)), self.y_hat, ("n", "k"),
                "P(t = k | x); each row sums to 1",
                helpers=(Helper("y_hat", self.y_hat),), function=("quotient", "e", "s"),
                summands=function_of("{0} / {1}", Of("y_hat", "nk"), Of("e", "nk"), Of("s", "n0")),
            ),
        ]  # fmt: skip

    def _elementwise(self) -> Step:
        zs, output = self.z_symbol, self.output
        text, latex = output.formulas.f

        name = "softmax of each group of z" if isinstance(output, Softmax) else text or f"f({zs})"
        known = f" = {latex}" if latex else ""
        return Step(
            "forward", self.layer, sy.Y_HAT, f"ŷ = f({zs}) = {name}",
            rf"\hat{{\mathbf{{y}}}} = f({zs.latex})" + known,
            "ŷ_nk = f(z_nk)", f"y_hat = net.output.y_hat({zs.code})",
            (Operand(zs, self.z),), self.y_hat, ("n", "k"), f"{output.unit} units",
            summands=self._group_terms if isinstance(output, Softmax) else
            function_of("f({0})", Of("y_hat", "nk"), Of(zs.code, "nk")),
            helpers=(Helper("y_hat", self.y_hat),), function=("y_hat", zs.code),
        )  # fmt: skip

    def _group_terms(self, at: Index) -> tuple[Term, ...]:
        """Of one ŷ of a softmax of several groups, which depends on all z of its group."""
        assert isinstance(self.output, Softmax)
        (n, k), zs = at, self.z_symbol
        group = next(g for g in self.output.groups(self.z.shape[1]) if g.start <= k < g.stop)
        factors = [
            Factor(zs.text, (n, i), float(self.z[n, i])) for i in range(group.start, group.stop)
        ]
        text = f"softmax of {zs}[{n}, {group.start}…{group.stop - 1}] at {k}"
        return single(text, float(self.y_hat[at]), *factors)

    def _losses(self) -> list[Step]:
        assert self.t is not None
        zs, L = self.z_symbol, self.layer
        losses = self.output.loss(self.z, self.t)
        a = mean_weights(len(losses), self.sample_weight, losses.dtype)
        mean = losses.mean() if self.sample_weight is None else losses @ a
        text, latex = self.output.formulas.loss
        uses = (Operand(sy.Y_HAT, self.y_hat), Operand(sy.T, self.t), Operand(zs, self.z))
        weights = Operand(sy.SHARE, a)

        terms, helpers = self._loss_terms()

        return [
            Step(
                "forward", L, sy.LOSSES, f"ℒₙ = {text}", rf"\mathcal{{L}}_n = {latex}",
                f"ℒ_n = {text}", f"Ln = net.output.loss({zs.code}, t)", uses, losses, ("n",),
                "the loss of each sample, computed from z so that log ŷ is never log 0",
                summands=terms, helpers=helpers, function=("loss", zs.code, "t"),
            ),
            Step(
                "forward", None, sy.LOSS, *self._mean(), "ℒ = Σ_n a_n ℒ_n",
                "L = Ln.mean()" if self.sample_weight is None else "L = Ln @ a",
                (weights, Operand(sy.LOSSES, losses)), np.asarray(mean), (),
                "the mean over the samples, " + self._shares(),
                summands=(Sum("n", (times(Of("a", "n"), Of("Ln", "n")),)),),
            ),
        ]  # fmt: skip

    def _mean(self) -> tuple[str, str]:
        if self.sample_weight is None:
            return "ℒ = (1/N) Σ_n ℒₙ", r"\mathcal{L} = \frac1N\sum_n\mathcal{L}_n"
        return ("ℒ = Σ_n a_n ℒₙ, a_n = w_n / Σ w",
                r"\mathcal{L} = \sum_n a_n\mathcal{L}_n,\ a_n=w_n/\textstyle\sum w")  # fmt: skip

    def _shares(self) -> str:
        n = len(self.z)
        return f"a_n = 1/N = 1/{n}" if self.sample_weight is None else "a_n = w_n / Σ w"

    def _loss_terms(self) -> tuple[tuple[Sum, ...], tuple[Helper, ...]]:
        """The K terms of a sample's loss; for a logistic unit, both terms of each output."""
        assert self.t is not None
        z, t, output = self.z.astype(np.float64), self.t.astype(np.float64), self.output
        zs, y_hat, t_nk = self.z_symbol.code, Of("y_hat", "nk"), Of("t", "nk")
        log_y = Of("log_y_hat", "nk", "log ŷ[{n}, {k}]")
        if isinstance(output, Softmax):
            logs = [log_softmax(z[:, group]) for group in output.groups(z.shape[1])]
            helper = Helper(log_y.array, np.concatenate(logs, axis=1), ("log_softmax", zs))
            return (Sum("k", (times(t_nk, log_y, sign=-1, zero=True),)),), (helper,)
        if isinstance(output, Logistic):
            rest = Of("rest", "nk", "(1 − t[{n}, {k}])")
            log_rest = Of("log_rest", "nk", "log(1 − ŷ[{n}, {k}])")
            terms = (
                times(t_nk, log_y, sign=-1, zero=True),
                times(rest, log_rest, sign=-1, zero=True),
            )
            return (Sum("k", terms),), (
                Helper(log_y.array, -np.logaddexp(0, -z), ("log_sigmoid", zs)),
                Helper(rest.array, 1 - t, ("one_minus", "t")),
                Helper(log_rest.array, -np.logaddexp(0, z), ("log_sigmoid_of_minus", zs)),
            )
        units = [output.alone(k) for k in range(z.shape[1])]
        if units[0] is None:
            value = Helper("Ln", output.loss(self.z, self.t))
            return function_of("ℒₙ[{n}]", Of("Ln", "n")), (value,)
        losses = [
            unit.loss(z[:, k : k + 1], t[:, k : k + 1])
            for k, unit in enumerate(units)
            if unit is not None
        ]
        helper = Helper("losses", np.stack(losses, axis=1), ("losses", zs, "t"))
        form = TermForm((y_hat, t_nk), "loss of ({0}, {1})", Of("losses", "nk"))
        return (Sum("k", (form,)),), (helper,)

    # ---- backward ----------------------------------------------------------------------------

    def backward(self, dL_dz: Array) -> list[Step]:
        """From ℒ to ∂ℒ/∂z⁽ᴸ⁾, by the chain rule and by its short form."""
        assert self.t is not None
        assert self.differences is not None
        n, k = self.z.shape
        chain = self.output.unit != "linear"
        dense_jacobian = not self.output.diagonal
        if dense_jacobian and n * k * k > MOST_JACOBIAN:
            chain = False
        steps = self._chain(dense_jacobian) if chain else []
        return [*steps, *self._short(dL_dz)]

    def _chain(self, dense_jacobian: bool) -> list[Step]:
        assert self.t is not None
        assert self.differences is not None
        L, zs, output = self.layer, self.z_symbol, self.output
        with np.errstate(all="ignore"):
            by_y = output.dL_dy_hat(self.z, self.t)
            J = output.dy_dz(self.z)
            if dense_jacobian:
                result = (by_y[:, None, :] @ J)[:, 0]
            else:
                J = np.diagonal(J, axis1=1, axis2=2).copy()
                result = J * by_y
        by, dy = sy.by(sy.Y_HAT, sample=True), sy.DY_DZ

        form = "−{0} / {1}" if isinstance(output, Softmax) else "∂ℒₙ/∂ŷ at ({0}, {1})"
        terms_by_y_hat = function_of(form, Of(by.code, "nk"), Of("t", "nk"), Of("y_hat", "nk"))
        if dense_jacobian:
            terms_of_product = Sum("i", (times(Of(dy.code, "nik"), Of(by.code, "ni")),))
        else:
            terms_of_product = Sum("", (times(Of(dy.code, "nk"), Of(by.code, "nk")),))

        text, latex = output.formulas.by_y_hat
        jacobian, entry = output.formulas.dy_dz
        if dense_jacobian:
            outer = r" = \mathrm{diag}(\hat{\mathbf{y}}) - \hat{\mathbf{y}}\hat{\mathbf{y}}^T"
            matrix = outer if isinstance(output, Softmax) else ""
            diagonal = "", ""
        else:
            matrix = r" = f'(\mathbf{z})"
            diagonal = "np.diagonal(", ", axis1=1, axis2=2)"
        multiply = (
            "(dLn_dy_hat[:, None, :] @ dy_dz)[:, 0]" if dense_jacobian else "dy_dz * dLn_dy_hat"
        )
        chain = Symbol(f"∂ŷ/∂z {by}", rf"{dy.latex}\,{by.latex}", "chain")
        return [
            Step(
                "backward", L, by, f"{by} = {text}", f"{by.latex} = {latex}",
                f"∂ℒ_n/∂ŷ_nk: {text} at n, k",
                f"dLn_dy_hat = net.output.dL_dy_hat({zs.code}, t)",
                (Operand(sy.T, self.t), Operand(sy.Y_HAT, self.y_hat)), by_y, ("n", "k"),
                "the gradient of each sample's loss", summands=terms_by_y_hat,
                helpers=(Helper(by.code, by_y),), function=("dL_dy_hat", zs.code, "t"),
                derivative=("Ln", "y_hat"),
                difference=self.differences.loss_by_y_hat,
            ),
            Step(
                "backward", L, dy, jacobian,
                dy.latex + matrix, entry,
                f"dy_dz = {diagonal[0]}net.output.dy_dz({zs.code}){diagonal[1]}",
                (Operand(sy.Y_HAT, self.y_hat),), J,
                ("n", "i", "k") if dense_jacobian else ("n", "k"),
                "one matrix per sample" if dense_jacobian else
                "only the diagonal: each output depends only on its own z",
                function=("dy_dz", zs.code), derivative=("y_hat", zs.code),
                difference=self.differences.y_hat_by_z,
            ),
            Step(
                "backward", L, chain, f"∂ℒₙ/∂{zs} = ∂ŷ/∂z ∂ℒₙ/∂ŷ",
                rf"{sy.by(zs, sample=True).latex} = {dy.latex}\,{by.latex}",
                "Σ_i ∂ŷ_ni/∂z_nk ∂ℒ_n/∂ŷ_ni", f"chain = {multiply}",
                (Operand(dy, J), Operand(by, by_y)), result, ("n", "k"),
                "the chain rule as the lecture writes it; the next, short form is what is computed",
                summands=(terms_of_product,), derivative=("Ln", zs.code),
                difference=self.differences.loss_by_z,
            ),
        ]  # fmt: skip

    def _short(self, dL_dz: Array) -> list[Step]:
        assert self.t is not None
        assert self.differences is not None
        L, zs, t = self.layer, self.z_symbol, self.t
        own = self.output.dL_dz(self.z, t)
        a = mean_weights(len(own), self.sample_weight, self.z.dtype)
        sample, mean = sy.by(zs, sample=True), sy.by(zs)
        minus = self.output.formulas.by_z == Y_MINUS_T

        y_hat, t_nk = Of("y_hat", "nk"), Of("t", "nk")
        slope = "slope of the loss at ({0}, {1})"
        terms_of_sample = (
            (Sum("", (times(y_hat), times(t_nk, sign=-1))),) if minus
            else function_of(slope, Of(sample.code, "nk"), y_hat, t_nk)
        )  # fmt: skip
        terms_of_mean = Sum("", (times(Of("a", "n"), Of(sample.code, "nk")),))

        form = self.output.formulas.by_z
        entry = "ŷ_nk − t_nk" if minus else "ℒₙ′(ŷ_nk)"
        share = "a" if self.sample_weight is not None else "(1/N)"
        latex_share = "a" if self.sample_weight is not None else r"\frac1N"
        return [
            Step(
                "backward", L, sample, f"{sample} = {form[0]}", f"{sample.latex} = {form[1]}",
                f"∂ℒ_n/∂z_nk = {entry}", f"{sample.code} = net.output.dL_dz({zs.code}, t)",
                (Operand(sy.Y_HAT, self.y_hat), Operand(sy.T, t)), own, ("n", "k"),
                self.output.formulas.note,
                summands=terms_of_sample, helpers=() if minus else (Helper(sample.code, own),),
                function=() if minus else ("dL_dz", zs.code, "t"),
                derivative=("Ln", zs.code), difference=self.differences.loss_by_z,
            ),
            Step(
                "backward", L, mean, f"{mean} = {share} {sample}",
                f"{mean.latex} = {latex_share}\\,{sample.latex}",
                "∂ℒ/∂z_nk = a_n ∂ℒ_n/∂z_nk", f"{mean.code} = {sample.code} * a[:, None]",
                (Operand(sy.SHARE, a), Operand(sample, own)), dL_dz, ("n", "k"),
                f"ℒ is a mean: each sample has its share, {self._shares()}, here and nowhere else",
                summands=(terms_of_mean,), derivative=("L", zs.code),
                difference=self.differences.by_z(len(self.differences.architecture.layers) - 1),
            ),
        ]  # fmt: skip
