"""What native code is given: architectures and jobs as its specifications, parts by their names."""

from __future__ import annotations

import weakref
from typing import Any, cast

from clearprop import _native
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture
from clearprop.embeddings import (
    LAYER_KINDS,
    Embedding,
    EmbeddingBag,
    Identity,
    Parallel,
    Periodic,
    PiecewiseLinear,
    Scale,
)
from clearprop.jobs import Job
from clearprop.layers import Dense, Dropout, Layer
from clearprop.optimizers import LBFGS, OPTIMIZERS, Optimizer
from clearprop.outputs import OUTPUTS

# The native parts by their names, and the numbers that native code knows them by.
ACTIVATION_NUMBER = {name: number for number, name in enumerate(_native.ACTIVATIONS)}
OUTPUT_NUMBER = {name: number for number, name in enumerate(_native.OUTPUTS)}
OPTIMIZER_NUMBER = {name: number for number, name in enumerate(_native.OPTIMIZERS)}
PART_NUMBER = {LAYER_KINDS[name]: number for number, name in enumerate(_native.LAYERS)}


def why_not(architecture: Architecture, optimizer: object = None) -> str:
    """Why the native engine cannot run this: a custom part; "" if it can.

    A part is native if it is the record of that name in the library's table (or equal to it, as
    after pickling) and native code has that name.
    """
    front, _, rest = split(architecture)
    for layer in front:
        if type(layer) not in PART_NUMBER:
            return f"the native engine has no layer {layer.name!r} {_where(layer)}"
    for before, layer in zip((None, *rest), rest, strict=False):
        if type(layer) not in (Dense, Dropout):
            return f"the native engine has no layer {layer.name!r} {_where(layer)}"
        if isinstance(layer, Dropout) and not isinstance(before, Dense):
            return "the native engine has no dropout but after a dense layer"
    for layer in architecture.dense:
        act = layer.activation
        if act is None:
            continue
        if act.name not in ACTIVATION_NUMBER or ACTIVATIONS.get(act.name) != act:
            return f"the native engine has no activation {act.name!r}"
    output = architecture.output
    if OUTPUTS.get(output.name) is not type(output) or output.name not in OUTPUT_NUMBER:
        return f"the native engine has no output unit {output!r}"
    if optimizer is None or type(optimizer) is LBFGS:  # which asks for gradients only
        return ""
    kinds = tuple(OPTIMIZERS.values())
    if type(optimizer) not in kinds or step_of(optimizer)[0] not in OPTIMIZER_NUMBER:
        return f"the native engine has no optimiser {optimizer!r}"
    return ""


def step_of(optimizer: object) -> tuple[str, tuple[float, ...]]:
    """The name of the optimiser's native step, and the constants of its formula."""
    name, constants = cast(Any, optimizer).native()
    return name, tuple(float(value) for value in constants)


def slots_of(optimizer: object) -> tuple[str, ...]:
    slots: tuple[str, ...] = _native.OPTIMIZERS[step_of(optimizer)[0]]
    return slots


def split(architecture: Architecture) -> tuple[tuple[Layer, ...], Scale | None, tuple[Layer, ...]]:
    """The layers for columns, next to each other, the scale behind them if any, and the rest."""
    first, *rest = architecture.layers
    front: tuple[Layer, ...] = ()
    if type(first) is Parallel:
        front = first.layers
    elif type(first) in PART_NUMBER:
        front = (first,)
    elif type(first) is Scale:
        front, rest = (Identity(first.n),), [first, *rest]
    else:
        return (), None, architecture.layers
    if rest and type(rest[0]) is Scale:
        return front, rest[0], tuple(rest[1:])
    return front, None, tuple(rest)


def _where(layer: Layer) -> str:
    known = (Parallel, Scale, *PART_NUMBER)
    return "in this place" if isinstance(layer, known) else "that is custom"


_specs: dict[int, tuple[weakref.ref[Architecture], Any]] = {}


