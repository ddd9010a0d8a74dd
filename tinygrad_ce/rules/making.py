"""Arrays made of a few numbers: grids between two ends, other dtypes."""

import operator
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, detached, dispatched
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.support import astype

__all__ = ["RULES"]


def _fractions(start: Any, stop: Any, num: Any, endpoint: Any, least: Any = 0.0) -> Any:
    """0 to 1 in `num` equal steps along a first axis, in the dtype of the ends and `least`."""
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    steps = np.arange(num) / max(num - 1 if endpoint else num, 1)
    shape = (-1,) + (1,) * max(np.ndim(start), np.ndim(stop))
    return steps.reshape(shape).astype(np.result_type(start, stop, least))


def _placed(y: Any, axis: int) -> Any:
    return np.moveaxis(y, 0, axis) if axis else y


def _linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    retstep: Any = False,
    *,
    axis: Any = 0,
) -> Any:
    stop = as_array(stop) if isinstance(stop, list | tuple) else stop  # a number stays weak
    t = _fractions(start, stop, num, endpoint)
    y = _placed(start * (1 - t) + stop * t, axis)
    if not retstep:
        return y
    steps = num - 1 if endpoint else num
    return y, (stop - start) / (steps if steps > 0 else np.nan)


def _logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, *, axis: Any = 0
) -> Any:
    if np.ndim(base):
        shape = np.broadcast_shapes(np.shape(start), np.shape(stop), np.shape(base))
        start, base = np.broadcast_to(start, shape), np.broadcast_to(base, shape)
        base = np.expand_dims(base, axis)
    return np.power(base, _linspace(start, stop, num, endpoint, axis=axis))


def _geomspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, *, axis: Any = 0) -> Any:
    stop = as_array(stop)
    _check_not_zero(detached(start))
    _check_not_zero(detached(stop))
    t = _fractions(start, stop, num, endpoint, np.float64)
    start = start * np.ones((), t.dtype)
    return _placed(start * np.power(stop / start, t), axis)


@dispatched
def _check_not_zero(end: Any) -> None:
    if np.any(np.equal(end, 0)):
        raise ValueError("Geometric sequence cannot include zero")


def _astype(x: Any, dtype: Any, *, copy: Any = True, device: Any = None) -> Any:
    return astype(x, dtype)


# fmt: off
RULES: Table = {
    np.linspace:  Composed(_linspace),
    np.logspace:  Composed(_logspace),
    np.geomspace: Composed(_geomspace),
    np.astype:    Composed(_astype),
}
# fmt: on
