"""What tells the calls of a compiled function apart, so that one program can serve them.

Two calls share a program if their arguments are trees of the same structure, with arrays of the
same shape and dtype in the same places, and with the same values wherever something static stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_array
from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.trace import is_dynamic
from tinygrad_ce.tensor import Tensor

__all__ = ["Static", "attributes", "signature"]


class Static:
    """A leaf that holds an argument which was declared static."""

    __slots__ = ("name", "value")

    def __init__(self, value: Any, name: str) -> None:
        self.value, self.name = value, name

    def __repr__(self) -> str:
        return f"static {self.value!r:.60}"


def signature(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    """A key that equal calls have in common, and the leaves that a program takes.

    The leaves come in the order of `trees.flatten`.

    Raises:
        TraceError: something static cannot be told from others by a hash, or is an array.

    >>> key, values = signature((np.ones(3), {"mode": "fast"}), {"scale": 2.0})
    >>> values
    [array([1., 1., 1.]), 2.0]
    >>> key == signature((np.zeros(3), {"mode": "fast"}), {"scale": 0.5})[0]
    True
    """
    values: list[Any] = []
    return _key((args, kwargs), values, ""), values


def _key(x: Any, values: list[Any], way: str) -> Any:
    kind = type(x)
    if x is None:
        return None
    if isinstance(x, dict):
        items = [(_still(k, way), _key(v, values, f"{way}[{k!r}]")) for k, v in x.items()]
        return (kind, *items, *_others(x, way))
    if isinstance(x, list | tuple):
        parts = [_key(v, values, f"{way}[{i}]") for i, v in enumerate(x)]
        return (kind, *parts, *_others(x, way))
    if hasattr(kind, "__tree__"):
        branch = x.__tree__()
        ways = [f"{way}.{name}" for name in branch.names]
        parts = [_key(v, values, to) for v, to in zip(branch.items, ways, strict=True)]
        return (kind, branch.static, tuple(branch.constant), *parts)
    if is_dataclass(x) and not isinstance(x, type):
        names = [field.name for field in fields(x)]
        parts = [_key(getattr(x, name), values, f"{way}.{name}") for name in names]
        return (kind, *parts, *_others(x, way, names))
    if not is_dynamic(x):
        return (Static, _still(x, way))
    values.append(x)
    return _known_of(x)


def _known_of(x: Any) -> Any:
    """What a program knows of an input."""
    if isinstance(x, Tensor):
        return (Tensor, x.requires_grad, _known_of(x.value))
    if isinstance(x, np.ndarray):
        if type(x) not in (np.ndarray, np.memmap):
            raise TraceError(
                f"an argument is a {type(x).__name__}",
                "a program computes with plain arrays, whose operators mean something else",
                "pass np.asarray(x)",
            )
        return (np.ndarray, x.dtype, x.shape)
    return type(x)


def _still(x: Any, way: str) -> Any:
    """A static value as part of a key: 1, 1.0 and True differ, 0.0 and -0.0 too; nan is itself."""
    kind = type(x)
    if kind is Static:
        return _still(x.value, x.name)
    if kind in (float, complex):
        return (kind, repr(x))
    if kind is tuple:
        return (kind, *(_still(item, way) for item in x))
    if kind is frozenset:
        return (kind, frozenset(_still(item, way) for item in x))
    place = _place(way)
    if is_array(x) or hasattr(kind, "__array__") or hasattr(kind, "__array_interface__"):
        raise TraceError(
            f"{place} is an array of type {kind.__name__}{_dtype(x)} in a static place",
            "a program takes arrays of numbers, NumPy's own; what is static is known by its value",
            "pass np.asarray(x), not as static, or a tuple of the numbers",
        )
    if isinstance(x, Iterator):
        raise TraceError(
            f"{place} is an iterator, {kind.__name__}",
            "what it yields would be used up while the program is written down",
            "pass a list of what it yields, or draw from it outside",
        )
    try:
        hash(x)
    except TypeError:
        raise TraceError(
            f"{place} is a {kind.__name__}, {x!r:.60}, which has no hash",
            "what is no array and no number is static: a program is kept for each value of it",
            "pass a tuple, a frozenset or a frozen dataclass instead",
        ) from None
    return (kind, x)


def _place(way: str) -> str:
    return f"the argument {way}" if way and way[0].isalpha() else f"what stands at args{way}"


def _dtype(x: Any) -> str:
    return f" and dtype {x.dtype}" if hasattr(x, "dtype") else ""


def attributes(x: Any, names: Any = ()) -> dict[str, Any]:
    """What a node of a tree holds beside its parts: the attributes that are no fields."""
    held = getattr(x, "__dict__", None)
    return {k: v for k, v in held.items() if k not in names} if held else {}


def _others(x: Any, way: str, names: Any = ()) -> Iterator[Any]:
    for name, value in attributes(x, names).items():
        if is_dynamic(value) and type(value) not in (float, int, complex):
            raise TraceError(
                f"{_place(way)} is a {type(x).__name__} with an array in {name!r}, which is no "
                "field",
                "a program takes a tree's fields; another array would be a constant in it",
                f"declare {name} as a field of the dataclass",
            )
        yield name, _still(value, f"{way}.{name}")
