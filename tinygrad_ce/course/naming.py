"""Which mistake it is: the known one whose numbers these are, or one that every rule can have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_ce.course.exercise import Arguments, Exercise, Rule, rule_of
from tinygrad_ce.rules.table import TABLE

__all__ = ["LOCAL", "named"]

LOCAL = "A rule is g times the local derivative: the g is missing."
BENT = "A rule is linear in g: twice the g, twice the gradient. g is a factor, or summed."
LEAST = 4  # so many inputs must be right there,
CHANCE = 0.25  # and no more than this part of the others, by chance
SIGN = "The sign is the wrong way round, all else is right."

Gradient = Callable[[Any, Any, Arguments], Any]


def named(exercise: Exercise, rule: Rule, inputs: Sequence[Arguments]) -> str:
    """In a sentence, which mistake gives the rule's numbers at all inputs, or the first hint.

    Args:
        exercise: whose rule it is.
        rule: the learner's.
        inputs: ordinary ones, of several shapes, at which no two formulas agree by chance.
    """
    theirs = _asked(rule)
    hint = f"Hint: {exercise.hints[0]}"
    if not _same(exercise, theirs, theirs, inputs):
        return hint  # it gives no numbers
    for mistake in exercise.mistakes:
        if _same(exercise, theirs, _asked(rule_of(exercise, mistake.answer)), inputs):
            return f"What you return {_called(mistake.answer, mistake.words)} {mistake.because}"
    right = _asked(rule_of(exercise, exercise.answer))
    nothing: Gradient = lambda g, y, args: np.zeros_like(right(g, y, args))
    if _same(exercise, theirs, right, inputs) or _same(exercise, theirs, nothing, inputs):
        return hint
    if _same(exercise, theirs, lambda g, y, args: theirs(np.ones_like(g), y, args), inputs):
        return LOCAL
    if _same(exercise, theirs, lambda g, y, args: -right(g, y, args), inputs):
        return SIGN
    for name, other in _others(exercise):
        if _same(exercise, theirs, _asked(other), inputs):
            return f"That is the gradient by {name}."
    partly = _partly(exercise, theirs, right, inputs)
    if partly:
        return partly
    if not _same(exercise, theirs, lambda g, y, args: theirs(-2 * g, y, args) / -2, inputs):
        return BENT
    return hint


def _partly(
    exercise: Exercise, theirs: Gradient, right: Gradient, inputs: Sequence[Arguments]
) -> str:
    """For which arguments it is right, and only for these; nothing where there are none such."""
    good = [_same(exercise, theirs, right, [args]) for args in inputs]
    found = []
    for only in exercise.only:
        there = [only.where(*args) for args in inputs]
        within = [g for g, t in zip(good, there) if t]
        beyond = [g for g, t in zip(good, there) if not t]
        if len(within) >= LEAST and all(within) and sum(beyond) <= CHANCE * len(beyond):
            found.append((len(within), only.because))
    return max(found)[1] if found else ""


def _called(answer: str, words: str) -> str:
    return f"is {words}." if words else f"is {answer}, or comes to it."


def _asked(rule: Rule) -> Gradient:
    def gradient(g: Any, y: Any, args: Arguments) -> Any:
        return np.asarray(rule(_copied(g), _copied(y), *map(_copied, args)), float)

    return gradient


def _copied(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def _others(exercise: Exercise) -> list[tuple[str, Rule]]:
    """The rules of the other operands."""
    rules = TABLE[exercise.function].alone
    return [
        (name, rule)
        for i, (name, rule) in enumerate(zip(exercise.names, rules))
        if rule is not None and i != exercise.operand
    ]


def _same(exercise: Exercise, a: Gradient, b: Gradient, inputs: Sequence[Arguments]) -> bool:
    """Whether two give the same numbers, or fail alike, at all inputs, and numbers at one."""
    rng = np.random.default_rng(1)
    wide = TABLE[exercise.function].elementwise  # what broadcasting does is no part of the rule
    compared = 0
    for args in inputs:
        y = exercise.function(*args)
        g = rng.normal(size=np.shape(y))[()]
        u, v = _tried(a, g, y, args), _tried(b, g, y, args)
        if u is None or v is None:
            if u is not v:
                return False
            continue
        if wide:
            u, v = _widened(u, np.shape(y)), _widened(v, np.shape(y))
        if u.shape != v.shape or not np.allclose(u, v, rtol=1e-9, atol=1e-12, equal_nan=True):
            return False
        compared += bool(u.size and np.isfinite(u).any())
    return compared > 0


def _widened(x: Any, shape: tuple[int, ...]) -> Any:
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        return x


def _tried(gradient: Gradient, g: Any, y: Any, args: Arguments) -> Any:
    try:
        return gradient(g, y, args)
    except (Exception, SystemExit):
        return None
