"""What classification is made of: probabilities, targets, labels and logits.

`shape` is here that of the outputs, with the classes along `axis`, for labels too: so `alike` can
make outputs and targets that belong together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_ce.errors import ShapeError
from tinygrad_ce.testing.drawing import Draw, SearchStrategy, composite, hnp, st
from tinygrad_ce.testing.strategies.values import (
    Shape,
    distinct,
    drawn,
    drawn_floats,
    drawn_shape,
    filled,
    grid,
)

__all__ = ["labels", "logits", "one_hot", "probabilities", "soft_targets"]

LOGITS = grid(2.0**-5, 16.0)
TIED = (0.0, 1.0, -1.0)
EXTREMES = (1e4, -1e4)


def probabilities(
    shape: Shape = None, axis: int = -1, dtype: Any = np.float64, *, zeros: bool = False
) -> SearchStrategy[Any]:
    """Points of the simplex: entries from 0 to 1 that sum to 1 along an axis, to rounding.

    Args:
        shape: that of the outputs; by default up to two axes of examples, and 2 to 5 classes.
        axis: the axis of the classes.
        dtype: a real floating dtype, or a strategy of them.
        zeros: whether exact zeros are drawn too; otherwise all points are interior, and no entry
            is below 1/100 of another.

    Raises:
        ShapeError: (when drawn) the shape has no such axis.
        DTypeError: (when drawn) the dtype is not real and floating.

    >>> from hypothesis import find
    >>> find(probabilities(), lambda p: True)
    array([0.5, 0.5])
    >>> find(probabilities(3, zeros=True), lambda p: True)
    array([1., 0., 0.])
    """
    return _probabilities(shape, axis, dtype, zeros)


def one_hot(shape: Shape = None, axis: int = -1, dtype: Any = np.float64) -> SearchStrategy[Any]:
    """Targets with one 1 along an axis, and zeros.

    Arguments as `probabilities`.

    >>> from hypothesis import find
    >>> find(one_hot(3), lambda t: t[0] == 0)
    array([0., 1., 0.])
    """
    return _one_hot(shape, axis, dtype)


def soft_targets(
    shape: Shape = None, axis: int = -1, dtype: Any = np.float64
) -> SearchStrategy[Any]:
    """Target distributions of every kind: one-hot ones, some with zeros, and interior ones.

    Arguments as `probabilities`.

    >>> from hypothesis import find
    >>> find(soft_targets(3), lambda t: t[0] == 0)
    array([0., 1., 0.])
    """
    interior = probabilities(shape, axis, dtype)
    return one_hot(shape, axis, dtype) | probabilities(shape, axis, dtype, zeros=True) | interior


def labels(shape: Shape = None, axis: int = -1, dtype: Any = np.int64) -> SearchStrategy[Any]:
    """Class indices for outputs of a shape: theirs without the axis of the classes.

    Arguments as `probabilities`, but for an integer dtype.

    >>> from hypothesis import find
    >>> find(labels((2, 3)), lambda t: t.any())
    array([0, 1])
    """
    return _labels(shape, axis, dtype)


def logits(
    shape: Shape = None,
    axis: int = -1,
    dtype: Any = np.float64,
    *,
    ties: bool = False,
    extreme: bool = False,
    masks: bool = False,
    masked_rows: bool = False,
) -> SearchStrategy[Any]:
    """Logits: distinct multiples of 1/32 up to +-16, and what softmax must also bear, on request.

    Args:
        shape: as of `probabilities`.
        axis: as of `probabilities`.
        dtype: as of `probabilities`.
        ties: whether entries may be equal, and they often are; any floats then, of size up to 16.
        extreme: whether some are 1e4 or -1e4.
        masks: whether some are -inf, though never a whole row of classes.
        masked_rows: whether some are -inf, whole rows of classes too.

    Raises:
        ShapeError: (when drawn, without ties) the shape has more than 1025 entries.

    >>> from hypothesis import find
    >>> find(logits(), lambda z: True)
    array([0., 1.])
    >>> find(logits(ties=True, masks=True), lambda z: np.isinf(z).any())
    array([  0., -inf])
    """
    return _logits(shape, axis, dtype, ties, extreme, masks, masked_rows)


@composite
def _sides(draw: Draw, shape: Shape, axis: int) -> tuple[tuple[int, ...], int]:
    """The shape of the examples, and the number of classes."""
    if shape is None:
        least = axis if axis >= 0 else -axis - 1
        return draw(hnp.array_shapes(min_dims=least, max_dims=max(2, least), max_side=3)), draw(
            st.integers(2, 5)
        )
    sides = drawn_shape(draw, shape, st.nothing())
    if not -len(sides) <= axis < len(sides):
        raise ShapeError(
            f"outputs of shape {sides} were asked for, with the classes along axis {axis}",
            "that is none of its axes",
            "pass the shape of the outputs, classes included, and their axis",
        )
    return tuple(np.delete(sides, axis).tolist()), sides[axis]


def _placed(x: Any, axis: int) -> Any:
    """The classes, which are last, along their axis, in memory of its own."""
    return np.moveaxis(x, -1, axis).copy()


def _indices(draw: Draw, batch: tuple[int, ...], n: int, dtype: Any = np.int64) -> Any:
    return draw(filled(batch, dtype, st.integers(0, n - 1)))


@composite
def _probabilities(draw: Draw, shape: Shape, axis: int, dtype: Any, zeros: bool) -> Any:
    batch, n = draw(_sides(shape, axis))
    least, most = (0, 3) if zeros else (1, 100)
    weights = draw(filled((*batch, n), np.float64, st.integers(least, most)))
    if zeros:  # one of each row has something in any case
        weights = weights + np.eye(n)[_indices(draw, batch, n)]
    p = weights / np.sum(weights, axis=-1, keepdims=True)
    return _placed(p.astype(drawn_floats(draw, dtype)), axis)


@composite
def _one_hot(draw: Draw, shape: Shape, axis: int, dtype: Any) -> Any:
    batch, n = draw(_sides(shape, axis))
    rows = np.eye(n, dtype=drawn(draw, dtype))
    return _placed(rows[_indices(draw, batch, n)], axis)


@composite
def _labels(draw: Draw, shape: Shape, axis: int, dtype: Any) -> Any:
    batch, n = draw(_sides(shape, axis))
    return _indices(draw, batch, n, drawn(draw, dtype))


@composite
def _logits(
    draw: Draw, shape: Shape, axis: int, dtype: Any, ties: bool, extreme: bool, masks: bool,
    masked_rows: bool,
) -> Any:  # fmt: skip
    batch, n = draw(_sides(shape, axis))
    kind = drawn_floats(draw, dtype)
    if ties:
        width: Any = min(64, 8 * np.dtype(kind).itemsize)
        elements = st.sampled_from(TIED) | st.floats(-16, 16, width=width)
        elements = elements | st.sampled_from(EXTREMES) if extreme else elements
        z = draw(filled((*batch, n), kind, elements))
    else:
        z = draw(distinct((*batch, n), kind, LOGITS, EXTREMES if extreme else ()))
    if masks or masked_rows:
        hidden = draw(filled(z.shape, bool, st.booleans()))
        if not masked_rows:  # the first of a row that would be hidden is not
            hidden[..., 0] &= ~np.all(hidden, axis=-1)
        z = np.where(hidden, -np.inf, z)
    return _placed(z, axis)
