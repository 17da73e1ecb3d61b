"""What can be chosen: sections, cases, peers, precisions, the number of runs and of threads."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.speed.cases import CASES, Case

CHECKOUT = Path(__file__).parents[2]  # where child processes start, to find benchmarks.speed
SECTIONS = ("fit", "threads", "jobs", "busy", "row", "batch", "memory", "convergence")
DEFAULT_SECTIONS = ("fit", "convergence")
PRECISIONS = ("float32", "bfloat16")

# The name on the command line and in results, and the packages that the peer needs.
PEERS: dict[str, tuple[str, ...]] = {
    "scikit-learn": ("sklearn",),
    "torch": ("torch",),
    "torch-compile": ("torch",),
    "jax": ("jax",),
    "onnxruntime": ("onnxruntime", "onnx"),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
}
LABELS = {
    "clearprop": "clearprop",
    "predictor": "net.predictor()",
    "scikit-learn": "scikit-learn",
    "torch": "PyTorch",
    "torch-compile": "torch.compile",
    "jax": "JAX",
    "onnxruntime": "ONNX Runtime",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
}
PRECISION_LABELS = {("torch", "bfloat16"): "PyTorch autocast"}


class UnavailableError(Exception):
    """Something cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Settings:
    """One run of the suite. cases: None for the cases that each section is about."""

    sections: tuple[str, ...] = DEFAULT_SECTIONS
    cases: tuple[str, ...] | None = None
    peers: tuple[str, ...] = tuple(PEERS)
    precisions: tuple[str, ...] = PRECISIONS
    runs: int = 5
    threads: int = 1
    quick: bool = False
    report: Callable[[str], None] = lambda text: None

    def chosen(self, *default: str) -> list[Case]:
        """The cases asked for, or these; shorter ones for a quick run."""
        cases = [CASES[name] for name in (default if self.cases is None else self.cases)]
        return [case.shorter(20) for case in cases] if self.quick else cases

    def present(self, *peers: str) -> list[str]:
        """The peers among these that were asked for and can run here."""
        return [peer for peer in peers if peer in self.peers and why_missing(peer) is None]

    @property
    def parallel(self) -> int:
        """The number of threads that is compared with one."""
        return max(2, self.threads)


def label(name: str, precision: str = "float32") -> str:
    """The name of a peer in tables."""
    return PRECISION_LABELS.get((name, precision), LABELS[name])


def why_missing(peer: str) -> str | None:
    """None if the peer can run here, or the reason why it cannot."""
    missing = [package for package in PEERS[peer] if find_spec(package) is None]
    if missing:
        return "not installed" if len(PEERS[peer]) == 1 else f"{missing[0]} is not installed"
    compilers = (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")
    if peer == "torch-compile" and not any(map(shutil.which, compilers)):
        return "no C++ compiler was found"
    return None


def load(settings: Settings) -> None:
    """Import the peers before anything is measured, so that thread_limits reaches them.

    JAX is not among them, because it takes its threads from the environment. PyTorch also measures
    how fast bfloat16 can be.
    """
    early = {"scikit-learn", "torch", "torch-compile", "onnxruntime"}
    if "row" in settings.sections:
        early |= {"lightgbm", "catboost"}
    peers = early.intersection(settings.peers)
    if "bfloat16" in settings.precisions:
        peers.add("torch")
    for peer in peers:
        if why_missing(peer) is None:
            for package in PEERS[peer]:
                importlib.import_module(package)


def n_processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def need_processors(n: int) -> None:
    """Raise UnavailableError unless n threads can really run at once."""
    if n_processors() < n:
        raise UnavailableError(f"needs {n} processors, this process may use {n_processors()}")


@contextmanager
def thread_limits(n: int) -> Iterator[None]:
    """Within it clearprop, the BLAS of NumPy and SciPy, and PyTorch use n threads each."""
    from threadpoolctl import threadpool_limits

    from clearprop.engines.threads import num_threads

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with threadpool_limits(n), num_threads(n):
        if torch:
            torch.set_num_threads(n)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
