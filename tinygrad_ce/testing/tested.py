"""The gradient under test, whoever computes it, as Jacobians: of each result by each argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import Error, OptionError, ShapeError
from tinygrad_ce.run import check_argnums
from tinygrad_ce.testing.vectors import Vector, plain
from tinygrad_ce.transforms import vjp
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["chosen", "jacobians"]


def chosen(args: tuple[Any, ...], argnums: int | Sequence[int] | None) -> tuple[int, ...]:
    """The numbers of the arguments to differentiate by: by default of all that hold floats."""
    if argnums is not None:
        check_argnums(argnums)
        numbers = tuple(argnums) if isinstance(argnums, Sequence) else (argnums,)
        if any(not -len(args) <= number < len(args) for number in numbers):
            raise OptionError(
                f"argnums={argnums}, and {len(args)} arguments",
                "argnums names the arguments to differentiate by, from 0",
                "pass numbers of arguments, or leave it out for all that hold floats",
            )
        return tuple(number % len(args) for number in numbers)

    def floats(tree: Any) -> bool:
        kinds = [plain(leaf).dtype.kind for leaf in flatten(tree)[0]]
        return bool(kinds) and all(kind in "fc" for kind in kinds)

    return tuple(number for number, arg in enumerate(args) if floats(arg))


def jacobians(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    numbers: tuple[int, ...],
    point: Vector,
    gradient: Callable[..., Any] | None,
    pullback: Callable[..., Any] | None,
) -> list[list[NDArray[Any]]]:
    """The Jacobians under test: for each result, one by each leaf."""
    if gradient is not None:
        scalar = len(point.outputs) == 1
        if not scalar:
            raise Error(
                "gradient= was given for a function with several results",
                "one gradient belongs to one result",
                "pass pullback=, a function of (g, *args)",
            )
        return [_leaves(point, gradient(*args), numbers)]
    if pullback is None:

        def through_f(*chosen: Any) -> Any:
            full = list(args)
            for number, value in zip(numbers, chosen, strict=True):
                full[number] = value
            return f(*full)

        _, pull = vjp(through_f, *(args[number] for number in numbers))
        return _pulled(point, lambda g: _leaves(point, _single(pull(g), numbers), numbers))
    return _pulled(point, lambda g: _leaves(point, pullback(g, *args), numbers))


def _single(trees: tuple[Any, ...], numbers: tuple[int, ...]) -> Any:
    return trees[0] if len(numbers) == 1 else trees


def _leaves(point: Vector, tree: Any, numbers: tuple[int, ...]) -> list[NDArray[Any]]:
    """The arrays of a gradient, in the order of the leaves of the arguments."""
    if tree is None:
        raise Error(
            "the gradient under test returned None",
            "it returns arrays like the arguments",
            "add the return that is missing",
        )
    trees = (tree,) if len(numbers) == 1 else tuple(tree)
    found: list[NDArray[Any]] = []
    if len(trees) != len(numbers):
        raise ShapeError(
            f"the gradient under test has {len(trees)} parts",
            f"there are {len(numbers)} arguments to differentiate by",
            "return a tuple with one part for each, or pass argnums",
        )
    for number, part in zip(numbers, trees, strict=True):
        map_tree(lambda _, g: found.append(plain(g)), point.args[number], part)
    return found


def _pulled(point: Vector, pull: Callable[[Any], Any]) -> list[list[NDArray[Any]]]:
    """The Jacobians row by row, one pull-back for each entry of the results."""
    rows: list[list[NDArray[Any]]] = []
    shapes = [y.shape for _, y in point.outputs]
    for k, shape in enumerate(shapes):
        found = []
        for index in np.ndindex(shape):
            seeds = [np.zeros(s) for s in shapes]
            seeds[k][index] = 1
            found.append(pull(point.structure.build([seed[()] for seed in seeds])))
        columns = list(zip(*found, strict=True)) or [()] * len(point.leaves)
        rows.append([
            np.reshape(np.stack(c) if c else (), (*shape, *(c[0] if c else leaf.values).shape))
            for c, leaf in zip(columns, point.leaves, strict=True)
        ])  # fmt: skip
    return rows
