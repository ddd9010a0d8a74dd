"""Layers that bring numbers to mean 0 and variance 1: BatchNorm, LayerNorm, GroupNorm, RMSNorm."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import OptionError, ShapeError
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.parameter import Parameter
from tinygrad_ce.options import count, number, several
from tinygrad_ce.rules.support import laid_along

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "RMSNorm"]


def _normed(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """(x - mean) / sqrt(variance + eps), and mean and variance."""
    mean = np.mean(x, axis=axes, keepdims=True)
    centered = x - mean
    variance = np.mean(centered * centered, axis=axes, keepdims=True)
    return centered / np.sqrt(variance + eps), mean, variance


class _BatchNorm(Module):
    """Both batch normalisations; `BatchNorm2d` says what they do."""

    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
        affine: bool = True, track_running_stats: bool = True, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.num_features = num_features = count("num_features", num_features, 0)
        self.eps = number("eps", eps, "a number from 0")
        if momentum is not None:
            number("momentum", momentum, "a number from 0 to 1")
        self.momentum = momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine else None
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(num_features, dtype))
            self.register_buffer("running_var", np.ones(num_features, dtype))
            self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        self._check(x)
        axes = (0, *range(2, x.ndim))
        if self.training or not self.track_running_stats:
            y, mean, variance = _normed(x, axes, self.eps)
            n = x.size // self.num_features
            if self.training and n < 2:
                raise ShapeError(
                    f"x has shape {x.shape}, one entry for each channel",
                    "in training BatchNorm needs several, or there is no variance",
                    "pass more examples, or call eval() first",
                )
            if self.training and self.track_running_stats:
                self._count(mean, variance, n)
        else:
            scale = np.sqrt(self.running_var + self.eps)
            y = (x - laid_along(self.running_mean, 1, x.ndim)) / laid_along(scale, 1, x.ndim)
        if not self.affine:
            return y
        return y * laid_along(self.weight, 1, x.ndim) + laid_along(self.bias, 1, x.ndim)

    def _count(self, mean: Any, variance: Any, n: int) -> None:
        """Let the batch, n entries a channel, count in the running means."""
        self.num_batches_tracked = self.num_batches_tracked + 1
        share: Any = self.momentum
        if share is None:
            share = 1 / self.num_batches_tracked.astype(self.running_mean.dtype)
        mean, variance = (np.ravel(getattr(v, "value", v)) for v in (mean, variance))
        unbiased = variance * (n / (n - 1))
        dtype = self.running_mean.dtype
        self.running_mean = ((1 - share) * self.running_mean + share * mean).astype(dtype)
        self.running_var = ((1 - share) * self.running_var + share * unbiased).astype(dtype)

    def _check(self, x: Any) -> None:
        if x.ndim not in self._ndims or x.shape[1] != self.num_features:
            raise ShapeError(
                f"x has shape {x.shape}",
                f"{type(self).__name__} takes x with {' or '.join(map(str, self._ndims))} axes, "
                f"and {self.num_features} channels along axis 1",
                "reshape x, or build the layer with the number of channels that x has",
            )

    _ndims: tuple[int, ...]

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm1d(_BatchNorm):
    """`BatchNorm2d` for x of shape (N, C) or (N, C, L).

    >>> BatchNorm1d(2)(np.array([[1.0, 5.0], [3.0, 5.0]])).numpy().round(4)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    _ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """y = (x - m) / sqrt(v + eps) * weight + bias for each channel, of x (N, C, H, W).

    In training m and v are mean and variance of the batch, and running means of them are kept, of
    the unbiased variance; in use m and v are these (Ioffe and Szegedy 2015).

    Args:
        num_features: the number of channels.
        eps: keeps the quotient finite.
        momentum: how much the batch counts in the running means; None counts all batches alike.
        affine: whether there are weight and bias.
        track_running_stats: whether running means are kept.
        dtype: of the parameters.

    Attributes:
        weight, bias: shape (num_features,), ones and zeros to begin with.
        running_mean, running_var: buffers of that shape. A forward pass in training puts new arrays
            in their place; where the module is a tree, in that of the copy.
        num_batches_tracked: a buffer, how many batches were counted.

    With u = (x - m) / sqrt(v + eps), g the gradient by y, and the mean over a channel's entries,
    the gradient by x is `weight / sqrt(v + eps) (g - mean(g) - u mean(g u))`; in use it is
    `g weight / sqrt(v + eps)`.
    """

    _ndims = (4,)


