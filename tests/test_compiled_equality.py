"""Compiled functions return what they return uncompiled: every example of the rule table.

Each program is written down at one point and run at others of the same shapes: other numbers,
other signs, whole numbers with ties and zeros. What depended on the first numbers would show.
"""

import zlib
from typing import Any

import numpy as np
import pytest
from cases import Case, name

import tinygrad_ce as tg
from examples import EXAMPLES
from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.compiled import compile

# What cannot be written down: a shape, a dtype or an order in memory follows from numbers.
REFUSED = {
    "eig": "dtype", "eigvals": "dtype", "real_if_close": "dtype|branches",
    "extract": "shape", "piecewise": "shape", "polymul": "shape", "trim_zeros": "shape",
    "unique": "shape",
}  # fmt: skip
BY_LAYOUT = {("ravel", i) for i in (2, 3, 4, 5)} | {("reshape", i) for i in (5, 6)}
FINE = {("real_if_close", 1), ("extract", 0)}  # with real numbers, with a constant condition


def is_refused(function: str, i: int) -> bool:
    return (function in REFUSED or (function, i) in BY_LAYOUT) and (function, i) not in FINE


def cases(refused: bool) -> Any:
    return [
        pytest.param(name(f), i, case, id=f"{name(f)}-{i}")
        for f, cases in EXAMPLES.items()
        for i, case in enumerate(cases)
        if is_refused(name(f), i) == refused
    ]


def points(case: Case) -> list[Any]:
    """Where a case is evaluated: the numbers of the first are what the program is written with.

    Others are off the grid that some are drawn from: sums of those tie but for rounding, and
    whether they do depends on the order of adding. The ties of whole numbers are exact.
    """

    def drawn(seed: int) -> Any:
        rng = np.random.default_rng(zlib.crc32(repr(case.draws).encode()) + seed)
        drawn = [draw(rng) for draw in case.draws]
        return tuple(np.asarray(x + rng.uniform(-1e-3, 1e-3, x.shape)) for x in drawn)

    return [
        case.arguments(),
        drawn(1),
        tuple(-x for x in drawn(2)),
        tuple(np.round(x) for x in drawn(3)),
        tuple(np.zeros(x.shape) for x in drawn(4)),
    ]


def outcome(f: Any, xs: Any) -> Any:
    """What f returns, as a flat list; or the kind of the error it raises."""
    try:
        with np.errstate(all="ignore"):
            return tg.trees.leaves(f(*xs))
    except (ArithmeticError, ValueError, TypeError, np.linalg.LinAlgError) as error:
        if isinstance(error, TraceError):
            raise
        return type(error)


def check_same(found: Any, expected: Any, roundings: float = 64, coarsest: float = 0.0) -> None:
    """Equal up to so many roundings of the results' dtype, or of a coarser one on the way."""
    if isinstance(expected, type):
        assert found is expected
        return
    assert len(found) == len(expected)
    for a, b in zip(map(np.asarray, found), map(np.asarray, expected)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if b.dtype.kind in "fc":
            tolerance = roundings * max(np.finfo(b.dtype).eps, coarsest)
            scale = np.max(np.abs(b), initial=1, where=np.isfinite(b))
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)
        else:
            np.testing.assert_array_equal(a, b)


def value_and_gradients(case: Case) -> Any:
    def computed(*xs: Any) -> Any:
        y, pull = tg.vjp(case.f, *xs)
        n = int(np.prod(y.shape))
        return y, pull(np.linspace(0.5, 1.5, n).reshape(y.shape))

    return computed


@pytest.mark.parametrize(("function", "i", "case"), cases(refused=False))
def test_examples(function: str, i: int, case: Case) -> None:
    kinds = (np.float64, np.float32) if i == 0 else (np.float64,)
    for dtype in kinds:
        where = [tuple(x.astype(dtype) for x in xs) for xs in points(case)]
        for f in (case.f, value_and_gradients(case)):
            check_compiled(f, where)


def check_compiled(f: Any, where: list[Any]) -> None:
    """The program written at the first point returns what f returns, there and elsewhere."""
    compiled = compile(f)
    if isinstance(outcome(f, where[0]), type):
        return
    for xs in where:
        check_same(outcome(compiled, xs), outcome(f, xs))


@pytest.mark.parametrize(("function", "i", "case"), cases(refused=True))
def test_examples_that_are_refused(function: str, i: int, case: Case) -> None:
    for f in (case.f, value_and_gradients(case)):
        with pytest.raises(TraceError, match=REFUSED.get(function, "eager|order")):
            compile(f)(*case.arguments())
