"""The rule table: for every function that Tensors may meet, how it is computed and differentiated.

`TABLE[function]` is a `Primitive`. A new function is one entry in one family's `RULES`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from inspect import CO_VARARGS, CO_VARKEYWORDS
from itertools import chain
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched, plain
from tinygrad_ce.errors import Error, OptionError, ShapeError
from tinygrad_ce.options import function as check_function
from tinygrad_ce.rules import (
    bessel,
    building,
    contractions,
    decompositions,
    elementwise,
    erf,
    fourier,
    gamma,
    indexing,
    joining,
    labels,
    making,
    methods,
    norms,
    padding,
    polynomials,
    products,
    quantiles,
    reductions,
    representation,
    scipy,
    selecting,
    sequences,
    shaping,
    softmax,
    special,
    statistics,
    support,
    systems,
    windows,
)
from tinygrad_ce.rules.kinds import (
    Composed,
    Each,
    Entry,
    Function,
    Rule,
    Rules,
    Shortcut,
    Table,
    Tied,
)
from tinygrad_ce.rules.support import sum_to

__all__ = ["BUILT_IN", "FUSED", "TABLE", "Primitive", "late", "primitive"]

# Families whose operands broadcast; the engine sums their gradients back to the operand's shape.
BROADCASTING = (
    elementwise, representation, special, support, contractions, products, bessel, erf, gamma
)  # fmt: skip
FIXED = (
    reductions, shaping, indexing, joining, selecting, building, padding, softmax, labels, making,
    polynomials, quantiles, statistics, sequences, methods, windows, fourier,
    norms, systems, decompositions,
)  # fmt: skip

_sum_to = plain(sum_to)

# outer(inner(z)) computed in one step, which is stable where the two steps are not:
# {outer: (the operand that inner made, {inner: the function of both})}
FUSED: dict[Function, tuple[int, dict[Function, Function]]] = {
    np.log: (0, {softmax.softmax: softmax.log_softmax, special.sigmoid: special.log_sigmoid}),
    special.xlogy: (1, {softmax.softmax: softmax.xlog_softmax}),
    special.binary_log_loss: (0, {special.sigmoid: special.sigmoid_log_loss}),
}


class Primitive:
    """One function of the table.

    Attributes:
        function: the public function, the key of the table.
        call: what computes its value: the function, which arrays of other kinds may override.
        rules: one per operand; with one variable operand, those of `alone`.
        alone: the rules where only one operand is a variable (see `Tied`).
        each: the rule of operands that come as a sequence, and where the sequence is.
        composed: the same function written with others, or None; with rules too, these are for
            NumPy's own arrays.
        keeping: what computes its value and the way back together, or None (see `Shortcut`).
        broadcasts: whether gradients are summed to the operand's shape.
        elementwise: whether besides an entry of the result depends on one entry of each operand.
        operands: the names of the operands.
        names: the other arguments that the rules know.
    """

    __slots__ = (
        "alone", "broadcasts", "call", "composed", "each", "elementwise", "function", "keeping",
        "names", "operands", "rules",
    )  # fmt: skip

    def __init__(self, function: Function, entry: Entry, broadcasts: bool = False) -> None:
        self.function, self.call, self.broadcasts = function, function, broadcasts
        self.rules: Rules = ()
        self.alone: Rules = ()
        self.each: Each | None = None
        self.composed: Function | None = None
        self.keeping: Function | None = None
        # np.matmul and its like have a signature: they broadcast, but mix entries.
        self.elementwise = broadcasts and getattr(function, "signature", None) is None
        self.operands: tuple[str, ...] = ()
        self.names: tuple[str, ...] = ()
        if isinstance(entry, Composed):
            self.composed = entry.function
            names = _parameters(entry.function)
            if isinstance(entry, Shortcut):
                self.rules, self.keeping = entry.rules, entry.keeping
                self.alone = self.rules
            self.operands, self.names = names[: len(self.rules)], names[len(self.rules) :]
        elif isinstance(entry, Each):
            self.each, self.elementwise = entry, False
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
        """Whether gradients flow through it at all."""
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


def _table() -> dict[Function, Primitive]:
    found: dict[Function, Primitive] = {}
    for families, broadcasts in ((BROADCASTING, True), (FIXED, False)):
        for function, entry in chain.from_iterable(family.RULES.items() for family in families):
            if function in found:
                raise Error(f"{function} stands twice", "one entry a function", "drop one")
            found[function] = Primitive(function, entry, broadcasts)
    return found


TABLE: dict[Function, Primitive] = _table()

BUILT_IN = frozenset(TABLE)  # what users may not redefine

# Elementwise functions of libraries that are never imported here: whoever has one of their ufuncs
# has imported the library. {module: its table, from the module}
OPTIONAL: dict[str, Callable[[Any], Table]] = {"scipy.special": scipy.rules}
_joined_modules: set[str] = set()


def late(function: Function) -> Primitive | None:
    """The primitive of a ufunc that is not in the table yet, once the loaded libraries' are."""
    if isinstance(function, np.ufunc):
        for name, rules in OPTIONAL.items():
            if name in sys.modules and name not in _joined_modules:
                for known, entry in rules(sys.modules[name]).items():
                    # What a user has given rules keeps them.
                    TABLE.setdefault(known, Primitive(known, entry, broadcasts=True))
                _joined_modules.add(name)
    return TABLE.get(function)


