"""Who takes part: the functions that prepare a training or a prediction, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.speed import estimators, jax_peer, onnx_peer, torch_peer
from benchmarks.speed.cases import Case
from benchmarks.speed.compare import Run
from benchmarks.speed.settings import Settings, UnavailableError, label
from clearprop._typing import Array

if TYPE_CHECKING:
    import clearprop as cp

Trainer: TypeAlias = Callable[[Case, Array, Array, str], Run]
Predictor: TypeAlias = Callable[["cp.MLPClassifier", Case], Callable[[Array], Array]]

TRAINERS: dict[tuple[str, str], Trainer] = {
    ("clearprop", "float32"): estimators.prepare_ours,
    ("clearprop", "bfloat16"): estimators.prepare_ours,
    ("scikit-learn", "float32"): estimators.prepare_theirs,
    ("torch", "float32"): torch_peer.prepare,
    ("torch", "bfloat16"): torch_peer.prepare,
    ("torch-compile", "float32"): torch_peer.prepare_compiled,
    ("jax", "float32"): jax_peer.prepare,
}
PREDICTORS: dict[str, Predictor] = {
    "clearprop": estimators.predictor_of_ours,
    "onnxruntime": onnx_peer.predictor,
    "torch": torch_peer.predictor,
    "scikit-learn": estimators.predictor_of_theirs,
}


def prepare_peers(
    settings: Settings, case: Case, X: Array, y: Array, precision: str
) -> tuple[dict[str, Run], list[str]]:
    """The runs of the peers that can train at this precision, and why the other peers cannot."""
    runs: dict[str, Run] = {}
    notes = []
    names = [name for name, p in TRAINERS if p == precision and name != "clearprop"]
    for name in settings.present(*names):
        settings.report(f"{case.name}: {label(name, precision)} is prepared")
        try:
            runs[name] = TRAINERS[name, precision](case, X, y, precision)
        except UnavailableError as error:
            notes.append(f"{case.name}: {label(name, precision)}: {error}")
        except Exception as error:  # if one peer fails, the others continue
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            notes.append(f"{case.name}: {label(name, precision)} failed: {reason}")
    return runs, notes
