"""audit: every mistake that one makes in a rule is found, by the row that is there for it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt

ROOT = Path(__file__).parents[1]
X = np.array([[0.5, 1.0, 2.0], [0.7, 1.3, 0.9]])


def square(x: Any) -> Any:
    return x * x


def times(a: Any, b: Any) -> Any:
    return a * b


def total(x: Any, axis: Any = -1) -> Any:
    return np.sum(x, axis=axis)


def outcomes(report: Any) -> dict[str, str]:
    return {row.check: row.outcome for row in report.rows}


def failed(function: Any, *rules: Any, elementwise: bool = False) -> set[str]:
    made = tg.primitive(function, rules=rules, elementwise=elementwise)
    return {row.check for row in tgt.audit(made).failed}


def test_right_rule_holds() -> None:
    report = tgt.audit(tg.primitive(square, rules=lambda g, y, x: 2 * g * x, elementwise=True))
    assert report
    assert set(outcomes(report).values()) == {"ok", "skipped"}


@pytest.mark.parametrize("factor", [2.0, 1 + 1e-6, -1.0, 0.0])
def test_wrong_factor(factor: float) -> None:
    assert failed(square, lambda g, y, x: g * 2 * x * factor) == {"gradient by x"}


def test_swapped_operands() -> None:
    rules = (lambda g, y, a, b: g * a, lambda g, y, a, b: g * b)
    assert failed(times, *rules, elementwise=True) == {"gradient by a", "gradient by b"}


def test_one_wrong_operand() -> None:
    rules = (lambda g, y, a, b: g * b, lambda g, y, a, b: -g * a)
    assert failed(times, *rules, elementwise=True) == {"gradient by b"}


def test_missing_sum() -> None:
    rules = (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
    assert failed(times, *rules) == {"broadcasting"}


def test_gradient_not_spread() -> None:
    found = failed(total, lambda g, y, x, axis=-1: g)
    assert "shape of gradients" in found
    assert "gradient by x" in found


def mutates_g(g: Any, y: Any, x: Any) -> Any:
    r = 2 * g * x
    if isinstance(g, np.ndarray) and g.flags.writeable:
        g *= 0
    return r


def mutates_x(g: Any, y: Any, x: Any) -> Any:
    r = 2 * g * x
    if isinstance(x, np.ndarray) and x.flags.writeable:
        x += 1
    return r


@pytest.mark.parametrize(("rule", "what"), [(mutates_g, "g"), (mutates_x, "x")])
def test_rule_that_writes_into_what_it_is_given(rule: Any, what: str) -> None:
    report = tgt.audit(tg.primitive(square, rules=rule), X)
    (row,) = [row for row in report.failed if row.check == "rule mutates nothing"]
    assert row.detail.startswith(f"the rule by x changes {what} ")


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ((lambda g, y, a, b: b, lambda g, y, a, b: a), "b"),
        ((lambda g, y, a, b: g * b, lambda g, y, a, b: a[...]), "a"),
    ],
)
def test_rule_that_returns_an_operand(rules: Any, what: str) -> None:
    report = tgt.audit(tg.primitive(times, rules=rules), (X, X))
    (row,) = [row for row in report.failed if row.check == "rule returns no operand"]
    assert f"returns memory of {what} " in row.detail


def test_rule_that_returns_the_result() -> None:
    double = tg.primitive(lambda x: x + 0.0, rules=lambda g, y, x: y)
    assert outcomes(tgt.audit(double, X))["rule returns no operand"] == "FAILED"


def test_wrong_dtype() -> None:
    assert failed(square, lambda g, y, x: g * 2 * np.asarray(x, float)) >= {"float32"}
    assert failed(square, lambda g, y, x: g * x * np.array([2.0])[0]) == {"float32"}


def test_precision_lost_on_the_way() -> None:
    def coarse(g: Any, y: Any, x: Any) -> Any:
        half = x.dtype == np.float32
        return 2 * g * (x.astype(np.float16).astype(np.float32) if half else x)

    assert failed(square, coarse) == {"float32"}


def test_nan_in_single_precision() -> None:
    def broken(g: Any, y: Any, x: Any) -> Any:
        return 2 * g * x * (np.float32(np.nan) if x.dtype == np.float32 else 1)

    assert failed(square, broken) == {"float32"}


@pytest.mark.parametrize(
    "rule",
    [lambda g, y, x: 2 * g * x + 1, lambda g, y, x: 2 * g * g * x, lambda g, y, x: 2 * abs(g) * x],
    ids=["shifted", "square", "abs"],
)
def test_not_linear(rule: Any) -> None:
    assert "linear in g" in failed(square, rule)


def test_square_of_g_is_seen_by_the_dot_product() -> None:
    assert "dot product" in failed(square, lambda g, y, x: 2 * g * g * x)


def test_second_order() -> None:
    halved = tg.primitive(square, rules=lambda g, y, x: g * x)
    assert failed(square, lambda g, y, x: g * 2 * (halved(x) / x)) == {"second order"}


def test_rule_that_cannot_be_differentiated_is_told() -> None:
    def compiled(g: Any, y: Any, x: Any) -> Any:
        found = np.frompyfunc(lambda g, x: 2 * g * x, 2, 1)(g, x)
        return np.asarray(found, np.result_type(x))[()]

    report = tgt.audit(tg.primitive(square, rules=compiled), X)
    assert outcomes(report)["second order"] == "skipped"
    assert outcomes(report)["dot product"] == "skipped"
    assert report


def test_memory_layout() -> None:
    def flat(g: Any, y: Any, x: Any) -> Any:
        values = np.ravel(x, order="K").reshape(x.shape) if type(x) is np.ndarray else x
        return 2 * g * values

    assert failed(square, flat) == {"memory layout"}


def test_single_numbers() -> None:
    found = failed(square, lambda g, y, x: 2 * g * (x if np.ndim(x) else 3 * x))
    assert "single numbers" in found


def test_empty_arrays() -> None:
    found = failed(square, lambda g, y, x: 2 * g * x if x.size else np.zeros(1))
    assert found == {"empty arrays"}


def test_function_that_changes_its_argument() -> None:
    def clipped(x: Any) -> Any:
        if x.flags.writeable:
            x[x > 1] = 1.0
        return x * 1.0

    op = tg.primitive(clipped, rules=lambda g, y, x: g)
    assert outcomes(tgt.audit(op, X.copy()))["forward"] == "FAILED"


def test_swapped_names() -> None:
    rules = (lambda g, y, b, a: g * b, lambda g, y, b, a: g * a)
    assert "rule signatures" in failed(times, *rules, elementwise=True)


def test_another_default() -> None:
    """Silent: the rule is handed what the call says, and takes its own default for the rest."""
    assert "rule signatures" in failed(
        total, lambda g, y, x, axis=0: np.broadcast_to(np.expand_dims(g, axis), x.shape)
    )


def test_argument_that_the_rule_lacks_is_told() -> None:
    op = tg.primitive(total, rules=lambda g, y, x: np.broadcast_to(np.expand_dims(g, -1), x.shape))
    (row,) = [row for row in tgt.audit(op, X).rows if row.check == "rule signatures"]
    assert (row.outcome, "axis is refused" in row.detail) == ("ok", True)


def test_renamed_argument_is_told() -> None:
    rules = (lambda g, y, u, v: g * v, lambda g, y, u, v: g * u)
    (row, *_) = tgt.audit(tg.primitive(times, rules=rules, elementwise=True)).rows
    assert (row.outcome, "a call with a=, b= is refused" in row.detail) == ("ok", True)


def test_axis_that_the_rule_names_and_does_not_heed() -> None:
    def flat(x: Any, axis: Any = None) -> Any:
        return np.sum(x, axis=axis)

    found = failed(flat, lambda g, y, x, axis=None: np.broadcast_to(g, x.shape))
    assert found == {"other arguments"}


def scaled(x: Any, s: float = 2.0, negative: bool = False) -> Any:
    return -s * x if negative else s * x


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        (lambda g, y, x, s=2.0, negative=False: g * (-2 if negative else 2), "s=3.25"),
        (lambda g, y, x, s=2.0, negative=False: g * s, "negative=True"),
    ],
)
def test_number_or_switch_that_the_rule_does_not_heed(rule: Any, shown: str) -> None:
    (row,) = tgt.audit(tg.primitive(scaled, rules=rule)).failed
    assert (row.check, shown in row.detail) == ("other arguments", True)


def test_argument_that_is_refused_need_not_be_heeded() -> None:
    rule = lambda g, y, x: np.broadcast_to(np.expand_dims(g, -1), x.shape)
    report = tgt.audit(tg.primitive(total, rules=rule), X)
    assert outcomes(report)["other arguments"] == "skipped"


@pytest.mark.parametrize(("returned", "said"), [(None, "returned None"), (0, "shape ()")])
def test_rule_that_returns_no_array(returned: Any, said: str) -> None:
    report = tgt.audit(tg.primitive(square, rules=lambda g, y, x: returned), X)
    (row,) = [row for row in report.failed if row.check == "shape of gradients"]
    assert said in row.detail


def test_what_fails_alike_is_told_once() -> None:
    page = str(tgt.audit(tg.primitive(square, rules=lambda g, y, x: 1 / 0), X))
    assert page.count("division by zero (x of shape (2, 3))") == 1
    assert "FAILED   as above" in page


def test_rule_that_remembers_the_last_call() -> None:
    """What the forward pass keeps aside is that of another call by the time of the pull-back."""
    kept: list[Any] = []

    def cube(x: Any) -> Any:
        kept[:] = [np.array(x)]
        return x * x * x

    def slope(g: Any, y: Any, x: Any) -> Any:
        return 3 * g * kept[0] ** 2

    assert outcomes(tgt.audit(tg.primitive(cube, rules=slope), X))["calls are apart"] == "FAILED"


def test_function_that_is_not_the_same_twice() -> None:
    rng = np.random.default_rng(0)
    noise = tg.primitive(lambda x: x + rng.normal(), rules=lambda g, y, x: g)
    (row,) = [row for row in tgt.audit(noise, X).failed if row.check == "forward"]
    assert "called again" in row.detail


def test_function_that_returns_a_list() -> None:
    both = tg.primitive(lambda x: [x, x], rules=lambda g, y, x: g[0] + g[1])
    assert "returns a list" in tgt.audit(both, X).failed[0].detail


def test_example_without_entries_has_nothing_to_measure() -> None:
    report = tgt.audit(tg.primitive(square, rules=lambda g, y, x: 2 * g * x), np.zeros(0))
    assert report
    assert outcomes(report)["gradient by x"] == "skipped"


def test_example_that_the_function_does_not_take_is_refused() -> None:
    op = tg.primitive(square, rules=lambda g, y, x: 2 * g * x)
    with pytest.raises(tg.Error, match=r"with x of shape .* raised TypeError"):
        tgt.audit(op, (X, X))


def test_operand_without_a_rule() -> None:
    op = tg.primitive(times, rules=(lambda g, y, a, b: g * b, None), elementwise=True)
    report = tgt.audit(op)
    (row,) = [row for row in report.rows if row.check == "gradient by b"]
    assert (row.outcome, "does depend on it" in row.detail) == ("skipped", True)
    assert report


def test_several_results() -> None:
    def both(x: Any) -> Any:
        return np.sin(x), np.cos(x)

    assert tgt.audit(tg.primitive(both, rules=lambda g, y, x: g[0] * y[1] - g[1] * y[0]))
    assert failed(both, lambda g, y, x: g[0] * y[1] + g[1] * y[0]) == {"gradient by x"}


@pytest.mark.parametrize(
    "op", [np.log, np.hypot, np.sum, np.matmul, np.concatenate, np.linalg.inv, tg.softmax, np.trace]
)
def test_functions_of_the_table(op: Any) -> None:
    report = tgt.audit(op)
    assert report, str(report)


def test_complex_operands() -> None:
    z = np.array([1.0 + 2j, 0.5 - 1j])
    assert tgt.audit(np.exp, z)
    assert tgt.audit(np.fft.fft, X)
    wrong = tg.primitive(square, rules=lambda g, y, x: 2 * g * np.conj(x))
    assert outcomes(tgt.audit(wrong, z))["gradient by x"] == "FAILED"


def test_parameters_by_keyword() -> None:
    assert tgt.audit(np.sum, X, axis=0, keepdims=True)


def test_examples_of_a_strategy() -> None:
    numbers = hnp.arrays(float, hnp.array_shapes(max_dims=2), elements=st.floats(0.5, 2))
    report = tgt.audit(np.log, given=numbers)
    assert report, str(report)
    assert report.examples > 1


def test_function_without_rules_is_refused() -> None:
    with pytest.raises(tg.Error, match="no gradient rules"):
        tgt.audit(square)


def test_example_without_floats_is_refused() -> None:
    with pytest.raises(tg.Error, match="no floats"):
        tgt.audit(np.sum, np.arange(3))


def test_prints_as_a_table() -> None:
    page = str(tgt.audit(tg.primitive(square, rules=lambda g, y, x: 3 * g * x), X))
    assert "square: 1 check FAILED (1 example, seed 0)" in page
    assert "gradient by x" in page
    assert "gives 1.500 times the derivative" in page


OPS = """
import numpy as np
import tinygrad_ce as tg

