"""Whether what a gradient is off by is rounding.

Two things make a gradient less exact than its dtype: its argument is rounded itself, and numbers
cancel within it, as in y - t. Neither may pass for a mistake, nor a mistake for them. So the
gradient is asked for at other points, too. Rounding is small everywhere beside the numbers that the
gradient has there, and close by it comes and goes; a mistake keeps its share of the entry, or is
larger somewhere.
"""

from __future__ import annotations

import warnings
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
NEAR = 2.0**-8
NEARER = (0.5, 0.0625, 0.0)  # to the origin, where sums and softmax have numbers of one size


def judged(point: Vector, measured: Measured, found: Jacobians, again: Tested) -> list[Verdicts]:
    """The verdicts, given the Jacobians under test and what computes them at other arguments."""
    parts = parts_of(point, measured, found)
    if not _any_wrong(parts):
        return parts
    nudged = [(x, again(point.at(x))) for x in _nudged(point)]
    changes = _changes(found, [g for _, g in nudged])
    others = list(_asked(point, again))
    most = _most(point, found, [g for _, g in nudged + others])
    if doubted := _in_doubt(parts, changes):
        ulps = _with_ulps(point, measured, [x for x, _ in nudged], _numbers(point, doubted))
        most = [
            [np.maximum(a, b) if a.shape == b.shape else a for a, b in zip(*rows)]
            for rows in zip(most, ulps)
        ]
    slack = [[np.minimum(a, b) for a, b in zip(*rows)] for rows in zip(changes, most)]
    slack = [[a + b for a, b in zip(*rows)] for rows in zip(slack, _lost(point, measured, found))]
    parts = parts_of(point, measured, found, slack)
    doubted = _in_doubt(parts, most)
    if not doubted:
        return parts
    scattered = _scatter(point, measured, found, others, most, _numbers(point, doubted))
    slack = [[np.maximum(a, b) for a, b in zip(*rows)] for rows in zip(slack, scattered)]
    return parts_of(point, measured, found, slack)


def _any_wrong(parts: list[Verdicts]) -> bool:
    return any(bool(np.any(part.codes == ORDER.index(WRONG))) for part in parts)


def _lost(point: Vector, measured: Measured, found: Jacobians) -> Jacobians:
    """What noise allows where derivative and gradient are lost in it, as of x - mean(x)."""
    point.listen()
    rough = np.where(point.rough > ULPS * point.eps * np.abs(point.y), point.rough, 0)
    limits = _split(point, 4 * rough[:, None] / point.sizes)
    values = _split(point, measured.value)
    return [
        [
            np.where(np.maximum(np.abs(v), np.abs(g)) <= np.abs(limit), np.abs(limit), 0)
            if g.shape == v.shape else np.zeros(g.shape)
            for limit, v, g in zip(*rows)
        ]
        for rows in zip(limits, values, found)
    ]  # fmt: skip


def _with_ulps(
    point: Vector, measured: Measured, places: list[Array], numbers: NDArray[np.bool_]
) -> Jacobians:
    """What ulps of the arguments change in the derivatives."""
    changed = np.zeros(measured.value.shape)
    for x in places:
        there = _measured(point, x, numbers)
        if there is not None:
            changed = np.fmax(changed, 2 * np.abs(there.value - measured.value))
    return [[np.abs(part) for part in row] for row in _split(point, changed)]


def _split(point: Vector, a: Array) -> Jacobians:
    """Numbers of all results by all arguments, as lists of arrays."""
    rows, start = [], 0
    for _, y in point.outputs:
        mine = slice(start, start + y.size)
        start += y.size
        rows.append([in_shape(a, mine, y, leaf) for leaf in point.leaves])
    return rows


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
            with warnings.catch_warnings(action="ignore"):
                found = again(point.at(point.x * scale))
        except Exception:  # whatever it raises outside of its domain
            continue
        yield point.x * scale, found


def _measured(point: Vector, x: Array, numbers: NDArray[np.bool_]) -> Measured | None:
    """The witness at another point; None where f is not defined."""
    try:
        with warnings.catch_warnings(action="ignore"):
            there = Vector(point.f, point.at(x), tuple(n for n, *_ in point.trees), point.extent)
            return jacobian(there, numbers=numbers)
    except Exception:
        return None


