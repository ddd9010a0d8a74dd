"""What may stand beside a function in the tables.

- a tuple of rules, one per operand from the left, None for an operand nothing flows to;
- None: the function is recorded, and no gradient flows through it;
- `Tied`: two tuples of rules, for functions that choose between their operands;
- `Each(rule)`: one rule for operands that come as one sequence, told which it is asked for;
- `Composed(function)`: the function is expressed by others, and needs no rule of its own;
- `Shortcut(function, *rules)`: it has rules all the same, which cost less, on NumPy's own arrays.

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

from tinygrad_ce.dispatch import is_plain

__all__ = [
    "Composed", "Each", "Entry", "Function", "Kept", "Rule", "Rules", "Several", "Shortcut",
    "Table", "Tied", "present",
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


class Shortcut(Composed):
    """Written with others, and with rules that come to the same by fewer passes over the arrays.

    NumPy's own arrays take the rules; what is written down, or is computed by another library,
    takes the others. `keeping` computes the value together with the function that a gradient goes
    on by: the rule, with what it would have to compute a second time.
    """

    def __init__(
        self, function: Function, *rules: Rule | None, keeping: Function | None = None
    ) -> None:
        super().__init__(function)
        self.rules: Rules = rules
        self.keeping = keeping


class Kept:
    """The rule of one node, whose way back was prepared on the way forward.

    It is for NumPy's own arrays: where the rule is to be recorded it has to compute everything.
    """

    __slots__ = ("onward", "rule")

    def __init__(self, onward: Rule, rule: Any) -> None:
        self.onward, self.rule = onward, rule

    def __call__(self, g: Any, y: Any, *args: Any, **parameters: Any) -> Any:
        if is_plain(g) and is_plain(args[0]):
            return self.onward(g)
        return self.rule(g, y, *args, **parameters)


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
