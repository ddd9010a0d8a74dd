"""Simplification keeps results: every rule alone on numbers from the edges, and passes as such.

What a rule may change is the sign of a zero; a rearrangement may round otherwise, and avoid an
overflow on the way.
"""

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce.programs import identities as table
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.programs.patterns import Rule
from tinygrad_ce.programs.program import Program, Value, call, mapped
from tinygrad_ce.programs.simplify import SIMPLIFY, common, dead, expand, identities, simplify
from tinygrad_ce.programs.trace import trace
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.softmax import softmax
from tinygrad_ce.rules.support import astype, masked, ratio, spread, sum_to, weigh
from tinygrad_ce.testing.strategies import Program as Random
from tinygrad_ce.testing.strategies import programs

EDGES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.1, -2.5, 3e200, -1.5e308, 5e-324, -1e-310]
X, Y = map(np.array, zip(*product(EDGES, EDGES)))
CONSTANTS = (2.0, -3.0, 0.1, 1e-308)
SCOPE = {"np": np, "ratio": ratio, "weigh": weigh, "masked": masked, "astype": astype}
PATTERNS = {
    rule.name for rule in table.RULES if " -> " in rule.name and rule.name in table._PATTERNS
}


def run(program: Program, *inputs: Any) -> Any:
    """The outputs of a program, line by line, as it stands."""
    known: dict[Value, Any] = dict(zip(program.inputs, inputs, strict=True))
    fill = partial(mapped, known.__getitem__)
    with np.errstate(all="ignore"):
        for line in program.lines:
            made = line.function(*fill(line.args), **fill(dict(line.kwargs)))
            parts = made if line.several else (made,) if line.results else ()
            known.update(zip(line.results, parts, strict=True))
    return [known.get(x, x) if isinstance(x, Value) else x for x in program.outputs]


def named(name: str) -> list[Rule]:
    return [rule for rule in table.RULES if rule.name == name]


def check_rule(
    name: str, f: Callable[..., Any], *xs: Any, rounding: float = 0.0, scale: float = 1e-290
) -> None:
    """The rule applies to f, and keeps what it returns."""
    applied = []
    before = trace(f, xs, {}).program
    after = identities(before, named(name), lambda rule, *rest: applied.append(rule))
    assert applied, f"{name} does not apply to\n{before}"
    for found, expected in zip(run(after, *xs), run(before, *xs), strict=True):
        found, expected = np.asarray(found), np.asarray(expected)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        if rounding:
            fine = np.isfinite(expected) | ~np.isfinite(found)  # an overflow may be avoided
            np.testing.assert_allclose(found[fine], expected[fine], rounding, rounding * scale)
        else:
            np.testing.assert_array_equal(found, expected)


def source(text: str, c: float) -> Callable[..., Any]:
    """The left side of a rule as a function of x and y."""
    body = re.sub(r"\bc\b", repr(c), text.split(" -> ")[0]).replace(", ...", "")
    return eval(f"lambda x, y: {body}", SCOPE)  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_pattern_keeps_results(name: str, dtype: Any) -> None:
    mask = "masked" in name or "np.where" in name
    with np.errstate(all="ignore"):
        x, y = X.astype(dtype), Y.astype(dtype)
    constants = (
        CONSTANTS[: 4 if dtype is np.float64 else 3] if re.search(r"\bc\b", name) else (1.0,)
    )
    for c in constants:
        first = (x > 0, y) if "np.where" in name else (x, y > 0 if mask else y)
        check_rule(name, source(name, c), *first)


def test_every_pattern_is_tested() -> None:
    rows = [row for row in table._PATTERNS.splitlines() if row]
    assert set(rows) == PATTERNS


