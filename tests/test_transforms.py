"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: forms, nesting, trees, errors."""

import math
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg

X = np.array([0.5, -1.0, 2.0])
V = np.array([1.0, 0.5, -2.0])
Z = np.array([0.3, -1.2, 2.0, 0.1])
T = np.array([0.0, 0.0, 1.0, 0.0])

Pair = namedtuple("Pair", ["w", "b"])


@dataclass(frozen=True)
class Layer:
    w: Any
    b: Any


def softened(z: Any) -> Any:
    e = np.exp(z - z.max())
    return e / e.sum()


def field(x: Any) -> Any:
    """From three numbers to two."""
    return np.stack([np.sum(x * x), x[0] * np.sin(x[1]) * x[2]])


FIELD_JACOBIAN = np.array(
    [2 * X, [np.sin(X[1]) * X[2], X[0] * np.cos(X[1]) * X[2], X[0] * np.sin(X[1])]]
)


# grad and value_and_grad.


def test_grad() -> None:
    np.testing.assert_array_equal(tg.grad(lambda x: np.sum(x * x))(X), 2 * X)


def test_grad_of_an_array_is_a_plain_array() -> None:
    assert type(tg.grad(lambda x: np.sum(x * x))(X)) is np.ndarray


def test_grad_of_a_float_is_a_plain_number() -> None:
    assert type(tg.grad(lambda x: x * x)(3.0)) is np.float64


def test_grad_of_a_tensor_is_a_tensor() -> None:
    assert type(tg.grad(lambda x: np.sum(x * x))(tg.tensor(X))) is tg.Tensor


def test_grad_keeps_float32() -> None:
    assert tg.grad(lambda x: np.sum(x * x))(X.astype(np.float32)).dtype == np.float32


def test_grad_is_writable() -> None:
    assert tg.grad(np.sum)(X).flags.writeable


def test_grad_shares_nothing_with_its_argument() -> None:
    assert not np.shares_memory(tg.grad(lambda x: np.dot(x, X))(X), X)


def test_grad_leaves_a_tensor_argument_without_gradient() -> None:
    t = tg.tensor(X, requires_grad=True)
    tg.grad(lambda x: np.sum(x * x))(t)
    assert t.grad is None


def test_grad_by_another_argument() -> None:
    assert tg.grad(lambda x, y: x * y * y, argnums=1)(2.0, 3.0) == 12.0


def test_grad_by_several_arguments_is_a_tuple() -> None:
    assert tg.grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0) == (3.0, 2.0)


def test_grad_by_a_tuple_of_one_is_a_tuple() -> None:
    assert tg.grad(lambda x: x * x, argnums=(0,))(2.0) == (4.0,)


def test_grad_counts_arguments_from_the_end() -> None:
    assert tg.grad(lambda x, y: x * y * y, argnums=-1)(2.0, 3.0) == 12.0


def test_argnums_beyond_the_arguments_raises() -> None:
    with pytest.raises(ValueError, match="argnums"):
        tg.grad(lambda x: x, argnums=1)(1.0)


def test_keywords_are_passed_on() -> None:
    assert tg.grad(lambda x, power: x**power)(2.0, power=3) == 12.0


def test_value_and_grad() -> None:
    assert tg.value_and_grad(lambda x: x * x)(3.0) == (9.0, 6.0)


def test_value_is_plain() -> None:
    assert type(tg.value_and_grad(lambda x: x * x)(3.0)[0]) is np.float64


def test_value_and_grad_with_aux() -> None:
    f = tg.value_and_grad(lambda x: (x * x, {"twice": 2 * x}), has_aux=True)
    assert f(3.0) == ((9.0, {"twice": 6.0}), 6.0)


def test_aux_is_plain() -> None:
    f = tg.value_and_grad(lambda x: (np.sum(x), x * 2), has_aux=True)
    assert type(f(X)[0][1]) is np.ndarray


def test_aux_may_be_anything() -> None:
    f = tg.grad(lambda x: (x * x, "words"), has_aux=True)
    assert f(3.0) == (6.0, "words")


