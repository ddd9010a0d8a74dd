"""Passes that make a program shorter and keep what it computes.

Each takes a Program and returns one. `simplify` runs them to the point where nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.debugging import show
from tinygrad_ce.programs.effects import DRAWS, look_again
from tinygrad_ce.programs.identities import RULES
from tinygrad_ce.programs.patterns import Makers, Rewriting, Rule
from tinygrad_ce.programs.program import Line, Pass, Program, Value, call, mapped
from tinygrad_ce.rules.support import masked, ratio, weigh
from tinygrad_ce.targets import check_distribution

__all__ = [
    "SIMPLIFY",
    "argument_key",
    "common",
    "dead",
    "expand",
    "identities",
    "readable",
    "replaced",
    "simplify",
]

Watch: TypeAlias = Callable[[Rule, Line, list[Line], Any], None]


def dead(program: Program) -> Program:
    """Drop lines whose results nobody uses.

    >>> before = Program("f", (), (call(np.sin, 1.0),), (2.0,))
    >>> len(dead(before).lines)
    0
    """
    wanted = {output for output in program.outputs if isinstance(output, Value)}
    kept = []
    for line in reversed(program.lines):
        if line.effect or not wanted.isdisjoint(line.results):
            kept.append(line)
            wanted.update(line.operands())
    return program.rewritten(kept[::-1], {})


def common(program: Program) -> Program:
    """Compute once what several lines compute: the same function of the same arguments.

    >>> x = Value((), np.dtype(float))
    >>> a, b = call(np.sin, x), call(np.sin, x)
    >>> total = call(np.add, a.result, b.result)
    >>> len(common(Program("f", (x,), (a, b, total), (total.result,))).lines)
    2
    """
    known: dict[Value, Any] = {}
    seen: dict[Any, Line] = {}
    lines = []
    for line in program.lines:
        line = _with_known(line, known)
        if line.effect and (line.function in DRAWS or line.function is show):
            lines.append(line)
            continue
        key = (line.function, argument_key(line.args), argument_key(dict(line.kwargs)))
        first = seen.setdefault(key, line)
        if first is line:
            lines.append(line)
        for old, new in zip(line.results, first.results):
            if old is not new:
                known[old] = _named_after(new, old)
    return program.rewritten(lines, known)


def argument_key(x: Any) -> Any:
    """What is equal for arguments that mean the same; arrays are the same if they are one."""
    kind = type(x)
    if kind is Value:
        return x
    if kind is tuple or kind is list:
        return (kind, *map(argument_key, x))
    if isinstance(x, dict):
        return tuple((k, argument_key(v)) for k, v in x.items())
    if isinstance(x, slice):
        return (slice, argument_key(x.start), argument_key(x.stop), argument_key(x.step))
    if isinstance(x, float | complex | np.generic):
        return (type(x), repr(x))
    if isinstance(x, np.ndarray) or not x.__hash__:
        return id(x)
    return (type(x), x)


def expand(program: Program) -> Program:
    """Write the small functions of ours as NumPy: ratio(x, y) as np.where(x == 0, 0.0, x / y).

    In the backward part only, where no warning is given anyway.

    >>> x = Value((2,), np.dtype(float))
    >>> line = call(ratio, x, x, part="backward")
    >>> [made.function.__name__ for made in expand(Program("f", (x,), (line,), ())).lines]
    ['equal', 'divide', 'where']
    """
    return replaced(program, _written_out)


def replaced(program: Program, change: Callable[[Line], Rewriting | None]) -> Program:
    """The program with other lines for those for which `change` has some, and with their result."""
    lines: list[Line] = []
    known: dict[Value, Any] = {}
    for line in program.lines:
        line = _with_known(line, known)
        found = change(line)
        if found is None:
            lines.append(line)
        else:
            lines += found[0]
            known[line.result] = _named_after(found[1], line.result)
    return program.rewritten(lines, {old: _resolved(new, known) for old, new in known.items()})


def _written_out(line: Line) -> Rewriting | None:
    if line.part != "backward" or line.function not in (ratio, weigh, masked):
        return None
    if line.result.dtype.kind not in "fc":
        return None
    a, b = line.args
    made = partial(call, part=line.part)
    if line.function is masked:
        chosen = made(np.where, b, a, 0.0)
        return [chosen], chosen.result
    term = made(np.divide if line.function is ratio else np.multiply, a, b)
    nothing = made(np.equal, a, 0)
    chosen = made(np.where, nothing.result, 0.0, term.result)
    return [nothing, term, chosen], chosen.result


def identities(
    program: Program, rules: Iterable[Rule] = RULES, watch: Watch | None = None
) -> Program:
    """Apply what is always true: x * 1 is x, -(-x) is x; the list is in `identities.py`.

    >>> x = Value((2,), np.dtype(float))
    >>> twice = call(np.negative, x)
    >>> line = call(np.negative, twice.result)
    >>> identities(Program("f", (x,), (twice, line), (line.result,))).outputs[0] is x
    True
    """
    rules = tuple(rules)
    by_function: dict[Any, list[Rule]] = {}
    everywhere = [rule for rule in rules if not rule.functions]
    for rule in rules:
        for function in rule.functions:
            by_function.setdefault(function, [*everywhere]).append(rule)
    known: dict[Value, Any] = {}
    makers = Makers()
    lines: list[Line] = []
    applied: dict[str, None] = {}

    def place(line: Line) -> None:
        """Add a line, or what rules make of it, and of that again."""
        line = _with_known(line, known)
        if line.function is look_again and not line.operands():
            return
        around = _around(line, makers) if watch is None else None
        if around is not None and line.__dict__.get("_settled") == (rules, around):
            lines.append(line)
            makers.update((result, line) for result in line.results)
            return
        for rule in by_function.get(line.function, everywhere):
            found = rule.apply(line, makers)
            if found is None:
                continue
            applied[rule.name] = None
            if watch is not None:
                watch(rule, line, *found)
            for made in found[0]:
                place(made)
            result = _resolved(found[1], known)
            known[line.result] = _named_after(result, line.result)
            return
        line.__dict__["_settled"] = (rules, around)
        lines.append(line)
        makers.update((result, line) for result in line.results)
        if line.function is check_distribution:
            makers.facts.add((line.function, *line.args))

    for line in program.lines:
        place(line)
    log = [name for name in applied if name not in program.log]
    outputs = {old: _resolved(new, known) for old, new in known.items()}
    return program.rewritten(lines, outputs, *log)


def _around(line: Line, makers: Makers) -> list[Any] | None:
    """What rules look at beside a line: where that is as it was, they find what they found."""
    if makers.facts or line.effect:
        return None
    first = [makers.get(x) for x in line.operands()]
    return first + [makers.get(x) for made in first if made for x in made.operands()]


def _with_known(line: Line, known: dict[Value, Any]) -> Line:
    """The line with what takes the place of its operands."""
    if not known or known.keys().isdisjoint(line.operands()):
        return line
    change = partial(_resolved, known=known)
    args, kwargs = mapped(change, line.args), mapped(change, dict(line.kwargs))
    return Line(line.results, line.function, args, kwargs, line.part, line.effect, line.several)


def _resolved(x: Any, known: dict[Value, Any]) -> Any:
    while isinstance(x, Value) and x in known:
        x = known[x]
    return x


def _named_after(new: Any, old: Value) -> Any:
    """The new Value, which keeps the old one's name if it has none of its own."""
    if isinstance(new, Value):
        new.name = new.name or old.name
        old.name = new.name
        new.of = new.of or old.of
    return new


def _until_nothing_changes(passes: Iterable[Pass], program: Program) -> Program:
    before = None
    while before is None or not _is_equal(before, program):
        before = program
        for each in passes:
            program = each(program)
    return program


def _is_equal(a: Program, b: Program) -> bool:
    return len(a.lines) == len(b.lines) and all(
        x.function is y.function and x.args == y.args
        for x, y in zip(a.lines, b.lines)
        if not any(isinstance(arg, np.ndarray) for arg in (*x.args, *y.args))
    )


SIMPLIFY: tuple[Pass, ...] = (dead, identities, common, dead)


def simplify(program: Program, passes: Iterable[Pass] = SIMPLIFY) -> Program:
    """The passes, again and again until nothing changes."""
    return _until_nothing_changes(passes, program)


def readable(program: Program, passes: Iterable[Pass] = SIMPLIFY) -> Program:
    """A simplified program as a person would write it: small functions of ours as NumPy."""
    return _until_nothing_changes(passes, expand(program))