TWICE = np.arange(6.0).reshape(2, 3)
LABELS = np.array([0, 2, 1, 0])
ONE_HOT = ones_at(LABELS, 3, float)
# A function that each rule applies to, and its arguments.
FUNCTIONS: dict[str, list[tuple[Callable[..., Any], Any]]] = {
    "constants are computed at once": [],
    "one number everywhere is a number": [
        (lambda x: x * np.full(X.shape, 3.0), X),
        (lambda x: x + np.full(X.shape, np.inf), X),
        (lambda x: np.where(x > 0, x, np.zeros(X.shape)), X),
    ],
    "arguments at their default": [(lambda x: softmax(x, -1), TWICE)],
    "x * -c -> -(x * c)": [(lambda x: x * -3.0, X), (lambda x: -0.1 * x, X)],
    "sum of one-hot = 1": [
        (lambda t: np.sum(ones_at(t, 3, float), axis=-1, keepdims=True), LABELS),
        (lambda t: np.sum(ones_at(t, 3, float) * 0.25, axis=1), LABELS),
    ],
    "a view of the same shape is x": [
        (lambda x: np.reshape(x, X.shape), X), (lambda x: np.ravel(x), X),
        (lambda x: astype(x, float), X), (lambda x: np.broadcast_to(x, X.shape), X),
        (lambda x: np.reshape(x, (2, 3), order="F"), TWICE), (lambda x: sum_to(x, (2, 3)), TWICE),
    ],
    "reshape(reshape(x)) -> reshape(x)": [
        (lambda x: np.reshape(np.ravel(x), (3, 2)), TWICE),
        (lambda x: np.squeeze(np.expand_dims(x, 0), 0), TWICE),
    ],
    "x.T.T -> x": [(lambda x: np.transpose(np.transpose(x)), TWICE)],
    "a copy along axes is a broadcast": [
        (lambda x: spread(x, (2, 3), axis=1), np.arange(2.0)),
        (lambda x: spread(x, (2, 3), axis=0, keepdims=True), np.ones((1, 3))),
        (lambda x: spread(x, (2, 3)), np.float64(2.0)),
    ],
    "broadcast, then multiply -> multiply": [
        (lambda x: np.broadcast_to(x, (169, 169)) * x[:, None], X),
        (lambda x: np.where(x > 0, np.broadcast_to(1.0 * x[:1], X.shape), x), X),
    ],
    "sum_to(x) -> np.sum(x)": [
        (lambda x: sum_to(x, (3,)), TWICE), (lambda x: sum_to(x, (2, 1)), TWICE),
        (lambda x: sum_to(x, ()), TWICE), (lambda x: sum_to(x[None], (2, 1)), TWICE),
    ],
}  # fmt: skip
ROUNDED: dict[str, list[tuple[Callable[..., Any], Any]]] = {
    "x * c * d -> x * (c * d)": [(lambda x: x * 0.1 * 3.0, X), (lambda x: 7.0 * (x * -0.3), X)],
    "x * c - y * c -> (x - y) * c": [(lambda x: np.tanh(x) * 3.0 - np.sin(x) * 3.0, X)],
}
APART = {"constants are computed at once", "sum of a distribution = 1"}


@pytest.mark.parametrize(
    ("name", "f", "x"), [(name, *case) for name, cases in FUNCTIONS.items() for case in cases]
)
def test_rule_keeps_results(name: str, f: Any, x: Any) -> None:
    rounding = 1e-15 if "sum" in name else 0.0  # np.sum adds in another order than ones @ x
    check_rule(name, f, x, rounding=rounding)


@pytest.mark.parametrize(
    ("name", "f", "x"), [(name, *case) for name, cases in ROUNDED.items() for case in cases]
)
def test_rule_that_rearranges_rounds_otherwise(name: str, f: Any, x: Any) -> None:
    scale = 3.0 if "-" in name.split(" -> ")[0] else 1e-290  # of what cancels
    check_rule(name, f, x, rounding=1e-15, scale=scale)


def test_every_rule_is_tested() -> None:
    known = PATTERNS | set(FUNCTIONS) | set(ROUNDED) | APART
    assert {rule.name for rule in table.RULES} == known


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_targets_that_sum_nearly_to_one_have_their_own_gradient(dtype: Any) -> None:
    loss = partial(tg.softmax_cross_entropy, reduction="sum")
    z, t = TWICE.astype(dtype), np.full((2, 3), 1 / 3, dtype)
    step = compile(tg.grad(loss))
    for targets in (t, t + dtype(2e-5), t):
        tolerance = 8 * float(np.finfo(dtype).eps)
        found, expected = step(z, targets), tg.grad(loss)(z, targets)
        np.testing.assert_allclose(found, expected, tolerance, tolerance)
    assert re.search(r"\by - t\b", step.source)


def test_calls_of_constants_are_constants() -> None:
    line = call(np.add, 1.0, 2.0)
    x = Value((), np.dtype(float))
    total = call(np.multiply, x, line.result)
    (after,) = identities(Program("f", (x,), (line, total), (total.result,))).lines
    assert after.args == (x, 3.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.reshape(np.ravel(x, "F"), (3, 2)),  # the order is an argument by position
        lambda x: np.reshape(np.reshape(x, (3, 2), "F"), (6,)),
        lambda x: np.sum(-x, initial=3.0),  # another operand
        lambda x: np.sum(-x, None, None, None, False, 3.0),
        lambda x: np.transpose(np.transpose(x, (1, 0)), (0, 1)),
        lambda x: np.expand_dims(x, 0).astype(np.float32).astype(float),
        lambda x: ratio(x.astype(np.float32), 1e-308),  # which is 0 in float32
        lambda x: x * np.float64(np.inf) - np.tanh(x) * np.inf,
        lambda x: np.sum(x, axis=0, where=np.array([[True], [False]])),
    ],
)
def test_what_only_looks_like_a_rule_is_left_alone(f: Any) -> None:
    before = trace(f, (TWICE + 1 / 3,), {}).program
    x = TWICE + 1 / 3
    np.testing.assert_array_equal(run(simplify(before), x)[0], run(before, x)[0])


