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

__all__ = ["Exercise", "Mistake", "Rule", "reference", "rule_of", "solution", "written"]

Rule = Callable[..., Any]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that many give.

    Attributes:
        answer: the expression they return.
        because: what went wrong, in a sentence to the learner.
    """

    answer: str
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
        operand: the place of the operand whose rule is asked for.
    """

    name: str
    function: Callable[..., Any]
    arguments: str
    formula: str
    given: Callable[[], Any]
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    operand: int = 0

    @property
    def names(self) -> list[str]:
        """The names of the arguments: x, axis."""
        return [part.split("=")[0].strip() for part in self.arguments.split(",")]

    @property
    def by(self) -> str:
        """The name of the operand whose rule is asked for."""
        return self.names[self.operand]


def rule_of(exercise: Exercise, answer: str) -> Rule:
    """The rule that returns an expression.

    >>> from tinygrad_ce.course.exercises import EXERCISES
    >>> rule_of(EXERCISES["mul"], "g * b")(2.0, 12.0, 3.0, 4.0)
    8.0
    """
    names: dict[str, Any] = {"np": np, "tg": tg, "windows": windows}
    rule: Rule = eval(f"lambda g, y, {exercise.arguments}: {answer}", names)
    return rule


def reference(exercise: Exercise) -> Rule:
    """The library's own rule, read from the rule table."""
    rule = TABLE[exercise.function].alone[exercise.operand]
    assert rule is not None
    return rule


def solution(exercise: Exercise) -> str:
    """The library's own rule as it is written there, and where.

    >>> from tinygrad_ce.course.exercises import EXERCISES
    >>> print(solution(EXERCISES["softmax"]))  # doctest: +ELLIPSIS
    # tinygrad_ce/rules/softmax.py, line ...
    def _softmax(g: Any, y: Any, z: Any, axis: Any = -1) -> Any:
        return y * (g - np.sum(g * y, axis=axis, keepdims=True))
    """
    rule = reference(exercise)
    file = Path(inspect.getfile(rule))
    place = file.relative_to(Path(__file__).parents[2]).as_posix()
    return f"# {place}, line {rule.__code__.co_firstlineno}\n{_source(rule, file)}"


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
    {names}: what the function was called with.
    """
    raise NotImplementedError("return dE/d{exercise.by}, from g = dE/dy")
'''
