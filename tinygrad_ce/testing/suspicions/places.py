"""Suspicions by place: the gradient is wrong in one region only, which has a name."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_ce.testing.comparison import Array, Comparison, Mask, line, live, number, wrong

__all__ = ["only_there"]


def only_there(c: Comparison) -> tuple[str, Mask] | None:
    """The first region in which all is wrong and outside of which all is right, in words."""
    bad = wrong(c)
    known = live(c) | bad
    if not bad.any() or not (c.judged & ~bad).any():
        return None
    ways = math.log10(math.comb(int(known.sum()), int(bad.sum())))
    for phrase, region, cost in _regions(c, bad):
        region = np.broadcast_to(region, c.expected.shape)
        if ways >= cost and (region == bad)[known].all() and (c.judged & ~region).any():
            return phrase, bad
    return None


def _regions(c: Comparison, bad: Mask) -> Iterator[tuple[str, Any, float]]:
    """Name, mask, and how unlikely (in powers of ten) the wrong entries must be that it counts."""
    x, a = c.by_argument(c.value), c.argument
    yield f"where {a} = 0", x == 0, -math.inf
    yield from _ties(c)
    if int(bad.sum()) == 1 and live(c).sum() > 1:
        yield _entry(c, bad), bad, 0
    yield f"where {a} < 0", x < 0, 1
    yield f"where {a} <= 0", x <= 0, 1
    yield f"where {a} > 0", x > 0, 1
    yield f"where {a} >= 0", x >= 0, 1
    yield f"where |{a}| > 1", np.abs(x) > 1, 1
    yield f"where |{a}| < 1", np.abs(x) < 1, 1
    if c.output.shape == c.value.shape and c.value.size > 1:
        on = np.eye(c.value.size, dtype=bool).reshape(c.expected.shape)
        if (live(c) & ~on).any():
            yield "on the diagonal of the Jacobian", on, 1
            yield "off the diagonal of the Jacobian", ~on, 1
    yield from _borders(c)
    yield from _lines(c, bad)
    yield from _beyond(c, bad, x, a)
    yield from _beyond(c, bad, np.abs(c.expected), "|expected|")


def _ties(c: Comparison) -> Iterator[tuple[str, Any, float]]:
    _, inverse, count = np.unique(c.value, return_inverse=True, return_counts=True)
    equal = count[inverse].reshape(c.value.shape) > 1
    if equal.any():
        yield f"at ties (equal entries of {c.argument})", equal, -math.inf


def _entry(c: Comparison, bad: Mask) -> str:
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    out, own = at[: c.output.ndim], at[c.output.ndim :]
    place = f"at {c.argument}[{', '.join(map(str, own))}]" if own else f"at {c.argument}"
    if out:
        place += f" for {c.result or 'result'}[{', '.join(map(str, out))}]"
    last = own and all(i == n - 1 for i, n in zip(own, c.value.shape))
    first = own and not any(own)
    name = ", the last entry" if last else ", the first entry" if first else ""
    numbers = f"expected {number(c.expected[at])}, found {number(c.found[at])}"
    return f"{place}{name} ({numbers})"


def _axes(c: Comparison) -> Iterator[tuple[int, int, str, str, int]]:
    """Axis, length, word for a line, owner, dimensions: the argument's axes, then the result's."""
    results = c.output.ndim
    for axis in [*range(results, c.expected.ndim), *range(results)]:
        mine = axis >= results
        ndim = c.value.ndim if mine else results
        own = axis - results if mine else axis
        owner = c.argument if mine else c.result or "the result"
        yield axis, c.expected.shape[axis], line(ndim, own, plural=False), owner, ndim


def _index(c: Comparison, axis: int) -> Array:
    shape = [1] * c.expected.ndim
    shape[axis] = -1
    return np.arange(c.expected.shape[axis]).reshape(shape)


def _borders(c: Comparison) -> Iterator[tuple[str, Any, float]]:
    border: Any = False
    for axis, n, word, owner, ndim in _axes(c):
        if n < 2:
            continue
        i = _index(c, axis)
        yield f"in the first {word} of {owner}", i == 0, 1
        yield f"in the last {word} of {owner}", i == n - 1, 1
        if n > 2:
            yield f"in the first and last {word} of {owner}", (i == 0) | (i == n - 1), 1
        if axis >= c.output.ndim:
            border = border | (i == 0) | (i == n - 1)
            if ndim > 1 and axis == c.expected.ndim - 1:
                yield f"at the border of {owner}", border, 1


def _lines(c: Comparison, bad: Mask) -> Iterator[tuple[str, Any, float]]:
    for axis, n, word, owner, _ in _axes(c):
        others = tuple(i for i in range(c.expected.ndim) if i != axis)
        hit = np.flatnonzero(bad.any(others))
        if n > 1 and hit.size == 1:
            yield f"in {word} {hit[0]} of {owner}", _index(c, axis) == hit[0], 1


def _beyond(c: Comparison, bad: Mask, z: Array, name: str) -> Iterator[tuple[str, Any, float]]:
    """All wrong entries on one side of a threshold, or outside of an interval."""
    good = live(c) & ~bad
    if not good.any():
        return
    low, high = z[good].min(), z[good].max()
    n = float(np.log10(good.sum() + bad.sum() + 1))
    under, over = z[bad & (z < low)], z[bad & (z > high)]
    if under.size and not under.any() and name == "|expected|":
        yield "where 0 is expected", z < low, n + 2
    elif under.size:
        yield f"where {name} <= {number(under.max())}", z < low, n + 2
    if over.size:
        yield f"where {name} >= {number(over.min())}", z > high, n + 2
    if under.size and over.size:
        both = f"where {name} <= {number(under.max())} or {name} >= {number(over.min())}"
        yield both, (z < low) | (z > high), 2 * n + 2
