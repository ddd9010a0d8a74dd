"""What broke gradcheck once: scale, steepness, kinks near by, lost imaginary parts, rounding."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce.errors import Error

X = np.array([0.3, -1.2, 2.0])
SCALES = [1e-300, 1e-200, 1e-30, 1e30, 1e200]
ERRORS = [(1.0, "right"), (1 + 1e-6, "wrong"), (0.0, "wrong")]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("factor", "verdict"), ERRORS)
@pytest.mark.parametrize("inner", [np.positive, np.abs])
def test_every_scale_of_the_argument(inner: Any, factor: float, verdict: str, scale: float) -> None:
    """By complex steps, and by differences."""
    f = lambda x: np.sum(np.sin(inner(x) / scale))
    signs = 1 if inner is np.positive else np.sign(X)
    slope = lambda x: np.cos(x / scale) / scale * factor * signs
    assert tgt.gradcheck(f, X * scale, gradient=slope).verdict == verdict


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("factor", "verdict"), ERRORS)
def test_every_scale_of_the_value(factor: float, verdict: str, scale: float) -> None:
    slope = lambda x: np.cos(x) * scale * factor
    assert tgt.gradcheck(lambda x: np.sum(np.sin(x)) * scale, X, gradient=slope).verdict == verdict


@pytest.mark.parametrize("steepness", [1e3, 1e6])
@pytest.mark.parametrize("x", [0.0, 1.0])
def test_steep_functions_and_fast_waves(steepness: float, x: float) -> None:
    f = lambda x: np.sin(steepness * x)
    slope = lambda x: steepness * np.cos(steepness * x)
    assert tgt.gradcheck(f, x, gradient=slope).verdict == "right"
    assert tgt.gradcheck(f, x, gradient=lambda x: slope(x) * (1 + 1e-6)).verdict == "wrong"


@pytest.mark.parametrize("distance", [1e-3, 1e-7, 1e-9, 1e-11])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_kink_near_by_is_none(side: int, distance: float) -> None:
    relu = lambda x: np.maximum(x - 1, 0)
    x = 1 + side * distance
    assert tgt.gradcheck(relu, x, gradient=lambda x: float(x > 1)).verdict == "right"
    assert tgt.gradcheck(relu, x, gradient=lambda x: 0.5).verdict == "wrong"


@pytest.mark.parametrize("value", [1.0001, -0.0001])
def test_a_little_outside_of_a_kinks_slopes_is_wrong(value: float) -> None:
    relu = lambda x: np.maximum(x, 0)
    assert tgt.gradcheck(relu, 0.0, gradient=lambda x: value).verdict == "wrong"


@pytest.mark.parametrize("share", [1.0, 1e-4, 1e-8])
def test_an_imaginary_part_that_f_loses_is_noticed(share: float) -> None:
    """np.real, np.conj and np.abs take complex numbers and are not analytic."""
    f = lambda x: np.sum(x * x * (1 + share * np.real(x)))
    lost = lambda x: 2 * x + 2 * share * x * x
    assert tgt.gradcheck(f, X, gradient=lambda x: lost(x) + share * x * x).verdict == "right"
    assert tgt.gradcheck(f, X, gradient=lost).verdict == "wrong"


@pytest.mark.parametrize("power", [2, 3, 4])
def test_where_a_gradient_vanishes(power: int) -> None:
    f = lambda x: np.sum(x**power)
    assert tgt.gradcheck(f, np.zeros(2)).verdict == "right"
    assert tgt.gradcheck(f, np.zeros(2), gradient=lambda x: x + 1e-9).verdict == "wrong"


@pytest.mark.parametrize(
    "f",
    [lambda x: np.sum(tg.softmax(x)), lambda x: np.sum(x - np.mean(x)),
     lambda x: np.linalg.norm(x / np.linalg.norm(x))],
)  # fmt: skip
def test_gradients_that_are_0_but_for_rounding(f: Any) -> None:
    assert tgt.gradcheck(f, X).verdict == "right"


def test_a_lost_entry_of_any_size_is_wrong() -> None:
    """1e-30 is no rounding where all numbers are of that size."""
    f = lambda x: 1e-30 * np.sum(x**2)
    assert tgt.gradcheck(f, X, gradient=lambda x: 2e-30 * x * [1, 0, 1]).verdict == "wrong"


@pytest.mark.parametrize("z", [7.0, 20.0, 30.0])
def test_an_error_of_1e6th_beside_cancellation_is_wrong(z: float) -> None:
    """In y - t, y near t."""
    t = np.array([1.0, 0, 0])
    loss = lambda z: tg.softmax_cross_entropy(z, 0)
    point = np.array([z, 0, -1])
    for wrong in (lambda y: (y - t) * (1 + 1e-6), lambda y: y * (1 + 1e-6) - t):
        report = tgt.gradcheck(loss, point, gradient=lambda z, w=wrong: w(tg.softmax(z)))
        assert report.verdict == "wrong"


def test_float32_is_not_blamed_for_its_argument() -> None:
    """An ulp of x changes cos(1000 x) by 1e-4."""
    x = np.linspace(0.1, 2, 5, dtype=np.float32)
    f = lambda x: np.sum(np.sin(np.float32(1000) * x))
    assert tgt.gradcheck(f, x).verdict == "right"
    wrong = lambda x: 1010 * np.cos(np.float32(1000) * x)
    assert tgt.gradcheck(f, x, gradient=wrong).verdict == "wrong"


def test_float64_beside_float32_is_judged_by_the_precision_that_f_has() -> None:
    f = lambda x, y: np.sum(np.exp(x) * y)
    assert tgt.gradcheck(f, X.astype(np.float32), X).verdict == "right"


@pytest.mark.parametrize("noise", [1.0, 1e-9])
def test_a_random_function_is_refused(noise: float) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(Error, match=r"for the same arguments\. .* has a derivative\. draw random"):
        tgt.gradcheck(lambda x: np.sum(x * (1 + noise * rng.random(3))), X)


def test_a_function_that_remembers_is_refused() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.sum(x) * (len(calls) > 20)

    with pytest.raises(Error, match="for the same arguments"):
        tgt.gradcheck(f, X, gradient=np.ones_like)


def test_a_function_may_write_into_its_argument_and_reuse_its_result() -> None:
    kept = np.zeros(3)

    def f(x: Any) -> Any:
        x *= 2
        kept[:] = np.asarray(x, float)
        return kept

    assert tgt.gradcheck(f, X.copy(), pullback=lambda g, x: 2 * g).verdict == "right"


def test_a_thousand_differences_take_seconds_at_most() -> None:
    """Numbers of 50 digits would take minutes."""
    report = tgt.gradcheck(lambda x: np.sum(np.abs(x) ** 3), np.linspace(-1, 1, 1000))
    assert report.method == "central differences"
    assert report


def test_a_gradient_of_a_wrong_shape_among_right_ones() -> None:
    f = lambda w, x: np.sum(np.tanh(w @ x))
    w = np.arange(6.0).reshape(2, 3) / 9

    def gradient(w: Any, x: Any) -> Any:
        g = 1 - np.tanh(w @ x) ** 2
        return np.outer(x, g), w.T @ g

    report = tgt.gradcheck(f, w, X, gradient=gradient)
    assert [part.worst for part in report.parts] == ["wrong", "right"]
    assert "transposed" in str(report)
