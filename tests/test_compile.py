"""tg.compile as a product: signatures, the cache, what is refused, what stays whole."""

import copy
import functools
import linecache
import pickle
import sys
import threading
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_ce as tg

X = np.array([1.0, 2.0, 4.0])


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclass
class Layer:
    w: Any
    kind: str = "tanh"

    def __call__(self, x: Any) -> Any:
        return np.tanh(self.w * x) if self.kind == "tanh" else self.w * x


@dataclass
class Noted:
    w: Any
    scale: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        self.factor = 2.0


@tg.compile(static_argnames="n")
def power(x: Any, n: int) -> Any:
    return x**n


def programs(f: Any) -> int:
    return len(f.report().splitlines())


# Signatures.


def test_shapes_and_dtypes_have_programs_of_their_own() -> None:
    f = tg.compile(lambda x: x * 2)
    for x in (X, X[:2], X.astype("f"), X.astype(int), X[:, None], 3.0, 3, 3j, np.float64(3)):
        assert f(x) is not None
        found, wanted = f(x), x * 2
        assert type(found) is type(wanted)
        assert np.array_equal(found, wanted)
    assert programs(f) == 9


def test_numbers_vary_without_a_new_program() -> None:
    f = tg.compile(lambda x, a: x * a)
    assert [f(X, a)[0] for a in (2.0, 3.0, float("inf"))] == [2.0, 3.0, np.inf]
    assert programs(f) == 1


def test_other_leaves_are_static_by_value() -> None:
    f = tg.compile(lambda x, mode, flip: -x if flip else x * {"double": 2, "half": 0.5}[mode])
    assert f(X, "double", False)[0] == 2
    assert f(X, "half", False)[0] == 0.5
    assert f(X, "half", True)[0] == -1
    assert programs(f) == 3


@pytest.mark.parametrize(
    "values", [(1, 1.0, True), (0.0, -0.0), ((1,), (True,), (1.0,)), ("1", b"1")]
)
def test_static_values_that_equal_one_another_are_told_apart(values: Any) -> None:
    f = tg.compile(lambda x, v: (x, repr(v)), static_argnums=1)
    for v in (*values, *values):
        assert f(X, v)[1] == repr(v)
    assert programs(f) == len(values)


@pytest.mark.parametrize(
    "declared",
    [{"static_argnums": 1}, {"static_argnums": (-1,)}, {"static_argnames": "n"},
     {"static_argnames": ["n"]}],
)  # fmt: skip
def test_static_arguments_by_number_and_name(declared: Any) -> None:
    @tg.compile(**declared)
    def total(x: Any, n: int) -> Any:
        return sum(x * i for i in range(n))

    assert np.array_equal(total(X, 3), 3 * X)
    assert np.array_equal(total(X, n=3), 3 * X)
    assert np.array_equal(total(n=4, x=X), 6 * X)
    total(X, 1000)
    total(X, n=1000)


def test_static_arguments_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="argument 2 of 1"):
        tg.compile(lambda x: x, static_argnums=2)
    with pytest.raises(ValueError, match="'y'"):
        tg.compile(lambda x: x, static_argnames="y")


def test_trees_of_other_structure_have_programs_of_their_own() -> None:
    f = tg.compile(lambda tree: tree)
    trees: list[Any] = [
        {"a": X, "b": X}, {"b": X, "a": X}, {"a": X}, [X, X], (X, X), Pair(X, X), [X, [X]],
        {1: X}, {True: X}, {}, [], (), None, Layer(X), Layer(X, "linear"), [Layer(X), None],
    ]  # fmt: skip
    for tree in (*trees, *trees):
        found = f(tree)
        assert repr(found) == repr(tree)
        assert type(found) is type(tree)
    assert programs(f) == len(trees)


def test_static_fields_of_dataclasses_count() -> None:
    f = tg.compile(lambda layer, x: layer(x))
    assert np.array_equal(f(Layer(2.0), X), np.tanh(2 * X))
    assert np.array_equal(f(Layer(2.0, "linear"), X), 2 * X)
    assert np.array_equal(f(Layer(3.0, "linear"), X), 3 * X)
    assert programs(f) == 2


