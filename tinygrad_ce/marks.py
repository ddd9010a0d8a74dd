"""What the engine tells and asks arrays of other kinds, which may want to know.

All are functions of arrays under NumPy's protocol, so that an array that writes down what is
computed with it hears of them. On plain arrays they say nothing, or answer by the numbers.
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched

__all__ = ["alike", "arrived", "begin_backward", "end_backward", "has_nan", "zeros_of"]


@dispatched
def has_nan(g: Any) -> bool:
    """Whether a gradient has a nan, which makes the engine look a second time.

    >>> has_nan(np.array([1.0, np.nan]))
    True
    """
    if g.dtype.kind not in "fc":
        return False
    total = np.vdot(g, g)
    return bool(total != total)


@dispatched
def begin_backward(root: Any) -> None:
    """A backward pass from this value begins."""


@dispatched
def alike(gradient: Any, value: Any) -> Any:
    """The gradient as an array of the kind that the value is."""
    return gradient


@dispatched
def end_backward(root: Any) -> None:
    """It has ended."""


@dispatched
def arrived(g: Any, value: Any) -> None:
    """The gradient g arrived at a value."""


@dispatched
def zeros_of(value: Any) -> Any:
    """Zeros of a value's shape and dtype, as an array of its kind."""
    return np.zeros_like(value)[()]
