"""Attention: every place of a sequence asks all others."""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.functions import softmax
from tinygrad_ce.nn.dropout import dropout
from tinygrad_ce.nn.init import xavier_uniform_, zeros_
from tinygrad_ce.nn.linear import Linear, linear
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.parameter import Parameter
from tinygrad_ce.options import count, number
from tinygrad_ce.randomness import Generator

__all__ = ["MultiheadAttention", "causal_mask", "scaled_dot_product_attention"]


def causal_mask(size: int, dtype: DTypeLike = np.float32) -> Any:
    """What lets no place look at later ones: 0 on and below the diagonal, -inf above it.

    >>> causal_mask(2)
    array([[  0., -inf],
           [  0.,   0.]], dtype=float32)
    """
    size = count("size", size, 0)
    return np.triu(np.full((size, size), -np.inf, dtype), k=1)


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, generator: Generator = None,
) -> Any:  # fmt: skip
    """softmax(Q K^T / sqrt(E) + mask) V (Vaswani et al. 2017).

    Args:
        query: shape (..., L, E).
        key: shape (..., S, E).
        value: shape (..., S, E').
        attn_mask: numbers to add, of a shape that fits (..., L, S); or True where a place may be
            looked at.
        dropout_p: of the weights; it is always applied.
        is_causal: whether place i looks at places up to i alone.
        scale: in place of 1 / sqrt(E).
        generator: where dropout is drawn from.

    Returns:
        An array of shape (..., L, E'). Where a mask allows nothing it is nan.

    With A the weights and g the gradient by the result, by V it is `A^T g`; with
    k = A (g V^T - sum(A g V^T)), by Q `k K scale` and by K `k^T Q scale`.

    >>> x = np.eye(2)
    >>> scaled_dot_product_attention(x, x, x, is_causal=True)[0]
    array([1., 0.])
    """
    number("dropout_p", dropout_p, "a number from 0 to 1")
    if scale is not None:
        number("scale", scale)
    y, _ = _attended(query, key, value, attn_mask, dropout_p, is_causal, scale, generator)
    return y


def _attended(
    query: Any, key: Any, value: Any, mask: Any, dropout_p: float, is_causal: bool,
    scale: float | None, generator: Generator,
) -> tuple[Any, Any]:  # fmt: skip
    """What attention gives, and its weights."""
    query, key, value = as_array(query), as_array(key), as_array(value)
    factor = 1 / sqrt(query.shape[-1]) if scale is None else scale
    z = (query * factor) @ np.swapaxes(key, -1, -2)
    if is_causal:
        z = z + np.triu(np.full(z.shape[-2:], -np.inf, z.dtype), k=1)
    if mask is not None:
        z = z + _added(mask, True, z.dtype)
    weights = dropout(softmax(z), dropout_p, generator)
    return weights @ value, weights


def _added(mask: Any, allowed: bool, dtype: Any) -> Any:
    """A mask as numbers to add; a boolean one has the value `allowed` where one may look."""
    mask = as_array(mask)
    if mask.dtype != bool:
        return mask.astype(dtype)
    zero, infinite = np.zeros((), dtype), np.full((), -np.inf, dtype)
    return np.where(mask, zero, infinite) if allowed else np.where(mask, infinite, zero)


class MultiheadAttention(Module):
    """Attention of several heads at once, each in a part of the features (Vaswani et al. 2017).

    Args:
        embed_dim: the number of features.
        num_heads: how many heads share them.
        dropout: of the weights, in training.
        bias: whether the four matrices have biases.
        batch_first: whether the examples come first, before the places.
        dtype: of the parameters.
        generator: where they are drawn from, and dropout.

    Attributes:
        in_proj_weight: shape (3 embed_dim, embed_dim): those of query, key and value one below the
            other; Xavier's uniform distribution.
        in_proj_bias: shape (3 embed_dim,), zeros to begin with.
        out_proj: a Linear, its bias 0 to begin with.

    >>> attention = MultiheadAttention(8, 2, batch_first=True)
    >>> x = np.ones((5, 3, 8))
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    ((5, 3, 8), (5, 3, 3))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
        batch_first: bool = False, dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        embed_dim, num_heads = count("embed_dim", embed_dim), count("num_heads", num_heads)
        number("dropout", dropout, "a number from 0 to 1")
        if embed_dim % num_heads:
            raise ShapeError(
                f"{num_heads} heads share {embed_dim} features",
                "they share them evenly",
                "pass a number of heads that divides embed_dim",
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.batch_first, self.generator = batch_first, generator
        self.in_proj_weight = Parameter(np.zeros((3 * embed_dim, embed_dim), dtype))
        xavier_uniform_(self.in_proj_weight, generator=generator)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype, generator)
        if self.out_proj.bias is not None:
            zeros_(self.out_proj.bias)

    def forward(
        self, query: Any, key: Any, value: Any, key_padding_mask: Any = None,
        need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """What every place of the query gathers, and the weights of the places of the key.

        Args:
            query: shape (L, N, E), (N, L, E) with batch_first, or (L, E).
            key: likewise, with S places.
            value: as the key.
            key_padding_mask: shape (N, S): True where a place does not count, or numbers to add.
            need_weights: whether the weights are returned; otherwise None.
            attn_mask: shape (L, S) or (N num_heads, L, S): True where a place may not be looked at,
                or numbers to add.
            average_attn_weights: whether the heads' weights are averaged.
            is_causal: whether place i looks at places up to i alone.
        """
        query, key, value = as_array(query), as_array(key), as_array(value)
        single = query.ndim == 2
        if single:
            query, key, value = query[None], key[None], value[None]
        elif not self.batch_first:
            query, key, value = (np.swapaxes(x, 0, 1) for x in (query, key, value))
        q, k, v = (self._headed(x, i) for i, x in enumerate((query, key, value)))
        mask = self._mask(key_padding_mask, attn_mask, query, key)
        p = self.dropout if self.training else 0.0
        y, weights = _attended(q, k, v, mask, p, is_causal, None, self.generator)
        y = np.reshape(np.swapaxes(y, 1, 2), query.shape)
        y = self.out_proj(y)
        if average_attn_weights and need_weights:
            weights = np.mean(weights, axis=1)
        if single:
            y, weights = y[0], weights[0]
        elif not self.batch_first:
            y = np.swapaxes(y, 0, 1)
        return y, weights if need_weights else None

    def _headed(self, x: Any, part: int) -> Any:
        """The query (part 0), key or value of every head: shape (N, heads, places, E / heads)."""
        n = self.embed_dim
        rows = slice(part * n, (part + 1) * n)
        bias = None if self.in_proj_bias is None else self.in_proj_bias[rows]
        y = linear(x, self.in_proj_weight[rows], bias)
        return np.swapaxes(np.reshape(y, (*y.shape[:2], self.num_heads, n // self.num_heads)), 1, 2)

    def _mask(self, padding: Any, attn_mask: Any, query: Any, key: Any) -> Any:
        """Both masks as numbers to add, for the shape (N, heads, L, S)."""
        total = None
        if attn_mask is not None:
            total = _added(attn_mask, False, query.dtype)
            if total.ndim == 3:
                total = np.reshape(total, (-1, self.num_heads, *total.shape[1:]))
        if padding is not None:
            added = _added(padding, False, query.dtype)
            added = np.reshape(added, (-1, 1, 1, key.shape[1]))
            total = added if total is None else total + added
        return total

    def extra_repr(self) -> str:
        return f"{self.embed_dim}, {self.num_heads}, batch_first={self.batch_first}"
