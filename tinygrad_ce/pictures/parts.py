"""What a scene is made of: vertices, edges, the steps of the walk, and the scene itself.

`scene.py` says what one does with them, and makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_ce.graph import Node
from tinygrad_ce.pictures.formula import local, operation, passed_on
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.record import Record
from tinygrad_ce.rules.kinds import Several

__all__ = ["Arrival", "Edge", "Scene", "Step", "Vertex"]


@dataclass(eq=False)
class Vertex:
    """One value.

    Attributes:
        number: its place among all, from 0, oldest first.
        thing: the node, or an array that took part as it was.
        kind: "parameter" for a leaf that requires a gradient, "input" for a constant that has a
            name, "constant" for one that has none, "operation" for what was computed.
        name: what the user calls it, or "".
        label: the name, or v and its number; no two are alike.
        value: the array; a tuple where a function has several results.
        gradient: of the result by this value; None where none arrived.
        operands: from what it was made of, in the order of the arguments.
        uses: to what was made of it, oldest first.
        group: the module or object that it belongs to, or "".
    """

    number: int
    thing: Any
    kind: str
    name: str
    label: str
    value: Any
    gradient: Any = None
    operands: list[Edge] = field(default_factory=list)
    uses: list[Edge] = field(default_factory=list)
    group: str = ""
    scene: Scene | None = field(default=None, repr=False)

    @property
    def node(self) -> Node | None:
        """The node of the graph, or None for an array that is none."""
        return self.thing if isinstance(self.thing, Node) else None

    @property
    def function(self) -> str:
        """The name of the function that made it, or ""."""
        node = self.node
        return node.primitive.name if self.kind == "operation" and node is not None else ""

    @cached_property
    def formula(self) -> str:
        """How it was made, with the labels of what it was made of; "" for a leaf."""
        if self.kind != "operation" or self.node is None or self.scene is None:
            return ""
        return operation(self.node, self.scene.label)

    @cached_property
    def numeric(self) -> str:
        """The formula with numbers for names, where all of them are single numbers; else ""."""
        if self.kind != "operation" or self.node is None or self.scene is None:
            return ""
        values = [e.source.value for e in self.operands]
        if not all(map(_is_number, values)):
            return ""
        return operation(self.node, self.scene.numeral)

    @property
    def flowing(self) -> Any:
        """What of the gradient goes on from here: not what went past in a step that was fused."""
        ways = [e for e in self.uses if not e.aside and e.gradient is not None]
        if len(ways) == len(self.uses):
            return self.gradient
        total: Any = None
        for edge in sorted(ways, key=lambda e: e.turn):
            total = edge.gradient if total is None else total + edge.gradient
        return total

    @property
    def arrivals(self) -> list[Arrival]:
        """The gradient as it grew, one summand after the other."""
        found: list[Arrival] = []
        before: Any = None
        for edge in sorted(self.uses, key=lambda e: e.turn):
            if edge.gradient is not None:
                after = edge.gradient if before is None else before + edge.gradient
                found.append(Arrival(edge, before, edge.gradient, after))
                before = after
        return found

    def __repr__(self) -> str:
        return f"<{self.kind} {self.label} {self.formula}>"


@dataclass(eq=False)
class Edge:
    """One use of a value as an operand.

    Attributes:
        source: the operand.
        target: what was made of it.
        argument: the operand's name in the rule table, or "".
        parent: which of the target's parents it is, None where no gradient flows.
        gradient: what went back along it, None where nothing did.
        turn: its place in the order in which gradients were added up.
        aside: whether the target was computed in one step that went past the source.
    """

    source: Vertex
    target: Vertex
    argument: str = ""
    parent: int | None = None
    gradient: Any = None
    turn: int = 0
    aside: bool = False

    @property
    def flows(self) -> bool:
        """Whether a gradient can go back along it."""
        return self.parent is not None

    @cached_property
    def local(self) -> str | None:
        """The derivative of the target by the source, `1 / x`, for functions of entries."""
        return self._written(lambda node, i, labels, _: local(node, i, labels))

    @cached_property
    def local_numeric(self) -> str | None:
        """The same with numbers for names, where everything is a single number."""
        if not (_is_number(self.target.value) and self.target.numeric):
            return None
        return self._written(lambda node, i, _, s: local(node, i, s.numeral))

    @cached_property
    def local_value(self) -> Any:
        """The numbers of the derivative of the target by the source; None as in `local`."""
        node = self.target.node
        if node is None or self.parent is None or not node.primitive.elementwise:
            return None
        with np.errstate(all="ignore"):
            one = np.ones_like(node.value)
            return node.rules[self.parent](one, node.value, *node.args, **node.parameters)

    @cached_property
    def formula(self) -> str | None:
        """What went back, by the target's gradient `dL/dy`; None where it cannot be written."""
        return self._written(
            lambda node, i, labels, s: passed_on(node, i, labels, s.d(self.target))
        )

    @cached_property
    def formula_numeric(self) -> str | None:
        """The same with numbers for names, where everything is a single number."""
        target = self.target
        if not (_is_number(target.value) and target.numeric) or target.flowing is None:
            return None
        gradient = _bracketed(target.flowing)
        return self._written(lambda node, i, _, s: passed_on(node, i, s.numeral, gradient))

    def _written(self, write: Callable[[Node, int, Any, Scene], str | None]) -> str | None:
        node, scene = self.target.node, self.target.scene
        if node is None or scene is None or self.parent is None:
            return None
        return write(node, self.parent, scene.label, scene)


