"""The same entries in another arrangement: reshape, transpose, turn, stack, repeat."""

from typing import Any

import numpy as np

from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Composed, Each, Table
from tinygrad_ce.rules.support import sum_to

__all__ = ["RULES"]


def _reshape(g: Any, y: Any, a: Any, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    if order == "C":
        return np.reshape(g, a.shape)
    return np.reshape(g, a.shape, order=order)


def _ravel(g: Any, y: Any, a: Any, order: Any = "C") -> Any:
    return _reshape(g, y, a, -1, order)


def _transpose(g: Any, y: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return np.transpose(g)
    inverse = [0] * a.ndim
    for place, axis in enumerate(axes):
        inverse[axis] = place
    return np.transpose(g, tuple(inverse))


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


def _stacked(i: int, g: Any, y: Any, arrays: Any, axis: Any = 0) -> Any:
    return g[(slice(None),) * (axis % g.ndim) + (i,)]


# fmt: off
RULES: Table = {
    np.reshape:      (_reshape,),
    np.ravel:        (_ravel,),
    np.transpose:    (_transpose,),
    np.swapaxes:     (lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),),
    np.moveaxis:     (lambda g, y, a, source, destination: np.moveaxis(g, destination, source),),
    np.squeeze:      (_same_shape,),
    np.expand_dims:  (_same_shape,),
    np.broadcast_to: (lambda g, y, array, shape: sum_to(g, array.shape),),
    np.flip:         (lambda g, y, m, axis=None: np.flip(g, axis),),
    np.roll:         (_roll,),
    np.repeat:       (_repeat,),
    np.tile:         (_tile,),
    np.copy:         (lambda g, y, a: g,),
    np.stack:        Each(_stacked),
}
# fmt: on
