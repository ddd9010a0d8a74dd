"""The graph that computing leaves behind, and the one loop that carries gradients back through it.

A `Node` is one value: where it came from (function, operands) and how a gradient goes on from it
(parents, rules). Operands are always older than results, so the order of creation is a
topological order, and no recursion is needed however deep the graph.

`pull_back` walks from a node to everything it depends on, newest first, yielding each node with
its whole gradient. `gradients` drains it and returns what arrives at the nodes asked for.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import is_array, is_plain
from tinygrad_ce.errors import GradientError, ShapeError
from tinygrad_ce.marks import alike, arrived, begin_backward, end_backward, has_nan
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.support import output

__all__ = [
    "Extras",
    "Hook",
    "Node",
    "as_gradient",
    "extras_of",
    "gradients",
    "order",
    "pull_back",
    "release",
    "tick",
]

tick = count().__next__


class Node:
    """One value of the graph.

    Attributes:
        value: the array.
        number: when it was made; a leaf whose value is replaced gets a new one.
        requires_grad: whether gradients flow to it or through it.
        grad: the gradient that `backward()` collected, or None.
        primitive: what made it; None where nothing did.
        operands: the arguments as they were given, Nodes among them.
        args: the same as plain values.
        parameters: keyword arguments.
        parents: the operands that gradients flow to, none for a leaf; None once the graph was
            released.
        rules: the rule of each parent.
        locks: what keeps the arrays it needs from being changed.
        extras: what few nodes have, or None.
    """

    __slots__ = (
        "__weakref__", "args", "extras", "grad", "locks", "number", "operands", "parameters",
        "parents", "primitive", "requires_grad", "rules", "value",
    )  # fmt: skip

    value: Any
    number: int
    requires_grad: bool
    grad: Any
    primitive: Any  # a Primitive, or None
    operands: Any
    args: Any
    parameters: Any
    parents: tuple[Node, ...] | None
    rules: tuple[Any, ...]
    locks: Any
    extras: Extras | None


class Extras:
    """What few nodes have.

    Attributes:
        keeps_grad: whether `backward()` stores the gradient here although it is no leaf.
        hooks: functions that are shown the gradient, and may replace it.
        aside: (primitive, args, node) where a step was fused past the node: it is shown its
            gradient, which has gone on already.
        place: the file and line that it comes from, or None.
    """

    __slots__ = ("aside", "hooks", "keeps_grad", "place")

    def __init__(self) -> None:
        self.keeps_grad = False
        self.hooks: list[Hook] = []
        self.aside: Any = None
        self.place: tuple[str, int] | None = None


def extras_of(node: Node) -> Extras:
    """The extras of a node, made where it has none."""
    found = node.extras
    if found is None:
        found = node.extras = Extras()
    return found


class Hook:
    """A function in the list of those that are shown a gradient, until it is removed."""

    __slots__ = ("function", "hooks")

    def __init__(self, hooks: list[Hook], function: Callable[[Any], Any]) -> None:
        self.hooks, self.function = hooks, function
        hooks.append(self)

    def remove(self) -> None:
        if self in self.hooks:
            self.hooks.remove(self)


def order(root: Node, since: int = 0) -> list[Node]:
    """Everything that root depends on and that is not older than `since`, newest first."""
    seen = {root}
    found = [root]
    add, append = seen.add, found.append
    for node in found:  # grows while it is walked
        parents = node.parents
        if parents is None:
            raise GradientError(
                "the graph behind this tensor was released by an earlier backward()",
                "a graph serves one backward pass unless it is retained",
                "pass retain_graph=True to the earlier one, or compute the value anew",
            )
        for parent in parents:
            if parent not in seen and parent.number >= since:
                add(parent)
                append(parent)
            if parent.number > node.number:
                raise GradientError(
                    "a leaf was given new data after it was used",
                    "gradients are taken at the values that the graph was computed with",
                    "call backward() before you update a parameter, or compute the value anew",
                )
        if node.extras is not None and node.extras.aside is not None:
            past = node.extras.aside[2]
            if past not in seen and past.number >= since:
                add(past)
                append(past)
    found.sort(key=attrgetter("number"), reverse=True)
    return found


def pull_back(
    root: Node,
    gradient: Any,
    *,
    since: int = 0,
    record: bool = False,
    reached: dict[Node, tuple[Any, list[Any]]] | None = None,
    probe: bool = False,
    changed: set[Node] | None = None,
    nodes: list[Node] | None = None,
    passed: list[tuple[Node, Node, Any]] | None = None,
) -> Iterator[tuple[Node, Any]]:
    """Yield every node that root depends on with its gradient, newest first.

    Args:
        root: the node to start from.
        gradient: the gradient that arrives at it, of its shape.
        since: nodes numbered lower are left out.
        record: let the rules see the nodes, so that the gradients are recorded themselves;
            otherwise they see plain values.
        reached: for each node where a gradient arrives at all, and where one goes on to each of
            its parents; elsewhere it is 0.
        probe: the gradient is nan everywhere, to find out where one arrives, and `reached` is
            filled.
        changed: the nodes whose hooks changed the gradient; filled, and read when probing: what
            they put in its place may be other than 0 anywhere.
        nodes: `order(root, since)`, where the caller has it.
        passed: filled with (node, parent, what goes on from the one to the other), in the order
            in which the gradients are added up; what a node is only shown as well.
    """
    waiting: dict[Node, Any] = {root: gradient}
    shown: dict[Node, Any] = {}
    take, arrived = waiting.pop, waiting.get
    for node in order(root, since) if nodes is None else nodes:
        g, extras = take(node, None), node.extras
        if extras is not None:
            if g is not None and extras.hooks:
                if not probe:
                    arriving, g = g, _hooked(g, extras.hooks, node.value)
                    if changed is not None and g is not arriving:
                        changed.add(node)
                elif changed and node in changed:
                    g = np.full_like(g, np.nan)
            extra = shown.pop(node, None)
            if extra is not None:
                yield node, extra if g is None else g + extra
            elif g is not None:
                yield node, g
        elif g is not None:
            yield node, g
        if g is None or not node.parents:
            continue
        args, y, parameters, primitive = node.args, node.value, node.parameters, node.primitive
        if type(g) is Several:
            g = _complete(g, y)
        if record:
            args, y = _seen(node), _several(node) if type(y) is Several else node
        parents, rules = node.parents, node.rules
        if extras is not None and extras.aside is not None:
            past = extras.aside[2]
            if past.number >= since and past.extras is not None and past.extras.hooks:
                primitive, parents, rules, args = _two_steps(extras.aside, record)
            else:
                r = _show(shown, extras.aside, y, g, record)
                if passed is not None:
                    passed.append((node, past, r))
        if reached is not None:
            here, onward = reached.setdefault(node, (_is_nan(g), [])) if probe else reached[node]
            known = iter(onward)
        # A call that spreads a tuple costs a third more; most functions have one or two operands.
        short = 0 if parameters else len(args)
        for parent, rule in zip(parents, rules):
            if parent.number < since:
                continue
            if reached is not None and hasattr(rule, "within"):
                rule = rule.within(here, probe)  # a rule that walks through a graph of its own
            if short == 2:
                r = rule(g, y, args[0], args[1])
            elif short == 1:
                r = rule(g, y, args[0])
            else:
                r = rule(g, y, *args, **parameters)
            x = parent.value
            try:
                fits = r.shape == x.shape and r.dtype is x.dtype
            except AttributeError:
                r, fits = as_gradient(r, primitive), False
            if reached is not None and primitive.elementwise and r.shape == getattr(g, "shape", 0):
                r = np.where(here, r, 0.0)
            if not fits:
                r = primitive.fit(r, x)
            if probe:
                onward.append(_is_nan(r))
            elif reached is not None:
                r = _masked(r, next(known))
            if passed is not None:
                passed.append((node, parent, r))
            before = arrived(parent)
            waiting[parent] = r if before is None else before + r


def as_gradient(r: Any, primitive: Any) -> Any:
    """What a rule returned as an array: Python's numbers have neither shape nor dtype."""
    if not isinstance(r, numbers.Number):
        raise GradientError(
            f"a rule of {primitive.name} returned {r!r:.80}",
            "a rule returns the gradient by its operand, an array of its shape",
            "return np.zeros_like of the operand, or write None in the rule's place",
        )
    return np.asarray(r)[()]


