"""Reading entries of an array, and the inverse: adding values into places of a zero array.

`x[key]` is recorded as `operator.getitem(x, key)`. Its gradient puts g back where the entries came
from; an entry that was read twice collects twice. `set_at` and `add_at` write entries of a copy.

Kinks: of equal entries `np.sort` keeps the order.
"""

import operator
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import NDArray

from tinygrad_ce.dispatch import as_array, constant, dispatched
from tinygrad_ce.errors import DTypeError
from tinygrad_ce.rules.kinds import Composed, Each, Table
from tinygrad_ce.rules.support import astype, sum_to

__all__ = [
    "RULES",
    "add_at",
    "along",
    "assign",
    "entries",
    "places_of",
    "scatter",
    "set_at",
    "settled",
]


@partial(dispatched, within=True)
def scatter(x: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with x added at `key`: the transpose of `a[key]` for an a of that shape.

    >>> scatter(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), (3,))
    array([5., 0., 2.])
    """
    x = np.asarray(x)
    parts = key if isinstance(key, tuple) else (key,)
    if x.size and any(map(_repeats, parts)):
        return _added(x, key if len(parts) > 1 else np.asarray(parts[0]), shape)
    out = np.zeros(shape, x.dtype)
    if x.size:
        out[key] = x
    return out


_ONCE = (int, slice, type(None), type(...), np.integer)


def _repeats(part: Any) -> bool:
    """Whether a part of a key may reach a place twice: numbers, slices and masks do not."""
    return not isinstance(part, _ONCE) and np.asarray(part).dtype != bool


def _added(x: NDArray[Any], key: Any, shape: tuple[int, ...]) -> Any:
    """What `np.add.at` adds, by one count per entry, which is faster, where there is one."""
    if x.dtype.char in "FD":
        return _added(x.real, key, shape) + 1j * _added(x.imag, key, shape)
    if x.dtype.char not in "fd":
        out = np.zeros(shape, x.dtype)
        np.add.at(out, key, x)
        return out
    places = np.asarray(places_of(shape, key) if isinstance(key, tuple) else _rows(shape, key))
    weights = np.broadcast_to(x.reshape(places.shape) if x.size == places.size else x, places.shape)
    sums = np.bincount(places.ravel(), weights=weights.ravel(), minlength=prod(shape))
    return sums.reshape(shape).astype(x.dtype, copy=False)  # summed in double precision


def _rows(shape: tuple[int, ...], key: Any) -> Any:
    """The places of whole rows."""
    width = prod(shape[1:])
    rows = _from_front(key.ravel().astype(np.intp), shape[0])  # a narrow dtype cannot hold places
    return rows if width == 1 else np.expand_dims(rows * width, 1) + np.arange(width)


def _from_front(indices: Any, n: int) -> Any:
    """Indices without those that count from the end."""
    return np.where(indices < 0, indices + n, indices)


@partial(dispatched, within=True)
def entries(a: Any, key: Any) -> Any:
    """`a[key]`, where the key may be an array of another kind than a.

    >>> entries(np.array([1.0, 2.0]), np.array([1, 1]))
    array([2., 2.])
    """
    return a[key]


def set_at(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with the value at the index: `x[index] = value`, as a function.

    Where the index names a place twice, the value that comes last (in C order) stands there, and
    it alone gets the gradient.

    Args:
        x: an array or tensor of any shape.
        index: any index NumPy takes: integers, slices, masks, arrays of integers, tuples of these.
        value: what is put there, broadcast to the shape of `x[index]`.

    Returns:
        An array or tensor of x's shape and dtype.

    Raises:
        DTypeError: the value has no place in x's dtype (a float in integers).

    >>> set_at(np.array([1.0, 2.0, 3.0]), [0, 2], -1)
    array([-1.,  2., -1.])
    """
    x = as_array(x)
    return assign(x, _fitting(value, x, "set_at"), settled(index))


