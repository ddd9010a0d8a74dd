"""Options of calls, checked where they are given: counts, numbers, choices, functions, kinds.

Each check returns the option, or raises an `OptionError` with its name, what was found, what holds
and what to pass. Where the type is wrong, the error is a TypeError too. A bool is no number here,
as True is passed for one by mistake, and nan is none. Numbers that are not known yet, as in a
function that is being compiled, are let pass.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from math import inf
from numbers import Real
from typing import Any, Literal, TypeVar

import numpy as np

from tinygrad_ce.errors import Error, OptionError, OptionTypeError

__all__ = ["Range", "count", "function", "instance", "number", "numbers", "one_of", "several"]

T = TypeVar("T")
Range = Literal[
    "a number",
    "a number other than 0",
    "a number from 0",
    "a finite number from 0",
    "a number above 0",
    "a number from 0 to 1",
    "a number from 0 to below 1",
    "a number above 0 and up to 1",
]
# Whether a number is in a range, and one that is, to be suggested.
_RANGES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "a number": (lambda x: x == x, 1.0),
    "a number other than 0": (lambda x: (x < 0) | (x > 0), 1.0),
    "a number from 0": (lambda x: x >= 0, 0.1),
    "a finite number from 0": (lambda x: (x >= 0) & (x < inf), 0.1),
    "a number above 0": (lambda x: x > 0, 1.0),
    "a number from 0 to 1": (lambda x: (x >= 0) & (x <= 1), 0.5),
    "a number from 0 to below 1": (lambda x: (x >= 0) & (x < 1), 0.5),
    "a number above 0 and up to 1": (lambda x: (x > 0) & (x <= 1), 0.5),
}


def number(name: str, value: T, range: Range = "a number", *, it: str = "it") -> T:
    """A real number: Python's, NumPy's, or an array of one, a Tensor too; `it` says what it is.

    >>> number("p", 0.5, "a number from 0 to 1")
    0.5
    >>> number("p", 2.0, "a number from 0 to 1")
    Traceback (most recent call last):
    tinygrad_ce.errors.OptionError: p is 2.0. it is a number from 0 to 1. pass for example p=0.5.
    """
    if (type(value) is float or type(value) is int) and _RANGES[range][0](value):
        return value
    return _number(name, value, range, it, single=True)


def numbers(name: str, value: T, range: Range = "a number") -> T:
    """A real number, or an array of them.

    >>> numbers("delta", np.array([1.0, 2.0]), "a number above 0")
    array([1., 2.])
    """
    if (type(value) is float or type(value) is int) and _RANGES[range][0](value):
        return value
    return _number(name, value, range, "it", single=False)


def _number(name: str, value: T, range: Range, it: str, single: bool) -> T:
    held: Any = getattr(value, "value", value)  # of a Tensor
    within, example = _RANGES[range]
    words = (
        f"{it} is {range}{'' if single else ', or an array of such'}",
        f"pass for example {name}={example}",
    )
    if isinstance(held, np.ndarray | np.generic | Real) or (not single and type(held) in _LISTS):
        array = _as_array(held)
        if array.dtype.kind == "O" or (array.dtype.kind in "iuf" and not (single and array.ndim)):
            if array.dtype.kind != "O" and not np.all(within(array)):  # symbols may be any
                raise OptionError(f"{name} is {_shown(value)}", *words)
            return value
    elif hasattr(type(held), "__array_function__"):
        return value  # not known yet, or far away
    raise OptionTypeError(f"{name} is {_shown(value)}", *words)


_LISTS = (list, tuple)


def _as_array(x: Any) -> Any:
    try:
        return np.asarray(x)
    except ValueError:  # rows of different lengths
        return np.asarray("")


def count(name: str, value: Any, least: float = 1, most: float = inf) -> int:
    """An integer within bounds, Python's or NumPy's, as an int; least=-inf is without a bound.

    >>> count("size", np.int64(3))
    3
    """
    if type(value) is int and least <= value <= most:
        return value
    bounds = "" if least == -inf else f" from {least}"
    bounds += "" if most == inf else f" to {most}"
    words = f"it is an integer{bounds}", f"pass for example {name}={_example(least, most)}"
    try:
        n = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except Error:  # of a number that is not known yet
        raise
    except TypeError:
        n = None
    if n is None:
        raise OptionTypeError(f"{name} is {_shown(value)}", *words)
    if not least <= n <= most:
        raise OptionError(f"{name} is {_shown(value)}", *words)
    return n


def _example(least: float, most: float) -> int:
    return int(least if least > 0 else min(1, most))


def one_of(name: str, value: T, choices: Iterable[str]) -> T:
    """One of several words.

    >>> one_of("mode", "max", ("min", "max"))
    'max'
    """
    if isinstance(value, str) and value in choices:
        return value
    words = [repr(choice) for choice in choices]
    raise OptionError(
        f"{name} is {_shown(value)}",
        f"it is {', '.join(words[:-1])}{' or ' if words[:-1] else ''}{words[-1]}",
        f"pass for example {name}={words[0]}",
    )


def function(name: str, value: T) -> T:
    """Something that can be called.

    >>> function("f", abs)
    <built-in function abs>
    """
    if callable(value):
        return value
    raise OptionTypeError(
        f"{name} is {_shown(value)}", "it is a function", "pass the function itself, not its result"
    )


def instance(name: str, value: T, kinds: type | tuple[type, ...], holds: str, remedy: str) -> T:
    """An object of a class, or of one of several.

    >>> instance("path", "a.npz", str, "it is a path", "pass a text")
    'a.npz'
    """
    if isinstance(value, kinds):
        return value
    raise OptionTypeError(f"{name} is {_shown(value)}", holds, remedy)


def several(name: str, values: Iterable[T], check: Callable[[str, T], Any]) -> Sequence[T]:
    """A list of what goes through a check, one by one, as `loss[0]`.

    >>> several("callbacks", (abs, len), function)
    [<built-in function abs>, <built-in function len>]
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise OptionTypeError(
            f"{name} is {_shown(values)}", "it is a list", f"pass for example {name}=[...]"
        )
    return [check(f"{name}[{i}]", value) for i, value in enumerate(values)]


def _shown(value: Any) -> str:
    """The value, on one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
