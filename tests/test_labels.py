"""The cross-entropy by labels has a shortcut: it comes to what it is written with, to the bit."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_ce as tg
from tinygrad_ce.rules.labels import softmax_log_loss, y_minus_t
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.testing.strategies import logits


@st.composite
def problems(draw: Any) -> Any:
    """Logits with the classes along an axis, extreme ones too, labels, and a gradient."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    z = draw(logits(shape, dtype=dtype, ties=True, extreme=True))
    axis = draw(st.integers(-z.ndim, z.ndim - 1))
    without = z.shape[: axis % z.ndim] + z.shape[axis % z.ndim + 1 :]
    labels = draw(arrays(np.int64, without, elements=st.integers(0, z.shape[axis] - 1)))
    g = draw(arrays(dtype, without, elements=st.floats(-4, 4, width=16)))
    return z, labels, axis, g[()]


@given(problems())
def test_value_and_gradient_are_those_of_the_long_way(problem: Any) -> None:
    z, labels, axis, g = problem
    long_way = TABLE[softmax_log_loss].composed
    assert long_way is not None
    for f in (softmax_log_loss, long_way):
        value, pull = tg.vjp(lambda z, f=f: f(z, labels, axis), z)
        (gradient,) = pull(g)
        if f is softmax_log_loss:
            found = value, gradient
    np.testing.assert_array_equal(found[0], value)
    np.testing.assert_array_equal(found[1], gradient)
    np.testing.assert_array_equal(y_minus_t(g, z, labels, axis), gradient)


@given(problems())
def test_second_derivative_is_that_of_the_long_way(problem: Any) -> None:
    z, labels, axis, g = problem
    z, v = np.clip(z, -9, 9).astype(float), np.cos(np.arange(z.size)).reshape(z.shape)
    found, expected = (
        tg.hvp(lambda z, f=f: np.sum(g * f(z, labels, axis)), z, v)
        for f in (softmax_log_loss, TABLE[softmax_log_loss].composed)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_hooks_and_further_passes_see_the_same_gradient() -> None:
    z = tg.tensor([[1.0, 2.0, 0.5]], requires_grad=True)
    error = tg.softmax_cross_entropy(z, [2])
    error.backward(retain_graph=True)
    first = z.grad.copy()
    error.backward()
    np.testing.assert_array_equal(z.grad, 2 * first)
    np.testing.assert_allclose(first, tg.softmax(z).numpy() - [[0, 0, 1]], rtol=1e-15)


def test_what_was_kept_goes_with_the_graph() -> None:
    z = tg.tensor(np.ones((2, 3)), requires_grad=True)
    losses = softmax_log_loss(z, np.array([0, 1]))
    kept = weakref.ref(losses.rules[0].onward)
    losses.sum().backward()
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("f", [tg.softmax_cross_entropy, softmax_log_loss])
def test_derivations_are_those_of_the_long_way(f: Any) -> None:
    """y - t is found there, not told."""
    derived = str(tg.derive(lambda z, t: np.mean(f(z, t)), np.ones((4, 3)), np.array([0, 1, 2, 0])))
    assert "y - one_hot" in derived
    assert "y_minus_t" not in derived
