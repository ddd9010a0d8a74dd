"""Reading entries of an array, and the inverse: adding values into places of a zero array.

`x[key]` is recorded as `operator.getitem(x, key)`. Its gradient puts g back where the entries came
from; an entry that was read twice collects twice.
"""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.rules.kinds import Composed, Each, Table

__all__ = ["RULES", "scatter"]


@dispatched
def scatter(x: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with x added at `key`: the transpose of `a[key]` for an a of that shape.

    >>> scatter(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), (3,))
    array([5., 0., 2.])
    """
    x = np.asarray(x)
    out = np.zeros(shape, x.dtype)
    parts = key if isinstance(key, tuple) else (key,)
    if not any(isinstance(part, np.ndarray | list) and not _is_mask(part) for part in parts):
        out[key] = x  # slices, integers and masks reach no place twice
    elif len(parts) == 1 and x.dtype.char == "d":
        _add_rows(out, np.asarray(parts[0]), x)
    else:
        np.add.at(out, key, x)
    return out


def _is_mask(part: Any) -> bool:
    return np.asarray(part).dtype == bool


def _add_rows(out: NDArray[Any], rows: NDArray[Any], x: NDArray[Any]) -> None:
    """out[rows] += x with repeated rows, by one count per entry: faster than np.add.at."""
    width = out[0].size if len(out) else 0
    places = (rows.reshape(-1, 1) % max(len(out), 1)) * width + np.arange(width)
    flat = np.bincount(places.ravel(), weights=x.ravel(), minlength=out.size)
    out += flat.reshape(out.shape)


def _take(a: Any, indices: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.ravel(a)[indices]
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


def _along(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index arrays that read `indices` along one axis and stay in place along the others."""
    grid = list(np.ogrid[tuple(slice(n) for n in shape)])
    grid[axis] = indices
    return tuple(grid)


def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return np.ravel(arr)[indices]
    shape = list(arr.shape)
    shape[axis] = 1 if indices.shape[axis] == 0 else shape[axis]
    return arr[_along(tuple(shape), indices, axis)]


def _sort(g: Any, y: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
    """Each gradient goes back to where its entry came from; the first of equal ones stays first."""
    if axis is None:
        return np.reshape(_sort(g, y, np.ravel(a)), a.shape)
    came_from = np.argsort(a, axis=axis, kind="stable")
    return np.take_along_axis(g, np.argsort(came_from, axis=axis), axis)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    matrix = np.moveaxis(a, (axis1, axis2), (-2, -1))
    n, m = matrix.shape[-2:]
    i = np.arange(max(0, min(n, m - offset) - max(0, -offset))) + max(0, -offset)
    return matrix[..., i, i + offset]


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = [prepend, a, append]
    parts = [_as_slab(end, a, axis) for end in ends if end is not None]
    x = np.concatenate(parts, axis=axis) if len(parts) > 1 else a
    for _ in range(n):
        head = (slice(None),) * (axis % x.ndim)
        x = x[(*head, slice(1, None))] - x[(*head, slice(None, -1))]
    return x


def _as_slab(end: Any, a: Any, axis: int) -> Any:
    """A number stands for one slab of it."""
    if np.ndim(end):
        return end
    shape = list(a.shape)
    shape[axis] = 1
    return np.broadcast_to(end, tuple(shape))


def _concatenated(i: int, g: Any, y: Any, arrays: Any, axis: Any = 0) -> Any:
    if axis is None:
        start = sum(np.size(a) for a in arrays[:i])
        return np.reshape(g[start : start + np.size(arrays[i])], np.shape(arrays[i]))
    start = sum(a.shape[axis] for a in arrays[:i])
    part = slice(start, start + arrays[i].shape[axis])
    return g[(slice(None),) * (axis % g.ndim) + (part,)]


# fmt: off
RULES: Table = {
    operator.getitem:   (lambda g, y, a, key: scatter(g, key, a.shape),),
    scatter:            (lambda g, y, x, key, shape: g[key],),
    np.concatenate:     Each(_concatenated),
    np.sort:            (_sort,),
    np.take:            Composed(_take),
    np.take_along_axis: Composed(_take_along_axis),
    np.trace:           Composed(_trace),
    np.diagonal:        Composed(_diagonal),
    np.diff:            Composed(_diff),
}
# fmt: on