def add_at(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with the value added at the index: `np.add.at(x, index, value)`, as a function.

    Where the index names a place twice, both values are added.

    Args:
        x: an array or tensor of any shape.
        index: any index NumPy takes: integers, slices, masks, arrays of integers, tuples of these.
        value: what is added there, broadcast to the shape of `x[index]`.

    Returns:
        An array or tensor of x's shape and dtype.

    Raises:
        DTypeError: the value has no place in x's dtype (a float in integers).

    >>> add_at(np.array([1.0, 2.0, 3.0]), [0, 2, 2], 10)
    array([11.,  2., 23.])
    """
    x, index = as_array(x), settled(index)
    shape = np.shape(np.empty(x.shape, bool)[index])
    value = _spread(_fitting(value, x, "add_at"), shape)
    return np.add(x, scatter(value, index, x.shape))


def settled(index: Any) -> Any:
    """The index with plain arrays in it: a tensor in it would hide from scatter what it is."""
    if isinstance(index, tuple):
        return tuple(map(settled, index))
    if isinstance(index, (*_ONCE, bool)):
        return index
    found = constant(index)
    return found if found.size or found.dtype.kind != "f" else found.astype(int)  # of []


def _fitting(value: Any, x: Any, name: str) -> Any:
    """The value in x's dtype; a Python number has none of its own."""
    weak = isinstance(value, int | float | complex)
    array = as_array(value)
    dtype, found = x.dtype, array.dtype
    if np.result_type(x, value if weak else array) != dtype and not np.can_cast(
        found, dtype, "same_kind"
    ):
        raise DTypeError(
            f"{name} was given values of {found} for an array of {dtype}",
            "the result has the dtype of the array",
            f"convert the array first: x.astype({found})",
        )
    return array if found == dtype else astype(array, dtype)


def _spread(value: Any, shape: tuple[int, ...]) -> Any:
    """The value broadcast to the shape of the places it goes to; NumPy drops axes of length 1."""
    return np.broadcast_to(np.reshape(value, _core(value.shape, len(shape))), shape)


def _core(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """A shape without the leading axes of length 1 that assignment passes over."""
    surplus = max(0, len(shape) - ndim)
    return shape[surplus:] if set(shape[:surplus]) <= {1} else shape


@partial(dispatched, within=True)
def assign(x: Any, value: Any, key: Any) -> Any:
    """A copy of x with the value at `key`; of values for one place, the last in C order.

    >>> assign(np.zeros(3), np.array([1.0, 2.0]), [0, 0])
    array([2., 0., 0.])
    """
    out = np.array(x)
    if not any(map(_repeats, key if isinstance(key, tuple) else (key,))):
        out[key] = value
        return out
    places = places_of(out.shape, key)
    flat = out.reshape(-1)  # in one dimension the order of writing is that of the places
    flat[places.ravel()] = _spread(np.asarray(value), places.shape).ravel()
    return flat.reshape(out.shape)


@partial(dispatched, within=True)
def places_of(shape: tuple[int, ...], key: Any) -> Any:
    """The numbers of the places that a key reads, counted in C order.

    >>> places_of((2, 3), (1, slice(0, 2)))
    array([3, 4])
    """
    if isinstance(key, tuple) and len(key) == len(shape) and all(map(_repeats, key)):
        places: Any = 0
        for indices, n in zip(key, shape):
            places = places * n + _from_front(np.asarray(indices), n)
        return places
    return np.arange(prod(shape)).reshape(shape)[key]


def _assigned(g: Any, y: Any, x: Any, value: Any, key: Any) -> Any:
    """Each place's gradient goes to the value that stands there."""
    places = places_of(x.shape, key)
    numbers = np.arange(places.size)
    last = assign(np.zeros(x.size, int), numbers, np.ravel(places))
    stands = entries(last, places) == numbers.reshape(places.shape)
    core = _core(value.shape, places.ndim)
    return np.reshape(sum_to(np.where(stands, g[key], 0.0), core), value.shape)


def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    none = isinstance(indices, list | tuple) and not np.size(indices)  # of floats, to np.asarray
    indices = constant(indices)
    if none or indices.dtype.kind in "biu":
        indices = astype(indices, np.intp)  # a narrow dtype cannot hold the length
    if axis is None:
        a, axis = np.ravel(a), 0
    n = a.shape[axis]
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


def along(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index arrays that read `indices` along one axis and stay in place along the others."""
    grid = list(np.ogrid[tuple(slice(n) for n in shape)])
    grid[axis] = indices
    return tuple(grid)


def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    arr, indices = as_array(arr), constant(indices)
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        return np.ravel(arr)[indices]
    if indices.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    shape = list(arr.shape)
    shape[axis] = 1 if indices.shape[axis] == 0 else shape[axis]
    return arr[along(tuple(shape), indices, axis)]


def _sort(
    g: Any,
    y: Any,
    a: Any,
    axis: Any = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: Any = None,
) -> Any:
    """Each gradient goes back to where its entry came from; the first of equal ones stays first."""
    if axis is None:
        return np.reshape(_sort(g, y, np.ravel(a)), a.shape)
    came_from = constant(np.argsort(a, axis=axis, kind="stable"))
    return scatter(g, along(a.shape, came_from, axis), a.shape)


def _trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _matrix_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return _trace(x, offset, -2, -1, dtype)


def _matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return _diagonal(x, offset, -2, -1)


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    matrix = np.moveaxis(a, (axis1, axis2), (-2, -1))
    n, m = matrix.shape[-2:]
    count = max(0, min(n, m - offset) - max(0, -offset))
    first = offset if offset >= 0 else -offset * m
    rows = np.reshape(matrix, (*matrix.shape[:-2], n * m))
    return rows[..., slice(first, first + count * (m + 1) - m, m + 1) if count else slice(0, 0)]


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if n == 0:
        return a  # NumPy joins no ends on then
    axis = normalize_axis_index(axis, a.ndim)
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


def _concatenated(i: int, g: Any, y: Any, arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    if axis is None:
        start = sum(np.size(a) for a in arrays[:i])
        return np.reshape(g[start : start + np.size(arrays[i])], np.shape(arrays[i]))
    start = sum(a.shape[axis] for a in arrays[:i])
    part = slice(start, start + arrays[i].shape[axis])
    return g[(slice(None),) * (axis % g.ndim) + (part,)]


# fmt: off
RULES: Table = {
    operator.getitem:   (lambda g, y, a, key: scatter(g, key, a.shape),),
    entries:            (lambda g, y, a, key: scatter(g, key, a.shape),),
    scatter:            (lambda g, y, x, key, shape: g[key],),
    assign:             (lambda g, y, x, value, key: assign(g, np.zeros((), g.dtype), key),
                         _assigned),
    np.concatenate:     Each(_concatenated),
    np.sort:            (_sort,),
    np.take:            Composed(_take),
    np.take_along_axis: Composed(_take_along_axis),
    np.trace:           Composed(_trace),
    np.diagonal:        Composed(_diagonal),
    np.linalg.trace:    Composed(_matrix_trace),
    np.linalg.diagonal: Composed(_matrix_diagonal),
    np.diff:            Composed(_diff),
}
# fmt: on
