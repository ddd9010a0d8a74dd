"""Plans: results in buffers made once, in place where nobody looks any more."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ce.programs.effects import LookAgain, look_again
from tinygrad_ce.programs.execute import executable
from tinygrad_ce.programs.plan import planned
from tinygrad_ce.programs.program import Line, Program, Value, call
from tinygrad_ce.rules.joining import cut

X = np.linspace(0.5, 2.0, 6).reshape(2, 3)


def value(*shape: int, dtype: Any = float) -> Value:
    return Value(shape, np.dtype(dtype))


def program(inputs: list[Value], lines: list[Line], *outputs: Any) -> Program:
    return Program("f", tuple(inputs), tuple(lines), outputs)


def check(made: Program, *xs: Any) -> None:
    """The plan returns what the program says, twice, and again after other numbers."""
    run = planned(made)
    for scale in (1.0, 2.0, 1.0):
        given_ = [x * scale for x in xs]
        expected = executable(made)(*given_)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for a, b in zip(run(*given_), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)
            assert type(a) is type(b)


def test_a_result_is_written_over_an_operand_that_is_needed_no_more() -> None:
    x = value(2, 3)
    a = call(np.exp, x)
    b = call(np.add, a.result, 1.0)
    c = call(np.sum, b.result)
    made = program([x], [a, b, c], c.result)
    assert planned(made).source.count("empty(6") == 1
    check(made, X)


def test_a_result_is_not_written_over_what_is_looked_at_later() -> None:
    x = value(2, 3)
    a = call(np.exp, x)
    turned = call(np.transpose, a.result)
    b = call(np.add, a.result, 1.0)
    c = call(np.matmul, b.result, turned.result)
    check(program([x], [a, turned, b, c], c.result), X)


@pytest.mark.parametrize("function", [cut, np.split], ids=["cut", "split"])
def test_parts_of_a_value_keep_its_memory(function: Any) -> None:
    x = value(2, 3)
    a = call(np.exp, x)
    parts = (value(2, 1), value(2, 2))
    places: Any = ((0, 1, 3), 1) if function is cut else ([1], 1)
    halves = Line(parts, function, (a.result, *places), {}, "forward", False, True)
    b = call(np.sin, x)
    c = call(np.multiply, b.result, 2.0)
    d = call(np.sum, parts[1])
    check(program([x], [a, halves, b, c, d], d.result, c.result), X)


def test_results_are_fresh() -> None:
    x = value(2, 3)
    a = call(np.exp, x)
    b = call(np.transpose, a.result)
    run = planned(program([x], [a, b], a.result, b.result))
    first = run(X)
    kept = [y.copy() for y in first]
    run(2 * X)
    assert all(np.array_equal(p, q) for p, q in zip(first, kept))
    assert all(y.flags.writeable for y in first)


def test_a_constant_result_is_a_copy() -> None:
    run = planned(program([], [], X))
    run()[0][0, 0] = 7
    assert np.array_equal(run()[0], X)


def test_a_reshape_that_copies_is_no_view() -> None:
    x = value(2, 3)
    a = call(np.exp, x)
    turned = call(np.transpose, a.result)
    flat = call(np.reshape, turned.result, (6,))
    b = call(np.sin, flat.result)
    check(program([x], [a, turned, flat, b], b.result), X)


@pytest.mark.parametrize("shape", [(3,), (), (0,), (2, 2)])
def test_what_is_stacked_is_written_into_its_row(shape: Any) -> None:
    x = value(*shape)
    a, b = call(np.sin, x), call(np.cos, x)
    s = call(np.stack, [a.result, b.result, x])
    c = call(np.multiply, s.result, s.result)
    d = call(np.add, a.result, c.result)
    made = program([x], [a, b, s, c, d], d.result)
    assert planned(made).source.count("copyto(") == 1  # the input's row
    check(made, np.full(shape, 0.7))


def test_a_stacked_value_may_be_used_and_returned() -> None:
    x = value(3)
    a, b = call(np.sin, x), call(np.cos, x)
    s = call(np.stack, [a.result, b.result])
    c = call(np.sum, s.result)
    check(program([x], [a, b, s, c], c.result, a.result), np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_become_arrays_of_the_operands_dtype(dtype: Any) -> None:
    x = value(2, 3, dtype=dtype)
    a = call(np.multiply, x, 0.1)
    b = call(np.greater, a.result, 0.1)
    check(program([x], [a, b], a.result, b.result), X.astype(dtype))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("reduce", [np.sum, np.max, np.min, np.prod])
def test_reductions(reduce: Any, axis: Any, keepdims: bool) -> None:
    x = value(2, 3)
    a = call(np.exp, x)
    b = call(reduce, a.result, axis=axis, keepdims=keepdims)
    c = call(np.multiply, b.result, 2.0)
    check(program([x], [a, b, c], c.result), X)


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((4, 2, 3), (3, 2)),
     ((4, 2, 3), (4, 3, 2)), ((2, 0), (0, 3))],
)  # fmt: skip
def test_products(a: Any, b: Any) -> None:
    x, y = value(*a), value(*b)
    u = call(np.exp, x)
    v = call(np.matmul, u.result, y)
    w = call(np.add, v.result, 1.0)
    check(program([x, y], [u, v, w], w.result), np.ones(a), np.ones(b))


def test_a_nan_that_is_looked_for_leaves_the_program() -> None:
    x = value(2, 3)
    a = call(np.log, x)
    look = Line((), look_again, (a.result,), {}, effect=True)
    b = call(np.exp, a.result)
    run = planned(program([x], [a, look, b], b.result))
    assert np.isfinite(run(X)[0]).all()
    with pytest.raises(LookAgain), np.errstate(all="ignore"):
        run(X - 1.0)
    assert np.isfinite(run(X)[0]).all()


def test_calls_at_the_same_time_have_a_workspace_each() -> None:
    x = value(200, 200)
    a = call(np.exp, x)
    b = call(np.matmul, a.result, a.result)
    c = call(np.sum, b.result)
    run = planned(program([x], [a, b, c], c.result))
    inputs = [np.full((200, 200), i / 10) for i in range(4)]
    expected = [run(z)[0] for z in inputs]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(20):
            if run(inputs[i])[0] != expected[i]:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


UFUNCS = (np.add, np.multiply, np.subtract, np.maximum)


@given(st.data())
def test_random_plans(data: Any) -> None:
    """Any lines over two shapes, with any of the values as results."""
    inputs = [value(2, 3), value(3), value()]
    values, lines = list(inputs), []
    for _ in range(data.draw(st.integers(1, 12))):
        pick = st.sampled_from(values)
        kind = data.draw(st.sampled_from(("two", "one", "sum", "turn", "row", "stack")))
        a = data.draw(pick)
        if kind == "two":
            b = data.draw(pick.filter(lambda b, a=a: fits(a, b)))
            line = call(data.draw(st.sampled_from(UFUNCS)), a, b)
        elif kind == "one":
            line = call(data.draw(st.sampled_from((np.tanh, np.negative))), a)
        elif kind == "sum":
            line = call(np.sum, a)
        elif kind == "turn":
            line = call(np.transpose, a)
        elif kind == "row" and a.ndim:
            line = call(np.reshape, a, (a.size,))
        else:
            line = call(np.stack, [a, a] if kind == "stack" else [a])
        lines.append(line)
        values.append(line.result)
    outputs = data.draw(st.lists(st.sampled_from(values[3:]), min_size=1, max_size=3))
    check(program(inputs, lines, *outputs), X, X[0], np.array(0.3))


def fits(a: Value, b: Value) -> bool:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return False
    return True
