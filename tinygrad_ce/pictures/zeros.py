"""Why a gradient is exactly 0: a sentence, and what to do instead.

Many a zero is as it should be: of a relu where it is off, of a mask, of what is learnt already. So
each function says by itself where it held a gradient back, and where there was none to hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.pictures.evidence import (
    ARRANGING,
    POWERS,
    PRODUCTS,
    Reason,
    argument,
    behind,
    brackets,
    constants,
    entry,
    exactly,
    first_index,
    ill_scaled,
    largest,
    made_of,
    trained_after,
)
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.scene import Edge, Vertex

__all__ = ["heals", "held_back", "saturates", "why_cancelled", "why_zero"]

_SIGMOIDS = {"sigmoid": "y (1 - y)", "tanh": "1 - y**2", "erf": "2 / sqrt(pi) exp(-x**2)",
             "erfc": "-2 / sqrt(pi) exp(-x**2)", "arctan": "1 / (1 + x**2)"}  # fmt: skip
_LOSSES = {"softmax_log_loss", "log_softmax", "xlog_softmax", "sigmoid_log_loss",
           "binary_log_loss", "log_sigmoid"}  # fmt: skip
_CHOOSING = {"maximum", "minimum", "fmax", "fmin", "where", "clip"}
_HIDDEN = -1e4  # scores that a mask has lowered by as much are out
_LEARNT = "the output is right to the last bit: there is nothing left to learn"


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
    """Whether a function holds back most of the gradient that comes to it."""
    came = _came(edge)
    if came is None or not (held := held_back(edge)).any():
        return False
    if edge.target.function == "maximum":  # half of a relu's entries may well be 0
        n = np.count_nonzero(came)
        return bool(n >= 20 and np.count_nonzero(held) >= 0.9 * n and trained_after(edge.target))
    if edge.target.function == "softmax":
        rows = _rows(edge, came)
        return bool(2 * np.count_nonzero(_rows(edge, held)) >= np.count_nonzero(rows))
    local = edge.local_value
    least = np.finfo(edge.target.value.dtype).eps
    n = np.count_nonzero(came)
    return bool(n >= 2 and 2 * np.count_nonzero(came & (np.abs(local) < least)) > n)


def held_back(edge: Edge) -> Any:
    """Where a gradient came to the target that could go on, and none does."""
    came = _came(edge)
    if came is None:
        came = np.ones(np.shape(edge.gradient), bool)
    held = came & (edge.gradient == 0)
    if edge.target.function == "softmax" and held.any():  # a row is a whole
        axis = _axis(edge.target)
        held &= ~np.any(came & (edge.gradient != 0), axis=axis, keepdims=True)
    return held


def _came(edge: Edge) -> Any:
    """Where a gradient came that the function might let through; None of other functions."""
    v = edge.target
    if not is_plain(v.gradient) or np.shape(edge.gradient) != np.shape(v.gradient):
        return None
    if v.function == "maximum":
        is_relu = bool(np.ndim(edge.source.value)) and len(made_of(v)) == 1
        return v.gradient != 0 if is_relu else None
    if v.function == "softmax":
        return _choices(edge)
    return v.gradient != 0 if v.function in _SIGMOIDS else None


def _axis(v: Vertex) -> Any:
    node = v.node
    assert node is not None
    return node.parameters.get("axis", node.args[1] if len(node.args) > 1 else -1)


def _rows(edge: Edge, mask: Any) -> Any:
    return np.any(mask, axis=_axis(edge.target))


def _choices(edge: Edge) -> Any:
    """The entries among which a softmax chooses: no mask hides them, and it matters which is taken.

    Where the gradient is the same for all of a row none goes on: they sum to 1 whatever they are.
    """
    v, x, axis = edge.target, np.asarray(edge.source.value), _axis(edge.target)
    free = ~_hidden(edge.source, x)
    g = v.gradient
    highest = np.max(np.where(free, g, -np.inf), axis=axis, keepdims=True, initial=-np.inf)
    lowest = np.min(np.where(free, g, np.inf), axis=axis, keepdims=True, initial=np.inf)
    return free & (highest > lowest)


def _hidden(source: Vertex, x: Any) -> Any:
    """Where a constant that was added or chosen takes an entry out of a softmax."""
    hidden = x == -np.inf
    source = behind(source)
    if source.node is None or source.function not in ("add", "subtract", "where", "masked"):
        return hidden
    sign = -1 if source.function == "subtract" else 1
    flowing = [e.source for e in source.operands if e.flows]
    fixed = [np.asarray(c) for c in constants(source)]
    fixed += [np.asarray(s.value) for s in made_of(source) if s not in flowing]
    for c in fixed:
        if c.dtype.kind not in "fiu":
            continue
        try:
            low = np.broadcast_to(sign * c <= _HIDDEN, x.shape)
        except ValueError:
            continue
        hidden = hidden | (low & (x <= _HIDDEN / 2))
    return hidden


def heals(edge: Edge) -> str:
    """The label of weights of 0 that hold a gradient back, but move themselves; "" of others."""
    if edge.target.function not in PRODUCTS:
        return ""
    for other in edge.target.operands:
        w = behind(other.source)
        moves = other is not edge and w.kind == "parameter" and w.gradient is not None
        if moves and not np.any(w.value) and np.any(w.gradient):
            return w.label
    return ""


def why_zero(edge: Edge) -> Reason:
    """Of a gradient that was not 0 when it came to the target and is at the source."""
    name = edge.target.function
    if name in _LOSSES:
        return _learnt(edge)
    if name in _SIGMOIDS or name == "softmax":
        return _saturated(edge)
    if name in _CHOOSING:
        return _not_chosen(edge)
    if name in PRODUCTS:
        return _by_zero(edge)
    if name == "prod":
        return _product_of_many(edge)
    x = np.asarray(edge.source.value)
    if name in ("square", "absolute", "euclidean", *POWERS) and not x.any():
        exponent = name in POWERS and _is_exponent(edge)
        if exponent:
            return (f"a power of 0 does not depend on its exponent {edge.source.label}",
                    "look at the base, which is 0")  # fmt: skip
        made = [e.source.label for e in edge.source.operands[:2]]
        return (
            f"the derivative of {name} at 0 is 0, and {edge.source.label} is 0 everywhere",
            f"{', '.join(made)} agree exactly: there is nothing to learn here"
            if edge.source.function == "subtract" and len(made) == 2
            else "a penalty has nothing to shrink; a parameter that is to learn from this begins "
            "with small random numbers",
        )
    return _underflow(edge) or (
        f"the derivative of {name} by {edge.source.label} is 0 here",
        "look whether the result depends on it at all",
    )


def _is_exponent(edge: Edge) -> bool:
    node = edge.target.node
    assert node is not None
    return edge.parent is not None and node.rules[edge.parent] is node.primitive.rules[1]


def _learnt(edge: Edge) -> Reason:
    v = edge.target
    if v.function == "log_sigmoid":
        return f"log_sigmoid of {edge.source.label} is 0 to the last bit", _LEARNT
    return (
        f"the derivative of this loss by {edge.source.label} is y - t, and y is t to the last bit",
        _LEARNT,
    )


def _underflow(edge: Edge) -> Reason | None:
    """The gradient and the derivative are not 0, their product is."""
    v, local = edge.target, edge.local_value
    if not is_plain(local) or not is_plain(v.gradient):
        return None
    lost = (local != 0) & (v.gradient != 0) & np.broadcast_to(
        edge.gradient == 0 if np.shape(edge.gradient) == np.shape(v.gradient) else True,
        np.shape(v.gradient),
    )  # fmt: skip
    if not lost.any():
        return None
    least = float(np.min(np.abs(np.broadcast_to(local, lost.shape))[lost]))
    return _vanished(edge) or (
        f"underflow: the derivative {number(np.float64(least))} times the gradient "
        f"{number(np.float64(largest(v.gradient)))} rounds to 0 in {v.value.dtype}",
        "use float64, or a loss of the logits (softmax_cross_entropy, sigmoid_cross_entropy)",
    )


def _vanished(edge: Edge) -> Reason | None:
    """A gradient that shrank from step to step until it was too small for its dtype."""
    v = edge.target
    arrived = largest(v.gradient)
    way = [u for u in _back(v) if is_plain(u.gradient)]
    tiny = float(np.finfo(np.asarray(v.gradient).dtype).tiny)
    if len(way) < 8 or not 0 < arrived < np.sqrt(tiny):
        return None
    first = largest(way[-1].gradient)
    small = _too_small(v)
    return (
        f"a vanishing gradient: over {len(way)} steps it shrank from {number(np.float64(first))} "
        f"to {number(np.float64(arrived))}, and what is less rounds to 0 in {v.value.dtype}",
        (f"{small}; " if small else "")
        + "relu rather than sigmoid or tanh, normalisation (nn.LayerNorm), connections past the "
        "layers (h + f(h)), for sequences nn.LSTM or nn.GRU",
    )


def _back(vertex: Vertex) -> list[Vertex]:
    """The values on the way to the result, by each one's largest gradient that came."""
    way = [vertex]
    while arrivals := way[-1].arrivals:
        way.append(max(arrivals, key=lambda a: largest(a.added)).edge.target)
    return way


