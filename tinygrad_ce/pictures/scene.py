"""What there is to tell about one run: its values, how each was made, and how gradients went back.

A `Scene` is read off the graph behind a result, and is all that pictures, the player and the walk
in words know of it:

    scene = look(loss)            # runs the graph's one backward loop; touches no .grad
    scene.vertices                # every value, oldest first: labels, formulas, numbers, gradients
    vertex.operands               # the edges from what it was made of
    vertex.uses                   # the edges to what was made of it
    edge.gradient                 # what went back along this edge
    edge.local, edge.formula      # dy/dx as an expression; what went back, as an expression
    scene.steps                   # the walk: every value computed, then every gradient taken on
    vertex.arrivals               # a gradient as it grew: before, added, after
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_ce.errors import GradientError
from tinygrad_ce.graph import Node, extras_of, gradients, order
from tinygrad_ce.pictures.formula import local, operation, passed_on
from tinygrad_ce.pictures.naming import found_names, run_named, users_frame
from tinygrad_ce.pictures.numerals import number
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.tensor import Tensor

__all__ = ["Arrival", "Edge", "Scene", "Step", "Vertex", "look"]


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
        return self._written(
            lambda node, i, _, s: passed_on(node, i, s.numeral, _bracketed(target.flowing))
        )

    def _written(self, write: Callable[[Node, int, Any, Scene], str | None]) -> str | None:
        node, scene = self.target.node, self.target.scene
        if node is None or scene is None or self.parent is None:
            return None
        return write(node, self.parent, scene.label, scene)


@dataclass(frozen=True)
class Arrival:
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


@dataclass(frozen=True)
class Step:
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
    """

    def __init__(self, vertices: list[Vertex], seed: Any) -> None:
        self.vertices, self.seed = vertices, seed
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
        vertex = self._by_id.get(id(thing))
        return vertex.label if vertex is not None else _bracketed(getattr(thing, "value", thing))

    def numeral(self, thing: Any) -> str:
        """The number that something is, in brackets where it is negative."""
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


def look(
    result: Any,
    gradient: Any = None,
    names: Mapping[str, Any] | None = None,
    frame: FrameType | None = None,
) -> Scene:
    """The scene of the run behind a result. Hooks are called, as by `backward()`.

    Args:
        result: a Tensor that was computed from others that require a gradient; or a function
            without arguments that returns one, which is run, and whose variables, and those of
            the functions that it calls, give names too.
        gradient: the gradient to begin with, of the result's shape; 1 for a scalar. Without one
            the scene of a result that is no scalar has no gradients.
        names: names of tensors and arrays, which go before those that are found.
        frame: whose variables give names; that of the caller outside of this package's pictures.

    Raises:
        GradientError: the result requires no gradient, or its graph was released.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> scene = look(y + x)
    >>> [(v.label, v.formula, float(v.gradient)) for v in scene.vertices]
    [('x', '', 7.0), ('y', 'x * x', 1.0), ('v2', 'y + x', 1.0)]
    >>> [(float(a.added), float(a.after)) for a in scene.of(x).arrivals]
    [(1.0, 1.0), (3.0, 4.0), (3.0, 7.0)]
    """
    inside: dict[int, str] = {}
    kept: list[Any] = []  # so that no other thing gets the id of one that has a name
    if callable(result):
        result, inside, kept = run_named(result)
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise GradientError(
            f"a picture was asked of a {type(result).__name__} that requires no gradient",
            "what is drawn is the graph that computing with variables leaves behind",
            "make a leaf with requires_grad=True, and compute outside no_grad",
        )
    nodes = order(result)
    seed = None
    if gradient is not None or (result.size == 1 and result.dtype.kind != "c"):
        seed = result._seed(gradient)
        for node in nodes:  # a value that a fused step went past is shown its gradient
            if node.extras is not None and node.extras.aside is not None:
                extras_of(node.extras.aside[2])
    passed: list[tuple[Node, Node, Any]] = []
    found: dict[Node, Any] = {}
    if seed is not None:
        found = gradients(result, seed, set(nodes), nodes=nodes, passed=passed)
    things = _things(nodes[::-1])
    named = {id(x): name for name, x in (names or {}).items()}
    rest = [x for x in things if id(x) not in named]
    bases = [x.base for x in rest if isinstance(x, np.ndarray) and x.base is not None]
    found_outside = found_names([*rest, *bases], frame or users_frame())
    named = {**inside, **found_outside, **named}
    del kept
    for x in rest:
        if isinstance(x, np.ndarray) and id(x) not in named and id(x.base) in named:
            named[id(x)] = f"{named[id(x.base)]}[…]"  # a part of what has a name
    vertices = _vertices(things, named, found)
    scene = Scene(vertices, seed)
    for vertex in vertices:
        _join(vertex, scene)
    _fill(scene, passed)
    _grouped(vertices)
    return scene


