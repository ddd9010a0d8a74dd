"""numpy.linalg beyond the walk through the table: complex numbers, other engines, hard cases.

The differences are of fourth order with step h = 2e-4: they err by h^4 f'''''/30, which is below
1e-9 for fifth derivatives up to 1e7 (near-singular matrices), and by rounding of some 1e-12 f.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.rules.systems import cofactors, cofactors_along

L = np.linalg
COMPLEX = 1e-7
I3 = np.eye(3)


def real(rng: Any, *shape: int) -> Any:
    return rng.normal(size=shape)


def numbers(rng: Any, *shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def differences(f: Callable[..., Any], xs: tuple[Any, ...], k: int) -> Any:
    """df/dx - i df/dy for each entry x + iy of argument k."""
    found = np.zeros(xs[k].shape, complex)
    for place in np.ndindex(xs[k].shape):
        for unit in (1, 1j) if np.iscomplexobj(xs[k]) else (1,):

            def at(h: float, place: Any = place, unit: Any = unit) -> Any:
                moved = xs[k].copy()
                moved[place] += h * unit
                return f(*xs[:k], moved, *xs[k + 1 :])

            h = 2e-4
            slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
            found[place] += slope / unit
    return found


def loss_of(f: Callable[..., Any]) -> Callable[..., Any]:
    """A real loss that depends on every number in the results of f, and on every phase."""

    def loss(*xs: Any) -> Any:
        results = f(*xs)
        total = 0.0
        for i, y in enumerate(results if isinstance(results, tuple) else (results,)):
            if np.result_type(y).kind not in "fc" or not np.size(y):
                continue
            rng = np.random.default_rng(i)
            u, v, w = rng.uniform(-1, 1, (3, *np.shape(y)))
            total = total + np.sum(u * np.real(y) + v * np.real(y) ** 2)
            if np.result_type(y).kind == "c":
                total = total + np.sum(w * np.imag(y) + u * np.imag(y) * np.real(y))
        return total

    return loss


def pairs(v: Any) -> Any:
    """|v| and v v^H of each column, which do not depend on the columns' phases."""
    return np.abs(v), np.conj(v[..., :, None, :]) * v[..., None, :, :]


def invariants(f: Callable[..., Any]) -> Callable[..., Any]:
    def of(a: Any) -> Any:
        u, s, vh = f(a)
        k = s.shape[-1]
        v = np.swapaxes(vh, -1, -2)
        return np.abs(u), s, np.abs(v), u[..., :, None, :k] * v[..., None, :, :k]

    return of


def positive_definite(a: Any) -> Any:
    return a @ np.conj(np.swapaxes(a, -1, -2)) + np.eye(a.shape[-1])


