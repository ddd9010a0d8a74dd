"""Writing a function down: what goes in and comes out, names, and what is refused."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.errors import TraceError, TraceWarning
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.programs.program import Value
from tinygrad_ce.programs.trace import trace
from tinygrad_ce.trees import leaves

X = np.arange(3.0)
W = np.arange(9.0).reshape(3, 3)


class Pair(NamedTuple):
    w: Any
    b: Any


@dataclass
class Layer:
    w: Any
    b: Any
    kind: str = "dense"


@tg.primitive(rules=(lambda g, y, x: g * 3.0 * x**2,))
def cube(x: Any) -> Any:
    return x**3


def net(layers: Any, x: Any) -> Any:
    for layer in layers:
        x = np.tanh(x @ layer.w + layer.b)
    return np.sum(x * x)


# Functions and what they are called with: compiled they return the same, of the same kinds.
SAME: dict[str, tuple[Callable[..., Any], Any]] = {
    "named tuple": (lambda p: Pair(p.w * 2, p.b), (Pair(X, 2.0),)),
    "dataclass": (lambda p: Layer(p.w * 2, p.b + 1, p.kind), (Layer(X, 2.0),)),
    "gradient by a tree": (tg.value_and_grad(net), ([Pair(W / 9, X), Pair(W.T, -X)], X)),
    "dict": (lambda p: {"a": p["w"] * 2, "n": None, "t": "text", "c": 3, "f": 2.5}, ({"w": X},)),
    "one array twice": (lambda x: (x, x, x + 0, x + 0, [x]), (X,)),
    "an argument": (lambda x: x, (X,)),
    "no argument used": (lambda x: (W, 1, 2.0, None, "s", np.float32(2)), (X,)),
    "no arguments": (lambda: np.sin(2.0), ()),
    "numbers": (
        lambda a, b: (a + b, a * 2, a / b, -a, a > b, a == b, abs(a), a // 2, a % 2, a**2),
        (2.5, 3),
    ),
    "whole numbers": (lambda a: (a + 1, a * 2.5, a // 2, a % 2, a**2, a / 2), (7,)),
    "rounding": (lambda a, x: (round(a), round(a, 1), round(x[0], 1)), (2.55, X + 0.25)),
    "a number leaves float32": (lambda x, a: x * a, (X.astype(np.float32), 2.0)),
    "NumPy's numbers": (lambda a: (a * 2, np.sin(a), a.astype(float)), (np.float32(2.0),)),
    "no axes": (lambda x: (x * 2, np.sin(x), x[()], x.sum()), (np.array(2.0),)),
    "no entries": (tg.grad(lambda x: np.sum(x * 2)), (np.zeros((0, 3)),)),
    "a tensor": (lambda t: t * 2, (tg.tensor(X),)),
    "static leaves": (lambda x, mode, flag: x * 2 if mode == "d" and flag else x, (X, "d", True)),
    "another compiled": (lambda x: compile(lambda y: y * 2)(x) + 1, (X,)),
    "gradient of a compiled": (tg.grad(compile(lambda x: np.sum(x**2))), (X,)),
    "an own operation": (tg.value_and_grad(lambda x: np.sum(cube(x))), (X,)),
    "its second derivative": (tg.hessian(lambda x: np.sum(cube(x))), (X,)),
    "a checkpoint": (tg.grad(lambda x: np.sum(tg.checkpoint(lambda y: np.sin(y) ** 2)(x))), (X,)),
    "entries": (lambda w, i: (w[i], w[i, 0], w[:, i], [row.sum() for row in w]), (W, np.array(1))),
    "methods": (
        lambda x: (x.sum(), x.mean(), x.max(), x.std(), x.reshape(3, 1), x.T, x.flatten(),
                   x.clip(0, 1), x.cumsum(), x.copy(), x.argmax(), x.astype(np.float32)),
        (X,),
    ),
    "complex numbers": (lambda z: (z.real, z.imag, abs(z), z.conj(), np.fft.fft(z)), (X + 1j,)),
    "whole arrays wrap": (lambda n: n + 1, (np.array([255], np.uint8),)),
    "constant index": (tg.grad(lambda x: np.sum(x[[0, 0, 2]] * x[::-1])), (X,)),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_same_results(name: str) -> None:
    f, args = SAME[name]
    compiled = compile(f)
    for _ in range(2):
        found, expected = compiled(*args), f(*args)
        assert type(found) is type(expected)
        for a, b in zip(leaves(found), leaves(expected), strict=True):
            assert type(a) is type(b)
            a, b = (np.asarray(x.detach() if isinstance(x, tg.Tensor) else x) for x in (a, b))
            np.testing.assert_array_max_ulp(a, b, 4) if b.dtype == float else None
            np.testing.assert_array_equal(a.dtype, b.dtype)
            np.testing.assert_array_equal(a.shape, b.shape)


def branching(x: Any) -> Any:
    return x if np.sum(x) > 0 else -x


def in_place(x: Any) -> Any:
    x = x * 2
    x += 1
    return x


def writing(x: Any) -> Any:
    x[0] = 1.0
    return x


def filling(x: Any) -> Any:
    made = np.zeros(3)
    made[:] = x
    return made


def caught(x: Any) -> Any:
    try:
        return np.linalg.inv(x - x)
    except np.linalg.LinAlgError:
        return x


# What is refused: the function, its arguments, what the message says.
REFUSED: dict[str, tuple[Callable[..., Any], Any, str]] = {
    "branch": (branching, (X,), "branches.*np.where"),
    "item": (lambda x: x * x[0].item(), (X,), r"\.item"),
    "in place": (in_place, (X,), "write x = x"),
    "assignment": (writing, (X,), "tg.set_at"),
    "assignment into an array": (filling, (X,), "np.stack"),
    "array of numbers": (lambda x: np.array([x[0], x[1]]), (X,), "np.stack"),
    "out": (lambda x: np.add(x, 1, out=np.zeros(3)), (X,), "out="),
    "out of a sum": (lambda x: np.sum(x, out=np.zeros(())), (X,), "out="),
    "mask": (lambda x: x[x > 0], (X,), "mask"),
    "slice": (lambda x, n: x[:n], (X, 2), "slice.*static"),
    "shape": (lambda x, n: np.reshape(x, (n, -1)), (X, 3), "shape=n.*static"),
    "repeats": (lambda x, n: np.repeat(x, n), (X, 3), "repeats=n"),
    "number of points": (lambda x, n: np.linspace(0 * x, x, num=n), (X, 3), "num=n"),
    "length": (lambda n: np.zeros(n), (3,), "static"),
    "count": (lambda x, n: sum(x for _ in range(n)), (X, 3), "static"),
    "index into a constant": (lambda i: W[i], (np.array([0, 1]),), "argument"),
    "math": (lambda a: math.sin(a), (2.0,), "instead of math"),
    "int": (lambda a: int(a), (2.5,), "astype"),
    "method of a number": (lambda a: a.is_integer(), (2.5,), "is_integer"),
    "max of Python": (lambda a, b: max(a, b), (2.0, 3.0), "branches"),
    "membership": (lambda x: 1.0 in x, (X,), "branches"),
    "memory": (lambda x: x.strides, (X,), "memory"),
    "nonzero": (lambda x: np.nonzero(x), (X,), "shape"),
    "unique": (lambda x: np.unique(x), (X,), "shape"),
    "extract": (lambda x: np.extract(x > 1, x), (X,), "shape"),
    "compress": (lambda x: np.compress(x > 1, x), (X,), "shape"),
    "bincount": (lambda n: np.bincount(n), (np.array([1, 2]),), "shape"),
    "delete": (lambda x, i: np.delete(x, i), (X, np.array([0, 0])), "shape"),
    "product of polynomials": (lambda x: np.polymul(x, x), (X,), "convolve"),
    "eigenvalues": (lambda x: np.linalg.eigvals(x), (W,), "dtype.*eigh"),
    "square root that may be complex": (lambda x: np.emath.sqrt(x), (X,), "dtype"),
    "order in memory": (lambda x: np.ravel(x, order="K"), (W,), "order='C'"),
    "writing nan_to_num": (lambda x: np.nan_to_num(x, copy=False), (X,), "copy=False"),
    "an error that was caught": (caught, (W,), "caught"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    f, args, words = REFUSED[name]
    with pytest.raises(TraceError) as caught:
        compile(f)(*args)
    assert len(caught.value.args) == 3
    assert re.search(words, str(caught.value), re.DOTALL), str(caught.value)


def test_constants_are_those_of_the_moment() -> None:
    def f(x: Any) -> Any:
        part = np.zeros(3)
        part[0] = 1
        y = x + part
        part[0] = 2
        return y * part

    np.testing.assert_array_equal(compile(f)(X), f(X))


ALIASES: list[Callable[..., Any]] = [
    lambda x: (x + 0, x),
    lambda x: (x, x * 1),
    lambda x: (W, np.reshape(x * 1, (3, 1)), (x / 1)[1:]),
    lambda x: (np.sin(x), np.sin(x) + 0, np.reshape(np.sin(x), (1, 3))),
    lambda x: tg.grad(lambda a, b: np.sum(a + b), (0, 1))(x, x),
    lambda x: tg.grad(lambda a, b: np.sum(a * np.sin(b)), (0, 1))(x, x),
    lambda x: (np.sin(x), tg.grad(lambda a: np.sum(a * np.sin(x)))(x)),
    lambda x: (np.split(x + 0, [1])[1], np.flip(x * 1), np.real(x - 0)),
]


@pytest.mark.parametrize("f", ALIASES)
def test_results_share_memory_only_where_those_of_f_do(f: Any) -> None:
    x = np.arange(3.0)
    found, expected = compile(f)(x), f(x)
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.flags.writeable
        assert np.shares_memory(a, x) <= np.shares_memory(b, x)
        assert not np.shares_memory(a, W)
        for c, d in zip(found[:i], expected[:i], strict=True):
            assert np.shares_memory(a, c) <= np.shares_memory(b, d)


def test_a_tensor_from_outside_is_a_constant_and_warned_of() -> None:
    outside = tg.tensor(X, requires_grad=True)
    with pytest.warns(TraceWarning, match="constant"):
        found = compile(lambda x: x * outside)(X)
    np.testing.assert_array_equal(found.numpy(), X * X)


# Names.


def named(f: Callable[..., Any], *args: Any) -> set[str]:
    program = trace(f, args, {}).program
    values = [*program.inputs, *(value for line in program.lines for value in line.results)]
    return {value.name for value in values if isinstance(value, Value) and value.name}


def test_arguments_and_locals_keep_their_names() -> None:
    def f(weights: Any, x: Any) -> Any:
        hidden = np.tanh(weights @ x)
        loss = np.sum(hidden * hidden)
        return loss * 2

    assert {"weights", "x", "hidden", "loss"} <= named(f, W, X)


def test_leaves_of_trees_are_named_by_their_way() -> None:
    layers = [Layer(W / 9, X), Layer(W.T / 9, -X)]
    found = trace(net, (layers, X), {}).program.inputs
    assert [value.name for value in found if value.shape] == [
        "layers_0_w", "layers_0_b", "layers_1_w", "layers_1_b", "x",
    ]  # fmt: skip
    (w, b, x) = trace(lambda p, x: p.w @ x + p.b, (Layer(W, X), X), {}).program.inputs
    assert (w.name, b.name, x.name) == ("w", "b", "x")


def test_gradients_are_named_after_what_they_belong_to() -> None:
    def loss(w: Any, x: Any) -> Any:
        hidden = np.tanh(w @ x)
        return np.sum(hidden * hidden)

    step = compile(tg.grad(loss, (0, 1)))
    step(W, X)
    assert "hidden = " in step.source
    for name in ("dw", "dx", "dhidden"):
        assert re.search(rf"\b{name}\b", step.source), step.source


def test_a_loop_may_use_a_name_again() -> None:
    def loss(x: Any) -> Any:
        for _ in range(3):
            x = np.sin(x) * x
        return np.sum(x)

    step = compile(tg.value_and_grad(loss))
    found, expected = step(X), tg.value_and_grad(loss)(X)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-14)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-14)
    names = re.findall(r"^    (\w+) = ", step.source, re.MULTILINE)
    assert len(names) == len(set(names)), step.source