def _too_small(v: Vertex) -> str:
    """Weights that shrink what they are multiplied with, around a value."""
    for near in (v, *(e.source for e in v.operands), *(e.target for e in v.uses)):
        for edge in near.operands if near.function in ("matmul", "dot") else ():
            w = behind(edge.source)
            if w.kind != "parameter" or np.ndim(w.value) != 2:
                continue
            n = len(w.value)
            if float(np.std(w.value)) * np.sqrt(n) < 0.3:
                return (
                    f"the weights {w.label} are too small: their standard deviation is "
                    f"{number(np.std(w.value))} with {n} inputs; begin with 1 / sqrt({n}) = "
                    f"{number(1 / np.sqrt(n))}"
                )
    return ""


def _saturated(edge: Edge) -> Reason:
    v, x = edge.target, np.asarray(edge.source.value)
    is_softmax = v.function == "softmax"
    held = held_back(edge)
    if is_softmax and not np.any(_choices(edge)):
        if np.count_nonzero(~_hidden(edge.source, x)) <= np.count_nonzero(_rows(edge, x == x)):
            return (
                f"each row of {edge.source.label} has one entry that no mask hides: {v.label} is 1 "
                "there, whatever the entry is",
                "look at the mask, which leaves nothing to choose",
            )
        return (
            f"softmax sums to 1, whatever {edge.source.label} is, and the gradient is the same for "
            "all entries of a row",
            "let the loss look at single entries, as cross_entropy does, not at their sum",
        )
    if not is_softmax:
        local = edge.local_value
        least = np.finfo(v.value.dtype).eps
        if local is not None and not np.any((np.abs(local) < least) & (v.gradient != 0)):
            return _underflow(edge) or (
                f"the gradient that comes to {v.function} is too small to go on",
                "use float64",
            )
        # what comes may be 0 elsewhere, and lets one not see that it could not have gone on
        held = np.abs(local) < least if local is not None else held
    index = first_index(held & (v.gradient != 0)) or first_index(held) or (
        first_index(np.ones(x.shape, bool)))  # fmt: skip
    place = brackets(index or ())
    y = exactly(np.asarray(v.value)[index]) if index is not None else "?"
    formula = "y (1 - y)" if is_softmax else _SIGMOIDS[v.function]
    rounds = "rounds to 0" if is_softmax or edge.local_value is None else (
        f"is {number(np.abs(np.asarray(edge.local_value)[index]))}" if index is not None else "is 0"
    )  # fmt: skip
    scale = ill_scaled(v)
    share = "" if held.size == 1 else f"; so in {np.count_nonzero(held)} of {held.size} entries"
    return (
        f"saturated {v.function}: {edge.source.label}{place} = {exactly(x[index])} gives {y}, "
        f"where its derivative {formula} {rounds}{share}",
        f"use {_instead(v)}" + (f"; {scale}" if scale else ""),
    )