def test_attributes_that_are_no_fields_count() -> None:
    f = tg.compile(lambda m, x: m.w * m.factor * x)
    m = Noted(X)
    assert np.array_equal(f(m, 1.0), 2 * X)
    m.factor = 3.0
    assert np.array_equal(f(m, 1.0), 3 * X)
    m.factor = X
    with pytest.raises(tg.TraceError, match="declare factor as a field"):
        f(m, 1.0)


def test_integers_beyond_64_bits_are_static() -> None:
    f = tg.compile(lambda n: n + 1)
    assert [f(n) for n in (1, 2**70, 2**71)] == [2, 2**70 + 1, 2**71 + 1]


def test_tensors_come_back_as_tensors() -> None:
    f = tg.compile(lambda x: x * 2)
    assert isinstance(f(X), np.ndarray)
    assert isinstance(f(tg.tensor(X)), tg.Tensor)
    assert isinstance(f(tg.tensor(X)), tg.Tensor)
    x = tg.tensor(X, requires_grad=True)
    f(x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
    with tg.no_grad():
        assert not f(x).requires_grad


def test_inside_another_program_and_under_grad() -> None:
    f = tg.compile(lambda x: np.sum(np.sin(x)))
    assert np.allclose(tg.grad(f)(X), np.cos(X))
    g = tg.compile(tg.grad(f))
    assert np.allclose(g(X), np.cos(X))
    assert "cos" in g.source


# The cache.


def test_the_program_used_least_recently_goes() -> None:
    seen = []

    @tg.compile(maxsize=2)
    def f(x: Any) -> Any:
        seen.append(len(x))
        return x

    for n in (1, 2, 1, 3, 1, 2):
        f(np.ones(n))
    assert seen == [1, 2, 3, 2]
    assert programs(f) == 2
    with pytest.raises(ValueError, match="integer from 1"):
        tg.compile(len, maxsize=0)


def test_clear_and_report() -> None:
    f = tg.compile(lambda x, n: x * n)
    assert f.report() == ""
    f(X, 2.0)
    f(X, 3.0)
    assert f.report().startswith("f(x: float64 (3,), n: float")
    assert "1 lines, 2 calls, written in " in f.report()
    assert "1 programs" in repr(f)
    f.clear()
    assert f.report() == ""
    with pytest.raises(tg.TraceError, match="before the first call"):
        f.source  # noqa: B018


def test_programs_without_calling() -> None:
    f = tg.compile(lambda x: x + 1)
    assert len(f.program(X).lines) == 1
    assert "return x + 1" in f.version(X).source
    with pytest.raises(tg.TraceError, match="for variables"):
        f.program(tg.tensor(X, requires_grad=True))


def test_source_is_of_the_last_call(tmp_path: Path) -> None:
    f = tg.compile(lambda x: x + len(x))
    f(X)
    f(X[:2])
    assert "x + 2" in f.source
    f(X)
    assert "x + 3" in f.source
    f.save(tmp_path / "program.py")
    scope: dict[str, Any] = {}
    exec((tmp_path / "program.py").read_text(encoding="utf-8"), scope)
    assert np.array_equal(scope["f"](X), X + 3)


# Callables of all kinds.


def test_methods() -> None:
    class Model:
        scale = 2.0

        @tg.compile
        def scaled(self, x: Any) -> Any:
            return x * self.scale

        @tg.compile(static_argnums=2)
        def powered(self, x: Any, n: int) -> Any:
            return self.scaled(x) ** n

    model = Model()
    assert np.array_equal(model.scaled(X), 2 * X)
    assert np.array_equal(model.powered(X, 2), 4 * X**2)
    assert "2.0" in model.scaled.source
    assert np.array_equal(tg.compile(model.scaled)(X), 2 * X)


def test_weird_callables() -> None:
    def scaled(x: Any, n: Any) -> Any:
        return x * n

    assert np.array_equal(tg.compile(functools.partial(scaled, n=3))(X), 3 * X)
    assert np.array_equal(tg.compile(functools.partial(scaled, X))(3.0), 3 * X)
    assert np.array_equal(tg.compile(np.sin)(X), np.sin(X))
    assert tg.compile(len)(X) == 3
    assert np.array_equal(tg.compile(Layer(2.0))(X), np.tanh(2 * X))
    assert np.array_equal(tg.compile(lambda *a, **k: a[0] + k["y"])(X, y=X), 2 * X)
    assert tg.compile(lambda self, function: self + function)(1.0, function=2.0) == 3.0
    with pytest.raises(tg.TraceError, match="takes a function"):
        tg.compile(3)

    async def later(x: Any) -> Any:
        return x

    with pytest.raises(tg.TraceError, match="async"):
        tg.compile(later)


def test_pickle_and_copy() -> None:
    assert pickle.loads(pickle.dumps(power)) is power
    assert copy.copy(power) is power
    f = tg.compile(np.sin, maxsize=3)
    f(X)
    for made in (pickle.loads(pickle.dumps(f)), copy.copy(f), copy.deepcopy(f)):
        assert np.array_equal(made(X), np.sin(X))


def test_it_looks_like_the_function() -> None:
    assert power.__name__ == "power"
    assert power.__module__ == __name__


# What is refused.


def _mutates(x: Any) -> Any:
    x += 1
    return x


def _assigns(x: Any) -> Any:
    x[0] = 1
    return x


def _adds_at(x: Any) -> Any:
    np.add.at(x, [0], 1)
    return x


def _fills(x: Any) -> Any:
    made = np.zeros(3)
    made[0] = x[0]
    return made


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: x if x[0] > 0 else -x, "np.where"),
        (lambda x: [v for v in x if v > 0], "np.where"),
        (lambda x: max(x), "np.where"),
        (lambda x: x[0].item(), ".item() on what the program returns"),
        (lambda x: float(x[0]), "NumPy's functions"),
        (lambda x: x.tolist(), "the array itself"),
        (lambda x: np.asarray(x), "as it is"),
        (lambda x: np.array([x[0], x[1]]), "np.stack"),
        (lambda x: np.exp(x, out=x), "x = x + 1"),
        (lambda x: x[x > 0], "np.where"),
        (lambda x: range(x[0]), "static"),
        (lambda x: f"{x[0]:.2f}", "debug_print"),
        (lambda x: np.zeros(x[0].astype(int)), "static"),
        (_mutates, "x = x + 1"),
        (_assigns, "set_at"),
        (_adds_at, "at"),
        (_fills, "set_at"),
    ],
)
def test_refused(f: Any, remedy: str) -> None:
    x = X.copy()
    with pytest.raises(tg.TraceError) as found:
        tg.compile(f)(x)
    assert len(found.value.args) == 3
    assert remedy in found.value.args[2]
    assert np.array_equal(x, X)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({1, 2}, "no hash"), (bytearray(b"a"), "no hash"), (iter([1]), "iterator"),
        (np.array(["a"]), "array"), (np.array([object()]), "array"),
        (np.ma.array([1.0]), "MaskedArray"),
    ],
)  # fmt: skip
def test_leaves_that_are_refused(value: Any, part: str) -> None:
    with pytest.raises(tg.TraceError, match=part):
        tg.compile(lambda x, v: x)(X, {"k": value})


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], np.ones(2)])
def test_unhashable_statics(value: Any) -> None:
    with pytest.raises(tg.TraceError, match="argument v is"):
        tg.compile(lambda x, v: x, static_argnames="v")(X, v=value)


