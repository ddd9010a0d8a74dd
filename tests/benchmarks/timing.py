"""Time that can be compared: threads pinned, rounds interleaved, medians.

A noisy machine slows what runs at the moment. Interleaved rounds spread that over all that is
compared, and the ratio of two times is the median of the ratios within a round.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["calibrated", "interleaved", "pin_threads", "ratio", "seconds"]

# One thread for BLAS, PyTorch and XLA: two on a busy machine may be a hundred times slower.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # XLA's pool
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",  # its thread costs more than a small program
    "JAX_ENABLE_X64": "1",
}
ROUNDS = 15
LONG_ENOUGH = 4e-3  # seconds of one measurement


def pin_threads() -> None:
    """Run the command again with one thread, unless it is so pinned already."""
    if any(os.environ.get(key) != value for key, value in ONE_THREAD.items()):
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **ONE_THREAD})


def seconds(step: Callable[[], Any], repeats: int = 50) -> float:
    """The mean time of a step over some repeats."""
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - began) / repeats


def calibrated(step: Callable[[], Any]) -> int:
    """How often a step is repeated so that the clock's own cost does not count."""
    return max(1, round(LONG_ENOUGH / min(seconds(step, 2) for _ in range(3))))


def interleaved(
    steps: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """The time of each step in each of some rounds."""
    repeats = {name: calibrated(step) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(seconds(step, repeats[name]))
    return times


def ratio(times: list[float], others: list[float]) -> float:
    """The median ratio of two steps that were timed in the same rounds."""
    return statistics.median(a / b for a, b in zip(times, others, strict=True))