CASES: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "inv": (L.inv, ((2, 3, 3),)),
    "solve": (L.solve, ((3, 3), (3,))),
    "solve, stacked": (L.solve, ((2, 3, 3), (3, 2))),
    "pinv, tall": (L.pinv, ((4, 3),)),
    "pinv, wide": (L.pinv, ((2, 3, 4),)),
    "pinv, hermitian": (lambda a: L.pinv(a, hermitian=True), ((3, 3),)),
    "lstsq, tall": (L.lstsq, ((5, 3), (5, 2))),
    "lstsq, wide": (L.lstsq, ((2, 3), (2,))),
    "det": (L.det, ((2, 3, 3),)),
    "slogdet": (L.slogdet, ((2, 3, 3),)),
    "matrix_power": (lambda a: L.matrix_power(a, -3), ((3, 3),)),
    "multi_dot": (lambda *a: L.multi_dot(a), ((3,), (3, 4), (4, 2), (2,))),
    "tensorinv": (L.tensorinv, ((2, 3, 6),)),
    "tensorsolve": (L.tensorsolve, ((2, 3, 6), (2, 3))),
    "cholesky": (L.cholesky, ((2, 3, 3),)),
    "cholesky, upper": (lambda a: L.cholesky(a, upper=True), ((3, 3),)),
    "eigvalsh": (lambda a: L.eigvalsh(a, "U"), ((2, 3, 3),)),
    "eigh": (lambda a: (L.eigh(a)[0], *pairs(L.eigh(a)[1])), ((2, 3, 3),)),
    "eigh, upper": (lambda a: pairs(L.eigh(a, "U")[1]), ((3, 3),)),
    "eig": (L.eig, ((2, 3, 3),)),
    "eigvals": (L.eigvals, ((4, 4),)),
    "svd, tall": (invariants(lambda a: L.svd(a, full_matrices=False)), ((2, 4, 2),)),
    "svd, wide": (invariants(lambda a: L.svd(a, full_matrices=False)), ((2, 5),)),
    "svd, square": (invariants(L.svd), ((3, 3),)),
    "svd, one column more": (invariants(L.svd), ((3, 2),)),
    "svd, one row more": (invariants(L.svd), ((3, 4),)),
    "svd, hermitian": (invariants(lambda a: L.svd(a, hermitian=True)), ((3, 3),)),
    "svdvals": (L.svdvals, ((2, 3, 4),)),
    "qr, tall": (L.qr, ((2, 4, 2),)),
    "qr, wide": (L.qr, ((2, 4),)),
    "qr, r": (lambda a: L.qr(a, mode="r"), ((3, 3),)),
    "cond": (L.cond, ((2, 3, 3),)),
    "norm, ord 3": (lambda a: L.norm(a, 3, axis=0), ((3, 2),)),
    "norm, ord -1": (lambda a: L.norm(a, -1, axis=0), ((3, 2),)),
    "norm, nuclear": (lambda a: L.norm(a, "nuc", axis=(2, 0)), ((3, 2, 4),)),
    "norm, ord -2": (lambda a: L.matrix_norm(a, ord=-2), ((2, 3, 3),)),
    "norm, ord 1": (lambda a: L.matrix_norm(a, ord=1), ((3, 3),)),
}


@pytest.mark.parametrize("draw", [real, numbers])
@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_differences_in_both_components(name: str, draw: Any) -> None:
    f, shapes = CASES[name]
    rng = np.random.default_rng(5)
    xs = tuple(draw(rng, *shape) for shape in shapes)
    if name.startswith("cholesky"):
        xs = tuple(map(positive_definite, xs))
    loss = loss_of(f)
    found = tg.grad(loss, tuple(range(len(xs))))(*xs)
    for k, g in enumerate(found):
        expected = differences(loss, xs, k)
        np.testing.assert_allclose(g, expected, rtol=0, atol=COMPLEX * (1 + np.abs(expected).max()))


# Determinants.


def fractions(a: Any) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in a]


def determinant(m: list[list[Fraction]]) -> Fraction:
    """By the first row, exactly."""
    if not m:
        return Fraction(1)
    return sum(
        ((-1) ** j * x * determinant(minor(m, 0, j)) for j, x in enumerate(m[0]) if x), Fraction(0)
    )


def minor(m: list[list[Fraction]], i: int, j: int) -> list[list[Fraction]]:
    return [row[:j] + row[j + 1 :] for k, row in enumerate(m) if k != i]


def exact_cofactors(m: list[list[Fraction]]) -> Any:
    n = range(len(m))
    return np.array([[(-1) ** (i + j) * determinant(minor(m, i, j)) for j in n] for i in n])


def of_rank(rng: Any, r: int) -> Any:
    """Whole numbers, so that the rank is exact."""
    u = rng.integers(-3, 4, (4, r)).astype(float)
    return u @ rng.integers(-3, 4, (r, 4)).astype(float)


@pytest.mark.parametrize("rank", range(5))
def test_gradient_of_a_determinant_is_exact_at_every_rank(rank: int) -> None:
    a = of_rank(np.random.default_rng(rank), rank)
    expected = exact_cofactors(fractions(a)).astype(float)
    scale = L.norm(a) ** 3 + 1
    np.testing.assert_allclose(tg.grad(L.det)(a), expected, rtol=0, atol=1e-14 * scale)


