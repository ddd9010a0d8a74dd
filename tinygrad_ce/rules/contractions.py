"""Products that sum over axes: matmul, dot, inner, tensordot, einsum. Also the outer product."""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Composed, Each, Table
from tinygrad_ce.rules.matrices import transposed

__all__ = ["RULES"]


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g b^T, with the axis that a vector operand lacks put in and summed or taken out again."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return np.sum(np.expand_dims(g, -2) * b, axis=-1)
    return g @ transposed(b)


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    """a^T g, likewise."""
    if a.ndim == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2) if b.ndim > 1 else g * a
    if b.ndim == 1:
        return np.sum(np.expand_dims(g, -1) * a, axis=tuple(range(g.ndim)))
    if b.ndim == 2 and a.ndim > 2:  # the stack's rows in one product
        rows = prod(a.shape[:-1])  # not -1: there may be no entries to tell it
        return np.reshape(a, (rows, a.shape[-1])).T @ np.reshape(g, (rows, g.shape[-1]))
    return transposed(a) @ g


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.matmul(a, b) if np.ndim(b) <= 2 else np.tensordot(a, b, (-1, -2))


def _inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -1))


def _outer(a: Any, b: Any) -> Any:
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """One matrix product: the summed axes last in a and first in b."""
    if np.ndim(axes) == 0:
        axes = range(np.ndim(a) - axes, np.ndim(a)), range(axes)
    summed_a, summed_b = (
        [i % np.ndim(x) for i in ((axis,) if np.ndim(axis) == 0 else axis)]
        for x, axis in zip((a, b), axes, strict=True)
    )
    free_a = [i for i in range(np.ndim(a)) if i not in summed_a]
    free_b = [i for i in range(np.ndim(b)) if i not in summed_b]
    shape_a = tuple(np.shape(a)[i] for i in free_a)
    shape_b = tuple(np.shape(b)[i] for i in free_b)
    if [np.shape(a)[i] for i in summed_a] != [np.shape(b)[i] for i in summed_b]:
        raise ValueError("shape-mismatch for sum")
    n = prod(np.shape(a)[i] for i in summed_a)
    left = np.reshape(np.transpose(a, (*free_a, *summed_a)), (prod(shape_a), n))
    right = np.reshape(np.transpose(b, (*summed_b, *free_b)), (n, prod(shape_b)))
    return np.reshape(np.matmul(left, right), shape_a + shape_b)


def _einsum(i: int, g: Any, y: Any, subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    """The same sum with g in operand i's place, spread along what only operand i had."""
    spec, term = _plan(i, subscripts, tuple(x.ndim for x in operands))
    labels, found = dict.fromkeys(term), spec.partition("->")[2]
    sizes = dict(zip(term, operands[i].shape, strict=True))
    factors = (g, *operands[:i], *operands[i + 1 :])
    if optimize and isinstance(optimize, bool | str):
        optimize = _path(spec, tuple(x.shape for x in factors), optimize)
    part = np.einsum(spec, *factors, optimize=optimize)
    part = np.reshape(part, tuple(part.shape[found.index(k)] if k in found else 1 for k in labels))
    full = np.broadcast_to(
        part, tuple(sizes[k] if n == 1 else n for k, n in zip(labels, part.shape))
    )
    if len(labels) == len(term):
        return full
    grid = dict(zip(labels, np.ogrid[tuple(slice(sizes[k]) for k in labels)], strict=True))
    return scatter(full, tuple(grid[k] for k in term), operands[i].shape)


@lru_cache(maxsize=256)
def _plan(i: int, subscripts: str, ndims: tuple[int, ...]) -> tuple[str, str]:
    """The subscripts of the sum that is operand i's gradient, and the operand's own."""
    terms, out = _explicit(subscripts, ndims)
    others = terms[:i] + terms[i + 1 :]
    found = [label for label in dict.fromkeys(terms[i]) if label in set(out).union(*others)]
    return ",".join([out, *others]) + "->" + "".join(found), terms[i]


@lru_cache(maxsize=256)
def _path(spec: str, shapes: tuple[tuple[int, ...], ...], optimize: Any) -> Any:
    """The order to multiply in, found once for these shapes."""
    return np.einsum_path(spec, *(np.broadcast_to(0.0, n) for n in shapes), optimize=optimize)[0]


def _with_subscripts(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The form `(a, [0, 1], b, [1, 2], [0, 2])` with its lists of axes written as a string."""
    if isinstance(args[0], str):
        return args
    operands, lists = args[0:-1:2], args[1::2]
    out = args[-1] if len(args) % 2 else None
    term = "".join
    # A to z, as NumPy: the implicit output is in this order
    letters = [chr(k) for k in (*range(65, 91), *range(97, 123))]
    terms = [
        term("..." if axis is Ellipsis else letters[axis] for axis in axes)
        for axes in (*lists, *(() if out is None else (out,)))
    ]
    subscripts = ",".join(terms[: len(operands)]) + ("" if out is None else f"->{terms[-1]}")
    return (subscripts, *operands)


def _explicit(subscripts: str, ndims: Any) -> tuple[list[str], str]:
    """The terms and the output with a letter for every axis, those under `...` included."""
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [
        c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in subscripts
    ]
    hidden = [n - len(t) + 3 if "..." in t else 0 for t, n in zip(terms, ndims)]
    dots = "".join(free[: max(hidden, default=0)])[::-1]
    if not arrow:
        once = sorted(c for c in set(left) - set(".,") if left.count(c) == 1)
        out = ("..." if "..." in left else "") + "".join(once)
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, hidden)]
    return terms, out.replace("...", dots)


# fmt: off
RULES: Table = {
    np.matmul:      (_matmul_left, _matmul_right),
    np.dot:         Composed(_dot),
    np.inner:       Composed(_inner),
    np.outer:       Composed(_outer),
    np.tensordot:   Composed(_tensordot),
    np.einsum:      Each(_einsum, after_first=True, form=_with_subscripts),
}
# fmt: on
