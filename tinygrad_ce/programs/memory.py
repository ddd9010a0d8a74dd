"""In whose memory a result may lie: what must not be written over, or handed out twice."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator

import numpy as np

from tinygrad_ce.programs.effects import draw
from tinygrad_ce.programs.program import Line, Program, Value
from tinygrad_ce.programs.region import Region
from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.joining import cut
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax, xlog_softmax
from tinygrad_ce.rules.special import log_sigmoid, sigmoid, softplus, xlogy
from tinygrad_ce.rules.support import astype, masked, output, ratio, spread, weigh

__all__ = ["VIEWS", "is_fresh", "lifetimes", "shared", "together"]

# Functions whose result looks at their first operand's memory, or may.
VIEWS: frozenset[Function] = frozenset(
    {
        np.transpose, np.reshape, np.broadcast_to, np.expand_dims, np.squeeze, np.swapaxes,
        np.moveaxis, np.ravel, operator.getitem, np.diagonal, np.flip, np.real, np.imag,
        np.atleast_1d, np.atleast_2d, np.rollaxis, np.flipud, np.fliplr, np.rot90, np.split,
        np.array_split, np.hsplit, np.vsplit, np.dsplit, np.asarray, np.atleast_3d,
        np.broadcast_arrays, np.lib.stride_tricks.sliding_window_view, np.permute_dims,
        np.matrix_transpose, np.linalg.matrix_transpose, np.linalg.diagonal, np.diag,
        np.real_if_close, cut, output, spread,
        *(getattr(np, name) for name in ("unstack",) if hasattr(np, name)),
    }
)  # fmt: skip

# Functions whose results are made anew, as those of ufuncs are. Of any other a result may lie in
# the memory of any operand.
_FRESH: frozenset[Function] = frozenset(
    {
        np.sum, np.mean, np.max, np.min, np.prod, np.var, np.std, np.dot, np.where, np.concatenate,
        np.stack, np.copy, np.take, np.take_along_axis, np.cumsum, np.cumprod, np.argmax,
        np.argmin, np.argsort, np.sort, np.count_nonzero, np.all, np.any, np.outer, np.tensordot,
        np.einsum, np.linalg.inv, np.linalg.solve, np.linalg.det, np.linalg.norm, np.pad, np.roll,
        np.repeat, np.tile, astype, draw, masked, ones_at, ratio, scatter, weigh, softmax,
        log_softmax, logsumexp, xlog_softmax, sigmoid, log_sigmoid, softplus, xlogy,
    }
)  # fmt: skip


def is_fresh(function: Function) -> bool:
    """Whether a function's results are new memory.

    >>> is_fresh(np.exp), is_fresh(np.transpose)
    (True, False)
    """
    return isinstance(function, np.ufunc | Region) or function in _FRESH


def shared(line: Line) -> Iterator[Value]:
    """The operands in whose memory the line's results may lie."""
    if is_fresh(line.function):
        return
    if line.function in VIEWS and line.args and isinstance(line.args[0], Value):
        yield line.args[0]
    else:
        yield from line.operands()


def together(program: Program, groups: Iterable[Iterable[Value]] = ()) -> dict[Value, Value]:
    """For each Value one that stands for all that may lie in the same memory; `groups` are more
    that do.

    >>> from tinygrad_ce.programs.program import call
    >>> x = Value((2, 3), np.dtype(float))
    >>> turned = call(np.transpose, x)
    >>> found = together(Program("f", (x,), (turned,), ()))
    >>> found[turned.result] is found[x]
    True
    """
    above: dict[Value, Value] = {}

    def top(value: Value) -> Value:
        while above.setdefault(value, value) is not value:
            above[value] = above[above[value]]
            value = above[value]
        return value

    for value in program.inputs:
        top(value)
    for line in program.lines:
        for result in line.results:
            top(result)
            for operand in shared(line):
                above[top(result)] = top(operand)
    for first, *others in map(list, groups):
        for other in others:
            above[top(other)] = top(first)
    return {value: top(value) for value in above}


def lifetimes(program: Program, roots: dict[Value, Value]) -> dict[Value, int]:
    """The last line that looks at the memory that each root stands for."""
    last: dict[Value, int] = {}
    for i, line in enumerate(program.lines):
        for value in (*line.operands(), *line.results):
            last[roots[value]] = i
    for x in program.outputs:
        if isinstance(x, Value):
            last[roots[x]] = len(program.lines)
    return last
