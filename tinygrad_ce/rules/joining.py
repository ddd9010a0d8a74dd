"""Joining arrays, splitting them, and giving them axes that fit one another.

A list of tensors may be handed over wherever NumPy takes a list of arrays.
"""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_ce.dispatch import as_array, dispatched
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.indexing import settled
from tinygrad_ce.rules.kinds import Composed, Entry, Table, present
from tinygrad_ce.rules.places import gathered, numbered
from tinygrad_ce.rules.support import astype, laid_along

__all__ = ["RULES", "cut", "pieces"]


def _single(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


def _with_axes(n: int, x: Any) -> Any:
    """x with at least n axes, as np.atleast_1d, 2d and 3d put them in."""
    x = as_array(x)
    missing = n - x.ndim
    if missing <= 0:
        return x
    if n == 3 and x.ndim:
        return np.expand_dims(x, -1 if x.ndim == 2 else (0, 2))
    return np.expand_dims(x, tuple(range(missing)))


def _atleast_1d(*arys: Any) -> Any:
    return _single([_with_axes(1, a) for a in arys])


def _atleast_2d(*arys: Any) -> Any:
    return _single([_with_axes(2, a) for a in arys])


def _atleast_3d(*arys: Any) -> Any:
    return _single([_with_axes(3, a) for a in arys])


def _hstack(tup: Any, *, dtype: Any = None) -> Any:
    parts = [_with_axes(1, a) for a in tup]
    return np.concatenate(parts, axis=0 if parts[0].ndim == 1 else 1, dtype=dtype)


def _vstack(tup: Any, *, dtype: Any = None) -> Any:
    return np.concatenate([_with_axes(2, a) for a in tup], axis=0, dtype=dtype)


def _dstack(tup: Any) -> Any:
    return np.concatenate([_with_axes(3, a) for a in tup], axis=2)


def _column_stack(tup: Any) -> Any:
    parts = [as_array(a) for a in tup]
    columns = [a if a.ndim > 1 else np.reshape(a, (-1, 1)) for a in parts]
    return np.concatenate(columns, axis=1)


def _leaves(nested: Any) -> list[Any]:
    if isinstance(nested, list):
        return [leaf for part in nested for leaf in _leaves(part)]
    return [nested]


def _filled(nested: Any, leaves: Any) -> Any:
    """The nested lists with the next leaf in each leaf's place."""
    return [_filled(part, leaves) for part in nested] if isinstance(nested, list) else next(leaves)


def _block(arrays: Any) -> Any:
    leaves = _leaves(arrays)
    return gathered(leaves, np.block(_filled(arrays, iter(numbered(leaves)))))


def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(as_array(arr)), np.ravel(as_array(values))])
    return np.concatenate([as_array(arr), as_array(values)], axis=axis)


def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, values = as_array(arr), as_array(values)
    if not np.can_cast(values.dtype, arr.dtype, "same_kind"):
        raise UnsupportedError(
            f"np.insert was to put {values.dtype} into an array of {arr.dtype}",
            "it gives the values the array's dtype, by which a gradient would be lost",
            f"convert the array first: arr.astype({values.dtype})",
        )
    sources = [arr, astype(values, arr.dtype)]
    places, new = numbered(sources)
    return gathered(sources, np.insert(places, settled(obj), new, axis))


@dispatched
def cut(x: Any, cuts: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """The parts of x between cuts that begin with 0, rise, and end with its length.

    >>> cut(np.arange(4), (0, 1, 4), 0)
    (array([0]), array([1, 2, 3]))
    """
    head = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*head, slice(a, b))] for a, b in pairwise(cuts))


def pieces(x: Any, cuts: Any, axis: int) -> list[Any]:
    """The parts of x between cuts, which are those of slices: they may be negative, or fall.

    Many parts are cut from larger ones, since each of the parts that are cut at once costs the
    gradient one step by each other.
    """
    cuts = [int(c) for c in cuts]
    if cuts != sorted(cuts) or cuts[0] != 0 or cuts[-1] != x.shape[axis]:
        head = (slice(None),) * (axis % x.ndim)
        return [x[(*head, slice(a, b))] for a, b in pairwise(cuts)]
    if len(cuts) <= _AT_ONCE + 1:
        return list(cut(x, tuple(cuts), axis))
    ends = [*cuts[:-1:_AT_ONCE], cuts[-1]]
    parts = pieces(x, ends, axis)
    inside = (cuts[i : i + _AT_ONCE + 1] for i in range(0, len(cuts) - 1, _AT_ONCE))
    return [
        part
        for whole, some in zip(parts, inside, strict=True)
        for part in cut(whole, tuple(c - some[0] for c in some), axis)
    ]


_AT_ONCE = 32


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    if np.ndim(indices_or_sections):
        return pieces(ary, [0, *(int(cut) for cut in indices_or_sections), n], axis)
    sections = int(indices_or_sections)
    if sections <= 0:
        raise ValueError("number sections must be larger than 0.")
    each, longer = divmod(n, sections)
    lengths = [each + 1] * longer + [each] * (sections - longer)
    return pieces(ary, accumulate(lengths, initial=0), axis)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return _array_split(ary, indices_or_sections, axis)


def _hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return _split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


def _vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ary.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return _split(ary, indices_or_sections, 0)


def _dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ary.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return _split(ary, indices_or_sections, 2)


def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    axis = normalize_axis_index(axis, x.ndim)
    parts = pieces(x, range(x.shape[axis] + 1), axis)
    return tuple(np.squeeze(part, axis) for part in parts)


def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(as_array(a), shape) for a in args)


def _meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    lines = [laid_along(np.ravel(as_array(x)), k, len(xi)) for x, k in zip(xi, axes)]
    return tuple(lines) if sparse else _broadcast_arrays(*lines)


def _ix(*args: Any) -> tuple[Any, ...]:
    found = []
    for k, x in enumerate(map(as_array, args)):
        if x.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        x = np.flatnonzero(x) if x.dtype == bool else x
        found.append(laid_along(x if x.size else np.zeros(0, np.intp), k, len(args)))
    return tuple(found)


# Functions that the oldest NumPy we run on does not have.
_NEWER: dict[str, Entry] = {"unstack": Composed(_unstack)}

# fmt: off
RULES: Table = {
    np.atleast_1d:       Composed(_atleast_1d),
    np.atleast_2d:       Composed(_atleast_2d),
    np.atleast_3d:       Composed(_atleast_3d),
    np.hstack:           Composed(_hstack),
    np.vstack:           Composed(_vstack),
    np.dstack:           Composed(_dstack),
    np.column_stack:     Composed(_column_stack),
    np.block:            Composed(_block),
    np.append:           Composed(_append),
    np.insert:           Composed(_insert),
    cut:                 (lambda g, y, x, cuts, axis: np.concatenate(list(g), axis=axis),),
    np.split:            Composed(_split),
    np.array_split:      Composed(_array_split),
    np.hsplit:           Composed(_hsplit),
    np.vsplit:           Composed(_vsplit),
    np.dsplit:           Composed(_dsplit),
    np.broadcast_arrays: Composed(_broadcast_arrays),
    np.meshgrid:         Composed(_meshgrid),
    np.ix_:              Composed(_ix),
    **present(_NEWER),
}
# fmt: on
