"""Convolution with PyTorch's meanings and argument names, over NumPy's arrays.

x has shape (N, C, *shape): examples, channels, and the axes that windows slide along. `stride`,
`padding` and `dilation` are integers, or one for each of these axes.
"""

from typing import Any, Literal

import numpy as np

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.rules.windows import correlate, correlate_transposed

__all__ = ["Sizes", "check_fit", "conv1d", "conv2d", "conv_transpose2d", "each_axis"]

Sizes = int | tuple[int, ...]
Padding = Sizes | Literal["valid", "same"]


def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Sizes = 1, padding: Padding = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> Any:  # fmt: skip
    """The convolution of neural networks along one axis; see `conv2d`.

    Args:
        x: shape (N, C, L).
        weight: shape (O, C / groups, K).
        bias: shape (O,), or None.
        stride: as for `conv2d`, and so are padding, dilation and groups.

    Returns:
        An array of shape (N, O, L'), with the dtype of the product.

    Raises:
        ShapeError: the shapes do not fit one another, or an option does not fit them.

    >>> conv1d(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2.]]])
    """
    return _convolved("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Sizes = 1, padding: Padding = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> Any:  # fmt: skip
    """The convolution of neural networks along two axes (a correlation: the kernel is not turned).

    Args:
        x: shape (N, C, H, W).
        weight: shape (O, C / groups, K, L).
        bias: shape (O,), or None.
        stride: how far a window moves.
        padding: how many zeros are put at both ends; "valid" for none, "same" for as many as keep
            the size, where an odd one comes at the end.
        dilation: how far apart in x the entries of a window lie.
        groups: the outputs of a group see the channels of that group alone.

    Returns:
        An array of shape (N, O, H', W'), H' = (H + 2 padding - dilation (K - 1) - 1) // stride + 1.

    Raises:
        ShapeError: the shapes do not fit one another, or an option does not fit them.

    With y the result: `y[n, o, i] = bias[o] + sum over c and k of weight[o, c, k] *
    x[n, c, stride i + dilation k - padding]`; its gradient by x is `conv_transpose2d(g, weight)`
    with the same options, by the weight the sum of g times the windows of x, by the bias the sum
    of g.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2)), np.array([0.5]))
    array([[[[ 8.5, 12.5],
             [20.5, 24.5]]]])
    """
    return _convolved("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    x: Any, weight: Any, bias: Any = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Any:  # fmt: skip
    """The transpose of `conv2d`: every entry of x lays down the kernel, times itself.

    Args:
        x: shape (N, O, H, W).
        weight: shape (O, C / groups, K, L), that of the convolution transposed here.
        bias: shape (C,), or None.
        stride: how far apart in the result neighbours lay down the kernel.
        padding: how much is cut at both ends.
        output_padding: how many rows and columns the result has more at the end; below the larger
            of stride and dilation.
        groups: as for `conv2d`.
        dilation: as for `conv2d`.

    Returns:
        An array of shape (N, C, H', W'), H' = (H - 1) stride - 2 padding + dilation (K - 1) +
        output_padding + 1.

    Raises:
        ShapeError: the shapes do not fit one another, or an option does not fit them.

    Its gradient by x is `conv2d(g, weight)` with the same options.

    >>> conv_transpose2d(np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 2)))
    array([[[[1., 2., 1.]]]])
    """
    x, weight = as_array(x), as_array(weight)
    _check_axes("conv_transpose2d", 2, x, weight, "(O, C / groups, *kernel)")
    _check_groups("x", x.shape[1], len(weight), groups, len(weight))
    steps, gaps = each_axis("stride", stride, 2, 1), each_axis("dilation", dilation, 2, 1)
    cut, more = (
        each_axis("padding", padding, 2, 0),
        each_axis("output_padding", output_padding, 2, 0),
    )
    for s, d, extra in zip(steps, gaps, more):
        if extra >= max(s, d):
            raise ShapeError(
                f"output_padding is {extra} with stride {s} and dilation {d}",
                "it is smaller than the larger of the two",
                "lower it, or pad the result with np.pad",
            )
    spans = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], gaps)]
    ends = tuple((p, p - extra) for p, extra in zip(cut, more))
    shape = tuple(
        (n - 1) * s + span - sum(end) for n, s, span, end in zip(x.shape[2:], steps, spans, ends)
    )
    if min(shape) < 1:
        raise ShapeError(
            f"the result would have shape {shape} along its last axes",
            "padding cuts the result at both ends, and something has to be left",
            "lower the padding",
        )
    y = correlate_transposed(x, weight, shape, steps, ends, gaps, groups)
    return _with_bias(y, bias)


