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
SECONDS = 1.0  # that the rounds of one step may take together
# Why a gradient may cost more than four times its function.
_READS = "it reads its operand once; the gradient is an array of its size, to be filled"
_CHOICES = "one pass; each gradient compares twice, for ties share, and fills its own array"
_PLACES = "copies blocks of memory; the gradient is collected entry by entry, by number"
_PARTS = "it is a view, or reads few entries; the gradient is an array with all of them"
_OUTER = "its operands are small: each gradient makes some arrays of the result's size, and sums"
_PRODUCTS = "the product of all others: two running products, which no vector unit helps"
_EXTREMES = "the gradient looks for the extremes again, counts them, and fills an array"


def _all(names: str, reason: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), reason)


REASONS: dict[str, str] = {
    **_all(
        "arctan2.outer copysign.outer divide.outer float_power.outer fmax.outer fmin.outer "
        "fmod.outer logaddexp.outer logaddexp2.outer "
        "maximum.outer minimum.outer power.outer hypot.outer multiply.outer outer",
        _OUTER,
    ),
    **_all(
        "atleast_1d atleast_2d broadcast_to compress cut diag diagonal dsplit expand_dims extract "
        "flip fliplr flipud getitem hsplit matrix_transpose moveaxis ravel real real_if_close "
        "reshape rollaxis rot90 split squeeze swapaxes take take_along_axis trace transpose unfold "
        "unstack vsplit",
        _PARTS,
    ),
    **_all("euclidean full_like norm vecdot vector_norm matrix_norm", _READS),
    **_all("block insert pad repeat", _PLACES),
    **_all("clip fmax fmin maximum minimum", _CHOICES),
    **_all("multiply.reduce nanprod prod", _PRODUCTS),
    **_all(
        "amax amin fmax.reduce fmin.reduce max maximum.reduce min minimum.reduce nanmax nanmin ptp",
        _EXTREMES,
    ),
    "angle": "arctan2 is vectorised; its two slopes are guarded at 0 and against overflow",
    "apply_along_axis": "the gradients of many slices, one after the other",
    "arcsinh": "sqrt(1 + x^2) by np.hypot, which does not overflow, is slower than np.arcsinh",
    "arctan2": "it is vectorised; its two slopes are guarded at 0 and against overflow",
    "cofactors": "its own derivative, right at singular matrices too, needs singular values",
    "cumprod": "a running product and a linear recurrence, which the gradient solves in blocks",
    "det": "an inverse and a check that it is exact, for one LU decomposition",
    "gradient": "differences of slabs, each of which goes back into an array of the whole size",
    "interp": "two knots and two values are read an entry, and collect their gradients one by one",
    "multi_dot": "the order that is best for the product is not that for the gradient's products",
    "partition": "two sorts find out where each entry went, whose order np.partition leaves open",
    "power": "two powers and a logarithm, for one power",
    "power_norm": "an absolute value, a sign and a power of each entry, guarded at 0",
    "ratio": "a quotient for each operand, guarded where it has no weight",
    "recurrence": "a recurrence from the front, for each of two operands",
    "sinc": "its derivative sums a power series near 0, where the formula cancels",
    "sort": "a stable sort finds again where each entry came from; np.sort is vectorised",
    "where": "its example has no axes: the cost of a call",
    "sliding_window_view": "it is a view; the gradient adds as many arrays as a window has places",
    "xlog_softmax": "one gradient takes log_softmax again, the other softmax",
    "window_max": "every window is searched again, for where its maximum stands first",
}


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
    times: list[float] = []
    while len(times) < ROUNDS and sum(times) < SECONDS:
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
        reason = REASONS.get(title, "?") if ratio > 4 else ""
        print(f"{title:24s} {1e3 * forward:7.2f} ms {ratio:20.1f}  {reason}")
    print(f"\nleft out, since the example fixes a size: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
