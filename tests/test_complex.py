"""The convention for complex numbers, held by every function that takes them.

The gradient of a real f by z = x + iy is g = df/dx - i df/dy, so that f changes by Re(sum(g v))
along v. Each example of `examples` is taken to complex operands: all of them, or one beside real
ones. What NumPy or we refuse is listed in `REFUSED`, so that nothing drops out unseen.
Tolerances are those of `cases`.
"""

import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cases import DIFFERENCE, EXACT, Case, derivative, dotted, gradient, name, size
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg
from examples import EXAMPLES
from tinygrad_ce.rules import bessel, decompositions, erf, gamma, special, support

Z = np.array([0.5 + 1j, -1.2 - 0.3j, 0.7j])
V = np.array([1.0 - 2j, 0.5 + 0.25j, -1.0 + 0j])

# Comparisons, roundings and angles in degrees are NumPy's own refusals, the others ours.
# fmt: off
REFUSED: set[Any] = {
    np.remainder, np.fmod, np.divmod, np.cbrt, np.fabs, np.copysign, np.deg2rad, np.radians,
    np.rad2deg, np.degrees, np.heaviside, np.logaddexp, np.logaddexp2, np.arctan2, np.hypot,
    np.fft.rfft,
    np.fft.ihfft, np.fft.rfftn, np.fft.rfft2, support.output, np.frexp, np.ldexp, np.modf,
    np.nextafter, np.i0, bessel.i0_derivative, np.unwrap,
    np.quantile, np.percentile, np.nanquantile, np.nanpercentile,
    special.sigmoid, special.softplus, special.log_sigmoid, special.logit, special.entr,
    erf.erf, erf.erfc, erf.erfinv, gamma.lgamma, gamma.digamma, gamma.polygamma,
    np.logaddexp.reduce, np.logaddexp.accumulate, np.bincount,
    *(f.outer for f in (np.arctan2, np.copysign, np.fmod, np.heaviside, np.hypot,
                        np.logaddexp, np.logaddexp2, np.remainder)),
}
# fmt: on
# Have tests of their own, here or with their family: of vectors with a free phase only losses that
# do not see it have a gradient.
OTHERS = {
    support.astype,
    np.astype,
    special.sigmoid_log_loss,
    np.nan_to_num,
    np.linalg.eigh,
    np.linalg.svd,
    decompositions.svd_factors,
}  # fmt: skip


@dataclass(frozen=True)
class Complex:
    """A case with complex numbers for some of its operands: all, or the one at a place."""

    case: Case
    only: int | None

    def arguments(self) -> tuple[Any, ...]:
        rng = np.random.default_rng(zlib.crc32(repr((self.case.draws, self.only)).encode()))
        return tuple(
            x + 1j * rng.uniform(-0.6, 0.6, x.shape) if self.only in (None, i) else x
            for i, x in enumerate(self.case.arguments())
        )

    def weights(self, seed: int = 1) -> Any:
        return numbers(np.random.default_rng(seed), self.case.f(*self.arguments()))


def numbers(rng: Any, like: Any) -> Any:
    """Random numbers of the shape of an array, complex where it is."""
    x = rng.uniform(0.5, 1.5, np.shape(like))
    return x + 1j * rng.uniform(-1, 1, np.shape(like)) if np.iscomplexobj(like) else x


def directions(zs: tuple[Any, ...], seed: int = 2) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return tuple(numbers(rng, z) - 0.9 for z in zs)


