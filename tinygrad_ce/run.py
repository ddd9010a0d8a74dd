"""One run of a function that is to be differentiated: what the transforms have in common.

Arrays in, arrays out; where an argument is a Tensor, or a variable from outside takes part, the
results are Tensors.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np

from tinygrad_ce.arguments import carries
from tinygrad_ce.dispatch import as_array, is_array, is_plain
from tinygrad_ce.errors import DTypeError, OptionError
from tinygrad_ce.graph import Node, gradients, order, tick
from tinygrad_ce.mode import Mode, recording
from tinygrad_ce.options import count, several
from tinygrad_ce.tensor import Tensor, apply, leaf
from tinygrad_ce.trees import Structure, flatten

__all__ = ["Argnums", "Run", "check_argnums", "numbers_of"]

Argnums = int | Sequence[int]


class Run:
    """One run of a function on fresh variables, ready to be pulled back."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: Argnums,
    ) -> None:
        self.single = isinstance(argnums, int | np.integer)
        self.since = tick()
        self.outside = recording()
        full = list(args)
        self.given: list[Any] = []
        self.variables: list[Tensor] = []
        self.trees: list[tuple[list[Any], Structure]] = []
        for number in numbers_of(argnums, len(args)):
            values, structure = flatten(args[number])
            leaves = list(zip(values, structure.constants(), strict=True))
            tree = [x if constant else _variable(x, number) for x, constant in leaves]
            full[number] = structure.build(tree)
            self.given += [x for x, constant in leaves if not constant]
            self.variables += [v for v, (_, constant) in zip(tree, leaves) if not constant]
            self.trees.append((values, structure))
        with Mode(True):
            self.output = f(*full, **kwargs)
        self.tensors = any(isinstance(value, Tensor) for value in self.given)
        self.known: tuple[Any, bool] = (None, False)  # what was last asked of reaches_outside

    def pull(self, root: Any, seed: Any, record: bool | None = None) -> list[Any]:
        """The gradients of `root` by the variables, zeros where it does not depend on them."""
        if not carries(root):
            return [np.zeros(v.shape, v.dtype)[()] for v in self.variables]
        nodes: list[Node] = order(root, self.since)
        if record is None:
            self.known = root, self._is_reached(nodes)
            record = self.outside and (isinstance(seed, Tensor) or self.known[1])
        wanted = set(self.variables)
        with Mode(record):
            found = gradients(root, seed, wanted, since=self.since, record=record, nodes=nodes)
        return [found[v] if v in found else np.zeros(v.shape, v.dtype)[()] for v in self.variables]

    def reaches_outside(self, root: Tensor) -> bool:
        """Whether anything that was made before this run takes part and requires a gradient."""
        known, answer = self.known
        return answer if known is root else self._is_reached(order(root, self.since))

    def _is_reached(self, nodes: list[Node]) -> bool:
        since = self.since
        return any(p.number < since for node in nodes for p in node.parents or ())

    def settle(self, x: Any) -> Any:
        """A result for the caller: an array, a Tensor where Tensors came in or are needed."""
        if isinstance(x, Tensor):
            outer = x.requires_grad and self.reaches_outside(x) and self.outside
            if outer or self.tensors:
                return x if outer else x.detach()
            return _plain(x)
        if self.tensors and is_array(x):
            return Tensor(x) if is_plain(x) else leaf(x)
        return _own(x)

    def answer(self, found: list[Any]) -> Any:
        """Gradients in the form of the arguments, 0 where a leaf is constant."""
        settled = iter([self._like(g, x) for g, x in zip(found, self.given, strict=True)])
        trees = tuple(
            structure.build(
                _nothing(x) if constant else next(settled)
                for x, constant in zip(values, structure.constants(), strict=True)
            )
            for values, structure in self.trees
        )
        return trees[0] if self.single else trees

    def _like(self, g: Any, given: Any) -> Any:
        if isinstance(g, Tensor):
            return g if g.requires_grad or isinstance(given, Tensor) else _plain(g)
        return Tensor(g) if isinstance(given, Tensor) else g


def check_argnums(argnums: Argnums) -> None:
    """Refuse what is no number of an argument, nor several."""
    if isinstance(argnums, Sequence) and not isinstance(argnums, str):
        several("argnums", argnums, _integer)
    elif type(argnums) is not int:
        _integer("argnums", argnums)


def _integer(name: str, value: Any) -> int:
    return count(name, value, -inf)


def numbers_of(argnums: Argnums, n: int) -> list[int]:
    """The numbers of the arguments meant, of n, counted from the front.

    >>> numbers_of((0, -1), 3)
    [0, 2]
    """
    given = [argnums] if isinstance(argnums, int | np.integer) else list(argnums)
    for number in given:
        if not -n <= number < n:
            raise OptionError(
                f"argnums is {argnums}",
                f"it names argument {number}, and {n} were given by position",
                "pass numbers from 0, and by position what is differentiated by",
            )
    numbers = [int(number) % n for number in given]
    if len(set(numbers)) < len(numbers):
        raise OptionError(
            f"argnums is {argnums}",
            "it names an argument twice, which has one gradient",
            "pass each number once",
        )
    return numbers


def _nothing(x: Any) -> Any:
    """Zeros like an array, anything else as it is: the gradient by what is constant."""
    return np.zeros(np.shape(x), x.dtype) if is_array(x) else x


def _own(x: Any) -> Any:
    """An array that shares its memory with nothing."""
    return np.array(x)[()] if isinstance(x, np.ndarray) else x


def _plain(x: Tensor) -> Any:
    """The values of a tensor; an array of another kind as it is."""
    return x.numpy()[()] if is_plain(x.value) else x.value


def _variable(value: Any, number: int) -> Tensor:
    """A fresh variable with a value; where that is a variable, one that depends on it."""
    if carries(value) and recording():
        made: Tensor = apply(np.positive, (value,), {})
        return made
    array = value.value if isinstance(value, Tensor) else as_array(value)
    if array.dtype.kind not in "fcO":
        raise DTypeError(
            f"argument {number} has a leaf of dtype {array.dtype}",
            "gradients exist by floating-point numbers, real or complex",
            "pass floats, or leave the argument out of argnums",
        )
    if is_plain(array):
        return leaf(np.array(array), True)
    return leaf(np.positive(array), True)  # a number of Python's becomes NumPy's
