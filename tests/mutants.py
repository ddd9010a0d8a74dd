"""Detection power: small errors planted into the rules one at a time, and what notices them.

`python tests/mutants.py` plants every mutant into every rule of the table, those of SciPy's
functions too where SciPy is installed, and prints a Markdown table; words behind it choose
functions by name (`python tests/mutants.py sum einsum`). It ends with exit status 1 if `gradcheck`
misses a mutant that is not listed in `EQUIVALENT`, with the reason.

Functions that are composed of others have no rules of their own, so no mutants. A mutant that
changes no value in any example is inert: nothing can notice it. The numerical witness knows nothing
of the rules, so what it measured is kept from one mutant to the next.
"""

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent.parent))  # where it runs as a command

import numpy as np
import test_rules as walker
from cases import Case, Draw
from examples.scipy import EXAMPLES as SCIPYS

from examples import EXAMPLES as OURS
from tinygrad_ce.rules import support
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.table import TABLE, Primitive
from tinygrad_ce.tensor import _BINARY, _UNARY, _binary, _unary
from tinygrad_ce.testing import gradcheck
from tinygrad_ce.testing.vectors import Vector
from tinygrad_ce.testing.witnesses import Measured, jacobian

EXAMPLES = OURS | SCIPYS
Planted = Callable[..., Any]

# Mutants of the result of a rule, given it, the operand and all arguments.
CHANGES: dict[str, Callable[..., Any]] = {
    "1 + 1e-3": lambda r, x, args: r * (1 + 1e-3),
    "1 + 1e-6": lambda r, x, args: r * (1 + 1e-6),
    "sign": lambda r, x, args: -r,
    "dropped": lambda r, x, args: r * 0,
    "transposed": lambda r, x, args: (
        np.reshape(np.swapaxes(r, -1, -2), r.shape) if r.ndim > 1 else r
    ),
    "shifted by one": lambda r, x, args: np.roll(r, 1),
    "one entry 1 + 1e-6": lambda r, x, args: r * _at_largest(r),
    "missing sum": lambda r, x, args: _first(r, np.shape(x)),
    "at ties": lambda r, x, args: r + np.where(_tied(x, args), 1e-3, 0.0) * np.ones(np.shape(r)),
}
SWAPPED = "swapped"  # the rule of another operand
KINDS = (*CHANGES, SWAPPED)


@dataclass(frozen=True)
class Mutant:
    """One error in one rule: which function, which of its rules, of which operand, and which error.

    Attributes:
        part: "rules", "alone" or "each", the attribute of the primitive.
    """

    function: Any
    part: str
    operand: int
    kind: str

    def __str__(self) -> str:
        part = {"rules": "", "alone": " (alone)", "each": " (each)"}[self.part]
        return f"{TABLE[self.function].name}, operand {self.operand}{part}: {self.kind}"


@dataclass
class Seen:
    """Whether a planted error was met at all, and changed a value."""

    called: bool = False
    changed: bool = False


@cache
def points(f: Any) -> list[Case]:
    """Where a function is checked: its examples, and points where rules choose."""
    return (
        EXAMPLES[f]
        + MORE.get(f, [])
        + TIES.get(f, [])
        + [at(*p, f=f) for p in walker.CHOICES.get(f, [])]
    )


def at(*point: Any, f: Any) -> Case:
    """A case at one point, of arguments that draw nothing."""
    return Case(f, *(Constant(np.shape(x), 0, 0, value=np.asarray(x, float)) for x in point))


@dataclass(frozen=True)
class Constant(Draw):
    """Values that are given."""

    value: Any = None

    def __call__(self, rng: Any) -> Any:
        return self.value.copy()


