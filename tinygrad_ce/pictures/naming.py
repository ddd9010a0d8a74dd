"""What the user calls things: names found in variables, and in the attributes of objects there."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_ce.graph import Node

__all__ = ["found_names", "users_frame"]

_OURS = str(Path(__file__).parent)
_DEPTH, _MOST, _LONG = 5, 20_000, 60
_SHELL = ("_", "In", "Out", "get_ipython", "exit", "quit")  # what notebooks keep for themselves
_CLOSED = (
    Node,
    np.ndarray,
    np.generic,
    type,
    ModuleType,
    FunctionType,
    MethodType,
    FrameType,
    str,
    bytes,
    int,
    float,
    complex,
)


def users_frame() -> FrameType | None:
    """The innermost running frame that is not of this package's pictures."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    return frame


def found_names(things: Collection[Any], frame: FrameType | None) -> dict[int, str]:
    """Names of some objects, by their id: `W`, `model.W`, `layers[0]`, `params['W']`.

    Variables of the frame come first, then those of its callers and of its module; among them
    what is nearer to a variable.

    >>> pair = [np.ones(2), np.zeros(2)]
    >>> found_names([*pair], sys._getframe()) == {id(x): f"pair[{i}]" for i, x in enumerate(pair)}
    True
    """
    wanted = {id(x) for x in things}
    found: dict[int, str] = {}
    seen: set[int] = wanted | {id(things)}
    level = list(_variables(frame))
    for _ in range(_DEPTH):
        below: list[tuple[str, Any]] = []
        for name, x in level:
            if id(x) in wanted:
                found.setdefault(id(x), name)
            elif id(x) not in seen and len(seen) < _MOST:
                seen.add(id(x))
                below += _parts(name, x)
        if len(found) == len(wanted):
            break
        level = below
    return found


def _variables(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """Variables in sight of a frame, innermost first."""
    scopes: list[dict[str, Any]] = []
    last = frame
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_OURS):
            scopes.append(frame.f_locals)
            last = last or frame
        frame = frame.f_back
    if last is not None:
        scopes.insert(1, last.f_globals)
    for name, x in chain.from_iterable(list(scope.items()) for scope in scopes):
        if not name.startswith(_SHELL):
            yield name, x


def _parts(name: str, x: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, with names; only what can be looked at without running its code."""
    if isinstance(x, _CLOSED) or len(name) > _LONG:
        return
    if isinstance(x, dict):
        if type(x) is dict:
            yield from ((f"{name}[{key!r}]", v) for key, v in x.items() if type(key) in (str, int))
    elif isinstance(x, tuple) and hasattr(x, "_fields"):
        fields_ = x._fields
        yield from ((f"{name}.{key}", v) for key, v in zip(fields_, x))
    elif type(x) in (list, tuple):
        yield from ((f"{name}[{i}]", v) for i, v in enumerate(x))
    elif isinstance(getattr(x, "__dict__", None), dict):
        yield from ((f"{name}.{key}", v) for key, v in list(vars(x).items()))
    elif is_dataclass(x):
        yield from ((f"{name}.{f.name}", getattr(x, f.name, None)) for f in fields(x))
