"""What is wrong with a rule at one input: is it of use at all, are shape and numbers right?"""

from __future__ import annotations

import re
import traceback
from dataclasses import replace
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from tinygrad_ce.course.exercise import Arguments, Corner, Exercise, Rule
from tinygrad_ce.course.inputs import ordinary
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.report import WRONG, Report

__all__ = ["at_corner", "diagnosed", "fault", "once_only"]

ARROW = "\n  -> "  # begins the diagnosis, which ends a report
REDRAWN = 3  # other numbers at which a diagnosis must hold too
OURS = np.ndarray | np.generic | float | int | Tensor  # what a rule may return


def fault(exercise: Exercise, rule: Rule, args: Arguments) -> str:
    """What is wrong with a rule that is planted, in words; nothing where it is right."""
    try:
        found = _unfit(exercise, rule, args) or _bent(exercise, rule, args)
        if found:
            return found
        report = _report(exercise, args)
        return str(report) if report.verdict == WRONG else ""
    except (Exception, SystemExit) as error:
        return _unusable(error, exercise, rule)


def at_corner(exercise: Exercise, rule: Rule, corner: Corner) -> str:
    """The same at a corner."""
    if not corner.moved:
        return fault(exercise, rule, corner.args)
    x, rest = corner.args[exercise.operand], list(corner.args)

    def moved(s: Any) -> Any:
        rest[exercise.operand] = x + s
        return exercise.function(*rest)

    report = gradcheck(moved, 0.0, name=f"{exercise.name} of {exercise.by} + s")
    return _head(str(_plain(report))) if report.verdict == WRONG else ""


def once_only(exercise: Exercise, args: Arguments) -> bool:
    """Whether a rule that is planted and right cannot be differentiated again."""
    try:
        return _report(exercise, args, order=2).verdict == WRONG
    except (Exception, SystemExit):
        return True


def diagnosed(exercise: Exercise, rule: Rule, args: Arguments, found: str) -> str:
    """What was found, without a diagnosis that holds by chance at this one input.

    With 1 and 2 for numbers, a missing b and a missing 2 look the same. So it stays only if it is
    made at random numbers of the same shapes, too.
    """
    if ARROW not in found:
        return found
    rng = np.random.default_rng(0)
    for _ in range(REDRAWN):
        other = fault(exercise, rule, ordinary(args, rng))
        if _sense(other) != _sense(found):
            return _head(found)
    return found


SHARED = (
    "g, y and the arguments are needed by others, too: make a new array, g * y in place of g *= y."
)
# What is often behind an error: its kind, a part of its text, the sentence.
MEANINGS: tuple[tuple[type[BaseException], str, str], ...] = (
    (ValueError, "read-only", SHARED),
    (ValueError, "truth value of an array", "`if` takes one truth value, and here is one for each "
     "entry: np.where(condition, a, b), or g * condition."),
    (TypeError, "converted to Python scalars", "math's functions and float() take single numbers; "
     "np's take arrays."),
    (RecursionError, "", "Does your rule ask the engine for the gradient that it is to give, or "
     "call itself?"),
)  # fmt: skip


def _unfit(exercise: Exercise, rule: Rule, args: Arguments) -> str:
    """Whether what the rule returns can be a gradient at all, before the engine sums it."""
    y = exercise.function(*args)
    given = np.random.default_rng(0).normal(size=np.shape(y)), y, *args
    result, by = rule(*map(_frozen, given)), exercise.by
    own = [x.copy() if isinstance(x, np.ndarray) else x for x in given]
    rule(*own)
    if not all(np.array_equal(x, z, equal_nan=True) for x, z in zip(own, given) if _numbers(x)):
        return f"your rule writes into what it is given. {SHARED}"
    if result is None:
        return "your rule returns None: is there a `return` on every way through it?"
    if not isinstance(result, OURS):
        kind = type(result).__name__
        return f"your rule returns a {kind}: the gradient by {by} is an array, as {by} is"
    found, wanted = np.shape(result), np.shape(args[exercise.operand])
    wide = TABLE[exercise.function].elementwise
    if found == wanted or (wide and found == np.shape(y)):
        return ""
    also = ", or that of y: what broadcasting copied the engine sums, after your rule"
    return (
        f"for {by} of shape {wanted} your rule returns shape {found}: "
        f"the gradient by {by} has the shape of {by}{also if wide else ''}"
    )


def _numbers(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _frozen(x: Any) -> Any:
    """A copy that cannot be written into."""
    if isinstance(x, np.ndarray):
        x = x.copy()
        x.flags.writeable = False
    return x


def _bent(exercise: Exercise, rule: Rule, args: Arguments) -> str:
    """Whether it is linear in g, which the checks take for granted."""
    y = exercise.function(*args)
    u, v = (np.random.default_rng(k).normal(size=np.shape(y))[()] for k in (0, 1))
    of_u, of_v, turned, mixed = (
        np.asarray(rule(g, y, *args), float) for g in (u, v, -2 * u, 2 * u - 3 * v)
    )
    if not _near(turned, -2 * of_u):
        return (
            "your rule is not linear in g. For -2 g the gradient must be -2 times that for g:\n"
            f"  for    g = {_line(u)}: {_line(of_u)}\n  for -2 g = {_line(-2 * u)}: {_line(turned)}"
        )
    if not _near(mixed, 2 * of_u - 3 * of_v):
        return (
            "your rule is not linear in g: for 2 u - 3 v it must give twice what it gives for u, "
            f"less three times what it gives for v.\n  u = {_line(u)}\n  v = {_line(v)}"
        )
    return ""


def _near(x: Any, z: Any) -> bool:
    return bool(np.allclose(x, z, rtol=1e-5, atol=1e-6, equal_nan=True))


def _line(x: Any) -> str:
    return " ".join(np.array2string(np.asarray(x), precision=4).split())


def _report(exercise: Exercise, args: Arguments, order: int = 1) -> Report:
    """What the checks say of the engine's gradient, in the exercise's own names."""

    def called(*args: Any) -> Any:
        y = exercise.function(*args)
        return y if order == 1 else np.square(y)  # then the g that arrives depends on args, too

    # NumPy's own names are x1 and x2; the learner's are a and b.
    parameters = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in exercise.names]
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    by, name = exercise.operand, exercise.name
    return _plain(gradcheck(called, *args, argnums=by, order=order, name=name))


def _plain(report: Report) -> Report:
    return replace(report, blame=(), notes=())  # there is one rule to blame


def _head(found: str) -> str:
    return found.partition(ARROW)[0]


def _sense(found: str) -> str:
    """The diagnosis without its numbers, but for "so many times too large", which is its sense."""
    return re.sub(r"-?\d[\d.e+-]*+(?! times)", "#", found.partition(ARROW)[2])


def _unusable(error: BaseException, exercise: Exercise, rule: Rule) -> str:
    """An error of the rule's: what, in which line of the learner's file, and what is behind it."""
    file = getattr(getattr(rule, "__code__", None), "co_filename", None)
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    where = f", line {lines[-1]}" if lines else ""
    if isinstance(error, NotImplementedError):
        return f"nothing is written yet{where}: return dE/d{exercise.by}, from g = dE/dy"
    said = f"your rule cannot be used{where}: {type(error).__name__}: {error}"
    kin = [(part, text) for kind, part, text in MEANINGS if isinstance(error, kind)]
    return "\n".join([said, *(text for part, text in kin if part in str(error))])
