"""Arrays with structure: positive definite matrices, and trees of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ce.errors import ShapeError
from tinygrad_ce.testing.drawing import Draw, SearchStrategy, composite, hnp, st
from tinygrad_ce.testing.strategies.values import (
    Shape,
    arrays,
    drawn_floats,
    drawn_shape,
    filled,
)

__all__ = ["Layer", "Pair", "spd_matrices", "trees"]


def spd_matrices(
    shape: Shape = None,
    dtype: Any = np.float64,
    *,
    condition: float = 100.0,
    distinct: bool = False,
) -> SearchStrategy[Any]:
    """Symmetric positive definite matrices whose condition number is bounded.

    Args:
        shape: (..., n, n) or a strategy of such; by default one matrix of 1 to 4 rows.
        dtype: a real floating dtype, or a strategy of them.
        condition: the eigenvalues lie from 1 to this number, so it bounds the condition number.
        distinct: whether no two eigenvalues are equal, as the derivative of `eigh` asks for.

    Raises:
        ShapeError: (when drawn) the matrices are not square.

    The formula: Q diag(w) Q', Q from the QR decomposition of a matrix of small integers.

    >>> from hypothesis import find
    >>> find(spd_matrices(), lambda a: a.size > 1)
    array([[1., 0.],
           [0., 1.]])
    """
    return _spd_matrices(shape, dtype, condition, distinct)


EXPONENTS = 64


@composite
def _spd_matrices(draw: Draw, shape: Shape, dtype: Any, condition: float, distinct: bool) -> Any:
    sides = drawn_shape(draw, shape, st.integers(1, 4).map(lambda n: (n, n)))
    if len(sides) < 2 or sides[-1] != sides[-2]:
        raise ShapeError(
            f"matrices of shape {sides} were asked for",
            "a positive definite matrix is square",
            "pass a shape whose last two sides are equal",
        )
    a = draw(hnp.arrays(np.float64, sides, elements=st.integers(-3, 3)))
    q = np.linalg.qr(a).Q if a.size else a
    exponents = draw(filled(sides[:-1], np.float64, st.integers(0, EXPONENTS)))
    if distinct:  # still distinct, and within the bound, for any number of them
        n = sides[-1]
        exponents = (exponents / (EXPONENTS + 1) + np.arange(n)) * (EXPONENTS / max(n, 1))
    w = condition ** (exponents / EXPONENTS)
    made = (q * w[..., None, :]) @ np.swapaxes(q, -1, -2)
    return ((made + np.swapaxes(made, -1, -2)) / 2).astype(drawn_floats(draw, dtype))


class Pair(NamedTuple):
    """The named tuple that `trees` draws."""

    first: Any
    second: Any


@dataclass
class Layer:
    """The dataclass that `trees` draws."""

    w: Any
    b: Any


def trees(leaves: SearchStrategy[Any] | None = None, max_leaves: int = 5) -> SearchStrategy[Any]:
    """Arrays nested in dicts, lists, tuples, named tuples and dataclasses; a bare array too.

    Args:
        leaves: a strategy of the arrays; by default `arrays` of up to two axes.
        max_leaves: the most arrays in one tree.

    >>> from hypothesis import find
    >>> find(trees(), lambda tree: isinstance(tree, dict))
    {'w': array([1.])}
    """
    if leaves is None:
        leaves = arrays(hnp.array_shapes(max_dims=2, max_side=3))
    return st.recursive(leaves, _nested, max_leaves=max_leaves)


def _nested(children: SearchStrategy[Any]) -> SearchStrategy[Any]:
    several = st.lists(children, min_size=1, max_size=3)
    return (
        several
        | several.map(tuple)
        | st.dictionaries(st.sampled_from(["w", "b", "u", "v"]), children, min_size=1, max_size=3)
        | st.builds(Pair, children, children)
        | st.builds(Layer, children, children)
    )
