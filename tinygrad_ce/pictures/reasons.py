"""Why a value turned nan or inf: a sentence, and what to do instead.

Each reason looks at the numbers that the step saw; what no reason fits is told by its numbers. A
new one goes into `_VALUES`, by the names of the functions that it is about. Why a gradient turned
so is in `slopes.py`, why one is 0 in `zeros.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.pictures.evidence import (
    LOGARITHMS,
    POWERS,
    PRODUCTS,
    Reason,
    argument,
    at,
    behind,
    beside,
    constants,
    entry,
    first_index,
    ill_scaled,
    is_odd,
    largest,
    made_of,
    nearby,
    odd_in,
    onward,
)
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.scene import Vertex

__all__ = ["why_leaf", "why_odd_value"]

_EXPONENTIALS = {"exp", "exp2", "expm1", "sinh", "cosh"}
_SUMS = {"sum", "mean", "std", "var", "euclidean", "cumsum", "trace", "average", "norm"}
_LOSSES = {"binary_log_loss": "sigmoid_cross_entropy(z, t)", "entr": "log_softmax(z)"}
_MASKED = (
    "leave at least one entry of each row finite: a mask that hides all of them has no softmax"
)
_SCALE = (
    "scale the inputs to about 1 and the weights to about 1 / sqrt(number of inputs), or take "
    "a smaller learning rate"
)


def why_leaf(vertex: Vertex) -> Reason:
    """Of a value that was given, and is not finite."""
    if vertex.kind == "parameter":
        return (
            "it is so from the start: nothing here computed it",
            "if an update wrote it, the learning rate is too large or an earlier gradient was not "
            "finite: ask trouble(loss) at every step; otherwise look at the data it was made of",
        )
    x = np.asarray(vertex.value)
    columns = np.flatnonzero(odd_in(x).all(axis=0)) if x.ndim == 2 and len(x) > 1 else np.zeros(0)
    if 0 < columns.size < x.shape[-1]:
        return (
            f"it is a constant and was given so, in all of column {int(columns[0])}",
            "if it was standardised, a feature that is the same everywhere was divided by its "
            "standard deviation 0: leave it out, or divide by np.where(s == 0, 1, s)",
        )
    return (
        "it is a constant and was given so",
        "look at the data: np.isfinite finds the entries, np.where or np.nan_to_num replaces them",
    )


def why_odd_value(vertex: Vertex, where: Callable[[Any], Any] = odd_in) -> Reason:
    """Of a computed value that is not finite, at the first such entry, or the first by `where`."""
    index = first_index(where(vertex.value)) if is_plain(vertex.value) else None
    for names, reason in _VALUES:
        if vertex.function in names and (found := reason(vertex, index)):
            return found
    return _any_value(vertex, index)


def _exponential(v: Vertex, index: Any) -> Reason | None:
    x, y = argument(v, 0), v.value
    if x is None or not np.isfinite(x[index]) or not np.isinf(y[index]):
        return None
    limit = np.log(np.finfo(y.dtype).max)
    edge = f"{y.dtype} ends at {number(np.finfo(y.dtype).max)}"
    if v.function == "exp":
        edge += f", so exp overflows beyond {number(limit)}"
    remedy, scale = _instead_of_exp(v), ill_scaled(v)
    if scale:
        remedy += f"; {scale}"
    return f"overflow: {at(v, 0, index)}, and {edge}", remedy


def _instead_of_exp(v: Vertex) -> str:
    """The function that was written out by hand, told by what became of the exponential."""
    source = made_of(v)[0].label if made_of(v) else "z"
    softmax = (
        f"use softmax({source}), which subtracts the maximum first, and for the loss "
        f"softmax_cross_entropy({source}, t)"
    )
    for use in onward(v):
        then = {further.function for further in onward(use)}
        if use.function == "divide" and any(_is_sum_of_exp(s) for s in beside(use)):
            return softmax
        if use.function in ("sum", "add.reduce"):
            if then & {"divide", "ratio"}:
                return softmax
            if "log" in then:
                return (
                    f"use logsumexp({source}), or softmax_cross_entropy({source}, t) for the loss: "
                    "they subtract the maximum first"
                )
        if use.function == "log1p" or (use.function == "add" and then & {"log", "log1p"}):
            return "use softplus(x) for log(1 + exp(x)), logaddexp for log(exp(a) + exp(b))"
        if use.function in ("add", "subtract"):
            if any(s.function == "exp" for s in beside(use) if s is not v):
                return "use np.tanh, np.sinh or np.cosh, or logaddexp for log(exp(a) + exp(b))"
            if use.function == "add" and then & {"divide", "reciprocal", "ratio"}:
                return "use sigmoid(x) for 1 / (1 + exp(-x))"
    return (
        "use softmax, sigmoid, logsumexp or softplus, which are exact without overflow, or work "
        "with the logarithm"
    )


def _is_sum_of_exp(v: Vertex) -> bool:
    return v.function in ("sum", "add.reduce") and any(s.function == "exp" for s in beside(v))


def _logarithm(v: Vertex, index: Any) -> Reason | None:
    place = 1 if v.function in ("xlogy", "xlog1py") else 0
    x = argument(v, place)
    if x is None:
        return None
    x = np.broadcast_to(x, v.value.shape)[index] + (1 if "1p" in v.function else 0)
    if np.isrealobj(x) and x < 0:
        return (
            f"the logarithm of a negative number: {at(v, place, index)}",
            "keep it positive: softplus or np.exp of a free parameter; work with log_softmax or "
            "logsumexp rather than logarithms of differences",
        )
    if x != 0:
        return None
    text = f"log 0 is -inf: {at(v, place, index)}"
    if place:
        text += ", although its factor is not 0"
    return text, _instead_of_log(v, made_of(v)[place] if len(made_of(v)) > place else None)


def _instead_of_log(v: Vertex, source: Vertex | None) -> str:
    """What takes the logarithm without rounding to 0 first, told by what the 0 was made of."""
    made = behind(source) if source is not None else None
    parts = [behind(part) for part in beside(made)] if made is not None else []
    names = {made.function if made else "", *(part.function for part in parts)}
    before = {near.function for near in nearby(v, onward=False)}
    if made is not None and _is_sum_of_exp(made):
        return "use logsumexp(z) for log(sum(exp(z))): it subtracts the maximum first"
    if made is not None and made.function in ("prod", "multiply") and all(
        largest(part.value) > 0 for part in parts
    ) and all(np.all(part.value) for part in parts):  # fmt: skip
        return (
            "the factors are not 0, their product is too small: add logarithms, np.sum(np.log(p))"
        )
    if "softmax" in names or {"exp", "sum", "divide"} <= before:
        return (
            "use softmax_cross_entropy(z, t) or log_softmax(z) of the logits z: the small "
            "probability is never rounded to 0"
        )
    if "sigmoid" in names:
        return "use sigmoid_cross_entropy(z, t) or log_sigmoid(z) of the logits z"
    if "det" in names:
        return (
            "use np.linalg.slogdet for the logarithm of a determinant; if the matrix is singular, "
            "add a small multiple of np.eye"
        )
    if "multiply" in {use.function for use in onward(v)} and v.function == "log":
        return "use xlogy(t, y) for t * log(y), or cross_entropy(y, t): 0 log 0 is 0 there"
    if v.function in ("xlogy", "xlog1py"):
        return (
            "a probability of 0 was given to what happens: make it by softmax or sigmoid, and use "
            "softmax_cross_entropy or sigmoid_cross_entropy of the logits"
        )
    return (
        "make what must be positive by softplus or np.exp; for probabilities use cross_entropy or "
        "xlogy, where 0 log 0 is 0, or log_softmax of logits; np.log(np.where(x > 0, x, 1)) where "
        "the others do not count"
    )


def _quotient(v: Vertex, index: Any) -> Reason | None:
    one = v.function == "reciprocal"
    place = 0 if one else 1
    b = argument(v, place)
    divisor = 1 if b is None else np.broadcast_to(b, v.value.shape)[index]
    if np.isinf(divisor) and np.isnan(v.value[index]):
        return (
            f"inf / inf is nan: {at(v, 0, index)}",
            "find what made both infinite; softmax and logsumexp subtract the maximum first",
        )
    if divisor != 0:
        return None if is_odd(divisor) else _overflow(v, index) or _too_large(v, index)
    a = 1 if one else np.broadcast_to(argument(v, 0), v.value.shape)[index]
    result = "nan" if np.isnan(v.value[index]) else "-inf" if v.value[index] == -np.inf else "inf"
    labels = [edge.source for edge in v.operands if edge.source.thing is v.node.operands[place]]  # type: ignore[union-attr]
    where = f"{at(v, place, index)}, and " if labels else ""
    return f"division by zero: {where}{number(a)} / 0 is {result}", _instead_of_dividing(labels)


def _instead_of_dividing(divisor: list[Vertex]) -> str:
    made = behind(divisor[0]) if divisor else None
    if made is not None and made.function in ("std", "sqrt"):
        return (
            "a feature that is the same everywhere has standard deviation 0, a vector of zeros "
            "length 0: divide by np.sqrt(variance + 1e-5), as nn.BatchNorm1d and nn.LayerNorm do, "
            "or by np.where(s == 0, 1, s)"
        )
    if made is not None and made.function == "euclidean":
        return (
            "a vector of zeros has no direction: divide by np.maximum(norm, 1e-12), or choose, "
            "x / np.where(norm == 0, 1, norm)"
        )
    if made is None:
        return (
            "if it counts something, divide by np.maximum(count, 1); else make the divisor 1 where "
            "it is 0: np.where(b == 0, 0, a / np.where(b == 0, 1, b))"
        )
    return (
        "make the divisor 1 where it is 0, and choose afterwards: np.where(b == 0, 0, a / "
        "np.where(b == 0, 1, b))"
    )


def _too_large(v: Vertex, index: Any) -> Reason:
    sign = " and ".join(dict.fromkeys(entry(source, v, index) for source in made_of(v)))
    return (
        f"overflow: {sign}, and the quotient is beyond {v.value.dtype}",
        "keep the divisor away from 0: np.where(np.abs(b) < small, 1, b), or work with logarithms",
    )


def _root(v: Vertex, index: Any) -> Reason | None:
    x = argument(v, 0)
    if x is None or not x[index] < 0:
        return None
    made = behind(made_of(v)[0])
    squares = {"square", *POWERS, "multiply"}
    means = {near.function for near in nearby(made, onward=False)}
    if made.function == "subtract" and means & squares and means & {"mean", "sum"}:
        return (
            f"the square root of a negative number: {at(v, 0, index)}, a difference of squares "
            "that cancel but for rounding",
            "a variance as mean(x**2) - mean(x)**2 rounds below 0: use np.var or np.std",
        )
    return (
        f"the square root of a negative number: {at(v, 0, index)}",
        "for a variance use np.var or np.std rather than mean(x**2) - mean(x)**2, which may round "
        "below 0; for a magnitude np.abs; else np.where(x > 0, x, 1) inside and np.where around",
    )


def _power(v: Vertex, index: Any) -> Reason | None:
    x, p = (np.broadcast_to(argument(v, i), v.value.shape)[index] for i in (0, 1))
    if x == 0 and p < 0:
        return (f"division by zero: {at(v, 0, index)} to the power {number(p)}",
                "choose with np.where where the base is 0")  # fmt: skip
    if np.isrealobj(x) and x < 0 and p != np.floor(p):
        return (
            f"a negative number to a broken power: {at(v, 0, index)}, to the power {number(p)}",
            "take np.abs or softplus of the base first",
        )
    return _overflow(v, index)


def _domain(v: Vertex, index: Any) -> Reason | None:
    x = argument(v, 0)[index]
    if np.iscomplexobj(x):
        return None
    if v.function == "arctanh" and abs(x) == 1:
        return (f"arctanh is infinite at -1 and 1: {at(v, 0, index)}",
                "keep it inside, as np.tanh of a free parameter does")  # fmt: skip
    remedy = (
        "rounding put it outside: np.clip(x, -1, 1); for the angle between vectors "
        "np.arctan2(sine, cosine), whose gradient is finite, too"
        if abs(x) < 1 + 1e-4
        else "scale the operand, or np.clip it"
        if v.function == "arctanh"
        else "scale the operand, or np.clip it; for angles use np.arctan2, which is defined "
        "everywhere"
    )
    return f"{v.function} is defined between -1 and 1: {at(v, 0, index)}", remedy


def _difference(v: Vertex, index: Any) -> Reason | None:
    if not np.isnan(v.value[index]):
        return _overflow(v, index)
    masked = any(
        s.function in ("where", "masked") or s.kind in ("constant", "input")
        for part in beside(v)
        for s in (part, *beside(part))
        if is_odd(s.value)
    )
    return (
        f"inf - inf is nan: {at(v, 0, index)}, {at(v, 1, index)}",
        f"{_MASKED}; use softmax or logsumexp, which subtract the maximum themselves"
        if masked and any(near.function in ("max", "amax") for near in beside(v))
        else "find what made them infinite; logsumexp and log_softmax subtract before they "
        "exponentiate",
    )


def _product(v: Vertex, index: Any) -> Reason | None:
    if v.function == "multiply" and np.isnan(v.value[index]):
        a, b = (np.broadcast_to(argument(v, i), v.value.shape)[index] for i in (0, 1))
        if a == 0 or b == 0:
            logs = [s for s in beside(v) if s.function in LOGARITHMS]
            what = "0 * log 0" if logs else "0 * inf"
            return (
                f"{what} is nan: {at(v, 0, index)}, {at(v, 1, index)}",
                "use xlogy(t, y) for t * log(y), or cross_entropy(y, t): 0 log 0 is 0 there"
                if logs
                else "choose with np.where rather than multiply by a mask",
            )
    return _overflow(v, index)


def _softmax(v: Vertex, index: Any) -> Reason | None:
    if not any(is_odd(source.value) for source in made_of(v)):
        return None
    return f"{made_of(v)[0].label} has a row with nothing finite to choose from", _MASKED


def _reduction(v: Vertex, index: Any) -> Reason | None:
    sources = made_of(v)
    if sources and np.size(sources[0].value) == 0:
        return (f"the {v.function} of no numbers: {sources[0].label} is empty",
                "leave empty batches out")  # fmt: skip
    if v.function in ("prod", "cumprod") and not any(is_odd(s.value) for s in sources):
        return (f"overflow: the product of {np.size(sources[0].value)} numbers of "
                f"{sources[0].label} is beyond {v.value.dtype}",
                "add logarithms instead, np.sum(np.log(x))")  # fmt: skip
    return _overflow(v, index)


def _chosen(v: Vertex, index: Any) -> Reason | None:
    """Of np.where, that took what is not finite."""
    numbers = [x for x in map(np.asarray, constants(v)) if is_odd(x)]
    given = [s for s in made_of(v) if s.kind != "operation" and is_odd(s.value)]
    if not numbers and not given:
        return None
    what = number(numbers[0]) if numbers else given[0].label
    return f"np.where chose {what} there, and it does not stay a mask", _MASKED


def _loss(v: Vertex, index: Any) -> Reason | None:
    shown = ", ".join(entry(source, v, index) for source in made_of(v))
    return (
        f"the probability given to what happened is 0, and log 0 is -inf: {shown}",
        f"use {_LOSSES[v.function]} of the logits z rather than of probabilities, which round to "
        "0 and 1",
    )


def _logit(v: Vertex, index: Any) -> Reason | None:
    return (
        f"logit is infinite at 0 and 1 and defined between them: {at(v, 0, index)}",
        "keep the logits and do not go through probabilities: sigmoid_cross_entropy takes logits",
    )


def _determinant(v: Vertex, index: Any) -> Reason | None:
    return (
        f"the matrix is singular: the determinant of {made_of(v)[0].label} is 0, its logarithm "
        "-inf",
        "add a small multiple of np.eye to it, or look which of its rows depend on each other",
    )


def _overflow(v: Vertex, index: Any) -> Reason | None:
    sources = made_of(v)
    if not sources or any(is_odd(s.value) for s in sources) or not is_plain(v.value):
        return None
    most, label = max((largest(s.value), s.label) for s in sources)
    entries = max(np.size(s.value) for s in sources if is_plain(s.value))
    dtype = v.value.dtype
    highest = float(np.finfo(dtype).max)
    p = argument(v, 1) if v.function in POWERS else None
    power = max(2.0, float(np.max(np.abs(p)))) if p is not None and p.size else 2.0
    if most <= 1 or power * np.log(most) + np.log(entries) < np.log(highest):
        return None  # no product of such numbers leaves the dtype
    wider = "; float16 is for storing: compute in float32" if dtype == np.float16 else ""
    by = f" {entries} of them are added," if v.function in ("sum", "mean", "cumsum") else ""
    return (
        f"overflow: {label} has entries up to {number(np.float64(most))},{by} and {dtype} "
        f"ends at {number(np.finfo(dtype).max)}",
        (ill_scaled(v) or _SCALE) + wider,
    )


def _any_value(v: Vertex, index: Any) -> Reason:
    odd = [source for source in made_of(v) if is_odd(source.value)]
    value = v.value[index] if is_plain(v.value) and index is not None else np.nan
    what = "nan" if np.isnan(value) else "-inf" if value == -np.inf else "inf"
    if odd:
        return (f"{v.function} makes {what} of {odd[0].label}, which is not finite",
                f"find what made {odd[0].label} so, or choose with np.where before")  # fmt: skip
    seen = ", ".join(entry(source, v, index) for source in made_of(v))
    return (f"{v.function} gives {what} at {seen}" if seen else f"{v.function} gives {what}",
            "keep its operand within its domain, with np.where before it")  # fmt: skip


_VALUES: tuple[tuple[set[str], Callable[[Vertex, Any], Reason | None]], ...] = (
    (_EXPONENTIALS, _exponential),
    (LOGARITHMS, _logarithm),
    ({"divide", "reciprocal"}, _quotient),
    ({"sqrt"}, _root),
    (POWERS, _power),
    ({"arcsin", "arccos", "arctanh"}, _domain),
    ({"add", "subtract"}, _difference),
    ({"softmax", "log_softmax", "xlog_softmax", "softmax_log_loss"}, _softmax),
    (PRODUCTS | {"square"}, _product),
    (_SUMS | {"prod", "cumprod"}, _reduction),
    ({"where"}, _chosen),
    (set(_LOSSES), _loss),
    ({"logit"}, _logit),
    ({"slogdet"}, _determinant),
)
