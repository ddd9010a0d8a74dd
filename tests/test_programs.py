"""Random programs: their values and derivatives against complex steps and differences.

How exact a derivative R can be is measured, not guessed: every argument and every line of the
program is changed by relative and absolute 1e-5 (`jittered`, the same way at every evaluation, so
that the changed program has derivatives too). Rounding changes them by eps instead of 1e-5, so it
changes R by some (eps / 1e-5) |R' - R|. A line is up to 15 operations, and the largest
of three jitters may be a lucky one: ROUNDINGS = 40 of that are allowed.

Richardson's central differences err by c h^4. The one of half the step is taken for the derivative,
and its distance from the one of the whole step, 15 times its error, is allowed. Dividing by h
multiplies the rounding of the function by 1 / h.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce.testing.strategies import Program, programs, programs_from
from tinygrad_ce.testing.strategies.forms import FORMS

JITTER, ROUNDINGS, STEP = 1e-5, 40, 1e-3
TINY = 1e-30  # a complex step: its square vanishes beside 1
SEEDS = st.integers(0, 999)
Point = tuple[Any, ...]
Function = Callable[..., Any]


def directions(xs: Point, seed: int) -> Point:
    rng = np.random.default_rng(seed)
    return tuple(np.asarray(rng.uniform(-1, 1, x.shape), x.dtype) for x in xs)


def moved(xs: Point, vs: Point, h: Any) -> Point:
    """In double precision, whatever the precision of xs."""
    return tuple(x.astype(float) + h * v for x, v in zip(xs, vs, strict=True))


def weights(p: Program, seed: int) -> Any:
    shape = np.shape(p(*p.point()))
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 1.5, shape))


def dotted(gs: Any, vs: Any) -> float:
    return float(sum(np.sum(g.astype(float) * v) for g, v in zip(gs, vs, strict=True)))


def jittered(p: Program, seed: int) -> Function:
    """The program with every argument and every line a little changed."""

    def changed(*xs: Any) -> Any:
        rng = np.random.default_rng(seed)

        def change(x: Any) -> Any:
            a, b = JITTER * rng.uniform(-1, 1, (2, *np.shape(x)))
            return x * (1 + a) + b

        return p.run(xs, change)

    return changed


def precision(p: Program) -> float:
    """eps of the least precise dtype that the program computes in."""
    return max(float(np.finfo(leaf.value.dtype).eps) for leaf in p.leaves)


def rounding(p: Program, reference: Callable[[Function], Any], exact: Any) -> Any:
    """What rounding may change the reference by: see the head of this file."""
    changes = [np.abs(reference(jittered(p, seed)) - exact) for seed in range(3)]
    return precision(p) * (ROUNDINGS / JITTER * np.max(changes, axis=0) + 4 * np.abs(exact))


def difference(f: Callable[[float], Any]) -> tuple[Any, Any]:
    """f'(0) by Richardson's central differences, and how far it is from that of twice the step."""

    def central(h: float) -> Any:
        return (f(h) - f(-h)) / (2 * h)

    a, b, c = central(STEP), central(STEP / 2), central(STEP / 4)
    return (4 * c - b) / 3, np.abs((4 * c - b) / 3 - (4 * b - a) / 3)


def complex_step(f: Function, xs: Point, vs: Point) -> Any:
    return np.imag(f(*moved(xs, vs, TINY * 1j))) / TINY


def gradient(f: Function, xs: Point) -> tuple[Any, ...]:
    return tg.grad(f, tuple(range(len(xs))))(*xs)  # type: ignore[no-any-return]


def weighed(f: Function, w: Any) -> Function:
    return lambda *xs: np.sum(w * f(*xs))


def slope(p: Program, xs: Point, vs: Point) -> tuple[Any, Any]:
    """The derivative of the program along vs, entry by entry, and the error that is allowed."""
    if p.analytic:
        exact = complex_step(p, xs, vs)
        return exact, rounding(p, lambda f: complex_step(f, xs, vs), exact)
    exact, distance = difference(lambda h: p(*moved(xs, vs, h)))
    noise = rounding(p, lambda f: f(*moved(xs, vs, 0)), p(*moved(xs, vs, 0))) / STEP
    along = rounding(p, lambda f: difference(lambda h: f(*moved(xs, vs, h)))[0], exact)
    return exact, distance + noise + along


@given(programs())
def test_value_is_that_of_plain_numpy(p: Program) -> None:
    xs = p.point()
    expected = p(*xs)
    found = p(*(tg.tensor(x, requires_grad=True) for x in xs))
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    allowed = rounding(p, lambda f: f(*xs), expected)
    assert np.all(np.abs(found.detach().numpy() - expected) <= allowed)


def check_gradient(p: Program, seed: int) -> None:
    xs, w = p.point(), weights(p, seed)
    vs = directions(xs, seed + 1)
    exact, allowed = slope(p, xs, vs)
    gs = gradient(weighed(p, w), xs)
    assert [(g.shape, g.dtype) for g in gs] == [(x.shape, x.dtype) for x in xs]
    assert abs(dotted(gs, vs) - np.sum(w * exact)) <= np.sum(w * allowed)


@given(programs(analytic=True), SEEDS)
def test_gradient_is_that_of_a_complex_step(p: Program, seed: int) -> None:
    check_gradient(p, seed)


@given(programs(analytic=False), SEEDS)
def test_gradient_is_that_of_differences(p: Program, seed: int) -> None:
    check_gradient(p, seed)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=3 + settings.default.max_examples // 20)
@given(data=st.data(), seed=SEEDS)
def test_gradient_through_every_form(form: str, data: Any, seed: int) -> None:
    check_gradient(data.draw(programs_from(form)), seed)


@given(programs(), SEEDS)
def test_jvp_is_that_of_a_step(p: Program, seed: int) -> None:
    xs = p.point()
    vs = directions(xs, seed)
    exact, allowed = slope(p, xs, vs)
    _, found = tg.jvp(p, xs, vs)
    assert np.all(np.abs(found - exact) <= allowed)


@given(programs(analytic=True, longest=6), SEEDS)
def test_hessian_product_is_that_of_differences_of_complex_steps(p: Program, seed: int) -> None:
    """u'H v with no gradient of ours in it."""
    xs, w = p.point(), weights(p, seed)
    us, vs = directions(xs, seed + 1), directions(xs, seed + 2)

    def reference(f: Function) -> Any:
        return difference(lambda h: complex_step(weighed(f, w), moved(xs, us, h), vs))

    exact, distance = reference(p)
    first = complex_step(weighed(p, w), xs, vs)
    noise = rounding(p, lambda f: complex_step(weighed(f, w), xs, vs), first) / STEP
    allowed = distance + noise + rounding(p, lambda f: reference(f)[0], exact)
    assert abs(dotted(tg.hvp(weighed(p, w), xs, vs), us) - exact) <= allowed


