"""What gradients cost beside their functions: `python tests/benchmarks/rules.py` prints a table.

One row a function of the rule table: the time of the function on large arrays, and how many times
that the rules of its largest example take. One thread, medians. Functions whose example has
a fixed size (a reshape to a given shape) are left out, and named at the end.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import math
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce.graph import order, pull_back

sys.path.insert(0, str(Path(__file__).parents[1]))
from cases import Case, name

from examples import EXAMPLES

ROUNDS = 5
# Why a gradient may cost more than four times its function.
REASONS: dict[str, str] = {}


def enlarged(case: Case) -> Case:
    """The case with long axes where it has short ones, equal ones staying equal."""
    sizes = [n for draw in case.draws for n in draw.shape]
    rank = max((len(draw.shape) for draw in case.draws), default=0)
    unit = {0: 1, 1: 500, 2: 160, 3: 20}.get(rank, 6)
    longer = {n: n if n < 2 else n * unit for n in sizes}
    draws = (replace(draw, shape=tuple(longer[n] for n in draw.shape)) for draw in case.draws)
    return Case(case.f, *draws)


def entries(case: Case) -> float:
    """How many numbers go in."""
    return sum(math.prod(draw.shape) for draw in case.draws)


def median_seconds(step: Callable[[], Any]) -> float:
    """The median time of a step."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measured(case: Case) -> tuple[float, float]:
    """Seconds of the function on plain arrays, and of the pull-back."""
    xs = case.arguments()
    root = case.f(*(tg.tensor(x, requires_grad=True) for x in xs))
    nodes, w = order(root), np.ones(root.shape, root.dtype)

    def backward() -> None:
        with np.errstate(all="ignore"):
            deque(pull_back(root, w, nodes=nodes), maxlen=0)

    # A fresh large array costs more than what is computed into it; a graph keeps its values, so
    # that the function pays for that too.
    kept: deque[Any] = deque(maxlen=4)
    return median_seconds(lambda: kept.append(case.f(*xs))), median_seconds(backward)


def main() -> None:
    """Print the table, the most expensive gradients first."""
    rows, left_out = [], []
    for f, cases in EXAMPLES.items():
        for case in sorted(map(enlarged, cases[:10]), key=entries, reverse=True):
            try:
                forward, backward = measured(case)
            except (ValueError, IndexError, TypeError, MemoryError, tg.Error):
                continue
            rows.append((backward / forward, forward, name(f)))
            break
        else:
            left_out.append(name(f))
    print(f"{'function':24s} {'forward':>10s} {'gradient / forward':>20s}")
    for ratio, forward, title in sorted(rows, reverse=True):
        print(f"{title:24s} {1e3 * forward:7.2f} ms {ratio:20.1f}  {REASONS.get(title, '')}")
    print(f"\nleft out, since the example fixes a size: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
