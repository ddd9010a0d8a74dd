"""Is the learner's rule right? The engine is asked, with that rule in its table."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_ce.course.exercise import Arguments, Exercise, Rule
from tinygrad_ce.course.inputs import ordinary
from tinygrad_ce.course.naming import named
from tinygrad_ce.course.planting import planted
from tinygrad_ce.course.trying import at_corner, diagnosed, fault, once_only
from tinygrad_ce.testing.drawing import hypothesis

__all__ = ["Verdict", "check"]

DRAWS = 60  # inputs that a rule is tried on
USUAL = 48  # inputs with random numbers, on which it is held against known mistakes
ORDERS = 2  # of these, those that are differentiated twice
TRIED = 8  # of these, those that it is tried on, too
PRINTED = 8  # lines that a rule may print
REMARK = "First derivatives only: for the next order write it with np's functions alone."


@dataclass(frozen=True)
class Verdict:
    """What a check found; true where the rule is right. It prints as a page for the learner.

    Attributes:
        name: the exercise's.
        right: whether the rule is right on every input that was drawn.
        draws: how many these were.
        counterexample: the smallest input found where it is wrong, or None.
        found: what is wrong there, in the checks' own words, or what remains to be said.
        because: which known mistake it is, in a sentence, or a hint.
        printed: what the rule itself printed there.
        shrunk: whether the counterexample is the smallest that was found, and not a chosen one.
    """

    name: str
    right: bool
    draws: int
    counterexample: dict[str, Any] | None = None
    found: str = ""
    because: str = ""
    printed: str = ""
    shrunk: bool = True

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        if self.right:
            lines = [f"{self.name}: right, on {self.draws} inputs. The engine runs on your rule."]
        else:
            lines = [f"{self.name}: not right yet"]
        if self.counterexample is not None:
            which = "the smallest input" if self.shrunk else "an input"
            lines.append(f"{which} where it shows:")
            lines += [_shown(name, x) for name, x in self.counterexample.items()]
        if self.printed:
            lines += ["what your rule prints there:", self.printed]
        return "\n".join([*lines, *filter(None, (self.found, self.because))])

    __repr__ = __str__


def _shown(name: str, x: Any) -> str:
    head = f"  {name} = "
    return head + repr(x).replace("\n", "\n" + " " * len(head))


class _Wrong(AssertionError):  # noqa: N818 - Hypothesis looks for smaller inputs that raise it
    """A rule is wrong at some input."""


def check(exercise: Exercise, rule: Rule, draws: int = DRAWS) -> Verdict:
    """Whether a rule is right: put into the engine, and tried on inputs that Hypothesis draws.

    What the rule prints meanwhile is kept back.

    Args:
        exercise: the rule that was asked for.
        rule: `rule(g, y, *arguments)`, as `tinygrad_ce.rules.kinds` describes.
        draws: how many inputs to try.

    Raises:
        MissingError: Hypothesis is not installed (`pip install "tinygrad_ce[testing]"`).

    >>> from tinygrad_ce.course.exercises import EXERCISES
    >>> bool(check(EXERCISES["exp"], lambda g, y, x: g * y, draws=5))
    True
    >>> print(check(EXERCISES["exp"], lambda g, y, x: g * x * y, draws=5))  # doctest: +ELLIPSIS
    exp: not right yet
    ...
    """
    quiet = warnings.catch_warnings(action="ignore"), np.errstate(all="ignore")
    with quiet[0], quiet[1], redirect_stdout(io.StringIO()):
        with planted(exercise.function, exercise.operand, rule):
            tried, failure = _searched(exercise, rule, draws)
            shrunk, usual = failure is not None, _usual(exercise)
            failure = failure or _beyond(exercise, rule, usual)
            if failure is None:
                remark = REMARK if any(once_only(exercise, x) for x in usual[:ORDERS]) else ""
                return Verdict(exercise.name, True, len(tried), None, remark)
            args, found, because = failure
            if not because:
                found = diagnosed(exercise, rule, args, found)
        because = because or named(exercise, rule, usual)
        printed = _prints(exercise, rule, args)
    names = dict(zip(exercise.names, args))
    return Verdict(exercise.name, False, len(tried), names, found, because, printed, shrunk)


Failure = tuple[Arguments, str, str]  # the input, what was found, and why if that is known


def _searched(exercise: Exercise, rule: Rule, draws: int) -> tuple[list[Arguments], Failure | None]:
    """The inputs that were tried, and the smallest that failed."""
    tried: list[Arguments] = []
    failures: list[Failure] = []

    def holds(args: Arguments) -> None:
        tried.append(args)
        found = fault(exercise, rule, args)
        if found:
            failures.append((args, found, ""))  # the last one is the smallest
            raise _Wrong

    try:
        _each_drawn(exercise, draws, holds)
    except _Wrong:
        return tried, failures[-1]
    return tried, None


def _usual(exercise: Exercise) -> list[Arguments]:
    """Inputs of the shapes that are drawn, with random numbers: those drawn are simple, 1, 1/2."""
    drawn: list[Arguments] = []
    _each_drawn(exercise, USUAL, drawn.append)
    rng = np.random.default_rng(0)
    return [ordinary(args, rng) for args in drawn]


def _each_drawn(exercise: Exercise, draws: int, use: Any) -> None:
    """Call with each of the inputs that Hypothesis draws, smaller ones as long as it raises."""

    def test(args: Any) -> None:
        use(args if isinstance(args, tuple) else (args,))

    given: Any = hypothesis.given
    settings = hypothesis.settings(
        max_examples=draws,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
    )
    settings(given(exercise.given())(test))()


def _beyond(exercise: Exercise, rule: Rule, usual: list[Arguments]) -> Failure | None:
    """What goes wrong where Hypothesis did not look: at random numbers, at corners."""
    for args in usual[:TRIED]:
        found = fault(exercise, rule, args)
        if found:
            return args, found, ""
    for corner in exercise.corners:
        found = at_corner(exercise, rule, corner)
        if found:
            return corner.args, found, corner.because
    return None


def _prints(exercise: Exercise, rule: Rule, args: Arguments) -> str:
    """What the rule prints at an input, the first lines of it."""
    y = exercise.function(*args)
    with redirect_stdout(io.StringIO()) as said, suppress(Exception, SystemExit):
        rule(np.ones_like(y), y, *args)
    lines = said.getvalue().splitlines()
    more = [f"and {len(lines) - PRINTED} lines more"] if len(lines) > PRINTED else []
    return "\n".join(f"  {line}" for line in [*lines[:PRINTED], *more])