@given(programs(analytic=False, longest=6), SEEDS)
def test_hessian_product_is_that_of_differences_of_gradients(p: Program, seed: int) -> None:
    xs, w = tuple(x.astype(float) for x in p.point()), weights(p, seed)
    us, vs = directions(xs, seed + 1), directions(xs, seed + 2)

    def reference(f: Function) -> Any:
        return difference(lambda h: dotted(gradient(weighed(f, w), moved(xs, us, h)), vs))

    exact, distance = reference(p)
    first = dotted(gradient(weighed(p, w), xs), vs)
    noise = rounding(p, lambda f: dotted(gradient(weighed(f, w), xs), vs), first) / STEP
    allowed = distance + noise + rounding(p, lambda f: reference(f)[0], exact)
    assert abs(dotted(tg.hvp(weighed(p, w), xs, vs), us) - exact) <= allowed


@given(programs(), SEEDS)
def test_pushing_forward_and_pulling_back_agree(p: Program, seed: int) -> None:
    """<J v, u> = <v, J'u>."""
    xs, u = p.point(), weights(p, seed)
    vs = directions(xs, seed + 1)
    (_, pushed), (_, pull) = tg.jvp(p, xs, vs), tg.vjp(p, *xs)
    _, allowed = slope(p, xs, vs)
    assert abs(np.sum(pushed * u) - dotted(pull(u), vs)) <= np.sum(u * allowed)


def pulled_rounding(p: Program, xs: Point, w: Any, expected: Any) -> list[Any]:
    """What rounding may change each gradient by."""
    changed = [gradient(weighed(jittered(p, seed), w), xs) for seed in range(3)]
    changes = [[np.abs(g - e) for g, e in zip(gs, expected, strict=True)] for gs in changed]
    return [
        precision(p) * (ROUNDINGS / JITTER * np.max(c, axis=0) + 4 * np.abs(e))
        for c, e in zip(zip(*changes, strict=True), expected, strict=True)
    ]


def near(found: Any, expected: Any, allowed: Any) -> None:
    for g, e, error in zip(found, expected, allowed, strict=True):
        assert g.shape == e.shape
        assert g.dtype == e.dtype
        assert np.all(np.abs(g - e) <= error)


@given(programs(), SEEDS)
def test_grad_backward_and_vjp_agree(p: Program, seed: int) -> None:
    xs, w = p.point(), weights(p, seed)
    expected = gradient(weighed(p, w), xs)
    allowed = pulled_rounding(p, xs, w, expected)
    variables = tuple(tg.tensor(x, requires_grad=True) for x in xs)
    loss = np.sum(w * p(*variables))
    loss.backward()
    found = [x.grad if x.grad is not None else np.zeros_like(x.numpy()) for x in variables]
    near([np.asarray(g) for g in found], expected, allowed)
    near(tg.vjp(p, *xs)[1](w), expected, allowed)


@given(programs(longest=5), SEEDS)
def test_rows_of_the_jacobian_are_those_of_vjp(p: Program, seed: int) -> None:
    xs, w = p.point(), weights(p, seed)
    expected = tg.vjp(p, *xs)[1](w)
    allowed = pulled_rounding(p, xs, w, expected)
    rows = tg.jacobian(p, tuple(range(len(xs))))(*xs)
    assert [row.shape for row in rows] == [w.shape + x.shape for x in xs]
    combined = [np.tensordot(w, row, w.ndim).astype(row.dtype) for row in rows]
    near(combined, expected, allowed)


def reversed_view(x: Any) -> Any:
    return np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x


def transposed_view(x: Any) -> Any:
    return np.array(x.T, order="C").T


def strided_view(x: Any) -> Any:
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


@pytest.mark.parametrize("view", [reversed_view, transposed_view, strided_view])
@given(p=programs(), seed=SEEDS)
def test_memory_layout_changes_nothing(view: Any, p: Program, seed: int) -> None:
    xs, w = p.point(), weights(p, seed)
    expected = gradient(weighed(p, w), xs)
    found = gradient(weighed(p, w), tuple(map(view, xs)))
    near(found, expected, pulled_rounding(p, xs, w, expected))