@pytest.mark.parametrize("rank", range(5))
def test_second_derivative_of_a_determinant_is_exact_at_every_rank(rank: int) -> None:
    rng = np.random.default_rng(rank)
    a, x = of_rank(rng, rank), rng.integers(-3, 4, (4, 4)).astype(float)
    # Cofactors of 4x4 matrices are of degree 3 along x: this difference is exact.
    c = [exact_cofactors(fractions(a + t * x)) for t in (1, -1, 2, -2)]
    expected = ((8 * (c[0] - c[1]) - (c[2] - c[3])) / 12).astype(float)
    scale = (L.norm(a) ** 2 + 1) * L.norm(x)
    np.testing.assert_allclose(tg.hvp(L.det, a, x), expected, rtol=0, atol=1e-13 * scale)
    np.testing.assert_allclose(cofactors_along(x, a), expected, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("smallest", [1e-3, 1e-6, 1e-7, 1e-9, 1e-14])
def test_cofactors_are_exact_near_singular_matrices(smallest: float) -> None:
    rng = np.random.default_rng(0)
    u, v = L.qr(rng.normal(size=(2, 4, 4))).Q
    a = (u * np.array([1, 0.8, 0.5, smallest])) @ v
    expected = exact_cofactors(fractions(a)).astype(float)
    np.testing.assert_allclose(cofactors(a), expected, rtol=0, atol=1e-14)


def test_third_derivative_of_a_determinant() -> None:
    third = tg.grad(lambda a: tg.hessian(L.det)(a)[0, 0, 1, 1])(I3 + 1)
    np.testing.assert_allclose(third, np.diag([0, 0, 1]), atol=1e-12)


def test_third_derivative_of_a_determinant_needs_an_inverse() -> None:
    with pytest.raises(L.LinAlgError):
        tg.grad(lambda a: tg.hessian(L.det)(a)[0, 0, 1, 1])(np.diag([1.0, 0.0, 0.0]))


def test_singular_matrices_have_no_slogdet_gradient_and_leave_others_theirs() -> None:
    stack = np.array([np.diag([1.0, 2.0, 0.0]), 2 * I3])
    alone = tg.grad(lambda a: L.slogdet(a)[1][1])(stack)
    np.testing.assert_array_equal(alone, [0 * I3, I3 / 2])
    both = tg.grad(lambda a: np.sum(L.slogdet(a)[1]))(stack)
    assert np.isnan(both[0]).all()
    np.testing.assert_array_equal(both[1], I3 / 2)


# What is read.


@pytest.mark.parametrize(
    ("f", "lower"),
    [
        (L.cholesky, True),
        (lambda a: L.cholesky(a, upper=True), False),
        (lambda a: L.eigh(a)[1], True),
        (lambda a: L.eigh(a, "U")[1], False),
        (L.eigvalsh, True),
        (lambda a: L.eigvalsh(a, UPLO="U"), False),
        (lambda a: L.pinv(a, hermitian=True), True),
        (lambda a: L.svd(a, hermitian=True).S, True),
    ],
)
def test_one_triangle_is_read_and_has_a_gradient(f: Any, lower: bool) -> None:
    a = positive_definite(np.random.default_rng(2).normal(size=(3, 3)))
    g = tg.grad(loss_of(f))(a)
    read = np.tri(3, dtype=bool) if lower else np.tri(3, dtype=bool).T
    assert np.array_equal(g != 0, read)
    changed = np.where(read, a, 7.0)
    np.testing.assert_array_equal(tg.grad(loss_of(f))(changed), g)


@pytest.mark.parametrize("f", [L.cholesky, L.eigvalsh, lambda a: L.eigh(a, "U")[1]])
def test_gradient_by_a_matrix_that_is_made_symmetric_is_symmetric(f: Any) -> None:
    a = positive_definite(np.random.default_rng(2).normal(size=(3, 3)))
    g = tg.grad(loss_of(lambda x: f((x + x.T) / 2)))(a)
    np.testing.assert_allclose(g, g.T, rtol=0, atol=1e-14)


# Equal values, and values of 0.


def of_values(values: Any, seed: int = 0) -> Any:
    q = L.qr(np.random.default_rng(seed).normal(size=(len(values), len(values)))).Q
    return (q * np.array(values, float)) @ q.T


EQUAL = [of_values([1, 1, 2]), I3, np.diag([2.0, 2.0, 1.0]), 0 * I3]


@pytest.mark.parametrize("a", EQUAL)
def test_values_have_a_gradient_where_some_are_equal(a: Any) -> None:
    g = tg.grad(lambda a: np.sum(L.eigvalsh(a) ** 3))(a)
    np.testing.assert_allclose((g + g.T) / 2, 3 * a @ a, atol=1e-14)
    g = tg.grad(lambda a: np.sum(L.eigh(a)[0] ** 3))(a)
    np.testing.assert_allclose((g + g.T) / 2, 3 * a @ a, atol=1e-14)
    g = tg.grad(lambda a: np.sum(np.real(L.eigvals(a)) ** 3))(a)
    np.testing.assert_allclose(g, 3 * a @ a, atol=1e-13)
    g = tg.grad(lambda a: np.sum(L.svd(a).S ** 4))(a)
    np.testing.assert_allclose(g, 4 * a @ a.T @ a, atol=1e-13)


def test_a_vector_of_a_single_value_has_a_gradient_beside_equal_ones() -> None:
    a, x = of_values([1, 1, 2]), np.arange(9.0).reshape(3, 3)

    def loss(a: Any) -> Any:
        return np.sum(x * np.outer(*[L.eigh((a + a.T) / 2)[1][:, 2]] * 2))

    np.testing.assert_allclose(tg.grad(loss)(a), differences(loss, (a,), 0).real, atol=1e-9)


@pytest.mark.parametrize("a", EQUAL[:3])
@pytest.mark.parametrize("f", [L.eigh, L.eig])
def test_a_gradient_that_mixes_vectors_of_equal_values_is_nan(a: Any, f: Any) -> None:
    """exp(a) has a derivative; the vectors do not know it, and must not make one up."""
    x = np.arange(9.0).reshape(3, 3)

    def loss(a: Any) -> Any:
        w, v = f(a)
        return np.sum(x * np.real((v * np.exp(w)) @ v.T))

    assert np.isnan(tg.hessian(lambda a: np.sum(np.real(f(a)[0] ** 3)))(a)).any()
    assert np.isnan(tg.grad(loss)(a)).all(where=np.tri(3, dtype=bool))


@pytest.mark.parametrize("f", [L.eigvalsh, L.svdvals])
def test_second_derivative_of_a_single_value_beside_equal_ones(f: Any) -> None:
    a, v = np.diag([1.0, 1.0, 2.0]), np.arange(9.0).reshape(3, 3)
    largest = lambda a: np.max(f((a + a.T) / 2))
    expected = differences(lambda a: np.sum(v * tg.grad(largest)(a)), (a,), 0).real
    np.testing.assert_allclose(tg.hvp(largest, a, v), expected, atol=1e-8)


def test_gradient_that_mixes_singular_vectors_of_equal_values_is_nan() -> None:
    def loss(a: Any) -> Any:
        u, s, vh = L.svd(a)
        return np.sum(np.arange(9.0).reshape(3, 3) * ((u * np.exp(s)) @ vh))

    assert np.isnan(tg.grad(loss)(I3)).all()


def test_extra_columns_share_the_value_0() -> None:
    a = np.random.default_rng(0).normal(size=(4, 2))
    first = tg.grad(lambda a: np.sum(np.abs(L.svd(a).U[:, :2])))(a)
    thin = tg.grad(lambda a: np.sum(np.abs(L.svd(a, full_matrices=False).U)))(a)
    np.testing.assert_allclose(first, thin, atol=1e-14)
    assert np.isnan(tg.grad(lambda a: np.sum(np.abs(L.svd(a).U[:, 2:])))(a)).all()


def test_singular_vectors_where_one_value_is_0() -> None:
    a = np.diag([3.0, 2.0, 0.0]) + np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])

    def loss(a: Any) -> Any:
        u = L.svd(a).U
        return np.sum(np.arange(9.0).reshape(3, 3) * np.abs(u)) + np.sum(u[:, 2:] @ u[:, 2:].T)

    g = tg.grad(loss)(a)
    assert np.isfinite(g).all()


