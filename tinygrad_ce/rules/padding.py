"""np.pad in its modes, but for those whose border is not determined by the array (`empty`, a
function that writes it) and for odd reflections, which are refused.

Kinks: where a border is a maximum or a minimum, equal entries share.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.places import gathered, numbered
from tinygrad_ce.rules.support import astype, laid_along

__all__ = ["RULES"]

_COPYING = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS: dict[str, Callable[..., Any]] = {
    "mean": np.mean,
    "maximum": np.max,
    "minimum": np.min,
    "median": np.median,
}


def _pad(
    array: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Any:
    if callable(mode) or mode == "empty" or reflect_type != "even":
        raise UnsupportedError(
            f"np.pad was called with mode={mode!r}, reflect_type={reflect_type!r}",
            "gradients flow through the modes constant, edge, reflect, symmetric, wrap, "
            "linear_ramp, mean, median, maximum and minimum, reflections being even",
            "pad by one of these, or join the border on with np.concatenate",
        )
    if mode == "constant":
        sources = [array, astype(as_array(constant_values), array.dtype)]
        places, outside = numbered(sources)
        return gathered(sources, np.pad(places, pad_width, mode, constant_values=outside))
    if mode in _COPYING:
        return gathered([array], np.pad(numbered([array])[0], pad_width, mode))
    widths = _widths(pad_width, array.ndim)
    if mode == "linear_ramp":
        ends = np.broadcast_to(astype(as_array(end_values), array.dtype), (array.ndim, 2))
        return _bordered(array, widths, lambda x, k, n, side: _ramp(x, k, n, side, ends))
    if mode not in _STATISTICS:
        raise ValueError(f"mode {mode!r} is not supported")
    lengths = None if stat_length is None else np.broadcast_to(stat_length, (array.ndim, 2))
    statistic = _STATISTICS[mode]
    return _bordered(
        array, widths, lambda x, k, n, side: _statistic(x, k, n, side, statistic, lengths)
    )


def _widths(pad_width: Any, ndim: int) -> Any:
    """How many entries come before and behind, for every axis."""
    if isinstance(pad_width, dict):
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
        return widths
    return np.broadcast_to(pad_width, (ndim, 2))


def _bordered(x: Any, widths: Any, border: Callable[..., Any]) -> Any:
    """Axis after axis: x between border(x, axis, width, 0) and border(x, axis, width, 1)."""
    for axis in range(x.ndim):
        before, behind = (
            [border(x, axis, int(width), side)] if width else []
            for side, width in enumerate(widths[axis])
        )
        x = np.concatenate([*before, x, *behind], axis=axis) if before or behind else x
    return x


def _edge(x: Any, axis: int, length: int, side: int) -> Any:
    part = slice(None, length) if side == 0 else slice(x.shape[axis] - length, None)
    return x[(*(slice(None),) * axis, part)]


def _ramp(x: Any, axis: int, width: int, side: int, ends: Any) -> Any:
    """From the end value, which is the outermost entry, in equal steps towards the edge."""
    steps = np.arange(width) if side == 0 else np.arange(width)[::-1]
    fraction = laid_along((steps / width).astype(x.dtype), axis, x.ndim)
    end = ends[axis, side]
    return end + (_edge(x, axis, 1, side) - end) * fraction


def _statistic(
    x: Any, axis: int, width: int, side: int, statistic: Callable[..., Any], lengths: Any
) -> Any:
    n = x.shape[axis]
    length = n if lengths is None else min(int(lengths[axis, side]), n)
    value = statistic(_edge(x, axis, length, side), axis=axis, keepdims=True)
    return np.broadcast_to(value, (*x.shape[:axis], width, *x.shape[axis + 1 :]))


RULES: Table = {np.pad: Composed(_pad)}