class LayerNorm(Module):
    """y = (x - m) / sqrt(v + eps) * weight + bias, m and v over the last axes (Ba et al. 2016).

    Args:
        normalized_shape: the lengths of these axes, or of the last one.
        eps: keeps the quotient finite.
        elementwise_affine: whether there are weight and bias.
        bias: whether there is a bias.
        dtype: of the parameters.

    Attributes:
        weight, bias: of normalized_shape, ones and zeros to begin with.

    Its gradient is that of BatchNorm in training, with the mean over the last axes.

    >>> LayerNorm(2)(np.array([[1.0, 3.0]])).numpy().round(4)
    array([[-1.,  1.]])
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5,
        elementwise_affine: bool = True, bias: bool = True, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.normalized_shape = _lengths(normalized_shape)
        self.eps = number("eps", eps, "a number from 0")
        self.elementwise_affine = elementwise_affine
        shape = self.normalized_shape
        self.weight = Parameter(np.ones(shape, dtype)) if elementwise_affine else None
        self.bias = Parameter(np.zeros(shape, dtype)) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        y, _, _ = _normed(x, _last(self, x, self.normalized_shape), self.eps)
        if self.weight is not None:
            y = y * self.weight
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class RMSNorm(Module):
    """y = x / sqrt(mean(x^2) + eps) * weight, the mean over the last axes (Zhang, Sennrich 2019).

    Args:
        normalized_shape: the lengths of these axes, or of the last one.
        eps: keeps the quotient finite; by default the dtype's own.
        elementwise_affine: whether there is a weight.
        dtype: of the parameter.

    With r the root, u = x / r and h = g weight, the gradient by x is `(h - u mean(h u)) / r`.

    >>> RMSNorm(2)(np.array([[3.0, 3.0]])).numpy()
    array([[1., 1.]])
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None,
        elementwise_affine: bool = True, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.normalized_shape = _lengths(normalized_shape)
        self.eps = None if eps is None else number("eps", eps, "a number from 0")
        self.elementwise_affine = elementwise_affine
        shape = self.normalized_shape
        self.weight = Parameter(np.ones(shape, dtype)) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        axes = _last(self, x, self.normalized_shape)
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        y = x / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + eps)
        return y if self.weight is None else y * self.weight

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class GroupNorm(Module):
    """LayerNorm of groups of channels: x of shape (N, C, *shape) (Wu and He 2018).

    Args:
        num_groups: how many groups the channels are shared by.
        num_channels: C.
        eps: keeps the quotient finite.
        affine: whether there are weight and bias, one for each channel.
        dtype: of the parameters.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        num_groups = count("num_groups", num_groups)
        num_channels = count("num_channels", num_channels)
        number("eps", eps, "a number from 0")
        if num_channels % num_groups:
            raise ShapeError(
                f"{num_groups} groups share {num_channels} channels",
                "they share them evenly",
                "pass a number of groups that divides that of the channels",
            )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = Parameter(np.ones(num_channels, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, dtype)) if affine else None

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"x has shape {x.shape}",
                f"GroupNorm was built for {self.num_channels} channels along axis 1",
                "reshape x, or build the layer with the number of channels that x has",
            )
        length = math.prod(x.shape[1:]) // self.num_groups
        rows = np.reshape(x, (len(x), self.num_groups, length))
        y = np.reshape(_normed(rows, (2,), self.eps)[0], x.shape)
        if self.weight is None:
            return y
        return y * laid_along(self.weight, 1, x.ndim) + laid_along(self.bias, 1, x.ndim)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}"


def _lengths(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    name = "normalized_shape"
    if not isinstance(shape, list | tuple):
        return (count(name, shape, 0),)
    if not shape:
        raise OptionError(
            f"{name} is {shape!r}", "it has the lengths of the last axes", f"pass {name}=8 for one"
        )
    return tuple(several(name, shape, lambda part, n: count(part, n, 0)))


def _last(layer: Module, x: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The last axes of x, which have these lengths."""
    n = len(shape)
    if x.shape[-n:] != shape:
        raise ShapeError(
            f"x has shape {x.shape}",
            f"{type(layer).__name__} was built for last axes of shape {shape}",
            "reshape x, or build the layer with the lengths that x has",
        )
    return tuple(range(-n, 0))
