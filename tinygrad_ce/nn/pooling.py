"""Layers of windows that do not learn: MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d."""

from typing import Any, ClassVar

from tinygrad_ce.convolution import Sizes, each_axis
from tinygrad_ce.nn.convolutions import batched, windows_fit
from tinygrad_ce.nn.module import Module
from tinygrad_ce.pooling import avg_pool, max_pool

__all__ = ["AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]


class _MaxPool(Module):
    axes: ClassVar[int]

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        dilation: Sizes = 1, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = stride = kernel_size if stride is None else stride
        windows_fit(self.axes, kernel_size=kernel_size, stride=stride, dilation=dilation)
        each_axis("padding", padding, self.axes, 0)
        self.ceil_mode = ceil_mode

    def forward(self, x: Any) -> Any:
        x, single = batched(self, x, self.axes)
        options = self.stride, self.padding, self.dilation, self.ceil_mode
        y = max_pool(x, self.kernel_size, *options)
        return y[0] if single else y

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool1d(_MaxPool):
    """`tg.max_pool` along the last axis of x of shape (N, C, L), or without N."""

    axes = 1


class MaxPool2d(_MaxPool):
    """`tg.max_pool` along the last two axes of x of shape (N, C, H, W), or without N.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """

    axes = 2


class _AvgPool(Module):
    axes: ClassVar[int]

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        ceil_mode: bool = False, count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = stride = kernel_size if stride is None else stride
        windows_fit(self.axes, kernel_size=kernel_size, stride=stride)
        each_axis("padding", padding, self.axes, 0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, x: Any) -> Any:
        x, single = batched(self, x, self.axes)
        options = self.stride, self.padding, self.ceil_mode, self.count_include_pad
        y = avg_pool(x, self.kernel_size, *options)
        return y[0] if single else y

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """`tg.avg_pool` along the last axis of x of shape (N, C, L), or without N."""

    axes = 1


class AvgPool2d(_AvgPool):
    """`tg.avg_pool` along the last two axes of x of shape (N, C, H, W), or without N.

    >>> import numpy as np
    >>> AvgPool2d(2)(np.arange(4.0).reshape(1, 1, 2, 2))
    array([[[[1.5]]]])
    """

    axes = 2
