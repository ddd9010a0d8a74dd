"""Numbers as short text: four digits, arrays of a few entries in full, of many summed up."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_ce.rules.kinds import Several

__all__ = ["number", "numbers", "shape_of"]

_FEW = 6


def number(x: Any) -> str:
    """One number, to four digits.

    >>> number(np.float32(0.1)), number(2.0), number(-1234567.0), number(np.int64(12345))
    ('0.1', '2', '-1.235e+06', '12345')
    """
    kind = np.asarray(x).dtype.kind
    if kind == "c":
        sign = "-" if np.imag(x) < 0 else "+"
        return f"{number(np.real(x))}{sign}{number(abs(np.imag(x)))}i"
    return f"{float(x) + 0.0:.4g}" if kind == "f" else str(x)


def numbers(x: Any, most: int = _FEW, mean: bool = True) -> str:
    """An array: its entries where they are few, else the range and the mean.

    >>> numbers(np.array([[1.0, 2.0], [3.0, 4.5]]))
    '[[1, 2], [3, 4.5]]'
    >>> numbers(np.zeros((0, 3))), numbers(np.arange(100.0))
    ('empty', '0 … 99, mean 49.5')
    """
    if type(x) is Several:
        return (
            "("
            + ", ".join("none" if part is None else numbers(part, most, mean) for part in x)
            + ")"
        )
    x = np.asarray(x)
    if x.size == 0:
        return "empty"
    if x.size <= most:
        return _nested(x)
    if x.dtype.kind == "b":
        return f"{np.count_nonzero(x)} of {x.size} true"
    if x.dtype.kind not in "fiu":
        return f"{x.size} numbers"
    return _range(x, mean)


def _nested(x: Any) -> str:
    return number(x[()]) if x.ndim == 0 else "[" + ", ".join(map(_nested, x)) + "]"


def _range(x: Any, mean: bool) -> str:
    """Smallest, largest, mean of what is finite, and how much is not."""
    good = x[np.isfinite(x)]
    odd = [f"{n} {word}" for word, n in (("nan", np.count_nonzero(np.isnan(x))),
                                         ("inf", np.count_nonzero(np.isinf(x)))) if n]  # fmt: skip
    if not good.size:
        return ", ".join(odd)
    low, high = good.min(), good.max()
    if low == high:
        return ", ".join([f"all {number(low)}", *odd])
    with np.errstate(all="ignore"):
        middle = [f"mean {number(np.mean(good, dtype=np.float64))}"] if mean else []
    return ", ".join([f"{number(low)} … {number(high)}", *middle, *odd])


def shape_of(x: Any) -> tuple[int, ...] | None:
    """The shape of a value of the graph; None of several results."""
    return None if type(x) is Several else np.shape(x)
