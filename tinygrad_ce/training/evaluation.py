"""A model in use: `predict` its outputs, `evaluate` its loss, and its `accuracy`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.data.batches import batches
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.mode import no_grad
from tinygrad_ce.nn.module import Module
from tinygrad_ce.options import count, function, instance
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.training.steps import Attempt
from tinygrad_ce.trees import map_tree

__all__ = ["Metrics", "accuracy", "check_use", "evaluate", "forward", "measured", "predict"]

Metrics: TypeAlias = Mapping[str, Callable[[Any, Any], Any]]


@compile  # one for all models, so that a program is written once for each
def forward(model: Module, x: Any) -> Any:
    """The outputs of a model."""
    return model(x)


def predict(model: Module, x: Any, *, batch_size: int = 256, compiled: bool = True) -> Any:
    """The outputs of a model, in eval mode, for x of any length.

    Args:
        model: whose outputs have as many entries as its inputs.
        x: an array (n, ...), or a tree of such.
        batch_size: how many examples it sees at once.
        compiled: whether it runs as a program, where it can.

    Returns:
        An array (n, ...), or a tree of such.

    >>> from tinygrad_ce import nn
    >>> predict(nn.Linear(2, 3), np.ones((5, 2), np.float32)).shape
    (5, 3)
    """
    _check_model(model)
    batch_size = count("batch_size", batch_size)
    return outputs(Attempt(forward, compiled), model, x, batch_size)


def outputs(run: Attempt, model: Module, x: Any, batch_size: int) -> Any:
    """The outputs of a model that are computed by `run`, batch by batch."""
    with in_use(model), no_grad():
        found = [map_tree(_plain, run(model, xb)) for xb in batches(x, size=batch_size)]
    return map_tree(lambda *parts: np.concatenate(parts), *found)


def evaluate(
    model: Module, x: Any, t: Any, loss: Callable[..., Any], metrics: Metrics | None = None, *,
    batch_size: int = 256, compiled: bool = True,
) -> dict[str, float]:  # fmt: skip
    """The loss of a model, in eval mode, on all examples, and other measures.

    Args:
        model: as in `predict`.
        x: an array (n, ...), or a tree of such.
        t: likewise, the targets.
        loss: a function of outputs and targets.
        metrics: other functions of outputs and targets, by name.
        batch_size: how many examples the model sees at once.
        compiled: whether it runs as a program, where it can.

    Returns:
        `{"loss": ..., **metrics}`.

    >>> from tinygrad_ce import nn
    >>> x, t = np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> found = evaluate(nn.Linear(2, 2), x, t, nn.CrossEntropyLoss(), {"accuracy": accuracy})
    >>> list(found)
    ['loss', 'accuracy']
    """
    check_use(model, loss, metrics)
    batch_size = count("batch_size", batch_size)
    return measured(Attempt(forward, compiled), model, (x, t), loss, metrics or {}, batch_size)


def check_use(model: Module, loss: Callable[..., Any], metrics: Metrics | None) -> None:
    """Refuse what no loss can be taken of."""
    _check_model(model)
    function("loss", loss)
    if metrics is not None:
        names = 'pass for example {"accuracy": accuracy}'
        instance("metrics", metrics, Mapping, "it is a dict of functions by name", names)
        for name, metric in metrics.items():
            function(f"metrics[{name!r}]", metric)


def _check_model(model: Module) -> None:
    instance("model", model, Module, "it is a module", "pass for example nn.Sequential(...)")


def measured(
    run: Attempt, model: Module, examples: tuple[Any, Any], loss: Callable[..., Any],
    metrics: Metrics, batch_size: int = 256,
) -> dict[str, float]:  # fmt: skip
    """`evaluate`, with the outputs computed by `run`."""
    x, t = examples
    y = outputs(run, model, x, batch_size)
    with no_grad():
        return {k: float(_plain(f(y, t))) for k, f in {"loss": loss, **metrics}.items()}


def accuracy(y: Any, t: Any) -> float:
    """The share of right answers: where the largest of y (n, c) is class t (n,).

    Args:
        y: logits or probabilities (n, c); or (n,) or (n, 1) logits of two classes.
        t: classes (n,); or (n, 1), if y is.

    Raises:
        ShapeError: the shapes are others.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    y, t = np.asarray(_plain(y)), np.asarray(_plain(t))
    if y.shape[1:] == (1,):
        y, t = y[:, 0], t.reshape(len(t))
    classes = y > 0 if y.ndim == 1 else y.argmax(axis=1)
    if classes.shape != t.shape:
        raise ShapeError(
            f"outputs have shape {y.shape}, classes {t.shape}",
            "outputs (n, c) belong to classes (n,)",
            "pass class indices, or a metric of your own",
        )
    return float(np.mean(classes == t))


@contextmanager
def in_use(model: Module) -> Iterator[None]:
    """A block in which a model is in eval mode; afterwards every module is as it was."""
    modules = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modules:
            module.training = training


def _plain(x: Any) -> Any:
    return x.value if isinstance(x, Tensor) else x