good = tg.primitive(lambda x: x**3, rules=lambda g, y, x: 3 * g * x**2)
bad = tg.primitive(lambda x: x**3, rules=lambda g, y, x: g * x**2)
plain = np.ones(3)
examples = [(np.array([1.0, 2.0]),), (np.array(3.0),)]
"""


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "ops.py").write_text(OPS, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_ce.testing", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
    )


def test_command_line_holds(tmp_path: Path) -> None:
    done = command(tmp_path, "ops:good", "numpy:log", "--seed", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("all checks hold") == 2
    assert "seed 3" in done.stdout


def test_command_line_fails(tmp_path: Path) -> None:
    done = command(tmp_path, "ops:good", "ops:bad", "--examples", "ops:examples")
    assert done.returncode == 1
    assert "gives 0.333 times the derivative" in done.stdout
    assert "2 examples" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        *(["ops"], [":x"], ["ops:"], ["ops:missing"], ["absent:op"], ["broken:op"], ["syntax:op"]),
        *(
            ["ops:plain"],
            ["numpy:einsum"],
            ["ops:good", "--seed", "-1"],
            ["ops:good", "--seed", "x"],
        ),
        *(["ops:good", "--examples", "ops:plain"], ["ops:good", "--examples", "ops:good"]),
        [],
    ],
    ids=" ".join,
)
def test_command_line_explains_what_it_cannot_do(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('at import')", encoding="utf-8")
    (tmp_path / "syntax.py").write_text("def op(:", encoding="utf-8")
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_line_says_why_a_module_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('at import')", encoding="utf-8")
    assert "ValueError: at import" in command(tmp_path, "broken:op").stderr


def test_command_line_calls_an_operation_as_it_was_called(tmp_path: Path) -> None:
    assert command(tmp_path, "ops:good").stdout.startswith("ops:good: all checks hold")
