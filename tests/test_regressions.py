"""Faults that were found by attacks from outside, each with the claim that broke."""

import sys
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce.rules.reductions import extreme

NAN = np.nan


def variable(x: Any, **options: Any) -> tg.Tensor:
    return tg.tensor(x, requires_grad=True, **options)


# The pairs that are computed in one step.


def test_log_of_softmax_made_within_no_grad_stays_constant() -> None:
    z = variable([1.0, 2.0, 3.0])
    with tg.no_grad():
        y = tg.softmax(z)
    assert not np.log(y).requires_grad


@pytest.mark.parametrize("requires_grad", [True, False])
def test_log_of_softmax_has_the_value_of_softmax_though_its_operand_got_new_data(
    requires_grad: bool,
) -> None:
    z = tg.tensor([1.0, 2.0, 3.0], requires_grad)
    y = tg.softmax(z)
    z.data = np.array([5.0, 0.0, 0.0])
    np.testing.assert_allclose(np.log(y).numpy(), np.log(y.numpy()))


def test_log_of_constant_sigmoid_has_its_value_though_its_operand_was_written() -> None:
    z = tg.tensor([1.0, 2.0, 3.0])
    y = tg.sigmoid(z)
    z.data[0] = -5.0
    np.testing.assert_allclose(np.log(y).numpy(), np.log(y.numpy()))


@pytest.mark.parametrize("early", [True, False])
def test_hook_on_softmax_changes_the_gradient_of_its_log(early: bool) -> None:
    z, seen = variable([1.0, 2.0, 3.0]), []

    def hook(g: Any) -> Any:
        seen.append(g)
        return 0 * g

    y = tg.softmax(z)
    if early:
        y.register_hook(hook)
    total = np.sum(np.log(y))
    if not early:
        y.register_hook(hook)
    total.backward()
    np.testing.assert_allclose(seen, [1 / y.numpy()])
    np.testing.assert_array_equal(z.grad, 0)


def test_hook_on_softmax_leaves_the_weights_of_xlogy_their_gradient() -> None:
    t, z = variable([0.2, 0.8]), variable([1.0, 2.0])
    y = tg.softmax(z)
    total = np.sum(tg.xlogy(t, y))
    y.register_hook(lambda g: 2 * g)
    total.backward()
    np.testing.assert_allclose(t.grad, np.log(y.numpy()))
    np.testing.assert_allclose(z.grad, 2 * (t.numpy() - y.numpy()))


def test_log_of_softmax_with_where_is_refused_and_not_computed_without_it() -> None:
    y = tg.softmax(variable([1.0, 2.0]))
    with pytest.raises(tg.UnsupportedError):
        np.log(y, where=np.array([True, False]))


