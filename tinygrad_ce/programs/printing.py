"""Lines of a program as Python expressions: infix operators, NumPy's names, constants.

Expressions are Python's own syntax trees, so brackets are set by `ast.unparse` and nowhere else.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import keyword
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from tinygrad_ce.debugging import show
from tinygrad_ce.programs.effects import draw
from tinygrad_ce.programs.program import Line, Value
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.support import astype

__all__ = ["Names", "constant", "dotted", "expression"]

Names = Callable[[Value], ast.expr]  # how a Value is written

_BINARY: dict[Function, ast.operator] = {
    np.add: ast.Add(), np.subtract: ast.Sub(), np.multiply: ast.Mult(), np.divide: ast.Div(),
    np.power: ast.Pow(), np.remainder: ast.Mod(), np.floor_divide: ast.FloorDiv(),
    np.matmul: ast.MatMult(), np.bitwise_and: ast.BitAnd(), np.bitwise_or: ast.BitOr(),
    np.bitwise_xor: ast.BitXor(), operator.add: ast.Add(), operator.sub: ast.Sub(),
    operator.mul: ast.Mult(), operator.truediv: ast.Div(), operator.pow: ast.Pow(),
    operator.mod: ast.Mod(), operator.floordiv: ast.FloorDiv(),
}  # fmt: skip
_UNARY: dict[Function, ast.unaryop] = {
    np.negative: ast.USub(), np.invert: ast.Invert(), operator.neg: ast.USub(),
    operator.pos: ast.UAdd(),
}  # fmt: skip
_COMPARED: dict[Function, ast.cmpop] = {
    np.less: ast.Lt(), np.less_equal: ast.LtE(), np.greater: ast.Gt(), np.greater_equal: ast.GtE(),
    np.equal: ast.Eq(), np.not_equal: ast.NotEq(), operator.lt: ast.Lt(), operator.le: ast.LtE(),
    operator.gt: ast.Gt(), operator.ge: ast.GtE(), operator.eq: ast.Eq(), operator.ne: ast.NotEq(),
}  # fmt: skip
_PYTHONS = frozenset(f for f in (*_BINARY, *_UNARY, *_COMPARED) if not isinstance(f, np.ufunc))
_PYTHON = (float, int, complex)


def expression(line: Line, names: Names) -> ast.expr:
    """The line's call as an expression."""
    function, args, kwargs = line.function, line.args, _without_defaults(line)
    written = [_argument(x, names) for x in args]
    if not kwargs:
        if function in _BINARY and len(args) == 2 and _is_infix(line):
            return _binary(_BINARY[function], *written)
        if function in _UNARY and _is_infix(line):
            return _negated(written[0]) if function in (np.negative, operator.neg) else ast.UnaryOp(
                _UNARY[function], written[0]
            )  # fmt: skip
        if function in _COMPARED and _is_infix(line):
            return ast.Compare(written[0], [_COMPARED[function]], [written[1]])
        if function is operator.getitem:
            return ast.Subscript(written[0], _key(args[1], names))
        if function is np.transpose and len(args) == 1 and args[0].ndim == 2:
            return ast.Attribute(written[0], "T")
        if function is astype:
            return _call(ast.Attribute(written[0], "astype"), written[1:], {})
    if function is draw:
        method = ast.Attribute(written[0], args[1])
        return _call(method, written[2:], {k: _argument(v, names) for k, v in kwargs.items()})
    if function is show:
        text = _call(ast.Attribute(written[0], "format"), written[1:], {})
        return _call(ast.Name("print"), [text], {})
    named = {key: _argument(x, names) for key, x in kwargs.items()}
    return _call(ast.parse(dotted(function), mode="eval").body, written, named)


def _is_infix(line: Line) -> bool:
    """Whether an operator finds this function's arithmetic, and not that of lists, or of Python's
    numbers in the place of NumPy's."""
    values = [x for x in line.args if isinstance(x, Value)]
    if line.function in _PYTHONS:
        return bool(values)
    return any(x.weak is None for x in values) or any(
        isinstance(x, np.ndarray | np.generic) for x in line.args
    )


def _call(function: ast.expr, args: list[ast.expr], kwargs: dict[str, ast.expr]) -> ast.expr:
    return ast.Call(function, args, [ast.keyword(key, x) for key, x in kwargs.items()])


def _binary(sign: ast.operator, a: ast.expr, b: ast.expr) -> ast.expr:
    return ast.BinOp(a, sign, b)


def _negated(x: ast.expr) -> ast.expr:
    """-x, with the sign at the first factor: -(t / y) is -t / y to the last bit."""
    if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mult | ast.Div):
        return ast.BinOp(_negated(x.left), x.op, x.right)
    return ast.UnaryOp(ast.USub(), x)


def _argument(x: Any, names: Names) -> ast.expr:
    if isinstance(x, Value):
        return names(x)
    if isinstance(x, tuple | list):
        items = [_argument(item, names) for item in x]
        return ast.Tuple(items) if isinstance(x, tuple) else ast.List(items)
    if type(x) is dict:
        keys = [_argument(key, names) for key in x]
        return ast.Dict([*keys], [_argument(item, names) for item in x.values()])
    if type(x) is slice:
        return _call(
            ast.Name("slice"), [_argument(p, names) for p in (x.start, x.stop, x.step)], {}
        )
    return constant(x)


def _key(key: Any, names: Names) -> ast.expr:
    """An index, in which slices are written with colons."""
    if isinstance(key, tuple) and key:
        return ast.Tuple([_key(part, names) for part in key])
    if type(key) is slice:
        parts = [
            None if p is None else _argument(p, names) for p in (key.start, key.stop, key.step)
        ]
        return ast.Slice(*parts)
    return _argument(key, names)


