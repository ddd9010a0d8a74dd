"""What may stand beside a function in the tables.

- a tuple of rules, one per operand from the left, None for an operand nothing flows to;
- None: the function is recorded, and no gradient flows through it;
- `Tied`: two tuples of rules, for functions that choose between their operands;
- `each(rule)`: one rule for operands that come as one sequence, told which it is asked for;
- `composed(function)`: the function is expressed by others, and needs no rule of its own.

A rule is `rule(g, y, *arguments)`: g the gradient of the result, y the result, and then the
function's own arguments under NumPy's names. It is plain NumPy, linear in g, and returns the
gradient by its operand: g itself, a view, or a fresh array, never one of the operands.
An argument that no rule names (`where=`, `initial=`) is refused when the function is called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Composed", "Each", "Entry", "Function", "Rule", "Rules", "Table", "Tied"]

Function: TypeAlias = Callable[..., Any]
Rule: TypeAlias = Callable[..., Any]
Rules: TypeAlias = tuple[Rule | None, ...]


@dataclass(frozen=True)
class Tied:
    """Rules of a choice: at a tie, variables share (`shared`), and a constant wins (`alone`)."""

    shared: Rules
    alone: Rules


@dataclass(frozen=True)
class Each:
    """The rule `rule(i, g, y, *arguments)` of operand i, where operands come as a sequence.

    They are the first argument (`np.concatenate`), or all after the first (`np.einsum`).
    """

    rule: Rule
    after_first: bool = False


@dataclass(frozen=True)
class Composed:
    """The same function written with others that have rules."""

    function: Function


Entry: TypeAlias = Rules | Tied | Each | Composed | None
Table: TypeAlias = dict[Function, Entry]
