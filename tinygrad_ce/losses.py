"""Losses: plain NumPy functions of outputs and targets, for arrays and Tensors alike.

Targets of classification losses are class indices (the outputs' shape without the class axis) or
distributions (the outputs' shape). A single example has exactly the gradient that stands in each
docstring. Over a batch, `reduction="mean"` divides by the number of examples, with `weight` by the
sum of their weights; examples with the label `ignore_index` do not count, and a batch with no
other example has loss 0 and gradient 0. A term with target 0 contributes nothing: 0 log 0 = 0.
`check=False` leaves out the checks of values, for targets that are no distribution on purpose.
A sum is taken from 0.0, not negated, so that a loss of 0 is not -0.0.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_ce.errors import ShapeError
from tinygrad_ce.options import number, numbers, one_of
from tinygrad_ce.rules.labels import softmax_log_loss
from tinygrad_ce.rules.softmax import log_softmax
from tinygrad_ce.rules.special import binary_log_loss, sigmoid_log_loss, xlogy
from tinygrad_ce.rules.support import weigh
from tinygrad_ce.targets import (
    as_numbers,
    broadcast_weights,
    check_axis,
    check_distribution,
    check_logarithms,
    check_probabilities,
    check_same_shape,
    check_unit,
    class_weights,
    float_like,
    hint_probabilities,
    label_weights,
    real_values,
)

__all__ = [
    "binary_cross_entropy",
    "cross_entropy",
    "focal",
    "hinge",
    "huber",
    "kl_divergence",
    "mean_squared_error",
    "negative_log_likelihood",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "squared_error",
]

Reduction = Literal["mean", "sum", "none"]


def cross_entropy(
    y: Any,
    t: Any,
    *,
    axis: int = -1,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    check: bool = True,
) -> Any:
    """-sum_k t_k log(y_k), of probabilities y and targets t.

    Args:
        y: probabilities along `axis`.
        t: class indices or distributions.
        axis: the axis of the classes.
        reduction: "mean" or "sum" over the examples, or "none" for one loss an example.
        weight: a weight for each class, shape (classes,).
        ignore_index: a label whose examples do not count.
        label_smoothing: this share of the target is spread evenly over all classes.
        check: whether values are checked.

    Raises:
        TargetError: labels or distributions are none, or y are no probabilities.
        ShapeError: y and t do not fit, or the batch is empty.

    Its gradient by y: `-t / y`, and 0 where t = 0. If y came from softmax(z), by z: `y - t`.

    >>> cross_entropy(np.array([0.25, 0.75]), np.array([0.0, 1.0]))
    np.float64(0.2876820724517809)
    """
    y = as_numbers(y, "the outputs")
    if check:
        check_probabilities(real_values(y), axis)
    p, w = class_weights(y, t, axis, weight, ignore_index, label_smoothing, check)
    return _reduced(0.0 - np.sum(xlogy(p, y), axis=axis), w, reduction)


def softmax_cross_entropy(
    z: Any,
    t: Any,
    *,
    axis: int = -1,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    check: bool = True,
) -> Any:
    """-sum_k t_k log(softmax(z)_k), of logits z: PyTorch's `cross_entropy`, exact at any z.

    Arguments and errors as `cross_entropy`, but for z, which are logits.

    Its gradient by z, with y = softmax(z): `y * sum(t) - t`, which is `y - t` as t sums to 1. With
    label smoothing t is the smoothed target; a logit of -inf then costs inf, its gradient is
    `0 - t`.

    >>> softmax_cross_entropy(np.array([1e4, 0.0]), 1)
    np.float64(10000.0)
    """
    z = as_numbers(z, "the outputs")
    if check:
        hint_probabilities(real_values(z), axis)
    by_label = None if label_smoothing else label_weights(z, t, axis, weight, ignore_index)
    if by_label is not None:
        labels, w = by_label
        losses = softmax_log_loss(z, labels, axis)
        return _reduced(losses if w is None else weigh(w, losses), w, reduction)
    p, w = class_weights(z, t, axis, weight, ignore_index, label_smoothing, check)
    return _reduced(0.0 - np.sum(weigh(p, log_softmax(z, axis)), axis=axis), w, reduction)


def negative_log_likelihood(
    log_y: Any,
    t: Any,
    *,
    axis: int = -1,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    check: bool = True,
) -> Any:
    """-sum_k t_k log_y_k, of log-probabilities.

    Arguments and errors as `cross_entropy`, but for log_y, which are logarithms.

    Its gradient by log_y: `-t`.

    >>> negative_log_likelihood(np.log([0.25, 0.75]), 1)
    np.float64(0.2876820724517809)
    """
    log_y = as_numbers(log_y, "the outputs")
    if check:
        check_logarithms(real_values(log_y))
    p, w = class_weights(log_y, t, axis, weight, ignore_index, 0.0, check)
    return _reduced(0.0 - np.sum(weigh(p, log_y), axis=axis), w, reduction)


def kl_divergence(
    y: Any, t: Any, *, axis: int = -1, reduction: Reduction = "mean", check: bool = True
) -> Any:
    """sum_k t_k log(t_k / y_k), of probabilities y and a target distribution t.

    Arguments and errors as `cross_entropy`.

    Its gradient by y: `-t / y`, as the cross-entropy's, from which it differs by t's entropy.

    >>> kl_divergence(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    np.float64(0.0)
    """
    y, t = as_numbers(y, "the outputs"), as_numbers(t, "the targets")
    check_same_shape(y, t)
    check_axis(axis)
    if check:
        check_probabilities(real_values(y), axis)
        check_distribution(real_values(t), axis)
    losses = np.sum(xlogy(t, t), axis=axis) - np.sum(xlogy(t, y), axis=axis)
    return _reduced(losses, None, reduction)


def focal(
    z: Any,
    t: Any,
    *,
    gamma: float = 2.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    check: bool = True,
) -> Any:
    """-sum_k t_k (1 - y_k)^gamma log(y_k), y = softmax(z), of logits (Lin et al. 2017).

    Arguments and errors as `softmax_cross_entropy`; gamma >= 0 plays down what is already learned.

    Its gradient by z for the label k: `(gamma (1 - y_k)^(gamma - 1) y_k log(y_k) - (1 - y_k)^gamma)
    * (onehot - y)`. With gamma = 0 it is the softmax cross-entropy.

    >>> focal(np.array([0.0, 0.0]), 0, gamma=1.0)
    np.float64(0.34657359027997264)
    """
    z = as_numbers(z, "the outputs")
    if check:
        hint_probabilities(real_values(z), axis)
    p, w = class_weights(z, t, axis, weight, ignore_index, 0.0, check)
    number("gamma", gamma, "a number from 0")
    log_y = log_softmax(z, axis)
    terms = log_y
    if gamma:  # at y = 1 the power's own derivative may be inf, the term's is 0
        unsure = log_y < 0
        rest = np.where(unsure, -np.expm1(log_y), 1.0)
        terms = np.where(unsure, rest**gamma * log_y, 0.0)
    return _reduced(0.0 - np.sum(weigh(p, terms), axis=axis), w, reduction)


def hinge(
    z: Any,
    t: Any,
    *,
    margin: float = 1.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    check: bool = True,
) -> Any:
    """sum over k != t of max(0, margin + z_k - z_t), of scores z (Weston and Watkins 1999).

    Args:
        z: scores, one for each class along `axis`.
        t: class indices.
        margin: by how much the right score should lead.
        axis: the axis of the classes.
        reduction: "mean" or "sum" over the examples, or "none" for one loss an example.
        check: whether values are checked.

    Raises:
        TargetError: labels are none.
        ShapeError: z and t do not fit, or the batch is empty.

    Its gradient by z_k: 1 where the margin is missed, and by z_t minus their number. Exactly at
    the margin it is 0.

    >>> hinge(np.array([2.0, 1.5, 0.0]), 0)
    np.float64(0.5)
    """
    z = as_numbers(z, "the outputs")
    p, _ = class_weights(z, t, axis, None, None, 0.0, check)
    numbers("margin", margin)
    right = np.sum(weigh(p, z), axis=axis, keepdims=True)
    missed = np.maximum(z - right + margin, 0)
    return _reduced(np.sum(weigh(1 - p, missed), axis=axis), None, reduction)


def squared_error(y: Any, t: Any, *, axis: int = -1, reduction: Reduction = "mean") -> Any:
    """1/2 sum_k |y_k - t_k|^2, whose gradient is the difference itself.

    Args:
        y: outputs; the entries along `axis` make one example.
        t: targets of y's shape.
        axis: the axis that is summed.
        reduction: "mean" or "sum" over the examples, or "none" for one loss an example.

    Raises:
        ShapeError: y and t differ in shape, or the batch is empty.

    Its gradient by y: `y - t`; of complex y: `conj(y - t)`.

    >>> squared_error(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    np.float64(2.0)
    """
    y, t = as_numbers(y, "the outputs"), as_numbers(t, "the targets")
    check_same_shape(y, t)
    check_axis(axis)
    squares = _squares(y - t)
    losses = 0.5 * (np.sum(squares, axis=axis) if np.ndim(y) else squares)
    return _reduced(losses, None, reduction)


def mean_squared_error(y: Any, t: Any, *, reduction: Reduction = "mean") -> Any:
    """The mean of |y - t|^2 over all entries, as PyTorch's `mse_loss`.

    Args:
        y: outputs of any shape.
        t: targets of y's shape.
        reduction: "mean" or "sum" over the entries, or "none" for one loss an entry.

    Raises:
        ShapeError: y and t differ in shape, or are empty.

    Its gradient by y, of n entries: `2 (y - t) / n`; of complex y: `2 conj(y - t) / n`.

    >>> mean_squared_error(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    np.float64(2.0)
    """
    y, t = as_numbers(y, "the outputs"), as_numbers(t, "the targets")
    check_same_shape(y, t)
    return _reduced(_squares(y - t), None, reduction)


def huber(y: Any, t: Any, *, delta: float = 1.0, reduction: Reduction = "mean") -> Any:
    """|y - t|^2 / 2 up to a distance of delta, and beyond it the tangent (Huber 1964).

    Arguments and errors as `mean_squared_error`; delta > 0.

    Its gradient by y: `y - t`, cut off at +-delta.

    >>> huber(np.array([0.5, 3.0]), np.array([0.0, 0.0]), reduction="none")
    array([0.125, 2.5  ])
    """
    y, t = as_numbers(y, "the outputs"), as_numbers(t, "the targets")
    check_same_shape(y, t)
    numbers("delta", delta, "a number above 0")
    error = y - t
    size = np.abs(error)
    losses = np.where(size <= delta, 0.5 * _squares(error), delta * (size - 0.5 * delta))
    return _reduced(losses, None, reduction)


def binary_cross_entropy(
    y: Any, t: Any, *, reduction: Reduction = "mean", weight: ArrayLike | None = None,
    check: bool = True,
) -> Any:  # fmt: skip
    """-(t log(y) + (1 - t) log(1 - y)), of probabilities y; every entry is an example.

    Args:
        y: probabilities of any shape.
        t: targets from 0 to 1, of y's shape.
        reduction: "mean", "sum" or "none".
        weight: a weight for each example.
        check: whether values are checked.

    Raises:
        TargetError: y or t are no probabilities.
        ShapeError: y and t differ in shape, or are empty.

    Its gradient by y: `-t/y + (1 - t)/(1 - y)`. If y came from sigmoid(z), by z: `y - t`.

    >>> binary_cross_entropy(np.array([0.5]), np.array([1.0]))
    np.float64(0.6931471805599453)
    """
    y, t = as_numbers(y, "the outputs"), as_numbers(t, "the targets")
    check_same_shape(y, t)
    if check:
        check_unit(real_values(y), "y", "pass sigmoid(z), or use sigmoid_cross_entropy for logits")
        check_unit(real_values(t), "t", "pass targets from 0 to 1")
    return _weighted(binary_log_loss(y, float_like(t, y)), weight, reduction)


def sigmoid_cross_entropy(
    z: Any, t: Any, *, reduction: Reduction = "mean", weight: ArrayLike | None = None,
    check: bool = True,
) -> Any:  # fmt: skip
    """binary_cross_entropy(sigmoid(z), t), of logits z, exact at any z.

    Arguments and errors as `binary_cross_entropy`, but for z, which are logits.

    Its gradient by z, with y = sigmoid(z): `y - t`.

    >>> sigmoid_cross_entropy(np.array([-1e4]), np.array([1.0]))
    np.float64(10000.0)
    """
    z, t = as_numbers(z, "the outputs"), as_numbers(t, "the targets")
    check_same_shape(z, t)
    if check:
        check_unit(real_values(t), "t", "pass targets from 0 to 1")
    return _weighted(sigmoid_log_loss(z, float_like(t, z)), weight, reduction)


# What the losses share.


def _squares(error: Any) -> Any:
    """|error|^2, of real or complex numbers."""
    if error.dtype.kind == "c":
        return np.square(np.real(error)) + np.square(np.imag(error))
    return np.square(error)


def _reduced(losses: Any, weights: Any, reduction: Reduction) -> Any:
    """The losses of the examples, summed, or as they are, or their sum by the sum of the weights.

    The losses have their weights in them already; None stands for weights of 1.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return np.sum(losses)
    if reduction != "mean":
        one_of("reduction", reduction, ("mean", "sum", "none"))
    if not np.size(losses):
        raise ShapeError(
            "the batch is empty", "the mean of no losses is not defined",
            "leave empty batches out, or use reduction='sum', which gives 0",
        )  # fmt: skip
    if weights is None:
        return np.mean(losses) if np.ndim(losses) else losses
    total = np.sum(weights)
    return np.sum(losses) / np.where(total == 0, 1, total).astype(losses.dtype)[()]


def _weighted(losses: Any, weight: ArrayLike | None, reduction: Reduction) -> Any:
    if weight is None:
        return _reduced(losses, None, reduction)
    weights = broadcast_weights(weight, losses)
    return _reduced(weigh(weights, losses), weights, reduction)
