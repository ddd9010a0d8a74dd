"""Numbers of 50 digits in NumPy's object arrays, where mpmath is installed.

NumPy's ufuncs ask the entries of such an array for a method of their own name, so a function
written for arrays is computed to 50 digits without knowing of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits", "as_digits", "as_floats", "is_there"]

DIGITS = 50
# NumPy's names of functions of one number, and mpmath's.
NAMES = {
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "log10": "log10",
    "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "floor": "floor", "ceil": "ceil",
    "rint": "nint",
}  # fmt: skip


@cache
def _mp() -> Any:
    mp = importlib.import_module("mpmath").mp.clone()
    mp.dps = DIGITS
    return mp


def is_there() -> bool:
    """Whether mpmath is installed."""
    try:
        _mp()
    except ModuleNotFoundError:
        return False
    return True


class Digits:
    """A number of 50 digits with NumPy's names for its functions."""

    __slots__ = ("number",)
    number: Any  # mpmath's mpf

    def __init__(self, number: Any) -> None:
        found = number.number if isinstance(number, Digits) else number
        self.number = _mp().mpf("nan" if isinstance(found, _mp().mpc) else found)

    def __float__(self) -> float:
        return float(self.number)

    def __bool__(self) -> bool:
        return bool(self.number)

    def __neg__(self) -> Digits:
        return Digits(-self.number)

    def __pos__(self) -> Digits:
        return self

    def __abs__(self) -> Digits:
        return Digits(abs(self.number))

    def conjugate(self) -> Digits:
        """The number itself: it is real."""
        return self

    def cbrt(self) -> Digits:
        """The real cube root."""
        return Digits(_mp().sign(self.number) * _mp().cbrt(abs(self.number)))

    def hypot(self, other: Any) -> Digits:
        """The length of the vector of both."""
        return Digits(_mp().hypot(self.number, Digits(other).number))

    def arctan2(self, other: Any) -> Digits:
        """The angle of the point (other, self)."""
        return Digits(_mp().atan2(self.number, Digits(other).number))


def _operator(name: str) -> Callable[[Digits, Any], Any]:
    def operate(a: Digits, b: Any) -> Any:
        if not isinstance(b, Digits | int | float | np.generic):
            return NotImplemented
        found = getattr(a.number, name)(Digits(b).number)
        return found if isinstance(found, bool) else Digits(found)

    return operate


def _function(name: str) -> Callable[[Digits], Digits]:
    return lambda x: Digits(getattr(_mp(), name)(x.number))


for _name in ("add", "sub", "mul", "truediv", "pow", "mod"):
    setattr(Digits, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(Digits, f"__r{_name}__", _operator(f"__r{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Digits, f"__{_name}__", _operator(f"__{_name}__"))
for _name, _theirs in NAMES.items():
    setattr(Digits, _name, _function(_theirs))


def as_digits(x: NDArray[Any]) -> NDArray[Any]:
    """The numbers of an array, each with 50 digits.

    Shape and order stay; the dtype is object.
    """
    made: NDArray[Any] = np.array([Digits(float(v)) for v in x.ravel()] + [None], object)[:-1]
    return made.reshape(x.shape)


def as_floats(x: NDArray[Any]) -> NDArray[Any]:
    """The nearest floats."""
    return np.array([float(v) for v in x.ravel()]).reshape(x.shape)
