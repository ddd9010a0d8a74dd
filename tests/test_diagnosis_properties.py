"""Diagnoses over shapes and numbers: planted mistakes are found, unrelated numbers are not."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from mistakes import compare, said, scaled, sigmoid, squares, wave

import tinygrad_ce as tg
from tinygrad_ce.testing.diagnosis import diagnose

SHAPES = array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=5)
SEEDS = st.integers(0, 2**32 - 1)


def numbers(shape: tuple[int, ...], seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


@given(SHAPES, SEEDS, st.floats(1e-4, 1e4), st.booleans())
def test_any_factor_is_found(shape: Any, seed: int, r: float, negative: bool) -> None:
    assume(abs(r - 1) > 1e-6)
    assume(math.prod(shape) >= 6)  # two entries off by 1e-6 could agree by chance
    sentence = said(wave, scaled(-r if negative else r), numbers(shape, seed))
    assert sentence is not None
    assert ("wrong sign" in sentence) == negative
    assert f"times too {'large' if r > 1 else 'small'}" in sentence


@given(SHAPES, SEEDS, st.data())
def test_a_broadcast_argument_not_summed(shape: Any, seed: int, data: Any) -> None:
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    full = numbers(shape, seed)
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    x = numbers(kept, seed + 1)
    sentence = said(lambda b: np.sum(np.sin(full + b)), lambda g: np.cos(full + x), x)
    assert sentence is not None
    assert "is due: the sum over" in sentence


@given(SHAPES, SEEDS, st.data())
def test_any_transposition_is_found(shape: Any, seed: int, data: Any) -> None:
    axes = tuple(data.draw(st.permutations(range(len(shape)))))
    x = numbers(shape, seed)
    moved = x.transpose(axes)
    assume(axes != tuple(range(len(shape))))
    sentence = said(wave, lambda g: g.transpose(axes), x)
    assert sentence is not None
    other_shape = moved.shape != shape
    assert ("is due" in sentence) == other_shape
    assert re.search("transpose|permuted", sentence)


@given(SHAPES, SEEDS, st.data())
def test_any_order_of_rows_is_found(shape: Any, seed: int, data: Any) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    order = data.draw(st.permutations(range(shape[axis])))
    assume(list(order) != sorted(order))
    sentence = said(wave, lambda g: np.take(g, order, axis), numbers(shape, seed))
    assert sentence is not None
    assert re.search("order|rolled|swapped|sort|transposed|permuted", sentence)


@given(SHAPES, SEEDS, st.data())
def test_one_wrong_entry_is_named(shape: Any, seed: int, data: Any) -> None:
    at_ = data.draw(st.tuples(*[st.integers(0, n - 1) for n in shape]))

    def mistake(g: Any) -> Any:
        g = g.copy()
        g[at_] *= 1.01
        return g

    sentence = said(wave, mistake, numbers(shape, seed))
    assert sentence is not None
    assert f"only at x[{', '.join(map(str, at_))}]" in sentence


FUNCTIONS: list[Callable[[Any], Any]] = [
    wave,
    squares,
    np.sum,
    np.sin,
    sigmoid,
    lambda x: np.sum(np.maximum(x, 0.5)),
    lambda x: tg.softmax(x, axis=-1),
    lambda x: np.sum(x, axis=0),
]


@given(st.sampled_from(FUNCTIONS), SHAPES, SEEDS, st.floats(1e-3, 1e3))
def test_unrelated_numbers_have_no_diagnosis(
    f: Callable[[Any], Any], shape: Any, seed: int, size: float
) -> None:
    c = compare(f, numbers(shape, seed))[0]
    assume(c.expected.any())  # that it should be zero would be said
    assert diagnose(replace(c, found=size * numbers(c.expected.shape, seed + 1))) is None


@given(SEEDS, st.floats(1e-3, 1e3))
def test_an_unrelated_number_has_no_diagnosis(seed: int, size: float) -> None:
    x, found = numbers((2,), seed)
    assert said(wave, lambda g: np.asarray(size * found), x) is None


@given(SHAPES, SEEDS)
def test_unrelated_functions_of_the_right_gradient_have_none(shape: Any, seed: int) -> None:
    x = numbers(shape, seed)
    assert said(wave, lambda g: np.sin(5 * g) + 1.1 * np.cos(7 * x), x) is None


@given(SHAPES, SEEDS, st.data())
def test_unrelated_entries_are_located_at_most(shape: Any, seed: int, data: Any) -> None:
    """Some entries are replaced by unrelated ones: a region may be named, but no cause."""
    c = compare(wave, numbers(shape, seed))[0]
    count = data.draw(st.integers(2, c.expected.size))
    found = c.expected.copy()
    found.ravel()[np.random.default_rng(seed).permutation(found.size)[:count]] = numbers(
        (count,), seed + 1
    )
    sentence = diagnose(replace(c, found=found))
    assert sentence is None or ("is wrong only" in sentence and "there it" not in sentence)
