"""Values and derivatives of the elementwise functions against 50 digits, in ulp."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.rules import elementwise, erf, gamma, special
from tinygrad_ce.rules.table import TABLE

pytest.importorskip("mpmath")
import accuracy

POINTS = 300
OURS = [f for f in accuracy.EXACT if f in special.RULES | erf.RULES | gamma.RULES]
EVERY = pytest.mark.parametrize(
    ("f", "dtype"),
    [
        pytest.param(f, dtype, id=f"{accuracy.name(f)}-{np.dtype(dtype).name}")
        for f in accuracy.EXACT
        for dtype in accuracy.kinds(f)
    ],
)


def test_every_elementwise_function_is_measured() -> None:
    arrangements = {np.where, np.clip, np.divmod, np.real, np.imag}
    wanted = {f for f in elementwise.RULES if TABLE[f].rules} - arrangements
    assert {accuracy.name(f) for f in wanted - set(accuracy.EXACT)} == set()


@EVERY
def test_derivative_is_exact_to_some_ulp(f: Any, dtype: Any) -> None:
    worst = accuracy.measure(f, dtype, POINTS)
    ulps, edge = accuracy.bounds(f, dtype)
    assert worst.gradient <= ulps, worst
    assert worst.edge <= edge, worst


@pytest.mark.parametrize("dtype", accuracy.DTYPES)
@pytest.mark.parametrize("f", OURS, ids=accuracy.name)
def test_value_of_our_own_functions_is_exact_to_some_ulp(f: Any, dtype: Any) -> None:
    worst = accuracy.measure(f, dtype, POINTS)
    assert worst.value <= accuracy.VALUE_ULPS, worst


@EVERY
def test_no_rule_warns(f: Any, dtype: Any) -> None:
    xs = accuracy.operands(accuracy.EXACT[f], dtype, POINTS)
    with np.errstate(all="ignore"):
        y, pull = tg.vjp(f, *xs)
    with np.errstate(all="raise"):
        pull(np.ones_like(y))
