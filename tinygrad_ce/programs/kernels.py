"""How functions are called when their result has a place already.

A kernel takes the plan and a line, and writes the calls; it answers False where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.programs.labels import less_at, picked
from tinygrad_ce.programs.program import Line, Value, operand_kinds
from tinygrad_ce.programs.region import Region, in_tiles
from tinygrad_ce.programs.rowwise import by_columns, labels_checked, less_at_place, pick
from tinygrad_ce.programs.site import Site
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.support import astype, masked
from tinygrad_ce.targets import check_labels

__all__ = ["KERNELS", "Kernel", "elementwise"]


Kernel: TypeAlias = Callable[[Site, Line], bool]

_OUT_BY_NAME = (np.maximum, np.minimum)  # NumPy 2.4 deprecates their third operand


def elementwise(site: Site, line: Line) -> bool:
    """Any ufunc of arrays."""
    f: Any = line.function
    plain = isinstance(f, np.ufunc) and f.signature is None and f.nout == 1 and not line.kwargs
    arrays = [x for x in line.args if isinstance(x, Value) and x.weak is None]
    if not plain or not arrays or line.result.dtype.kind == "O" or len(line.args) != f.nin:
        return False
    dtypes = f.resolve_dtypes((*map(operand_kinds, line.args), None))
    names = [site.operand(x, d) for x, d in zip(line.args, dtypes)]
    out = site.out(line.result, line.args)
    name = site.function(f, f.__name__)
    _written(site, line, name, names, out, "out=" if f in _OUT_BY_NAME else "")
    return True


def _written(
    site: Site, line: Line, name: str, names: list[str], out: str | None, key: str = ""
) -> None:
    if out is None:
        site.do(f"{site.operand(line.result)} = {name}({', '.join(names)})")
    else:
        site.do(f"{name}({', '.join(names)}, {key}{out})")


def _matmul(site: Site, line: Line) -> bool:
    """np.dot for matrices, which is the faster; a stack times one matrix as one product."""
    a, b = line.args
    if not (isinstance(a, Value) and isinstance(b, Value)) or line.kwargs:
        return False
    if not (a.dtype == b.dtype == line.result.dtype and a.dtype.char in "fd"):
        return False
    names = [site.operand(a), site.operand(b)]
    flat = a.ndim > 2 and b.ndim == 2 and site.is_kept(a) and site.arrays[a].flags.c_contiguous
    out = site.out(line.result)
    if a.ndim <= 2 and b.ndim <= 2:
        _written(site, line, site.function(np.dot, "dot"), names, out)
    elif flat and out is not None:
        rows = site.derived(a, f".reshape({prod(a.shape[:-1])}, {a.shape[-1]})")
        into = site.derived(line.result, f".reshape({prod(a.shape[:-1])}, {b.shape[-1]})")
        site.do(f"{site.function(np.dot, 'dot')}({rows}, {names[1]}, {into})")
    else:
        _written(site, line, site.function(np.matmul, "matmul"), names, out)
    return True


def _reduction(ufunc: np.ufunc) -> Kernel:
    def kernel(site: Site, line: Line) -> bool:
        x, axis, keepdims = _arguments(line)
        if x is None or x.dtype.char not in "fd" or not x.size or not x.ndim:
            return False
        axes = (
            tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        )
        axes = tuple(sorted(a % x.ndim for a in axes))
        if ufunc is np.add and _by_products(site, line, x, axes):
            return True
        name = site.function(ufunc.reduce, f"{ufunc.__name__}_reduce")
        if ufunc is not np.multiply and by_columns(site, line, x, axes, name):
            return True
        where = axes[0] if len(axes) == 1 else axes
        source = site.operand(x)
        out = site.out(line.result)
        if out is None:
            site.do(
                f"{site.operand(line.result)} = {name}({source}, {where}, None, None, {keepdims})"
            )
        else:
            site.do(f"{name}({source}, {where}, None, {out}, {keepdims})")
        return True

    return kernel


def _arguments(line: Line) -> tuple[Any, Any, bool]:
    """The operand, axis and keepdims of a reduction that has no other argument, or no operand."""
    rest = dict(line.kwargs)
    axis = line.args[1] if len(line.args) > 1 else rest.pop("axis", None)
    keepdims = bool(rest.pop("keepdims", False))
    x = line.args[0]
    known = not rest and len(line.args) < 3 and isinstance(x, Value)
    return (x if known else None), axis, keepdims


def _by_products(site: Site, line: Line, x: Value, axes: tuple[int, ...]) -> bool:
    """A sum as a product with ones: five times as fast where it is short."""
    if axes == tuple(range(x.ndim)):
        if not site.is_kept(x) or not site.arrays[x].flags.c_contiguous:
            return False
        flat, ones = site.derived(x, ".reshape(-1)"), site.kept(np.ones(x.size, x.dtype))
        return _product(site, line, flat, ones, ())
    k = len(axes)
    first, last = axes == tuple(range(k)), axes == tuple(range(x.ndim - k, x.ndim))
    whole = site.is_kept(x) and site.arrays[x].flags.c_contiguous
    if not (first or last) or not (whole or (x.ndim == 2 and not site.is_kept(x))):
        return False
    cut = k if first else x.ndim - k
    rows, columns = prod(x.shape[:cut]), prod(x.shape[cut:])
    source = site.operand(x) if x.ndim == 2 else site.derived(x, f".reshape({rows}, {columns})")
    if first:
        return _product(site, line, site.kept(np.ones(rows, x.dtype)), source, (columns,))
    return _product(site, line, source, site.kept(np.ones(columns, x.dtype)), (rows,))


def _product(site: Site, line: Line, a: str, b: str, shape: tuple[int, ...]) -> bool:
    """The line's result as the product of two, which has this shape, without axes of length 1."""
    dot = site.function(np.dot, "dot")
    out = site.out(line.result)
    if out is None:
        again = "" if line.result.shape == shape else f".reshape({line.result.shape})"
        site.do(f"{site.operand(line.result)} = {dot}({a}, {b}){again}")
    else:
        into = (
            out if line.result.shape == shape else site.derived(line.result, f".reshape({shape})")
        )
        site.do(f"{dot}({a}, {b}, {into})")
    return True


