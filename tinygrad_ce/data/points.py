"""Points in the plane in classes that no line parts: moons, circles, spirals, xor.

Each returns `(x, t)`: points x (n, 2) of `dtype` and classes t (n,) int64. The same `seed` gives
the same points. Names and formulas are scikit-learn's where it has them: `make_moons`,
`make_circles`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_ce.options import count, number
from tinygrad_ce.randomness import seeded

__all__ = ["circles", "moons", "spirals", "xor"]

Points: TypeAlias = tuple[NDArray[Any], NDArray[np.int64]]


def moons(
    n_samples: int = 100, *, shuffle: bool = True, noise: float = 0.0, seed: int = 0,
    dtype: DTypeLike = np.float64,
) -> Points:  # fmt: skip
    """Two half circles that reach into each other, as scikit-learn's `make_moons`.

    Class 0 is (cos a, sin a), class 1 is (1 - cos a, 1/2 - sin a), a from 0 to pi.

    Args:
        n_samples: how many points; class 1 has the odd one.
        shuffle: whether the classes are mixed, or stand one after the other.
        noise: the standard deviation of what is added to each coordinate.
        seed: of the order and the noise.
        dtype: of the points.

    Raises:
        OptionError: fewer than 2 points, or a noise that is negative.

    >>> x, t = moons(4, shuffle=False)
    >>> x.round(3).tolist(), t.tolist()
    ([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [2.0, 0.5]], [0, 0, 1, 1])
    """
    a, b = (np.linspace(0, np.pi, n) for n in _shares(n_samples, 2))
    upper = np.stack([np.cos(a), np.sin(a)], axis=1)
    lower = np.stack([1 - np.cos(b), 0.5 - np.sin(b)], axis=1)
    return _finished([upper, lower], shuffle, noise, seed, dtype)


def circles(
    n_samples: int = 100, *, shuffle: bool = True, noise: float = 0.0, seed: int = 0,
    factor: float = 0.8, dtype: DTypeLike = np.float64,
) -> Points:  # fmt: skip
    """A circle of radius 1, class 0, and one within it, class 1, as `make_circles`.

    Args:
        n_samples: how many points; class 1 has the odd one.
        shuffle: whether the classes are mixed, or stand one after the other.
        noise: the standard deviation of what is added to each coordinate.
        seed: of the order and the noise.
        factor: the inner radius, from 0 to below 1.
        dtype: of the points.

    Raises:
        OptionError: fewer than 2 points, a noise that is negative, or another factor.

    >>> x, t = circles(4, shuffle=False, factor=0.5)
    >>> np.hypot(*x.T).round(3).tolist(), t.tolist()
    ([1.0, 1.0, 0.5, 0.5], [0, 0, 1, 1])
    """
    number("factor", factor, "a number from 0 to below 1", it="the radius of the inner circle")
    rings = []
    for radius, n in zip((1.0, factor), _shares(n_samples, 2), strict=True):
        a = np.linspace(0, 2 * np.pi, n, endpoint=False)
        rings.append(radius * np.stack([np.cos(a), np.sin(a)], axis=1))
    return _finished(rings, shuffle, noise, seed, dtype)


def spirals(
    n_samples: int = 100, *, classes: int = 2, turns: float = 1.0, shuffle: bool = True,
    noise: float = 0.0, seed: int = 0, dtype: DTypeLike = np.float64,
) -> Points:  # fmt: skip
    """Arms of Archimedes' spiral, a class each, from near the middle to radius 1.

    A point at radius r of class k stands at the angle 2 pi (turns r + k / classes).

    Args:
        n_samples: how many points; the last classes have the odd ones.
        classes: how many arms, at least 2.
        turns: how often an arm goes round.
        shuffle: whether the classes are mixed, or stand one after the other.
        noise: the standard deviation of what is added to each coordinate.
        seed: of the order and the noise.
        dtype: of the points.

    Raises:
        OptionError: fewer than 2 classes, fewer points than classes, or a noise that is negative.

    >>> x, t = spirals(300, classes=3, noise=0.02)
    >>> x.shape, np.bincount(t).tolist()
    ((300, 2), [100, 100, 100])
    """
    classes = count("classes", classes, 2)
    number("turns", turns)
    arms = []
    for k, n in enumerate(_shares(n_samples, classes)):
        r = np.arange(1, n + 1) / n
        a = 2 * np.pi * (turns * r + k / classes)
        arms.append(np.stack([r * np.cos(a), r * np.sin(a)], axis=1))
    return _finished(arms, shuffle, noise, seed, dtype)


def xor(
    n_samples: int = 100, *, noise: float = 0.0, seed: int = 0, dtype: DTypeLike = np.float64
) -> Points:
    """Points all over the square from -1 to 1; class 1 where the signs of their two numbers differ.

    Args:
        n_samples: how many points.
        noise: the standard deviation of what is added to each coordinate, the class kept.
        seed: of the points.
        dtype: of the points.

    Raises:
        OptionError: fewer than 2 points, or a noise that is negative.

    >>> x, t = xor(50)
    >>> bool(np.all(t == (x[:, 0] * x[:, 1] < 0)))
    True
    """
    _shares(n_samples, 2)
    x = seeded([count("seed", seed, 0), 1]).uniform(-1, 1, (n_samples, 2))
    t = (x[:, 0] * x[:, 1] < 0).astype(np.int64)
    return _with_noise(x, noise, seeded(seed)).astype(dtype), t


def _shares(n: int, classes: int) -> list[int]:
    """How many points each class has."""
    n = count("n_samples", n, classes)
    return [(n + k) // classes for k in range(classes)]


def _finished(
    parts: list[NDArray[Any]], shuffle: bool, noise: float, seed: int, dtype: DTypeLike
) -> Points:
    generator = seeded(seed)
    x = np.concatenate(parts)
    t = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    if shuffle:
        order = generator.permutation(len(x))
        x, t = x[order], t[order]
    return _with_noise(x, noise, generator).astype(dtype), t


def _with_noise(x: NDArray[Any], noise: float, generator: np.random.Generator) -> NDArray[Any]:
    number("noise", noise, "a finite number from 0", it="a standard deviation")
    return x + noise * generator.standard_normal(x.shape)