def test_unused_argument_has_zeros() -> None:
    assert tg.grad(lambda x: 3.0)(X).tolist() == [0.0, 0.0, 0.0]


def test_unused_argument_has_zeros_beside_a_used_one() -> None:
    assert tg.grad(lambda x, y: x * 2, argnums=(0, 1))(1.0, 5.0) == (2.0, 0.0)


def test_works_within_no_grad() -> None:
    with tg.no_grad():
        assert tg.grad(lambda x: x * x)(3.0) == 6.0


def test_honours_no_grad_within_the_function() -> None:
    def f(x: Any) -> Any:
        with tg.no_grad():
            constant = x * x
        return constant * x

    assert tg.grad(f)(3.0) == 9.0


@pytest.mark.parametrize("transform", [tg.grad, tg.value_and_grad, tg.hessian])
def test_result_that_is_no_scalar_is_refused(transform: Any) -> None:
    with pytest.raises(tg.GradientError, match="jacobian"):
        transform(lambda x: x * x)(X)


@pytest.mark.parametrize("argument", [2, np.array([1, 2]), np.array([True])], ids=repr)
def test_integers_are_refused(argument: Any) -> None:
    with pytest.raises(tg.DTypeError, match="argument 0"):
        tg.grad(np.sum)(argument)


# Trees.


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"w": 2.0, "b": 3.0}, {"w": 3.0, "b": 2.0}),
        ([2.0, 3.0], [3.0, 2.0]),
        ((2.0, 3.0), (3.0, 2.0)),
        (Pair(2.0, 3.0), Pair(3.0, 2.0)),
        (Layer(2.0, 3.0), Layer(3.0, 2.0)),
        ({"deep": [Pair(2.0, 3.0), None]}, {"deep": [Pair(3.0, 2.0), None]}),
    ],
    ids=["dict", "list", "tuple", "namedtuple", "dataclass", "nested"],
)
def test_grad_has_the_form_of_the_tree(tree: Any, expected: Any) -> None:
    def product(t: Any) -> Any:
        if isinstance(t, dict):
            return t["w"] * t["b"] if "w" in t else product(t["deep"][0])
        return t.w * t.b if hasattr(t, "w") else t[0] * t[1]

    assert tg.grad(product)(tree) == expected


def test_grad_leaves_the_tree_alone() -> None:
    tree = {"w": 2.0}
    tg.grad(lambda t: t["w"] ** 2)(tree)
    assert tree == {"w": 2.0}


def test_vjp_of_a_function_to_a_tree() -> None:
    _, pull = tg.vjp(lambda x: {"a": x * x, "b": 3 * x}, 2.0)
    assert pull({"a": 1.0, "b": 10.0}) == (34.0,)


# Nesting.


def test_no_perturbation_confusion() -> None:
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0) == 1.0


def test_no_perturbation_confusion_where_both_multiply() -> None:
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(2.0))(3.0) == 6.0


@pytest.mark.parametrize("order", range(1, 5))
@pytest.mark.parametrize(
    ("f", "z"),
    [
        (lambda x: x**5, None),
        (lambda x: np.exp(2 * x) * np.sin(x), 2 + 1j),
    ],
    ids=["x**5", "exp(2x)sin(x)"],
)
def test_order(f: Any, z: Any, order: int) -> None:
    x = 0.7
    derived = f
    for _ in range(order):
        derived = tg.grad(derived)
    if z is None:
        expected = math.perm(5, order) * x ** (5 - order)
    else:
        expected = (z**order * np.exp(z * x)).imag
    np.testing.assert_allclose(derived(x), expected, rtol=1e-12)


def test_backward_through_grad() -> None:
    w = tg.tensor(3.0, requires_grad=True)
    tg.grad(lambda x: x * x * w)(2.0).backward()
    assert w.grad == 4.0


def test_grad_by_a_variable_carries_its_gradient() -> None:
    x = tg.tensor(3.0, requires_grad=True)
    tg.grad(lambda y: y**3)(x).backward()
    assert x.grad == 18.0


