"""Statistics: sums without nans, quantiles, weighted averages, covariances.

Kinks: a quantile belongs to the entries that np.sort puts at its place, the first of equal ones
first; everything else here has the kinks of the sums and extremes it is made of (`reductions`).
The gradient at a nan that was left out is 0. A quantile is constant in its weights and in the
probabilities of the methods that pick an entry; a variable there is refused.
"""

import warnings
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.kinds import Composed, Function, Table
from tinygrad_ce.rules.reductions import extreme
from tinygrad_ce.rules.support import astype, weigh

__all__ = ["RULES"]


def _known(a: Any, where: Any) -> Any:
    """The entries to take: those of `where` that are no nans."""
    return ~np.isnan(a) if where is True else ~np.isnan(a) & where


def _nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    known = _known(a, where)
    return np.sum(a, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=known)


def _nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    known = _known(a, where)
    return np.prod(a, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=known)


def _nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    return np.mean(a, axis, dtype=dtype, keepdims=keepdims, where=_known(a, where))


def _nan_spread(spread: Function) -> Function:
    """nanvar or nanstd from np.var or np.std; nan where ddof leaves no degree of freedom."""

    def composed(
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
        known = _known(a, where)
        ddof = ddof if correction is None else correction
        count = np.sum(known, axis, keepdims=keepdims)
        about = {} if mean is None else {"mean": mean}
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            y = spread(a, axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=known, **about)
        if np.any(count <= ddof):
            warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=4)
            y = np.where(count <= ddof, np.nan, y)
        return y

    return composed


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
        q = q if isinstance(q, int | float) else np.asarray(q)
        if skips_nans and np.ndim(q) > 1:
            raise UnsupportedError(
                f"np.{function.__name__} was called with q of shape {np.shape(q)}",
                "for q of several axes NumPy mixes up the axes of the result",
                "flatten q, and reshape the result",
            )
        if weights is not None:
            weights = np.asarray(weights)
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
    elif weights is not None or (skips_nans and np.any(np.isnan(rows))):
        ranks = np.argsort(np.argsort(rows, axis=0, kind="stable"), axis=0)
        ranks = np.asarray(np.where(np.isnan(rows), np.nan, ranks))
        spread = {} if weights is None else {"weights": _rows(_spread(weights, a, axis), axes)}
        v = place(ranks, axis=0, **spread)
        y = np.where(np.isnan(v), np.nan, _between(np.sort(rows, axis=0), np.nan_to_num(v)))
    else:
        ordered = np.sort(rows, axis=0)
        v = place(ranks, axis=0)
        y = np.where(np.isnan(ordered[-1]), np.nan, _between(ordered, v))
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


def _between(ordered: Any, v: Any) -> Any:
    """The entries at places v of the first axis; those axes that v has for itself come first."""
    i = np.floor(v).astype(int)
    own = i.ndim - ordered.ndim + 1

    def at(places: Any) -> Any:
        picked = np.take_along_axis(ordered, np.reshape(places, (-1, *i.shape[own:])), 0)
        return np.reshape(picked, i.shape[:own] + ordered.shape[1:])

    # Weighed, so that an inf next to the quantile counts nothing.
    return weigh(1 - (v - i), at(i)) + weigh(v - i, at(np.minimum(i + 1, len(ordered) - 1)))


def _spread(weights: Any, a: Any, axis: Any) -> Any:
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


def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, *, keepdims: Any = False
) -> Any:
    if weights is None:
        average = np.mean(a, axis, keepdims=keepdims)
        total: Any = np.full(average.shape, a.size / max(average.size, 1), average.dtype)
        return (average, total) if returned else average
    weights = _spread(as_array(weights), a, axis)
    total = np.sum(weights, axis, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    average = np.sum(a * weights, axis, keepdims=keepdims) / total
    return (average, total) if returned else average


def _cov(
    m: Any,
    y: Any = None,
    rowvar: Any = True,
    bias: Any = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """(X - mean) diag(w) (X - mean)^H over the degrees of freedom; X's rows are the variables."""
    if ddof is None:
        ddof = 0 if bias else 1
    elif ddof != int(ddof):
        raise ValueError("ddof must be integer")
    x = _variables(m, rowvar)
    x = x if y is None else np.concatenate([x, _variables(as_array(y), rowvar, True)])
    x = astype(x, np.result_type(x, np.float64) if dtype is None else dtype)
    w = _sample_weights(fweights, aweights, x.shape[1])
    mean, total = np.average(x, axis=1, weights=w, returned=True)
    if w is None:
        freedom = x.shape[1] - ddof
    elif ddof == 0:
        freedom = total[0]
    else:
        used = ddof if aweights is None else ddof * np.sum(w * as_array(aweights)) / total[0]
        freedom = total[0] - used
    if freedom <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=5)
        freedom = 0.0
    x = x - mean[:, None]
    other = np.conjugate(x) if x.dtype.kind == "c" else x
    c = np.matmul(x, np.transpose(other if w is None else other * w))
    return np.squeeze(c * np.divide(1, freedom))


def _variables(m: Any, rowvar: Any, second: bool = False) -> Any:
    """The variables as rows; a vector is one variable."""
    if m.ndim > 2:
        raise ValueError("m and y have at most 2 dimensions")
    row = m if m.ndim == 2 else np.reshape(m, (1, -1))
    turned = not rowvar and (row.shape[0] != 1 if second else m.ndim == 2)
    return np.transpose(row) if turned else row


def _sample_weights(fweights: Any, aweights: Any, samples: int) -> Any:
    """The product of both kinds of weights, checked as NumPy does; None without any."""
    w: Any = None
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        weights = np.asarray(weights) if name == "fweights" else as_array(weights)
        if weights.shape != (samples,):
            raise RuntimeError(f"{name} must be a vector with one entry per sample")
        if np.any(weights < 0):
            raise ValueError(f"{name} cannot be negative")
        if name == "fweights" and np.any(weights != np.round(weights)):
            raise TypeError("fweights must be integer")
        w = weights if w is None else w * weights
    return w


def _corrcoef(x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Any:
    """c_ij / sqrt(c_ii c_jj). NumPy clips it to [-1, 1]; a clip has no derivative to speak of."""
    c = _cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    return c / deviation[:, None] / deviation[None, :]


def _nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0.0, a), axis, dtype=dtype)


def _nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1.0, a), axis, dtype=dtype)


def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


# fmt: off
RULES: Table = {
    np.nansum:        Composed(_nansum),
    np.nanprod:       Composed(_nanprod),
    np.nanmean:       Composed(_nanmean),
    np.nanvar:        Composed(_nan_spread(np.var)),
    np.nanstd:        Composed(_nan_spread(np.std)),
    np.nanmax:        (extreme,),
    np.nanmin:        (extreme,),
    np.nancumsum:     Composed(_nancumsum),
    np.nancumprod:    Composed(_nancumprod),
    np.quantile:      Composed(_quantile(np.quantile)),
    np.percentile:    Composed(_quantile(np.percentile)),
    np.nanquantile:   Composed(_quantile(np.nanquantile)),
    np.nanpercentile: Composed(_quantile(np.nanpercentile)),
    np.median:        Composed(_median(np.median)),
    np.nanmedian:     Composed(_median(np.nanmedian)),
    np.ptp:           Composed(_ptp),
    np.average:       Composed(_average),
    np.cov:           Composed(_cov),
    np.corrcoef:      Composed(_corrcoef),
}
# fmt: on
