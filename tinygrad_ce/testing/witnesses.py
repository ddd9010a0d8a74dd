"""Numerical derivatives that know how wrong they may be: what a gradient is held against.

`jacobian` measures the derivatives of a `Vector`, one number of the arguments after the other:

- by complex steps (Squire and Trapp 1998), `Im f(x + ih) / h`, exact to rounding, where f carries
  complex numbers faithfully;
- or by differences of 50 digits, where mpmath is installed and f takes arrays of such numbers;
- otherwise by central differences with Richardson's extrapolation in Ridders' form (1982), which
  takes for each entry the step with the smallest error estimate.

Whatever the method, differences that shrink towards the point (`sides`) must confirm it; a method
that they refute at one entry is given up for the next one.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.testing.digits import Digits, as_digits, as_floats, is_there
from tinygrad_ce.testing.sides import Estimate, Sides, sides
from tinygrad_ce.testing.vectors import ROUNDING, Vector

__all__ = ["Measured", "jacobian"]

RATIO, LEVELS = 4.0, 6  # of the steps of the differences
FIRST = 2.0**-6
IMAGINARY = 2.0**-64  # times the size of the number: f may be 10^9 times as steep as its argument
CLOSER = 2.0**-36  # times that
FEW = 100  # numbers, for which 50 digits do not take too long
SMALLEST = 2.0**-1022  # normal number
LOST = 2.0**-960  # imaginary parts below this have lost digits to underflow


@dataclass(frozen=True)
class Measured:
    """The derivatives of a vector function, results by arguments.

    Attributes:
        value: the derivatives.
        error: how far off each may be, by the method's own estimate.
        left, right: the one-sided derivatives; infinite where there is none.
        unsure: how far off these may be.
        steep: the slope that a large step sees.
        kink: where these differ.
        method: how they were measured.
        evaluations: how often f was called.
    """

    value: NDArray[Any]
    error: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    unsure: NDArray[Any]
    steep: NDArray[Any]
    kink: NDArray[Any]
    method: str
    evaluations: int

    @property
    def exact(self) -> bool:
        """Whether the method errs by rounding alone."""
        return self.method != DIFFERENCES


def jacobian(
    f: Vector, announce: float = 5.0, numbers: NDArray[np.bool_] | None = None
) -> Measured:
    """All derivatives of f at its point.

    Args:
        f: the function.
        announce: seconds from which on a run says on stderr how long it will take.
        numbers: which numbers of f's vector to differentiate by, if not all; the derivatives by
            the others are nan.

    Raises:
        Error: f does not return the same for the same arguments.
    """
    method, columns = _first(f, announce, numbers)
    f.same_again()
    value, error, left, right, unsure, steep, kink = (
        np.stack(part, axis=1) for part in zip(*columns, strict=True)
    )
    return Measured(value, error, left, right, unsure, steep, kink, method, f.evaluations)


Column = tuple[NDArray[Any], ...]
Method = Callable[[Vector, int], Estimate]


def _first(f: Vector, announce: float, numbers: Any) -> tuple[str, list[Column]]:
    """The first method that applies and is not refuted, and what it finds."""
    with np.errstate(all="ignore"):
        for name, (applies, measure) in METHODS.items():
            columns = _columns(f, measure, announce, numbers) if applies(f) else None
            if columns is not None:
                return name, columns
    raise AssertionError("differences are never given up")


def _columns(f: Vector, measure: Method, announce: float, numbers: Any) -> list[Column] | None:
    """What a method finds, number by number; None where the differences refute it."""
    columns: list[Column] = []
    unknown = np.full(f.y.shape, np.nan)
    for j in _progress(f, announce):
        if numbers is not None and not numbers[j]:
            columns.append((unknown,) * 6 + (np.zeros(f.y.shape, bool),))
            continue
        found = measure(f, j)
        seen = sides(f, j, found.value, found.error)
        if seen.odd.any() and f.listen():
            seen = sides(f, j, found.value, found.error)
        if seen.refuted.any() and measure is not _ridders:
            return None
        if measure is _ridders:
            found = _corrected(found, seen)
        unsure = np.maximum(seen.left.error, seen.right.error)
        columns.append((
            found.value, found.error, seen.left.value, seen.right.value, unsure, seen.steep,
            seen.kink,
        ))  # fmt: skip
    return columns


def _corrected(found: Estimate, seen: Sides) -> Estimate:
    """Steps of Ridders' size saw something beside the point: what smaller ones see counts."""
    error = np.where(seen.refuted, seen.middle.error, found.error)
    return Estimate(
        np.where(seen.refuted, seen.middle.value, found.value),
        np.where(seen.unsettled, np.inf, error),
    )


