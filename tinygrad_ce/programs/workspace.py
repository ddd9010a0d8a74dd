"""The memory of a plan: which buffer a result is written into, and what it is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_ce.marks import has_nan
from tinygrad_ce.programs.effects import LookAgain
from tinygrad_ce.programs.memory import lifetimes, together
from tinygrad_ce.programs.names import Names
from tinygrad_ce.programs.places import called_by_name, carried, stacked
from tinygrad_ce.programs.program import Line, Program, Value
from tinygrad_ce.programs.site import Site

__all__ = ["Workspace"]


class Workspace(Site):
    """Where the results of a program's lines go.

    Attributes:
        arrays: the arrays that are known before the program runs, and stay where they are.
        names: what each Value is called.
        scope: what the source refers to.
        setup: the statements that make the workspace.
        body: the statements of the program.
    """

    def __init__(
        self, program: Program, given: tuple[Value, ...] = (), around: Workspace | None = None
    ) -> None:
        self.program = program
        self.arrays: dict[Value, Any] = {}
        self.names: dict[Value, str] = {}
        self.scope: dict[str, Any] = around.scope if around else {
            "np": np, "empty": np.empty, "LookAgain": LookAgain, "has_nan": has_nan,
            "vdot": np.vdot, "dot": np.dot, **called_by_name(program),
        }  # fmt: skip
        self.labels: Names = around.labels if around else Names([*self.scope, "n"])
        self.known: dict[Any, str] = {
            (type(x), x): name
            for name, x in self.scope.items()
            if callable(x) or isinstance(x, np.dtype)
        }
        self.setup: list[str] = []
        self.body: list[str] = []
        self.idle: dict[Any, list[tuple[str, Any]]] = defaultdict(list)
        self.flat: dict[Value, tuple[str, Any]] = {}  # the buffer that was given to a Value
        self.owners: dict[Value, list[Value]] = defaultdict(list)
        # A name of its own: a result that is made anew is called otherwise, and copied there.
        self.given = {value: self.labels.free("to1") for value in given}
        self.rows = stacked(program)
        self.carried = carried(program, self.rows)
        groups = [(row, whole) for row, (whole, _) in self.rows.items()]
        self.roots = together(program, [*groups, *self.carried.items()])
        self.last = lifetimes(program, self.roots)
        self.fresh = {self.roots[x] for x in program.outputs if isinstance(x, Value) and x.shape}
        self.position = 0

    def new(self, stem: str) -> str:
        return self.labels.free(stem)

    def function(self, function: Any, name: str) -> str:
        key = (type(function), function)  # a ufunc's methods are made anew whenever asked for
        if key not in self.known:
            self.known[key] = self.labels.free(name)
            self.scope[self.known[key]] = function
        return self.known[key]

    def fresh_name(self, value: Value) -> str:
        self.names[value] = self.labels.of(value)
        return self.names[value]

    def operand(self, x: Any, dtype: Any = None) -> str:
        if isinstance(x, Value):
            return self.names[x]
        if isinstance(x, np.ndarray):
            return self.kept(x)
        try:
            return self.kept(np.array(x, dtype))
        except OverflowError:  # in a comparison, as of uint8 with 300
            return self.kept(np.array(x))

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
        return value in self.carried and self.carried[value] in self.names

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
