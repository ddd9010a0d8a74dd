"""Lines that become one call, and the stacks of arrays that such calls take and give.

Lines may be joined where none needs another's result. `Joined` knows what each line needs, as bits
of an int; it keeps the stacks, and writes the program anew when all is joined.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_ce.programs.program import Line, Program, Value, call, mapped
from tinygrad_ce.programs.stacks import Column, Stack, is_even

__all__ = ["Joined"]


class _Circle(Exception):  # noqa: N818  it is no error
    """Lines that were joined need one another."""


class Joined:
    """A program whose lines are being joined.

    Attributes:
        lines: as they were.
        users: the numbers of the lines that use a Value.
        replaced: the numbers of lines that became part of others.
        rows: the stack that a Value is a row of.
        changed: whether anything was joined.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.lines = program, program.lines
        self.makers = program.makers()
        self.outputs = {x for x in program.outputs if isinstance(x, Value)}
        self.users: dict[Value, list[int]] = {}
        self.replaced: set[int] = set()
        self.changed = False
        self.rows: dict[Value, Stack] = {}
        self._number: dict[Value, int] = {}
        self._needs: list[int] = []  # for each line, the bits of the lines that it needs
        self._parts: dict[Value, tuple[Stack, Value, Value]] = {}  # with the first and last row
        self._before: dict[Line, Line] = {}  # effects keep their order
        bases: dict[Value, dict[int, Value]] = {}
        effect = -1
        for i, line in enumerate(self.lines):
            needed = 0
            for value in dict.fromkeys(line.operands()):
                self.users.setdefault(value, []).append(i)
            needed = self.behind(line.operands())
            if line.effect:
                if effect >= 0:
                    needed |= self._needs[effect] | 1 << effect
                    self._before[line] = self.lines[effect]
                effect = i
            self._needs.append(needed)
            self._number.update((result, i) for result in line.results)
            if line.function is operator.getitem and type(line.args[1]) is int:
                bases.setdefault(line.args[0], {})[line.args[1]] = line.result
        for base, found in bases.items():
            if len(found) > 1 and base.ndim > 1:
                self.now_rows(base, [found.get(i) for i in range(base.shape[0])])

    def number(self, value: Value) -> int:
        """The number of the line that makes a Value; inputs are there before all."""
        return self._number.get(value, -1)

    def behind(self, values: Iterable[Value]) -> int:
        """The bits of the lines that these Values need."""
        bits = 0
        for value in values:
            i = self._number.get(value)
            if i is not None:
                bits |= self._needs[i] | 1 << i
        return bits

    def apart(self, numbers: Iterable[int]) -> list[int]:
        """Those of these lines, in order, that need none of those before and serve none."""
        chosen: list[int] = []
        bits = needed = 0
        for i in numbers:
            if not self._needs[i] & bits and not needed >> i & 1:
                chosen.append(i)
                bits |= 1 << i
                needed |= self._needs[i]
        return chosen

    # Stacks.

    def column(self, values: Sequence[Value], numbers: Iterable[int]) -> Column:
        """Where these Values lie one behind the other, or will, for these lines to take."""
        stack = self.rows.get(values[0]) or self.rows.get(values[-1])
        if stack is not None:
            if is_even(stack, values):
                return Column(values, stack)
            found = self._extension(stack, values, _bits(numbers))
            if found is not None:
                return found
        return Column(values, Stack([]), sum(map(self._is_copied, values)), list(values))

    def _is_copied(self, x: Value) -> bool:
        """Whether a Value cannot be written into a stack where it arises."""
        made = self.makers.get(x)
        direct = made is not None and isinstance(made.function, np.ufunc) and not made.several
        return not direct or x in self.outputs or x in self.rows

    def _extension(self, stack: Stack, values: Sequence[Value], bits: int) -> Column | None:
        inside = [i for i, x in enumerate(values) if x in stack.place]
        a, b = inside[0], inside[-1] + 1
        front, back = list(values[:a]), list(values[b:])
        starts, ends = stack.place[values[a]] == 0, values[b - 1] is stack.members[-1]
        if stack.whole is not None or not is_even(stack, values[a:b], 1):
            return None
        if (front and not starts) or (back and not ends):
            return None
        new = [*front, *back]
        members = [x for x in stack.members if x is not None]
        if any(x in self.rows for x in new) or self.behind(new) & stack.users:
            return None
        if self.behind(members) & bits:
            return None
        return Column(values, stack, sum(map(self._is_copied, new)), front, back)

    def taken(self, column: Column, numbers: Iterable[int]) -> Value:
        """The array that has these rows."""
        stack, values = column.stack, column.values
        new = [*column.front, *column.back]
        if new:
            users = stack.users
            stack.extended(column.front, column.back)
            stack.users = users
            for x in new:
                self.rows.setdefault(x, stack)
        stack.users |= _bits(numbers)
        if stack.whole is None:
            self._lean(stack.users, self.behind(x for x in stack.members if x is not None))
        whole = stack.whole
        if whole is not None and list(values) == stack.members:
            return whole
        key = (stack, values[0], values[-1])
        for part, known in self._parts.items():
            if known == key and part.shape[0] == len(values):
                return part
        part = Value((len(values), *values[0].shape), values[0].dtype)
        self._parts[part] = key
        return part

    def now_rows(self, whole: Value, values: Sequence[Value | None]) -> None:
        """These Values are the rows of an array from now on."""
        stack = Stack(values, whole)
        self.rows.update((x, stack) for x in values if x is not None)

    def _lean(self, users: int, bits: int) -> None:
        """From now on these lines need those of the bits too, and so do those that need them."""
        for i, needed in enumerate(self._needs):
            if users >> i & 1:
                self._needs[i] = needed | bits
            elif needed & users:
                self._needs[i] = needed | bits | users

    def join(self, numbers: Sequence[int], made: Sequence[Line]) -> None:
        """These lines become others, the last of which makes the stack of their results."""
        users = bits = 0
        for i in numbers:
            users |= 1 << i
            bits |= self._needs[i]
        self._lean(users, bits)
        self.replaced.update(numbers)
        self.define(made)
        self.now_rows(made[-1].result, [self.lines[i].result for i in numbers])

    def define(self, made: Iterable[Line]) -> None:
        """Lines that are new, or make anew what others made."""
        self.changed = True
        self.makers.update((line.result, line) for line in made)

    # The program anew.

    def written(self) -> Program:
        """Every line where it stood, new ones where they are first needed.

        The program as it was, if what was joined turns out to wait for itself.
        """
        try:
            return self._written()
        except _Circle:
            return self.program

    def _written(self) -> Program:
        makers, same = self._final()
        wanted = self._wanted(makers)
        lines: dict[Line, None] = {}
        for i, line in enumerate(self.lines):
            used = line.effect or any(result in wanted for result in line.results)
            if used and i not in self.replaced:
                now = makers[line.results[0]] if line.results else line
                for each in self._ordered(now, makers, lines):
                    lines[each] = None
        for x in self.outputs:
            if x in makers:
                for each in self._ordered(makers[x], makers, lines):
                    lines[each] = None
        return self.program.rewritten([_with(line, same) for line in lines], {})

    def _final(self) -> tuple[dict[Value, Line], dict[Value, Value]]:
        """The line that makes each Value, and what parts are which stack as a whole."""
        makers, same = dict(self.makers), {}
        for part, (stack, first, last) in self._parts.items():
            if stack.whole is None:
                line = call(np.stack, list(stack.members), part="backward")
                stack.whole = line.result
                makers[line.result] = line
            a, b = stack.place[first], stack.place[last]
            step = (b - a) // (part.shape[0] - 1) if b != a else 1
            if (a, step, part.shape[0]) == (0, 1, len(stack.members)):
                same[part] = stack.whole
                makers[part] = makers[stack.whole]
                continue
            end = b + step
            cut = slice(a, end if end >= 0 else None, step if step != 1 else None)
            makers[part] = Line((part,), operator.getitem, (stack.whole, cut))
        for x, stack in self.rows.items():
            if self._number.get(x) in self.replaced and stack.whole is not None:
                makers[x] = Line((x,), operator.getitem, (stack.whole, stack.place[x]))
        return makers, same

    def _wanted(self, makers: dict[Value, Line]) -> set[Value]:
        wanted: set[Value] = set()
        waiting = list(self.outputs)
        for line in self.lines:
            waiting += line.operands() if line.effect else ()
        while waiting:
            value = waiting.pop()
            if value not in wanted:
                wanted.add(value)
                waiting += makers[value].operands() if value in makers else ()
        return wanted

    def _ordered(
        self, line: Line, makers: dict[Value, Line], there: dict[Line, None]
    ) -> Iterator[Line]:
        """The line, after those that it needs and that are not there yet."""
        waiting, begun = [line], set[Line]()
        while waiting:
            line = waiting[-1]
            before = [makers[x] for x in line.operands() if x in makers]
            before += [self._before[line]] if line in self._before else []
            missing = [each for each in before if each not in there]
            if missing:
                if line in begun:
                    raise _Circle
                begun.add(line)
                waiting += reversed(missing)
                continue
            waiting.pop()
            if line not in there:
                yield line


def _bits(numbers: Iterable[int]) -> int:
    bits = 0
    for i in numbers:
        bits |= 1 << i
    return bits


def _with(line: Line, same: dict[Value, Any]) -> Line:
    if not any(x in same for x in line.operands()):
        return line
    args = mapped(lambda x: same.get(x, x), line.args)
    return Line(line.results, line.function, args, line.kwargs, line.part, line.effect)
