"""What an audit asks of derivatives: each check takes a sample, and says what it found.

A check returns a detail for the report, or raises `FailedError` or `SkippedError` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import numpy as np

from tinygrad_ce.errors import DTypeError, GradientError, UnsupportedError
from tinygrad_ce.rules.table import Primitive
from tinygrad_ce.testing.blame import how
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.report import KINK, UNDECIDABLE, WRONG, Report, Verdicts
from tinygrad_ce.testing.samples import Sample
from tinygrad_ce.testing.steps import variables
from tinygrad_ce.testing.vectors import Vector, plain
from tinygrad_ce.testing.witnesses import jacobian
from tinygrad_ce.transforms import jvp, vjp
from tinygrad_ce.trees import flatten, map_tree

__all__ = [
 "EXACT", "Check", "FailedError", "SkippedError", "constant", "dot_product", "forward",
 "gradient", "judged", "linear", "rule_signatures", "second_order", "weights",
]  # fmt: skip

EXACT = 1e-10  # what some thousand roundings may make of sums of terms of size 1

Check = Callable[[Sample], str]


class FailedError(Exception):
    """The operation is wrong: how, and the sample that shows it if it is a variant."""


class SkippedError(Exception):
    """The check does not apply."""


def rule_signatures(op: Callable[..., Any], primitive: Primitive) -> str:
    """Rules take the function's arguments, in its order and with its defaults."""
    if not primitive.rules:
        raise SkippedError("it has no rules with a signature of its own")
    try:
        theirs = signature(op).parameters
    except (TypeError, ValueError):
        raise SkippedError("the function does not tell its signature") from None
    expected = [name for name, p in theirs.items() if p.kind != Parameter.VAR_KEYWORD]
    for i, rule in enumerate(primitive.rules):
        if rule is None:
            continue
        mine = list(signature(rule).parameters.items())[2:]
        taken = [name for name, _ in mine]
        if taken != expected[: len(taken)] and sorted(taken) == sorted(expected[: len(taken)]):
            raise FailedError(
                f"rule {i} takes ({', '.join(taken)}), the function ({', '.join(expected)})"
            )
        for name, p in mine:
            default = theirs[name].default if name in theirs else p.default
            told = default is not p.empty and default is not np._NoValue
            if told and repr(default) != repr(p.default):
                raise FailedError(
                    f"rule {i} has {name}={p.default!r}, the function {name}={default!r}"
                )
    known = [*primitive.operands, *primitive.names]
    missing = [
        f"{name}=" if i < len(known) else name  # by position a renamed one is taken
        for i, name in enumerate(expected) if name not in known
    ]  # fmt: skip
    if isinstance(op, np.ufunc) or type(op).__module__ == "numpy" or not missing:
        return f"{len(primitive.rules)} rule(s)"
    return f"a call with {', '.join(missing)} is refused where a gradient is needed"


def forward(sample: Sample) -> str:
    """The function changes none of its arguments, and gives Tensors the values it gives arrays."""
    kept = sample.changed(np.array)
    f = sample.f()
    result = f(*sample.xs)
    if isinstance(result, list | dict):
        raise FailedError(f"it returns a {type(result).__name__}, not an array or a tuple of them")
    values = [plain(y) for y in flatten(result)[0]]
    for name, x, before in zip(sample.names, sample.arrays, kept.arrays, strict=False):
        if not np.array_equal(x, before, equal_nan=True):
            raise FailedError(f"the function changed {name}")
    if any(not np.array_equal(y, plain(z), equal_nan=True)
           for y, z in zip(values, flatten(f(*sample.xs))[0], strict=True)):  # fmt: skip
        raise FailedError("called again, the function gives other values")
    again = flatten(f(*variables(sample.xs, tuple(range(len(sample.xs))))))[0]
    for y, z in zip(values, map(plain, again), strict=True):
        if y.shape != z.shape or not np.allclose(y, z, rtol=EXACT, atol=0, equal_nan=True):
            raise FailedError("the values for Tensors are not those for arrays")
    return "the same for arrays and Tensors, which stay as they are"


