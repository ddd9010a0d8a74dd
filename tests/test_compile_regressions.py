"""Faults of compiled programs that were found by attacks from outside, each with its claim."""

from typing import Any

import numpy as np
import pytest
from test_compiled_equality import check_same, outcome

import tinygrad_ce as tg
from tinygrad_ce.programs import batch
from tinygrad_ce.programs.compiled import compile

INF = np.inf


def check(f: Any, *points: Any) -> None:
    """The program written at the first point returns what f returns, at all."""
    compiled = compile(f)
    for xs in points:
        check_same(outcome(compiled, xs), outcome(f, xs))


def drawn(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape)


# Lines that are joined.


@pytest.mark.parametrize("step", [2, 3])
def test_rows_between_the_same_ends_are_taken_in_their_own_steps(step: int) -> None:
    def f(x: Any) -> Any:
        n = 3 * step + 1
        every = [np.exp(x[i]) for i in range(n)]
        some = [np.sin(x[i]) for i in range(0, n, step)]
        return np.concatenate(every), np.concatenate(some)

    check(f, (drawn(12, 2),))


# A factor of all gradients.


@pytest.mark.parametrize(
    "options", [{"initial": 1.0}, {"axis": 0, "keepdims": True, "initial": 3.0}, {"dtype": int}]
)
def test_rate_does_not_pass_a_sum_that_adds_something_else(options: Any) -> None:
    def f(w: Any, x: Any) -> Any:
        g = tg.grad(lambda w: np.sum((w * x) ** 2))(w)
        return w - 0.1 * np.sum(g, **options)

    check(f, (drawn(3), drawn(3) + 1))


# Short ways.


def test_nan_of_a_short_way_is_seen_where_a_sum_leaves_it_out() -> None:
    def f(z: Any, where: Any) -> Any:
        y = tg.softmax(z)
        return y, np.sum(y, where=where)

    where = np.array([[False] * 3, [True] * 3])
    check(f, (drawn(2, 3), where), (np.array([[INF, 0, 1], [1, 2, 3]]), where))


@pytest.mark.parametrize("options", [{"dtype": complex}, {"dtype": int}])
def test_nan_of_a_short_way_is_seen_in_numbers_of_other_kinds(options: Any) -> None:
    check(lambda z: np.sum(tg.softmax(z), **options), (drawn(3),), (np.array([INF, 0, 1]),))


@pytest.mark.parametrize("way", [lambda f: f, lambda f: tg.grad(f, 1)])
def test_check_does_not_see_the_nan_of_a_short_way(way: Any) -> None:
    f = way(lambda z, s: tg.softmax_cross_entropy(s, tg.softmax(z)))
    z = np.array([[INF, 0.0, 1.0]] * 4)
    check(f, (drawn(4, 3), drawn(4, 3)), (z, drawn(4, 3)))


def test_function_that_refuses_nan_does_not_get_that_of_a_short_way() -> None:
    def f(z: Any) -> Any:
        y = tg.softmax(z)
        return np.sum(np.linalg.cholesky(np.eye(3) + y[:, None] * y))

    check(f, (drawn(3),), (np.array([INF, 0, 1]),))


# Dtypes, and numbers that a rule takes for others.

SQUARED = [np.array([True]), np.array([50], np.int8), np.float32([0.1]), np.float16([300])]


@pytest.mark.parametrize("x", SQUARED, ids=lambda x: x.dtype.name)
@pytest.mark.parametrize("n", [2.0, np.float64(2), np.array(2), np.float32(2)], ids=repr)
def test_square_has_the_dtype_of_the_power(x: Any, n: Any) -> None:
    check(lambda x: np.power(x, n), (x,))


def test_constant_of_zeros_keeps_their_signs() -> None:
    check(lambda x: x / np.array([0.0, -0.0]), (np.ones(2),))


def test_constant_keeps_the_digits_of_longdouble() -> None:
    c = np.full(2, np.longdouble(1) / 3)
    found = compile(lambda x: x * c)(np.ones(2, np.longdouble))
    np.testing.assert_array_equal(found, c)


def test_sum_of_one_hot_times_infinity_is_nan() -> None:
    check(lambda t: np.sum(tg.one_hot(t, 3) * INF, -1), (np.array([0, 1]),))


@pytest.mark.parametrize("n", [300, -1])
def test_comparison_takes_numbers_that_the_dtype_does_not_hold(n: int) -> None:
    check(lambda x: x < n, (np.array([1, 2], np.uint8),))


# Results of tiles; the arrays are so large that programs are cut.

LARGE = (120_001,)


def test_result_of_a_function_that_takes_no_place_leaves_its_tile() -> None:
    def f(x: Any) -> Any:
        y = np.where(x > 0, x, 0.1 * x)
        return y, np.tanh(y), 2 * y

    check(f, (drawn(*LARGE),))


