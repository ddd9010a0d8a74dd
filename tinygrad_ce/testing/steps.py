"""One step of a program by itself: a node of the graph as a function, with the rules it has.

`operands` tells which operands gradients flow to, `differentiated` what a rule gives, and a `Step`
can be held against its rules by a check: entry by entry, or along directions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from tinygrad_ce.graph import Node, as_gradient
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.testing.report import Report
from tinygrad_ce.testing.vectors import Vector, plain
from tinygrad_ce.testing.witnesses import jacobian
from tinygrad_ce.trees import flatten

__all__ = ["Check", "Operand", "Step", "differentiated", "operands", "together", "variables"]

ENTRIES = 256  # steps with more operand or result entries are not small
DIRECTIONS = 3
SURE = 1e-10  # of a derivative: those that differ less are right at first sight

Check = Callable[..., Report]


def variables(args: tuple[Any, ...], numbers: tuple[int, ...]) -> list[Any]:
    """The arguments, those of the numbers with a variable in the place of each array."""
    full = list(args)
    for number in numbers:
        values, structure = flatten(args[number])
        full[number] = structure.build([
            Tensor(plain(value), requires_grad=True, dtype=plain(value).dtype) for value in values
        ])  # fmt: skip
    return full


@dataclass(frozen=True)
class Operand:
    """An operand of a step that a gradient flows to.

    Attributes:
        label: its name, with brackets if it is one of several in a list.
        path: its place in the arguments, a number or two.
        value: what it was.
        rule: `rule(g, y, *args, **parameters)`.
    """

    label: str
    path: tuple[int, ...]
    value: Any
    rule: Callable[..., Any]


def operands(node: Any) -> list[Operand]:
    """Those operands of a node that gradients flow to, each with its rule."""
    primitive = node.primitive
    named: list[tuple[str, tuple[int, ...]]]
    if primitive.each is not None:
        places = [rule.args[0] for rule in node.rules]
        if primitive.each.after_first:
            named = [(f"operands[{i}]", (i + 1,)) for i in places]
        else:
            named = [(f"{primitive.operands[0]}[{i}]", (0, i)) for i in places]
    else:
        named = [
            (name, (i,))
            for i, name in enumerate(primitive.operands[: len(node.operands)])
            if isinstance(node.operands[i], Node)
            and node.operands[i].requires_grad
            and primitive.rules[i] is not None
        ]
    return [
        Operand(label, path, parent.value, rule)
        for (label, path), parent, rule in zip(named, node.parents, node.rules, strict=True)
    ]


def differentiated(node: Any, operand: Operand, g: Any) -> Any:
    """The gradient by an operand as the engine takes it: fitted to its shape and dtype."""
    r = operand.rule(g, node.value, *node.args, **node.parameters)
    r = r if hasattr(r, "shape") else as_gradient(r, node.primitive)
    return node.primitive.fit(r, operand.value)


class Step:
    """A node by itself: a function of the operands that have rules, and those rules."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.operands = [x for x in operands(node) if np.result_type(x.value).kind in "fc"]
        several = type(node.value) is Several
        parts = [plain(part) for part in (node.value if several else (node.value,))]
        self.live = [i for i, part in enumerate(parts) if part.dtype.kind in "fc"]
        self.several, self.parts = several, parts
        values = [plain(x.value) for x in self.operands]
        self.values = values
        self.names = {re.sub(r"\W+", "_", x.label).strip("_"): x.label for x in self.operands}
        self.is_complex = any(a.dtype.kind == "c" for a in (*values, *parts))
        counts = sum(v.size for v in values), sum(parts[i].size for i in self.live)
        self.is_small = max(counts) <= ENTRIES and not self.is_complex

    def call(self, *values: Any) -> list[Any]:
        """The results that have gradients, with other operands."""
        args = [list(a) if type(a) in (list, tuple) else a for a in self.node.args]
        for operand, given in zip(self.operands, values, strict=True):
            value = _laid(given, operand.value)
            if len(operand.path) == 2:
                args[operand.path[0]][operand.path[1]] = value
            else:
                args[operand.path[0]] = value
        for i, a in enumerate(self.node.args):
            if type(a) is tuple:
                args[i] = tuple(args[i])
        found = self.node.primitive.call(*args, **self.node.parameters)
        return [found[i] for i in self.live] if self.several else [found]

    def pull(self, gs: list[Any]) -> list[Any]:
        """The gradients by the operands, from those of the results that have them."""
        full = [np.zeros_like(part) for part in self.parts]
        for i, g in zip(self.live, gs, strict=True):
            full[i] = np.asarray(g, self.parts[i].dtype)[()]
        g = Several(full) if self.several else full[0]
        return [differentiated(self.node, x, g) for x in self.operands]

    def entries(self, check: Check) -> Report:
        """Entry by entry: gradients that are 1 at one entry and 0 elsewhere."""
        many = len(self.live) > 1

        def step(*values: Any) -> Any:
            found = self.call(*values)
            return found if many else found[0]

        def pullback(g: Any, *values: Any) -> Any:
            return self._answer(self.pull(g if many else [g]))

        return check(self._named(step), *self.values, pullback=pullback)

    def directions(self, check: Check, arrived: Any) -> Report:
        """Of all entries at once, `sum(g * y)` along random directions; g random, or the real."""
        rng = np.random.default_rng(0)
        gs = self.gradients(rng, DIRECTIONS, arrived)
        ways = [[_way(rng, x) for _ in range(DIRECTIONS)] for x in self.values]

        def step(*steps: Any) -> Any:
            moved = [
                x + sum(t * v for t, v in zip(ts, vs, strict=True))
                for x, ts, vs in zip(self.values, steps, ways, strict=True)
            ]
            found = self.call(*moved)
            return np.array([self.product(g, found) for g in gs])

        def pullback(weights: Any, *steps: Any) -> Any:
            pulled = self.pull(gs[int(np.argmax(weights))])
            return self._answer([
                np.array([self.product([r], [v]) for v in vs])
                for r, vs in zip(pulled, ways, strict=True)
            ])  # fmt: skip

        zeros = [np.zeros(DIRECTIONS, _single(x)) for x in self.values]
        return check(self._named(step), *zeros, pullback=pullback)

    def gradients(self, rng: Any, count: int, arrived: Any) -> list[list[Any]]:
        """Random gradients of the results, and those that arrived, unless they ran out of range."""
        parts = [self.parts[i] for i in self.live]
        gs = [[_random(rng, part) for part in parts] for _ in range(count)]
        if arrived is not None:
            real = [arrived[i] for i in self.live] if self.several else [arrived]
            real = [np.zeros_like(p) if g is None else g for g, p in zip(real, parts, strict=True)]
            largest = max(np.max(np.abs(g), initial=0) for g in real)
            gs += [real] if 1e-30 < largest < 1e30 else []
        return gs

    def product(self, a: list[Any], b: list[Any]) -> Any:
        """The sum of all entries of a times those of b."""
        total = sum(np.sum(x * y) for x, y in zip(a, b, strict=True))
        return np.real(total) if self.is_complex else total

    def _answer(self, found: list[Any]) -> Any:
        return found[0] if len(found) == 1 else tuple(found)

    def _named(self, f: Any) -> Any:
        names = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in self.names]
        f.__signature__ = Signature(names)
        return f


