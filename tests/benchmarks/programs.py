"""What programs cost: `python tests/benchmarks/programs.py` times nine workloads in each engine.

Hand-written NumPy, this package eager and compiled, PyTorch's eager mode and JAX's jit where they
are installed, one thread each. First all engines must agree; then rounds are interleaved, and
medians and ratios printed beside the goals of the project. `--json PATH` keeps the numbers.

    python tests/benchmarks/programs.py moons digits --rounds 31
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from timing import ONE_THREAD, ROUNDS, interleaved, pin_threads, ratio
from workloads import WORKLOADS, Workload
from workloads.engines import ENGINES, MISSING, Step, jax

import tinygrad_ce as tg

AGREE_AFTER = 3  # steps
COLUMNS = ("hand", "eager", "compiled", "jax", "torch")


def numbers(result: tuple[Any, dict[str, Any]]) -> dict[str, Any]:
    """The loss and the arrays of a step, as NumPy's."""
    loss, found = result
    return {k: np.array(_plain(v)) for k, v in {"loss": loss, **found}.items()}


def _plain(x: Any) -> Any:
    return x.numpy() if hasattr(x, "numpy") else x


def check_agreement(workload: Workload, steps: dict[str, Step]) -> None:
    """Refuse to time engines that do not compute the same."""
    results = {}
    for engine, step in steps.items():
        for _ in range(AGREE_AFTER - 1):
            step()
        results[engine] = numbers(step())
    expected = results.pop("hand")
    # Adam divides a gradient by its own size, and so the rounding error of a small one.
    tolerance = 1e-9 if workload.dtype == np.float64 else 1e-3
    for engine, found in results.items():
        for k, x in expected.items():
            size = np.abs(x).max()
            wrong = np.abs(found[k] - x).max()
            if not wrong <= tolerance * size:
                raise SystemExit(
                    f"{workload.key}: {engine} differs in {k} by {wrong:.2g} of {size:.2g}"
                )
            if found[k].dtype != x.dtype:
                raise SystemExit(f"{workload.key}: {engine} has {k} in {found[k].dtype}")


def first_call(make: Callable[[Workload], Step], workload: Workload) -> tuple[Step, float]:
    """A step, and the time of its first call: the median of three steps made anew."""
    times = []
    for _ in range(3):
        step = make(workload)
        gc.collect()
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return step, statistics.median(times)


def peak_memory(make: Callable[[Workload], Step], workload: Workload) -> int:
    """The most bytes that one call holds: results, temporaries, and buffers kept between calls.

    Arguments do not count. Only memory that goes through Python's allocator is seen.
    """
    data = workload.data()
    own = sum(x.nbytes for x in _arrays(data))
    tracemalloc.start()
    try:
        step = make(workload)
        step()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - own
    finally:
        tracemalloc.stop()


def _arrays(tree: Any) -> Iterable[Any]:
    if isinstance(tree, np.ndarray):
        yield tree
    else:
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _arrays(child)


def measured(workload: Workload, engines: list[str], rounds: int) -> dict[str, Any]:
    """All that is known of a workload: medians, ratios, first calls, memory."""
    made = {engine: first_call(ENGINES[engine], workload) for engine in engines}
    check_agreement(workload, {engine: ENGINES[engine](workload) for engine in engines})
    times = interleaved({engine: step for engine, (step, _) in made.items()}, rounds)
    return {
        "workload": workload.key,
        "seconds": {engine: statistics.median(values) for engine, values in times.items()},
        "best": {engine: min(values) for engine, values in times.items()},
        "ratios": {
            ours: {other: ratio(times[ours], times[other]) for other in times if other != ours}
            for ours in times
        },
        "first_call": {engine: first for engine, (_, first) in made.items()},
        "peak_bytes": {
            engine: peak_memory(ENGINES[engine], workload)
            for engine in engines
            if engine in ("hand", "eager", "compiled")
        },
        "goals": goals(workload),
    }


def goals(workload: Workload) -> dict[str, dict[str, float]]:
    """The ratios to reach, as `ours -> other -> at most`."""
    g = workload.goals
    return {
        "compiled": {"hand": g.hand, "jax": g.jax, "torch": g.torch},
        "eager": {"hand": g.eager_hand, "torch": g.eager_torch},
    }


def judged(value: float | None, goal: float) -> str:
    """A ratio beside its goal, with a mark where it misses."""
    if value is None:
        return f"{'-':>6s} ({goal:4.2f})  "
    return f"{value:6.2f} ({goal:4.2f}) {' ' if value <= goal else '!'}"


