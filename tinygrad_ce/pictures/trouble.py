"""Why is it nan, inf or 0? The first value or gradient of a run that went astray.

`trouble(loss)` looks forward for the first value that turned nan or inf and made the result so,
then backward for the first gradient that turned nan, inf or to an exact 0 and left a leaf with
nothing to learn from. What is infinite on the way and does no harm, as a mask of -inf before a
softmax, is none.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.lines import place_of
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.reasons import (
    first_index,
    is_odd,
    odd_in,
    saturates,
    why_cancelled,
    why_leaf,
    why_odd_gradient,
    why_odd_value,
    why_zero,
)
from tinygrad_ce.pictures.scene import Edge, Scene, Vertex, look
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.tensor import Tensor

__all__ = ["Trouble", "trouble"]


@dataclass(frozen=True)
class Trouble:
    """What went astray first; false where nothing did.

    Attributes:
        kind: "nan", "inf" or "zero", "" where nothing went astray.
        direction: "forward" or "backward".
        label: what the value is called, that turned or whose gradient did.
        formula: how it was made, forward; backward, of the step that the gradient came through.
        value: its first entry that is nan, inf, or that has gradient 0 where it should not.
        index: the place of that entry.
        count: how many such entries there are.
        size: how many entries there are in all.
        place: file and line of the step, where `source_lines` noted it.
        reason: why, in a sentence.
        remedy: what to do, by name.
        after: what came of it, in a sentence, or "".
        steps: how many values were looked at.
    """

    kind: str = ""
    direction: str = ""
    label: str = ""
    formula: str = ""
    value: Any = None
    index: tuple[int, ...] | None = None
    count: int = 0
    size: int = 0
    place: tuple[str, int] | None = None
    reason: str = ""
    remedy: str = ""
    after: str = ""
    steps: int = 0

    def __bool__(self) -> bool:
        return bool(self.kind)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if not self:
            return (
                f"no trouble: {self.steps} values and their gradients are finite where it counts, "
                "and no gradient is 0 throughout"
            )
        made = f" = {self.formula}" if self.formula else ""
        if self.direction == "forward":
            head = f"{self.label}{made} turns {number(self.value)}"
        else:
            through = f", on its way back through {self.formula}" if self.formula else ""
            turns = "is exactly 0" if self.kind == "zero" else f"turns {self.kind}"
            head = f"the gradient by {self.label} {turns}{through}"
        rows = [head]
        if self.index is not None:
            at = f"[{', '.join(map(str, self.index))}]" if self.index else ""
            share = f", {self.count} of {self.size} entries" if self.size > 1 else ""
            of = "" if self.direction == "forward" else "gradient of "
            rows.append(f"  where:  {of}{self.label}{at} = {number(self.value)}{share}")
        if self.place is not None:
            file, line = self.place
            text = linecache.getline(file, line).strip()
            rows.append(f"  line:   {file}:{line}" + (f": {text}" if text else ""))
        rows += [f"  why:    {self.reason}", f"  remedy: {self.remedy}"]
        if self.after:
            rows.append(f"  then:   {self.after}")
        return "\n".join(rows)


def trouble(loss: Any, gradient: Any = None) -> Trouble:
    """The first value, or gradient, that turned nan, inf or to an exact 0, and why.

    Args:
        loss: a Tensor that was computed from others that require a gradient.
        gradient: the gradient to begin with, of its shape; 1 everywhere where none is given.

    Returns:
        What prints as an answer, and is false where there is no trouble. It touches no `.grad` and
        keeps the graph. With `source_lines` around the computation it names the line.

    Raises:
        GradientError: the loss requires no gradient, or its graph was released.

    >>> import tinygrad_ce as tg
    >>> z = tg.tensor([0.0, 800.0], requires_grad=True)
    >>> with np.errstate(all="ignore"):
    ...     y = np.exp(z) / np.sum(np.exp(z))
    >>> print(trouble(np.sum(y)))
    v1 = exp(z) turns inf
      where:  v1[1] = inf, 1 of 2 entries
      why:    overflow: z[1] = 800, and float64 ends at 1.798e+308, so exp overflows beyond 709.8
      remedy: use softmax(z), which subtracts the maximum first, and for the loss \
