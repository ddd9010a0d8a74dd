"""Statistics: sums without nans, weighted averages, covariances.

Kinks are those of the sums and extremes that they are made of (`reductions`). The gradient at a nan
that was left out is 0.
"""

import warnings
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, constant, detached, dispatched, holds, is_plain
from tinygrad_ce.rules.kinds import Composed, Function, Table
from tinygrad_ce.rules.quantiles import spread_weights
from tinygrad_ce.rules.reductions import extreme
from tinygrad_ce.rules.support import astype

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
        with np.errstate(divide="ignore", invalid="ignore"):
            y = spread(a, axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=known, **about)
        return np.where(count <= ddof, np.nan, y) if holds(np.any(count <= ddof), True) else y

    return composed


def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, *, keepdims: Any = False
) -> Any:
    if weights is None:
        average = np.mean(a, axis, keepdims=keepdims)
        total: Any = np.full(average.shape, a.size / max(average.size, 1), average.dtype)
        return (average, total) if returned else average
    weights = spread_weights(as_array(weights), a, axis)
    total = np.sum(weights, axis, keepdims=keepdims)
    _check_total(detached(total))
    average = np.sum(a * weights, axis, keepdims=keepdims) / total
    return (average, astype(total, average.dtype)) if returned else average


@dispatched
def _check_total(total: Any) -> None:
    if np.any(total == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")


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
    if not is_plain(detached(freedom)):  # not known yet
        freedom = np.where(freedom <= 0, 0.0, freedom)
    elif freedom <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=5)
        freedom = 0.0
    x = x - mean[:, None]
    other = np.conjugate(x) if x.dtype.kind == "c" else x
    c = np.matmul(x, np.transpose(other if w is None else other * w))
    return np.squeeze(astype(c * np.divide(1, freedom), c.dtype))


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
        weights = constant(weights) if name == "fweights" else as_array(weights)
        if weights.shape != (samples,):
            raise RuntimeError(f"{name} must be a vector with one entry per sample")
        _check_sample_weights(detached(weights), name)
        w = weights if w is None else w * weights
    return w


@dispatched
def _check_sample_weights(weights: Any, name: str) -> None:
    if np.any(weights < 0):
        raise ValueError(f"{name} cannot be negative")
    if name == "fweights" and np.any(weights != np.round(weights)):
        raise TypeError("fweights must be integer")


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
    np.nansum:      Composed(_nansum),
    np.nanprod:     Composed(_nanprod),
    np.nanmean:     Composed(_nanmean),
    np.nanvar:      Composed(_nan_spread(np.var)),
    np.nanstd:      Composed(_nan_spread(np.std)),
    np.nanmax:      (extreme,),
    np.nanmin:      (extreme,),
    np.nancumsum:   Composed(_nancumsum),
    np.nancumprod:  Composed(_nancumprod),
    np.ptp:         Composed(_ptp),
    np.average:     Composed(_average),
    np.cov:         Composed(_cov),
    np.corrcoef:    Composed(_corrcoef),
    np.nanargmax:   None,
    np.nanargmin:   None,
}
# fmt: on
