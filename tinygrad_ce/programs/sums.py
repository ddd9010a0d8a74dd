"""Sums of products over the steps of a program as one product, and products over steps as one."""

from __future__ import annotations

import operator
from collections import defaultdict
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.programs.joined import Joined
from tinygrad_ce.programs.patterns import Rewriting
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.simplify import dead, replaced
from tinygrad_ce.programs.stacks import fit

__all__ = ["products_of_rows", "sums_of_products"]

_FEWEST = 4  # terms that are worth it


def sums_of_products(joined: Joined) -> None:
    """a.T @ g + b.T @ h -> concatenate(a, b).T @ concatenate(g, h), and the like for sums.

    The gradient of a matrix that is used at every step is such a sum.
    """
    inner: set[Value] = set()
    found = []
    for line in reversed(joined.lines):
        if line.function is np.add and line.result not in inner and not line.kwargs:
            leaves = _leaves(joined, line, inner)
            if len(leaves) >= _FEWEST:
                groups: dict[Any, list[tuple[Value, ...]]] = defaultdict(list)
                for leaf in leaves:
                    kind, *arrays = _factors(joined, leaf)
                    key = (kind, *((x.shape, x.dtype) for x in arrays))
                    groups[key].append((leaf, *arrays))
                found.append((line, groups))
    found.sort(key=lambda each: min(key[0] for key in each[1]))  # a sum takes the order of products
    for line, groups in found:
        if any(key[0] != _OTHER and len(terms) >= _FEWEST for key, terms in groups.items()):
            _add_up(joined, line, groups)


def _leaves(joined: Joined, root: Line, inner: set[Value]) -> list[Any]:
    """What a tree of additions adds up."""
    leaves: list[Any] = []
    waiting = list(root.args)
    while waiting:
        x = waiting.pop()
        line = joined.makers.get(x) if isinstance(x, Value) else None
        fits = line is not None and line.function is np.add and len(joined.users[x]) == 1
        if fits and x not in joined.outputs and _kind(x) == _kind(root.result):
            inner.add(x)
            waiting += line.args  # type: ignore[union-attr]
        else:
            leaves.append(x)
    return leaves


def _kind(x: Value) -> Any:
    return x.shape, x.dtype, x.weak


_PRODUCT, _SUM, _OTHER = range(3)


def _factors(joined: Joined, leaf: Any) -> tuple[Any, ...]:
    """What kind of term it is, and the arrays that it is computed from."""
    line = joined.makers.get(leaf) if isinstance(leaf, Value) else None
    if line is None or len(joined.users[leaf]) > 1 or leaf in joined.outputs:
        return (_OTHER,)
    if line.function is np.matmul:
        a, g = line.args
        made = joined.makers.get(a) if isinstance(a, Value) and isinstance(g, Value) else None
        plain = made is not None and made.function is np.transpose and len(made.args) == 1
        if plain and isinstance(made.args[0], Value) and not made.kwargs and a.ndim == g.ndim == 2:  # type: ignore[union-attr]
            return _PRODUCT, made.args[0], g  # type: ignore[union-attr]
    if line.function is np.sum and (line.args[1:], line.kwargs) in (((0,), {}), ((), {"axis": 0})):
        (g, *_) = line.args
        if isinstance(g, Value) and g.ndim == 2 and g.dtype == leaf.dtype:
            return _SUM, g
    return (_OTHER,)


def _add_up(joined: Joined, root: Line, groups: dict[Any, list[tuple[Value, ...]]]) -> None:
    terms: list[Any] = []
    lines: list[Line] = []
    for (kind, *_), found in groups.items():
        if kind == _OTHER or len(found) == 1 or not all(map(fit, zip(*found))):
            terms += [leaf for leaf, *_ in found]
            continue
        found.sort(key=lambda each: _order(joined, each[1]))
        number = [joined.number(root.result)]
        wholes = []
        for values in list(zip(*found))[1:]:
            whole = joined.taken(joined.column(values, number), number)
            shape = (prod(whole.shape[:-1]), whole.shape[-1])
            lines.append(call(np.reshape, whole, shape, part=root.part))
            wholes.append(lines[-1].result)
        if kind == _PRODUCT:
            lines.append(call(np.transpose, wholes[0], part=root.part))
            lines.append(call(np.matmul, lines[-1].result, wholes[1], part=root.part))
        else:
            lines.append(call(np.sum, wholes[0], axis=0, part=root.part))
        terms.append(lines[-1].result)
    total, *rest = reversed(terms)
    for x in rest:
        lines.append(call(np.add, total, x, part=root.part))
        total = lines[-1].result
    last = lines.pop()
    joined.define([*lines, Line(root.results, last.function, last.args, last.kwargs, root.part)])


def _order(joined: Joined, x: Value) -> int:
    """The order of terms: as they lie in a stack, or as they are made."""
    stack = joined.rows.get(x)
    return stack.place[x] if stack is not None else joined.number(x)


def products_of_rows(program: Program) -> Program:
    """s[3] * s[2] * s[1] * s[0] -> np.prod(s[::-1], axis=0), which multiplies in the same order.

    >>> s = Value((4, 2), np.dtype(float))
    >>> lines = [call(operator.getitem, s, i) for i in range(4)]
    >>> for i in (1, 2, 3):
    ...     before = lines[0 if i == 1 else -1].result
    ...     lines.append(call(np.multiply, before, lines[i].result))
    >>> after = products_of_rows(Program("f", (s,), tuple(lines), (lines[-1].result,)))
    >>> [line.function.__name__ for line in after.lines]
    ['getitem', 'prod']
    """
    uses, makers = program.uses(), program.makers()
    runs: dict[Value, list[Line]] = {}  # the rows, in the order in which they are multiplied
    for line in program.lines:
        if line.function is not np.multiply or line.kwargs or line.result.dtype.kind != "f":
            continue
        a, b = (_run(x, runs, makers, uses) for x in line.args)
        if (len(a) > 1 and len(b) > 1) or not a or not b:
            continue
        run = [*a, *b] if len(b) == 1 else [*b, *a]
        places = [row.args[1] for row in run[-3:]]
        same = run[-1].args[0] is run[0].args[0] and run[0].result.shape == line.result.shape
        if same and {q - p for p, q in pairwise(places)} in ({1}, {-1}):
            runs[line.result] = run
            for x in line.args:
                runs.pop(x, None)
    long = {x: run for x, run in runs.items() if len(run) >= _FEWEST}

    def multiplied(line: Line) -> Rewriting | None:
        run = long.get(line.results[0]) if line.results else None
        if run is None:
            return None
        whole, first = run[0].args
        step = run[1].args[1] - first
        end = first + step * len(run)
        rows = slice(first, end if end >= 0 else None, step)
        cut = call(operator.getitem, whole, rows, part=line.part)
        product = call(np.prod, cut.result, axis=0, part=line.part)
        return [cut, product], product.result

    return dead(replaced(program, multiplied)) if long else program


def _run(
    x: Any, runs: dict[Value, list[Line]], makers: dict[Value, Line], uses: dict[Value, int]
) -> list[Line]:
    """The rows of a stack that x is the product of."""
    line = makers.get(x) if isinstance(x, Value) else None
    if line is not None and line.function is operator.getitem and type(line.args[1]) is int:
        return [line] if line.args[1] >= 0 and line.result.ndim else []
    return runs.get(x, []) if line is not None and uses[x] == 1 else []
