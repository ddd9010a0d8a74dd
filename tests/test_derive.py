"""tg.derive: the formulas of the founding article come out, by general passes; and they hold."""

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import tinygrad_ce as tg
from tests.test_programs import SEEDS, gradient, pulled_rounding, weighed, weights
from tinygrad_ce.programs.algebra import ALGEBRA
from tinygrad_ce.programs.derive import _ENGINE, derive
from tinygrad_ce.programs.identities import RULES
from tinygrad_ce.testing.strategies import programs

RNG = np.random.default_rng(0)
Y, T = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.2, 0.7])
Z, HOT = np.log(Y), np.array([0.0, 0.0, 1.0])
X, W, B = RNG.normal(size=(5, 3)), RNG.normal(size=3), RNG.integers(0, 2, 5).astype(float)
ZS, TS = RNG.normal(size=(4, 3)), np.eye(3)[[0, 1, 2, 1]]


def cross_entropy_by_hand(y, t):
    return -np.sum(t * np.log(y))


def cross_entropy(y, t):
    return tg.cross_entropy(y, t)


def squared_error_by_hand(y, t):
    return 0.5 * np.sum((y - t) ** 2)


def squared_error(y, t):
    return tg.squared_error(y, t, reduction="sum")


def softmax_cross_entropy(z, t):
    y = tg.softmax(z)
    return tg.cross_entropy(y, t)


def softmax_by_hand(z, t):
    e = np.exp(z)
    y = e / e.sum()
    return -np.sum(t * np.log(y))


def stable_softmax_by_hand(z, t):
    e = np.exp(z - z.max())
    y = e / e.sum()
    return -np.sum(t * np.log(y))


def rows_of_softmax_by_hand(z, t):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return -np.sum(t * np.log(y))


def library_softmax_by_hand(z, t):
    y = tg.softmax(z)
    return -np.sum(t * np.log(y))


def binary(z, t):
    y = tg.sigmoid(z)
    return -np.sum(t * np.log(y) + (1 - t) * np.log(1 - y))


def binary_by_hand(z, t):
    y = 1 / (1 + np.exp(-z))
    return -np.sum(t * np.log(y) + (1 - t) * np.log(1 - y))


def binary_of_the_library(z, t):
    y = tg.sigmoid(z)
    return tg.binary_cross_entropy(y, t, reduction="sum")


def logistic_regression(w, x, t):
    y = tg.sigmoid(x @ w)
    return -np.sum(t * np.log(y) + (1 - t) * np.log(1 - y))


def softmax_regression(w, x, t):
    y = tg.softmax(x @ w)
    return tg.cross_entropy(y, t, reduction="sum")


def class_index(z):
    y = tg.softmax(z)
    return tg.cross_entropy(y, 2)


def logsumexp(z):
    return np.log(np.sum(np.exp(z)))


def entropy(p):
    return -np.sum(p * np.log(p))


def norm(x):
    return np.sqrt(np.sum(x**2))


def gauss(mu, s, x):
    return np.sum(0.5 * ((x - mu) / s) ** 2)


def divergence(p, q):
    return np.sum(p * np.log(p / q))


def polynomial(x):
    return x**3 + 2 * x**2 - x


def ridge(w, x, t):
    return 0.5 * np.sum((x @ w - t) ** 2) + 0.05 * np.sum(w**2)


def saturating(z, t):
    y = tg.sigmoid(z)
    return 0.5 * np.sum((y - t) ** 2)


def network(w, b, v, x, t):
    h = np.tanh(x @ w + b)
    return tg.softmax_cross_entropy(h @ v, t)


