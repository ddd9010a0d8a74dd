"""What an operation is audited on: calls of it, given or made up, and variants of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from tinygrad_ce.errors import Error, UnsupportedError
from tinygrad_ce.rules.table import Primitive
from tinygrad_ce.testing.drawing import hypothesis
from tinygrad_ce.testing.labels import argument_names
from tinygrad_ce.testing.steps import variables
from tinygrad_ce.testing.vectors import plain
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["Sample", "drawn", "made", "names", "sampled"]

SHAPES = ((2, 3), (3,), (3, 3), ())  # the last only for what takes no other
RANGES = ((0.3, 0.9), (1.2, 2.5))


@dataclass(frozen=True)
class Sample:
    """A call of an operation.

    Attributes:
        op: the operation.
        args: its arguments, by position.
        parameters: those by keyword.
        numbers: which arguments gradients flow to.
        names: what these are called.
        taken: the names of all the arguments that a call may have where a gradient is needed.
    """

    op: Callable[..., Any]
    args: tuple[Any, ...]
    parameters: dict[str, Any]
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    taken: frozenset[str]

    @property
    def xs(self) -> tuple[Any, ...]:
        return tuple(self.args[number] for number in self.numbers)

    @property
    def arrays(self) -> list[Any]:
        return [plain(x) for x in flatten(self.xs)[0]]

    def full(self, xs: tuple[Any, ...]) -> list[Any]:
        """All arguments, with others in the place of those that gradients flow to."""
        args = list(self.args)
        for number, x in zip(self.numbers, xs, strict=True):
            args[number] = x
        return args

    def f(self) -> Any:
        """The call as a function of xs to real numbers, a complex result in its two parts."""

        def results(*xs: Any) -> Any:
            return _floats(self.op(*self.full(xs), **self.parameters))

        def call(*xs: Any) -> Any:
            # Complex numbers that go in by complex steps are to come out.
            return map_tree(_parts, results(*xs)) if is_complex else results(*xs)

        is_complex = any(map(np.iscomplexobj, flatten(results(*self.xs))[0]))

        call.__name__ = str(getattr(self.op, "__name__", self.op))
        parameters = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in self.names]
        call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return call

    def changed(self, change: Callable[[Any], Any]) -> Sample:
        """The same call with every array that gradients flow to changed."""
        args = self.full(tuple(map_tree(lambda x: change(plain(x)), x) for x in self.xs))
        return replace(self, args=tuple(args))

    @property
    def defaults(self) -> dict[str, Any]:
        """The arguments that the call leaves to their defaults, and these."""
        try:
            known = signature(self.op).parameters.values()
        except (TypeError, ValueError):
            return {}
        free = [p for i, p in enumerate(known) if i >= len(self.args) or p.kind == p.KEYWORD_ONLY]
        return {
            p.name: p.default
            for p in free
            if p.default is not p.empty and p.name in self.taken and p.name not in self.parameters
        }

    def __str__(self) -> str:
        shapes = [
            f"{name} of shape {plain(x).shape}"
            for name, tree in zip(self.names, self.xs, strict=True)
            for x in flatten(tree)[0]
        ]
        return ", ".join([*shapes, *(f"{n}={x!r:.40}" for n, x in self.parameters.items())])


def _floats(result: Any) -> Any:
    """The results that have derivatives; integers among several have none."""
    if not isinstance(result, tuple):
        return result
    kept = tuple(part for part in result if np.result_type(part).kind in "fc")
    return kept[0] if len(kept) == 1 else kept


def _parts(y: Any) -> Any:
    return (np.real(y), np.imag(y)) if np.iscomplexobj(y) else y


def sampled(
    op: Callable[..., Any], primitive: Primitive, args: tuple[Any, ...], parameters: dict[str, Any]
) -> Sample:
    """The sample of a call: its operands with rules that hold floats are what it is checked by."""

    def floats(tree: Any) -> bool:
        kinds = [plain(x).dtype.kind for x in flatten(tree)[0]]
        return bool(kinds) and all(kind in "fc" for kind in kinds)

    if primitive.rules:
        candidates = [i for i, r in enumerate(primitive.rules[: len(args)]) if r is not None]
    elif primitive.each is not None:
        candidates = list(range(1, len(args))) if primitive.each.after_first else [0]
    else:
        candidates = [i for i, arg in enumerate(args) if not isinstance(arg, float | int)] or [0]
    numbers = tuple(i for i in candidates if floats(args[i]))
    if not numbers:
        raise Error(
            f"an example of {primitive.name} has no floats where gradients flow",
            "an audit needs at least one array of floats",
            "pass a tuple of its arguments, arrays of floats first",
        )
    if primitive.composed is not None and len(numbers) > 1:
        try:
            op(*variables(args, numbers), **parameters)
        except UnsupportedError:
            numbers = numbers[:1]
    known = names(op, primitive, len(args))
    taken = frozenset((*primitive.operands, *primitive.names))
    return Sample(op, args, parameters, numbers, tuple(known[i] for i in numbers), taken)


def names(op: Callable[..., Any], primitive: Primitive, count: int) -> list[str]:
    """The names of an operation's arguments: those of its rules, which are valid for NumPy too."""
    known = [*primitive.operands, *primitive.names] if primitive.rules else []
    given = argument_names(op, count)
    found = [known[i] if i < len(known) else given[i].replace(" ", "_") for i in range(count)]
    return [name if found.index(name) == i else f"{name}_{i}" for i, name in enumerate(found)]


def made(
    op: Callable[..., Any], primitive: Primitive, parameters: dict[str, Any], rng: Any
) -> list[Sample]:
    """Calls that the operation takes: positive moderate numbers, in several shapes.

    Raises:
        Error: it took none of them.
    """
    found: list[Sample] = []
    said = "its values are not finite floats"
    for shape in SHAPES:
        if found and not shape:
            break
        for low, high in RANGES:

            def draw(shape: Any = shape, low: float = low, high: float = high) -> Any:
                return np.asarray(rng.uniform(low, high, shape))

            if primitive.each is not None:
                args: tuple[Any, ...] = ([draw(), draw()],)
            else:
                args = tuple(draw() for _ in range(_count(op, primitive)))
            try:
                sample = sampled(op, primitive, args, parameters)
                f = sample.f()
                f(*variables(sample.xs, tuple(range(len(sample.xs)))))  # which may be refused
                values = [plain(y) for y in flatten(f(*sample.xs))[0]]
                fits = all(y.dtype.kind in "fc" and np.isfinite(y).all() for y in values)
                said = said if values else "it returned nothing"
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                continue
            if fits and any(y.size for y in values):
                found.append(sample)
                break
    if not found:
        raise Error(
            f"no example for {primitive.name} could be made up ({said.rstrip('.')})",
            "an audit calls the function",
            "pass tuples of arguments that it takes",
        )
    return found


def _count(op: Callable[..., Any], primitive: Primitive) -> int:
    """How many operands a call has; of a function written with others, how many it needs."""
    if primitive.rules:
        return len(primitive.rules)
    try:
        known = signature(op).parameters.values()
    except (TypeError, ValueError):
        return 1
    return sum(p.default is p.empty and p.kind <= Parameter.POSITIONAL_OR_KEYWORD for p in known)


def drawn(given: Any, count: int, seed: int) -> list[Any]:
    """Examples drawn from a strategy of Hypothesis."""
    found: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=count, database=None, deadline=None)
    @hypothesis.given(given)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found
