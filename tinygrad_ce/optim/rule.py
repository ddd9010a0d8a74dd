"""Rule: an optimizer as functions over trees, for gradients that are trees and compiled steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import OptionError, OptionKeyError, ShapeError
from tinygrad_ce.optim.blocks import PART, in_parts
from tinygrad_ce.optim.formulas import Formula
from tinygrad_ce.options import Range, number
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["Rule", "check_options"]

ALONE = 1 << 14  # leaves from this size on are not joined with others: there is nothing to gain


RANGES: dict[str, Range] = {
    "lr": "a number from 0",
    "momentum": "a number from 0",
    "dampening": "a number",
    "weight_decay": "a number from 0",
    "eps": "a number from 0",
    "alpha": "a number from 0",
    "lr_decay": "a number from 0",
    "initial_accumulator_value": "a number from 0",
}


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options of an optimizer, by name, that are not what they can be."""
    for name, x in options.items():
        if name in RANGES:
            number(name, x, RANGES[name])
        elif name == "betas":
            if not isinstance(x, tuple | list) or len(x) != 2:
                raise OptionError(
                    f"betas is {x!r:.60}",
                    "it is a pair of numbers",
                    "pass for example (0.9, 0.99)",
                )
            for i, beta in enumerate(x):
                number(f"betas[{i}]", beta, "a number from 0 to below 1")


@dataclass(frozen=True)
class Rule:
    """How a tree of parameters changes by a tree of gradients.

    Small leaves of one dtype are joined, so that many of them cost as little as one.

    Attributes:
        formula: of an entry.
        options: of the formula.

    >>> import tinygrad_ce as tg
    >>> rule = tg.optim.adam(lr=0.1)
    >>> w = {"a": np.array([1.0, 2.0]), "b": 3.0}
    >>> state = rule.init(w)
    >>> w, state = rule.update({"a": np.array([4.0, -4.0]), "b": 1.0}, state, w)
    >>> w["a"]
    array([0.9, 2.1])
    """

    formula: Formula
    options: Mapping[str, Any]

    def init(self, parameters: Any) -> dict[str, Any]:
        """What is remembered of a tree of parameters before the first step; a tree."""
        leaves = [as_array(x) for x in _variable(parameters)]
        slots = self.formula.slots(self.options)
        return {
            "step": 0,
            "slots": [
                {name: np.full(_size(leaves, part), start, leaves[part[0]].dtype)
                 for name, start in slots.items()}
                for part in _parts(leaves)
            ],
        }  # fmt: skip

    def update(
        self, gradients: Any, state: Mapping[str, Any], parameters: Any, lr: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        """The parameters after a step, and what is remembered then.

        Args:
            gradients: a tree like the parameters.
            state: of the last step, or of `init`.
            parameters: a tree; its constant leaves, as buffers of a module, stay as they are.
            lr: a rate for this step, in place of the rule's.

        Raises:
            ShapeError: a gradient has another shape than its parameter, or is missing.
        """
        if lr is not None:
            number("lr", lr, RANGES["lr"])
        if not {"step", "slots"} <= state.keys():
            raise OptionKeyError(
                f"the state has {sorted(map(str, state))[:8]}",
                'it has "step" and "slots"',
                "pass what init(parameters) returned, or the last update",
            )
        values, structure = flatten(parameters)
        constants = structure.constants()
        p = [as_array(x) for x, held in zip(values, constants, strict=True) if not held]
        found: list[Any] = []
        map_tree(lambda _, gradient: found.append(gradient), parameters, gradients)  # dicts by key
        g = list(map(as_array, found))
        if [x.shape for x in p] != [x.shape for x in g]:
            raise ShapeError(
                f"the gradients have shapes {[x.shape for x in g]:}",
                f"the parameters have {[x.shape for x in p]}",
                "pass a tree of gradients like that of the parameters",
            )
        options = self.options if lr is None else {**self.options, "lr": lr}
        step = state["step"] + 1
        made: dict[int, Any] = {}
        slots = []
        for part, held in zip(_parts(p), state["slots"], strict=True):
            gradient = _joined(g, part)
            gradient = -gradient if options["maximize"] else gradient
            new, remembered = self._entry(_joined(p, part), gradient, held, step, options)
            slots.append(remembered)
            made.update(_apart(new, p, part))
        new = iter([made[i] for i in range(len(p))])
        leaves = [x if held else next(new) for x, held in zip(values, constants, strict=True)]
        return structure.build(leaves), {"step": step, "slots": slots}

    def _entry(
        self, p: Any, g: Any, slots: Mapping[str, Any], step: Any, options: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """The formula on arrays, of which large ones of NumPy's own are worked through in parts."""
        plain = all(type(x) is np.ndarray for x in (p, g, *slots.values()))
        if not plain or p.size <= PART:
            return self.formula.update(p, g, dict(slots), step, options)
        new = np.empty(p.shape, p.dtype)
        remembered = {name: np.empty(p.shape, p.dtype) for name in slots}
        flat = {name: np.ravel(slot) for name, slot in slots.items()}
        into = {name: slot.reshape(-1) for name, slot in remembered.items()}
        in_parts(self.formula, np.ravel(p), np.ravel(g), flat, step, options, new.reshape(-1), into)
        return new, remembered


def _variable(tree: Any) -> list[Any]:
    values, structure = flatten(tree)
    return [x for x, held in zip(values, structure.constants(), strict=True) if not held]


def _parts(leaves: list[Any]) -> list[list[int]]:
    """The places of leaves that are taken together: large ones alone, small ones by dtype."""
    large = [[i] for i, x in enumerate(leaves) if x.size >= ALONE]
    small: dict[str, list[int]] = {}
    for i, x in enumerate(leaves):
        if x.size < ALONE:
            small.setdefault(x.dtype.str, []).append(i)
    return large + list(small.values())


def _size(leaves: list[Any], part: list[int]) -> tuple[int, ...]:
    """The shape of leaves taken together."""
    if len(part) == 1:
        return leaves[part[0]].shape  # type: ignore[no-any-return]
    return (sum(leaves[i].size for i in part),)


def _joined(leaves: list[Any], part: list[int]) -> Any:
    if len(part) == 1:
        return leaves[part[0]]
    return np.concatenate([np.reshape(leaves[i], (leaves[i].size,)) for i in part])


def _apart(x: Any, leaves: list[Any], part: list[int]) -> list[tuple[int, Any]]:
    """What was joined, each with its place among the leaves."""
    if len(part) == 1:
        return [(part[0], x)]
    shapes = [leaves[i].shape for i in part]
    ends = np.cumsum([prod(shape) for shape in shapes]).tolist()
    return [
        (i, np.reshape(x[end - prod(shape) : end], shape))
        for i, shape, end in zip(part, shapes, ends, strict=True)
    ]
