"""`tg.derive`: the gradient of a function as a derivation by hand, every step by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import cache, cached_property
from typing import Any

import numpy as np

from tinygrad_ce.errors import OptionError, TraceError
from tinygrad_ce.options import function, instance, several
from tinygrad_ce.programs.algebra import ALGEBRA
from tinygrad_ce.programs.effects import look_again
from tinygrad_ce.programs.emit import USUAL, body, emit
from tinygrad_ce.programs.execute import executable
from tinygrad_ce.programs.identities import RULES
from tinygrad_ce.programs.latex import aligned
from tinygrad_ce.programs.patterns import Rule
from tinygrad_ce.programs.program import Line, Program, Value
from tinygrad_ce.programs.rows import equations
from tinygrad_ce.programs.simplify import common, dead, expand, identities
from tinygrad_ce.programs.trace import is_dynamic, trace
from tinygrad_ce.record import Record
from tinygrad_ce.run import Argnums, check_argnums, numbers_of
from tinygrad_ce.targets import check_distribution
from tinygrad_ce.transforms import grad
from tinygrad_ce.trees import Structure, leaves, map_tree

__all__ = ["Derivation", "Step", "derive"]


class Step(Record):
    """One rule, applied wherever it fits.

    Attributes:
        rule: its name.
        before: the equations that it changes.
        after: what they are then.
    """

    rule: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def __str__(self) -> str:
        return _titled(self.rule, self.after)


def _titled(title: str, rows: Iterable[str]) -> str:
    return "\n".join([f"{title}:", *(f"    {row}" for row in rows)])


class Derivation(Record):
    """A gradient as a program, and the way to it. It prints as its source.

    Attributes:
        program: the gradient's lines and no others.
        structure: the tree of the results.
        by: what each result is the gradient by.
        given: the equations of what f computes on the way.
        start: those of the gradients, as the chain rule gives them.
        steps: what was made of them, in order.
    """

    program: Program
    structure: Structure
    by: tuple[str | None, ...]
    given: tuple[str, ...]
    start: tuple[str, ...]
    steps: tuple[Step, ...]
    explained: bool = False

    @property
    def source(self) -> str:
        """The gradient as a module that stands alone."""
        return emit(self.program)

    @property
    def latex(self) -> str:
        r"""The gradient as equations, in a LaTeX environment `aligned`."""
        return aligned(self.program, self.by)

    @property
    def explanation(self) -> str:
        """Every step and its name, from the chain rule to the result."""
        parts = [("forward", self.given), ("the chain rule", self.start)]
        parts += [(step.rule, step.after) for step in self.steps]
        return "\n".join(_titled(title, rows) for title, rows in parts if rows)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient's numbers, for other arguments of the same shapes."""
        given = filter(is_dynamic, leaves((args, kwargs)))
        with np.errstate(all="ignore"):
            found = self._run(*(getattr(x, "value", x) for x in given))
        return self.structure.build([found] if len(self.by) == 1 else list(found))

    @cached_property
    def _run(self) -> Callable[..., Any]:
        return executable(self.program)

    def __str__(self) -> str:
        text = body(self.program).source
        return f"{self.explanation}\n\n{text}" if self.explained else text

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def derive(
    f: Callable[..., Any],
    *example: Any,
    argnums: Argnums = 0,
    sums_to_one: str | Collection[str] = (),
    explain: bool = False,
) -> Derivation:
    """The gradient of a scalar function, derived as on paper.

    Args:
        f: a function of arrays or trees of arrays to a scalar.
        example: arguments of the shapes and dtypes that the derivation is for.
        argnums: the argument, or arguments, to differentiate by.
        sums_to_one: the arguments whose entries sum to 1 along the last axis.
        explain: print the steps, too.

    Returns:
        A `Derivation`: source when printed, `latex`, `steps`, and a function of f's arguments.

    The rules are those of real numbers: a denominator is not 0, and the result differs from
    `tg.grad(f)` by rounding.

    Raises:
        TraceError: f cannot be written down, or sums_to_one names no argument.
        GradientError: f returned no scalar.

    >>> def cross_entropy(y, t):
    ...     return -np.sum(t * np.log(y))
    >>> derive(cross_entropy, np.array([0.25, 0.75]), np.array([0.0, 1.0]))
    def gradient(y, t):
        dy = -t / y  # (2,)
        return dy
    """
    function("f", f)
    if not isinstance(sums_to_one, str):
        several("sums_to_one", sums_to_one, _text)
    check_argnums(argnums)
    if not example:
        raise OptionError(
            "derive was given no example",
            "a derivation is for arguments of some shapes and dtypes",
            "pass derive(f, x) with arguments that f takes",
        )
    example = map_tree(_as_array, example)
    traced = trace(grad(f, argnums), example, {})
    by = _inputs_of(traced.program, example, argnums)
    found = _Deriving(_about(traced.program, sums_to_one), by)
    names = tuple(value.name for value in by)
    return Derivation(
        found.program, traced.structure, names, found.given, found.start, found.steps, explain
    )


def _text(name: str, value: str) -> str:
    return instance(name, value, str, "it is the name of an argument", "pass its name as a text")


def _as_array(x: Any) -> Any:
    return np.float64(x) if type(x) in (int, float) else x