def test_results_that_are_no_trees_of_arrays() -> None:
    class Box:
        def __init__(self, x: Any) -> None:
            self.x = x

    with pytest.raises(tg.TraceError, match="returned a Box"):
        tg.compile(Box)(X)
    with pytest.raises(tg.TraceError, match="returned a generator"):
        tg.compile(lambda x: (v for v in x))(X)


# Random numbers, prints, gradients written in passing.


def test_a_generator_that_is_an_argument_draws_anew() -> None:
    f = tg.compile(lambda x, rng: x + rng.normal(size=3))
    a, b = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(3):
        assert np.array_equal(f(X, a), X + b.normal(size=3))
    assert "rng.normal(size=3)" in f.source


def test_generators_outside_are_refused() -> None:
    rng = np.random.default_rng(0)
    legacy = np.random.RandomState(0)
    held = {"deep": [rng]}

    def inner(x: Any) -> Any:
        return x * held["deep"][0].random()

    for f in (
        lambda x: x + rng.random(), lambda x: x + legacy.rand(), lambda x: x + np.random.rand(),
        lambda x, r=rng: x + r.random(), functools.partial(lambda r, x: x + r.random(), rng), inner,
        lambda x: inner(x), tg.grad(lambda x: np.sum(inner(x))),
    ):  # fmt: skip
        with pytest.raises(tg.TraceError, match="default_rng"):
            tg.compile(f)(X)
    assert np.array_equal(tg.compile(lambda x: x + (rng is None))(X), X)


