"""The boxes of a picture and the lines between them: one a value, one for many repeated steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from tinygrad_ce.pictures.numerals import numbers, shape_of
from tinygrad_ce.pictures.scene import Scene, Vertex
from tinygrad_ce.pictures.wording import word
from tinygrad_ce.record import Record

__all__ = ["Box", "Drawing", "Join", "drawing", "repeats", "shortened"]

MANY = 40  # operations that are drawn one by one
_LONGEST = 200  # steps in a block that is looked for
_LONG = 8  # steps in a block that is folded where it stands twice
_WIDE = 38  # characters in a row


class Box(Record):
    """One box.

    Attributes:
        kind: as of a Vertex; "result" for the last, "repeated" for steps folded together.
        head: the first row: what it is, how it was made.
        value: the second: shape and numbers, or "".
        gradient: the third, or "".
        tip: everything in full, for whoever points at it.
        group: the object it belongs to, or "".
        members: the numbers of its vertices.
    """

    kind: str
    head: str
    value: str
    gradient: str
    tip: str
    group: str
    members: tuple[int, ...]


class Join(Record):
    """One line, between boxes by their places; `kind` is "flow", "still" or "aside"."""

    source: int
    target: int
    kind: str
    times: int = 1


class Drawing(Record):
    """Boxes, oldest first, and what joins them."""

    title: str
    boxes: tuple[Box, ...]
    joins: tuple[Join, ...]


def drawing(scene: Scene, collapse: bool | None = None, values: bool = True) -> Drawing:
    """The boxes of a scene.

    Args:
        scene: the run.
        collapse: whether steps that repeat are folded into one box; None where they are many.
        values: whether numbers are written into the boxes.
    """
    steps = [v for v in scene.vertices if v.kind == "operation"]
    if collapse is None:
        collapse = len(steps) > MANY
    folds = _folds(steps) if collapse else []
    home: dict[int, int] = {}  # vertex -> which fold
    for k, (members, _) in enumerate(folds):
        home.update((v.number, k) for v in members)
    boxes: list[Box] = []
    at: dict[int, int] = {}  # vertex -> which box
    last = {k: max(v.number for v in members) for k, (members, _) in enumerate(folds)}
    for vertex in scene.vertices:
        fold = home.get(vertex.number)
        if fold is None:
            at[vertex.number] = len(boxes)
            boxes.append(_box(vertex, scene, values))
        elif vertex.number == last[fold]:
            members, times = folds[fold]
            at.update((v.number, len(boxes)) for v in members)
            boxes.append(_folded(members, times))
    found: Counter[tuple[int, int, str]] = Counter()
    for edge in scene.edges:
        a, b = at[edge.source.number], at[edge.target.number]
        if a != b:
            kind = "aside" if edge.aside else "flow" if edge.flows else "still"
            found[a, b, kind] += 1
    boxes, found = _in_order(boxes, found)
    joins = tuple(Join(a, b, kind, times) for (a, b, kind), times in found.items())
    return Drawing(scene.root.label, tuple(boxes), joins)


def _in_order(
    boxes: list[Box], found: Counter[tuple[int, int, str]]
) -> tuple[list[Box], Counter[tuple[int, int, str]]]:
    """Boxes so that lines run from earlier to later: a fold is as old as its oldest step."""
    waits = Counter(b for _, b, _ in found)
    users: dict[int, list[int]] = {}
    for a, b, _ in found:
        users.setdefault(a, []).append(b)
    ready = [i for i in range(len(boxes)) if not waits[i]]
    order = []
    for i in ready:  # grows while it is walked
        order.append(i)
        for b in users.get(i, ()):
            waits[b] -= 1
            if not waits[b]:
                ready.append(b)
    at = {i: k for k, i in enumerate(order)}
    moved = Counter({(at[a], at[b], kind): n for (a, b, kind), n in found.items()})
    return [boxes[i] for i in order], moved


def _box(vertex: Vertex, scene: Scene, values: bool) -> Box:
    head = f"{vertex.label} = {vertex.formula}" if vertex.formula else vertex.label
    value = described(vertex) if values else ""
    gradient = ""
    if values and vertex.gradient is not None and vertex is not scene.root:
        gradient = f"∂ {_fitting(vertex.gradient)}"
    tip = [head, f"{vertex.kind}: {described(vertex, 24)}"]
    if vertex.gradient is not None:
        tip.append(f"{scene.d(vertex)} = {numbers(vertex.gradient, 24)}")
    if vertex.group:
        tip.append(f"of {vertex.group}")
    kind = "result" if vertex is scene.root and vertex.kind == "operation" else vertex.kind
    return Box(kind, shortened(head), shortened(value), shortened(gradient), "\n".join(tip),
               vertex.group, (vertex.number,))  # fmt: skip


def described(vertex: Vertex, most: int | None = None) -> str:
    """Shape, dtype where it is not the usual one, and numbers."""
    shape, dtype = shape_of(vertex.value), getattr(vertex.value, "dtype", None)
    parts = [str(shape)] if shape else []
    if dtype is not None and dtype not in (np.float64, np.int64):
        parts.append(str(dtype))
    parts.append(numbers(vertex.value, most) if most else _fitting(vertex.value))
    return " ".join(parts)


def _fitting(x: object) -> str:
    """As many numbers as a row has room for."""
    text = numbers(x, mean=False)
    return text if len(text) <= _WIDE - 8 else numbers(x, 1, mean=False)


def shortened(text: str, width: int = _WIDE) -> str:
    """The text in one row, cut where it is too long; what cannot be printed is replaced.

    >>> shortened("a" * 50, 5)
    'aaaa…'
    """
    text = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return text if len(text) <= width else text[: width - 1] + "…"


def _folds(steps: list[Vertex]) -> list[tuple[list[Vertex], int]]:
    """What is drawn as one box: of each repetition all blocks but the first; and how many."""
    known: dict[object, int] = {}
    codes = [known.setdefault(_signature(v), len(known)) for v in steps[:-1]]
    found = []
    for start, length, times in repeats(codes):
        inside = steps[start + length : start + times * length]
        numbers_inside = {v.number for v in inside}
        sources = {e.source.number: e.source for v in inside for e in v.operands}
        own = [
            s for s in sources.values()
            if s.kind != "operation" and {e.target.number for e in s.uses} <= numbers_inside
        ]  # fmt: skip
        found.append((inside + own, times - 1))
    return found


def _signature(vertex: Vertex) -> object:
    operands = tuple(
        (e.source.kind.replace("input", "constant"), shape_of(e.source.value), e.flows)
        for e in vertex.operands
    )
    return vertex.function, shape_of(vertex.value), operands


def repeats(codes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Where a block stands several times on end: (start, its length, how often).

    A long one twice or more, a short one three times; where blocks have blocks inside, those of
    the first are found too.

    >>> repeats([9, 1, 2, 1, 2, 1, 2, 1, 2, 1, 7])
    [(1, 2, 4)]
    """
    found: list[tuple[int, int, int]] = []
    stack = [(0, len(codes))]
    whole = np.asarray(codes)
    while stack:
        start, stop = stack.pop()
        best = _best(whole[start:stop])
        if best is not None:
            at, length, times = start + best[0], best[1], best[2]
            found.append((at, length, times))
            stack += [(start, at), (at, at + length), (at + length * times, stop)]
    return sorted(found)


