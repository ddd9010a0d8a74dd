"""Random numbers: one generator that `manual_seed` begins anew, or one of your own.

Whatever draws takes a `generator`, a NumPy `Generator`; without one it draws from the library's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.errors import OptionError
from tinygrad_ce.options import instance, number

__all__ = [
    "Generator",
    "bernoulli",
    "chosen",
    "default_generator",
    "gaussian",
    "manual_seed",
    "normal",
    "rewound",
    "seeded",
    "uniform",
]

Generator: TypeAlias = "np.random.Generator | None"


@cache
def default_generator() -> np.random.Generator:
    """The library's generator, always the same object."""
    return np.random.default_rng()


def manual_seed(seed: int) -> np.random.Generator:
    """Begin the library's random numbers anew, so that what follows is the same every time.

    Args:
        seed: a whole number from 0.

    Raises:
        OptionError: it is something else.

    Returns:
        The library's generator, always the same object; its `bit_generator.state` can be kept, as
        `tg.save` does, and set again.

    >>> a = manual_seed(3).random()
    >>> a == manual_seed(3).random()
    True
    """
    generator = default_generator()
    generator.bit_generator.state = seeded(seed).bit_generator.state
    return generator


def chosen(generator: Generator) -> np.random.Generator:
    """The generator that was passed, or the library's.

    >>> chosen(None) is default_generator()
    True
    """
    if generator is None:
        return default_generator()
    return instance("generator", generator, np.random.Generator, *_GENERATOR)


_GENERATOR = "it is a generator of NumPy's", "pass np.random.default_rng(seed)"


def seeded(seed: Any, name: str = "seed") -> np.random.Generator:
    """A generator that begins with a seed: a whole number from 0, or whatever else NumPy takes.

    >>> seeded(3).random() == seeded(3).random()
    True
    """
    try:
        if not isinstance(seed, bool):
            return np.random.default_rng(seed)
    except (TypeError, ValueError):
        pass
    raise OptionError(
        f"{name} is {seed!r:.60}", "a seed is a whole number from 0", f"pass for example {name}=0"
    )


@contextmanager
def rewound(*generators: np.random.Generator) -> Iterator[None]:
    """Set generators back, afterwards, to where they were before.

    >>> rng = np.random.default_rng(0)
    >>> with rewound(rng):
    ...     a = rng.random()
    >>> a == rng.random()
    True
    """
    states = [generator.bit_generator.state for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states):
            generator.bit_generator.state = state


def uniform(
    low: float, high: float, shape: tuple[int, ...], dtype: DTypeLike = np.float64,
    generator: Generator = None,
) -> NDArray[Any]:  # fmt: skip
    """Numbers that are equally likely anywhere from `low` to `high`.

    >>> uniform(-1, 1, (2,), generator=np.random.default_rng(0)).shape
    (2,)
    """
    drawn = chosen(generator).uniform(low, high, shape)
    return np.asarray(drawn, dtype=dtype)


def normal(
    mean: float, std: float, shape: tuple[int, ...], dtype: DTypeLike = np.float64,
    generator: Generator = None,
) -> NDArray[Any]:  # fmt: skip
    """Numbers of the normal distribution.

    >>> normal(0, 1, (2,), generator=np.random.default_rng(0)).shape
    (2,)
    """
    number("std", std, "a number from 0")
    drawn = chosen(generator).normal(mean, std, shape)
    return np.asarray(drawn, dtype=dtype)


@dispatched
def bernoulli(like: Any, p: float, shape: tuple[int, ...], generator: Generator = None) -> Any:
    """Ones with probability p, otherwise zeros, in the dtype of an array; drawn at every call.

    A compiled program draws anew at every run, too: it hears of the call by the array.

    >>> bernoulli(np.zeros(3, np.float32), 1.0, (2,))
    array([1., 1.], dtype=float32)
    """
    drawn = chosen(generator).random(shape, dtype=np.float32) < p
    return drawn.astype(like.dtype)


@dispatched
def gaussian(like: Any, generator: Generator = None) -> Any:
    """Numbers of the standard normal distribution in the shape and dtype of an array.

    >>> gaussian(np.zeros((2, 3)), np.random.default_rng(0)).shape
    (2, 3)
    """
    drawn = chosen(generator).standard_normal(like.shape)
    return np.asarray(drawn, dtype=like.dtype)