def spec_of(architecture: Architecture) -> Any:
    """The architecture as native code reads it, made once for each; not to be written to."""
    key = id(architecture)
    kept = _specs.get(key)
    if kept is None or kept[0]() is not architecture:
        alive = weakref.ref(architecture, lambda _: _specs.pop(key, None))
        kept = _specs[key] = alive, _described(architecture)
    return kept[1]


def _described(architecture: Architecture) -> Any:
    if reason := why_not(architecture):
        raise ValueError(reason)
    spec = _native.JobSpec()
    spec.sizes = architecture.sizes
    front, scale, _ = split(architecture)
    spec.parts = [_part(layer) for layer in front]
    spec.scale = scale is not None
    spec.gains = [float(layer.gain) for layer in architecture.dense]
    spec.slopes = [int(layer.slope) for layer in architecture.dense[:-1]]
    activations: list[int] = []
    dropout: list[float] = []
    index: list[int] = []
    for number, layer in enumerate(architecture.layers):
        if isinstance(layer, Dropout):
            dropout[-1], index[-1] = float(layer.rate), number
        elif isinstance(layer, Dense) and layer.activation is not None:
            activations.append(ACTIVATION_NUMBER[layer.activation.name])
            dropout.append(0.0)
            index.append(0)
    spec.activations, spec.dropout, spec.dropout_index = activations, dropout, index
    output = architecture.output
    spec.output = OUTPUT_NUMBER[output.name]
    spec.output_constants = [float(c) for c in output.constants(architecture.n_outputs)]
    return spec


def _part(layer: Layer) -> Any:
    part = _native.PartSpec()
    assert layer.n_in is not None
    part.kind, part.n = PART_NUMBER[type(layer)], layer.n_in
    if isinstance(layer, Embedding | EmbeddingBag):
        part.n, part.n_units = len(layer.sizes), layer.n_units
        part.sizes = [int(size) for size in layer.sizes]
    if isinstance(layer, EmbeddingBag):
        part.n_codes = layer.n_codes
    if isinstance(layer, PiecewiseLinear):
        part.n_units, part.clip = layer.n_units, float(layer.clip)
        part.edges = [[float(edge) for edge in edges] for edges in layer.edges]
    elif isinstance(layer, Periodic):
        part.n_units, part.n_frequencies = layer.n_units, layer.n_frequencies
    return part


def job_spec(job: Job) -> Any:
    if reason := why_not(job.architecture, job.optimizer):
        raise ValueError(reason)
    spec = _native.JobSpec(spec_of(job.architecture))
    spec.rate_factors = [float(job.rate_factors.get(name, 1.0)) for name in _native.PARAMETERS]
    optimizer = cast(Optimizer, job.optimizer)
    spec.weight_decay = float(optimizer.weight_decay)
    step, constants = step_of(optimizer)
    spec.optimizer, spec.optimizer_constants = OPTIMIZER_NUMBER[step], list(constants)
    spec.l1, spec.l2, spec.l2_per_batch = job.penalty.l1, job.penalty.l2, job.penalty.l2_per_batch
    spec.clip_norm = job.clip_norm or 0.0
    spec.batch_size = min(int(job.batch_size), 2**31 - 1)  # an int there; no data have more rows
    spec.seed = int(job.seed)
    if (bounds := job.architecture.bounds) is not None:
        spec.lower, spec.upper = (ends.tolist() for ends in bounds)
    if job.precision == "bfloat16":
        if job.architecture.monotone is not None:
            raise ValueError("precision='bfloat16' is not for monotone networks")
        if spec.parts or any(spec.slopes) or any(gain != 1 for gain in spec.gains):
            raise ValueError(
                "precision='bfloat16' is for networks of plain dense layers; this one has "
                "layers for columns, gains or slopes"
            )
        if reason := _native.why_not_bfloat16():
            raise ValueError(f"precision='bfloat16' is not available here: {reason}")
        spec.bfloat16 = True
    return spec
