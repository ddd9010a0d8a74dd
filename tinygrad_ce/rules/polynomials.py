"""Polynomials as arrays of coefficients, the highest power first: sums, products, derivatives.

`np.polymul` leaves out leading zeros, and so does the length of what it returns depend on values:
a leading zero gets no gradient.
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.rules.kinds import Composed, Table

__all__ = ["RULES"]


def _coefficients(a: Any) -> Any:
    return np.reshape(as_array(a), -1)


def _of_length(a: Any, n: int) -> Any:
    return a if len(a) == n else np.concatenate([np.zeros(n - len(a), a.dtype), a])


def _aligned(a1: Any, a2: Any) -> tuple[Any, Any]:
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n = max(len(a1), len(a2))
    return _of_length(a1, n), _of_length(a2, n)


def _are_tables(a1: Any, a2: Any) -> bool:
    """Whether they have several axes: NumPy adds such arrays entry by entry, if as long."""
    several = max(np.ndim(a1), np.ndim(a2)) > 1
    if several and np.shape(np.atleast_1d(a1))[0] != np.shape(np.atleast_1d(a2))[0]:
        raise ValueError("coefficients of several axes must have the same length")
    return several


def _polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = (a1, a2) if _are_tables(a1, a2) else _aligned(a1, a2)
    return a1 + a2


def _polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = (a1, a2) if _are_tables(a1, a2) else _aligned(a1, a2)
    return a1 - a2


def _without_leading_zeros(a: Any) -> Any:
    a = _coefficients(a)
    places = np.flatnonzero(a)
    return a[places[0] :] if len(places) else a[-1:]


def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_without_leading_zeros(a1), _without_leading_zeros(a2))


def _order(m: Any) -> int:
    if int(m) < 0:
        raise ValueError("the order of a derivative or integral must not be negative")
    return int(m)


def _polyder(p: Any, m: Any = 1) -> Any:
    for _ in range(_order(m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def _polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    m = _order(m)
    constants = np.zeros(m) if k is None else _coefficients(k)
    if len(constants) == 1:
        constants = np.broadcast_to(constants, (m,))
    if len(constants) < m:
        raise ValueError(f"k must hold one constant of integration, or {m}")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


# fmt: off
RULES: Table = {
    np.polyadd: Composed(_polyadd),
    np.polysub: Composed(_polysub),
    np.polymul: Composed(_polymul),
    np.polyder: Composed(_polyder),
    np.polyint: Composed(_polyint),
}
# fmt: on
