"""The line of the user's code that each step of a graph comes from.

To look up the line costs more than many a step, so nobody does unless asked to. While someone
listens, the one function that records steps is exchanged for one that tells the listeners of its
thread; at other times computing costs what it did.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, get_ident
from types import CodeType, FrameType
from typing import Any

import numpy as np

from tinygrad_ce.graph import Node, extras_of
from tinygrad_ce.tensor import recorded

__all__ = ["Place", "place_of", "source_lines", "watched"]

Place = tuple[str, int]
Listener = Callable[[Node, Place | None], None]

PACKAGE, NUMPY = (str(Path(file).parent) + os.sep for file in (__file__, np.__file__))
ENGINE = tuple(PACKAGE + name for name in ("rules", "tensor.py", "graph.py", "dispatch.py"))

_lock = Lock()
_names = recorded.__globals__
_listeners: tuple[tuple[int, Listener, CodeType | None], ...] = ()


@contextmanager
def source_lines() -> Iterator[None]:
    """Note, with every step that is recorded in this block, the line that it comes from.

    A step then takes about twice as long, so ask where you search: `trouble` names the lines.

    >>> import tinygrad_ce as tg
    >>> x = tg.tensor(0.0, requires_grad=True)
    >>> with tg.source_lines():
    ...     y = np.sqrt(x)
    >>> place_of(y)[1]
    2
    """

    def note(node: Node, place: Place | None) -> None:
        extras_of(node).place = place

    with watched(note):
        yield


def place_of(node: Node) -> Place | None:
    """The file and line that a step comes from, where `source_lines` noted it."""
    return None if node.extras is None else node.extras.place


@contextmanager
def watched(listener: Listener, start: CodeType | None = None) -> Iterator[None]:
    """Tell a listener of every step that this thread records meanwhile, and where it comes from.

    Args:
        listener: called with the step's node, and with its file and line or None.
        start: the code whose callers are not asked.
    """
    global _listeners
    entry = (get_ident(), listener, start)
    with _lock:
        if not _listeners:
            _names["recorded"] = _telling
        _listeners += (entry,)
    try:
        yield
    finally:
        with _lock:
            _listeners = tuple(held for held in _listeners if held is not entry)
            if not _listeners:
                _names["recorded"] = recorded


def _telling(*given: Any) -> Any:
    """`recorded`, heard by the listeners of this thread."""
    node = recorded(*given)
    thread = get_ident()
    for listening, listener, start in _listeners:
        if listening == thread:
            listener(node, _place(start))
    return node


def _place(start: CodeType | None) -> Place | None:
    """The innermost line outside this package and NumPy; else the innermost outside the engine."""
    frame: FrameType | None = sys._getframe(2)
    inside = None
    while frame is not None and frame.f_code is not start:
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE, NUMPY)):
            return _short(file), frame.f_lineno
        if inside is None and not file.startswith((*ENGINE, NUMPY)):
            inside = _short(file), frame.f_lineno
        frame = frame.f_back
    return inside


def _short(file: str) -> str:
    """A path as one would type it: from here if it is below."""
    here = os.getcwd() + os.sep
    return file.removeprefix(here)
