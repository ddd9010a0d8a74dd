"""An expected derivative beside a found one, and the yardstick: is that explained, or chance?

Suspicions fit the found numbers with a formula. A formula counts only if it meets every judged
entry within its tolerance and if the wrong entries could hardly have met it by chance: each one
that does adds `log10(distance / tolerance)` digits of evidence.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Comparison", "agree", "counts", "idle", "live", "number", "spread", "wrong"]

Array = NDArray[Any]
Mask = NDArray[np.bool_]

EPS = float(np.finfo(float).eps)
EVIDENCE = 7.0  # digits: with a hundred formulas tried, chance errs once in 10^5


@dataclass(frozen=True, eq=False)
class Comparison:
    """The derivative of one result by one argument: expected of a witness, and found.

    `expected` has the shape (*output.shape, *value.shape), `tolerance` and `judged` too; `found`
    should have it. `|found - expected| <= tolerance` is right; `judged` says where the witness can
    decide. `siblings` are the comparisons by the other arguments.
    """

    argument: str
    value: Array
    result: str
    output: Array
    expected: Array
    found: Array
    tolerance: Array
    judged: Mask
    siblings: tuple["Comparison", ...] = ()

    def by_argument(self, a: Any) -> Array:
        """Numbers per entry of the argument, spread over the entries of the result."""
        return np.broadcast_to(a, self.expected.shape)

    def by_result(self, a: Any) -> Array:
        """Numbers per entry of the result, spread over the entries of the argument."""
        a = np.asarray(a)
        return np.broadcast_to(a.reshape(a.shape + (1,) * self.value.ndim), self.expected.shape)


def wrong(c: Comparison) -> Mask:
    return np.asarray(c.judged & ~(np.abs(c.found - c.expected) <= c.tolerance))


def idle(c: Comparison) -> Mask:
    """Entries that are zero on both sides: right, but they tell nothing."""
    return np.asarray((np.abs(c.found) <= c.tolerance) & (np.abs(c.expected) <= c.tolerance))


def live(c: Comparison) -> Mask:
    return np.asarray(c.judged & ~idle(c))


def agree(
    c: Comparison,
    left: Any,
    right: Any,
    slack: Any,
    fitted: int = 0,
    where: Mask | None = None,
    needed: float = EVIDENCE,
) -> bool:
    """Whether two sides of a formula meet at every judged entry, and not by chance.

    `slack` is the tolerance of the difference. Each number that was `fitted` costs one wrong entry
    of evidence. `where` leaves entries out that the formula cannot speak of.
    """
    seen = c.judged if where is None else c.judged & where
    left, right, slack = (np.broadcast_to(a, c.expected.shape) for a in (left, right, slack))
    size = np.maximum(np.abs(left), np.abs(right))
    slack = slack + 8 * EPS * np.maximum(size, np.abs(c.expected))
    if not (np.abs(left - right) <= slack)[seen].all():
        return False
    telling = seen & wrong(c)
    distance = np.minimum(size, np.abs(c.found - c.expected))[telling]
    known = (distance > 0) & np.isfinite(slack[telling])
    digits = np.sort(np.log10(distance[known] / slack[telling][known]))
    digits = digits[digits > 0][: -fitted or None]
    return bool(digits.sum() >= needed)


def spread(a: Array) -> bool:
    """Whether the numbers are at least two different ones."""
    return a.size > 1 and bool(np.ptp(a) > 1e-6 * np.abs(a).max())


def counts(c: Comparison) -> dict[int, str]:
    """The sizes (2 and more) that a mean could divide by, in words."""
    named: dict[int, str] = {}
    pairs = [(c.value, c.argument), (c.output, c.result or "the result")]
    for array, label in pairs + [(s.value, s.argument) for s in c.siblings]:
        for axis, n in enumerate(array.shape):
            named.setdefault(n, f"the number of {line(array.ndim, axis)} of {label}")
        named.setdefault(array.size, f"the number of entries of {label}")
    return {n: name for n, name in named.items() if n >= 2}


def line(ndim: int, axis: int, plural: bool = True) -> str:
    """What lies along an axis: entries of a vector, rows and columns of a matrix."""
    if ndim > 2:
        return f"slices along axis {axis}" if plural else f"slice along axis {axis}"
    word = "entry" if ndim == 1 else ("row", "column")[axis]
    return {"entry": "entries"}.get(word, word + "s") if plural else word


def number(a: Any) -> str:
    return f"{float(a):.4g}"
