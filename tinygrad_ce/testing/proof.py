"""Prove a gradient that was derived by hand: for all real arguments of a shape, not for samples.

The function runs on symbols, the engine pulls back, and SymPy simplifies the difference from the
formula to 0, entry by entry. SymPy's own derivative of the function's value is the third witness.

What a proof is about: real arithmetic, without rounding, wherever f is real. Functions that are
written for floating-point numbers (softmax, xlogy, erf) are taken by their definition. Where f
chooses by the values of its arguments, the theorem names the branches that were met.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np

from tinygrad_ce.errors import ShapeError, UnsupportedError
from tinygrad_ce.graph import gradients
from tinygrad_ce.mode import Mode
from tinygrad_ce.options import count, function
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.testing.exact import sympy
from tinygrad_ce.testing.premises import PremiseError, Premises, names_of, symbol_of
from tinygrad_ce.testing.symbolic import Symbols
from tinygrad_ce.testing.symbols import Branch, Term, expression
from tinygrad_ce.testing.theorem import Entry, Proof, Verdict, pattern

__all__ = ["prove"]

Shape = int | tuple[int, ...]

_WORST: tuple[Verdict, ...] = ("refuted", "undecided", "proved")
_CLEAR = 1e-12  # relative; constants that are not recognised differ by their rounding


def prove(
    f: Callable[..., Any],
    formula: Callable[..., Any],
    shapes: Mapping[str, Shape] | Sequence[Shape],
    *,
    by: str | int = 0,
    positive: str | Collection[str] = (),
    sums_to_one: str | Collection[str] = (),
    within: Mapping[str, tuple[float, float]] | None = None,
    samples: int = 12,
    seed: int = 0,
) -> Proof:
    """Prove that a formula is the gradient of f, for all real arguments of the shapes.

    Args:
        f: a function of arrays, written with NumPy and this package.
        formula: a function of the same arrays that returns the gradient, of the argument's shape.
            If f returns no scalar, it either gives the derivative of each entry of the result by
            the entry in the same place (elementwise), or its first parameter is called g and it
            pulls back g, a gradient of the result's shape.
        shapes: of the arguments in their order, for the names in f's signature, or by names.
        by: the argument of the gradient, by name or position.
        positive: the arguments whose entries are positive.
        sums_to_one: the arguments whose entries sum to 1 along the last axis.
        within: {argument: (low, high)}, open intervals in which entries lie.
        samples: how many points are tried to find the branches of f. A function that does not
            choose by its arguments' values needs one. (Losses that check their arguments choose:
            pass check=False.)
        seed: of the points.

    Returns:
        A `Proof`, which is true if the formula was proved. "refuted" comes with numbers at which
        formula and gradient differ, "undecided" with what SymPy could neither make 0 nor tell
        from 0. Both print the expressions.

    Raises:
        ImportError: SymPy is not installed (`pip install "tinygrad_ce[proof]"`).
        ShapeError: the formula is elementwise, and the result has not the argument's shape.
        PremiseError: the premises name no argument, or an empty interval.
        UnsupportedError: f or formula left what symbols can do, with float() for example.

    >>> def cross_entropy(y, t):
    ...     return -np.sum(t * np.log(y))
    >>> prove(cross_entropy, lambda y, t: -t / y, {"y": 3, "t": 3}, positive="y").verdict
    'proved'
    >>> wrong = prove(cross_entropy, lambda y, t: t / y, {"y": 3, "t": 3}, positive="y")
    >>> wrong.verdict, wrong.reason
    ('refuted', 'The formula is the gradient times -1.')
    """
    function("f", f)
    function("formula", formula)
    samples = count("samples", samples, -inf)
    premises = Premises(f, shapes, positive, sums_to_one, dict(within or {}), seed)
    argument = premises.named(by)
    if samples < 1:
        raise PremiseError(
            f"samples={samples}", "a theorem is about the branches that some point meets",
            "pass 1 at least",
        )  # fmt: skip
    found: dict[Any, Any] = {}
    reason = ""
    for _ in range(samples):
        branch, arrays = premises.draw()
        entries, reason = _examine(f, formula, premises, branch, arrays, argument, found)
        if entries is not None:
            found[frozenset(branch.conditions.values())] = (
                tuple(branch.conditions.values()),
                entries,
            )
        if reason or not branch.conditions or any(e.verdict == "refuted" for e in entries or ()):
            break
    branches = tuple(found.values())
    entries = tuple(entry for _, entries in branches for entry in entries)
    verdicts = {v for e in entries for v in (e.verdict, e.engine_verdict)}
    verdict: Verdict = next((v for v in _WORST if v in verdicts), "proved")
    return Proof(
        "refuted" if reason else verdict,
        getattr(f, "__name__", str(f)).replace("<lambda>", "f"),
        _source(formula),
        argument,
        premises.sentences,
        branches,
        reason or pattern(entries, verdict),
    )


def _examine(
    f: Any, formula: Any, premises: Premises, branch: Branch, arrays: Any, argument: str, found: Any
) -> tuple[tuple[Entry, ...] | None, str]:
    """The entries on a branch, or None if it was met before; and what is wrong altogether."""
    x = arrays[argument]
    pulls = names_of(formula, 1) == ["g"] and "g" not in arrays
    value, seed, engine = _pulled(f, branch, arrays, argument, pulls)
    claimed = formula(seed, *arrays.values()) if pulls else formula(*arrays.values())
    _one_array("the formula", claimed)
    claimed = claimed if isinstance(claimed, Symbols) else Symbols(claimed)
    if seed.ndim and not pulls:
        if seed.shape != x.shape:
            raise ShapeError(
                f"f returned shape {seed.shape}, {argument} has shape {x.shape}",
                "a formula without g is taken entry by entry",
                "write it as lambda g, ...: the gradient by the argument from that of the result",
            )
        claimed = claimed * seed
    if claimed.shape != x.shape:
        return (), (
            f"The formula has shape {claimed.shape}, the gradient that of {argument}, {x.shape}."
        )
    if frozenset(branch.conditions.values()) in found:
        return None, ""
    terms = (value * seed).entries.flat
    total = sum(map(expression, terms), sympy.Integer(0))
    entries = []
    for symbol, g, h in zip(x.entries.flat, engine.entries.flat, claimed.entries.flat, strict=True):
        by = expression(symbol)
        entries.append(_entry(by, expression(g), expression(h), _slope(total, by), branch))
    return tuple(entries), ""


def _pulled(
    f: Any, branch: Branch, arrays: dict[str, Symbols], argument: str, pulls: bool
) -> tuple[Symbols, Symbols, Symbols]:
    """f's value, a gradient of it (of symbols, or 1), and what the engine makes of that."""
    x = arrays[argument]
    variable = Tensor(np.zeros(x.shape), requires_grad=True)
    variable.value = x
    with Mode(True):
        output = f(*(variable if name == argument else a for name, a in arrays.items()))
    _one_array("f", output)
    value = output.value if isinstance(output, Tensor) else output
    value = value if isinstance(value, Symbols) else Symbols(value)
    seeds = np.empty(value.shape, object)
    for index in np.ndindex(value.shape):
        symbol = symbol_of("g" if "g" not in arrays else "g of f", index)
        if value.ndim or pulls:
            branch.point[symbol] = sympy.Rational(7919 + 1009 * len(branch.point), 9973)
        else:
            symbol = sympy.Integer(1)
        seeds[index] = Term(symbol, branch)
    seed, nothing = Symbols(seeds), Symbols(np.zeros(x.shape, int))
    if not isinstance(output, Tensor) or not output.requires_grad:
        return value, seed, nothing
    return value, seed, gradients(output, seed, {variable}).get(variable, nothing)


