"""Is the learner's rule right? The engine is asked, with that rule in its table."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_ce.course.exercise import Exercise, Rule, rule_of
from tinygrad_ce.course.planting import planted
from tinygrad_ce.testing.audit import audit
from tinygrad_ce.testing.drawing import hypothesis
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.report import WRONG

__all__ = ["Verdict", "check"]

DRAWS = 60  # inputs that a rule is tried on
KEPT = 12  # inputs on which it is held against known mistakes
REQUIRED = ("dot product", "linear in g", "shape of gradients", "rule mutates nothing")
ONCE = "cannot be differentiated"  # what an audit says of a rule that gives one order only

Arguments = tuple[Any, ...]


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
    """

    name: str
    right: bool
    draws: int
    counterexample: dict[str, Any] | None = None
    found: str = ""
    because: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        if self.right:
            lines = [f"{self.name}: right, on {self.draws} inputs. The engine runs on your rule."]
        else:
            lines = [f"{self.name}: not right yet"]
        if self.counterexample is not None:
            lines.append("the smallest input where it shows:")
            lines += [_shown(name, x) for name, x in self.counterexample.items()]
        return "\n".join([*lines, *filter(None, (self.found, self.because))])

    __repr__ = __str__


def _shown(name: str, x: Any) -> str:
    head = f"  {name} = "
    return head + repr(x).replace("\n", "\n" + " " * len(head))


class _Wrong(AssertionError):  # noqa: N818 - Hypothesis looks for smaller inputs that raise it
    """A rule is wrong at some input."""


def check(exercise: Exercise, rule: Rule, draws: int = DRAWS) -> Verdict:
    """Whether a rule is right: put into the engine, and tried on inputs that Hypothesis draws.

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
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        with planted(exercise.function, exercise.operand, rule):
            tried, failure = _search(exercise, rule, draws)
            if failure is None:
                return _audited(exercise, rule, tried)
        args, found = failure
        because = _because(exercise, rule, [*tried[:KEPT], args])
    names = dict(zip(exercise.names, args))
    return Verdict(exercise.name, False, len(tried), names, found, because)


def _search(
    exercise: Exercise, rule: Rule, draws: int
) -> tuple[list[Arguments], tuple[Arguments, str] | None]:
    """The inputs that were tried, and the smallest that failed with what was found there."""
    tried: list[Arguments] = []
    failures: list[tuple[Arguments, str]] = []

    def holds(args: Any) -> None:
        args = args if isinstance(args, tuple) else (args,)
        tried.append(args)
        found = _fault(exercise, rule, args)
        if found:
            failures.append((args, found))  # the last one is the smallest
            raise _Wrong

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
    try:
        settings(given(exercise.given())(holds))()
    except _Wrong:
        return tried, failures[-1]
    return tried, None


def _fault(exercise: Exercise, rule: Rule, args: Arguments) -> str:
    """What is wrong with the engine's gradient there, in words; nothing where it is right."""
    try:
        report = gradcheck(exercise.function, *args, argnums=exercise.operand, name=exercise.name)
    except Exception as error:
        return f"your rule cannot be used{_line(error, rule)}: {type(error).__name__}: {error}"
    if report.verdict != WRONG:
        return ""
    return str(replace(report, blame=(), notes=()))  # there is one rule to blame


def _line(error: Exception, rule: Rule) -> str:
    """The line of the learner's file that an error comes from."""
    file = rule.__code__.co_filename
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    return f", line {lines[-1]}" if lines else ""


def _audited(exercise: Exercise, rule: Rule, tried: list[Arguments]) -> Verdict:
    """A rule whose numbers are right for single gradients: is it linear, does it leave g alone?"""
    report = audit(exercise.function, *tried[:KEPT])
    failed = {row.check: row for row in report.failed}
    for name in REQUIRED:
        if name in failed:
            because = _because(exercise, rule, tried[:KEPT])
            found = f"{name}: {failed[name].detail}"
            return Verdict(exercise.name, False, len(tried), None, found, because)
    once_more = next(row.detail for row in report.rows if row.check == "second order")
    remark = (
        ""
        if ONCE not in once_more
        else ("First derivatives only: for the next order write it with np's functions alone.")
    )
    return Verdict(exercise.name, True, len(tried), None, remark)


def _because(exercise: Exercise, rule: Rule, inputs: list[Arguments]) -> str:
    """The known mistake whose numbers these are, or the first hint."""
    for mistake in exercise.mistakes:
        if _same(exercise, rule, rule_of(exercise, mistake.answer), inputs):
            return f"What you return is {mistake.answer}, or comes to it. {mistake.because}"
    return f"Hint: {exercise.hints[0]}"


def _same(exercise: Exercise, rule: Rule, other: Rule, inputs: list[Arguments]) -> bool:
    """Whether two rules give the same numbers, or fail alike, at all inputs."""
    rng = np.random.default_rng(0)
    for args in inputs:
        y = exercise.function(*args)
        g = rng.normal(size=np.shape(y))[()]
        a, b = _value(rule, g, y, args), _value(other, g, y, args)
        if (a is None) != (b is None):
            return False
        if a is not None and not (a.shape == b.shape and np.allclose(a, b, equal_nan=True)):
            return False
    return True


def _value(rule: Rule, g: Any, y: Any, args: Arguments) -> Any:
    try:
        return np.asarray(rule(g, y, *args), float)
    except Exception:
        return None