@pytest.mark.parametrize("shapes", [((4, 3), (3,)), ((), (2, 3)), ((3,), (2, 3)), ((2, 1), (3,))])
def test_xlogy_of_softmax_broadcasts(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    t, z = rng.uniform(size=shapes[0]), rng.normal(size=shapes[1])
    found = tg.grad(lambda t, z: np.sum(tg.xlogy(t, tg.softmax(z)) ** 2), (0, 1))(t, z)
    expected = tg.grad(lambda t, z: np.sum((t * tg.log_softmax(z)) ** 2), (0, 1))(t, z)
    for g, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(g, e)


def test_checkpoint_takes_the_log_of_a_softmax_from_outside() -> None:
    z, x = variable([1.0, 2.0]), variable(3.0)
    y = tg.softmax(z)
    tg.checkpoint(lambda x: x * np.log(y)[0])(x).backward()
    np.testing.assert_allclose(x.grad, np.log(y.numpy())[0])
    np.testing.assert_allclose(z.grad, 3 * (np.array([1.0, 0.0]) - y.numpy()))


# Elementwise functions.


@pytest.mark.parametrize("function", [np.fmax, np.fmin])
def test_fmax_and_fmin_send_the_gradient_to_the_operand_that_is_a_number(function: Any) -> None:
    a, b = np.array([NAN, 1.0, NAN]), np.array([2.0, NAN, NAN])
    found = tg.grad(lambda a, b: np.sum(function(a, b)[:2]), (0, 1))(a, b)
    np.testing.assert_array_equal(found, [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(tg.grad(lambda b: np.sum(function(a, b)[:2]))(b), [1, 0, 0])


# Indices.


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.int32])
def test_repeated_indices_of_any_integer_dtype(dtype: Any) -> None:
    index = np.array([1, 100, 1], dtype)
    expected = np.bincount([1, 100, 1], minlength=300)
    np.testing.assert_array_equal(tg.grad(lambda x: np.sum(x[index]))(np.ones(300)), expected)
    rows = tg.grad(lambda x: np.sum(x[index]))(np.ones((300, 2)))
    np.testing.assert_array_equal(rows, np.stack([expected, expected], 1))


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_take_by_indices_of_a_narrow_dtype(mode: Any) -> None:
    index = np.array([1, 100, 1], np.uint8)
    taken = tg.grad(lambda x: np.sum(np.take(x, index, mode=mode)))(np.ones(300))
    np.testing.assert_array_equal(taken, np.bincount([1, 100, 1], minlength=300))


def test_list_that_is_changed_after_indexing_leaves_the_second_derivative_alone() -> None:
    def f(x: Any) -> Any:
        index = [0, 1]
        y = x[index]
        index[0] = 2
        return np.sum(y**3)

    np.testing.assert_array_equal(tg.hessian(f)(np.array([1.0, 2.0, 3.0])), np.diag([6, 12, 0]))


def test_list_that_is_changed_after_repeat_leaves_the_second_derivative_alone() -> None:
    def f(x: Any) -> Any:
        repeats = [1, 2]
        y = np.repeat(x, repeats)
        repeats[:] = [2, 1]
        return np.sum(y**3)

    np.testing.assert_array_equal(tg.hessian(f)(np.array([1.0, 2.0])), np.diag([6, 24]))


def test_tensor_index_with_new_data_leaves_the_second_derivative_alone() -> None:
    def f(x: Any) -> Any:
        index = tg.tensor([0, 1])
        y = x[index, 0]
        index.data = np.array([2, 2])
        return np.sum(y**3)

    found = tg.hessian(f)(np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(found[:, 0, :, 0], np.diag([6, 12, 0]))


# Sequences.


def test_convolve_takes_a_number_for_a_vector_of_one() -> None:
    x = np.array([1.0, 2.0])
    assert tg.grad(lambda v: np.sum(np.convolve(x, v)))(3.0) == 3
    np.testing.assert_array_equal(tg.grad(lambda x: np.sum(np.convolve(x, 3.0)))(x), [3, 3])
    np.testing.assert_array_equal(tg.grad(lambda x: np.sum(np.correlate(2.0, x)))(x[:1]), [2])


# Locks, checkpoints, hooks, rules.


def test_array_used_in_several_threads_is_writable_afterwards_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", wrong.append)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    x, shared = variable(np.ones(2)), np.ones(2)

    def work() -> None:
        for _ in range(3000):
            y = x * shared
            if shared.flags.writeable:
                wrong.append("writable while a graph needs it")
            del y

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert not wrong
    assert shared.flags.writeable


def test_view_of_an_array_made_read_only_is_let_go_without_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", wrong.append)
    owner = np.ones(2)
    view = owner[:]
    owner.flags.writeable = False
    y = variable(np.ones(2)) * view
    del y
    y = variable(np.ones(2)) * view
    y.sum().backward()
    assert not wrong


def test_array_argument_of_a_checkpointed_function_is_read_only_until_backward() -> None:
    w, x = np.array([2.0]), variable([0.0])
    y = tg.checkpoint(lambda x, w: x * w)(x, w)
    with pytest.raises(ValueError, match="read-only"):
        w[0] = 7.0
    y.sum().backward()
    assert x.grad == 2
    w[0] = 7.0


def test_checkpointed_function_may_return_a_variable_from_outside() -> None:
    x, w = variable(0.5), variable(2.0)
    v = w * 1
    a, b = tg.checkpoint(lambda x: (x, v))(x)
    (a * b).backward()
    assert (x.grad, w.grad) == (2.0, 0.5)


def test_hook_cannot_write_into_a_gradient_that_others_share() -> None:
    x, w = variable([1.0, 2.0]), variable([1.0, 2.0])

    def hook(g: Any) -> None:
        g *= 5

    a = x * 1
    a.register_hook(hook)
    with pytest.raises(ValueError, match="read-only"):
        (a + w).backward(np.ones(2))


def test_rule_may_return_a_number_of_python() -> None:
    twice = tg.primitive(lambda x: x * 2, rules=lambda g, y, x: 2.0)
    assert tg.grad(twice)(3.0) == 2


def test_rule_that_returns_none_is_refused_with_words() -> None:
    twice = tg.primitive(lambda x: x * 2, rules=lambda g, y, x: None)
    with pytest.raises(tg.GradientError, match="returned None"):
        tg.grad(twice)(3.0)


def test_gradient_that_a_rule_takes_from_an_operand_has_memory_of_its_own() -> None:
    product = tg.primitive(lambda x, w: x * w, rules=(lambda g, y, x, w: w, lambda g, y, x, w: x))
    x, w = variable(np.ones(2)), variable(np.full(2, 3.0))
    product(x, w).sum().backward()
    x.grad[0] = 55
    np.testing.assert_array_equal(w.numpy(), 3)


def test_argument_named_twice_in_argnums_is_refused() -> None:
    for argnums in ((0, 0), (0, -2)):
        with pytest.raises(ValueError, match="twice"):
            tg.grad(lambda x, y: x * y, argnums)(2.0, 3.0)


# Branches that were not taken.


@pytest.mark.parametrize("function", [np.sqrt, np.log, np.reciprocal])
@pytest.mark.parametrize(
    "rest", [lambda x: 0 * x, lambda x: x, np.exp, lambda x: x * x[0], lambda x: x[::-1]]
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_branch_not_taken_sends_nothing_to_an_entry_that_is_used_elsewhere(
    function: Any, rest: Any
) -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, function(x), 0.0)) + np.sum(rest(x))

    def expected(x: Any) -> Any:
        return function(x[0]) + np.sum(rest(x))

    x = np.array([4.0, 0.0])
    np.testing.assert_allclose(tg.grad(f)(x), tg.grad(expected)(x))
    np.testing.assert_allclose(tg.hessian(f)(x), tg.hessian(expected)(x))
    np.testing.assert_allclose(tg.hvp(f, x, np.ones(2)), tg.hvp(expected, x, np.ones(2)))


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_branch_not_taken_sends_nothing_to_a_number_that_all_entries_share() -> None:
    x = np.array([4.0, 0.0])
    slope = tg.grad(lambda s: np.sum(np.where(x > 0, np.sqrt(s * x), 0.0)) + s)(1.0)
    np.testing.assert_allclose(slope, 2.0)


def test_branch_not_taken_of_a_checkpointed_function_sends_nothing() -> None:
    def f(x: Any) -> Any:
        a, b = tg.checkpoint(lambda x: (np.sqrt(x), 2 * x))(x)
        return np.sum(np.where(x > 0, a, 0.0) + b)

    np.testing.assert_allclose(tg.grad(f)(np.array([4.0, 0.0])), [2.25, 2.0])


def test_zero_that_was_computed_in_a_checkpointed_function_is_no_branch_not_taken() -> None:
    assert np.isnan(tg.grad(lambda x: tg.checkpoint(np.sqrt)(x) ** 2)(0.0))


def test_what_a_hook_adds_beside_a_branch_not_taken_goes_on() -> None:
    x = variable([4.0, 0.0, 1.0])
    u = x * 1
    u.register_hook(lambda g: g + 1)
    np.sum(np.where(np.array([True, False]), np.sqrt(u[:2]), 0.0)).backward()
    np.testing.assert_allclose(x.grad, [1.25, 1.0, 1.0])


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_jvp_passes_a_branch_not_taken() -> None:
    x = np.array([4.0, 0.0])
    _, tangent = tg.jvp(lambda x: np.where(x > 0, np.log(x), 0.0), x, np.ones(2))
    np.testing.assert_allclose(tangent, [0.25, 0.0])


# What NumPy refuses.


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.diff(x, axis=1),
        lambda x: np.diff(x, axis=-2),
        lambda x: np.diff(x, n=-1),
        lambda x: np.apply_along_axis(np.cumsum, 1, x),
        lambda x: np.apply_over_axes(np.sum, x, [1]),
        lambda x: np.rollaxis(x, 1),
    ],
)
def test_axis_that_does_not_exist_is_refused_as_numpy_does(call: Any) -> None:
    x = np.array([1.0, 3.0, 2.0])
    with pytest.raises(ValueError, match=r"axis|non-negative"):
        call(x)
    with pytest.raises(ValueError, match=r"axis|non-negative"):
        call(variable(x))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.bincount([0, 1], x),
        lambda x: np.interp(x, [0.0, 1.0], [2.0, 3.0]),
        lambda x: np.interp(0.5, x, [2.0, 3.0]),
    ],
)
def test_complex_numbers_are_refused_where_numpy_refuses_them(call: Any) -> None:
    x = np.array([0.0, 1.0j])
    with pytest.raises(TypeError):
        call(x)
    with pytest.raises(TypeError):
        call(variable(x))


