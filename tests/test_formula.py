"""check_formula: right formulas pass, wrong ones come with the smallest input that shows it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable

import tinygrad_ce as tg
from tinygrad_ce.testing import WrongGradientError, check_formula, gradcheck
from tinygrad_ce.testing.strategies import (
    Layer,
    Pair,
    alike,
    arrays,
    away_from,
    labels,
    positive,
    probabilities,
    soft_targets,
)

ROOT = Path(__file__).parents[1]
OUTPUTS = alike(probabilities, soft_targets, shape=3)


def steady(shape: Any) -> Any:
    """Logits so close together that no y is near 1, where y - t would cancel."""
    return away_from([], shape=shape, largest=1.0)


def of_logits(z: Any, t: Any) -> Any:
    """Logits that happen to sum to 1 are not worth a warning here."""
    return tg.softmax_cross_entropy(z, t, check=False)


@pytest.mark.parametrize(
    ("f", "formula", "given"),
    [
        (tg.cross_entropy, lambda y, t: -t / y, OUTPUTS),
        (tg.kl_divergence, lambda y, t: -t / y, alike(probabilities, probabilities, shape=3)),
        (
            of_logits,
            lambda z, t: tg.softmax(z) - t,
            alike(steady, soft_targets, shape=3),
        ),
        (
            of_logits,
            lambda z, t: tg.softmax(z) - np.eye(3)[t],
            alike(steady, labels, shape=3),
        ),
        (tg.squared_error, lambda y, t: y - t, alike(arrays, arrays, shape=3)),
        (tg.relu, lambda x: (x > 0) * 1.0, away_from([0.0])),
        (np.log, lambda x: 1 / x, positive(dtype=np.float32)),
        (np.sum, np.ones_like, arrays()),
    ],
)
def test_formulas_on_paper_are_right(f: Any, formula: Any, given: Any) -> None:
    check_formula(f, formula, given=given)


@check_formula(tg.cross_entropy, given=OUTPUTS)
def test_the_decorator_makes_a_test_of_a_formula(y: Any, t: Any) -> Any:
    """Its body is the formula."""
    return -t / y


def test_the_decorated_formula_is_a_test_of_hypothesis() -> None:
    test: Any = test_the_decorator_makes_a_test_of_a_formula
    assert test.is_hypothesis_test
    assert test.__name__ == "test_the_decorator_makes_a_test_of_a_formula"
    assert test.__doc__ == "Its body is the formula."


@check_formula(np.matmul, given=[arrays((2, 2)), arrays((2, 2))], argnums=(0, 1))
def test_several_arguments_have_a_formula_each(a: Any, b: Any) -> Any:
    g = np.ones((2, 2))
    return g @ b.T, a.T @ g


@pytest.fixture(scope="module")
def sign() -> float:
    return -1.0


class TestMethods:
    @check_formula(tg.cross_entropy, given=OUTPUTS)
    def test_a_formula_may_be_a_method(self, y: Any, t: Any) -> Any:
        assert type(self) is TestMethods
        return -t / y

    @check_formula(tg.cross_entropy, given=[probabilities(3), soft_targets(3)])
    def test_keyword_only_arguments_are_fixtures(self, y: Any, t: Any, *, sign: float) -> Any:
        return sign * t / y


@check_formula(
    lambda layer, x: layer.w @ x + layer.b,
    given=st.tuples(st.builds(Layer, arrays((2, 3)), arrays(2)), arrays(3)),
)
def test_the_gradient_of_a_tree_is_a_tree(layer: Any, x: Any) -> Any:
    return Layer(np.tile(x, (2, 1)), np.ones(2))


@check_formula(lambda pair: pair.first * pair.second, given=st.builds(Pair, arrays(2), arrays(2)))
def test_a_named_tuple_is_one_argument(pair: Any) -> Any:
    return Pair(pair.second, pair.first)


def refused(f: Any, formula: Any, **options: Any) -> tuple[str, str]:
    """The message of the error, and what Hypothesis adds to it."""
    with pytest.raises(WrongGradientError) as caught:
        check_formula(f, formula, **options)
    return str(caught.value), "".join(caught.value.__notes__)


def test_a_wrong_sign_is_reported_with_the_smallest_input() -> None:
    message, notes = refused(tg.cross_entropy, lambda y, t: t / y, given=OUTPUTS)
    assert message.startswith("the formula is wrong, the engine is right\nformula, cross_entropy")
    assert "args=(array([0.33333333, 0.33333333, 0.33333333])" in notes
    assert "array([1., 0., 0.])" in notes


@pytest.mark.parametrize("factor", [1 + 1e-3, 1 + 1e-6, 1 + 1e-9])
def test_a_small_factor_is_found(factor: float) -> None:
    message, notes = refused(np.log, lambda x: factor / x, given=positive())
    assert "the formula is wrong" in message
    assert "array([1.])" in notes


def test_a_formula_that_is_wrong_somewhere_is_found_there() -> None:
    formula = lambda x: np.where(x < 0, 0.5, 1.0)
    _, notes = refused(lambda x: 1.0 * x, formula, given=away_from([0.0]))
    assert "-1." in notes


def test_a_wrong_engine_is_told_from_a_wrong_formula() -> None:
    def cube(x: Any) -> Any:
        return x * x * x

    def slope(g: Any, y: Any, x: Any) -> Any:
        return g * x * x * 2

    op = tg.primitive(cube, rules=slope)
    message, _ = refused(op, lambda x: 3 * x * x, given=arrays(1))
    assert message.startswith("the formula is right, the engine is wrong\nengine, cube")
    message, _ = refused(op, lambda x: x, given=arrays(1))
    assert message.startswith("the formula is wrong, the engine is wrong")


def test_a_missing_transpose_is_wrong() -> None:
    pair = alike(arrays, arrays, shape=(2, 2))
    formula = lambda a, b: np.ones((2, 2)) @ b
    assert "the formula is wrong" in refused(np.matmul, formula, given=pair)[0]


def test_at_a_kink_any_slope_in_between_passes() -> None:
    check_formula(np.abs, np.sign, given=st.just(np.zeros(2)))
    check_formula(np.abs, lambda x: x + 0.5, given=st.just(np.zeros(2)))
    assert "wrong" in refused(np.abs, lambda x: x + 2.0, given=st.just(np.zeros(2)))[0]


AT_0 = st.just(np.zeros(1))  # the edge of the domain of the root: no witness decides


def test_what_no_draw_decides_is_not_passed() -> None:
    with pytest.raises((Unsatisfiable, FailedHealthCheck)):
        check_formula(lambda x: x**1.5, lambda x: 1.5 * np.sqrt(x), given=AT_0)


def test_engine_and_formula_agree_where_the_witness_is_undecidable() -> None:
    message, _ = refused(lambda x: x**1.5, lambda x: 1.0 + x, given=AT_0)
    assert message.startswith("formula and engine differ, where the witness is undecidable")


def test_settings_and_seed_are_hypothesiss() -> None:
    seen: list[list[float]] = []

    def formula(x: Any) -> Any:
        seen[-1].append(float(x[0]))
        return 1 / x

    for seed in (1, 1, 2):
        seen.append([])
        check_formula(
            np.log, formula, given=positive(1), seed=seed,
            settings=hypothesis.settings(max_examples=5, deadline=None, database=None),
        )  # fmt: skip
    assert len(seen[0]) == 5
    assert seen[0] == seen[1] != seen[2]


def test_arguments_are_called_as_the_formula_calls_them() -> None:
    """Of a ufunc, and of what is wrapped, nothing else is known."""
    assert "by x, shape (1,)" in refused(np.log, lambda x: 2 / x, given=positive())[0]
    through = lambda *args: tg.squared_error(*args)
    formula = lambda y, t: 2 * (y - t)
    assert "by y, shape" in refused(through, formula, given=alike(arrays, arrays))[0]


def test_a_formula_without_names_takes_those_of_the_function() -> None:
    assert "by z, shape" in refused(lambda z: z**3, lambda *a: a[0], given=arrays(1))[0]


def test_strategies_in_a_list_are_drawn_under_the_arguments_names() -> None:
    _, notes = refused(tg.squared_error, lambda y, t: t - y, given=[arrays(1), arrays(1)])
    assert "y=array([1.])" in notes
    assert "t=array(" in notes


def test_the_message_has_no_lines_of_code_of_ours() -> None:
    _, notes = refused(lambda x: x**3, lambda x: 3 * x**2 * np.sign(x), given=arrays())
    assert "formula.py" not in notes
    assert "comparison.py" not in notes


def test_the_witness_runs_once_where_formula_and_engine_agree() -> None:
    calls: list[int] = []

    def counted(x: Any) -> Any:
        calls.append(1)
        return np.log(x)

    x = np.ones(1)
    witness = gradcheck(counted, x, gradient=lambda x: 1 / x).evaluations
    calls.clear()
    once = hypothesis.settings(max_examples=1, database=None, deadline=None)
    check_formula(counted, lambda x: 1 / x, given=st.just(x), settings=once)
    assert len(calls) < 1.5 * witness


def test_a_function_that_forgets_to_return_is_refused() -> None:
    with pytest.raises(tg.Error, match="returned nothing"):
        check_formula(lambda x: None, lambda x: 0 * x, given=positive())


@pytest.mark.parametrize(("f", "formula"), [(3, np.cos), (np.sin, 3)])
def test_what_is_no_function_is_refused(f: Any, formula: Any) -> None:
    with pytest.raises(tg.Error, match="3 was given for a function"):
        check_formula(f, formula, given=arrays())


def test_hypothesis_is_imported_when_it_is_used() -> None:
    program = "import sys, tinygrad_ce.testing; print('hypothesis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    "use", ["tgt.strategies.arrays()", "tgt.check_formula(np.sin, np.cos, given=[])"]
)
def test_without_hypothesis_its_extra_is_named(use: str) -> None:
    program = f"""
import sys
sys.modules["hypothesis"] = None
import numpy as np, tinygrad_ce.testing as tgt
try:
    {use}
except tgt.MissingError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert 'pip install "tinygrad_ce[testing]"' in done.stdout, done.stderr