def _one_array(who: str, returned: Any) -> None:
    if returned is None or isinstance(returned, list | tuple | dict):
        raise UnsupportedError(
            f"{who} returned {type(returned).__name__}", "a proof is about one array of numbers",
            "return that, np.stack([...]) of several numbers",
        )  # fmt: skip


def _slope(value: Any, symbol: Any) -> Any:
    """The derivative by a symbol; that of a step is 0 wherever it has one."""
    steps = (sympy.floor, sympy.ceiling)
    return sympy.diff(value, symbol).replace(
        lambda e: isinstance(e, sympy.Subs | sympy.Derivative) and e.has(*steps),
        lambda e: sympy.Integer(0),
    )


def _entry(symbol: Any, engine: Any, formula: Any, witness: Any, branch: Branch) -> Entry:
    values = tuple(map(branch.value, (engine, formula, witness)))
    difference, verdict = _judged(formula - engine, values[:2], branch.charts)
    _, engine_verdict = _judged(witness - engine, values[::2], branch.charts)
    return Entry(
        str(symbol), engine, formula, witness, difference, verdict,
        engine_verdict, dict(branch.point), tuple(map(_float, values)),
    )  # fmt: skip


def _float(x: Any) -> float:
    try:
        return float(x)
    except TypeError:
        return float("nan")


def _judged(
    difference: Any, values: tuple[Any, ...], charts: Mapping[Any, Any]
) -> tuple[Any, Verdict]:
    """The simplified difference and the verdict: 0, certainly not 0, or neither."""
    if difference == 0:
        return difference, "proved"
    apart = abs(values[0] - values[1])
    if apart.is_finite and apart > _CLEAR * max(1, *map(abs, values)):
        return difference, "refuted"
    for form in _forms(difference.subs(charts)):
        if form == 0:
            return form, "proved"
    return difference, "undecided"


def _forms(e: Any) -> Iterator[Any]:
    """Equal expressions, found by more and more work."""
    whole: dict[Any, Any] = {}  # what was rounded is a whole number, which SymPy may not know
    e = e.replace(
        lambda f: isinstance(f, sympy.floor | sympy.ceiling),
        lambda f: whole.setdefault(f, sympy.Dummy(integer=True)),
    )
    yield sympy.expand(e)
    yield sympy.cancel(sympy.together(e))
    inner = e.replace(lambda p: p.is_Pow, lambda p: sympy.factor(p.base) ** p.exp)
    yield sympy.simplify(inner)
    yield sympy.simplify(e)
    exponential = sympy.powsimp(sympy.expand(e.rewrite(sympy.exp)))
    yield sympy.simplify(exponential)
    yield sympy.simplify(sympy.expand_func(e))
    yield sympy.simplify(sympy.expand_log(sympy.radsimp(e), force=False))


def _source(formula: Callable[..., Any]) -> str:
    """What a lambda returns, as it is written; the name of any other function."""
    code = getattr(formula, "__code__", None)
    name = getattr(formula, "__name__", str(formula))
    if code is None or name != "<lambda>":
        return str(name)
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return "the formula"
    places = {(p[0], p[2]) for p in code.co_positions() if p[0] is not None and p[2]}
    bodies = [
        node.body
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and (node.body.lineno, node.body.col_offset) in places
    ]
    return ast.unparse(bodies[0]) if bodies else "the formula"
