"""The derivatives from the left and from the right, and what they say: smooth, kink, jump, edge.

Differences of a step h see what lies within h, and see it the clearer the larger h is. So the steps
shrink, beginning with a large one, until the function looks smooth and the derivative that another
method has found is confirmed, or until a smaller step would drown in the noise of the values.
What is left then is a fact: the slopes do not meet (a kink), have no limit (a jump, an infinite
slope), one is missing (the edge of the domain), or the derivative is another than was said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.testing.vectors import ROUNDING, Vector

__all__ = ["Estimate", "Sides", "sides"]

Array = NDArray[Any]
Mask = NDArray[np.bool_]

START = (16, 20)  # steps of 2^-16 and 2^-20 times the size of the number, then closer
CLOSER = (28, 36, 44)
FURTHER = (52, 60)  # at 0, which has no ulp
GRAIN = 1.1  # no whole number of periods fits into a step


@dataclass(frozen=True)
class Estimate:
    """Numbers, and how far off each may be."""

    value: Array
    error: Array

    def refined(self, by: Estimate) -> Estimate:
        """By what a smaller step shows: it decides where the two exclude each other."""
        with np.errstate(invalid="ignore"):
            agree = np.abs(by.value - self.value) <= by.error
        better = (~agree | (by.error < self.error)) & ~np.isnan(by.value)
        return Estimate(
            np.where(better, by.value, self.value), np.where(better, by.error, self.error)
        )

    def excludes(self, value: Array, error: Array) -> Mask:
        """Whether a value is beyond both errors; noise may be somewhat more than it seems."""
        with np.errstate(invalid="ignore"):
            return np.asarray(~(np.abs(self.value - value) <= 1.5 * self.error + error))


@dataclass(frozen=True)
class Sides:
    """All results by one number.

    Attributes:
        left, right: the one-sided derivatives; infinite where they have no limit.
        middle: the derivative by central differences.
        kink: where the sides differ.
        refuted: where the derivative is not what was to be confirmed.
        unsettled: where the steps are all too large to tell anything.
        steep: the slope that the largest step sees.
    """

    left: Estimate
    right: Estimate
    middle: Estimate
    kink: Mask
    refuted: Mask
    unsettled: Mask
    steep: Array

    @property
    def odd(self) -> Mask:
        """Where the function is not smooth, or not what was thought."""
        return np.asarray(self.kink | self.refuted | ~np.isfinite(self.left.value))


def sides(f: Vector, j: int, value: Array, error: Array) -> Sides:
    """Both derivatives of f by its number j, of which `value` is to be confirmed within `error`."""
    steps = list(_steps(f, j))
    levels = [_Level(f, j, steps[0])]
    pending = np.ones(f.y.shape, bool)
    nothing = Estimate(np.full(f.y.shape, np.nan), np.full(f.y.shape, np.inf))
    left = right = middle = nothing
    kink = edge = doubted = gaping = np.zeros(f.y.shape, bool)
    for k, h in enumerate(steps[1:], 2):
        levels.append(_Level(f, j, h))
        now, last, earlier = levels[-1], levels[-2], levels[max(len(levels) - 3, 0)]
        left = _where(pending, left.refined(now.estimate(last, "left")), left)
        right = _where(pending, right.refined(now.estimate(last, "right")), right)
        middle = _where(pending, middle.refined(now.estimate(last, "middle")), middle)

        growing = (now.steep > 3 * last.steep) & (now.steep > 4 * now.noise)
        missing = ~np.isfinite(now.left + now.right)
        apart = now.gap > 2 * now.noise + 0.25 * last.gap
        gaping = np.where(pending, apart, gaping)
        lasting = (now.gap > 0.5 * last.gap) & (now.gap > 0.5 * earlier.gap)
        edge = np.where(pending, growing | missing, edge)
        kink = np.where(pending, apart & lasting & (now.gap > 1e-6 * now.steep) & ~edge, kink)
        doubted = middle.excludes(value, error) & ~_drowned(f, levels, value)
        # A closer look is worth it where something is odd and the next noise does not hide it.
        odd = np.where(apart, now.gap, 0.0)
        off = np.abs(middle.value - value)
        odd = np.where(doubted, np.maximum(odd, np.where(np.isnan(off), np.inf, off)), odd)
        odd = np.where(growing | missing, np.inf, odd)
        noise = now.noise * (h / steps[k]) if k < len(steps) else np.inf
        pending &= 4 * noise < odd
        if not pending.any():
            break
    unsettled = ~edge & ~kink & gaping
    refuted = ~edge & ~kink & ~gaping & doubted
    infinite = np.where(edge, np.inf, 0.0)
    return Sides(
        Estimate(left.value + infinite, left.error),
        Estimate(right.value + infinite, right.error),
        middle,
        kink,
        refuted,
        unsettled,
        levels[0].steep,
    )


def _drowned(f: Vector, levels: list[_Level], value: Array) -> Mask:
    """Where f does not move at all, as it would not beside numbers of the arguments' size."""
    still = np.all([level.steep == 0 for level in levels], axis=0)
    unit = min(1.0, float(np.max(f.sizes)))
    return np.asarray(still & (np.abs(value) * levels[0].h < ROUNDING * f.eps * unit))


def _steps(f: Vector, j: int) -> Iterator[float]:
    """From large to small. A number far below 1 is first moved as if it were of size 1, as in
    f(1 + x)."""
    size = f.sizes[j]
    if size < 2.0**-8:
        yield from (GRAIN * 2.0**-k for k in START)
    yield from (GRAIN * size * 2.0**-k for k in START + CLOSER)
    if f.x[j] == 0:
        yield from (GRAIN * size * 2.0**-k for k in FURTHER)


class _Level:
    """What one step shows: slopes to the left, to the right, and in the middle."""

    def __init__(self, f: Vector, j: int, h: float) -> None:
        self.h = h
        a, b, x = f.moved(j, h), f.moved(j, -h), f.x[j]
        ahead, behind = (x + h) - x, x - (x - h)
        self.left, self.right = (f.y - b) / behind, (a - f.y) / ahead
        self.middle = (a - b) / (ahead + behind)
        noise = (f.noise + ROUNDING * f.eps * np.maximum(np.abs(a), np.abs(b))) / h
        self.noise = np.where(np.isfinite(noise), noise, 0)  # of the middle; a side has twice that
        self.gap = np.abs(self.right - self.left)
        self.steep = np.maximum(np.abs(self.left), np.abs(self.right))

    def estimate(self, last: _Level, name: str) -> Estimate:
        """Of a smooth function, the drift from a 16 times larger step is at least 15 errors."""
        value, before = getattr(self, name), getattr(last, name)
        error = 2 * self.noise + 0.25 * np.abs(value - before)
        return Estimate(value, np.where(np.isnan(error), np.inf, error))


def _where(mask: Mask, new: Estimate, old: Estimate) -> Estimate:
    return Estimate(np.where(mask, new.value, old.value), np.where(mask, new.error, old.error))
