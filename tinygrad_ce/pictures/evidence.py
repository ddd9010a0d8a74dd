"""What the reasons look at: the entries of a step, and what stands around it in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.scene import Vertex
from tinygrad_ce.rules.kinds import Several

__all__ = ["ARRANGING", "LOGARITHMS", "POWERS", "PRODUCTS", "Reason", "argument", "at", "behind",
           "beside", "brackets", "constants", "entry", "exactly", "first_index", "ill_scaled",
           "is_odd", "largest", "made_of", "nearby", "odd_in", "onward",
           "trained_after"]  # fmt: skip

Reason: TypeAlias = tuple[str, str]  # what happened, and the remedy

LOGARITHMS = {"log", "log2", "log10", "log1p", "xlogy", "xlog1py"}
POWERS = {"power", "float_power", "pow"}
PRODUCTS = {"multiply", "matmul", "dot", "einsum", "tensordot", "inner", "vecdot", "outer", "weigh",
            "vdot", "matvec", "vecmat", "kron", "correlate", "convolve"}  # fmt: skip
ARRANGING = {"getitem", "reshape", "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze",
             "ravel", "broadcast_to", "astype", "copy", "matrix_transpose", "flip", "roll", "take",
             "take_along_axis", "output", "concatenate", "stack", "repeat", "tile"}  # fmt: skip
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


def largest(x: Any) -> float:
    """The largest magnitude in it, 0 where there is none."""
    return max((float(np.max(np.abs(part), initial=0)) for part in _parts(x)), default=0.0)


def first_index(where: Any) -> tuple[int, ...] | None:
    """The first place in a mask, None where there is none."""
    where = np.asarray(where)
    if not where.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(where)), where.shape))


def exactly(x: Any) -> str:
    """A number to four digits; just beside a whole number, with all that tell it apart."""
    text, x = number(x), np.asarray(x)[()]
    if x.dtype.kind != "f" or not 0 < abs(x) < 100:
        return text
    return str(x) if float(text) == np.round(x) != x else text


def entry(source: Vertex, target: Vertex, index: tuple[int, ...] | None) -> str:
    """`x[0, 2] = -1`: the operand's entry that belongs to an entry of an elementwise result."""
    x = source.value
    try:
        places = np.arange(np.size(x)).reshape(np.shape(x))
        flat = int(np.broadcast_to(places, np.shape(target.value))[index or ()])
        place = np.unravel_index(flat, np.shape(x))
    except (ValueError, IndexError, TypeError):
        return source.label
    return f"{source.label}{brackets(place)} = {exactly(np.asarray(x)[place])}"


def at(v: Vertex, place: int, index: Any) -> str:
    """The entry of an operand, by its place among the arguments; a plain number by itself."""
    assert v.node is not None
    operand = v.node.operands[place]
    for edge in v.operands:
        if edge.source.thing is operand:
            return entry(edge.source, v, index)
    x = np.broadcast_to(argument(v, place), np.shape(v.value))
    return exactly(x[index or ()])


def brackets(place: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in place)}]" if len(place) else ""


def argument(vertex: Vertex, place: int) -> Any:
    """An operand's numbers, an array or a number of Python's."""
    assert vertex.node is not None
    args = vertex.node.args
    return np.asarray(args[place]) if place < len(args) and type(args[place]) is not list else None


def made_of(vertex: Vertex) -> list[Vertex]:
    """What it was computed from, in the order of the arguments."""
    return [edge.source for edge in vertex.operands if not edge.aside]


def behind(vertex: Vertex) -> Vertex:
    """The value itself, before its entries were arranged otherwise."""
    while vertex.function in ARRANGING and len(flowing := _flowing(vertex)) == 1:
        vertex = flowing[0]
    return vertex


def _flowing(vertex: Vertex) -> list[Vertex]:
    return [edge.source for edge in vertex.operands if edge.flows]


def onward(vertex: Vertex) -> list[Vertex]:
    """What was computed from it, past what only arranges its entries."""
    found: list[Vertex] = []
    waiting = [edge.target for edge in vertex.uses if not edge.aside]
    for v in waiting:  # grows while it is walked
        if v.function in ARRANGING:
            waiting += [edge.target for edge in v.uses if not edge.aside]
        elif v not in found:
            found.append(v)
    return found


def beside(vertex: Vertex) -> list[Vertex]:
    """The values that it was computed from, past what only arranges entries."""
    return [behind(source) for source in made_of(vertex)]


def constants(vertex: Vertex) -> list[Any]:
    """The operands that are plain numbers."""
    assert vertex.node is not None
    return [x for x in vertex.node.args if (np.ndim(x) == 0 and type(x) in (int, float))
            or (isinstance(x, np.number | np.ndarray) and np.ndim(x) == 0)]  # fmt: skip


def nearby(vertex: Vertex, onward: bool) -> Iterator[Vertex]:
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


def trained_after(vertex: Vertex) -> bool:
    """Whether parameters take part in what is made of it: it is inside of a model then."""
    seen, waiting = {vertex}, [vertex]
    for v in waiting:  # grows while it is walked
        for edge in v.uses:
            target = edge.target
            if target not in seen:
                seen.add(target)
                waiting.append(target)
                others = [s for s in beside(target) if s is not v]
                if any(s.kind == "parameter" for s in others):
                    return True
    return False


def ill_scaled(v: Vertex) -> str:
    """Weights that blow up what they are multiplied with, among what a value was made of."""
    for near in (v, *nearby(v, onward=False)):
        if near.function not in ("matmul", "dot"):
            continue
        for place, edge in enumerate(near.operands):
            w = behind(edge.source)
            other = behind(near.operands[1 - place].source) if len(near.operands) == 2 else w
            if w.kind != "parameter" or np.ndim(w.value) != 2 or other.kind == "parameter":
                continue
            n = np.shape(edge.source.value)[0 if place else 1]
            spread = float(np.std(w.value))
            if spread * np.sqrt(n) > 4:
                return (
                    f"the weights {w.label} are ill-scaled: their standard deviation is "
                    f"{number(np.float64(spread))} with {n} inputs; begin with 1 / sqrt({n}) = "
                    f"{number(1 / np.sqrt(n))}"
                )
    return ""
