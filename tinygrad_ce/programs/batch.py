"""What a program computes many times over in small arrays, it computes once, in a large one.

A call costs as much as 2000 entries. Lines that call the same function of different arrays, and do
not need one another, become one call of these arrays stacked; sums of products become one product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.programs.joined import Joined
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.simplify import argument_key
from tinygrad_ce.programs.stacks import Column, fit
from tinygrad_ce.programs.sums import sums_of_products

__all__ = ["batched"]

_FEWEST = 4  # lines that are worth joining
_ROW = 4096  # entries, above which a call is cheap beside its work
_ALL = 1 << 20  # entries, beyond which one large array leaves the cache


def batched(program: Program) -> Program:
    """Join calls of the same function, and sums of products, over the steps of a program.

    >>> import operator
    >>> x = Value((4, 2), np.dtype(float))
    >>> rows = [call(operator.getitem, x, i) for i in range(4)]
    >>> each = [call(np.exp, row.result) for row in rows]
    >>> total = call(np.concatenate, [line.result for line in each])
    >>> before = Program("f", (x,), (*rows, *each, total), (total.result,))
    >>> [line.function.__name__ for line in batched(before).lines]
    ['exp', 'getitem', 'getitem', 'getitem', 'getitem', 'concatenate']
    """
    if len(program.lines) < 2 * _FEWEST:
        return program
    joined = Joined(program)
    for stack in {id(stack): stack for stack in joined.rows.values()}.values():
        _grow(joined, [x for x in stack.members if x is not None])
    sums_of_products(joined)
    for numbers in _alike(joined):
        numbers = joined.apart(i for i in numbers if i not in joined.replaced)
        numbers.sort(key=lambda i: joined.number(joined.lines[i].operands()[0]))
        _grow(joined, _join(joined, numbers))
    return joined.written() if joined.changed else program


def _alike(joined: Joined) -> Iterator[list[int]]:
    """Lines that call the same function of arrays that come from the same functions."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for i, line in enumerate(joined.lines):
        operands = line.operands()
        if not operands or not _may_join(joined, line):
            continue
        origin = tuple(joined.makers[x].function if x in joined.makers else None for x in operands)
        pattern = tuple(map(operands.index, operands))
        w = argument_key(line.args[1]) if line.function is np.matmul else None  # is shared
        groups[_signature(line), origin, pattern, w].append(i)
    return (numbers for numbers in groups.values() if len(numbers) >= _FEWEST)


def _signature(line: Line, row: Value | None = None) -> Any:
    """What lines to be joined have in common; the row is where the arrays of the others are."""
    args = tuple(
        (x is row, x.shape, x.dtype) if isinstance(x, Value) else argument_key(x) for x in line.args
    )
    return line.function, args


def _may_join(joined: Joined, line: Line) -> bool:
    if line.effect or line.several or line.kwargs or not isinstance(line.function, np.ufunc):
        return False
    result = line.result
    return (
        line.function.nout == 1
        and (line.function is np.matmul or (
            line.function.signature is None and result.size <= _ROW))
        and result.ndim > 0 and result.weak is None and result not in joined.outputs
        and result not in joined.rows
    )  # fmt: skip


def _join(joined: Joined, numbers: Sequence[int]) -> list[Value]:
    """The rows that lines become when they are joined; none if that does not pay."""
    lines = [joined.lines[i] for i in numbers]
    if len(lines) < _FEWEST or lines[0].result.size * len(lines) > _ALL:
        return []
    args: list[Any] = []
    columns: dict[tuple[Value, ...], Column] = {}
    for each in zip(*(line.args for line in lines)):
        if all(x is each[0] for x in each) or not isinstance(each[0], Value):
            args.append(each[0])
        elif each[0].weak is None and fit(each) and each[0].ndim == lines[0].result.ndim:
            if each not in columns:
                columns[each] = joined.column(each, numbers)
            args.append(columns[each])
        else:
            return []
    if not columns or 2 * sum(x.copies for x in columns.values()) > len(lines):
        return []
    if lines[0].function is np.matmul and not (
        isinstance(args[0], Column) and isinstance(args[1], Value) and args[1].ndim == 2
    ):
        return []
    wholes = {id(x): joined.taken(x, numbers) for x in columns.values()}
    taken = [wholes.get(id(x), x) for x in args]
    made = _product(*taken) if lines[0].function is np.matmul else [call(lines[0].function, *taken)]
    joined.join(numbers, [_in_part(line, lines[0].part) for line in made])
    return [line.result for line in lines]


def _in_part(line: Line, part: str) -> Line:
    return Line(line.results, line.function, line.args, line.kwargs, part)


def _product(stack: Value, w: Value) -> list[Line]:
    """A stack of matrices times one matrix, as one product."""
    flat = call(np.reshape, stack, (prod(stack.shape[:-1]), stack.shape[-1]))
    product = call(np.matmul, flat.result, w)
    return [flat, product, call(np.reshape, product.result, (*stack.shape[:-1], w.shape[-1]))]


def _grow(joined: Joined, rows: Sequence[Value]) -> None:
    """Join what is computed of each of these rows, and of that again."""
    waiting = [rows]
    while waiting:
        rows = waiting.pop()
        groups: dict[Any, dict[int, int]] = defaultdict(dict)
        for j, row in enumerate(rows):
            for i in joined.users.get(row, ()):
                if i not in joined.replaced and _may_join(joined, joined.lines[i]):
                    groups[_signature(joined.lines[i], row)].setdefault(j, i)
        for found in groups.values():
            numbers = [i for i in found.values() if i not in joined.replaced]
            whole = max(found) - min(found) + 1 == len(numbers)
            if whole and joined.apart(numbers) == numbers:
                made = _join(joined, numbers)
                waiting += [made] if made else []