def _best(codes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[int, int, int] | None:
    """The repetition that saves most."""
    best, most = None, 2
    for length in range(1, min(_LONGEST, len(codes) // 2) + 1):
        same = np.concatenate([[False], codes[:-length] == codes[length:], [False]])
        ends = np.flatnonzero(same[1:] != same[:-1]).reshape(-1, 2)
        if not len(ends):
            continue
        start, stop = ends[np.argmax(ends[:, 1] - ends[:, 0])]
        times = (stop - start) // length + 1
        saved = (times - 1) * length - 1
        if (times >= 3 or (times == 2 and length >= _LONG)) and saved > most:
            best, most = (int(start), length, int(times)), saved
    return best


def _word(vertex: Vertex) -> str:
    """The user's word for the function that made it."""
    function = vertex.node.primitive.function if vertex.node is not None else None
    called = vertex.scene.called if vertex.scene is not None else {}
    return called.get(id(function)) or word(function, vertex.function)


def _folded(members: Iterable[Vertex], times: int) -> Box:
    vertices = sorted(members, key=lambda v: v.number)
    steps = [v for v in vertices if v.kind == "operation"]
    block = steps[: len(steps) // times]
    functions = ", ".join(_word(v) for v in block)
    count = Counter(v.kind for v in vertices if v.kind != "operation")
    kept = ", ".join(f"{n} {kind}{'s' * (n > 1)}" for kind, n in count.items())
    size = f"{len(block)} steps" if len(block) > 1 else "step"
    head = f"{times} more of the same {size}"
    first, last = steps[0].label, steps[-1].label
    tip = "\n".join([head, functions, f"{first} … {last}", *([kept] if kept else [])])
    numbers_inside = tuple(v.number for v in vertices)
    return Box("repeated", head, shortened(functions), shortened(kept), tip, "", numbers_inside)
