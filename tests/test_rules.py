"""Every entry of the rule table against other ways to its derivative.

The examples stand in `examples`, one module a family; what they are compared by, in `cases`.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from cases import (
    DIFFERENCE,
    EXACT,
    Case,
    derivative,
    directions,
    dotted,
    gradient,
    has_the_gradient_of_a_complex_step,
    has_the_gradient_of_central_differences,
    has_the_hessian_product_of_central_differences,
    has_the_value_of_plain_arrays,
    name,
    pulls_back_linearly,
    size,
    weights,
)

import examples
import tinygrad_ce as tg
from examples import EXAMPLES, UNTRACKED, joined
from tinygrad_ce.graph import order
from tinygrad_ce.rules import elementwise, erf, gamma, special, support
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.table import BROADCASTING, BUILT_IN, FIXED, TABLE

X, N = (3, 4), np.arange(1, 13).reshape(3, 4)


def params(wanted: Callable[[Any, Case], bool]) -> Any:
    return [
        pytest.param(case, id=f"{name(f)}-{i}")
        for f, cases in EXAMPLES.items()
        for i, case in enumerate(cases)
        if wanted(f, case)
    ]


EVERY = pytest.mark.parametrize("case", params(lambda f, case: True))
ELEMENTWISE = (
    set().union(*(f.RULES for f in (elementwise, special, erf, gamma, support)))
    - {support.sum_to, support.spread, support.output}
) & set(EXAMPLES)
PLAIN = [
    pytest.param(EXAMPLES[f][0], id=name(f)) for f in EXAMPLES if f in ELEMENTWISE - {np.copysign}
]


def title(family: ModuleType) -> str:
    return family.__name__.rpartition(".")[2]


def test_every_differentiable_entry_has_an_example() -> None:
    wanted = {f for f in BUILT_IN if TABLE[f].differentiable}
    assert {name(f) for f in wanted ^ set(EXAMPLES)} == set()


def test_every_entry_without_gradient_has_an_example() -> None:
    wanted = {f for f in BUILT_IN if not TABLE[f].differentiable}
    assert {name(f) for f in wanted ^ set(UNTRACKED)} == set()


@pytest.mark.parametrize("family", BROADCASTING + FIXED, ids=title)
def test_family_has_its_examples_in_the_module_of_its_name(family: Any) -> None:
    module = getattr(examples, title(family))
    found = joined([module.EXAMPLES, getattr(module, "UNTRACKED", {})])
    assert {name(f) for f in found.keys() ^ set(family.RULES)} == set()


def test_examples_in_two_families_are_refused() -> None:
    with pytest.raises(ValueError, match=r"exp.* have examples in two families"):
        joined([{np.exp: []}, {np.sin: []}, {np.exp: []}])


def test_examples_use_every_argument_that_the_rules_know(monkeypatch: Any) -> None:
    used: dict[Any, set[str]] = {f: set() for f in BUILT_IN}
    engine = sys.modules["tinygrad_ce.tensor"]
    apply = engine.apply

    def observed(f: Any, args: Any, kwargs: Any) -> Any:
        if f in used:
            names = TABLE[f].operands + TABLE[f].names
            used[f].update(names[: len(args)], kwargs)
        return apply(f, args, kwargs)

    monkeypatch.setattr(engine, "apply", observed)
    for cases in EXAMPLES.values():
        for case in cases:
            case.f(*(tg.tensor(x, requires_grad=True) for x in case.arguments()))
    operands_come_as = {"subscripts", "operands"}  # einsum's
    missed = {name(f): set(TABLE[f].names) - used[f] - {"out"} - operands_come_as for f in used}
    assert {f: sorted(names) for f, names in missed.items() if names} == {}


@EVERY
def test_value_is_that_of_plain_arrays(case: Case) -> None:
    has_the_value_of_plain_arrays(case)


@EVERY
def test_gradient_is_that_of_central_differences(case: Case) -> None:
    has_the_gradient_of_central_differences(case)


@pytest.mark.parametrize("case", params(lambda f, case: case.analytic))
def test_gradient_is_that_of_a_complex_step(case: Case) -> None:
    has_the_gradient_of_a_complex_step(case)


@EVERY
def test_hessian_product_is_that_of_central_differences(case: Case) -> None:
    has_the_hessian_product_of_central_differences(case)


# Points where rules choose: at 0, at equal operands, at exponents 0 and 1.
CHOICES = {
    np.power: [(2, 0), (2, 1), (2, 2), (1, 0), (1, 1.5), (0.5, 3)],
    np.float_power: [(2, 0), (2, 1)],
    np.multiply: [(0, 0), (0, 1)],
    np.divide: [(0, 1), (1, 1)],
    np.logaddexp: [(0, 0), (1, 1), (1, 0)],
    np.logaddexp2: [(0, 0), (1, 1), (1, 0)],
    np.hypot: [(0, 1), (1, 0), (1, 1)],
    np.arctan2: [(0, 1), (1, 0), (1, 1)],
    special.xlogy: [(0, 1), (0, 2), (1, 1)],
    special.binary_log_loss: [(0.5, 0), (0.5, 1), (0.5, 0.5)],
    special.sigmoid_log_loss: [(0, 0), (0, 1), (0, 0.5), (1, 1)],
    support.ratio: [(0, 1), (1, 1)],
    support.weigh: [(0, 1), (0, 0), (1, 0)],
}


@pytest.mark.parametrize(
    ("f", "point"),
    [pytest.param(f, p, id=f"{name(f)}{p}") for f, points in CHOICES.items() for p in points],
)
def test_hessian_where_a_rule_chooses(f: Any, point: tuple[float, ...]) -> None:
    x = np.array(point, float)
    found = tg.hessian(lambda v: f(v[0], v[1]))(x)
    slope = tg.grad(lambda v: f(v[0], v[1]))
    expected = [derivative(slope, (x,), (direction,)) for direction in np.eye(2)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=DIFFERENCE * size([found]))


@EVERY
def test_pull_back_is_linear(case: Case) -> None:
    pulls_back_linearly(case)


@EVERY
def test_pushing_forward_and_pulling_back_agree(case: Case) -> None:
    """<J v, u> = <v, J'u>."""
    xs, u = case.arguments(), weights(case)
    vs = directions(xs)
    (_, pushed), (_, pull) = tg.jvp(case.f, xs, vs), tg.vjp(case.f, *xs)
    gs = pull(u)
    assert abs(np.sum(pushed * u) - dotted(gs, vs)) <= EXACT * (size([pushed * u]) + size(gs))


