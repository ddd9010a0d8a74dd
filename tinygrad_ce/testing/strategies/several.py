"""Several arrays that belong together: of one shape, or of shapes that broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.testing.drawing import Draw, SearchStrategy, composite, hnp
from tinygrad_ce.testing.strategies.values import Shape, arrays, drawn, drawn_shape, shapes

__all__ = ["alike", "broadcastable_arrays"]


def alike(
    *makers: Callable[[tuple[int, ...]], SearchStrategy[Any]], shape: Shape = None
) -> SearchStrategy[tuple[Any, ...]]:
    """Tuples of one draw of each maker, all made for the same shape.

    Args:
        makers: functions of a shape, as the strategies of this package are.
        shape: as of `arrays`.

    >>> from hypothesis import find
    >>> from tinygrad_ce.testing.strategies import one_hot, probabilities
    >>> find(alike(probabilities, one_hot), lambda pair: pair[0].size > 1)
    (array([0.5, 0.5]), array([1., 0.]))
    """
    return _alike(makers, shape)


@composite
def _alike(draw: Draw, makers: Any, shape: Shape) -> Any:
    sides = drawn_shape(draw, shape, shapes())
    return tuple(draw(maker(sides)) for maker in makers)


def broadcastable_arrays(
    count: int = 2,
    dtype: Any = np.float64,
    elements: SearchStrategy[Any] | None = None,
    *,
    signature: str | None = None,
    min_side: int = 1,
    max_side: int = 3,
    max_dims: int = 3,
) -> SearchStrategy[tuple[Any, ...]]:
    """Tuples of arrays that broadcast against each other; 0-d ones too.

    Args:
        count: how many.
        dtype: as of `arrays`.
        elements: as of `arrays`; by default all entries of all arrays are distinct.
        signature: that of a generalised ufunc instead of a count, for example "(m,n),(n)->(m)".
        min_side: 0 if empty arrays are welcome.
        max_side: the longest side.
        max_dims: the most axes that are broadcast.

    >>> from hypothesis import find
    >>> a, b = find(broadcastable_arrays(2), lambda pair: pair[0].shape != pair[1].shape)
    >>> np.add(a, b).shape == np.broadcast_shapes(a.shape, b.shape)
    True
    """
    sides: dict[str, Any] = {"min_side": min_side, "max_side": max_side, "max_dims": max_dims}
    if signature is None:
        given = hnp.mutually_broadcastable_shapes(num_shapes=count, **sides)
    else:
        given = hnp.mutually_broadcastable_shapes(signature=signature, **sides)
    return _broadcastable(given, dtype, elements)


@composite
def _broadcastable(draw: Draw, given: Any, dtype: Any, elements: Any) -> Any:
    """One array for all, taken apart, so that no two entries of any two are equal."""
    found, kind = draw(given).input_shapes, drawn(draw, dtype)
    sizes = [int(np.prod(shape)) for shape in found]
    entries = draw(arrays(sum(sizes), kind, elements))
    parts = np.split(entries, np.cumsum(sizes)[:-1])
    return tuple(part.reshape(shape).copy() for part, shape in zip(parts, found, strict=True))
