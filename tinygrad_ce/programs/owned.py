"""Results that belong to the caller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_ce.programs.program import Program, Value, call

__all__ = ["owned"]

_VIEWS = frozenset({np.broadcast_to, np.transpose, np.reshape, np.squeeze, np.expand_dims, np.ravel,
                    np.swapaxes, np.moveaxis})  # fmt: skip


def owned(program: Program, original: Program) -> Program:
    """Let every result have memory of its own, as gradients have, unless f returned an argument.

    A simplified program may return an input, or the same array twice, where f computed them; and
    a constant of the program is not the caller's to write to.

    >>> x = Value((2,), np.dtype(float), name="x")
    >>> copied = call(np.positive, x)
    >>> before = Program("f", (x,), (copied,), (copied.result,))
    >>> owned(Program("f", (x,), (), (x,)), before).lines[0].function.__name__
    'copy'
    """
    makers = program.makers()
    handed = {x for x in original.outputs if isinstance(x, Value) and x in original.inputs}
    lines, outputs = list(program.lines), []

    def copied(x: Any) -> Value:
        lines.append(call(np.copy, x))
        return lines[-1].result

    for output in program.outputs:
        if isinstance(output, np.ndarray):
            output = copied(output)
        elif isinstance(output, Value) and output not in handed:
            line = makers.get(output)
            if line is None or (line.part == "backward" and line.function in _VIEWS):
                output = copied(output)
            handed.add(output)
        elif isinstance(output, Value) and output not in original.inputs:
            output = copied(output)
        outputs.append(output)
    return replace(program, lines=tuple(lines), outputs=tuple(outputs))
