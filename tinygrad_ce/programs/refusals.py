"""Calls that cannot be written down, because a shape, a dtype or a way depends on numbers.

A program has one shape and one dtype for each array, whatever numbers it is run on. A call for
which that would not hold is refused while the program is written down, or it would go wrong in
silence when other numbers come.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Any, NoReturn

import numpy as np

from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.program import Value, values_in
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.outside import REFUSED
from tinygrad_ce.rules.selecting import representatives
from tinygrad_ce.rules.shaping import layout
from tinygrad_ce.rules.table import TABLE

__all__ = ["check_call", "refuse"]

_ONE_SHAPE = "a program has one shape for each array, and that of its result depends on numbers"
_ONE_DTYPE = "a program has one dtype for each array, and that of its result depends on numbers"
_MASK = "use np.where with a mask, or compute it outside and pass it"
_STATIC = "make it a static argument (static_argnums), or compute it outside"
_C_ORDER = "use order='C' or 'F'"

# Refused whatever they are called with.
_ALWAYS: dict[Function, tuple[str, str]] = {
    **dict.fromkeys(
        (np.nonzero, np.flatnonzero, np.argwhere, np.unique, representatives),
        (_ONE_SHAPE, _MASK),
    ),
    np.trim_zeros: (_ONE_SHAPE, "use x[a:b] with numbers that are known, or np.where"),
    np.polymul: (_ONE_SHAPE, "use np.convolve, which keeps leading zeros"),
    np.min_scalar_type: (_ONE_DTYPE, "name the dtype"),
    np.shares_memory: ("a program's arrays have no memory yet", "compare shapes instead"),
    np.may_share_memory: ("a program's arrays have no memory yet", "compare shapes instead"),
    layout: ("a program may lay out an array otherwise than eager computing does", _C_ORDER),
    **{
        getattr(np.emath, name): (_ONE_DTYPE, "use x.astype(complex) and the function of np itself")
        for name in np.emath.__all__
    },
}

# Arguments that a shape follows from, by the name that they have, and in some functions alone.
_SHAPES = frozenset(
    {
        "shape", "newshape", "new_shape", "reps", "repeats", "axis", "axes", "axis1", "axis2",
        "source", "destination", "num", "N", "n", "pad_width", "stat_length", "keepdims",
        "indices_or_sections", "minlength", "window_shape", "s", "offset", "rowvar", "ord",
    }
)  # fmt: skip
_SHAPES_OF: dict[Function, frozenset[str]] = {
    np.diag: frozenset("k"), np.diagflat: frozenset("k"), np.rot90: frozenset("k"),
    np.rollaxis: frozenset({"start"}), np.polyder: frozenset("m"), np.polyint: frozenset("m"),
    np.bincount: frozenset("x"), np.compress: frozenset({"condition"}),
    np.extract: frozenset({"condition"}),
    np.delete: frozenset({"obj"}),
}  # fmt: skip


def check_call(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse a call whose result would be something else for other numbers.

    Args:
        function: what is called.
        args: its arguments, with Values for what is known only when the program runs.
        kwargs: those by name.

    Raises:
        TraceError: a shape or dtype depends on numbers, or something is written into.

    >>> n = Value((), np.dtype(int), name="n")
    >>> check_call(np.reshape, (np.ones(4), (n, -1)), {})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tinygrad_ce.errors.TraceError: reshape was called with shape=n, which is computed. ...
    """
    name = _name(function)
    if function in _ALWAYS:
        refuse(f"{name} was called", *_ALWAYS[function])
    if function in REFUSED:
        refuse(f"{name} was called", *REFUSED[function])
    if function is operator.getitem:
        _check_key(args[1])
        return
    for key, x in _named(function, args, kwargs):
        if x is None:
            continue
        if key == "out":
            _refuse_writing(f"{name} was called with {key}=")
        if (key in _SHAPES or key in _SHAPES_OF.get(function, ())) and any(values_in(x)):
            found = next(values_in(x)).name or "an array"
            refuse(f"{name} was called with {key}={found}, which is computed", _ONE_SHAPE, _STATIC)
        if key == "order" and x in ("A", "K") and function is not np.copy:
            refuse(f"{name} was called with order={x!r}", *_ALWAYS[layout])
        if function is np.nan_to_num and key == "copy" and not x:
            _refuse_writing("nan_to_num was called with copy=False")
    if function in (np.linalg.eig, np.linalg.eigvals) and _is_real(args[0]):
        refuse(
            f"{name} was called on real numbers", _ONE_DTYPE + ": real where all values are",
            "use np.linalg.eigh for symmetric matrices, or call it on x.astype(complex)",
        )  # fmt: skip
    if function is np.real_if_close and not _is_real(args[0]):
        refuse("real_if_close was called on complex numbers", _ONE_DTYPE, "use np.real")


def _check_key(key: Any) -> None:
    """Refuse an index by which the numbers decide how many entries are read."""
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, Value) and part.dtype == bool:
            refuse(
                "an array was indexed by a mask that is computed", _ONE_SHAPE,
                "use np.where(mask, x, 0), or compute the mask outside and pass it as static",
            )  # fmt: skip
        if isinstance(part, slice) and any(values_in(part)):
            refuse(
                "an array was cut by a slice whose ends are computed", _ONE_SHAPE,
                f"{_STATIC}; for a cut of fixed length use x[start + np.arange(length)]",
            )  # fmt: skip


def _named(
    function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    yield from zip(_parameters(function), args, strict=False)
    yield from kwargs.items()


@lru_cache(maxsize=1024)
def _parameters(function: Function) -> tuple[str, ...]:
    """The names of a function's arguments, as far as they are known."""
    if isinstance(function, np.ufunc):
        return ()
    try:
        found = inspect.signature(function).parameters.values()
        return tuple(p.name for p in takewhile(lambda p: p.kind is not p.VAR_POSITIONAL, found))
    except (TypeError, ValueError):
        primitive = TABLE.get(function)
        return primitive.operands + primitive.names if primitive else ()


def _is_real(x: Any) -> bool:
    return x.dtype.kind != "c" if hasattr(x, "dtype") else not np.iscomplexobj(x)


def _name(function: Function) -> str:
    return str(getattr(function, "__name__", function)).lstrip("_")


def _refuse_writing(found: str) -> NoReturn:
    refuse(found, "a program's arrays are written once", "leave it out, and use what is returned")


def refuse(found: str, holds: str, remedy: str) -> NoReturn:
    """Say that something cannot be written down."""
    raise TraceError(found, holds, remedy)