def _most(point: Vector, found: Jacobians, others: list[Jacobians]) -> Jacobians:
    """What rounding may come to: ulps of the largest number that the gradient has anywhere."""
    most = []
    for k, (row, (_, y)) in enumerate(zip(found, point.outputs)):
        limits = []
        for i, (g, leaf) in enumerate(zip(row, point.leaves, strict=True)):
            numbers = np.abs(np.stack([g, *(other[k][i] for other in others)]))
            numbers = np.where(np.isfinite(numbers), numbers, 0)
            axes = (0, *range(1 + y.ndim, numbers.ndim))
            largest = np.max(numbers, axes, initial=0, keepdims=True)[0]
            eps = max(epsilon(g, leaf.values), point.grain)
            limits.append(ULPS * eps * np.broadcast_to(largest, g.shape))
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


def _changes(found: Jacobians, nudged: list[Jacobians]) -> Jacobians:
    """What ulps of the arguments change in the gradient under test."""
    return [
        [np.nan_to_num(8 * np.max(np.abs(np.stack(moved) - g), axis=0)) for g, *moved in zip(*rows)]
        for rows in zip(found, *nudged)
    ]


def _numbers(point: Vector, doubted: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The numbers of the vector that the doubted entries are derivatives by."""
    numbers = np.zeros(point.x.size, bool)
    for n, mask in enumerate(doubted):
        leaf = point.leaves[n % len(point.leaves)]
        columns = np.any(mask.reshape(-1, leaf.values.size), axis=0)
        numbers[leaf.part] |= np.tile(columns, leaf.size // max(leaf.values.size, 1))
    return numbers


def _scatter(
    point: Vector, measured: Measured, found: Jacobians, others: list[tuple[Array, Jacobians]],
    most: Jacobians, numbers: NDArray[np.bool_],
) -> Jacobians:  # fmt: skip
    """What the gradient is off by at all points, at the entries where that is rounding."""
    near = [True]
    asked = [(measured, found)]
    for x, g in others:
        there = _measured(point, x, numbers)
        if there is not None:
            near.append(bool(np.all(np.abs(x - point.x) <= 4 * NEAR * np.abs(point.x))))
            asked.append((there, g))
    expected = [_split(point, m.value) for m, _ in asked]
    errors = [_split(point, m.error) for m, _ in asked]
    return [
        [
            _rounding(
                np.stack([g[k][i] for _, g in asked]),
                np.stack([e[k][i] for e in expected]),
                np.stack([np.abs(e[k][i]) for e in errors]),
                most[k][i],
                np.array(near),
            )
            for i in range(len(point.leaves))
        ]
        for k in range(len(point.outputs))
    ]


def _rounding(
    found: Array, expected: Array, error: Array, limit: Array, near: NDArray[np.bool_]
) -> Array:
    """The largest distance at any point, where all of them are rounding; 0 elsewhere."""
    if found.shape != expected.shape:
        return np.zeros(found.shape[1:])
    off = found - expected
    distance = np.where(np.isfinite(off), np.abs(off), 0)
    small = np.all(distance <= limit + 4 * error, axis=0)
    fixed = np.all(found[near] == found[0], axis=0) & (found[0] != 0)  # a table, no gradient
    # Where all of an entry is lost, it is so at the points close by, too.
    steady = _steady(off, expected) | (_steady(off[near], expected[near]) & (found[0] != 0))
    most = np.max(distance, axis=0)
    return np.asarray(np.where(small & ~fixed & ~steady, most, 0.0))


def _steady(off: Array, expected: Array) -> NDArray[np.bool_]:
    """Whether it is about the same share of the entry at all points, if there are some."""
    telling = np.isfinite(off) & np.isfinite(expected) & (expected != 0)
    shares = np.real(off / np.where(telling, expected, 1))
    low = np.min(np.where(telling, shares, np.inf), axis=0)
    high = np.max(np.where(telling, shares, -np.inf), axis=0)
    with np.errstate(invalid="ignore"):
        same = (low * high > 0) & (high - low < 0.1 * np.maximum(np.abs(low), np.abs(high)))
    return np.asarray(same | (np.sum(telling, axis=0) < 2))
