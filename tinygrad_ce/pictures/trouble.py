"""Why is it nan, inf or 0? The first value or gradient of a run that went astray.

`trouble(loss)` looks forward for the first value that turned nan or inf and made the result so,
then backward for the first gradient that turned nan, inf or to an exact 0 and left a leaf with
nothing to learn from. What is infinite on the way and does no harm, as a mask of -inf before a
softmax, is none. Asked about parameters, `trouble(loss, wrt=model)`, it also finds those that
the result does not depend on.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.errors import GradientError
from tinygrad_ce.lines import place_of, source_lines
from tinygrad_ce.pictures.columns import plain
from tinygrad_ce.pictures.evidence import first_index, is_odd, odd_in
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.pictures.reach import asked, why_none, why_unreached
from tinygrad_ce.pictures.reasons import why_leaf, why_odd_value
from tinygrad_ce.pictures.scene import Scene, Vertex, look
from tinygrad_ce.pictures.slopes import why_odd_gradient
from tinygrad_ce.pictures.zeros import heals, held_back, saturates, why_cancelled, why_zero
from tinygrad_ce.record import Record
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.tensor import Tensor

__all__ = ["Trouble", "trouble"]


class Trouble(Record):
    """What went astray first; false where nothing did.

    Attributes:
        kind: "nan", "inf", "zero", or "unreached" where a parameter has no gradient; "" where
            nothing went astray.
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
        if self.kind == "unreached":
            head = f"no gradient arrives at {self.label}"
        elif self.direction == "forward":
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
        return "\n".join(map(plain, rows))


def trouble(
    loss: Any,
    gradient: Any = None,
    *,
    wrt: Any = None,
    names: Mapping[str, Any] | None = None,
) -> Trouble:
    """The first value, or gradient, that turned nan, inf or to an exact 0, and why.

    Args:
        loss: a Tensor that was computed from others that require a gradient; or a function without
            arguments that returns one, which is run, and whose lines are noted.
        gradient: the gradient to begin with, of its shape; 1 everywhere where none is given.
        wrt: what should learn: a tensor, a module, or a tree of tensors. Then those that no
            gradient arrives at are trouble too, and gradients of others are none.
        names: names of tensors, which go before those that are found.

    Returns:
        What prints as an answer, and is false where there is no trouble. It touches no `.grad` and
        keeps the graph. With `source_lines` around the computation it names the line.

    Raises:
        GradientError: the loss requires no gradient, and nothing was asked by; or its graph was
            released.

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
    >>> w = tg.tensor(1.0, requires_grad=True)
    >>> print(trouble(tg.softmax_cross_entropy(z * w.detach(), 0), wrt=[z, w]))
    no gradient arrives at w
      why:    its numbers take part as the constant v1, without the graph: by detach(), .numpy(), \
.data or no_grad
      remedy: compute with the tensor itself
    """
    wanted = None if wrt is None else asked(wrt)
    if isinstance(loss, Tensor) and not loss.requires_grad:
        return _without(wanted)
    if gradient is None and isinstance(loss, Tensor) and is_plain(loss.value) and (
        loss.size != 1 or loss.dtype.kind == "c"
    ):  # fmt: skip
        gradient = np.ones_like(loss.value)
    with np.errstate(all="ignore"):
        with source_lines() if callable(loss) else nullcontext():
            scene = look(loss, gradient, names)
        leaves = [v for v in scene.vertices if v.kind == "parameter"]
        if wanted is not None:
            found = [scene.of(x) for x in wanted.values()]
            leaves = [v for v in found if v is not None]
        return (
            _forward(scene)
            or _backward(scene, leaves)
            or _unreached(scene, wanted or {})
            or _zero(scene, leaves)
            or _partly(scene)
            or (Trouble(steps=len(scene.vertices)))
        )


def _without(wanted: dict[str, Any] | None) -> Trouble:
    """The answer for a result that requires no gradient."""
    if not wanted:
        raise GradientError(
            "trouble was looked for in a Tensor that requires no gradient",
            "it is looked for in the graph that computing with parameters leaves behind, which "
            "ends at detach(), no_grad, and functions that are constant between their jumps",
            "make a leaf with requires_grad=True, compute outside no_grad; trouble(loss, "
            "wrt=parameters) says what is wrong with which",
        )
    reason, remedy = why_none(wanted.values())
    return Trouble("unreached", "backward", _listed(wanted), reason=reason, remedy=remedy)


def _unreached(scene: Scene, wanted: dict[str, Any]) -> Trouble | None:
    """What should learn, and no gradient arrives at."""
    if scene.seed is None:
        return None
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, x in wanted.items():
        vertex = scene.of(x)
        if vertex is None or vertex.gradient is None:
            label = name if vertex is None else vertex.label
            reasons.setdefault(why_unreached(x, scene), []).append(label)
    if not reasons:
        return None
    (why, labels), *others = reasons.items()
    told = f"nor at {_listed([x for _, more in others for x in more])}" if others else ""
    return Trouble(
        "unreached", "backward", _listed(labels), size=len(wanted),
        count=sum(map(len, reasons.values())), reason=why[0], remedy=why[1], after=told,
        steps=len(scene.vertices),
    )  # fmt: skip


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
        nan, instead = why_odd_value(later, np.isnan)
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


def _newest(
    scene: Scene, is_bad: Callable[[Any], bool], leaves: Collection[Vertex]
) -> tuple[Vertex | None, list[str]]:
    """Where gradients that are bad at leaves turned so first, and the labels of the leaves."""
    leads: set[Vertex] = set()
    wanted, labels = set(leaves), []
    newest = None
    for vertex in scene.vertices:
        if vertex.gradient is None or not is_bad(vertex.gradient):
            continue
        if vertex in wanted:
            labels.append(vertex.label)
        elif not any(e.gradient is not None and e.source in leads for e in vertex.operands):
            continue
        leads.add(vertex)
        newest = vertex
    return newest, labels


def _backward(scene: Scene, wanted: Collection[Vertex]) -> Trouble | None:
    """The first gradient that is not finite and leaves a leaf with one that is not."""
    vertex, leaves = _newest(scene, is_odd, wanted)
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


def _zero(scene: Scene, wanted: Collection[Vertex]) -> Trouble | None:
    """The first gradient that is 0 throughout and leaves a leaf with nothing else."""
    vertex, leaves = _newest(scene, _is_zero, wanted)
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
    why, zeros = why_zero(edge), heals(edge)
    if zeros:
        told = f"{_listed(leaves)} will not move in this step; {zeros} does, and they from then on"
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
            dead = held_back(edge)
            return _told(
                "backward", edge.source, edge.gradient, vertex, why_zero(edge), "", scene,
                partial(_given, dead), "zero",
            )  # fmt: skip
    return None


def _given(mask: Any, _: Any) -> Any:
    return mask


def _listed(labels: Iterable[str], most: int = 4) -> str:
    names = list(labels)
    if len(names) > most + 1:
        names[most:] = [f"{len(names) - most} more"]
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last
