"""What rearranging functions promise beyond the rule table's tests: who wins, what is refused."""

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import tinygrad_ce as tg


def variable(*values: Any) -> Any:
    return tg.tensor(np.array(values, float), requires_grad=True)


KEYS = [
    1, -1, (1, 2), slice(None, None, -2), (slice(1, 3), 0), ..., (None, 1), [0, 2, 2, 0],
    ([0, 0, 1], [1, 1, 2]), (slice(None), [3, 3, 0]), ((1, 1),), (range(3), 2), (),
    np.array([[0, 1], [1, 0]]), np.array([[0, 1, 1], [2, 2, 0]]).T, np.eye(3, 4, dtype=bool),
    (np.array([True, False, True]), [1, 1]), True, False, np.array(2), [], np.int64(1),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_set_at_is_assignment(key: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))
    v = rng.normal(size=x[key].shape)
    expected = x.copy()
    expected[key] = v
    np.testing.assert_array_equal(tg.set_at(x, key, v), expected)
    np.testing.assert_array_equal(tg.set_at(variable(*x), key, tg.tensor(v)).numpy(), expected)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_add_at_is_numpys(key: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))
    v = rng.normal(size=x[key].shape)
    expected = x.copy()
    np.add.at(expected, key, v)
    np.testing.assert_allclose(tg.add_at(x, key, v), expected, rtol=1e-15)


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("write", [tg.set_at, tg.add_at])
def test_written_gradients_add_up(write: Any, key: Any) -> None:
    """Each entry of the result has one origin (set) or all of them (add), with weight 1."""
    x, w = np.zeros((3, 4)), np.random.default_rng(1).normal(size=(3, 4))
    v = np.zeros(x[key].shape)
    gx, gv = tg.grad(lambda a, b: np.sum(w * write(a, key, b)), (0, 1))(x, v)
    untouched = np.ones((3, 4), bool)
    untouched[key] = False
    np.testing.assert_array_equal(gx, w if write is tg.add_at else np.where(untouched, w, 0))
    if write is tg.add_at:
        np.testing.assert_array_equal(gv, w[key])
    else:
        np.testing.assert_allclose(np.sum(gv), np.sum(w[~untouched]), rtol=1e-13)


def test_the_last_value_wins_and_alone_gets_the_gradient() -> None:
    x, v = variable(1, 2, 3), variable(10, 20, 30)
    y = tg.set_at(x, [0, 2, 0], v)
    np.testing.assert_array_equal(y.numpy(), [30, 2, 20])
    np.sum(y * np.array([1.0, 2.0, 4.0])).backward()
    np.testing.assert_array_equal(x.grad, [0, 2, 0])
    np.testing.assert_array_equal(v.grad, [0, 4, 1])


def test_broadcast_values_collect() -> None:
    v = variable(5)
    tg.set_at(np.zeros((2, 3)), (slice(None), [0, 2]), v[0]).sum().backward()
    assert v.grad == 4


def test_indices_may_be_tensors() -> None:
    x = variable(1, 2, 3)
    i = tg.tensor([2, 2])
    np.testing.assert_array_equal(tg.add_at(x, (i,), 1.0).numpy(), [1, 2, 5])
    np.testing.assert_array_equal(tg.set_at(np.zeros(3), i, x[:2]).numpy(), [0, 0, 2])


def test_the_operands_are_left_alone() -> None:
    x = np.zeros(3)
    tg.set_at(x, 0, 1.0)
    tg.add_at(x, 0, 1.0)
    np.testing.assert_array_equal(x, 0)


@pytest.mark.parametrize("write", [tg.set_at, tg.add_at])
def test_the_dtype_is_the_arrays(write: Any) -> None:
    assert write(np.zeros(2, np.float32), 0, np.float64(1)).dtype == np.float32
    assert write(np.zeros(2, np.uint8), 0, 1).dtype == np.uint8
    with pytest.raises(tg.DTypeError, match=r"float64 for an array of int64.*x\.astype"):
        write(np.zeros(2, np.int64), 0, 1.5)


