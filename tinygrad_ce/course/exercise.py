"""What an exercise is, the file that a learner starts from, and the library's own answer."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce.rules import windows
from tinygrad_ce.rules.table import TABLE

__all__ = [
    "Arguments", "Corner", "Exercise", "Mistake", "Only", "Rule", "reference", "rule_of",
    "solution", "written",
]  # fmt: skip

Rule = Callable[..., Any]
Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that many give.

    Attributes:
        answer: the expression they return, or the lines of their rule.
        because: what went wrong, in a sentence to the learner.
        words: what the answer is called, where it is too long to be shown.
    """

    answer: str
    because: str
    words: str = ""


@dataclass(frozen=True)
class Corner:
    """An input that is tried in any case, as formulas that are right elsewhere go wrong there.

    Attributes:
        args: what the function is called with.
        because: what goes wrong there, in a sentence to the learner.
        moved: where the function has a kink: all entries of the operand are moved together, by s,
            and the derivative by s is asked for, which is there.
    """

    args: tuple[Any, ...]
    because: str
    moved: bool = False


@dataclass(frozen=True)
class Only:
    """Inputs for which many rules are right, and for no others.

    Attributes:
        where: whether arguments are such inputs.
        because: what is special there, in a sentence to the learner.
    """

    where: Callable[..., bool]
    because: str


@dataclass(frozen=True)
class Exercise:
    """One rule of the engine, to be written anew.

    Attributes:
        name: what the learner calls it by.
        function: whose rule it is, a function of the rule table.
        arguments: its arguments as the rule takes them, after g and y.
        formula: what it computes, in one line.
        given: makes the strategy of its arguments.
        hints: from a nudge to nearly all.
        mistakes: wrong answers that are known.
        answer: a right one, as a learner may write it.
        operand: the place of the operand whose rule is asked for.
        shapes: what has which shape, where that must be said.
        corners: inputs that are tried in any case.
        only: for what rules may be right, and for nothing else.
    """

    name: str
    function: Callable[..., Any]
    arguments: str
    formula: str
    given: Callable[[], Any]
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    answer: str
    operand: int = 0
    shapes: str = ""
    corners: tuple[Corner, ...] = ()
    only: tuple[Only, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the arguments: x, axis."""
        return [part.split("=")[0].strip() for part in self.arguments.split(",")]

    @property
    def by(self) -> str:
        """The name of the operand whose rule is asked for."""
        return self.names[self.operand]


def rule_of(exercise: Exercise, answer: str) -> Rule:
    """The rule that returns an expression, or consists of these lines.

    >>> from tinygrad_ce.course.exercises import EXERCISES
    >>> rule_of(EXERCISES["mul"], "g * b")(2.0, 12.0, 3.0, 4.0)
    8.0
    """
    names: dict[str, Any] = {"np": np, "tg": tg, "windows": windows}
    exec(_defined(exercise, answer), names)
    rule: Rule = names["rule"]
    return rule


def _defined(exercise: Exercise, answer: str) -> str:
    """A rule as it would stand in the learner's file."""
    lines = answer if "return " in answer else f"return {answer}"
    return f"def rule(g, y, {exercise.arguments}):\n{textwrap.indent(lines, '    ')}"


def reference(exercise: Exercise) -> Rule:
    """The library's own rule, read from the rule table."""
    rule = TABLE[exercise.function].alone[exercise.operand]
    assert rule is not None
    return rule


def solution(exercise: Exercise) -> str:
    """A right answer, then the library's own rule as it is written there, and where.

    >>> from tinygrad_ce.course.exercises import EXERCISES
    >>> print(solution(EXERCISES["softmax"]))  # doctest: +ELLIPSIS
    def rule(g, y, z, axis=-1):
        return y * (g - np.sum(g * y, axis=axis, keepdims=True))
    <BLANKLINE>
    # The library's, for everything that the function takes: tinygrad_ce/rules/softmax.py, line ...
    def _softmax(g: Any, y: Any, z: Any, axis: Any = -1) -> Any:
        return y * (g - np.sum(g * y, axis=axis, keepdims=True))
    """
    rule = reference(exercise)
    file = Path(inspect.getfile(rule))
    place = file.relative_to(Path(__file__).parents[2]).as_posix()
    where = f"{place}, line {rule.__code__.co_firstlineno}"
    head = f"# The library's, for everything that the function takes: {where}"
    return f"{_defined(exercise, exercise.answer)}\n\n{head}\n{_source(rule, file)}"


def _source(rule: Rule, file: Path) -> str:
    """A function as it is written; of a lambda that stands among others in a table, itself."""
    if rule.__name__ != "<lambda>":
        return textwrap.dedent(inspect.getsource(rule)).rstrip()
    text = file.read_text(encoding="utf-8")
    line, column = next(
        (line, column) for line, _, column, _ in rule.__code__.co_positions() if column
    )
    around = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Lambda)
        and node.lineno == rule.__code__.co_firstlineno
        and (node.lineno, node.col_offset) <= (line, column)
    ]
    nearest = max(around, key=lambda node: node.col_offset)
    found = ast.get_source_segment(text, nearest, padded=True) or ""
    return textwrap.dedent(found)


def written(exercise: Exercise) -> str:
    """The file that the learner starts from.

    >>> from tinygrad_ce.course.exercises import EXERCISES
    >>> print(written(EXERCISES["exp"]))  # doctest: +ELLIPSIS
    \"\"\"Exercise exp: the gradient rule of y = exp(x), by x.
    ...
    """
    names, title = ", ".join(exercise.names), f"{exercise.formula}, by {exercise.by}"
    shapes = f"\n    {exercise.shapes}" if exercise.shapes else ""
    return f'''"""Exercise {exercise.name}: the gradient rule of {title}.

The engine has lost this rule. Write it in NumPy, then ask whether it is right:

    python -m tinygrad_ce.course check {exercise.name}
    python -m tinygrad_ce.course hint {exercise.name}
"""

import numpy as np  # noqa: F401

import tinygrad_ce as tg  # noqa: F401


def rule(g, y, {exercise.arguments}):
    """The gradient of the loss E by {exercise.by}, an array of the shape of {exercise.by}.

    g: the gradient dE/dy that arrives from above, of the shape of y.
    y: the result, {exercise.formula.split(" = ", 1)[1]}.
    {names}: what the function was called with.{shapes}
    """
    raise NotImplementedError("return dE/d{exercise.by}, from g = dE/dy")
'''
