"""primitive: a user's own rules, and hooks on gradients."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg

X = np.array([0.5, 1.0, 2.0])


def cube(x: Any) -> Any:
    return x * x * x


def test_own_rule_is_used() -> None:
    doubled = tg.primitive(cube, rules=lambda g, y, x: g * 100)
    assert tg.grad(lambda x: np.sum(doubled(x)))(X).tolist() == [100, 100, 100]


def test_as_decorator() -> None:
    @tg.primitive(rules=lambda g, y, x: g * 3 * x**2)
    def own(x: Any) -> Any:
        return x**3

    assert tg.grad(own)(2.0) == 12.0


def test_arrays_give_arrays() -> None:
    own = tg.primitive(cube, rules=lambda g, y, x: g * 3 * x**2)
    assert type(own(X)) is np.ndarray


def test_rules_of_numpy_functions_can_be_differentiated() -> None:
    own = tg.primitive(cube, rules=lambda g, y, x: g * 3 * x**2)
    assert tg.grad(tg.grad(own))(2.0) == 12.0


def test_operands_of_an_elementwise_function_broadcast() -> None:
    own = tg.primitive(
        lambda a, b: a * b,
        rules=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
        elementwise=True,
    )
    found = tg.grad(lambda a, b: np.sum(own(a, b)), (0, 1))(np.ones((2, 3)), X)
    assert [g.tolist() for g in found] == [[[0.5, 1, 2]] * 2, [2, 2, 2]]


def test_operand_without_rule_gets_nothing() -> None:
    own = tg.primitive(lambda a, b: a * b, rules=(lambda g, y, a, b: g * b, None))
    assert tg.grad(own, 1)(2.0, 3.0) == 0.0


def test_arguments_that_are_no_arrays() -> None:
    own = tg.primitive(
        lambda x, power, sign="plus": x**power if sign == "plus" else -(x**power),
        rules=lambda g, y, x, power, sign="plus": g * power * y / x,
    )
    assert tg.grad(lambda x: own(x, 3, sign="minus"))(2.0) == -12.0


def both(x: Any) -> Any:
    return np.sin(x), np.cos(x)


def test_several_results() -> None:
    pair = tg.primitive(both, rules=lambda g, y, x: g[0] * y[1] - g[1] * y[0])

    def loss(x: Any) -> Any:
        s, c = pair(x)
        return np.sum(s * c**2)

    expected = tg.grad(lambda x: np.sum(np.sin(x) * np.cos(x) ** 2))(X)
    np.testing.assert_allclose(tg.grad(loss)(X), expected, rtol=1e-14)


def test_one_of_several_results() -> None:
    pair = tg.primitive(both, rules=lambda g, y, x: g[0] * y[1] - g[1] * y[0])
    np.testing.assert_allclose(tg.grad(lambda x: np.sum(pair(x)[1]))(X), -np.sin(X), rtol=1e-15)


def test_second_derivative_of_several_results() -> None:
    pair = tg.primitive(both, rules=lambda g, y, x: g[0] * y[1] - g[1] * y[0])
    found = tg.hvp(lambda x: np.sum(pair(x)[0] ** 2), X, np.ones(3))
    np.testing.assert_allclose(found, 2 * np.cos(2 * X), rtol=1e-13)


def test_straight_through() -> None:
    rounded = tg.primitive(lambda x: np.round(x), rules=lambda g, y, x: g)
    x = tg.tensor([0.4, 1.6], requires_grad=True)
    y = rounded(x)
    (y * y).sum().backward()
    assert (y.tolist(), x.grad.tolist()) == ([0.0, 2.0], [0.0, 4.0])


def test_ufunc_is_known_by_itself() -> None:
    own = np.frompyfunc(lambda x: x**2, 1, 1)
    same = tg.primitive(own, rules=lambda g, y, x: g * 2 * x)
    assert same is own
    x = tg.tensor(np.array([3.0], dtype=object), requires_grad=True, dtype=object)
    own(x).sum().backward()
    assert x.grad.tolist() == [6.0]


@pytest.mark.parametrize("function", [np.sin, tg.sigmoid])
def test_functions_of_the_library_keep_their_rules(function: Any) -> None:
    with pytest.raises(tg.Error, match="in the library"):
        tg.primitive(function, rules=lambda g, y, x: g)


@pytest.mark.parametrize(
    "rule",
    [lambda g, y: g, lambda g, y, *args: g, lambda g, y, x, extra: g, np.negative, max],
    ids=["none", "args", "more", "ufunc", "builtin"],
)
def test_rule_with_other_arguments_is_refused(rule: Any) -> None:
    with pytest.raises(tg.Error, match="rule"):
        tg.primitive(cube, rules=rule)


def test_more_rules_than_operands_are_refused() -> None:
    with pytest.raises(tg.Error, match="takes"):
        tg.primitive(cube, rules=(lambda g, y, x: g, lambda g, y, x: g))


def test_wrong_shape_of_a_gradient_is_refused() -> None:
    own = tg.primitive(cube, rules=lambda g, y, x: np.sum(g))
    with pytest.raises(tg.ShapeError, match="returned shape"):
        tg.grad(lambda x: np.sum(own(x)))(X)


def test_hook_sees_the_whole_gradient() -> None:
    seen: list[Any] = []
    x = tg.tensor(X, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * y + y).sum().backward()
    assert seen == [[3.0, 5.0, 9.0]]


def test_hook_replaces_the_gradient() -> None:
    x = tg.tensor(X, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: np.clip(g, -1, 1))
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_removed_hook_is_not_called() -> None:
    x = tg.tensor(X, requires_grad=True)
    x.register_hook(lambda g: g * 7).remove()
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_hook_of_another_shape_is_refused() -> None:
    x = tg.tensor(X, requires_grad=True)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(tg.ShapeError, match="hook"):
        x.sum().backward()


def test_hook_on_a_constant_is_refused() -> None:
    with pytest.raises(tg.GradientError, match="register_hook"):
        tg.tensor(X).register_hook(print)


def test_hooks_run_in_order() -> None:
    x = tg.tensor(1.0, requires_grad=True)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    (x * 1).backward()
    assert x.grad == 20.0
