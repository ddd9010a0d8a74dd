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

from collections.abc import Mapping
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_ce.errors import GradientError
from tinygrad_ce.graph import Node, extras_of, gradients, order
from tinygrad_ce.options import instance
from tinygrad_ce.pictures.naming import found_names, run_named, users_frame
from tinygrad_ce.pictures.parts import Arrival, Edge, Scene, Step, Vertex
from tinygrad_ce.tensor import Tensor

__all__ = ["Arrival", "Edge", "Scene", "Step", "Vertex", "look"]


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
    if names is not None:
        instance("names", names, Mapping, "it is a dict of tensors by name", 'pass {"w": w}')
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
    lambdas = [n.primitive.function for n in nodes if n.parents and n.primitive.name == "<lambda>"]
    found_outside = found_names([*rest, *bases, *lambdas], frame or users_frame())
    named = {**inside, **found_outside, **named}
    called = {id(f): named.get(id(f), "λ") for f in lambdas}
    del kept
    for x in rest:
        if isinstance(x, np.ndarray) and id(x) not in named and id(x.base) in named:
            named[id(x)] = f"{named[id(x.base)]}[…]"  # a part of what has a name
    vertices = _vertices(things, named, found)
    scene = Scene(vertices, seed, called)
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
            onward = {e.target.group for e in vertex.uses}
            if len(onward) == 1 and onward <= {e.source.group for e in vertex.operands}:
                vertex.group = onward.pop()


def _owner(name: str) -> str:
    """What an attribute belongs to: `model.layers[0]` for `model.layers[0].weight`."""
    owner, _, attribute = name.rpartition(".")
    return owner if attribute.isidentifier() and owner != "self" else ""
