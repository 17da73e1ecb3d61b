"""PyTorch: a plain mini-batch loop, well written, and prediction in inference mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks.speed.cases import Case
from benchmarks.speed.compare import Run
from clearprop._typing import Array

if TYPE_CHECKING:
    import clearprop as cp


def network(sizes: tuple[int, ...]) -> Any:
    """Linear layers with relu between them; the last gives the logits."""
    from torch import nn

    layers: list[Any] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def prepare(
    case: Case, X: Array, y: Array, precision: str = "float32", *, compiled: bool = False
) -> Run:
    """A run of the training loop, shuffling and choice of rows included.

    What comes before the loop does not count: the network, its weights, the optimiser, X and y as
    tensors, and the compiling where `compiled`.
    """
    import torch

    net = network(case.sizes)
    loss = loss_function(net, precision)
    if compiled:
        loss = torch.compile(loss, dynamic=False, fullgraph=True)
    data = torch.from_numpy(X), torch.from_numpy(y)

    def run() -> float:
        torch.manual_seed(0)
        for layer in net[::2]:
            layer.reset_parameters()
        optimizer = adam(net)
        start = time.perf_counter()
        train(loss, optimizer, *data, case.batch_size, case.epochs)
        return time.perf_counter() - start

    # one step of each size of batch, so that both are compiled
    few = case.batch_size + (case.n_rows % case.batch_size or case.batch_size)
    train(loss, adam(net), data[0][:few], data[1][:few], case.batch_size, 1)
    return run


def adam(net: Any) -> Any:
    """PyTorch's fastest Adam: one call updates all parameters."""
    import torch

    return torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)


def loss_function(net: Any, precision: str) -> Callable[[Any, Any], Any]:
    """The mean cross-entropy of a batch; for bfloat16 under autocast, with float32 weights."""
    import torch
    from torch.nn.functional import cross_entropy

    def loss(x: Any, y: Any) -> Any:
        return cross_entropy(net(x), y)

    def autocast_loss(x: Any, y: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return cross_entropy(net(x), y)

    return loss if precision == "float32" else autocast_loss


def train(
    loss: Callable[[Any, Any], Any], optimizer: Any, X: Any, y: Any, batch_size: int, epochs: int
) -> None:
    """Epochs over shuffled mini-batches."""
    import torch

    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss(X.index_select(0, rows), y.index_select(0, rows)).backward()
            optimizer.step()


prepare_compiled = partial(prepare, compiled=True)


def predictor(model: cp.MLPClassifier, case: Case) -> Callable[[Array], Array]:
    """Probabilities from an array to an array, with our weights."""
    import torch

    net = network(case.sizes)
    with torch.no_grad():
        for layer, W, b in zip(net[::2], model.network_.W, model.network_.b, strict=True):
            layer.weight.copy_(torch.from_numpy(W))
            layer.bias.copy_(torch.from_numpy(b))

    def predict_proba(X: Array) -> Array:
        with torch.inference_mode():
            probabilities: Array = torch.softmax(net(torch.from_numpy(X)), 1).numpy()
        return probabilities

    return predict_proba
