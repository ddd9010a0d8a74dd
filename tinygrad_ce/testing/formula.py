"""check_formula: a gradient derived by hand against the engine's and against a numerical one.

    from tinygrad_ce.testing.formula import check_formula
    from tinygrad_ce.testing.strategies import alike, probabilities, soft_targets

    outputs = alike(probabilities, soft_targets, shape=3)
    check_formula(tg.cross_entropy, lambda y, t: -t / y, given=outputs)

and as a test, whose body is the formula:

    @check_formula(tg.cross_entropy, given=outputs)
    def test_cross_entropy(y, t):
        return -t / y
"""

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from tinygrad_ce.testing.drawing import SearchStrategy, hypothesis, st
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.report import UNDECIDABLE, WRONG, Report, WrongGradientError
from tinygrad_ce.trees import leaves

__all__ = ["check_formula"]

Function = Callable[..., Any]
Given = SearchStrategy[Any] | Sequence[SearchStrategy[Any]]


@overload
def check_formula(
    f: Function,
    formula: Function,
    *,
    given: Given,
    argnums: int | Sequence[int] = 0,
    settings: hypothesis.settings | None = None,
    seed: int | None = None,
) -> None: ...


@overload
def check_formula(
    f: Function,
    formula: None = None,
    *,
    given: Given,
    argnums: int | Sequence[int] = 0,
    settings: hypothesis.settings | None = None,
    seed: int | None = None,
) -> Callable[[Function], Callable[[], None]]: ...


def check_formula(
    f: Function,
    formula: Function | None = None,
    *,
    given: Given,
    argnums: int | Sequence[int] = 0,
    settings: hypothesis.settings | None = None,
    seed: int | None = None,
) -> Any:
    """Check that for all drawn inputs, formula = the engine's gradient = a numerical witness.

    Args:
        f: a function of arrays or trees of arrays. If its result is no scalar, the gradient is
            that of the sum of its entries: the derivative itself, of an elementwise function.
        formula: the gradient on paper, of f's arguments: an array like the argument that argnums
            names, or a tuple of them. Left out, a decorator of the formula is returned, which makes
            a test of it, without arguments, for pytest to find.
        given: a strategy of f's argument, or of a tuple of f's arguments, or a sequence with a
            strategy for each argument.
        argnums: the argument or arguments that the formula is the gradient by.
        settings: Hypothesis's; by default those of the loaded profile, without a deadline.
        seed: of the draws, an int; otherwise Hypothesis chooses.

    Raises:
        WrongGradientError: an AssertionError. Its message says which of the two is wrong, with the
            report for the smallest input that was found; Hypothesis adds that input.
        hypothesis.errors.Unsatisfiable, FailedHealthCheck: the witness could decide (almost) none
            of the draws.

    Where the witness is undecidable, formula and engine must still agree, and the draw does not
    count. At a kink both may be anything between the one-sided derivatives.

    >>> from tinygrad_ce.testing.strategies import positive
    >>> check_formula(np.log, lambda x: 1 / x, given=positive())
    >>> try:
    ...     check_formula(np.log, lambda x: 2 / x, given=positive())
    ... except WrongGradientError as error:
    ...     print(str(error).splitlines()[0])
    the formula is wrong, the engine is right
    """
    strategy = given if isinstance(given, SearchStrategy) else st.tuples(*given)

    def decorated(formula: Function) -> Callable[[], None]:
        def check(args: Any) -> None:
            _agree(f, formula, args if isinstance(args, tuple) else (args,), argnums)

        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            setattr(check, name, getattr(formula, name, None))
        if not check.__name__ or not check.__name__.isidentifier():
            check.__name__ = "check_formula"
        test = hypothesis.given(args=strategy)(check)
        test = (settings or hypothesis.settings(deadline=None))(test)
        return test if seed is None else hypothesis.seed(seed)(test)

    if formula is None:
        return decorated
    return decorated(formula)()


def _agree(f: Function, formula: Function, args: tuple[Any, ...], argnums: Any) -> None:
    def total(*xs: Any) -> Any:
        return sum(np.sum(y) for y in leaves(f(*xs)))

    name = getattr(f, "__name__", type(f).__name__)
    engine = gradcheck(total, *args, argnums=argnums, name=f"engine, {name}")
    derived = gradcheck(total, *args, argnums=argnums, gradient=formula, name=f"formula, {name}")
    wrong = [which for which in (derived, engine) if which.verdict == WRONG]
    if wrong:
        texts = [
            f"the {who} is {'wrong' if which.verdict == WRONG else which.verdict}"
            for who, which in (("formula", derived), ("engine", engine))
        ]
        raise WrongGradientError("\n".join([", ".join(texts), *map(str, wrong)]))
    if UNDECIDABLE in (derived.verdict, engine.verdict):
        if not _near(derived, engine):
            raise WrongGradientError(
                f"formula and engine differ, where the witness is undecidable\n{derived}\n{engine}"
            )
        hypothesis.reject()


def _near(derived: Report, engine: Report) -> bool:
    """Whether the undecidable entries of two gradients agree to half their digits."""
    for a, b in zip(derived.parts, engine.parts, strict=True):
        x, y = a.comparison.found, b.comparison.found
        half = np.sqrt(np.finfo(np.result_type(y.dtype, np.float32)).eps)
        kink = np.isfinite(x) & np.isfinite(y) & (np.maximum(a.codes, b.codes) == 1)
        if not np.all(kink | np.isclose(x, y, rtol=half, atol=half, equal_nan=True)):
            return False
    return True
