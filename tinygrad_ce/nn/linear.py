"""Layers of matrices: Linear and Embedding; and the two that only rearrange."""

from math import inf, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.dispatch import as_array, dispatched
from tinygrad_ce.errors import ShapeError, TargetError
from tinygrad_ce.nn.init import normal_
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.parameter import Parameter
from tinygrad_ce.options import count
from tinygrad_ce.randomness import Generator, uniform
from tinygrad_ce.targets import real_values
from tinygrad_ce.tensor import Tensor, detach

__all__ = ["Embedding", "Flatten", "Identity", "Linear", "axis_of", "drawn", "linear"]


def drawn(shape: tuple[int, ...], fan_in: int, dtype: DTypeLike, generator: Generator) -> Tensor:
    """A parameter that is uniform within 1 / sqrt(fan_in) of 0, as most of PyTorch's layers are."""
    bound = 1 / sqrt(fan_in) if fan_in else 0.0
    return Parameter(uniform(-bound, bound, shape, dtype, generator))


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x W^T + b along the last axis of x, for a W of shape (out, in).

    >>> linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([0.5]))
    array([11.5])
    """
    x = as_array(x)
    if not x.ndim or x.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"x has shape {x.shape}",
            f"the weight of shape {weight.shape} takes {weight.shape[-1]} features along the last "
            "axis",
            "reshape x, or build the layer with the number of features that x has",
        )
    shape = x.shape[:-1]
    rows = x if x.ndim <= 2 else np.reshape(x, (prod(shape), x.shape[-1]))
    y = rows @ weight.T
    if bias is not None:
        y = y + bias
    return y if x.ndim <= 2 else np.reshape(y, (*shape, len(weight)))


class Linear(Module):
    """y = x W^T + b, along the last axis.

    Args:
        in_features: the length of x's last axis.
        out_features: that of y.
        bias: whether there is a b.
        dtype: of the parameters.
        generator: where they are drawn from.

    Attributes:
        weight: shape (out_features, in_features), uniform within 1 / sqrt(in_features) of 0.
        bias: shape (out_features,), likewise, or None.

    With g the gradient by y of shape (N, out): by x it is `g W`, by W `g^T x`, by b the sum of g
    over the examples.

    >>> layer = Linear(3, 2)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True,
        dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        self.in_features = n = count("in_features", in_features, 0)
        self.out_features = m = count("out_features", out_features, 0)
        self.weight = drawn((m, n), n, dtype, generator)
        self.bias = drawn((m,), n, dtype, generator) if bias else None

    def forward(self, x: Any) -> Any:
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Embedding(Module):
    """A row of a table for each index.

    Args:
        num_embeddings: the number of rows.
        embedding_dim: their length.
        padding_idx: an index whose row is 0 in the beginning and gets no gradient.
        dtype: of the table.
        generator: where it is drawn from, the standard normal distribution.

    Attributes:
        weight: the table, shape (num_embeddings, embedding_dim).

    Its gradient: each row gets the sum of g where it was taken.

    >>> Embedding(10, 4)(np.array([[1, 2, 2]])).shape
    (1, 3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
        dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        self.num_embeddings = n = count("num_embeddings", num_embeddings, 0)
        self.embedding_dim = count("embedding_dim", embedding_dim, 0)
        if padding_idx is not None:
            padding_idx = count("padding_idx", padding_idx, -n, n - 1) % n
        self.padding_idx = padding_idx
        self.weight = Parameter(np.zeros((n, self.embedding_dim), dtype))
        normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    def forward(self, indices: Any) -> Any:
        indices = real_values(indices)
        _check_indices(indices, self.num_embeddings)
        rows = self.weight[indices]
        if self.padding_idx is None:
            return rows
        padding = np.expand_dims(indices == self.padding_idx, -1)
        return np.where(padding, detach(rows), rows)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


@dispatched
def _check_indices(indices: Any, n: int) -> None:
    """Refuse what is no row: NumPy would take -1 for the last one."""
    if indices.dtype.kind not in "iu":
        raise TargetError(
            f"the indices have dtype {indices.dtype}",
            "rows of a table are numbered by integers",
            "use indices.astype(int)",
        )
    wrong = indices[(indices < 0) | (indices >= n)]
    if wrong.size:
        raise TargetError(
            f"an index is {wrong.flat[0]}",
            f"the rows are numbered from 0 to {n - 1}",
            "correct it, or build the table with more rows",
        )


def axis_of(x: Any, axis: int) -> int:
    """An axis of x, counted from the front.

    >>> axis_of(np.ones((2, 3)), -1)
    1
    """
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(
            f"x has shape {x.shape}, and no axis {axis}",
            f"the axes of x are numbered from {-x.ndim} to {x.ndim - 1}",
            "reshape x, or build the layer for an axis that x has",
        )
    return axis % int(x.ndim)


class Flatten(Module):
    """The axes from start_dim to end_dim as one.

    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = count("start_dim", start_dim, -inf)
        self.end_dim = count("end_dim", end_dim, -inf)

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        start, end = axis_of(x, self.start_dim), axis_of(x, self.end_dim) + 1
        if start >= end:
            raise ShapeError(
                f"x has shape {x.shape}",
                f"the axes from {self.start_dim} to {self.end_dim} are none of it",
                "pass x with these axes, examples first, or name others",
            )
        return np.reshape(x, (*x.shape[:start], prod(x.shape[start:end]), *x.shape[end:]))

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """x itself, where a layer has to stand.

    >>> Identity()(2.0)
    2.0
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x
