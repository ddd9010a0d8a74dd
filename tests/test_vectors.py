"""Trees as vectors: there and back, and SciPy's optimizers on them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ce as tg
from tinygrad_ce import nn
from tinygrad_ce.errors import DTypeError, ShapeError
from tinygrad_ce.trees import leaves

numbers = st.floats(-100, 100, width=32)
arrays = st.sampled_from(["f4", "f8"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, min_side=0), elements=numbers)
)
trees = st.recursive(
    arrays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(tree=trees)
def test_a_tree_comes_back(tree: Any) -> None:
    vector, made = tg.ravel(tree)
    for x, y in zip(leaves(tree), leaves(made(vector)), strict=True):
        assert (np.shape(x), x.dtype) == (np.shape(y), y.dtype)
        assert np.array_equal(x, y)


def test_the_vector_has_the_dtype_that_holds_all() -> None:
    assert tg.ravel([np.zeros(1, np.float32), np.zeros(1)])[0].dtype == np.float64
    assert tg.ravel([np.zeros(1, np.float32)])[0].dtype == np.float32


def test_the_vector_is_a_copy() -> None:
    x = np.zeros(2)
    tg.ravel(x)[0][:] = 1
    assert not x.any()


def test_gradients_flow_through_the_tree_that_is_made() -> None:
    vector, made = tg.ravel({"a": np.ones((2, 2)), "b": np.float32(3)})

    def f(v: Any) -> Any:
        tree = made(v)
        return np.sum(tree["a"] ** 2) * tree["b"]

    assert np.allclose(tg.grad(f)(vector), [6, 6, 6, 6, 4])


def test_buffers_are_left_out() -> None:
    assert len(tg.ravel(nn.BatchNorm1d(3))[0]) == 6


def test_buffers_are_kept() -> None:
    model = nn.BatchNorm1d(3)
    vector, made = tg.ravel(model)
    assert made(vector).running_mean is model.running_mean


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match="has 2 numbers"):
        tg.ravel(np.zeros(2))[1](np.zeros(3))


@pytest.mark.parametrize("dtype", [int, complex, bool])
def test_what_is_no_real_floating_point_is_refused(dtype: type) -> None:
    with pytest.raises(DTypeError, match="real floating point"):
        tg.ravel([np.zeros(2, dtype)])


X = np.random.default_rng(0).normal(size=(20, 3))
T = X @ np.array([[1.0], [2.0], [3.0]]) + 4.0


def error(model: Any, scale: float = 1.0) -> Any:
    return scale * np.mean((model(X) - T) ** 2)


@pytest.mark.parametrize("compiled", [True, False])
def test_it_is_value_and_grad(compiled: bool) -> None:
    model = nn.Linear(3, 1).double()
    value, gradient = tg.value_and_grad(error)(model)
    found = tg.value_and_grad_of_vector(error, model, compiled=compiled)(tg.ravel(model)[0])
    assert found[0] == pytest.approx(float(value), rel=1e-14)
    assert np.allclose(found[1], tg.ravel(gradient)[0], rtol=1e-13)


def test_other_arguments_go_along() -> None:
    model = nn.Linear(3, 1).double()
    f, start = tg.value_and_grad_of_vector(error, model), tg.ravel(model)[0]
    assert f(start, 2.0)[0] == pytest.approx(2 * f(start, 1.0)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scipy_finds_the_line(dtype: Any) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    model = nn.Linear(3, 1).to(dtype)
    start, made = tg.ravel(model)
    found = optimize.minimize(tg.value_and_grad_of_vector(error, model), start, jac=True)
    assert np.allclose(made(found.x).weight, [[1, 2, 3]], atol=1e-3)


def test_scipys_check_agrees() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    model = nn.Linear(3, 1).double()
    f = tg.value_and_grad_of_vector(error, model)
    wrong = optimize.check_grad(lambda v: f(v)[0], lambda v: f(v)[1], tg.ravel(model)[0])
    assert wrong < 1e-5