def _several(node: Node) -> Several:
    """The results of a function with several, as nodes."""
    return Several(output(node, i) for i in range(len(node.value)))


def _parts(g: Any) -> list[Any]:
    """The arrays of a gradient: one, or those of several results that a gradient arrived at."""
    several = [part for part in g if part is not None] if type(g) is Several else [g]
    return [getattr(part, "value", part) for part in several]


def _complete(g: Several, y: Several) -> Several:
    """Zeros where no gradient arrived."""
    return Several(np.zeros_like(b) if a is None else a for a, b in zip(g, y, strict=True))


def _is_nan(g: Any) -> Any:
    return Several(map(_is_nan, g)) if type(g) is Several else None if g is None else np.isnan(g)


def _masked(g: Any, reached: Any) -> Any:
    """The gradient where one arrives at all, 0 elsewhere."""
    if type(g) is Several:
        return Several(
            None if a is None or b is None else _masked(a, b)
            for a, b in zip(g, reached, strict=True)
        )
    return np.where(reached, g, 0.0)


def _shielded(g: Any) -> Any:
    """The gradient as hooks see it: others may share its memory, so it cannot be written."""
    if type(g) is np.ndarray:
        g = g.view()
        g.flags.writeable = False
    return g


def _hooked(g: Any, hooks: list[Hook], value: Any) -> Any:
    """The gradient that the hooks, one after the other, let go on."""
    for hook in tuple(hooks):
        changed = hook.function(_shielded(g))
        if changed is None:
            continue
        if np.shape(changed) != value.shape:
            raise ShapeError(
                f"a hook returned a gradient of shape {np.shape(changed)}",
                f"the gradient has the tensor's shape, {value.shape}",
                "return an array of that shape, or None to leave it as it is",
            )
        g = changed if is_array(changed) else np.asarray(changed, value.dtype)[()]
    return g


