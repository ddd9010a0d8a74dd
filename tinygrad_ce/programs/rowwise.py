"""Kernels for rows: the largest entry of short ones, the entries at labels."""

from __future__ import annotations

from math import prod

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.programs.program import Line, Value
from tinygrad_ce.programs.site import Site

__all__ = ["by_columns", "labels_checked", "less_at_place", "pick"]

_SHORT, _MANY = 48, 100_000  # entries of a row, of an array that a copy is cheap for


def by_columns(site: Site, line: Line, x: Value, axes: tuple[int, ...], name: str) -> bool:
    """The largest of each short row by a transposed copy: whole columns are compared at once."""
    n, rows = x.shape[-1], prod(x.shape[:-1])
    if axes != (x.ndim - 1,) or not 1 < n < _SHORT or not 4 * n < x.size < _MANY:
        return False
    whole = site.is_kept(x) and site.arrays[x].flags.c_contiguous
    if x.ndim != 2 and not whole:
        return False
    source = site.operand(x)
    out = site.out(line.result)
    if out is None:
        return False
    if line.result.shape != (rows,):
        out = site.derived(line.result, f".reshape({rows})")
    columns = site.scratch((n, rows), x.dtype)
    flat = "" if x.ndim == 2 else f".reshape({rows}, {n})"
    turned = site.derived(x, f"{flat}.T") if site.is_kept(x) else f"{source}.T"
    site.do(f"{site.function(np.copyto, 'copyto')}({columns}, {turned})")
    site.do(f"{name}({columns}, 0, None, {out})")
    return True


def pick(site: Site, line: Line) -> bool:
    """x[0, 1, .., t], by places in the flat array where it is known to be one."""
    x, t = line.args
    if x.ndim != 2:
        return False
    source, places = site.operand(x), _places(site, x, t)
    out = site.out(line.result) if places is not None else None
    if out is not None:
        site.do(f"{source}.take({places}, None, {out}, 'wrap')")
    else:
        site.do(f"{site.fresh_name(line.result)} = {source}[{_index(site, x, t)}]")
    return True


def less_at_place(site: Site, line: Line) -> bool:
    """In place in what was written where the result belongs, or in a copy."""
    x, t, c = line.args
    if x.ndim != 2:
        return False
    name = site.operand(x)
    if not site.is_carried(x):
        out = site.out(line.result, (x,))
        if out is None:
            out = site.operand(line.result)
            site.do(f"{out} = {name}.copy()")
        elif out != name:
            site.do(f"{site.function(np.copyto, 'copyto')}({out}, {name})")
        name = out
    places = _places(site, line.result, t)
    if places is None:
        site.do(f"{name}[{_index(site, x, t)}] -= {c!r}")
        return True
    few = site.scratch((x.shape[0],), x.dtype)
    site.do(f"{name}.take({places}, None, {few}, 'wrap')")
    less = site.kept(np.array(c, x.dtype))
    site.do(f"{site.function(np.subtract, 'subtract')}({few}, {less}, {few})")
    site.do(f"{name}.put({places}, {few})")
    return True


def _index(site: Site, x: Value, t: Value) -> str:
    return f"{site.kept(np.arange(x.shape[0]))}, {site.operand(t)}"


def _places(site: Site, x: Value, t: Value) -> str | None:
    """Where the labels' entries lie in x, if it is an array without gaps; computed once."""
    rows, n = x.shape
    if t.dtype.kind != "i" or not site.is_kept(x) or not site.arrays[x].flags.c_contiguous:
        return None

    def computed() -> str:
        name = site.scratch((rows,), np.dtype(np.intp))
        firsts = site.kept(np.arange(0, rows * n, n))
        site.do(f"{site.function(np.add, 'add')}({firsts}, {site.operand(t)}, {name})")
        return name

    return site.once(("places", t, n), computed)


def labels_checked(site: Site, line: Line) -> bool:
    """One look at the labels as numbers without sign; the check itself says what is wrong."""
    t, n = line.args
    if not isinstance(t, Value) or t.dtype.kind != "i" or not t.size * t.ndim or type(n) is not int:
        return False
    if not t.dtype.isnative:  # other bytes, another number
        return False
    kind = np.dtype(f"u{t.dtype.itemsize}")
    largest = site.function(np.maximum.reduce, "maximum_reduce")
    name, dtype = site.operand(t), site.function(kind, f"d_{kind.name}")
    check = site.function(plain(line.function), line.function.__name__)
    site.do(f"if {largest}({name}.view({dtype}), None) >= {n}: {check}({name}, {n})")
    return True
