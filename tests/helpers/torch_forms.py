"""The activations, losses and networks of clearprop in PyTorch's own functions: an oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from clearprop import Network
from clearprop.layers import Dense, Draw
from clearprop.outputs import (
    AbsoluteError,
    Gamma,
    Gaussian,
    Huber,
    Linear,
    Logistic,
    LogisticSquaredError,
    NegativeBinomial,
    Ordinal,
    Output,
    Poisson,
    Quantile,
    Softmax,
    Tweedie,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

SELU_SCALE = 1.0507009873554805
SELU_FLOOR = -SELU_SCALE * 1.6732632423543772


class Phi(NamedTuple):
    """An activation in PyTorch, and its limits.

    left, right: φ and φ′ at −∞ and at +∞; None where φ(z) = φ′(±∞)·z instead of a limit.
    slow: whether the limits are reached only at infinity, not at |z| = 1e4.
    """

    form: Callable[[Any], Any]
    left: tuple[float | None, float]
    right: tuple[float | None, float]
    slow: bool = False


LINE = (None, 1.0)
PHI = {
    "identity": Phi(lambda z: z, LINE, LINE),
    "logistic": Phi(torch.sigmoid, (0.0, 0.0), (1.0, 0.0)),
    "tanh": Phi(torch.tanh, (-1.0, 0.0), (1.0, 0.0)),
    "relu": Phi(F.relu, (0.0, 0.0), LINE),
    "leaky_relu": Phi(lambda z: F.leaky_relu(z, 0.01), (None, 0.01), LINE),
    "elu": Phi(F.elu, (-1.0, 0.0), LINE),
    "selu": Phi(F.selu, (SELU_FLOOR, 0.0), (None, SELU_SCALE)),
    "gelu": Phi(F.gelu, (0.0, 0.0), LINE),
    "silu": Phi(F.silu, (0.0, 0.0), LINE),
    "mish": Phi(F.mish, (0.0, 0.0), LINE),
    "hardtanh": Phi(F.hardtanh, (-1.0, 0.0), (1.0, 0.0)),
    "hardswish": Phi(F.hardswish, (0.0, 0.0), LINE),
    "softsign": Phi(F.softsign, (-1.0, 0.0), (1.0, 0.0), slow=True),
    # PyTorch cuts softplus to z beyond the threshold, 20 by default
    "softplus": Phi(lambda z: F.softplus(z, threshold=1000.0), (0.0, 0.0), LINE),
}


def y_hat(output: Output, z: Any) -> Any:
    """ŷ (K,) of one sample, from z (K,)."""
    match output.unit:
        case "linear":
            return z
        case "exponential":
            return torch.exp(z)
        case "gaussian":
            return torch.where(torch.arange(len(z)) % 2 == 1, torch.exp(z / 2), z)
        case "ordinal":
            return torch.sigmoid(_cut_points(z))
        case "logistic":
            return torch.sigmoid(z)
        case "softmax":
            sizes = list(getattr(output, "sizes", None) or (len(z),))
            return torch.cat([part.softmax(0) for part in z.split(sizes)])
    raise TypeError(output)


def _cut_points(z: Any) -> Any:
    first, rest = z[..., :1], z[..., 1:]
    return torch.cat([first, -F.softplus(rest, threshold=500.0)], dim=-1).cumsum(-1)


def losses(output: Output, z: Any, t: Any) -> Any:  # noqa: PLR0912  # one case for each unit
    """ℒ of each sample (N,) as a tensor; t as the user gives it, in NumPy."""
    t = np.asarray(t)
    if isinstance(output, Softmax):
        return _softmax_losses(output, z, t)
    t = torch.as_tensor(t.reshape(len(t), -1), dtype=z.dtype)
    match output:
        case Linear():
            return F.mse_loss(z, t, reduction="none").sum(1) / 2
        case AbsoluteError():
            return F.l1_loss(z, t, reduction="none").sum(1)
        case Huber():
            return F.huber_loss(z, t, reduction="none", delta=output.delta).sum(1)
        case Poisson():
            constant = torch.xlogy(t, t) - t
            return (F.poisson_nll_loss(z, t, reduction="none") + constant).sum(1)
        case Gamma():
            return (z - torch.log(t) + t * torch.exp(-z) - 1).sum(1)
        case Tweedie():
            p, y = output.power, torch.exp(z)
            terms = y ** (2 - p) / (2 - p) + t * y ** (1 - p) / (p - 1)
            return (terms - t ** (2 - p) / ((p - 1) * (2 - p))).sum(1)
        case NegativeBinomial():
            alpha, y = output.dispersion, torch.exp(z)
            odds = torch.log1p(alpha * t) - torch.log1p(alpha * y)
            return (torch.xlogy(t, t) - t * z - (t + 1 / alpha) * odds).sum(1)
        case Gaussian():
            mean, variance = z[:, ::2], torch.exp(z[:, 1::2])
            return F.gaussian_nll_loss(mean, t, variance, full=True, eps=0, reduction="none").sum(1)
        case Ordinal():
            k, ends = t[:, :1].long(), torch.full((len(z), 1), torch.inf, dtype=z.dtype)
            cuts = torch.cat([ends, _cut_points(z), -ends], dim=1)
            a, b = cuts.gather(1, k)[:, 0], cuts.gather(1, k + 1)[:, 0]
            apart = torch.log(-torch.expm1(b - a))  # σ(a) − σ(b) = σ(a) σ(−b) (1 − e^(b − a))
            return -(F.logsigmoid(a) + F.logsigmoid(-b) + apart)
        case Logistic():
            t = t * (1 - output.label_smoothing) + output.label_smoothing / 2
            return F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1)
        case LogisticSquaredError():
            return F.mse_loss(torch.sigmoid(z), t, reduction="none").sum(1) / 2
        case Quantile():
            terms, column = [], 0
            for target in t.T:
                for q in output.quantiles:
                    r = target - z[:, column]
                    terms.append(torch.maximum(q * r, (q - 1) * r))
                    column += 1
            return torch.stack(terms).sum(0)
    raise TypeError(output)


def _softmax_losses(output: Softmax, z: Any, t: Any) -> Any:
    sizes = output.sizes or (z.shape[1],)
    if t.ndim == 1:
        t = t[:, None]
    total, start = 0, 0
    for number, size in enumerate(sizes):
        if t.shape[1] == len(sizes):  # class indices
            target = torch.as_tensor(t[:, number], dtype=torch.long)
        else:
            target = torch.as_tensor(t[:, start : start + size], dtype=z.dtype)
        logits = z[:, start : start + size]
        total = total + F.cross_entropy(
            logits, target, reduction="none", label_smoothing=output.label_smoothing
        )
        start += size
    return total


class TorchPass(NamedTuple):
    """A forward pass and what autograd makes of it, as NumPy arrays named as in Gradients."""

    loss: float
    arrays: dict[str, list[Any]]


def autograd(
    net: Network, X: Any, t: Any, sample_weight: Any = None, draw: tuple[int, int] | None = None
) -> TorchPass:
    """ℒ, z, h and every derivative of a network by torch.autograd, in float64."""
    leaf = torch.tensor(np.asarray(X, dtype=np.float64), requires_grad=True)
    W = [torch.tensor(w.astype(np.float64), requires_grad=True) for w in net.W]
    b = [torch.tensor(v.astype(np.float64), requires_grad=True) for v in net.b]
    value, z, h, number = leaf, [], [], 0
    for index, layer in enumerate(net.architecture.layers):
        if isinstance(layer, Dense):
            h.append(value)
            value = F.linear(value, W[number], b[number])
            z.append(value)
            number += 1
            if layer.activation is not None:
                value = PHI[layer.activation.name].form(value)
        elif draw is not None:
            mask = layer.mask(Draw(*draw, layer=index), tuple(value.shape), np.float64)
            value = value * torch.tensor(mask)
    for tensor in (*z, *h[1:]):
        tensor.retain_grad()
    each = losses(net.output, value, t)
    w = torch.ones(len(each)) if sample_weight is None else torch.tensor(sample_weight)
    w = w.to(torch.float64)
    loss = (w * each).sum() / w.sum()
    loss.backward()
    arrays = {
        "z": [v.detach().numpy() for v in z],
        "h": [v.detach().numpy() for v in h],
        "dL_dz": [v.grad.numpy() for v in z],
        "dL_dh": [v.grad.numpy() for v in h],
        "dL_dW": [v.grad.numpy() for v in W],
        "dL_db": [v.grad.numpy() for v in b],
    }
    return TorchPass(loss.item(), arrays)
