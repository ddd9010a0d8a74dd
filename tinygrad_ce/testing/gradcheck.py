"""gradcheck: is this gradient right? And if not, how is it wrong?"""

from __future__ import annotations

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
    found = _found(f, args, numbers, point, gradient, pullback)
    measured = jacobian(point)
    title = name or str(getattr(f, "__name__", type(f).__name__))
    report = _judged(title, point, measured, found, order=1)
    if gradient is None and pullback is None:
        report = _blamed(report, f, args, numbers)
    if order == 1 or not report:
        return report
    if order != 2 or gradient is not None or pullback is not None:
        raise Error(
            f"a check of order {order} was asked for",
            "the engine's gradients are checked to order 2, those of others to order 1",
            "check the function that computes the gradient by itself",
        )
    slope = _slope(f, args, numbers)
    point = Vector(slope, args, numbers)
    second = _judged(
        title, point, jacobian(point), _found(slope, args, numbers, point, None, None), order=2
    )
    second = _blamed(second, slope, args, numbers)
    return Report(title, report.method, report.evaluations, report.parts, higher=second)


def blame(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None
) -> tuple[str, ...]:
    """The steps of f whose gradient rules are wrong, a sentence each: step, line, operand, error.

    Each step that f(*args) leaves in the graph is checked by itself, on the values it saw.

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
    return culprits(gradcheck, f, args, _argnums(args, argnums))


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
    if isinstance(argnums, int):
        return (argnums % len(args),)
    if argnums is not None:
        return tuple(number % len(args) for number in argnums)

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
        return _pulled(point, lambda g: _leaves(point, _single(pull(g), numbers), numbers), f, args)
    return _pulled(point, lambda g: _leaves(point, pullback(g, *args), numbers), f, args)


def _single(trees: tuple[Any, ...], numbers: tuple[int, ...]) -> Any:
    return trees[0] if len(numbers) == 1 else trees


def _leaves(point: Vector, tree: Any, numbers: tuple[int, ...]) -> list[NDArray[Any]]:
    """The arrays of a gradient, in the order of the leaves of the arguments."""
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


def _pulled(point: Vector, pull: Any, f: Any, args: tuple[Any, ...]) -> list[list[NDArray[Any]]]:
    """The Jacobians row by row, one pull-back for each entry of the results."""
    rows: list[list[NDArray[Any]]] = []
    shapes = [y.shape for _, y in point.outputs]
    _, structure = flatten(f(*args))
    for k, shape in enumerate(shapes):
        found = []
        for index in np.ndindex(shape):
            seeds = [np.zeros(s) for s in shapes]
            seeds[k][index] = 1
            found.append(pull(structure.build([seed[()] for seed in seeds])))
        columns = list(zip(*found, strict=True)) or [()] * len(point.leaves)
        rows.append([
            np.reshape(np.stack(c) if c else (), (*shape, *(c[0] if c else leaf.values).shape))
            for c, leaf in zip(columns, point.leaves, strict=True)
        ])  # fmt: skip
    return rows


def _judged(
    name: str, point: Vector, measured: Measured, found: list[list[NDArray[Any]]], order: int
) -> Report:
    parts: list[Verdicts] = []
    start = 0
    for (label, y), jacobians in zip(point.outputs, found, strict=True):
        rows = slice(start, start + y.size)
        start += y.size
        mine = [
            _verdicts(label, y, leaf, measured, rows, g)
            for leaf, g in zip(point.leaves, jacobians, strict=True)
        ]
        comparisons = [verdicts.comparison for verdicts in mine]
        for i, verdicts in enumerate(mine):
            others = tuple(c for k, c in enumerate(comparisons) if k != i)
            object.__setattr__(verdicts.comparison, "siblings", others)
        parts += mine
    return Report(name, measured.method, measured.evaluations, tuple(parts), order)


def _verdicts(
    label: str, y: NDArray[Any], leaf: Leaf, measured: Measured, rows: slice, found: NDArray[Any]
) -> Verdicts:
    """An entry's tolerance is the witness's error, and the rounding of the gradient's own dtype."""
    shape = (*y.shape, *leaf.values.shape)
    value, error, left, right = (
        _complex(part[rows, leaf.part], leaf).reshape(shape)
        for part in (measured.value, measured.error, measured.left, measured.right)
    )
    kink = measured.kink[rows, leaf.part]
    if leaf.values.dtype.kind == "c":
        kink = kink[:, : leaf.values.size] | kink[:, leaf.values.size :]
    kink, error = kink.reshape(shape), np.abs(error)
    kinds = [d for d in (found.dtype, leaf.values.dtype) if d.kind in "fc"]
    eps = max((float(np.finfo(d).eps) for d in kinds), default=2.0**-52)
    largest = np.max(np.abs(np.where(np.isfinite(value), value, 0)), initial=0)
    tolerance = 4 * error + 64 * eps * (np.abs(value) + largest)
    codes = np.full(shape, ORDER.index(WRONG))
    if found.shape == shape:
        with np.errstate(invalid="ignore"):
            same = (np.abs(found - value) <= tolerance) | (found == value)
            sure = error <= np.sqrt(eps) * (np.abs(value) + largest) + 64 * eps
            low, high = np.minimum(left, right), np.maximum(left, right)
            slack = 1e-4 * (np.abs(left) + np.abs(right)) + 1e-6
            inside = (found >= low - slack) & (found <= high + slack)
        codes[same] = ORDER.index(RIGHT)
        codes[~np.isfinite(value) & ~same] = ORDER.index(UNDECIDABLE)
        codes[~sure & np.isfinite(value) & same] = ORDER.index(UNDECIDABLE)
        # Where f has no value on one side, x is at the edge of its domain.
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