VALUES = st.lists(st.sampled_from([*EDGES, 2.0, 0.5]), min_size=4, max_size=4)
FORMULAS: list[Callable[..., Any]] = [
    lambda x, y: np.where(x > 0, np.log(x), 0.0),
    lambda x, y: np.where(x > y, x / y, x * y),
    lambda x, y: np.sum(ratio(x, y) - weigh(x, y) * -1.0),
    lambda x, y: -x - y - (x - y) * 3.0 / -1.0,
    lambda x, y: tg.softmax(x) * 1.0 + y * 0.0,
    lambda x, y: tg.logsumexp(x) - np.sum(np.negative(-y)),
    lambda x, y: np.maximum(x, y) * -2.0 * 4.0 - np.minimum(x, 0.0),
    lambda x, y: tg.relu(x) + tg.softplus(y) - tg.sigmoid(x * -1.0),
    lambda x, y: np.sqrt(x * x + y * y) + np.abs(y),
    lambda x, y: x ** 2.0 + y ** 1.0 - np.hypot(x, y),
    lambda x, y: np.max(x) * np.mean(y) + np.prod(x),
]  # fmt: skip


@pytest.mark.parametrize("f", FORMULAS)
@settings(max_examples=20)
@given(VALUES, VALUES)
def test_programs_at_the_edges(f: Any, x: list[float], y: list[float]) -> None:
    """Value and gradients, simplified and as written down, and both as computed eagerly."""

    def computed(*xs: Any) -> Any:
        z, pull = tg.vjp(f, *xs)
        return z, *pull(np.ones(np.shape(z)))

    xs = np.array(x), np.array(y)
    with np.errstate(all="ignore"):
        expected = computed(*xs)
    plain, short = compile(computed, passes=()), compile(computed)
    for made in (plain(*xs), short(*xs)):
        for found, wanted in zip(made, expected, strict=True):
            both = np.isfinite(found) & np.isfinite(wanted)
            np.testing.assert_allclose(found[both], wanted[both], rtol=1e-13, atol=1e-13)
            # 1 / 0 has the sign of the zero, which a rule may change.
            np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
            np.testing.assert_array_equal(np.isinf(found), np.isinf(wanted))


def test_a_branch_that_was_not_taken_has_no_gradient() -> None:
    step = compile(tg.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0))))
    np.testing.assert_array_equal(step(np.array([2.0, 1.0])), [0.5, 1.0])
    np.testing.assert_array_equal(step(np.array([2.0, 0.0])), [0.5, 0.0])
    np.testing.assert_array_equal(step(np.array([0.0, -1.0])), [0.0, 0.0])


# The passes.


def program_of(f: Any, *xs: Any) -> Program:
    return trace(f, xs, {}).program


@settings(max_examples=30)
@given(programs(longest=5))
def test_passes_keep_programs(p: Random) -> None:
    xs = p.point()
    before = program_of(tg.value_and_grad(lambda *a: np.sum(p(*a)), tuple(range(len(xs)))), *xs)
    expected = run(before, *xs)
    for each in (*SIMPLIFY, expand, simplify):
        for found, wanted in zip(run(each(before), *xs), expected, strict=True):
            scale = np.max(np.abs(wanted), initial=1)
            tolerance = 100 * np.finfo(np.result_type(wanted)).eps
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * scale)


def test_dead_keeps_checks() -> None:
    labels = np.array([0, 1])

    def f(x: Any, t: Any) -> Any:
        np.sin(x)
        return tg.softmax_cross_entropy(x, t)

    after = dead(program_of(f, np.ones((2, 3)), labels))
    assert np.sin not in {line.function for line in after.lines}
    assert any(line.effect for line in after.lines)


def test_common_computes_once_and_draws_twice() -> None:
    def f(x: Any, rng: Any) -> Any:
        return np.sin(x) + np.sin(x), rng.normal(size=3), rng.normal(size=3)

    before = program_of(f, np.ones(3), np.random.default_rng(0))
    assert len(before.lines) - len(common(before).lines) == 1


def test_expand_writes_helpers_as_numpy() -> None:
    after = expand(program_of(tg.grad(lambda y: np.sum(weigh(y, np.log(y)))), np.ones(3)))
    assert not {ratio, weigh, masked} & {ln.function for ln in after.lines if ln.part == "backward"}
