"""Random programs, compiled: their values and derivatives are those of running them eagerly.

Each is written down at one point and run at others too. The sources that stand alone return the
same in a fresh interpreter.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case
from fresh import results
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compiled_equality import cases, check_same, outcome, value_and_gradients

import tinygrad_ce as tg
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.testing.strategies import Program, programs
from tinygrad_ce.trees import leaves

ROUNDINGS = 400  # second derivatives of eight lines: a few hundred operations
SEVERAL = 8  # programs that one interpreter runs
Point = tuple[Any, ...]


def weighed(p: Program) -> Callable[..., Any]:
    """A number that depends on every entry of the result, not linearly."""

    def loss(*xs: Any) -> Any:
        y = p(*xs)
        weights = np.linspace(0.5, 1.5, max(np.size(y), 1))[: np.size(y)]
        return np.sum(weights.reshape(np.shape(y)) * np.real(y * np.conjugate(y)))

    return loss


def ones(xs: Point) -> Point:
    return tuple(np.ones_like(x) for x in xs)


# Ways to a derivative, each a function of the program that makes a function of its arguments.
WAYS: dict[str, Callable[[Program, Any], Callable[..., Any]]] = {
    "value": lambda p, n: p,
    "value_and_grad": lambda p, n: tg.value_and_grad(weighed(p), n),
    "jvp": lambda p, n: lambda *xs: tg.jvp(p, xs, ones(xs)),
    "hvp": lambda p, n: lambda *xs: tg.hvp(weighed(p), xs, ones(xs)),
    "hessian": lambda p, n: tg.hessian(weighed(p), n),
    "grad of grad": lambda p, n: tg.grad(
        lambda *xs: sum(np.sum(np.sin(g.real)) for g in tg.grad(weighed(p), n)(*xs)), n
    ),
}


def points(p: Program, imaginary: float = 0.0) -> list[Point]:
    """Where a program is run: where it is smooth, and where its operations may have kinks."""
    xs = p.point()
    if imaginary:
        xs = tuple(np.asarray(x + imaginary * 1j, np.result_type(x, np.complex64)) for x in xs)
    elsewhere = tuple(np.asarray(0.1 - x, x.dtype) for x in xs)
    return [xs, elsewhere, tuple(np.asarray(np.round(x), x.dtype) for x in xs)]


def check_equal(f: Callable[..., Any], where: list[Point]) -> Any:
    compiled = compile(f)
    if isinstance(outcome(f, where[0]), type):
        return compiled
    coarsest = max(np.finfo(x.dtype).eps for x in where[0])
    for xs in where:
        check_same(outcome(compiled, xs), outcome(f, xs), ROUNDINGS, coarsest)
    return compiled


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=max(settings.default.max_examples // 3, 10))
@given(p=programs(longest=6))
def test_programs(way: str, p: Program) -> None:
    n = tuple(range(len(p.leaves)))
    if way != "hessian" or sum(x.size for x in p.point()) < 6:
        check_equal(WAYS[way](p, n), points(p))


@pytest.mark.parametrize("way", ["value", "value_and_grad", "jvp", "hvp"])
@settings(max_examples=max(settings.default.max_examples // 5, 10))
@given(p=programs(analytic=True, longest=6))
def test_programs_of_complex_numbers(way: str, p: Program) -> None:
    check_equal(WAYS[way](p, tuple(range(len(p.leaves)))), points(p, 0.125))


@settings(max_examples=max(settings.default.max_examples // 20, 5))
@given(several=st.lists(programs(longest=6), min_size=SEVERAL, max_size=SEVERAL))
def test_programs_in_a_fresh_interpreter(several: list[Program], tmp_path_factory: Any) -> None:
    compiled = []
    for i, p in enumerate(several):
        way = list(WAYS.values())[i % 4]  # all but hessian, which is long
        xs = p.point()
        made = compile(way(p, tuple(range(len(xs)))))
        found = outcome(made, xs)
        if not isinstance(found, type):
            compiled.append((made, xs, found))
    check_sources(compiled, tmp_path_factory.mktemp("fresh"))


def check_sources(compiled: list[Any], folder: Path) -> None:
    """The sources of (compiled function, arguments, results) give the same results elsewhere."""
    made = results([(c, xs) for c, xs, _ in compiled], folder)
    for found, (_, _, expected) in zip(made, compiled, strict=True):
        check_same(found, expected)


def first_of_each() -> list[Case]:
    """One example of each function, in which its rule is needed."""
    return [p.values[2] for p in cases(refused=False) if p.values[1] == 0]


def test_every_function_in_a_fresh_interpreter(tmp_path: Path) -> None:
    compiled = []
    for case in first_of_each():
        made, xs = compile(value_and_gradients(case)), case.arguments()
        compiled.append((made, xs, leaves(made(*xs))))
    check_sources(compiled, tmp_path)
