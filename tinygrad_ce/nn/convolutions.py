"""Layers of windows that learn: Conv1d, Conv2d, ConvTranspose2d."""

from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.convolution import Sizes, conv1d, conv2d, conv_transpose2d, each_axis
from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.nn.linear import drawn
from tinygrad_ce.nn.module import Module
from tinygrad_ce.options import count, one_of
from tinygrad_ce.randomness import Generator

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d", "batched", "windows_fit"]

Padding = Sizes | Literal["valid", "same"]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
_PAD: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def batched(layer: Any, x: Any, axes: int) -> tuple[Any, bool]:
    """x with an axis of examples, and whether it had none."""
    x = as_array(x)
    if x.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"x has shape {x.shape}",
            f"{type(layer).__name__} takes examples, channels and {axes} axes more, or a single "
            "example without the first",
            "reshape x",
        )
    return (x[None], True) if x.ndim == axes + 1 else (x, False)


def windows_fit(axes: int, **options: Any) -> None:
    """Refuse options of windows that are no numbers from 1 for each axis."""
    for name, value in options.items():
        each_axis(name, value, axes, 1)


class _Convolution(Module):
    """What the layers share: their sizes, and the parameters."""

    axes: ClassVar[int]

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes,
        padding: Padding, dilation: Sizes, groups: int, bias: bool, padding_mode: PaddingMode,
        dtype: DTypeLike, generator: Generator, transposed: bool = False,
    ) -> None:  # fmt: skip
        in_channels = count("in_channels", in_channels)
        out_channels = count("out_channels", out_channels)
        groups = count("groups", groups)
        if in_channels % groups or out_channels % groups:
            raise ShapeError(
                f"groups is {groups}, of {in_channels} channels in and {out_channels} out",
                "the groups share both evenly",
                "pass groups that divide them",
            )
        one_of("padding_mode", padding_mode, ("zeros", *_PAD))
        windows_fit(self.axes, stride=stride, dilation=dilation)
        if isinstance(padding, str) and not transposed:
            one_of("padding", padding, ("valid", "same"))
        else:
            each_axis("padding", padding, self.axes, 0)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = each_axis("kernel_size", kernel_size, self.axes, 1)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups, self.padding_mode = groups, padding_mode
        first, second = (out_channels, in_channels)[:: -1 if transposed else 1]
        shape = (first, second // groups, *self.kernel_size)
        fan_in = prod(shape[1:])
        self.weight = drawn(shape, fan_in, dtype, generator)
        self.bias = drawn((out_channels,), fan_in, dtype, generator) if bias else None

    def _padded(self, x: Any) -> tuple[Any, Padding]:
        """x with what the mode puts around it, and the zeros that are still to be put there."""
        if self.padding_mode == "zeros":
            return x, self.padding
        gaps = each_axis("dilation", self.dilation, self.axes, 1)
        if self.padding == "same":
            more = [d * (k - 1) for k, d in zip(self.kernel_size, gaps)]
            ends = [(n // 2, n - n // 2) for n in more]
        else:
            given: Any = 0 if self.padding == "valid" else self.padding
            ends = [(p, p) for p in each_axis("padding", given, self.axes, 0)]
        return np.pad(x, [(0, 0), (0, 0), *ends], mode=_PAD[self.padding_mode]), 0

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        usual = {"padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros"}
        others = [f"{k}={getattr(self, k)!r}" for k, v in usual.items() if getattr(self, k) != v]
        return ", ".join([text, *others, *(["bias=False"] if self.bias is None else [])])


class Conv1d(_Convolution):
    """`tg.conv1d` with a weight that is learned; see `Conv2d`.

    >>> Conv1d(2, 4, 3, padding=1)(np.ones((5, 2, 8))).shape
    (5, 4, 8)
    """

    axes = 1

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
        padding: Padding = 0, dilation: Sizes = 1, groups: int = 1, bias: bool = True,
        padding_mode: PaddingMode = "zeros", dtype: DTypeLike = np.float32,
        generator: Generator = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, dtype, generator,
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        x, single = batched(self, x, 1)
        x, padding = self._padded(x)
        options = self.stride, padding, self.dilation, self.groups
        y = conv1d(x, self.weight, self.bias, *options)
        return y[0] if single else y


class Conv2d(_Convolution):
    """`tg.conv2d` with a weight that is learned.

    Args:
        in_channels: of x, shape (N, in_channels, H, W), or without N.
        out_channels: of the result, shape (N, out_channels, H', W').
        kernel_size: of the windows.
        stride: how far a window moves.
        padding: how much is put around x; "valid" for nothing, "same" to keep the size.
        dilation: how far apart in x the entries of a window lie.
        groups: the outputs of a group see the channels of that group alone.
        bias: whether a number is added to each channel.
        padding_mode: what is put there: "zeros", or x's own "reflect", "replicate", "circular".
        dtype: of the parameters.
        generator: where they are drawn from.

    Attributes:
        weight: shape (out_channels, in_channels / groups, *kernel_size), uniform within
            1 / sqrt(fan_in) of 0, fan_in the number of entries that make one of the result.
        bias: shape (out_channels,), likewise, or None.

    The gradients stand at `tg.conv2d`.

    >>> Conv2d(1, 4, 3)(np.ones((5, 1, 8, 8))).shape
    (5, 4, 6, 6)
    """

    axes = 2

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
        padding: Padding = 0, dilation: Sizes = 1, groups: int = 1, bias: bool = True,
        padding_mode: PaddingMode = "zeros", dtype: DTypeLike = np.float32,
        generator: Generator = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, dtype, generator,
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        x, single = batched(self, x, 2)
        x, padding = self._padded(x)
        options = self.stride, padding, self.dilation, self.groups
        y = conv2d(x, self.weight, self.bias, *options)
        return y[0] if single else y


class ConvTranspose2d(_Convolution):
    """`tg.conv_transpose2d` with a weight that is learned; arguments as `Conv2d`.

    Attributes:
        weight: shape (in_channels, out_channels / groups, *kernel_size).
        bias: shape (out_channels,), or None.

    >>> ConvTranspose2d(4, 1, 2, stride=2)(np.ones((5, 4, 3, 3))).shape
    (5, 1, 6, 6)
    """

    axes = 2

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
        padding: Sizes = 0, output_padding: Sizes = 0, groups: int = 1, bias: bool = True,
        dilation: Sizes = 1, dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            "zeros", dtype, generator, transposed=True,
        )  # fmt: skip
        each_axis("output_padding", output_padding, 2, 0)
        self.output_padding = output_padding

    def forward(self, x: Any) -> Any:
        x, single = batched(self, x, 2)
        padding: Any = self.padding
        y = conv_transpose2d(
            x, self.weight, self.bias, self.stride, padding, self.output_padding, self.groups,
            self.dilation,
        )  # fmt: skip
        return y[0] if single else y
