"""Points in the plane: scikit-learn's formulas, seeds, dtypes, words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ce.data import circles, moons, spirals, xor

MAKERS = (moons, circles, spirals, xor)

every_maker = pytest.mark.parametrize("make", MAKERS)


@given(make=st.sampled_from(MAKERS), n=st.integers(2, 40), seed=st.integers(0, 9))
def test_as_many_points_and_classes_as_asked(make: Callable[..., Any], n: int, seed: int) -> None:
    x, t = make(n, seed=seed)
    assert x.shape == (n, 2)
    assert t.shape == (n,)


@every_maker
def test_a_seed_gives_the_same_points(make: Callable[..., Any]) -> None:
    assert np.array_equal(make(20, noise=0.1, seed=3)[0], make(20, noise=0.1, seed=3)[0])


@every_maker
def test_another_seed_gives_others(make: Callable[..., Any]) -> None:
    assert not np.array_equal(make(20, noise=0.1, seed=3)[0], make(20, noise=0.1, seed=4)[0])


@every_maker
def test_the_points_have_the_dtype(make: Callable[..., Any]) -> None:
    assert make(20, dtype=np.float32)[0].dtype == np.float32


@every_maker
def test_classes_are_int64(make: Callable[..., Any]) -> None:
    assert make(20)[1].dtype == np.int64


@every_maker
def test_noise_has_its_standard_deviation(make: Callable[..., Any]) -> None:
    difference = make(4000, noise=0.1)[0] - make(4000)[0]
    assert difference.std() == pytest.approx(0.1, rel=0.05)


@every_maker
@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf])
def test_noise_that_is_none_is_refused(make: Callable[..., Any], noise: float) -> None:
    with pytest.raises(ValueError, match="standard deviation"):
        make(20, noise=noise)


@every_maker
def test_too_few_points_are_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="integer from 2"):
        make(1)


@pytest.mark.parametrize("n", [10, 11])
def test_moons_are_scikit_learns(n: int) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    x, t = datasets.make_moons(n, shuffle=False)
    assert np.allclose(moons(n, shuffle=False)[0], x, rtol=0, atol=1e-15)
    assert np.array_equal(moons(n, shuffle=False)[1], t)


@pytest.mark.parametrize("n", [10, 11])
def test_circles_are_scikit_learns(n: int) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    x, t = datasets.make_circles(n, shuffle=False, factor=0.3)
    assert np.allclose(circles(n, shuffle=False, factor=0.3)[0], x, rtol=0, atol=1e-15)
    assert np.array_equal(circles(n, shuffle=False)[1], t)


def test_circles_need_an_inner_radius_below_1() -> None:
    with pytest.raises(ValueError, match="radius of the inner"):
        circles(10, factor=1.0)


@given(k=st.integers(2, 5), turns=st.floats(0, 3))
def test_spirals_turn_with_their_radius(k: int, turns: float) -> None:
    x, t = spirals(12 * k, classes=k, turns=turns, shuffle=False)
    r = np.hypot(x[:, 0], x[:, 1])
    a = 2 * np.pi * (turns * r + t / k)
    assert np.allclose(x, np.stack([r * np.cos(a), r * np.sin(a)], axis=1))


def test_a_spiral_of_one_arm_is_refused() -> None:
    with pytest.raises(ValueError, match="integer from 2"):
        spirals(10, classes=1)


def test_xor_is_the_sign_of_the_product() -> None:
    x, t = xor(200)
    assert np.array_equal(t == 1, x[:, 0] * x[:, 1] < 0)
