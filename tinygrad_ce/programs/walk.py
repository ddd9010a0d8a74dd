"""A walk over a program, line after line, by a pass that looks at what made the operands."""

from __future__ import annotations

from typing import Any

from tinygrad_ce.programs.patterns import Rewriting
from tinygrad_ce.programs.program import Line, Program, Value
from tinygrad_ce.programs.simplify import dead, replaced

__all__ = ["Walk"]


class Walk:
    """A pass with a memory: `changed(line)` has what takes a line's place, or None.

    Attributes:
        makers: the line that makes each Value, as far as the walk has come.
        uses: how often a Value was used before; what the pass makes counts as what it replaces.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.uses = program, program.uses()
        self.makers: dict[Value, Line] = {}

    def done(self) -> Program:
        """The program after the walk, without the lines that nobody needs any more."""
        return dead(replaced(self.program, self._change))

    def changed(self, line: Line) -> Rewriting | None:
        """The lines in the place of this one, and their result."""
        raise NotImplementedError

    def seen(self, line: Line) -> None:
        """Called for every line that stays."""

    def made_by(self, function: Any, x: Any) -> Line | None:
        """The line that makes x, if it calls this function."""
        line = self.makers.get(x) if isinstance(x, Value) else None
        return line if line is not None and line.function is function else None

    def is_alone(self, x: Any) -> bool:
        """Whether x has one use."""
        return isinstance(x, Value) and self.uses.get(x) == 1

    def _change(self, line: Line) -> Rewriting | None:
        found = self.changed(line)
        lines, result = found if found is not None else ([line], None)
        for made in lines:
            self.makers.update((x, made) for x in made.results)
            if found is not None:
                self.uses |= {x: self.uses.get(x, 1) for x in made.results}
            self.seen(made)
        if isinstance(result, Value) and result in self.makers:
            self.uses[result] = self.uses.get(line.result, 0)
        return found
