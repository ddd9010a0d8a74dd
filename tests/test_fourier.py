"""The Fourier transforms are linear: f's derivative along v is f(v), which tests its transpose.

Rounding: a transform of n entries errs by a few eps log2(n) of the norm; 1e-12 of the
sum of all products has room for the at most 200 entries here.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg

EXACT = 1e-12
NORMS = [None, "backward", "ortho", "forward"]
TO_COMPLEX = [np.fft.fft, np.fft.ifft]
FROM_REAL = [np.fft.rfft, np.fft.ihfft]
TO_REAL = [np.fft.irfft, np.fft.hfft]
ONE = TO_COMPLEX + FROM_REAL + TO_REAL
MANY_FROM_REAL = [np.fft.rfftn, np.fft.rfft2]
MANY = [np.fft.fftn, np.fft.ifftn, np.fft.irfftn, np.fft.fft2, np.fft.ifft2, np.fft.irfft2]
SHIFTS = [np.fft.fftshift, np.fft.ifftshift]
X = np.random.default_rng(0).normal(size=(4, 5)) @ np.diag([1, 1j, -1, 1 + 1j, 2])


def numbers(rng: Any, shape: Any, is_complex: bool) -> Any:
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if is_complex else x


def inner(a: Any, b: Any) -> Any:
    return np.sum(a * b).real


def check_transpose(f: Any, x: Any, rng: Any) -> None:
    """Value, jvp(v) = f(v), Re(sum(pull(u) v)) = Re(sum(u f(v))), and the same of pull itself."""
    value, pull = tg.vjp(f, x)
    expected = f(x)
    scale = 1 + np.abs(x).sum()
    np.testing.assert_allclose(value, expected, rtol=0, atol=EXACT * scale)
    assert value.dtype == expected.dtype
    v = numbers(rng, x.shape, np.iscomplexobj(x))
    u = numbers(rng, value.shape, np.iscomplexobj(value))
    along = f(v)
    (g,) = pull(u)
    assert (g.shape, g.dtype) == (x.shape, x.dtype)
    scale = 1 + np.abs(u).sum() * (1 + np.abs(v).sum())
    assert abs(inner(g, v) - inner(u, along)) <= EXACT * scale
    np.testing.assert_allclose(tg.jvp(f, x, v)[1], along, rtol=0, atol=EXACT * scale)

    def energy(x: Any) -> Any:
        return 0.5 * np.sum(np.abs(f(x)) ** 2)

    # The gradient of a quadratic form is linear: its derivative along v is the gradient at v.
    scale = 1 + np.abs(along).sum() * x.size
    np.testing.assert_allclose(tg.hvp(energy, x, v), tg.grad(energy)(v), rtol=0, atol=EXACT * scale)


@given(st.data())
@pytest.mark.parametrize("f", ONE)
def test_transform_of_one_axis(f: Any, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = data.draw(st.none() | st.integers(1, 9))
    norm = data.draw(st.sampled_from(NORMS))
    if n is None and f in TO_REAL and shape[axis] == 1:
        n = 1  # NumPy's default would be 0 entries, which it refuses
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = numbers(rng, shape, f not in FROM_REAL and data.draw(st.booleans()))
    check_transpose(lambda x: f(x, n=n, axis=axis, norm=norm), x, rng)


@given(st.data())
@pytest.mark.parametrize("f", MANY + MANY_FROM_REAL)
def test_transform_of_several_axes(f: Any, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(2, 5), min_size=2, max_size=3))
    axes = data.draw(st.none() | st.lists(st.integers(-2, 1), min_size=1, max_size=3).map(tuple))
    s = None
    if axes is not None:
        length = st.integers(1, 6) if f in MANY else st.sampled_from([-1, 1, 2, 3, 6])
        s = data.draw(st.none() | st.tuples(*(length for _ in axes)))
    norm = data.draw(st.sampled_from(NORMS))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = numbers(rng, shape, f in MANY and data.draw(st.booleans()))
    given = {"s": s, "axes": axes, "norm": norm}
    keywords = {k: v for k, v in given.items() if v is not None}
    check_transpose(lambda x: f(x, **keywords), x, rng)


@given(st.data())
@pytest.mark.parametrize("f", SHIFTS)
def test_shift(f: Any, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=3))
    axis = st.integers(-len(shape), len(shape) - 1)
    axes = data.draw(st.none() | axis | st.lists(axis, max_size=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    check_transpose(lambda x: f(x, axes=axes), numbers(rng, shape, data.draw(st.booleans())), rng)


@pytest.mark.parametrize("f", [*ONE, *MANY, *MANY_FROM_REAL])
def test_gradient_is_that_of_central_differences(f: Any) -> None:
    x = X.real if f in FROM_REAL + MANY_FROM_REAL else X

    def loss(x: Any) -> Any:
        return np.sum(np.abs(np.sin(f(x))) ** 2)

    g, h = tg.grad(loss)(x), 1e-5
    for unit in (1, 1j) if np.iscomplexobj(x) else (1,):
        for index in ((0, 0), (1, 3), (3, 4)):
            step = np.zeros(x.shape, x.dtype)
            step[index] = h * unit
            expected = (loss(x + step) - loss(x - step)) / (2 * h)
            # h^2 f'''/6 and eps f/h are each below 1e-8 of the largest derivative
            assert abs((g[index] * unit).real - expected) <= 1e-7 * np.abs(g).max()


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [None, 3, 4, 9])
@pytest.mark.parametrize("f", [f.__name__ for f in ONE])
def test_gradient_is_the_conjugate_of_pytorchs(f: str, n: Any, norm: str) -> None:
    torch = pytest.importorskip("torch")
    x = X.real.copy() if f in ("rfft", "ihfft") else X
    z = torch.tensor(x, requires_grad=True)
    y = getattr(torch.fft, f)(z, n=n, dim=-1, norm=norm)
    (torch.abs(y) ** 2 + torch.real((1 + 2j) * y)).sum().backward()

    def loss(x: Any) -> Any:
        y = getattr(np.fft, f)(x, n, -1, norm)
        return np.sum(np.abs(y) ** 2 + np.real((1 + 2j) * y))

    expected = z.grad.resolve_conj().numpy().conj()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(tg.grad(loss)(x), expected, rtol=0, atol=EXACT * scale)


@pytest.mark.parametrize("f", [*ONE, *MANY, *MANY_FROM_REAL, *SHIFTS])
def test_single_precision_stays_single(f: Any) -> None:
    x = X.real.astype(np.float32) if f in FROM_REAL + MANY_FROM_REAL else X.astype(np.complex64)
    value, pull = tg.vjp(f, x)
    assert value.dtype == f(x).dtype
    assert value.real.dtype == np.float32
    g = pull(np.ones(value.shape))[0]
    assert g.dtype == x.dtype
    double = tg.vjp(f, X.real if x.dtype == np.float32 else X)[1](np.ones(value.shape))[0]
    np.testing.assert_allclose(g, double, rtol=0, atol=1e-6 * np.abs(double).max())


def test_parseval() -> None:
    g = tg.grad(lambda z: 0.5 * np.sum(np.abs(np.fft.fftn(z, norm="ortho")) ** 2))(X)
    np.testing.assert_allclose(g, X.conj(), atol=1e-14)


def test_rfft_has_the_gradient_of_ffts_first_half() -> None:
    def loss(y: Any) -> Any:
        return np.sum(np.abs(y) ** 3)

    for n in (4, 5, 6, 7):
        short = tg.grad(lambda x, n=n: loss(np.fft.rfft(x, n)))(X.real)
        whole = tg.grad(lambda x, n=n: loss(np.fft.fft(x, n)[:, : n // 2 + 1]))(X.real)
        np.testing.assert_allclose(short, whole, rtol=1e-12)


@pytest.mark.parametrize(("n", "real"), [(6, [0, 3]), (7, [0])])
def test_irfft_does_not_feel_the_imaginary_parts_it_ignores(n: int, real: list[int]) -> None:
    g = tg.grad(lambda z: np.sum(np.fft.irfft(z, n) ** 3))(X[0, :4])
    assert [i for i in range(4) if g[i].imag == 0] == real


def test_convolution_by_the_spectrum_has_the_gradient_of_the_sum() -> None:
    a, b = X[:2].real

    def by_spectrum(a: Any, b: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b), 5)

    def by_sum(a: Any, b: Any) -> Any:
        return np.stack([np.sum(a * np.roll(np.flip(b), k + 1)) for k in range(5)])

    for f in (lambda y: np.sum(y**3), lambda y: np.sum(np.exp(0.1 * y))):
        found = tg.grad(lambda a, b, f=f: f(by_spectrum(a, b)), (0, 1))(a, b)
        expected = tg.grad(lambda a, b, f=f: f(by_sum(a, b)), (0, 1))(a, b)
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_a_list_of_numbers_is_an_operand() -> None:
    np.testing.assert_array_equal(np.fft.fft(tg.tensor([1.0, 2.0])).numpy(), [3, -1])


def test_what_numpy_refuses_is_refused() -> None:
    z = tg.tensor(X, requires_grad=True)
    for f in FROM_REAL + MANY_FROM_REAL:
        with pytest.raises(TypeError):
            f(z)
    with pytest.raises(ValueError, match="data points"):
        np.fft.fft(z, 0)
    with pytest.raises(ValueError, match="norm"):
        np.fft.fft(z, norm="other")
    with pytest.raises(ValueError, match="different lengths"):
        np.fft.fftn(z, s=(2,), axes=(0, 1))


def test_writing_into_an_array_is_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="out="):
        np.fft.fft(tg.tensor(X, requires_grad=True), out=np.zeros(X.shape, complex))
