"""Arrays of one shape that lie one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tinygrad_ce.programs.program import Value
from tinygrad_ce.record import Record

__all__ = ["Column", "Stack", "fit", "is_even"]


class Stack:
    """Arrays of one shape, one behind the other.

    Attributes:
        members: the arrays; None for rows that nobody asked for.
        whole: what they are the rows of; None as long as more arrays may come at the ends.
        users: the bits of the lines that take from it.
    """

    def __init__(self, members: Iterable[Value | None], whole: Value | None = None) -> None:
        self.members, self.whole, self.users = list(members), whole, 0
        self.place = {x: i for i, x in enumerate(self.members) if x is not None}

    def extended(self, front: Sequence[Value], back: Sequence[Value]) -> None:
        """Let more arrays come at the ends."""
        Stack.__init__(self, [*front, *self.members, *back])


class Column(Record):
    """Values one behind the other, as lines take them: where they lie, or will lie.

    Attributes:
        stack: whose rows they are, evenly apart; if they are not in it yet, it is extended.
        copies: how many cannot be written to their place where they arise.
    """

    values: Sequence[Value]
    stack: Stack
    copies: int = 0
    front: Sequence[Value] = ()
    back: Sequence[Value] = ()


def fit(values: Sequence[Value]) -> bool:
    """Whether Values can lie one behind the other: none is there twice."""
    return len(set(values)) == len(values)


def is_even(stack: Stack, values: Sequence[Value], step: int | None = None) -> bool:
    """Whether the Values are rows of the stack, in equal steps."""
    if any(x not in stack.place for x in values):
        return False
    at = [stack.place[x] for x in values]
    steps = {b - a for a, b in pairwise(at)}
    return steps <= ({step} if step else {at[-1] - at[-2]} if len(at) > 1 else set())
