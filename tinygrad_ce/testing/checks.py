"""What an audit asks of an operation: each check takes a sample, and says what it found.

A check returns a detail for the report, or raises `FailedError` or `SkippedError` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import numpy as np

from tinygrad_ce.errors import DTypeError, Error, GradientError, ShapeError, UnsupportedError
from tinygrad_ce.graph import order
from tinygrad_ce.mode import Mode
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.table import Primitive
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.testing.blame import how
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.report import KINK, UNDECIDABLE, WRONG, Report, Verdicts
from tinygrad_ce.testing.samples import Sample
from tinygrad_ce.testing.steps import Operand, differentiated, operands, variables
from tinygrad_ce.testing.witnesses import Vector, jacobian, plain
from tinygrad_ce.transforms import jvp, vjp
from tinygrad_ce.trees import flatten, map_tree

__all__ = [
    "CHECKS",
    "Check",
    "FailedError",
    "SkippedError",
    "constant",
    "gradient",
    "rule_signatures",
]

EXACT = 1e-10  # what some thousand roundings may make of sums of terms of size 1
SINGLE = 2.0**-14  # some hundred roundings of float32

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
    missing = [name for name in expected if name not in {*primitive.operands, *primitive.names}]
    missing = missing[max(0, len(primitive.operands) - len(expected)) :]
    if isinstance(op, np.ufunc) or type(op).__module__ == "numpy" or not missing:
        return f"{len(primitive.rules)} rule(s)"
    return f"a call with {', '.join(missing)} is refused where a gradient is needed"


def forward(sample: Sample) -> str:
    """The function changes none of its arguments, and gives Tensors the values it gives arrays."""
    kept = sample.changed(np.array)
    f = sample.f()
    values = [plain(y) for y in flatten(f(*sample.xs))[0]]
    for name, x, before in zip(sample.names, sample.arrays, kept.arrays, strict=False):
        if not np.array_equal(x, before, equal_nan=True):
            raise FailedError(f"the function changed {name}")
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
        report = gradcheck(sample.f(), *sample.xs)
        mine = [p for p in report.parts if _is_of(p, name)]
        return _judged(report, mine)

    return check


def _is_of(part: Verdicts, name: str) -> bool:
    label = part.comparison.argument
    return label == name or label.startswith((f"{name}[", f"{name}."))


def _judged(report: Report, parts: list[Verdicts]) -> str:
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


def shapes(sample: Sample) -> str:
    """A gradient has its operand's shape, or one that broadcasting sums to it."""
    count = 0
    for node, operand, g in _calls(sample):
        count += 1
        try:
            r = differentiated(node, operand, g)
        except (Error, ValueError, AttributeError) as error:
            raise FailedError(f"by {operand.label}: {error}") from None
        if np.shape(r) != np.shape(operand.value):
            raise FailedError(f"by {operand.label}: {np.shape(r)}, not {np.shape(operand.value)}")
    return f"of {count} gradients"


def float32(sample: Sample) -> str:
    """Single precision in, single precision out, and as right as it can be."""
    single = sample.changed(lambda x: x.astype(np.complex64 if x.dtype.kind == "c" else np.float32))
    double = single.changed(lambda x: x.astype(np.complex128 if x.dtype.kind == "c" else float))
    for node, operand, g in _calls(single):
        r = operand.rule(g, node.value, *node.args, **node.parameters)
        wanted = _precision(operand.value)
        # A function that computes in double anyway may do so on the way back; what one that is
        # written with others converts is its affair.
        own = node.primitive.function is sample.op and _precision(node.value) <= wanted
        if own and _precision(r) != wanted:
            kinds = np.result_type(r), np.result_type(operand.value)
            raise FailedError(f"the rule by {operand.label} gives {kinds[0]} for {kinds[1]}")
    (value, pull), (_, exact) = (vjp(s.f(), *s.xs) for s in (single, double))
    u = _weights(value, 1)
    worst = 0.0
    for r, e in zip(flatten(pull(u))[0], flatten(exact(u))[0], strict=True):
        scale = float(np.max(np.abs(e), initial=0)) or 1.0
        worst = max(worst, float(np.max(np.abs(r - e), initial=0)) / scale)
    if not worst <= SINGLE:
        raise FailedError(f"the gradient differs by {worst:.1e} of its size from that in float64")
    return f"float32 gradients, {worst:.0e} of their size from those in float64"


