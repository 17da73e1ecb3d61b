"""L-BFGS: the optimiser without mini-batches, by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clearprop._typing import Array
from clearprop.checks import check_number


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS on the loss over all rows, by SciPy's L-BFGS-B without bounds.

    memory: pairs of differences kept. max_fun: most evaluations of the loss. tol: stop when the
    largest |∂ℒ/∂θ| is at most this; by SciPy's own rule also when ℒ falls by less than 2e-9 of
    itself. Source: Byrd, Lu, Nocedal & Zhu 1995.
    Raises ValueError unless memory ≥ 1, max_fun ≥ 1 and tol ≥ 0.
    """

    memory: int = 10
    max_fun: int = 15000
    tol: float = 1e-4

    def __post_init__(self) -> None:
        check_number("memory", self.memory, at_least=1, integer=True)
        check_number("max_fun", self.max_fun, at_least=1, integer=True)
        check_number("tol", self.tol, at_least=0)

    def minimize(
        self,
        loss_and_gradient: Callable[[Array], tuple[float, Array]],
        theta: Array,
        max_iter: int,
        callback: Callable[..., None] | None = None,
    ) -> Any:
        """SciPy's OptimizeResult: x (P,) float64, fun, jac, nit, nfev, status, success, message.

        loss_and_gradient: from θ (P,) float64 to ℒ and ∂ℒ/∂θ (P,). callback: as SciPy's; it may
        raise StopIteration to end the search. theta is not changed.
        Raises ValueError unless max_iter ≥ 1.
        """
        check_number("max_iter", max_iter, at_least=1, integer=True)
        from scipy.optimize import minimize

        return minimize(
            loss_and_gradient,
            theta,
            method="L-BFGS-B",
            jac=True,
            callback=callback,
            options={
                "maxfun": int(self.max_fun),
                "maxiter": int(max_iter),
                "gtol": float(self.tol),
                "maxcor": int(self.memory),
            },
        )