def _masked(site: Site, line: Line) -> bool:
    """The bits of x times 0 or 1: exact, and without a branch for each entry."""
    x, mask = line.args
    whole: Any = {"f": np.dtype(np.int32), "d": np.dtype(np.int64)}.get(line.result.dtype.char)
    if whole is None or not all(isinstance(v, Value) and v.ndim for v in line.args):
        return False
    if mask.dtype != bool or not x.shape == mask.shape == line.result.shape:
        return False
    if x.dtype != line.result.dtype:
        return False
    kind = site.function(whole, f"d_{whole.name}")
    bits = site.derived(x, f".view({kind})")
    chosen = site.derived(mask, f".view({site.function(np.dtype(np.int8), 'd_int8')})")
    call = f"{site.function(np.multiply, 'multiply')}({bits}, {chosen}"
    if site.out(line.result, (x,)) is None:
        dtype = site.function(line.result.dtype, f"d_{line.result.dtype.name}")
        site.do(f"{site.operand(line.result)} = {call}).view({dtype})")
    else:
        site.do(f"{call}, {site.derived(line.result, f'.view({kind})')})")
    return True


def _cast(site: Site, line: Line) -> bool:
    x = line.args[0]
    if not isinstance(x, Value) or x.weak or not x.ndim:
        return False
    source, out = site.operand(x), site.out(line.result)
    if out is None:
        dtype = site.function(line.result.dtype, f"d_{line.result.dtype.name}")
        site.do(f"{site.operand(line.result)} = {source}.astype({dtype})")
    else:
        site.do(f"{site.function(np.copyto, 'copyto')}({out}, {source}, 'unsafe')")
    return True


def _vdot(site: Site, line: Line) -> bool:
    """Of kept arrays the cheaper np.dot, into its place."""
    if not all(isinstance(x, Value) and x.ndim and x.dtype.char in "fd" for x in line.args):
        return False
    a, b = line.args
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    kept = all(site.is_kept(x) and site.arrays[x].flags.c_contiguous for x in line.args)
    names = [site.operand(x) for x in line.args]
    if kept:
        flat = [site.derived(x, ".reshape(-1)") if x.ndim > 1 else n
                for x, n in zip(line.args, names)]  # fmt: skip
        return _product(site, line, flat[0], flat[1], ())
    vdot = site.function(np.vdot, "vdot")
    site.do(f"{site.fresh_name(line.result)} = {vdot}({', '.join(names)})")
    return True


def _joined(function: Function) -> Kernel:
    def kernel(site: Site, line: Line) -> bool:
        arrays = line.args[0]
        axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis", 0)
        plain = set(line.kwargs) <= {"axis"} and isinstance(arrays, list | tuple)
        if not plain or not all(isinstance(x, Value) and not x.weak for x in arrays):
            return False
        names = ", ".join(map(site.operand, arrays))
        out = site.out(line.result)
        name = site.function(function, function.__name__)
        if out is None:
            site.do(f"{site.operand(line.result)} = {name}(({names},), {axis})")
        else:
            site.do(f"{name}(({names},), {axis}, {out})")
        return True

    return kernel


KERNELS: dict[Function, Kernel] = {
    Region: in_tiles,
    np.matmul: _matmul,
    np.vdot: _vdot,
    np.sum: _reduction(np.add),
    np.max: _reduction(np.maximum),
    np.min: _reduction(np.minimum),
    np.prod: _reduction(np.multiply),
    masked: _masked,
    check_labels: labels_checked,
    picked: pick,
    less_at: less_at_place,
    astype: _cast,
    np.concatenate: _joined(np.concatenate),
    np.stack: _joined(np.stack),
}
