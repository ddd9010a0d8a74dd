"""The verdict of each entry: right, wrong, a kink, or undecidable, and within which tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.testing.comparison import Comparison
from tinygrad_ce.testing.report import KINK, ORDER, RIGHT, UNDECIDABLE, WRONG, Verdicts
from tinygrad_ce.testing.vectors import Leaf, Vector
from tinygrad_ce.testing.witnesses import Measured

__all__ = ["epsilon", "extent_of", "in_shape", "parts_of", "verdicts"]

Array = NDArray[Any]
ULPS = 64  # that a gradient may be off, of its largest entry, or of one of the same size


def parts_of(
    point: Vector, measured: Measured, found: list[list[Array]], slack: Any = None
) -> list[Verdicts]:
    """The verdicts of each result by each argument.

    `found` and `slack`, what is allowed beyond the usual, are lists of arrays in that order.
    """
    parts: list[Verdicts] = []
    start = 0
    for k, (label, y) in enumerate(point.outputs):
        rows = slice(start, start + y.size)
        start += y.size
        mine = [
            verdicts(label, y, leaf, measured, rows, g, slack[k][i] if slack else 0.0,
                     max(epsilon(g, leaf.values), point.grain))
            for i, (leaf, g) in enumerate(zip(point.leaves, found[k], strict=True))
        ]  # fmt: skip
        comparisons = [verdicts.comparison for verdicts in mine]
        for i, verdict in enumerate(mine):
            others = tuple(c for k, c in enumerate(comparisons) if k != i)
            object.__setattr__(verdict.comparison, "siblings", others)
        parts += mine
    return parts


def epsilon(*arrays: Array) -> float:
    """The coarsest of the arrays' precisions."""
    kinds = [a.dtype for a in arrays if a.dtype.kind in "fc"]
    return max((float(np.finfo(kind).eps) for kind in kinds), default=2.0**-52)


def verdicts(
    label: str, y: Array, leaf: Leaf, measured: Measured, rows: slice, found: Array, slack: Any,
    eps: float,
) -> Verdicts:  # fmt: skip
    """An entry's tolerance: the witness's error, and the rounding of the gradient's own dtype.

    That is some ulp of the entry; of the largest of its row where the witness itself does not
    resolve the entry, and of f's value over its argument where the entry is 0.
    """
    value, error, left, right, unsure, steep, kink = (
        in_shape(part, rows, y, leaf)
        for part in (measured.value, measured.error, measured.left, measured.right,
                     measured.unsure, measured.steep, measured.kink)
    )  # fmt: skip
    kink, error, unsure = kink != 0, np.abs(error), np.abs(unsure)
    finite = np.where(np.isfinite(value), np.abs(value), 0)
    inner = tuple(range(y.ndim, value.ndim))
    largest = np.max(finite, inner, initial=0, keepdims=True)
    vague = error >= 1e-4 * finite
    size = np.abs(np.where(np.isfinite(y), y, 0)).reshape(largest.shape) / extent_of(leaf)
    row = np.maximum(largest, np.max(finite, initial=0) / 16)
    row = np.where(finite <= 4 * error, np.maximum(row, size), row)
    slack = slack if found.shape == value.shape else 0.0
    tolerance = 4 * error + ULPS * eps * (np.abs(value) + np.where(vague, row, 0)) + slack
    codes = np.full(value.shape, ORDER.index(WRONG))
    if found.shape == value.shape:
        seen = np.where(finite > 4 * error, finite, 0)
        scale = np.max(seen, inner, initial=0, keepdims=True) + size
        scale = np.where(scale > 0, scale, np.where(np.isfinite(steep), np.abs(steep), 0))
        with np.errstate(invalid="ignore"):
            same = (np.abs(found - value) <= tolerance) | (found == value)
            # What an exact method is off by, ulps of the arguments change: no other is surer.
            enough = 1e-6 if measured.exact else np.sqrt(eps)
            sure = error <= enough * np.where(scale > 0, scale, 1)
        ends = ~(np.isfinite(left) & np.isfinite(right))  # or f jumps, or its slopes have no limit
        between = _between(found, left, right, 4 * unsure + ULPS * eps * np.abs(left))
        codes[same] = ORDER.index(RIGHT)
        codes[~np.isfinite(value) & ~same] = ORDER.index(UNDECIDABLE)
        codes[~sure & np.isfinite(value) & same] = ORDER.index(UNDECIDABLE)
        codes[ends] = ORDER.index(UNDECIDABLE)
        codes[kink & between] = ORDER.index(KINK)
        codes[kink & ~between] = ORDER.index(WRONG)
    comparison = Comparison(
        leaf.label, leaf.values, label, y, value, found, tolerance, ~kink & np.isfinite(value), ()
    )
    return Verdicts(comparison, codes, error, left, right)


def extent_of(leaf: Leaf) -> float:
    """The size of an array: its largest entry, or 1."""
    values = np.abs(leaf.values[np.isfinite(leaf.values)])
    return float(np.max(values, initial=0)) or 1.0


def in_shape(part: Array, rows: slice, y: Array, leaf: Leaf) -> Array:
    """Numbers of a result by an argument; by a complex one d/dx - i d/dy."""
    found = part[rows, leaf.part]
    if leaf.values.dtype.kind == "c":
        n = leaf.values.size
        found = found[:, :n] - 1j * found[:, n:]
    return np.asarray(found.reshape((*y.shape, *leaf.values.shape)))


def _between(found: Array, left: Array, right: Array, slack: Array) -> NDArray[np.bool_]:
    inside = np.ones(found.shape, bool)
    for part in (np.real, np.imag):
        a, b = part(left), part(right)
        with np.errstate(invalid="ignore"):
            inside &= part(found) >= np.minimum(a, b) - slack
            inside &= part(found) <= np.maximum(a, b) + slack
    return inside
