"""A program as a function: its readable source, run by Python."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.programs.emit import body, foreign, ufuncs
from tinygrad_ce.programs.printing import dotted
from tinygrad_ce.programs.program import Program

__all__ = ["executable", "loaded"]

_number = count(1)


def executable(program: Program) -> Callable[..., Any]:
    """The function of a program, whose lines tracebacks and pdb show.

    >>> from tinygrad_ce.programs.program import Value, call
    >>> x = Value((), np.dtype(float), name="x")
    >>> line = call(np.multiply, x, 2.0)
    >>> executable(Program("double", (x,), (line,), (line.result,)))(4.0)
    8.0
    """
    functions = {}
    for function in (*foreign(program), *ufuncs(program)):
        functions[dotted(function)] = plain(function)
    text = body(program, functions)
    scope = {"np": np, **functions, **text.constants}
    return loaded(text.source, program.name, scope)


def loaded(source: str, name: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """The function of this name that the source defines, registered with linecache."""
    file = f"<tinygrad_ce program {next(_number)}: {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    before = set(scope)
    exec(compile(source, file, "exec"), scope)
    (made,) = (x for key, x in scope.items() if key not in before and key != "__builtins__")
    return made  # type: ignore[no-any-return]