def test_debug_print(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        tg.debug_print("sum {:.1f}, {}", np.sum(x), "ok")
        return np.sum(x * x)

    f(X)
    tg.grad(f)(X)
    assert capsys.readouterr().out == "sum 7.0, ok\n" * 2
    compiled = tg.compile(tg.grad(f))
    compiled(X)
    compiled(2 * X)
    assert capsys.readouterr().out == "sum 7.0, ok\nsum 14.0, ok\n"
    assert "print('sum {:.1f}, {}'.format(np.sum(x), 'ok'))" in compiled.source


def test_backward_inside() -> None:
    w = tg.tensor(X, requires_grad=True)

    def writes(x: Any) -> Any:
        loss = np.sum(w * x)
        loss.backward()
        return loss.detach()

    with pytest.raises(tg.TraceError, match=r"tg\.grad"):
        tg.compile(writes)(X)
    assert w.grad is None
    assert np.array_equal(w.numpy(), X)

    def returns(x: Any) -> Any:
        v = tg.tensor(X, requires_grad=True)
        np.sum(v * x).backward()
        return v.grad

    f = tg.compile(returns)
    assert np.array_equal(f(X), X)
    assert np.array_equal(f(2 * X), 2 * X)

    def of_argument(x: Any) -> Any:
        v = tg.tensor(x, requires_grad=True)
        np.sum(v * v * v).backward()
        return v.grad

    f = tg.compile(of_argument)
    assert np.array_equal(f(X), 3 * X**2)
    assert np.array_equal(f(2 * X), 12 * X**2)


# Reliability.


def test_captured_arrays_are_constants_and_copied() -> None:
    w = X.copy()
    f = tg.compile(lambda x: (x * w, w))
    f(X)
    w[:] = 0
    product, kept = f(X)
    assert np.array_equal(product, X * X)
    assert np.array_equal(kept, X)
    kept[:] = 0
    assert np.array_equal(f(X)[1], X)


def test_results_are_not_overwritten() -> None:
    f = tg.compile(tg.value_and_grad(lambda p: np.sum(np.tanh(p["w"]) ** 2) + np.sum(p["b"])))
    p = {"w": np.linspace(0, 1, 6).reshape(2, 3), "b": np.ones(2)}
    before = f(p)
    kept = copy.deepcopy(before)
    for scale in (2.0, 3.0):
        f({"w": p["w"] * scale, "b": p["b"] * scale})
    assert np.array_equal(before[1]["w"], kept[1]["w"])
    assert np.array_equal(before[1]["b"], kept[1]["b"])
    for g in before[1].values():
        assert g.flags.writeable
        assert not any(np.shares_memory(g, x) for x in p.values())


def test_threads() -> None:
    f = tg.compile(tg.value_and_grad(lambda x, a: np.sum(np.tanh(x * a) ** 2)))
    eager = f.function
    sizes = (5, 5, 50, 500)
    wrong: list[Any] = []
    start = threading.Barrier(len(sizes))

    def work(n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        start.wait()
        for _ in range(100):
            x, a = rng.normal(size=n), float(rng.normal())
            value, g = f(x, a)
            wanted, by_hand = eager(x, a)
            if not (np.allclose(value, wanted) and np.allclose(g, by_hand)):
                wrong.append((n, x, a))

    threads = [threading.Thread(target=work, args=(n, i)) for i, n in enumerate(sizes)]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(switch)
    assert not wrong
    assert programs(f) == 3


def test_reentry() -> None:
    def f(x: Any, n: Any) -> Any:
        return x if n == 0 else compiled(x, n - 1) * 2

    compiled = tg.compile(f, static_argnames="n")
    assert np.array_equal(compiled(X, 3), 8 * X)


def test_an_exception_leaves_nothing_half_done() -> None:
    fail = [True]

    @tg.compile
    def f(x: Any) -> Any:
        if fail[0]:
            raise KeyError("no")
        return x + 1

    with pytest.raises(KeyError):
        f(X)
    assert f.report() == ""
    fail[0] = False
    assert np.array_equal(f(X), X + 1)
    loss = tg.compile(tg.grad(tg.cross_entropy))
    loss(np.array([0.5, 0.5]), np.array([0.0, 1.0]))
    with pytest.raises(tg.TargetError):
        loss(np.array([0.5, 0.5]), np.array([1.0, 1.0]))
    assert loss(np.array([0.5, 0.5]), np.array([0.0, 1.0]))[1] == -2


def test_a_gradient_that_is_nan_is_looked_at_again_by_the_engine() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(x) / x, x))

    compiled = tg.compile(tg.grad(f))
    with np.errstate(all="ignore"):
        for x in (X, np.array([0.0, 1.0, 2.0]), X):
            assert np.array_equal(compiled(x), tg.grad(f)(x), equal_nan=True)

    def noisy(x: Any, rng: Any) -> Any:
        return f(x * rng.integers(1, 9))

    again = tg.compile(tg.grad(noisy))
    a, b = np.random.default_rng(0), np.random.default_rng(0)
    with np.errstate(all="ignore"):
        for x in (X, np.array([0.0, 1.0, 2.0]), X):
            np.testing.assert_allclose(again(x, a), tg.grad(noisy)(x, b), rtol=1e-15)


