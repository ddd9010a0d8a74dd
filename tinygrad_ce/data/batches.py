"""Data in parts: `batches` to train on, `split` to hold some back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_ce.errors import OptionError, ShapeError
from tinygrad_ce.options import count, number
from tinygrad_ce.randomness import default_generator, seeded
from tinygrad_ce.trees import leaves, map_tree, paths

__all__ = ["Batches", "batches", "split"]


class Batches:
    """What `batches` returns: each `for` goes through all examples once more.

    Attributes:
        generator: where the order is drawn from, each time anew.
    """

    def __init__(
        self, examples: tuple[Any, ...], size: int, shuffle: bool, generator: np.random.Generator,
        drop_last: bool,
    ) -> None:  # fmt: skip
        self.examples, self.size, self.shuffle = examples, count("size", size), shuffle
        self.generator, self.drop_last = generator, drop_last
        self.count = _length(examples)
        if not len(self):
            raise OptionError(
                f"{self.count} examples make no batch of {size}",
                "each for needs one at least",
                "pass more examples, or a smaller size",
            )

    def __len__(self) -> int:
        """How many batches there are."""
        return self.count // self.size if self.drop_last else -(-self.count // self.size)

    def __iter__(self) -> Iterator[Any]:
        order = self.generator.permutation(self.count) if self.shuffle else None
        for start in range(0, len(self) * self.size, self.size):
            here = slice(start, start + self.size)
            yield _taken(self.examples, here if order is None else order[here])

    def __repr__(self) -> str:
        return f"<Batches: {len(self)} of {self.size}, {self.count} examples>"


def batches(
    x: Any, t: Any = None, size: int = 32, *, shuffle: bool = False,
    generator: np.random.Generator | int | None = None, drop_last: bool = False,
) -> Batches:  # fmt: skip
    """Go through examples in batches, `for xb, tb in batches(x, t, 32, shuffle=True)`.

    Args:
        x: an array (n, ...), or a tree of such.
        t: likewise, the targets; without them the batches are parts of x alone.
        size: how many examples a batch has; the last may have fewer.
        shuffle: whether every `for` takes the examples in another order.
        generator: where the order is drawn from: a NumPy generator, a seed, or the library's own.
        drop_last: whether a last batch of fewer examples is left out.

    Raises:
        ShapeError: the arrays have different lengths, or one has none.
        OptionError: there is no batch, or an option is not what it can be.

    >>> x, t = np.arange(10).reshape(5, 2), np.arange(5)
    >>> [tb.tolist() for xb, tb in batches(x, t, 2)]
    [[0, 1], [2, 3], [4]]
    >>> [tb.tolist() for xb, tb in batches(x, t, 2, shuffle=True, generator=0, drop_last=True)]
    [[2, 4], [3, 0]]
    """
    examples = (x,) if t is None else (x, t)
    drawn = default_generator() if generator is None else seeded(generator, "generator")
    return Batches(examples, size, shuffle, drawn, drop_last)


def split(x: Any, t: Any, test: float | int = 0.2, seed: int = 0) -> tuple[Any, Any]:
    """Part examples at random into `(x, t)` to train on and `(x, t)` to test on.

    Args:
        x: an array (n, ...), or a tree of such.
        t: likewise.
        test: the share to test on, a float from 0 to 1, or how many, an int.
        seed: of the choice.

    Raises:
        ShapeError: the arrays have different lengths.
        OptionError: one of the parts would be empty.

    >>> (x, t), (x_test, t_test) = split(np.eye(10), np.arange(10), test=0.3)
    >>> len(x), len(t_test)
    (7, 3)
    """
    n = _length((x, t))
    number("test", test)
    held = int(test) if isinstance(test, int | np.integer) else round(min(max(test, -1), 2) * n)
    if not 0 < held < n:
        raise OptionError(
            f"test={test} means {held} of {n} examples",
            "both parts have at least one",
            "pass a share such as 0.2, or how many",
        )
    order = seeded(seed).permutation(n)
    return _taken((x, t), order[held:]), _taken((x, t), order[:held])


def _length(examples: tuple[Any, ...]) -> int:
    """How many examples there are, which every array has to hold."""
    shapes = [np.shape(leaf) for leaf in leaves(examples)]
    lengths = {shape[0] for shape in shapes if shape}
    if len(lengths) != 1 or not all(shapes):
        found = [f"{'.'.join(way)} {shape}" for way, shape in zip(paths(examples), shapes)]
        raise ShapeError(
            f"the arrays have shapes {', '.join(found[:8])}",
            "all arrays have as many entries along their first axis as there are examples",
            "pass arrays of the same length (lists of numbers by np.array)",
        )
    return int(lengths.pop())


def _taken(examples: tuple[Any, ...], where: Any) -> Any:
    found = tuple(map_tree(lambda leaf: np.asarray(leaf)[where], part) for part in examples)
    return found if len(found) > 1 else found[0]