def together(steps: list[Step], arrived: list[Any]) -> list[bool]:
    """Whether the rules of each step are right along a random direction: one witness for all."""
    rng = np.random.default_rng(0)
    ways = [[_way(rng, x) for x in step.values] for step in steps]
    rows = [(k, g) for k, step in enumerate(steps) for g in step.gradients(rng, 1, arrived[k])]

    def ahead(t: Any) -> Any:
        found = [
            step.call(*(x + t * v for x, v in zip(step.values, vs, strict=True)))
            for step, vs in zip(steps, ways, strict=True)
        ]
        return np.array([steps[k].product(g, found[k]) for k, g in rows])

    measured = jacobian(Vector(ahead, (0.0,), (0,), extent=1.0))
    right = [True] * len(steps)
    for row, (k, g) in enumerate(rows):
        terms = [(r, v) for r, v in zip(steps[k].pull(g), ways[k], strict=True)]
        slope = sum(steps[k].product([r], [v]) for r, v in terms)
        size = sum(np.sum(np.abs(r * v)) for r, v in terms)
        off = abs(slope - measured.value[row, 0]) + measured.error[row, 0]
        eps = max(np.finfo(x.dtype).eps for x in steps[k].values)
        right[k] &= not measured.kink[row, 0] and off <= (SURE + 64 * eps) * size
    return right


def _random(rng: Any, like: Any) -> Any:
    g = rng.normal(size=like.shape)
    if like.dtype.kind == "c":
        g = g + 1j * rng.normal(size=like.shape)
    return np.asarray(g, like.dtype)


def _way(rng: Any, x: Any) -> Any:
    """A direction in proportion to the numbers themselves, so that no step leaves the domain."""
    size = np.where(np.isfinite(x), np.abs(x), 0)
    return _random(rng, x) * np.where(size > 0, size, 2.0**-10) / 4


def _laid(values: Any, like: Any) -> Any:
    """The values in the memory order of another array, which some functions ask for."""
    if not isinstance(like, np.ndarray):
        return values
    laid = np.empty_like(like, np.result_type(values))
    laid[...] = values
    return laid


def _single(x: Any) -> Any:
    """The real dtype of the same precision."""
    return np.empty(0, x.dtype).real.dtype
