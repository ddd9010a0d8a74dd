"""Batches and splits: every example once, orders by seed, trees, words."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce.data import batches, split
from tinygrad_ce.errors import ShapeError

sizes = st.tuples(st.integers(1, 30), st.integers(1, 12))


def numbers(n: int) -> Any:
    return np.arange(2 * n).reshape(n, 2), np.arange(n)


@given(n_size=sizes, shuffle=st.booleans(), seed=st.integers(0, 5))
def test_every_example_comes_once(n_size: tuple[int, int], shuffle: bool, seed: int) -> None:
    x, t = numbers(n_size[0])
    parts = list(batches(x, t, n_size[1], shuffle=shuffle, generator=seed))
    assert sorted(np.concatenate([tb for _, tb in parts])) == list(t)


@given(n_size=sizes, seed=st.integers(0, 5))
def test_x_and_t_stay_together(n_size: tuple[int, int], seed: int) -> None:
    x, t = numbers(n_size[0])
    for xb, tb in batches(x, t, n_size[1], shuffle=True, generator=seed):
        assert np.array_equal(xb[:, 0], 2 * tb)


@given(n_size=sizes)
def test_there_are_as_many_as_len_says(n_size: tuple[int, int]) -> None:
    found = batches(*numbers(n_size[0]), n_size[1])
    assert len(list(found)) == len(found)


def test_drop_last_leaves_out_what_is_smaller() -> None:
    assert [len(t) for _, t in batches(*numbers(7), 3, drop_last=True)] == [3, 3]


def test_unshuffled_keeps_the_order() -> None:
    assert [t.tolist() for _, t in batches(*numbers(3), 2)] == [[0, 1], [2]]


def test_each_for_takes_another_order() -> None:
    found = batches(*numbers(50), 50, shuffle=True, generator=0)
    (first,), (second,) = ([t.tolist() for _, t in found] for _ in range(2))
    assert first != second


def test_a_seed_gives_the_same_orders() -> None:
    a, b = (batches(*numbers(50), 50, shuffle=True, generator=1) for _ in range(2))
    assert [next(iter(a))[1].tolist() for _ in range(2)] == [
        next(iter(b))[1].tolist() for _ in range(2)
    ]


def test_without_a_seed_the_librarys_generator_draws() -> None:
    orders = []
    for _ in range(2):
        tg.manual_seed(5)
        orders.append(next(iter(batches(*numbers(50), 50, shuffle=True)))[1].tolist())
    assert orders[0] == orders[1]


def test_trees_are_taken_leaf_by_leaf() -> None:
    x, t = numbers(4)
    xb, tb = next(iter(batches({"a": x, "b": [t]}, t, 3)))
    assert xb["a"].shape == (3, 2)
    assert np.array_equal(xb["b"][0], tb)


def test_without_targets_the_batches_are_parts_of_x() -> None:
    assert [x.shape for x in batches(numbers(3)[0], size=2)] == [(2, 2), (1, 2)]


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"0 \(3, 2\), 1 \(4,\)"):
        batches(numbers(3)[0], np.arange(4))


def test_a_list_of_numbers_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"np\.array"):
        batches(numbers(2)[0], [0, 1])


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="integer from 1"):
        batches(*numbers(3), 0)


def test_no_batch_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="make no batch of 4"):
        batches(*numbers(3), 4, drop_last=True)


@given(n=st.integers(2, 40), seed=st.integers(0, 5), data=st.data())
def test_split_puts_every_example_on_one_side(n: int, seed: int, data: Any) -> None:
    count = data.draw(st.integers(1, n - 1))
    (_, t), (_, t_test) = split(*numbers(n), test=count, seed=seed)
    assert len(t_test) == count
    assert sorted([*t, *t_test]) == list(range(n))


def test_split_takes_a_share() -> None:
    assert len(split(*numbers(10), test=0.3)[1][1]) == 3


@pytest.mark.parametrize("test", [0, 10, 0.01, 1.0])
def test_split_leaves_no_side_empty(test: float) -> None:
    with pytest.raises(ValueError, match="at least one"):
        split(*numbers(10), test=test)