@pytest.mark.parametrize("a", [[[1.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]])
def test_without_a_basis_of_eigenvectors_there_is_no_gradient(a: Any) -> None:
    """The sum of their cubes has one, which the vectors do not know."""
    assert np.isnan(tg.grad(lambda a: np.sum(np.real(L.eigvals(a) ** 3)))(np.array(a))).all()


def test_eigenvalues_near_a_matrix_without_a_basis() -> None:
    turn = np.array([[2.0, 1.0], [1.0, 1.0]])
    a = turn @ np.array([[1.0, 1.0], [0.0, 1.0 + 1e-6]]) @ L.inv(turn)
    found = tg.grad(lambda a: np.sum(np.real(L.eigvals(a)) ** 3))(a)
    np.testing.assert_allclose(found, 3 * (a @ a).T, rtol=1e-8)


# Norms.


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norm_of_zeros_has_gradient_0(ord: Any) -> None:
    g = tg.grad(lambda a: L.norm(a, ord, axis=(-2, -1)))(np.zeros((3, 2)))
    np.testing.assert_array_equal(g, np.zeros((3, 2)))


@pytest.mark.parametrize("ord", [None, 1, 1.5, 2, 3, 10, np.inf, -np.inf])
def test_norm_of_a_zero_vector_has_gradient_0(ord: Any) -> None:
    np.testing.assert_array_equal(tg.grad(lambda a: L.norm(a, ord))(np.zeros(3)), np.zeros(3))


@pytest.mark.parametrize("ord", [1, 1.5, 2, 3, 0.5])
def test_norm_has_gradient_0_by_entries_that_are_0(ord: Any) -> None:
    x = np.array([0.0, 1.0, -4.0])
    g = tg.grad(lambda a: L.norm(a, ord))(x)
    part = np.abs(x[1:] / L.norm(x, ord)) ** (ord - 1)
    np.testing.assert_allclose(g, [0, part[0], -part[1]], rtol=1e-14)


def test_nuclear_norm_of_a_matrix_of_rank_1() -> None:
    g = tg.grad(lambda a: L.norm(a, "nuc"))(np.outer([3.0, 4.0], [1.0, 0.0, 0.0]))
    np.testing.assert_allclose(g, [[0.6, 0, 0], [0.8, 0, 0]], atol=1e-15)


def test_equal_largest_singular_values_share() -> None:
    np.testing.assert_allclose(tg.grad(lambda a: L.norm(a, 2))(I3), I3 / 3, rtol=1e-14)


def test_counting_norm_is_constant() -> None:
    t = tg.tensor([0.0, 2.0], requires_grad=True)
    assert not L.norm(t, 0).requires_grad
    assert L.norm(t, 0).item() == 1


def test_large_numbers_overflow_in_no_gradient_of_a_norm() -> None:
    g = tg.grad(lambda a: L.norm(a, 3))(np.array([1e100, 2e100]))
    np.testing.assert_allclose(g, np.array([1, 4]) / 9 ** (2 / 3), rtol=1e-13)


@pytest.mark.parametrize("p", [None, 2])
def test_condition_number_of_a_singular_matrix_is_infinite_and_its_gradient_no_number(
    p: Any,
) -> None:
    for a in (np.diag([1.0, 0.0]), np.zeros((2, 2))):
        value, g = tg.value_and_grad(lambda a: L.cond(a, p))(a)
        assert value == L.cond(a, p) == np.inf
        assert not np.isfinite(g).any()


@pytest.mark.parametrize("p", [1, np.inf, "fro"])
def test_condition_number_of_a_singular_matrix_is_refused(p: Any) -> None:
    with pytest.raises(tg.GradientError, match="singular"):
        tg.grad(lambda a: L.cond(a, p))(np.diag([1.0, 0.0]))


# Results and refusals.


def leaf(a: Any = I3) -> Any:
    return tg.tensor(a, requires_grad=True)


@pytest.mark.parametrize(
    ("f", "fields"),
    [
        (L.slogdet, ("sign", "logabsdet")),
        (L.eigh, ("eigenvalues", "eigenvectors")),
        (L.eig, ("eigenvalues", "eigenvectors")),
        (L.svd, ("U", "S", "Vh")),
        (lambda a: L.svd(a, hermitian=True), ("U", "S", "Vh")),
        (L.qr, ("Q", "R")),
    ],
)
def test_several_results_come_in_numpys_named_tuple(f: Any, fields: Any) -> None:
    for t in (leaf(), leaf().detach()):
        found = f(t)
        assert found._fields == fields
        assert {type(part) for part in found} == {tg.Tensor}
        assert {part.requires_grad for part in found} == {t.requires_grad}
        for part, expected in zip(found, f(t.numpy()), strict=True):
            np.testing.assert_array_equal(part.numpy(), expected)


def test_rank_is_constant() -> None:
    rank = L.lstsq(leaf(), np.ones(3))[2]
    assert rank.item() == 3
    assert not rank.requires_grad
    assert not L.matrix_rank(leaf()).requires_grad


def test_a_power_of_0_is_constant() -> None:
    found = L.matrix_power(leaf(2 * I3), 0)
    assert not found.requires_grad
    np.testing.assert_array_equal(found.numpy(), I3)


@pytest.mark.parametrize("call", [lambda t: L.qr(t, "raw"), lambda t: L.qr(t[:, :2], "complete")])
def test_modes_without_gradient_are_refused_with_advice(call: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="reduced"):
        call(leaf())


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda t: L.norm(t, "wrong"), ValueError),
        (lambda t: L.norm(t, "fro", axis=0), ValueError),
        (lambda t: L.norm(t, 3), ValueError),
        (lambda t: L.norm(t, axis=5), ValueError),
        (lambda t: L.norm(t, 2, axis=(0, 0)), ValueError),
        (lambda t: L.norm(t[None], 2), ValueError),
        (lambda t: L.inv(t[:2]), L.LinAlgError),
        (lambda t: L.inv(t * 0), L.LinAlgError),
        (lambda t: L.matrix_power(t[:2], 2), L.LinAlgError),
        (lambda t: L.matrix_power(t, 0.5), TypeError),
        (lambda t: L.multi_dot([t]), ValueError),
        (lambda t: L.multi_dot([t, t[:2]]), ValueError),
        (lambda t: L.multi_dot([t, t, t[None]]), L.LinAlgError),
        (lambda t: L.tensorinv(t, 0), ValueError),
        (lambda t: L.tensorsolve(t, np.ones(2)), (L.LinAlgError, ValueError)),
        (lambda t: L.cholesky(-t), L.LinAlgError),
    ],
)
def test_what_numpy_refuses_is_refused(call: Any, error: Any) -> None:
    with pytest.raises(error):
        call(I3)
    with pytest.raises(error):
        call(leaf())


