"""A region: lines on large arrays that run together, on one tile of them after the other.

A tile is a program of its own with its own plan, so that what stands between the lines stays in
the cache; only what is used outside is written to memory.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.programs.program import Line, Program, Value, mapped
from tinygrad_ce.programs.site import Site
from tinygrad_ce.record import Record

__all__ = ["SHAPED", "Region", "in_tiles"]

SHAPED = (np.reshape, np.broadcast_to)  # functions whose second operand is the result's shape


class Region(Record, eq=False):
    """A function that computes its results tile by tile.

    Attributes:
        program: what it computes.
        tiles: the Values that are cut, at their first axis or, if flat, as if they had one axis.
        length: of what is cut.
        rows: of a tile.
        flat: whether all that is cut has one shape and is cut regardless of it.
    """

    program: Program
    tiles: frozenset[Value]
    length: int
    rows: int
    flat: bool

    __name__ = "region"

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        """The results, computed at once."""
        known = dict(zip(self.program.inputs, inputs))
        for line in self.program.lines:
            found = line.function(*mapped(known.__getitem__, line.args),
                                  **mapped(known.__getitem__, dict(line.kwargs)))  # fmt: skip
            known.update((value, found) for value in line.results)
        return tuple(known[x] for x in self.program.outputs)

    def places(self) -> tuple[Value, ...]:
        """The results that are written tile by tile; the others are sums over all tiles."""
        return tuple(x for x in self.program.outputs if x in self.tiles)

    def tile(self, rows: int) -> tuple[Program, tuple[Value, ...]]:
        """The program of one tile, which returns its sums, and the results it writes."""
        known: dict[Value, Value] = {}

        def small(x: Value) -> Value:
            if x not in self.tiles:
                return x
            if x not in known:
                shape = (rows,) if self.flat else (rows, *x.shape[1:])
                known[x] = Value(shape, x.dtype)
            return known[x]

        lines = []
        for line in self.program.lines:
            results = tuple(map(small, line.results))
            args, kwargs = mapped(small, line.args), mapped(small, dict(line.kwargs))
            if line.function in SHAPED:
                args, kwargs = (args[0], results[0].shape), {}
            lines.append(line.but(results=results, args=args, kwargs=kwargs))
        sums = tuple(x for x in self.program.outputs if x not in self.tiles)
        inputs = tuple(map(small, self.program.inputs))
        return Program("tile", inputs, tuple(lines), sums), tuple(map(small, self.places()))


def in_tiles(site: Site, line: Line) -> bool:
    """The loop over the tiles."""
    region: Region = line.function  # type: ignore[assignment]
    cut = [_cut(region, value, site.operand(x), site.do, site.new)
           for value, x in zip(region.program.inputs, line.args)]  # fmt: skip
    for value in region.places():
        out = site.out(value)
        if out is None:
            out = site.operand(value)
            dtype = site.function(value.dtype, f"d_{value.dtype.name}")
            site.do(f"{out} = empty({value.shape}, {dtype})")
        cut.append(_cut(region, value, out, site.do, site.new))
    sums = [x for x in region.program.outputs if x not in region.tiles]
    totals = [site.new("t") for _ in sums]
    for value, total in zip(sums, totals):
        zeros = f"{site.function(np.zeros, 'zeros')}({value.shape}, {value.dtype.str!r})"
        site.do(f"{total} = {zeros if value.shape else '0.0'}")
    whole = region.length - region.length % region.rows
    parts, i = [site.new("r") for _ in sums], site.new("i")
    for rows, start, stop in ((region.rows, 0, whole), (region.length - whole, whole, None)):
        if not rows:
            continue
        slices = f"[{i}:{i} + {rows}]" if stop else f"[{start}:]"
        given = ", ".join(x + slices if is_cut else x for x, is_cut in cut)
        called = f"{site.nested(*region.tile(rows))}({given})"
        indent = "    " if stop else ""
        if stop:
            site.do(f"for {i} in range(0, {stop}, {rows}):")
        site.do(f"{indent}{''.join(f'{r}, ' for r in parts)}{'= ' if parts else ''}{called}")
        for value, total, part in zip(sums, totals, parts):
            site.do(f"{indent}{total} += {part if value.shape else f'float({part})'}")
    for value, total in zip(sums, totals):
        out = site.out(value)
        if out is not None:
            site.do(f"{out}[...] = {total}")
            continue
        kind = site.function(value.dtype.type, value.dtype.name)
        site.do(f"{site.operand(value)} = {total if value.shape else f'{kind}({total})'}")
    return True


def _cut(
    region: Region, value: Value, name: str, do: Callable[[str], None], new: Callable[[str], str]
) -> tuple[str, bool]:
    """The name of an operand, without axes where the region is flat, and whether it is cut.

    What is not contiguous is copied by the reshape, so that it is right in any case.
    """
    if value not in region.tiles or not region.flat or value.ndim == 1:
        return name, value in region.tiles
    flat = new("w")
    do(f"{flat} = {name}.reshape({prod(value.shape)})")
    return flat, True