def _two_steps(aside: Any, record: bool) -> tuple[Any, Any, Any, Any]:
    """What a fused step would have been without: hooks on the node it went past are on the way."""
    primitive, operands, _ = aside
    flowing = [
        (x, rule)
        for x, rule in zip(operands, primitive.rules)
        if rule is not None and isinstance(x, Node) and x.requires_grad
    ]
    args = operands if record else tuple(getattr(x, "value", x) for x in operands)
    return primitive, [x for x, _ in flowing], [rule for _, rule in flowing], args


def _show(shown: dict[Node, Any], aside: Any, y: Any, g: Any, record: bool) -> Any:
    """The gradient of the node that a fused step went past, to be looked at only."""
    primitive, operands, past = aside
    values = operands if record else [getattr(x, "value", x) for x in operands]
    rule = primitive.rules[next(i for i, x in enumerate(operands) if x is past)]
    r = primitive.fit(rule(g, y, *values), past.value)
    shown[past] = r if past not in shown else shown[past] + r
    return r


def _seen(node: Node) -> Any:
    """The operands themselves, which must still have the values the graph was computed with."""
    pairs = list(zip(node.operands, node.args, strict=True))
    for operand, arg in pairs:  # grows by the operands that come as a list
        if type(operand) is list:
            pairs += zip(operand, arg, strict=True)
        elif isinstance(operand, Node) and operand.value is not arg:
            same = operand.value.shape == arg.shape and np.array_equal(
                operand.value, arg, equal_nan=True
            )
            if not same:
                raise GradientError(
                    "a leaf was changed after it was used",
                    "gradients are taken at the values that the graph was computed with",
                    "compute the value anew",
                )
    return node.operands


