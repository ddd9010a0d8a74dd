"""Functions that run at every call of a program, and in their place: draws, and questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_ce.marks import has_nan
from tinygrad_ce.randomness import bernoulli, gaussian
from tinygrad_ce.rules.kinds import Function

__all__ = ["DRAWS", "LookAgain", "draw", "generators_in", "look_again"]


class LookAgain(Exception):  # noqa: N818  it is no error
    """A gradient has a nan: the engine has a second look at what it depends on."""


def look_again(g: Any, finite: bool = False) -> None:
    """Leave the program if there is a nan in a gradient, or what is not finite, if it must be."""
    if has_nan(g) or (finite and not np.isfinite(g).all()):
        raise LookAgain


def generators_in(x: Any) -> Iterator[np.random.Generator]:
    """Every generator in x, in tuples and dicts."""
    if isinstance(x, np.random.Generator):
        yield x
    elif isinstance(x, tuple | dict):
        for item in x.values() if isinstance(x, dict) else x:
            yield from generators_in(item)


def draw(generator: np.random.Generator, method: str, *args: Any, **kwargs: Any) -> Any:
    """`generator.method(*args, **kwargs)`: random numbers."""
    return getattr(generator, method)(*args, **kwargs)


DRAWS: frozenset[Function] = frozenset({draw, bernoulli, gaussian})