def test_logaddexp_of_nothing_is_minus_infinity() -> None:
    y = np.logaddexp.reduce(variable(np.ones((0, 2))))
    np.testing.assert_array_equal(y.numpy(), [-np.inf, -np.inf])
    y.sum().backward()


@pytest.mark.parametrize(
    "product",
    [
        lambda x, w: x @ w,
        lambda x, w: np.einsum("ij,jk->ik", x, w),
        lambda x, w: np.vecdot(x[:, :, None], w, axis=1),
    ],
)
def test_infinite_branch_not_taken_makes_no_gradient_0_that_is_not(product: Any) -> None:
    w = np.array([[np.inf, 1.0], [1.0, 1.0]])

    def f(x: Any) -> Any:
        y = product(x, w)
        return np.sum(np.where(np.isfinite(y), y, 0.0))

    found = tg.grad(f)(np.array([[2.0, 1.0]]))  # 1, 1; nan, which says that it is not known
    assert np.all(np.isnan(found) | (found == 1))


@pytest.mark.parametrize(
    "f", [np.add.reduce, np.multiply.reduce, np.maximum.reduce, np.logaddexp.reduce, tg.logsumexp,
          lambda x: np.sum(x, axis=0), lambda x: np.max(x, axis=-1)]
)  # fmt: skip
def test_a_number_may_be_reduced_over_axis_0(f: Any) -> None:
    assert tg.grad(f)(2.0) == 1.0


