"""Functions of ours written out in NumPy's, for those who know NumPy's alone.

A body that branches on numbers, as softmax does to be fast where all is finite, is written here
without branches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.programs.emit import foreign
from tinygrad_ce.programs.numberless import Known
from tinygrad_ce.programs.program import Line, Program, Value, mapped
from tinygrad_ce.programs.tracer import Trace, Traced
from tinygrad_ce.rules.indexing import assign, scatter
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax
from tinygrad_ce.rules.support import sum_to

__all__ = ["KEPT", "inline", "opened"]

KEPT: frozenset[Function] = frozenset({assign, scatter})  # what other libraries have by themselves


def _below_max(z: Any, axis: Any) -> tuple[Any, Any]:
    top = np.max(z, axis=axis, keepdims=True)
    there = np.equal(z, top)
    alone = np.equal(np.sum(there, axis=axis, keepdims=True), 1) & np.equal(top, np.inf)
    return top, np.where(alone & there, 0.0, z - top)


def _softmax(z: Any, axis: int = -1) -> Any:
    e = np.exp(_below_max(z, axis)[1])
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(z: Any, axis: int = -1) -> Any:
    _, shifted = _below_max(z, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _logsumexp(z: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    top, shifted = _below_max(z, axis)
    total = np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    result = np.where(np.isinf(top), top, top + total)
    return result if keepdims else np.squeeze(result, axis=axis)


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1
    )
    return np.reshape(np.sum(x, axis=axes, keepdims=True), shape) if axes else x


def _ones_at(labels: Any, n: int, dtype: Any) -> Any:
    return np.equal(np.expand_dims(labels, -1), np.arange(n)).astype(dtype)


def _polyval(p: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


_WITHOUT_BRANCHES: dict[Function, Callable[..., Any]] = {
    softmax: _softmax, log_softmax: _log_softmax, logsumexp: _logsumexp, sum_to: _sum_to,
    ones_at: _ones_at, np.polyval: _polyval,
}  # fmt: skip


def inline(program: Program) -> Program:
    """Write out the functions of ours in NumPy's.

    >>> from tinygrad_ce.programs.program import call
    >>> x = Value((2,), np.dtype(float))
    >>> line = call(softmax, x)
    >>> inline(Program("f", (x,), (line,), (line.result,))).lines[0].function.__name__
    'max'

    Raises:
        TraceError: a function looks at numbers.
    """
    ours = _ours(program)
    if not ours:
        return program
    known: dict[Value, Any] = {}
    lines: list[Line] = []
    for line in program.lines:
        args = mapped(lambda v: known.get(v, v), line.args)
        kwargs = mapped(lambda v: known.get(v, v), dict(line.kwargs))
        line = Line(line.results, line.function, args, kwargs, line.part, line.effect, line.several)
        if line.effect or line.function not in ours:
            lines.append(line)
            continue
        inside, found = opened(line, _WITHOUT_BRANCHES.get(line.function, plain(line.function)))
        lines += inside
        known.update(zip(line.results, found if line.several else (found,), strict=True))
    return inline(program.rewritten(lines, known))


def _ours(program: Program) -> set[Function]:
    """The functions that are to be written out."""
    used = {line.function for line in program.lines if not line.effect}
    return used & {*foreign(program), *_WITHOUT_BRANCHES} - KEPT


def opened(line: Line, body: Callable[..., Any]) -> tuple[list[Line], Any]:
    """What a line's function writes when it is traced, and its result, from the text in `body`."""
    tape = Trace()
    tape.part = line.part

    def traced(value: Value) -> Traced:
        example = value.weak(1) if value.weak else np.ones(value.shape, value.dtype)[()]
        return Traced(tape, value, example)

    with np.errstate(all="ignore"):
        result = body(*mapped(traced, line.args), **mapped(traced, dict(line.kwargs)))
    return tape.lines, mapped(lambda x: x.variable, result, Known)