def _instead(v: Vertex) -> str:
    """What does not saturate: the loss of the logits at the output, inside a smaller scale."""
    inside = trained_after(v)
    if v.function == "softmax":
        mixed = any(e.target.function in PRODUCTS - {"multiply"} for e in v.uses)
        if inside or mixed:
            return (
                "smaller scores: divide them by sqrt(number of features), normalise queries and "
                "keys"
            )
        return "softmax_cross_entropy of the logits, whose gradient y - t does not saturate"
    if v.function == "sigmoid" and not inside:
        return "sigmoid_cross_entropy of the logits, whose gradient y - t does not saturate"
    return "smaller weights, normalised inputs, or relu"


def _dead_relu(v: Vertex, source: Vertex, x: Any) -> Reason:
    dead = np.count_nonzero(x <= 0)
    scale = ill_scaled(v)
    remedy = (
        "use leaky_relu, elu or gelu; a smaller learning rate; biases that begin at 0"
        if trained_after(v)
        else "if it is a loss with a margin, every example keeps it, and there is nothing to "
        "learn; else use leaky_relu, elu or gelu; a smaller learning rate; biases that begin at 0"
    )
    return (
        f"dead relu: {source.label} <= 0 in {dead} of {x.size} entries, and its derivative there "
        "is 0",
        remedy + (f"; {scale}" if scale else ""),
    )


