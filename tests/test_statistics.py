"""Statistics and sequences where the example table does not go: gaps, ties, limits, refusals."""

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.bessel import i0_derivative, sinc_derivative

NAN, INF = math.nan, math.inf
GAPS = np.array([[1.0, NAN, 3.0], [NAN, NAN, NAN]])


def gradient(f: Any, *xs: Any) -> Any:
    return tg.grad(lambda *a: np.sum(f(*a)), tuple(range(len(xs))))(*map(np.asarray, xs))


def by_first(f: Any, *xs: Any) -> Any:
    return gradient(f, *xs)[0]


@pytest.mark.parametrize("hidden", [NAN, INF, -INF])
@pytest.mark.parametrize("f", [np.sum, np.mean, np.prod, np.var, np.std, np.max, np.min])
def test_what_a_mask_leaves_out_changes_nothing(f: Any, hidden: float) -> None:
    x, mask = np.array([1.0, hidden, 3.0]), np.array([True, False, True])
    extra = {"initial": 2.0} if f in (np.max, np.min) else {}

    def loss(a: Any) -> Any:
        return f(a, where=mask, **extra) ** 2

    def compressed(a: Any) -> Any:
        return f(a, **extra) ** 2

    expected = np.zeros(3)
    expected[mask] = by_first(compressed, x[mask])
    np.testing.assert_allclose(by_first(loss, x), expected, rtol=1e-15)
    v = np.array([0.5, 2.0, -1.0])
    expected[mask] = tg.hvp(compressed, (x[mask],), (v[mask],))[0]
    np.testing.assert_allclose(tg.hvp(loss, (x,), (v,))[0], expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("f", [np.sum, np.mean, np.prod, np.var, np.std, np.max, np.min])
def test_a_mask_may_be_a_comparison_of_the_variable(f: Any) -> None:
    x = np.array([3.0, -1.0, 2.0, 5.0])
    extra = {"initial": 0.0} if f in (np.max, np.min) else {}
    expected = np.zeros(4)
    expected[x > 0] = by_first(lambda a: f(a, **extra), x[x > 0])
    found = by_first(lambda a: f(a, where=a > 0, **extra), x)
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_mask_is_locked_while_the_graph_needs_it() -> None:
    mask = np.array([True, False])
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(x, where=mask)
    with pytest.raises(ValueError, match="read-only"):
        mask[1] = True
    y.backward()
    assert x.grad.tolist() == [1, 0]
    mask[1] = True


@pytest.mark.parametrize("f", [np.sum, np.cumsum, np.prod])
def test_whole_numbers_are_constants(f: Any) -> None:
    assert not f(tg.tensor([1.5, 2.5], requires_grad=True), dtype=int).requires_grad


def test_operands_may_be_named() -> None:
    a, v = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0])
    for found, expected in (
        (gradient(lambda a, v: np.convolve(a=a, v=v), a, v), gradient(np.convolve, a, v)),
        (gradient(lambda a, v: np.polyval(p=a, x=v), a, v), gradient(np.polyval, a, v)),
        (gradient(lambda a: np.unwrap(p=a), a), gradient(np.unwrap, a)),
        (
            gradient(lambda a: np.quantile(a=a, q=0.3), a),
            gradient(lambda a: np.quantile(a, 0.3), a),
        ),
        (gradient(lambda a: np.trapezoid(y=a, x=a), a), gradient(lambda a: np.trapezoid(a, a), a)),
        (gradient(lambda a: np.cov(m=a, y=a**2), a), gradient(lambda a: np.cov(a, a**2), a)),
    ):
        for g, e in zip(found, expected, strict=True):
            np.testing.assert_array_equal(g, e)


def test_an_empty_selection_has_gradient_0() -> None:
    nothing = np.zeros(3, bool)
    for f in (np.sum, np.prod):
        assert by_first(lambda a, f=f: f(a, where=nothing), [1.0, 2.0, 3.0]).tolist() == [0, 0, 0]
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning):
        found = by_first(lambda a: np.mean(a, where=nothing), [1.0, 2.0, 3.0])
    assert found.tolist() == [0, 0, 0]


