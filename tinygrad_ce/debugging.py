"""Printing from within what is differentiated or compiled."""

from typing import Any

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.options import instance

__all__ = ["debug_print", "show"]


def debug_print(format: str, *args: Any) -> None:
    """Print `format.format(*args)`: numbers of tensors too, and at every call of a program.

    Args:
        format: a text with a place `{}` for each argument.
        args: arrays, tensors, anything.

    A compiled program prints in its place among the calculations; its source says `print`.

    >>> import numpy as np
    >>> debug_print("x has mean {:.2f}", np.mean([1.0, 2.0]))
    x has mean 1.50
    """
    instance("format", format, str, "it is a text with places {}", "pass it first")
    show(format, *(x.value if _is_tensor(x) else x for x in args))


def _is_tensor(x: Any) -> bool:
    return hasattr(type(x), "__array_function__") and hasattr(x, "requires_grad")


@dispatched
def show(format: str, *values: Any) -> None:
    """Print values; where they are not known yet, when they are."""
    print(format.format(*values))