def turned(vs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same directions in the imaginary component."""
    return tuple(1j * v if np.iscomplexobj(v) else v for v in vs)


def takes(example: Complex) -> bool:
    """Whether NumPy takes complex numbers here."""
    try:
        with warnings.catch_warnings(action="error"):
            example.case.f(*example.arguments())
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        return False
    return True


def params(wanted: Callable[[Any, Case], bool], mixed: bool = True) -> Any:
    return pytest.mark.parametrize(
        "example",
        [
            pytest.param(Complex(case, only), id=f"{name(f)}-{i}-{only}")
            for f, cases in EXAMPLES.items()
            for i, case in enumerate(cases)
            if wanted(f, case)
            for only in (None, *(range(len(case.draws)) if mixed and len(case.draws) > 1 else ()))
            if f in REFUSED or takes(Complex(case, only))
        ],
    )


EVERY = params(lambda f, case: f not in REFUSED | OTHERS)
UNMIXED = params(lambda f, case: f not in REFUSED | OTHERS, mixed=False)


def test_no_function_drops_out_unseen() -> None:
    """Single examples may: those that name a real dtype, or need one operand to be real."""
    missing = {
        name(f) for f in set(EXAMPLES) - REFUSED - OTHERS
        if not any(takes(Complex(case, None)) for case in EXAMPLES[f])
    }  # fmt: skip
    assert missing == set()


@EVERY
def test_gradient_is_that_of_central_differences(example: Complex) -> None:
    f, zs, w = example.case.f, example.arguments(), example.weights()

    def loss(*a: Any) -> Any:
        return np.sum(np.real(w * f(*a)))

    gs = gradient(loss, zs)
    for vs in (directions(zs), turned(directions(zs))):
        expected = derivative(loss, zs, vs)
        assert abs(np.real(dotted(gs, vs)) - expected) <= DIFFERENCE * (size(gs) + size([f(*zs)]))


@EVERY
def test_hessian_product_is_that_of_central_differences(example: Complex) -> None:
    f, zs, w = example.case.f, example.arguments(), example.weights()

    def loss(*a: Any) -> Any:
        y = f(*a)
        return np.sum(np.real(w * y * y) + np.real(y * np.conjugate(y)))

    for vs in (directions(zs), turned(directions(zs))):
        found = tg.hvp(loss, zs, vs)
        scale = size(found) + size(gradient(loss, zs))
        for i, h in enumerate(found):
            expected = derivative(lambda *a, i=i: gradient(loss, a)[i], zs, vs)
            np.testing.assert_allclose(h, expected, rtol=0, atol=DIFFERENCE * scale)


@UNMIXED
def test_jvp_is_that_of_central_differences(example: Complex) -> None:
    f, zs = example.case.f, example.arguments()
    vs = directions(zs)
    value, found = tg.jvp(f, zs, vs)
    np.testing.assert_allclose(value, f(*zs), rtol=EXACT, atol=EXACT)
    scale = size([found]) + size([value])
    np.testing.assert_allclose(found, derivative(f, zs, vs), rtol=0, atol=DIFFERENCE * scale)


@EVERY
def test_gradient_has_shape_and_dtype_of_its_operand(example: Complex) -> None:
    zs = example.arguments()
    gs = tg.vjp(example.case.f, *zs)[1](example.weights())
    assert [(g.shape, g.dtype) for g in gs] == [(z.shape, z.dtype) for z in zs]


@params(lambda f, case: f not in REFUSED | OTHERS and case.single)
def test_single_precision_stays_single(example: Complex) -> None:
    single = {"f": np.float32, "c": np.complex64}
    zs = tuple(z.astype(single[z.dtype.kind]) for z in example.arguments())
    value, pull = tg.vjp(example.case.f, *zs)
    assert value.dtype in (np.float32, np.complex64)
    assert [g.dtype for g in pull(example.weights())] == [z.dtype for z in zs]


@params(lambda f, case: f in REFUSED)
def test_others_are_refused(example: Complex) -> None:
    zs = example.arguments()
    with pytest.raises((TypeError, np.exceptions.ComplexWarning)):
        example.case.f(*zs)
    with pytest.raises((TypeError, np.exceptions.ComplexWarning)):
        example.case.f(*(tg.tensor(z, requires_grad=True) for z in zs))


# The convention.


def test_gradient_of_a_square_modulus_is_twice_the_conjugate() -> None:
    np.testing.assert_allclose(tg.grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * Z.conj())


def test_gradient_of_the_real_part_of_an_analytic_function_is_its_derivative() -> None:
    np.testing.assert_allclose(tg.grad(lambda z: np.sum(np.real(np.exp(z))))(Z), np.exp(Z))


def test_gradient_of_an_imaginary_part_is_the_derivative_times_minus_i() -> None:
    np.testing.assert_allclose(tg.grad(lambda z: np.sum(np.imag(z**3)))(Z), -3j * Z**2)


def test_descent_is_along_the_conjugate() -> None:
    z = tg.tensor(Z, requires_grad=True)
    before = np.sum(np.abs(z - 1) ** 2)
    before.backward()
    z.data -= 0.5 * z.grad.conj()
    np.testing.assert_allclose(z.numpy(), np.ones(3), atol=1e-15)


@given(st.complex_numbers(max_magnitude=3), st.complex_numbers(max_magnitude=3))
def test_gradient_by_parts_is_the_gradient(a: complex, b: complex) -> None:
    def loss(z: Any, w: Any) -> Any:
        return np.real(np.sin(z) * w * w) + np.imag(z * np.conjugate(w))

    def parts(x: Any, y: Any, u: Any, v: Any) -> Any:
        return loss(x + 1j * y, u + 1j * v)

    g, h = tg.grad(loss, (0, 1))(a, b)
    x, y, u, v = tg.grad(parts, (0, 1, 2, 3))(a.real, a.imag, b.real, b.imag)
    np.testing.assert_allclose([g, h], [x - 1j * y, u - 1j * v], rtol=1e-12, atol=1e-12)


def test_a_real_operand_broadcast_with_a_complex_one_has_a_real_gradient() -> None:
    x = np.array([[2.0], [3.0]])
    g, h = tg.grad(lambda x, z: np.sum(np.real(x * z)), (0, 1))(x, Z)
    np.testing.assert_allclose(g, np.full((2, 1), Z.sum().real))
    np.testing.assert_allclose(h, np.full(3, 5.0 + 0j))
    assert (g.dtype, h.dtype) == (np.float64, np.complex128)


def test_a_real_operand_of_a_complex_constant() -> None:
    g = tg.grad(lambda x: np.imag(np.exp(1j * x)))(0.3)
    assert g == np.cos(0.3)
    assert g.dtype == np.float64


def test_a_python_complex_number_is_weak() -> None:
    x = tg.tensor(np.ones(2, np.float32), requires_grad=True)
    y = (2 - 1j) * x + x / 1j - (1 + 1j) ** x + x**1j
    assert y.dtype == np.complex64
    np.real(y).sum().backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("power", [2, 0.5, -1, 3, 0, 2.5, 1j])
def test_powers_are_those_of_numpys_operator(power: Any) -> None:
    z = np.array([1 + 2j, -4 + 0j, complex(-4, -0.0)])
    np.testing.assert_array_equal((tg.tensor(z) ** power).numpy(), z**power)


def test_a_real_negative_base_of_a_complex_power() -> None:
    def f(x: Any, p: Any) -> Any:
        return np.real(x**p)

    point = (-1.5, 0.5 + 0.25j)
    gs = tg.grad(f, (0, 1))(*point)
    for v in ((1.0, 0j), (0.0, 1 + 0j), (0.0, 1j)):
        assert abs(np.real(dotted(gs, v)) - derivative(f, point, v)) < 1e-9


# Kinks and branch cuts.


@pytest.mark.parametrize(
    "f",
    [
        np.abs,
        np.std,
        np.linalg.norm,
        lambda z: np.abs(np.max(z)),
        np.angle,
        lambda z: np.abs(z) ** 3,
        lambda z: np.real(z**0),
        lambda z: np.real(np.where(np.abs(z) > 0, np.log(z), 0)),
    ],
)
def test_gradient_at_zero_is_zero(f: Any) -> None:
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(tg.grad(lambda z: np.sum(f(z)))(np.zeros(3, complex)), 0)


CUTS = {
    "real": [complex(x, zero) for x in (2, -2, 0.5, -0.5) for zero in (0.0, -0.0)],
    "imaginary": [complex(zero, y) for y in (2, -2, 0.5, -0.5) for zero in (0.0, -0.0)],
}


@pytest.mark.parametrize("line", CUTS)
@pytest.mark.parametrize(
    "f",
    [np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh, np.log, np.sqrt],
    ids=name,
)
def test_each_side_of_a_branch_cut_has_its_own_derivative(f: Any, line: str) -> None:
    for z in CUTS[line]:

        def on_this_side(h: Any, z: complex = z) -> Any:
            moved = complex(z.real + h, z.imag) if line == "real" else complex(z.real, z.imag + h)
            return f(np.complex128(moved))

        expected = derivative(on_this_side, (0.0,), (1.0,)) / (1 if line == "real" else 1j)
        found = tg.grad(lambda z: np.real(f(z)))(z)
        assert abs(found - expected) < 1e-9, z


def test_logarithm_of_softmax_is_on_the_principal_branch() -> None:
    z = np.array([1 + 4j, 0.5 - 4j, -1 + 2j])
    found = np.log(tg.softmax(tg.tensor(z, requires_grad=True)))
    np.testing.assert_allclose(found.numpy(), np.log(tg.softmax(z)), rtol=1e-14)


def test_order_is_by_the_real_part_and_then_by_the_imaginary() -> None:
    z = np.array([1 + 2j, 1 + 3j, -4 + 0j])
    np.testing.assert_array_equal(tg.grad(lambda z: np.real(np.max(z)))(z), [0, 1, 0])
    np.testing.assert_array_equal(tg.grad(lambda z: np.real(np.sort(z)[1]))(z), [1, 0, 0])


# Conversions.


def test_astype_to_complex_has_a_real_gradient() -> None:
    g = tg.grad(lambda x: np.real((1 + 2j) * x.astype(complex)))(3.0)
    assert (g, g.dtype) == (1.0, np.float64)


def test_astype_between_complex_precisions() -> None:
    g = tg.grad(lambda z: np.sum(np.imag(z.astype(np.complex64))))(Z)
    assert g.dtype == np.complex128
    np.testing.assert_array_equal(g, [-1j] * 3)


def test_astype_to_real_warns_as_numpy_and_takes_the_real_part() -> None:
    with pytest.warns(np.exceptions.ComplexWarning):
        g = tg.grad(lambda z: np.sum(z.astype(float) ** 2))(Z)
    np.testing.assert_array_equal(g, 2 * Z.real)


# Transforms.


@pytest.mark.parametrize("f", [np.sum, lambda z: 1j, lambda z: np.sum(z) * 0])
def test_grad_refuses_a_complex_result(f: Any) -> None:
    with pytest.raises(tg.DTypeError, match=r"np\.real"):
        tg.grad(f)(Z)


def test_vjp_refuses_a_complex_gradient_of_a_real_result() -> None:
    for u in (1j, tg.tensor(1j)):
        with pytest.raises(tg.DTypeError, match="real result"):
            tg.vjp(lambda z: np.sum(np.abs(z)), Z)[1](u)


def test_backward_refuses_a_complex_gradient_of_a_real_tensor() -> None:
    with pytest.raises(tg.DTypeError, match=r"np\.real"):
        np.abs(tg.tensor(1j, requires_grad=True)).backward(1j)


def test_backward_of_a_complex_tensor_takes_a_gradient() -> None:
    z = tg.tensor(Z, requires_grad=True)
    (z * z).backward(V)
    np.testing.assert_allclose(z.grad, 2 * Z * V)


@pytest.mark.parametrize("transform", [tg.jvp, tg.hvp])
def test_a_complex_tangent_of_a_real_argument_is_refused(transform: Any) -> None:
    with pytest.raises(tg.DTypeError, match="real argument"):
        transform(np.sum, np.ones(2), 1j * np.ones(2))


def test_jvp_of_a_function_that_is_not_analytic() -> None:
    _, found = tg.jvp(lambda z: z * np.conjugate(z) + 3 * z, (Z,), (V,))
    np.testing.assert_allclose(found, V * Z.conj() + Z * V.conj() + 3 * V)


def test_jvp_to_complex_and_real_results() -> None:
    _, found = tg.jvp(lambda z, x: {"a": x * z, "b": np.abs(x * z)}, (3 + 4j, 2.0), (1j, 1.0))
    np.testing.assert_allclose(found["a"], 3 + 6j)
    np.testing.assert_allclose(found["b"], 2 * 4 / 5 + 5)


def test_jvp_nests() -> None:
    def slope(z: Any) -> Any:
        return tg.jvp(lambda w: w**3 + np.conjugate(w) ** 2, (z,), (V,))[1]

    _, found = tg.jvp(slope, (Z,), (V,))
    np.testing.assert_allclose(found, 6 * Z * V**2 + 2 * np.conj(V) ** 2)


def test_grad_of_jvp() -> None:
    found = tg.grad(lambda z: np.sum(np.real(tg.jvp(lambda w: w**3, (z,), (V,))[1])))(Z)
    np.testing.assert_allclose(found, 6 * Z * V)


def test_jacobian_of_an_analytic_function() -> None:
    matrix = np.array([[1, 2j, 0], [3, 0, 1 - 1j]])
    found = tg.jacobian(lambda z: matrix @ np.exp(z))(Z)
    np.testing.assert_allclose(found, matrix * np.exp(Z))


def test_jacobian_of_a_complex_result_by_a_real_argument() -> None:
    x = np.array([0.3, -0.5])
    found = tg.jacobian(lambda x: np.exp(1j * x) + np.abs((1 + 1j) * x))(x)
    np.testing.assert_allclose(found, np.diag(1j * np.exp(1j * x) + np.sqrt(2) * np.sign(x)))


def test_jacobian_of_a_real_result_by_a_complex_argument_has_gradients_as_rows() -> None:
    np.testing.assert_allclose(tg.jacobian(lambda z: np.abs(z) ** 2)(Z), np.diag(2 * Z.conj()))


def test_jacobian_keeps_single_precision() -> None:
    found = tg.jacobian(lambda z: z * z)(Z.astype(np.complex64))
    assert found.dtype == np.complex64


@pytest.mark.parametrize(
    "f", [np.conjugate, lambda z: z * np.abs(z), lambda z: np.real(z) + 0j, lambda z: np.sign(z)]
)
def test_jacobian_of_a_complex_function_that_is_not_analytic_is_refused(f: Any) -> None:
    for dtype in (np.complex64, np.complex128):
        with pytest.raises(tg.DTypeError, match="not analytic"):
            tg.jacobian(f)(Z.astype(dtype))


def test_jacobian_where_one_of_two_results_is_not_analytic() -> None:
    with pytest.raises(tg.DTypeError, match="not analytic"):
        tg.jacobian(lambda z: np.stack([z * 1e9, np.conjugate(z)]))(1j)


def test_grad_of_jacobian() -> None:
    f = tg.grad(lambda z: np.sum(np.real(tg.jacobian(lambda w: w**3)(z))))
    np.testing.assert_allclose(f(Z), 6 * Z)


def test_jacobian_is_wirtingers_derivative_where_it_exists() -> None:
    f = tg.grad(lambda z: np.real(tg.jacobian(lambda w: w * np.conjugate(w))(z)))
    assert f(0j) == 1  # of conj(z), the derivative of z conj(z) with conj(z) held fixed


def test_hessian_of_the_real_part_of_an_analytic_function() -> None:
    np.testing.assert_allclose(
        tg.hessian(lambda z: np.sum(np.real(z**3)))(Z), np.diag(6 * Z), atol=1e-15
    )


def test_hessian_that_is_no_complex_matrix_is_refused() -> None:
    with pytest.raises(tg.DTypeError, match="not analytic"):
        tg.hessian(lambda z: np.sum(np.abs(z) ** 2))(Z)


def test_hessian_by_parts_where_the_complex_one_is_refused() -> None:
    x, y = Z.real, Z.imag
    found = tg.hessian(lambda x, y: np.sum(np.abs(x + 1j * y) ** 4), (0, 1))(x, y)
    for i, j, expected in (
        (0, 0, 12 * x * x + 4 * y * y), (0, 1, 8 * x * y), (1, 1, 12 * y * y + 4 * x * x),
    ):  # fmt: skip
        np.testing.assert_allclose(found[i][j], np.diag(expected), atol=1e-14)


def test_hvp_is_the_derivative_of_the_gradient() -> None:
    found = tg.hvp(lambda z: np.sum(np.abs(z) ** 4), Z, V)
    # The gradient is 4 |z|^2 conj(z) = 4 z conj(z)^2.
    np.testing.assert_allclose(found, 4 * V * Z.conj() ** 2 + 8 * Z * Z.conj() * V.conj())


def test_hvp_by_a_real_and_a_complex_argument() -> None:
    g, h = tg.hvp(lambda x, z: np.real(x * x * z), (2.0, 1 + 1j), (1.0, 1j))
    assert (g, h) == (2.0, 4.0)
    assert np.asarray(g).dtype == np.float64


# Functions and losses of real numbers.


def test_sigmoid_log_loss_is_linear_in_complex_targets() -> None:
    z = np.array([-2.0, 0.5, 3.0])
    found = tg.grad(lambda t: np.sum(np.imag(special.sigmoid_log_loss(z, t))))(Z)
    np.testing.assert_allclose(found, 1j * z)


@pytest.mark.parametrize(
    "f", [tg.relu, tg.leaky_relu, tg.elu, tg.gelu, tg.silu, tg.sigmoid, tg.softplus,
          tg.log_sigmoid, lambda z: tg.sigmoid_cross_entropy(z, np.ones(3))],
)  # fmt: skip
def test_functions_of_real_numbers_refuse_complex_ones(f: Any) -> None:
    for z in (Z, tg.tensor(Z), tg.tensor(Z, requires_grad=True)):
        with pytest.raises(tg.DTypeError, match="larger"):
            f(z)


@pytest.mark.parametrize(
    "loss",
    [
        lambda y: tg.squared_error(y, V),
        lambda y: tg.mean_squared_error(y, V),
        lambda y: tg.mean_squared_error(y, V.real),
        lambda y: tg.huber(y, V, delta=1.5, reduction="sum"),
    ],
)
def test_losses_of_complex_outputs_are_real(loss: Any) -> None:
    g = tg.grad(loss)(Z)
    for v in (V, 1j * V):
        expected = derivative(loss, (Z,), (v,))
        assert abs(np.real(np.sum(g * v)) - expected) < DIFFERENCE * (1 + size([g]))


def test_squared_error_of_complex_outputs() -> None:
    assert tg.squared_error(np.array([3j]), np.array([4.0])) == 12.5
    np.testing.assert_allclose(tg.grad(tg.squared_error)(Z, V), (Z - V).conj())


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: tg.softmax_cross_entropy(z, 1),
        lambda z: tg.negative_log_likelihood(z, 1, check=False),
        lambda z: tg.focal(z, 1),
        lambda z: tg.hinge(z, 1),
        lambda z: tg.cross_entropy(z, np.ones(3) / 3, check=False),
        lambda z: tg.binary_cross_entropy(z, np.ones(3) / 3, check=False),
    ],
)
def test_classification_losses_of_complex_outputs_have_no_gradient(loss: Any) -> None:
    with pytest.raises(tg.DTypeError, match=r"np\.real"):
        tg.grad(loss)(Z)