def test_grad_of_jacobian() -> None:
    f = tg.grad(lambda x: np.sum(tg.jacobian(lambda y: y**3)(x)))
    np.testing.assert_allclose(f(X), 6 * X)


# vjp and jvp.


def test_vjp_value() -> None:
    np.testing.assert_array_equal(tg.vjp(field, X)[0], field(X))


def test_vjp_is_the_transposed_jacobian() -> None:
    u = np.array([2.0, -3.0])
    np.testing.assert_allclose(tg.vjp(field, X)[1](u)[0], u @ FIELD_JACOBIAN)


def test_vjp_pulls_again() -> None:
    _, pull = tg.vjp(lambda x: x * x, X)
    pull(V)
    np.testing.assert_array_equal(pull(V)[0], 2 * X * V)


def test_vjp_has_a_gradient_for_each_argument() -> None:
    assert tg.vjp(lambda x, y: x * y, 2.0, 3.0)[1](1.0) == (3.0, 2.0)


def test_vjp_of_another_shape_is_refused() -> None:
    with pytest.raises(tg.ShapeError):
        tg.vjp(field, X)[1](np.ones(3))


def test_jvp_value() -> None:
    np.testing.assert_array_equal(tg.jvp(field, (X,), (V,))[0], field(X))


def test_jvp_is_the_jacobian_times_the_tangent() -> None:
    np.testing.assert_allclose(tg.jvp(field, (X,), (V,))[1], tg.jacobian(field)(X) @ V)


def test_jvp_is_plain() -> None:
    assert type(tg.jvp(field, (X,), (V,))[1]) is np.ndarray


def test_jvp_takes_a_single_argument() -> None:
    np.testing.assert_allclose(tg.jvp(field, X, V)[1], FIELD_JACOBIAN @ V)


def test_jvp_of_two_arguments() -> None:
    assert tg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))[1] == 23.0


def test_jvp_of_a_constant_is_zero() -> None:
    assert tg.jvp(lambda x: np.ones(2), (X,), (V,))[1].tolist() == [0.0, 0.0]


def test_jvp_of_a_linear_function() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(tg.jvp(lambda x: matrix @ x, (X,), (V,))[1], matrix @ V)


def test_jvp_of_another_shape_is_refused() -> None:
    with pytest.raises(tg.ShapeError):
        tg.jvp(field, (X,), (np.ones(2),))


def test_grad_of_jvp() -> None:
    f = tg.grad(lambda x: tg.jvp(lambda y: y**3, (x,), (1.0,))[1])
    assert f(2.0) == 12.0


def test_jvp_of_grad() -> None:
    assert tg.jvp(tg.grad(lambda x: x**3), (2.0,), (1.0,))[1] == 12.0


# jacobian, hessian, hvp.


def test_jacobian() -> None:
    np.testing.assert_allclose(tg.jacobian(field)(X), FIELD_JACOBIAN)


SHAPES: list[tuple[Callable[[Any], Any], tuple[int, ...], tuple[int, ...]]] = [
    (lambda x: x * 2, (), ()),
    (np.sum, (3,), (3,)),
    (lambda x: x * np.ones(2), (), (2,)),
    (lambda x: x.T, (2, 3), (3, 2, 2, 3)),
    (lambda x: x[:0], (3,), (0, 3)),
    (lambda x: np.ones(4), (3,), (4, 3)),
]


@pytest.mark.parametrize(("f", "argument", "expected"), SHAPES)
def test_jacobian_has_the_shapes_of_result_and_argument(
    f: Any, argument: Any, expected: Any
) -> None:
    assert np.shape(tg.jacobian(f)(np.ones(argument))) == expected


def test_jacobian_is_plain() -> None:
    assert type(tg.jacobian(field)(X)) is np.ndarray


def test_jacobian_by_several_arguments() -> None:
    found = tg.jacobian(lambda x, y: x * y, argnums=(0, 1))(X, V)
    np.testing.assert_array_equal(found, (np.diag(V), np.diag(X)))


def test_jacobian_with_a_tree() -> None:
    found = tg.jacobian(lambda t: t["a"] * t["b"])({"a": X, "b": 2.0})
    np.testing.assert_array_equal(found["b"], X)


