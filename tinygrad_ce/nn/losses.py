"""Losses as layers, with PyTorch's names, defaults and means.

The functions of `tinygrad_ce.losses` stand behind them. Classes lie along axis 1, or along the only
axis. Targets are checked; where every example is ignored the loss is 0, not nan.
"""

from math import inf
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_ce import losses
from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.functions import softplus, xlogy
from tinygrad_ce.nn.module import Module
from tinygrad_ce.options import Range, count, number, numbers, one_of
from tinygrad_ce.rules.support import weigh
from tinygrad_ce.targets import check_same_shape, float_like, real_values

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
]

Reduction = Literal["mean", "sum", "none"]


class _Loss(Module):
    """What the losses share: how many numbers they make of the examples' losses."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        self.reduction: Reduction = one_of("reduction", reduction, ("mean", "sum", "none"))

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"

    def _reduced(self, found: Any) -> Any:
        if self.reduction == "none":
            return found
        return np.sum(found) if self.reduction == "sum" else np.mean(found)


class _ClassLoss(_Loss):
    """A loss of classes, each with a weight; the mean is over what the examples weigh."""

    weight: Any

    def __init__(self, weight: ArrayLike | None, ignore_index: int, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", _weights("weight", weight, "a number from 0"))
        self.ignore_index = count("ignore_index", ignore_index, -inf)

    def _options(self, x: Any, t: Any) -> dict[str, Any]:
        labels = t.shape != x.shape
        return {
            "axis": min(1, x.ndim - 1),
            "reduction": "none",
            "weight": self.weight,
            "ignore_index": self.ignore_index if labels else None,
        }

    def _weighted(self, found: Any, x: Any, t: Any) -> Any:
        """The examples' losses, which have their weights in them already, as PyTorch reduces them:
        a mean over labels divides by their weights, over distributions by their number."""
        if self.reduction != "mean" or t.shape == x.shape:
            return self._reduced(found)
        t = real_values(t)
        counted = t != self.ignore_index
        share = counted.astype(x.dtype)
        if self.weight is not None:
            share = share * as_array(self.weight).astype(x.dtype)[np.where(counted, t, 0)]
        total = np.sum(share)
        return np.sum(found) / np.where(total == 0, 1, total).astype(x.dtype)


class CrossEntropyLoss(_ClassLoss):
    """-log softmax(z) at the target, of logits z.

    Args:
        weight: a weight for each class.
        ignore_index: a label whose examples do not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: this share of the target is spread evenly over all classes.

    Call it with logits of shape (N, C), (N, C, *shape) or (C,) and class indices of that shape
    without C, or distributions of the same shape.

    Raises:
        TargetError, ShapeError: the targets are none, or do not fit.

    Its gradient by z, with y = softmax(z), for each of N examples: `(y - t) / N`.

    >>> CrossEntropyLoss()(np.array([[0.0, 0.0]]), np.array([1]))
    np.float64(0.6931471805599453)
    """

    def __init__(
        self, weight: ArrayLike | None = None, ignore_index: int = -100,
        reduction: Reduction = "mean", label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = number("label_smoothing", label_smoothing, "a number from 0 to 1")

    def forward(self, z: Any, t: Any) -> Any:
        z, t = as_array(z), as_array(t)
        smoothing = self.label_smoothing
        found = losses.softmax_cross_entropy(z, t, label_smoothing=smoothing, **self._options(z, t))
        return self._weighted(found, z, t)


class NLLLoss(_ClassLoss):
    """-log_y at the target, of log-probabilities. Arguments and errors as `CrossEntropyLoss`.

    Its gradient by log_y, for each of N examples: `-t / N`.
    """

    def __init__(
        self, weight: ArrayLike | None = None, ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:  # fmt: skip
        super().__init__(weight, ignore_index, reduction)

    def forward(self, log_y: Any, t: Any) -> Any:
        log_y, t = as_array(log_y), as_array(t)
        found = losses.negative_log_likelihood(log_y, t, **self._options(log_y, t))
        return self._weighted(found, log_y, t)


class MSELoss(_Loss):
    """(y - t)^2. Its gradient by y, of n entries: `2 (y - t) / n`.

    >>> MSELoss()(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    np.float64(2.0)
    """

    def forward(self, y: Any, t: Any) -> Any:
        return losses.mean_squared_error(y, t, reduction=self.reduction)


class L1Loss(_Loss):
    """|y - t|. Its gradient by y, of n entries: `sign(y - t) / n`."""

    def forward(self, y: Any, t: Any) -> Any:
        y, t = as_array(y), as_array(t)
        check_same_shape(y, t)
        return self._reduced(np.abs(y - t))


class HuberLoss(_Loss):
    """(y - t)^2 / 2 up to a distance of delta, and its tangent beyond.

    Its gradient by y, of n entries: y - t, cut off at +-delta, by n.
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = number("delta", delta, "a number above 0")

    def forward(self, y: Any, t: Any) -> Any:
        return losses.huber(y, t, delta=self.delta, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """(y - t)^2 / (2 beta) up to a distance of beta, and |y - t| - beta / 2 beyond.

    Its gradient by y, of n entries: (y - t) / beta, cut off at +-1, by n.
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = number("beta", beta, "a number from 0")

    def forward(self, y: Any, t: Any) -> Any:
        if not self.beta:
            return L1Loss(self.reduction)(y, t)
        return losses.huber(y, t, delta=self.beta, reduction=self.reduction) / self.beta


class BCELoss(_Loss):
    """-(t log(y) + (1 - t) log(1 - y)), of probabilities y; exact, where PyTorch stops at 100.

    Its gradient by y, of n entries: `(-t/y + (1 - t)/(1 - y)) / n`.
    """

    weight: Any

    def __init__(self, weight: ArrayLike | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", _weights("weight", weight))

    def forward(self, y: Any, t: Any) -> Any:
        found = losses.binary_cross_entropy(y, t, reduction="none")
        return self._reduced(_times(found, self.weight))


class BCEWithLogitsLoss(_Loss):
    """-(p t log(s) + (1 - t) log(1 - s)), s = sigmoid(z), of logits z.

    Args:
        weight: a weight for each entry.
        reduction: "mean", "sum" or "none".
        pos_weight: p, how much more a target of 1 counts, one number or one for each class.

    Its gradient by z, of n entries: `(s - t) / n` where p is 1, else
    `((1 - t) s - p t (1 - s)) / n`.
    """

    weight: Any
    pos_weight: Any

    def __init__(
        self, weight: ArrayLike | None = None, reduction: Reduction = "mean",
        pos_weight: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction)
        self.register_buffer("weight", _weights("weight", weight))
        self.register_buffer("pos_weight", _weights("pos_weight", pos_weight))

    def forward(self, z: Any, t: Any) -> Any:
        z, t = as_array(z), as_array(t)
        if self.pos_weight is None:
            found = losses.sigmoid_cross_entropy(z, t, reduction="none")
        else:
            check_same_shape(z, t)
            t = float_like(t, z)
            p = as_array(self.pos_weight).astype(z.dtype)
            found = weigh(p * t, softplus(-z)) + weigh(1 - t, softplus(z))
        return self._reduced(_times(found, self.weight))


class KLDivLoss(_Loss):
    """t (log(t) - log_y), of log-probabilities; "mean" divides by the number of entries.

    Args:
        reduction: "mean", "batchmean" (by the number of examples: the divergence), "sum", "none".
        log_target: whether the targets are logarithms, too.

    Its gradient by log_y: `-t`, by what the mean divides by.
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        one_of("reduction", reduction, ("mean", "batchmean", "sum", "none"))
        super().__init__("sum" if reduction == "batchmean" else reduction)  # type: ignore[arg-type]
        self.by_batch, self.log_target = reduction == "batchmean", log_target

    def forward(self, log_y: Any, t: Any) -> Any:
        log_y, t = as_array(log_y), as_array(t)
        check_same_shape(log_y, t)
        p, entropy = (np.exp(t), weigh(np.exp(t), t)) if self.log_target else (t, xlogy(t, t))
        if self.by_batch and not log_y.ndim:
            raise ShapeError(
                "the log-probabilities have shape ()",
                "batchmean divides by the number of examples, the length of the first axis",
                "pass an array of examples, or use reduction='sum'",
            )
        total = self._reduced(entropy - weigh(p, log_y))
        return total / len(log_y) if self.by_batch else total


def _weights(name: str, given: Any, range: Range = "a number") -> Any:
    return None if given is None else as_array(numbers(name, given, range))


def _times(found: Any, weight: Any) -> Any:
    return found if weight is None else found * as_array(weight).astype(found.dtype)
