"""A program as data: what tracing writes down, what passes rewrite, what is printed and run.

A `Program` is a list of `Line`s. A line calls one NumPy function; its results are `Value`s, each
made by exactly one line. Arguments hold Values, however nested in tuples, lists, dicts and slices;
everything else in them is a constant. A pass is a function from Program to Program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.record import Record
from tinygrad_ce.rules.kinds import Function

__all__ = ["Line", "Pass", "Program", "Value", "call", "mapped", "operand_kinds", "values_in"]


class Value:
    """One array of a program, known by its shape and dtype; its numbers come when it runs.

    Attributes:
        shape: the length of each axis.
        dtype: the type of the entries.
        weak: float, int or complex, where it is a number of Python's, which leaves the dtype of
            what it meets as it is; else None.
        name: what the user calls it, or None.
        of: the Value whose gradient this is, or None.
    """

    __slots__ = ("dtype", "name", "of", "shape", "weak")

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], weak: type | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.shape, self.dtype, self.weak, self.name = shape, dtype, weak, name
        self.of: Value | None = None

    @classmethod
    def like(cls, x: Any) -> Value:
        """A Value for an array or number."""
        if isinstance(x, np.ndarray | np.generic):
            return cls(x.shape, x.dtype)
        return cls((), np.asarray(x).dtype, type(x))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    def __repr__(self) -> str:
        return f"<{self.name or 'value'} {self.dtype} {self.shape}>"


_NONE: Mapping[str, Any] = {}


class Line(Record, eq=False):
    """One call: `results = function(*args, **kwargs)`.

    Attributes:
        part: "forward", or "backward" for what gradients are made of.
        effect: whether it must run although nothing uses it, and in its place: a check, a print,
            a draw of random numbers.
        several: whether the function returns a tuple of the results.
    """

    results: tuple[Value, ...]
    function: Function
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = _NONE
    part: str = "forward"
    effect: bool = False
    several: bool = False

    @property
    def result(self) -> Value:
        """The result of a line that has one."""
        (result,) = self.results
        return result

    def operands(self) -> tuple[Value, ...]:
        """The Values among the arguments, as often as they occur."""
        found: tuple[Value, ...] | None = self.__dict__.get("_operands")
        if found is None:  # passes ask again and again
            found = tuple(values_in((self.args, self.kwargs) if self.kwargs else self.args))
            self.__dict__["_operands"] = found
        return found


class Program(Record):
    """Inputs, lines and outputs.

    Attributes:
        name: of the function that it is the program of.
        inputs: what it takes.
        lines: in the order in which they run.
        outputs: what it returns: Values and constants.
        log: what passes did, in words, newest last.
    """

    name: str
    inputs: tuple[Value, ...]
    lines: tuple[Line, ...]
    outputs: tuple[Any, ...]
    log: tuple[str, ...] = ()

    def uses(self) -> dict[Value, int]:
        """How often each Value is used, by lines and as an output."""
        found: dict[Value, int] = {}
        for line in self.lines:
            for value in line.operands():
                found[value] = found.get(value, 0) + 1
        for output in self.outputs:
            if isinstance(output, Value):
                found[output] = found.get(output, 0) + 1
        return found

    def makers(self) -> dict[Value, Line]:
        """The line that makes each Value."""
        return {result: line for line in self.lines for result in line.results}

    def rewritten(self, lines: list[Line], known: Mapping[Value, Any], *log: str) -> Program:
        """The program with other lines, and with other outputs where they stand in `known`."""
        outputs = tuple(known.get(o, o) if isinstance(o, Value) else o for o in self.outputs)
        return self.but(lines=tuple(lines), outputs=outputs, log=self.log + log)


Pass: TypeAlias = Callable[[Program], Program]


def mapped(change: Callable[[Any], Any], x: Any, kind: type = Value) -> Any:
    """x with `change(item)` in the place of every item of that kind in it."""
    outer = type(x)
    if outer is float or outer is int:
        return x
    if isinstance(x, kind):
        return change(x)
    if outer is tuple or outer is list:
        return outer([mapped(change, item, kind) for item in x])
    if outer is dict and x:
        return {key: mapped(change, item, kind) for key, item in x.items()}
    if outer is slice:
        return slice(*(mapped(change, part, kind) for part in (x.start, x.stop, x.step)))
    return x


def values_in(x: Any) -> Iterator[Value]:
    """Every Value in x, in order."""
    if isinstance(x, Value):
        yield x
    elif isinstance(x, tuple | list):
        for item in x:
            if type(item) is Value:
                yield item
            else:
                yield from values_in(item)
    elif isinstance(x, dict):
        yield from values_in(list(x.values()))
    elif type(x) is slice:
        yield from values_in((x.start, x.stop, x.step))


def call(function: Function, *args: Any, part: str = "forward", **kwargs: Any) -> Line:
    """The line of a call, its result's shape and dtype found by running it on empty numbers."""
    return Line((_result(function, args, kwargs),), function, args, kwargs, part)


def _result(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    if isinstance(function, np.ufunc) and function.signature is None and not kwargs:
        shapes = [x.shape if isinstance(x, Value) else np.shape(x) for x in args]
        kinds = [operand_kinds(x) for x in args]
        dtype = function.resolve_dtypes((*kinds, *[None] * function.nout))[function.nin]
        return Value(np.broadcast_shapes(*shapes), dtype)
    if function in _REDUCTIONS and isinstance(args[0], Value) and args[0].size > _LARGE:
        reduced = _reduced(function, args[0], args[1:], kwargs)
        if reduced is not None:
            return reduced
    with np.errstate(all="ignore"):
        return Value.like(function(*mapped(_sample, args), **mapped(_sample, kwargs)))


_REDUCTIONS = frozenset({np.sum, np.mean, np.max, np.min, np.prod})
_LARGE = 10_000  # entries that take longer to reduce than to think about


def _reduced(
    function: Function, x: Value, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Value | None:
    """The result of reducing, found on an array with few entries; None for further arguments."""
    if len(args) > 1 or not kwargs.keys() <= {"axis", "keepdims"}:
        return None
    axis = args[0] if args else kwargs.get("axis")
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {i % x.ndim for i in axes if x.ndim}
    keepdims = kwargs.get("keepdims", False)
    shape = tuple(
        1 if i in reduced else n for i, n in enumerate(x.shape) if keepdims or i not in reduced
    )
    small = np.ones((1,) * x.ndim, x.dtype)
    return Value(shape, np.asarray(function(small, *args, **kwargs)).dtype)


def operand_kinds(x: Any) -> Any:
    """The dtype of an operand as a ufunc resolves it; a number of Python's by its type."""
    if isinstance(x, Value):
        return x.weak or x.dtype
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype
    return type(x) if type(x) in (int, float, complex) else np.asarray(x).dtype


def _sample(value: Value) -> Any:
    """Some numbers of a Value's shape and dtype."""
    if value.weak:
        return value.weak(1)
    return np.broadcast_to(np.ones((), value.dtype), value.shape)[()]  # takes no memory