def _about(program: Program, sums_to_one: str | Collection[str]) -> Program:
    """The program with what is given about its inputs, and without questions about numbers."""
    wanted = {sums_to_one} if isinstance(sums_to_one, str) else set(sums_to_one)
    inputs = {value.name: value for value in program.inputs}
    if not wanted <= inputs.keys():
        raise TraceError(
            f"sums_to_one names {', '.join(sorted(wanted - inputs.keys()))}",
            f"the arguments are {', '.join(map(str, inputs))}",
            "name one of them",
        )
    given = [
        Line((), check_distribution, (inputs[name], inputs[name].ndim - 1), effect=True)
        for name in sorted(wanted)
    ]
    lines = [line for line in program.lines if line.function is not look_again]
    return Program("gradient", program.inputs, (*given, *lines), program.outputs)


def _inputs_of(program: Program, example: tuple[Any, ...], argnums: Argnums) -> list[Value]:
    """The input that each output is the gradient of."""
    chosen = numbers_of(argnums, len(example))
    inputs = iter(program.inputs)
    by_argument = [[next(inputs) for x in leaves(tree) if is_dynamic(x)] for tree in example]
    return [value for k in chosen for value in by_argument[k]]


class _Deriving:
    """One rule after the other, until none changes anything.

    Attributes:
        program: what it is now. What has a name stays in it, used or not, so that rules find it.
        start: the gradients' equations before the first rule.
        given: the equations of what f computes on the way.
        states: rules that changed an equation, and the equations then.
    """

    def __init__(self, program: Program, by: list[Value]) -> None:
        self.by, self.n = by, len(program.outputs)
        named = [v for v, line in program.makers().items() if v.name and line.part == "forward"]
        outputs = (*program.outputs, *named)
        self.program = expand(Program("gradient", program.inputs, program.lines, outputs))
        _name_the_usual(self.program)
        self.states: list[tuple[str, tuple[str, ...]]] = []
        self._settle()
        self.given = equations(self._shown(), "forward")
        self.start = self._rows()
        for _ in range(_OFTEN):
            if not any(self._step(name, rules) for name, rules in _shown().items()):
                break
        lines = [line for line in self.program.lines if line.results]
        self.program = dead(self.program.but(lines=tuple(lines), outputs=self._gradients()))

    def _gradients(self) -> tuple[Any, ...]:
        """The outputs, each known as the gradient of its argument."""
        found = self.program.outputs[: self.n]
        for output, value in zip(found, self.by, strict=True):
            if isinstance(output, Value) and output not in self.program.inputs:
                output.of = value
        return found

    def _shown(self) -> Program:
        return dead(self.program.but(outputs=self._gradients()))

    def _rows(self) -> tuple[str, ...]:
        return equations(self._shown(), "backward")

    @property
    def steps(self) -> tuple[Step, ...]:
        """The differences between one state and the next."""
        found, old = [], self.start
        for rule, new in self.states:
            before = tuple(row for row in old if row not in new)
            found.append(Step(rule, before, tuple(row for row in new if row not in old)))
            old = new
        return tuple(found)

    def _settle(self) -> None:
        """Apply the rules that are not worth a word."""
        count = 0
        while count < _OFTEN and self._applied(_quiet()):
            count += 1

    def _applied(self, rules: list[Rule]) -> bool:
        changed: list[Rule] = []
        found = identities(self.program, rules, lambda rule, *_: changed.append(rule))
        self.program = dead(common(dead(found)))
        return bool(changed)

    def _step(self, name: str, rules: list[Rule]) -> bool:
        """Apply one rule wherever it fits, again and again."""
        count = 0
        while count < _OFTEN and self._applied(rules):
            count += 1
        if not count:
            return False
        self._settle()
        text = self._rows()
        if self.states and self.states[-1][0] == name:
            self.states[-1] = (name, text)
        elif text != (self.states[-1][1] if self.states else self.start):
            self.states.append((name, text))
        return True


def _name_the_usual(program: Program) -> None:
    """Call what the user gave no name as it is usually called."""
    taken = {value.name for value in (*program.inputs, *program.makers())}
    for line in program.lines:
        name = USUAL.get(line.function)
        if name and line.part == "forward" and line.result.name is None and name not in taken:
            line.result.name = name
            taken.add(name)


_OFTEN = 200  # rules come to an end long before

# Rules about how the engine writes things down, which teach nothing of derivatives.
_ENGINE = (
    "constants are computed at once", "one number everywhere is a number", "+x -> x",
    "arguments at their default", "a view of the same shape is x", "x.T.T -> x", "2.0 -> 2",
    "reshape(reshape(x)) -> reshape(x)", "a copy along axes is a broadcast",
    "broadcast, then multiply -> multiply", "sum_to(x) -> np.sum(x)",
)  # fmt: skip


def _title(rule: Rule) -> str:
    """The rule's name; all that only move a sign have one."""
    before, _, after = rule.name.partition(" -> ")
    sides = [sorted(re.sub(r"[-+() ]|[*/] -1", "", side)) for side in (before, after)]
    return "signs" if "-" in before and sides[0] == sides[1] else rule.name


def _by_title(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(_title(rule), []).append(rule)
    return found


@cache
def _quiet() -> list[Rule]:
    return [rule for rule in (*RULES, *ALGEBRA) if rule.name in _ENGINE]


@cache
def _shown() -> dict[str, list[Rule]]:
    return _by_title(rule for rule in (*RULES, *ALGEBRA) if rule.name not in _ENGINE)
