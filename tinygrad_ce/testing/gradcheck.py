"""gradcheck: is this gradient right? And if not, how is it wrong?"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import Error, ShapeError
from tinygrad_ce.testing.blame import culprits
from tinygrad_ce.testing.diagnosis import Comparison
from tinygrad_ce.testing.report import (
    KINK,
    ORDER,
    RIGHT,
    UNDECIDABLE,
    WRONG,
    Report,
    Verdicts,
    WrongGradientError,
)
from tinygrad_ce.testing.witnesses import Leaf, Measured, Vector, jacobian, plain
from tinygrad_ce.transforms import grad, vjp
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["assert_gradients", "blame", "gradcheck"]


def gradcheck(
    f: Callable[..., Any],
    *args: Any,
    gradient: Callable[..., Any] | None = None,
    pullback: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    order: int = 1,
    directions: int | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Report:
    """Whether the gradient of f at some point is right, entry by entry.

    The witness is numerical: complex steps where f carries complex numbers, otherwise central
    differences with an error estimate. An entry is *right* within a tolerance that follows from
    that estimate and from the rounding of the dtypes, *wrong* beyond it, a *kink* where the
    one-sided derivatives differ, *undecidable* where the witness itself is not sure enough.
    float32 functions are measured in float64.

    Args:
        f: a function of arrays or trees of arrays to arrays, of any system that takes NumPy's.
        args: the point. Arguments without floats are constants.
        gradient: the gradient to test, `gradient(*args)`, of a scalar f: an array or tree like the
            argument, a tuple of these for several; of another f the Jacobian, of shape (*result,
            *argument). By default the engine's.
        pullback: or, the backward function to test, `pullback(g, *args)` with g of f's result.
        argnums: the arguments to differentiate by; by default all that hold floats.
        order: 2 tests the engine's second derivatives too.
        directions: so many random directions are tested instead of every entry, for functions of
            very many numbers. A wrong entry among many is hardly seen then.
        seed: of the random directions.
        name: what the report calls it.

    Returns:
        A report that is true where the gradient is right, and prints what was found.

    Raises:
        DTypeError: an argument named by argnums holds no floats, or f returned complex numbers.
        ShapeError: the gradient under test has another structure than the arguments.

    >>> gradcheck(lambda x: np.sum(x**3), np.array([1.0, 2.0])).verdict
    'right'
    >>> gradcheck(lambda x: np.sum(x**3), np.array([1.0, 2.0]), gradient=lambda x: x**2).verdict
    'wrong'
    >>> gradcheck(np.abs, 0.0).verdict
    'kink'
    """
    numbers = _argnums(args, argnums)
    point = Vector(f, args, numbers)

    title = name or str(getattr(f, "__name__", type(f).__name__))

    def checked(f: Callable[..., Any], point: Vector, order: int) -> Report:
        def test(at: tuple[Any, ...]) -> list[list[NDArray[Any]]]:
            with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
                return _found(f, at, numbers, point, gradient, pullback)

        if directions is not None:
            return _along(title, point, test(args), order, directions, seed)
        found = test(args)
        report = _judged(title, point, jacobian(point), found, order, test)
        ours = gradient is None and pullback is None
        return _blamed(report, f, args, numbers) if ours else report

    report = checked(f, point, 1)
    if order == 1 or not report:
        return report
    if order != 2 or gradient is not None or pullback is not None:
        raise Error(
            f"a check of order {order} was asked for",
            "the engine's gradients are checked to order 2, those of others to order 1",
            "check the function that computes the gradient by itself",
        )
    slope = _slope(f, args, numbers)
    return replace(report, higher=checked(slope, Vector(slope, args, numbers), 2))


def blame(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None
) -> tuple[str, ...]:
    """The steps of f whose gradient rules are wrong, a sentence each: step, line, operand, error.

    Each step that f(*args) records is checked by itself, on the values it saw.

    Args:
        f: a function of arrays or trees of arrays to arrays.
        args: the point.
        argnums: the arguments to differentiate by; by default all that hold floats.

    >>> import tinygrad_ce as tg
    >>> my_log = tg.primitive(lambda x: np.log(x), rules=lambda g, y, x: 2 * g / x)
    >>> def loss(x):
    ...     return np.sum(x * my_log(x))
    >>> for sentence in blame(loss, np.array([0.5, 2.0])):
    ...     print(sentence)  # doctest: +ELLIPSIS
    the rule of <lambda>, operand x, called at <doctest ...>:2, gives 2.000 times the derivative
    """
    return culprits(gradcheck, f, args, _argnums(args, argnums), everything=True)


def _blamed(
    report: Report, f: Callable[..., Any], args: tuple[Any, ...], numbers: tuple[int, ...]
) -> Report:
    """The report of a wrong gradient of the engine's, with what is to blame for it."""
    if report.verdict != WRONG:
        return report
    found = culprits(gradcheck, f, args, numbers)
    note = (
        "each step of the graph has the right derivative by itself: something goes past the graph,"
        " a detached value or a number computed outside of it"
    )
    return replace(report, blame=found, notes=() if found else (note,))


