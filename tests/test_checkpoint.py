"""checkpoint: the same value and gradients, with less remembered."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


def block(x: Any) -> Any:
    return np.tanh(np.sin(x) * 2 + x**3)


def test_value_is_the_same() -> None:
    t = tg.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(tg.checkpoint(block)(t).numpy(), block(X))


def test_gradient_is_the_same() -> None:
    expected = tg.grad(lambda x: np.sum(block(x)))(X)
    found = tg.grad(lambda x: np.sum(tg.checkpoint(block)(x)))(X)
    np.testing.assert_array_equal(found, expected)


def test_second_derivative_is_the_same() -> None:
    expected = tg.hvp(lambda x: np.sum(block(x) ** 2), X, X + 1)
    found = tg.hvp(lambda x: np.sum(tg.checkpoint(block)(x) ** 2), X, X + 1)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_backward_reaches_what_the_function_only_uses() -> None:
    w = tg.tensor(2.0, requires_grad=True)
    x = tg.tensor(3.0, requires_grad=True)
    y = w * w
    tg.checkpoint(lambda x: x * y * w)(x).backward()
    assert (x.grad, w.grad) == (8.0, 36.0)


def test_outer_gradient_reaches_what_the_function_only_uses() -> None:
    f = tg.grad(lambda w: tg.grad(lambda x: tg.checkpoint(lambda x: x**2 * w**3)(x))(5.0))
    assert f(2.0) == 120.0


def test_blocks_may_follow_each_other_and_nest() -> None:
    inner = tg.checkpoint(block)
    chain = tg.checkpoint(lambda x: inner(inner(x)) + x)
    expected = tg.grad(lambda x: np.sum(block(block(x)) + x))(X)
    np.testing.assert_allclose(tg.grad(lambda x: np.sum(chain(x)))(X), expected, rtol=1e-14)


def test_trees_in_and_out() -> None:
    def f(p: Any, scale: float) -> Any:
        return {"a": p["x"] * scale, "b": (p["y"] ** 2, "text", p["x"])}

    def loss(p: Any, f: Any) -> Any:
        out = f(p, scale=3.0)
        return np.sum(out["a"] * out["b"][0]) + np.sum(out["b"][2])

    p = {"x": X, "y": X + 2}
    expected, found = tg.grad(loss)(p, f), tg.grad(loss)(p, tg.checkpoint(f))
    for key in p:
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-14)


def test_result_that_was_not_used_sends_nothing() -> None:
    f = tg.checkpoint(lambda x: (np.exp(x), np.log(x)))
    assert tg.grad(lambda x: f(x)[1])(4.0) == 0.25


def test_no_graph_is_kept_between() -> None:
    import gc
    import weakref

    kept: list[Any] = []

    def f(x: Any) -> Any:
        inside = np.exp(x)
        kept.append(weakref.ref(inside))
        return np.log(inside + 1)

    y = tg.checkpoint(f)(tg.tensor(X, requires_grad=True))
    gc.collect()
    assert kept[0]() is None
    assert y.requires_grad


def test_function_that_returns_something_else_is_refused() -> None:
    rng = np.random.default_rng(0)
    y = tg.checkpoint(lambda x: x * rng.normal())(tg.tensor(1.0, requires_grad=True))
    with pytest.raises(tg.GradientError, match="second time"):
        y.backward()


def test_without_variables_it_is_the_function() -> None:
    np.testing.assert_array_equal(tg.checkpoint(block)(X), block(X))


def test_within_no_grad_nothing_is_recorded() -> None:
    with tg.no_grad():
        assert not tg.checkpoint(block)(tg.tensor(X, requires_grad=True)).requires_grad


def test_hook_of_an_argument_runs_once() -> None:
    calls: list[Any] = []
    x = tg.tensor(X, requires_grad=True)
    x.register_hook(calls.append)
    tg.checkpoint(block)(x).sum().backward()
    assert len(calls) == 1
