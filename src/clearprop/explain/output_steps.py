"""The steps at the output unit: ŷ = f(z), the loss, and the way from ℒ back to ∂ℒ/∂z⁽ᴸ⁾."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.explain.differences import Differences
from clearprop.explain.step import Factor, Index, Operand, Step, Term, product, single
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

        def terms_of_e(at: Index) -> tuple[Term, ...]:
            n, k = at
            top = int(z[n].argmax())
            return single(
                f"exp({zs}[{n}, {k}] − {zs}[{n}, {top}])", float(e[at]),
                Factor(zs.text, at, float(z[at])), Factor(zs.text, (n, top), float(z[n, top])),
            )  # fmt: skip

        def terms_of_s(at: Index) -> tuple[Term, ...]:
            return tuple(
                product(Factor("e", (at[0], j), float(e[at[0], j]))) for j in range(len(e[0]))
            )

        def terms_of_y_hat(at: Index) -> tuple[Term, ...]:
            factors = Factor("e", at, float(e[at])), Factor("s", (at[0], 0), float(s[at[0], 0]))
            return single(f"{factors[0]} / {factors[1]}", float(self.y_hat[at]), *factors)

        return [
            Step(
                "forward", L, sy.E, f"e = exp({zs} − max_j z_j)",
                rf"\mathbf{{e}} = \exp\left({zs.latex} - \max_j z_j\right)",
                "e_nk = exp(z_nk − max_j z_nj)",
                f"e = np.exp({zs.code} - {zs.code}.max(axis=-1, keepdims=True))",
                (Operand(zs, z),), e, ("n", "k"),
                "a constant subtracted from all z of a sample changes nothing; e cannot overflow",
                summands=terms_of_e,
            ),
            Step(
                "forward", L, sy.S, "s = Σ_j e_j", r"s = \sum_j e_j", "s_n = Σ_j e_nj",
                "s = e.sum(axis=-1, keepdims=True)", (Operand(sy.E, e),), s, ("n", "1"),
                summands=terms_of_s,
            ),
            Step(
                "forward", L, sy.Y_HAT, "ŷ = softmax(z) = e / s",
                r"\hat{\mathbf{y}} = \mathrm{softmax}(\mathbf{z}) = \mathbf{e} / s",
                "ŷ_nk = e_nk / s_n = exp(z_nk) / Σ_j exp(z_nj)", "y_hat = e / s",
                (Operand(sy.E, e), Operand(sy.S, s)), self.y_hat, ("n", "k"),
                "P(t = k | x); each row sums to 1", summands=terms_of_y_hat,
            ),
        ]  # fmt: skip

    def _elementwise(self) -> Step:
        zs, output = self.z_symbol, self.output
        text, latex = output.formulas.f

        def terms(at: Index) -> tuple[Term, ...]:
            factor = Factor(zs.text, at, float(self.z[at]))
            if isinstance(output, Softmax):  # several groups: ŷ depends on all z of its group
                group = next(g for g in output.groups(self.z.shape[1]) if g.start <= at[1] < g.stop)
                factors = [Factor(zs.text, (at[0], k), float(self.z[at[0], k]))
                           for k in range(group.start, group.stop)]  # fmt: skip
                return single(f"softmax of {zs}[{at[0]}, {group.start}…{group.stop - 1}] "
                              f"at {at[1]}", float(self.y_hat[at]), *factors)  # fmt: skip
            return single(f"f({factor})", float(self.y_hat[at]), factor)

        name = "softmax of each group of z" if isinstance(output, Softmax) else text or f"f({zs})"
        known = f" = {latex}" if latex else ""
        return Step(
            "forward", self.layer, sy.Y_HAT, f"ŷ = f({zs}) = {name}",
            rf"\hat{{\mathbf{{y}}}} = f({zs.latex})" + known,
            "ŷ_nk = f(z_nk)", f"y_hat = net.output.y_hat({zs.code})",
            (Operand(zs, self.z),), self.y_hat, ("n", "k"), f"{output.unit} units",
            summands=terms,
        )  # fmt: skip

    def _losses(self) -> list[Step]:
        assert self.t is not None
        zs, L = self.z_symbol, self.layer
        losses = self.output.loss(self.z, self.t)
        a = mean_weights(len(losses), self.sample_weight, losses.dtype)
        mean = losses.mean() if self.sample_weight is None else losses @ a
        text, latex = self.output.formulas.loss
        uses = (Operand(sy.Y_HAT, self.y_hat), Operand(sy.T, self.t), Operand(zs, self.z))
        weights = Operand(sy.SHARE, a)

        def share(at: Index) -> tuple[Term, ...]:
            return tuple(
                product(Factor("a", (n,), float(a[n])), Factor("ℒₙ", (n,), float(value)))
                for n, value in enumerate(losses)
            )

        return [
            Step(
                "forward", L, sy.LOSSES, f"ℒₙ = {text}", rf"\mathcal{{L}}_n = {latex}",
                f"ℒ_n = {text}", f"Ln = net.output.loss({zs.code}, t)", uses, losses, ("n",),
                "the loss of each sample, computed from z so that log ŷ is never log 0",
                summands=self._loss_terms,
            ),
            Step(
                "forward", None, sy.LOSS, *self._mean(), "ℒ = Σ_n a_n ℒ_n",
                "L = Ln.mean()" if self.sample_weight is None else "L = Ln @ a",
                (weights, Operand(sy.LOSSES, losses)), np.asarray(mean), (),
                "the mean over the samples, " + self._shares(), summands=share,
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

    def _loss_terms(self, at: Index) -> tuple[Term, ...]:
        """The K terms of a sample's loss; for a logistic unit, both terms of each output."""
        assert self.t is not None
        (n,) = at
        z, t, output = self.z[n].astype(np.float64), self.t[n].astype(np.float64), self.output
        terms: list[Term] = []
        if isinstance(output, Softmax):
            log_y = np.concatenate([log_softmax(z[g]) for g in output.groups(len(z))])
            for k, (t_k, log_k) in enumerate(zip(t.tolist(), log_y.tolist(), strict=True)):
                factors = Factor("t", (n, k), t_k), Factor(f"log ŷ[{n}, {k}]", None, log_k)
                terms += single(
                    f"−{factors[0]} · {factors[1]}", -t_k * log_k if t_k else 0.0, *factors
                )
        elif isinstance(output, Logistic):
            for k, (t_k, z_k) in enumerate(zip(t.tolist(), z.tolist(), strict=True)):
                for share, log_p, name, y in (
                    (t_k, -np.logaddexp(0, -z_k), f"t[{n}, {k}]", f"log ŷ[{n}, {k}]"),
                    (1 - t_k, -np.logaddexp(0, z_k), f"(1 − t[{n}, {k}])", f"log(1 − ŷ[{n}, {k}])"),
                ):
                    factors = Factor(name, None, share), Factor(y, None, float(log_p))
                    value = -share * float(log_p) if share else 0.0
                    terms += single(f"−{name} · {y}", value, *factors)
        elif output.alone(0) is not None:
            for k in range(len(z)):
                one = output.alone(k)
                assert one is not None
                loss = float(one.loss(z[None, k : k + 1], t[None, k : k + 1])[0])
                factors = (
                    Factor("ŷ", (n, k), float(self.y_hat[n, k])),
                    Factor("t", (n, k), float(t[k])),
                )
                terms += single(f"loss of ({factors[0]}, {factors[1]})", loss, *factors)
        else:
            terms += single(f"ℒₙ[{n}]", float(output.loss(self.z, self.t)[n]))
        return tuple(terms)

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
        L, zs, output, t = self.layer, self.z_symbol, self.output, self.t
        with np.errstate(all="ignore"):
            by_y = output.dL_dy_hat(self.z, self.t)
            J = output.dy_dz(self.z)
            if dense_jacobian:
                result = (by_y[:, None, :] @ J)[:, 0]
            else:
                J = np.diagonal(J, axis1=1, axis2=2).copy()
                result = J * by_y
        by, dy = sy.by(sy.Y_HAT, sample=True), sy.DY_DZ

        def terms_by_y_hat(at: Index) -> tuple[Term, ...]:
            factors = Factor("t", at, float(t[at])), Factor("ŷ", at, float(self.y_hat[at]))
            if isinstance(output, Softmax):
                return single(f"−{factors[0]} / {factors[1]}", float(by_y[at]), *factors)
            return single(f"∂ℒₙ/∂ŷ at ({factors[0]}, {factors[1]})", float(by_y[at]), *factors)

        def terms_of_product(at: Index) -> tuple[Term, ...]:
            n, k = at
            if not dense_jacobian:
                return (
                    product(
                        Factor(dy.text, at, float(J[at])), Factor(by.text, at, float(by_y[at]))
                    ),
                )
            return tuple(
                product(Factor(dy.text, (n, i, k), float(J[n, i, k])),
                        Factor(by.text, (n, i), float(by_y[n, i])))
                for i in range(J.shape[1])
            )  # fmt: skip

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
                difference=self.differences.y_hat_by_z,
            ),
            Step(
                "backward", L, chain, f"∂ℒₙ/∂{zs} = ∂ŷ/∂z ∂ℒₙ/∂ŷ",
                rf"{sy.by(zs, sample=True).latex} = {dy.latex}\,{by.latex}",
                "Σ_i ∂ŷ_ni/∂z_nk ∂ℒ_n/∂ŷ_ni", f"chain = {multiply}",
                (Operand(dy, J), Operand(by, by_y)), result, ("n", "k"),
                "the chain rule as the lecture writes it; the next, short form is what is computed",
                summands=terms_of_product, difference=self.differences.loss_by_z,
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

        def terms_of_sample(at: Index) -> tuple[Term, ...]:
            y, t_k = Factor("ŷ", at, float(self.y_hat[at])), Factor("t", at, float(t[at]))
            if minus:
                return (product(y), *single(f"−{t_k}", -t_k.value, t_k))
            return single(f"slope of the loss at ({y}, {t_k})", float(own[at]), y, t_k)

        def terms_of_mean(at: Index) -> tuple[Term, ...]:
            n = at[0]
            return (
                product(Factor("a", (n,), float(a[n])), Factor(sample.text, at, float(own[at]))),
            )

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
                summands=terms_of_sample, difference=self.differences.loss_by_z,
            ),
            Step(
                "backward", L, mean, f"{mean} = {share} {sample}",
                f"{mean.latex} = {latex_share}\\,{sample.latex}",
                "∂ℒ/∂z_nk = a_n ∂ℒ_n/∂z_nk", f"{mean.code} = {sample.code} * a[:, None]",
                (Operand(sy.SHARE, a), Operand(sample, own)), dL_dz, ("n", "k"),
                f"ℒ is a mean: each sample has its share, {self._shares()}, here and nowhere else",
                summands=terms_of_mean,
                difference=self.differences.by_z(len(self.differences.architecture.layers) - 1),
            ),
        ]  # fmt: skip
