"""Results with memory of their own: what a caller may write to without changing anything else."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.rules.joining import cut
from tinygrad_ce.rules.support import output, spread

__all__ = ["owned"]

# Functions whose result may lie in the memory of their first argument.
_VIEWS = frozenset(
    {
        np.broadcast_to, np.transpose, np.reshape, np.squeeze, np.expand_dims, np.ravel,
        np.swapaxes, np.moveaxis, np.rollaxis, np.flip, np.fliplr, np.flipud, np.rot90,
        np.permute_dims, np.matrix_transpose, np.linalg.matrix_transpose, np.real, np.imag,
        np.diagonal, np.linalg.diagonal, np.diag, np.atleast_1d, np.atleast_2d, np.atleast_3d,
        np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.broadcast_arrays,
        np.real_if_close, np.lib.stride_tricks.sliding_window_view, operator.getitem,
        cut, output, spread, *(getattr(np, name) for name in ("unstack",) if hasattr(np, name)),
    }
)  # fmt: skip


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
                view = backward and maker.function in _VIEWS
                fine = not shared and not view
                handed.setdefault(source, wanted)
            if not fine:
                lines.append(call(np.copy, returned))
                returned = lines[-1].result
        outputs.append(returned)
    return replace(program, lines=tuple(lines), outputs=tuple(outputs))


def _source(x: Any, makers: Mapping[Value, Line]) -> Any:
    """The array in whose memory x may lie: an input, a constant, or what a line makes anew."""
    while isinstance(x, Value) and x in makers and makers[x].function in _VIEWS:
        x = makers[x].args[0]
    return x
