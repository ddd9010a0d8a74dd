"""Who is to blame: the steps of a program, each rule held against its own step.

The program runs once on Tensors, and `lines` notes the line of the user's code that each step comes
from. Then every step is checked by itself, on the values that it saw: its function against its
rules, entry by entry where it is small, and for every step along random directions with random
gradients and with the gradient that really arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_ce.errors import Error
from tinygrad_ce.graph import order, pull_back
from tinygrad_ce.lines import Place, watched
from tinygrad_ce.mode import Mode
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.support import output
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.testing.diagnosis import diagnose
from tinygrad_ce.testing.report import ORDER, WRONG, Verdicts
from tinygrad_ce.testing.steps import Check, Step, differentiated, together, variables
from tinygrad_ce.trees import flatten

__all__ = ["culprits", "how"]

NEGLIGIBLE = 1e-9  # of a step's derivatives: where it is ill-conditioned its witness may err so far
ALONE = 2  # steps of one line
TOGETHER = 10**6  # entries of operands, 1000 for each step at least


def culprits(
    check: Check,
    f: Callable[..., Any],
    args: tuple[Any, ...],
    numbers: tuple[int, ...],
    everything: bool = False,
) -> tuple[str, ...]:
    """A sentence for each operand of each step of f(*args) whose rule is wrong, oldest first.

    Args:
        check: what holds a function against its pull-back: gradcheck, which in turn asks here who
            is to blame.
        f: the program.
        args: the point.
        numbers: the arguments that gradients flow to.
        everything: whether to check what the result does not depend on, too: the steps of a
            function whose gradient f returns.
    """
    places: dict[Any, Place | None] = {}
    with watched(places.__setitem__, culprits.__code__), Mode(True):
        result = f(*variables(args, numbers))
    roots = [y for y in flatten(result)[0] if isinstance(y, Tensor) and y.requires_grad]
    nodes, arrived = _steps(roots, places, everything)
    repeated: dict[Any, list[Any]] = {}
    for node in nodes:
        repeated.setdefault((node.primitive.function, places.get(node)), []).append(node)
    found: list[tuple[int, str]] = []
    for (_, place), steps in repeated.items():
        called = f", called at {place[0]}:{place[1]}" if place else ""
        for node in _suspects(check, steps, arrived):
            faults = _faults(check, node, arrived.get(node))
            for operand, text in faults.items():
                head = f"the rule of {node.primitive.name}, operand {operand}"
                found.append((node.number, f"{head}{called}, {text}"))
            if faults:
                break
    return tuple(text for _, text in sorted(found, key=lambda pair: pair[0]))


def _suspects(check: Check, nodes: list[Any], arrived: dict[Any, Any]) -> Iterator[Any]:
    """The steps of one line to check one by one: of a long loop the first, and any that stands out.

    The others are looked at together, along one random direction each.
    """
    yield from nodes[:ALONE]
    rest = nodes[ALONE:]
    entries = sum(x.size for x in Step(nodes[0]).values)
    count = max(1, TOGETHER // max(entries, 1000))
    for start in range(0, len(rest), count):
        some = rest[start : start + count]
        with suppress(Exception), np.errstate(all="ignore"):
            right = together([Step(node) for node in some], [arrived.get(n) for n in some])
            some = [node for node, is_right in zip(some, right, strict=True) if not is_right]
        yield from some


def _steps(
    roots: list[Any], places: dict[Any, Any], everything: bool
) -> tuple[list[Any], dict[Any, Any]]:
    """The steps that have rules in the table, oldest first, and the gradients that arrive at them.

    A node without an entry there is a checkpoint: what it computed is among what was watched.
    """
    reached = {node for root in roots for node in order(root) if node.primitive is not None}
    if everything or not all(map(_is_listed, reached)):
        reached |= places.keys()
    arrived: dict[Any, Any] = {}
    for root in roots:
        seed = np.random.default_rng(0).uniform(0.5, 1.5, root.shape).astype(root.dtype)[()]
        with suppress(Exception), np.errstate(all="ignore"):  # of a rule that is to be found
            arrived.update(pull_back(root, seed))
    kept = [x for x in reached if x.parents]  # the others' graph was released meanwhile
    steps = [x for x in kept if _is_listed(x) and x.primitive is not TABLE[output]]
    return sorted(steps, key=lambda node: node.number), arrived


def _is_listed(node: Any) -> bool:
    return TABLE.get(node.primitive.function) is node.primitive


def _faults(check: Check, node: Any, arrived: Any) -> dict[str, str]:
    """How the rules of a node are wrong, by the label of the operand."""
    step = Step(node)
    found: dict[str, str] = {}
    with np.errstate(all="ignore"):
        try:
            step.pull([np.ones_like(step.parts[i]) for i in step.live])
        except Exception:
            return _failures(step)
        for by_entry in (True, False):
            if found or not step.operands or (by_entry and not step.is_small):
                continue
            with suppress(Error, ArithmeticError, ValueError, TypeError):  # of the witness
                report = step.entries(check) if by_entry else step.directions(check, arrived)
                for part in report.parts:
                    if text := how(part, by_entry):
                        found.setdefault(step.names[part.comparison.argument], text)
    return found


def _failures(step: Step) -> dict[str, str]:
    """The rules that raise an error, with the error."""
    g = [np.ones_like(part) for part in step.parts]
    found = {}
    for operand in step.operands:
        try:
            differentiated(step.node, operand, Several(g) if step.several else g[0][()])
        except Exception as error:
            found[operand.label] = f"raises {type(error).__name__}: {error}"
    return found


def how(part: Verdicts, entries: bool) -> str | None:
    """How a rule is wrong, as the end of a sentence that begins with it; None if it is right."""
    c = part.comparison
    if part.worst != WRONG:
        return None
    off = np.where(part.codes == ORDER.index(WRONG), np.abs(c.found - c.expected), 0)
    off = np.where(np.isnan(off), np.inf, off)
    largest = [float(np.max(np.abs(a), initial=0)) for a in (c.expected, c.output, c.value)]
    if np.max(off) <= NEGLIGIBLE * (largest[0] + largest[1] / (largest[2] or 1)):
        return None
    sure = c.judged & np.isfinite(c.expected)
    e, r, allowed = c.expected[sure], c.found[sure], c.tolerance[sure]
    size = float(np.vdot(e, e).real)
    if size:
        factor = float(np.vdot(e, r).real) / size
        if np.all(np.abs(r - factor * e) <= 4 * (1 + abs(factor)) * allowed):
            of = f" of its result {c.result}" if c.result else ""
            return f"gives {_digits(factor)} times the derivative{of}"
    if entries and (said := diagnose(c)):
        return f"is wrong: {said}".rstrip(".")
    at = np.unravel_index(np.argmax(off), off.shape)
    if entries:
        index = ", ".join(str(int(i)) for i in at[c.output.ndim :])
        there = f", at {c.argument}[{index}]" if index else ""
        return f"gives {c.found[at]:.6g} where the derivative is {c.expected[at]:.6g}{there}"
    return f"is off by {off[at]:.2e} along directions with derivatives up to {largest[0]:.2e}"


def _digits(factor: float) -> str:
    """Three decimals, or as many as tell it from 1.

    >>> _digits(2.0), _digits(1.000001)
    ('2.000', '1.00000100')
    """
    off = abs(factor - 1)
    places = 3 if off > 5e-3 or not off else 2 + round(-np.log10(off))
    return f"{factor:.{places}f}"