SQUARE = np.array([[2.0, 0.3], [0.1, -1.0]])
ROWS = np.array([[1.0, -2.0, 0.5], [0.3, 1.5, -1.0]])
MORE: dict[Any, list[Case]] = {
    support.output: [at(SQUARE, f=lambda x, i=i: np.linalg.eigh(x)[i]) for i in (0, 1)],
    np.copysign: [at(ROWS[0], f=lambda x: np.copysign(x, ROWS))],
}
SAME = np.array([[1.0, 2.0, 2.0], [-1.0, -1.0, 0.5]])
LAST = np.array([1.0, 0.0, 2.0])
# A variable and a constant that broadcast, the variable chosen in the one row or the other.
WITH = [(SAME, LAST), (LAST, SAME), (LAST, SAME + 0.1), (LAST, SAME[::-1] + 0.1)]
TIES: dict[Any, list[Case]] = {
    **{f: [at(SAME, SAME, f=f), at([1.0, 0.0], [1.0, 2.0], f=f),
           *(at(x, f=lambda x, f=f, c=c: f(x, c)) for x, c in WITH),
           *(at(x, f=lambda x, f=f, c=c: f(c, x)) for x, c in WITH)]
       for f in (np.maximum, np.minimum, np.fmax, np.fmin)},
    **{f: [at(SAME, f=f), at(SAME, f=lambda x, f=f: f(x, axis=1))] for f in (np.max, np.min)},
    **{f: [at([0.0, 1.0], f=f)] for f in (np.absolute, np.fabs)},
    np.clip: [at([0.0, 1.0, 2.0], f=lambda x: np.clip(x, 0.0, 1.0))],
    np.hypot: [at([0.0, 1.0], [0.0, 0.0], f=np.hypot)],
    np.sort: [at(SAME, f=lambda x: np.sort(x, axis=1))],
}  # fmt: skip


def mutants() -> list[Mutant]:
    """Every error of every rule, in the order of the examples."""
    return [
        Mutant(f, part, i, kind)
        for f in EXAMPLES
        for part, i in slots(TABLE[f])
        for kind in KINDS
        if _applies(TABLE[f], part, i, kind)
    ]


def slots(primitive: Primitive) -> Iterator[tuple[str, int]]:
    if primitive.each is not None:
        yield "each", 0
    for i, rule in enumerate(primitive.rules):
        if rule is not None and not _refuses(rule):
            yield "rules", i
    for i, rule in enumerate(primitive.alone):
        if rule is not None and rule is not primitive.rules[i]:
            yield "alone", i


def _refuses(rule: Any) -> bool:
    """Whether all that a rule does is to refuse, as SciPy's do for orders."""
    return bool(rule.__qualname__.startswith("_refusal."))


def _applies(primitive: Primitive, part: str, i: int, kind: str) -> bool:
    if kind == "missing sum":
        return primitive.broadcasts and len(primitive.rules) > 1
    if kind == "at ties":
        return primitive.function in TIES or primitive.function in walker.CHOICES
    if kind == SWAPPED:
        return part == "each" or _another(getattr(primitive, part), i) is not None
    return True


def _another(rules: tuple[Any, ...], i: int) -> Any:
    """The rule of the next operand that has one."""
    others = (*rules[i + 1 :], *rules[:i])
    return next((r for r in others if r is not None and not _refuses(r)), None)


@contextmanager
def planted(mutant: Mutant) -> Iterator[Seen]:
    """The table with one wrong rule; afterwards it is as it was, whatever happens."""
    primitive, seen = TABLE[mutant.function], Seen()
    before = {name: getattr(primitive, name) for name in ("rules", "alone", "each")}
    try:
        if mutant.part == "each":
            each = type(primitive.each).__new__(type(primitive.each))
            each.__dict__.update(vars(primitive.each))
            each.rule = _each(mutant, primitive.each, seen)
            primitive.each = each
        else:
            rules = before[mutant.part]
            wrong = _wrong(mutant, rules, seen)
            for part in ("rules", "alone"):
                held = before[part]
                if held[mutant.operand : mutant.operand + 1] == rules[mutant.operand :][:1]:
                    changed = (*held[: mutant.operand], wrong, *held[mutant.operand + 1 :])
                    setattr(primitive, part, changed)
        with _operators(mutant.function):
            yield seen
    finally:
        for name, held in before.items():
            setattr(primitive, name, held)


@contextmanager
def _operators(f: Any) -> Iterator[None]:
    """The arithmetic ufuncs' short ways hold their rules: they are built again."""
    with patch.dict(_UNARY), patch.dict(_BINARY):
        if f in _UNARY:
            _UNARY[f] = _unary(f)
        if f in _BINARY:
            _BINARY[f] = _binary(f)
        yield


