"""Suspicions by shape: the found gradient has another shape than the argument."""

from collections.abc import Iterator
from itertools import chain, combinations, permutations

import numpy as np

from tinygrad_ce.testing.comparison import EPS, Array, Comparison

__all__ = ["wrong_shape"]


def wrong_shape(c: Comparison) -> str | None:
    """A wrong shape is a fact; its cause is named where the numbers confirm it."""
    if c.found.shape == c.expected.shape:
        return None
    fact = f"has shape {c.found.shape} where {c.expected.shape} is due"
    for cause in (_transposed, _reshaped, _not_summed, _summed, _not_broadcast):
        if said := cause(c):
            return f"{fact}: {said}"
    return fact


def _meets(c: Comparison, found: Array) -> bool:
    """Whether the found numbers, arranged anew, are the expected ones (some of them not 0)."""
    slack = c.tolerance + 8 * EPS * np.abs(c.expected)
    near = found.shape == c.expected.shape and np.abs(found - c.expected) <= slack
    telling = c.judged & (np.abs(c.expected) > 1e3 * slack)
    return bool(np.all(near | ~c.judged) and telling.any())


def _transposed(c: Comparison) -> str | None:
    at, results = c.found.ndim, c.output.ndim
    if at != c.expected.ndim or at > 6:
        return None
    swapped = (*range(at - results, at), *range(at - results))
    if results and c.value.ndim and _meets(c, c.found.transpose(swapped)):
        return "the Jacobian is transposed; the axes of the result come first"
    for order in permutations(range(results, at)):
        axes = (*range(results), *order)
        if axes != tuple(range(at)) and _meets(c, c.found.transpose(axes)):
            if c.value.ndim == 2:
                return "it is transposed, the numbers are right"
            return f"its axes are permuted, np.transpose(found, {axes}) is right"
    return None


def _reshaped(c: Comparison) -> str | None:
    if c.found.size != c.expected.size or not _meets(c, c.found.reshape(c.expected.shape)):
        return None
    if [n for n in c.found.shape if n > 1] == [n for n in c.expected.shape if n > 1]:
        kept = c.found.ndim > c.expected.ndim
        word = "too many was kept" if kept else "is missing or stands elsewhere"
        return f"the numbers are right, but an axis of length 1 {word}"
    return "the numbers are right, only a reshape is missing"


def _axes(ndim: int) -> Iterator[tuple[int, ...]]:
    return chain.from_iterable(combinations(range(ndim), n) for n in range(1, min(ndim, 6) + 1))


def _not_summed(c: Comparison) -> str | None:
    for axes in _axes(c.found.ndim):
        for keepdims in (False, True):
            if _meets(c, c.found.sum(axes, keepdims=keepdims)):
                along = f"axis {axes[0]}" if len(axes) == 1 else f"the axes {axes}"
                whose = " (the shape of the result)" if c.found.shape == c.output.shape else ""
                broadcast = f"along which {c.argument} was broadcast"
                return f"the sum over {along}{whose}, {broadcast}, is missing"
    return None


def _summed(c: Comparison) -> str | None:
    if not c.judged.all():
        return None
    for axes in _axes(c.expected.ndim):
        for keepdims in (False, True):
            total = c.expected.sum(axes, keepdims=keepdims)
            slack = c.tolerance.sum(axes, keepdims=keepdims) + 8 * EPS * np.abs(total)
            near = total.shape == c.found.shape and np.abs(c.found - total) <= slack
            if np.all(near) and np.any(np.abs(total) > 1e3 * slack):
                along = f"axis {axes[0]}" if len(axes) == 1 else f"the axes {axes}"
                return f"it was summed over {along}, which belongs to {c.argument}"
    return None


def _not_broadcast(c: Comparison) -> str | None:
    """The gradient of a sum is the same along the summed axes; found has it once."""
    for axes in _axes(c.expected.ndim):
        kept = [n for axis, n in enumerate(c.expected.shape) if axis not in axes]
        if list(c.found.shape) == kept:
            spread = np.broadcast_to(np.expand_dims(c.found, axes), c.expected.shape)
            if _meets(c, spread):
                along = f"axis {axes[0]}" if len(axes) == 1 else f"the axes {axes}"
                return f"it was not spread back over {along}, along which it is constant"
    return None
