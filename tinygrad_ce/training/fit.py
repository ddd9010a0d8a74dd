"""`fit`: train a model on batches of examples.

    history = fit(
        model, batches(x, t, 32, shuffle=True), nn.CrossEntropyLoss(), optim.adam(lr=0.01),
        epochs=20, validation=(x_test, t_test), metrics={"accuracy": accuracy},
    )

It is the loop that one writes by hand, and gives its numbers: for each batch the loss, its
gradients, and a step of the optimizer. What it adds can be left out, each on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from tinygrad_ce.errors import OptionError, OptionTypeError
from tinygrad_ce.nn.module import Module
from tinygrad_ce.optim import Optimizer, Rule
from tinygrad_ce.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tinygrad_ce.options import count, function, instance, number, one_of, several
from tinygrad_ce.saving import check_path, load, save
from tinygrad_ce.training.evaluation import Metrics, check_use, forward, measured
from tinygrad_ce.training.history import History
from tinygrad_ce.training.interrupt import Interrupt
from tinygrad_ce.training.progress import Progress
from tinygrad_ce.training.run import Scheduler, Training, no_measure
from tinygrad_ce.training.steps import Attempt, Gradients
from tinygrad_ce.trees import leaves

__all__ = ["fit"]


def fit(
    model: Module,
    examples: Iterable[tuple[Any, Any]],
    loss: Callable[..., Any],
    optimizer: Optimizer | Rule,
    epochs: int,
    *,
    validation: tuple[Any, Any] | None = None,
    metrics: Metrics | None = None,
    monitor: str | None = None,
    mode: Literal["min", "max"] = "min",
    patience: int | None = None,
    scheduler: Scheduler | None = None,
    clip_norm: float | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    callbacks: Iterable[Callable[[Training], Any]] = (),
    compiled: bool = True,
    progress: bool | None = None,
) -> History:
    """Train a model, in place and in training mode; afterwards it is in eval mode.

    With `validation` it ends with the weights of its best epoch, else with the last ones, also
    after Ctrl-C, which lets the batch end and returns.

    Args:
        model: whose parameters are Tensors, as they are when it is made.
        examples: gives batches (x, t) each time it is gone through, as `tg.data.batches` does;
            the loss is that of `model(x)` and t.
        loss: a function of outputs and targets to a scalar, a mean over the batch.
        optimizer: of the model's parameters, or a rule, `optim.adam(lr=0.01)`.
        epochs: how often the examples are gone through, those before `resume` included.
        validation: arrays or trees (x, t) that the loss, as "val_loss", and the metrics are
            measured on after every epoch.
        metrics: functions of outputs and targets by name; one named accuracy is "val_accuracy".
        monitor: the measure that tells which epoch is best: by default "val_loss", if there is
            validation, or "loss", if there is `patience`.
        mode: whether the best is the "min" or the "max".
        patience: so many epochs without a better one end the training.
        scheduler: of `optim.lr_scheduler`, for the optimizer; goes a step after every epoch.
        clip_norm: the largest norm of all gradients together.
        checkpoint: a file, written after every epoch, that training can go on from.
        resume: whether it does go on from there, if there is the file: optimizer, order of the
            examples and random numbers too, so that nothing differs from having gone on.
        callbacks: called after every epoch with the `Training`.
        compiled: whether a step runs as a program; where that cannot be, a warning says why.
        progress: whether it is shown; by default in a terminal or notebook, not in CI or pipes.

    Returns:
        The measures: "loss", the mean over the batches as they were trained on, and the others.

    Raises:
        OptionError: an option is not what it can be, metrics without validation, `resume` without
            `checkpoint`, or examples that can be gone through only once; there is no such measure
            to monitor (a KeyError, too).

    >>> import numpy as np
    >>> from tinygrad_ce import data, nn, optim
    >>> x, t = data.moons(200, noise=0.1, dtype=np.float32)
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    >>> history = fit(model, data.batches(x, t), nn.CrossEntropyLoss(), optim.adam(lr=0.1), 5)
    >>> history["loss"][-1] < history["loss"][0]
    True
    """
    _check(examples, epochs, validation, metrics, checkpoint, resume)
    check_use(model, loss, metrics)
    instance(
        "optimizer", optimizer, (Optimizer, Rule), "it changes the model's parameters",
        "pass for example optim.adam(lr=0.01)",
    )  # fmt: skip
    one_of("mode", mode, ("min", "max"))
    if patience is not None:
        count("patience", patience, 0)
    if scheduler is not None:
        instance(
            "scheduler", scheduler, (LRScheduler, ReduceLROnPlateau), "it sets the rate",
            "pass one of optim.lr_scheduler, for the optimizer",
        )  # fmt: skip
    if clip_norm is not None:
        number("clip_norm", clip_norm, "a number above 0")
    callbacks = several("callbacks", callbacks, function)
    _check_measures(monitor, validation, metrics)
    if isinstance(optimizer, Rule):
        optimizer = Optimizer(model.parameters(), optimizer)
    if monitor is None and (validation is not None or patience is not None):
        monitor = "loss" if validation is None else "val_loss"
    run = Training(model, optimizer, scheduler, examples, monitor, mode)
    if checkpoint is not None and resume and Path(checkpoint).exists():
        run.load_state_dict(load(checkpoint))
    gradients, use = Gradients(model, loss, compiled, clip_norm), Attempt(forward, compiled)
    shown = Progress(progress, run.epoch, epochs, _count(examples))
    with run, shown, Interrupt() as interrupt:
        while run.epoch < epochs and not _ends(run, patience, interrupt):
            start = perf_counter()
            mean = _epoch(run, gradients, interrupt, shown)
            if mean is None:
                continue
            entry = {"loss": mean}
            if validation is not None:
                found = measured(use, model, validation, loss, metrics or {})
                entry |= {f"val_{name}": value for name, value in found.items()}
            run.add(entry, perf_counter() - start)
            shown.epoch(entry, run.history.seconds[-1])
            for callback in callbacks:
                callback(run)
            if checkpoint is not None:
                save(checkpoint, run.state_dict())
    return run.history


def _epoch(
    run: Training, gradients: Gradients, interrupt: Interrupt, shown: Progress
) -> float | None:
    """Train on all examples once: the mean loss, or None after Ctrl-C."""
    run.model.train()
    run.optimizer.zero_grad()  # those of what was frozen since
    gradients.look()
    total, count = 0.0, 0
    for x, t in run.examples:
        value = float(gradients(x, t))
        run.optimizer.step()
        shown.batch()
        if interrupt.asked:
            shown.say(f"interrupted in epoch {run.epoch + 1}")
            return None
        total, count = total + value * len(leaves(x)[0]), count + len(leaves(x)[0])
    if not count:
        raise OptionError(
            "the examples gave no batch",
            "an epoch goes through them once more each time",
            "pass tg.data.batches(x, t), or another iterable that can be begun anew",
        )
    return total / count


def _ends(run: Training, patience: int | None, interrupt: Interrupt) -> bool:
    """Whether training ends before its last epoch, and why."""
    if interrupt.asked:
        run.history.ended = "interrupted"
    elif run.stops:
        run.history.ended = "stopped"
    elif patience is not None and run.epoch:
        best = -1 if run.history.best is None else run.history.best
        if run.epoch - 1 - best >= patience:
            run.history.ended = "patience"
    return run.history.ended != "epochs"


def _check(
    examples: Any,
    epochs: int,
    validation: Any,
    metrics: Any,
    checkpoint: Any,
    resume: bool,
) -> None:
    count("epochs", epochs, 0)
    if isinstance(examples, tuple) and all(hasattr(part, "shape") for part in examples):
        raise OptionTypeError(
            "examples are a tuple of arrays",
            "training goes through batches of them",
            "pass tg.data.batches(x, t)",
        )
    if metrics and validation is None:
        raise OptionError(
            f"metrics {sorted(metrics)} were given without validation",
            "they are measured on it",
            "pass validation=(x, t), the examples to train on if there are no others",
        )
    if validation is not None and not (
        isinstance(validation, tuple | list) and len(validation) == 2
    ):
        raise OptionTypeError(
            f"validation is {type(validation).__name__}",
            "it is a pair of arrays",
            "pass validation=(x, t)",
        )
    if checkpoint is not None:
        check_path(checkpoint, "checkpoint")
    if resume and checkpoint is None:
        raise OptionError(
            "resume=True was passed without a checkpoint",
            "training goes on from that file",
            'pass checkpoint="training.npz", as the training before did',
        )
    instance(
        "examples", examples, Iterable, "it gives batches (x, t)", "pass tg.data.batches(x, t)"
    )
    if isinstance(examples, Iterator) and epochs > 1:
        raise OptionError(
            f"examples are {type(examples).__name__}, which can be gone through only once",
            f"each of {epochs} epochs goes through them",
            "pass tg.data.batches(x, t), or a class with __iter__",
        )


def _check_measures(monitor: str | None, validation: Any, metrics: Metrics | None) -> None:
    """Refuse to monitor what is not measured."""
    measures = ["loss"]
    if validation is not None:
        measures += ["val_loss", *(f"val_{name}" for name in metrics or {})]
    if monitor is not None and monitor not in measures:
        raise no_measure(monitor, measures)


def _count(examples: Any) -> int | None:
    """How many batches there are, if that is known."""
    return len(examples) if hasattr(examples, "__len__") else None
