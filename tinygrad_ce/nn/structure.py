"""How a module is taken apart into arrays, and put together again with others."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ce.tensor import Tensor
from tinygrad_ce.trees import Branch

__all__ = ["branch", "changed"]

_ticks = count(1).__next__
_version = _ticks()  # of all modules together: what they are made of


def changed() -> None:
    """A module was given an attribute that is no other value of what it had."""
    global _version
    _version = _ticks()


class _Leaf(NamedTuple):
    """A parameter, buffer or generator.

    Attributes:
        places: the attributes of modules where it is; more than one where it is shared.
        name: the first one's, `layers.0.weight`.
        is_state: whether it is no parameter.
    """

    places: list[tuple[Any, str]]
    name: str
    is_state: bool


class _Plan(NamedTuple):
    """What a module is made of, found out once for as long as no module changes."""

    version: int
    modules: list[Any]
    leaves: list[_Leaf]
    static: _Static
    shared: dict[tuple[str, str], tuple[str, str]]


def branch(root: Any) -> Branch:
    """A module as a tree of its leaves.

    A module whose parameters are Tensors of its own stands for their values. What was built of
    other leaves, variables of a gradient among them, was lent them, and hands them out again; its
    `_lent` are the names of those that require no gradient.
    """
    plan = vars(root).get("_plan")
    if plan is None or plan.version != _version:
        plan = _planned(root)
        vars(root)["_plan"] = plan
    items, constant = [], []
    for places, _, held in plan.leaves:
        module, name = places[0]
        attributes = vars(module)
        value, lent = attributes[name], attributes.get("_lent")
        if lent is not None:
            held = held or name in lent
        elif isinstance(value, Tensor):
            held, value = held or not value.requires_grad, value.value
        items.append(value)
        constant.append(held)

    def rebuild(values: list[Any]) -> Any:
        return _rebuilt(root, plan, values, constant)

    return Branch(rebuild, items, [leaf.name for leaf in plan.leaves], constant, plan.static)


def _rebuilt(root: Any, plan: _Plan, values: list[Any], constant: list[bool]) -> Any:
    """A copy of a module with other leaves."""
    memo: dict[int, Any] = {}
    made = _copied(root, memo)
    leaves = []
    for leaf, value, held in zip(plan.leaves, values, constant, strict=True):
        places = [(memo[id(module)], name) for module, name in leaf.places]
        leaves.append(_Leaf(places, leaf.name, leaf.is_state))
        for module, name in places:
            attributes = vars(module)
            attributes[name] = value
            if held and not leaf.is_state:
                attributes["_lent"].add(name)
    modules = [memo[id(module)] for module in plan.modules]
    vars(made)["_plan"] = plan._replace(modules=modules, leaves=leaves)
    if plan.shared:
        vars(made)["_shared"] = plan.shared
    return made


def _copied(x: Any, memo: dict[int, Any]) -> Any:
    """A copy of a module and of the modules in it, with the same attributes."""
    kind = type(x)
    if _is_module(kind):
        if id(x) not in memo:
            made = memo[id(x)] = object.__new__(kind)
            attributes = vars(made)
            for name, value in vars(x).items():
                known = type(value) in _BY_VALUE or name in _OURS
                attributes[name] = value if known else _copied(value, memo)
            attributes["_parameters"] = dict(attributes["_parameters"])
            attributes["_buffers"] = dict(attributes["_buffers"])
            attributes["_lent"] = set()
            attributes.pop("_plan", None)
        return memo[id(x)]
    if kind is dict:
        return {k: _copied(v, memo) for k, v in x.items()}
    if kind in (list, tuple):
        return kind(_copied(v, memo) for v in x)
    return x


def _is_module(kind: type) -> bool:
    return hasattr(kind, "named_modules")


def _planned(root: Any) -> _Plan:
    named = list(root.named_modules())
    shared = vars(root).get("_shared", {})
    found: dict[Any, list[tuple[str, Any, str]]] = {}
    for path, module in named:
        for name, value in vars(module).items():
            if value is None or not _is_leaf(module, name, value):
                continue
            key = shared.get((path, name), (path, name))
            if isinstance(value, Tensor) and name in module._parameters:
                key = id(value)
            found.setdefault(key, []).append((path, module, name))
    leaves, twice = [], {}
    for places in found.values():
        path, module, name = places[0]
        full = f"{path}.{name}" if path else name
        leaves.append(_Leaf([p[1:] for p in places], full, name not in module._parameters))
        twice.update({(p[0], p[2]): (path, name) for p in places if len(places) > 1})
    return _Plan(_stable(named), [m for _, m in named], leaves, _Static(_static(named)), twice)


def _stable(named: list[tuple[str, Any]]) -> int:
    """The version that a plan holds for; none, where a list could change unseen."""
    unseen = any(
        type(value) in (list, dict) and name not in _OURS
        for _, module in named
        for name, value in vars(module).items()
    )
    return 0 if unseen else _version


def _is_leaf(module: Any, name: str, value: Any) -> bool:
    return (
        name in module._parameters
        or name in module._buffers
        or isinstance(value, np.random.Generator)
    )


# What a compiled program of a module depends on beside shapes and dtypes.

_OURS = frozenset({"_parameters", "_buffers", "_lent", "_shared", "_plan"})
_BY_VALUE = frozenset({bool, int, float, complex, str, type(None), type, FunctionType})


class _Static:
    """Attributes of modules, whose hash is taken once."""

    __slots__ = ("number", "parts")

    def __init__(self, parts: Hashable) -> None:
        self.parts, self.number = parts, hash(parts)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, _Static) and self.parts == other.parts

    def __hash__(self) -> int:
        return self.number


class _Same:
    """Something that nothing else equals; its number is not given away while this is there."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.x is other.x

    def __hash__(self) -> int:
        return id(self.x)


def _static(named: list[tuple[str, Any]]) -> Hashable:
    return tuple(
        (path, type(module), tuple(module._parameters), tuple(module._buffers),
         *((name, _key(value)) for name, value in vars(module).items()
           if name not in _OURS and not _is_leaf(module, name, value)))
        for path, module in named
    )  # fmt: skip


def _key(x: Any) -> Hashable:
    kind = type(x)
    if kind in _BY_VALUE:
        return kind, x
    if kind in (list, tuple):
        return kind, tuple(map(_key, x))
    if kind is dict:
        return kind, tuple((k, _key(v)) for k, v in x.items())
    return str(kind) if _is_module(kind) else _Same(x)
