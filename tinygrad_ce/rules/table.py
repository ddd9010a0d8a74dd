"""The rule table: for every function that Tensors may meet, how it is computed and differentiated.

`TABLE[function]` is a `Primitive`. A new function is one entry in one family's `RULES`.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.errors import Error, ShapeError
from tinygrad_ce.rules import (
    decompositions,
    elementwise,
    indexing,
    linalg,
    norms,
    reductions,
    shaping,
    softmax,
    special,
    support,
    systems,
)
from tinygrad_ce.rules.kinds import Composed, Each, Entry, Function, Rule, Rules, Table, Tied
from tinygrad_ce.rules.support import sum_to

__all__ = ["ANSWERS", "FUSED", "TABLE", "Primitive"]

# Families whose operands broadcast; the engine sums their gradients back to the operand's shape.
BROADCASTING = (elementwise, special, support, linalg)
FIXED = (reductions, shaping, indexing, softmax, norms, systems, decompositions)

_sum_to = plain(sum_to)

# outer(inner(z)) computed in one step, which is stable where the two steps are not:
# {outer: (the operand that inner made, {inner: the function of both})}
FUSED: dict[Function, tuple[int, dict[Function, Function]]] = {
    np.log: (0, {softmax.softmax: softmax.log_softmax, special.sigmoid: special.log_sigmoid}),
    special.xlogy: (1, {softmax.softmax: softmax.xlog_softmax}),
    special.binary_log_loss: (0, {special.sigmoid: special.sigmoid_log_loss}),
}

# Questions about an array, answered by NumPy on its values.
ANSWERS: frozenset[Function] = frozenset(
    {
        np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type,
        np.common_type, np.iscomplexobj, np.isrealobj, np.allclose, np.array_equal,
        np.array_equiv, np.shares_memory, np.may_share_memory, np.array2string, np.array_repr,
        np.array_str, np.nonzero, np.flatnonzero, np.argwhere,
    }
)  # fmt: skip


class Primitive:
    """One function of the table.

    Attributes:
        function: the public function, the key of the table.
        call: what computes its value from arrays.
        rules: one per operand; with one variable operand, those of `alone`.
        alone: the rules where only one operand is a variable (see `Tied`).
        each: the rule of operands that come as a sequence, and where the sequence is.
        composed: the same function written with others, or None.
        broadcasts: whether gradients are summed to the operand's shape.
        operands: the names of the operands.
        names: the other arguments that the rules know.
    """

    __slots__ = (
        "alone", "broadcasts", "call", "composed", "each", "function", "names", "operands", "rules"
    )  # fmt: skip

    def __init__(self, function: Function, entry: Entry, broadcasts: bool = False) -> None:
        self.function, self.call, self.broadcasts = function, plain(function), broadcasts
        self.rules: Rules = ()
        self.alone: Rules = ()
        self.each: Each | None = None
        self.composed: Function | None = None
        self.operands: tuple[str, ...] = ()
        self.names: tuple[str, ...] = ()
        if isinstance(entry, Composed):
            self.composed = entry.function
            self.names = _parameters(entry.function)
        elif isinstance(entry, Each):
            self.each = entry
            names = _parameters(entry.rule)[3:]
            self.operands, self.names = (() if entry.after_first else names[:1]), names[1:]
        elif entry is not None:
            if isinstance(entry, Tied):
                self.rules, self.alone = entry.shared, entry.alone
            else:
                self.rules = self.alone = entry
            names = _parameters(next(rule for rule in self.rules if rule is not None))[2:]
            self.operands, self.names = names[: len(self.rules)], names[len(self.rules) :]

    @property
    def differentiable(self) -> bool:
        return bool(self.rules or self.each or self.composed)

    @property
    def name(self) -> str:
        """What NumPy calls it."""
        owner = getattr(self.function, "__self__", None)
        method = str(getattr(self.function, "__name__", self.function))
        return f"{owner.__name__}.{method}" if isinstance(owner, np.ufunc) else method

    def fit(self, g: Any, x: Any) -> Any:
        """The gradient g in the shape and dtype of its operand x; real where x is real."""
        if g.shape != x.shape:
            if not self.broadcasts:
                raise ShapeError(
                    f"the rule of {self.name} returned shape {g.shape}",
                    f"the gradient of an operand has its shape, {x.shape}",
                    "mend the rule",
                )
            g = (_sum_to if type(g) is np.ndarray else sum_to)(g, x.shape)
        if g.dtype != x.dtype:
            if g.dtype.kind == "c" and x.dtype.kind != "c":
                g = np.real(g)
            if g.dtype != x.dtype:
                g = support.astype(g, x.dtype)
        return g


def _parameters(rule: Rule) -> tuple[str, ...]:
    code = rule.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _joined(*tables: Table) -> list[tuple[Function, Entry]]:
    return list(chain.from_iterable(table.items() for table in tables))


def _table() -> dict[Function, Primitive]:
    found: dict[Function, Primitive] = {}
    for families, broadcasts in ((BROADCASTING, True), (FIXED, False)):
        for function, entry in _joined(*(family.RULES for family in families)):
            if function in found:
                raise Error(f"{function} stands twice", "one entry a function", "drop one")
            found[function] = Primitive(function, entry, broadcasts)
    return found


TABLE: dict[Function, Primitive] = _table()
