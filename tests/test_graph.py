"""The graph: backward, accumulation, stale leaves, and no_grad wherever code may run."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.mode import recording


def leaf(data: Any = (1.0, 2.0, 3.0)) -> tg.Tensor:
    return tg.tensor(data, requires_grad=True, dtype=float)


# Errors of backward.


def test_backward_of_several_entries_needs_a_gradient() -> None:
    with pytest.raises(tg.GradientError, match="scalar"):
        (leaf() * 2).backward()


def test_backward_of_a_constant_raises() -> None:
    with pytest.raises(tg.GradientError, match="requires_grad=True"):
        tg.tensor(1.0).backward()


def test_backward_of_a_value_computed_within_no_grad_raises() -> None:
    with tg.no_grad():
        y = leaf(2.0) * 2
    with pytest.raises(tg.GradientError):
        y.backward()


def test_backward_twice_raises() -> None:
    y = (leaf() * 2).sum()
    y.backward()
    with pytest.raises(tg.GradientError, match="retain_graph=True"):
        y.backward()


def test_backward_through_a_released_part_raises() -> None:
    shared = leaf(2.0) * 3
    (shared * 2).backward()
    with pytest.raises(tg.GradientError, match="released"):
        (shared * 4).backward()


@pytest.mark.parametrize("gradient", [1.0, np.ones(2), np.ones((1, 3))], ids=np.shape)
def test_gradient_of_another_shape_raises(gradient: Any) -> None:
    with pytest.raises(tg.ShapeError):
        (leaf() * 2).backward(gradient)


def test_gradient_error_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError):
        tg.tensor(1.0).backward()


def test_failed_backward_leaves_no_gradient() -> None:
    x = leaf()
    with pytest.raises(tg.ShapeError):
        (x * 2).backward(np.ones(2))
    assert x.grad is None


def test_retain_grad_of_a_constant_raises() -> None:
    with pytest.raises(tg.GradientError):
        tg.tensor(1.0).retain_grad()


# What backward collects.


def test_gradient_is_none_before_backward() -> None:
    assert leaf().grad is None


def test_backward_takes_a_gradient() -> None:
    x = leaf()
    (x * x).backward([1.0, 10.0, 100.0])
    assert x.grad.tolist() == [2.0, 40.0, 600.0]


def test_backward_takes_a_tensor_as_gradient() -> None:
    x = leaf()
    (x * x).backward(tg.tensor([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [2.0, 40.0, 600.0]


def test_backward_of_a_single_entry_needs_no_gradient() -> None:
    x = leaf([[3.0]])
    (x * x).backward()
    assert x.grad.tolist() == [[6.0]]


def test_backward_of_a_leaf_is_one() -> None:
    x = leaf(3.0)
    x.backward()
    assert x.grad == 1.0


def test_gradients_accumulate() -> None:
    x = leaf()
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 5.0]


def test_gradient_set_to_none_starts_anew() -> None:
    x = leaf()
    (x * 2).sum().backward()
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


def test_shared_node_is_counted_once_for_each_use() -> None:
    x = leaf(3.0)
    y = x * x
    (y * y + y).backward()
    assert x.grad == 4 * 3.0**3 + 2 * 3.0


def test_leaf_used_twice_by_one_function() -> None:
    x = leaf(3.0)
    np.multiply(x, x).backward()
    assert x.grad == 6.0


def test_constant_gets_no_gradient() -> None:
    x, c = leaf(3.0), tg.tensor(2.0)
    (x * c).backward()
    assert c.grad is None


def test_unused_leaf_gets_no_gradient() -> None:
    x, unused = leaf(3.0), leaf(1.0)
    (x * 2).backward()
    assert unused.grad is None


def test_computed_tensor_stores_no_gradient() -> None:
    x = leaf(3.0)
    y = x * x
    (y * 2).backward()
    assert y.grad is None


def test_retain_grad_stores_it() -> None:
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    (y * y).backward()
    assert y.grad == 18.0


def test_retain_graph_accumulates() -> None:
    x = leaf()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0, 12.0]


def test_two_results_of_one_retained_graph() -> None:
    x = leaf(2.0)
    y = x * x
    (y * 3).backward(retain_graph=True)
    (y * 5).backward()
    assert x.grad == 32.0


# Gradients are the user's own arrays.


def test_gradients_of_two_leaves_share_nothing() -> None:
    a, b = leaf(), leaf()
    (a + b).sum().backward()
    assert not np.shares_memory(a.grad, b.grad)


def test_gradients_of_two_leaves_share_nothing_with_a_seed() -> None:
    a, b = leaf(), leaf()
    (a + b).backward(np.ones(3))
    assert not np.shares_memory(a.grad, b.grad)


@pytest.mark.parametrize(
    "f",
    [lambda x: +x, lambda x: x + 1, lambda x: x.reshape(3, 1).reshape(3), lambda x: x[:], np.copy],
)
def test_gradient_shares_nothing_with_the_seed(f: Any) -> None:
    x, seed = leaf(), np.ones(3)
    f(x).backward(seed)
    assert not np.shares_memory(x.grad, seed)


def test_gradient_shares_nothing_with_a_tensor_seed() -> None:
    x, seed = leaf(), tg.tensor(np.ones(3))
    (x + 1).backward(seed)
    assert not np.shares_memory(x.grad, seed.data)


def test_gradient_of_a_leaf_that_is_the_root_shares_nothing_with_the_seed() -> None:
    x, seed = leaf(), np.ones(3)
    x.backward(seed)
    assert not np.shares_memory(x.grad, seed)


def test_gradient_shares_nothing_with_a_retained_one() -> None:
    x = leaf()
    y = x + 1
    y.retain_grad()
    y.sum().backward()
    assert not np.shares_memory(x.grad, y.grad)


def test_gradient_shares_nothing_with_an_operand() -> None:
    x, c = leaf(), np.ones(3)
    (x * c).sum().backward()
    assert not np.shares_memory(x.grad, c)


def test_gradient_of_a_dot_shares_nothing_with_the_other_leaf() -> None:
    a, b = leaf(), leaf()
    np.dot(a, b).backward()
    assert not np.shares_memory(a.grad, b.data)


@pytest.mark.parametrize(
    "f",
    [np.sum, np.mean, lambda x: (x + 1).sum(), lambda x: np.dot(x, np.ones(3)), lambda x: x[0]],
)
def test_gradient_is_writable(f: Any) -> None:
    x = leaf()
    f(x).backward()
    x.grad[0] = 7.0
    assert x.grad[0] == 7.0


def test_accumulating_leaves_the_earlier_array_of_another_leaf_alone() -> None:
    a, b = leaf(), leaf()
    (a + b).sum().backward()
    a.grad *= 5
    assert b.grad.tolist() == [1.0, 1.0, 1.0]


# Training.


def test_data_updated_in_place_descend() -> None:
    w = leaf([4.0, -4.0])
    for _ in range(100):
        w.grad = None
        ((w - 1.0) ** 2).sum().backward()
        w.data -= 0.1 * w.grad
    np.testing.assert_allclose(w.data, [1.0, 1.0], atol=1e-8)


def test_scalar_data_updated_in_place_descend() -> None:
    w = leaf(4.0)
    for _ in range(100):
        w.grad = None
        ((w - 1.0) ** 2).backward()
        w.data -= 0.1 * w.grad
    assert abs(w.item() - 1.0) < 1e-8


def test_update_within_no_grad_descends() -> None:
    w = leaf([4.0, -4.0])
    for _ in range(100):
        w.grad = None
        ((w - 1.0) ** 2).sum().backward()
        with tg.no_grad():
            w -= 0.1 * w.grad
    np.testing.assert_allclose(w.data, [1.0, 1.0], atol=1e-8)


def _subtract(w: Any) -> Any:
    w -= 1.0
    return w


def _add(w: Any) -> Any:
    w += 1.0
    return w


def _multiply(w: Any) -> Any:
    w *= 2.0
    return w


def _divide(w: Any) -> Any:
    w /= 2.0
    return w


@pytest.mark.parametrize("update", [_subtract, _add, _multiply, _divide])
def test_update_within_no_grad_keeps_the_leaf(update: Any) -> None:
    w = leaf()
    with tg.no_grad():
        assert update(w) is w


def test_update_within_no_grad_keeps_requires_grad() -> None:
    w = leaf()
    with tg.no_grad():
        w -= 1.0
    assert w.requires_grad


def test_update_outside_no_grad_gives_a_new_tensor() -> None:
    w = leaf()
    assert _subtract(w) is not w


def test_update_outside_no_grad_records() -> None:
    w = leaf()
    _multiply(w).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0, 2.0]


def test_data_of_another_shape_are_refused() -> None:
    with pytest.raises(tg.ShapeError):
        leaf().data = np.ones(4)


def test_data_of_a_computed_tensor_cannot_be_assigned() -> None:
    with pytest.raises(tg.GradientError):
        (leaf() * 2).data = np.ones(3)


def test_data_of_a_computed_tensor_cannot_be_written() -> None:
    y = leaf() * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 1.0


def test_data_keep_the_dtype() -> None:
    w = tg.tensor([1.0], requires_grad=True, dtype=np.float32)
    w.data = np.array([2.0])
    assert w.dtype == np.float32


def test_stale_leaf_is_refused() -> None:
    w = leaf()
    y = (w * w).sum()
    w.data = np.zeros(3)
    with pytest.raises(tg.GradientError, match="new data"):
        y.backward()


def test_leaf_updated_within_no_grad_is_stale() -> None:
    w = leaf()
    y = (w * w).sum()
    with tg.no_grad():
        w -= 1.0
    with pytest.raises(tg.GradientError):
        y.backward()


def test_data_written_while_the_graph_lives_give_no_wrong_number() -> None:
    w = leaf()
    y = (w * w).sum()
    w.data[0] = 100.0
    y.backward()
    assert w.grad.tolist() == [2.0, 4.0, 6.0]


def test_data_written_after_backward_count() -> None:
    w = leaf()
    (w * w).sum().backward()
    w.data[0] = 100.0
    assert (w * w).sum().item() == 10013.0


# Size.


def test_deep_chain_has_its_gradient() -> None:
    x = y = leaf(1.0)
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1.0


def test_deep_chain_is_freed_without_backward() -> None:
    y = leaf(1.0)
    for _ in range(100_000):
        y = y + 1.0
    watched = weakref.ref(y)
    del y
    gc.collect()
    assert watched() is None


def test_wide_sharing_takes_linear_time() -> None:
    x = y = leaf(1.0)
    for _ in range(200):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad == 1.0


def test_graph_is_freed_by_backward() -> None:
    x = leaf()
    y = x * x
    watched = weakref.ref(y)
    z = y.sum()
    del y
    z.backward()
    assert watched() is None


# no_grad.


def test_no_grad_records_nothing() -> None:
    with tg.no_grad():
        assert not (leaf() * 2).requires_grad


def test_no_grad_ends_with_its_block() -> None:
    with tg.no_grad():
        pass
    assert recording()


def test_no_grad_ends_after_an_exception() -> None:
    with pytest.raises(KeyError), tg.no_grad():
        raise KeyError
    assert recording()


def test_no_grad_nests() -> None:
    with tg.no_grad():
        with tg.no_grad():
            pass
        assert not recording()


def test_no_grad_object_serves_again() -> None:
    mode = tg.no_grad()
    with mode, mode:
        pass
    assert recording()


def test_no_grad_allows_conversion_of_its_results() -> None:
    with tg.no_grad():
        y = leaf() * 2
    assert np.asarray(y).tolist() == [2.0, 4.0, 6.0]


def test_leaf_made_within_no_grad_requires_a_gradient() -> None:
    with tg.no_grad():
        x = leaf(2.0)
    (x * x).backward()
    assert x.grad == 4.0


def test_backward_works_within_no_grad() -> None:
    x = leaf(2.0)
    y = x * x
    with tg.no_grad():
        y.backward()
    assert x.grad == 4.0


def test_decorator_records_nothing() -> None:
    assert tg.no_grad()(recording)() is False


def test_decorator_ends_with_the_call() -> None:
    tg.no_grad()(recording)()
    assert recording()


def test_decorator_ends_after_an_exception() -> None:
    @tg.no_grad()
    def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert recording()


def test_decorator_keeps_the_name() -> None:
    @tg.no_grad()
    def named() -> None:
        """Documented."""

    assert (named.__name__, named.__doc__) == ("named", "Documented.")


def test_decorated_function_may_call_itself() -> None:
    @tg.no_grad()
    def countdown(n: int) -> bool:
        return recording() if n == 0 else countdown(n - 1) or recording()

    assert not countdown(3)


@tg.no_grad()
def decorated() -> Iterator[bool]:
    while True:
        yield recording()


def with_block() -> Iterator[bool]:
    with tg.no_grad():
        while True:
            yield recording()


GENERATORS = pytest.mark.parametrize("generator", [decorated, with_block])


@GENERATORS
class TestGenerators:
    def test_body_records_nothing(self, generator: Any) -> None:
        assert next(generator()) is False

    def test_consumer_records(self, generator: Any) -> None:
        held = generator()
        next(held)
        assert recording()

    def test_body_records_nothing_when_resumed(self, generator: Any) -> None:
        held = generator()
        next(held)
        assert next(held) is False

    def test_closed_generator_leaves_nothing(self, generator: Any) -> None:
        held = generator()
        next(held)
        held.close()
        assert recording()

    def test_abandoned_generator_leaves_nothing(self, generator: Any) -> None:
        next(generator())
        gc.collect()
        assert recording()

    def test_error_thrown_in_leaves_nothing(self, generator: Any) -> None:
        held = generator()
        next(held)
        with pytest.raises(KeyError):
            held.throw(KeyError)
        assert recording()

    def test_consumers_block_outlives_the_generator(self, generator: Any) -> None:
        held = generator()
        next(held)
        with tg.no_grad():
            held.close()
            assert not recording()

    def test_two_interleaved_generators(self, generator: Any) -> None:
        first, second = generator(), generator()
        next(first), next(second)
        first.close()
        assert next(second) is False

    def test_consumer_records_after_interleaved_closing(self, generator: Any) -> None:
        first, second = generator(), generator()
        next(first), next(second)
        first.close()
        second.close()
        assert recording()


def test_generator_sees_its_consumers_block() -> None:
    def plain() -> Iterator[bool]:
        yield recording()

    with tg.no_grad():
        assert list(plain()) == [False]


def test_decorated_generator_passes_on_what_is_sent() -> None:
    @tg.no_grad()
    def echo() -> Any:
        got = yield None
        yield got

    held = echo()
    next(held)
    assert held.send("sent") == "sent"


def test_other_thread_records() -> None:
    with tg.no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(recording).result()


def test_thread_does_not_switch_recording_off_for_others() -> None:
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with tg.no_grad():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10)
    here = recording()
    leave.set()
    thread.join()
    assert here


def test_threads_compute_their_own_gradients() -> None:
    def work(n: int) -> float:
        x = leaf(float(n))
        y = x
        for _ in range(200):
            y = y + x
        y.backward()
        return float(x.grad)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(32))) == {201.0}


def test_mode_shared_by_threads_leaves_nothing() -> None:
    mode = tg.no_grad()
    both = threading.Barrier(2)
    left = threading.Event()

    def first() -> bool:
        with mode:
            both.wait(10)
            left.wait(10)
        return recording()

    def second() -> bool:
        with mode:
            both.wait(10)
        left.set()
        return recording()

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(first), pool.submit(second)]
        assert [r.result() for r in results] == [True, True]


def test_asyncio_task_does_not_leak_to_another() -> None:
    async def quiet() -> bool:
        with tg.no_grad():
            await asyncio.sleep(0.01)
            return recording()

    async def loud() -> bool:
        await asyncio.sleep(0.005)
        return recording()

    async def both() -> list[bool]:
        return list(await asyncio.gather(quiet(), loud()))

    assert asyncio.run(both()) == [False, True]


def test_decorated_coroutine_function_records_nothing() -> None:
    @tg.no_grad()
    async def work() -> bool:
        await asyncio.sleep(0)
        return recording()

    assert asyncio.run(work()) is False


def test_async_generator_does_not_leak_to_its_consumer() -> None:
    async def stream() -> Any:
        with tg.no_grad():
            yield recording()
            yield recording()

    async def consume() -> list[tuple[bool, bool]]:
        return [(inside, recording()) async for inside in stream()]

    assert asyncio.run(consume()) == [(False, True), (False, True)]


@pytest.mark.parametrize(("inner", "outer"), [(tg.softmax, np.log), (tg.sigmoid, np.log)])
def test_a_recognised_pair_does_not_reach_through_no_grad(inner: Any, outer: Any) -> None:
    z = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with tg.no_grad():
        y = inner(z)
    assert not outer(y).requires_grad
    assert not tg.xlogy(tg.tensor([1.0, 0.0, 0.0]), y).requires_grad


def test_a_constant_of_a_recognised_pair_can_become_a_leaf() -> None:
    w = tg.tensor(2.0, requires_grad=True)
    y = tg.softmax(tg.tensor([1.0, 2.0, 3.0]))
    y.requires_grad = True
    for _ in range(2):
        y.grad = None
        np.sum(np.log(y) * w).backward()
        np.testing.assert_allclose(y.grad, 2 / y.numpy(), rtol=1e-15)


def test_integers_that_were_made_to_require_a_gradient_are_refused() -> None:
    x = tg.tensor([1, 2])
    x.requires_grad = True
    with pytest.raises(tg.DTypeError, match="int64"):
        np.sum(x * 0.7).backward()
    assert x.grad is None
