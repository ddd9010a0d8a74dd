"""Why a value turned nan or inf, and a gradient nan, inf or 0: a sentence, and what to do instead.

Each reason looks at the numbers that the step saw; what no reason fits is told by its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.scene import Edge, Vertex
from tinygrad_ce.rules.kinds import Several

__all__ = ["first_index", "is_odd", "odd_in", "saturates", "why_cancelled", "why_leaf",
           "why_odd_gradient", "why_odd_value", "why_zero"]  # fmt: skip

Reason: TypeAlias = tuple[str, str]  # what happened, and the remedy

_EXPONENTIALS = {"exp", "exp2", "expm1", "sinh", "cosh"}
_LOGARITHMS = {"log", "log2", "log10", "log1p", "xlogy", "xlog1py"}
_POWERS = {"power", "float_power", "pow"}
_PRODUCTS = {"multiply", "matmul", "dot", "einsum", "tensordot", "inner", "vecdot", "outer"}
_SATURATING = {"sigmoid", "tanh", "softmax", "log_softmax", "erf", "erfc", "arctan"}
_CHOOSING = {"maximum", "minimum", "fmax", "fmin", "where", "clip"}
_NEAR = 4  # steps away that still belong to one formula


def is_odd(x: Any) -> bool:
    """Whether nan or inf is in it."""
    return any(odd_in(part).any() for part in _parts(x))


def odd_in(x: Any) -> Any:
    """Where it is nan or inf."""
    x = np.asarray(x)
    return ~np.isfinite(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)


def _parts(x: Any) -> list[Any]:
    """Arrays of NumPy's own: what is computed elsewhere is not fetched to be looked at."""
    return [part for part in (x if type(x) is Several else (x,)) if is_plain(part)]


def first_index(where: Any) -> tuple[int, ...] | None:
    """The first place in a mask, None where there is none."""
    where = np.asarray(where)
    if not where.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(where)), where.shape))


def _entry(source: Vertex, target: Vertex, index: tuple[int, ...] | None) -> str:
    """`x[0, 2] = -1`: the operand's entry that belongs to an entry of an elementwise result."""
    x = source.value
    try:
        places = np.arange(np.size(x)).reshape(np.shape(x))
        flat = int(np.broadcast_to(places, np.shape(target.value))[index or ()])
        at = np.unravel_index(flat, np.shape(x))
    except (ValueError, IndexError, TypeError):
        return source.label
    return f"{source.label}{_brackets(at)} = {number(np.asarray(x)[at])}"


def _brackets(at: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in at)}]" if len(at) else ""


def _arg(vertex: Vertex, place: int) -> Any:
    """An operand's numbers, an array or a number of Python's."""
    assert vertex.node is not None
    args = vertex.node.args
    return np.asarray(args[place]) if place < len(args) and type(args[place]) is not list else None


def _nearby(vertex: Vertex, onward: bool) -> Iterator[Vertex]:
    """What was made of a value, or what it was made of, within a few steps."""
    level, seen = [vertex], {vertex}
    for _ in range(_NEAR):
        below = []
        for v in level:
            for edge in v.uses if onward else v.operands:
                other = edge.target if onward else edge.source
                if other not in seen:
                    seen.add(other)
                    below.append(other)
                    yield other
        level = below


def _functions(vertex: Vertex, onward: bool) -> set[str]:
    return {v.function for v in _nearby(vertex, onward)}


def _source(vertex: Vertex) -> str:
    """The label of what it was made of first."""
    edges = [edge for edge in vertex.operands if not edge.aside]
    return edges[0].source.label if edges else "its operand"


# --- forward -------------------------------------------------------------------------------------


def why_leaf(vertex: Vertex) -> Reason:
    """Of a value that was given, and is not finite."""
    if vertex.kind == "parameter":
        return (
            "it is so from the start: nothing here computed it",
            "if an update wrote it, the learning rate is too large or an earlier gradient was not "
            "finite: ask trouble(loss) at every step; otherwise look at the data it was made of",
        )
    return (
        "it is a constant and was given so",
        "look at the data: np.isfinite finds the entries, np.where or np.nan_to_num replaces them",
    )


