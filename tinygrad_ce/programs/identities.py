"""What is always true of numbers in a machine, as rules.

Every rule keeps the result to the last bit, infinities and nan included, but for two things: a
zero may change its sign, and what is written as a rearrangement rounds once more or less. That a
distribution sums to 1 is true up to what its check lets pass; `guards.py` sees to the rest.
"""

from __future__ import annotations

import inspect
import math
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_ce.programs.patterns import Makers, Rewriting, Rule, number, parsed
from tinygrad_ce.programs.program import Line, Value, call
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax
from tinygrad_ce.rules.special import sigmoid
from tinygrad_ce.rules.support import astype, masked, ratio, spread, sum_to, weigh
from tinygrad_ce.targets import check_distribution

__all__ = ["RULES", "SUM_IS_ONE"]

SUM_IS_ONE = "sum of a distribution = 1"  # up to what the check lets pass

_OWN = {"ratio": ratio, "weigh": weigh, "masked": masked, "astype": astype}

_PATTERNS = """
+x -> x
x * 1 -> x
x / 1 -> x
x + 0 -> x
x - 0 -> x
x ** 1 -> x
-(-x) -> x
x * -1 -> -x
x / -1 -> -x
x - (-y) -> x + y
x + (-y) -> x - y
-x - y -> -(x + y)
-(x - y) -> y - x
(-x) * y -> -(x * y)
(-x) / y -> -(x / y)
x / (-y) -> -(x / y)
(-x) == 0 -> x == 0
np.sum(-x, ...) -> -np.sum(x, ...)
np.where(x, y, y) -> y
-ratio(x, y) -> ratio(-x, y)
ratio(x, c) -> x / c
weigh(x, c) -> x * c
masked(-x, y) -> -masked(x, y)
masked(masked(x, y), y) -> masked(x, y)
"""


def _folded(line: Line, makers: Makers) -> Rewriting | None:
    """A call of constants is a constant."""
    if line.effect or line.several or line.operands():
        return None
    with np.errstate(all="ignore"):
        return [], line.function(*line.args, **line.kwargs)


def _scalar_constants(line: Line, makers: Makers) -> Rewriting | None:
    """An array of one number everywhere is that number, and NumPy's is Python's, where no shape
    and no dtype depends on it."""
    if not _is_elementwise(line) or not isinstance(line.result, Value):
        return None
    args = list(line.args)
    for i, x in enumerate(args):
        if not isinstance(x, np.ndarray | np.generic) or x.dtype.kind != "f" or not x.size:
            continue
        first = x.flat[0] if isinstance(x, np.ndarray) else x
        if isinstance(x, np.ndarray) and not _is_one_number(x, first):
            continue
        for simpler in (float(first), first):
            if simpler is x or simpler != first:  # nan, or more digits than Python's have
                continue
            other = call(line.function, *args[:i], simpler, *args[i + 1 :], part=line.part)
            if _alike(other.result, line.result):
                args[i] = simpler
                break
    if all(a is b for a, b in zip(args, line.args)):
        return None
    return _replaced(line, line.function, *args)


def _is_one_number(x: Any, first: Any) -> bool:
    """Whether all entries are the same, zeros with their signs."""
    return bool((x == first).all() and (np.signbit(x) == np.signbit(first)).all())


_ELEMENTWISE = (ratio, weigh, masked, np.where)


def _is_elementwise(line: Line) -> bool:
    if line.several or line.effect or line.kwargs:
        return False
    f = line.function
    return (isinstance(f, np.ufunc) and f.signature is None) or f in (
        ratio,
        weigh,
        masked,
        np.where,
    )


def _negative_factor(line: Line, makers: Makers) -> Rewriting | None:
    """x * -2 -> -(x * 2)"""
    x, c = line.args
    n = number(c)
    if n is None or not n < 0 or isinstance(x, int | float):
        x, c = c, x
        n = number(c)
        if n is None or not n < 0:
            return None
    if not isinstance(x, Value) or line.result.dtype.kind != "f":
        return None
    scaled = call(line.function, x, -c, part=line.part)
    line = call(np.negative, scaled.result, part=line.part)
    return [scaled, line], line.result


def _two_factors(line: Line, makers: Makers) -> Rewriting | None:
    """x * c * d -> x * (c * d)"""
    outer = _scaled(line.result, Makers({line.result: line}))
    inner = _scaled(outer[0], makers) if outer else None
    if outer is None or inner is None or line.result.dtype.kind != "f":
        return None
    c = outer[1] * inner[1]
    if not 1e-9 < abs(c) < 1e9 or not 1e-9 < abs(inner[1]) < 1e9:
        return None
    return _replaced(line, np.multiply, inner[0], c)