def test_view_leaves_its_tile_and_is_used_in_it() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x)
        v = np.reshape(y, (*LARGE, 3, 1))
        return v, v * v + 1, v[:, 0] * 2, np.max(v, axis=1)

    check(f, (drawn(*LARGE, 3),))


def test_sum_over_tiles_keeps_its_dtype_where_it_is_returned_in_another_shape() -> None:
    check(
        lambda x: np.reshape(np.sum(np.exp(x) * x + np.tanh(x)), (1,)),
        (drawn(3 * LARGE[0]).astype(np.float32),),
    )


# Quotients that are known already.


@pytest.mark.parametrize("point", [(-2.0, -2.0, 1e308), (0.0, 1e-300, 1e300), (1e200, 1e-200, 0.0)])
def test_quotient_that_overflows_is_not_used(point: Any) -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return c / b, a / b * c, a / b, a * c / b

    ones = (np.ones(3),) * 3
    check(f, ones, tuple(np.full(3, x) for x in point))


def test_lines_that_would_wait_for_themselves_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_FEWEST", 2)

    def f(x: Any) -> Any:
        h, all_h = x[0], []
        for row in x:
            h = -h * row
            all_h.append(h)
        return np.sum(np.tanh(np.stack(all_h)))

    check(lambda x: tg.hvp(f, (x,), (x + 1,)), (drawn(4, 2),))


def test_sums_of_products_may_be_empty() -> None:
    def loss(w: Any, xs: Any) -> Any:
        h = np.zeros((2, 0))
        for x in xs:
            h = np.tanh(x @ w + h)
        return np.sum(h)

    check(tg.grad(loss), (np.zeros((3, 0)), drawn(6, 2, 3)))


# Effects, and places.


def test_what_is_printed_twice_is_printed_twice(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        tg.debug_print("{}", x)
        tg.debug_print("{}", x)
        return 2 * x

    compile(f)(1.0)
    assert capsys.readouterr().out == "1.0\n1.0\n"


def test_labels_are_subtracted_from_a_product_of_two_dtypes() -> None:
    def loss(x: Any, w: Any, t: Any) -> Any:
        return np.sum((x @ w - tg.one_hot(t, 3)) ** 2)

    t = np.array([0, 1, 2, 0])
    check(tg.value_and_grad(loss, 1), (drawn(4, 2).astype(np.float32), drawn(2, 3), t))


def test_label_out_of_range_is_refused_in_either_order_of_bytes() -> None:
    t = np.array([0, 0], ">i8")
    wrong = (t + 2**56).astype(">i8")
    check(tg.softmax_cross_entropy, (drawn(2, 3), t), (drawn(2, 3), wrong))


def test_label_out_of_range_leaves_the_program_fit_for_the_next_call() -> None:
    z, t = drawn(4, 3), np.array([0, 1, 2, 0])
    check(tg.value_and_grad(tg.softmax_cross_entropy), (z, t), (z, t + 1), (z, t), (z, t - 1))


# Numbers of Python's, and arguments as they may be written.


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x**3,
        lambda x: 0.3 * np.square(x),
        lambda x: np.log(x),
        lambda x: np.dot(x, 0.5),
        lambda x: x / 2,
    ],
)
def test_the_gradient_at_a_number_of_pythons_is_one_of_numpys(f: Any) -> None:
    check(tg.grad(f), (1.5,), (-2.0,), (0.0,))


def test_flatten_takes_an_order() -> None:
    check(lambda x: (x.flatten("F"), x.flatten(order="C"), x.ravel("F")), (drawn(2, 3),))


def test_an_argument_may_be_a_dict() -> None:
    check(lambda x: np.pad(x, {-1: (1, 2)}), (drawn(2, 3),))


@pytest.mark.parametrize("point", [0.5, np.float64(0.5), np.array([0.25, 0.5])])
@pytest.mark.parametrize("name", ["erf", "cbrt", "expi", "sici", "airy"])
def test_ufuncs_of_scipys_are_known_to_every_program(name: str, point: Any) -> None:
    special = pytest.importorskip("scipy.special")
    function = getattr(special, name)

    def first(x: Any) -> Any:
        y = function(x)
        return y[0] if isinstance(y, tuple) else y

    check(function, (point,))
    check(first, (point,))
    check(tg.grad(lambda x: np.sum(first(x))), (point,))


# Second derivatives.


def test_a_factor_that_one_product_has_twice_is_taken_out_once() -> None:
    check(tg.hessian(lambda x: np.sum(0.5 * tg.log_sigmoid(x) ** 2)), (np.array(1.0),))


def test_calls_of_constants_alone_are_not_joined() -> None:
    def f(x: Any, y: Any) -> Any:
        inner = np.sin(np.sin(x + y))
        parts = [np.sum(np.array([0.5, -1.0]) * (3 - inner)) for _ in range(2)]
        return np.sum(0.5 * (np.sin(x) + parts[0] + parts[1]) ** 2)

    check(tg.hessian(f, (0, 1)), (np.array([1.0]), np.array([1.0, 2.0])))
