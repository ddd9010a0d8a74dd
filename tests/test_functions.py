"""Activations against the derivatives on paper. Tolerances are in ulp of the larger of 1 and f'."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import tinygrad_ce as tg
from tinygrad_ce.rules.erf import erfc

DTYPES = [np.float32, np.float64]


def floats(low: float = -30, high: float = 30) -> Any:
    """Arrays of either dtype and any shape, 0-d and empty ones too."""
    numbers = st.floats(low, high, width=32)
    shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    return st.sampled_from(DTYPES).flatmap(lambda d: arrays(d, shapes, elements=numbers))


def vectors() -> Any:
    numbers = st.sampled_from([1e4, -1e4]) | st.floats(-30, 30, width=32)
    return st.sampled_from(DTYPES).flatmap(lambda d: arrays(d, (4,), elements=numbers))


def near(got: Any, right: Any, ulp: int) -> None:
    """Equal up to so many ulp of the larger of 1 and the right value, in got's dtype."""
    eps = np.finfo(got.dtype).eps
    assert np.all(np.abs(got - right) <= ulp * eps * np.maximum(1, np.abs(right)))


def slope(f: Any, x: Any) -> Any:
    g = np.asarray(tg.grad(lambda v: np.sum(f(v)))(x))
    assert g.dtype == x.dtype
    assert g.shape == x.shape
    return g


def wide_sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def gelu_tanh_slope(x: Any) -> Any:
    x = x.astype(np.float64)
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return 0.5 * (1 + np.tanh(u)) + 0.5 * x * (1 - np.tanh(u) ** 2) * du


def gelu_slope(x: Any) -> Any:
    x = x.astype(np.float64)
    phi = np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)), otypes=[float])(x)
    return phi + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


SLOPES = {
    "sigmoid": (tg.sigmoid, lambda x: wide_sigmoid(x) * wide_sigmoid(-x), 4),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x.astype(np.float64)) ** 2, 4),
    "relu": (tg.relu, lambda x: 1.0 * (x > 0), 0),
    "leaky_relu": (tg.leaky_relu, lambda x: np.where(x > 0, 1, 0.01), 1),
    "elu": (tg.elu, lambda x: np.exp(np.minimum(x, 0).astype(np.float64)), 4),
    # 1 - y is rounded to half an ulp of 1, which x, here up to 30, makes 15 of; 8 for the rest.
    "silu": (
        tg.silu,
        lambda x: wide_sigmoid(x) + x * wide_sigmoid(x) * wide_sigmoid(-x),
        8 + 15,
    ),
    "softplus": (tg.softplus, wide_sigmoid, 4),
    "log_sigmoid": (tg.log_sigmoid, lambda x: wide_sigmoid(-x), 4),
    "gelu": (tg.gelu, gelu_slope, 8),
    "gelu tanh": (lambda x: tg.gelu(x, approximate="tanh"), gelu_tanh_slope, 32),
}


@pytest.mark.parametrize("name", SLOPES)
@given(x=floats())
def test_derivative_is_the_hand_derived_one(name: str, x: Any) -> None:
    f, right, ulp = SLOPES[name]
    near(slope(f, x), right(x), ulp)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_tanh_does_not_overflow(dtype: Any) -> None:
    x = np.array([-np.inf, -1e13, -31, 31, 1e13, 3e38, np.inf], dtype)
    gelu = lambda x: tg.gelu(x, approximate="tanh")
    np.testing.assert_array_equal(gelu(x), np.maximum(x, 0))
    np.testing.assert_array_equal(slope(gelu, x), x > 0)


@given(z=vectors())
def test_softmax_jacobian(z: Any) -> None:
    y = tg.softmax(z)
    near(tg.jacobian(tg.softmax)(z), np.diag(y) - np.outer(y, y), 4)


@given(z=vectors())
def test_log_softmax_jacobian(z: Any) -> None:
    near(tg.jacobian(tg.log_softmax)(z), np.eye(4) - tg.softmax(z), 4)


@given(z=vectors())
def test_logsumexp_gradient_is_softmax(z: Any) -> None:
    near(slope(tg.logsumexp, z), tg.softmax(z), 4)


@given(x=st.floats(-6, 26))
def test_erfc_is_within_6_ulp_of_the_c_library(x: float) -> None:
    right = math.erfc(x)
    assert abs(float(erfc(np.array(x))) - right) <= 6 * math.ulp(right)


def test_one_hot_refuses_negative_labels() -> None:
    with pytest.raises(tg.TargetError, match="a label is -1"):
        tg.one_hot(np.array([-1]), 3)


def test_one_hot_refuses_labels_beyond_the_classes() -> None:
    with pytest.raises(tg.TargetError, match="from 0 to 2"):
        tg.one_hot(np.array([3]), 3)


def test_one_hot_refuses_floats() -> None:
    with pytest.raises(tg.TargetError, match="integers"):
        tg.one_hot(np.array([1.0]), 3)
