"""NumPy's manners for functions of our own: handed a Tensor, they arrive at the engine.

NumPy's functions ask their arguments' type for `__array_function__` before they compute
(NEP 18). `dispatched` makes a plain function ask the same, so that a function on a low floor
never needs to know the engine, and a user's own operation takes the same road.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tinygrad_ce.errors import DTypeError, UnsupportedError

__all__ = [
    "as_array", "check_arithmetic", "constant", "detached", "dispatched", "holds", "is_array",
    "is_plain", "plain", "real_array",
]  # fmt: skip

# What overrides nothing, known without asking.
_PLAIN = {np.ndarray, np.float64, np.float32, tuple, int, float, bool, str, type(None)}
_NUMPYS: Any = np.ndarray.__array_function__  # which kinds of ndarray have that override nothing

P = ParamSpec("P")
R = TypeVar("R")


def dispatched(function: Callable[P, R], within: bool = False) -> Callable[P, R]:
    """Let a function of arrays be overridden by its arguments' type, as NumPy's functions are.

    Args:
        function: a function of arrays.
        within: whether arrays inside tuples count too, as those in an index do.

    >>> @dispatched
    ... def double(x):
    ...     return 2 * x
    >>> double(np.ones(2))
    array([2., 2.])
    """

    @wraps(function)
    def public(*args: P.args, **kwargs: P.kwargs) -> R:
        given = (*args, *kwargs.values()) if kwargs else args
        if within:
            given = tuple(x for a in given for x in (a if type(a) is tuple else (a,)))
        for arg in given:
            kind = type(arg)
            if kind not in _PLAIN and hasattr(kind, "__array_function__"):
                if kind.__array_function__ is _NUMPYS:
                    check_arithmetic(arg)
                    continue
                answer = kind.__array_function__(arg, public, (kind,), args, kwargs)
                if answer is not NotImplemented:
                    return answer  # type: ignore[no-any-return]
        return function(*args, **kwargs)

    public._implementation = function  # type: ignore[attr-defined]  # where NumPy looks for it
    return public


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that computes on arrays: the body of a dispatched one, NumPy's own as it is."""
    if isinstance(function, np.ufunc) or type(function).__module__ == "numpy":
        return function
    return getattr(function, "__wrapped__", function)


def is_plain(x: Any) -> bool:
    """Whether x is an array or a number of NumPy's own."""
    return isinstance(x, np.ndarray | np.generic)


def is_array(x: Any) -> bool:
    """Whether x is an array of any kind (a Tensor too)."""
    return isinstance(x, np.ndarray | np.generic) or hasattr(type(x), "__array_function__")


def as_array(x: Any) -> Any:
    """x itself where it is an array of any kind (a Tensor too), else `np.asarray(x)`."""
    if isinstance(x, np.ndarray):
        check_arithmetic(x)
    return x if hasattr(type(x), "__array_function__") else np.asarray(x)


def check_arithmetic(x: Any) -> None:
    """Refuse kinds of array whose operators mean something else.

    Raises:
        UnsupportedError: x is a masked array or a matrix.
    """
    if isinstance(x, np.ma.MaskedArray | np.matrix):
        raise UnsupportedError(
            f"an operand is a {type(x).__name__}",
            "its arithmetic differs from that of arrays, and the rules are for arrays",
            "pass np.asarray of it, or np.where with its mask",
        )


def detached(x: Any) -> Any:
    """The numbers of x, an array of any kind, to be looked at: without gradient."""
    return as_array(getattr(x, "value", x))


def constant(x: Any) -> Any:
    """The numbers of x, an array of any kind.

    Raises:
        UnsupportedError: x is a Tensor whose gradient would be lost.

    >>> constant([1, 2])
    array([1, 2])
    """
    return np.asarray(x) if getattr(x, "requires_grad", False) else detached(x)


def holds(condition: Any, unknown: bool) -> bool:
    """Whether a condition on numbers holds; `unknown` where they are not known yet, or far away.

    >>> holds(np.any(np.ones(2)), unknown=False)
    True
    """
    value = getattr(condition, "value", condition)
    return bool(value) if isinstance(value, bool) or is_plain(value) else unknown


def real_array(x: Any, name: str) -> Any:
    """As `as_array`, for a function of real numbers alone.

    Raises:
        DTypeError: x is complex.

    >>> real_array([1.0, 2.0], "relu")
    array([1., 2.])
    """
    x = as_array(x)
    if x.dtype.kind == "c":
        raise DTypeError(
            f"{name} was called with dtype {x.dtype}",
            "it asks which numbers are larger, and complex ones have no order",
            "take np.real or np.abs of them, or write an analytic formula with np.exp and np.log",
        )
    return x