WEIGHTS = RNG.normal(size=(3, 4)), np.zeros(4), RNG.normal(size=(4, 3))
GIVEN = {"sums_to_one": "t"}
SHAPES: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (cross_entropy_by_hand, (Y, T), {}, "-t / y"),
    (cross_entropy, (Y, T), {}, "-t / y"),
    (squared_error_by_hand, (Y, T), {}, "y - t"),
    (squared_error, (Y, T), {}, "y - t"),
    (softmax_cross_entropy, (Z, T), {}, "y - t"),
    (softmax_by_hand, (Z, T), GIVEN, "y - t"),
    (softmax_by_hand, (Z, T), {}, "np.sum(t) * y - t"),
    (stable_softmax_by_hand, (Z, T), GIVEN, "y - t"),
    (rows_of_softmax_by_hand, (ZS, TS), GIVEN, "y - t"),
    (library_softmax_by_hand, (Z, T), GIVEN, "y - t"),
    (binary, (Z, T), {}, "y - t"),
    (binary_by_hand, (Z, T), {}, "y - t"),
    (binary_of_the_library, (Z, T), {}, "y - t"),
    (logistic_regression, (W, X, B), {}, "x.T @ (y - t)"),
    (softmax_regression, (RNG.normal(size=(3, 3)), X, TS[[0, 1, 2, 0, 1]]), {}, "x.T @ (y - t)"),
    (class_index, (Z,), {}, "y - np.array([0.0, 0.0, 1.0])"),
    (logsumexp, (Z,), {}, "a / np.sum(a)"),
    (entropy, (Y,), {}, "-(np.log(p) + 1)"),
    (norm, (Y,), {}, "x / np.sqrt(np.sum(np.square(x)))"),
    (gauss, (Z, Y, T), {}, "(mu - x) / s ** 2"),
    (divergence, (Y, T), {}, "np.log(p / q) + 1"),
    (polynomial, (2.0,), {}, "-1 + x * 4 + 3 * x ** 2"),
    (ridge, (W, X, B), {}, "w * 0.1 + x.T @ (x @ w - t)"),
    (saturating, (Z, T), {}, "(y - t) * (y * (1 - y))"),
    (network, (*WEIGHTS, X, RNG.integers(0, 3, 5)), {}, "x.T @ (dh * (1 - h ** 2))"),
]
each_shape = pytest.mark.parametrize(
    ("f", "example", "options", "expected"), SHAPES, ids=[row[0].__name__ for row in SHAPES]
)


def result_of(source: str) -> ast.expr:
    """What the last assignment before `return` assigns."""
    function = ast.parse(source).body[-1]
    assert isinstance(function, ast.FunctionDef)
    assignment = function.body[-2]
    assert isinstance(assignment, ast.Assign)
    return assignment.value