def constant(x: Any) -> ast.expr:
    """A constant as an expression that makes it again, dtype and last bit included.

    >>> ast.unparse(constant(np.float32(0.1)))
    'np.float32(0.1)'
    """
    if isinstance(x, np.ndarray):
        data = _numbers(_shortest(x).tolist())
        if x.size == 0:
            shape = ast.Tuple([ast.Constant(n) for n in x.shape])
            return _call(_name("np.empty"), [shape, constant(x.dtype)], {})
        return _call(_name("np.array"), [data], {} if x.dtype in (float, int, bool) and x.size
                     else {"dtype": constant(x.dtype)})  # fmt: skip
    if isinstance(x, np.generic):
        return _call(_name(f"np.{type(x).__name__}"), [_numbers(_shortest(x).item())], {})
    if isinstance(x, np.dtype):
        known = getattr(np, x.name, None)
        return _name(f"np.{x.name}") if known is x.type else _call(
            _name("np.dtype"), [ast.Constant(x.str)], {}
        )  # fmt: skip
    if isinstance(x, type) and issubclass(x, np.generic):
        return _name(f"np.{x.__name__}")
    if x in (type(None), type(...)):  # types that have no name of their own
        return _call(_name("type"), [ast.Constant(x())], {})
    if isinstance(x, type):
        return _name(x.__name__)
    if x is np.newaxis or isinstance(x, bool | str | bytes) or x is Ellipsis:
        return ast.Constant(x)
    if isinstance(x, int | float | complex):
        return _numbers(x)
    if isinstance(x, tuple | list):
        items = [constant(item) for item in x]
        return ast.Tuple(items) if isinstance(x, tuple) else ast.List(items)
    if isinstance(x, range):
        return _call(_name("range"), [ast.Constant(n) for n in (x.start, x.stop, x.step)], {})
    if callable(x):
        return _name(dotted(x))
    raise TypeError(f"a constant of type {type(x).__name__} cannot be written down: {x!r:.80}")


def _shortest(x: Any) -> Any:
    """Numbers of few digits that are x in its dtype: 0.1 for float32(0.1)."""
    if x.dtype.kind != "f" or x.dtype.itemsize > 4:
        return x
    return np.array([float(str(n)) for n in x.ravel()]).reshape(x.shape)


def _numbers(x: Any) -> ast.expr:
    if isinstance(x, list):
        return ast.List([_numbers(item) for item in x])
    if isinstance(x, complex):
        return _call(_name("complex"), [_numbers(x.real), _numbers(x.imag)], {})
    if isinstance(x, float) and x != x:
        return _name("np.nan")
    if isinstance(x, float) and abs(x) == float("inf"):
        return _name("np.inf") if x > 0 else ast.UnaryOp(ast.USub(), _name("np.inf"))
    if isinstance(x, int | float) and not isinstance(x, bool) and (x < 0 or str(x) == "-0.0"):
        return ast.UnaryOp(ast.USub(), ast.Constant(-x))
    return ast.Constant(x)


def _name(dotted_name: str) -> ast.expr:
    return ast.parse(dotted_name, mode="eval").body


@lru_cache(maxsize=1)
def _public() -> dict[Any, str]:
    """What NumPy's functions are called."""
    found: dict[Any, str] = {}
    for prefix, module in (("np.linalg.", np.linalg), ("np.fft.", np.fft), ("np.", np)):
        for name, x in vars(module).items():
            if not name.startswith("_") and callable(x):
                own = getattr(x, "__name__", "")  # transpose, whose other name is permute_dims
                best = own if getattr(module, own, None) is x else name
                found.setdefault(_key_of(x), prefix + best)
    return found


def _key_of(function: Any) -> Any:
    return function if function.__hash__ else id(function)


def dotted(function: Function) -> str:
    """What a function is called in a program; NumPy's with its module, ours by its own name.

    >>> dotted(np.linalg.inv), dotted(np.add.reduce)
    ('np.linalg.inv', 'np.add.reduce')
    """
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{dotted(owner)}.{function.__name__}"
    if function is np.lib.stride_tricks.sliding_window_view:
        return "np.lib.stride_tricks.sliding_window_view"
    if getattr(builtins, getattr(function, "__name__", ""), None) is function:
        return str(function.__name__)
    return _public().get(_key_of(function)) or _own_name(function)


_OWN: WeakValueDictionary[str, Any] = WeakValueDictionary()
_UFUNCS: dict[str, Any] = {}  # to which there are no weak references
_SHORT = re.compile(r"[a-zA-Z]\d*")  # as variables are called


def _own_name(function: Any) -> str:
    """An identifier for a function that is not NumPy's, which no other function has meanwhile."""
    stem = re.sub(r"\W", "_", str(getattr(function, "__name__", "function"))[:40], flags=re.ASCII)
    if not stem.isidentifier() or _SHORT.fullmatch(stem) or stem in _SPOKEN_FOR:
        stem = f"call_{stem.strip('_')}"
    name, n = stem, 1
    held: Any = _UFUNCS if isinstance(function, np.ufunc) else _OWN
    while held.setdefault(name, function) is not function:
        n += 1
        name = f"{stem}_{n}"
    return name


_SPOKEN_FOR = {*keyword.kwlist, *dir(builtins), "np", "run", "empty", "dot", "vdot", "has_nan",
               "LookAgain", "copyto", "base64", "n"}  # fmt: skip


def _without_defaults(line: Line) -> dict[str, Any]:
    """The line's keyword arguments that say something."""
    if not line.kwargs:
        return {}
    try:
        known = inspect.signature(line.function).parameters
    except (TypeError, ValueError):
        return dict(line.kwargs)
    return {
        key: x
        for key, x in line.kwargs.items()
        if key not in known or isinstance(x, Value) or known[key].default is not x
    }
