"""Why a gradient turned nan or inf, although the values are finite: a sentence, and the remedy.

A new reason goes into `_DERIVATIVES`, by the names of the functions that it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.pictures.evidence import (
    LOGARITHMS,
    POWERS,
    Reason,
    at,
    behind,
    beside,
    brackets,
    exactly,
    first_index,
    ill_scaled,
    largest,
    odd_in,
)
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.scene import Edge
from tinygrad_ce.rules.kinds import Several

__all__ = ["why_odd_gradient"]

_FACTORED = {"eigh", "eig", "svd_factors", "svd", "eigvalsh", "eigvals"}


def why_odd_gradient(edge: Edge) -> Reason:
    """Of a gradient that was finite when it came to the target and is not at the source."""
    index = first_index(odd_in(edge.gradient)) if is_plain(edge.gradient) else None
    for names, reason in _DERIVATIVES:
        if edge.target.function in names and (found := reason(edge, index)):
            return found
    most = largest(edge.target.gradient)
    if most > 1e4:
        scale = ill_scaled(edge.target) or (
            "scale weights to 1 / sqrt(number of inputs), clip gradients"
        )
        return f"overflow: gradients of up to {number(np.float64(most))} arrive here", scale
    return (
        f"the derivative of {edge.target.function} is not finite here: {_here(edge, index)}",
        "keep the operand away from that point, with np.where before it",
    )


def _here(edge: Edge, index: Any) -> str:
    x = np.asarray(edge.source.value)
    if index is None or type(edge.source.value) is Several:
        return edge.source.label
    return f"{edge.source.label}{brackets(index)} = {exactly(x[index])}"


def _is_zero_at(edge: Edge, index: Any) -> bool:
    return index is not None and bool(np.asarray(edge.source.value)[index] == 0)


def _root_gradient(edge: Edge, index: Any) -> Reason | None:
    if not _is_zero_at(edge, index):
        return None
    made = behind(edge.source)
    square = made.function in ("square", "multiply", *POWERS)
    parts = {part.function for part in beside(made)}
    squares = {"square", "multiply", *POWERS}
    if made.function == "mean" and parts & squares:
        remedy = "use np.std for a standard deviation and np.linalg.norm for a length, whose " \
                 "gradients at 0 are 0; or add inside, np.sqrt(v + 1e-5)"  # fmt: skip
    elif square:
        remedy = "use np.abs(x) for sqrt(x * x), np.linalg.norm for lengths"
    else:
        remedy = "use np.linalg.norm for lengths, whose gradient at 0 is 0; else " \
                 "np.sqrt(np.where(x > 0, x, 1)) and np.where around it"  # fmt: skip
    return (
        f"the derivative of sqrt, 1 / (2 sqrt(x)), is infinite at 0: {_here(edge, index)}",
        remedy,
    )


def _power_gradient(edge: Edge, index: Any) -> Reason | None:
    node = edge.target.node
    assert node is not None
    assert edge.parent is not None
    if node.rules[edge.parent] is node.primitive.rules[1]:
        base = at(edge.target, 0, index)
        return (
            "the derivative by the exponent, a**p log a, takes the logarithm of the base, which is "
            f"not positive: {base}",
            "make the exponent a plain number, which needs no gradient, or keep the base positive",
        )
    if not _is_zero_at(edge, index):
        return None
    return (f"a power below 1 has an infinite derivative at 0: {_here(edge, index)}",
            "np.where(x > 0, x, 1) inside, np.where around it")  # fmt: skip


def _cube_root_gradient(edge: Edge, index: Any) -> Reason | None:
    if not _is_zero_at(edge, index):
        return None
    return (f"the derivative of cbrt is infinite at 0: {_here(edge, index)}",
            "np.where(x == 0, 1, x) inside, np.where around it")  # fmt: skip


def _log_gradient(edge: Edge, index: Any) -> Reason | None:
    return (
        f"the derivative of the logarithm, 1 / x, is beyond {edge.target.value.dtype} here: "
        f"{_here(edge, index)}",
        "use softmax_cross_entropy or sigmoid_cross_entropy of the logits, xlogy where t may be 0",
    )


def _quotient_gradient(edge: Edge, index: Any) -> Reason | None:
    return (
        f"the derivative of a quotient, -a / b**2, is beyond {edge.target.value.dtype} here: "
        f"{_here(edge, index)}",
        "np.where(b == 0, 1, b) in the divisor; log_softmax for quotients of exponentials",
    )


def _arc_gradient(edge: Edge, index: Any) -> Reason | None:
    return (
        f"the derivative of {edge.target.function} is infinite at -1 and 1: {_here(edge, index)}",
        "keep the operand inside, or use np.arctan2(sine, cosine), whose gradient is finite",
    )


def _factored_gradient(edge: Edge, index: Any) -> Reason | None:
    v = edge.target
    values = v.value[1 if "svd" in v.function else 0] if type(v.value) is Several else v.value
    ordered = np.sort(np.abs(np.asarray(values)), axis=-1)
    gaps = np.diff(ordered, axis=-1)
    what, vectors = ("singular values", "np.linalg.svdvals") if "svd" in v.function else (
        "eigenvalues", "np.linalg.eigvalsh")  # fmt: skip
    if not gaps.size or np.min(gaps) > 1e-12 * np.max(ordered):
        return None
    place = first_index(gaps == np.min(gaps)) or (0,)
    return (
        f"two {what} of {edge.source.label} are equal, {exactly(ordered[place])}: vectors that "
        "share one may turn freely, and have no derivative",
        f"use the values alone ({vectors}), or what does not depend on how the vectors are turned; "
        "a small random symmetric matrix added to it parts them",
    )


_DERIVATIVES: tuple[tuple[set[str], Callable[[Edge, Any], Reason | None]], ...] = (
    ({"sqrt"}, _root_gradient),
    (POWERS, _power_gradient),
    ({"cbrt"}, _cube_root_gradient),
    (LOGARITHMS, _log_gradient),
    ({"divide", "reciprocal"}, _quotient_gradient),
    ({"arcsin", "arccos", "arctanh"}, _arc_gradient),
    (_FACTORED, _factored_gradient),
)