def test_multi_dot_takes_the_order_of_fewest_multiplications() -> None:
    a, b, c, d = (np.ones(s) for s in ((10, 30), (30, 5), (5, 60), (60, 2)))
    found = L.multi_dot([leaf(a), b, c, d])
    assert found.operands[1].shape == (30, 2)  # a (b (c d))
    np.testing.assert_array_equal(found.numpy(), L.multi_dot([a, b, c, d]))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
@pytest.mark.parametrize("name", CASES)
def test_gradient_has_the_dtype_of_its_operand(name: str, dtype: Any) -> None:
    f, shapes = CASES[name]
    rng = np.random.default_rng(5)
    xs = tuple(numbers(rng, *s) for s in shapes)
    xs = tuple(map(positive_definite, xs)) if name.startswith("cholesky") else xs
    xs = tuple((x if dtype != np.float32 else x.real).astype(dtype) for x in xs)
    found = tg.grad(loss_of(f), tuple(range(len(xs))))(*xs)
    assert [g.dtype for g in found] == [dtype] * len(xs)


# Against PyTorch.


def both(f: Callable[..., Any], *xs: Any) -> Any:
    """Gradients of the same loss by us and by PyTorch, which gives their conjugates."""
    torch = pytest.importorskip("torch")
    ours = tg.grad(lambda *a: f(np, *a), tuple(range(len(xs))))(*xs)
    ts = [torch.tensor(x, requires_grad=True) for x in xs]
    f(torch, *ts).backward()
    return ours, [t.grad.numpy().conj() for t in ts]