def why_odd_value(vertex: Vertex) -> Reason:
    """Of a computed value that is not finite."""
    index = first_index(odd_in(vertex.value)) if is_plain(vertex.value) else None
    name = vertex.function
    for names, reason in _VALUES:
        if name in names and (found := reason(vertex, index)):
            return found
    return _any_value(vertex, index)


def _exponential(v: Vertex, index: Any) -> Reason | None:
    x, y = _arg(v, 0), v.value
    if x is None or not np.isfinite(x[index]) or not np.isinf(y[index]):
        return None
    limit = np.log(np.finfo(y.dtype).max)
    edge = f"{y.dtype} ends at {number(np.finfo(y.dtype).max)}"
    if v.function == "exp":
        edge += f", so exp overflows beyond {number(limit)}"
    near, source = _functions(v, onward=True), _source(v)
    if "sum" in near and "log" in near:
        remedy = f"use logsumexp({source}), or softmax_cross_entropy({source}, t) for the loss: " \
                 "they subtract the maximum first"  # fmt: skip
    elif "sum" in near and "divide" in near:
        remedy = f"use softmax({source}), which subtracts the maximum first, and for the loss " \
                 f"softmax_cross_entropy({source}, t)"  # fmt: skip
    elif "log" in near or "log1p" in near:
        remedy = "use softplus(x) for log(1 + exp(x)), logsumexp for sums"
    elif "divide" in near or "reciprocal" in near:
        remedy = "use sigmoid(x) for 1 / (1 + exp(-x))"
    else:
        remedy = "use softmax, sigmoid, logsumexp or softplus, which are exact without overflow, " \
                 "or work with the logarithm"  # fmt: skip
    scale = _ill_scaled(v)
    if scale:
        remedy += f"; {scale}"
    return f"overflow: {_entry_of(v, 0, index)}, and {edge}", remedy


def _logarithm(v: Vertex, index: Any) -> Reason | None:
    place = 1 if v.function in ("xlogy", "xlog1py") else 0
    x = _arg(v, place)
    if x is None:
        return None
    x = np.broadcast_to(x, v.value.shape)[index] + (1 if "1p" in v.function else 0)
    if x != 0:
        return (
            f"the logarithm of a negative number: {_entry_of(v, place, index)}",
            "keep it positive: softplus or np.exp of a free parameter; work with log_softmax or "
            "logsumexp rather than logarithms of differences",
        )
    before, after = _functions(v, onward=False), _functions(v, onward=True)
    text = f"log 0 is -inf: {_entry_of(v, place, index)}"
    if place:
        text += ", although its factor is not 0"
    if "softmax" in before or {"exp", "sum", "divide"} <= before:
        remedy = "use softmax_cross_entropy(z, t) or log_softmax(z) of the logits z: the small " \
                 "probability is never rounded to 0"  # fmt: skip
    elif "sigmoid" in before:
        remedy = "use sigmoid_cross_entropy(z, t) or log_sigmoid(z) of the logits z"
    elif "multiply" in after and not place:
        remedy = "use xlogy(t, y) for t * log(y), or cross_entropy(y, t): 0 log 0 is 0 there"
    else:
        remedy = "use cross_entropy or xlogy, where 0 log 0 is 0, log_softmax of logits, or " \
                 "np.log(np.where(x > 0, x, 1)) where the others do not count"  # fmt: skip
    return text, remedy


