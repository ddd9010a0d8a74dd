"""How a module is taken apart into arrays, and put together again with others."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_ce.tensor import Tensor
from tinygrad_ce.trees import Branch

__all__ = ["branch", "copied", "sites"]

# The places of one leaf, each a module with its name, and the name of an attribute.
Site = tuple[str, Any, str]


def sites(root: Any) -> list[list[Site]]:
    """For each leaf the places where it is: parameters, buffers, generators; more than one where a
    parameter is shared."""
    found: dict[Any, list[Site]] = {}
    for path, module in root.named_modules():
        for name, value in vars(module).items():
            site = (path, module, name)
            if name in module._parameters and value is not None:
                key = vars(root).get("_shared", {}).get((path, name), (path, name))
                found.setdefault(id(value) if isinstance(value, Tensor) else key, []).append(site)
            elif value is not None and (
                name in module._buffers or isinstance(value, np.random.Generator)
            ):
                found[path, name] = [site]
    return list(found.values())


def branch(root: Any, found: list[list[Site]], copy: Callable[..., Any]) -> Branch:
    """A module as a tree of its leaves.

    A module whose parameters are Tensors of its own stands for their values. What was built of
    other leaves, variables of a gradient among them, was lent them, and hands them out again.
    """
    names, items, constant = [], [], []
    for (path, module, name), *_ in found:
        value = vars(module)[name]
        names.append(f"{path}.{name}" if path else name)
        constant.append(name not in module._parameters or _is_frozen(module, name))
        own = isinstance(value, Tensor) and "_lent" not in vars(module)
        items.append(value.value if own else value)
    shared = {
        (path, name): (first[0], first[2]) for first, *more in found for path, _, name in more
    }

    def rebuild(values: list[Any]) -> Any:
        memo: dict[int, Any] = {}
        made = copy(root, memo)
        for module in memo.values():
            vars(module).setdefault("_lent", set())
        for places, value, held in zip(found, values, constant, strict=True):
            for _, module, name in places:
                lent = memo[id(module)]
                vars(lent)[name] = value
                if held and name in module._parameters:
                    lent._lent.add(name)
        if shared:
            vars(made).update(_shared=shared)
        return made

    return Branch(rebuild, items, names, constant, static(root))


def _is_frozen(module: Any, name: str) -> bool:
    """Whether a parameter requires no gradient; one that was lent does not say so itself."""
    if "_lent" in vars(module):
        return name in module._lent
    return isinstance(vars(module)[name], Tensor) and not vars(module)[name].requires_grad


def copied(x: Any, memo: dict[int, Any]) -> Any:
    """A copy of a module and of the modules in it, with the same attributes."""
    if hasattr(type(x), "named_modules"):
        if id(x) not in memo:
            made = memo[id(x)] = object.__new__(type(x))
            vars(made).update({name: copied(value, memo) for name, value in vars(x).items()})
        return memo[id(x)]
    if type(x) is dict:
        return {k: copied(v, memo) for k, v in x.items()}
    if type(x) is set:
        return set(x)
    if type(x) in (list, tuple):
        return type(x)(copied(v, memo) for v in x)
    return x


class _Same:
    """Something that nothing else equals; its number is not given away while this is there."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.x is other.x

    def __hash__(self) -> int:
        return id(self.x)


_OURS = frozenset({"_parameters", "_buffers", "_lent", "_shared"})


def static(root: Any) -> Hashable:
    """What a compiled program of the module depends on beside shapes and dtypes."""
    return tuple(
        (
            path,
            type(module),
            *(
                (name, _key(value))
                for name, value in vars(module).items()
                if name not in _OURS and name not in module._parameters
                and name not in module._buffers
            ),
        )
        for path, module in root.named_modules()
    )  # fmt: skip


_BY_VALUE = (bool, int, float, complex, str, type(None), type, FunctionType)


def _key(x: Any) -> Hashable:
    kind = type(x)
    if kind in _BY_VALUE:
        return kind, x
    if kind in (list, tuple):
        return kind, tuple(map(_key, x))
    if kind is dict:
        return kind, tuple((k, _key(v)) for k, v in x.items())
    if isinstance(x, np.random.Generator) or hasattr(kind, "named_modules"):
        return str(kind)  # leaves, and modules that speak for themselves
    return _Same(x)
