"""Formulas: how a node was computed, and how a gradient goes on from it, with the user's names.

The formula of a gradient is the rule itself: it is run on arrays that write down what happens to
them, and that program is simplified and printed. Nothing here knows a derivative.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.errors import Error
from tinygrad_ce.graph import Node
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.wording import inlined, written
from tinygrad_ce.programs.emit import body
from tinygrad_ce.programs.printing import expression
from tinygrad_ce.programs.program import Line, Value
from tinygrad_ce.programs.simplify import readable
from tinygrad_ce.programs.trace import trace
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.support import output
from tinygrad_ce.rules.table import TABLE

__all__ = ["local", "operation", "passed_on"]

Labels = Callable[[Any], str]  # what an operand is called; a number stands for itself
_REFUSED = (Error, TypeError, ValueError, SyntaxError, AttributeError, KeyError, IndexError,
            RecursionError, NotImplementedError)  # fmt: skip


def operation(node: Node, labels: Labels) -> str:
    """What made the node: `relu(z)`, `x @ W`, `sum(h, axis=1)`.

    Args:
        node: a computed node.
        labels: what an operand is called.
    """
    primitive, operands = node.primitive, node.operands
    if primitive.function is output:
        return f"{labels(operands[0])}[{operands[1]}]"
    try:
        if primitive.function is np.transpose and operands[1:] == (None,):
            operands = operands[:1]  # which is written x.T
        args = _valued(tuple(operands), labels)
        named = _valued(dict(node.parameters), labels)
        line = Line((Value((), np.dtype(float)),), primitive.function, args, named)
        tree = expression(line, lambda value: ast.Name(str(value.name)))
        if primitive.name == "<lambda>" and isinstance(tree, ast.Call):
            tree.func = ast.Name(labels(primitive.function))
        return written(tree)
    except _REFUSED:  # a setting that cannot be written down
        inside = ", ".join(labels(x) for x in _flat(operands) if isinstance(x, Node | np.ndarray))
        return f"{primitive.name}({inside})"


def _valued(x: Any, labels: Labels) -> Any:
    """The arguments with Values in the place of arrays, named as labels say."""
    if isinstance(x, Node):
        value = x.value
        if type(value) is Several:
            return Value((), np.dtype(float), name=labels(x))
        return Value(value.shape, value.dtype, name=labels(x))
    if isinstance(x, np.ndarray):
        return Value(x.shape, x.dtype, name=labels(x)) if x.ndim else x.item()
    if isinstance(x, np.generic):
        return Value((), x.dtype, name=labels(x))
    if type(x) in (tuple, list):
        return type(x)(_valued(item, labels) for item in x)
    if isinstance(x, dict):
        return {key: _valued(item, labels) for key, item in x.items()}
    if type(x) is slice:
        return slice(*(_valued(part, labels) for part in (x.start, x.stop, x.step)))
    return float(number(x)) if type(x) is float and np.isfinite(x) else x


def _flat(x: Any) -> list[Any]:
    if type(x) in (tuple, list):
        return [leaf for item in x for leaf in _flat(item)]
    return [x]


def local(node: Node, place: int, labels: Labels) -> str | None:
    """The derivative by an operand: `1 / x`; None where it is no matter of entries alone."""
    primitive = node.primitive
    if not primitive.elementwise or primitive.function is output:  # one of several is a part
        return None
    return _derived(node, place, labels, None)


def passed_on(node: Node, place: int, labels: Labels, gradient: str) -> str | None:
    """What goes on to an operand, from the gradient of the node: `dy @ W.T`.

    Args:
        node: a computed node.
        place: which of its parents.
        labels: what operands, and the node itself, are called.
        gradient: what the node's gradient is called.

    Returns:
        The expression; None where the rule cannot be written down.
    """
    return _derived(node, place, labels, gradient)


def _derived(node: Node, place: int, labels: Labels, gradient: str | None) -> str | None:
    source = _source(node, place, whole=gradient is not None)
    function = ast.parse(source).body[-1] if source else None
    if not isinstance(function, ast.FunctionDef):
        return None
    names = {f"a{i}": labels(node.operands[i]) for i in _dynamic(node)}
    return inlined(function, {"g": gradient or "g", "y": labels(node), **names})


def _dynamic(node: Node) -> list[int]:
    """Which operands are arrays of numbers, and have a name in the program of a rule."""
    pairs = enumerate(zip(node.operands, node.args))
    return [i for i, (_, x) in pairs if is_plain(x) and x.dtype.kind in "biufc"]


def _source(node: Node, place: int, whole: bool) -> str | None:
    """The rule as a program's source, of g, y, and a0, a1, ...; where not whole, at g = 1."""
    rule, parent = node.rules[place], (node.parents or ())[place]
    primitive, given, slots = node.primitive, list(node.args), _dynamic(node)
    if type(node.value) is Several or not is_plain(node.value):
        return None

    def passing(*arrays: Any) -> Any:
        args = list(given)
        for slot, array in zip(slots, arrays[2:]):
            args[slot] = array
        r = rule(arrays[0] if whole else 1.0, arrays[1], *args, **node.parameters)
        return primitive.fit(r, parent.value) if whole and hasattr(r, "shape") else r

    key = _alike(node, place, whole)
    source = _sources.get(key) if key else None
    if source is not None:
        return source
    try:
        with np.errstate(all="ignore"):
            inputs = (np.ones_like(node.value), node.value, *(given[i] for i in slots))
            program = trace(passing, inputs, {}).program
        for value, name in zip(program.inputs, ["g", "y", *(f"a{i}" for i in slots)]):
            value.name = name
        source = body(readable(program)).source
    except _REFUSED:
        return None
    if len(_sources) >= _MANY:
        _sources.clear()
    if key:
        _sources[key] = source
    return source


_MANY = 2000
_sources: dict[Any, str] = {}  # of rules that were written down, by what they are written from


def _alike(node: Node, place: int, whole: bool) -> Any:
    """What the text of a rule depends on, its operands' names and numbers aside; None of others.

    A long run repeats few steps many times, and writing a rule down costs a thousand times more
    than looking it up.
    """
    primitive: Any = node.primitive
    rule = node.rules[place]
    of_table = TABLE.get(primitive.function) is primitive
    if not of_table or all(r is not rule for r in primitive.rules):
        return None
    parent = (node.parents or ())[place].value
    try:
        return (
            rule, whole, *map(_form, (node.value, parent, *node.args)),
            *((name, _setting(x)) for name, x in node.parameters.items()),
        )  # fmt: skip
    except TypeError:  # an array among the settings, whose numbers are in the text
        return None


def _form(x: Any) -> Any:
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biufc":
        return type(x), x.shape, x.dtype
    return _setting(x)


def _setting(x: Any) -> Any:
    if x is None or x is Ellipsis or isinstance(x, int | float | str | np.dtype | type):
        return type(x), repr(x)
    if type(x) is slice:
        return slice, _setting((x.start, x.stop, x.step))
    if type(x) is tuple:
        return tuple(map(_setting, x))
    raise TypeError
