"""Derivatives along random directions, where there are too many entries to test each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import Error
from tinygrad_ce.testing.report import Report
from tinygrad_ce.testing.vectors import Vector
from tinygrad_ce.testing.verdicts import epsilon, verdicts
from tinygrad_ce.testing.witnesses import jacobian

__all__ = ["along"]


def along(
    name: str, point: Vector, found: list[list[NDArray[Any]]], order: int, count: int, seed: int
) -> Report:
    """The verdicts of derivatives along random directions, by the length s of a step in each."""
    if count < 1:
        raise Error(
            f"directions={count}",
            "a check needs at least one direction",
            "pass a positive number, or leave it out to test every entry",
        )
    rays = np.random.default_rng(seed).normal(size=(point.x.size, count))
    for leaf in point.leaves:  # a leaf moves by its size, entries that are 0 too
        rays[leaf.part] *= np.max(np.abs(leaf.values), initial=0) or 1

    def ahead(s: Any) -> Any:
        return point.f(*point.arguments(point.x + rays @ s))

    line = Vector(ahead, (np.zeros(count),), (0,), extent=1.0)
    step = replace(line.leaves[0], label="s")
    measured = jacobian(line)
    parts, start = [], 0
    for (label, y), jacobians in zip(point.outputs, found, strict=True):
        slopes = np.zeros((*y.shape, count))
        moves = np.full((*y.shape, count), np.max(np.abs(measured.value), initial=0))
        for leaf, g in zip(point.leaves, jacobians, strict=True):
            flat = g.reshape(*y.shape, leaf.values.size)
            if leaf.values.dtype.kind == "c":  # d/dx - i d/dy
                flat = np.concatenate([np.real(flat), -np.imag(flat)], axis=-1)
            slopes += flat @ rays[leaf.part]
            moves += np.abs(flat) @ np.abs(rays[leaf.part])
        rows = slice(start, start + y.size)
        start += y.size
        eps = max(epsilon(g, leaf.values) for g, leaf in zip(jacobians, point.leaves, strict=True))
        parts.append(verdicts(label, y, step, measured, rows, slopes, eps * moves, eps))
    note = f"tested along {count} random directions only, seed {seed}: a step of s in each"
    return Report(name, measured.method, measured.evaluations, tuple(parts), order, notes=(note,))