def _wrong(mutant: Mutant, rules: tuple[Any, ...], seen: Seen) -> Planted:
    i = mutant.operand
    right = rules[i]
    other = _another(rules, i)

    def wrong(g: Any, y: Any, *args: Any, **parameters: Any) -> Any:
        r = right(g, y, *args, **parameters)
        if mutant.kind == SWAPPED:
            return _noted(seen, r, other(g, y, *args, **parameters))
        return _noted(seen, r, _changed(mutant.kind, r, args[i], args))

    return wrong


def _each(mutant: Mutant, each: Any, seen: Seen) -> Planted:
    def wrong(i: int, g: Any, y: Any, *args: Any, **parameters: Any) -> Any:
        items = args[1:] if each.after_first else args[0]
        r = each.rule(i, g, y, *args, **parameters)
        if mutant.kind == SWAPPED:
            j = (i + 1) % len(items)
            return _noted(seen, r, each.rule(j, g, y, *args, **parameters))
        return _noted(seen, r, _changed(mutant.kind, r, items[i], args))

    return wrong


def _changed(kind: str, r: Any, x: Any, args: Any) -> Any:
    if isinstance(r, Several):
        return Several(None if a is None else _changed(kind, a, x, args) for a in r)
    return CHANGES[kind](r, x, args)


def _noted(seen: Seen, right: Any, wrong: Any) -> Any:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, Several):
            return all(map(same, a, b))
        a, b = (getattr(z, "value", z) for z in (a, b))
        return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))

    seen.called = True
    seen.changed |= not same(right, wrong)
    return wrong


def _at_largest(r: Any) -> Any:
    factor = np.ones(np.shape(r))
    if factor.size:
        factor.reshape(-1)[np.argmax(np.abs(getattr(r, "value", r)))] = 1 + 1e-6
    return factor


def _first(r: Any, shape: tuple[int, ...]) -> Any:
    """One of the entries that would have been summed."""
    while r.ndim > len(shape):
        r = r[0]
    places = tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)
    return r[places] if r.shape != shape else r


def _tied(x: Any, args: Any) -> Any:
    """Where an operand is 0, equals another one, or is one of several equal entries."""
    x, *others = (getattr(a, "value", a) for a in (x, *args))
    tied = np.asarray(np.equal(x, 0))
    for other in others:
        if other is not x and isinstance(other, np.ndarray | np.generic | float):
            tied = tied | np.equal(x, other)
    if len(args) == 1 and np.ndim(x):
        flat = np.ravel(x)
        tied = tied | (np.sum(flat[:, None] == flat, axis=1) > 1).reshape(np.shape(x))
    return tied


class Witness:
    """What was measured of a function, kept."""

    def __init__(self) -> None:
        self.kept: dict[int, Measured] = {}
        self.case: Any = None

    def __call__(self, point: Vector) -> Measured:
        if id(self.case) not in self.kept:
            self.kept[id(self.case)] = jacobian(point)
        return self.kept[id(self.case)]


def by_gradcheck(cases: list[Case], witness: Witness) -> bool:
    """Whether gradcheck calls it wrong, or the engine refuses what the rule returned."""
    for case in cases:
        witness.case = case
        with patch("tinygrad_ce.testing.gradcheck.jacobian", witness):
            try:
                if gradcheck(case.f, *case.arguments()).verdict == "wrong":
                    return True
            except Exception:
                return True
    return False


WALKER = {
    "differences": walker.test_gradient_is_that_of_central_differences,
    "complex step": walker.test_gradient_is_that_of_a_complex_step,
    "second order": walker.test_hessian_product_is_that_of_central_differences,
    "linearity": walker.test_pull_back_is_linear,
    "dot product": walker.test_pushing_forward_and_pulling_back_agree,
    "dtype, shape": walker.test_gradient_has_shape_and_dtype_of_its_operand,
}


def by_walker(f: Any) -> list[str]:
    """Which of the table's own tests fail."""
    failed = []
    for title, test in WALKER.items():
        for case in EXAMPLES[f]:
            if title == "complex step" and not case.analytic:
                continue
            try:
                test(case)
            except Exception:
                failed.append(title)
                break
    for point in walker.CHOICES.get(f, []):
        try:
            walker.test_hessian_where_a_rule_chooses(f, point)
        except Exception:
            failed.append("choices")
            break
    return failed