def _precision(x: Any) -> set[Any]:
    """The real dtype behind each floating-point array of a tree; None for whole numbers."""
    kinds = [np.result_type(part) for part in flatten(x)[0]]
    return {np.finfo(kind).dtype if kind.kind in "fc" else None for kind in kinds}


def linear(sample: Sample) -> str:
    """pull(2u - 3v) = 2 pull(u) - 3 pull(v)."""
    value, pull = vjp(sample.f(), *sample.xs)
    u, v = _weights(value, 1), _weights(value, 2)
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
    u = _weights(value, 1)
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
    try:
        report = gradcheck(sample.f(), *sample.xs, order=2)
    except UnsupportedError as error:
        raise SkippedError(f"the rule cannot be differentiated: {error.args[0]}") from None
    except DTypeError:
        raise SkippedError("it is measured by real numbers only") from None
    if report.higher is None:
        raise SkippedError("the first derivative is wrong")
    return _judged(report.higher, list(report.higher.parts))


def broadcasting(sample: Sample) -> str:
    """One operand with an axis of length 1, or without its first one, where that is taken."""
    if len(sample.numbers) < 2 or any(isinstance(x, list | tuple) for x in sample.xs):
        raise SkippedError("there is one operand")
    tried = 0
    for k, x in enumerate(map(plain, sample.xs)):
        for cut in CUTS if x.ndim and 1 not in x.shape else ():
            xs = (*sample.xs[:k], np.array(cut(x)), *sample.xs[k + 1 :])
            tried += _also(sample, replace(sample, args=tuple(sample.full(xs))))
    if not tried:
        raise SkippedError("the function takes no operands of different shapes")
    return f"{tried} pairs of shapes"


CUTS: tuple[Callable[[Any], Any], ...] = (lambda x: x[:1], lambda x: x[0], lambda x: x[..., :1])


def numbers(sample: Sample) -> str:
    """Operands without axes."""
    if not _also(sample, sample.changed(lambda x: np.array(x.flat[0])[()])):
        raise SkippedError("the function takes no single numbers")
    return "single numbers"


def _also(sample: Sample, variant: Sample) -> bool:
    """Whether the function takes a variant; if it does, its gradient must be right, too."""
    try:
        f = variant.f()
        values = [plain(y) for y in flatten(f(*variant.xs))[0]]
    except Exception:
        return False
    if not values or not all(np.isfinite(y).all() for y in values):
        return False
    try:
        report = gradcheck(f, *variant.xs)
        _judged(report, list(report.parts))
    except ShapeError as error:
        remedy = "; elementwise=True sums what was broadcast" if _differ(variant) else ""
        raise FailedError(f"{str(error).rstrip('.')}{remedy}", variant) from None
    except FailedError as error:
        if not gradcheck(sample.f(), *sample.xs):
            raise SkippedError("the gradient is wrong already") from None
        raise FailedError(str(error), variant) from None
    return True


def _differ(sample: Sample) -> bool:
    return len({x.shape for x in sample.arrays}) > 1


def empty(sample: Sample) -> str:
    """Operands without entries."""
    if any(not x.ndim for x in sample.arrays):
        raise SkippedError("its operands have no axes")
    variant = sample.changed(lambda x: np.array(x[:0]))
    try:
        f = variant.f()
    except Exception:
        raise SkippedError("the function takes no empty arrays") from None
    value, pull = vjp(f, *variant.xs)
    for g, x in zip(flatten(pull(_weights(value, 1)))[0], variant.arrays, strict=True):
        if np.shape(g) != x.shape:
            raise FailedError(f"the gradient has shape {np.shape(g)}, not {x.shape}")
    return "empty arrays"