class Renamed(ast.NodeTransformer):
    """Names in the order in which they come."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {"np": "np"}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.setdefault(node.id, f"n{len(self.names)}"))


def up_to_names(tree: ast.expr) -> str:
    return ast.unparse(Renamed().visit(tree))


@each_shape
def test_the_formula_comes_out(f: Any, example: Any, options: Any, expected: str) -> None:
    found = derive(f, *example, **options)
    wanted = ast.parse(expected, mode="eval").body
    assert up_to_names(result_of(str(found))) == up_to_names(wanted), str(found)


@each_shape
def test_numbers_are_those_of_the_engine(f: Any, example: Any, options: Any, expected: str) -> None:
    found, wanted = derive(f, *example, **options)(*example), tg.grad(f)(*example)
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@each_shape
def test_the_source_stands_alone(f: Any, example: Any, options: Any, expected: str) -> None:
    found = derive(f, *example, **options)
    assert "tinygrad" not in found.source
    scope: dict[str, Any] = {}
    exec(found.source, scope)
    np.testing.assert_array_equal(scope["gradient"](*example), found(*example))


@each_shape
def test_latex_is_whole(f: Any, example: Any, options: Any, expected: str) -> None:
    latex = derive(f, *example, **options).latex
    check_latex(latex)
    assert latex.count("&= ") >= 1
    assert r"\frac{\partial L}{\partial" in latex


def check_latex(latex: str) -> None:
    """Brackets and environments close, and no Python is left."""
    bare = re.sub(r"\\[{}]", "", latex)
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right")
    assert re.findall(r"\\begin\{(\w+)\}", latex).count("aligned") == 1
    assert sorted(re.findall(r"\\begin\{(\w+)\}", latex)) == sorted(
        re.findall(r"\\end\{(\w+)\}", latex)
    )
    assert not re.search(r"\baxis\b", latex)  # moveaxis is a function's name
    for python in ("np.", "**", "==", " @ ", "keepdims", "dtype", "None", "lambda"):
        assert python not in latex


def test_latex_of_the_founding_example() -> None:
    assert derive(softmax_by_hand, Z, T, sums_to_one="t").latex == "\n".join(
        [
            r"\begin{aligned}",
            r"e &= \exp\left(z\right) \\",
            r"y &= \frac{e}{\sum_{i} e_{i}} \\",
            r"\frac{\partial L}{\partial z} &= y - t",
            r"\end{aligned}",
        ]
    )


def test_latex_writes_cases_and_transposes() -> None:
    found = derive(lambda w, x: np.sum(tg.relu(x @ w)), RNG.normal(size=(3, 2)), X).latex
    check_latex(found)
    assert r"\begin{cases}" in found
    assert r"x^{\top}" in found
    assert derive(entropy, Y)._repr_latex_().startswith("$$\n\\begin{aligned}")


def test_steps_have_names_and_lead_from_the_chain_rule_to_the_result() -> None:
    found = derive(softmax_cross_entropy, Z, T, explain=True)
    assert [step.rule for step in found.steps] == [
        "signs",
        "sum of a distribution = 1",
        "x * 1 -> x",
    ]
    assert found.steps[-1].after == ("dz = y - t",)
    for before, after in zip(found.steps, found.steps[1:], strict=False):
        assert set(after.before) <= {*before.after, *found.start}
    assert str(found).startswith("forward:\n    y = softmax(z)\nthe chain rule:\n    dz = ")
    assert str(found).endswith(str(derive(softmax_cross_entropy, Z, T)))


@each_shape
def test_a_derivation_is_short(f: Any, example: Any, options: Any, expected: str) -> None:
    steps = derive(f, *example, **options).steps
    assert len(steps) <= 20
    for step in steps:
        assert step.before != step.after


def test_every_rule_that_goes_without_saying_exists() -> None:
    assert set(_ENGINE) <= {rule.name for rule in (*RULES, *ALGEBRA)}


def test_several_arguments_and_trees() -> None:
    def loss(p, x, t):
        y = x @ p["w"] + p["b"]
        return 0.5 * np.sum((y - t) ** 2)

    p = {"w": W, "b": np.array(0.5)}
    found = derive(loss, p, X, B, argnums=(0, 1))
    by_p, by_x = found(p, X, B)
    wanted, wanted_x = tg.grad(loss, (0, 1))(p, X, B)
    np.testing.assert_allclose(by_p["b"], wanted["b"])
    np.testing.assert_allclose(by_p["w"], wanted["w"])
    np.testing.assert_allclose(by_x, wanted_x)


def test_a_gradient_that_is_constant_or_an_argument() -> None:
    assert "return" in str(derive(lambda x, c: np.sum(c * x), Y, T))
    np.testing.assert_array_equal(derive(lambda x, c: np.sum(c * x), Y, T)(Y, T), T)
    np.testing.assert_array_equal(derive(lambda x: np.sum(x), Y)(Y), np.ones(3))
    check_latex(derive(lambda x, c: np.sum(c * x), Y, T).latex)


def test_what_is_given_names_an_argument() -> None:
    with pytest.raises(tg.TraceError, match="sums_to_one names q"):
        derive(cross_entropy, Y, T, sums_to_one="q")


def test_a_scalar_is_wanted() -> None:
    with pytest.raises(tg.GradientError, match="scalar"):
        derive(lambda x: x * 2, Y)


@given(programs(), SEEDS)
def test_derived_gradients_are_those_of_the_engine(p: Any, seed: int) -> None:
    xs = p.point()
    f = weighed(p, weights(p, seed))
    expected = gradient(f, xs)
    allowed = pulled_rounding(p, xs, weights(p, seed), expected)
    try:
        derivation = derive(f, *xs, argnums=tuple(range(len(xs))))
    except tg.TraceError:
        reject()  # it cannot be written down, and says so
    check_latex(derivation.latex)
    for g, e, error in zip(derivation(*xs), expected, allowed, strict=True):
        assert (g.shape, g.dtype) == (e.shape, e.dtype)
        assert np.all(np.abs(g - e) <= error), str(derivation)


# Programs of fractions, products and sums over positive numbers, where algebra has much to do.
ATOMS = st.sampled_from(
    ["a", "b", "c", "np.exp(a)", "np.log(b)", "np.sum(a)", "np.sum(b * c)", "2.0"]
)
FRACTIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+*/"), inner),
        st.builds("(-{})".format, inner),
        st.builds("({} ** 2)".format, inner),
        st.builds("(1 - {})".format, inner),
        st.builds("(1 / (1 + np.exp(-{})))".format, inner),
        st.builds("np.sum({})".format, inner),
    ),
    max_leaves=6,
)


@given(FRACTIONS, SEEDS)
def test_fractions(text: str, seed: int) -> None:
    def f(a, b, c):
        y = eval(text, {"np": np}, {"a": a, "b": b, "c": c})
        return np.sum(y * np.ones(3))

    point = tuple(np.random.default_rng(seed).uniform(0.5, 1.5, (3, 3)))
    with np.errstate(all="ignore"):
        expected = gradient(f, point)
        # What the gradient is sensitive to, algebra may change by as much.
        near = [gradient(f, tuple(x * (1 + 1e-6 * RNG.uniform(-1, 1, 3)) for x in point))
                for _ in range(3)]  # fmt: skip
    found = derive(f, *point, argnums=(0, 1, 2))(*point)
    for k, (g, e) in enumerate(zip(found, expected, strict=True)):
        change = np.max([np.max(np.abs(n[k] - e)) for n in near])
        size = np.max(np.abs(e))
        if not (np.all(np.isfinite(e)) and change < 1e-3 * size):
            continue
        assert np.all(np.abs(g - e) <= 1e-12 * size + 1e-7 * change), text
