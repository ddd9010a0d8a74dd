"""Pooling with PyTorch's meanings and argument names, over NumPy's arrays.

x has shape (N, C, *shape): examples, channels, and the axes that windows slide along.
`kernel_size`, `stride`, `padding` and `dilation` are integers, or one for each of these axes.
"""

from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.convolution import Sizes, check_fit, each_axis
from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.rules.windows import window_max, window_sum

__all__ = ["avg_pool", "max_pool"]


def max_pool(
    x: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    dilation: Sizes = 1, ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """The largest entry of every window, along all axes after the second.

    Args:
        x: shape (N, C, *shape).
        kernel_size: the size of a window.
        stride: how far a window moves; its own size by default.
        padding: how far windows reach out at both ends, at most half their size; what lies there
            is smaller than everything.
        dilation: how far apart in x the entries of a window lie.
        ceil_mode: whether a last window that reaches out further than that counts too.

    Returns:
        An array of shape (N, C, *places) and x's dtype.

    Raises:
        ShapeError: the options do not fit x's shape.

    Its gradient by x: g where the largest entry was; of equal ones, the first in row-major order.

    >>> max_pool(np.array([[[1.0, 3.0, 2.0, 2.0]]]), 2)
    array([[[3., 2.]]])
    """
    x, kernel, steps, pads = _pooled("max_pool", x, kernel_size, stride, padding)
    gaps = each_axis("dilation", dilation, len(kernel), 1)
    ends = _ends(x.shape[2:], kernel, steps, pads, gaps, ceil_mode)
    for n, k, s, (before, after), d in zip(x.shape[2:], kernel, steps, ends, gaps):
        starts = np.arange(-before, n + after - d * (k - 1), s)
        entries = starts[:, None] + d * np.arange(k)
        if not ((entries >= 0) & (entries < n)).any(axis=1).all():
            raise ShapeError(
                f"windows of {k}, dilated {d}, on length {n} with padding {before}, {after}",
                "every window holds an entry of x, or it would have no maximum",
                "lower the padding or the dilation",
            )
    return window_max(x, kernel, steps, ends, gaps)


def avg_pool(
    x: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """The mean of every window, along all axes after the second.

    Args:
        x: shape (N, C, *shape).
        kernel_size: the size of a window.
        stride: how far a window moves; its own size by default.
        padding: how many zeros are put at both ends, at most half a window.
        ceil_mode: whether a last window that reaches out further than that counts too; what lies
            further out is never counted.
        count_include_pad: whether the zeros of the padding count as entries.

    Returns:
        An array of shape (N, C, *places) and x's dtype.

    Raises:
        ShapeError: the options do not fit x's shape.

    Its gradient by x: to each entry the sum of g / count of the windows that it lies in.

    >>> avg_pool(np.array([[[1.0, 3.0, 2.0, 2.0]]]), 2)
    array([[[2., 2.]]])
    """
    x, kernel, steps, pads = _pooled("avg_pool", x, kernel_size, stride, padding)
    n = len(kernel)
    ends = _ends(x.shape[2:], kernel, steps, pads, (1,) * n, ceil_mode)
    total = window_sum(x, kernel, steps, ends)
    counts: Any = np.ones((), int)
    for size, k, s, p, m in zip(x.shape[2:], kernel, steps, pads, total.shape[2:]):
        starts = np.arange(m) * s - p
        low, high = (-p, size + p) if count_include_pad else (0, size)
        counts = counts[..., None] * (np.minimum(starts + k, high) - np.maximum(starts, low))
    if (counts == prod(kernel)).all():
        return total / prod(kernel)
    return total / (counts.astype(x.dtype) if x.dtype.kind in "fc" else counts)


def _pooled(
    name: str, x: Any, kernel_size: Sizes, stride: Sizes | None, padding: Sizes
) -> tuple[Any, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """x, and the options as one number for each sliding axis."""
    x = as_array(x)
    n = x.ndim - 2
    if n < 1:
        raise ShapeError(
            f"x has shape {x.shape}",
            f"{name} slides along the axes after examples and channels",
            "pass x of shape (N, C, *shape), for example x[None, None]",
        )
    kernel = each_axis("kernel_size", kernel_size, n, 1)
    steps = kernel if stride is None else each_axis("stride", stride, n, 1)
    pads = each_axis("padding", padding, n, 0)
    for k, p in zip(kernel, pads):
        if 2 * p > k:
            raise ShapeError(
                f"padding is {p} for windows of {k}",
                "padding is at most half a window, or windows could lie outside of x",
                f"lower it to {k // 2}",
            )
    return x, kernel, steps, pads


def _ends(
    shape: Any, kernel: Any, steps: Any, pads: Any, gaps: Any, ceil_mode: bool
) -> tuple[tuple[int, int], ...]:
    """How far windows reach out of x, before and after."""
    check_fit(shape, kernel, tuple((p, p) for p in pads), gaps)
    ends = []
    for n, k, s, p, d in zip(shape, kernel, steps, pads, gaps):
        span = d * (k - 1) + 1
        room = n + 2 * p - span
        # The last window has to begin in x or before it.
        last = min(-(-room // s), (n + p - 1) // s) if ceil_mode else room // s
        ends.append((p, last * s + span - n - p))
    return tuple(ends)
