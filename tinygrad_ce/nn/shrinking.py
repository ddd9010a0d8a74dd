"""Activations that bring small numbers to 0, or numbers below a bound to another.

As in `activations.py`, each says its function and its derivative.
"""

from math import inf
from typing import Any

import numpy as np

from tinygrad_ce import functions
from tinygrad_ce.dispatch import as_array
from tinygrad_ce.nn.module import Module
from tinygrad_ce.options import count, number

__all__ = ["Hardshrink", "Softmin", "Softshrink", "Tanhshrink", "Threshold"]


class Hardshrink(Module):
    """x where |x| > lambd, otherwise 0. Derivative: 1, or 0.

    >>> Hardshrink()(np.array([0.3, -2.0]))
    array([ 0., -2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = number("lambd", lambd)

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        return np.where(np.abs(x) > self.lambd, x, np.zeros((), x.dtype))

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Module):
    """x moved towards 0 by lambd, and 0 where |x| <= lambd. Derivative: 1, or 0.

    >>> Softshrink()(np.array([0.3, -2.0]))
    array([ 0. , -1.5])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = number("lambd", lambd, "a number from 0")

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        rest = np.where(x > self.lambd, x - self.lambd, np.zeros((), x.dtype))
        return np.where(x < -self.lambd, x + self.lambd, rest)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Tanhshrink(Module):
    """x - tanh(x). Derivative: tanh(x)^2.

    >>> Tanhshrink()(np.array([0.0]))
    array([0.])
    """

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        return x - np.tanh(x)


class Threshold(Module):
    """x where x > threshold, otherwise value. Derivative: 1, or 0.

    >>> Threshold(1.0, 20.0)(np.array([0.3, 2.0]))
    array([20.,  2.])
    """

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold, self.value = number("threshold", threshold), number("value", value)

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        return np.where(x > self.threshold, x, np.full((), self.value, x.dtype))

    def extra_repr(self) -> str:
        return f"{self.threshold}, {self.value}"


class Softmin(Module):
    """y = e^-x / sum e^-x along an axis. With g the gradient by y, by x: -y (g - sum g y).

    >>> Softmin()(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = count("dim", dim, -inf)

    def forward(self, x: Any) -> Any:
        return functions.softmax(-as_array(x), self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