def layouts(sample: Sample) -> str:
    """The same numbers otherwise in memory: Fortran's order, backwards, every second, a view."""
    value, pull = vjp(sample.f(), *sample.xs)
    u = _weights(value, 1)
    expected = flatten(pull(u))[0]
    ones = map_tree(lambda y: np.ones(np.shape(y)), value)
    views = map_tree(lambda y: np.broadcast_to(np.ones(()), np.shape(y)), value)
    pairs = [("a broadcast gradient", pull(views), flatten(pull(ones))[0])]
    for name, view in VIEWS.items():
        variant = sample.changed(view)
        _, again = vjp(variant.f(), *variant.xs)
        pairs.append((f"operands {name}", again(u), expected))
    for name, found, wanted in pairs:
        for g, e in zip(flatten(found)[0], wanted, strict=True):
            scale = np.max(np.abs(e), initial=0)
            if not np.max(np.abs(g - e), initial=0) <= EXACT * scale:
                raise FailedError(f"{name} change(s) the gradient")
    return f"{', '.join(VIEWS)}; a broadcast g"


VIEWS: dict[str, Callable[[Any], Any]] = {
    "in Fortran's order": lambda x: np.array(x, order="F"),
    "backwards": lambda x: np.array(x[::-1])[::-1] if x.ndim else x,
    "with gaps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
}


def mutates_nothing(sample: Sample) -> str:
    """A rule writes neither into g nor into the result or the operands."""
    for node, operand, g in _calls(sample):
        _, held = _run(node, operand, g)
        for name, x, before in held:
            if not np.array_equal(x, before, equal_nan=True):
                raise FailedError(f"the rule by {operand.label} changes {name}")
    return "g, result and operands stay as they are"


def returns_no_operand(sample: Sample) -> str:
    """A gradient shares no memory with the result or an operand: others will add to it."""
    for node, operand, g in _calls(sample):
        r, held = _run(node, operand, g)
        for name, x, _ in held:
            if name != "g" and np.shares_memory(r, x):
                raise FailedError(f"the rule by {operand.label} returns memory of {name}")
    return "g, a view of it, or a fresh array"


def _run(node: Any, operand: Operand, g: Any) -> tuple[Any, list[tuple[str, Any, Any]]]:
    """What a rule gives, and the arrays it was called with by name, each with a copy of before."""
    args, y, g = (_copied(x) for x in (node.args, node.value, g))
    known = [*node.primitive.operands, *node.primitive.names]
    labels = [known[i] if i < len(known) else f"argument {i}" for i in range(len(args))]
    held = [
        (name, x, x.copy())
        for name, tree in (("g", g), ("the result", y), *zip(labels, args, strict=True))
        for x in flatten(tree)[0]
        if isinstance(x, np.ndarray)
    ]
    return operand.rule(g, y, *args, **node.parameters), held


def _copied(x: Any) -> Any:
    if isinstance(x, Several):
        return Several(map(_copied, x))
    if isinstance(x, list | tuple):
        return type(x)(map(_copied, x))
    return x.copy() if isinstance(x, np.ndarray) else x


def _calls(sample: Sample) -> Iterator[tuple[Any, Operand, Any]]:
    """Every step of the operation with every operand that has a rule, and a gradient of it."""
    rng = np.random.default_rng(0)
    with Mode(True):
        results = sample.op(*variables(tuple(sample.args), sample.numbers), **sample.parameters)
    roots = [y for y in flatten(results)[0] if isinstance(y, Tensor) and y.requires_grad]
    seen = {node: None for root in roots for node in order(root) if node.primitive is not None}
    for node in seen:
        for operand in operands(node):
            if not isinstance(operand.value, Several):
                yield node, operand, _drawn(rng, node.value)


def _drawn(rng: Any, y: Any) -> Any:
    if isinstance(y, Several):
        return Several(_drawn(rng, part) for part in y)
    g = rng.normal(size=np.shape(y))
    return np.asarray(g, np.result_type(y)) if np.result_type(y).kind in "fc" else np.asarray(g)


def _weights(value: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return map_tree(lambda y: np.asarray(rng.normal(size=np.shape(y)))[()], value)


# In the order of the report, after the signatures and the gradients by each operand.
CHECKS: dict[str, Check] = {
    "dot product": dot_product,
    "linear in g": linear,
    "second order": second_order,
    "shape of gradients": shapes,
    "float32": float32,
    "broadcasting": broadcasting,
    "memory layout": layouts,
    "single numbers": numbers,
    "empty arrays": empty,
    "rule mutates nothing": mutates_nothing,
    "rule returns no operand": returns_no_operand,
}
