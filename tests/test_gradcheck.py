"""gradcheck judges: right, wrong, kink, undecidable; what it is handed, and what it says."""

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce.errors import DTypeError, Error, ShapeError
from tinygrad_ce.testing.digits import as_digits, as_floats
from tinygrad_ce.testing.labels import paths
from tinygrad_ce.testing.vectors import Vector
from tinygrad_ce.testing.witnesses import _progress, jacobian

X = np.array([0.3, -1.2, 2.0])


def cubes(x: Any) -> Any:
    return np.sum(x**3)


# Verdicts


@pytest.mark.parametrize(
    "f", [np.tanh, np.sum, cubes, np.arctan, lambda x: np.outer(x, x), np.sort, np.linalg.norm]
)
def test_right(f: Any) -> None:
    report = tgt.gradcheck(f, X)
    assert report
    assert report.verdict == "right"


@pytest.mark.parametrize("error", [1e-1, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("f", [cubes, lambda x: np.sum(np.abs(x) ** 3 * np.sign(x))])
def test_wrong_in_one_entry(f: Any, error: float) -> None:
    """By complex steps, and by differences, which see 1e-9."""

    def wrong(x: Any) -> Any:
        g = 3 * x**2
        g[1] *= 1 + error
        return g

    report = tgt.gradcheck(f, X, gradient=wrong)
    assert report.verdict == "wrong"
    assert not report
    (part,) = report.parts
    assert part.codes.tolist() == [0, 3, 0]
    assert "x[1]" in str(report)


@pytest.mark.parametrize(
    ("f", "x"),
    [(np.abs, 0.0), (lambda x: np.maximum(x, 0), 0.0), (lambda x: np.max(x), np.ones(3)),
     (lambda x: np.minimum(x, 1), 1.0), (lambda x: 1e-9 * np.maximum(x, 0), 0.0),
     (lambda x: np.linalg.norm(x), np.zeros(2))],
)  # fmt: skip
def test_kink(f: Any, x: Any) -> None:
    report = tgt.gradcheck(f, x)
    assert report.verdict == "kink"
    assert report
    assert "from the left" in str(report)


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
@pytest.mark.parametrize("value", [-0.1, 1.1, 2.0])
def test_outside_the_one_sided_derivatives_of_a_kink_is_wrong(value: float, scale: float) -> None:
    relu = lambda x: scale * np.maximum(x, 0)
    report = tgt.gradcheck(relu, 0.0, gradient=lambda x: scale * value)
    assert report.verdict == "wrong"
    assert "not between" in str(report)


@pytest.mark.parametrize("x", [1e-3, 1e-7, -1e-5])
def test_near_a_kink_there_is_none(x: float) -> None:
    assert tgt.gradcheck(lambda x: np.maximum(x, 0), x).verdict == "right"
    wrong = tgt.gradcheck(lambda x: np.maximum(x, 0), x, gradient=lambda x: 0.5)
    assert wrong.verdict == "wrong"


@pytest.mark.parametrize(
    ("f", "x"),
    [(np.sqrt, 0.0), (np.arcsin, 1.0), (np.log1p, -1.0)],
)
def test_edge_of_the_domain_is_undecidable(f: Any, x: float) -> None:
    assert tgt.gradcheck(f, x).verdict == "undecidable"


@pytest.mark.parametrize(("f", "x"), [(np.floor, 3.0), (np.sign, 0.0), (np.cbrt, 0.0)])
def test_jumps_and_infinite_slopes_are_undecidable(f: Any, x: float) -> None:
    report = tgt.gradcheck(f, x)
    assert report.verdict == "undecidable"
    assert not report
    assert "f ends, jumps or is infinitely steep there" in str(report)


def test_noise_is_undecidable() -> None:
    def noisy(x: Any) -> Any:
        bits = np.asarray(x, np.float64).view(np.int64)
        return np.sum(x**2 * (1 + 1e-5 * np.sin(bits % 1000)))

    report = tgt.gradcheck(noisy, X, gradient=lambda x: 2 * x)
    assert report.verdict == "undecidable"
    assert "the witness is sure to" in str(report)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 1.0, 1e3, 1e8])