def gradients(
    root: Node,
    gradient: Any,
    wanted: Collection[Node] | None = None,
    *,
    since: int = 0,
    record: bool = False,
    asked: Any = None,
    probe: bool = False,
    nodes: list[Node] | None = None,
    passed: list[tuple[Node, Node, Any]] | None = None,
) -> dict[Node, Any]:
    """The gradients that arrive at the nodes wanted, as arrays of their own shape and memory.

    Without `wanted`, those of the leaves and of the nodes that keep their gradient.

    Where the arithmetic made a nan, a branch that was not taken may have answered a zero gradient
    with 0/0. So the pass is repeated with the question where a gradient arrives at all: a nan sent
    from the root, where the gradient is not 0, gets to exactly those entries that it depends on.

    Inside a larger graph a gradient of 0 may have been computed: there `asked` says where one
    arrives at the root. With `probe` the gradient is nan or 0 by the larger graph's own question,
    and so is what is returned. `passed` is as for `pull_back`.
    """
    nodes = order(root, since) if nodes is None else nodes
    if wanted is None:
        wanted = {
            node
            for node in nodes
            if not node.parents or (node.extras is not None and node.extras.keeps_grad)
        }
    changed: set[Node] = set()
    walk = partial(pull_back, root, since=since, nodes=nodes, changed=changed, passed=passed)
    with np.errstate(all="ignore"):
        if probe:
            marked = walk(gradient, probe=True, reached={})
            return {node: g for node, g in marked if node in wanted}
        listens = not is_plain(root.value)
        if listens:
            begin_backward(root.value)
            if not isinstance(gradient, Node):
                gradient = alike(gradient, root.value)
        found = {node: g for node, g in _told(walk(gradient, record=record), listens)
                 if node in wanted}  # fmt: skip
        if listens:
            end_backward(root.value)
        if any(has_nan(part) for g in found.values() for part in _parts(g)):
            # A node may stand for any gradient, as in jvp, whose first one is 0.
            if asked is None:
                asked = True if isinstance(gradient, Node) else np.not_equal(gradient, 0)
            nan = np.where(asked, np.full_like(root.value, np.nan), 0)[()]
            reached: dict[Node, Any] = {}
            for _ in walk(nan, probe=True, reached=reached):
                pass
            if passed is not None:
                passed.clear()
            again = walk(gradient, record=record, reached=reached)
            found = {node: g for node, g in again if node in wanted}
    return _owned(found, gradient)


def _owned(found: dict[Node, Any], seed: Any) -> dict[Node, Any]:
    """Gradients that share memory with nothing; numbers, where they have no axes."""
    handed = {id(seed)}
    for node, g in found.items():
        if type(g) is np.ndarray:
            if not g.ndim:
                found[node] = g[()]
            elif g.base is not None or id(g) in handed or not g.flags.writeable:
                found[node] = g.copy()
            else:
                handed.add(id(g))
    return found


def _told(walk: Iterator[tuple[Node, Any]], listens: bool) -> Iterator[tuple[Node, Any]]:
    """The same walk; arrays that listen are told which gradient is whose."""
    if not listens:
        return walk
    pairs = list(walk)
    for node, g in pairs:
        if type(g) is not Several:
            arrived(g.value if isinstance(g, Node) else g, node.value)
    return iter(pairs)


def release(nodes: list[Node]) -> None:
    """Let go of the graph of these nodes, and of the arrays it holds."""
    for node in nodes:
        if node.parents:
            node.parents = node.locks = node.extras = None
            node.operands = node.args = node.rules = ()
