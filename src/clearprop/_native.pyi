"""The native module; native/module.cpp defines it and says what each thing means."""

from typing import Any

class PartSpec:
    kind: int
    n: int
    n_units: int
    n_frequencies: int
    n_codes: int
    clip: float
    edges: list[list[float]]
    sizes: list[int]

ACTIVATIONS: tuple[str, ...]
OUTPUTS: tuple[str, ...]
OPTIMIZERS: dict[str, tuple[str, ...]]  # with the names of their slots
LAYERS: dict[str, tuple[str, ...]]  # with the names of their parameters, in the order of θ
PARAMETERS: tuple[str, ...]

class JobSpec:
    def __init__(self, other: JobSpec = ...) -> None: ...

    parts: list[PartSpec]
    scale: bool
    sizes: list[int]
    activations: list[int]
    gains: list[float]
    slopes: list[int]
    dropout: list[float]
    dropout_index: list[int]
    rate_factors: list[float]
    output: int
    output_constants: list[float]
    batch_size: int
    optimizer: int
    optimizer_constants: list[float]
    weight_decay: float
    l1: float
    l2: float
    l2_per_batch: float
    clip_norm: float
    seed: int
    bfloat16: bool
    lower: list[float]
    upper: list[float]

RunF32: Any
RunF64: Any
PredictorF32: Any
PredictorF64: Any

def math(function: int, x: Any, y: Any) -> None: ...
def holds_state(bit_generator: Any, key: Any, pos: int) -> bool: ...
def shuffle(bit_generator: Any, x: Any) -> None: ...
def permute(bit_generator: Any, x: Any) -> None: ...
def uniform(bit_generator: Any, low: float, high: float, x: Any) -> None: ...
def same_bytes(a: Any, b: Any) -> bool: ...
def default_threads() -> int: ...
def cgroup_quota(root: str = "") -> float: ...
def why_not_bfloat16() -> str: ...
def round_to_bfloat16(x: Any, y: Any) -> None: ...
def isa() -> str: ...
def available_isas() -> list[str]: ...
