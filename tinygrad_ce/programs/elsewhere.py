"""A program run line by line in another array library."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from tinygrad_ce.debugging import show
from tinygrad_ce.errors import Error, TraceError
from tinygrad_ce.programs.effects import LookAgain, draw, look_again
from tinygrad_ce.programs.inline import inline
from tinygrad_ce.programs.printing import dotted
from tinygrad_ce.programs.program import Line, Program, Value, mapped, operand_kinds
from tinygrad_ce.rules.indexing import assign, scatter
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.support import astype

__all__ = ["Library", "elsewhere"]


class Library(Protocol):
    """What a library must tell of itself.

    Attributes:
        name: what it is called.
    """

    name: str

    def function(self, name: str) -> Callable[..., Any]:
        """Its function for one of NumPy's, or AttributeError."""

    def array(self, x: Any) -> Any:
        """Its array of an array of NumPy's, or of one of its own."""

    def is_array(self, x: Any) -> bool:
        """Whether x is one of its arrays."""

    def numpy(self, x: Any) -> Any:
        """NumPy's array of one of its own."""

    def cast(self, x: Any, dtype: np.dtype[Any]) -> Any:
        """x, an array or a number, with a dtype of NumPy's."""

    def scatter(self, x: Any, key: Any, shape: tuple[int, ...]) -> Any:
        """Zeros of a shape with x added at `key`."""

    def assign(self, x: Any, value: Any, key: Any) -> Any:
        """A copy of x with the value at `key`."""

    def show(self, format: str, *values: Any) -> None:
        """Print values when they are known."""

    def whole(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """A function of arrays, compiled if the library does that."""


def elsewhere(program: Program, library: Library) -> Callable[..., tuple[Any, ...]]:
    """The program as a function of arrays that returns a tuple of the library's arrays.

    Checks of arguments are made in NumPy before; those of what is computed are left out.

    Raises:
        TraceError: the library lacks a function.
    """
    inputs = program.inputs
    checks = [line for line in program.lines if line.effect and not line.results
              and line.function not in (show, look_again)
              and all(value in inputs for value in line.operands())]  # fmt: skip
    full = inline(program)
    asked = [x for line in full.lines if line.function is look_again for x in line.operands()]
    steps = [_step(line, library) for line in full.lines if line.results or line.function is show]

    def run(*given: Any) -> tuple[tuple[Any, ...], Any]:
        known = dict(zip(inputs, given, strict=True))
        for step in steps:
            step(known)
        outputs = tuple(known[x] if isinstance(x, Value) else x for x in full.outputs)
        found: Any = False
        for g in asked:
            total = (known[g] - known[g]).sum() if g.dtype.kind in "fc" else 0
            found = found | (total != total)
        return outputs, found

    whole = library.whole(run)

    def called(*given: Any) -> tuple[Any, ...]:
        if checks:
            numbers = {value: library.numpy(x) for value, x in zip(inputs, given)}
            for line in checks:
                line.function(*mapped(numbers.__getitem__, line.args), **line.kwargs)
        outputs, found = whole(*map(library.array, given))
        if asked and bool(found):
            raise LookAgain
        return outputs  # type: ignore[no-any-return]

    return called


_CONSTANT: Any = (np.ndarray, np.generic)


def _step(line: Line, library: Library) -> Callable[[dict[Value, Any]], None]:
    """A line as a function that adds its results to what is known."""
    function = _function(line.function, library)
    args = mapped(library.array, line.args, _CONSTANT)
    said = {key: x for key, x in line.kwargs.items() if not (key == "where" and x is True)}
    kwargs = mapped(library.array, said, _CONSTANT)
    loop = _loop(line)

    def step(known: dict[Value, Any]) -> None:
        look = known.__getitem__
        given = mapped(look, args)
        if loop:
            given = tuple(library.cast(x, dtype) for x, dtype in zip(given, loop))
        try:
            found = function(*given, **mapped(look, kwargs))
        except Error:
            raise
        except Exception as error:
            name = dotted(line.function)
            raise TraceError(
                f"{library.name} did not take {name} as NumPy does: {error!s:.200}",
                "a program runs elsewhere as far as its functions mean the same there",
                'write it with other functions, or use backend="numpy"',
            ) from error
        for value, x in zip(line.results, found if line.several else (found,)):
            known[value] = x if value.weak else library.cast(x, value.dtype)

    return step


def _loop(line: Line) -> tuple[np.dtype[Any], ...] | None:
    """The dtypes in which a ufunc of NumPy's computes: other libraries promote in other ways."""
    ufunc = line.function
    if not isinstance(ufunc, np.ufunc) or line.kwargs:
        return None
    kinds = map(operand_kinds, line.args)
    return ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[: ufunc.nin]


def _function(function: Function, library: Library) -> Callable[..., Any]:
    own: dict[Function, Callable[..., Any]] = {
        astype: library.cast, scatter: library.scatter, assign: library.assign,
        show: library.show, operator.getitem: lambda x, key: x[_key(key, library)],
    }  # fmt: skip
    if function in own:
        return own[function]
    if getattr(function, "__module__", "") in ("_operator", "builtins", "operator"):
        return function
    name = "a generator of random numbers" if function is draw else dotted(function)
    try:
        return library.function(name.removeprefix("np."))
    except AttributeError:
        raise TraceError(
            f"the program calls {name}",
            f"it has no counterpart in {library.name}",
            'compute it outside and pass it as an argument, or use backend="numpy"',
        ) from None


def _key(key: Any, library: Library) -> Any:
    """An index in which lists are arrays, which all libraries take."""
    if isinstance(key, tuple):
        return tuple(_key(part, library) for part in key)
    return library.array(np.asarray(key)) if isinstance(key, list) else key
