"""The exercises: the library's rules pass, known mistakes are named; the lessons run."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_examples import run

import tinygrad_ce as tg
from tinygrad_ce.course import EXERCISES, Exercise, Mistake, check, solution
from tinygrad_ce.course.__main__ import main
from tinygrad_ce.course.checking import _usual
from tinygrad_ce.course.exercise import reference, rule_of
from tinygrad_ce.course.naming import BENT, LOCAL, SIGN, named
from tinygrad_ce.course.planting import planted
from tinygrad_ce.course.trying import SHARED, at_corner, fault
from tinygrad_ce.course.whole import layer_norm, softmax_cross_entropy
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.tensor import _BINARY, _UNARY

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "examples" / "course").glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
MISTAKES = [(e, mistake) for e in EXERCISES.values() for mistake in e.mistakes]

COUNTS = {17: "seventeen", 20: "twenty", 21: "twenty-one", 22: "twenty-two"}

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)


def test_there_are_enough_exercises_with_hints_and_mistakes() -> None:
    assert len(EXERCISES) >= 21
    assert {"mul", "softmax", "layer_norm", "getitem", "conv2d", "conv2d_x"} <= set(EXERCISES)
    for exercise in EXERCISES.values():
        assert len(exercise.hints) >= 2
        assert len(exercise.mistakes) >= 3


@each_exercise
def test_the_librarys_own_rule_is_right(exercise: Exercise) -> None:
    verdict = check(exercise, reference(exercise), draws=5)
    assert verdict.right, verdict
    assert verdict.found == ""


@each_exercise
def test_the_answer_that_solution_shows_is_right(exercise: Exercise) -> None:
    rule = rule_of(exercise, exercise.answer)
    with planted(exercise.function, exercise.operand, rule), np.errstate(all="ignore"):
        assert not [
            found for args in usual(exercise.name) if (found := fault(exercise, rule, args))
        ]
        assert not [found for x in exercise.corners if (found := at_corner(exercise, rule, x))]


@cache
def usual(name: str) -> list[Any]:
    return _usual(EXERCISES[name])


@pytest.mark.parametrize(
    ("exercise", "mistake"), MISTAKES, ids=[f"{e.name}: {m.answer}" for e, m in MISTAKES]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_known_mistake_is_found_and_named(exercise: Exercise, mistake: Mistake) -> None:
    rule, inputs = rule_of(exercise, mistake.answer), usual(exercise.name)
    assert mistake.because in named(exercise, rule, inputs)
    with planted(exercise.function, exercise.operand, rule):
        assert any(fault(exercise, rule, args) for args in inputs)


@each_exercise
def test_a_page_has_the_smallest_input_and_names_the_mistake(exercise: Exercise) -> None:
    mistake = exercise.mistakes[0]
    verdict = check(exercise, rule_of(exercise, mistake.answer))
    assert not verdict
    assert mistake.because in verdict.because
    assert verdict.found
    page = str(verdict)
    assert page.startswith(f"{exercise.name}: not right yet\nthe smallest input")
    assert verdict.counterexample is not None
    assert [*verdict.counterexample] == exercise.names[: len(verdict.counterexample)]


CORNERED = [
    ("mul", "g * y / a"),
    ("log", "g / np.maximum(x, 1e-7)"),
    ("tanh", "g * 4 * np.exp(2 * x) / (np.exp(2 * x) + 1) ** 2"),
    ("sigmoid", "g * np.exp(-z) / (1 + np.exp(-z)) ** 2"),
    ("max", "(a == np.max(a, axis, keepdims=True)) * (g if axis is None else "
     "np.expand_dims(g, axis))"),
    ("prod", "g * y / a"),
    ("softmax", "y * (g - np.sum(g * y, axis, keepdims=True)) * np.exp(z) / np.exp(z)"),
    ("logsumexp", "np.exp(z) / np.sum(np.exp(z), axis, keepdims=True) * np.expand_dims(g, axis)"),
    ("log_softmax", "g - np.exp(z) / np.sum(np.exp(z), axis, keepdims=True) "
     "* np.sum(g, axis, keepdims=True)"),
    ("softmax_cross_entropy", "g[..., None] * (np.exp(z) / np.sum(np.exp(z), -1, keepdims=True) "
     "- t)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), CORNERED, ids=[name for name, _ in CORNERED])
def test_what_is_right_but_at_a_corner_is_told_the_corner(name: str, answer: str) -> None:
    exercise = EXERCISES[name]
    verdict = check(exercise, rule_of(exercise, answer), draws=5)
    assert not verdict
    assert verdict.because == exercise.corners[0].because
    assert "an input where it shows" in str(verdict)


def test_every_corner_has_a_formula_that_goes_wrong_there() -> None:
    assert {name for name, _ in CORNERED} == {e.name for e in EXERCISES.values() if e.corners}


@pytest.mark.parametrize(
    ("name", "answer", "because"),
    [
        ("mul", "-g * b", SIGN),  # at a = 1, b = -1 it is g * a
        ("log", "-g / x", SIGN),
        ("matmul", "g @ b.T", "That is the gradient by a."),
        ("tanh", "1 - y**2", LOCAL),
        ("exp", "g + y", BENT),
        ("softmax", "y - g", BENT),
    ],
)
def test_mistakes_that_every_rule_can_have(name: str, answer: str, because: str) -> None:
    exercise = EXERCISES[name]
    assert named(exercise, rule_of(exercise, answer), usual(name)) == because


@pytest.mark.parametrize(
    ("name", "answer", "where"),
    [
        ("sum", "np.ones(a.shape) * np.expand_dims(g, axis)", "where there is an axis"),
        ("sum", "np.ones(a.shape) * (g if axis is None else g[:, None])", "axis=None and axis=1"),
        ("mean", "np.full(a.shape, g.item() / a.size)", "for axis=None"),
        ("broadcast", "np.sum(g, axis=tuple(range(g.ndim - a.ndim)))", "no axis of length 1"),
        ("getitem", "np.bincount(key, g, len(a))", "where a has one axis"),
        ("getitem", "tg.set_at(np.zeros(a.shape), key[::-1], g[::-1])", "where no index repeats"),
        ("softmax", "y * (g - np.sum(g * y, axis=0, keepdims=True))", "along axis -2"),
        ("log_softmax", "g - tg.softmax(z) * np.sum(g, -1, keepdims=True)", "along the last axis"),
        ("conv2d", "windows.correlate_weight(x, g, w.shape[2:], (1, 1), padding, dilation)",
         "for stride 1"),
        ("conv2d_x", "windows.correlate_transposed(g, w, x.shape[2:], stride, ((0, 0), (0, 0)), "
         "dilation)", "without padding"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_right_for_some_arguments_is_told_for_which(
    name: str, answer: str, where: str
) -> None:
    exercise = EXERCISES[name]
    because = named(exercise, rule_of(exercise, answer), usual(name))
    assert because.startswith("It is right")
    assert where in because


def test_the_answer_is_right_for_all_arguments() -> None:
    for exercise in EXERCISES.values():
        for only in exercise.only:
            some = [only.where(*args) for args in usual(exercise.name)]
            assert any(some)
            assert not all(some)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("mul", "g * np.abs(b)"),
        ("div", "-g / b"),
        ("exp", "g * 1.0"),
        ("tanh", "g * (1 - y * y) * x"),
        ("sigmoid", "g * y * (1 - z)"),
        ("mean", "np.broadcast_to(np.mean(g), a.shape)"),
        ("matmul", "np.linalg.inv(a) @ g"),
        ("sum", "np.zeros(a.shape)"),
        ("exp", "g * undefined"),
    ],
)
def test_nothing_is_named_that_only_looks_alike(name: str, answer: str) -> None:
    """Each agrees with a known mistake at some simple input, or gives no numbers at all."""
    exercise = EXERCISES[name]
    because = named(exercise, rule_of(exercise, answer), usual(name))
    assert because == f"Hint: {exercise.hints[0]}"


@pytest.mark.parametrize(
    ("name", "answer", "chance"),
    [
        ("div", "-g * a / b", "2.000 times"),  # at b = 1/2
        ("tanh", "g * (1 - y * y) * x", "1 / x"),  # at x = -1
        ("softmax_cross_entropy", "g[..., None] * (tg.sigmoid(z) - t)", "z = 0"),
    ],
)
def test_a_diagnosis_that_holds_by_chance_is_not_made(name: str, answer: str, chance: str) -> None:
    verdict = check(EXERCISES[name], rule_of(EXERCISES[name], answer))
    assert not verdict
    assert chance not in verdict.found


def test_a_counterexample_is_small_and_diagnosed() -> None:
    verdict = check(EXERCISES["softmax"], rule_of(EXERCISES["softmax"], "g * y * (1 - y)"))
    assert verdict.counterexample is not None
    assert verdict.counterexample["z"].size <= 3
    assert "-> " in verdict.found
    assert "diagonal" in verdict.found


@pytest.mark.parametrize("answer", ["1.5 * g * y", "g * y + 1e-3 * g"])
def test_an_unknown_mistake_gets_a_diagnosis_and_a_hint(answer: str) -> None:
    verdict = check(EXERCISES["exp"], rule_of(EXERCISES["exp"], answer))
    assert not verdict
    assert "wrong" in verdict.found
    assert verdict.because.startswith("Hint: ")


@pytest.mark.parametrize(
    ("name", "answer", "shapes"),
    [("mul", "b", "()"), ("matmul", "np.outer(a, g)", None), ("sum", "g", "()")],
)
def test_a_wrong_shape_is_named(name: str, answer: str, shapes: str | None) -> None:
    verdict = check(EXERCISES[name], rule_of(EXERCISES[name], answer))
    assert not verdict
    assert f"your rule returns shape {shapes or ''}" in verdict.found


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("None", "your rule returns None: is there a `return`"),
        ("[g]", "your rule returns a list: the gradient by x is an array"),
        ("g * y if x > 0 else g", "np.where(condition, a, b)"),
        ("g * float(y)", "np's take arrays"),
        ("np.multiply(g, y, out=g)", SHARED),
        ("np.multiply(g, y, out=y)", SHARED),
        ("tg.grad(lambda x: np.sum(g * np.exp(x)))(x)", "Does your rule ask the engine"),
        ("exit(0)", "SystemExit"),
    ],
)
def test_what_is_no_rule_is_told_why(answer: str, said: str) -> None:
    verdict = check(EXERCISES["exp"], rule_of(EXERCISES["exp"], answer))
    assert not verdict
    assert said in verdict.found


def test_what_a_rule_prints_is_kept_back_and_shown_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        print("g is", g)
        return g * x

    verdict = check(EXERCISES["exp"], rule)
    assert capsys.readouterr().out == ""
    assert str(verdict).count("g is [1.]") == 1


def test_a_report_uses_the_names_of_the_exercise() -> None:
    verdict = check(EXERCISES["div"], rule_of(EXERCISES["div"], "2 * g"))
    assert "by b" in verdict.found
    assert "x2" not in verdict.found


def test_a_rule_that_is_right_for_gradients_of_1_alone_is_not_right() -> None:
    verdict = check(EXERCISES["exp"], rule_of(EXERCISES["exp"], "g**3 * y"))
    assert not verdict
    assert "linear" in str(verdict)


def test_a_rule_is_tried_on_numbers_that_float32_has_not() -> None:
    verdict = check(EXERCISES["mul"], rule_of(EXERCISES["mul"], "g * np.float32(b)"))
    assert not verdict
    assert "8 digits" in verdict.found


def test_a_rule_that_writes_into_g_is_not_right() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        result = g * y
        if isinstance(g, np.ndarray) and g.flags.writeable:
            g *= 0
        return result

    verdict = check(EXERCISES["exp"], rule)
    assert not verdict
    assert SHARED in verdict.found


def test_a_rule_with_an_error_says_so() -> None:
    verdict = check(EXERCISES["exp"], rule_of(EXERCISES["exp"], "g * undefined"))
    assert not verdict
    assert "NameError" in verdict.found


def test_a_rule_that_cannot_be_differentiated_again_is_right_with_a_remark() -> None:
    def rule(g: Any, y: Any, x: Any, w: Any, stride: Any, pads: Any, gaps: Any) -> Any:
        x = np.pad(x, ((0, 0), (0, 0), *pads))
        dw = np.zeros(w.shape)
        (s, _), (h, v) = stride, g.shape[2:]
        for k, m in np.ndindex(w.shape[2:]):
            part = x[:, :, k : k + s * h : s, m : m + s * v : s]
            dw[:, :, k, m] = np.einsum("noij,ncij->oc", g, part)
        return dw

    verdict = check(EXERCISES["conv2d"], rule)
    assert verdict.right, verdict
    assert "First derivatives only" in verdict.found


@each_exercise
def test_the_engine_is_as_before(exercise: Exercise) -> None:
    def state() -> list[Any]:
        return [[(p.rules, p.alone) for p in TABLE.values()], dict(_UNARY), dict(_BINARY)]

    before = state()
    with planted(exercise.function, exercise.operand, lambda g, y, *args: g):
        assert state() != before
    assert state() == before


def test_the_functions_of_one_step_are_those_of_the_library() -> None:
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, 3, 5))
    layer = tg.nn.LayerNorm(5, elementwise_affine=False)
    for ours, theirs in (
        (lambda x: np.sum(g * layer_norm(x)), lambda x: np.sum(g * layer(x))),
        (
            lambda x: np.sum(softmax_cross_entropy(x, tg.softmax(g))),
            lambda x: tg.softmax_cross_entropy(x, tg.softmax(g), reduction="sum"),
        ),
    ):
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-14)
        np.testing.assert_allclose(tg.grad(ours)(x), tg.grad(theirs)(x), rtol=1e-10, atol=1e-14)


# The command.


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main([*words])
    return code, capsys.readouterr().out


def test_list_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "list")
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()[: len(EXERCISES)]] == [*EXERCISES]


def test_from_start_to_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--folder", str(tmp_path)]
    assert said(capsys, "start", "softmax", *folder)[0] == 0
    path = tmp_path / "exercise_softmax.py"
    text = path.read_text(encoding="utf-8")
    assert "def rule(g, y, z, axis=-1):" in text

    code, page = said(capsys, "check", "softmax", *folder)
    assert code == 1
    line = 1 + text[: text.index("raise ")].count("\n")
    assert f"nothing is written yet, line {line}: return dE/dz" in page

    begun = text[: text.index("    raise")]
    path.write_text(begun + "    return g * y * (1 - y)\n", encoding="utf-8")
    code, page = said(capsys, "check", "softmax", *folder)
    assert code == 1
    assert "the diagonal of the Jacobian alone" in page

    answer = "    return y * (g - np.sum(g * y, axis=axis, keepdims=True))\n"
    path.write_text(begun + answer, encoding="utf-8")
    code, page = said(capsys, "check", "softmax", *folder)
    assert code == 0
    assert "softmax: right" in page


@each_exercise
def test_the_file_to_start_from_can_be_run(
    exercise: Exercise, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "start", exercise.name, "--folder", str(tmp_path))
    code, page = said(capsys, "check", exercise.name, "--folder", str(tmp_path))
    assert code == 1
    assert "nothing is written yet" in page


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("def rule(g, y): return g", r"rule takes \(g, y\)\. the engine calls rule\(g, y, x\)"),
        ("rule = 3", "defines no rule"),
        ("", "defines no rule"),
        ("x = 1\nexit(0)", "line 2, SystemExit"),
        ("def rule(:", "SyntaxError"),
        (None, "is not there"),
    ],
)
def test_files_that_are_none(
    text: str | None, pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "exercise_exp.py").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["check", "exp", "--folder", str(tmp_path)])
    assert stopped.value.code == 2
    assert re.search(pattern, capsys.readouterr().err)


def test_start_leaves_work_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "exercise_exp.py").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["start", "exp", "--folder", str(tmp_path)])
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "exercise_exp.py").read_text(encoding="utf-8") == "mine"


@each_exercise
def test_hints_lead_to_the_solution(exercise: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    for number, hint in enumerate(exercise.hints, 1):
        code, text = said(capsys, "hint", exercise.name, str(number))
        assert code == 0
        assert hint in text
    assert f"solution {exercise.name}" in text
    code, text = said(capsys, "solution", exercise.name)
    assert code == 0
    assert re.search(r"\n# The library's, .*: tinygrad_ce/\w+/\w+\.py, line \d+\n", text)
    assert solution(exercise) in text


def test_without_hypothesis_the_extra_is_named(tmp_path: Path) -> None:
    assert main(["start", "exp", "--folder", str(tmp_path)]) == 0
    command = ROOT / "tinygrad_ce" / "course" / "__main__.py"
    words = ["check", "exp", "--folder", str(tmp_path)]
    done = run(command, tmp_path, *words, without="hypothesis")
    assert done.returncode == 2
    assert 'pip install "tinygrad_ce[testing]"' in done.stderr


def test_any_folder_any_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    command = ROOT / "tinygrad_ce" / "course" / "__main__.py"
    folder = tmp_path / "my f\u00f6lder"
    done = run(command, tmp_path, "start", "exp", "--folder", str(folder))
    assert done.returncode == 0, done.stderr
    assert "--folder '" in done.stdout
    assert (folder / "exercise_exp.py").exists()
    done = run(command, tmp_path, "check", "exp", "--folder", str(folder))
    assert done.returncode == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]  # nothing of Hypothesis's


# The lessons.


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs(path: Path, tmp_path: Path) -> None:
    done = run(path, tmp_path, without="matplotlib hypothesis")
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_opens_as_a_notebook(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    number = int(path.stem[:2])
    assert text.startswith(f'"""Lesson {number}. ')
    assert f"\npython examples/course/{path.name}\n" in text
    assert text.count("# %% [markdown]\n# ") >= 3
    assert text.count("# %%\n") >= 3
    assert "assert " in text  # it checks what it says


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_first_and_ends_with_something_to_do(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "**Predict" in text
    last = text.split("# %% [markdown]\n")[-1]
    assert last.startswith("# **Try.** ")
    assert "**Write it yourself" in last


def test_each_exercise_goes_with_a_lesson() -> None:
    ends = [path.read_text(encoding="utf-8").split("**Write it yourself")[1] for path in LESSONS]
    named = set(re.findall(r"course\s+(?:# )?start\s+(?:# )?(\w+)|`(\w+)`", "\n".join(ends)))
    assert {name for pair in named for name in pair if name} == set(EXERCISES)


def test_the_readme_names_a_file_for_each_of_the_fifteen_questions() -> None:
    section = README.split("### A course")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", section, re.MULTILINE)
    assert [int(number) for number, _ in rows] == [*range(1, 16)]
    named = {name for _, cell in rows for name in re.findall(r"`(\d\d_\w+\.py)`", cell)}
    assert named == {path.name for path in LESSONS}
    for _, cell in rows:
        assert re.search(r"`\d\d_\w+\.py`", cell)
    command = rf"`python -m tinygrad_ce.course start ({'|'.join(EXERCISES)})`"
    assert re.search(command, section)
    assert f"`list` shows all {COUNTS[len(EXERCISES)]}" in section


def test_the_readme_shows_what_a_check_says() -> None:
    shown = re.search(r"```txt\n(.*?)\n```", README, re.DOTALL)
    assert shown is not None
    exercise = EXERCISES["softmax"]
    assert shown.group(1) == str(check(exercise, rule_of(exercise, "g * y * (1 - y)")))
