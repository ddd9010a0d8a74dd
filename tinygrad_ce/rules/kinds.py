"""What may stand beside a function in the tables.

- a tuple of rules, one per operand from the left, None for an operand nothing flows to;
- None: the function is recorded, and no gradient flows through it;
- `Tied`: two tuples of rules, for functions that choose between their operands;
- `Each(rule)`: one rule for operands that come as one sequence, told which it is asked for;
- `Composed(function)`: the function is expressed by others, and needs no rule of its own.

A function with several results has them in y as a tuple, and their gradients in g.

A rule is `rule(g, y, *arguments)`: g the gradient of the result, y the result, and then the
function's own arguments under NumPy's names. It is plain NumPy, linear in g, and returns the
gradient by its operand: g itself, a view, or a fresh array, never one of the operands.
Complex numbers: the gradient of a real f by z = x + iy is df/dx - i df/dy, so that the rule of an
analytic function is its derivative, without a conjugate; the engine takes the real part of the
gradient by a real operand.
An argument that no rule names (`where=`, `initial=`) is refused when the function is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "Composed", "Each", "Entry", "Function", "Rule", "Rules", "Several", "Table", "Tied", "present"
]  # fmt: skip

Function: TypeAlias = Callable[..., Any]
Rule: TypeAlias = Callable[..., Any]
Rules: TypeAlias = tuple[Rule | None, ...]


class Tied:
    """Rules of a choice: at a tie, variables share (`shared`), and a constant wins (`alone`)."""

    def __init__(self, shared: Rules, alone: Rules) -> None:
        self.shared, self.alone = shared, alone


class Each:
    """The rule `rule(i, g, y, *arguments)` of operand i, where operands come as a sequence.

    They are the first argument (`np.concatenate`), or all after the first (`np.einsum`), once
    `form` has brought the arguments into that order.
    """

    def __init__(self, rule: Rule, after_first: bool = False, form: Function | None = None) -> None:
        self.rule, self.after_first, self.form = rule, after_first, form


class Composed:
    """The same function written with others that have rules."""

    def __init__(self, function: Function) -> None:
        self.function = function


class Several(tuple[Any, ...]):
    """The results of a function that has several, or their gradients, as one value of the graph.

    Where no gradient arrived there is None. It has no shape and no dtype to be fitted to.
    """

    __slots__ = ()
    shape = dtype = None

    def __add__(self, other: Any) -> Several:
        pairs = zip(self, other, strict=True)
        return Several(a if b is None else b if a is None else a + b for a, b in pairs)


Entry: TypeAlias = Rules | Tied | Each | Composed | None
Table: TypeAlias = dict[Function, Entry]


def present(entries: dict[str, Entry]) -> Table:
    """The entries of those of NumPy's functions, given by name, that the version at hand has."""
    return {getattr(np, name): entry for name, entry in entries.items() if hasattr(np, name)}
