"""Kernels for rows: the largest entry of short ones, the entries at labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygrad_ce.programs.program import Line, Value

if TYPE_CHECKING:
    from tinygrad_ce.programs.kernels import Site

__all__ = ["by_columns", "less_at_place", "pick"]

_SHORT, _MANY = 48, 100_000  # entries of a row, of an array that a copy is cheap for


def by_columns(site: Site, line: Line, x: Value, axes: tuple[int, ...], name: str) -> bool:
    """The largest of each short row by a transposed copy: whole columns are compared at once."""
    n = x.shape[-1]
    if x.ndim != 2 or axes != (1,) or not 1 < n < _SHORT or not 4 * n < x.size < _MANY:
        return False
    source = site.operand(x)
    out = site.out(line.result)
    if out is None:
        return False
    if line.result.ndim == 2:
        out = site.derived(line.result, f".reshape({x.shape[0]})")
    columns = site.scratch((n, x.shape[0]), x.dtype)
    turned = site.derived(x, ".T") if site.is_kept(x) else f"{source}.T"
    site.do(f"{site.function(np.copyto, 'copyto')}({columns}, {turned})")
    site.do(f"{name}({columns}, 0, None, {out})")
    return True


def pick(site: Site, line: Line) -> bool:
    """x[0, 1, .., t]"""
    x, t = line.args
    if x.ndim != 2:
        return False
    index = f"{site.kept(np.arange(x.shape[0]))}, {site.operand(t)}"
    site.do(f"{site.fresh_name(line.result)} = {site.operand(x)}[{index}]")
    return True


def less_at_place(site: Site, line: Line) -> bool:
    """In place in what was written where the result belongs, or in a copy."""
    x, t, c = line.args
    if x.ndim != 2:
        return False
    source = site.operand(x)
    if not site.is_carried(x):
        out = site.out(line.result, (x,))
        if out is None:
            out = site.operand(line.result)
            site.do(f"{out} = {source}.copy()")
        elif out != source:
            site.do(f"{site.function(np.copyto, 'copyto')}({out}, {source})")
        source = out
    site.do(f"{source}[{site.kept(np.arange(x.shape[0]))}, {site.operand(t)}] -= {c!r}")
    return True
