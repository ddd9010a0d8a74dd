"""What an audit asks of manners: shapes, dtypes, broadcasting, memory.

Checks like those of derivatives: of a sample and of its variants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any

import numpy as np

from tinygrad_ce.errors import Error, ShapeError, UnsupportedError
from tinygrad_ce.graph import order
from tinygrad_ce.mode import Mode
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.testing.checks import EXACT, FailedError, SkippedError, judged, weights
from tinygrad_ce.testing.gradcheck import gradcheck
from tinygrad_ce.testing.samples import Sample
from tinygrad_ce.testing.steps import Operand, differentiated, operands, variables
from tinygrad_ce.testing.vectors import plain
from tinygrad_ce.transforms import vjp
from tinygrad_ce.trees import flatten, map_tree

__all__ = [
    "arguments", "broadcasting", "empty", "float32", "layouts", "mutates_nothing", "numbers",
    "remembers_nothing", "returns_no_operand", "shapes",
]  # fmt: skip

SINGLE = 2.0**-14  # some hundred roundings of float32


def shapes(sample: Sample) -> str:
    """A gradient has its operand's shape, or one that broadcasting sums to it."""
    count = 0
    for node, operand, g in _calls(sample):
        count += 1
        try:
            r = differentiated(node, operand, g)
        except (Error, ValueError) as error:
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
    u = weights(value, 1)
    worst: Any = 0.0
    for r, e in zip(flatten(pull(u))[0], flatten(exact(u))[0], strict=True):
        scale = float(np.max(np.abs(e), initial=0)) or 1.0
        worst = np.maximum(worst, np.max(np.abs(r - e), initial=0) / scale)  # a nan remains
    if not worst <= SINGLE:
        raise FailedError(f"the gradient differs by {worst:.1e} of its size from that in float64")
    return f"float32 gradients, {worst:.0e} of their size from those in float64"


def _precision(x: Any) -> set[Any]:
    """The real dtype behind each floating-point array of a tree; None for whole numbers."""
    kinds = [np.result_type(part) for part in flatten(x)[0]]
    return {np.finfo(kind).dtype if kind.kind in "fc" else None for kind in kinds}


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


def arguments(sample: Sample) -> str:
    """Other axes, switches and numbers where a default stands: a rule is to heed what it names."""
    choices = {name: _others(name, default) for name, default in sample.defaults.items()}
    tried: dict[str, None] = {}
    for values in islice(product(*choices.values()), COMBINATIONS):
        told = dict(zip(choices, values, strict=True))
        changed = {name: told[name] for name in told if told[name] is not sample.defaults[name]}
        variant = replace(sample, parameters={**sample.parameters, **changed})
        if changed and _also(sample, variant):
            tried |= dict.fromkeys(changed)
    if not tried:
        raise SkippedError("it has none with a default that is known to have others")
    return f"other values of {', '.join(tried)}"


COMBINATIONS = 24


def _others(name: str, default: Any) -> list[Any]:
    """The default, and values that one would also pass."""
    if name == "axis":
        return [default, *(axis for axis in (None, 0, -1) if axis != default)]
    if name == "keepdims" or isinstance(default, bool):
        return [default, default is not True]
    if isinstance(default, int):
        return [default, default + 1]
    return [default, 1.5 * default + 0.25] if isinstance(default, float) else [default]


def numbers(sample: Sample) -> str:
    """Operands without axes."""
    some = all(x.size for x in sample.arrays)
    if not some or not _also(sample, sample.changed(lambda x: np.array(x.flat[0])[()])):
        raise SkippedError("the function takes no single numbers")
    return "single numbers"


def _also(sample: Sample, variant: Sample) -> bool:
    """Whether the function takes a variant; if it does, its gradient must be right, too.

    It may be refused with words where a gradient is needed.
    """
    try:
        f = variant.f()
        values = [plain(y) for y in flatten(f(*variant.xs))[0]]
    except Exception:
        return False
    if not values or not all(np.isfinite(y).all() for y in values):
        return False
    try:
        report = gradcheck(f, *variant.xs)
        judged(report, list(report.parts))
    except (UnsupportedError, SkippedError):
        return False
    except ShapeError as error:
        remedy = "; elementwise=True sums what was broadcast" if _differ(variant) else ""
        raise FailedError(f"{str(error).rstrip('.')}{remedy}", variant) from None
    except FailedError as error:
        if not gradcheck(sample.f(), *sample.xs):
            raise SkippedError("the gradient is wrong already") from None
        raise FailedError(str(error), variant) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise FailedError(f"{type(error).__name__}: {error}", variant) from None
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
        some = flatten(f(*variant.xs))[0]
    except Exception:
        some = []
    if not some:
        raise SkippedError("the function takes no empty arrays")
    try:
        value, pull = vjp(f, *variant.xs)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise FailedError(f"{type(error).__name__}: {error}", variant) from None
    for g, x in zip(flatten(pull(weights(value, 1)))[0], variant.arrays, strict=True):
        if np.shape(g) != x.shape:
            raise FailedError(f"the gradient has shape {np.shape(g)}, not {x.shape}", variant)
    return "empty arrays"


def layouts(sample: Sample) -> str:
    """The same numbers otherwise in memory: Fortran's order, backwards, every second, a view."""
    value, pull = vjp(sample.f(), *sample.xs)
    u = weights(value, 1)
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


def remembers_nothing(sample: Sample) -> str:
    """A call between forward and backward changes nothing: what a rule needs, it is handed."""
    f, xs = sample.f(), sample.xs
    value, pull = vjp(f, *xs)
    u = weights(value, 1)
    expected = flatten(pull(u))[0]
    _, again = vjp(f, *xs)
    try:
        vjp(f, *sample.changed(lambda x: x * x.dtype.type(0.75)).xs)
    except Exception:
        raise SkippedError("the function takes no other numbers") from None
    for g, e in zip(flatten(again(u))[0], expected, strict=True):
        if not np.array_equal(g, e, equal_nan=True):
            raise FailedError("a call with other numbers before the pull-back changes the gradient")
    return "the gradient is that of its own call"


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