@EVERY
def test_gradient_has_shape_and_dtype_of_its_operand(case: Case) -> None:
    for dtype in (np.float32, np.float64):
        xs = [x.astype(dtype) for x in case.arguments()]
        _, pull = tg.vjp(case.f, *xs)
        found = [(g.shape, g.dtype) for g in pull(weights(case))]
        assert found == [(x.shape, x.dtype) for x in xs]


@pytest.mark.parametrize("case", params(lambda f, case: case.single))
def test_float32_stays_float32(case: Case) -> None:
    value, _ = tg.vjp(case.f, *(x.astype(np.float32) for x in case.arguments()))
    assert value.dtype == np.float32


def reversed_view(x: Any) -> Any:
    return np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x


def transposed_view(x: Any) -> Any:
    return np.array(x.T, order="C").T


def strided_view(x: Any) -> Any:
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


@EVERY
def test_memory_layout_changes_no_gradient(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    _, pull = tg.vjp(case.f, *xs)
    expected = pull(w)
    for view in (reversed_view, transposed_view, strided_view):
        _, again = tg.vjp(case.f, *map(view, xs))
        for g, e in zip(again(w), expected, strict=True):
            np.testing.assert_allclose(g, e, rtol=0, atol=EXACT * size(expected))


@pytest.mark.parametrize("shape", [(0,), (0, 4)])
@pytest.mark.parametrize("case", PLAIN)
def test_elementwise_functions_take_empty_arrays(case: Case, shape: tuple[int, ...]) -> None:
    if case in EXAMPLES[np.where]:
        case = Case(lambda a, b: np.where(a > 0, a, b), *case.draws)
    xs = tuple(np.zeros(shape) for _ in case.draws)
    value, pull = tg.vjp(case.f, *xs)
    assert [g.shape for g in pull(np.ones(shape))] == [value.shape] * len(xs) == [shape] * len(xs)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.cumsum, np.cumprod], ids=name)
@pytest.mark.parametrize("shape", [(0,), (0, 4)])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_sums_and_products_take_empty_arrays(f: Any, shape: Any, axis: Any) -> None:
    value, pull = tg.vjp(lambda x: f(x, axis=axis), np.zeros(shape))
    assert pull(np.ones(np.shape(value)))[0].shape == shape


@pytest.mark.parametrize("case", PLAIN)
def test_elementwise_functions_take_single_numbers(case: Case) -> None:
    f = case.f
    if case in EXAMPLES[np.where]:
        f = lambda a, b: np.where(a > b, a, b)
    xs = Case(f, *(replace(draw, shape=()) for draw in case.draws)).arguments()
    vs = directions(xs)
    gs = gradient(f, xs)
    assert abs(dotted(gs, vs) - derivative(f, xs, vs)) <= DIFFERENCE * (size(gs) + size([f(*xs)]))


def arrays(x: Any) -> list[Any]:
    if isinstance(x, tuple | list):
        return [a for part in x for a in arrays(part)]
    return [x] if isinstance(x, np.ndarray) else []


def drawn(rng: Any, y: Any) -> Any:
    """A gradient of a result, or those of several."""
    if isinstance(y, Several):
        return Several(drawn(rng, part) for part in y)
    return np.asarray(rng.normal(size=np.shape(y)))


@EVERY
def test_rules_keep_to_themselves(case: Case) -> None:
    """No rule returns memory of an operand or of the result, or writes into what it is given."""
    rng = np.random.default_rng(4)
    root = case.f(*(tg.tensor(x, requires_grad=True) for x in case.arguments()))
    for node in order(root):
        for rule in node.rules:
            g = drawn(rng, node.value)
            held = arrays([node.value, node.args])
            given = [*arrays([g]), *held]
            before = [a.copy() for a in given]
            r = rule(g, node.value, *node.args, **node.parameters)
            assert not any(np.shares_memory(a, b) for a in arrays([r]) for b in held)
            for a, b in zip(given, before, strict=True):
                np.testing.assert_array_equal(a, b)


@EVERY
def test_gradients_are_the_callers_own(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    given = [x.copy() for x in xs]
    _, pull = tg.vjp(case.f, *xs)
    gs = pull(w)
    assert not any(np.shares_memory(g, a) for g in gs for a in (*xs, w))
    for x, before in zip(xs, given, strict=True):
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("f", UNTRACKED, ids=name)
def test_functions_without_gradient_give_constants(f: Any) -> None:
    x = tg.tensor(np.linspace(-2, 2, 12).reshape(X), requires_grad=True)
    result = UNTRACKED[f](x, tg.tensor(N))
    assert not getattr(result, "requires_grad", False)
