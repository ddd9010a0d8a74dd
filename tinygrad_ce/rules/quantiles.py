"""Medians, quantiles and percentiles, by every method of NumPy's.

A quantile belongs to the entries that np.sort puts at its place, the first of equal ones first.
A variable probability is refused, for half of the methods jump with it; so are variable weights,
for the quantile is constant in them wherever it does not jump.
"""

from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_ce.dispatch import constant, holds
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.kinds import Composed, Function, Table
from tinygrad_ce.rules.support import astype, weigh

__all__ = ["RULES", "spread_weights"]


def _quantile(function: Function) -> Function:
    skips_nans = function in (np.nanquantile, np.nanpercentile)

    def composed(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: Any = False,
        method: Any = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        if getattr(q, "requires_grad", False):
            raise UnsupportedError(
                f"np.{function.__name__} was given a variable as q",
                "gradients flow to the numbers, not to where among them the quantile lies",
                "pass .detach() of it",
            )
        q = q if isinstance(q, int | float) else constant(q)
        if skips_nans and np.ndim(q) > 1:
            raise UnsupportedError(
                f"np.{function.__name__} was called with q of shape {np.shape(q)}",
                "for q of several axes NumPy mixes up the axes of the result",
                "flatten q, and reshape the result",
            )
        if weights is not None:
            weights = constant(weights)
        place = partial(function, q=q, method=method)
        return _ranked(place, a, axis, keepdims, skips_nans, weights)

    return composed


def _median(function: Function) -> Function:
    def composed(
        a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False,
        keepdims: Any = False,
    ) -> Any:  # fmt: skip
        return _ranked(function, a, axis, keepdims, function is np.nanmedian)

    return composed


def _ranked(
    place: Function, a: Any, axis: Any, keepdims: bool, skips_nans: bool, weights: Any = None
) -> Any:
    """The quantile (1 - t) x_i + t x_(i+1) of the sorted entries x, where t = v - i.

    NumPy's own function says where the place v is: it is the quantile of the ranks 0, 1, 2, ...
    """
    axes = range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim)
    rows = _rows(a, axes)
    ranks = np.arange(float(len(rows))).reshape((-1,) + (1,) * (rows.ndim - 1))
    if not a.size:
        y = np.sum(a) + place(np.zeros(rows.shape), axis=0)
    elif weights is not None or (skips_nans and holds(np.any(np.isnan(rows)), True)):
        ranks = np.argsort(np.argsort(rows, axis=0, kind="stable"), axis=0)
        ranks = constant(np.where(np.isnan(rows), np.nan, ranks))
        spread = (
            {} if weights is None else {"weights": _rows(spread_weights(weights, a, axis), axes)}
        )
        v = place(ranks, axis=0, **spread)
        y = np.where(np.isnan(v), np.nan, _between(rows, np.nan_to_num(v)))
    else:
        v = place(ranks, axis=0)
        y = np.where(np.any(np.isnan(rows), axis=0), np.nan, _between(rows, v))
    y = astype(y, place(np.zeros(1, a.dtype)).dtype)
    if not keepdims:
        return y
    whole = tuple(1 if k in axes else n for k, n in enumerate(a.shape))
    return np.reshape(y, y.shape[: y.ndim - rows.ndim + 1] + whole)


def _rows(a: Any, axes: Any) -> Any:
    """The array with some axes joined to one, which comes first."""
    rest = [k for k in range(a.ndim) if k not in axes]
    shape = (prod(a.shape[k] for k in axes), *(a.shape[k] for k in rest))
    return np.reshape(np.transpose(a, (*axes, *rest)), shape)


def _between(rows: Any, v: Any) -> Any:
    """The entries at places v of the sorted rows; those axes that v has for itself come first.

    They are read where they stand unsorted, so that the gradient need not sort.
    """
    order = constant(np.argsort(rows, axis=0, kind="stable"))
    i = astype(np.floor(v), int)
    own = i.ndim - rows.ndim + 1

    def at(places: Any) -> Any:
        places = np.reshape(places, (-1, *i.shape[own:]))
        picked = np.take_along_axis(rows, np.take_along_axis(order, places, 0), 0)
        return np.reshape(picked, i.shape[:own] + rows.shape[1:])

    # Weighed, so that an inf next to the quantile counts nothing.
    return weigh(1 - (v - i), at(i)) + weigh(v - i, at(np.minimum(i + 1, len(rows) - 1)))


def spread_weights(weights: Any, a: Any, axis: Any) -> Any:
    """Weights in a's shape: given so, or for the axes alone."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = normalize_axis_tuple(axis, a.ndim)
    if weights.shape != tuple(a.shape[k] for k in axes):
        raise ValueError("Shape of weights must be consistent with shape of a along axis.")
    weights = np.transpose(weights, tuple(np.argsort(axes).tolist()))
    shape = tuple(n if k in axes else 1 for k, n in enumerate(a.shape))
    return np.broadcast_to(np.reshape(weights, shape), a.shape)


# fmt: off
RULES: Table = {
    np.quantile:      Composed(_quantile(np.quantile)),
    np.percentile:    Composed(_quantile(np.percentile)),
    np.nanquantile:   Composed(_quantile(np.nanquantile)),
    np.nanpercentile: Composed(_quantile(np.nanpercentile)),
    np.median:        Composed(_median(np.median)),
    np.nanmedian:     Composed(_median(np.nanmedian)),
}
# fmt: on
