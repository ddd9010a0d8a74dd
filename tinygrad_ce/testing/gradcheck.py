"""gradcheck: is this gradient right? And if not, how is it wrong?"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import OptionError
from tinygrad_ce.options import count, function
from tinygrad_ce.testing.blame import culprits
from tinygrad_ce.testing.rays import along
from tinygrad_ce.testing.report import WRONG, Report, WrongGradientError
from tinygrad_ce.testing.rounding import judged
from tinygrad_ce.testing.tested import chosen, jacobians
from tinygrad_ce.testing.vectors import Vector
from tinygrad_ce.testing.witnesses import jacobian
from tinygrad_ce.transforms import grad
from tinygrad_ce.trees import flatten

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
    function("f", f)
    for what, given in {"gradient": gradient, "pullback": pullback}.items():
        if given is not None:
            function(what, given)
    if directions is not None:
        count("directions", directions, -inf)  # 0 is refused where they are drawn
    count("seed", seed, 0)
    if order not in (1, 2) or (order == 2 and (gradient is not None or pullback is not None)):
        raise OptionError(
            f"a check of order {order} was asked for",
            "the engine's gradients are checked to order 1 or 2, those of others to order 1",
            "check the function that computes the gradient by itself",
        )
    numbers = chosen(args, argnums)
    point = Vector(f, args, numbers)

    title = name or str(getattr(f, "__name__", type(f).__name__))

    def checked(f: Callable[..., Any], point: Vector, order: int) -> Report:
        def test(at: tuple[Any, ...]) -> list[list[NDArray[Any]]]:
            with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
                return jacobians(f, at, numbers, point, gradient, pullback)

        if directions is not None:
            return along(title, point, test(args), order, directions, seed)
        found = test(args)
        measured = jacobian(point)
        parts = judged(point, measured, found, test)
        report = Report(title, measured.method, measured.evaluations, tuple(parts), order)
        ours = gradient is None and pullback is None
        return _blamed(report, f, args, numbers) if ours else report

    report = checked(f, point, 1)
    if order == 1 or not report:
        return report
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
    return culprits(gradcheck, function("f", f), args, chosen(args, argnums), everything=True)


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


def _slope(f: Callable[..., Any], args: tuple[Any, ...], numbers: tuple[int, ...]) -> Any:
    """The gradient of f, or of a sum of its results with fixed weights if it has several."""

    @wraps(f)
    def weighed(*full: Any) -> Any:
        results = flatten(f(*full))[0]
        rng = np.random.default_rng(0)
        return sum(np.sum(rng.uniform(0.5, 1.5, np.shape(y)) * y) for y in results)

    return wraps(f)(grad(weighed, numbers))