def print_row(workload: Workload, row: dict[str, Any]) -> None:
    """A workload's block of the report."""
    ratios, medians = row["ratios"], row["seconds"]
    print(f"\n{workload.title}, {np.dtype(workload.dtype).name}")
    print("  " + "   ".join(f"{e} {1e6 * medians[e]:.4g} us" for e in COLUMNS if e in medians))
    for ours, others in row["goals"].items():
        if ours in medians:
            print(f"  {ours:9s}" + "".join(f"  of {other} {judged(ratios[ours].get(other), goal)}"
                                           for other, goal in others.items()))  # fmt: skip
    peers = "   ".join(f"{e} {ratios[e]['hand']:.2f}" for e in ("jax", "torch") if e in medians)
    print(f"  peers of hand: {peers}" if peers else "  no peers")
    first = {e: 1e3 * s for e, s in row["first_call"].items()}
    line = "   ".join(f"{e} {first[e]:.3g}" for e in COLUMNS if e in first)
    if "compiled" in first:
        late = "!" if first["compiled"] > workload.goals.first_call else ""
        line += f"   (goal {workload.goals.first_call:g}){late}"
    print(f"  first call, ms: {line}")
    print("  peak KB: " + "   ".join(f"{e} {n / 1e3:.4g}" for e, n in row["peak_bytes"].items()))


def print_table(rows: list[dict[str, Any]]) -> None:
    """The ratios as the README quotes them."""
    titles = {w.key: f"{w.title}, {np.dtype(w.dtype).name}" for w in WORKLOADS}
    pairs = [("compiled", e) for e in ("hand", "jax", "torch")] + [("eager", "torch")]
    print("\n| one step | " + " | ".join(f"{a} / {b}" for a, b in pairs) + " | first call, ms |")
    print("| --- |" + " --- |" * (len(pairs) + 1))
    for row in rows:
        ratios = [row["ratios"].get(a, {}).get(b) for a, b in pairs]
        first = row["first_call"].get("compiled")
        cells = ["-" if r is None else f"{r:.2f}" for r in ratios]
        cells.append("-" if first is None else f"{1e3 * first:.0f}")
        print(f"| {titles[row['workload']]} | {' | '.join(cells)} |")


def call_overhead(compile_: Callable[..., Any], rounds: int) -> float:
    """Seconds that a cached call of a compiled function adds to the one NumPy call in it."""
    x = np.linspace(0.1, 1.0, 10)
    tree = {"a": x, "b": x + 1, "c": (x + 2, x + 3)}
    program = compile_(lambda tree, y: tree["a"] * y)
    program(tree, x)
    steps = {"program": lambda: program(tree, x), "numpy": lambda: np.multiply(tree["a"], x)}
    medians = {k: statistics.median(v) for k, v in interleaved(steps, rounds).items()}
    return medians["program"] - medians["numpy"]


def machine() -> dict[str, Any]:
    """Where and with what the numbers were made."""
    versions = {"python": platform.python_version()}
    for package in ("numpy", "torch", "jax"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "blas": _blas(),
        "cores": os.cpu_count(),
        "versions": versions,
        "threads": ONE_THREAD,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
    }


def _blas() -> str:
    """The processor that OpenBLAS computes for, which may be an older one at half the speed."""
    for path in Path(np.__file__).parents[1].glob("numpy.libs/*openblas64_*"):
        core = getattr(ctypes.CDLL(str(path)), "scipy_openblas_get_corename64_", None)
        if core is not None:
            core.restype = ctypes.c_char_p
            return f"OpenBLAS for {core().decode()}"
    return "a BLAS unknown"


def _processor() -> str:
    """The processor's name; Linux alone tells it in a file."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def options() -> argparse.Namespace:
    """The command line."""
    names = sorted({w.name for w in WORKLOADS})
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="workload", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="five rounds")
    parser.add_argument("--without", nargs="*", default=[], choices=ENGINES, help="engines")
    parser.add_argument("--json", metavar="PATH", help="where the numbers are written")
    found = parser.parse_args()
    if unknown := set(found.workloads) - set(names):
        parser.error(f"no workload is called {', '.join(unknown)}; there are {', '.join(names)}")
    return found


def main() -> None:
    """Time, and print the table."""
    pin_threads()
    chosen = options()
    rounds = 5 if chosen.quick else chosen.rounds
    engines = [e for e in ENGINES if e not in MISSING and (e == "hand" or e not in chosen.without)]
    where = machine()
    print(f"{where['processor']}, {where['cores']} cores, one thread; {where['blas']}; "
          f"load {where['load']:.1f}; "
          + ", ".join(f"{k} {v}" for k, v in where["versions"].items()))  # fmt: skip
    print("ratios of times, goals in parentheses, ! where one is missed")
    for engine, reason in MISSING.items():
        print(f"without {engine}: {reason}")
    if "jax" in engines:
        jax.jit(abs)(1.0)  # XLA's own start is no part of a first call
    rows = []
    for workload in WORKLOADS:
        if chosen.workloads and workload.name not in chosen.workloads:
            continue
        rows.append(measured(workload, engines, rounds))
        print_row(workload, rows[-1])
        sys.stdout.flush()
    print_table(rows)
    compilers = {"compiled": getattr(tg, "compile", None), "jax": getattr(jax, "jit", None)}
    overheads = {e: call_overhead(compilers[e], rounds) for e in compilers if e in engines}
    for engine, cost in overheads.items():
        goal = "  (goal 3.0)" + " !" * (cost > 3e-6) if engine == "compiled" else ""
        print(f"\na cached call of {engine} adds {1e6 * cost:.2f} us{goal}")
    if chosen.json:
        with open(chosen.json, "w") as file:
            json.dump({"machine": where, "call_overhead": overheads, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
