"""blame: which rule of a program is wrong, on which line, by which operand."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.tensor import recorded

X = np.array([[0.5, 1.0, 2.0], [0.7, 1.3, 0.9]])
W = np.array([[0.4, 0.6], [0.8, 0.3], [0.2, 0.9]])


@tg.primitive(rules=lambda g, y, x: 2 * g / x)
def my_log(x: Any) -> Any:
    return np.log(x)


@tg.primitive(rules=(lambda g, y, a, b: g * a, lambda g, y, a, b: g * b), elementwise=True)
def swapped(a: Any, b: Any) -> Any:
    return a * b


@tg.primitive(rules=lambda g, y, x: g[0] * y[1] + g[1] * y[0])
def both(x: Any) -> Any:
    return np.sin(x), np.cos(x)


def line_of(f: Any, offset: int) -> int:
    return int(f.__code__.co_firstlineno + offset)


def test_names_step_line_operand_and_factor() -> None:
    def loss(x: Any, w: Any) -> Any:
        h = np.exp(x @ w)
        h = my_log(h)
        return np.mean(h)

    (said,) = tgt.blame(loss, X, W)
    called = f"tests/test_blame.py:{line_of(loss, 2)}"
    assert said.startswith("the rule of my_log, operand x, called at ")
    assert said.endswith(f"{called}, gives 2.000 times the derivative")


def test_report_of_a_program_names_who_is_to_blame() -> None:
    report = tgt.gradcheck(lambda x: np.sum(my_log(x)), X)
    assert report.verdict == "wrong"
    assert len(report.blame) == 1
    assert report.blame[0] in str(report)


def test_nobody_is_blamed_for_a_right_gradient() -> None:
    def loss(x: Any, w: Any) -> Any:
        return tg.cross_entropy(tg.softmax(tg.relu(x @ w)), np.eye(2))

    assert tgt.blame(loss, X, W) == ()
    assert tgt.gradcheck(loss, X, W).blame == ()


def test_both_operands() -> None:
    said = tgt.blame(lambda a, b: np.sum(swapped(a, b)), X, X[0])
    assert [s.split(",")[1] for s in said] == [" operand a", " operand b"]


def test_operand_without_gradient_is_not_blamed() -> None:
    said = tgt.blame(lambda a: np.sum(swapped(2.0, a)), X)
    assert [s.split(",")[1] for s in said] == [" operand b"]


def test_one_of_several_results() -> None:
    def loss(x: Any) -> Any:
        s, c = both(x)
        return np.sum(s * c)

    (said,) = tgt.blame(loss, X)
    assert "the rule of both, operand x" in said
    assert "-1.000 times the derivative of its result [1]" in said


def test_operands_in_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    each = TABLE[np.concatenate].each
    right = each.rule

    def wrong(i: int, g: Any, y: Any, arrays: Any, axis: Any = 0) -> Any:
        return right(i, g, y, arrays, axis) * (3 if i == 1 else 1)

    monkeypatch.setattr(each, "rule", wrong)
    (said,) = tgt.blame(lambda x, w: np.sum(np.concatenate([x, w.T]) ** 2), X, W)
    assert "the rule of concatenate, operand arrays[1]" in said
    assert "3.000 times" in said


def test_rule_that_is_not_linear() -> None:
    shifted = tg.primitive(lambda x: x + 1, rules=lambda g, y, x: g * g)
    (said,) = tgt.blame(lambda x: np.sum(3 * shifted(x)), X)
    assert "operand x" in said


def test_rule_that_fails_for_the_gradient_that_really_arrives() -> None:
    """Right for random gradients, wrong for the one of this program: a constant."""
    picky = tg.primitive(
        lambda x: x * 2, rules=lambda g, y, x: g * (3 if np.ptp(g) == 0 and g.size > 1 else 2)
    )
    report = tgt.gradcheck(lambda x: np.sum(picky(x)), X)
    (said,) = report.blame
    assert "operand x" in said


def test_rule_that_raises() -> None:
    shape = tg.primitive(lambda x: x * 2, rules=lambda g, y, x: np.sum(g) * 2)
    (said,) = tgt.blame(lambda x: np.sum(shape(x)), X)
    assert "raises ShapeError" in said


def test_small_factor_in_a_large_step() -> None:
    nearly = tg.primitive(lambda x: x**3, rules=lambda g, y, x: g * 3 * x**2 * (1 + 1e-6))
    x = np.random.default_rng(0).uniform(0.5, 2, (60, 70))
    (said,) = tgt.blame(lambda x: np.sum(nearly(x)), x)
    assert "gives 1.00000100 times the derivative" in said


def test_one_entry_of_many() -> None:
    def spoiled(g: Any, y: Any, x: Any) -> Any:
        r = 2 * g * x
        r[3, 4] = 0
        return r

    square = tg.primitive(lambda x: x * x, rules=spoiled)
    x = np.random.default_rng(0).uniform(0.5, 2, (60, 70))
    assert len(tgt.blame(lambda x: np.sum(square(x)), x)) == 1


def test_float32() -> None:
    (said,) = tgt.blame(lambda x: np.sum(my_log(x)), X.astype(np.float32))
    assert "gives 2.000 times" in said


def test_complex() -> None:
    (said,) = tgt.blame(lambda x: np.sum(np.abs(my_log(np.fft.fft(x) + 9))), X)
    assert "my_log" in said
    assert "gives 2.000 times" in said


def test_inside_a_checkpoint() -> None:
    (said,) = tgt.blame(tg.checkpoint(lambda x: np.sum(my_log(x) * 3)), X)
    assert "my_log" in said


def test_called_many_times_is_said_once() -> None:
    def loss(x: Any) -> Any:
        for _ in range(5):
            x = my_log(x) + 3
        return np.sum(x)

    assert len(tgt.blame(loss, X)) == 1


def test_trees_of_arguments() -> None:
    (said,) = tgt.blame(lambda p: np.sum(my_log(p["w"]) + p["b"][0]), {"w": X, "b": [X]})
    assert "my_log" in said


def test_what_goes_past_the_graph_is_named() -> None:
    report = tgt.gradcheck(lambda x: np.sum(tg.detach(x) * x), X)
    assert report.blame == ()
    assert "past the graph" in str(report)


def test_second_derivatives() -> None:
    """The rule of exp is right, and the function it is written with has a wrong rule."""
    plain_exp = tg.primitive(lambda x: np.exp(x), rules=lambda g, y, x: g * 0.5 * y)
    own = tg.primitive(lambda x: np.exp(x), rules=lambda g, y, x: g * plain_exp(x))
    report = tgt.gradcheck(lambda x: np.sum(own(x)), X, order=2)
    assert report.verdict == "wrong"
    assert report.higher is not None
    assert any("gives 0.500 times" in said for said in report.higher.blame)


def test_gradient_of_someone_else_blames_nobody() -> None:
    report = tgt.gradcheck(lambda x: np.sum(my_log(x)), X, gradient=lambda x: 3 / x)
    assert (report.verdict, report.blame, report.notes) == ("wrong", (), ())


def test_recording_is_as_before_even_after_an_error() -> None:
    def fails(x: Any) -> Any:
        raise KeyError(my_log(x))

    with pytest.raises(KeyError):
        tgt.blame(fails, X)
    assert recorded.__globals__["recorded"] is recorded


def test_a_late_step_of_a_long_loop() -> None:
    """Only the first steps of a line are checked one by one; the others together."""

    def slope(g: Any, y: Any, x: Any) -> Any:
        return g * (x > 0) * np.where(x > 4, 1.001, 1.0)

    leaky = tg.primitive(lambda x: np.maximum(x, 0), rules=slope)

    def loss(x: Any) -> Any:
        for _ in range(300):
            x = leaky(x * 1.0) + 0.01
        return np.sum(x)

    assert tgt.blame(loss, np.array([0.5, 0.7])) == ()
    (said,) = tgt.blame(loss, np.array([0.5, 2.0]))
    assert "at x[1]" in said


def test_a_long_loop_takes_one_witness_for_all_its_steps() -> None:
    calls: list[int] = []

    def counted(x: Any) -> Any:
        calls.append(1)
        return np.tanh(x)

    op = tg.primitive(counted, rules=lambda g, y, x: g * (1 - y * y))

    def loss(x: Any) -> Any:
        for _ in range(500):
            x = op(x)
        return np.sum(x)

    assert tgt.blame(loss, X) == ()
    assert len(calls) < 20 * 500


def test_gradients_that_vanish_on_the_way_do_not_slow_it_down() -> None:
    steps: list[int] = []

    def counted(x: Any) -> Any:
        steps.append(1)
        return x * 0.3

    op = tg.primitive(counted, rules=lambda g, y, x: g * 0.3)

    def loss(x: Any) -> Any:
        for _ in range(800):
            x = op(x) + 1.0
        return np.sum(x)

    assert tgt.blame(loss, X[0]) == ()
    assert len(steps) < 30 * 800


@pytest.mark.parametrize("derived", [tg.grad, lambda f: lambda x: tg.hvp(f, x, x), tg.jacobian])
def test_steps_of_a_function_whose_derivative_is_taken(derived: Any) -> None:
    """The result does not depend on my_log: its rule stands in its place."""
    (said,) = tgt.blame(derived(lambda x: np.sum(my_log(x))), X[0])
    assert "the rule of my_log" in said


def test_a_graph_that_is_gone_blames_nobody() -> None:
    def inside(x: Any) -> Any:
        w = tg.tensor([1.0, 2.0], requires_grad=True)
        np.sum(my_log(w)).backward()
        return np.sum(x * w.grad)

    assert tgt.blame(inside, X[0, :2]) == ()
