"""Optimizer: the parameters of a model, in groups with options, and the step that changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_ce.errors import (
    DTypeError,
    GradientError,
    OptionError,
    OptionKeyError,
    OptionTypeError,
)
from tinygrad_ce.mode import Mode
from tinygrad_ce.optim.blocks import Block
from tinygrad_ce.optim.rule import Rule, check_options
from tinygrad_ce.options import function, instance
from tinygrad_ce.tensor import Tensor

__all__ = ["Optimizer"]


class Optimizer:
    """The base of the optimizers: PyTorch's, but that many parameters cost as little as one.

    The parameters' data become views of one array, on which the formula runs. They may be read,
    written and replaced as before.

    Args:
        params: Tensors, or dicts of groups with options of their own.
        rule: the formula, and its options.

    Attributes:
        param_groups: dicts with "params", a list, and the options that hold for them; these may be
            changed between the steps.
    """

    def __init__(self, params: Iterable[Any], rule: Rule) -> None:
        instance("rule", rule, Rule, "it is a Rule", "pass for example optim.adam(lr=0.01)")
        self.formula, self.defaults = rule.formula, dict(rule.options)
        self.param_groups: list[dict[str, Any]] = []
        self._blocks: list[list[Block]] = []
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise OptionTypeError(
                f"params is {type(params).__name__}",
                "it is a list of Tensors, or of dicts of groups",
                "pass model.parameters(), or [w] for a single Tensor",
            )
        given = list(params)
        if not given:
            raise GradientError(
                "an optimizer was given no parameters",
                "it changes Tensors that require a gradient",
                "pass model.parameters() of a module that has some",
            )
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Let it change more parameters, with options of their own.

        Raises:
            DTypeError: one is no Tensor that can have a gradient.
            OptionError: one is here already, or an option is not known or not what it can be.
        """
        instance("a group", group, Mapping, "it is a dict", 'pass {"params": [...], "lr": 0.01}')
        if "params" not in group:
            raise OptionKeyError(
                f"a group has {sorted(group)}", "it has its Tensors as params", "pass params=[...]"
            )
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for p in params:
            if not isinstance(p, Tensor) or p.primitive is not None:
                raise DTypeError(
                    f"a parameter is {type(p).__name__}" if not isinstance(p, Tensor)
                    else "a parameter is a computed tensor",
                    "an optimizer changes Tensors that are leaves",
                    "pass model.parameters(); a module of arrays is trained by the functions, as "
                    "tg.optim.adam, or turned into Tensors by model.requires_grad_()",
                )  # fmt: skip
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if len({id(p) for p in params}) < len(params) or known & {id(p) for p in params}:
            raise OptionError(
                "a parameter was given to an optimizer twice",
                "a step changes each once",
                "leave it out of one of the groups",
            )
        unknown = group.keys() - self.defaults.keys() - {"params", "initial_lr", "name"}
        if unknown:
            raise OptionError(
                f"{type(self).__name__} has no options {sorted(unknown)}",
                f"it has {sorted(self.defaults)}",
                "pass one of these",
            )
        check_options(group)
        self.param_groups.append({**self.defaults, **group, "params": params})
        self._blocks.append([])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients anew; its result is returned.
        """
        loss = None
        if closure is not None:
            function("closure", closure)
            with Mode(True):
                loss = closure()
        for i, group in enumerate(self.param_groups):
            self._blocks[i] = self._arranged(self._blocks[i], group)
            for block in self._blocks[i]:
                if block.parameters[0].grad is not None:
                    block.update(self.formula, group)
        return loss

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def _arranged(self, blocks: list[Block], group: Mapping[str, Any]) -> list[Block]:
        """Blocks in which all parameters have a gradient, or none has."""
        found = []
        for block in blocks:
            having = sum(map(_has_gradient, block.parameters))
            if 0 < having < len(block.parameters):
                found += [
                    block.of(lambda p: p.grad is not None),
                    block.of(lambda p: p.grad is None),
                ]
            else:
                found.append(block)
        held = {id(p) for block in blocks for p in block.parameters}
        if len(held) == len(group["params"]):
            return found
        fresh = [p for p in group["params"] if p.grad is not None and id(p) not in held]
        slots = self.formula.slots(group)
        for _, same in groupby(sorted(fresh, key=_kind), key=_kind):
            found.append(Block(list(same), slots))
        return found

    def state_dict(self) -> dict[str, Any]:
        """Copies of what is remembered, and the options, in PyTorch's form.

        `{"state": {0: {"step": 3, ...}, ...}, "param_groups": [...]}`, where parameters are
        numbered through all groups.
        """
        numbers = self._numbers()
        state = {
            numbers[id(p)]: remembered
            for blocks in self._blocks
            for block in blocks
            for p, remembered in zip(block.parameters, block.state(), strict=True)
        }
        groups = [
            {**group, "params": [numbers[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned, here or in PyTorch.

        Raises:
            OptionError: the groups have other numbers of parameters, or something is missing.
        """
        instance("state", state, Mapping, "it is a dict", "pass what state_dict() returned")
        if not {"state", "param_groups"} <= state.keys():
            raise OptionKeyError(
                f"the state has {sorted(map(str, state))[:8]}",
                'it has "state" and "param_groups"',
                "pass what an optimizer's state_dict() returned",
            )
        lengths = [len(group["params"]) for group in state["param_groups"]]
        if lengths != [len(group["params"]) for group in self.param_groups]:
            raise OptionError(
                f"the state has groups of {lengths} parameters",
                "the optimizer's groups have "
                f"{[len(group['params']) for group in self.param_groups]}",
                "build it for the same model, with the same groups",
            )
        remembered = {int(number): held for number, held in state["state"].items()}
        numbers = self._numbers()
        made = []
        for group, saved in zip(self.param_groups, state["param_groups"], strict=True):
            known = self.defaults.keys() | {"initial_lr"}
            options = {**group, **{k: _option(saved[k]) for k in saved if k in known}}
            slots = self.formula.slots(options)
            held = [p for p in group["params"] if numbers[id(p)] in remembered]

            def steps(p: Tensor) -> tuple[Any, int]:
                return _kind(p), int(remembered[numbers[id(p)]].get("step", 1))

            blocks = []
            for (_, count), same in groupby(sorted(held, key=steps), key=steps):
                block = Block(list(same), slots)
                block.steps = count
                block.restore([_arrays(remembered[numbers[id(p)]]) for p in block.parameters])
                blocks.append(block)
            made.append((options, blocks))
        for i, (options, blocks) in enumerate(made):
            self.param_groups[i].update(options)
            self._blocks[i] = blocks

    def _numbers(self) -> dict[int, int]:
        params = [p for group in self.param_groups for p in group["params"]]
        return {id(p): i for i, p in enumerate(params)}

    def __repr__(self) -> str:
        lines = [
            ", ".join([f"{len(group['params'])} parameters"]
                      + [f"{k}={group[k]}" for k in self.defaults])
            for group in self.param_groups
        ]  # fmt: skip
        return f"{type(self).__name__}(" + "\n  ".join(["", *lines]) + "\n)"


def _kind(p: Tensor) -> str:
    return p.dtype.str


def _has_gradient(p: Tensor) -> bool:
    return p.grad is not None


def _option(x: Any) -> Any:
    return tuple(x) if isinstance(x, list) else x


def _arrays(state: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered of a parameter, as arrays; here or in PyTorch."""
    return {
        k: v.detach().numpy() if hasattr(v, "detach") else np.asarray(v)
        for k, v in state.items()
        if k != "step" and v is not None
    }