def gradient(name: str) -> Check:
    """By one operand, entry by entry, against a numerical derivative."""

    def check(sample: Sample) -> str:
        if name not in sample.names:
            raise SkippedError("no floats there")
        if not any(x.size for x in sample.arrays):
            raise SkippedError("no entries there")
        report = gradcheck(sample.f(), *sample.xs)
        mine = [p for p in report.parts if _is_of(p, name)]
        return judged(report, mine)

    return check


def _is_of(part: Verdicts, name: str) -> bool:
    label = part.comparison.argument
    return label == name or label.startswith((f"{name}[", f"{name}."))


def judged(report: Report, parts: list[Verdicts]) -> str:
    for part in parts:
        if part.worst == WRONG and (said := how(part, entries=True)):
            raise FailedError(said)
    verdicts = {part.worst for part in parts}
    if UNDECIDABLE in verdicts:
        raise SkippedError("the numerical derivative is not sure enough there")
    entries = sum(part.codes.size for part in parts)
    kink = ", some at a kink" if KINK in verdicts else ""
    return f"{entries} entries, {report.method}{kink}"


def constant(name: str, number: int) -> Check:
    """An operand without a rule: whether the function depends on it all the same."""

    def check(sample: Sample) -> str:
        depends = ""
        if number < len(sample.args) and plain(sample.args[number]).dtype.kind == "f":
            point = Vector(lambda *a: sample.op(*a, **sample.parameters), sample.args, (number,))
            if np.any(np.abs(jacobian(point).value) > 1e-6):
                depends = ", and the function does depend on it"
        raise SkippedError(f"its rule is None: no gradient flows{depends}")

    return check


def linear(sample: Sample) -> str:
    """pull(2u - 3v) = 2 pull(u) - 3 pull(v)."""
    value, pull = vjp(sample.f(), *sample.xs)
    u, v = weights(value, 1), weights(value, 2)
    both = pull(map_tree(lambda a, b: np.asarray(2 * a - 3 * b)[()], u, v))
    apart = zip(flatten(pull(u))[0], flatten(pull(v))[0], strict=True)
    for r, (a, b) in zip(flatten(both)[0], apart, strict=True):
        scale = np.max(np.abs(a) + np.abs(b), initial=0)
        off = np.max(np.abs(r - (2 * a - 3 * b)), initial=0)
        if not off <= EXACT * scale:
            raise FailedError(f"pull(2u - 3v) differs from 2 pull(u) - 3 pull(v) by {off:.1e}")
    return "pull(2u - 3v) = 2 pull(u) - 3 pull(v)"


def dot_product(sample: Sample) -> str:
    """<J v, u> = <v, J'u>, where J v is the rule's own transpose."""
    f, xs = sample.f(), sample.xs
    rng = np.random.default_rng(3)
    vs = tuple(map_tree(lambda x: np.asarray(rng.normal(size=np.shape(x))), x) for x in xs)
    value, pull = vjp(f, *xs)
    u = weights(value, 1)
    try:
        _, pushed = jvp(f, xs, vs)
    except (UnsupportedError, GradientError) as error:
        raise SkippedError(f"the rule cannot be transposed: {error.args[0]}") from None
    here, there = (
        np.concatenate([
            np.ravel(a * b) for a, b in zip(flatten(s)[0], flatten(t)[0], strict=True)
        ]).real
        for s, t in ((pushed, u), (pull(u), vs))
    )  # fmt: skip
    scale = np.sum(np.abs(here)) + np.sum(np.abs(there))
    if not abs(np.sum(here) - np.sum(there)) <= EXACT * scale:
        raise FailedError(f"<Jv, u> is {np.sum(here):.6g}, <v, J'u> is {np.sum(there):.6g}")
    return "<Jv, u> = <v, J'u>"


def second_order(sample: Sample) -> str:
    """The gradient's own gradient; a rule that cannot be differentiated says so."""
    if not any(x.size for x in sample.arrays):
        raise SkippedError("no entries there")
    try:
        report = gradcheck(sample.f(), *sample.xs, order=2)
    except UnsupportedError as error:
        raise SkippedError(f"the rule cannot be differentiated: {error.args[0]}") from None
    except DTypeError:
        raise SkippedError("it is measured by real numbers only") from None
    if report.higher is None:
        raise SkippedError("the first derivative is not right")
    return judged(report.higher, list(report.higher.parts))


def weights(value: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return map_tree(lambda y: np.asarray(rng.normal(size=np.shape(y)))[()], value)
