"""Dropout: in training, entries are left out at random."""

from typing import Any

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.nn.module import Module
from tinygrad_ce.options import number
from tinygrad_ce.randomness import Generator, bernoulli, chosen

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "dropout"]


def dropout(x: Any, p: float, generator: Generator = None, shared: int = 0) -> Any:
    """x with entries left out, with probability p each, the others divided by 1 - p.

    Args:
        x: numbers of any shape.
        p: from 0 to 1.
        generator: where it is drawn from; the library's own by default.
        shared: along this many last axes an entry is left out together with its neighbours.

    Its gradient by x: g, with the same entries left out and divided.

    >>> import numpy as np
    >>> dropout(np.ones(3), 1.0)
    array([0., 0., 0.])
    """
    x = as_array(x)
    number("p", p, "a number from 0 to 1")
    if not p:
        return x
    shape = (*x.shape[: x.ndim - shared], *(1,) * shared)
    kept = bernoulli(getattr(x, "value", x), 1 - p, shape, generator)
    return x * (kept / (1 - p) if p < 1 else kept)


class Dropout(Module):
    """`dropout` in training, x itself in use (Srivastava et al. 2014).

    Args:
        p: the probability that an entry is left out.
        generator: where it is drawn from; the library's own by default.

    >>> import numpy as np
    >>> Dropout(0.5).eval()(np.ones(3))
    array([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, generator: Generator = None) -> None:
        self.p = number("p", p, "a number from 0 to 1")
        chosen(generator)
        self.generator = generator

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, self.generator, self.shared(x)) if self.training else x

    def shared(self, x: Any) -> int:
        """How many last axes share their fate."""
        return 0

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout1d(Dropout):
    """`Dropout` of whole channels of x of shape (N, C, L)."""

    def shared(self, x: Any) -> int:
        return 1


class Dropout2d(Dropout):
    """`Dropout` of whole channels of x of shape (N, C, H, W)."""

    def shared(self, x: Any) -> int:
        return 2
