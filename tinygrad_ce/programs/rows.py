"""The gradients in a program as equations in the user's names, everything else written out."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tinygrad_ce.programs.names import Names
from tinygrad_ce.programs.printing import expression
from tinygrad_ce.programs.program import Line, Program, Value, mapped

__all__ = ["equations"]

_LONG = 400  # letters of an expression that is written out


def equations(program: Program, part: str) -> tuple[str, ...]:
    """The lines of what has a name: `y = e / np.sum(e)` forward, `dz = y - t` backward."""
    names = _names(program)
    written: dict[Value, ast.expr] = {v: ast.Name(name) for v, name in names.items()}
    rows = []
    for line in program.lines:
        if line.several or len(line.results) != 1:
            continue
        value = line.result
        text = expression(_without_arrays(line), lambda v: written.get(v, ast.Name("C")))
        if value not in names:
            short = len(ast.unparse(text)) < _LONG
            written[value] = text if short else ast.Name("...")
        elif (value.name is None) == (part == "backward"):
            rows.append(f"{names[value]} = {ast.unparse(text)}")
    return tuple(rows)


def _names(program: Program) -> dict[Value, str]:
    """What values are called; those that are returned have the first choice."""
    outputs = [x for x in program.outputs if isinstance(x, Value)]
    names = Names(())
    for value in (*program.inputs, *outputs, *program.makers()):
        if value.name or (value.of is not None and value.of.name):
            names.of(value)
    return names.known


def _without_arrays(line: Line) -> Line:
    """The line with C in the place of constant arrays that are not small."""

    def short(x: Any) -> Any:
        return x if x.size <= 6 else Value(x.shape, x.dtype, name="C")

    args, kwargs = mapped(short, (line.args, dict(line.kwargs)), np.ndarray)
    return Line(line.results, line.function, args, kwargs, line.part)