def test_an_initial_value_that_ties_takes_the_gradient() -> None:
    assert by_first(lambda a: np.max(a, initial=0), [-1.0, 0.0]).tolist() == [0, 0]
    assert by_first(lambda a: np.max(a, initial=0), [-1.0, 1.0]).tolist() == [0, 1]
    assert by_first(lambda a: np.minimum.reduce(a, initial=0.0), [0.0, 1.0]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.nansum, [1, 0, 1]),
        (np.nanmean, [0.5, 0, 0.5]),
        (np.nanprod, [3, 0, 1]),
        (np.nanvar, [-1, 0, 1]),
        (np.nanstd, [-0.5, 0, 0.5]),
        (np.nanmax, [0, 0, 1]),
        (np.nanmin, [1, 0, 0]),
        (np.fmax.reduce, [0, 0, 1]),
        (np.nanmedian, [0.5, 0, 0.5]),
        (lambda x, axis: np.nanquantile(x, 0.25, axis=axis), [0.75, 0, 0.25]),
        (lambda x, axis: np.nanpercentile(x, [0, 50], axis=axis), [1.5, 0, 0.5]),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_rows_with_gaps_and_rows_of_gaps(f: Any, expected: list[float]) -> None:
    value = f(tg.tensor(GAPS, requires_grad=True), axis=-1)
    np.testing.assert_array_equal(value.numpy(), f(GAPS, axis=-1))
    found = by_first(lambda x: f(x, axis=-1), GAPS)
    np.testing.assert_allclose(found, [expected, [0, 0, 0]], rtol=1e-15)
    second = tg.hvp(lambda x: np.sum(f(x, axis=-1)[..., :1] ** 2), (GAPS,), (np.ones((2, 3)),))[0]
    assert np.isfinite(second).all()


@pytest.mark.parametrize("ddof", [0, 1, 2, 3])
@pytest.mark.parametrize("f", [np.nanvar, np.nanstd])
@pytest.mark.filterwarnings("ignore")
def test_nan_spread_agrees_where_no_freedom_is_left(f: Any, ddof: int) -> None:
    x = np.array([[1.0, NAN, 3.0], [NAN, NAN, 2.0], [NAN, NAN, NAN]])
    value = f(tg.tensor(x, requires_grad=True), axis=1, ddof=ddof)
    np.testing.assert_array_equal(value.numpy(), f(x, axis=1, ddof=ddof))


def test_no_freedom_left_is_warned_of() -> None:
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        np.nanvar(tg.tensor([1.0, NAN], requires_grad=True), ddof=1)
    with pytest.warns(RuntimeWarning), np.errstate(divide="ignore", invalid="ignore"):
        np.cov(tg.tensor([1.0], requires_grad=True))


@pytest.mark.parametrize("f", [np.var, np.std, np.nanvar, np.nanstd])
def test_spread_of_equal_entries_has_gradient_0(f: Any) -> None:
    assert by_first(f, [2.0, 2.0, 2.0]).tolist() == [0, 0, 0]


# Quantiles.


@pytest.mark.parametrize("f", [np.median, np.nanmedian])
def test_equal_entries_give_the_gradient_to_those_in_the_middle_of_the_order(f: Any) -> None:
    assert by_first(f, [1.0, 1.0, 1.0]).tolist() == [0, 1, 0]
    assert by_first(f, [1.0, 1.0, 1.0, 1.0]).tolist() == [0, 0.5, 0.5, 0]
    x = [2.0, 1.0, 1.0, 1.0]
    expected = by_first(lambda a: np.sort(a)[1:3] / 2, x)
    assert by_first(f, x).tolist() == expected.tolist()


@pytest.mark.parametrize("x", [[INF, INF], [-INF, 1.0], [1.0, INF], [-INF, 1.0, INF]])
def test_medians_beside_infinity(x: list[float]) -> None:
    value = np.median(tg.tensor(x, requires_grad=True))
    assert value.item() == np.median(x)
    assert np.isfinite(by_first(np.median, x)).all()


@pytest.mark.parametrize("q", [0, 1, 0.5, np.float32(0.3), [0.1, 0.9], np.array([[0.2], [0.5]])])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("method", ["linear", "lower", "inverted_cdf", "midpoint", "weibull"])
def test_quantiles_have_numpys_value_and_dtype(q: Any, dtype: Any, method: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 20)).astype(dtype)
    for axis in (None, 0, -1):
        expected = np.quantile(x, q, axis=axis, method=method)
        value = np.quantile(tg.tensor(x, requires_grad=True), q, axis=axis, method=method)
        assert value.dtype == expected.dtype
        tolerance = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(value.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("f", [np.quantile, np.nanquantile])
def test_weighted_quantiles_pick_numpys_entry(f: Any) -> None:
    rng = np.random.default_rng(1)
    x, w = rng.integers(0, 4, (6, 5)).astype(float), rng.uniform(0.1, 1, (6, 5))
    if f is np.nanquantile:
        x[2, 1:3] = NAN
    for q in (0.0, 0.3, 0.77, 1.0):
        expected = f(x, q, axis=0, weights=w, method="inverted_cdf")
        t = tg.tensor(x, requires_grad=True)
        value = f(t, q, axis=0, weights=w, method="inverted_cdf")
        np.testing.assert_array_equal(value.numpy(), expected)
        np.sum(value).backward()
        assert np.array_equal(np.sum(t.grad, axis=0), np.ones(5))
        np.testing.assert_array_equal(np.nansum(t.grad * x, axis=0), expected)


@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, [0.2, 0.4])])
def test_a_nan_makes_the_quantile_nan(f: Any) -> None:
    value = f(tg.tensor([1.0, NAN, 2.0], requires_grad=True))
    assert np.isnan(value.numpy()).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_medians_of_nothing(shape: tuple[int, ...]) -> None:
    for axis in (None, 0):
        expected = np.median(np.zeros(shape), axis=axis)
        value = np.median(tg.tensor(np.zeros(shape), requires_grad=True), axis=axis)
        np.testing.assert_array_equal(value.numpy(), expected)
        assert by_first(lambda x, axis=axis: np.median(x, axis=axis), np.zeros(shape)).size == 0