def _needless_arguments(line: Line, makers: Makers) -> Rewriting | None:
    """softmax(z, -1) -> softmax(z)"""
    known = _parameters(line.function)
    names, args = list(known), list(line.args)
    while args and len(args) <= len(names) and _is_default(args[-1], known[names[len(args) - 1]]):
        args.pop()
    kwargs = {k: x for k, x in line.kwargs.items() if not _is_default(x, known[k])}
    if len(args) == len(line.args) and len(kwargs) == len(line.kwargs):
        return None
    return _replaced(line, line.function, *args, **kwargs)


@lru_cache(maxsize=1024)
def _parameters(function: Any) -> Any:
    return inspect.signature(function).parameters


def _is_default(x: Any, parameter: inspect.Parameter) -> bool:
    default = parameter.default
    return x is default or (type(x) is type(default) and type(x) in (int, bool) and x == default)


def _common_factor(line: Line, makers: Makers) -> Rewriting | None:
    """x * c - y * c -> (x - y) * c, where x and y are at most 1, so that nothing overflows"""
    factors = [_scaled(x, makers) for x in line.args]
    if None in factors:
        return None
    (x, c), (y, d) = factors  # type: ignore[misc]
    if c != d or not math.isfinite(c) or not (_is_bounded(x, makers) and _is_bounded(y, makers)):
        return None
    inner = call(line.function, x, y, part=line.part)
    return _replaced(line, np.multiply, inner.result, c, before=[inner])


def _scaled(x: Any, makers: Makers) -> tuple[Value, float] | None:
    """(y, c), where x is y * c."""
    line = makers.get(x) if isinstance(x, Value) else None
    if line is None or line.function is not np.multiply:
        return None
    for a, b in (line.args, line.args[::-1]):
        n = number(b)
        if n is not None and isinstance(a, Value):
            return a, n
    return None


_BOUNDED = (softmax, sigmoid, ones_at, np.tanh, np.sin, np.cos)


def _is_bounded(x: Value, makers: Makers) -> bool:
    """Whether no entry is larger than 1."""
    line = makers.get(x)
    return (line is not None and line.function in _BOUNDED) or any(
        fact[0] is check_distribution and fact[1] is x for fact in makers.facts
    )


def _sum_of_one_hot(line: Line, makers: Makers) -> Rewriting | None:
    """sum of one-hot = 1"""
    x, axis = _summed(line)
    if not isinstance(x, Value) or axis is None or not x.ndim:
        return None
    made, c = makers.get(x), 1.0
    if made is not None and made.function is np.multiply:  # c * 1 + 0 + 0 is c
        x, c = _scaled(x, makers) or (x, c)
        made = makers.get(x)
    if made is None or made.function is not ones_at or axis % x.ndim != x.ndim - 1:
        return None
    if not math.isfinite(c):
        return None
    return [], np.full(line.result.shape, c, line.result.dtype)[()]


def _sum_of_distribution(line: Line, makers: Makers) -> Rewriting | None:
    """sum of a distribution = 1"""
    x, axis = _summed(line)
    if not isinstance(x, Value) or axis is None or not x.ndim or x.dtype.kind != "f":
        return None
    if (check_distribution, x, axis % x.ndim) not in makers.facts:
        return None
    return [], np.ones(line.result.shape, line.result.dtype)[()]


def _summed(line: Line) -> tuple[Any, int | None]:
    """What a sum along one axis sums, and the axis."""
    rest = dict(line.kwargs)
    axis = line.args[1] if len(line.args) > 1 else rest.pop("axis", None)
    rest.pop("axis", None)
    rest.pop("keepdims", None)
    x = line.args[0]
    if axis is None and isinstance(x, Value) and x.ndim == 1:
        axis = 0
    if rest or len(line.args) > 2 or not isinstance(axis, int):
        return x, None
    return x, axis


def _same_view(line: Line, makers: Makers) -> Rewriting | None:
    """A view of the same shape, or a cast to the same dtype -> x"""
    x = line.args[0]
    return ([], x) if isinstance(x, Value) and _alike(x, line.result) else None


def _reshape_twice(line: Line, makers: Makers) -> Rewriting | None:
    """reshape(reshape(x)) -> reshape(x)"""
    inner = makers.get(line.args[0])
    if inner is None or inner.function not in _RESHAPES or not _is_c_order(inner):
        return None
    if not _is_c_order(line):
        return None
    return _replaced(line, np.reshape, inner.args[0], line.result.shape)


_RESHAPES = (np.reshape, np.expand_dims, np.squeeze, np.ravel)


