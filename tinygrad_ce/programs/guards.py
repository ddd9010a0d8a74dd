"""What keeps a program to the function where a simplification took a sum to be exactly 1.

Targets pass for a distribution if they sum to 1 up to 1e-4. That is close enough for a loss, but
the gradient `y - t` is that of targets whose sum is 1 up to rounding. For others the function is
called itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_ce.programs.effects import LookAgain, look_again
from tinygrad_ce.programs.identities import SUM_IS_ONE
from tinygrad_ce.programs.program import Line, Program
from tinygrad_ce.targets import check_distribution

__all__ = ["QUESTIONS", "guarded", "look_closely"]

_ROUNDINGS = 32


def look_closely(t: Any, axis: int) -> None:
    """Leave the program if a distribution does not sum to 1 up to rounding.

    >>> look_closely(np.array([0.25, 0.75]), 0)
    """
    tolerance = _ROUNDINGS * np.finfo(t.dtype).eps if t.dtype.kind == "f" else 0
    if not (np.abs(np.sum(t, axis=axis) - 1) <= tolerance).all():
        raise LookAgain


QUESTIONS = frozenset({look_again, look_closely})  # by which a program is left


def guarded(program: Program) -> Program:
    """Look closely at distributions that were checked, where a sum was taken to be 1.

    >>> guarded(Program("f", (), (), (), log=(SUM_IS_ONE,))).lines
    ()
    """
    if SUM_IS_ONE not in program.log:
        return program
    lines: list[Line] = []
    for line in program.lines:
        lines.append(line)
        if line.function is check_distribution:
            lines.append(Line((), look_closely, line.args, {}, line.part, effect=True))
    return program.rewritten(lines, {})
