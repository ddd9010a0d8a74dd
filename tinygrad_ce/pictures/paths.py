"""How much each path through the graph gives to a gradient.

A gradient is a sum over all paths from the result to the variable, each the product of the local
derivatives along it. Here the summands are told apart:

    tg.paths(loss, wrt=y)       # y used three times: three summands, with their routes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_ce.errors import GradientError
from tinygrad_ce.graph import Node, pull_back
from tinygrad_ce.options import count
from tinygrad_ce.pictures.columns import looks, padded, plain
from tinygrad_ce.pictures.numerals import numbers
from tinygrad_ce.pictures.scene import Edge, Scene, Vertex, look
from tinygrad_ce.record import Record
from tinygrad_ce.rules.kinds import Several

__all__ = ["Path", "Paths", "begun", "end_of", "find", "is_hooked", "leading", "paths", "routes"]

_ALL = 500  # paths: of more than that not all are followed, to find the largest
_LONG = 12  # values on a route, to be written in full


class Path(Record, eq=False):
    """One way from a variable to the result.

    Attributes:
        edges: the uses along it, from the variable on.
        share: what it gives to the gradient, of the variable's shape.
    """

    edges: tuple[Edge, ...]
    share: Any

    @property
    def route(self) -> tuple[str, ...]:
        """The labels along it, from the variable to the result."""
        if not self.edges:
            return ()
        return (self.edges[0].source.label, *(edge.target.label for edge in self.edges))


class Paths(Record, eq=False):
    """The summands of a gradient, largest first.

    Attributes:
        name: what the gradient is called, `dE/dy`.
        gradient: the whole of it.
        paths: some or all of the paths.
        count: how many there are.
        rest: what the others give together; None where there are no others.
    """

    name: str
    gradient: Any
    paths: tuple[Path, ...]
    count: int
    rest: Any = None

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        many = f"the sum over {self.count} paths" if self.count != 1 else "one path"
        routes = [_written(path, self.paths) for path in self.paths]
        shares = [numbers(path.share) for path in self.paths]
        if self.rest is not None:
            routes.append(f"the other {self.count - len(self.paths)} together")
            shares.append(numbers(self.rest))
        routes = list(map(plain, routes))
        width = max(map(looks, routes), default=0)
        rows = [f"  {padded(route, width)}  {share}" for route, share in zip(routes, shares)]
        return plain("\n".join([f"{self.name} = {numbers(self.gradient)}, {many}", *rows]))


def _written(path: Path, others: tuple[Path, ...]) -> str:
    """The route; where another has the same one, with the operands that tell them apart."""
    if not path.edges:
        return "itself"
    alike = sum(other.route == path.route for other in others) > 1
    stops = [path.edges[0].source.label]
    for edge in path.edges:
        uses = [e for e in edge.target.operands if e.source is edge.source and not e.aside]
        several = alike and len(uses) > 1
        by = f" (operand {edge.argument or uses.index(edge) + 1})" if several else ""
        stops.append(edge.target.label + by)
    if len(stops) > _LONG:
        half = _LONG // 2
        stops[half:-half] = [f"... {len(stops) - 2 * half} more ..."]
    return " -> ".join(stops)


def paths(
    loss: Any,
    wrt: Any,
    *,
    most: int = 20,
    gradient: Any = None,
    names: Mapping[str, Any] | None = None,
) -> Paths:
    """How much each path from `wrt` to the loss gives to the gradient by it.

    Args:
        loss: a Tensor that was computed from others that require a gradient.
        wrt: a Tensor that it depends on, a leaf or computed.
        most: how many paths to tell apart; the others are told together.
        gradient: the gradient to begin with, of the loss's shape; 1 everywhere where none is given.
        names: names of tensors, which go before those that are found.

    Raises:
        GradientError: the loss requires no gradient, or does not depend on `wrt`, or a hook on the
            way may change gradients.

    >>> import tinygrad_ce as tg
    >>> y = tg.tensor(3.0, requires_grad=True)
    >>> a = y * y
    >>> E = a + 2 * y
    >>> print(paths(E, wrt=y))
    dE/dy = 8, the sum over 3 paths
      y -> a (operand a) -> E  3
      y -> a (operand b) -> E  3
      y -> v2 -> E             2
    """
    most = count("most", most)
    scene = look(loss, begun(loss, gradient), names)
    return find(scene, end_of(scene, wrt), most)


def begun(loss: Any, gradient: Any) -> Any:
    """The gradient to begin with: 1 everywhere where none is given."""
    value = getattr(loss, "value", None)
    if gradient is None and isinstance(value, np.ndarray | np.generic):
        return np.ones_like(value) if getattr(loss, "requires_grad", False) else None
    return gradient


def end_of(scene: Scene, wrt: Any) -> Vertex:
    """The vertex of what a gradient is asked by."""
    vertex = scene.of(wrt)
    if vertex is None or vertex.gradient is None:
        raise GradientError(
            f"a gradient was asked by a {type(wrt).__name__} that it does not flow to",
            "it flows to the tensors that the result was computed from, the very objects",
            "pass one of them, made with requires_grad=True before the result was computed",
        )
    return vertex


def is_hooked(vertex: Vertex) -> bool:
    """Whether a function is shown the gradient there, and may change it."""
    node = vertex.node
    return node is not None and node.extras is not None and bool(node.extras.hooks)


def leading(scene: Scene, end: Vertex) -> dict[Vertex, list[Edge]]:
    """For each value that leads to `end` the edges that do, in the order of its parents."""
    leads: dict[Vertex, list[Edge]] = {end: []}
    for vertex in scene.vertices[end.number + 1 :]:
        edges = [
            e for e in vertex.operands
            if e.source in leads and (e.flows or (e.aside and is_hooked(e.source)))
        ]  # fmt: skip
        ways = [e for e in edges if e.gradient is not None]
        if ways:
            leads[vertex] = sorted(ways, key=lambda e: e.parent or 0)
    return leads


def routes(scene: Scene, end: Vertex) -> int:
    """How many paths lead from the result to `end`."""
    counts: dict[Vertex, int] = {}
    for vertex, edges in leading(scene, end).items():
        counts[vertex] = sum(counts[e.source] for e in edges) if vertex is not end else 1
    return counts.get(scene.root, 0)


def find(scene: Scene, end: Vertex, most: int) -> Paths:
    """The paths from the result to a value; of very many some, else the largest."""
    for vertex in leading(scene, end):
        _refuse_hooks(vertex)
    whole, past = end.gradient, [e for e in end.uses if e.aside]
    count = routes(scene, end) + len(past)
    followed = _follow(scene, leading(scene, end), end)
    found = [path for path, _ in zip(followed, range(_ALL if count <= _ALL else most))]
    if len(past) == 1:  # what went past in a step that was fused: the gradient is shown it
        share = whole if end.flowing is None else whole - end.flowing
        found.append(Path((past[0], *_only_way(scene, past[0].target)), share))
    found.sort(key=lambda path: -_size(path.share))
    found = found[:most]
    name = scene.d(end)
    if len(found) == count:
        return Paths(name, whole, tuple(found), count)
    rest = whole
    for path in found:
        rest = _less(rest, path.share)
    return Paths(name, whole, tuple(found), count, rest)


def _refuse_hooks(vertex: Vertex) -> None:
    if is_hooked(vertex):
        raise GradientError(
            f"a hook stands at {vertex.label}",
            "the share of a path is what the rules along it make of the gradient, and they are "
            "linear, which a hook need not be",
            "take the hook away with its remove()",
        )


def _less(whole: Any, share: Any) -> Any:
    if type(whole) is not Several:
        return whole - share
    return Several(a if b is None else a - b for a, b in zip(whole, share, strict=True))


def _only_way(scene: Scene, vertex: Vertex) -> tuple[Edge, ...]:
    """The edges from a value to the result, as far as there is one way only."""
    way: list[Edge] = []
    while len(uses := [e for e in vertex.uses if e.gradient is not None]) == 1:
        way.append(uses[0])
        vertex = uses[0].target
    return tuple(way)


def _size(x: Any) -> float:
    size = sum(_size(part) for part in x if part is not None) if type(x) is Several else (
        float(np.sum(np.abs(x)))
    )  # fmt: skip
    return size if size == size else np.inf


def _follow(scene: Scene, leads: dict[Vertex, list[Edge]], end: Vertex) -> Iterator[Path]:
    """The paths, one after the other; what several begin with is computed once."""
    waiting: list[tuple[Vertex, tuple[Edge, ...], Any]] = [(scene.root, (), scene.seed)]
    while waiting and scene.root in leads:
        vertex, edges, g = waiting.pop()
        if vertex is end:
            yield Path(edges, g)
            continue
        sent = _sent(vertex, g)
        for edge in reversed(leads[vertex]):
            assert edge.parent is not None
            share = sent[edge.parent]
            waiting.append((edge.source, (edge, *edges), _where_flowing(share, edge.gradient)))


def _sent(vertex: Vertex, g: Any) -> list[Any]:
    """What the engine makes of a gradient at one node, for each of its parents."""
    node = vertex.node
    assert node is not None
    passed: list[tuple[Node, Node, Any]] = []
    with np.errstate(all="ignore"):
        for _ in pull_back(node, g, nodes=[node], passed=passed):
            pass
    flowing = passed[-len(node.parents or ()) :]  # before them stands what a value is only shown
    return [share for _, _, share in flowing]


def _where_flowing(share: Any, whole: Any) -> Any:
    """0 instead of nan where the engine found that nothing flows: in a branch not taken."""
    if type(share) is Several:
        return Several(
            a if a is None or b is None else _where_flowing(a, b) for a, b in zip(share, whole)
        )
    if np.isnan(share).any():
        return np.where(np.isnan(share) & (whole == 0), 0, share).astype(share.dtype)[()]
    return share