# Running extremes and sums of exponentials.


@pytest.mark.parametrize("axis", [0, -1])
def test_running_extremes_give_ties_to_the_first(axis: int) -> None:
    x = [1.0, 3.0, 3.0, 2.0, 4.0]
    assert by_first(lambda a: np.maximum.accumulate(a, axis=axis), x).tolist() == [1, 3, 0, 0, 1]
    x = [4.0, 2.0, 2.0, 3.0, 1.0]
    assert by_first(lambda a: np.minimum.accumulate(a, axis=axis), x).tolist() == [1, 3, 0, 0, 1]


def test_running_extremes_pass_nans_on_or_over() -> None:
    x = [1.0, NAN, 3.0, NAN]
    g = tg.vjp(np.maximum.accumulate, np.array(x))[1](np.array([1.0, 2, 4, 8]))[0]
    assert g.tolist() == [1, 14, 0, 0]
    g = tg.vjp(np.fmax.accumulate, np.array([NAN, *x]))[1](np.array([1.0, 2, 4, 8, 16]))[0]
    assert g.tolist() == [1, 6, 0, 24, 0]


def test_sums_of_exponentials_at_infinity() -> None:
    x = [-INF, -INF, 1e4, 1e4, INF]
    found = tg.jacobian(np.logaddexp.accumulate)(np.array(x))
    expected = [[0] * 5, [0] * 5, [0, 0, 1, 0, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert by_first(np.logaddexp.reduce, x).tolist() == [0, 0, 0, 0, 1]
    assert by_first(np.logaddexp.reduce, [-INF, -INF]).tolist() == [0, 0]


def test_methods_work_along_the_first_axis_by_default() -> None:
    x = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert np.add.reduce(x).shape == np.maximum.reduce(x).shape == (3,)
    assert np.add.accumulate(x).numpy().tolist() == [[0, 1, 2], [3, 5, 7]]


# Sequences.


def test_interpolation_at_its_knots_and_beyond() -> None:
    knots, values = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 8.0])
    x = np.array([-1.0, 0.0, 1.0, 3.0, 4.0])
    found, by_values = gradient(lambda a, b: np.interp(a, knots, b), x, values)
    assert found.tolist() == [0, 2, 3, 3, 0]
    assert by_values.tolist() == [2, 1, 2]
    value = np.interp(tg.tensor([NAN, 2.0], requires_grad=True), knots, values)
    np.testing.assert_array_equal(value.numpy(), [NAN, 5.0])


def test_interpolation_between_knots_that_coincide() -> None:
    knots, values = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 2.0, 4.0, 7.0])
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, NAN])
    value = np.interp(tg.tensor(x, requires_grad=True), knots, values)
    np.testing.assert_array_equal(value.numpy(), np.interp(x, knots, values))
    found, by_values = gradient(lambda a, b: np.interp(a, knots, b), x[:5], values)
    assert found.tolist() == [0, 2, 2, 0, 0]
    assert by_values.tolist() == [1, 1.5, 0.5, 2]


def test_gradient_by_even_coordinates_is_that_of_uneven_ones() -> None:
    f, x = np.array([1.0, 2.0, 4.0, 8.0]), np.arange(4.0)
    found = tg.jacobian(lambda t: np.gradient(f, t))(x)
    for i in range(4):
        step = 1e-6 * np.eye(4)[i]
        # NumPy takes the short cut for even steps only where they are even to the last bit.
        expected = (np.gradient(f, x + step) - np.gradient(f, x - step)) / 2e-6
        np.testing.assert_allclose(found[:, i], expected, atol=1e-8)


