"""Sums, means, products, extremes: functions along axes.

Kinks: equal maxima (or minima) share the gradient equally; std'(0) = 0.
Products are exact beside any number of zeros, since nothing is divided by an entry.
"""

from typing import Any

import numpy as np

from tinygrad_ce.rules.kinds import Table
from tinygrad_ce.rules.support import conj, kept, ratio, spread

__all__ = ["RULES"]


def _count(a: Any, y: Any) -> int:
    """How many entries of a went into one entry of y."""
    return int(a.size // max(y.size, 1))


def _centred(a: Any, axis: Any) -> Any:
    return conj(a - np.mean(a, axis=axis, keepdims=True))


def _extreme(
    g: Any, y: Any, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False
) -> Any:
    chosen = a == kept(y, axis, keepdims)
    ties = np.sum(chosen, axis=axis, keepdims=True)
    return np.where(chosen, kept(g, axis, keepdims) / ties, 0.0)


def _products_before(a: Any, axis: int) -> Any:
    """At each place the product of all entries before it along the axis (1 at the first)."""
    ones = np.ones_like(_part(a, axis, slice(0, 1)))
    return np.cumprod(np.concatenate([ones, _part(a, axis, slice(0, -1))], axis=axis), axis=axis)


def _part(a: Any, axis: int, part: slice) -> Any:
    return a[(slice(None),) * (axis % a.ndim) + (part,)]


def _prod(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
) -> Any:
    """g times the product of all other entries: of those before and of those behind."""
    axes = range(a.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    axes = tuple(i % a.ndim for i in axes)
    g = kept(g, axis, keepdims)
    if not axes or not a.size:
        return np.broadcast_to(g, a.shape)
    order = tuple(i for i in range(a.ndim) if i not in axes) + axes
    moved = np.transpose(a, order)
    row = np.reshape(moved, (*moved.shape[: a.ndim - len(axes)], -1))
    others = _products_before(row, -1) * np.flip(_products_before(np.flip(row, -1), -1), -1)
    back = tuple(order.index(i) for i in range(a.ndim))
    return g * np.transpose(np.reshape(others, moved.shape), back)


def _cumsum(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    if axis is None:
        return np.reshape(np.flip(np.cumsum(np.flip(g))), a.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _cumprod(g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """p_i s_i with p_i the product before i and s_i = g_i + a_{i+1} s_{i+1}.

    The recurrence is solved by doubling (Kogge and Stone 1973): s reaches twice as far each round.
    """
    if axis is None:
        return np.reshape(_cumprod(g, y, np.ravel(a), 0), a.shape)
    n = a.shape[axis]
    if n == 0:
        return g
    sums = g
    factors = _shifted(a, 1, axis)
    reach = 1
    while reach < n:
        sums = sums + factors * _shifted(sums, reach, axis)
        factors = factors * _shifted(factors, reach, axis)
        reach *= 2
    return _products_before(a, axis) * sums


def _shifted(a: Any, places: int, axis: int) -> Any:
    """a moved towards the front, zeros coming in behind."""
    front = _part(a, axis, slice(places, None))
    return np.concatenate([front, np.zeros_like(_part(a, axis, slice(0, places)))], axis=axis)


# fmt: off
RULES: Table = {
    np.sum:  (lambda g, y, a, axis=None, dtype=None, out=None, keepdims=False:
              spread(g, a.shape, axis, keepdims),),
    np.mean: (lambda g, y, a, axis=None, dtype=None, out=None, keepdims=False:
              spread(g / _count(a, y), a.shape, axis, keepdims),),
    np.var:  (lambda g, y, a, axis=None, dtype=None, out=None, ddof=0, keepdims=False:
              kept(g, axis, keepdims) * (2 * _centred(a, axis) / (_count(a, y) - ddof)),),
    np.std:  (lambda g, y, a, axis=None, dtype=None, out=None, ddof=0, keepdims=False:
              kept(g, axis, keepdims)
              * (ratio(_centred(a, axis), kept(y, axis, keepdims)) / (_count(a, y) - ddof)),),
    np.prod:          (_prod,),
    np.max:           (_extreme,),
    np.amax:          (_extreme,),
    np.min:           (_extreme,),
    np.amin:          (_extreme,),
    np.cumsum:        (_cumsum,),
    np.cumprod:       (_cumprod,),
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
