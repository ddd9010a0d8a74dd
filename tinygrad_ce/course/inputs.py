"""Strategies of what the exercises' functions are called with, made when they are asked for."""

from __future__ import annotations

from typing import Any

from tinygrad_ce.testing.drawing import Draw, composite, st
from tinygrad_ce.testing.strategies import arrays, logits, positive, soft_targets

__all__ = ["classified", "matrices", "reduced", "rows", "windowed", "with_axis"]


def rows(least: int = 3) -> Any:
    """Up to three rows of at least so many distinct numbers."""
    return st.tuples(st.integers(1, 3), st.integers(least, least + 1)).flatmap(arrays)


def with_axis(draws: Any) -> Any:
    """(array, axis), each axis from the back."""
    return draws.flatmap(lambda x: st.tuples(st.just(x), st.integers(-x.ndim, -1)))


@composite
def reduced(draw: Draw) -> Any:
    """(array, axis), where the axis may be None too."""
    x = draw(arrays(draw(st.tuples(st.integers(2, 3), st.integers(2, 3)))))
    return x, draw(st.sampled_from([None, 0, 1]))


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
    kernel = draw(st.sampled_from([(1, 1), (2, 2), (1, 2)]))
    x = draw(positive((n, c, 3, 4)))
    w = draw(positive((o, c, *kernel)))
    return x, w, (stride, stride), ((pad, pad), (pad, pad)), (1, 1)