def test_no_warnings_of_inf_and_nan_and_the_users_setting_stays() -> None:
    f = tg.compile(lambda x: np.log(x) / x)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert f(np.zeros(2))[0] == -np.inf
        assert f(np.zeros(2))[0] == -np.inf
        assert set(np.geterr().values()) == {"raise"}
        with pytest.raises(FloatingPointError):
            np.log(np.zeros(1))


def test_a_traceback_shows_the_programs_lines() -> None:
    f = tg.compile(lambda x, t: tg.softmax_cross_entropy(x, t))
    f(np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(tg.TargetError) as found:
        f(np.zeros((2, 3)), np.array([0, 7]))
    text = "".join(traceback.format_tb(found.value.__traceback__))
    assert "tinygrad_ce program" in text
    assert "check_labels(" in text
    assert any("tinygrad_ce program" in name for name in linecache.cache)


def test_the_overhead_of_a_call_is_small() -> None:
    """It is measured by tests/benchmarks; here only that the short way is taken."""
    f = tg.compile(lambda p, x: (p, x))
    p = {f"w{i}": X for i in range(6)}
    f(p, X)
    assert f.version(p, X).enter((p, X), {}) is not None
    assert f.version(p, X).enter((p, X[:2]), {}) is None
    assert f.version(p, X).enter((p,), {}) is None
    assert f.version(p, X).enter(({**p, "more": X}, X), {}) is None
    assert f.version(p, X).enter((dict(reversed(p.items())), X), {}) is None


def test_the_librarys_draws_are_those_of_the_eager_call_from_the_first_one_on() -> None:
    dropout = tg.nn.Dropout(0.5)

    def f(x: Any) -> Any:
        return dropout(x), dropout(x), tg.softmax(x)

    compiled = tg.compile(f)
    for x in (np.ones(8), np.array([np.inf, *np.ones(7)])):  # the second leaves the program
        tg.manual_seed(1)
        found = compiled(x)
        tg.manual_seed(1)
        with np.errstate(all="ignore"):
            expected = f(x)
        np.testing.assert_array_equal(found, expected)


def test_a_program_whose_short_ways_fail_is_run_without_them() -> None:
    calls = []

    def f(t: Any, y: Any) -> Any:
        calls.append(1)
        return np.sum(tg.xlogy(t, y))

    compiled = tg.compile(f)
    for _ in range(12):
        assert compiled(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0.0
    assert len(calls) == 1
    assert compiled(np.array([0.5, 1.0]), np.array([1.0, 1.0])) == 0.0
