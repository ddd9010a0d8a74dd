"""A program as the fastest NumPy there is for it: buffers made once, results written into them.

The plan is the source of a function that makes a function. The outer one makes the workspace:
buffers, views of them, constants as arrays without axes. The inner one is the program: calls with
`out=`, in place where an operand is not needed any more. What the caller gets is fresh at every
call.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.programs.effects import look_again
from tinygrad_ce.programs.execute import loaded
from tinygrad_ce.programs.kernels import KERNELS, elementwise
from tinygrad_ce.programs.memory import VIEWS
from tinygrad_ce.programs.printing import expression
from tinygrad_ce.programs.program import Line, Program, Value, mapped
from tinygrad_ce.programs.workspace import Workspace

__all__ = ["Planned", "planned"]


class Planned:
    """A program that runs in a workspace of its own; calls at the same time have one each.

    Attributes:
        source: the text that runs.
    """

    def __init__(self, make: Callable[[], Callable[..., Any]], source: str) -> None:
        self._make, self.source = make, source
        self._idle = [make()]

    def __call__(self, *inputs: Any) -> Any:
        try:
            run = self._idle.pop()
        except IndexError:
            run = self._make()
        try:
            return run(*inputs)
        finally:
            self._idle.append(run)


def planned(program: Program) -> Planned:
    """The plan of a program, which returns the tuple of its outputs.

    >>> from tinygrad_ce.programs.program import call
    >>> x = Value((3,), np.dtype(float), name="x")
    >>> a = call(np.exp, x)
    >>> b = call(np.sum, a.result)
    >>> run = planned(Program("f", (x,), (a, b), (b.result,)))
    >>> run(np.zeros(3))
    (np.float64(3.0),)
    """
    plan = _Plan(program)
    source = plan.written()
    return Planned(loaded(source, f"plan_of_{program.name}", plan.scope), source)


class _Plan(Workspace):
    """Plans one program, line after line."""

    def __init__(
        self, program: Program, given: tuple[Value, ...] = (), around: _Plan | None = None
    ) -> None:
        super().__init__(program, given, around)
        self.looks: list[Line] = []

    def written(self) -> str:
        """The source."""
        inputs = []
        for value in self.program.inputs:
            self.names[value] = self.labels.of(value)
            inputs.append(self.names[value])
        for i, line in enumerate(self.program.lines):
            self.position = i
            if line.function is look_again:
                self.looks.append(line)
                continue
            self._look()
            self._write(line)
            self._let_go(line)
        self._look()
        outputs = "".join(f"{self._output(x)}, " for x in self.program.outputs)
        return "\n".join([
            f"def plan_of_{self.program.name}():",
            *(f"    {row}" for row in self.setup),
            f"    def run({', '.join([*inputs, *self.given.values()])}):",
            *(f"        {row}" for row in self.body),
            f"        return ({outputs})",
            "    return run",
        ])  # fmt: skip

    def _write(self, line: Line) -> None:
        f = line.function
        kernel = KERNELS.get(f) or KERNELS.get(type(f), elementwise)
        if not self._stack(line) and not self._view(line) and not kernel(self, line):
            self._plainly(line)
        for value in line.results:
            if self.given.get(value, self.names[value]) != self.names[value]:
                self.do(f"{self.function(np.copyto, 'copyto')}({self.given[value]}, "
                        f"{self.names[value]})")  # fmt: skip
                self.names[value] = self.given[value]
                self.arrays.pop(value, None)  # it is a parameter now, unknown before

    def nested(self, program: Program, given: tuple[Value, ...]) -> str:
        """The name of a program's plan inside of this one; the last arguments are its results'
        places."""
        self.setup += _Plan(program, given, self).written().split("\n")
        name = self.new("tile")
        self.setup.append(f"{name} = plan_of_{program.name}()")
        return name

    def _stack(self, line: Line) -> bool:
        """A stack whose rows were written where they belong; others are copied there."""
        parts = line.args[0] if line.function is np.stack else ()
        inside = [
            isinstance(x, Value) and self.rows.get(x) == (line.result, i)
            for i, x in enumerate(parts)
        ]
        if not any(inside) or line.result not in self.arrays:
            return False
        for i, (x, done) in enumerate(zip(parts, inside)):
            if not done or x not in self.arrays:
                copyto = self.function(np.copyto, "copyto")
                self.do(f"{copyto}({self.derived(line.result, f'[{i}:{i + 1}]')}, {self.names[x]})")
        return True

    def _view(self, line: Line) -> bool:
        """A view of what is kept is kept; if NumPy had to copy, it is no view."""
        if line.function not in VIEWS or line.several:
            return False
        x, *rest = line.args
        if not isinstance(x, Value) or any(True for _ in Line((), line.function, tuple(rest),
                                                              line.kwargs).operands()):  # fmt: skip
            return False
        if x not in self.arrays:
            return False
        made = line.function(self.arrays[x], *rest, **line.kwargs)
        if not isinstance(made, np.ndarray) or not (
            np.may_share_memory(made, self.arrays[x]) or not made.size
        ):
            return False
        text = self._text(line)
        name = self.known.get(text)
        if name is None:
            name = self.known[text] = self.labels.free("w1")
            self.setup.append(f"{name} = {text}")
        self.arrays[line.result], self.names[line.result] = made, name
        return True

    def _plainly(self, line: Line) -> None:
        """The call as it is, with a fresh result."""
        text = self._text(line)
        for value in line.results:
            self.fresh_name(value)
        names = ", ".join(self.names[value] for value in line.results)
        comma = "," if line.several and len(line.results) == 1 else ""
        self.do(f"{names}{comma} = {text}" if names else text)

    def _text(self, line: Line) -> str:
        def named(x: Any) -> Any:
            value = Value.like(x)
            self.names[value] = self.kept(x)
            return value

        args = mapped(named, line.args, np.ndarray)
        kwargs = mapped(named, dict(line.kwargs), np.ndarray)
        written = Line(line.results, line.function, args, kwargs)
        return ast.unparse(expression(written, lambda value: ast.Name(self.names[value])))

    def _look(self) -> None:
        """Leave the program if there is a nan in one of those to be looked at."""
        if not self.looks:
            return
        squares = []
        finite = any(len(line.args) > 1 for line in self.looks)
        for value in dict.fromkeys(line.args[0] for line in self.looks):
            name = self.names[value]
            if value.dtype.char not in "fd" or not (value.ndim or value in self.arrays):
                self.do(f"if has_nan({name}): raise LookAgain")
            elif value in self.arrays and self.arrays[value].flags.c_contiguous:
                flat = self.derived(value, ".reshape(-1)") if value.ndim != 1 else name
                squares.append(f"dot({flat}, {flat})")
            else:
                squares.append(f"vdot({name}, {name})")
        if squares:
            self.do(f"n = {' + '.join(squares)}")
            self.do(f"if n {'-' if finite else '!='} n: raise LookAgain")
        self.looks = []

    def _output(self, x: Any) -> str:
        if not isinstance(x, Value):
            return f"{self.kept(x)}.copy()" if isinstance(x, np.ndarray) else self._constant(x)
        return f"{self.names[x]}[()]" if x in self.arrays else self.names[x]

    def _constant(self, x: Any) -> str:
        name = self.labels.free("c1")
        self.scope[name] = x
        return name
