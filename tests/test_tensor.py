"""Tensor: NumPy's operators, functions, indexing and conversions, each with the right gradient."""

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg

DATA = np.array([1.5, 2.0, 0.5])
OTHER = np.array([0.5, 3.0, 2.0])
BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
]
OTHERS = [OTHER, np.float64(2.5), [0.5, 3.0, 2.0], (0.5, 3.0, 2.0), 2.5, 2]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


def leaf(data: Any = DATA) -> tg.Tensor:
    return tg.tensor(data, requires_grad=True, dtype=float)


def slope(f: Callable[[Any], Any], x: Any = DATA) -> Any:
    """The gradient of sum(f) by central differences."""
    x = np.asarray(x, dtype=float)
    found = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[index] = 1e-6
        found[index] = (np.sum(f(x + step)) - np.sum(f(x - step))) / 2e-6
    return found


def gradient(f: Callable[[Any], Any], x: Any = DATA) -> Any:
    t = leaf(x)
    np.sum(f(t)).backward()
    return t.grad


# Operators.


@pytest.mark.parametrize("other", OTHERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
class TestBinaryOperators:
    def test_value_with_the_tensor_left(self, op: Any, other: Any) -> None:
        np.testing.assert_array_equal(op(leaf(), other).numpy(), op(DATA, np.asarray(other)))

    def test_value_with_the_tensor_right(self, op: Any, other: Any) -> None:
        np.testing.assert_array_equal(op(other, leaf()).numpy(), op(np.asarray(other), DATA))

    def test_result_is_a_tensor_left(self, op: Any, other: Any) -> None:
        assert type(op(leaf(), other)) is tg.Tensor

    def test_result_is_a_tensor_right(self, op: Any, other: Any) -> None:
        assert type(op(other, leaf())) is tg.Tensor

    def test_gradient_with_the_tensor_left(self, op: Any, other: Any) -> None:
        plain = np.asarray(other)
        np.testing.assert_allclose(
            gradient(lambda t: op(t, other)), slope(lambda x: op(x, plain)), rtol=1e-6
        )

    def test_gradient_with_the_tensor_right(self, op: Any, other: Any) -> None:
        plain = np.asarray(other)
        np.testing.assert_allclose(
            gradient(lambda t: op(other, t)), slope(lambda x: op(plain, x)), rtol=1e-6
        )


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
def test_both_operands_of_an_operator_get_a_gradient(op: Any) -> None:
    a, b = leaf(), leaf(OTHER)
    op(a, b).sum().backward()
    expected = slope(lambda x: op(x, OTHER)), slope(lambda x: op(DATA, x), OTHER)
    np.testing.assert_allclose([a.grad, b.grad], expected, rtol=1e-6)


def test_matmul_with_an_array_on_the_left() -> None:
    t = leaf([1.0, 2.0])
    (np.array([[1.0, 2.0], [3.0, 4.0]]) @ t).sum().backward()
    assert t.grad.tolist() == [4.0, 6.0]


def test_matmul_with_an_array_on_the_right() -> None:
    t = leaf([1.0, 2.0])
    (t @ np.array([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert t.grad.tolist() == [3.0, 7.0]


def test_matmul_with_a_list() -> None:
    t = leaf([1.0, 2.0])
    ([[1.0, 2.0], [3.0, 4.0]] @ t).sum().backward()
    assert t.grad.tolist() == [4.0, 6.0]


@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs], ids=lambda op: op.__name__)
def test_unary_operator_has_its_gradient(op: Any) -> None:
    data = np.array([-1.5, 2.0])
    np.testing.assert_allclose(gradient(op, data), slope(op, data), rtol=1e-6)


@pytest.mark.parametrize("exponent", [-1, 0.5, 2, 3, -2.5])
def test_power_by_a_number(exponent: float) -> None:
    expected = exponent * DATA ** (exponent - 1)
    np.testing.assert_allclose(gradient(lambda t: t**exponent), expected, rtol=1e-12)


def test_remainder_has_numpys_value() -> None:
    assert (leaf() % 1.0).tolist() == (DATA % 1.0).tolist()


def test_floor_division_has_numpys_value() -> None:
    assert (7.0 // leaf()).tolist() == (7.0 // DATA).tolist()


def test_divmod_is_quotient_and_remainder() -> None:
    assert [part.tolist() for part in divmod(leaf(), 1.0)] == [
        part.tolist() for part in divmod(DATA, 1.0)
    ]


def test_reflected_divmod_is_quotient_and_remainder() -> None:
    assert [part.tolist() for part in divmod(7.0, leaf())] == [
        part.tolist() for part in divmod(7.0, DATA)
    ]


def test_broadcast_gradient_is_summed() -> None:
    assert gradient(lambda t: t * np.ones((4, 3))).tolist() == [4.0, 4.0, 4.0]


def test_operator_with_a_stranger_raises_type_error() -> None:
    with pytest.raises(TypeError):
        leaf() + object()


def test_operator_with_none_raises_type_error() -> None:
    with pytest.raises(TypeError):
        leaf() * None


@pytest.mark.parametrize("number", [2.0, 2, True], ids=repr)
def test_float32_stays_with_python_numbers(number: Any) -> None:
    assert (tg.tensor([1.0], dtype=np.float32) * number).dtype == np.float32


def test_float32_stays_with_python_numbers_on_the_left() -> None:
    assert (2.0 * tg.tensor([1.0], dtype=np.float32)).dtype == np.float32


def test_scalar_float32_stays_with_python_numbers() -> None:
    assert (tg.tensor(1.0, dtype=np.float32) * 2.0).dtype == np.float32


def test_float64_scalar_widens_as_in_numpy() -> None:
    assert (tg.tensor([1.0], dtype=np.float32) * np.float64(2)).dtype == np.float64


def test_gradient_has_the_dtype_of_the_leaf() -> None:
    t = tg.tensor([1.0], requires_grad=True, dtype=np.float32)
    (t * np.array([2.0])).sum().backward()
    assert t.grad.dtype == np.float32


# Comparisons.


@pytest.mark.parametrize("op", COMPARISONS, ids=lambda op: op.__name__)
class TestComparisons:
    def test_has_numpys_values(self, op: Any) -> None:
        assert op(leaf(), 1.5).tolist() == op(DATA, 1.5).tolist()

    def test_is_a_bool_tensor(self, op: Any) -> None:
        assert op(leaf(), 1.5).dtype == bool

    def test_needs_no_gradient(self, op: Any) -> None:
        assert not op(leaf(), leaf(OTHER)).requires_grad

    def test_array_on_the_left_gives_a_tensor(self, op: Any) -> None:
        assert type(op(OTHER, leaf())) is tg.Tensor

    def test_array_on_the_left_has_numpys_values(self, op: Any) -> None:
        assert op(OTHER, leaf()).tolist() == op(OTHER, DATA).tolist()


def test_masks_combine() -> None:
    t = leaf()
    assert ((t > 1) & ~(t > 1.7)).tolist() == [True, False, False]


def test_tensors_are_hashed_by_identity() -> None:
    a, b = leaf(), leaf()
    assert len({a, b, a}) == 2


def test_equality_with_none_is_false() -> None:
    assert not operator.eq(leaf(1.0), None)


# NumPy's functions.


@pytest.mark.parametrize(
    "f",
    [
        np.exp,
        np.sum,
        lambda t: np.sum(t, axis=0),
        lambda t: np.sum(a=t, axis=0),
        lambda t: np.mean(t, keepdims=True),
        lambda t: np.concatenate([t, OTHER]) * np.arange(6.0),
        lambda t: np.concatenate([OTHER, t]) * np.arange(6.0),
        lambda t: np.concatenate((t, t)) * np.arange(6.0),
        lambda t: np.stack([t, OTHER]) * np.arange(6.0).reshape(2, 3),
        lambda t: np.stack([OTHER, t], axis=1) * np.arange(6.0).reshape(3, 2),
        lambda t: np.stack(arrays=[OTHER, t]) * np.arange(6.0).reshape(2, 3),
        lambda t: np.where([True, False, True], t, OTHER),
        lambda t: np.where([True, False, True], OTHER, t),
        lambda t: np.where(t > 1, t * t, 0.0),
        lambda t: np.clip(t, 0.7, 1.9),
        lambda t: np.reshape(t, (3, 1)) * np.arange(2.0),
        lambda t: np.transpose(a=t * np.ones((2, 3))) * np.arange(6.0).reshape(3, 2),
        lambda t: np.einsum("i,i->", t, OTHER),
        lambda t: np.dot(OTHER, t),
        lambda t: np.add(t, t),
        lambda t: np.max(t),
        lambda t: np.std(t, ddof=1),
    ],
)
def test_numpy_function_arrives_at_the_engine(f: Any) -> None:
    np.testing.assert_allclose(gradient(f), slope(f), rtol=1e-6, atol=1e-9)


def test_numpy_function_gives_a_tensor() -> None:
    assert type(np.exp(leaf())) is tg.Tensor


def test_method_is_the_function() -> None:
    assert leaf().mean().item() == np.mean(DATA)


def test_reshape_takes_lengths_one_by_one() -> None:
    assert leaf().reshape(3, 1).shape == (3, 1)


def test_transpose_property() -> None:
    assert tg.tensor(np.ones((2, 3))).T.shape == (3, 2)


def test_last_axes_property() -> None:
    assert tg.tensor(np.ones((4, 2, 3))).mT.shape == (4, 3, 2)


def test_argmax_needs_no_gradient() -> None:
    assert not np.argmax(leaf()).requires_grad


def test_questions_are_answered_plainly() -> None:
    assert np.shape(leaf()) == (3,)


def test_function_without_a_rule_computes_for_constants() -> None:
    t = tg.tensor([2.0, 1.0, 2.0])
    np.testing.assert_allclose(np.union1d(t, t).numpy(), [1, 2])


# Indexing.


INDICES = [
    0,
    -1,
    slice(1, None),
    slice(None, None, -1),
    Ellipsis,
    None,
    [0, 2],
    [0, 0, 2],
    np.array([1, 1, 1]),
    np.array([[0, 1], [1, 2]]),
    np.array([True, False, True]),
    [True, False, True],
]


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_index_has_numpys_value(key: Any) -> None:
    np.testing.assert_array_equal(leaf()[key].numpy(), DATA[key])


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_index_scatters_its_gradient(key: Any) -> None:
    expected = np.zeros(3)
    np.add.at(expected, key, 1.0)
    np.testing.assert_array_equal(gradient(lambda t: t[key]), expected)


def test_index_by_a_tensor_mask() -> None:
    assert gradient(lambda t: t[t > 1]).tolist() == [1, 1, 0]


def test_index_by_a_tensor_of_integers() -> None:
    assert gradient(lambda t: t[tg.tensor([2, 2, 0])]).tolist() == [1, 0, 2]


def test_index_by_a_pair_with_tensors() -> None:
    data = np.arange(6.0).reshape(2, 3)
    rows, columns = tg.tensor([0, 1, 0]), tg.tensor([2, 1, 2])
    assert gradient(lambda t: t[rows, columns], data).tolist() == [[0, 0, 2], [0, 1, 0]]


def test_index_beyond_the_end_raises_index_error() -> None:
    with pytest.raises(IndexError):
        leaf()[3]


# What is refused.


@pytest.mark.parametrize("data", [[1, 2], [True]], ids=repr)
def test_only_floats_require_a_gradient(data: Any) -> None:
    with pytest.raises(TypeError):
        tg.tensor(data, requires_grad=True)


def test_integers_with_a_float_dtype_require_a_gradient() -> None:
    assert tg.tensor([1, 2], requires_grad=True, dtype=float).requires_grad


def test_text_is_refused() -> None:
    with pytest.raises(tg.DTypeError):
        tg.tensor("abc")


def _inplace(t: Any) -> None:
    array = np.ones(3)
    array += t


def _assign(t: Any) -> None:
    t[0] = 1.0


def _assign_into_array(t: Any) -> None:
    array = np.ones(3)
    array[:] = t


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: np.union1d(t, t), "union1d"),
        (lambda t: np.subtract.reduce(t), "subtract.reduce"),
        (lambda t: np.divide.accumulate(t), "accumulate"),
        (lambda t: np.nextafter.outer(t, t), "outer"),
        (lambda t: np.exp(t, out=np.ones(3)), "out="),
        (lambda t: np.sum(t, out=np.ones(())), "out="),
        (lambda t: np.exp(t, where=[True, False, True]), "where="),
        (lambda t: np.add(t, t, where=[True, False, True]), "where"),
        (lambda t: np.sum(t, initial=t[0]), "initial|gradient"),
        (lambda t: np.sum(t, axis=0, out=np.ones(3)), "out="),
        (lambda t: np.exp(t, where=np.array([True, False, True])), "where="),
        (lambda t: np.add(t, t, where=t > 1), "where"),
        (lambda t: np.exp(np.ones(3), out=t), "out="),
        (_inplace, "out="),
        (_assign, "set_at"),
        (_assign_into_array, "gradient"),
        (np.asarray, "detach"),
        (np.array, "detach"),
        (lambda t: np.array([t, t]), "np.stack"),
        (lambda t: np.asarray([t[0], t[1]]), "np.stack"),
        (lambda t: float(t[0]), "item"),
        (lambda t: int(t[0]), "item"),
        (lambda t: complex(t[0]), "item"),
        (lambda t: tg.tensor(t), "detach"),
    ],
)
def test_what_would_lose_a_gradient_is_refused_with_advice(call: Any, words: str) -> None:
    with pytest.raises(tg.UnsupportedError, match=words):
        call(leaf())


