"""Emitted source: what it looks like, that it runs alone, that no name or constant is code."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.programs import identities

Y, T = np.array([0.2, 0.3, 0.5]), np.array([0.0, 0.25, 0.75])
Z = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
LABELS, ROWS = np.array([2, 0]), np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])


def source(f: Any, *args: Any) -> str:
    return str(tg.compile(f).version(*args).source)


def function(text: str) -> ast.FunctionDef:
    """The program's own function, the last one of the module."""
    node = ast.parse(text).body[-1]
    assert isinstance(node, ast.FunctionDef)
    return node


def run(text: str, *args: Any) -> Any:
    scope: dict[str, Any] = {}
    exec(compile(text, "<source>", "exec"), scope)
    return scope[function(text).name](*args)


def occurs(shape: str, text: str) -> bool:
    """Whether an expression occurs in the program, whatever its names are."""

    def bare(node: ast.AST) -> str:
        copied = ast.parse(ast.unparse(node), mode="eval").body
        for name in ast.walk(copied):
            if isinstance(name, ast.Name):
                name.id = "_"
        return ast.dump(copied)

    wanted = bare(ast.parse(shape, mode="eval").body)
    nodes = [n for n in ast.walk(function(text)) if isinstance(n, ast.expr)]
    return any(bare(n) == wanted for n in nodes if not isinstance(n, ast.Starred))


@pytest.mark.parametrize(
    ("f", "args", "shape"),
    [
        (tg.cross_entropy, (Y, T), "-t / y"),
        (lambda z, t: tg.cross_entropy(tg.softmax(z), t, reduction="sum"), (Z, LABELS), "y - t"),
        (lambda z, t: tg.cross_entropy(tg.softmax(z), t, reduction="sum"), (Z, ROWS), "y - t"),
        (lambda z, t: tg.softmax_cross_entropy(z, t, reduction="sum"), (Z, LABELS), "y - t"),
        (lambda z, t: tg.softmax_cross_entropy(z, t, reduction="sum"), (Z, ROWS), "y - t"),
        (tg.squared_error, (Y, T), "y - t"),
    ],
    ids=["cross-entropy", "labels", "distributions", "logits labels", "logits", "squared error"],
)
def test_the_derivations(f: Any, args: Any, shape: str) -> None:
    gradient = tg.grad(f)
    text = source(gradient, *args)
    assert occurs(shape, text), text
    assert np.allclose(run(text, *args), gradient(*args), rtol=1e-14)