@pytest.mark.parametrize("f", [np.polyadd, np.polysub])
def test_polynomials_in_tables_are_added_entry_by_entry(f: Any) -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(f(tg.tensor(a, requires_grad=True), b).numpy(), f(a, b))


# What the audit of the whole table found.


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.vecdot(x[:0], x[:0]),
        lambda x: np.sum(np.matvec(np.stack([x[:0]] * 2), x[:0])),
        lambda x: np.sum(np.cumulative_sum(x[0])),
        lambda x: np.sum(np.maximum.accumulate(x, axis=None)),
        lambda x: np.sum(np.logaddexp.accumulate(x, axis=None)),
    ],
    ids=[
        "vecdot of nothing",
        "matvec of nothing",
        "cumulative_sum of a number",
        "maximum, no axis",
        "logaddexp",
    ],
)
def test_a_call_that_numpy_takes_has_its_gradient(f: Any) -> None:
    if not hasattr(np, "matvec") or not hasattr(np, "cumulative_sum"):
        pytest.skip("newer functions of NumPy")
    assert tgt.gradcheck(f, np.array([2.0, 1.0, 3.0]))


def test_ties_of_max_are_counted_in_the_dtype_of_the_gradient() -> None:
    g = extreme(np.float32(1), np.float32(2), np.array([2, 1, 2], np.float32))
    assert g.dtype == np.float32


# Arrays of other classes.


class Named(np.ndarray):
    """A kind of array that changes nothing."""


