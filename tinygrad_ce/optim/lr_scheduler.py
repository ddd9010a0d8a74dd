"""Schedules of the rate: after each epoch `scheduler.step()` sets `lr` in the optimizer's groups.

    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for epoch in range(20):
        ...
        scheduler.step()

A schedule is a function `rate(base, epoch)` of the rate that the group began with, so that it can
be looked at, joined (`SequentialLR`), and taken up again at any epoch.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import cos, inf, pi
from typing import Any, Literal

from tinygrad_ce.errors import OptionError, OptionKeyError
from tinygrad_ce.optim.optimizer import Optimizer
from tinygrad_ce.options import count, function, instance, number, one_of, several

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


class LRScheduler:
    """The base of the schedules: a subclass says `rate`.

    Args:
        optimizer: whose groups are set; each begins with its "initial_lr", or else its "lr".
        last_epoch: the epoch before the next, to take a schedule up again; -1 for the beginning.

    Attributes:
        last_epoch: the epoch that the rates are those of.
        base_lrs: the rates that the groups began with.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = _optimizer(optimizer)
        self.last_epoch = count("last_epoch", last_epoch, -1)
        groups = optimizer.param_groups
        self.base_lrs = [group.setdefault("initial_lr", group["lr"]) for group in groups]
        self.step()

    def rate(self, base: float, epoch: int) -> float:
        """The rate of an epoch, counted from 0, for a group that began with `base`."""
        raise NotImplementedError

    def step(self) -> None:
        """Go to the next epoch."""
        self.last_epoch += 1
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.rate(base, self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """The rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Where it stands."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state_dict` said."""
        _check_state(state, ("base_lrs", "last_epoch"))
        self.base_lrs, self.last_epoch = list(state["base_lrs"]), int(state["last_epoch"]) - 1
        self.step()


class LambdaLR(LRScheduler):
    """base times a function of the epoch.

    >>> import tinygrad_ce as tg
    >>> optimizer = tg.optim.SGD([tg.tensor(1.0, requires_grad=True)], lr=1.0)
    >>> scheduler = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float], last_epoch: int = -1
    ) -> None:
        self.lr_lambda = function("lr_lambda", lr_lambda)
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return base * self.lr_lambda(epoch)


class StepLR(LRScheduler):
    """base gamma^(epoch // step_size)."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = count("step_size", step_size), number("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return float(base * self.gamma ** (epoch // self.step_size))


class MultiStepLR(LRScheduler):
    """base times gamma for each of the milestones that the epoch has reached."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.milestones = sorted(several("milestones", milestones, _epoch))
        self.gamma = number("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return float(base * self.gamma ** bisect_right(self.milestones, epoch))


class ExponentialLR(LRScheduler):
    """base gamma^epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = number("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return float(base * self.gamma**epoch)


class ConstantLR(LRScheduler):
    """base times factor before epoch total_iters, base from then on."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: float = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.factor = number("factor", factor, "a number from 0 to 1")
        self.total_iters = number("total_iters", total_iters, "a number from 0")
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return base * self.factor if epoch < self.total_iters else base


class LinearLR(LRScheduler):
    """Warm-up: base times what goes from start_factor to end_factor in total_iters epochs."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0,
        total_iters: float = 5, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.start_factor = number("start_factor", start_factor, "a number above 0 and up to 1")
        self.end_factor = number("end_factor", end_factor, "a number from 0 to 1")
        self.total_iters = number("total_iters", total_iters, "a number above 0")
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        share = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * share)


class CosineAnnealingLR(LRScheduler):
    """eta_min + (base - eta_min) (1 + cos(pi epoch / T_max)) / 2 (Loshchilov and Hutter 2017)."""

    def __init__(
        self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0,  # noqa: N803
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.T_max = number("T_max", T_max, "a number above 0")
        self.eta_min = number("eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + cos(pi * epoch / self.T_max)) / 2


class SequentialLR(LRScheduler):
    """One schedule after the other, each counted from the milestone where it begins."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        schedulers = several("schedulers", schedulers, _scheduler)
        milestones = several("milestones", milestones, _epoch)
        if len(milestones) != len(schedulers) - 1 or sorted(milestones) != milestones:
            raise OptionError(
                f"milestones {milestones} were given for {len(schedulers)} schedulers",
                "one stands between each two, and they rise",
                "pass one less than schedulers, in their order",
            )
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        i = bisect_right(self.milestones, epoch)
        return self.schedulers[i].rate(base, epoch - (self.milestones[i - 1] if i else 0))


class ReduceLROnPlateau:
    """Lowers the rate when a measure has not improved for a while: `scheduler.step(loss)`.

    Args:
        optimizer: whose groups are set.
        mode: "min" for a measure that should get smaller, "max" for one that should get larger.
        factor: by which the rate is lowered.
        patience: how many epochs without improvement are let pass.
        threshold: what counts as one: this share of the best, or with "abs" this much.
        threshold_mode: "rel" or "abs".
        cooldown: how many epochs after a change are not counted.
        min_lr: below which the rate does not go.
        eps: a change by less is left out.
    """

    def __init__(
        self, optimizer: Optimizer, mode: Literal["min", "max"] = "min", factor: float = 0.1,
        patience: int = 10, threshold: float = 1e-4, threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0, min_lr: float = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        self.optimizer, self.mode = _optimizer(optimizer), one_of("mode", mode, ("min", "max"))
        self.factor = number("factor", factor, "a number from 0 to below 1")
        self.patience = count("patience", patience, 0)
        self.cooldown = count("cooldown", cooldown, 0)
        self.threshold = number("threshold", threshold)
        self.threshold_mode = one_of("threshold_mode", threshold_mode, ("rel", "abs"))
        self.min_lr = number("min_lr", min_lr, "a number from 0")
        self.eps = number("eps", eps, "a number from 0")
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metrics: Any) -> None:
        """Go to the next epoch, with the measure of the one that is over."""
        measure = float(getattr(metrics, "value", metrics))
        self.last_epoch += 1
        if self._improves(measure):
            self.best, self.num_bad_epochs = measure, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group in self.optimizer.param_groups:
                lower = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _improves(self, measure: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        margin = self.threshold
        if self.threshold_mode == "rel":
            margin = self.threshold * self.best * sign if abs(self.best) < inf else 0.0
        return sign * measure < sign * self.best - margin

    def get_last_lr(self) -> list[float]:
        """The rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Where it stands."""
        return {name: getattr(self, name) for name in _COUNTED} | {"lrs": self.get_last_lr()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state_dict` said."""
        _check_state(state, (*_COUNTED, "lrs"))
        for name in _COUNTED:
            setattr(self, name, state[name])
        for group, lr in zip(self.optimizer.param_groups, state["lrs"], strict=True):
            group["lr"] = lr


def _optimizer(x: Optimizer) -> Optimizer:
    return instance(
        "optimizer",
        x,
        Optimizer,
        "its rates are set",
        "pass for example optim.SGD(...)",
    )


def _scheduler(name: str, x: LRScheduler) -> LRScheduler:
    return instance(name, x, LRScheduler, "it is a schedule", "pass for example LinearLR(...)")


def _check_state(state: Mapping[str, Any], names: tuple[str, ...]) -> None:
    if not isinstance(state, Mapping) or not set(names) <= state.keys():
        raise OptionKeyError(
            f"the state is {state!r:.60}",
            f"it has {', '.join(names)}",
            "pass what a schedule's state_dict() returned",
        )


def _epoch(name: str, x: int) -> int:
    return count(name, x, 0)


_COUNTED = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")
