"""Sliding windows over the last axes of an array: unfold and fold, convolution, maxima.

`kernel`, `stride`, `dilation` hold an integer for each axis that the windows slide along, and
`padding` a pair: how many zeros come before and after (below 0: how many entries go). Shapes are
named as in PyTorch: x (N, C, *shape), w (O, C / groups, *kernel), y (N, O, *places).

Convolution is one trilinear form, T(x, w, y) = sum of x w y over all pairs that meet. `correlate`,
`correlate_transposed` and `correlate_weight` are its derivatives by y, x and w, and so are each
other's rules at every order. The unfolded windows, as large as x times the size of the kernel, are
made for a few examples at a time and never kept.

Kink: equal maxima of a window: the first in row-major order takes the gradient.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.rules.kinds import Table

__all__ = [
    "RULES",
    "correlate",
    "correlate_transposed",
    "correlate_weight",
    "fold",
    "unfold",
    "window_argmax",
    "window_max",
    "window_sum",
]

# Entries of unfolded windows at a time: 2 MB of float64, which stays in a core's cache.
_ENTRIES = 1 << 18


@dispatched
def unfold(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Every window of x, as a view: shape (..., *kernel, *places). The transpose of `fold`.

    >>> unfold(np.arange(4.0), (2,), (1,), ((0, 0),), (1,))
    array([[0., 1., 2.],
           [1., 2., 3.]])
    """
    return _view(_resized(x, padding), kernel, stride, dilation)