@pytest.mark.parametrize("write", [tg.set_at, tg.add_at])
def test_shapes_that_do_not_fit_are_refused(write: Any) -> None:
    with pytest.raises(ValueError, match="broadcast"):
        write(np.zeros((3, 4)), [0, 1], np.ones(3))


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.put(x, [0], 9.0),
        lambda x: np.put(np.zeros(3), [0], x, mode="clip"),
        lambda x: np.place(x, [True, False, False], [3.0]),
        lambda x: np.putmask(x, [True, False, True], 1.0),
        lambda x: np.copyto(np.zeros(3), x, where=True),
        lambda x: np.fill_diagonal(np.reshape(x, (3, 1)), 1.0),
        lambda x: np.put_along_axis(x, np.zeros(1, int), 1.0, 0),
        lambda x: np.full_like(np.zeros(3), x),
    ],
)
def test_writing_in_place_is_refused(write: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="requires a gradient"):
        write(variable(1, 2, 3))


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: np.r_[x, 1.0],
        lambda x: np.r_[x[0], 1.0],
        lambda x: np.c_[x, x],
        lambda x: as_strided(x, (2,), (8,)),
        lambda x: np.require(x),
        lambda x: np.ascontiguousarray(x),
        lambda x: np.asfortranarray(x),
        lambda x: np.asarray_chkfinite(x),
        lambda x: np.hstack([[x[0], 1.0], x]),
        lambda x: np.diag([x[0], x[1]]),
        lambda x: np.tril([[x[0]]]),
        lambda x: np.trim_zeros([x[0], 0.0]),
        lambda x: np.apply_along_axis(lambda row: row * x, 0, np.ones(3)),
        lambda x: np.piecewise(np.ones(2), [np.array([True, False])], [lambda v: v * x[0]]),
        lambda x: np.bincount(x),
        lambda x: np.choose(x, [1.0, 2.0]),
        lambda x: np.delete(np.ones(3), x),
        lambda x: np.full((2, 3), x),
    ],
)
def test_conversions_that_lose_the_gradient_are_refused(convert: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="the gradient would be lost"):
        convert(variable(1, 2, 3))


@pytest.mark.parametrize("mode", ["empty", lambda vector, width, axis, kwargs: None])
def test_borders_that_the_array_does_not_determine_are_refused(mode: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="gradients flow through the modes"):
        np.pad(variable(1, 2, 3), 1, mode)


def test_odd_reflections_are_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="reflections being even"):
        np.pad(variable(1, 2, 3), 1, "reflect", reflect_type="odd")


def test_values_cast_to_integers_are_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="gradient would be lost"):
        np.insert(np.array([1, 2]), 0, variable(1))
    with pytest.raises(tg.UnsupportedError, match="gradient would be lost"):
        np.full_like(variable(1), variable(1), dtype=int)


def test_memory_order_that_has_no_name_is_refused() -> None:
    x = tg.tensor(np.zeros((2, 3, 4)), requires_grad=True)
    with pytest.raises(tg.UnsupportedError, match="order='C'"):
        np.ravel(x.transpose(0, 2, 1), order="K")


def test_equal_entries_in_order() -> None:
    w = np.array([1.0, 2.0, 4.0, 8.0])
    for f, expected in ((np.sort, [2, 1, 4, 8]), (lambda x: np.partition(x, 1), [2, 1, 4, 8])):
        x = variable(2, 1, 2, 3)
        np.sum(w * f(x)).backward()
        np.testing.assert_array_equal(x.grad, expected)


def test_unique_values_stand_for_their_first() -> None:
    x = variable(2, 1, 2, np.nan, np.nan)
    values, index, inverse, counts = np.unique(x, True, True, True)
    np.testing.assert_array_equal(index, [1, 0, 3])
    np.testing.assert_array_equal(inverse, [1, 0, 1, 2, 2])
    np.testing.assert_array_equal(counts, [1, 2, 2])
    np.sum(values * np.array([1.0, 2.0, 4.0])).backward()
    np.testing.assert_array_equal(x.grad, [2, 1, 0, 4, 0])


def test_zeros_inside_keep_their_gradient() -> None:
    x = variable(0, 1, 0, 2, 0)
    np.trim_zeros(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 1, 1, 1, 0])


