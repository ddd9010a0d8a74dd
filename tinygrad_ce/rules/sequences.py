"""Sampled functions and sequences: differences, integrals, interpolation, convolution.

Kinks: np.interp at a knot has the slope of the piece to its right, at the last knot that of the
piece to its left; np.unwrap has derivative 1 everywhere, at its jumps too.
"""

import math
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, constant, detached, dispatched
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.indexing import entries, scatter
from tinygrad_ce.rules.kinds import Composed, Entry, Table, present
from tinygrad_ce.rules.reductions import slab
from tinygrad_ce.rules.support import astype, axes_of, conj, laid_along, ratio

__all__ = ["RULES", "piece"]


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    f = f if f.dtype.kind in "fc" else astype(f, float)
    axes = axes_of(axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' must be 1 or 2")
    if not varargs:
        spacings = [1.0] * len(axes)
    elif len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        spacings = list(varargs) * len(axes)
    else:
        spacings = [as_array(spacing) for spacing in varargs]
    if len(spacings) != len(axes):
        raise TypeError("np.gradient takes one spacing, or one per axis")
    found = tuple(_slope(f, h, k, edge_order) for h, k in zip(spacings, axes, strict=True))
    return found[0] if len(axes) == 1 else found


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """Second-order differences (Fornberg 1988), at the ends of the order asked for.

    The slope at a point with steps h behind it and k ahead, from the slopes p and q of the two
    steps: (k p + h q) / (h + k) = p + h (q - p) / (h + k). Beyond the ends it is continued.
    """
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError("np.gradient needs at least edge_order + 1 points along an axis")
    if np.ndim(spacing):
        if np.shape(spacing) != (n,):
            raise ValueError("coordinates must be a vector with one entry per point")
        steps = laid_along(spacing[1:] - spacing[:-1], axis, f.ndim)
    else:
        steps = laid_along(np.ones(n - 1) * spacing, axis, f.ndim)
    slopes = (slab(f, axis, slice(1, None)) - slab(f, axis, slice(None, -1))) / steps
    first, last = slab(slopes, axis, slice(0, 1)), slab(slopes, axis, slice(-1, None))
    h, k = slab(steps, axis, slice(None, -1)), slab(steps, axis, slice(1, None))
    p, q = slab(slopes, axis, slice(None, -1)), slab(slopes, axis, slice(1, None))
    bend = (q - p) / (h + k)
    if edge_order == 2:
        first = first - slab(h * bend, axis, slice(0, 1))
        last = last + slab(k * bend, axis, slice(-1, None))
    return astype(np.concatenate([first, p + h * bend, last], axis=axis), f.dtype)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    y = as_array(y)
    if x is not None:
        x = as_array(x)
        dx = laid_along(np.diff(x), axis, y.ndim) if x.ndim == 1 else np.diff(x, axis=axis)
    pairs = slab(y, axis, slice(1, None)) + slab(y, axis, slice(None, -1))
    return np.sum(dx * pairs / 2.0, axis)


@dispatched
def piece(knots: Any, x: Any) -> Any:
    """The number of the piece between sorted knots that x lies in, the outer ones continued.

    >>> piece(np.array([0.0, 1.0, 2.0]), np.array([-5.0, 0.5, 1.0, 2.0]))
    array([0, 0, 1, 1])
    """
    found = np.searchsorted(knots, x, side="right") - 1
    return np.minimum(np.maximum(found, 0), max(len(knots) - 2, 0))


@dispatched
def _check_period(period: Any) -> None:
    if np.any(np.equal(period, 0)):
        raise ValueError("period must be a non-zero value")


def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp, fp = (astype(a, float) if a.dtype.kind != "c" else a for a in map(as_array, (x, xp, fp)))
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise TypeError("np.interp needs real numbers and knots")
    if xp.ndim != 1 or xp.shape != fp.shape or not len(xp):
        raise ValueError("np.interp needs knots and values as vectors of one length")
    if period is not None:
        _check_period(detached(period))
        period = np.abs(period)
        x, xp = x % period, xp % period
        turn = constant(np.argsort(xp))
        xp, fp = entries(xp, turn), entries(fp, turn)
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    i = constant(piece(xp, x))
    below, beyond = x < xp[0], x > xp[-1]
    start = entries(xp, i)
    if len(xp) == 1:
        y = entries(fp, i)
    else:
        width = entries(xp, i + 1) - start  # 0 only at the last knot, where that stands twice
        part = ratio(np.where(below | beyond, 0.0, x - start), width)
        low, high = entries(fp, i), entries(fp, i + 1)
        y = low + (high - low) * np.where((width == 0) & (x == start), 1.0, part)
    y = np.where(below, fp[0] if left is None else left, y)
    return np.where(beyond, fp[-1] if right is None else right, y)


def _whole(g: Any, a: Any, v: Any, mode: Any) -> Any:
    """The gradient of the whole convolution, of which mode keeps the middle."""
    mode = ("valid", "same", "full")[mode] if isinstance(mode, int) else mode
    n, short = np.size(a) + np.size(v) - 1, min(np.size(a), np.size(v))
    start = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[mode]
    return g if mode == "full" else scatter(g, slice(start, start + len(g)), (n,))


def _convolve(g: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    """The gradient by a; a number counts as a vector of one entry."""
    found = np.convolve(_whole(g, a, v, mode), np.flip(np.ravel(v)), "valid")
    return np.reshape(found, np.shape(a))


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """Where v is the longer, NumPy centres the other way round."""
    a, v = np.ravel(as_array(a)), conj(np.ravel(as_array(v)))
    if len(a) < len(v):
        return np.flip(np.convolve(v, np.flip(a), mode))
    return np.convolve(a, np.flip(v), mode)


def _cumulative(scan: Any, start: float) -> Any:
    def composed(
        x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
    ) -> Any:
        if axis is None and x.ndim > 1:
            raise ValueError("For arrays which are not one-dimensional, axis= is required.")
        axis = 0 if axis is None else axis
        y = scan(x if x.ndim else np.reshape(x, 1), axis, dtype=dtype)
        if not include_initial:
            return y
        shape = list(y.shape)
        shape[axis] = 1
        return np.concatenate([np.full(shape, start, y.dtype), y], axis=axis)

    return composed


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x = np.ravel(ary)
    ends = [None if end is None else np.ravel(end) for end in (to_begin, to_end)]
    if any(end is not None and not np.can_cast(end.dtype, x.dtype, "same_kind") for end in ends):
        raise TypeError("the dtypes of to_begin and to_end must be compatible with that of ary")
    parts = [ends[0], x[1:] - x[:-1], ends[1]]
    return astype(np.concatenate([part for part in parts if part is not None]), x.dtype)


def _polyval(p: Any, x: Any) -> Any:
    """Horner's scheme."""
    x = as_array(x)
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


def _nan_to_num(
    x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if not copy:
        raise UnsupportedError(
            "np.nan_to_num was called with copy=False",
            "writing into an array is not differentiable",
            "use the value that it returns",
        )
    if x.dtype.kind == "c":
        raise UnsupportedError(
            "np.nan_to_num was called on complex numbers",
            "it mends the real and the imaginary part apart",
            "call it on each part",
        )
    most = float(np.finfo(x.dtype).max)
    x = np.where(np.isnan(x), nan, x)
    x = np.where(x == np.inf, most if posinf is None else posinf, x)
    return np.where(x == -np.inf, -most if neginf is None else neginf, x)


# Functions that the oldest NumPy we run on does not have.
_NEWER: dict[str, Entry] = {
    "cumulative_sum": Composed(_cumulative(np.cumsum, 0)),
    "cumulative_prod": Composed(_cumulative(np.cumprod, 1)),
}

# fmt: off
RULES: Table = {
    np.gradient:    Composed(_gradient),
    np.trapezoid:   Composed(_trapezoid),
    np.interp:      Composed(_interp),
    piece:          None,
    np.convolve:    (_convolve,
                     lambda g, y, a, v, mode="full": _convolve(g, y, v, a, mode)),
    np.correlate:   Composed(_correlate),
    np.unwrap:      (lambda g, y, p, discont=None, axis=-1, *, period=2 * math.pi: g,),
    np.ediff1d:     Composed(_ediff1d),
    np.polyval:     Composed(_polyval),
    np.nan_to_num:  Composed(_nan_to_num),
    **present(_NEWER),
}
# fmt: on
