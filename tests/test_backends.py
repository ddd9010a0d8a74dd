"""Programs under other array libraries give NumPy's results. Skipped where they are missing."""

import importlib.util
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.programs import backends
from tinygrad_ce.trees import leaves

Z = np.random.default_rng(0).normal(size=(4, 3))
LABELS = np.array([0, 1, 2, 1])
ROWS = np.full((4, 3), 1 / 3)
P = {"w": Z[:3].copy(), "b": np.zeros(3)}
ALL = ("jax", "torch")
INSTALLED = [
    pytest.param(
        name, marks=pytest.mark.skipif(not importlib.util.find_spec(name), reason="an extra")
    )
    for name in ALL
]


def network(p: Any, x: Any, t: Any) -> Any:
    return tg.softmax_cross_entropy(np.tanh(x @ p["w"] + p["b"]), t)


def attention(x: Any) -> Any:
    return np.sum(tg.softmax(x @ x.T) @ x * np.arange(3, dtype=x.dtype))


CASES: list[tuple[Any, tuple[Any, ...]]] = [
    (tg.grad(tg.cross_entropy), (ROWS[0], np.array([0.0, 0.5, 0.5]))),
    (tg.value_and_grad(lambda z, t: tg.cross_entropy(tg.softmax(z), t)), (Z, LABELS)),
    (tg.value_and_grad(tg.softmax_cross_entropy), (Z, ROWS)),
    (tg.value_and_grad(network), (P, Z, LABELS)),
    (tg.value_and_grad(attention), (Z,)),
    (tg.value_and_grad(attention), (Z.astype("f"),)),
    (tg.grad(tg.sigmoid_cross_entropy), (Z, ROWS)),
    (tg.hessian(lambda z: tg.logsumexp(z)), (Z[0],)),
    (tg.value_and_grad(lambda x: np.sum(tg.gelu(x) + tg.relu(x) + tg.softplus(x))), (Z,)),
    (lambda x: (x + np.arange(4), 2 * x, x // 2, np.ones(4, "f") * x), (LABELS,)),
    (lambda x, s: x * s, (Z.astype("f"), 2.0)),
    (tg.grad(lambda x: np.sum(np.where(x > 0, np.log1p(np.abs(x)), x**3)) + np.var(x)), (Z,)),
    (tg.grad(lambda x: np.sum(x[[0, 0, 1]] ** 2) + np.max(x)), (Z,)),
    (tg.softmax, (np.array([[0.0, -np.inf], [np.inf, 1.0], [1e4, 1e4]]),)),
]


@pytest.mark.parametrize("backend", INSTALLED)
@pytest.mark.parametrize(("f", "args"), CASES)
def test_results_are_numpys(backend: str, f: Any, args: Any) -> None:
    compiled = tg.compile(f, backend=backend)
    wanted = leaves(f(*args))
    for _ in range(2):
        for found, x in zip(leaves(compiled(*args)), wanted, strict=True):
            assert np.asarray(found).dtype == np.asarray(x).dtype
            digits = 1e-5 if np.asarray(x).dtype == np.float32 else 1e-12
            assert np.allclose(np.asarray(found), x, rtol=digits, atol=digits / 10)


@pytest.mark.parametrize("backend", INSTALLED)
def test_arrays_of_the_library_come_and_go(backend: str) -> None:
    step = tg.compile(tg.grad(network), backend=backend)
    once = step(P, Z, LABELS)
    twice = step(once, Z, LABELS)
    assert type(twice["w"]) is type(once["w"]) is not np.ndarray
    eager = tg.grad(network)
    assert np.allclose(np.asarray(twice["w"]), eager(eager(P, Z, LABELS), Z, LABELS)["w"])
    assert len(step.report().splitlines()) == 1


@pytest.mark.parametrize("backend", INSTALLED)
def test_what_has_no_counterpart_is_refused(backend: str) -> None:
    with pytest.raises(tg.TraceError, match="generator"):
        tg.compile(lambda x, r: x + r.random(), backend=backend)(Z, np.random.default_rng(0))
    with pytest.raises(tg.TargetError):
        tg.compile(tg.softmax_cross_entropy, backend=backend)(Z, LABELS + 5)


@pytest.mark.parametrize("backend", INSTALLED)
def test_nan_in_a_gradient(backend: str) -> None:
    f = tg.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x) / x, x)))
    x = np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        assert np.allclose(np.asarray(tg.compile(f, backend=backend)(x)), f(x))


def test_unknown_and_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="'numpy', 'jax' or 'torch'"):
        tg.compile(len, backend="tpu")

    def absent() -> Any:
        raise ImportError

    monkeypatch.setitem(backends._LIBRARIES, "jax", absent)
    with pytest.raises(tg.MissingError, match=r"tinygrad_ce\[jax\]"):
        tg.compile(len, backend="jax")