def test_no_pass_knows_a_loss() -> None:
    for path in Path(identities.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert "tinygrad_ce.losses" not in modules, path
        assert not names & {"cross_entropy", "softmax_cross_entropy", "squared_error"}, path


def test_the_head_says_what_it_is() -> None:
    def loss(y: Any, t: Any) -> Any:
        return tg.cross_entropy(y, t)

    text = source(tg.grad(loss), Y, T)
    assert text.startswith('"""grad_loss(y: float64 (3,), t: float64 (3,))')
    assert ast.get_docstring(ast.parse(text))
    body = text.splitlines()[function(text).lineno :]
    assert body
    assert all(len(line) <= 100 for line in body)


def test_it_runs_in_a_fresh_interpreter_without_us(tmp_path: Path) -> None:
    w = np.linspace(-1, 1, 3000).reshape(3, 1000)

    def loss(z: Any, t: Any) -> Any:
        return tg.softmax_cross_entropy(z @ w, t) + np.sum(tg.gelu(z))

    f = tg.compile(tg.value_and_grad(loss))
    value, g = f(Z, LABELS)
    f.save(tmp_path / "program.py")
    code = (
        "import sys, numpy as np, program\n"
        f"z, t = np.array({Z.tolist()}), np.array({LABELS.tolist()})\n"
        "value, g = program.value_and_grad_loss(z, t)\n"
        "print(float(value).hex(), g.tobytes().hex(), 'tinygrad_ce' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, text=True,
                          capture_output=True, check=True, env={"PYTHONPATH": ""})  # fmt: skip
    found, gradient, ours = done.stdout.split()
    assert ours == "False"
    assert np.isclose(float.fromhex(found), value, rtol=1e-14)
    assert np.allclose(np.frombuffer(bytes.fromhex(gradient)).reshape(g.shape), g, rtol=1e-13)
    assert "w = np.frombuffer" in f.source


def test_dividing_by_zero_in_the_backward_part_gives_no_warning() -> None:
    text = source(tg.grad(tg.cross_entropy), Y, T)
    assert '@np.errstate(all="ignore")' in text
    with np.errstate(all="raise"):
        assert run(text, np.array([0.0, 1.0]), np.array([0.0, 1.0])).tolist() == [0.0, -1.0]


HOSTILE = (
    "import os", "np", "lambda", "__import__('os').abort()", "a\nb", "x" * 10_000, "аbc", "ﬁ", "",
    "print", "1", "None", "softmax", "C1", "__class__", "v1", "float", "f", "match", "self",
    "\u202e",
    "a#", "a\\", '"""', "{}", "d0", "_", "__builtins__", "numpy", "base64", "warnings",
)  # fmt: skip


def test_hostile_names_are_names() -> None:
    tree = {key: np.array([i, 1.0]) for i, key in enumerate(HOSTILE)}

    def f(tree: Any) -> Any:
        return {key: tg.softmax(x) * (i + 2) for i, (key, x) in enumerate(tree.items())}

    compiled = tg.compile(f)
    found, wanted = compiled(tree), f(tree)
    assert list(found) == list(HOSTILE)
    assert all(np.array_equal(found[key], wanted[key]) for key in HOSTILE)
    text = compiled.source
    assert text.isascii()
    assert len(text) < 10_000
    for x, key in zip(run(text, *tree.values()), HOSTILE, strict=True):
        assert np.array_equal(x, wanted[key])


@pytest.mark.parametrize("name", [*HOSTILE, "f(): pass\nraise SystemExit\ndef g"])
def test_hostile_function_names(name: str) -> None:
    def f(x: Any) -> Any:
        return tg.softmax(x) + 1

    def ours(x: Any) -> Any:
        return x * 2

    f.__name__ = ours.__name__ = name
    doubled = tg.primitive(ours, rules=lambda g, y, x: g * 2)
    assert np.array_equal(tg.compile(f)(Y), f(Y))
    assert np.array_equal(run(source(f, Y), Y), f(Y))
    g = tg.compile(lambda x: doubled(x) + np.dot(x, x))
    assert np.array_equal(g(Y), 2 * Y + Y @ Y)


def test_functions_of_one_name_are_told_apart() -> None:
    twice = tg.primitive(lambda x: x * 2, rules=lambda g, y, x: g * 2)
    thrice = tg.primitive(lambda x: x * 3, rules=lambda g, y, x: g * 3)
    f = tg.compile(lambda x: (twice(x), thrice(x)))
    for _ in range(2):
        a, b = f(Y)
        assert np.array_equal(a, 2 * Y)
        assert np.array_equal(b, 3 * Y)


@pytest.mark.parametrize(
    "text", ['"); raise SystemExit #', "a\nb", '"""', "\\", "{x}", "\x00", "é\u202e"]
)
def test_hostile_constants_are_constants(text: str) -> None:
    f = tg.compile(lambda x, s: (x + 1, s))
    assert f(Y, text)[1] == text
    assert run(f.source, Y)[1] == text


@pytest.mark.parametrize(
    "constant",
    [
        np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1]),
        np.array([0.1, 1e-45, np.nan, 3.4e38, -0.0, 1, 2, 3], "f"),
        np.arange(12).reshape(3, 4).astype(np.int8), np.array([True, False] * 5),
        np.arange(2000.0).reshape(4, 500)[:, ::2],
        np.array([1 + 2j, complex(0, -np.inf), complex(np.nan, 1)] * 3), np.zeros((0, 3)),
        np.float32(0.1), np.array(3.0), np.array([2**63], np.uint64),
    ],
    ids=lambda c: f"{c.dtype}{c.shape}",
)  # fmt: skip
def test_constants_keep_every_bit(constant: Any) -> None:
    f = tg.compile(lambda x: (x + 1, constant))
    for found in (f(Y)[1], run(f.source, Y)[1]):
        assert np.asarray(found).dtype == constant.dtype
        assert np.asarray(found).shape == constant.shape
        assert np.asarray(found).tobytes() == np.asarray(constant).tobytes()