@pytest.mark.parametrize("f", [np.log, np.square, np.reciprocal, np.sqrt])
def test_every_size_of_x(f: Any, x: float) -> None:
    assert tgt.gradcheck(f, x).verdict == "right"
    right = tg.grad(f)(x)
    assert tgt.gradcheck(f, x, gradient=lambda x: right * (1 + 1e-6)).verdict == "wrong"


def test_small_entries_beside_large_ones_are_tested() -> None:
    sizes = np.array([1e10, 1.0, 1e-10])
    f = lambda x: np.sum(sizes * x**2)
    assert tgt.gradcheck(f, X).verdict == "right"
    wrong = 2 * sizes * X * np.array([1, 1, 1 + 1e-6])
    assert tgt.gradcheck(f, X, gradient=lambda x: wrong).verdict == "wrong"


def test_a_constant_has_gradient_0() -> None:
    assert tgt.gradcheck(lambda x: np.sum(np.round(x)), X).verdict == "right"
    assert tgt.gradcheck(lambda x: np.copysign(2.0, x), X).verdict == "right"


def test_cancellation_within_f_is_no_error_of_the_gradient() -> None:
    f = lambda x: np.sum((x + 1e8) - 1e8 + x**2)
    assert tgt.gradcheck(f, X).verdict == "right"


# float32


def test_float32_is_judged_by_its_own_rounding() -> None:
    x = np.linspace(-1, 1, 20, dtype=np.float32)
    f = lambda x: np.sum(np.tanh(x) ** 2)
    report = tgt.gradcheck(f, x)
    assert report.verdict == "right"
    assert 1e-7 < report.parts[0].comparison.tolerance.max() < 1e-4
    right = tg.grad(f)(x)
    assert right.dtype == np.float32
    assert tgt.gradcheck(f, x, gradient=lambda x: right * np.float32(1.001)).verdict == "wrong"


def test_float32_results_of_float64_arguments() -> None:
    """Where f itself rounds to float32, the witness knows that it cannot see more."""
    f = lambda x: np.sum(x**2).astype(np.float32)
    assert tgt.gradcheck(f, X).verdict in ("right", "undecidable")
    assert tgt.gradcheck(f, X, gradient=lambda x: 2.2 * x).verdict == "wrong"


# Trees and labels

Layer = namedtuple("Layer", "weight bias")


def test_trees_and_their_labels() -> None:
    tree = {"layers": [Layer(np.ones((2, 3)), np.zeros(2))], "scale": 2.0}

    def loss(parameters: Any, x: Any) -> Any:
        (layer,) = parameters["layers"]
        return np.sum(np.tanh(layer.weight @ x + layer.bias) * parameters["scale"])

    report = tgt.gradcheck(loss, tree, X)
    assert report.verdict == "right"
    labels = [part.comparison.argument for part in report.parts]
    assert labels == [
        "parameters['layers'][0].weight", "parameters['layers'][0].bias", "parameters['scale']", "x"
    ]  # fmt: skip
    assert all(len(part.comparison.siblings) == 3 for part in report.parts)


def test_results_in_a_tree_have_labels() -> None:
    report = tgt.gradcheck(lambda x: {"a": np.sin(x), "b": (np.sum(x), x[:2])}, X)
    assert report.verdict == "right"
    assert [p.comparison.result for p in report.parts] == ["['a']", "['b'][0]", "['b'][1]"]
    assert [p.comparison.expected.shape for p in report.parts] == [(3, 3), (3,), (2, 3)]


def test_paths() -> None:
    tree = {"w": [1.0, None, (2.0,)], "l": Layer(3.0, 4.0)}
    assert paths(tree) == ["['w'][0]", "['w'][2][0]", "['l'].weight", "['l'].bias"]


# Complex arguments


def test_complex_arguments() -> None:
    z = np.array([1 + 2j, -0.5j, 0.3 - 1j])
    f = lambda z: np.sum(np.abs(z) ** 2 + np.real(z**3))
    assert tgt.gradcheck(f, z).verdict == "right"
    right = tg.grad(f)(z)
    report = tgt.gradcheck(f, z, gradient=lambda z: np.conj(right))
    assert report.verdict == "wrong"  # df/dx - i df/dy is the convention