softmax_cross_entropy(z, t)
      then:   y = v1 / v3 turns nan: inf / inf is nan: v1[1] = inf
    >>> bool(trouble(tg.softmax_cross_entropy(z, 0)))
    False
    """
    if (
        gradient is None
        and isinstance(loss, Tensor)
        and is_plain(loss.value)
        and (loss.size != 1 or loss.dtype.kind == "c")
    ):
        gradient = np.ones_like(loss.value)
    with np.errstate(all="ignore"):
        scene = look(loss, gradient)
        return (
            _forward(scene)
            or _backward(scene)
            or _zero(scene)
            or _partly(scene)
            or (Trouble(steps=len(scene.vertices)))
        )


def _forward(scene: Scene) -> Trouble | None:
    """The oldest value that is not finite and made the result so."""
    astray = _behind(scene.root)
    return _turned(astray, scene) if astray else None


def _behind(vertex: Vertex) -> list[Vertex]:
    """The values that are not finite by which this one is not either, oldest first."""
    found = [vertex] if is_odd(vertex.value) else []
    seen = set(found)
    for v in found:  # grows while it is walked
        for edge in v.operands:
            source = edge.source
            if not edge.aside and source not in seen and is_odd(source.value):
                seen.add(source)
                found.append(source)
    return sorted(found, key=lambda v: v.number)


def _turned(astray: list[Vertex], scene: Scene, after: str = "") -> Trouble:
    first = astray[0]
    computed = first.kind == "operation"
    reason, remedy = why_odd_value(first) if computed else why_leaf(first)
    later = next((v for v in astray[1:] if _is_nan(v.value)), None)
    if later is not None and not _is_nan(first.value):
        nan, instead = why_odd_value(later)
        after = after or f"{later.label} = {later.formula} turns nan: {nan}"
        remedy = remedy if computed else instead  # infinite data may have been meant so
    return _told("forward", first, first.value, first, (reason, remedy), after, scene, odd_in)


def _told(
    direction: str, vertex: Vertex, values: Any, step: Vertex, why: tuple[str, str], after: str,
    scene: Scene, mask: Callable[[Any], Any], kind: str = "",
) -> Trouble:  # fmt: skip
    if type(values) is Several:
        values = next(x for x in values if x is not None and mask(x).any())
    where = mask(values)
    index = first_index(where)
    computed = step.kind == "operation"
    return Trouble(
        kind or ("nan" if _is_nan(values) else "inf"), direction, vertex.label,
        step.formula if direction == "forward" or not computed
        else f"{step.label} = {step.formula}",
        np.asarray(values)[index] + 0 if index is not None else None, index,
        int(np.count_nonzero(where)), int(np.size(values)),
        place_of(step.node) if computed and step.node is not None else None,
        *why, after, len(scene.vertices),
    )  # fmt: skip


def _is_nan(x: Any) -> bool:
    parts = [part for part in (x if type(x) is Several else (x,)) if is_plain(part)]
    return any(bool(np.isnan(part).any()) for part in parts if part.dtype.kind in "fc")


def _newest(scene: Scene, is_bad: Callable[[Any], bool]) -> tuple[Vertex | None, list[str]]:
    """Where gradients that are bad at leaves turned so first, and the labels of the leaves."""
    leads: set[Vertex] = set()
    leaves = []
    newest = None
    for vertex in scene.vertices:
        if vertex.gradient is None or not is_bad(vertex.gradient):
            continue
        if vertex.kind == "parameter":
            leaves.append(vertex.label)
        elif not any(e.gradient is not None and e.source in leads for e in vertex.operands):
            continue
        leads.add(vertex)
        newest = vertex
    return newest, leaves


def _backward(scene: Scene) -> Trouble | None:
    """The first gradient that is not finite and leaves a leaf with one that is not."""
    vertex, leaves = _newest(scene, is_odd)
    if vertex is None:
        return None
    told = f"so the gradient by {_listed(leaves)} is not finite, although the result is"
    edge = next((a.edge for a in vertex.arrivals if is_odd(a.added)), None)
    if edge is None:
        why = ("its summands are finite, their sum is not", "scale the loss")
        if vertex is scene.root:
            why = ("the pass began with it", "pass finite numbers as gradient")
        elif vertex.node is not None and vertex.node.extras and vertex.node.extras.hooks:
            why = ("a hook put it there", "look at the function given to register_hook")
        return _told("backward", vertex, vertex.gradient, vertex, why, told, scene, odd_in)
    seen = {edge.source, edge.target, *(e.source for e in edge.target.operands)}
    astray = sorted({v for x in seen for v in _behind(x)}, key=lambda v: v.number)
    if astray:
        after = (
            f"the result is finite, but the gradient by {vertex.label} turns "
            f"{'nan' if _is_nan(vertex.gradient) else 'inf'} on its way back through "
            f"{edge.target.formula}"
        )
        return _turned(astray, scene, after)
    why = why_odd_gradient(edge)
    return _told("backward", vertex, edge.gradient, edge.target, why, told, scene, odd_in)


def _zero(scene: Scene) -> Trouble | None:
    """The first gradient that is 0 throughout and leaves a leaf with nothing else."""
    vertex, leaves = _newest(scene, _is_zero)
    if vertex is None or (vertex is scene.root and not vertex.arrivals):
        return None
    told = f"so {_listed(leaves)} will not move"
    edges = [a.edge for a in vertex.arrivals]
    if not edges or any(not _is_zero(e.gradient) for e in edges):
        return _told(
            "backward", vertex, vertex.gradient, vertex, why_cancelled(vertex), told, scene, _zeros,
            "zero",
        )  # fmt: skip
    edge = next((e for e in edges if not _is_zero(e.target.gradient)), edges[0])
    why = why_zero(edge)
    return _told("backward", vertex, vertex.gradient, edge.target, why, told, scene, _zeros, "zero")


def _zeros(x: Any) -> Any:
    return np.asarray(x) == 0


def _is_zero(x: Any) -> bool:
    if type(x) is Several:
        return all(part is None or _is_zero(part) for part in x)
    return is_plain(x) and x.size > 0 and not np.any(x)


def _partly(scene: Scene) -> Trouble | None:
    """The newest function that lets hardly anything of its gradient through."""
    for vertex in reversed(scene.vertices):
        for edge in vertex.operands:
            if edge.gradient is None or not saturates(edge):
                continue
            dead = _dead(edge)
            return _told(
                "backward", edge.source, edge.gradient, vertex, why_zero(edge), "", scene,
                partial(_given, dead), "zero",
            )  # fmt: skip
    return None


def _dead(edge: Edge) -> Any:
    """Where a gradient came to the target and none goes on to the source."""
    return (edge.gradient == 0) & (edge.target.gradient != 0)


def _given(mask: Any, _: Any) -> Any:
    return mask


def _listed(labels: Iterable[str], most: int = 4) -> str:
    *some, last = list(labels)[: most + 1]
    text = f"{', '.join(some)} and {last}" if some else last
    rest = len(list(labels)) - most - 1
    return f"{text} and {rest} more" if rest > 0 else text
