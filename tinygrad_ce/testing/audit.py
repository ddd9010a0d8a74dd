"""audit: is an operation of one's own in order, its rules and its manners?"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_ce.errors import Error, OptionTypeError
from tinygrad_ce.options import count as check_count
from tinygrad_ce.rules.table import TABLE, Primitive, late
from tinygrad_ce.testing.checks import (
    Check,
    FailedError,
    SkippedError,
    constant,
    dot_product,
    forward,
    gradient,
    linear,
    rule_signatures,
    second_order,
)
from tinygrad_ce.testing.manners import (
    arguments,
    broadcasting,
    empty,
    float32,
    layouts,
    mutates_nothing,
    numbers,
    remembers_nothing,
    returns_no_operand,
    shapes,
)
from tinygrad_ce.testing.samples import Sample, drawn, made, names, sampled

__all__ = ["AuditReport", "Row", "audit"]

OK, FAILED, SKIPPED = "ok", "FAILED", "skipped"
DRAWN = 20  # examples of a strategy

# In the order of the report, after the signatures and the gradients by each operand.
CHECKS: dict[str, Check] = {
    "dot product": dot_product,
    "linear in g": linear,
    "second order": second_order,
    "shape of gradients": shapes,
    "float32": float32,
    "other arguments": arguments,
    "broadcasting": broadcasting,
    "memory layout": layouts,
    "single numbers": numbers,
    "empty arrays": empty,
    "calls are apart": remembers_nothing,
    "rule mutates nothing": mutates_nothing,
    "rule returns no operand": returns_no_operand,
}


@dataclass(frozen=True)
class Row:
    """One line of an audit.

    Attributes:
        check: what was asked.
        outcome: "ok", "FAILED" or "skipped".
        detail: what was found, or why it was not asked.
    """

    check: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class AuditReport:
    """What an audit found; true where nothing failed. It prints as a table.

    Attributes:
        name: the operation's.
        rows: the checks.
        examples: how many calls they were made on.
        seed: what the numbers were drawn with.
    """

    name: str
    rows: tuple[Row, ...]
    examples: int
    seed: int

    @property
    def failed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.outcome == FAILED)

    def __bool__(self) -> bool:
        return not self.failed

    def __str__(self) -> str:
        count = f"{len(self.failed)} check{'s' if len(self.failed) > 1 else ''}"
        verdict = f"{count} FAILED" if self.failed else "all checks hold"
        examples = f"{self.examples} example{'s' if self.examples > 1 else ''}"
        head = f"{self.name}: {verdict} ({examples}, seed {self.seed})"
        width = max(len(row.check) for row in self.rows)
        lines, told = [head], set()
        for row in self.rows:
            detail = "as above" if row.detail in told and row.outcome == FAILED else row.detail
            lines.append(f"  {row.check:{width}}  {row.outcome:7}  {detail}")
            told.add(row.detail)
        return "\n".join(lines)

    __repr__ = __str__


def audit(
    op: Callable[..., Any], *examples: Any, given: Any = None, seed: int = 0, **parameters: Any
) -> AuditReport:
    """Everything that an operation with gradient rules has to keep, a row for each.

    The rules take the function's arguments; the gradient by each operand is the numerical one; it
    is linear in g, transposes and differentiates again; it has its operand's shape and dtype for
    broadcast, strided, single and empty operands; the rule heeds the arguments that it names,
    remembers no other call, writes into nothing and returns none of what it was given.

    Args:
        op: what `primitive` returned, or any function of the rule table.
        examples: calls to check it on, each a tuple of arguments; one that is no tuple is a single
            argument. Without any, positive moderate numbers in several shapes.
        given: or a strategy of Hypothesis that draws such examples.
        seed: what numbers are drawn with.
        parameters: keyword arguments of every call.

    Raises:
        Error: op has no rules, or no example was given or found that it takes.
        MissingError: given, but Hypothesis is not installed.

    >>> import tinygrad_ce as tg
    >>> cube = tg.primitive(lambda x: x**3, rules=lambda g, y, x: 2 * g * x**2)
    >>> report = audit(cube, np.array([1.0, 2.0]))
    >>> bool(report)
    False
    >>> report.failed[0].check, report.failed[0].detail
    ('gradient by x', 'gives 0.667 times the derivative (x of shape (2,))')
    """
    check_count("seed", seed, 0)
    primitive = (TABLE.get(op) or late(op)) if callable(op) else None
    if primitive is None or not primitive.differentiable:
        raise OptionTypeError(
            f"{getattr(op, '__name__', op)} has no gradient rules",
            "an audit is of an operation with rules",
            "pass what tg.primitive returned, or use gradcheck for a function written with others",
        )
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        samples = _samples(op, primitive, examples, given, seed, parameters)
        rows = [_row("rule signatures", lambda _: rule_signatures(op, primitive), samples[:1])]
        checks = {"forward": forward, **_gradients(op, primitive, samples), **CHECKS}
        rows += [_row(name, check, samples) for name, check in checks.items()]
    return AuditReport(primitive.name, tuple(rows), len(samples), seed)


def _samples(
    op: Any, primitive: Primitive, examples: Any, given: Any, seed: int, parameters: dict[str, Any]
) -> list[Sample]:
    if given is not None:
        examples = (*examples, *drawn(given, DRAWN, seed))
    if not examples:
        return made(op, primitive, parameters, np.random.default_rng(seed))
    samples = []
    for example in examples:
        call = example if isinstance(example, tuple) else (example,)
        samples.append(sampled(op, primitive, tuple(map(_array, call)), parameters))
        try:
            samples[-1].changed(np.array).f()  # which may write into its arguments
        except Exception as error:
            raise Error(
                f"{primitive.name} with {samples[-1]} raised {type(error).__name__}: {error}",
                "an audit calls the function with each example",
                "pass tuples of arguments that it takes",
            ) from error
    return samples


def _array(x: Any) -> Any:
    """Lists of numbers as arrays; lists of arrays, and what is no list, as they are."""
    is_numbers = isinstance(x, list) and all(isinstance(a, float | list) for a in x)
    return np.array(x) if is_numbers else x


def _gradients(op: Any, primitive: Primitive, samples: list[Sample]) -> dict[str, Check]:
    """A check for each operand that occurs."""
    count = max(len(sample.args) for sample in samples)
    live = {name: None for sample in samples for name in sample.names}
    checks = {f"gradient by {name}": gradient(name) for name in live}
    for number, name in enumerate(names(op, primitive, count)):
        if number < len(primitive.rules) and primitive.rules[number] is None:
            checks[f"gradient by {name}"] = constant(name, number)
    return checks


def _row(name: str, check: Check, samples: list[Sample]) -> Row:
    """What a check found on all samples: the first failure, or the most that held."""
    held, skipped = [], []
    for sample in samples:
        try:
            with np.errstate(all="ignore"):
                held.append(check(sample))
        except SkippedError as reason:
            skipped.append(str(reason))
        except FailedError as fault:
            text, *variant = fault.args
            return Row(name, FAILED, f"{text} ({variant[0] if variant else sample})")
        except Exception as error:
            return Row(name, FAILED, f"{type(error).__name__}: {error} ({sample})")
    return Row(name, OK, held[0]) if held else Row(name, SKIPPED, skipped[0])
