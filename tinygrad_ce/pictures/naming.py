"""What the user calls things: names found in variables, and in the attributes of objects there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from itertools import chain, islice
from pathlib import Path
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_ce.graph import Node

__all__ = ["found_names", "run_named", "users_frame"]

_OURS = str(Path(__file__).parent)
_NOT_THE_USERS = (str(Path(__file__).parents[1]), str(Path(np.__file__).parent), "<frozen")
_DEPTH, _MOST, _LONG = 6, 20_000, 60
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


def run_named(f: Callable[[], Any]) -> tuple[Any, dict[int, str], list[Any]]:
    """What f returns, and the tensors and arrays in the local variables of functions that it calls.

    Returns:
        The result; {id: name} of what was in variables when a function returned, where the
        function that returned last has the say; and those things, so that ids stay theirs.

    >>> def inner(x):
    ...     y = x + 1
    ...     return y * 2
    >>> sorted(run_named(lambda: inner(np.ones(2)))[1].values())
    ['x', 'y']
    """
    names: dict[int, str] = {}
    kept: list[Any] = []

    def on_event(frame: FrameType, event: str, arg: Any) -> None:
        if event == "return" and not frame.f_code.co_filename.startswith(_NOT_THE_USERS):
            for name, x in frame.f_locals.items():
                if isinstance(x, Node | np.ndarray) and name.isidentifier():
                    names[id(x)] = name
                    kept.append(x)

    if sys.getprofile() is not None:  # someone measures: the names are worth less
        return f(), names, kept
    sys.setprofile(on_event)
    try:
        return f(), names, kept
    finally:
        sys.setprofile(None)


def found_names(things: Collection[Any], frame: FrameType | None) -> dict[int, str]:
    """Names of some objects, by their id: `W`, `model.W`, `layers[0]`, `params['W']`.

    Variables come first, those of the frame before those of its module and of its callers; then
    what they hold, under the variable that holds most.

    >>> pair = [np.ones(2), np.zeros(2)]
    >>> found_names([*pair], sys._getframe()) == {id(x): f"pair[{i}]" for i, x in enumerate(pair)}
    True
    """
    wanted = {id(x) for x in things}
    hidden = {*wanted, id(things)}
    variables = list(_variables(frame))
    found: dict[int, str] = {}
    for name, x in variables:
        if id(x) in wanted:
            found.setdefault(id(x), name)
    left, reached = _MOST, []
    dug: set[int] = set(hidden)
    for name, x in variables:
        if id(x) not in dug and left > 0 and len(found) < len(wanted):
            dug.add(id(x))
            below, visited = _below(name, x, wanted, hidden)
            left -= visited
            reached.append(below)
    direct = set(found)
    # A variable of a loop, `layer`, holds less than `layers`, and is the poorer name.
    for below in sorted(reached, key=lambda names: -len(names)):
        found = {**below, **found, **_of_a_loop(below, direct)}
    return found


def _of_a_loop(below: dict[int, str], direct: set[int]) -> dict[int, str]:
    """What is called `xs[3]` and not `x`: the one item of a list that has a variable besides."""
    lists: dict[str, list[int]] = {}
    for key, path in below.items():
        if path.endswith("]"):
            lists.setdefault(path.rpartition("[")[0], []).append(key)
    alone = [(keys, [k for k in keys if k in direct]) for keys in lists.values()]
    return {named[0]: below[named[0]] for keys, named in alone if len(named) == 1 < len(keys) - 1}


def _below(name: str, x: Any, wanted: set[int], hidden: set[int]) -> tuple[dict[int, str], int]:
    """What an object holds, at any depth, of what is wanted; and how much was looked at."""
    found: dict[int, str] = {}
    seen = set(hidden)
    level, room = [(name, x)], _MOST // 5  # what may be looked at: a container may hold millions
    for _ in range(_DEPTH):
        below: list[tuple[str, Any]] = []
        for path, x in level:
            if id(x) in wanted:
                found.setdefault(id(x), path)
            elif id(x) not in seen and room > 0:
                seen.add(id(x))
                parts = list(islice(_parts(path, x), room))
                room -= len(parts)
                below += parts
        level = below
    return found, _MOST // 5 - room + 1


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
    kind = type(x)
    if issubclass(kind, _CLOSED) or len(name) > _LONG:
        return
    if kind.__module__.startswith("tinygrad_ce.pictures"):  # a scene, which holds everything
        return
    if issubclass(kind, dict):
        items = list(islice(dict.items(x), _MOST))
        yield from ((f"{name}[{key!r}]", v) for key, v in items if type(key) in (str, int))
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        yield from ((f"{name}.{key}", v) for key, v in zip(kind._fields, x))
    elif kind in (list, tuple):
        yield from ((f"{name}[{i}]", v) for i, v in enumerate(x))
    else:
        with suppress(AttributeError, TypeError):
            inside = list(object.__getattribute__(x, "__dict__").items())
            for key, v in inside:  # a module's numbered parts are its items
                yield f"{name}[{key}]" if key.isdecimal() else f"{name}.{key}", v
        if is_dataclass(kind) and hasattr(kind, "__slots__"):
            slots = [f.name for f in fields(kind)]
            yield from ((f"{name}.{slot}", getattr(x, slot, None)) for slot in slots)
