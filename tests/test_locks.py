"""Arrays that a graph needs are read-only while it lives, and writable afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.locks import lock


def leaf() -> tg.Tensor:
    return tg.tensor([1.0, 2.0], requires_grad=True)


USES: list[Callable[[Any, Any], Any]] = [
    lambda t, a: t * a,
    lambda t, a: a * t,
    lambda t, a: np.multiply(a, t),
    lambda t, a: np.concatenate([t, a]) ** 2,
    lambda t, a: np.einsum("i,i->i", t, a),
    lambda t, a: t * a[:],
]


@pytest.mark.parametrize("use", USES)
def test_array_is_locked_while_the_graph_lives(use: Any) -> None:
    array = np.array([3.0, 4.0])
    kept = use(leaf(), array)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 5.0
    assert kept.requires_grad


@pytest.mark.parametrize("use", USES)
def test_array_is_writable_after_backward(use: Any) -> None:
    array = np.array([3.0, 4.0])
    kept = use(leaf(), array).sum()
    kept.backward()
    array[0] = 5.0
    assert array[0] == 5.0


@pytest.mark.parametrize("use", USES)
def test_array_is_writable_after_the_graph_is_dropped(use: Any) -> None:
    array = np.array([3.0, 4.0])
    kept = use(leaf(), array)
    del kept
    array[0] = 5.0
    assert array[0] == 5.0


def test_array_stays_locked_while_the_graph_is_retained() -> None:
    array = np.array([3.0, 4.0])
    kept = (leaf() * array).sum()
    kept.backward(retain_graph=True)
    assert not array.flags.writeable


def test_array_stays_locked_until_the_last_graph_goes() -> None:
    array = np.array([3.0, 4.0])
    first, second = leaf() * array, leaf() * array
    del first
    assert not array.flags.writeable
    assert second.requires_grad


def test_array_is_writable_when_the_last_graph_went() -> None:
    array = np.array([3.0, 4.0])
    first, second = leaf() * array, leaf() * array
    del first, second
    assert array.flags.writeable


def test_array_that_was_read_only_stays_so() -> None:
    array = np.array([3.0, 4.0])
    array.flags.writeable = False
    (leaf() * array).sum().backward()
    assert not array.flags.writeable


def test_array_met_by_constants_is_not_locked() -> None:
    array = np.array([3.0, 4.0])
    kept = tg.tensor([1.0, 2.0]) * array
    assert array.flags.writeable
    assert not kept.requires_grad


def test_array_met_within_no_grad_is_not_locked() -> None:
    array = np.array([3.0, 4.0])
    with tg.no_grad():
        kept = leaf() * array
    assert array.flags.writeable
    assert not kept.requires_grad


def test_owner_of_a_view_is_locked() -> None:
    array = np.arange(4.0)
    kept = leaf() * array[:2]
    assert not array.flags.writeable
    assert kept.requires_grad


def test_owner_of_a_view_is_writable_afterwards() -> None:
    array = np.arange(4.0)
    view = array[:2]
    (leaf() * view).sum().backward()
    assert (array.flags.writeable, view.flags.writeable) == (True, True)


def test_buffer_is_refilled_batch_by_batch() -> None:
    w, batch = leaf(), np.empty(2)
    for n in range(3):
        batch[:] = n
        (w * batch).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_array_is_writable_after_grad() -> None:
    array = np.array([3.0, 4.0])
    tg.grad(lambda x: np.sum(x * array))(np.ones(2))
    assert array.flags.writeable


def test_argument_of_grad_is_writable_afterwards() -> None:
    array = np.array([3.0, 4.0])
    tg.grad(lambda x: np.sum(x * x))(array)
    assert array.flags.writeable


def test_array_is_writable_after_a_failed_operation() -> None:
    array = np.ones(3)
    with pytest.raises(ValueError, match="broadcast"):
        leaf() * array
    assert array.flags.writeable


def test_same_array_has_one_lock() -> None:
    array = np.ones(2)
    assert lock(array) is lock(array)


def test_lock_opens_when_dropped() -> None:
    array = np.ones(2)
    held = lock(array)
    del held
    assert array.flags.writeable


def test_threads_leave_a_shared_array_writable() -> None:
    array = np.ones(2)

    def work(_: int) -> None:
        for _ in range(100):
            (leaf() * array).sum().backward()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert array.flags.writeable
