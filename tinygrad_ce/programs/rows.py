"""The gradients in a program as equations in the user's names, everything else written out."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tinygrad_ce.programs.printing import expression
from tinygrad_ce.programs.program import Line, Program, Value, mapped

__all__ = ["Rows"]

_LONG = 400  # letters of an expression that is written out


class Rows:
    """Writes equations; a Value has the same name in all of them."""

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}

    def of(self, program: Program) -> tuple[str, ...]:
        """`dz = y - t` for the gradient of everything that has a name."""
        makers = program.makers()
        written: dict[Value, ast.expr] = {}
        rows = []

        def name(value: Value) -> ast.expr:
            if value in written:
                return written[value]
            return ast.Name(self._name(value) or "x")

        for line in program.lines:
            if line.several or len(line.results) != 1:
                continue
            value = line.result
            text = expression(_without_arrays(line), name)
            known = self._name(value)
            if known is not None:
                written[value] = ast.Name(known)
                if value.name is None:
                    rows.append(f"{known} = {ast.unparse(text)}")
            else:
                short = len(ast.unparse(text)) < _LONG
                written[value] = text if short else ast.Name("...")
        for output in program.outputs:
            if isinstance(output, Value) and output in makers and self._name(output) is None:
                rows.append(ast.unparse(written[output]))
        return tuple(rows)

    def _name(self, value: Value) -> str | None:
        if value in self.names:
            return self.names[value]
        if value.name is None and (value.of is None or value.of.name is None):
            return None
        wanted = value.name or f"d{value.of.name}"  # type: ignore[union-attr]
        taken = set(self.names.values())
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}{number}", number + 1
        self.names[value] = name
        return name


def _without_arrays(line: Line) -> Line:
    """The line with C in the place of constant arrays that are not small."""

    def short(x: Any) -> Any:
        return x if x.size <= 6 else Value(x.shape, x.dtype, name="C")

    args, kwargs = mapped(short, (line.args, dict(line.kwargs)), np.ndarray)
    return Line(line.results, line.function, args, kwargs, line.part)