@dispatched
def fold(y: Any, shape: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """The sum of windows laid back where they came from in an array of this shape.

    Args:
        y: windows, shape (..., *kernel, *places).
        shape: the lengths of the axes that the windows slid along.
        stride: as for `unfold`, and so are padding and dilation.

    >>> fold(np.ones((2, 3)), (4,), (1,), ((0, 0),), (1,))
    array([1., 2., 2., 1.])
    """
    n = len(shape)
    kernel, places = y.shape[-2 * n : -n], y.shape[-n:]
    padded = tuple(size + before + after for size, (before, after) in zip(shape, padding))
    total = np.zeros(y.shape[: -2 * n] + padded, y.dtype)
    every = (slice(None),) * n
    for offset in np.ndindex(*kernel):
        steps = zip(offset, dilation, stride, places)
        met: Any = tuple(slice(i * d, i * d + (m - 1) * s + 1, s) for i, d, s, m in steps)
        total[..., *met] += y[..., *offset, *every]
    return _resized(total, tuple((-before, -after) for before, after in padding))


@dispatched
def correlate(x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int = 1) -> Any:
    """y, the sum over every window of x times w: the convolution of neural networks.

    >>> correlate(np.ones((1, 1, 4)), np.ones((1, 1, 2)), (1,), ((0, 0),), (1,))
    array([[[2., 2., 2.]]])
    """
    windows = unfold(x, w.shape[2:], stride, padding, dilation)
    places = windows.shape[w.ndim :]
    shape = (len(x), groups, len(w) // groups, prod(places))
    y = np.empty(shape, np.result_type(x, w))
    rows = _rows(w, groups)
    for part, columns in _columns(windows, groups, prod(places)):
        np.matmul(rows, columns, out=y[part])
    return y.reshape(len(x), len(w), *places)


@dispatched
def correlate_transposed(
    y: Any, w: Any, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int = 1
) -> Any:
    """x of this shape along the sliding axes: every entry of y lays down w, times itself.

    >>> correlate_transposed(np.ones((1, 1, 3)), np.ones((1, 1, 2)), (4,), (1,), ((0, 0),), (1,))
    array([[[1., 2., 2., 1.]]])
    """
    channels = w.shape[1] * groups
    x = np.empty((len(y), channels, *shape), np.result_type(y, w))
    rows = np.swapaxes(_rows(w, groups), 1, 2)
    grouped = y.reshape(len(y), groups, len(w) // groups, prod(y.shape[2:]))
    window = (channels, *w.shape[2:], *y.shape[2:])
    for part in _parts(len(y), prod(window)):
        columns = np.matmul(rows, grouped[part])
        x[part] = fold(columns.reshape(-1, *window), shape, stride, padding, dilation)
    return x


@dispatched
def correlate_weight(
    x: Any, y: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int = 1
) -> Any:
    """w with this kernel: every entry of y times the window of x that it belongs to.

    >>> correlate_weight(np.ones((1, 1, 4)), np.ones((1, 1, 3)), (2,), (1,), ((0, 0),), (1,))
    array([[[3., 3.]]])
    """
    windows = unfold(x, kernel, stride, padding, dilation)
    places, outputs, channels = prod(y.shape[2:]), y.shape[1], x.shape[1] // groups
    grouped = y.reshape(len(y), groups, outputs // groups, places)
    shape = (groups, outputs // groups, channels * prod(kernel))
    w = np.zeros(shape, np.result_type(x, y))
    for part, columns in _columns(windows, groups, places):
        w += np.sum(np.matmul(grouped[part], np.swapaxes(columns, 2, 3)), axis=0)
    return w.reshape(outputs, channels, *kernel)


@dispatched
def window_sum(x: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    """The sum of every window: sums of shifted arrays, ten times as fast as summing the views.

    >>> window_sum(np.array([3.0, 1.0, 2.0]), (2,), (1,), ((0, 0),))
    array([4., 3.])
    """
    n = len(kernel)
    windows = unfold(x, kernel, stride, padding, (1,) * n)
    every = (slice(None),) * n
    y = np.zeros(windows.shape[: x.ndim - n] + windows.shape[-n:], x.dtype)
    for offset in np.ndindex(*kernel):
        y += windows[..., *offset, *every]
    return y


@dispatched
def window_max(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """The largest entry of every window. Padding counts as smaller than everything.

    >>> window_max(np.array([3.0, 1.0, 2.0]), (2,), (1,), ((0, 0),), (1,))
    array([3., 2.])
    """
    windows = _view(_resized(x, padding, _lowest(x.dtype)), kernel, stride, dilation)
    n = len(kernel)
    every = (slice(None),) * n
    y = windows[..., *(0,) * n, *every].copy()
    for offset in np.ndindex(*kernel):
        np.maximum(y, windows[..., *offset, *every], out=y)
    return y


@dispatched
def window_argmax(x: Any, y: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Where in its window each maximum y stands first: its index in the window's row-major order.

    >>> window_argmax(np.array([3.0, 3.0, 2.0]), np.array([3.0, 3.0]), (2,), (1,), ((0, 0),), (1,))
    array([0, 0], dtype=uint8)
    """
    n = len(kernel)
    windows = _view(_resized(x, padding), kernel, stride, dilation)
    inside = unfold(np.ones(x.shape[-n:], bool), kernel, stride, padding, dilation)
    every = (slice(None),) * n
    found = np.zeros(y.shape, np.min_scalar_type(prod(kernel)))
    offsets = list(np.ndindex(*kernel))
    for i in reversed(range(len(offsets))):
        entry = windows[..., *offsets[i], *every]
        hit = ((entry == y) | np.isnan(entry)) & inside[*offsets[i], *every]
        np.copyto(found, i, where=hit)
    return found


def _resized(x: Any, padding: Any, fill: Any = 0) -> Any:
    """x with its last axes lengthened by `fill`, or cut, before and after."""
    if not any(before or after for before, after in padding):
        return x
    lead = x.ndim - len(padding)
    sizes = [n + before + after for n, (before, after) in zip(x.shape[lead:], padding)]
    out: Any = np.full((*x.shape[:lead], *sizes), fill, x.dtype)
    ends = list(zip(x.shape[lead:], sizes, padding))
    there = tuple(slice(max(b, 0), m - max(a, 0)) for _, m, (b, a) in ends)
    here = tuple(slice(max(-b, 0), n - max(-a, 0)) for n, _, (b, a) in ends)
    out[..., *there] = x[..., *here]
    return out


def _view(x: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    lead = x.ndim - len(kernel)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    places = [(n - span) // s + 1 for n, span, s in zip(x.shape[lead:], spans, stride)]
    steps = x.strides[lead:]
    inner = [step * d for step, d in zip(steps, dilation)]
    outer = [step * s for step, s in zip(steps, stride)]
    shape = (*x.shape[:lead], *kernel, *places)
    return as_strided(x, shape, (*x.strides[:lead], *inner, *outer), writeable=False)


def _parts(examples: int, entries: int) -> Iterator[slice]:
    """Slices of examples whose windows, of so many entries each, fit into the cache."""
    step = max(1, _ENTRIES // max(entries, 1))
    return (slice(i, i + step) for i in range(0, examples, step))


def _columns(windows: Any, groups: int, places: int) -> Iterator[tuple[slice, Any]]:
    """The windows of a few examples at a time as matrices (groups, entries, places)."""
    entries = prod(windows.shape[1:])
    for part in _parts(len(windows), entries):
        some = windows[part]
        depth = entries // max(groups * places, 1)
        yield part, some.reshape(len(some), groups, depth, places)


def _rows(w: Any, groups: int) -> Any:
    return w.reshape(groups, len(w) // groups, -1)


def _lowest(dtype: Any) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _window_max(
    g: Any, y: Any, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    """g laid back where each maximum was found."""
    n, size = len(kernel), prod(kernel)
    found = np.expand_dims(window_argmax(x, y, kernel, stride, padding, dilation), -n - 1)
    chosen = np.equal(found, np.arange(size).reshape(size, *(1,) * n))
    parts = np.where(chosen, np.expand_dims(g, -n - 1), 0.0)
    windows = np.reshape(parts, (*g.shape[:-n], *kernel, *g.shape[-n:]))
    return fold(windows, x.shape[-n:], stride, padding, dilation)


def _window_sum(g: Any, y: Any, x: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    n = len(kernel)
    lead, places = g.shape[:-n], g.shape[-n:]
    spread = np.broadcast_to(np.reshape(g, lead + (1,) * n + places), lead + kernel + places)
    return fold(spread, x.shape[-n:], stride, padding, (1,) * n)


# fmt: off
RULES: Table = {
    unfold:     (lambda g, y, x, kernel, stride, padding, dilation:
                 fold(g, x.shape[-len(kernel):], stride, padding, dilation),),
    fold:       (lambda g, x, y, shape, stride, padding, dilation:
                 unfold(g, y.shape[-2 * len(shape):-len(shape)], stride, padding, dilation),),
    correlate:  (lambda g, y, x, w, stride, padding, dilation, groups=1:
                 correlate_transposed(g, w, x.shape[2:], stride, padding, dilation, groups),
                 lambda g, y, x, w, stride, padding, dilation, groups=1:
                 correlate_weight(x, g, w.shape[2:], stride, padding, dilation, groups)),
    correlate_transposed:
                (lambda g, x, y, w, shape, stride, padding, dilation, groups=1:
                 correlate(g, w, stride, padding, dilation, groups),
                 lambda g, x, y, w, shape, stride, padding, dilation, groups=1:
                 correlate_weight(g, y, w.shape[2:], stride, padding, dilation, groups)),
    correlate_weight:
                (lambda g, w, x, y, kernel, stride, padding, dilation, groups=1:
                 correlate_transposed(y, g, x.shape[2:], stride, padding, dilation, groups),
                 lambda g, w, x, y, kernel, stride, padding, dilation, groups=1:
                 correlate(x, g, stride, padding, dilation, groups)),
    window_sum: (_window_sum,),
    window_max: (_window_max,),
    window_argmax: None,
}
# fmt: on
