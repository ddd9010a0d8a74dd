"""Losses against the gradients on paper. Tolerances: ulp of the larger of 1 and the gradient."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_ce as tg
from tinygrad_ce.testing.strategies import labels, logits, soft_targets

DTYPES = st.sampled_from([np.float32, np.float64])


def softmax(z: Any) -> Any:
    e = np.exp(z.astype(np.float64) - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@st.composite
def problems(draw: Any, masks: bool = False) -> Any:
    """Logits, a target, and the same target as a distribution in float64."""
    z = draw(logits(dtype=DTYPES, ties=True, extreme=True))
    t = draw(labels(z.shape) | soft_targets(z.shape, dtype=z.dtype))
    p = t.astype(np.float64) if t.shape == z.shape else np.eye(z.shape[-1])[t]
    if masks:
        z = np.where((p == 0) & draw(arrays(bool, z.shape)), -np.inf, z)
    return z, t, p


def pulled(f: Any, x: Any) -> Any:
    x = tg.tensor(x, requires_grad=True)
    f(x).backward()
    assert x.grad.dtype == x.dtype
    assert x.grad.shape == x.shape
    return x.grad


def near(got: Any, right: Any, ulp: int) -> None:
    eps = np.finfo(got.dtype).eps
    same = got == right
    with np.errstate(invalid="ignore"):
        error = np.abs(got - right)
    assert np.all(same | (error <= ulp * eps * np.maximum(1, np.abs(right))))


@given(problems(masks=True))
def test_softmax_cross_entropy_gradient_is_y_minus_t(problem: Any) -> None:
    z, t, p = problem
    g = pulled(lambda z: tg.softmax_cross_entropy(z, t, reduction="sum", check=False), z)
    near(g, softmax(z) * p.sum(-1, keepdims=True) - p, 8)


@given(problems())
def test_cross_entropy_of_softmax_gradient_is_y_minus_t(problem: Any) -> None:
    z, t, p = problem
    g = pulled(lambda z: tg.cross_entropy(tg.softmax(z), t, reduction="sum"), z)
    near(g, softmax(z) * p.sum(-1, keepdims=True) - p, 8)


@given(problems())
def test_cross_entropy_gradient_is_minus_t_over_y(problem: Any) -> None:
    z, t, p = problem
    y = tg.softmax(np.clip(z, -20, 20))
    near(pulled(lambda y: tg.cross_entropy(y, t, reduction="sum"), y), -p / y, 4)


@given(problems(), st.floats(0.125, 4, width=32))
def test_unnormalised_target_gives_y_sum_t_minus_t(problem: Any, scale: float) -> None:
    z, _, p = problem
    t = (p * scale).astype(z.dtype)
    g = pulled(lambda z: tg.softmax_cross_entropy(z, t, reduction="sum", check=False), z)
    near(g, softmax(z) * t.sum(-1, keepdims=True) - t, 16)


@given(problems())
def test_squared_error_gradient_is_y_minus_t(problem: Any) -> None:
    y, _, p = problem
    t = p.astype(y.dtype)
    g = pulled(lambda y: tg.squared_error(y, t, reduction="sum"), y)
    np.testing.assert_array_equal(g, y - t)


@given(problems())
def test_mean_squared_error_gradient(problem: Any) -> None:
    y, _, p = problem
    t = p.astype(y.dtype)
    near(pulled(lambda y: tg.mean_squared_error(y, t), y), 2 * (y - t) / y.size, 4)


@given(problems())
def test_negative_log_likelihood_gradient_is_minus_t(problem: Any) -> None:
    z, t, p = problem
    g = pulled(lambda v: tg.negative_log_likelihood(v, t, reduction="sum"), tg.log_softmax(z))
    near(g, -p, 0)


@given(problems())
def test_kl_divergence_gradient_is_minus_t_over_y(problem: Any) -> None:
    z, _, p = problem
    y, t = tg.softmax(np.clip(z, -20, 20)), p.astype(z.dtype)
    near(pulled(lambda y: tg.kl_divergence(y, t, reduction="sum"), y), -t / y, 4)


@given(problems())
def test_sigmoid_cross_entropy_gradient_is_y_minus_t(problem: Any) -> None:
    z, _, p = problem
    t = p.astype(z.dtype)
    y = np.exp(-np.logaddexp(0, -z.astype(np.float64)))
    near(pulled(lambda z: tg.sigmoid_cross_entropy(z, t, reduction="sum"), z), y - t, 4)


@given(problems())
def test_binary_cross_entropy_of_sigmoid_gradient_is_y_minus_t(problem: Any) -> None:
    z, _, p = problem
    t = p.astype(z.dtype)
    y = np.exp(-np.logaddexp(0, -z.astype(np.float64)))
    g = pulled(lambda z: tg.binary_cross_entropy(tg.sigmoid(z), t, reduction="sum"), z)
    near(g, y - t, 4)


@given(problems())
def test_huber_gradient_is_the_clipped_error(problem: Any) -> None:
    y, _, p = problem
    t = p.astype(y.dtype)
    near(pulled(lambda y: tg.huber(y, t, reduction="sum"), y), np.clip(y - t, -1, 1), 0)


@given(arrays(np.float64, (5,), elements=st.floats(-9, 9)), st.integers(0, 4))
def test_hinge_gradient_counts_missed_margins(z: Any, k: int) -> None:
    missed = (z - z[k] + 1 > 0) * 1.0
    missed[k] = 0
    missed[k] = -missed.sum()
    near(pulled(lambda z: tg.hinge(z, k), z), missed, 0)


@given(arrays(np.float64, (5,), elements=st.floats(-9, 9)), st.integers(0, 4))
def test_focal_gradient_is_the_docstrings(z: Any, k: int) -> None:
    y = softmax(z)
    log_y = z[k] - np.logaddexp.reduce(z)
    rest = np.delete(y, k).sum()
    right = (2 * rest * y[k] * log_y - rest**2) * (np.eye(5)[k] - y)
    near(pulled(lambda z: tg.focal(z, k, check=False), z), right, 64)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_gradient_is_0_where_the_right_label_is_certain(gamma: float) -> None:
    g = pulled(lambda z: tg.focal(z, 1, gamma=gamma), np.array([0.0, 1e4]))
    np.testing.assert_array_equal(g, [0, 0])


@given(problems())
def test_one_hot_equals_index(problem: Any) -> None:
    z, _, p = problem
    labels = p.argmax(-1)
    hot = np.eye(z.shape[-1], dtype=z.dtype)[labels]
    np.testing.assert_array_equal(
        pulled(lambda z: tg.softmax_cross_entropy(z, labels, check=False), z),
        pulled(lambda z: tg.softmax_cross_entropy(z, hot, check=False), z),
    )


@given(problems())
def test_gibbs_cross_entropy_is_at_least_the_entropy(problem: Any) -> None:
    z, _, q = problem
    y = softmax(z)
    q = q / q.sum(-1, keepdims=True)
    entropy = tg.cross_entropy(q, q, reduction="none")
    assert np.all(tg.cross_entropy(y, q, reduction="none") >= entropy - 8 * np.spacing(1.0))


@st.composite
def options(draw: Any) -> Any:
    """Logits, labels and every option, with the classes along a drawn axis."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    n, axis = draw(st.integers(2, 4)), draw(st.integers(-3, 2))
    z = draw(arrays(np.float64, (*shape, n), elements=st.floats(-20, 20)))
    labels = draw(arrays(np.int64, shape, elements=st.integers(-1, n - 1)))
    weight = draw(st.none() | arrays(np.float64, n, elements=st.floats(0.25, 4)))
    smoothing = draw(st.sampled_from([0.0, 0.25, 1.0]))
    return z, labels, axis, weight, smoothing


