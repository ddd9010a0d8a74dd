"""Ufuncs that nobody gave rules: refused where a gradient would be lost, computed elsewhere."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg

double = np.frompyfunc(lambda x: 2 * x, 1, 1)
both = np.frompyfunc(lambda x, y: (x + y, x - y), 2, 2)
X = np.array([1.0, -2.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: double(x),
        lambda x: both(x, 1.0)[0],
        lambda x: both(1.0, x)[1],
        lambda x: double.at(x, 0),
        lambda x: np.frompyfunc(lambda a, b: a * b, 2, 1).outer(x, x),
        lambda x: np.vectorize(lambda a: 2 * a)(x),
        lambda x: np.vectorize(lambda a: 2 * a, otypes=[float])(x),
    ],
)
def test_a_lost_gradient_is_refused(call: Any) -> None:
    with pytest.raises(tg.UnsupportedError):
        call(tg.tensor(X, requires_grad=True))
    with pytest.raises(tg.UnsupportedError):
        tg.grad(lambda x: np.sum(call(x)))(X)


def test_the_message_names_the_function_and_the_way() -> None:
    with pytest.raises(tg.UnsupportedError, match=r"no gradient rule for .*detach\(\)"):
        double(tg.tensor(X, requires_grad=True))


def test_constants_are_computed() -> None:
    found = double(tg.tensor(X))
    assert found.numpy().tolist() == [2.0, -4.0]
    assert [part.numpy().tolist() for part in both(tg.tensor(X), 1.0)] == [[2, -1], [0, -3]]
    with tg.no_grad():
        assert double(tg.tensor(X, requires_grad=True)).numpy().tolist() == [2.0, -4.0]


def test_a_ufunc_may_be_given_rules() -> None:
    cube = np.frompyfunc(lambda x: x**3, 1, 1)
    own = tg.primitive(cube, rules=lambda g, y, x: g * (3 * x * x), elementwise=True)
    assert own is cube
    x = tg.tensor(X, requires_grad=True)
    y = cube(x)
    y.backward(np.ones(2))
    assert x.grad.tolist() == [3.0, 12.0]
    assert x.grad.dtype == float
