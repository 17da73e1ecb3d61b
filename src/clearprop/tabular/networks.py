"""The networks of a bag as networks to look into, and targets as these take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop._typing import Array
from clearprop.network import Network
from clearprop.tabular.target import ClassTarget, NumberTarget

if TYPE_CHECKING:
    from clearprop.tabular.bag.prediction import BagModel


def member_networks(model: BagModel) -> list[Network]:
    """Each member as a network over the matrix; it shares the member's θ, which is read-only."""
    networks = []
    for architecture, theta in zip(model.architectures, model.thetas, strict=True):
        shared = np.asarray(theta).view()
        shared.flags.writeable = False
        networks.append(Network.from_theta(architecture, shared))
    return networks


def encode_target(target: ClassTarget | NumberTarget, y: Array) -> Array:
    """y (N,) or (N, M) as `loss` and `backward` of a member take it, float32.

    Raises ValueError if the width differs from training, or a class is new.
    """
    n = len(target.classes) if isinstance(target, ClassTarget) else len(target.centre)
    columns = y[:, None] if y.ndim == 1 else y
    if columns.shape[1] != n:
        raise ValueError(f"y must have {n} columns, as in training; got {columns.shape[1]}")
    if isinstance(target, NumberTarget):
        return target.encode(y)[:, :: target.n_quantiles]
    for classes, column in zip(target.classes, columns.T, strict=True):
        new = ~np.isin(column, classes)
        if new.any():
            raise ValueError(f"y has the class {column[new][0]!r}, which was not in training")
    return target.encode(y)