@given(options(), st.sampled_from(["mean", "sum", "none"]))
def test_options_together_have_the_gradient_of_the_docstring(option: Any, reduction: Any) -> None:
    """(y sum(p) - p) / (sum of the examples' weights), with p the weighted, smoothed target."""
    z, labels, axis, weight, smoothing = option
    n = z.shape[-1]
    p = (1 - smoothing) * np.eye(n)[labels] + smoothing / n
    p = p * (labels >= 0)[..., None] * (1 if weight is None else weight)
    total = p.sum() if reduction == "mean" and p.sum() else 1
    right = (softmax(z) * p.sum(-1, keepdims=True) - p) / total

    def loss(z: Any) -> Any:
        each = tg.softmax_cross_entropy(
            z, labels, axis=axis, weight=weight, ignore_index=-1, label_smoothing=smoothing,
            reduction=reduction, check=False,
        )  # fmt: skip
        return each.sum() if reduction == "none" else each

    near(np.moveaxis(pulled(loss, np.moveaxis(z, -1, axis).copy()), axis, -1), right, 16)


BATCHES = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 3), elements=st.floats(-9, 9)),
        arrays(np.int64, n, elements=st.integers(0, 2)),
    )
)


@pytest.mark.parametrize("loss", [tg.hinge, tg.focal, tg.softmax_cross_entropy])
@given(BATCHES)
def test_mean_over_a_batch_is_that_of_its_examples(loss: Any, batch: Any) -> None:
    z, t = batch
    g = pulled(lambda z: loss(z, t, check=False), z)
    for row, label, found in zip(z, t, g, strict=True):
        near(found, pulled(lambda r, k=label: loss(r, k, check=False), row) / len(z), 8)


