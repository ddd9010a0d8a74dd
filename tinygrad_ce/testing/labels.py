"""What arguments and the leaves of trees are called in reports."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

__all__ = ["argument_names", "paths"]


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's arguments, as far as they are known."""
    try:
        known = [
            p.name for p in signature(f).parameters.values()
            if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]  # fmt: skip
    except (TypeError, ValueError):
        known = []
    return [known[i] if i < len(known) else f"argument {i}" for i in range(count)]


def paths(tree: Any, head: str = "") -> list[str]:
    """Where the leaves of a tree are, from left to right: `['w']`, `[0]`, `.bias`.

    >>> paths({"w": 1.0, "b": [2.0, 3.0]})
    ["['w']", "['b'][0]", "['b'][1]"]
    """
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [p for key, item in tree.items() for p in paths(item, f"{head}[{key!r}]")]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [p for name in tree._fields for p in paths(getattr(tree, name), f"{head}.{name}")]
    if isinstance(tree, list | tuple):
        return [p for i, item in enumerate(tree) for p in paths(item, f"{head}[{i}]")]
    names = getattr(tree, "__dataclass_fields__", None)
    if names is not None and not isinstance(tree, type):
        return [p for name in names for p in paths(getattr(tree, name), f"{head}.{name}")]
    return [head]