def test_complex_results_are_refused() -> None:
    with pytest.raises(DTypeError, match=r"f returned complex numbers\. .*real.*\. check np.real"):
        tgt.gradcheck(lambda x: np.sum(x * 1j), X)


# Gradients of other systems


def test_a_gradient_by_hand() -> None:
    assert tgt.gradcheck(cubes, X, gradient=lambda x: 3 * x**2)
    assert not tgt.gradcheck(cubes, X, gradient=lambda x: x**2)


def test_gradients_of_several_arguments() -> None:
    f = lambda a, b: np.sum(a * b**2)
    assert tgt.gradcheck(f, X, X + 3, gradient=lambda a, b: (b**2, 2 * a * b))
    swapped = tgt.gradcheck(f, X, X + 3, gradient=lambda a, b: (2 * a * b, b**2))
    assert [part.worst for part in swapped.parts] == ["wrong", "wrong"]
    assert tgt.gradcheck(f, X, X + 3, argnums=1, gradient=lambda a, b: 2 * a * b)


def test_a_backward_of_plain_arrays() -> None:
    def backward(g: Any, w: Any, x: Any) -> Any:
        return np.outer(g, x), w.T @ g

    f = lambda w, x: w @ x
    w = np.arange(6.0).reshape(2, 3)
    assert tgt.gradcheck(f, w, X, pullback=backward)
    assert not tgt.gradcheck(f, w, X, pullback=lambda g, w, x: (np.outer(g, x), w.T @ g * 1.000001))


def test_a_pullback_of_a_tree_of_results() -> None:
    f = lambda x: {"double": 2 * x, "sum": np.sum(x)}
    assert tgt.gradcheck(f, X, pullback=lambda g, x: 2 * g["double"] + g["sum"])


def test_a_closure_of_torch() -> None:
    torch = pytest.importorskip("torch")

    def gradient(x: Any) -> Any:
        t = torch.tensor(x, requires_grad=True)
        (torch.tanh(t) ** 2).sum().backward()
        return t.grad

    f = lambda x: np.sum(np.tanh(x) ** 2)
    assert tgt.gradcheck(f, X, gradient=gradient).verdict == "right"
    assert tgt.gradcheck(f, X, gradient=lambda x: 2 * gradient(x)).verdict == "wrong"


def test_nan_is_wrong() -> None:
    report = tgt.gradcheck(cubes, X, gradient=lambda x: np.full(3, np.nan))
    assert report.verdict == "wrong"


def test_a_jacobian_of_another_shape_is_wrong() -> None:
    report = tgt.gradcheck(np.sin, X, gradient=lambda x: np.cos(x))
    assert report.verdict == "wrong"
    assert "has shape (3,), not (3, 3)" in str(report)


# Order 2


def test_second_order() -> None:
    for f in (cubes, np.tanh, lambda x: np.sum(x) ** 3):
        report = tgt.gradcheck(f, X, order=2)
        assert report.verdict == "right"
        assert report.higher is not None
        assert report.higher.order == 2
    report = tgt.gradcheck(lambda a, b: np.sum(a**2 * b), X, X, order=2)
    assert report.verdict == "right"


def test_second_order_that_is_wrong() -> None:
    rule = lambda g, y, x: g * np.asarray(getattr(x, "value", x)) * 2  # a constant to order 2
    square = tg.primitive(rules=rule)(lambda x: x * x)
    report = tgt.gradcheck(square, X, order=2)
    assert tgt.gradcheck(square, X)
    assert report.verdict == "wrong"
    assert "derivative of order 2 is wrong" in str(report)


# Random directions


def test_directions() -> None:
    f = lambda x, y: np.sum(np.tanh(x) * y) + np.sum(y**2)
    report = tgt.gradcheck(f, X, X[::-1] + 4, directions=3, seed=7, order=2)
    assert report.verdict == "right"
    assert "along 3 random directions only, seed 7" in str(report)
    assert report.parts[0].codes.shape == (3,)
    for wrong in (1.000001, -1, 0):
        found = tgt.gradcheck(cubes, X, gradient=lambda x, w=wrong: 3 * x**2 * w, directions=2)
        assert found.verdict == "wrong"