def _quotient(v: Vertex, index: Any) -> Reason | None:
    one = v.function == "reciprocal"
    b = _arg(v, 0 if one else 1)
    divisor = 1 if b is None else np.broadcast_to(b, v.value.shape)[index]
    if np.isinf(divisor) and np.isnan(v.value[index]):
        return (
            f"inf / inf is nan: {_entry_of(v, 0, index)}",
            "find what made both infinite; softmax and logsumexp subtract the maximum first",
        )
    if divisor != 0:
        return None
    a = 1 if one else np.broadcast_to(_arg(v, 0), v.value.shape)[index]
    is_nan = bool(np.isnan(v.value[index]))
    return (
        f"division by zero: {_entry_of(v, 0 if one else 1, index)}, and {number(a)} / 0 is "
        f"{'nan' if is_nan else 'inf'}",
        "make the divisor 1 where it is 0, and choose afterwards: np.where(b == 0, 0, a / "
        "np.where(b == 0, 1, b))",
    )


def _root(v: Vertex, index: Any) -> Reason | None:
    x = _arg(v, 0)
    if x is None or not x[index] < 0:
        return None
    return (
        f"the square root of a negative number: {_entry_of(v, 0, index)}",
        "a variance as mean(x**2) - mean(x)**2 rounds below 0: use np.var or np.std; else "
        "np.where(x > 0, x, 1) inside and np.where around",
    )


def _power(v: Vertex, index: Any) -> Reason | None:
    x, p = (np.broadcast_to(_arg(v, i), v.value.shape)[index] for i in (0, 1))
    if x == 0 and p < 0:
        return (f"division by zero: {_entry_of(v, 0, index)} to the power {number(p)}",
                "choose with np.where where the base is 0")  # fmt: skip
    if np.isrealobj(x) and x < 0 and p != np.floor(p):
        return (
            f"a negative number to a broken power: {_entry_of(v, 0, index)}, to the power "
            f"{number(p)}",
            "take np.abs or softplus of the base first",
        )
    return _overflow(v, index)


def _domain(v: Vertex, index: Any) -> Reason | None:
    return (
        f"{v.function} is defined between -1 and 1: {_entry_of(v, 0, index)}",
        "scale the operand, or np.clip it; for angles use np.arctan2, which is defined everywhere",
    )


def _difference(v: Vertex, index: Any) -> Reason | None:
    if not np.isnan(v.value[index]):
        return _overflow(v, index)
    return (
        f"inf - inf is nan: {_entry_of(v, 0, index)}, {_entry_of(v, 1, index)}",
        "find what made them infinite; logsumexp and log_softmax subtract before they exponentiate",
    )


def _product(v: Vertex, index: Any) -> Reason | None:
    if v.function == "multiply" and np.isnan(v.value[index]):
        a, b = (np.broadcast_to(_arg(v, i), v.value.shape)[index] for i in (0, 1))
        if a == 0 or b == 0:
            logs = [e.source for e in v.operands if e.source.function in _LOGARITHMS]
            what = "0 * log 0" if logs else "0 * inf"
            return (
                f"{what} is nan: {_entry_of(v, 0, index)}, {_entry_of(v, 1, index)}",
                "use xlogy(t, y) for t * log(y), or cross_entropy(y, t): 0 log 0 is 0 there"
                if logs
                else "choose with np.where rather than multiply by a mask",
            )
    return _overflow(v, index)


def _softmax(v: Vertex, index: Any) -> Reason | None:
    if not any(is_odd(e.source.value) for e in v.operands):
        return None
    return (
        f"{_source(v)} has a row with nothing finite to choose from",
        "leave at least one entry of each row finite: a mask that hides all of them has no softmax",
    )


def _reduction(v: Vertex, index: Any) -> Reason | None:
    sources = [e.source for e in v.operands]
    if sources and np.size(sources[0].value) == 0:
        return (f"the {v.function} of no numbers: {sources[0].label} is empty",
                "leave empty batches out")  # fmt: skip
    return _overflow(v, index)