def test_softmax_jacobian() -> None:
    p = softened(Z)
    np.testing.assert_allclose(
        tg.jacobian(tg.softmax)(Z), np.diag(p) - np.outer(p, p), rtol=1e-12, atol=1e-16
    )


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: tg.softmax_cross_entropy(z, T),
        lambda z: tg.cross_entropy(tg.softmax(z), T),
        lambda z: -np.sum(T * np.log(tg.softmax(z))),
        lambda z: tg.logsumexp(z) - np.sum(T * z),
    ],
    ids=["logits", "probabilities", "by hand", "logsumexp"],
)
class TestCrossEntropy:
    def test_gradient(self, loss: Any) -> None:
        np.testing.assert_allclose(tg.grad(loss)(Z), softened(Z) - T, rtol=1e-12)

    def test_hessian(self, loss: Any) -> None:
        p = softened(Z)
        np.testing.assert_allclose(
            tg.hessian(loss)(Z), np.diag(p) - np.outer(p, p), rtol=1e-10, atol=1e-14
        )

    def test_hvp(self, loss: Any) -> None:
        v = np.array([1.0, -2.0, 0.5, 3.0])
        np.testing.assert_allclose(tg.hvp(loss, Z, v), tg.hessian(loss)(Z) @ v, atol=1e-14)


def test_hessian_of_a_scalar() -> None:
    assert tg.hessian(lambda x: x**3)(2.0) == 12.0


def test_hessian_of_a_matrix_has_four_axes() -> None:
    assert tg.hessian(lambda x: np.sum(x**3))(np.ones((2, 3))).shape == (2, 3, 2, 3)


def test_hessian_of_a_linear_function_is_zero() -> None:
    assert not tg.hessian(np.sum)(X).any()


def test_hvp_of_a_tuple_of_arguments_is_a_tuple() -> None:
    assert tg.hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 10.0)) == (46.0, 4.0)


def test_hvp_of_another_shape_is_refused() -> None:
    with pytest.raises(tg.ShapeError):
        tg.hvp(np.sum, X, np.ones(2))


def test_deep_function() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(100_000):
            y = y + 1.0
        return y * y

    assert tg.grad(f)(1.0) == 200_002.0


def test_hvp_matches_tangents_by_key() -> None:
    point, direction = {"a": 2.0, "b": 3.0}, {"b": 0.0, "a": 1.0}
    found = tg.hvp(lambda p: p["a"] ** 3 + p["b"] ** 2, point, direction)
    assert found == {"a": 12.0, "b": 0.0}


def test_a_keyword_argument_may_have_any_name() -> None:
    def scaled(x: Any, f: float, args: float, argnums: float) -> Any:
        return np.sum(x * (f + args + argnums))

    x = np.ones(2)
    np.testing.assert_array_equal(tg.grad(scaled)(x, f=1.0, args=2.0, argnums=4.0), [7.0, 7.0])
    np.testing.assert_array_equal(tg.jacobian(scaled)(x, f=1.0, args=2.0, argnums=4.0), [7.0, 7.0])


@pytest.mark.parametrize("result", [None, "0", [1.0], (1.0, 2.0)])
def test_what_is_no_number_has_no_gradient(result: Any) -> None:
    """Above all None, of a function that forgot its return."""
    with pytest.raises(tg.GradientError, match="f returned"):
        tg.grad(lambda x: result)(np.ones(2))


@pytest.mark.parametrize("argnums", [(0, 0), (1, -1)])
def test_argnums_that_name_an_argument_twice_are_refused(argnums: Any) -> None:
    with pytest.raises(ValueError, match="twice"):
        tg.grad(lambda x, y: np.sum(x * y), argnums)(np.ones(2), np.ones(2))


def test_argnums_may_be_numpys_integers() -> None:
    found = tg.grad(lambda x, y: np.sum(x * y), np.int64(1))(np.full(2, 3.0), np.ones(2))
    np.testing.assert_array_equal(found, [3.0, 3.0])
