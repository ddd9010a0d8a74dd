"""Calls joined over steps, and factors taken out of sums, change no result."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_compiled_equality import check_same, outcome

import tinygrad_ce as tg
from tinygrad_ce.programs.batch import batched
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.programs.effects import look_again
from tinygrad_ce.programs.execute import executable
from tinygrad_ce.programs.factor import factored
from tinygrad_ce.programs.lower import lower
from tinygrad_ce.programs.plan import planned
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.programs.simplify import dead, simplify
from tinygrad_ce.programs.sums import products_of_rows
from tinygrad_ce.programs.trace import trace

N, B, D = 6, 3, 4


def chain(x: Any) -> Any:
    for _ in range(N):
        x = np.tanh(x * 1.01 + 0.5) * x - 0.1
    return x.sum()


def recurrent(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    for i in range(N):
        h = np.tanh(x[i] @ w + h @ u + b)
    return (h * h).mean()


def backwards(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    for i in reversed(range(N)):
        h = np.tanh(x[i] @ w + h @ u + b) + h
    return (h * h).sum()


def every_state(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    total = 0.0
    for i in range(N):
        h = np.tanh(x[i] @ w) * (h @ u) + b
        total = total + (h * h).sum()
    return total


def every_second(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    for i in range(0, N, 2):
        h = np.tanh(x[i] @ w + h @ u + b) * np.exp(-x[-i - 1] * 0.1)
    return h.sum()


def gated(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    for i in range(N):
        z = 1 / (1 + np.exp(-(x[i] @ w)))
        h = h + z * (np.tanh(h @ u + b) - h)
    return (h * h).mean()


def branches(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    """Rows that need one another in part: x[i] for odd i is used with what came before."""
    states = []
    for i in range(N):
        states.append(np.sin(x[i]) if i % 2 else np.sin(x[i] * (states[-1] if states else h)))
    return sum((s @ w).sum() for s in states) + (h @ u).sum() + b.sum()


RECURRENT = (recurrent, backwards, every_state, every_second, gated, branches)


def arguments(f: Callable[..., Any], seed: int, dtype: type = np.float64) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    shapes = [(D,)] if f is chain else [(N, B, D), (B, D), (D, D), (D, D), (D,)]
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


def gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: tg.value_and_grad(lambda p: f(*p))(xs)


def lines_of(f: Callable[..., Any], *args: Any) -> list[str]:
    program = lower(simplify(trace(f, args, {}).program))
    return [line.function.__name__ for line in program.lines]


@pytest.mark.parametrize("f", [chain, *RECURRENT])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_results_are_the_same(f: Any, dtype: type) -> None:
    step = gradients(f)
    compiled = compile(step)
    for seed in range(3):
        xs = arguments(f, seed, dtype)
        check_same(outcome(compiled, xs), outcome(step, xs), 256)


def test_a_chain_is_few_calls() -> None:
    found = lines_of(gradients(chain), *arguments(chain, 0))
    assert found[5 * N + 1 :] == [
        "stack", "stack", "multiply", "subtract", "multiply", "multiply", "add", "getitem",
        "prod", "look_again",
    ]  # fmt: skip


def test_gradients_of_weights_are_one_product_each() -> None:
    x, h, *weights = arguments(recurrent, 0)
    step = tg.grad(lambda p, x, h: recurrent(x, h, *p))
    found = lines_of(step, tuple(weights), x, h)
    assert found.count("matmul") == 1 + N + (N - 1) + 2  # x w; h u; g u.T; two gradients
    assert found.count("stack") == 2  # the states, the gradients
    assert found.count("tanh") == N


@pytest.mark.parametrize("special", [0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300])
@pytest.mark.parametrize("f", [chain, recurrent, gated])
def test_special_values(f: Any, special: float) -> None:
    step = gradients(f)
    compiled = compile(step)
    for place in range(1 if f is chain else 5):
        xs = arguments(f, 1)
        compiled(*xs)
        xs[place].flat[0] = special
        check_same(outcome(compiled, xs), outcome(step, xs), 256)


def products(x: Any) -> Any:
    """Products of numbers so large that sums of them overflow."""
    a, b = x[0] * x[1], x[1] * x[2]
    return ((a * x[3] + b) * x[3] * 1e-300).sum()


@pytest.mark.parametrize("scale", [1.0, 1e100, 1e154, 1e300])
def test_sums_that_overflow_before_they_are_multiplied(scale: float) -> None:
    step = gradients(products)
    compiled = compile(step)
    for small in (1.0, 0.0, 1e-300):
        x = np.array([[1.0, 2.0], [3.0, 4.0], [1.7, -1.3], [0.5, 1.5]])
        x[:3] *= scale
        x[3] *= small
        check_same(outcome(compiled, (x,)), outcome(step, (x,)), 256)


def test_what_is_factored_is_looked_at() -> None:
    g, h, u = (Value((2,), np.dtype(float), name=name) for name in "ghu")
    a, b = call(np.multiply, g, h, part="backward"), call(np.multiply, g, u, part="backward")
    total = call(np.add, a.result, b.result, part="backward")
    program = dead(factored(Program("f", (g, h, u), (a, b, total), (total.result,))))
    assert [line.function for line in program.lines] == [np.add, np.multiply, look_again]
    run = planned(program)
    np.testing.assert_array_equal(run(np.ones(2), np.ones(2), np.ones(2))[0], [2, 2])
    large = np.array([1e308, 1.0])
    for first in (0.0, 1e-300):
        with pytest.raises(tg.programs.effects.LookAgain), np.errstate(all="ignore"):
            run(np.array([first, 1.0]), large, large)


def test_factors_used_elsewhere_stay() -> None:
    g, h, u = (Value((2,), np.dtype(float), name=name) for name in "ghu")
    a, b = call(np.multiply, g, h, part="backward"), call(np.multiply, g, u, part="backward")
    total = call(np.add, a.result, b.result, part="backward")
    program = Program("f", (g, h, u), (a, b, total), (total.result, a.result, b.result))
    assert factored(program) is program


def test_lines_that_need_one_another_are_not_joined() -> None:
    x = Value((3,), np.dtype(float), name="x")
    lines = [call(np.exp, x)]
    for _ in range(9):
        lines.append(call(np.exp, lines[-1].result))
    program = Program("f", (x,), tuple(lines), (lines[-1].result,))
    assert batched(program) is program


def test_random_numbers_stay_in_their_order() -> None:
    def f(generator: Any, x: Any) -> Any:
        return sum((np.exp(x[i] * generator.random(D)) * x[i]).sum() for i in range(N))

    x = np.random.default_rng(3).normal(size=(N, D))
    compiled = compile(f)
    for seed in (1, 2):
        ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
        np.testing.assert_allclose(compiled(ours, x), f(theirs, x), rtol=1e-14)
        assert ours.random() == theirs.random()


def random_program(rng: np.random.Generator) -> Program:
    """A program of elementwise calls of rows and of one another, in no particular order."""
    x = Value((8, 2, 3), np.dtype(float), name="x")
    lines = [call(operator.getitem, x, i) for i in range(8)]
    values = [line.result for line in lines]
    for _ in range(60):
        kind = rng.integers(4)
        recent = values[-24:] if rng.random() < 0.7 else values
        a, b = (recent[int(i)] for i in rng.integers(len(recent), size=2))
        args: tuple[Any, ...] = (a, 0.5) if kind == 0 else (a,) if kind == 1 else (a, b)
        function = (np.multiply, np.tanh, np.add, np.subtract)[kind]
        lines.append(call(function, *args, part="backward"))
        values.append(lines[-1].result)
    outputs = [values[int(i)] for i in rng.integers(8, len(values), size=5)]
    return Program("f", (x,), tuple(lines), tuple(outputs))


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = random_program(rng)
    x = rng.normal(size=(8, 2, 3))
    expected = executable(before)(x)
    for passes in (
        [batched],
        [factored, dead, batched],
        [factored, dead, batched, products_of_rows],
    ):
        after = before
        for each in passes:
            after = each(after)
        check_defined(after)
        for run in (executable(after), planned(after)):
            for found, value in zip(run(x), expected, strict=True):
                np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12)


def check_defined(program: Program) -> None:
    """Every Value is made once, before it is used."""
    there = set(program.inputs)
    for line in program.lines:
        assert isinstance(line, Line)
        assert there.issuperset(line.operands())
        assert there.isdisjoint(line.results)
        there.update(line.results)
    assert there.issuperset(x for x in program.outputs if isinstance(x, Value))


def descent(f: Callable[..., Any], rate: float) -> Callable[..., Any]:
    def step(p: Any, x: Any, h: Any) -> Any:
        loss, g = tg.value_and_grad(lambda p: f(x, h, *p))(p)
        return loss, tuple(w - rate * d for w, d in zip(p, g, strict=True))

    return step


@pytest.mark.parametrize("rate", [0.1, 1e-3, -0.5, 3.0, 1e-9])
def test_the_rate_moves_to_the_seed(rate: float) -> None:
    step = descent(recurrent, rate)
    compiled = compile(step)
    for seed in range(3):
        x, h, *weights = arguments(recurrent, seed)
        check_same(outcome(compiled, (weights, x, h)), outcome(step, (weights, x, h)), 256)
    found = lines_of(step, tuple(weights), x, h)
    moves = 1e-6 <= abs(rate) <= 1
    assert found[-6:].count("multiply") == (0 if moves else 3)


def test_the_rate_stays_where_gradients_are_returned() -> None:
    def step(p: Any) -> Any:
        g = tg.grad(lambda p: np.sum(p * p))(p)
        return p - 0.1 * g, g

    p = np.array([1.0, 2.0])
    check_same(outcome(compile(step), (p,)), outcome(step, (p,)))