class Frame:
    """What says how it becomes an array, as tables of data do."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.values, dtype)

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("computed by the table itself")


@pytest.mark.parametrize("kind", ["memmap", "subclass"])
@pytest.mark.parametrize(
    "f", [tg.softmax, tg.logsumexp, tg.gelu, tg.erf, tg.log_sigmoid, lambda x: tg.xlogy(x, x),
          lambda x: tg.softmax_cross_entropy(x, [0, 1]), lambda x: tg.set_at(x, 0, 1.0),
          lambda x: tg.max_pool(x[None, None], 2)]
)  # fmt: skip
def test_functions_of_ours_take_arrays_of_a_class_of_their_own(
    f: Any, kind: str, tmp_path: Any
) -> None:
    x = np.array([[0.5, 1.0, 2.0], [3.0, 1.5, 0.25]])
    other: Any = x.view(Named)
    if kind == "memmap":
        other = np.memmap(tmp_path / "x", float, "w+", shape=x.shape)
        other[:] = x
    np.testing.assert_array_equal(f(other), f(x))
    found, expected = (tg.grad(lambda x: np.sum(f(x)))(a) for a in (other, x))
    np.testing.assert_array_equal(found, expected)


def test_an_array_of_a_class_of_its_own_leaves_a_variable_its_gradient() -> None:
    t = np.ones(2).view(Named)
    np.testing.assert_array_equal(tg.grad(lambda y: np.sum(tg.xlogy(t, y)))(np.full(2, 2.0)), 0.5)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
@pytest.mark.parametrize(
    "call", [tg.relu, tg.gelu, tg.softmax, tg.grad(np.sum), tg.one_hot,
             lambda x: tg.xlogy(variable([1.0, 1.0]), x)]
)  # fmt: skip
def test_arrays_whose_operators_mean_something_else_are_refused(call: Any, kind: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="its arithmetic differs"):
        call(kind([[1.0, 2.0], [3.0, 4.0]]))


@pytest.mark.parametrize("other", [Frame([1.0, 2.0, 3.0]), range(1, 4)])
@pytest.mark.parametrize(
    "f", [lambda x, t: x * t, lambda x, t: x - t, lambda x, t: x**t, lambda x, t: np.maximum(x, t),
          lambda x, t: x @ t, lambda x, t: np.add(x, t), lambda x, t: np.dot(x, t)]
)  # fmt: skip
def test_what_becomes_an_array_is_taken_as_one(f: Any, other: Any) -> None:
    x, t = np.array([2.0, 0.5, 4.0]), np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(f(tg.tensor(x), other).numpy(), f(x, t))
    found, expected = (tg.grad(lambda x, t=t: np.sum(f(x, t)))(x) for t in (other, t))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("call", [lambda x: np.add(x, "1"), lambda x: np.maximum({1.0}, x)])
def test_a_stranger_in_a_ufunc_is_named(call: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match=r"was called with a (str|set)"):
        call(variable([1.0, 2.0]))


# What is no number, and what is no pair.


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tg.grad(lambda x: np.allclose(x, x))(1.0), "f returned True"),
        (lambda: tg.grad(lambda x: x, has_aux=True)(1.0), "with has_aux=True"),
        (lambda: tg.grad(lambda x: (x, 1, 2), has_aux=True)(1.0), "with has_aux=True"),
        (lambda: tg.value_and_grad(lambda x: np.stack([x, x]), 0, True)(1.0), "has_aux=True"),
        (lambda: tg.grad(lambda x: x, 0.5)(1.0), "argnums is .*it is an integer"),  # type: ignore[arg-type]
        (lambda: tg.grad(lambda x: x, "x")(1.0), "argnums is .*it is an integer"),  # type: ignore[arg-type]
        (lambda: tg.grad(lambda x: x, None)(1.0), "argnums is .*it is an integer"),  # type: ignore[arg-type]
        (lambda: tg.jacobian(lambda x: "a")(1.0), "given as a result"),
        (lambda: tg.jvp(lambda x: x, 1.0, None), "given as a tangent"),
        (lambda: tg.vjp(lambda x: x, 1.0)[1]("a"), "given as a gradient"),
        (lambda: variable(1.0).backward(np.array(None)), "a gradient of dtype object"),
        (lambda: variable(1.0).backward("1"), "a gradient of dtype <U1"),
        (lambda: setattr(variable(1.0), "data", None), "data of dtype object"),
        (lambda: setattr(variable(1.0), "data", 1j), "data of dtype complex128"),
        (lambda: variable(1.0).register_hook(None), "hook is None. it is a function"),  # type: ignore[arg-type]
        (lambda: tg.mean_squared_error(None, None), "a loss compares numbers"),
        (lambda: tg.cross_entropy("a", 0), "a loss compares numbers"),
        (lambda: tg.huber(np.ones(2, object), np.ones(2)), "a loss compares numbers"),
    ],
)
def test_what_is_refused_is_named(call: Any, words: str) -> None:
    with pytest.raises((tg.Error, TypeError), match=words):
        call()


# Where nothing, or nothing much, is handed in.


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (lambda x: x @ np.ones((0, 5)), (4, 2, 0)),
        (lambda x: np.ones((4, 2, 0)) @ x, (0, 5)),
        (lambda x: np.dot(np.ones((4, 2, 0)), x), (0, 5)),
        (lambda x: np.einsum("ij->", x), (0, 3)),
        (lambda x: np.einsum("ij->", x), (3, 0)),
        (lambda x: np.einsum("ii", x), (0, 0)),
        (lambda x: np.take(x, [], axis=0), (2, 3)),
        (lambda x: np.take(x, ()), (0,)),
        (lambda x: np.diff(x, n=0, prepend=0.0, append=x), (3,)),
    ],
)
def test_empty_operands_have_numpys_value_and_a_gradient_of_their_shape(f: Any, shape: Any) -> None:
    x = np.ones(shape)
    np.testing.assert_array_equal(f(variable(x)).numpy(), f(x))
    assert tg.grad(lambda x: np.sum(f(x)))(x).shape == shape
    assert tg.jvp(f, x, x)[1].shape == np.shape(f(x))


def test_a_variable_probability_is_named() -> None:
    with pytest.raises(tg.UnsupportedError, match="a variable as q"):
        tg.grad(lambda q: np.quantile(np.arange(3.0), q))(0.5)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(
    "f", [np.sum, np.nansum, np.nanmean, np.nanvar, np.nanstd, np.cumsum, np.cumprod, np.nancumsum,
          tg.softmax]
)  # fmt: skip
def test_a_number_goes_along_axis_0_in_the_gradient_too(f: Any, axis: int) -> None:
    x = np.array(1.5)
    found = tg.grad(lambda x: np.sum(f(x, axis=axis)))(x)
    assert found.shape == ()
    compiled = tg.compile(lambda x: 2 * np.sum(f(x, axis=axis)))
    assert compiled(x) == 2 * np.sum(f(x, axis=axis))
    assert tg.compile(tg.grad(lambda x: np.sum(f(x, axis=axis))))(x) == found


def test_logsumexp_of_complex_numbers_is_the_principal_logarithm() -> None:
    z = np.array([3.0 + 5.0j, 2.0 - 9.0j, 1.0j])
    np.testing.assert_allclose(tg.logsumexp(z), np.log(np.sum(np.exp(z))), rtol=1e-14)


def test_group_norm_of_no_examples_is_empty() -> None:
    assert tg.nn.GroupNorm(2, 4)(np.zeros((0, 4, 3))).shape == (0, 4, 3)


# Weights of losses.


@pytest.mark.parametrize(
    "loss",
    [
        lambda z, w, p: tg.softmax_cross_entropy(z, [0, 2], weight=w),
        lambda z, w, p: tg.softmax_cross_entropy(z, p, weight=w, label_smoothing=0.1),
        lambda z, w, p: tg.cross_entropy(tg.softmax(z), p, weight=w),
        lambda z, w, p: tg.focal(z, [0, 2], weight=w, reduction="sum"),
        lambda z, w, p: tg.sigmoid_cross_entropy(z, p, weight=w),
        lambda z, w, p: tg.binary_cross_entropy(tg.sigmoid(z), p, weight=w),
        lambda z, w, p: tg.nn.CrossEntropyLoss(weight=w)(z, np.array([0, 2])),
        lambda z, w, p: tg.nn.BCEWithLogitsLoss(pos_weight=w)(z, p),
    ],
)
def test_weights_and_distributions_have_their_whole_gradient(loss: Any) -> None:
    rng = np.random.default_rng(0)
    z, u, w = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), np.array([0.5, 1.0, 2.0])

    def f(z: Any, w: Any, u: Any) -> Any:
        return loss(z, w, tg.softmax(u))

    assert tgt.gradcheck(f, z, w, u)
    assert np.any(tg.grad(f, 1)(z, w, u) != 0)
    found = tg.compile(tg.grad(f, (0, 1)))(z, w, u)
    for a, b in zip(found, tg.grad(f, (0, 1))(z, w, u), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_a_loss_with_weights_is_an_argument_of_a_compiled_function() -> None:
    z, t = np.array([[0.5, 1.0, -1.0], [2.0, 0.0, 1.0]]), np.array([0, 2])
    layer = tg.nn.CrossEntropyLoss(weight=np.array([0.5, 1.0, 2.0]))
    assert tg.compile(lambda layer, z: layer(z, t))(layer, z) == layer(z, t)


def test_batchmean_of_no_batch_is_refused() -> None:
    with pytest.raises(tg.ShapeError, match="batchmean"):
        tg.nn.KLDivLoss(reduction="batchmean")(np.array(-1.0), np.array(0.5))


def test_prelu_of_a_number_is_a_number() -> None:
    assert np.shape(tg.nn.PReLU()(np.float64(-1.0))) == ()


# Networks and optimizers.


@pytest.mark.parametrize(
    "call",
    [
        lambda: tg.nn.Sequential(tg.nn.Linear(2, 2), np.tanh),
        lambda: tg.nn.Sequential(tg.nn.Linear(2, 2), tg.nn.ReLU),
        lambda: tg.nn.Sequential({"a": "relu"}),
        lambda: tg.nn.ModuleList([lambda x: x]),  # type: ignore[list-item]
        lambda: tg.nn.ModuleDict({"a": 3}),  # type: ignore[dict-item]
    ],
)
def test_what_is_no_module_is_not_left_out_in_silence(call: Any) -> None:
    with pytest.raises(tg.OptionError, match="it is a module"):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: tg.nn.Flatten(5)(x), "no axis 5"),
        (lambda x: tg.nn.Flatten()(x[0]), "no axis 1"),
        (lambda x: tg.nn.Flatten(1, 0)(x), "axes from 1 to 0 are none of it"),
        (lambda x: tg.nn.GroupNorm(1, 4)(x), "built for 4 channels"),
        (lambda x: tg.nn.GroupNorm(1, 4, affine=False)(x), "built for 4 channels"),
        (lambda x: tg.optim.SGD(tg.nn.Linear(2, 2)), "pass model.parameters"),
        (lambda x: tg.optim.Adam([variable(1.0)], lr=None), "lr is None. it is a number"),
        (lambda x: tg.optim.Adam([variable(1.0)], lr=NAN), "lr is nan"),
        (lambda x: tg.optim.SGD([{"lr": 0.1}]), "its Tensors as params"),
        (lambda x: fit((x, x)), "a tuple of arrays"),
        (lambda x: fit([], "loss"), "it is a function"),
        (lambda x: fit([], epochs=-1), "epochs is -1"),
    ],
)
def test_what_does_not_fit_a_network_is_named(call: Any, words: str) -> None:
    with pytest.raises((tg.Error, ValueError, TypeError), match=words):
        call(np.ones((2, 3)))


def fit(examples: Any, loss: Any = tg.mean_squared_error, epochs: int = 1) -> Any:
    return tg.fit(tg.nn.Linear(3, 3), examples, loss, tg.optim.sgd(), epochs)


def test_gradients_are_matched_with_parameters_by_key() -> None:
    rule = tg.optim.sgd(lr=1.0)
    w = {"a": np.zeros(2), "b": np.zeros(2)}
    new, _ = rule.update({"b": np.full(2, 2.0), "a": np.ones(2)}, rule.init(w), w)
    np.testing.assert_array_equal([new["a"], new["b"]], [[-1, -1], [-2, -2]])
    with pytest.raises(tg.ShapeError):
        rule.update({"c": np.ones(2), "a": np.ones(2)}, rule.init(w), w)


@pytest.mark.parametrize("kind", [tg.optim.SGD, tg.optim.Adam])
def test_a_gradient_may_be_a_tensor(kind: Any) -> None:
    w, v = variable([1.0, 2.0]), variable([1.0, 2.0])
    w.grad, v.grad = tg.tensor([1.0, -1.0]), np.array([1.0, -1.0])
    for p in (w, v):
        kind([p], lr=0.5).step()
    np.testing.assert_array_equal(w.numpy(), v.numpy())


def test_a_gradient_does_not_end_in_a_duration_in_silence() -> None:
    with pytest.raises(tg.DTypeError, match="times and dates"):
        variable([1.0, 2.0]) * np.timedelta64(1, "D")


def test_a_variable_as_an_option_is_named() -> None:
    x = np.arange(6.0).reshape(2, 3)
    with pytest.raises(tg.UnsupportedError, match=r"as mean= where no gradient can flow.*leave it"):
        tg.grad(lambda x: np.sum(np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True))))(x)