def test_directions_of_complex_and_of_single_precision() -> None:
    z = X + 1j
    f = lambda z: np.sum(np.abs(z) ** 2 * np.real(z))
    assert tgt.gradcheck(f, z, directions=2).verdict == "right"
    assert not tgt.gradcheck(f, z, directions=2, gradient=lambda z: np.conj(tg.grad(f)(z)))
    assert tgt.gradcheck(cubes, X.astype(np.float32), directions=2).verdict == "right"


def test_directions_call_f_as_often_for_any_number_of_entries() -> None:
    calls = [tgt.gradcheck(cubes, np.ones(n), directions=2).evaluations for n in (3, 3000)]
    assert calls[0] == calls[1] < 60


def test_the_seed_chooses_the_directions() -> None:
    def measured(seed: int) -> Any:
        return tgt.gradcheck(cubes, X, directions=2, seed=seed).parts[0].comparison.expected

    np.testing.assert_array_equal(measured(1), measured(1))
    assert not np.array_equal(measured(1), measured(2))


def test_no_directions_are_refused() -> None:
    with pytest.raises(Error, match=r"directions=0\. .* at least one .*\. .*leave it out"):
        tgt.gradcheck(cubes, X, directions=0)


# Cost


def test_calls_grow_with_the_entries() -> None:
    calls = [tgt.gradcheck(cubes, np.ones(n)).evaluations for n in (10, 1000)]
    assert calls[1] < 9 * 1000
    assert calls[1] - calls[0] == 8 * 990


def test_two_checks_say_the_same() -> None:
    f = lambda x: np.sum(np.abs(x) ** 1.5)
    assert str(tgt.gradcheck(f, X)) == str(tgt.gradcheck(f, X))


def test_what_takes_long_is_announced(capsys: Any) -> None:
    point = Vector(cubes, (np.ones(20),), (0,))
    jacobian(point, announce=-1.0)
    assert "gradient check: 20 entries, about" in capsys.readouterr().err
    jacobian(point)
    assert capsys.readouterr().err == ""