Z = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, -1.0]])
T = np.array([2, 1])
HOT = np.eye(3)[T]


def test_mean_divides_by_the_number_of_examples() -> None:
    near(pulled(lambda z: tg.softmax_cross_entropy(z, T), Z), (softmax(Z) - HOT) / 2, 4)


def test_axis_names_the_classes() -> None:
    g = pulled(lambda z: tg.softmax_cross_entropy(z, T, axis=0), Z.T.copy())
    near(g, ((softmax(Z) - HOT) / 2).T, 4)


def test_weighted_mean_divides_by_the_weights() -> None:
    g = pulled(lambda z: tg.softmax_cross_entropy(z, T, weight=[1, 2, 6]), Z)
    near(g, (softmax(Z) - HOT) * np.array([[6], [2]]) / 8, 4)


def test_ignored_examples_do_not_count() -> None:
    g = pulled(lambda z: tg.softmax_cross_entropy(z, np.array([2, -9]), ignore_index=-9), Z)
    near(g, (softmax(Z) - HOT) * np.array([[1], [0]]), 4)


def test_a_batch_that_is_ignored_has_gradient_0() -> None:
    g = pulled(lambda z: tg.softmax_cross_entropy(z, np.array([-9, -9]), ignore_index=-9), Z)
    np.testing.assert_array_equal(g, np.zeros((2, 3)))


def test_label_smoothing_smooths_the_target() -> None:
    g = pulled(lambda z: tg.softmax_cross_entropy(z, T, label_smoothing=0.3, reduction="sum"), Z)
    near(g, softmax(Z) - (0.7 * HOT + 0.1), 4)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda: tg.softmax_cross_entropy(Z, np.array([0, 3])), tg.TargetError, "a label is 3"),
        (lambda: tg.softmax_cross_entropy(Z, np.array([0, -1])), tg.TargetError, "a label is -1"),
        (lambda: tg.softmax_cross_entropy(Z, T * 1.0), tg.TargetError, "integers"),
        (lambda: tg.softmax_cross_entropy(Z, HOT * 2), tg.TargetError, "sums to 2"),
        (lambda: tg.softmax_cross_entropy(Z, HOT * 3 - 2 / 3), tg.TargetError, "below 0"),
        (lambda: tg.cross_entropy(Z, T), tg.TargetError, "softmax_cross_entropy"),
        (lambda: tg.binary_cross_entropy(Z, HOT), tg.TargetError, "sigmoid_cross_entropy"),
        (lambda: tg.negative_log_likelihood(Z, T), tg.TargetError, "log_softmax"),
        (lambda: tg.squared_error(np.ones((3, 1)), np.ones(3)), tg.ShapeError, "broadcast"),
        (lambda: tg.softmax_cross_entropy(Z, np.array([0])), tg.ShapeError, "reshape"),
        (lambda: tg.softmax_cross_entropy(Z[:0], T[:0]), tg.ShapeError, "batch is empty"),
        (lambda: tg.softmax_cross_entropy(Z, T, weight=[1, 2]), tg.ShapeError, "3 classes"),
        (lambda: tg.softmax_cross_entropy(Z, T, reduction="avg"), ValueError, "reduction"),
        (lambda: tg.softmax_cross_entropy(Z, T, label_smoothing=2), ValueError, "from 0 to 1"),
    ],
)
def test_mistakes_are_named(loss: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        loss()


def test_probabilities_as_logits_get_a_warning() -> None:
    with pytest.warns(tg.LossWarning, match="use cross_entropy"):
        tg.softmax_cross_entropy(softmax(Z), T)


def test_outputs_that_do_not_sum_to_1_get_a_warning() -> None:
    with pytest.warns(tg.LossWarning, match="sums to"):
        tg.cross_entropy(np.full((2, 3), 0.5), T)


@pytest.mark.parametrize("t", [np.array([0, 1]), np.eye(2)])
def test_weights_of_integer_logits_keep_their_fractions(t: np.ndarray) -> None:
    z, weight = np.array([[1, 2], [3, 1]]), [0.5, 0.25]
    found = tg.softmax_cross_entropy(z, t, weight=weight)
    assert found == tg.softmax_cross_entropy(z.astype(float), t, weight=weight)
