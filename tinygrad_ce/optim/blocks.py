"""Parameters laid end to end in one array, so that a formula runs once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.dispatch import detached
from tinygrad_ce.errors import DTypeError, ShapeError
from tinygrad_ce.graph import tick
from tinygrad_ce.optim.formulas import Formula
from tinygrad_ce.tensor import Tensor

__all__ = ["PART", "Block", "in_parts"]

PART = 1 << 14  # entries at a time: what a formula makes on the way stays in the cache


def in_parts(
    formula: Formula, p: Any, g: Any, slots: Mapping[str, Any], step: Any,
    options: Mapping[str, Any], into: Any, remembered: Mapping[str, Any],
) -> None:  # fmt: skip
    """The formula on arrays with one axis, written into others, which may be the same.

    >>> from tinygrad_ce.optim.formulas import SGD
    >>> w = np.ones(2)
    >>> options = {"lr": 0.5, "momentum": 0.0, "weight_decay": 0.0}
    >>> in_parts(SGD, w, np.ones(2), {}, 1, options, w, {})
    >>> w
    array([0.5, 0.5])
    """
    for start in range(0, p.size, PART):
        part = slice(start, start + PART)
        held = {name: slot[part] for name, slot in slots.items()}
        into[part], held = formula.update(p[part], g[part], held, step, options)
        for name, found in held.items():
            remembered[name][part] = found


class Block:
    """Parameters of one dtype that have taken the same steps.

    Their `data` are views of `values`; what the formula remembers lies likewise in `slots`.

    Attributes:
        parameters: the Tensors.
        values: their entries, end to end.
        slots: for each name an array like `values`.
        steps: how many steps they took.
    """

    def __init__(self, parameters: Sequence[Tensor], slots: Mapping[str, float]) -> None:
        self.parameters = list(parameters)
        ends = np.cumsum([p.size for p in parameters])
        self.places = [
            slice(int(end) - p.size, int(end)) for p, end in zip(parameters, ends, strict=True)
        ]
        self.values = np.empty(int(ends[-1]), parameters[0].dtype)
        self.views = [self.values[:0]] * len(parameters)
        self.slots = {
            name: np.full(self.values.shape, start, self.values.dtype)
            for name, start in slots.items()
        }
        self.steps = 0

    def update(self, formula: Formula, options: Mapping[str, Any]) -> None:
        """One step of all parameters by the gradients that they have."""
        self._gather()
        sign = -1 if options["maximize"] else 1
        g: Any = np.concatenate([np.ravel(detached(p.grad)) for p in self.parameters])
        g = (g if sign > 0 else -g).astype(self.values.dtype, copy=False)
        self.steps += 1
        values, slots = self.values, self.slots
        in_parts(formula, values, g, slots, self.steps, options, values, slots)
        number = tick()  # a graph that was made before is out of date
        for p in self.parameters:
            p.number = number

    def _gather(self) -> None:
        """Take over the data of parameters that have others than the views; all, if a graph still
        needs them as they are."""
        values = self.values
        if not values.flags.writeable:
            self.values = values.copy()
        for i, (p, place) in enumerate(zip(self.parameters, self.places, strict=True)):
            if p.dtype != values.dtype or np.shape(p.grad) != p.shape:
                _refuse(p, values.dtype)
            if p.value is not self.views[i] or self.values is not values:
                view = self.values[place].reshape(p.shape)
                if p.value is not self.views[i]:
                    view[...] = p.value
                self.views[i] = p.value = view

    def of(self, chosen: Callable[[Tensor], bool]) -> Block:
        """The block of some of the parameters, with what is remembered of them."""
        kept = [(p, s) for p, s in zip(self.parameters, self.places, strict=True) if chosen(p)]
        made = Block([p for p, _ in kept], dict.fromkeys(self.slots, 0.0))
        made.steps = self.steps
        for name, slot in self.slots.items():
            made.slots[name] = np.concatenate([slot[place] for _, place in kept])
        return made

    def state(self) -> list[dict[str, Any]]:
        """For each parameter a copy of what is remembered of it."""
        return [
            {
                "step": self.steps,
                **{name: slot[s].reshape(p.shape).copy() for name, slot in self.slots.items()},
            }
            for p, s in zip(self.parameters, self.places, strict=True)
        ]

    def restore(self, states: Sequence[Mapping[str, NDArray[Any]]]) -> None:
        """Take over what `state` returned."""
        for state, place in zip(states, self.places, strict=True):
            for name, slot in self.slots.items():
                slot[place] = np.ravel(state[name])


def _refuse(p: Tensor, dtype: Any) -> None:
    if p.dtype != dtype:
        raise DTypeError(
            f"a parameter has dtype {p.dtype} and had {dtype} at the optimizer's last step",
            "what is remembered of a parameter has its dtype",
            "build the optimizer after model.to(dtype)",
        )
    raise ShapeError(
        f"a parameter has shape {p.shape}, its gradient {np.shape(p.grad)}",
        "they have the same shape",
        "set grad to what backward() computed, or to an array of that shape",
    )