def test_error_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        np.union1d(leaf(), leaf())


def test_error_has_three_parts() -> None:
    with pytest.raises(tg.UnsupportedError) as caught:
        np.union1d(leaf(), leaf())
    assert len(caught.value.args) == 3


def test_masked_array_is_refused() -> None:
    with pytest.raises(tg.UnsupportedError):
        leaf() * np.ma.masked_array(OTHER, [True, False, False])


def test_where_true_says_nothing() -> None:
    assert np.exp(leaf(), where=True).requires_grad


def test_out_none_says_nothing() -> None:
    assert np.sum(leaf(), out=None).requires_grad


# Conversions.


def test_constant_becomes_an_array() -> None:
    assert np.asarray(tg.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_constants_join_to_an_array() -> None:
    t = tg.tensor([1.0, 2.0])
    assert np.array([t, t]).tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_constant_becomes_a_float() -> None:
    assert float(tg.tensor(2.5)) == 2.5


def test_integer_constant_is_an_index() -> None:
    assert "abc"[tg.tensor(1)] == "b"


def test_item_of_a_variable() -> None:
    assert leaf(2.5).item() == 2.5


def test_item_at_an_index() -> None:
    assert leaf().item(1) == 2.0


def test_numpy_gives_a_copy() -> None:
    t = leaf()
    t.numpy()[0] = 9
    assert t.item(0) == 1.5


def test_data_are_copied_in() -> None:
    array = DATA.copy()
    t = tg.tensor(array)
    array[0] = 9
    assert t.item(0) == 1.5


def test_detach_needs_no_gradient() -> None:
    assert not leaf().detach().requires_grad


def test_detach_function_stops_the_gradient() -> None:
    assert gradient(lambda t: t * tg.detach(t)).tolist() == DATA.tolist()


def test_detach_function_leaves_others_alone() -> None:
    assert tg.detach(3.0) == 3.0


def test_bool_of_a_scalar() -> None:
    assert not tg.tensor(0.0)


def test_bool_of_a_variable_steers_a_program() -> None:
    assert leaf(1.0) > 0


def test_bool_of_several_entries_is_ambiguous() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        bool(leaf())


def test_len() -> None:
    assert len(leaf()) == 3


def test_len_of_a_scalar_raises() -> None:
    with pytest.raises(TypeError):
        len(leaf(1.0))


def test_iteration_carries_gradients() -> None:
    assert gradient(lambda t: sum(x * i for i, x in enumerate(t))).tolist() == [0, 1, 2]


def test_unpacking() -> None:
    assert [x.item() for x in leaf()] == DATA.tolist()


def test_iteration_over_a_scalar_raises_at_once() -> None:
    with pytest.raises(TypeError):
        iter(leaf(1.0))


def test_in_finds_an_entry() -> None:
    assert 2.0 in leaf()


def test_in_misses_an_entry() -> None:
    assert 7.0 not in leaf()


def test_shape_ndim_size() -> None:
    t = tg.tensor(np.ones((2, 3)))
    assert (t.shape, t.ndim, t.size) == ((2, 3), 2, 6)


def test_round() -> None:
    assert round(tg.tensor(2.345), 1).item() == 2.3


# Text.


def test_repr_of_a_constant() -> None:
    assert repr(tg.tensor([1.0, 2.0])) == "tensor([1., 2.])"


def test_repr_of_a_leaf() -> None:
    assert repr(leaf([1.0, 2.0])) == "tensor([1., 2.], requires_grad=True)"


def test_repr_of_a_computed_tensor_names_the_function() -> None:
    assert repr(np.exp(leaf([0.0]))) == "tensor([1.], by=exp)"


def test_repr_names_an_unusual_dtype() -> None:
    assert "float32" in repr(tg.tensor([1.0], dtype=np.float32))


def test_format_of_a_scalar() -> None:
    assert f"{leaf(0.12345):.3f}" == "0.123"


def test_format_without_a_spec_is_str() -> None:
    assert f"{leaf([1.0])}" == str(leaf([1.0]))


def test_misspelt_method_names_numpys_function() -> None:
    with pytest.raises(AttributeError, match=r"np\.exp\(t\)"):
        leaf().exp()


def test_unknown_attribute_raises() -> None:
    assert not hasattr(leaf(), "colour")


# Copies.


COPIES = [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
COPY_NAMES = ["copy", "deepcopy", "pickle"]


@pytest.mark.parametrize("again", COPIES, ids=COPY_NAMES)
class TestCopies:
    def test_keeps_values(self, again: Any) -> None:
        assert again(leaf()).tolist() == DATA.tolist()

    def test_keeps_requires_grad(self, again: Any) -> None:
        assert again(leaf()).requires_grad

    def test_keeps_the_gradient(self, again: Any) -> None:
        t = leaf()
        (t * t).sum().backward()
        assert again(t).grad.tolist() == (2 * DATA).tolist()

    def test_shares_no_values(self, again: Any) -> None:
        t = leaf()
        again(t).data[0] = 9.0
        assert t.item(0) == 1.5

    def test_shares_no_gradient(self, again: Any) -> None:
        t = leaf()
        (t * t).sum().backward()
        again(t).grad[0] = 9.0
        assert t.grad[0] == 3.0

    def test_trains_on(self, again: Any) -> None:
        t = again(leaf())
        (t * t).sum().backward()
        assert t.grad.tolist() == (2 * DATA).tolist()

    def test_refuses_a_computed_tensor(self, again: Any) -> None:
        with pytest.raises(tg.UnsupportedError, match="detach"):
            again(leaf() * 2)

    def test_takes_a_constant_result(self, again: Any) -> None:
        assert again(tg.tensor(DATA) * 2).tolist() == (2 * DATA).tolist()


def test_copy_of_a_locked_leaf_is_writable() -> None:
    t = leaf()
    kept = t * t
    again = copy.copy(t)
    again.data[0] = 9.0
    assert (kept[0].item(), again.item(0)) == (2.25, 9.0)


def test_deepcopy_keeps_shared_tensors_shared() -> None:
    t = leaf()
    first, second = copy.deepcopy([t, t])
    assert first is second


def test_copied_by_numpy_keeps_its_gradient() -> None:
    assert gradient(np.copy).tolist() == [1, 1, 1]


def test_arguments_by_position_that_no_rule_knows_are_refused_at_the_call() -> None:
    with pytest.raises(tg.UnsupportedError, match="arguments"):
        np.cumsum(leaf(), None, None, np.zeros(3))


@pytest.mark.parametrize("f", [np.add, np.multiply, np.power])
def test_ufunc_computes_in_the_dtype_it_is_told(f: Any) -> None:
    x = leaf()
    y = f(x, 2.0, dtype=np.float32)
    y.sum().backward()
    assert (y.dtype, x.grad.dtype) == (np.float32, np.float64)


def test_reshape_in_another_order() -> None:
    t = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert t.reshape(6, order="F").tolist() == [0, 3, 1, 4, 2, 5]


def test_attribute_of_arrays_that_tensors_lack_says_where_it_is() -> None:
    with pytest.raises(AttributeError, match="numpy"):
        leaf().fill(0)


@pytest.mark.parametrize(
    "f",
    [lambda t: t.astype(int), lambda t: np.sum(t, dtype=int), lambda t: np.round(t).astype(int)],
)
def test_integers_carry_no_gradient(f: Any) -> None:
    assert not f(leaf()).requires_grad
