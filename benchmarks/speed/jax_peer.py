"""JAX: a whole epoch, shuffling included, as one compiled function."""

from __future__ import annotations

import os
import sys
import time
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.speed.cases import Case
from benchmarks.speed.compare import Run
from clearprop._typing import Array
from clearprop.engines.threads import get_num_threads


def prepare(case: Case, X: Array, y: Array, precision: str = "float32") -> Run:
    """A run of the epochs; the first weights, the data on JAX's side and compiling do not count."""
    jax = load(get_num_threads())
    data = jax.numpy.asarray(X), jax.numpy.asarray(y.astype(np.int32))
    epoch = epoch_function(case, *data)
    epoch = epoch.lower(start(case), jax.random.key(0)).compile()

    def run() -> float:
        state, keys = start(case), list(jax.random.split(jax.random.key(0), case.epochs))
        jax.block_until_ready((state, keys))
        begin = time.perf_counter()
        for key in keys:
            state = epoch(state, key)
        jax.block_until_ready(state)
        return time.perf_counter() - begin

    return run


def load(n_threads: int) -> Any:
    """JAX with this number of threads, which it takes from the environment when it is loaded."""
    if "jax" in sys.modules:
        return sys.modules["jax"]
    flags = os.environ.get("XLA_FLAGS", "")
    one = "--xla_cpu_multi_thread_eigen=false" if n_threads == 1 else ""
    wanted = {"NPROC": str(n_threads), "XLA_FLAGS": f"{flags} {one}".strip()}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.devices()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return jax


def start(case: Case) -> Any:
    """(θ, m, v, step): the weights as [(W, b), …], Adam's two moments of them, 0 steps."""
    from jax import numpy as jnp

    rng = np.random.default_rng(0)
    theta = [
        (
            jnp.asarray(rng.normal(0, n_in**-0.5, (n_in, n_out)), jnp.float32),
            jnp.zeros(n_out, jnp.float32),
        )
        for n_in, n_out in pairwise(case.sizes)
    ]

    def zeros() -> Any:
        return [(jnp.zeros_like(W), jnp.zeros_like(b)) for W, b in theta]

    return theta, zeros(), zeros(), jnp.zeros((), jnp.int32)


def epoch_function(case: Case, X: Any, y: Any) -> Any:
    """(state, key) → state after one pass over the rows in the order that the key gives."""
    import jax
    from jax import numpy as jnp

    whole = case.n_rows // case.batch_size

    def loss(theta: Any, h: Any, t: Any) -> Any:
        for W, b in theta[:-1]:
            h = jax.nn.relu(h @ W + b)
        log_p = jax.nn.log_softmax(h @ theta[-1][0] + theta[-1][1])
        return -jnp.take_along_axis(log_p, t[:, None], axis=1).mean()

    def step(state: Any, rows: Any) -> Any:
        theta, m, v, n = state
        gradient = jax.grad(loss)(theta, X[rows], y[rows])
        n = n + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        theta = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), theta, m, v)
        return (theta, m, v, n), None

    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, case.n_rows)
        batches = order[: whole * case.batch_size].reshape(whole, case.batch_size)
        state, _ = jax.lax.scan(step, state, batches)
        if case.n_rows % case.batch_size:
            state, _ = step(state, order[whole * case.batch_size :])
        return state

    return jax.jit(epoch, donate_argnums=0)
