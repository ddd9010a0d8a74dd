"""checkpoint: a function whose graph is forgotten, and computed anew when gradients pass.

The memory of a chain of blocks is then that of one block and the values between them, for the time
of one more forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from tinygrad_ce.arguments import carries
from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.errors import GradientError
from tinygrad_ce.graph import gradients, order, tick
from tinygrad_ce.locks import lock
from tinygrad_ce.mode import Mode, recording
from tinygrad_ce.options import function
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.support import output
from tinygrad_ce.rules.table import Primitive
from tinygrad_ce.tensor import Tensor, apply, recorded
from tinygrad_ce.trees import flatten

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """f with the same value and gradients, of which only arguments and results are remembered.

    f takes and returns arrays or trees of arrays. Tensors that it uses without being given them get
    their gradients too. It must return the same again: draw random numbers outside.

    Raises:
        GradientError: at the backward pass, if f does not return the same.

    >>> import tinygrad_ce as tg
    >>> block = checkpoint(lambda x: np.tanh(np.sin(x)) ** 2)
    >>> float(tg.grad(block)(0.5)) == float(tg.grad(lambda x: np.tanh(np.sin(x)) ** 2)(0.5))
    True
    """

    function("f", f)

    @wraps(f)
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        if not recording():
            return f(*args, **kwargs)
        leaves, arguments = flatten((args, kwargs))

        def run() -> tuple[int, list[Any], Any]:
            """The results of f, their structure, and the number all nodes of this run exceed."""
            since = tick()
            positional, named = arguments.build([_renewed(leaf) for leaf in leaves])
            results, structure = flatten(f(*positional, **named))
            results = [_renewed(y) if _is_older(y, since) else y for y in results]
            return since, results, structure

        since, results, structure = run()
        live = [y for y in results if carries(y)]
        if not live:
            return structure.build(results)
        values = [y.value for y in live]
        # Whatever is older than this run: the arguments, and what f uses besides.
        nodes = [node for y in live for node in order(y, since)]
        older = [p for node in nodes for p in node.parents or () if p.number < since]
        sources = list(dict.fromkeys(older))

        def rule(g: Any, y: Any, given: Any, asked: Any = None, probe: bool = False) -> Several:
            record, start = isinstance(given, Tensor), tick()
            mirrors = {source: _mirror(source) for source in sources}
            with Mode(True):
                since, results, _ = run()
            total = Several([None] * len(sources))
            again, asked = filter(carries, results), asked or [True] * len(values)
            for z, value, gz, part in zip(again, values, g, asked, strict=True):
                _check_same(z.value, value)
                within = [(node, node.parents or ()) for node in order(z, since)]
                for node, parents in within:
                    node.parents = tuple(mirrors.get(p, p) for p in parents)
                with Mode(record):
                    found = gradients(
                        z, gz, set(mirrors.values()),
                        since=start, record=record, asked=part, probe=probe,
                    )  # fmt: skip
                for node, parents in within:  # gradients of these gradients go the whole way
                    node.parents = parents
                total += Several(found.get(mirror) for mirror in mirrors.values())
            return total

        rule.within = lambda asked, probe: partial(rule, asked=asked, probe=probe)  # type: ignore[attr-defined]
        bundle = _node(gathered, sources, sources, [_picked(i) for i in range(len(sources))])
        node = _node(f, values, [bundle], [rule])
        node.locks = [lock(leaf) for leaf in leaves if type(leaf) is np.ndarray]
        outputs = iter([output(node, i) for i in range(len(live))])
        return structure.build([next(outputs) if carries(y) else y for y in results])

    return forgetful


def _is_older(x: Any, since: int) -> bool:
    return isinstance(x, Tensor) and x.number < since


def _renewed(x: Any) -> Any:
    """A variable as a node of this run, so that f may return it as it is."""
    return apply(np.positive, (x,), {}) if carries(x) else x


def _mirror(source: Any) -> Tensor:
    """A leaf in the place of a node that the run leads to, where its gradient stops."""
    leaf: Tensor = source.detach()
    leaf.requires_grad = True
    return leaf


@dispatched
def _check_same(found: Any, expected: Any) -> None:
    if not np.array_equal(found, expected, equal_nan=True):
        raise GradientError(
            "a checkpointed function returned something else the second time",
            "it is computed once more for its gradient, and must give the same",
            "draw random numbers outside of it, and pass them in",
        )


def _node(function: Any, results: list[Any], parents: list[Any], rules: list[Any]) -> Tensor:
    """A node with several values."""
    value = Several(getattr(x, "value", x) for x in results)
    given, args = tuple(parents), tuple(parent.value for parent in parents)
    primitive = Primitive(function, tuple(rules))
    return recorded(value, primitive, given, args, {}, given, tuple(rules), None)


def gathered(*values: Any) -> Several:
    """The name of a node that holds what a checkpointed function depends on."""
    return Several(values)


def _picked(i: int) -> Callable[..., Any]:
    return lambda g, y, *values: g[i]
