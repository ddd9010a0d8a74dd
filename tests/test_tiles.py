"""Tiles: a program in tiles returns what it returns at once, whatever the shapes and numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.programs.effects import LookAgain
from tinygrad_ce.programs.lower import lower
from tinygrad_ce.programs.plan import planned
from tinygrad_ce.programs.program import Program, Value, call
from tinygrad_ce.programs.region import Region
from tinygrad_ce.programs.tiles import Sizes, tiled

SMALL = Sizes(large=48, tile=8, calls=2)
DTYPES = (np.float64, np.float32)


def lowered(f: Callable[..., Any], *xs: Any) -> Program:
    return lower(compile(f).version(*xs).program)


def regions(program: Program) -> list[Region]:
    return [line.function for line in program.lines if isinstance(line.function, Region)]


def check(f: Callable[..., Any], *xs: Any, sizes: Sizes = SMALL, count: int = 1) -> None:
    """A program in tiles and at once, to rounding; and it has this many regions."""
    whole = lowered(f, *xs)
    cut = tiled(whole, sizes)
    assert len(regions(cut)) == count
    inputs = list(xs)
    expected, found = planned(whole)(*inputs), planned(cut)(*inputs)
    for a, b in zip(expected, found, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        scale = np.nanmax(np.abs(np.where(np.isfinite(a), a, 0)), initial=1)
        eps = np.finfo(np.asarray(a).dtype).eps if np.asarray(a).dtype.kind == "f" else 0
        np.testing.assert_allclose(b, a, rtol=8 * eps, atol=8 * eps * scale)


def entries(x: Any) -> Any:
    a = x * 0.7 + 0.2
    b = a / np.sqrt(a * a + 1.0)
    return np.sum(np.tanh(b * x - 0.5) * x)


def rows(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    y = e / np.sum(e, axis=-1, keepdims=True)
    return np.sum(y * y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [15, 16, 17, 23, 24, 25, 63, 64, 65, 101, 127])
def test_entries(n: int, dtype: Any) -> None:
    check(tg.value_and_grad(entries), np.linspace(-2, 2, n, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 5), (9, 3), (16, 1), (17, 2), (2, 3, 7), (1, 30), (30, 1)])
def test_shapes(shape: tuple[int, ...], dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    check(tg.value_and_grad(entries), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 4), (16, 4), (17, 2), (33, 8), (7, 3, 2)])
def test_rows(shape: tuple[int, ...], dtype: Any) -> None:
    x = np.random.default_rng(1).normal(size=shape).astype(dtype)
    check(tg.value_and_grad(rows), x)


def test_rows_longer_than_a_tile_stay_whole() -> None:
    check(tg.value_and_grad(rows), np.ones((5, 9)), count=0)


@pytest.mark.parametrize("layout", ["strided", "transposed", "fortran", "reversed"])
@pytest.mark.parametrize("f", [entries, rows])
def test_arrays_in_other_orders(f: Callable[..., Any], layout: str) -> None:
    x = np.random.default_rng(2).normal(size=(24, 6))
    changed = {
        "strided": np.repeat(x, 2, 1)[:, ::2], "transposed": x.T.copy().T,
        "fortran": np.asfortranarray(x), "reversed": x[::-1, ::-1],
    }[layout]  # fmt: skip
    check(tg.value_and_grad(f), changed)


def test_numbers_rows_and_columns_are_broadcast() -> None:
    rng = np.random.default_rng(3)
    x, row, column, c = rng.normal(size=(21, 5)), rng.normal(size=5), rng.normal(size=(21, 1)), 3.0

    def f(x: Any, row: Any, column: Any, c: Any) -> Any:
        y = np.exp(-((x - row) ** 2)) * column + c
        return np.where(y > 0, y, x), y * c - row, np.sum(y, axis=0), np.sum(y, axis=1)

    check(f, x, row, column, c)


def test_a_square_is_not_confused_by_its_row() -> None:
    """Of (n,) and (n, n) the first is cut where it stands alone, and whole where it is a row."""
    x, row = np.random.default_rng(4).normal(size=(8, 8)), np.arange(8.0)

    def f(x: Any, row: Any) -> Any:
        u = np.exp(row) + 1.0
        y = np.tanh(x * row + 1.0) * u
        return y * y, u

    whole = lowered(f, x, row)
    for a, b in zip(planned(whole)(x, row), planned(tiled(whole, SMALL))(x, row), strict=True):
        np.testing.assert_array_equal(a, b)


def test_masks_casts_and_whole_numbers() -> None:
    x = np.linspace(-1, 1, 50, dtype=np.float32)

    def f(x: Any) -> Any:
        y = tg.relu(x * 3.0) + np.abs(x)
        return y.astype(np.float64) * 2.0, y > 1, np.sum(y)

    check(f, x)
    check(tg.grad(lambda x: np.sum(tg.relu(x * 3.0) * x + tg.relu(x - 0.25))), x)


def test_forward_and_backward_share_a_region() -> None:
    whole = lowered(tg.value_and_grad(entries), np.linspace(0, 1, 100))
    cut = tiled(whole, SMALL)
    assert len(cut.lines) - len(regions(cut)) <= 1


def test_a_sum_that_is_needed_comes_first() -> None:
    """x / sum(x): the second half waits for the first, so there are two regions."""

    def f(x: Any) -> Any:
        e = np.exp(x * 2.0) + 1.0
        y = e / np.sum(e)
        return np.sqrt(y + 1.0) * y

    check(f, np.linspace(0, 1, 100), count=2)


def test_a_check_between_stays_in_its_place() -> None:
    def f(y: Any, t: Any) -> Any:
        return tg.binary_cross_entropy(np.tanh(y * y) * 0.5 + 0.25, t)

    y, t = np.linspace(-1, 1, 64), np.linspace(0, 1, 64) > 0.5
    step = compile(tg.value_and_grad(f))
    program = step.version(y, t * 1.0).program
    run = planned(tiled(lower(program), SMALL))
    run(y, t * 1.0)
    with pytest.raises(tg.errors.TargetError):
        run(y, t * 2.0)


def test_what_a_check_guards_waits_for_it() -> None:
    """The second check waits for the first, which waits for the region; so does the index."""
    y, z, t = np.linspace(0.1, 0.9, 60).reshape(15, 4), np.ones((15, 4)), np.arange(15) % 4

    def f(y: Any, z: Any, t: Any) -> Any:
        p = tg.softmax(np.exp(y * y) + y)
        return tg.cross_entropy(p, p * 1.0) + tg.softmax_cross_entropy(z, t)

    program = tiled(lowered(f, y, z, t), SMALL)
    names = {x.name: x for x in program.inputs}
    values = {"y": y, "z": z, "t": t}
    run, order = planned(program), [x.name for x in program.inputs]
    assert set(names) == set(values)
    run(*(values[name] for name in order))
    values["t"] = np.where(t == 2, 4, t)
    with pytest.raises(tg.errors.TargetError):
        run(*(values[name] for name in order))


@pytest.mark.parametrize("special", [np.inf, -np.inf, 0.0, -0.0, 1e308, 5e-324])
def test_special_values(special: float) -> None:
    x = np.linspace(-2, 2, 50)
    x[[0, 7, 8, 31, 49]] = special

    def f(x: Any) -> Any:
        y = np.exp(-x * x) + x
        return np.maximum(y, 0.5) / (x + 3.0), np.sum(y)

    whole = lowered(f, x)
    with np.errstate(all="ignore"):
        expected, found = planned(whole)(x), planned(tiled(whole, SMALL))(x)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-14)


@pytest.mark.parametrize("place", [0, 8, 48, 49])
def test_a_nan_is_seen_in_any_tile(place: int) -> None:
    x = np.linspace(-2, 2, 50)
    program = tiled(lowered(tg.grad(entries), x), SMALL)
    x[place] = np.nan
    with pytest.raises(LookAgain):
        planned(program)(x)


def test_results_are_fresh_at_every_call() -> None:
    x = np.linspace(0, 1, 50)
    run = planned(tiled(lowered(lambda x: np.exp(x * 2.0) + x * 3.0, x), SMALL))
    (first,) = run(x)
    kept = first.copy()
    (second,) = run(-x)
    assert first is not second
    np.testing.assert_array_equal(first, kept)


def test_two_threads() -> None:
    run = planned(tiled(lowered(tg.grad(entries), np.ones(400)), SMALL))
    xs = [np.random.default_rng(seed).normal(size=400) for seed in range(8)]
    expected = [run(x)[0] for x in xs]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            for a, (b,) in zip(expected, pool.map(run, xs), strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_region_is_a_function() -> None:
    x = Value((30,), np.dtype(float))
    a = call(np.exp, x)
    b = call(np.multiply, a.result, x)
    c = call(np.sum, b.result)
    (line,) = tiled(Program("f", (x,), (a, b, c), (b.result, c.result)), SMALL).lines
    xs = np.linspace(0, 1, 30)
    y, total = line.function(xs)
    np.testing.assert_array_equal(y, np.exp(xs) * xs)
    assert total == np.sum(y)
    assert (line.function.length, line.function.rows) == (30, 6)


def test_at_the_size_of_the_machine() -> None:
    """Through `tg.compile` itself, with a last tile that is shorter."""
    x = np.random.default_rng(5).normal(size=200_003)
    f = tg.value_and_grad(entries)
    (loss, g), (value, gradient) = f(x), compile(f)(x)
    np.testing.assert_allclose(value, loss, rtol=1e-12)
    np.testing.assert_allclose(gradient, g, rtol=1e-12, atol=1e-14)
    assert len(regions(tiled(lowered(f, x)))) == 1


# Labels.


def names(program: Program) -> list[str]:
    return [getattr(line.function, "__name__", "") for line in program.lines]


def loss(z: Any, t: Any) -> Any:
    return tg.softmax_cross_entropy(z, t)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 4), (16, 6), (33, 8), (5, 1), (3, 5, 4), (2, 3, 2, 6)])
def test_cross_entropy_of_labels(shape: tuple[int, ...], dtype: Any) -> None:
    """As uncompiled, at once and in tiles, without rows of zeros with a one."""
    rng = np.random.default_rng(6)
    z = (4 * rng.normal(size=shape)).astype(dtype)
    t = rng.integers(0, shape[-1], shape[:-1])
    f = tg.value_and_grad(loss)
    whole = lowered(f, z, t)
    assert "ones_at" not in names(whole)
    assert "picked" in names(whole)
    assert "less_at" in names(whole)
    expected = [np.asarray(x) for x in f(z, t)]
    cut = tiled(whole, Sizes(large=48, tile=16, calls=2))
    inputs = [z if x.shape == z.shape else t for x in whole.inputs]
    for found in (planned(whole)(*inputs), planned(cut)(*inputs)):
        for a, b in zip(expected, found, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=0, atol=4 * np.finfo(dtype).eps * np.abs(a).max())


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 800.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_with_options_and_large_numbers(scale: float, dtype: Any) -> None:
    rng = np.random.default_rng(7)
    z, t = (scale * rng.normal(size=(40, 5))).astype(dtype), rng.integers(0, 5, 40)
    weight = np.linspace(0.5, 2.0, 5).astype(dtype)
    t[3] = 255
    for options in (
        {"ignore_index": 255}, {"weight": weight, "ignore_index": 255},
        {"label_smoothing": 0.1, "ignore_index": 255}, {"reduction": "sum", "ignore_index": 255},
    ):  # fmt: skip
        f = tg.value_and_grad(partial(tg.softmax_cross_entropy, **options))
        expected, found = f(z, t), compile(f)(z, t)
        for a, b in zip(expected, found, strict=True):
            tolerance = 16 * np.finfo(dtype).eps * np.abs(a).max()
            np.testing.assert_allclose(b, a, rtol=0, atol=tolerance)


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_labels_beside_special_values(special: float) -> None:
    z, t = np.random.default_rng(8).normal(size=(12, 4)), np.arange(12) % 4
    step = compile(tg.value_and_grad(loss))
    step(z, t)
    for place in [(0, 0), (5, 1), (5, 3), (11, 2)]:
        x = z.copy()
        x[place] = special
        with np.errstate(all="ignore"):
            expected = tg.value_and_grad(loss)(x, t)
        for a, b in zip(expected, step(x, t), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-14, atol=1e-16)


def test_wrong_labels_are_refused_at_every_call() -> None:
    z, t = np.ones((12, 4)), np.arange(12) % 4
    program = tiled(lowered(tg.value_and_grad(loss), z, t), SMALL)
    run, turn = planned(program), 1 if program.inputs[0].ndim == 2 else -1
    run(*(z, t)[::turn])
    for wrong in (-1, 4):
        with pytest.raises(tg.errors.TargetError):
            run(*(z, np.where(t == 2, wrong, t))[::turn])


def test_a_distribution_that_is_used_twice_is_kept() -> None:
    """What `less_at` changes in place must not be seen by others."""
    rng = np.random.default_rng(9)
    z, t = rng.normal(size=(12, 4)), rng.integers(0, 4, 12)

    def f(z: Any, t: Any) -> Any:
        y = tg.softmax(z)
        scaled = y * 0.5
        return scaled, scaled - tg.one_hot(t, 4), (y - tg.one_hot(t, 4)) * 0.25, y

    step = compile(f)
    for _ in range(2):
        for a, b in zip(f(z, t), step(z, t), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-14, atol=1e-16)


# Quotients.


@pytest.mark.parametrize("dtype", DTYPES)
def test_known_quotients_to_two_roundings(dtype: Any) -> None:
    x, y, z = np.random.default_rng(10).uniform(0.5, 2, (3, 50)).astype(dtype)

    def f(x: Any, y: Any, z: Any) -> Any:
        q, r = x / z, y / z
        return q, r, x * y / z, q * 3.0 / (z * 2.0) * y, x / (z * 4.0) * y, q - r * 0.5 - r * 0.5

    whole = lowered(f, x, y, z)
    assert names(whole).count("divide") < 5
    exact = f(*(v.astype(np.longdouble) for v in (x, y, z)))
    for a, b in zip(exact, planned(whole)(x, y, z), strict=True):
        assert b.dtype == dtype
        np.testing.assert_allclose(b, a, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_known_quotients_of_special_values() -> None:
    values = [0.0, 1.0, -2.0, np.inf, -np.inf, np.nan]
    x, y, z = (v.ravel() for v in np.meshgrid(values, values, values))

    def f(x: Any, y: Any, z: Any) -> Any:
        q, r = x / z, y / z
        return q, r, x * y / z, x / (z * 4.0) * y

    with np.errstate(all="ignore"):
        expected, found = f(x, y, z), compile(f)(x, y, z)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(b, a)


def test_sums_of_products() -> None:
    x, y = np.random.default_rng(11).normal(size=(2, 6, 7))

    def f(x: Any, y: Any) -> Any:
        p = x * y
        return np.sum(x * y + 1.0), np.sum(x * x), np.sum(x.T * y.T), np.sum(p), p

    for a, b in zip(f(x, y), compile(f)(x, y), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 1), (5, 2), (30, 10), (3, 47), (3, 48), (1, 5)])
def test_largest_of_short_rows(shape: tuple[int, ...], dtype: Any) -> None:
    x = np.random.default_rng(12).normal(size=shape).astype(dtype)
    x[0, 0] = np.nan

    def f(x: Any) -> Any:
        u = x + 1.0
        return np.max(u, axis=1), np.min(u, axis=-1, keepdims=True), np.max(x, axis=1) * 2.0, u

    for a, b in zip(f(x), compile(f)(x), strict=True):
        np.testing.assert_array_equal(b, a)
