"""Finite differences anywhere in the computation: of ℒ for every z, h, W, b, x, ŷ, and of f."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.explain.step import Difference
from clearprop.explain.terms import Index
from clearprop.gradient_check import derivative, smooth_pieces
from clearprop.layers import Dense, DenseSaved, StepDraw, name_draw
from clearprop.propagation import Trace, mean_loss


@dataclass(frozen=True, eq=False)
class Differences:
    """The same computation in float64, which can be rerun from any layer with one entry changed.

    inputs: the input of each layer. z: z⁽ˡ⁾ of the dense layers, by their number in `layers`.
    """

    architecture: Architecture
    theta: Array
    t: Array
    sample_weight: Array | None
    draw: StepDraw | None
    inputs: tuple[Array, ...]
    z: dict[int, Array]

    @classmethod
    def of(
        cls,
        architecture: Architecture,
        theta: Array,
        X: Array,
        t: Array,
        sample_weight: Array | None,
        draw: StepDraw | None,
    ) -> Differences:
        theta = theta.astype(np.float64)
        parameters = architecture.unpack(theta)
        inputs, z, h = [], {}, X.astype(np.float64)
        for number, layer in enumerate(architecture.layers):
            inputs.append(h)
            h, saved = layer.forward(parameters[number], h, name_draw(draw, number))
            if isinstance(saved, DenseSaved):
                z[number] = saved.z
        w = None if sample_weight is None else sample_weight.astype(np.float64)
        return cls(architecture, theta, t, w, draw, tuple(inputs), z)

    def by_input(self, number: int) -> Difference:
        """Differences of ℒ for the input of layer `number`; number = len(layers) is z⁽ᴸ⁾."""

        def at(index: Index) -> tuple[float, float] | None:
            h = self._input(number).copy()
            return derivative(h, index, self._reach_of_input(number, index[-1]),
                              lambda: self._run(self.theta, number, h))  # fmt: skip

        return at

    def by_parameter(self, number: int, name: str) -> Difference:
        """Differences of ℒ for a parameter of layer `number`."""

        def at(index: Index) -> tuple[float, float] | None:
            theta, h = self.theta.copy(), self.inputs[number]
            array = self.architecture.unpack(theta)[number][name]
            reach = float(np.abs(h[:, index[-1]]).max()) if name == "W" else 1.0
            return derivative(array, index, reach, lambda: self._run(theta, number, h))

        return at

    def by_z(self, number: int) -> Difference:
        """Differences of ℒ for the z of a dense layer."""
        layer = self.architecture.layers[number]
        activation = layer.activation if isinstance(layer, Dense) else None
        if activation is None:
            return self.by_input(number + 1)
        kinks = activation.kinks

        def at(index: Index) -> tuple[float, float] | None:
            z = self.z[number].copy()

            def run() -> tuple[float, list[Array]]:
                loss, pieces = self._run(self.theta, number + 1, self._units(number, z))
                return loss, [*(np.sign(z - kink) for kink in kinks), *pieces]

            return derivative(z, index, 1.0, run)

        return at

    def phi(self, number: int) -> Difference:
        """φ′: the difference of an entry of h for the same entry of z."""
        layer = self.architecture.layers[number]
        assert isinstance(layer, Dense)
        assert layer.activation is not None
        phi, kinks = layer.activation.phi, layer.activation.kinks

        def at(index: Index) -> tuple[float, float] | None:
            z = np.array(self.z[number][index])
            return derivative(z, (), 1.0, lambda: (float(phi(z)), [np.sign(z - k) for k in kinks]))

        return at

    def unit(self, number: int) -> Difference:
        """Of an entry of h by the same entry of z, for units with slopes."""
        layer = self.architecture.layers[number]
        assert isinstance(layer, Dense)
        assert layer.activation is not None
        kinks = layer.activation.kinks

        def at(index: Index) -> tuple[float, float] | None:
            z = self.z[number].copy()
            return derivative(z, index, 1.0, lambda: (
                float(self._units(number, z)[index]), [np.sign(z[index] - k) for k in kinks]
            ))  # fmt: skip

        return at

    def _units(self, number: int, z: Array) -> Array:
        """h of a dense layer from its z."""
        layer = self.architecture.layers[number]
        assert isinstance(layer, Dense)
        assert layer.activation is not None
        phi = layer.activation.phi(z)
        if not layer.slope:
            return phi
        return np.asarray(z + self.architecture.unpack(self.theta)[number]["slope"] * (phi - z))

    # ---- at the output unit, for each sample's own loss --------------------------------------

    def loss_by_z(self, index: Index) -> tuple[float, float] | None:
        """∂ℒₙ/∂z⁽ᴸ⁾."""
        n, output = index[0], self.architecture.output
        z, t = self._output_z()[n : n + 1].copy(), self.t[n : n + 1]

        def run() -> tuple[float, list[Array]]:
            piece = output.piece(z, t)
            return float(output.loss(z, t)[0]), [] if piece is None else [piece]

        return derivative(z, (0, *index[1:]), 1.0, run)

    def y_hat_by_z(self, index: Index) -> tuple[float, float] | None:
        """∂ŷ_i/∂z_k at (n, i, k), or at (n, k) for units that depend only on their own z."""
        n, output = index[0], self.architecture.output
        z = self._output_z()[n : n + 1].copy()
        entry = (0, index[-1])
        return derivative(z, entry, 1.0, lambda: (float(output.y_hat(z)[0, index[1]]), []))

    def loss_by_y_hat(self, index: Index) -> tuple[float, float] | None:
        """∂ℒₙ/∂ŷ."""
        n, output = index[0], self.architecture.output
        y_hat, t = output.y_hat(self._output_z()[n : n + 1]).copy(), self.t[n : n + 1]
        room = output.room(y_hat[0], index[1])
        reach = 1.0 if room == np.inf else 1 / max(room, 1e-300)

        def run() -> tuple[float, list[Array]]:
            piece = output.piece(y_hat, t) if output.unit == "linear" else None
            return float(output.loss_of_y_hat(y_hat, t)[0]), [] if piece is None else [piece]

        return derivative(y_hat, (0, *index[1:]), reach, run)

    def run(self, number: int, h: Array) -> tuple[float, list[Array]]:
        """ℒ and the smooth pieces with this input of layer `number`."""
        return self._run(self.theta, number, h)

    # ---- the computation ---------------------------------------------------------------------

    def _output_z(self) -> Array:
        return self.z[len(self.architecture.layers) - 1]

    def _input(self, number: int) -> Array:
        return self.inputs[number] if number < len(self.inputs) else self._output_z()

    def _reach_of_input(self, number: int, column: int) -> float:
        """How far a z of the layer moves if an entry of its input moves by 1."""
        if number == len(self.inputs):
            return 1.0
        parameters = self.architecture.unpack(self.theta)[number]
        return float(np.abs(parameters["W"][:, column]).max()) if "W" in parameters else 1.0

    def _run(self, theta: Array, number: int, h: Array) -> tuple[float, list[Array]]:
        """ℒ and the smooth pieces if layer `number` gets this input."""
        if number == len(self.inputs):  # h is z⁽ᴸ⁾
            loss = mean_loss(
                self.architecture, Trace(h, h, (DenseSaved(h, h, h),)), self.t, self.sample_weight
            )
            piece = self.architecture.output.piece(h, self.t)
            return loss, [] if piece is None else [piece]
        rest = replace(self.architecture, layers=self.architecture.layers[number:])
        parameters = self.architecture.unpack(theta)
        X, saved = h, []
        for k, layer in enumerate(rest.layers, number):
            h, kept = layer.forward(parameters[k], h, name_draw(self.draw, k))
            saved.append(kept)
        trace = Trace(X, h, tuple(saved))
        loss = mean_loss(rest, trace, self.t, self.sample_weight)
        return loss, smooth_pieces(rest, trace, self.t)