def assert_gradients(f: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Raise where `gradcheck(f, *args, **options)` is not right.

    Raises:
        WrongGradientError: an AssertionError, with the report.

    >>> assert_gradients(np.tanh, np.array([0.5, 1.0]))
    """
    report = gradcheck(f, *args, **options)
    if not report:
        raise WrongGradientError(f"\n{report}")


def _argnums(args: tuple[Any, ...], argnums: int | Sequence[int] | None) -> tuple[int, ...]:
    if argnums is not None:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if any(not -len(args) <= number < len(args) for number in numbers):
            raise Error(
                f"argnums={argnums}, and {len(args)} arguments",
                "argnums names the arguments to differentiate by, from 0",
                "pass numbers of arguments, or leave it out for all that hold floats",
            )
        return tuple(number % len(args) for number in numbers)

    def floats(tree: Any) -> bool:
        kinds = [plain(leaf).dtype.kind for leaf in flatten(tree)[0]]
        return bool(kinds) and all(kind in "fc" for kind in kinds)

    return tuple(number for number, arg in enumerate(args) if floats(arg))


def _slope(f: Callable[..., Any], args: tuple[Any, ...], numbers: tuple[int, ...]) -> Any:
    """The gradient of f, or of a sum of its results with fixed weights if it has several."""

    @wraps(f)
    def weighed(*full: Any) -> Any:
        results = flatten(f(*full))[0]
        rng = np.random.default_rng(0)
        return sum(np.sum(rng.uniform(0.5, 1.5, np.shape(y)) * y) for y in results)

    return wraps(f)(grad(weighed, numbers))


def _found(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    numbers: tuple[int, ...],
    point: Vector,
    gradient: Callable[..., Any] | None,
    pullback: Callable[..., Any] | None,
) -> list[list[NDArray[Any]]]:
    """The Jacobians under test: for each result, one by each leaf."""
    if gradient is not None:
        scalar = len(point.outputs) == 1
        if not scalar:
            raise Error(
                "gradient= was given for a function with several results",
                "one gradient belongs to one result",
                "pass pullback=, a function of (g, *args)",
            )
        return [_leaves(point, gradient(*args), numbers)]
    if pullback is None:

        def through_f(*chosen: Any) -> Any:
            full = list(args)
            for number, value in zip(numbers, chosen, strict=True):
                full[number] = value
            return f(*full)

        _, pull = vjp(through_f, *(args[number] for number in numbers))
        return _pulled(point, lambda g: _leaves(point, _single(pull(g), numbers), numbers))
    return _pulled(point, lambda g: _leaves(point, pullback(g, *args), numbers))


def _single(trees: tuple[Any, ...], numbers: tuple[int, ...]) -> Any:
    return trees[0] if len(numbers) == 1 else trees


def _leaves(point: Vector, tree: Any, numbers: tuple[int, ...]) -> list[NDArray[Any]]:
    """The arrays of a gradient, in the order of the leaves of the arguments."""
    if tree is None:
        raise Error(
            "the gradient under test returned None",
            "it returns arrays like the arguments",
            "add the return that is missing",
        )
    trees = (tree,) if len(numbers) == 1 else tuple(tree)
    found: list[NDArray[Any]] = []
    if len(trees) != len(numbers):
        raise ShapeError(
            f"the gradient under test has {len(trees)} parts",
            f"there are {len(numbers)} arguments to differentiate by",
            "return a tuple with one part for each, or pass argnums",
        )
    for number, part in zip(numbers, trees, strict=True):
        map_tree(lambda _, g: found.append(plain(g)), point.args[number], part)
    return found


def _pulled(point: Vector, pull: Callable[[Any], Any]) -> list[list[NDArray[Any]]]:
    """The Jacobians row by row, one pull-back for each entry of the results."""
    rows: list[list[NDArray[Any]]] = []
    shapes = [y.shape for _, y in point.outputs]
    for k, shape in enumerate(shapes):
        found = []
        for index in np.ndindex(shape):
            seeds = [np.zeros(s) for s in shapes]
            seeds[k][index] = 1
            found.append(pull(point.structure.build([seed[()] for seed in seeds])))
        columns = list(zip(*found, strict=True)) or [()] * len(point.leaves)
        rows.append([
            np.reshape(np.stack(c) if c else (), (*shape, *(c[0] if c else leaf.values).shape))
            for c, leaf in zip(columns, point.leaves, strict=True)
        ])  # fmt: skip
    return rows


def _judged(
    name: str, point: Vector, measured: Measured, found: list[list[NDArray[Any]]], order: int,
    again: Callable[[tuple[Any, ...]], list[list[NDArray[Any]]]],
) -> Report:  # fmt: skip
    """The verdicts, given the Jacobians under test and what computes them at other arguments."""
    parts = _parts(point, measured, found, None)
    if any(_may_be_rounding(part) for part in parts):
        others = [again(args) for args in point.neighbours()]
        noise = [
            [np.max(np.abs(np.stack(three) - g), axis=0, initial=0) for g, *three in zip(*rows)]
            for rows in zip(found, *others)
        ]
        parts = _parts(point, measured, found, noise)
    if any(_may_be_rounding(part) for part in parts):
        rows = _scatter(point, measured, found, again)
        noise = [[np.maximum(a, b) for a, b in zip(*both)] for both in zip(noise, rows)]
        parts = _parts(point, measured, found, noise)
    return Report(name, measured.method, measured.evaluations, tuple(parts), order)


def _scatter(
    point: Vector, measured: Measured, found: list[list[NDArray[Any]]], again: Any
) -> list[list[NDArray[Any]]]:
    """What the gradient is off by at points close by, where that comes and goes.

    Numbers of size 1 may cancel within a gradient, as in y - t, by less than a nudge shows. A
    mistake is off by about the same share at all of the points, or much more at others; rounding
    is not.
    """
    points = point.around()
    tested = [(point, measured, found), *((p, jacobian(p), again(p.args)) for p in points)]
    scattered = []
    for k, (_, y) in enumerate(point.outputs):
        start = sum(other.size for _, other in point.outputs[:k])
        row = []
        for i, leaf in enumerate(point.leaves):
            shape = (*y.shape, *leaf.values.shape)
            off = []
            size = []
            for _, witness, g in tested:
                expected = _complex(witness.value[start : start + y.size, leaf.part], leaf)
                expected = expected.reshape(shape)
                off.append(np.real(g[k][i] - expected) if g[k][i].shape == shape else expected)
                size.append(np.abs(expected))
            shares = np.stack(off) / np.where(np.stack(size) == 0, 1, np.stack(size))
            low, high = np.min(shares, axis=0), np.max(shares, axis=0)
            steady = (low * high > 0) & (high - low < 0.1 * np.maximum(abs(low), abs(high)))
            most = np.max(np.abs(off), axis=0)
            row.append(np.where(steady | (most > 16 * np.abs(off[0])), 0.0, most))
        scattered.append(row)
    return scattered


def _along(
    name: str, point: Vector, found: list[list[NDArray[Any]]], order: int, count: int, seed: int
) -> Report:
    """The verdicts of derivatives along random directions, by the length s of a step in each."""
    if count < 1:
        raise Error(
            f"directions={count}",
            "a check needs at least one direction",
            "pass a positive number, or leave it out to test every entry",
        )
    rays = np.random.default_rng(seed).normal(size=(point.x.size, count))
    for leaf in point.leaves:  # a leaf moves by its size, entries that are 0 too
        rays[leaf.part] *= np.max(np.abs(leaf.values), initial=0) or 1

    def ahead(s: Any) -> Any:
        return point.f(*point.arguments(point.x + rays @ s))

    line = Vector(ahead, (np.zeros(count),), (0,), extent=1.0)
    step = replace(line.leaves[0], label="s")
    measured = jacobian(line)
    parts, start = [], 0
    for (label, y), jacobians in zip(point.outputs, found, strict=True):
        slopes = np.zeros((*y.shape, count))
        moves = np.full((*y.shape, count), np.max(np.abs(measured.value), initial=0))
        for leaf, g in zip(point.leaves, jacobians, strict=True):
            flat = g.reshape(*y.shape, leaf.values.size)
            if leaf.values.dtype.kind == "c":  # d/dx - i d/dy
                flat = np.concatenate([np.real(flat), -np.imag(flat)], axis=-1)
            slopes += flat @ rays[leaf.part]
            moves += np.abs(flat) @ np.abs(rays[leaf.part])
        rows = slice(start, start + y.size)
        start += y.size
        eps = max(_eps(g, leaf.values) for g, leaf in zip(jacobians, point.leaves, strict=True))
        parts.append(_verdicts(label, y, step, measured, rows, slopes, eps * moves, eps))
    note = f"tested along {count} random directions only, seed {seed}: a step of s in each"
    return Report(name, measured.method, measured.evaluations, tuple(parts), order, notes=(note,))


def _parts(point: Vector, measured: Measured, found: Any, noise: Any) -> list[Verdicts]:
    parts: list[Verdicts] = []
    start = 0
    for k, (label, y) in enumerate(point.outputs):
        rows = slice(start, start + y.size)
        start += y.size
        mine = [
            _verdicts(label, y, leaf, measured, rows, g, noise[k][i] if noise else 0.0)
            for i, (leaf, g) in enumerate(zip(point.leaves, found[k], strict=True))
        ]
        comparisons = [verdicts.comparison for verdicts in mine]
        for i, verdicts in enumerate(mine):
            others = tuple(c for k, c in enumerate(comparisons) if k != i)
            object.__setattr__(verdicts.comparison, "siblings", others)
        parts += mine
    return parts


def _may_be_rounding(part: Verdicts) -> bool:
    c = part.comparison
    if c.found.shape != c.expected.shape:
        return False
    with np.errstate(invalid="ignore"):
        close = np.abs(c.found - c.expected) <= c.tolerance + _cap(
            _eps(c.found, c.value), c.expected
        )
    return bool(np.any(close & (part.codes == ORDER.index(WRONG))))


def _cap(eps: float, expected: NDArray[Any]) -> float:
    """The most that the rounding of a gradient may come to: ulps of its largest entry, or of 1."""
    finite = np.where(np.isfinite(expected), np.abs(expected), 0)
    return 64 * eps * float(np.max(finite, initial=1))


def _eps(*arrays: NDArray[Any]) -> float:
    kinds = [a.dtype for a in arrays if a.dtype.kind in "fc"]
    return max((float(np.finfo(kind).eps) for kind in kinds), default=2.0**-52)


def _verdicts(
    label: str, y: NDArray[Any], leaf: Leaf, measured: Measured, rows: slice, found: NDArray[Any],
    noise: Any, eps: float | None = None,
) -> Verdicts:  # fmt: skip
    """An entry's tolerance: the witness's error, and the rounding of the gradient's own dtype.

    That is some ulp of the entry; of the largest of its row, or few of the largest of all, where
    the witness itself does not resolve the entry; and what ulps of the arguments change in the
    gradient under test (`noise`).
    """
    shape = (*y.shape, *leaf.values.shape)
    value, error, left, right = (
        _complex(part[rows, leaf.part], leaf).reshape(shape)
        for part in (measured.value, measured.error, measured.left, measured.right)
    )
    kink = measured.kink[rows, leaf.part]
    if leaf.values.dtype.kind == "c":
        kink = kink[:, : leaf.values.size] | kink[:, leaf.values.size :]
    kink, error = kink.reshape(shape), np.abs(error)
    eps = eps or _eps(found, leaf.values)
    finite = np.where(np.isfinite(value), np.abs(value), 0)
    inner = tuple(range(y.ndim, len(shape)))
    largest = np.max(finite, inner, initial=0, keepdims=True)
    vague = error >= 1e-4 * finite
    row = np.maximum(largest, np.max(finite, initial=0) / 16)
    tolerance = 4 * error + 64 * eps * (np.abs(value) + np.where(vague, row, 0))
    tolerance += np.minimum(8 * noise, _cap(eps, value))
    codes = np.full(shape, ORDER.index(WRONG))
    if found.shape == shape:
        extent = np.max(np.abs(leaf.values), initial=0) or 1.0
        slope = np.abs(np.where(np.isfinite(y), y, 0)).reshape(largest.shape) / extent
        with np.errstate(invalid="ignore"):
            same = (np.abs(found - value) <= tolerance) | (found == value)
            same |= (found == 0) & (np.abs(value) < eps)  # lost beside a 1, as in y - t
            sure = error <= np.sqrt(eps) * (finite + largest + slope) + 4096 * eps
            low, high = np.minimum(left, right), np.maximum(left, right)
            slack = 1e-4 * (np.abs(left) + np.abs(right))
            inside = (found >= low - slack) & (found <= high + slack)
        codes[same] = ORDER.index(RIGHT)
        codes[~np.isfinite(value) & ~same] = ORDER.index(UNDECIDABLE)
        codes[~sure & np.isfinite(value) & same] = ORDER.index(UNDECIDABLE)
        # f has no value on one side, at the edge of its domain, or its slopes have no limit.
        codes[~(np.isfinite(left) & np.isfinite(right))] = ORDER.index(UNDECIDABLE)
        codes[kink & inside] = ORDER.index(KINK)
        codes[kink & ~inside] = ORDER.index(WRONG)
    comparison = Comparison(
        leaf.label, leaf.values, label, y, value, found, tolerance, ~kink & np.isfinite(value), ()
    )
    return Verdicts(comparison, codes, error, left, right)


def _complex(part: NDArray[Any], leaf: Leaf) -> NDArray[Any]:
    """By a complex argument, d/dx - i d/dy."""
    if leaf.values.dtype.kind != "c":
        return part
    n = leaf.values.size
    return part[:, :n] - 1j * part[:, n:]
