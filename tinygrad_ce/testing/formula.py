"""check_formula: a gradient derived by hand against the engine's and against a numerical one.

    from tinygrad_ce.testing import check_formula
    from tinygrad_ce.testing.strategies import alike, probabilities, soft_targets

    outputs = alike(probabilities, soft_targets, shape=3)
    check_formula(tg.cross_entropy, lambda y, t: -t / y, given=outputs)

and as a test, whose body is the formula:

    @check_formula(tg.cross_entropy, given=outputs)
    def test_cross_entropy(y, t):
        return -t / y
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from typing import Any, TypeAlias, overload

import numpy as np

from tinygrad_ce.errors import Error, OptionTypeError
from tinygrad_ce.testing.drawing import SearchStrategy, hypothesis
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.report import RIGHT, UNDECIDABLE, WRONG, Report, WrongGradientError
from tinygrad_ce.transforms import grad
from tinygrad_ce.trees import leaves

__all__ = ["check_formula"]

Function = Callable[..., Any]
Given: TypeAlias = "SearchStrategy[Any] | Sequence[SearchStrategy[Any]]"


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
            a test of it for pytest to find; its keyword-only arguments are pytest's fixtures.
        given: a strategy of f's argument, or of a tuple of f's arguments, or a sequence with a
            strategy for each argument.
        argnums: the argument or arguments that the formula is the gradient by.
        settings: Hypothesis's; by default those of the loaded profile, without a deadline and
            without the lines of code that all failures have in common.
        seed: of the draws, an int; otherwise Hypothesis chooses.

    Raises:
        WrongGradientError: an AssertionError. Its message says which of the two is wrong, with the
            report for the smallest input that was found; Hypothesis adds that input.
        Error: f or formula is no function, or f returned nothing.
        MissingError: Hypothesis is not installed (`pip install "tinygrad_ce[testing]"`).
        hypothesis.errors.Unsatisfiable, FailedHealthCheck: the witness could decide (almost) none
            of the draws.

    Where the witness is undecidable, formula and engine must still agree, and the draw does not
    count. At a kink both may be anything between the one-sided derivatives. Arguments are called
    as the formula calls them.

    >>> from tinygrad_ce.testing.strategies import positive
    >>> check_formula(np.log, lambda x: 1 / x, given=positive())
    >>> try:
    ...     check_formula(np.log, lambda x: 2 / x, given=positive())
    ... except WrongGradientError as error:
    ...     print(str(error).splitlines()[0])
    the formula is wrong, the engine is right
    """
    for what in (f, formula):
        if what is not None and not callable(what):
            raise OptionTypeError(
                f"{what!r:.60} was given for a function",
                "f is a function, and so is its gradient on paper",
                "pass check_formula(f, formula, given=...), both of the same arguments",
            )
    if formula is not None:
        return _test(f, formula, given, argnums, settings, seed)()
    return lambda formula: _test(f, formula, given, argnums, settings, seed)


def _test(
    f: Function, formula: Function, given: Given, argnums: Any, settings: Any, seed: int | None
) -> Any:
    """The formula as a test of Hypothesis."""
    parameters = _parameters(formula)
    bound = [p for p in parameters[:1] if p.name == "self"]  # the test is a method
    fixtures = [p for p in parameters if p.kind == p.KEYWORD_ONLY and p.default is p.empty]
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters[len(bound) :] if p.kind in positional]
    names = names or [p.name for p in _parameters(f) if p.kind in positional]
    strategies: dict[str, Any] = {"args": given}
    if isinstance(given, Sequence):
        names = names if len(names) >= len(given) else [f"x{i}" for i in range(len(given))]
        strategies = dict(zip(names, given))

    @wraps(formula)
    def check(*owner: Any, **drawn: Any) -> None:
        __tracebackhide__ = True  # pytest's word: the message says it all
        values = [drawn.pop(name) for name in strategies]
        if not isinstance(given, Sequence) and type(values[0]) is tuple:  # no named one: a tree
            values = [*values[0]]
        _agree(f, partial(formula, *owner, **drawn), tuple(values), names, argnums)

    drawn = [Parameter(name, Parameter.KEYWORD_ONLY) for name in strategies]
    check.__signature__ = Signature([*bound, *drawn, *fixtures])  # type: ignore[attr-defined]
    if not check.__name__.isidentifier():
        check.__name__ = "check_formula"
    test = (settings or _settings())(hypothesis.given(**strategies)(check))
    return test if seed is None else hypothesis.seed(seed)(test)


def _settings() -> Any:
    """Those of the profile; the lines that all failures have in common would be lines of ours."""
    phases = set(hypothesis.settings().phases) - {hypothesis.Phase.explain}
    return hypothesis.settings(deadline=None, phases=phases)


def _parameters(f: Function) -> list[Parameter]:
    try:
        return list(signature(f).parameters.values())
    except (TypeError, ValueError):
        return []


def _agree(
    f: Function, formula: Function, args: tuple[Any, ...], names: list[str], argnums: Any
) -> None:
    __tracebackhide__ = True
    name = getattr(f, "__name__", type(f).__name__)

    def total(*xs: Any) -> Any:
        found = leaves(f(*xs))
        if not found:
            raise Error(
                f"{name} returned nothing", "a gradient is that of a result",
                "return what is to be differentiated",
            )  # fmt: skip
        return sum(np.sum(y) for y in found)

    parameters = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in names]
    total.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    derived = gradcheck(total, *args, argnums=argnums, gradient=formula, name=f"formula, {name}")
    if derived.verdict == RIGHT:
        with np.errstate(all="ignore"):
            if _within(derived, leaves(grad(total, argnums)(*args))):
                return
    engine = gradcheck(total, *args, argnums=argnums, name=f"engine, {name}")
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


def _within(report: Report, gradients: list[Any]) -> bool:
    """Whether other gradients, too, are what the witness of a report found: it runs once."""
    comparisons = [part.comparison for part in report.parts]
    return all(
        np.shape(g) == c.expected.shape and bool(np.all(np.abs(g - c.expected) <= c.tolerance))
        for g, c in zip(gradients, comparisons, strict=True)
    )


def _near(derived: Report, engine: Report) -> bool:
    """Whether the undecidable entries of two gradients agree to half their digits."""
    for a, b in zip(derived.parts, engine.parts, strict=True):
        x, y = a.comparison.found, b.comparison.found
        half = np.sqrt(np.finfo(np.result_type(y.dtype, np.float32)).eps)
        kink = np.isfinite(x) & np.isfinite(y) & (np.maximum(a.codes, b.codes) == 1)
        if not np.all(kink | np.isclose(x, y, rtol=half, atol=half, equal_nan=True)):
            return False
    return True
