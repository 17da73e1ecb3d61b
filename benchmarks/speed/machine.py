"""The machine of a run: what it is, and how fast it multiplies and copies."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.speed.compare import shown
from benchmarks.speed.settings import Settings, n_processors, thread_limits

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "jax", "onnxruntime", "lightgbm", "catboost")
SIZES = (256, 512, 1024)


def describe(settings: Settings) -> dict[str, Any]:
    """Name, versions and speeds, the latter with the threads of the run."""
    from threadpoolctl import threadpool_info

    from clearprop import _native

    seconds = 0.1 if settings.quick else 0.5
    with thread_limits(settings.threads):
        speeds = {
            "float32_flops_per_second": product_peak("float32", seconds),
            "bfloat16_flops_per_second": product_peak("bfloat16", seconds),
            "copy_bytes_per_second": copy_speed(1 << 24 if settings.quick else 1 << 26),
        }
    return {
        "cpu": cpu_name(),
        "processors": n_processors(),
        "system": f"{platform.system()} {platform.machine()}",
        "clearprop_isa": _native.isa(),
        "blas": sorted(
            {str(i["internal_api"]) for i in threadpool_info() if i["user_api"] == "blas"}
        ),
        "versions": versions(),
        "threads": settings.threads,
        **speeds,
    }


def product_peak(precision: str, seconds: float = 0.2) -> float | None:
    """The most floating-point operations per second in square products, by NumPy (bf16: PyTorch).

    None for bfloat16 without PyTorch. seconds: for each size.
    """
    return max((_product_speed(n, precision, seconds) for n in SIZES), key=lambda s: s or 0.0)


def _product_speed(n: int, precision: str, seconds: float) -> float | None:
    if precision == "float32":
        rng = np.random.default_rng(0)
        A, B = rng.standard_normal((2, n, n), dtype=np.float32)
        C = np.empty_like(A)
        return 2 * n**3 / _least_time(lambda: np.matmul(A, B, out=C), seconds)
    torch = sys.modules.get("torch")  # where it is loaded it keeps to the limit of threads
    if torch is None:
        return None
    a, b = torch.randn(2, n, n).to(torch.bfloat16)
    return 2 * n**3 / _least_time(lambda: torch.mm(a, b), seconds)


def copy_speed(n: int = 1 << 26) -> float:
    """Bytes a second, read and written, of copying n float32 numbers that no cache can hold."""
    source, target = np.ones(n, np.float32), np.zeros(n, np.float32)
    return 2 * source.nbytes / _least_time(lambda: np.copyto(target, source), 0.3)


def _least_time(function: Callable[[], object], seconds: float) -> float:
    """The shortest of several times: whatever disturbs makes a time longer."""
    function()
    best, end = float("inf"), time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        function()
        best = min(best, time.perf_counter() - start)
    return best


def cpu_name() -> str:
    """The model of the processor, as the system reports it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of Python, clearprop and the packages that are installed."""
    found = {"python": platform.python_version(), "clearprop": cp.__version__}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def lines(machine: dict[str, Any]) -> list[str]:
    """The machine in words."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    sgemm, bf16, copied = (
        shown(machine[name], 1e9)
        for name in (
            "float32_flops_per_second",
            "bfloat16_flops_per_second",
            "copy_bytes_per_second",
        )
    )
    return [
        f"{machine['cpu']}, {machine['processors']} processors, {machine['system']}, "
        f"clearprop uses {machine['clearprop_isa']}",
        versions,
        f"{machine['threads']} thread(s): float32 products {sgemm} GFLOP/s (NumPy), "
        f"bfloat16 {bf16} GFLOP/s (PyTorch), copy {copied} GB/s",
    ]
