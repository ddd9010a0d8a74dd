"""Training: all that changes while a model is trained, as callbacks see it and files keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from tinygrad_ce.errors import OptionKeyError
from tinygrad_ce.nn.module import Module
from tinygrad_ce.optim import Optimizer
from tinygrad_ce.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tinygrad_ce.randomness import default_generator
from tinygrad_ce.training.history import History
from tinygrad_ce.trees import leaves

__all__ = ["Scheduler", "Training", "no_measure"]

Scheduler = LRScheduler | ReduceLROnPlateau


def no_measure(monitor: str | None, measures: Iterable[str]) -> OptionKeyError:
    """The error of one who asks for a measure that is not taken."""
    return OptionKeyError(
        f"there is no measure {monitor!r} to monitor",
        f"an epoch has {sorted(measures)}",
        "pass one of these, or validation and metrics that give it",
    )


class Training:
    """What a callback is handed after every epoch: it may look at all, and call `stop()`.

    Attributes:
        model: with its weights of now.
        optimizer: what changes them.
        scheduler: what sets the optimizer's rate after each epoch; or None.
        history: the measures so far.
        examples: what it is trained on.
        epoch: how many epochs are over.
        monitor: the measure that tells the best epoch; None where the last is the best.
        best: the best of this measure, and the state of the model then.
    """

    def __init__(
        self, model: Module, optimizer: Optimizer, scheduler: Scheduler | None, examples: Any,
        monitor: str | None, mode: Literal["min", "max"],
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.history, self.monitor, self.mode = History(), monitor, mode
        self.best: tuple[float, dict[str, Any]] | None = None
        self.examples = examples
        self._stops = False

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        """However it ends: the model has its best weights, and is in eval mode."""
        if self.best is not None:
            self.model.load_state_dict(self.best[1])
        self.model.eval()

    @property
    def epoch(self) -> int:
        return self.history.epochs

    def stop(self) -> None:
        """Let this epoch be the last."""
        self._stops = True

    @property
    def stops(self) -> bool:
        """Whether a callback said stop."""
        return self._stops

    def add(self, entry: Mapping[str, float], seconds: float) -> None:
        """An epoch is over: keep its measures, and the weights if they are the best."""
        self.history.add(entry, seconds)
        if self.monitor is not None:
            value = self._measure(entry)
            sign = 1 if self.mode == "min" else -1
            if self.best is None or sign * value < sign * self.best[0]:
                self.best = (value, self.model.state_dict())
                self.history.best = self.epoch - 1
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(entry["loss" if self.monitor is None else self.monitor])
        elif self.scheduler is not None:
            self.scheduler.step()

    def _measure(self, entry: Mapping[str, float]) -> float:
        if self.monitor is None or self.monitor not in entry:
            raise no_measure(self.monitor, entry)
        value = entry[self.monitor]
        return value if np.isfinite(value) else (np.inf if self.mode == "min" else -np.inf)

    def state_dict(self) -> dict[str, Any]:
        """All that training goes on from, as `tg.save` writes it."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "generators": [g.bit_generator.state for g in self._generators()],
            "history": dict(self.history),
            "seconds": list(self.history.seconds),
            "best": self.best,
            "best_epoch": self.history.best,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state_dict` said."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        for generator, held in zip(self._generators(), state["generators"], strict=True):
            generator.bit_generator.state = held
        self.history = History()
        for i, seconds in enumerate(state["seconds"]):
            self.history.add({k: v[i] for k, v in state["history"].items()}, seconds)
        self.best, self.history.best = state["best"], state["best_epoch"]

    def _generators(self) -> list[np.random.Generator]:
        """Whatever is drawn from: by the library, for the order of the examples, in the model."""
        held = [getattr(self.examples, "generator", None), *leaves(self.model)]
        own = [g for g in held if isinstance(g, np.random.Generator)]
        return [default_generator(), *own]