class Arrival(Record):
    """One summand of a gradient.

    Attributes:
        edge: the way it came.
        before: the sum until then, or None for the first.
        added: the summand.
        after: the sum then.
    """

    edge: Edge
    before: Any
    added: Any
    after: Any


class Step(Record):
    """One step of the walk.

    Attributes:
        direction: "forward" where a value is computed, "backward" where its whole gradient is
            known and goes on to what it was made of.
        vertex: the value.
        arrived: backward, what its gradient is the sum of.
        sent: backward, what goes on, in the order in which it does.
    """

    direction: str
    vertex: Vertex
    arrived: tuple[Arrival, ...] = ()
    sent: tuple[Arrival, ...] = ()


class Scene:
    """A run: its values and edges, and the walk through it.

    Attributes:
        vertices: every value, oldest first; the result is the last.
        seed: the gradient that the backward pass began with; None where there was none.
        called: what functions without a name of their own are called, by their ids.
    """

    def __init__(self, vertices: list[Vertex], seed: Any, called: dict[int, str]) -> None:
        self.vertices, self.seed, self.called = vertices, seed, called
        self._by_id = {id(v.thing): v for v in vertices}
        for vertex in vertices:
            vertex.scene = self

    @property
    def root(self) -> Vertex:
        """The result."""
        return self.vertices[-1]

    @property
    def edges(self) -> Iterator[Edge]:
        return (edge for vertex in self.vertices for edge in vertex.operands)

    def of(self, thing: Any) -> Vertex | None:
        """The vertex of a Tensor or array."""
        return self._by_id.get(id(thing))

    def label(self, thing: Any) -> str:
        """What something is called; a number is written out."""
        if id(thing) in self.called:
            return self.called[id(thing)]
        vertex = self._by_id.get(id(thing))
        return vertex.label if vertex is not None else _bracketed(getattr(thing, "value", thing))

    def numeral(self, thing: Any) -> str:
        """The number that something is, in brackets where it is negative."""
        if id(thing) in self.called:
            return self.called[id(thing)]
        return _bracketed(getattr(thing, "value", thing))

    def d(self, vertex: Vertex) -> str:
        """What the gradient of a value is called: `dL/dx`."""
        return f"d{self.root.label}/d{vertex.label}"

    @cached_property
    def steps(self) -> list[Step]:
        """Forward through all values, then back through those that a gradient reached."""
        forward = [Step("forward", vertex) for vertex in self.vertices]
        grown = {id(a.edge): a for vertex in self.vertices for a in vertex.arrivals}
        back = []
        for vertex in reversed(self.vertices):
            if vertex.gradient is None:
                continue
            ways = sorted((e for e in vertex.operands if id(e) in grown), key=lambda e: e.turn)
            sent = tuple(grown[id(e)] for e in ways)
            back.append(Step("backward", vertex, tuple(vertex.arrivals), sent))
        return forward + back


def _is_number(x: Any) -> bool:
    return type(x) is not Several and np.ndim(x) == 0


def _bracketed(x: Any) -> str:
    text = number(x) if _is_number(x) else "[…]"
    return f"({text})" if text.startswith("-") or "i" in text.strip("inf") else text
