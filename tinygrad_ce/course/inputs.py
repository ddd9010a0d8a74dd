"""What the exercises' functions are called with: strategies, made when they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_ce.testing.drawing import Draw, composite, st
from tinygrad_ce.testing.strategies import (
    arrays,
    away_from,
    broadcastable_arrays,
    logits,
    positive,
    soft_targets,
)

__all__ = [
    "broadcast",
    "classified",
    "compared",
    "factors",
    "matrices",
    "ordinary",
    "picked",
    "reduced",
    "rows",
    "windowed",
    "with_axis",
]

# The first is what a counterexample shrinks to: not square, so that its axes can be told apart.
SIDES = ((2, 3), (3, 2), (2, 2), (3, 3))
WIDENED = ((2, 3), (3, 3), (1, 3), (2, 1))


def rows(least: int = 3) -> Any:
    """Up to three rows of at least so many distinct numbers."""
    return st.tuples(st.integers(1, 3), st.integers(least, least + 1)).flatmap(arrays)


def with_axis(draws: Any) -> Any:
    """(array, axis), each axis from the back."""
    return draws.flatmap(lambda x: st.tuples(st.just(x), st.integers(-x.ndim, -1)))


def factors() -> Any:
    """(a, b) of shapes that broadcast, a of one axis at least, so that a lost axis is seen."""
    return broadcastable_arrays(2).filter(lambda pair: pair[0].ndim > 0)


@composite
def compared(draw: Draw) -> Any:
    """(a, b) without a tie, b a number: 0 as for relu, or another."""
    b = draw(st.sampled_from([0.0, 1.0, -1.0]))
    return draw(away_from(0.0)) + b, b


@composite
def reduced(draw: Draw) -> Any:
    """(array, axis), where the axis may be None too."""
    x = draw(arrays(draw(st.sampled_from(SIDES))))
    return x, draw(st.sampled_from([None, 0, 1]))


@composite
def broadcast(draw: Draw) -> Any:
    """(array, shape) of one that is copied along axes that it lacks, or along those of length 1."""
    shape = draw(st.sampled_from(WIDENED))
    own = draw(st.sampled_from([shape[1:], (shape[0], 1), (1, shape[1]), (1, 1), (), shape]))
    return draw(arrays(own)), shape


@composite
def picked(draw: Draw) -> Any:
    """(array, indices), some indices more than once, some not at all."""
    a = draw(arrays(draw(st.sampled_from([(3,), (2,), (3, 2)]))))
    return a, np.array(draw(st.lists(st.integers(0, len(a) - 1), min_size=2, max_size=4)))


@composite
def matrices(draw: Draw) -> Any:
    """(a, b) of shapes (n, m) and (m, k)."""
    n, m, k = (draw(st.integers(1, 3)) for _ in range(3))
    return draw(arrays((n, m))), draw(arrays((m, k)))


@composite
def classified(draw: Draw) -> Any:
    """(logits, targets) of some examples."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(2, 3)))
    return draw(logits(shape)) / 8, draw(soft_targets(shape))


@composite
def windowed(draw: Draw) -> Any:
    """(x, w, stride, padding, dilation) of a convolution along two axes."""
    n, c, o = (draw(st.integers(1, 2)) for _ in range(3))
    stride, pad = draw(st.integers(1, 2)), draw(st.integers(0, 1))
    kernel = draw(st.sampled_from([(1, 2), (2, 2)]))
    x = draw(positive((n, c, 2, 4)))
    w = draw(positive((o, c, *kernel)))
    return x, w, (stride, stride), ((pad, pad), (pad, pad)), (1, 1)


def ordinary(args: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
    """The same shapes with random numbers, at which no two formulas agree by chance.

    Where all were positive they are positive again, and distributions are left as they are.

    >>> x, axis = ordinary((np.array([1.0, -1.0]), 0), np.random.default_rng(0))
    >>> x.shape, axis
    ((2,), 0)
    """
    return tuple(_random(x, rng) for x in args)


def _random(x: Any, rng: np.random.Generator) -> Any:
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return x
    if x.ndim and np.all(x >= 0) and np.allclose(np.sum(x, axis=-1), 1) and x.size > 1:
        return x
    draw = rng.uniform(0.3, 3.0, x.shape) if np.all(x > 0) else rng.normal(0.0, 1.5, x.shape)
    return np.asarray(draw)