def _progress(f: Vector, announce: float) -> Iterator[int]:
    """The entries one after the other; what takes long says so."""
    n = f.x.size
    began = time.perf_counter()
    told = False
    for j in range(n):
        yield j
        spent = time.perf_counter() - began
        if j == 9 and n > 10 and spent / 10 * n > announce:
            told = True
            print(f"gradient check: {n} entries, about {spent / 10 * n:.0f} s", file=sys.stderr)
        if told and sys.stderr.isatty():
            print(f"\r{j + 1} of {n}", end="\n" if j == n - 1 else "", file=sys.stderr)


def _is_faithful(f: Vector) -> bool:
    """Whether f takes complex numbers, and answers real ones among them as it does otherwise."""
    if any(leaf.values.dtype.kind == "c" for leaf in f.leaves):
        return False
    try:
        with warnings.catch_warnings(action="error", category=np.exceptions.ComplexWarning):
            y = f(f.x.astype(complex))
    except Exception:
        return False
    return y.dtype.kind == "c" and _is_same(y.real, f, 1e-9)


def _is_same(y: NDArray[Any], f: Vector, rtol: float) -> bool:
    """Up to rounding; `sides` looks closer."""
    return bool(np.allclose(y, f.y, rtol=rtol, atol=1e-12, equal_nan=True))


def _complex_step(f: Vector, j: int) -> Estimate:
    """Im f(x + ih) / h; what a change of x by some ulp changes is its error."""
    h = max(IMAGINARY * f.sizes[j], SMALLEST)
    imaginary = f.moved(j, 1j * h).imag
    value = imaginary / h
    changed = np.zeros(value.shape)
    if f.x[j] == 0:  # no rounding hides the third derivative there, as of x^3
        closer = f.moved(j, 1j * h * CLOSER).imag / (h * CLOSER)
        changed, value = np.abs(closer - value), closer
    for near in f.near:
        x = near.astype(complex)
        x[j] += 1j * h
        changed = np.maximum(changed, np.abs(f(x).imag / h - value))
    value = np.where((imaginary != 0) & (np.abs(imaginary) < LOST), np.nan, value)
    return Estimate(value, 16 * f.eps * np.abs(value) + 2 * changed)


def _takes_digits(f: Vector) -> bool:
    """Whether f takes numbers of 50 digits, and answers them with its own values."""
    if any(leaf.values.dtype.kind == "c" for leaf in f.leaves) or f.wraps:
        return False
    if f.x.size > FEW or not is_there():
        return False
    try:
        y = f(as_digits(f.x))
        values = as_floats(y)
    except Exception:
        return False
    some = any(isinstance(v, Digits) for v in y.ravel()) if y.dtype == object else False
    return some and _is_same(values, f, 1e-6)


def _digits(f: Vector, j: int) -> Estimate:
    """Central differences of 50 digits; a step of 1e-15 errs by some 1e-30 where f is smooth."""
    found = []
    for step in ("1e-15", "1e-17"):
        h: Any = Digits(Digits(step).number * float(f.sizes[j]))
        ahead, behind = as_digits(f.x), as_digits(f.x)
        ahead[j], behind[j] = ahead[j] + h, behind[j] - h
        found.append((f(ahead) - f(behind)) / Digits(2 * h.number))
    value = as_floats(found[0])
    return Estimate(value, 4 * 2.0**-52 * np.abs(value) + np.abs(as_floats(found[0] - found[1])))


def _ridders(f: Vector, j: int) -> Estimate:
    """Ridders' tableau of central differences, for steps of x's size, and of size 1 for x below."""
    f.listen()
    best = _tableau(f, j, FIRST * f.sizes[j])
    if f.sizes[j] < 1:
        best = _tableau(f, j, FIRST).refined(best)
    return best


def _tableau(f: Vector, j: int, first: float) -> Estimate:
    best = np.full(f.y.shape, np.nan)
    least = np.full(f.y.shape, np.inf)
    tableau: list[list[NDArray[Any]]] = []
    for level in range(LEVELS):
        h = first / RATIO**level
        a, b = f.moved(j, h), f.moved(j, -h)
        row = [(a - b) / ((f.x[j] + h) - (f.x[j] - h))]
        noise = ROUNDING * f.eps * np.maximum(np.abs(a), np.abs(b)) / h + f.noise / h
        for k in range(1, level + 1):
            weight = RATIO ** (2 * k)
            row.append((weight * row[k - 1] - tableau[-1][k - 1]) / (weight - 1))
            error = np.maximum(np.abs(row[k] - row[k - 1]), np.abs(row[k] - tableau[-1][k - 1]))
            error = np.where(np.isfinite(error), error + noise, np.inf)
            better = error < least
            best, least = np.where(better, row[k], best), np.where(better, error, least)
        tableau.append(row)
    return Estimate(best, least)


DIFFERENCES = "central differences"
METHODS: dict[str, tuple[Callable[[Vector], bool], Method]] = {
    "complex step": (_is_faithful, _complex_step),
    "differences of 50 digits": (_takes_digits, _digits),
    DIFFERENCES: (lambda f: True, _ridders),
}