def test_sublists_in_einsum() -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    for f in (
        lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]),
        lambda x, y: np.einsum(x, [0, 1], y, [1, 2]),
        lambda x, y: np.einsum(x, [..., 30], y, [30, 2], [..., 2], optimize=True),
        lambda x, y: np.einsum("ij,jk", x, y, optimize=["einsum_path", (0, 1)]),
    ):
        value, (gx, gy) = tg.value_and_grad(lambda x, y, f=f: np.sum(f(x, y)), (0, 1))(a, b)
        assert value == np.sum(a @ b)
        np.testing.assert_array_equal(gx, np.ones((2, 4)) @ b.T)
        np.testing.assert_array_equal(gy, a.T @ np.ones((2, 4)))


def test_questions_are_answered() -> None:
    x = tg.tensor(np.ones((2, 2)), requires_grad=True)
    np.testing.assert_array_equal(np.where(x > 0)[0], [0, 0, 1, 1])
    np.testing.assert_array_equal(np.tril_indices_from(x), np.tril_indices(2))
    np.testing.assert_array_equal(np.triu_indices_from(x, 1), np.triu_indices(2, 1))
    np.testing.assert_array_equal(np.diag_indices_from(x), np.diag_indices(2))
    assert np.einsum_path("ij,jk->ik", x, x)[0] == ["einsum_path", (0, 1)]


def test_plane_vectors() -> None:
    """np.cross of two components, which NumPy deprecated and then dropped."""
    rng = np.random.default_rng(3)
    for m, n in ((2, 2), (2, 3), (3, 2)):
        a, b = rng.normal(size=(4, m)), rng.normal(size=(4, n))
        expected = np.cross(*(np.pad(c, ((0, 0), (0, 3 - c.shape[1]))) for c in (a, b)))
        if m == n:
            expected = expected[:, 2]
        found = np.cross(tg.tensor(a, requires_grad=True), tg.tensor(b))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-15, atol=1e-15)


def complex_gradient(f: Any, x: Any) -> Any:
    """df/dx - i df/dy by central differences, for x + iy."""
    h, found = 1e-6, np.zeros(x.shape, complex)
    for k in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[k] = h
        found[k] = (f(x + e) - f(x - e) - 1j * (f(x + 1j * e) - f(x - 1j * e))) / (2 * h)
    return found


PRODUCTS = [
    (np.vdot, (3,), (3,)),
    (np.vecdot, (2, 3), (3,)),
    (np.linalg.vecdot, (3,), (2, 3)),
    (getattr(np, "matvec", None), (2, 3), (3,)),
    (getattr(np, "vecmat", None), (3,), (2, 3, 2)),
    (np.kron, (2,), (3,)),
    (np.cross, (3,), (2, 3)),
]


@pytest.mark.parametrize(("f", "m", "n"), PRODUCTS)
def test_complex_products(f: Any, m: Any, n: Any) -> None:
    if f is None:
        pytest.skip("this NumPy does not have it")
    rng = np.random.default_rng(4)
    a, b = (rng.normal(size=s) + 1j * rng.normal(size=s) for s in (m, n))
    w = rng.normal(size=np.shape(f(a, b))) + 1j * rng.normal(size=np.shape(f(a, b)))
    for which in (0, 1):
        loss = lambda x, k=which: np.sum(np.real(w * f(*((x, b) if k == 0 else (a, x)))))
        x = tg.tensor((a, b)[which], requires_grad=True)
        loss(x).backward()
        np.testing.assert_allclose(x.grad, complex_gradient(loss, (a, b)[which]), atol=1e-8)


OUT_OF_RANGE: dict[str, Any] = {
    "rollaxis": lambda x: np.rollaxis(x, 5),
    "rot90": lambda x: np.rot90(x, 4, (0, 7)),
    "gradient": lambda x: np.gradient(x, axis=5),
    "gradient, one twice": lambda x: np.gradient(x, axis=(0, 0)),
    "delete": lambda x: np.delete(x, 0, axis=5),
    "compress": lambda x: np.compress([True], x, axis=5),
    "apply_along_axis": lambda x: np.apply_along_axis(np.sum, 5, x),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, [5]),
    "array_split": lambda x: np.array_split(x, 2, axis=5),
    "fftshift": lambda x: np.fft.fftshift(x, 5),
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_an_axis_that_is_not_there_is_refused(name: str) -> None:
    """As by NumPy, and not taken modulo the number of axes."""
    x = np.ones((2, 3, 4))
    for operand in (x, tg.tensor(x, requires_grad=True)):
        with pytest.raises((ValueError, IndexError)):
            OUT_OF_RANGE[name](operand)