def _overflow(v: Vertex, index: Any) -> Reason | None:
    sources = [e.source for e in v.operands if not e.aside]
    if not sources or any(is_odd(s.value) for s in sources):
        return None
    largest = max((float(np.max(np.abs(s.value), initial=0)), s.label) for s in sources
                  if is_plain(s.value))  # fmt: skip
    if largest[0] < 1e4:  # no product of such numbers leaves float32
        return None
    dtype = v.value.dtype
    remedy = _ill_scaled(v) or (
        "scale the inputs to about 1 and the weights to about 1 / sqrt(number of inputs), or take "
        "a smaller learning rate"
    )
    return (
        f"overflow: {largest[1]} has entries up to {number(np.float64(largest[0]))}, and {dtype} "
        f"ends at {number(np.finfo(dtype).max)}",
        remedy,
    )


def _any_value(v: Vertex, index: Any) -> Reason:
    odd = [e.source for e in v.operands if is_odd(e.source.value)]
    what = "nan" if is_plain(v.value) and np.isnan(v.value).any() else "inf"
    if odd:
        return (f"{v.function} makes {what} of {odd[0].label}, which is not finite",
                f"find what made {odd[0].label} so, or choose with np.where before")  # fmt: skip
    seen = ", ".join(_entry(e.source, v, index) for e in v.operands if not e.aside)
    return (f"{v.function} gives {what} at {seen}" if seen else f"{v.function} gives {what}",
            "keep its operand within its domain, with np.where before it")  # fmt: skip


def _entry_of(v: Vertex, place: int, index: Any) -> str:
    """The entry of an operand, by its place among the arguments; a plain number by itself."""
    assert v.node is not None
    operand = v.node.operands[place]
    for edge in v.operands:
        if edge.source.thing is operand:
            return _entry(edge.source, v, index)
    x = np.broadcast_to(_arg(v, place), np.shape(v.value))
    return f"operand {place} is {number(x[index or ()])}"


def _ill_scaled(v: Vertex) -> str:
    """Weights that blow up what they are multiplied with, among what a value was made of."""
    for near in (v, *_nearby(v, onward=False)):
        if near.function not in ("matmul", "dot"):
            continue
        for edge in near.operands:
            w = edge.source
            if w.kind != "parameter" or np.ndim(w.value) != 2:
                continue
            spread, n = float(np.std(w.value)), len(w.value)
            if spread * np.sqrt(n) > 4:
                return (
                    f"the weights {w.label} are ill-scaled: their standard deviation is "
                    f"{number(np.float64(spread))} with {n} inputs; begin with 1 / sqrt({n}) = "
                    f"{number(1 / np.sqrt(n))}"
                )
    return ""


_VALUES: tuple[tuple[set[str], Callable[[Vertex, Any], Reason | None]], ...] = (
    (_EXPONENTIALS, _exponential),
    (_LOGARITHMS, _logarithm),
    ({"divide", "reciprocal"}, _quotient),
    ({"sqrt"}, _root),
    (_POWERS, _power),
    ({"arcsin", "arccos", "arctanh"}, _domain),
    ({"add", "subtract"}, _difference),
    ({"softmax", "log_softmax", "xlog_softmax"}, _softmax),
    (_PRODUCTS | {"square"}, _product),
    ({"sum", "mean", "prod", "std", "var"}, _reduction),
)


# --- backward ------------------------------------------------------------------------------------


