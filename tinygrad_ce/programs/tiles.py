"""The pass that joins lines on large arrays to regions, which run tile by tile in the cache.

A call on an array beyond the cache waits for memory. Lines that go through such arrays entry by
entry, or row by row, run on one tile after the other instead: all of them on the first tile, all of
them on the second. Sums over everything are added up.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import partial
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_ce.programs.effects import look_again
from tinygrad_ce.programs.labels import less_at, picked
from tinygrad_ce.programs.program import Line, Program, Value, mapped
from tinygrad_ce.programs.region import SHAPED, Region
from tinygrad_ce.record import Record
from tinygrad_ce.rules.support import astype, masked

__all__ = ["Sizes", "tiled"]


class Sizes(Record):
    """What is worth a tile, as measured.

    Attributes:
        large: the bytes from which on an array counts as large: the second level of the cache.
        tile: the entries of a tile. A smaller one pays for calls, a larger one leaves the cache.
            Twice as many where rows are cut: there are fewer arrays at a time, and more calls.
        calls: how many lines on large arrays are worth a loop.
    """

    large: int = 800_000
    tile: int = 32768
    calls: int = 4


def tiled(program: Program, sizes: Sizes | None = None) -> Program:
    """Join what runs tile by tile.

    >>> from tinygrad_ce.programs.program import call
    >>> x = Value((10**6,), np.dtype(float))
    >>> a = call(np.multiply, x, x)
    >>> b = call(np.exp, a.result)
    >>> c = call(np.add, b.result, x)
    >>> d = call(np.sum, c.result)
    >>> (line,) = tiled(Program("f", (x,), (a, b, c, d), (d.result,))).lines
    >>> line.function.rows, len(line.function.program.lines)
    (31250, 4)
    """
    sizes = sizes or Sizes()
    tried: set[Line] = set()
    while True:
        seeds = (x for x in program.lines if x not in tried and _is_large(x, sizes))
        seed = next(seeds, None)
        if seed is None:
            return program
        shape = max((x.shape for x in _around(seed)), key=prod)
        found = [_Grouping(cut, program) for cut in (_Flat(shape), _Rows(shape))]
        best = max(found, key=lambda grouping: grouping.calls(sizes))
        tried.add(seed)
        if seed in best.members and best.calls(sizes) >= sizes.calls:
            tried.update(best.members)
            program = best.joined(sizes)


def _around(line: Line) -> Iterable[Value]:
    yield from line.results
    yield from line.operands()


def _is_large(line: Line, sizes: Sizes) -> bool:
    fits = _is_entrywise(line) or line.function in _REDUCTIONS
    return fits and any(x.size * x.dtype.itemsize >= sizes.large for x in _around(line))


class _Flat:
    """Cuts arrays of one shape anywhere."""

    flat = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.length = shape, prod(shape)

    def cuts(self, x: Any) -> bool:
        return bool(x.shape == self.shape)

    def is_whole(self, x: Any, result: Value) -> bool:
        """Whether every tile of the result needs all of x."""
        return bool(x.ndim == 0)


class _Rows(_Flat):
    """Cuts arrays between rows, at their first axis."""

    flat = False

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.length = shape[0]

    def cuts(self, x: Any) -> bool:
        return bool(x.ndim and x.shape[0] == self.length > 1)

    def is_whole(self, x: Any, result: Value) -> bool:
        return bool(x.ndim < result.ndim or x.shape[0] == 1)


_Role: TypeAlias = Literal["tile", "sum", "look"]
_REDUCTIONS = (np.sum, np.max, np.min, np.mean, np.count_nonzero)


class _Grouping:
    """Which lines join: all those that need nothing which is known only after the last tile.

    Attributes:
        members: those that join.
        before: those that the members do not need to wait for, or wait for.
        after: those that wait for members.
    """

    def __init__(self, cut: _Flat, program: Program) -> None:
        self.cut, self.program = cut, program
        self.members: list[Line] = []
        self.before: list[Line] = []
        self.after: list[Line] = []
        self.inside: set[Value] = set()
        late: set[Value] = set()
        is_checked = False  # whether a check waits: what it guards must not come before it
        for line in program.lines:
            waits = any(x in late for x in line.operands())
            role = None if waits or (is_checked and not _is_safe(line)) else self._role(line)
            if role is not None:
                self.members.append(line)
                (late if role == "sum" else self.inside).update(line.results)
            elif waits or any(x in self.inside for x in line.operands()) or (
                is_checked and (line.effect or not _is_safe(line))
            ):  # fmt: skip
                self.after.append(line)
                late.update(line.results)
                is_checked = is_checked or (line.effect and line.function is not look_again)
            else:
                self.before.append(line)

    def calls(self, sizes: Sizes) -> int:
        """How many members go through large arrays, if a row is no longer than a tile."""
        widths = [prod(x.shape[1:]) for line in self.members for x in _around(line)
                  if not self.cut.flat and self.cut.cuts(x)]  # fmt: skip
        if not self.members or max(widths, default=1) > sizes.tile:
            return 0
        return sum(any(x.size * x.dtype.itemsize >= sizes.large for x in _around(line))
                   for line in self.members if line.results)  # fmt: skip

    def joined(self, sizes: Sizes) -> Program:
        """The program with the members as one line."""
        outside = {x for line in self.after for x in line.operands()}
        outside.update(x for x in self.program.outputs if isinstance(x, Value))
        outputs = tuple(x for line in self.members for x in line.results if x in outside)
        inputs: dict[tuple[int, bool], tuple[Value, Any]] = {}
        tiles, entries = set(self.inside), set[Value]()

        def entered(x: Any, line: Line) -> Any:
            if (x in self.inside or x in entries) if isinstance(x, Value) else not x.ndim:
                return x
            is_cut = self._is_cut(x, line)
            weak = x.weak if isinstance(x, Value) else None
            value, _ = inputs.setdefault((id(x), is_cut), (Value(x.shape, x.dtype, weak), x))
            entries.add(value)
            if is_cut:
                tiles.add(value)
            return value

        lines = []
        for line in self.members:
            enter = partial(entered, line=line)
            args = mapped(enter, mapped(enter, line.args, np.ndarray))
            lines.append(line.but(args=args))
        values, operands = zip(*inputs.values())
        body = Program("region", values, tuple(lines), outputs)
        rows = self._rows(frozenset(tiles), sizes)
        region = Region(body, frozenset(tiles), self.cut.length, rows, self.cut.flat)
        joined = Line(outputs, region, operands, several=True)
        return self.program.rewritten([*self.before, joined, *self.after], {})

    def _is_cut(self, x: Any, line: Line) -> bool:
        """Whether an operand is cut as the result is; a shorter one is broadcast to every row."""
        is_short = bool(line.results) and _is_entrywise(line) and x.ndim < line.result.ndim
        return self.cut.cuts(x) and not is_short

    def _rows(self, tiles: frozenset[Value], sizes: Sizes) -> int:
        """Rows of a tile: a divisor of the length, if one is near."""
        width = 1 if self.cut.flat else max(prod(x.shape[1:]) for x in tiles)
        entries = sizes.tile if self.cut.flat else 2 * sizes.tile
        most = max(1, min(entries // max(width, 1), self.cut.length))
        near = (n for n in range(most, most // 2, -1) if self.cut.length % n == 0)
        return next(near, most)

    def _role(self, line: Line) -> _Role | None:
        """What a line does in the region, or None if it cannot join."""
        f, cuts = line.function, self.cut.cuts
        if f is look_again:
            return "look" if line.args[0] in self.inside else None
        if line.effect or line.several or len(line.results) != 1 or not line.args:
            return None
        if _is_entrywise(line):
            return "tile" if cuts(line.result) and self._fits_all(line) else None
        x = line.args[0]
        if not isinstance(x, Value) or not cuts(x):
            return None
        if f is np.vdot:
            a, b = line.args
            same = isinstance(b, Value) and (a.shape, a.dtype) == (b.shape, b.dtype)
            return "sum" if same and a.dtype.char in "fd" else None
        if f in _REDUCTIONS:
            return self._reduction(line, x)
        if f in (picked, less_at):
            fits = not self.cut.flat and cuts(line.result) and cuts(line.args[1])
            return "tile" if fits else None
        if self.cut.flat or not cuts(line.result) or sum(1 for _ in line.operands()) != 1:
            return None
        if f in SHAPED and len(line.args) == 2 and not line.kwargs:
            same = x.size == line.result.size or x.ndim == line.result.ndim
            return "tile" if same else None
        return "tile" if _keeps_rows(line) else None

    def _fits_all(self, line: Line) -> bool:
        """Whether each operand is cut as the result is, or needed whole and known before."""
        return all(
            self._is_cut(x, line) or (not self._is_inside(x) and self.cut.is_whole(x, line.result))
            for x in line.args
            if isinstance(x, Value | np.ndarray)
        )

    def _is_inside(self, x: Any) -> bool:
        return isinstance(x, Value) and x in self.inside

    def _reduction(self, line: Line, x: Value) -> _Role | None:
        options = dict(line.kwargs)
        axis = line.args[1] if len(line.args) > 1 else options.pop("axis", None)
        keepdims = options.pop("keepdims", False)
        counts = line.function is np.count_nonzero
        if options or len(line.args) > 2 or not (counts or x.dtype.char in "fd"):
            return None
        if axis is None:
            return "sum" if line.function is np.sum and not keepdims else None
        axes = {a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
        if self.cut.flat:
            return None
        if 0 in axes:
            return "sum" if line.function is np.sum else None
        return "tile"


def _is_entrywise(line: Line) -> bool:
    f = line.function
    if f in (masked, np.where, astype):
        return not line.kwargs and (f is not np.where or len(line.args) == 3)
    return (
        isinstance(f, np.ufunc) and f.signature is None and f.nout == 1 and not line.kwargs
        and len(line.args) == f.nin
    )  # fmt: skip


def _is_safe(line: Line) -> bool:
    """Whether a line raises nothing, so that it may come before a check."""
    return _is_entrywise(line) or line.function in (*_REDUCTIONS, look_again)


def _keeps_rows(line: Line) -> bool:
    """Whether a view has a row for every row of the operand: [:, 0], np.expand_dims(x, -1)."""
    if line.function is np.expand_dims:
        axis = line.args[1] if len(line.args) > 1 else line.kwargs["axis"]
        return isinstance(axis, int) and axis % line.result.ndim > 0
    if line.function is not operator.getitem or not isinstance(line.args[1], tuple):
        return False
    first, *others = line.args[1]
    return first == slice(None) and all(isinstance(part, int | slice) for part in others)
