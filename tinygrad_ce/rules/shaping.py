"""The same entries in another arrangement: reshape, transpose, turn, stack, repeat."""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Composed, Each, Table
from tinygrad_ce.rules.support import sum_to

__all__ = ["RULES", "layout"]


@dispatched
def layout(a: Any) -> str:
    """How an array lies in memory: rows whole ("C"), columns whole ("F"), or in neither order.

    An array for which both hold counts as "C", as for NumPy.

    >>> layout(np.ones((2, 3)).T)
    'F'
    """
    return "C" if a.flags.c_contiguous else "F" if a.flags.f_contiguous else ""


def _reshape(g: Any, y: Any, a: Any, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    if order == "A":
        order = layout(a) or "C"
    return np.reshape(g, a.shape, order=order)


def _ravel(a: Any, order: Any = "C") -> Any:
    if order == "K":
        order = layout(a)
    if not order:
        raise UnsupportedError(
            "np.ravel was called with order='K' on an array that lies in memory in no plain order",
            "gradients flow through the orders 'C', 'F' and 'A', and through 'K' where it is one",
            "use order='C'",
        )
    return np.reshape(a, -1, order=order)


def _transpose(g: Any, y: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return np.transpose(g)
    inverse = [0] * a.ndim
    for place, axis in enumerate(axes):
        inverse[axis] = place
    return np.transpose(g, tuple(inverse))


def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    first, second = normalize_axis_tuple(axes, m.ndim)
    if k % 4 == 0:
        return m[:]
    if k % 4 == 2:
        return np.flip(m, (first, second))
    turned = np.swapaxes(np.flip(m, second), first, second)
    return turned if k % 4 == 1 else np.flip(turned, (first, second))


def _fliplr(m: Any) -> Any:
    return np.flip(m, 1)


def _flipud(m: Any) -> Any:
    return np.flip(m, 0)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """The axis moved in front of the one that is `start` now."""
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


def _matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return np.swapaxes(x, -1, -2)


def _same_shape(g: Any, y: Any, a: Any, axis: Any = None) -> Any:
    return np.reshape(g, a.shape)


def _roll(g: Any, y: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    back = tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift
    return np.roll(g, back, axis)


def _repeat(g: Any, y: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        places = np.repeat(np.arange(a.size), repeats)
        return np.reshape(scatter(g, places, (a.size,)), a.shape)
    places = np.repeat(np.arange(a.shape[axis]), repeats)
    return scatter(g, (slice(None),) * (axis % a.ndim) + (places,), a.shape)


def _tile(g: Any, y: Any, A: Any, reps: Any) -> Any:  # noqa: N803  NumPy's own name
    reps = tuple(reps) if np.ndim(reps) else (int(reps),)
    shape = (1,) * (len(reps) - A.ndim) + A.shape
    reps = (1,) * (len(shape) - len(reps)) + reps
    split = tuple(n for pair in zip(reps, shape, strict=True) for n in pair)
    blocks = np.reshape(g, split)
    return np.reshape(np.sum(blocks, axis=tuple(range(0, len(split), 2))), A.shape)


def _stacked(i: int, g: Any, y: Any, arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    return g[(slice(None),) * (axis % g.ndim) + (i,)]


_MATRIX_TRANSPOSE = Composed(_matrix_transpose)

# fmt: off
RULES: Table = {
    layout:          None,
    np.reshape:      (_reshape,),
    np.ravel:        Composed(_ravel),
    np.transpose:    (_transpose,),
    np.swapaxes:     (lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),),
    np.moveaxis:     (lambda g, y, a, source, destination: np.moveaxis(g, destination, source),),
    np.squeeze:      (_same_shape,),
    np.expand_dims:  (_same_shape,),
    np.broadcast_to: (lambda g, y, array, shape, subok=False: sum_to(g, array.shape),),
    np.flip:         (lambda g, y, m, axis=None: np.flip(g, axis),),
    np.fliplr:       Composed(_fliplr),
    np.flipud:       Composed(_flipud),
    np.rot90:        Composed(_rot90),
    np.rollaxis:     Composed(_rollaxis),
    np.linalg.matrix_transpose: _MATRIX_TRANSPOSE,
    np.matrix_transpose:        _MATRIX_TRANSPOSE,
    np.roll:         (_roll,),
    np.repeat:       (_repeat,),
    np.tile:         (_tile,),
    np.copy:         (lambda g, y, a, order="K", subok=False: g,),
    np.stack:        Each(_stacked),
}
# fmt: on