def why_odd_gradient(edge: Edge) -> Reason:
    """Of a gradient that was finite when it came to the target and is not at the source."""
    v, source = edge.target, edge.source
    mask = odd_in(edge.gradient) if is_plain(edge.gradient) else np.zeros(())
    index = first_index(mask)
    at = _brackets(index or ())
    value = number(np.asarray(source.value)[index]) if index is not None else "?"
    here = f"{source.label}{at} = {value}"
    name, x = v.function, source.value
    zero = index is not None and bool(np.asarray(x)[index] == 0)
    if name == "sqrt" and zero:
        return (
            f"the derivative of sqrt, 1 / (2 sqrt(x)), is infinite at 0: {here}",
            "use np.linalg.norm for lengths, whose gradient at 0 is 0; else "
            "np.sqrt(np.where(x > 0, x, 1)) and np.where around it",
        )
    if name in _POWERS and zero:
        return (f"a power below 1 has an infinite derivative at 0: {here}",
                "np.where(x > 0, x, 1) inside, np.where around it")  # fmt: skip
    if name in _LOGARITHMS:
        return (
            f"the derivative of the logarithm, 1 / x, is beyond {v.value.dtype} here: {here}",
            "use softmax_cross_entropy or sigmoid_cross_entropy of the logits, xlogy where "
            "t may be 0",
        )
    if name in ("divide", "reciprocal"):
        return (
            f"the derivative of a quotient, -a / b**2, is beyond {v.value.dtype} here: {here}",
            "np.where(b == 0, 1, b) in the divisor; log_softmax for quotients of exponentials",
        )
    if name in ("arcsin", "arccos", "arctanh"):
        return (f"the derivative of {name} is infinite at -1 and 1: {here}",
                "keep the operand inside, or use np.arctan2")  # fmt: skip
    largest = float(np.max(np.abs(v.gradient), initial=0)) if is_plain(v.gradient) else 0.0
    if largest > 1e4:
        scale = _ill_scaled(v) or "scale weights to 1 / sqrt(number of inputs), clip gradients"
        return f"overflow: gradients of up to {number(np.float64(largest))} arrive here", scale
    return (
        f"the derivative of {name} is not finite here: {here}",
        "keep the operand away from that point, with np.where before it",
    )


def why_cancelled(vertex: Vertex) -> Reason:
    """Of a gradient whose summands are not 0, but their sum is."""
    ways = " and ".join(dict.fromkeys(a.edge.target.label for a in vertex.arrivals))
    if vertex.node is not None and vertex.node.extras and vertex.node.extras.hooks:
        return "a hook put it there", "look at the function given to register_hook"
    return (
        f"what comes back through {ways} cancels to the last bit",
        f"the result does not depend on {vertex.label}, or this is a stationary point",
    )


def saturates(edge: Edge) -> bool:
    """Whether a function holds back most of the gradient that comes to it, to an exact 0."""
    v = edge.target
    is_relu = (
        v.function == "maximum"
        and any(np.ndim(e.source.value) for e in v.operands)
        and (len([e for e in v.operands if not e.aside]) == 1)
    )
    if not is_relu and v.function not in _SATURATING - {"log_softmax"}:
        return False
    if not is_plain(v.gradient) or np.shape(edge.gradient) != np.shape(v.gradient):
        return False
    came = np.count_nonzero(v.gradient)
    held = np.count_nonzero((edge.gradient == 0) & (v.gradient != 0))
    share, least = (0.9, 20) if is_relu else (0.5, 2)  # half of a relu's entries may well be 0
    return bool(came >= least and held >= share * came)


def why_zero(edge: Edge) -> Reason:
    """Of a gradient that was not 0 when it came to the target and is at the source."""
    v, name = edge.target, edge.target.function
    if name in _SATURATING:
        return _saturated(edge)
    if name in _CHOOSING:
        return _not_chosen(edge)
    if name in _PRODUCTS:
        return _by_zero(edge)
    x = np.asarray(edge.source.value)
    if name in ("square", "absolute", "euclidean", *_POWERS) and not x.any():
        made = ", ".join(e.source.label for e in edge.source.operands[:2])
        return (
            f"the derivative of {name} at 0 is 0, and {edge.source.label} is 0 everywhere",
            f"{made} agree exactly: there is nothing to learn here"
            if edge.source.function == "subtract"
            else "if it is a parameter, begin with small random numbers",
        )
    local = edge.local_value
    if is_plain(local) and np.any(local):
        least = float(np.min(np.abs(local)[np.nonzero(local)]))
        return (
            f"underflow: the derivative {number(np.float64(least))} times the gradient rounds to 0 "
            f"in {v.value.dtype}",
            "use float64, or a loss of the logits (softmax_cross_entropy, sigmoid_cross_entropy)",
        )
    return (
        f"the derivative of {name} by {edge.source.label} is 0 here",
        "look whether the result depends on it at all",
    )


