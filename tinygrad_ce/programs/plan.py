"""A program as the fastest NumPy there is for it: buffers made once, results written into them.

The plan is the source of a function that makes a function. The outer one makes the workspace:
buffers, views of them, constants as arrays without axes. The inner one is the program: calls with
`out=`, in place where an operand is not needed any more. What the caller gets is fresh at every
call.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_ce.marks import has_nan
from tinygrad_ce.programs.execute import loaded
from tinygrad_ce.programs.kernels import KERNELS, elementwise
from tinygrad_ce.programs.memory import VIEWS, together
from tinygrad_ce.programs.names import Names
from tinygrad_ce.programs.places import called_by_name, carried
from tinygrad_ce.programs.printing import expression
from tinygrad_ce.programs.program import Line, Program, Value, mapped
from tinygrad_ce.programs.site import Site
from tinygrad_ce.programs.tracer import LookAgain, look_again

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


class _Plan(Site):
    """Plans one program, line after line.

    Attributes:
        arrays: the arrays that are known before the program runs, and stay where they are.
        names: what each Value is called.
        scope: what the source refers to.
    """

    def __init__(
        self, program: Program, given: tuple[Value, ...] = (), around: _Plan | None = None
    ) -> None:
        self.program = program
        self.arrays: dict[Value, Any] = {}
        self.names: dict[Value, str] = {}
        self.scope: dict[str, Any] = around.scope if around else {
            "np": np, "empty": np.empty, "LookAgain": LookAgain, "has_nan": has_nan,
            "vdot": np.vdot, "dot": np.dot, **called_by_name(program),
        }  # fmt: skip
        self.labels: Names = around.labels if around else Names([*self.scope, "n"])
        self.known: dict[Any, str] = {id(x): name for name, x in self.scope.items()}
        self.setup: list[str] = []
        self.body: list[str] = []
        self.looks: list[Line] = []
        self.idle: dict[Any, list[tuple[str, Any]]] = defaultdict(list)
        self.flat: dict[Value, tuple[str, Any]] = {}  # the buffer that was given to a Value
        self.owners: dict[Value, list[Value]] = defaultdict(list)
        self.given = {value: self.labels.of(value) for value in given}
        self.rows = self._rows()
        self.carried = carried(program, self.rows)
        self.roots, self.last = self._lifetimes()
        self.fresh = {self.roots[x] for x in program.outputs if isinstance(x, Value) and x.shape}
        self.position = 0

    def _rows(self) -> dict[Value, tuple[Value, int]]:
        """The Values that are written where np.stack would copy them: the stack, and their row."""
        outputs = {x for x in self.program.outputs if isinstance(x, Value)}
        made = {
            v for line in self.program.lines if line.function not in VIEWS for v in line.results
        }
        free = made - outputs
        found: dict[Value, tuple[Value, int]] = {}
        for line in self.program.lines:
            if line.function is np.stack and line.args[1:] in ((), (0,)) and not line.kwargs:
                for i, x in enumerate(line.args[0]):
                    fits = x in free and x not in found and line.result not in outputs
                    if fits and x.dtype == line.result.dtype and not x.weak:
                        found[x] = (line.result, i)
        return found

    def _lifetimes(self) -> tuple[dict[Value, Value], dict[Value, int]]:
        """What stands for the memory that each Value may lie in, and the last line that looks
        there."""
        groups = [(row, whole) for row, (whole, _) in self.rows.items()]
        roots = together(self.program, [*groups, *self.carried.items()])
        last: dict[Value, int] = {}
        for i, line in enumerate(self.program.lines):
            for value in (*line.operands(), *line.results):
                last[roots[value]] = i
        for x in self.program.outputs:
            if isinstance(x, Value):
                last[roots[x]] = len(self.program.lines)
        return roots, last

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

    # What kernels ask for.

    def nested(self, program: Program, given: tuple[Value, ...]) -> str:
        """The name of a program's plan inside of this one; the last arguments are its results'
        places."""
        self.setup += _Plan(program, given, self).written().split("\n")
        name = self.new("tile")
        self.setup.append(f"{name} = plan_of_{program.name}()")
        return name

    def new(self, stem: str) -> str:
        return self.labels.free(stem)

    def function(self, function: Any, name: str) -> str:
        if id(function) not in self.known:
            self.known[id(function)] = self.labels.free(name)
            self.scope[self.known[id(function)]] = function
        return self.known[id(function)]

    def fresh_name(self, value: Value) -> str:
        self.names[value] = self.labels.of(value)
        return self.names[value]

    def operand(self, x: Any, dtype: Any = None) -> str:
        if isinstance(x, Value):
            return self.names[x]
        if isinstance(x, np.ndarray):
            return self.kept(x)
        return self.kept(np.array(x, dtype))

    def kept(self, x: Any) -> str:
        key = (x.tobytes(), x.dtype, x.shape) if x.size < 64 else id(x)
        if key not in self.known:
            name = self.known[key] = self.labels.free("c1")
            self.scope[name] = x
        return self.known[key]

    def derived(self, value: Value, text: str) -> str:
        if value not in self.arrays:
            name = self.labels.free("w1")
            self.do(f"{name} = {self.names[value]}{text}")
            return name
        key = (self.names[value], text)
        if key not in self.known:
            name = self.known[key] = self.labels.free("w1")
            self.setup.append(f"{name} = {self.names[value]}{text}")
        return self.known[key]

    def is_kept(self, value: Value) -> bool:
        return value in self.arrays

    def out(self, value: Value, in_place_of: Iterable[Any] = ()) -> str | None:
        if value in self.carried:
            return self._become(value, in_place_of)
        if value in self.given:
            self.names[value] = self.given[value]
            return self.names[value]
        if self.roots[value] in self.fresh:
            self.fresh_name(value)
            return None
        if value in self.rows:
            return self._row(value)
        for x in in_place_of:
            if isinstance(x, Value) and self._is_dying(x, value):
                self.flat[value] = self.flat.pop(x)
                self.owners[self.roots[value]].append(value)
                self.arrays[value] = self.arrays[x]
                return self._called(value, self.names[x])
        key = (value.dtype.str, value.size)
        if self.idle[key]:
            flat = self.idle[key].pop()
        else:
            flat = (self.labels.free("b1"), np.empty(value.size, value.dtype))
            self.setup.append(f"{flat[0]} = empty({value.size}, {self._dtype(value.dtype)})")
        name, memory = flat
        shaped = self.known.get((name, value.shape))
        if shaped is None:
            shaped = self.known[name, value.shape] = self.labels.free("b1")
            self.setup.append(f"{shaped} = {name}.reshape({value.shape})")
        self.flat[value], self.arrays[value] = flat, memory.reshape(value.shape)
        self.owners[self.roots[value]].append(value)
        return self._called(value, shaped)

    def _called(self, value: Value, place: str) -> str:
        """The name of a Value that is in a known place: the user's, if there is one."""
        if value.name or (value.of is not None and value.of.name):
            self.setup.append(f"{self.fresh_name(value)} = {place}")
        else:
            self.names[value] = place
        return self.names[value]

    def _become(self, value: Value, in_place_of: Iterable[Any]) -> str | None:
        """The place of what a Value becomes."""
        end = self.carried[value]
        place = self.out(end, in_place_of)
        self.names[value] = self.names[end]
        if end in self.arrays:
            self.arrays[value] = self.arrays[end]
        return place

    def is_carried(self, value: Value) -> bool:
        return value in self.carried

    def _row(self, value: Value) -> str:
        """A row of the stack that a Value will be part of."""
        whole, i = self.rows[value]
        if whole not in self.arrays:
            self.out(whole)
        row = f"[{i}]" if value.ndim else f"[{i}:{i + 1}].reshape(())"
        self.arrays[value] = self.arrays[whole][i : i + 1].reshape(value.shape)
        return self._called(value, self.derived(whole, row))

    def once(self, key: Any, make: Callable[[], str]) -> str:
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]

    def scratch(self, shape: tuple[int, ...], dtype: Any) -> str:
        name = self.labels.free("b1")
        self.setup.append(f"{name} = empty({shape}, {self._dtype(dtype)})")
        return name

    def do(self, row: str) -> None:
        self.body.append(row)

    # The rest.

    def _dtype(self, dtype: Any) -> str:
        return self.function(dtype, f"d_{dtype.name}")

    def _is_dying(self, x: Value, value: Value) -> bool:
        """Whether the memory of x may take the result: nobody looks at it after this line."""
        return (
            x in self.flat
            and self.last[self.roots[x]] == self.position
            and (x.shape, x.dtype) == (value.shape, value.dtype)
        )

    def _let_go(self, line: Line) -> None:
        """Take back the buffers that nobody looks at any more."""
        for root in {self.roots[x] for x in (*line.operands(), *line.results)}:
            if self.last[root] <= self.position:
                for value in self.owners.pop(root, ()):
                    if value in self.flat:
                        flat = self.flat.pop(value)
                        self.idle[flat[1].dtype.str, flat[1].size].append(flat)

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
