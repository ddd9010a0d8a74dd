"""`tg.derive`: the gradient of a function as a derivation by hand, every step by its name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property, update_wrapper
from typing import Any

import numpy as np

from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.algebra import ALGEBRA
from tinygrad_ce.programs.emit import body, emit
from tinygrad_ce.programs.execute import executable
from tinygrad_ce.programs.identities import RULES
from tinygrad_ce.programs.latex import aligned
from tinygrad_ce.programs.patterns import Rule
from tinygrad_ce.programs.program import Line, Program, Value
from tinygrad_ce.programs.rows import Rows
from tinygrad_ce.programs.simplify import common, dead, expand, identities
from tinygrad_ce.programs.trace import trace
from tinygrad_ce.programs.tracer import look_again
from tinygrad_ce.run import Argnums
from tinygrad_ce.targets import check_distribution
from tinygrad_ce.transforms import grad
from tinygrad_ce.trees import leaves

__all__ = ["Derivation", "Step", "derive"]


@dataclass(frozen=True)
class Step:
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
        return "\n".join([f"{self.rule}:", *(f"    {row}" for row in self.after)])


@dataclass(frozen=True)
class Derivation:
    """A gradient as a program, and the way to it. It prints as its source.

    Attributes:
        program: the gradient's lines and no others.
        start: the equations as the chain rule gives them.
        steps: what was made of them, in order.
    """

    program: Program
    start: tuple[str, ...]
    steps: tuple[Step, ...] = field(repr=False)
    explained: bool = False

    @property
    def source(self) -> str:
        """The gradient as a module that stands alone."""
        return emit(self.program)

    @property
    def latex(self) -> str:
        r"""The gradient as equations, in a LaTeX environment `aligned`."""
        return aligned(self.program)

    @property
    def explanation(self) -> str:
        """Every step and its name, from the chain rule to the result."""
        first = "\n".join(["the chain rule:", *(f"    {row}" for row in self.start)])
        return "\n".join([first, *map(str, self.steps)])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient's numbers."""
        with np.errstate(all="ignore"):
            return self._run(*leaves((args, kwargs)))

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
    gradient = update_wrapper(grad(f, argnums), f)
    program = trace(gradient, example, {}).program
    program = _with_names(_about(program, sums_to_one), example, argnums)
    found = _Deriving(program)
    return Derivation(found.program, found.start, tuple(found.steps), explain)


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


def _with_names(program: Program, example: tuple[Any, ...], argnums: Argnums) -> Program:
    """Every output is known as the gradient of its argument."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    places, start = [], 0
    for i, x in enumerate(example):
        n = len(leaves(x))
        if i in {k % len(example) for k in chosen}:
            places += list(range(start, start + n))
        start += n
    for output, place in zip(program.outputs, places):
        if isinstance(output, Value) and output not in program.inputs:
            output.of = program.inputs[place]
    return program


class _Deriving:
    """One rule after the other, until none changes anything.

    Attributes:
        program: what it is now.
        start: its equations before the first rule.
        steps: the rules that changed an equation.
    """

    def __init__(self, program: Program) -> None:
        self.program = _tidied(program)
        self.rows = Rows()
        self.start = self.text = self.rows.of(self.program)
        self.steps: list[Step] = []
        groups = _by_name((*RULES, *ALGEBRA))
        while any(self._step(name, rules) for name, rules in groups.items()):
            pass
        self.program = _tidied(expand(self.program))
        while any(self._step(name, rules) for name, rules in groups.items()):
            pass
        lines = [line for line in self.program.lines if line.results]
        self.program = dead(self.program.rewritten(lines, {}))

    def _step(self, name: str, rules: list[Rule]) -> bool:
        """Apply one rule wherever it fits, again and again."""
        changed: list[Rule] = []
        before = -1
        while before < len(changed) < 1000:
            before = len(changed)
            found = identities(self.program, rules, lambda rule, *_: changed.append(rule))
            if len(changed) > before:
                self.program = _tidied(found)
        if not changed:
            return False
        text = self.rows.of(self.program)
        if text != self.text:
            old, new = set(self.text), set(text)
            self.steps.append(Step(
                name, tuple(r for r in self.text if r not in new),
                tuple(r for r in text if r not in old),
            ))  # fmt: skip
            self.text = text
        return True


def _tidied(program: Program) -> Program:
    return dead(common(dead(program)))


def _by_name(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.name, []).append(rule)
    return found
