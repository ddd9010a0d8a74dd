"""The rule table: for every function that Tensors may meet, how it is computed and differentiated.

`TABLE[function]` is a `Primitive`. A new function is one entry in one family's `RULES`.
"""

from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import plain
from tinygrad_ce.errors import Error, ShapeError, UnsupportedError
from tinygrad_ce.rules import (
    elementwise,
    erf,
    gamma,
    indexing,
    linalg,
    reductions,
    shaping,
    softmax,
    special,
    support,
    windows,
)
from tinygrad_ce.rules.kinds import Composed, Each, Entry, Function, Rule, Rules, Table, Tied
from tinygrad_ce.rules.support import sum_to

__all__ = ["ANSWERS", "FUSED", "TABLE", "Primitive", "primitive"]

# Families whose operands broadcast; the engine sums their gradients back to the operand's shape.
BROADCASTING = (elementwise, special, erf, gamma, support, linalg)
FIXED = (reductions, shaping, indexing, softmax, windows)

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


@dataclass(frozen=True, slots=True)
class Primitive:
    """One function of the table.

    Attributes:
        function: the public function, the key of the table.
        call: what computes its value from arrays.
        rules: one per operand; with one variable operand, those of `alone`.
        alone: the rules where only one operand is a variable (see `Tied`).
        each: the rule of operands that come as a sequence, and where the sequence is.
        broadcasts: whether gradients are summed to the operand's shape.
        names: the arguments after the operands that the rules know.
        composed: the same function written with others, or None.
    """

    function: Function
    call: Function
    rules: Rules = ()
    alone: Rules = ()
    each: Each | None = None
    broadcasts: bool = False
    names: tuple[str, ...] = ()
    composed: Function | None = None

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__name__", self.function))

    def fit(self, g: Any, x: Any) -> Any:
        """The gradient g in the shape and dtype of its operand x."""
        if g.shape != x.shape:
            if not self.broadcasts:
                raise ShapeError(
                    f"the rule of {self.name} returned shape {g.shape}",
                    f"the gradient of an operand has its shape, {x.shape}",
                    "mend the rule",
                )
            g = sum_to(g, x.shape)
        if g.dtype != x.dtype:
            if g.dtype.kind == "c":
                raise UnsupportedError(
                    f"{self.name} mixed real variables with complex numbers",
                    "gradients are real",
                    "compute with the real and the imaginary part apart",
                )
            g = support.astype(g, x.dtype)
        return g


def primitive(function: Function, entry: Entry, broadcasts: bool = False) -> Primitive:
    """The table's record of one entry."""
    make = partial(Primitive, function, plain(function), broadcasts=broadcasts)
    if entry is None:
        return make()
    if isinstance(entry, Composed):
        return make(composed=entry.function)
    if isinstance(entry, Each):
        return make(each=entry, names=_names(entry.rule, 3 if not entry.after_first else 4))
    rules, alone = (entry.shared, entry.alone) if isinstance(entry, Tied) else (entry, entry)
    first = next(rule for rule in rules if rule is not None)
    return make(rules=rules, alone=alone, names=_names(first, 2 + len(rules)))


def _names(rule: Rule, skipped: int) -> tuple[str, ...]:
    code = rule.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount][skipped:]


def _joined(*tables: Table) -> list[tuple[Function, Entry]]:
    return list(chain.from_iterable(table.items() for table in tables))


def _table() -> dict[Function, Primitive]:
    found: dict[Function, Primitive] = {}
    for families, broadcasts in ((BROADCASTING, True), (FIXED, False)):
        for function, entry in _joined(*(family.RULES for family in families)):
            if function in found:
                raise Error(f"{function} stands twice", "one entry a function", "drop one")
            found[function] = primitive(function, entry, broadcasts)
    return found


TABLE: dict[Function, Primitive] = _table()