def _things(nodes: list[Node]) -> list[Any]:
    """The nodes, oldest first, and before each the constants that it is the first to use."""
    known = {id(node) for node in nodes}
    found: list[Any] = []
    for node in nodes:
        for _, operand in _operands(node):
            if id(operand) not in known:
                known.add(id(operand))
                found.append(operand)
        found.append(node)
    return found


def _operands(node: Node) -> list[tuple[int, Any]]:
    """The operands that are values of their own, tensors and arrays with axes, with their places;
    those in a list have the list's place."""
    found = []
    stack = [*enumerate(node.operands), *((-1, x) for x in node.parameters.values())][::-1]
    while stack:
        place, x = stack.pop()
        if isinstance(x, Node) or (isinstance(x, np.ndarray) and x.ndim):
            found.append((place, x))
        elif type(x) in (tuple, list):
            stack += [(place, item) for item in reversed(x)]
    return found


def _vertices(things: list[Any], named: dict[int, str], found: dict[Node, Any]) -> list[Vertex]:
    taken = set(named.values())
    used: set[str] = set()
    vertices = []
    for i, x in enumerate(things):
        name = named.get(id(x), "")
        kind = "input" if name else "constant"
        if isinstance(x, Node) and x.requires_grad:
            kind = "operation" if x.parents else "parameter"
        label = name or f"v{i}"
        while label in used or (not name and label in taken):
            label += "′"
        used.add(label)
        value = x.value if isinstance(x, Node) else x
        gradient = found.get(x) if isinstance(x, Node) else None
        vertices.append(Vertex(i, x, kind, name, label, value, gradient))
    return vertices


def _join(vertex: Vertex, scene: Scene) -> None:
    """The edges to a vertex; those along which gradients flow know which parent they are of."""
    node = vertex.node
    if node is None or vertex.kind != "operation":
        return
    parents, rules, names = node.parents or (), node.primitive.rules, node.primitive.operands
    made = 0
    for place, operand in _operands(node):
        source = scene.of(operand)
        assert source is not None
        edge = Edge(source, vertex, names[place] if 0 <= place < len(names) else "")
        fixed = 0 <= place < len(rules) and rules[place] is None
        if made < len(parents) and parents[made] is operand and not fixed:
            edge.parent, made = made, made + 1
        _add(edge)
    if node.extras is not None and node.extras.aside is not None:
        past = scene.of(node.extras.aside[2])
        if past is not None:
            _add(Edge(past, vertex, aside=True))


def _add(edge: Edge) -> None:
    edge.target.operands.append(edge)
    edge.source.uses.append(edge)


def _fill(scene: Scene, passed: list[tuple[Node, Node, Any]]) -> None:
    """Say of each gradient that went from a node to a parent along which edge it went."""
    for turn, (node, parent, gradient) in enumerate(passed):
        target, source = scene.of(node), scene.of(parent)
        if target is None or source is None:
            continue
        for edge in target.operands:
            if edge.source is source and edge.gradient is None and (edge.flows or edge.aside):
                edge.gradient, edge.turn = gradient, turn
                break
    for edge in scene.edges:  # a step that was gone past is only shown its gradient
        source = edge.source
        if edge.aside and edge.gradient is None and len(source.uses) == 1:
            edge.gradient, edge.turn = source.gradient, len(passed)


def _grouped(vertices: list[Vertex]) -> None:
    """Vertices by the object that their parameters belong to, and what lies between two of one."""
    for vertex in vertices:
        if vertex.kind == "parameter":
            vertex.group = _owner(vertex.name)
    for vertex in vertices:
        owners = {e.source.group for e in vertex.operands if e.source.kind == "parameter"}
        if len(owners) == 1:
            vertex.group = owners.pop()
    for vertex in vertices:
        if vertex.kind == "operation" and not vertex.group and vertex.uses:
            around = {e.target.group for e in vertex.uses} | {
                e.source.group for e in vertex.operands if e.source.kind == "operation"
            }
            if len(around) == 1:
                vertex.group = around.pop()


def _owner(name: str) -> str:
    """What an attribute belongs to: `model.layers[0]` for `model.layers[0].weight`."""
    owner, _, attribute = name.rpartition(".")
    return owner if attribute.isidentifier() and owner != "self" else ""
