"""The methods of NumPy's ufuncs: reduce, accumulate, reduceat and outer.

Their axis is 0 by default. Kink: a running maximum (or minimum) that equal entries reach belongs to
the first of them; `reduce` shares between them, as np.max does.
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import real_array
from tinygrad_ce.rules import elementwise
from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Composed, Function, Table
from tinygrad_ce.rules.reductions import extreme, recurrence, slab
from tinygrad_ce.rules.softmax import logsumexp
from tinygrad_ce.rules.support import astype, laid_along

__all__ = ["RULES"]


def _add(
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return np.sum(array, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def _multiply(
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    return np.prod(array, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def _logaddexp(
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    array = real_array(array, "logaddexp.reduce")
    array = array if dtype is None else astype(array, dtype)
    array = array if where is True else np.where(where, array, -np.inf)
    if array.size:
        total = logsumexp(array, axis=axis, keepdims=keepdims)
    else:
        total = np.sum(array, axis=axis, keepdims=keepdims) - np.inf
    return total if initial is None else np.logaddexp(total, initial)


def _extreme(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    a = a if dtype is None else astype(a, dtype)  # rounded, as the extreme is
    return extreme(g, y, a, axis, out, keepdims, initial, where)


def _running_extreme(
    g: Any, y: Any, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None
) -> Any:
    """Each gradient goes to the entry that set the record, the first of equal ones."""
    axis = 0 if axis is None else axis  # of a vector
    new, old = slab(y, axis, slice(1, None)), slab(y, axis, slice(0, -1))
    record = (new != old) & ~(np.isnan(new) & np.isnan(old))
    places = laid_along(np.arange(1, a.shape[axis]), axis, a.ndim)
    first = np.zeros_like(slab(a, axis, slice(0, 1)), dtype=int)
    setters = np.concatenate([first, np.where(record, places, 0)], axis=axis)
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in a.shape)])
    grid[axis] = np.maximum.accumulate(setters, axis=axis)
    return scatter(g, tuple(grid), a.shape)


def _running_logsumexp(
    g: Any, y: Any, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None
) -> Any:
    """exp(a_i - y_i) s_i with s_i = g_i + exp(y_i - y_{i+1}) s_{i+1}; 0 where y is -inf."""
    axis = 0 if axis is None else axis  # of a vector
    steps = _difference(slab(y, axis, slice(0, -1)), slab(y, axis, slice(1, None)))
    last = np.zeros_like(slab(y, axis, slice(-1, None)))
    factors = np.concatenate([np.exp(steps), last], axis=axis)
    return np.exp(_difference(a, y)) * recurrence(g, factors, axis)


def _difference(a: Any, b: Any) -> Any:
    """a - b; where both are infinite 0, or for the exponential's sake -inf where both are -inf."""
    same = np.isinf(a) & (a == b)
    return np.where(same, np.minimum(a, 0), np.where(same, 0.0, a) - np.where(same, 0.0, b))


def _add_reduceat(
    g: Any, y: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None
) -> Any:
    """Every entry of a segment gets the segment's gradient."""
    starts = np.asarray(indices)
    ends = np.append(starts[1:], array.shape[axis])
    lengths = np.maximum(ends - starts, 1)  # a segment that does not go forward is one entry
    segment = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(len(segment)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    head = (slice(None),) * (axis % array.ndim)
    return scatter(g[(*head, segment)], (*head, starts[segment] + within), array.shape)


def _outer(ufunc: np.ufunc) -> Function:
    """ufunc.outer(a, b): every entry of a with every entry of b."""
    return lambda A, B: ufunc(np.reshape(A, np.shape(A) + (1,) * np.ndim(B)), B)  # noqa: N803


# fmt: off
RULES: Table = {
    np.add.reduce:           Composed(_add),
    np.multiply.reduce:      Composed(_multiply),
    np.logaddexp.reduce:     Composed(_logaddexp),
    np.maximum.reduce:       (_extreme,),
    np.minimum.reduce:       (_extreme,),
    np.fmax.reduce:          (_extreme,),
    np.fmin.reduce:          (_extreme,),
    np.add.accumulate:       Composed(lambda array, axis=0, dtype=None, out=None:
                                      np.cumsum(array, axis, dtype=dtype)),
    np.multiply.accumulate:  Composed(lambda array, axis=0, dtype=None, out=None:
                                      np.cumprod(array, axis, dtype=dtype)),
    np.logaddexp.accumulate: (_running_logsumexp,),
    np.maximum.accumulate:   (_running_extreme,),
    np.minimum.accumulate:   (_running_extreme,),
    np.fmax.accumulate:      (_running_extreme,),
    np.fmin.accumulate:      (_running_extreme,),
    np.add.reduceat:         (_add_reduceat, None),
    **{
        f.outer: None if rules is None else Composed(_outer(f))
        for f, rules in elementwise.RULES.items()
        if isinstance(f, np.ufunc) and f.nin == 2 and f.nout == 1
    },
}
# fmt: on
