"""What a plan has to know of its program before it writes the first line."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.programs.emit import foreign
from tinygrad_ce.programs.labels import less_at
from tinygrad_ce.programs.memory import VIEWS
from tinygrad_ce.programs.printing import dotted
from tinygrad_ce.programs.program import Program, Value
from tinygrad_ce.programs.region import Region

__all__ = ["called_by_name", "carried", "stacked"]


def called_by_name(program: Program) -> dict[str, Any]:
    """The functions of ours that a program calls, inside of its regions too."""
    found: dict[str, Any] = {}
    for function in foreign(program):
        if isinstance(function, Region):
            found |= called_by_name(function.program)
        else:
            found[dotted(function)] = plain(function)
    return found


def carried(program: Program, elsewhere: Container[Value]) -> dict[Value, Value]:
    """What is made to be changed in place, and what it becomes: x * c -> less_at(x * c).

    What is written elsewhere has a place already.
    """
    uses, makers = program.uses(), program.makers()
    found: dict[Value, Value] = {}
    for line in program.lines:
        if line.function is less_at and line.result not in elsewhere:
            x = line.args[0]
            made = makers.get(x)
            is_fresh = made is not None and isinstance(made.function, np.ufunc)
            if is_fresh and uses[x] == 1 and x.ndim:
                found[x] = line.result
    return found


def stacked(program: Program) -> dict[Value, tuple[Value, int]]:
    """The Values that are written where np.stack would copy them: the stack, and their row."""
    outputs = {x for x in program.outputs if isinstance(x, Value)}
    made = {v for line in program.lines if line.function not in VIEWS for v in line.results}
    free = made - outputs
    found: dict[Value, tuple[Value, int]] = {}
    for line in program.lines:
        if line.function is np.stack and line.args[1:] in ((), (0,)) and not line.kwargs:
            for i, x in enumerate(line.args[0]):
                fits = isinstance(x, Value) and x in free and x not in found
                fits = fits and line.result not in outputs
                if fits and x.dtype == line.result.dtype and not x.weak:
                    found[x] = (line.result, i)
    return found
