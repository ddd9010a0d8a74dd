"""Convolution and pooling against loops that spell out their formulas, and against PyTorch.

Integers of a few bits make every sum exact, so loops are met to the last bit; PyTorch at 1e-12.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg


def whole(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).integers(-3, 4, shape).astype(np.float64)


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def places(n: int, k: int, s: int, p: int, d: int) -> int:
    return int((n + 2 * p - d * (k - 1) - 1) // s + 1)


@st.composite
def slides(draw: Any, axes: int) -> Any:
    """An x, a weight with groups, and options they fit: (x, weight, options)."""
    groups, channels, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    kernel, stride, padding, dilation, shape = ([] for _ in range(5))
    for _ in range(axes):
        k, s, p, d = (draw(st.integers(a, b)) for a, b in ((1, 3), (1, 3), (0, 2), (1, 3)))
        least = max(1, d * (k - 1) + 1 - 2 * p)
        for values, value in zip(
            (kernel, stride, padding, dilation, shape),
            (k, s, p, d, draw(st.integers(least, least + 4))),
            strict=True,
        ):
            values.append(value)
    x = whole(draw(st.integers(0, 3)), channels * groups, *shape)
    w = whole(outputs * groups, channels, *kernel)
    return x, w, tuple(stride), tuple(padding), tuple(dilation), groups


def meetings(x: Any, w: Any, y: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Every (place in x, place in w, place in y) that the formula multiplies."""
    depth, width = w.shape[1], len(w) // groups
    for n, o in product(range(len(x)), range(len(w))):
        for place in np.ndindex(*y.shape[2:]):
            for c, *k in np.ndindex(*w.shape[1:]):
                at = [i * s + j * d - p
                      for i, j, s, d, p in zip(place, k, stride, dilation, padding)]  # fmt: skip
                if all(0 <= i < m for i, m in zip(at, x.shape[2:])):
                    yield (n, o // width * depth + c, *at), (o, c, *k), (n, o, *place)


CONV = {1: tg.conv1d, 2: tg.conv2d}


@pytest.mark.parametrize("axes", [1, 2])
@given(data=st.data())
def test_convolution_is_the_sum_of_its_formula(axes: int, data: Any) -> None:
    x, w, stride, padding, dilation, groups = data.draw(slides(axes))
    b = whole(len(w))
    options = (stride, padding, dilation, groups)
    y, pull = tg.vjp(lambda x, w, b: CONV[axes](x, w, b, *options), x, w, b)
    sizes = zip(x.shape[2:], w.shape[2:], *options[:3], strict=True)
    assert y.shape == (len(x), len(w), *(places(*size) for size in sizes))
    g = whole(*y.shape)
    right = np.zeros(y.shape) + b.reshape(-1, *(1,) * axes)
    gx, gw = np.zeros(x.shape), np.zeros(w.shape)
    for i, j, k in meetings(x, w, y, *options):
        right[k] += x[i] * w[j]
        gx[i] += g[k] * w[j]
        gw[j] += g[k] * x[i]
    np.testing.assert_array_equal(y, right)
    for found, expected in zip(pull(g), (gx, gw, g.sum((0, *range(2, g.ndim)))), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(data=st.data())
def test_transposed_convolution_is_the_gradient_of_convolution(data: Any) -> None:
    x, w, stride, padding, dilation, groups = data.draw(slides(2))
    options = (stride, padding, dilation, groups)
    y, pull = tg.vjp(lambda x: tg.conv2d(x, w, None, *options), x)
    g = whole(*y.shape)
    left = [
        (n + 2 * p - d * (k - 1) - 1) % s
        for n, k, s, p, d in zip(x.shape[2:], w.shape[2:], *options[:3], strict=True)
    ]
    found = tg.conv_transpose2d(g, w, None, stride, padding, tuple(left), groups, dilation)
    np.testing.assert_array_equal(found, pull(g)[0])
    _, back = tg.vjp(
        lambda g: tg.conv_transpose2d(g, w, None, stride, padding, tuple(left), groups, dilation),
        g,
    )
    np.testing.assert_array_equal(back(x)[0], tg.conv2d(x, w, None, *options))


@given(data=st.data())
def test_convolution_has_hessian_products_of_its_formula(data: Any) -> None:
    """sum y^2 has, along (u, v), the derivatives of 2 y dy by x and w."""
    x, w, *options = data.draw(slides(1))
    u, v = whole(*x.shape, seed=1), whole(*w.shape, seed=1)
    f = lambda x, w: np.sum(np.square(tg.conv1d(x, w, None, *options)))
    y = tg.conv1d(x, w, None, *options)
    dy = tg.conv1d(u, w, None, *options) + tg.conv1d(x, v, None, *options)
    hx, hw = np.zeros(x.shape), np.zeros(w.shape)
    for i, j, k in meetings(x, w, y, *options):
        hx[i] += 2 * (dy[k] * w[j] + y[k] * v[j])
        hw[j] += 2 * (dy[k] * x[i] + y[k] * u[i])
    found = tg.hvp(f, (x, w), (u, v))
    np.testing.assert_array_equal(found[0], hx)
    np.testing.assert_array_equal(found[1], hw)


@st.composite
def pools(draw: Any) -> Any:
    """An x with many ties, and kernel, stride, padding, dilation that fit it."""
    axes = draw(st.integers(1, 3))
    options = []
    for _ in range(axes):
        k, s, d = (draw(st.integers(1, 3)) for _ in range(3))
        p = draw(st.integers(0, k // 2 if d == 1 or k == 3 else 0))
        least = max(1, d * (k - 1) + 1 - 2 * p, d)
        options.append((k, s, p, d, draw(st.integers(least, least + 3))))
    *given, shape = (tuple(values) for values in zip(*options, strict=True))
    return whole(draw(st.integers(0, 2)), draw(st.integers(1, 2)), *shape), *given


def reach(x: Any, places: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Every place of the result with the entries of x in its window, in row-major order."""
    for place in np.ndindex(*x.shape[:2], *places):
        window = []
        for k in np.ndindex(*kernel):
            steps = zip(place[2:], k, stride, dilation, padding)
            at = tuple(i * s + j * d - p for i, j, s, d, p in steps)
            if all(0 <= i < m for i, m in zip(at, x.shape[2:])):
                window.append((*place[:2], *at))
        yield place, window


@given(pools())
def test_max_pool_takes_the_first_of_the_largest(pool: Any) -> None:
    x, *options = pool
    y, pull = tg.vjp(lambda x: tg.max_pool(x, *options), x)
    g = whole(*y.shape)
    expected, gx = np.zeros(y.shape), np.zeros(x.shape)
    for place, window in reach(x, y.shape[2:], *options):
        best = max(window, key=lambda at: x[at])
        expected[place] = x[best]
        gx[best] += g[place]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(pull(g)[0], gx)


@pytest.mark.parametrize("count_include_pad", [True, False])
@given(pool=pools())
def test_avg_pool_is_the_mean_of_its_windows(count_include_pad: bool, pool: Any) -> None:
    x, kernel, stride, padding, _ = pool
    options = (kernel, stride, padding)
    f = lambda x: tg.avg_pool(x, *options, count_include_pad=count_include_pad)
    y, pull = tg.vjp(f, x)
    g = whole(*y.shape)
    expected, gx = np.zeros(y.shape), np.zeros(x.shape)
    for place, window in reach(x, y.shape[2:], *options, (1,) * len(kernel)):
        count = np.prod(kernel) if count_include_pad else len(window)
        expected[place] = sum(x[at] for at in window) / count
        for at in window:
            gx[at] += g[place] / count
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(pull(g)[0], gx, rtol=0, atol=1e-14)


def test_gradients_reach_any_order() -> None:
    """sum conv(x, w)^3 along x: third derivative 6 (conv u)^3, whatever x is."""
    x, u, w = whole(1, 2, 5, 5), whole(1, 2, 5, 5, seed=1), whole(3, 2, 2, 2)
    f: Any = lambda s: np.sum(tg.conv2d(x + s * u, w, stride=2, padding=1) ** 3)
    for _ in range(3):
        f = tg.grad(f)
    assert f(0.5) == 6 * np.sum(tg.conv2d(u, w, stride=2, padding=1) ** 3)


def test_padding_by_name() -> None:
    x, w = whole(1, 1, 5), whole(1, 1, 4)
    np.testing.assert_array_equal(tg.conv1d(x, w, padding="valid"), tg.conv1d(x, w))
    same = tg.conv1d(np.pad(x, ((0, 0), (0, 0), (1, 2))), w)
    np.testing.assert_array_equal(tg.conv1d(x, w, padding="same"), same)


def test_a_large_batch_is_worked_through_in_parts() -> None:
    x, w = whole(70, 4, 32, 32), whole(2, 4, 3, 3)
    y, pull = tg.vjp(tg.conv2d, x, w)
    g = whole(*y.shape)
    gx, gw = pull(g)
    for part in (slice(0, 33), slice(33, 70)):
        alone, back = tg.vjp(tg.conv2d, x[part], w)
        np.testing.assert_array_equal(y[part], alone)
        hx, hw = back(g[part])
        np.testing.assert_array_equal(gx[part], hx)
        gw = gw - hw
    np.testing.assert_array_equal(gw, 0)


def test_max_pool_of_integers_and_of_infinities() -> None:
    np.testing.assert_array_equal(tg.max_pool(np.array([[[-5, -7]]]), 3, 1, 1), [[[-5, -5]]])
    y, pull = tg.vjp(lambda x: tg.max_pool(x, 2, 2, 1), np.full((1, 1, 2), -np.inf))
    np.testing.assert_array_equal(y, np.full((1, 1, 2), -np.inf))
    np.testing.assert_array_equal(pull(np.array([[[1.0, 2.0]]]))[0], [[[1, 2]]])


def test_max_pool_hands_nan_on() -> None:
    y, pull = tg.vjp(lambda x: tg.max_pool(x, 3), np.array([[[1.0, np.nan, 2.0]]]))
    assert np.isnan(y).all()
    np.testing.assert_array_equal(pull(np.ones((1, 1, 1)))[0], [[[0, 1, 0]]])


X, W = np.ones((2, 4, 5, 6)), np.ones((6, 4, 3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.conv2d(X[0], W), r"add the axes that are missing"),
        (lambda: tg.conv1d(X, W), r"conv1d takes x with examples, channels and 1 more"),
        (lambda: tg.conv2d(X, W[:, :3]), r"x has 4 channels.* one for 3"),
        (lambda: tg.conv2d(X, W, groups=2), r"x has 4 channels.* one for 8"),
        (lambda: tg.conv2d(X, W[:, :1], groups=4), r"groups is 4 .* length 6"),
        (lambda: tg.conv2d(X, W, groups=0), r"groups is 0"),
        (lambda: tg.conv2d(X, W[:, :, :0]), r"at least one entry"),
        (lambda: tg.conv2d(X, np.ones((6, 4, 3, 7))), r"length 6 with padding 0 and 0.* window 7"),
        (lambda: tg.conv2d(X, W, dilation=3), r"dilated 3"),
        (lambda: tg.conv2d(X, W, np.ones(5)), r"bias has shape \(5,\)"),
        (lambda: tg.conv2d(X, W, stride=0), r"stride is 0.* integer from 1"),
        (lambda: tg.conv2d(X, W, stride=(1, 1, 1)), r"one for each of the 2 sliding axes"),
        (lambda: tg.conv2d(X, W, padding="sane"), r"padding is 'sane'"),  # type: ignore[arg-type]
        (lambda: tg.conv2d(X, W, padding=-1), r"padding is -1"),
        (lambda: tg.conv2d(X, W, padding="same", stride=2), r"windows move by 1"),
        (lambda: tg.conv_transpose2d(X, W), r"x has 4 channels.* one for 6"),
        (lambda: tg.conv_transpose2d(X, W[:4], output_padding=1), r"output_padding is 1"),
        (lambda: tg.conv_transpose2d(X, W[:4], padding=9), r"lower the padding"),
        (lambda: tg.max_pool(X, 6), r"length 5 with padding 0 and 0, the window 6"),
        (lambda: tg.max_pool(X, 2, padding=2), r"at most half a window"),
        (lambda: tg.max_pool(X, 2, 6, 1, 6), r"no maximum"),
        (lambda: tg.avg_pool(X[0, 0], 2), r"slides along the axes after"),
        (lambda: tg.avg_pool(X, (2, 2, 2)), r"kernel_size is \(2, 2, 2\)"),
    ],
)
def test_mistakes_are_named(call: Any, message: str) -> None:
    with pytest.raises(tg.ShapeError, match=message):
        call()


def both(ours: Any, theirs: Any, *xs: Any) -> None:
    """Value, gradients, and gradients of a gradient, equal to PyTorch's."""
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(x, requires_grad=True) for x in xs]
    value = theirs(*tensors)
    g = normal(*value.shape)
    found, pull = tg.vjp(ours, *xs)
    expected = torch.autograd.grad(value, tensors, torch.tensor(g), create_graph=True)
    gradients = pull(g)
    us = [normal(*x.shape, seed=1) for x in xs]
    pairs = [(found, value), *zip(gradients, expected, strict=True)]
    if len(xs) > 1:

        def slope(*xs: Any) -> Any:
            gs = tg.grad(lambda *a: np.sum(g * ours(*a)), tuple(range(len(xs))))(*xs)
            return sum(np.sum(u * h) for u, h in zip(us, gs, strict=True))

        total = sum((torch.tensor(u) * e).sum() for u, e in zip(us, expected, strict=True))
        second = torch.autograd.grad(total, tensors[:2])
        pairs += zip(tg.grad(slope, (0, 1))(*xs), second, strict=True)
    for a, b in pairs:
        b = b.detach().numpy()
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axes", [1, 2])
@given(data=st.data())
def test_convolution_equals_pytorch(axes: int, data: Any) -> None:
    functional = pytest.importorskip("torch").nn.functional
    x, w, *options = data.draw(slides(axes))
    x, w, b = normal(len(x) + 1, *x.shape[1:]), normal(*w.shape), normal(len(w))
    theirs = functional.conv1d if axes == 1 else functional.conv2d
    both(lambda *a: CONV[axes](*a, *options), lambda *a: theirs(*a, *options), x, w, b)


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch's own, about its speed
@pytest.mark.parametrize("padding", ["same", "valid"])
@given(data=st.data())
def test_padding_by_name_equals_pytorch(padding: Any, data: Any) -> None:
    functional = pytest.importorskip("torch").nn.functional
    x, w, _, _, dilation, groups = data.draw(slides(2))
    x, w = normal(2, x.shape[1], 8, 9), normal(*w.shape)
    both(
        lambda *a: tg.conv2d(*a, None, 1, padding, dilation, groups),
        lambda *a: functional.conv2d(*a, None, 1, padding, dilation, groups),
        x, w,
    )  # fmt: skip


@given(data=st.data())
def test_transposed_convolution_equals_pytorch(data: Any) -> None:
    functional = pytest.importorskip("torch").nn.functional
    x, w, stride, padding, dilation, groups = data.draw(slides(2))
    x, w = normal(2, len(w), *(n + 1 for n in x.shape[2:])), normal(*w.shape)
    more = tuple(data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x.shape[2:], stride, padding, dilation, w.shape[2:], more)
    ]
    if min(size) < 1:
        padding = (0, 0)
    options = (stride, padding, more, groups, dilation)
    b = normal(w.shape[1] * groups)
    both(
        lambda *a: tg.conv_transpose2d(*a, *options),
        lambda *a: functional.conv_transpose2d(*a, *options),
        x, w, b,
    )  # fmt: skip


@pytest.mark.parametrize("ceil_mode", [False, True])
@given(pool=pools())
def test_pooling_equals_pytorch(ceil_mode: bool, pool: Any) -> None:
    functional = pytest.importorskip("torch").nn.functional
    x, kernel, stride, padding, dilation = pool
    n = len(kernel)
    x = whole(2, *x.shape[1:])
    largest, mean = (getattr(functional, f"{name}_pool{n}d") for name in ("max", "avg"))
    both(
        lambda x: tg.max_pool(x, kernel, stride, padding, dilation, ceil_mode),
        lambda x: largest(x, kernel, stride, padding, dilation, ceil_mode),
        x,
    )
    for counted in (True, False):
        y = whole(2, 1, *(max(a, b) for a, b in zip(x.shape[2:], kernel)))
        both(
            lambda x, c=counted: tg.avg_pool(x, kernel, stride, padding, ceil_mode, c),
            lambda x, c=counted: mean(x, kernel, stride, padding, ceil_mode, c),
            y,
        )
