"""Limits and kinks at which engines usually give nan: one test for each row of the policy table."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.rules.support import masked

INF = np.inf
E = np.array


def pulled(f: Any, x: Any) -> tuple[Any, Any]:
    """The value of f at x, and the gradient of it."""
    x = tg.tensor(np.asarray(x), requires_grad=True)
    loss = f(x)
    loss.backward()
    return loss.numpy(), np.asarray(x.grad)


def expect(f: Any, x: Any, value: Any, gradient: Any) -> None:
    """Exactly this value and this gradient, to the last bit but the sign of 0."""
    got = pulled(f, x)
    np.testing.assert_array_equal(got[0], value)
    np.testing.assert_array_equal(got[1], gradient)


def test_cross_entropy_term_without_weight_is_0_at_y_0() -> None:
    expect(lambda y: tg.cross_entropy(y, E([0.0, 1.0])), [0.0, 1.0], 0, [0, -1])


def test_cross_entropy_is_never_clipped() -> None:
    expect(lambda y: tg.cross_entropy(y, E([1.0, 0.0])), [0.0, 1.0], INF, [-INF, 0])


def test_soft_target_0_on_a_masked_logit() -> None:
    value, g = pulled(lambda z: tg.softmax_cross_entropy(z, E([0.0, 0.5, 0.5])), [-INF, 0.0, 0.0])
    np.testing.assert_array_max_ulp(value, np.log(2.0), 1)
    np.testing.assert_array_equal(g, [0, 0, 0])


def test_label_smoothing_on_a_masked_logit_costs_inf() -> None:
    value, g = pulled(
        lambda z: tg.softmax_cross_entropy(z, 1, label_smoothing=0.3), [-INF, 0.0, 0.0]
    )
    assert value == INF
    t = 0.7 * E([0.0, 1.0, 0.0]) + 0.3 / 3
    np.testing.assert_allclose(g, E([0.0, 0.5, 0.5]) - t, rtol=0, atol=4 * np.spacing(1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("label", "value", "gradient"), [(0, 0, [0, 0]), (1, 2e4, [1, -1])])
def test_extreme_logits_are_exact(dtype: Any, label: int, value: float, gradient: Any) -> None:
    expect(lambda z: tg.softmax_cross_entropy(z, label), E([1e4, -1e4], dtype), value, gradient)


@pytest.mark.parametrize(
    ("y", "t", "value", "gradient"), [(0.0, 0.0, 0, 1), (1.0, 1.0, 0, -1), (0.0, 1.0, INF, -INF)]
)
def test_binary_cross_entropy_at_its_ends(y: Any, t: Any, value: Any, gradient: Any) -> None:
    expect(lambda x: tg.binary_cross_entropy(x, E(t)), y, value, gradient)


@pytest.mark.parametrize(("z", "t", "gradient"), [(-50.0, 1.0, -1), (50.0, 0.0, 1)])
def test_sigmoid_then_binary_cross_entropy_as_two_calls(z: Any, t: Any, gradient: Any) -> None:
    expect(lambda x: tg.binary_cross_entropy(tg.sigmoid(x), E(t)), z, 50, gradient)


def test_log_of_softmax_as_two_calls() -> None:
    expect(lambda z: np.log(tg.softmax(z))[1], [1e4, 0.0], -1e4, [-1, 1])


def test_logsumexp_of_nothing() -> None:
    expect(tg.logsumexp, [-INF, -INF], -INF, [0, 0])


def test_where_sends_nothing_to_the_other_branch() -> None:
    with np.errstate(divide="ignore"):  # the user's own log(0)
        expect(lambda x: np.where(x > 0, np.log(x), 0), 0.0, 0, 0)


@pytest.mark.parametrize("f", [np.linalg.norm, np.std, lambda x: np.hypot(x[0], x[1])])
def test_norms_have_gradient_0_at_0(f: Any) -> None:
    expect(f, [0.0, 0.0], 0, [0, 0])


@pytest.mark.parametrize(
    ("x", "gradient"), [([2.0, 0.0, 3.0], [0, 6, 0]), ([0.0, 0.0, 3.0], [0, 0, 0])]
)
def test_prod_with_zeros_is_exact(x: Any, gradient: Any) -> None:
    expect(np.prod, x, 0, gradient)


@pytest.mark.parametrize("f", [np.max, np.min])
def test_ties_share(f: Any) -> None:
    expect(f, [3.0, 3.0], 3, [0.5, 0.5])


@pytest.mark.parametrize(
    "f",
    [
        tg.relu,
        lambda x: np.maximum(x, 0),
        lambda x: np.maximum(0, x),
        lambda x: np.clip(x, 0, None),
        lambda x: -np.minimum(-x, 0),
        lambda x: np.where(x > 0, x, 0),
        np.abs,
        np.fabs,
    ],
)
def test_relu_and_abs_have_derivative_0_at_0_however_written(f: Any) -> None:
    expect(f, 0.0, 0, 0)


def test_clip_has_derivative_0_at_constant_bounds() -> None:
    x = [-2.0, -1.0, 0.0, 1.0, 2.0]
    expect(lambda x: np.sum(np.clip(x, -1, 1)), x, 0, [0, 0, 1, 0, 0])


@pytest.mark.parametrize("p", [0, 0.0, E(0), E(0.0)])
def test_x_to_the_0_is_constant(p: Any) -> None:
    expect(lambda x: x**p, 0.0, 1, 0)


def test_0_to_the_p_is_constant_for_p_from_0() -> None:
    expect(lambda p: np.sum(0.0**p), [0.0, 1.0, 2.0], 1, [0, 0, 0])


def test_0_to_the_p_is_inf_for_p_below_0() -> None:
    with np.errstate(divide="ignore"):  # the user's own 1/0
        expect(lambda p: np.sum(0.0**p), [-1.0, -0.5, 2.0], INF, [-INF, -INF, 0])


@pytest.mark.parametrize("f", [np.remainder, np.fmod])
def test_remainder_just_below_a_whole_quotient(f: Any) -> None:
    expect(lambda b: f(0.5, b), 0.1, f(0.5, 0.1), -4)  # 0.5 / 0.1 rounds to 5


def test_backward_twice_accumulates_when_retained() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(x * x)
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad, [4, 8])


def test_backward_twice_is_refused_when_not_retained() -> None:
    y = np.sum(tg.tensor([1.0, 2.0], requires_grad=True) ** 2)
    y.backward()
    with pytest.raises(tg.GradientError, match="retain_graph=True"):
        y.backward()


def test_an_array_that_a_graph_needs_cannot_be_changed() -> None:
    a = np.ones(2)
    y = np.sum(tg.tensor([1.0, 2.0], requires_grad=True) * a)
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 9
    y.backward()


def test_a_leaf_does_not_follow_the_array_it_was_made_from() -> None:
    a = E([1.0, 2.0])
    x = tg.tensor(a, requires_grad=True)
    y = np.sum(x * x)
    a[0] = 9
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_a_million_additions() -> None:
    x = tg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1
    assert y.item() == 1_000_001
    freed = weakref.ref(y)
    del y
    gc.collect()
    assert freed() is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("side", [1, 3, 70])
def test_masked_is_where(dtype: Any, side: int) -> None:
    rng = np.random.default_rng(side)
    x = rng.choice([np.nan, np.inf, -np.inf, -0.0, 1.5, -2.0], (side, side)).astype(dtype)
    for mask in (x == 1.5, rng.random((side, side)) < 0.5, rng.random(side) < 0.5, np.True_):
        for values in (x, x.T, x[::-1], np.broadcast_to(x[:1], x.shape)):
            expected = np.where(mask, values, 0.0)
            found = masked(values, mask)
            assert found.dtype == expected.dtype
            assert found.tobytes() == expected.tobytes()
