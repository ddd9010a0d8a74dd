"""Expressions as a reader wants them: NumPy's short names, and none of the engine's own.

NumPy's `svd` is computed by a function of ours that always returns three factors, `conv2d` by one
that knows no bias: what stands in a picture is what the user calls. It is the syntax tree that is
rewritten; functions are told by identity, so that a user's function of the same name is left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_ce.checkpoint import gathered
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.programs.printing import dotted
from tinygrad_ce.rules.decompositions import qr_factors, svd_factors
from tinygrad_ce.rules.elementwise import signum
from tinygrad_ce.rules.indexing import assign, entries, scatter
from tinygrad_ce.rules.joining import cut
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.labels import ones_at, softmax_log_loss, y_minus_t
from tinygrad_ce.rules.norms import euclidean, power_norm
from tinygrad_ce.rules.representation import exponent
from tinygrad_ce.rules.softmax import xlog_softmax
from tinygrad_ce.rules.support import masked, ratio, weigh
from tinygrad_ce.rules.windows import correlate, correlate_transposed, window_max

__all__ = ["inlined", "word", "written"]

Written = Callable[..., ast.expr]

_LONG_ARRAY = 40  # characters of a constant array that are written out
_SHORT_TERM = 24  # characters of a step that is written twice sooner than named
_GREEK = "αβγδεζηθκλμνξρστφχψω"  # names of steps: no vertex is called so, unless the user does
_TWICE = re.compile(r"\(\((-[^()]*)\)\)")  # a negative number's brackets inside a call's
_NEGATIVE = re.compile(r"\(-[\d.e+-]+\)")


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name), list(args), [])


def _axes(name: str) -> Callable[[ast.expr, ast.expr], str]:
    """The name of a function of windows by how many axes they slide along."""
    return lambda x, along: name.format(len(along.elts) if isinstance(along, ast.Tuple) else "")


# What each is called, and how a call of it is written.
_OURS: dict[Function, tuple[str, Written]] = {
    svd_factors: ("svd", lambda a, *_: _call("svd", a)),
    qr_factors: ("qr", lambda a: _call("qr", a)),
    cut: ("split", lambda x, cuts, axis: _call("split", x, _inner(cuts), axis)),
    entries: ("getitem", lambda a, key: ast.Subscript(a, key)),
    assign: ("set_at", lambda x, value, key: _call("set_at", x, key, value)),
    euclidean: ("norm", lambda x, *rest: _call("norm", x, *rest)),
    power_norm: ("norm", lambda x, p, *rest: _call("norm", x, p, *rest)),
    signum: ("sign", lambda x: _call("sign", x)),
    exponent: ("frexp", lambda x: ast.Subscript(_call("frexp", x), ast.Constant(1))),
    xlog_softmax: (
        "log_softmax", lambda t, z, *axis: ast.BinOp(t, ast.Mult(), _call("log_softmax", z, *axis))
    ),
    softmax_log_loss: (
        "softmax_cross_entropy", lambda z, t, *axis: _call("softmax_cross_entropy", z, t, *axis)
    ),
    ones_at: ("one_hot", lambda t, n, *_: _call("one_hot", t, n)),
    y_minus_t: ("y_minus_t", lambda g, z, t, *axis: ast.BinOp(
        g, ast.Mult(), ast.BinOp(_call("softmax", z, *axis), ast.Sub(), _call("one_hot", t))
    )),
    correlate: (
        "conv", lambda x, w, stride, *_: _call(_axes("conv{}d")(x, stride), x, w)
    ),
    correlate_transposed: (
        "conv_transpose",
        lambda y, w, shape, *_: _call(_axes("conv_transpose{}d")(y, shape), y, w),
    ),
    window_max: ("max_pool", lambda x, kernel, *_: _call("max_pool", x, kernel)),
    gathered: ("gathered", lambda *values: ast.Tuple(list(values))),
    scatter: ("scatter", lambda x, key, shape: _call("scatter", x, _sliced(key), shape)),
    masked: ("where", lambda x, keep: _call("where", keep, x, ast.Constant(0))),
    ratio: ("divide", lambda a, b: ast.BinOp(a, ast.Div(), b)),  # 0 where that is the limit
    weigh: ("multiply", lambda a, b: ast.BinOp(a, ast.Mult(), b)),
    np.absolute: ("abs", lambda x: _call("abs", x)),
    np.square: ("square", lambda x: ast.BinOp(x, ast.Pow(), ast.Constant(2))),
    np.positive: ("positive", lambda x: ast.UnaryOp(ast.UAdd(), x)),
}  # fmt: skip


def _inner(cuts: ast.expr) -> ast.expr:
    """Where `np.split` is told to cut: neither at the beginning nor at the end."""
    return ast.List(cuts.elts[1:-1]) if isinstance(cuts, ast.Tuple) else cuts


def _sliced(key: ast.expr) -> ast.expr:
    """An index with slices as NumPy has it outside of brackets: `s_[:, 1:]`."""
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    slices = [isinstance(x, ast.Call) and ast.unparse(x.func) == "slice" for x in parts]
    if not any(slices):
        return key
    found: list[ast.expr] = []
    for part, is_slice in zip(parts, slices):
        ends: list[ast.expr | None] = [
            None if isinstance(x, ast.Constant) and x.value is None else x
            for x in (part.args if is_slice and isinstance(part, ast.Call) else [])
        ]
        found.append(ast.Slice(*ends) if is_slice else part)
    return ast.Subscript(ast.Name("s_"), ast.Tuple(found) if len(found) > 1 else found[0])


@lru_cache(1)
def _by_name() -> dict[str, Written]:
    return {dotted(function): write for function, (_, write) in _OURS.items()}


def word(function: Any, name: str) -> str:
    """What the user calls a function that is named `name`."""
    return _OURS[function][0] if function in _OURS else name


class _Short(ast.NodeTransformer):
    """Names as a reader wants them: no `np.`, and whole numbers without a point."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        plain = isinstance(node.value, ast.Name) and node.value.id in ("np", "np.linalg", "linalg")
        return ast.Name(node.attr) if plain else ast.Attribute(_one(node.value), node.attr)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        key = node.slice
        if isinstance(key, ast.Tuple) and len(key.elts) == 1:
            key = key.elts[0]  # x[1:,] is x[1:]
        return ast.Subscript(_one(node.value), key)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _kept_apart(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(self.names.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = ast.unparse(node.func)
        if name == "complex":
            return _imaginary(*map(ast.literal_eval, node.args))
        if name == "np.array" and len(ast.unparse(node)) > _LONG_ARRAY:
            return ast.Name("[…]")
        self.generic_visit(node)
        write = _by_name().get(name)
        if write is None or (node.keywords and name not in ("euclidean", "power_norm")):
            return node
        try:
            made = write(*node.args)
        except TypeError:  # called in another way than the table knows
            return node
        if isinstance(made, ast.Call):
            made.keywords = node.keywords
        return _kept_apart(made) if isinstance(made, ast.BinOp) else made

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        x = node.value
        if type(x) is float and np.isfinite(x):
            return ast.Constant(int(x)) if x == int(x) and abs(x) < 1e6 else ast.Name(number(x))
        return node


def _imaginary(real: float, imaginary: float) -> ast.expr:
    """A complex constant: 1j, and (2-1j)."""
    if not real:
        return ast.Name(f"{number(imaginary)}j")
    return ast.Name(f"({number(complex(real, imaginary))[:-1]}j)")


def _one(x: ast.expr) -> ast.expr:
    """A name such as dL/dy in brackets, where what stands beside would tear it apart."""
    torn = isinstance(x, ast.Name) and "/" in x.id and not x.id.startswith("(")
    return ast.Name(f"({x.id})") if torn and isinstance(x, ast.Name) else x


def _kept_apart(node: ast.BinOp) -> ast.expr:
    tight = isinstance(node.op, ast.Pow)
    left = _one(node.left) if tight else node.left
    tight = tight or isinstance(node.op, ast.Div | ast.MatMult)
    return ast.BinOp(left, node.op, _one(node.right) if tight else node.right)


def written(tree: ast.AST, names: dict[str, str] | None = None) -> str:
    """The text of an expression, with other names for some.

    >>> written(ast.parse("np.square(a) / g", mode="eval").body, {"g": "dL/dy"})
    'a ** 2 / (dL/dy)'
    """
    text = _TWICE.sub(r"(\1)", ast.unparse(_Short(names or {}).visit(tree)))
    return text[1:-1] if _NEGATIVE.fullmatch(text) else text


def inlined(function: ast.FunctionDef, names: dict[str, str]) -> str | None:
    """A function of assignments and a `return` as one expression.

    A step that is used once, or is short, is written where it is used; others follow after
    `where`, named by letters that are not those of vertices.

    >>> source = "def f(a):\\n    v1 = np.exp(a)\\n    return v1 + a"
    >>> inlined(ast.parse(source).body[0], {"a": "x"})
    'exp(x) + x'
    """
    steps: dict[str, ast.expr] = {}
    for statement in function.body:
        if isinstance(statement, ast.Return) and statement.value is not None:
            return _joined(statement.value, steps, names)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            steps[statement.targets[0].id] = statement.value
    return None


def _joined(result: ast.expr, steps: dict[str, ast.expr], names: dict[str, str]) -> str:
    every = [*steps.values(), result]
    uses = [x.id for tree in every for x in ast.walk(tree) if isinstance(x, ast.Name)]
    taken = set("".join(names.values()))
    letters = (letter for letter in _GREEK if letter not in taken)
    kept: dict[str, ast.expr] = {}
    for name, tree in steps.items():
        steps[name] = tree = _Put(steps).visit(tree)
        if uses.count(name) > 1 and len(ast.unparse(tree)) > _SHORT_TERM:
            letter = next(letters, name)
            kept[letter], steps[name] = tree, ast.Name(letter)
    text = written(_Put(steps).visit(result), names)
    rows = [f"{letter} = {written(tree, names)}" for letter, tree in kept.items()]
    return f"{text} where {', '.join(rows)}" if rows else text


class _Put(ast.NodeTransformer):
    """Expressions in the place of names."""

    def __init__(self, steps: dict[str, ast.expr]) -> None:
        self.steps = steps

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self.steps.get(node.id)
        return node if found is None else ast.parse(ast.unparse(found), mode="eval").body
