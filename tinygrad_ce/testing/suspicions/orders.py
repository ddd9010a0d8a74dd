"""Suspicions about order: the right numbers stand elsewhere, or an axis was not summed over."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations

import numpy as np

from tinygrad_ce.testing.comparison import (
    EPS,
    Array,
    Comparison,
    agree,
    idle,
    line,
    live,
    wrong,
)

__all__ = [
    "diagonal",
    "not_centred",
    "permuted",
    "softmax_as_elementwise",
    "sorted_order",
    "swapped",
    "transposed",
]

Move = Callable[[Array], Array]


def transposed(c: Comparison) -> str | None:
    ndim, results = c.expected.ndim, c.output.ndim
    if c.value.ndim <= 4:
        for order in permutations(range(results, ndim)):
            axes = (*range(results), *order)
            if axes != tuple(range(ndim)) and _moved(c, partial(np.transpose, axes=axes)):
                if c.value.ndim == 2:
                    return "is transposed"
                return f"has its axes permuted: it is np.transpose of the right one by {axes}"
    jacobian = (*range(results, ndim), *range(results))
    if c.output.shape == c.value.shape and _moved(c, partial(np.transpose, axes=jacobian)):
        return "is transposed as a Jacobian: rows belong to the result, columns to the argument"
    return None


def _moved(c: Comparison, move: Move) -> bool:
    """Whether the found numbers are the expected ones after a move of the entries."""
    if move(c.expected).shape != c.expected.shape:
        return False
    if not _distinct(c, 2 if wrong(c).sum() == 2 else 3):
        return False
    return agree(c, c.found, move(c.expected), move(c.tolerance), where=move(c.judged))


def _distinct(c: Comparison, needed: float) -> bool:
    """Whether the wrong entries have so many sizes that an order can be seen: +-1 shows none."""
    sizes = np.sort(np.abs(c.expected[wrong(c)]))
    return bool(1 + np.sum(np.diff(sizes) > 1e-6 * sizes.max(initial=0)) >= needed)


def permuted(c: Comparison) -> str | None:
    """Rows in another order: reversed, rolled, two swapped; at last any order of all entries."""
    if not c.judged.all() or not live(c).any():
        return None
    for axis in range(c.output.ndim, c.expected.ndim):
        n = c.expected.shape[axis]
        own = axis - c.output.ndim
        lines = f"{line(c.value.ndim, own)} of {c.argument}"
        order = _matching(c, axis)
        for p, said in _orders(order, n):
            if _moved(c, partial(np.take, indices=p, axis=axis)):
                return f"has the {lines} {said}"
    if _distinct(c, max(3, wrong(c).sum() / 2)):
        return _any_order(c)
    return None


def _matching(c: Comparison, axis: int) -> Array:
    """An order p such that found[i] could be expected[p[i]] along the axis."""
    keys = []
    for a in (c.expected, c.found):
        rows = np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)
        keys.append(rows @ np.cos(np.arange(rows.shape[1])))
    p = np.empty(keys[0].size, dtype=np.intp)
    p[np.argsort(keys[1], kind="stable")] = np.argsort(keys[0], kind="stable")
    return p


def _orders(p: Array, n: int) -> Iterator[tuple[Array, str]]:
    indices = np.arange(n)
    if n == 2:
        yield indices[::-1], "swapped"
    elif n > 2:
        yield indices[::-1], "in reverse order"
        for by in (1, -1, -int(p[0])):
            if by % n:
                yield (
                    np.roll(indices, by),
                    f"rolled by {by % n if by % n <= n // 2 else by % n - n}",
                )
        moved = np.flatnonzero(p != indices)
        if moved.size == 2:
            yield p, f"in another order: {moved[0]} and {moved[1]} are swapped"
        shown = ", ".join(map(str, p[:8])) + (", ..." if n > 8 else "")
        yield p, f"in another order: [{shown}]"


def _any_order(c: Comparison) -> str | None:
    p = np.empty(c.expected.size, dtype=np.intp)
    p[np.argsort(c.found, axis=None)] = np.argsort(c.expected, axis=None)
    e, t = (a.ravel()[p].reshape(a.shape) for a in (c.expected, c.tolerance))
    # Sorting pairs nearest numbers: each entry had all the others to choose from.
    chance = float(np.sum(wrong(c)) * np.log10(c.expected.size))
    if agree(c, c.found, e, t, needed=7 + chance):
        return "has the right numbers, but at other entries"
    return None


def sorted_order(c: Comparison) -> str | None:
    """A sort whose order was not undone, or undone twice."""
    if c.output.ndim or not c.value.ndim or not c.judged.all():
        return None
    for axis in range(c.value.ndim):
        order = np.argsort(c.value, axis, kind="stable")
        for p in (order, np.argsort(order, axis)):
            if _moved(c, partial(np.take_along_axis, indices=p, axis=axis)):
                return f"stands in the order of sorted {c.argument}: the sort was not undone"
        for sign in (1, -1):
            p = np.argsort(sign * c.expected, axis)
            if c.value.shape[axis] > 2 and _moved(
                c, partial(np.take_along_axis, indices=p, axis=axis)
            ):
                return "has the right numbers, but sorted"
    return None


def swapped(c: Comparison) -> str | None:
    """The gradient by another argument, perhaps transposed."""
    for s in c.siblings:
        for word, e, t in (("", s.expected, s.tolerance), ("the transpose of ", *_turned(s))):
            if e.shape != c.found.shape or not agree(c, c.found, e, t):
                continue
            back = s.found.shape == c.expected.shape and bool(
                (np.abs(s.found - c.expected) <= c.tolerance + 8 * EPS * np.abs(c.expected)).all()
            )
            both = ": the two are swapped" if back and not word else ""
            return f"is {word}the gradient by {s.argument}{both}"
    return None


def _turned(c: Comparison) -> tuple[Array, Array]:
    if c.value.ndim != 2:
        return np.empty(0), np.empty(0)
    return np.swapaxes(c.expected, -1, -2), np.swapaxes(c.tolerance, -1, -2)


def _diagonal_of(c: Comparison) -> Array:
    return np.eye(c.value.size, dtype=bool).reshape(c.expected.shape)


def diagonal(c: Comparison) -> str | None:
    """A Jacobian of which only the diagonal is there, or all but the diagonal."""
    if c.output.shape != c.value.shape or c.value.size < 2:
        return None
    on, bad = _diagonal_of(c), wrong(c)
    y = c.output.ravel()
    outer = np.multiply.outer(y, y).reshape(c.expected.shape) * ~((c.expected == 0) & idle(c))
    if agree(c, c.found - c.expected, outer, c.tolerance):
        return "lacks the term -y_i y_j of the Jacobian of softmax, y the result"
    if not bad.any() or c.found[bad].any():
        return None
    if not bad[on].any() and not (live(c) & ~on & ~bad).any():
        return (
            "has its diagonal only: as if the function were elementwise, "
            f"but every result depends on several entries of {c.argument}"
        )
    if not bad[~on].any() and not (live(c) & on & ~bad).any() and (live(c) & ~on).any():
        return "lacks its diagonal: no result depends on the entry at its own place"
    return None


def not_centred(c: Comparison) -> str | None:
    """expected = found summed over an axis, or found less its mean over an axis."""
    if not c.judged.all():
        return None
    for axis in range(c.output.ndim, c.expected.ndim):
        if c.expected.shape[axis] < 2:
            continue
        total = c.found.sum(axis, keepdims=True)
        slack = c.tolerance + 8 * EPS * np.abs(c.found).sum(axis, keepdims=True)
        own = axis - c.output.ndim
        if agree(c, np.broadcast_to(total, c.found.shape), c.expected, slack):
            return f"lacks the sum over axis {own} of {c.argument}"
        if agree(c, c.found - total / c.expected.shape[axis], c.expected, slack):
            return (
                f"lacks the subtraction of its mean over axis {own} "
                "(the mean depends on every entry, too)"
            )
    return None


def softmax_as_elementwise(c: Comparison) -> str | None:
    """expected = s (g - sum(g s)), s = softmax(x); found = s g or s (1 - s) g."""
    if c.output.ndim or not c.value.ndim or not c.judged.all():
        return None
    for axis in range(c.value.ndim):
        if c.value.shape[axis] < 2:
            continue
        s = np.exp(c.value - c.value.max(axis, keepdims=True))
        s = s / s.sum(axis, keepdims=True)
        for sg, lost in (
            (c.found, "the term - s sum(g s)"),
            (c.found / (1 - s), "what lies off the diagonal"),
        ):
            full = sg - s * sg.sum(axis, keepdims=True)
            slack = c.tolerance + 8 * EPS * (np.abs(sg) + np.abs(sg).sum(axis, keepdims=True))
            if agree(c, full, c.expected, slack):
                return f"lacks {lost} in the Jacobian of softmax s over axis {axis}"
    return None
