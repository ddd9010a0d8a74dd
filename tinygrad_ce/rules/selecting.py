"""Choosing entries by conditions, by order and by value; functions applied along axes.

Kinks: equal entries that `np.unique` merges are represented by the first; `np.partition` gives
equal entries back in their order; what `np.trim_zeros` cuts off gets no gradient.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_ce.dispatch import as_array, constant, dispatched
from tinygrad_ce.rules.indexing import along, scatter, set_at, settled
from tinygrad_ce.rules.joining import pieces
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.places import gathered, numbered
from tinygrad_ce.rules.support import astype, axes_of

__all__ = ["RULES", "representatives"]


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    sources = [*choicelist, default]
    *choices, otherwise = numbered(sources)
    conditions = [constant(condition) for condition in condlist]
    found = gathered(sources, np.select(conditions, choices, otherwise))
    return astype(found, np.result_type(*sources))


def _choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    sources = list(choices)
    found = gathered(sources, np.choose(constant(a), numbered(sources), mode=mode))
    return astype(found, np.result_type(*sources))


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
    """Each function's values put at its condition's places; later conditions win."""
    x = as_array(x)
    several = not np.isscalar(condlist) and (np.ndim(condlist[0]) or not x.ndim)
    listed = [constant(c) for c in (condlist if several else [condlist])]
    conditions = np.stack([np.not_equal(c, 0) for c in listed])
    if len(conditions) == len(funclist) - 1:
        rest = ~np.any(conditions, axis=0, keepdims=True)
        conditions = np.concatenate([conditions, rest], axis=0)
    if len(conditions) != len(funclist):
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y = np.zeros(x.shape, x.dtype)
    for condition, function in zip(conditions, funclist):
        if not callable(function):
            y = set_at(y, condition, function)
        elif np.size(vals := x[condition]):
            y = set_at(y, condition, function(vals, *args))
    return y


def _kept(a: Any, axis: Any, choose: Callable[[Any], Any]) -> Any:
    """a where its places along the axis are among those that `choose` takes of all."""
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = normalize_axis_index(axis, a.ndim)
    n = a.shape[axis]
    mask = np.zeros(n, bool)
    mask[choose(np.arange(n))] = True
    return a[(slice(None),) * axis + (mask,)]


def _compress(condition: Any, a: Any, axis: Any = None) -> Any:
    chosen = np.asarray(np.not_equal(as_array(condition), 0))
    return _kept(as_array(a), axis, lambda places: np.compress(chosen, places))


def _extract(condition: Any, arr: Any) -> Any:
    return np.ravel(as_array(arr))[np.flatnonzero(condition)]


def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    return _kept(as_array(arr), axis, lambda places: np.delete(places, settled(obj)))


def _resize(a: Any, new_shape: Any) -> Any:
    if not np.size(a):
        return np.zeros_like(a, shape=new_shape)
    return gathered([a], np.resize(numbered([a])[0], new_shape))


def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The slices between the first and the last entry other than 0 along each axis."""
    if trim.lower() not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    parts = [slice(None)] * filt.ndim
    for k in axes_of(axis, filt.ndim):
        where = np.nonzero(filt)[k]
        start, stop = (where.min(), where.max() + 1) if where.size else (0, 0)
        front, back = ("f" in trim.lower(), "b" in trim.lower())
        parts[k] = slice(start if front or not where.size else None,
                         stop if back or not where.size else None)  # fmt: skip
    return filt[tuple(parts)]


def _partition(
    g: Any, y: Any, a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    """The entries of y and a are the same: the i-th smallest of the one is that of the other."""
    if axis is None:
        return np.reshape(_partition(g, y, np.ravel(a), kth), a.shape)
    sorted_a = constant(np.argsort(a, axis=axis, kind="stable"))
    sorted_y = np.argsort(y, axis=axis, kind="stable")
    ordered = np.take_along_axis(g, sorted_y, axis)
    return scatter(ordered, along(a.shape, sorted_a, axis), a.shape)


@dispatched
def representatives(ar: Any, axis: Any = None, equal_nan: bool = True) -> Any:
    """Where the first of each value stands, which value each entry has, and how often each occurs.

    >>> [found.tolist() for found in representatives(np.array([2.0, 1.0, 2.0]))]
    [[1, 0], [1, 0, 1], [1, 2]]
    """
    return np.unique(
        ar, return_index=True, return_inverse=True, return_counts=True, axis=axis,
        equal_nan=equal_nan,
    )[1:]  # fmt: skip


def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
) -> Any:
    found = representatives(ar, axis, equal_nan)
    wanted = (return_index, return_inverse, return_counts)
    values = np.take(ar, found[0], axis=axis)
    extras = [part for part, asked in zip(found, wanted) if asked]
    return (values, *extras) if extras else values


def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    x, weights = np.asarray(x), as_array(weights)
    # NumPy says what it has to say about shapes and dtypes.
    counts = np.bincount(x, np.zeros(weights.shape, weights.dtype), minlength)
    return scatter(astype(weights, np.float64), x, counts.shape)


def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any) -> Any:
    axis = normalize_axis_index(axis, arr.ndim)
    moved = np.moveaxis(arr, axis, -1)
    lead = moved.shape[:-1]
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    rows = np.reshape(moved, (prod(lead), moved.shape[-1]))
    parts = pieces(rows, range(len(rows) + 1), 0)
    found = [as_array(func1d(np.squeeze(part, 0), *args)) for part in parts]
    shape = found[0].shape
    whole = np.reshape(np.stack(found), lead + shape)
    n, made = len(lead), len(shape)
    return np.transpose(whole, (*range(axis), *range(n, n + made), *range(axis, n)))


def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    val = a
    for axis in axes if np.ndim(axes) else (axes,):
        axis = normalize_axis_index(int(axis), a.ndim)
        res = func(val, axis)
        val = res if res.ndim == val.ndim else np.expand_dims(res, axis)
        if val.ndim != a.ndim:
            raise ValueError("function is not returning an array of the correct shape")
    return val


# fmt: off
RULES: Table = {
    np.select:           Composed(_select),
    np.choose:           Composed(_choose),
    np.piecewise:        Composed(_piecewise),
    np.compress:         Composed(_compress),
    np.extract:          Composed(_extract),
    np.delete:           Composed(_delete),
    np.resize:           Composed(_resize),
    np.trim_zeros:       Composed(_trim_zeros),
    np.partition:        (_partition,),
    np.unique:           Composed(_unique),
    np.bincount:         Composed(_bincount),
    np.apply_along_axis: Composed(_apply_along_axis),
    np.apply_over_axes:  Composed(_apply_over_axes),
    representatives:     None,
    np.argpartition:     None,
    np.lexsort:          None,
    np.searchsorted:     None,
    np.digitize:         None,
    np.isin:             None,
}
# fmt: on
