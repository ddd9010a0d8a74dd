"""Sums, means, products, extremes: functions along axes.

Kinks: equal maxima (or minima) share the gradient equally, a constant `initial=` among them takes
it whole; std'(0) = 0.
Products are exact beside any number of zeros, since nothing is divided by an entry.
Entries that `where=` leaves out have gradient 0, whatever stands there.
"""

from math import isqrt
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.rules.kinds import Table
from tinygrad_ce.rules.support import astype, conj, kept, masked, ratio, spread

__all__ = ["RULES", "extreme", "recurrence", "slab"]


def _taken(g: Any, where: Any) -> Any:
    """g at the entries that were taken, 0 at the others."""
    return g if where is True else masked(g, where)


def _sum(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return _taken(spread(g, a.shape, axis, keepdims), where)


def _count(a: Any, y: Any, axis: Any, where: Any) -> Any:
    """How many entries of a went into one entry of y."""
    if where is True:
        return int(a.size // max(y.size, 1))
    taken = np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=True)
    return astype(np.maximum(taken, 1), y.dtype)


def _mean(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    if where is True:
        return spread(g / _count(a, y, axis, where), a.shape, axis, keepdims)
    axis = axis if a.ndim else None  # a number may be averaged over axis 0
    g = kept(g, axis, keepdims) / _count(a, y, axis, where)
    return _taken(np.broadcast_to(g, a.shape), where)


def _deviations(a: Any, axis: Any, dtype: Any, where: Any, mean: Any) -> Any:
    """The conjugate of a minus its mean; 0 at the entries that were not taken."""
    a = a if dtype is None else astype(a, dtype)
    if where is not True:
        a = np.where(where, a, 0.0)  # an inf that was left out makes no nan here
    if mean is None:
        mean = np.mean(a, axis=axis, keepdims=True, where=where)
    return conj(_taken(a - mean, where))


def _var(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """2 conj(a - mean) / (n - ddof); what flows through the mean adds up to 0."""
    axis = axis if a.ndim else None
    free = _count(a, y, axis, where) - (ddof if correction is None else correction)
    return kept(g, axis, keepdims) * (2 * _deviations(a, axis, dtype, where, mean) / free)


def _std(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    axis = axis if a.ndim else None
    free = _count(a, y, axis, where) - (ddof if correction is None else correction)
    deviations = _deviations(a, axis, dtype, where, mean)
    return kept(g, axis, keepdims) * (ratio(deviations, kept(y, axis, keepdims)) / free)


def extreme(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """g shared by the entries that are the extreme y."""
    axis = axis if a.ndim else None
    y = kept(y, axis, keepdims)
    chosen = a == y
    if where is not True:
        chosen = chosen & where
    if initial is not None:
        chosen = chosen & (y != initial)
    ties = kept(np.count_nonzero(chosen, axis=axis), axis, False)
    if where is not True or initial is not None:
        ties = np.maximum(ties, 1)  # the initial value may be the extreme alone
    g = kept(g, axis, keepdims)
    return masked(g / astype(ties, g.dtype), chosen)


def _products_before(a: Any, axis: int) -> Any:
    """At each place the product of all entries before it along the axis (1 at the first)."""
    ones = np.ones_like(slab(a, axis, slice(0, 1)))
    return np.cumprod(np.concatenate([ones, slab(a, axis, slice(0, -1))], axis=axis), axis=axis)


def _products_of_others(a: Any, axis: int) -> Any:
    behind = np.flip(_products_before(np.flip(a, axis), axis), axis)
    return _products_before(a, axis) * behind


def slab(a: Any, axis: int, part: slice) -> Any:
    """The part of a along one axis, whole along the others."""
    return a[(slice(None),) * (axis % a.ndim) + (part,)]


def _prod(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """g times the product of all other entries: of those before and of those behind."""
    axis = axis if a.ndim else None
    a = a if dtype is None else astype(a, dtype)
    a = a if where is True else np.where(where, a, 1.0)
    axes = range(a.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    axes = tuple(i % a.ndim for i in axes)
    g = kept(g, axis, keepdims)
    g = g if initial is None else g * initial
    if not axes or not a.size:
        return _taken(np.broadcast_to(g, a.shape), where)
    if len(axes) == 1:
        return _taken(g * _products_of_others(a, axes[0]), where)
    order = tuple(i for i in range(a.ndim) if i not in axes) + axes
    moved = np.transpose(a, order)
    row = np.reshape(moved, (*moved.shape[: a.ndim - len(axes)], -1))
    others = _products_of_others(row, -1)
    back = tuple(order.index(i) for i in range(a.ndim))
    return _taken(g * np.transpose(np.reshape(others, moved.shape), back), where)


def _cumsum(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    if axis is None or not a.ndim:
        return np.reshape(np.flip(np.cumsum(np.flip(g))), a.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _cumprod(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """p_i s_i with p_i the product before i and s_i = g_i + a_{i+1} s_{i+1}."""
    if axis is None or not a.ndim:
        return np.reshape(_cumprod(g, y, np.ravel(a), 0, dtype), a.shape)
    a = a if dtype is None else astype(a, dtype)
    if a.shape[axis] == 0:
        return g
    return _products_before(a, axis) * recurrence(g, _shifted(a, 1, axis), axis)


@dispatched
def recurrence(g: Any, factors: Any, axis: int) -> Any:
    """s with s_i = g_i + factors_i s_{i+1} along an axis; nothing comes in behind the last.

    About sqrt(n) blocks of as many entries are solved side by side, and then joined from the last.

    >>> recurrence(np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.5, 0.5]), 0)
    array([3., 4., 4.])
    """
    axis = axis % g.ndim
    n, rest = g.shape[axis], g.shape[:axis] + g.shape[axis + 1 :]
    blocks = max(isqrt(n), 1)
    length = -(-n // blocks)
    dtype = np.result_type(g, factors)

    def side_by_side(x: Any) -> Any:
        row = np.zeros((blocks * length, *rest), dtype)
        row[:n] = np.moveaxis(x, axis, 0)
        return np.swapaxes(row.reshape(blocks, length, *rest), 0, 1).copy()

    s, reach = side_by_side(g), side_by_side(factors)
    for i in reversed(range(length - 1)):
        s[i] += reach[i] * s[i + 1]
        reach[i] *= reach[i + 1]
    entering = np.zeros((blocks, *rest), dtype)  # s of the first entry behind each block
    for k in reversed(range(blocks - 1)):
        entering[k] = s[0, k + 1] + reach[0, k + 1] * entering[k + 1]
    s[:, :-1] += reach[:, :-1] * entering[:-1]
    row = np.swapaxes(s, 0, 1).reshape(blocks * length, *rest)
    return np.moveaxis(row[:n], 0, axis)


def _recurrence_back(g: Any, y: Any, x: Any, factors: Any, axis: int) -> Any:
    """The same from the front: t_i = g_i + factors_{i-1} t_{i-1}."""
    first = np.zeros_like(slab(factors, axis, slice(0, 1)))
    before = np.concatenate([first, slab(factors, axis, slice(0, -1))], axis=axis)
    return np.flip(recurrence(np.flip(g, axis), np.flip(before, axis), axis), axis)


def _recurrence_by_factors(g: Any, y: Any, x: Any, factors: Any, axis: int) -> Any:
    return _recurrence_back(g, y, x, factors, axis) * _shifted(y, 1, axis)


def _shifted(a: Any, places: int, axis: int) -> Any:
    """a moved towards the front, zeros coming in behind."""
    front = slab(a, axis, slice(places, None))
    return np.concatenate([front, np.zeros_like(slab(a, axis, slice(0, places)))], axis=axis)


# fmt: off
RULES: Table = {
    np.sum:           (_sum,),
    np.mean:          (_mean,),
    np.var:           (_var,),
    np.std:           (_std,),
    np.prod:          (_prod,),
    np.max:           (extreme,),
    np.amax:          (extreme,),
    np.min:           (extreme,),
    np.amin:          (extreme,),
    np.cumsum:        (_cumsum,),
    np.cumprod:       (_cumprod,),
    recurrence:       (_recurrence_back, _recurrence_by_factors),
    np.zeros_like:    None,
    np.ones_like:     None,
    np.argmax:        None,
    np.argmin:        None,
    np.argsort:       None,
    np.any:           None,
    np.all:           None,
    np.count_nonzero: None,
}
# fmt: on