def _saturated(edge: Edge) -> Reason:
    v, x = edge.target, np.asarray(edge.source.value)
    dead = (edge.gradient == 0) & (v.gradient != 0)
    index = first_index(dead) or first_index(np.ones(x.shape, bool))
    at = _brackets(index or ())
    y = number(np.asarray(v.value)[index]) if index is not None else "?"
    formula = {"sigmoid": "y (1 - y)", "tanh": "1 - y**2", "softmax": "y (1 - y)"}.get(v.function)
    derivative = f"its derivative {formula}" if formula else "its derivative"
    losses = {
        "sigmoid": "sigmoid_cross_entropy of the logits, whose gradient y - t does not saturate",
        "softmax": "softmax_cross_entropy of the logits, whose gradient y - t does not saturate",
        "log_softmax": "nothing, if the output is right: y - t is 0 to the last bit",
    }
    remedy = losses.get(v.function, "smaller weights, normalised inputs, or relu")
    scale = _ill_scaled(v)
    return (
        f"saturated {v.function}: {edge.source.label}{at} = {number(x[index])} gives {y}, where "
        f"{derivative} is 0; so in {np.count_nonzero(dead)} of {dead.size} entries",
        f"use {remedy}" + (f"; {scale}" if scale else ""),
    )


def _not_chosen(edge: Edge) -> Reason:
    v, x = edge.target, np.asarray(edge.source.value)
    others = [e.source for e in v.operands if e is not edge]
    assert v.node is not None
    plain = [a for a in v.node.args if np.ndim(a) == 0 and not isinstance(a, bool | str)]
    if v.function == "maximum" and any(np.all(np.asarray(a) == 0) for a in plain):
        dead = np.count_nonzero(x <= 0)
        scale = _ill_scaled(v)
        return (
            f"dead relu: {edge.source.label} <= 0 in {dead} of {x.size} entries, and its "
            "derivative there is 0",
            "use leaky_relu, elu or gelu; a smaller learning rate; biases that begin at 0"
            + (f"; {scale}" if scale else ""),
        )
    against = others[0].label if others else number(np.asarray(plain[0])) if plain else "the other"
    if v.function == "where":
        return (
            f"np.where took the other branch wherever a gradient came from: {edge.source.label} "
            "was not chosen",
            "look at the condition",
        )
    if edge.source.function in ("maximum", "minimum"):
        against += " or the other bound"
    held = first_index(np.broadcast_to(v.gradient != 0, np.shape(v.value)))
    return (
        f"{v.function} took {against} and not {edge.source.label} wherever a gradient came from, "
        f"as at {_entry(edge.source, v, held)}: beyond its bound a clipped value has derivative 0",
        "do not clip before the loss: cross_entropy, xlogy and softmax_cross_entropy need no "
        "epsilon",
    )


def _by_zero(edge: Edge) -> Reason:
    v = edge.target
    others = [e.source for e in v.operands if e is not edge and is_plain(e.source.value)]
    zeros = [o for o in others if not np.any(o.value)]
    if not zeros:
        small = min((float(np.max(np.abs(o.value), initial=0)), o.label) for o in others) if (
            others) else (0.0, "its factor")  # fmt: skip
        if not np.any(_arg(v, 0)) or not np.any(_arg(v, 1)):
            return f"{edge.source.label} is multiplied by 0", "leave the factor out"
        return (f"the product with {small[1]} is 0 wherever a gradient arrives, or rounds to 0",
                "look at the mask; use float64 if the numbers are tiny")  # fmt: skip
    factor = zeros[0]
    if factor.kind == "parameter":
        return (
            f"the weights {factor.label} are all 0, and the gradient by {edge.source.label} is "
            "multiplied by them",
            "begin with small random numbers, of standard deviation 1 / sqrt(number of inputs): "
            "zeros are for biases",
        )
    return (
        f"{edge.source.label} is multiplied by {factor.label}, which is 0 everywhere",
        f"look at what {factor.label} is made of: all its entries are 0",
    )