# Errors that are none: (function, operand, kind) and why.
EQUIVALENT: dict[tuple[str, int, str], str] = {
    ("add", 0, SWAPPED): "both rules are g",
    ("add", 1, SWAPPED): "both rules are g",
    ("float_power", 0, "at ties"): "at its points the base is neither 0 nor the exponent",
    ("polygamma", 1, "missing sum"): "its order is one number, nothing broadcasts",
    ("vecdot", 0, "missing sum"): "its rule returns the operand's shape, there is nothing to sum",
    ("vecdot", 1, "missing sum"): "its rule returns the operand's shape, there is nothing to sum",
    ("convolve", 0, "transposed"): "takes one axis only",
    ("convolve", 1, "transposed"): "takes one axis only",
    ("vander", 0, "transposed"): "takes one axis only",
    ("squeeze", 0, "transposed"): "its axes of length 1 move no entry",
    ("broadcast_to", 0, "transposed"): "its axes of length 1 move no entry",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a mutant: caught, missed, inert (no value changed), unreached, equivalent."""

    mutant: Mutant
    verdict: str
    walker: tuple[str, ...] = ()


def outcome(mutant: Mutant, witness: Witness, with_walker: bool = False) -> Outcome:
    """Plant it, look who notices."""
    cases = points(mutant.function)
    with warnings.catch_warnings(action="ignore"), planted(mutant) as seen:
        caught = by_gradcheck(cases, witness)
        known = (TABLE[mutant.function].name, mutant.operand, mutant.kind) in EQUIVALENT
        if caught:
            verdict = "caught"
        elif known:
            verdict = "equivalent"
        elif not seen.called:
            verdict = "unreached"
        else:
            verdict = "missed" if seen.changed else "inert"
        return Outcome(mutant, verdict, tuple(by_walker(mutant.function)) if with_walker else ())


def sample(count: int) -> list[Mutant]:
    """Some mutants of all kinds, always the same."""
    every = mutants()
    chosen = np.random.default_rng(0).choice(len(every), count, replace=False)
    return [every[i] for i in sorted(chosen)]


def report(outcomes: list[Outcome]) -> str:
    """A Markdown table: for each kind of error, how many were noticed, and by what."""
    verdicts = ("caught", "missed", "equivalent", "inert", "unreached")
    titles = [*WALKER, "choices"]
    rows = [
        f"| planted | mutants | {' | '.join(f'gradcheck: {v}' for v in verdicts)} | suite | "
        f"{' | '.join(titles)} |",
        "|---" * (len(verdicts) + len(titles) + 3) + "|",
    ]
    for kind in (*KINDS, "all"):
        mine = [o for o in outcomes if kind in ("all", o.mutant.kind)]
        found = Counter(o.verdict for o in mine)
        tests = Counter(chain.from_iterable(o.walker for o in mine))
        numbers = [found[v] for v in verdicts] + [sum(bool(o.walker) for o in mine)]
        numbers += [tests[t] for t in titles]
        rows.append(f"| {kind} | {len(mine)} | {' | '.join(map(str, numbers))} |")
    for verdict in verdicts[1:]:
        rows += ["", f"{verdict}:", ""]
        for o in outcomes:
            if o.verdict == verdict:
                m = o.mutant
                why = EQUIVALENT.get((TABLE[m.function].name, m.operand, m.kind), "")
                tests = f" (suite: {', '.join(o.walker)})" if o.walker else ""
                rows.append(f"- {m}{': ' + why if why else ''}{tests}")
    silent = [o for o in outcomes if o.verdict == "caught" and not o.walker]
    rows += ["", f"caught by gradcheck and not by the suite: {len(silent)}", ""]
    rows += [f"- {o.mutant}" for o in silent]
    return "\n".join(rows)


def main(names: list[str]) -> int:
    began = time.perf_counter()
    wanted = [m for m in mutants() if not names or TABLE[m.function].name in names]
    witness, outcomes = Witness(), []
    for k, mutant in enumerate(wanted):
        outcomes.append(outcome(mutant, witness, with_walker=True))
        if k % 200 == 199:
            spent = time.perf_counter() - began
            print(f"{k + 1} of {len(wanted)}, {spent:.0f} s", file=sys.stderr)
    print(report(outcomes))
    print(f"\n{len(wanted)} mutants, {time.perf_counter() - began:.0f} s")
    return int(any(o.verdict not in ("caught", "equivalent") for o in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
