"""Arrays of symbols that NumPy programs, and so the gradient rules, run on unchanged.

`Symbols` answers NumPy's protocols, and says that it is of float64, so that a Tensor can hold it.
Own functions that are written for floating-point numbers (softmax, erf) are taken by their
definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_ce.dispatch import plain
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.testing.definitions import DEFINITIONS, UFUNCS
from tinygrad_ce.testing.symbols import Term, expression

__all__ = ["Symbols"]


class Symbols(NDArrayOperatorsMixin):
    """An array of terms, of dtype float64 to all who ask."""

    __slots__ = ("entries",)
    __hash__ = None  # type: ignore[assignment]
    dtype = np.dtype(np.float64)

    def __init__(self, entries: Any) -> None:
        self.entries = np.asarray(_terms(np.asarray(entries, dtype=object)), dtype=object)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The terms themselves: never their samples, which would prove nothing."""
        return self.entries if dtype is None else self.entries.astype(dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not _ours((*inputs, *kwargs.values())):
            return NotImplemented
        named = UFUNCS.get(ufunc)
        if named is not None and method == "__call__":
            return _wrap(named(*inputs))
        return _wrap(getattr(ufunc, method)(*map(_bare, inputs), **_named(kwargs)))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        if not _ours((*args, *kwargs.values())):
            return NotImplemented
        defined = DEFINITIONS.get(function)
        if defined is not None:
            return _wrap(defined(*args, **kwargs))
        try:
            return _wrap(plain(function)(*map(_bare, args), **_named(kwargs)))
        except UnsupportedError:
            raise
        except TypeError as error:
            raise UnsupportedError(
                f"{function.__name__} met symbols ({error})",
                "it computes with floating-point numbers alone",
                "write it with simpler functions, or check the gradient by numbers",
            ) from error

    def __getitem__(self, key: Any) -> Symbols:
        return _wrap(self.entries[key])  # type: ignore[no-any-return]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries[key] = _terms(_bare(value))

    def __len__(self) -> int:
        return len(self.entries)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __float__(self) -> float:
        return float(self.entries[()])

    def __repr__(self) -> str:
        return repr(self.entries)

    def astype(self, dtype: Any, **_: Any) -> Symbols:
        """Itself: real numbers of any float."""
        if np.dtype(dtype).kind not in "fO":
            raise UnsupportedError(
                f"symbols were to become {np.dtype(dtype)}",
                "a proof is about real numbers",
                "use np.floor, or comparisons",
            )
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return self.entries.shape

    @property
    def ndim(self) -> int:
        return self.entries.ndim

    @property
    def size(self) -> int:
        return self.entries.size

    @property
    def real(self) -> Symbols:
        return self

    @property
    def T(self) -> Symbols:  # noqa: N802  NumPy's name
        return Symbols(self.entries.T)

    @property
    def mT(self) -> Symbols:  # noqa: N802  NumPy's name
        return Symbols(np.swapaxes(self.entries, -1, -2))

    def __getattr__(self, name: str) -> Any:
        """The methods that an array has too: sum, reshape, ..."""
        if name.startswith("_") or not callable(getattr(np.ndarray, name, None)):
            raise AttributeError(f"an array of symbols has no {name!r}")
        method = getattr(self.entries, name)
        return lambda *args, **kwargs: _wrap(method(*map(_bare, args), **_named(kwargs)))


def _term(x: Any) -> Term:
    return x if isinstance(x, Term) else Term(expression(x), None)


_terms = np.frompyfunc(_term, 1, 1)


def _ours(values: Any) -> bool:
    """Whether none of them overrides NumPy in a way of its own, as a Tensor does."""
    for x in values:
        if isinstance(x, tuple | list):
            if not _ours(x):
                return False
        elif hasattr(type(x), "__array_function__") and not isinstance(x, Symbols | np.ndarray):
            return False
    return True


def _bare(x: Any) -> Any:
    """x with every array of symbols in it as the object array it holds."""
    kind = type(x)
    if kind is Symbols:
        return x.entries
    if kind is tuple or kind is list:
        return kind(map(_bare, x))
    return x


def _named(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments for object arrays: any float is a term."""
    dtype = kwargs.get("dtype")
    if dtype is not None and np.dtype(dtype).kind == "f":
        kwargs = {**kwargs, "dtype": object}
    return {name: _bare(value) for name, value in kwargs.items()}


def _wrap(x: Any) -> Any:
    if isinstance(x, Term) or (isinstance(x, np.ndarray) and x.dtype == object):
        return Symbols(x)
    if isinstance(x, bool):
        return np.bool_(x)
    if isinstance(x, tuple | list):
        return getattr(type(x), "_make", type(x))(map(_wrap, x))
    return x