def test_progress_is_shown_to_a_terminal(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    point = Vector(cubes, (np.ones(12),), (0,))
    assert list(_progress(point, -1.0)) == list(range(12))
    assert capsys.readouterr().err.endswith("\r12 of 12\n")


# Functions of Tensors


def test_methods_of_tensors_alone() -> None:
    """f is called with Tensors then. What is detached is a value of f all the same."""
    f = lambda x: (x * x).sum() + 0 * x.detach().sum()
    assert tgt.gradcheck(f, X).verdict == "right"
    stopped = tgt.gradcheck(lambda x: (x.detach() * x).sum(), X)
    assert stopped.verdict == "wrong"


def test_backward_within_f_is_refused() -> None:
    def f(x: Any) -> Any:
        y = (x * x).sum()
        y.backward()
        return x.grad.sum()

    with pytest.raises(Error, match="requires_grad"):
        tgt.gradcheck(f, X)


def test_errors_within_f_are_its_own() -> None:
    with pytest.raises(AttributeError, match="nope"):
        tgt.gradcheck(lambda x: x.nope(), X)
    with pytest.raises(ZeroDivisionError):
        tgt.gradcheck(lambda x: 1 / 0, X)


# Errors


def says(error: type, f: Any, *args: Any, match: str, **options: Any) -> None:
    with pytest.raises(error, match=match) as caught:
        tgt.gradcheck(f, *args, **options)
    assert len(caught.value.args) == 3


def test_errors_have_three_parts() -> None:
    says(DTypeError, np.sum, np.arange(3), argnums=0, match="x?a? has dtype int64")
    says(Error, np.sum, np.arange(3), match="nothing to differentiate by")
    says(Error, np.sum, np.zeros(0), match="nothing to differentiate by")
    says(Error, cubes, X, order=3, match="a check of order 3 was asked for")
    says(Error, cubes, X, order=2, gradient=lambda x: 3 * x**2, match="order 2")
    says(Error, lambda x: (x, x), X, gradient=lambda x: x, match="several results")
    two = lambda a, b: np.sum(a * b)
    says(ShapeError, two, X, X, gradient=lambda a, b: (b, a, a), match="has 3 parts")


def test_results_that_change_their_shape_are_refused() -> None:
    says(Error, lambda x: x[x >= 0.3], X, match="returned 1 numbers, and 2 before")


def test_assert_gradients() -> None:
    tgt.assert_gradients(cubes, X)
    tgt.assert_gradients(np.abs, 0.0)
    with pytest.raises(tgt.WrongGradientError, match=r"(?s)cubes: the gradient is wrong.*x\[2\]"):
        tgt.assert_gradients(cubes, X, gradient=lambda x: x**2)
    assert issubclass(tgt.WrongGradientError, AssertionError)


def test_the_name_in_the_report() -> None:
    assert str(tgt.gradcheck(cubes, X, name="mine")).startswith("mine: the gradient is right")


@pytest.mark.parametrize("z", [[7.0, 0, -1], [30.0, 0, -1], [50.0, 0, -1], [1.0, 2, 3]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cancellation_within_a_gradient_is_not_a_mistake(z: Any, dtype: Any) -> None:
    loss = lambda z: tg.softmax_cross_entropy(z, 0)
    assert tgt.gradcheck(loss, np.array(z, dtype)).verdict == "right"


@pytest.mark.parametrize("factor", [1 + 1e-6, 1 - 1e-8])
def test_a_small_mistake_beside_cancellation_is_one(factor: float) -> None:
    loss = lambda z: tg.softmax_cross_entropy(z, 0)
    wrong = lambda z: (tg.softmax(z) - np.array([1.0, 0, 0])) * factor
    assert tgt.gradcheck(loss, np.array([7.0, 0, -1]), gradient=wrong).verdict == "wrong"


def test_functions_without_complex_steps_are_measured_to_50_digits() -> None:
    pytest.importorskip("mpmath")
    report = tgt.gradcheck(lambda x: np.sum(np.abs(x) * np.exp(x)), np.array([-1.0, 0.5]))
    assert report.method == "differences of 50 digits"
    assert report.verdict == "right"


@pytest.mark.parametrize(
    "name", ["exp", "expm1", "log", "log1p", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "tanh",
             "arcsin", "arccos", "arctan", "sinh", "cosh", "arcsinh", "arctanh", "floor", "rint"]
)  # fmt: skip
def test_numbers_of_50_digits_have_numpys_values(name: str) -> None:
    pytest.importorskip("mpmath")
    x = np.array([0.25, 0.75])
    f = getattr(np, name)
    np.testing.assert_allclose(as_floats(f(as_digits(x))), f(x), rtol=1e-15)


def test_a_function_that_returns_nothing_is_refused() -> None:
    with pytest.raises(tg.Error, match="f returned None"):
        tgt.gradcheck(lambda x: None, 1.0)


@pytest.mark.parametrize("argnums", [2, -3, (0, 2)])
def test_an_argument_that_is_not_there_is_refused(argnums: Any) -> None:
    with pytest.raises(tg.Error, match="and 2 arguments"):
        tgt.gradcheck(np.hypot, 1.0, 2.0, argnums=argnums)


def test_a_gradient_that_returns_nothing_is_refused() -> None:
    with pytest.raises(tg.Error, match="returned None"):
        tgt.gradcheck(np.sin, 1.0, gradient=lambda x: None)


def test_where_f_refuses_the_next_numbers_it_ends() -> None:
    """Probabilities end at 0; whether the slope there is right, no witness can tell."""
    y, t = np.array([0.75, 0.25, 0.0]), np.array([0.5, 0.5, 0.0])
    report = tgt.gradcheck(tg.cross_entropy, y, t, argnums=0)
    assert report.verdict == "undecidable"
    assert "y[2]" in str(report)
    assert "f ends" in str(report)