def primitive(
    function: Function | None = None,
    /,
    *,
    rules: Rule | Rules,
    elementwise: bool = False,
) -> Function:
    """Give a function its own gradient rules; a decorator where no function is given.

    A ufunc (SciPy's, for example) is known by itself from then on. Of any other function the result
    is one that takes Tensors too: use it in the function's place.

    Args:
        function: a function of arrays; it may have further arguments that are no arrays, and may
            return a tuple of arrays.
        rules: for each operand, from the left, `rule(g, y, *arguments)`: the gradient by that
            operand, of its shape, from the gradient g of the result y. None where nothing flows.
            One rule may stand alone. It names the function's own arguments, is linear in g, and
            written with NumPy's functions it can be differentiated itself. With several results g
            and y are tuples.
        elementwise: the operands broadcast; their gradients are summed back to their shapes.

    Raises:
        Error: the function has rules, or a rule does not take the function's arguments.

    >>> @primitive(rules=lambda g, y, x: g * 3 * x**2)
    ... def cube(x):
    ...     return x * x * x
    >>> import tinygrad_ce as tg
    >>> tg.grad(cube)(2.0)
    np.float64(12.0)
    """
    if function is None:
        return partial(primitive, rules=rules, elementwise=elementwise)
    check_function("function", function)
    entry = rules if isinstance(rules, tuple) else (rules,)
    if function in BUILT_IN:
        raise Error(
            f"{function.__name__} has rules in the library",
            "one function has one derivative everywhere",
            "give the rules to a function of your own that calls it",
        )
    if not entry:
        raise OptionError(
            f"rules of {getattr(function, '__name__', function)} is ()",
            "there is a rule for each operand, None where nothing flows",
            "pass for example rules=lambda g, y, x: 3 * g",
        )
    for rule in entry:
        if rule is not None:
            _check_rule(function, rule, len(entry))
    known = isinstance(function, np.ufunc) or type(function).__module__ == "numpy"
    public = function if known else dispatched(function)
    TABLE[public] = Primitive(public, entry, elementwise)
    return public


def _check_rule(function: Function, rule: Rule, operands: int) -> None:
    """A rule takes g, y and then what its function takes."""
    name = getattr(function, "__name__", str(function))
    if not isinstance(rule, FunctionType) or rule.__code__.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        raise Error(
            f"a rule of {name} is {rule!r}",
            "a rule is a Python function that names each of its arguments",
            "write it as lambda g, y, x: ...",
        )
    taken = _parameters(rule)[2:]
    if isinstance(function, FunctionType):
        expected = _parameters(function)
        fits = len(taken) >= operands and taken[operands:] == expected[operands : len(taken)]
    else:
        expected = tuple("abcdefgh"[: getattr(function, "nin", operands)])
        fits = len(taken) == len(expected) or not isinstance(function, np.ufunc)
    if not fits:
        raise Error(
            f"a rule of {name} takes ({', '.join(_parameters(rule))})",
            f"it takes (g, y, {', '.join(expected)}), as {name} does, and there is one rule an "
            f"operand; {operands} were given",
            "name the same arguments in the rule",
        )
