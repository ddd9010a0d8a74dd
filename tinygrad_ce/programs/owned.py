"""Results with memory of their own: what a caller may write to without changing anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_ce.programs.memory import VIEWS, is_fresh
from tinygrad_ce.programs.program import Line, Program, Value, call

__all__ = ["owned"]


def owned(program: Program, original: Program) -> Program:
    """Let every result have memory of its own, unless f returned an argument or a part of one.

    A simplified program may return an input, or the same array twice, where f computed them; a
    constant of the program is not the caller's to write to; and gradients share no memory.

    >>> x = Value((2,), np.dtype(float), name="x")
    >>> copied = call(np.positive, x)
    >>> before = Program("f", (x,), (copied,), (copied.result,))
    >>> owned(Program("f", (x,), (), (x,)), before).lines[0].function.__name__
    'copy'
    """
    makers, meant = program.makers(), original.makers()
    handed: dict[Any, Any] = {}  # whose memory was given away, and what f gave there
    lines, outputs = list(program.lines), []
    for returned, computed in zip(program.outputs, original.outputs, strict=True):
        if isinstance(returned, Value | np.ndarray):
            source, wanted = _source(returned, makers), _source(computed, meant)
            if not (isinstance(source, Value) and isinstance(returned, Value)):  # a constant
                fine = False
            elif source in program.inputs:
                fine = wanted is source
            else:
                maker = makers[returned]
                backward = maker.part == "backward"
                shared = source in handed and (backward or handed[source] is not wanted)
                view = backward and not is_fresh(maker.function)
                fine = not shared and not view
                handed.setdefault(source, wanted)
            if not fine:
                lines.append(call(np.copy, returned))
                returned = lines[-1].result
        outputs.append(returned)
    return program.but(lines=tuple(lines), outputs=tuple(outputs))


def _source(x: Any, makers: Mapping[Value, Line]) -> Any:
    """The array in whose memory x may lie: an input, a constant, or what a line makes anew."""
    while isinstance(x, Value) and x in makers and makers[x].function in VIEWS:
        x = makers[x].args[0]
    return x