def _is_c_order(line: Line) -> bool:
    """Whether neither order= nor copy= was given, by name or by position."""
    positional = 1 if line.function is np.ravel else 2
    return not {"order", "copy"} & line.kwargs.keys() and len(line.args) <= positional


def _transpose_twice(line: Line, makers: Makers) -> Rewriting | None:
    """x.T.T -> x"""
    inner = makers.get(line.args[0])
    plain = len(line.args) == 1 and not line.kwargs
    if inner is None or inner.function is not np.transpose or not plain:
        return None
    return ([], inner.args[0]) if len(inner.args) == 1 and not inner.kwargs else None


def _copied(line: Line, makers: Makers) -> Rewriting | None:
    """spread(x) -> np.broadcast_to(x)"""
    x, shape, *rest = line.args
    options = dict(zip(("axis", "keepdims"), rest)) | dict(line.kwargs)
    axis, keepdims = options.get("axis"), options.get("keepdims", False)
    lines: list[Line] = []
    if axis is not None and not keepdims and shape:
        one = tuple(a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,)))
        wanted = tuple(1 if i in one else n for i, n in enumerate(shape))
        lines.append(call(np.reshape, x, wanted, part=line.part))
        x = lines[0].result
    return _replaced(line, np.broadcast_to, x, shape, before=lines)


def _needless_broadcast(line: Line, makers: Makers) -> Rewriting | None:
    """broadcast, then multiply -> multiply"""
    if not _is_elementwise(line):
        return None
    args = list(line.args)
    for i, x in enumerate(args):
        made = makers.get(x) if isinstance(x, Value) else None
        if made is not None and made.function is np.broadcast_to:
            shapes = [np.shape(a) if not isinstance(a, Value) else a.shape
                      for a in [*args[:i], made.args[0], *args[i + 1 :]]]  # fmt: skip
            if np.broadcast_shapes(*shapes) == line.result.shape:
                args[i] = made.args[0]
    if all(a is b for a, b in zip(args, line.args)):
        return None
    return _replaced(line, line.function, *args)


def _summed_to(line: Line, makers: Makers) -> Rewriting | None:
    """sum_to(x, shape) -> np.sum(x, axis)"""
    x, shape = line.args
    if not isinstance(x, Value):
        return None
    lead = x.ndim - len(shape)
    inner = tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    axes: Any = tuple(range(lead)) + inner
    if not axes:
        return [], x
    if not inner or not lead:
        options: dict[str, Any] = {"keepdims": True} if inner else {}
        if inner or len(axes) < x.ndim:
            options["axis"] = axes[0] if len(axes) == 1 else axes
        return _replaced(line, np.sum, x, **options)
    total = call(np.sum, x, axis=axes, keepdims=True, part=line.part)
    return _replaced(line, np.reshape, total.result, shape, before=[total])


def _alike(a: Value, b: Value) -> bool:
    return (a.shape, a.dtype, a.weak) == (b.shape, b.dtype, b.weak)


def _replaced(
    line: Line, function: Any, *args: Any, before: Any = (), **kwargs: Any
) -> Rewriting | None:
    """Another call in a line's place, after the lines that it needs."""
    other = call(function, *args, part=line.part, **kwargs)
    return ([*before, other], other.result) if _alike(other.result, line.result) else None


_ANY = ()  # a rule that looks at every line

RULES: tuple[Rule, ...] = (
    Rule("constants are computed at once", _ANY, _folded),
    Rule("one number everywhere is a number", _ANY, _scalar_constants),
    *parsed(_PATTERNS, _OWN),
    Rule("x * c * d -> x * (c * d)", (np.multiply,), _two_factors),
    Rule("arguments at their default", (softmax, log_softmax, logsumexp, np.transpose),
         _needless_arguments),
    Rule("x * -c -> -(x * c)", (np.multiply,), _negative_factor),
    Rule("x * c - y * c -> (x - y) * c", (np.subtract, np.add), _common_factor),
    Rule("sum of one-hot = 1", (np.sum,), _sum_of_one_hot),
    Rule(SUM_IS_ONE, (np.sum,), _sum_of_distribution),
    Rule("a view of the same shape is x", (
        np.reshape, np.broadcast_to, np.expand_dims, np.squeeze, np.ravel, astype, spread, sum_to,
    ), _same_view),
    Rule("reshape(reshape(x)) -> reshape(x)", _RESHAPES, _reshape_twice),
    Rule("x.T.T -> x", (np.transpose,), _transpose_twice),
    Rule("a copy along axes is a broadcast", (spread,), _copied),
    Rule("broadcast, then multiply -> multiply", _ANY, _needless_broadcast),
    Rule("sum_to(x) -> np.sum(x)", (sum_to,), _summed_to),
)  # fmt: skip