def _convolved(
    name: str,
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Any:
    x, weight = as_array(x), as_array(weight)
    _check_axes(name, axes, x, weight, "(O, C / groups, *kernel)")
    _check_groups("x", x.shape[1], weight.shape[1] * groups, groups, len(weight))
    kernel, steps = weight.shape[2:], each_axis("stride", stride, axes, 1)
    gaps = each_axis("dilation", dilation, axes, 1)
    if padding == "same":
        if max(steps) > 1:
            raise ShapeError(
                f"padding='same' was given with stride {steps}",
                "the result has the size of x only where windows move by 1",
                "say in numbers how much padding you want",
            )
        more = [d * (k - 1) for k, d in zip(kernel, gaps)]
        ends = tuple((n // 2, n - n // 2) for n in more)
    else:
        pads = each_axis("padding", 0 if padding == "valid" else padding, axes, 0)
        ends = tuple((p, p) for p in pads)
    check_fit(x.shape[2:], kernel, ends, gaps)
    return _with_bias(correlate(x, weight, steps, ends, gaps, groups), bias)


def _with_bias(y: Any, bias: Any) -> Any:
    if bias is None:
        return y
    bias = as_array(bias)
    if bias.shape != y.shape[1:2]:
        raise ShapeError(
            f"the bias has shape {bias.shape}",
            f"there is one number for each of the {y.shape[1]} output channels",
            f"pass a bias of shape {y.shape[1:2]}",
        )
    return y + np.reshape(bias, (-1, *(1,) * (y.ndim - 2)))


def each_axis(name: str, value: Any, axes: int, least: int) -> tuple[int, ...]:
    """An option as one integer for each sliding axis."""
    given = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    whole = all(_is_whole(n) and n >= least for n in given)
    if len(given) != axes or not whole:
        raise ShapeError(
            f"{name} is {value!r}",
            f"it is an integer from {least}, or one for each of the {axes} sliding axes",
            f"pass for example {name}={max(least, 1)}",
        )
    return tuple(int(n) for n in given)


def _is_whole(n: Any) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool)


def _check_axes(name: str, axes: int, x: Any, weight: Any, layout: str) -> None:
    if x.ndim != axes + 2 or weight.ndim != axes + 2:
        raise ShapeError(
            f"x has shape {x.shape}, the weight {weight.shape}",
            f"{name} takes x with examples, channels and {axes} more, the weight as {layout}",
            "add the axes that are missing, for example with x[None]",
        )
    if not weight.size:
        raise ShapeError(
            f"the weight has shape {weight.shape}",
            "a kernel has at least one entry",
            "pass a weight that is not empty",
        )


def _check_groups(name: str, channels: int, wanted: int, groups: int, outputs: int) -> None:
    if not _is_whole(groups) or groups < 1 or outputs % groups:
        raise ShapeError(
            f"groups is {groups!r} and the weight's first axis has length {outputs}",
            "the groups share that axis evenly",
            "pass groups that divide it",
        )
    if channels != wanted:
        raise ShapeError(
            f"{name} has {channels} channels",
            f"the weight with groups={groups} is one for {wanted}",
            "pass a weight of shape (O, C / groups, *kernel)",
        )


def check_fit(shape: Any, kernel: Any, ends: Any, gaps: Any) -> None:
    for n, k, (before, after), d in zip(shape, kernel, ends, gaps):
        if d * (k - 1) + 1 > n + before + after:
            raise ShapeError(
                f"x has length {n} with padding {before} and {after}, the window {k}, dilated {d}",
                "a window is no longer than what it slides along",
                "pad more, or take a smaller kernel or dilation",
            )
