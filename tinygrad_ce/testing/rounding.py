"""Whether what a gradient is off by is rounding.

Two things make a gradient less exact than its dtype: its argument is rounded itself, and numbers
cancel within it, as in y - t. Neither may pass for a mistake, nor a mistake for them. So the
gradient is asked for at other points, too. Rounding is small everywhere beside the numbers that the
gradient has there, and comes and goes; a mistake keeps its share or is larger somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.testing.report import ORDER, WRONG, Verdicts
from tinygrad_ce.testing.vectors import Vector
from tinygrad_ce.testing.verdicts import ULPS, epsilon, in_shape, parts_of
from tinygrad_ce.testing.witnesses import Measured, jacobian

__all__ = ["judged"]

Array = NDArray[Any]
Jacobians = list[list[Array]]
Tested = Callable[[tuple[Any, ...]], Jacobians]

NUDGES = 3
NEAR = 2.0**-12
NEARER = (0.5, 0.0625, 0.0)  # to the origin, where sums and softmax have numbers of one size


def judged(point: Vector, measured: Measured, found: Jacobians, again: Tested) -> list[Verdicts]:
    """The verdicts, given the Jacobians under test and what computes them at other arguments."""
    parts = parts_of(point, measured, found)
    if not any(np.any(part.codes == ORDER.index(WRONG)) for part in parts):
        return parts
    nudged = [again(point.at(x)) for x in _nudged(point)]
    others = list(_asked(point, again))
    most = _most(point, found, nudged + [g for _, g in others])
    if not _in_doubt(parts, most):
        return parts
    slack = _changes(found, nudged, most)
    parts = parts_of(point, measured, found, slack)
    doubted = _in_doubt(parts, most)
    if not doubted:
        return parts
    scattered = _scatter(point, measured, found, others, most, doubted)
    slack = [[np.maximum(a, b) for a, b in zip(*rows)] for rows in zip(slack, scattered)]
    return parts_of(point, measured, found, slack)


def _nudged(point: Vector) -> Iterator[Array]:
    """Changed by some ulp of the arguments' own dtypes."""
    eps = np.concatenate([np.full(f.size, np.finfo(f.values.dtype).eps) for f in point.leaves])
    for seed in range(NUDGES):
        ulps = np.random.default_rng(seed).choice([-1, 1, 2], point.x.size)
        yield point.x + eps * (point.x + point.extent) * ulps


def _asked(point: Vector, again: Tested) -> Iterator[tuple[Array, Jacobians]]:
    """What the gradient is close by and on the way to the origin, as far as it is defined there."""
    signs = np.random.default_rng(0).choice([-1, 1, 2], (NUDGES, point.x.size))
    for scale in (*(1 + NEAR * s for s in signs), *NEARER):
        try:
            yield point.x * scale, again(point.at(point.x * scale))
        except Exception:  # whatever it raises outside of its domain
            continue


def _measured(point: Vector, x: Array, numbers: NDArray[np.bool_]) -> Measured | None:
    """The witness at another point; None where f is not defined."""
    try:
        there = Vector(point.f, point.at(x), tuple(n for n, *_ in point.trees), point.extent)
        return jacobian(there, numbers=numbers)
    except Exception:
        return None


def _most(point: Vector, found: Jacobians, others: list[Jacobians]) -> Jacobians:
    """What rounding may come to: ulps of the largest number that an entry is anywhere."""
    most = []
    for k, row in enumerate(found):
        limits = []
        for i, (g, leaf) in enumerate(zip(row, point.leaves, strict=True)):
            numbers = np.abs(np.stack([g, *(other[k][i] for other in others)]))
            largest = np.max(np.where(np.isfinite(numbers), numbers, 0), axis=0)
            limits.append(ULPS * max(epsilon(g, leaf.values), point.grain) * largest)
        most.append(limits)
    return most


def _in_doubt(parts: list[Verdicts], most: Jacobians) -> list[NDArray[np.bool_]]:
    """The wrong entries that are off by so little, for each part; nothing where there are none."""
    doubted = []
    for part, limit in zip(parts, [limit for row in most for limit in row], strict=True):
        c = part.comparison
        close = np.zeros(c.expected.shape, bool)
        if c.found.shape == c.expected.shape:
            with np.errstate(invalid="ignore"):
                close = np.abs(c.found - c.expected) <= c.tolerance + limit
        doubted.append(close & (part.codes == ORDER.index(WRONG)))
    return doubted if any(map(np.any, doubted)) else []


def _changes(found: Jacobians, nudged: list[Jacobians], most: Jacobians) -> Jacobians:
    """What ulps of the arguments change in the gradient under test."""
    return [
        [
            np.minimum(8 * np.max(np.abs(np.stack(moved) - g), axis=0), limit)
            for g, limit, *moved in zip(row, limits, *others)
        ]
        for row, limits, *others in zip(found, most, *nudged)
    ]


def _scatter(
    point: Vector, measured: Measured, found: Jacobians, others: list[tuple[Array, Jacobians]],
    most: Jacobians, doubted: list[NDArray[np.bool_]],
) -> Jacobians:  # fmt: skip
    """What the gradient is off by at all points, at the entries where that is rounding."""
    numbers = np.zeros(point.x.size, bool)
    for n, mask in enumerate(doubted):
        leaf = point.leaves[n % len(point.leaves)]
        columns = np.any(mask.reshape(-1, leaf.values.size), axis=0)
        numbers[leaf.part] |= np.tile(columns, leaf.size // max(leaf.values.size, 1))
    asked = [(measured, found)]
    asked += [(m, g) for x, g in others if (m := _measured(point, x, numbers)) is not None]
    scattered, start = [], 0
    for k, (_, y) in enumerate(point.outputs):
        rows = slice(start, start + y.size)
        start += y.size
        row = []
        for i, leaf in enumerate(point.leaves):
            expected = [in_shape(m.value, rows, y, leaf) for m, _ in asked]
            uncertain = [np.abs(in_shape(m.error, rows, y, leaf)) for m, _ in asked]
            off = [g[k][i] - e for (_, g), e in zip(asked, expected)]
            row.append(_rounding(off, expected, uncertain, most[k][i]))
        scattered.append(row)
    return scattered


def _rounding(off: list[Array], expected: list[Array], error: list[Array], limit: Array) -> Array:
    """The largest distance, where all of them are rounding; 0 elsewhere."""
    distance, size = np.abs(np.stack(off)), np.abs(np.stack(expected))
    known = np.isfinite(distance) & np.isfinite(size)
    small = np.all((distance <= limit + 4 * np.stack(error)) | ~known, axis=0)
    telling = known & (size > 0)
    shares = np.stack(off) / np.where(telling, np.stack(expected), 1)
    low = np.min(np.where(telling, np.real(shares), np.inf), axis=0)
    high = np.max(np.where(telling, np.real(shares), -np.inf), axis=0)
    with np.errstate(invalid="ignore"):
        steady = (low * high > 0) & (high - low < 0.1 * np.maximum(np.abs(low), np.abs(high)))
    most = np.max(np.where(known, distance, 0), axis=0)
    enough = np.sum(telling, axis=0) > 1
    return np.asarray(np.where(small & ~steady & enough, most, 0.0))