def _is_relu(v: Vertex) -> bool:
    return v.function == "maximum" and any(np.all(np.asarray(a) == 0) for a in constants(v))


def _not_chosen(edge: Edge) -> Reason:
    v, x = edge.target, np.asarray(edge.source.value)
    others = [source for e, source in zip(v.operands, made_of(v)) if e is not edge]
    if _is_relu(v):
        return _dead_relu(v, edge.source, x)
    plain = constants(v)
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
        f"as at {entry(edge.source, v, held)}: beyond its bound a clipped value has derivative 0",
        "do not clip before the loss: cross_entropy, xlogy and softmax_cross_entropy need no "
        "epsilon; for bounds on a parameter use sigmoid or tanh of a free one",
    )


def _product_of_many(edge: Edge) -> Reason:
    x = np.asarray(edge.source.value)
    if x.all():
        return (
            f"underflow: the product of {x.size} numbers of {edge.source.label}, none of them 0, "
            f"rounds to 0 in {edge.target.value.dtype}",
            "add logarithms instead, np.sum(np.log(p)), and keep the logarithm",
        )
    return (
        f"two or more entries of {edge.source.label} are 0, and so is each product of the others",
        "add logarithms of what is not 0",
    )


def _by_zero(edge: Edge) -> Reason:
    v = edge.target
    others = [e.source for e in v.operands if e is not edge and is_plain(e.source.value)]
    zeros = [o for o in others if not np.any(o.value)]
    if not zeros:
        fixed = [argument(v, i) for i in range(2)]
        if any(x is not None and x.dtype.kind in "fciu" and not np.any(x) for x in fixed):
            return f"{edge.source.label} is multiplied by 0", "leave the factor out"
        small = min(((largest(o.value), o.label) for o in others), default=(0.0, "its factor"))
        product = largest(v.gradient) * small[0]
        if 0 < product < np.finfo(np.asarray(v.gradient).dtype).tiny and (
            found := _vanished(edge)
        ):  # fmt: skip
            return found
        return _underflow(edge) or (
            f"the product with {small[1]} is 0 wherever a gradient arrives, or rounds to 0",
            "look at the mask; use float64 if the numbers are tiny",
        )
    factor = _origin(zeros[0])
    if factor.kind == "parameter":
        return (
            f"the weights {factor.label} are all 0, and the gradient by {edge.source.label} is "
            "multiplied by them",
            "begin with small random numbers, of standard deviation 1 / sqrt(number of inputs): "
            "zeros are for biases",
        )
    if _is_relu(factor) and made_of(factor):
        source = made_of(factor)[0]
        reason, remedy = _dead_relu(factor, source, np.asarray(source.value))
        return f"{reason}; so {edge.source.label} is multiplied by 0", remedy
    if factor.function == "subtract" and len(made_of(factor)) == 2:
        a, b = made_of(factor)
        return (
            f"{edge.source.label} is multiplied by {zeros[0].label}, which is 0 everywhere, as "
            f"{a.label} and {b.label} agree",
            "look at the data: what is the same everywhere tells nothing apart",
        )
    made = "" if factor is zeros[0] else f", as {factor.label} is"
    return (
        f"{edge.source.label} is multiplied by {zeros[0].label}, which is 0 everywhere{made}",
        f"look at what {factor.label} is made of: all its entries are 0"
        if factor.kind == "operation"
        else f"look at {factor.label}: a mask that hides everything, or targets that are all "
        "ignored, leave nothing to learn from",
    )


def _origin(vertex: Vertex) -> Vertex:
    """The value that is 0 everywhere and made others so."""
    while vertex.function in PRODUCTS | ARRANGING | {"divide", "add", "sum", "mean", "square"}:
        zeros = [s for s in made_of(vertex) if is_plain(s.value) and not np.any(s.value)]
        if not zeros or (vertex.function == "add" and len(zeros) < len(made_of(vertex))):
            break
        vertex = next((z for z in zeros if z.kind == "operation"), zeros[0])
    return vertex