TORCH: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "inv": (lambda m, a: abs(m.linalg.inv(a)).sum(), ((2, 4, 4),)),
    "solve": (lambda m, a, b: abs(m.linalg.solve(a, b)).sum(), ((2, 4, 4), (2, 4, 3))),
    "pinv": (lambda m, a: abs(m.linalg.pinv(a)).sum(), ((2, 5, 3),)),
    "det": (lambda m, a: abs(m.linalg.det(a)).sum(), ((2, 4, 4),)),
    "slogdet": (lambda m, a: m.linalg.slogdet(a)[1].sum(), ((2, 4, 4),)),
    "eig": (lambda m, a: (abs(m.linalg.eig(a)[1]) ** 3).sum(), ((2, 4, 4),)),
    "eigvals": (lambda m, a: abs(m.linalg.eigvals(a)).sum(), ((2, 4, 4),)),
    "svd": (lambda m, a: (abs(m.linalg.svd(a, full_matrices=False)[0]) ** 3).sum(), ((2, 5, 3),)),
    "svdvals": (lambda m, a: (m.linalg.svdvals(a) ** 3).sum(), ((2, 3, 5),)),
    "qr": (lambda m, a: (abs(m.linalg.qr(a)[0]) ** 3).sum(), ((2, 5, 3),)),
    "matrix_power": (lambda m, a: abs(m.linalg.matrix_power(a, 5)).sum(), ((2, 3, 3),)),
    "multi_dot": (lambda m, a, b, c: abs(m.linalg.multi_dot([a, b, c])).sum(),
                  ((2, 3), (3, 4), (4, 2))),
    "nuclear norm": (lambda m, a: m.linalg.norm(a, "nuc"), ((4, 3),)),
    "ord 3": (lambda m, a: m.linalg.vector_norm(a, ord=3), ((4, 3),)),
    "cond": (lambda m, a: m.linalg.cond(a).sum(), ((2, 4, 4),)),
    "eigh of a symmetric matrix": (
        lambda m, a: (abs(m.linalg.eigh(a + a.swapaxes(-1, -2).conj())[1]) ** 3).sum(),
        ((2, 4, 4),)),
    "cholesky of a symmetric matrix": (
        lambda m, a: abs(m.linalg.cholesky(a @ a.swapaxes(-1, -2).conj())).sum(), ((2, 4, 4),)),
}  # fmt: skip


@pytest.mark.parametrize("draw", [real, numbers])
@pytest.mark.parametrize("name", TORCH)
def test_gradient_is_pytorchs(name: str, draw: Any) -> None:
    f, shapes = TORCH[name]
    rng = np.random.default_rng(11)
    ours, theirs = both(f, *(draw(rng, *shape) for shape in shapes))
    for g, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(g, expected, rtol=0, atol=1e-10 * np.abs(expected).max())
