"""Targets of losses: class indices and distributions, and the checks of both and of the outputs."""

import warnings
from math import inf
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_ce.dispatch import as_array, dispatched
from tinygrad_ce.errors import DTypeError, LossWarning, ShapeError, TargetError
from tinygrad_ce.options import count, number, numbers
from tinygrad_ce.rules.indexing import entries
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.support import laid_along

__all__ = [
    "as_numbers",
    "broadcast_weights",
    "check_axis",
    "check_distribution",
    "check_labels",
    "check_logarithms",
    "check_probabilities",
    "check_same_shape",
    "check_unit",
    "class_weights",
    "float_like",
    "hint_probabilities",
    "label_weights",
    "one_hot",
    "real_values",
]


def one_hot(
    labels: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Rows of zeros with a one at each label.

    Args:
        labels: integers from 0 to num_classes - 1, of any shape.
        num_classes: the length of a row; one more than the largest label by default.
        dtype: the dtype of the result.

    Returns:
        An array of shape (*labels.shape, num_classes).

    Raises:
        TargetError: the labels are no integers, or one is out of range.

    >>> one_hot([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    t = as_array(labels)
    n = _largest(t) + 1 if num_classes is None else count("num_classes", num_classes, 0)
    check_labels(t, n)
    return ones_at(t, n, dtype)  # type: ignore[no-any-return]


def _largest(t: Any) -> int:
    return int(t.max(initial=-1)) if t.dtype.kind in "iu" else -1


@dispatched
def check_labels(t: Any, n: int) -> None:
    """Refuse labels that are no class numbers: NumPy would take -1 for the last class."""
    if t.dtype.kind not in "iu":
        raise TargetError(
            f"the labels have dtype {t.dtype}",
            "class labels are integers",
            "use labels.astype(int), or pass a distribution of the outputs' shape",
        )
    wrong = t[(t < 0) | (t >= n)]
    if wrong.size:
        raise TargetError(
            f"a label is {wrong.flat[0]}",
            f"with {n} classes labels run from 0 to {n - 1}",
            "correct it, or name it as ignore_index where a loss has that option",
        )


def as_numbers(x: Any, name: str) -> Any:
    """As `as_array`, for the outputs and targets of a loss.

    Raises:
        DTypeError: they are text, objects, or anything else but numbers.

    >>> as_numbers([1, 2], "the outputs")
    array([1, 2])
    """
    x = as_array(x)
    if x.dtype.kind in "biufc" or (x.dtype.kind == "O" and _is_symbolic(x)):
        return x
    raise DTypeError(
        f"{name} have dtype {x.dtype}",
        "a loss compares numbers",
        "convert them, for example with np.asarray(x, float)",
    )


def _is_symbolic(x: Any) -> bool:
    """Whether what computes for itself stands in an array of objects."""
    return x.size > 0 and not isinstance(x.ravel()[0], Number | str | bytes | None)


def real_values(x: Any) -> Any:
    """The plain numbers in x, real, to be looked at by the checks."""
    values = as_array(getattr(x, "value", x))
    return values.real if values.dtype.kind == "c" else values


def float_like(t: Any, y: Any) -> Any:
    """Integer and boolean targets in the outputs' dtype, so that float32 stays float32."""
    return t.astype(y.dtype) if t.dtype.kind in "biu" else t


def class_weights(
    y: Any,
    t: Any,
    axis: int,
    weight: ArrayLike | None,
    ignore_index: int | None,
    smoothing: float,
    check: bool,
) -> tuple[Any, Any]:
    """The targets as class weights of y's shape, and each example's weight (None: all 1)."""
    found, t = _labels(y, t, axis, ignore_index), as_array(t)
    axis = _class_axis(y.shape, axis)
    n = y.shape[axis]
    if found is None:
        counts = None
        if check:
            check_distribution(real_values(t), axis)
        p = float_like(t, y)
    else:
        labels, counts = found
        p = ones_at(labels, n, y.dtype)
        if counts is not None:
            p = p * np.expand_dims(counts, -1)
        p = p if axis == p.ndim - 1 else np.moveaxis(p, -1, axis)
    number("label_smoothing", smoothing, "a number from 0 to 1")
    if smoothing:
        p = (1 - smoothing) * p + smoothing / n * np.sum(p, axis=axis, keepdims=True)
    if weight is None:
        return p, counts
    p = p * laid_along(_by_class(weight, n, y.dtype), axis, y.ndim)
    return p, np.sum(_real(p), axis=axis)


def label_weights(
    y: Any, t: Any, axis: int, weight: ArrayLike | None, ignore_index: int | None
) -> tuple[Any, Any] | None:
    """The class indices, and each example's weight (None: all 1); None for distributions."""
    found = _labels(y, t, axis, ignore_index)
    if found is None or weight is None:
        return found
    labels, counts = found
    each = entries(_real(_by_class(weight, y.shape[axis], y.dtype)), labels)
    return labels, each if counts is None else each * counts


def _labels(y: Any, t: Any, axis: int, ignore_index: int | None) -> tuple[Any, Any] | None:
    """The class indices, and 1 for each that counts (None: all do); None for distributions."""
    t, axis = as_array(t), _class_axis(y.shape, axis)
    n = y.shape[axis]
    without = y.shape[:axis] + y.shape[axis + 1 :]
    if ignore_index is not None:
        count("ignore_index", ignore_index, -inf)
    if t.shape == y.shape:
        if ignore_index is not None:
            raise TargetError(
                "ignore_index was given with distributions",
                "it names a class index to be left out",
                "pass class indices, or rows of zeros with check=False",
            )
        return None
    if t.shape != without:
        raise ShapeError(
            f"the targets have shape {t.shape}",
            f"for outputs of shape {y.shape} they are class indices of shape {without} or "
            f"distributions of shape {y.shape}",
            "reshape them, for example with squeeze or [:, None]",
        )
    labels, counts = as_array(real_values(t)), None
    if ignore_index is not None and labels.dtype.kind in "iu":
        counted = labels != ignore_index
        labels = np.where(counted, labels, 0)
        counts = counted.astype(y.dtype)
    check_labels(labels, n)
    return labels, counts


def _by_class(weight: ArrayLike, n: int, dtype: DTypeLike) -> Any:
    weights = _as_weights(weight, dtype)
    _check_weights(real_values(weights), n)
    return weights


def _real(x: Any) -> Any:
    return np.real(x) if x.dtype.kind == "c" else x


def _class_axis(shape: tuple[int, ...], axis: int) -> int:
    """The axis of the classes, counted from the front."""
    axis = count("axis", axis, -inf)
    if not shape or not -len(shape) <= axis < len(shape):
        raise ShapeError(
            f"the outputs have shape {shape}, the class axis is {axis}",
            "the classes lie along one of the outputs' axes",
            "pass outputs with a class axis",
        )
    return axis % len(shape)


def broadcast_weights(weight: ArrayLike, losses: Any) -> Any:
    """A weight for each of the losses, in their shape and dtype."""
    weights = _as_weights(weight, losses.dtype)
    try:
        return np.broadcast_to(weights, losses.shape)
    except ValueError:
        raise ShapeError(
            f"the weights have shape {np.shape(weights)}",
            f"there is one for each of the losses, which have shape {losses.shape}",
            "pass an array that broadcasts to that shape",
        ) from None


def _as_weights(weight: ArrayLike, dtype: DTypeLike) -> Any:
    try:
        # Logits may be integers, weights not: they would be cut off to 0.
        return as_array(weight).astype(np.result_type(dtype, np.float16))
    except (TypeError, ValueError):
        numbers("weight", weight)
        raise


@dispatched
def _check_weights(weights: Any, n: int) -> None:
    if weights.shape != (n,) or (weights < 0).any():
        raise ShapeError(
            f"the weights have shape {weights.shape} and least entry {weights.min(initial=0):.4g}",
            f"there is one weight >= 0 for each of the {n} classes",
            "pass an array of that shape",
        )


def check_axis(axis: Any) -> None:
    """Refuse what is no number of an axis, nor several, nor None for all."""
    for one in axis if isinstance(axis, tuple) else () if axis is None else (axis,):
        count("axis", one, -inf)


def check_same_shape(y: Any, t: Any) -> None:
    """Refuse outputs and targets that NumPy would broadcast."""
    if np.shape(y) != np.shape(t):
        raise ShapeError(
            f"the outputs have shape {np.shape(y)}, the targets {np.shape(t)}",
            "this loss takes them of the same shape; NumPy would broadcast and count pairs",
            "reshape one of them, for example with squeeze(-1) or [:, None]",
        )


@dispatched
def check_unit(values: Any, name: str, remedy: str) -> None:
    """Refuse numbers that are no probabilities."""
    outside = (values < 0) | (values > 1)
    if outside.any():
        raise TargetError(
            f"{name} has an entry {values[outside].flat[0]:.4g}",
            "probabilities lie between 0 and 1",
            remedy,
        )


def _tolerance(values: Any) -> float:
    return 1e-2 if values.dtype == np.float16 else 1e-4


@dispatched
def check_probabilities(values: Any, axis: int) -> None:
    """Refuse outputs that are no probabilities, and warn where they do not sum to 1."""
    if (values < 0).any() or (values > 1 + _tolerance(values)).any():
        check_unit(values, "y", "pass softmax(z), or use softmax_cross_entropy for logits")
    if not values.ndim:
        return
    sums = values.sum(axis=_class_axis(values.shape, axis))
    if np.any(np.abs(sums - 1) > 0.01):
        warnings.warn(
            f"y sums to {sums.flat[np.argmax(np.abs(sums - 1))]:.4g} along axis {axis}. "
            "Probabilities sum to 1. For logits use softmax_cross_entropy.",
            LossWarning,
            stacklevel=4,
        )


@dispatched
def check_logarithms(values: Any) -> None:
    """Refuse numbers that are no logarithms of probabilities."""
    if (values > 1e-6).any():
        raise TargetError(
            f"log_y has an entry {values.max():.4g}",
            "the logarithm of a probability is not positive",
            "pass log_softmax(z), or use softmax_cross_entropy for logits",
        )


@dispatched
def hint_probabilities(values: Any, axis: int) -> None:
    """Warn where logits look like probabilities."""
    for some in (values.flat[:16], values):  # mostly a few logits tell
        if some.size < 2 or not (some.min() >= 0 and some.max() <= 1):
            return
    if np.all(np.abs(values.sum(axis=_class_axis(values.shape, axis)) - 1) < 1e-6):
        warnings.warn(
            "z sums to 1 like probabilities. This loss applies softmax itself. "
            "For probabilities use cross_entropy.",
            LossWarning,
            stacklevel=4,
        )


@dispatched
def check_distribution(t: Any, axis: int) -> None:
    """Refuse targets that are no distribution."""
    if (t < 0).any():
        raise TargetError(
            f"a target has an entry {t.min():.4g}", "a distribution has none below 0",
            "correct it, or pass check=False if it is meant",
        )  # fmt: skip
    sums = t.sum(axis=axis)
    wrong = ~(np.abs(sums - 1) <= _tolerance(t)) if t.dtype.kind == "f" else sums != 1
    if np.any(wrong):
        raise TargetError(
            f"a target sums to {np.extract(wrong, sums)[0]:.6g}",
            "a distribution sums to 1",
            "normalise it, or pass check=False if it is meant",
        )