def test_whole_numbers_at_variable_coordinates() -> None:
    f, x = np.array([1, 2, 4]), np.array([0.0, 1.0, 1.5])
    found = gradient(lambda t: np.gradient(f, t), x)[0]
    expected = gradient(lambda t: np.gradient(f.astype(float), t), x)[0]
    assert np.abs(found).max() > 1
    assert found.tolist() == expected.tolist()


def test_unwrapping_has_derivative_1() -> None:
    assert by_first(np.unwrap, [0.0, 6.0, 12.5]).tolist() == [1, 1, 1]


# Bessel functions.


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-9, 1e-4, 0.3])
def test_sinc_near_0_is_its_series(x: float) -> None:
    z = math.pi * x
    expected = -(math.pi**2) * x * (1 / 3 - z**2 / 30 + z**4 / 840 - z**6 / 45360 + z**8 / 3991680)
    assert by_first(np.sinc, x) == pytest.approx(expected, rel=1e-6 if x > 0.1 else 1e-14)
    assert sinc_derivative(np.array(x), 2) == pytest.approx(
        -(math.pi**2) * (1 / 3 - z**2 / 10 + z**4 / 168 - z**6 / 6480),
        rel=1e-3 if x > 0.1 else 1e-13,
    )


def test_sinc_derivatives_join_where_the_series_ends() -> None:
    for n in range(5):
        ends = np.array([(n + 1) / math.pi * (1 + s) for s in (-1e-15, 1e-15)])
        below, above = sinc_derivative(ends, n)
        assert below == pytest.approx(above, abs=1e-13 * math.pi**n)


@pytest.mark.parametrize(
    ("x", "expected"),  # I_1, Abramowitz and Stegun 1964, 9.8, and mpmath
    [
        (1e-9, 5e-10),
        (1.0, 0.5651591039924850),
        (-5.0, -24.33564214245053),
        (50.0, 2.90307859010356e20),
    ],
)
def test_i0_has_derivative_i1(x: float, expected: float) -> None:
    assert by_first(np.i0, x) == pytest.approx(expected, rel=1e-13)


def test_i0_derivatives_satisfy_bessels_equation() -> None:
    x = np.array([0.1, 1.0, 7.0, 40.0, 600.0])
    y, d, dd = (i0_derivative(x, n) for n in range(3))
    np.testing.assert_allclose(x * dd + d, x * y, rtol=1e-14)


# Refusals.

X = tg.tensor([1.0, 2.0, 4.0], requires_grad=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.quantile(X, tg.tensor(0.5, requires_grad=True)),
        lambda: np.quantile(X, 0.5, weights=X, method="inverted_cdf"),
        lambda: np.nanquantile(X, [[0.5]]),
        lambda: np.var(X, mean=np.mean(X)),
        lambda: np.sum(X, initial=X[0]),
        lambda: np.cov(X, fweights=X),
        lambda: np.nan_to_num(X, copy=False),
        lambda: np.unwrap(X, period=X[0]),
        lambda: np.histogram(X),
        lambda: np.subtract.reduce(X),
        lambda: np.multiply.reduceat(X, [0, 1]),
        lambda: np.roots(X),
    ],
)
def test_refused(call: Any) -> None:
    with pytest.raises(UnsupportedError):
        call()


def test_refusals_of_methods_name_their_ufunc() -> None:
    with pytest.raises(UnsupportedError, match=r"maximum\.reduce was called with out="):
        np.maximum.reduce(X, out=np.zeros(()))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: np.average(X, weights=[1, 2]), TypeError),
        (lambda: np.average(X, 0, [1, 2]), ValueError),
        (lambda: np.average(X, weights=[1, -1, 0]), ZeroDivisionError),
        (lambda: np.cov(X, ddof=0.5), ValueError),
        (lambda: np.cov(X, fweights=[1, 2, 0.5]), TypeError),
        (lambda: np.cov(X, fweights=[1, 2, -1]), ValueError),
        (lambda: np.cov(X, aweights=[1, 2]), RuntimeError),
        (lambda: np.gradient(X, 1, 2), TypeError),
        (lambda: np.gradient(X, edge_order=3), ValueError),
        (lambda: np.gradient(X[:1]), ValueError),
        (lambda: np.gradient(X, [1.0, 2.0]), ValueError),
        (lambda: np.ediff1d([1, 2], to_end=X), TypeError),
        (lambda: np.interp(X, [1, 2], [1]), ValueError),
        (lambda: np.interp(X, [1, 2], [1, 2], period=0), ValueError),
    ],
)
def test_wrong_calls_raise_as_numpys_own_do(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()
